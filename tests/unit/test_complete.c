/* own_complete: what the reference values were made from is all there, or the gateway is not good. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"
#include "policy/name_set.h"
#include "scene.h"
#include "suite.h"

static const char POLICY[] =
    "policy: complete\nversion: 1\nbank: sha256\nown_pcrs: [13]\nrequirements:\n"
    "  - {id: R-1, title: {en: a, ja: b}, severity: fail, own_items: {under: [\"/\"], unlisted: "
    "fail}}\n"
    "  - {id: R-2, title: {en: a, ja: b}, severity: fail, own_complete: [\"/\"]}\n"
    "  - {id: R-3, title: {en: a, ja: b}, severity: fail, own_complete: [\"/etc\"]}\n";

static const struct scene_reference FILES[] = {
    {"/etc/a.conf", "a = 1\n"}, {"/etc/b.conf", "b = 2\n"}, {"/opt/tool", "tool"}, {NULL, NULL}};

static void add_set(struct att_refvals_maker *m, const char *prefix)
{
    ATT_CLEANUP(att_name_set_freep) struct att_name_set *set = NULL;
    char name[64];
    uint8_t digest[32];
    size_t count = 0;

    NEED(att_name_set_new(&set) == ATT_OK);
    for (size_t i = 0; FILES[i].name != NULL; i++) {
        if (strncmp(FILES[i].name, prefix, strlen(prefix)) == 0) {
            NEED(att_name_set_add(set, att_slice_str(FILES[i].name)) == ATT_OK);
        }
    }
    NEED(att_name_set_digest(digest, &count, set) == ATT_OK);
    (void)snprintf(name, sizeof(name), ATT_COMPLETE_PREFIX "%s", prefix);
    NEED(att_refvals_maker_add(m, att_slice_str(name), digest) == ATT_OK);
}

/* A gateway that measured a.conf and b.conf; its references know a tool beside them. */
static struct scene *incomplete(void)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    struct scene *s = scene_new(POLICY, FILES);
    uint8_t digest[32];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (size_t i = 0; FILES[i].name != NULL; i++) {
        NEED(att_sha256(att_slice_str(FILES[i].content), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(FILES[i].name), digest) == ATT_OK);
    }
    add_set(m, "/");
    add_set(m, "/etc");
    att_refvals_freep(&s->refs);
    att_buf_freep(&s->refs_bytes);
    NEED(att_refvals_maker_finish(&s->refs_bytes, m) == ATT_OK);
    NEED(att_refvals_open(&s->refs, att_buf_slice(s->refs_bytes), NULL) == ATT_OK);
    return s;
}

static void measure(struct scene *s, const char *name, const char *content)
{
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, name, att_slice_str(content));
}

static struct scene *complete(void)
{
    struct scene *s = incomplete();

    measure(s, "/opt/tool", "tool");
    return s;
}

/* The verifier asks for the whole log again, as it does when a carry says so. */
static void from_the_start(struct scene *s)
{
    s->from.off[ATT_LOG_OWN] = 0;
    memset(&s->carry, 0, sizeof(s->carry));
    memset(&s->prior.log, 0, sizeof(s->prior.log));
}

START_TEST(own_complete__holds_when_all_is_there_and_goes_on)
{
    struct scene *s = complete();

    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    ck_assert(!s->result->carry.whole);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    measure(s, "/etc/a.conf", "a = 1\n"); /* measured again */
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(own_complete__misses_a_file_until_the_whole_log_shows_it)
{
    struct scene *s = incomplete();

    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_INCOMPLETE, "/");
    ck_assert(!scene_has_reason(s, ATT_R_REF_INCOMPLETE, "/etc")); /* nothing is missing there */
    ck_assert(s->result->carry.whole);
    scene_attest(s); /* nothing new: it still stands */
    scene_expect_reason(s, ATT_R_REF_INCOMPLETE, "/");
    measure(s, "/opt/tool", "tool");
    from_the_start(s);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    ck_assert(!s->result->carry.whole);
    scene_free(s);
}
END_TEST

START_TEST(own_complete__one_file_more_makes_nothing_incomplete)
{
    struct scene *s = complete();

    measure(s, "/etc/more", "more");
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_UNLISTED, "/etc/more");
    ck_assert(!scene_has_reason(s, ATT_R_REF_INCOMPLETE, "/"));
    scene_free(s);
}
END_TEST

/* The changed content is own_items' reason; the item is there. */
START_TEST(own_complete__counts_a_changed_file_as_there)
{
    struct scene *s = complete();

    measure(s, "/etc/b.conf", "b = 3\n");
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/b.conf");
    ck_assert(!scene_has_reason(s, ATT_R_REF_INCOMPLETE, "/"));
    scene_free(s);
}
END_TEST

START_TEST(own_complete__an_item_counts_by_its_latest_entry)
{
    struct scene *s = complete();
    const struct att_own_item gone = {.type = ATT_OWN_ABSENT, .name = att_slice_str("/etc/a.conf")};

    softlog_own_items(&s->own, s->tpm, SCENE_OWN_PCR, &gone, 1);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_INCOMPLETE, "/etc");
    scene_expect_reason(s, ATT_R_REF_ABSENT, "/etc/a.conf");
    measure(s, "/etc/a.conf", "a = 1\n");
    from_the_start(s);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(own_complete__is_not_known_without_its_reference)
{
    struct scene *s = scene_new(POLICY, FILES);

    measure(s, "/opt/tool", "tool");
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_INCOMPLETE, "/");
    scene_expect_reason(s, ATT_R_REF_INCOMPLETE, "/etc");
    scene_free(s);
}
END_TEST

/* An update of two packages: a file that comes, a link that comes, and a file with its value that goes. */
static const struct scene_change UPDATE[] = {{"/etc/b.conf", "b = 2\n", NULL},
                                             {"/etc/b.conf#b", "2", NULL},
                                             {"/etc/c.conf", NULL, "c = 1\n"},
                                             {"link:/etc/d.conf", NULL, "c.conf"},
                                             {NULL, NULL, NULL}};

static struct scene *updating(void)
{
    struct scene *s = complete();

    s->now_s = 1000;
    scene_notify(s, "n-1", 999, 2000, UPDATE);
    return s;
}

static void remove_item(struct scene *s, const char *name)
{
    const struct att_own_item gone = {.type = ATT_OWN_ABSENT, .name = att_slice_str(name)};

    softlog_own_items(&s->own, s->tpm, SCENE_OWN_PCR, &gone, 1);
}

static void link_to(struct scene *s, const char *name, const char *target)
{
    struct att_own_item item = {.type = ATT_OWN_LINK, .name = att_slice_str(name)};
    uint8_t digest[32];

    NEED(att_sha256(att_slice_str(target), digest) == ATT_OK);
    item.digest = digest;
    softlog_own_items(&s->own, s->tpm, SCENE_OWN_PCR, &item, 1);
}

static void expect_warning(struct scene *s)
{
    from_the_start(s);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_WARNING);
    scene_expect_reason(s, ATT_R_REF_WINDOW, "n-1");
}

/* Step by step, and judged from the beginning after each, as after a reboot. */
START_TEST(own_complete__holds_at_each_step_of_an_update_in_its_window)
{
    struct scene *s = updating();

    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING); /* nothing has changed yet */
    measure(s, "/etc/c.conf", "c = 1\n");
    expect_warning(s);
    remove_item(s, "/etc/b.conf");
    expect_warning(s);
    link_to(s, "/etc/d.conf", "c.conf");
    expect_warning(s); /* all of it: no reference has this set, and no change lists it */
    scene_free(s);
}
END_TEST

START_TEST(own_complete__of_an_update_excuses_what_is_listed_alone)
{
    struct scene *s = updating();

    measure(s, "/etc/c.conf", "c = 1\n");
    remove_item(s, "/opt/tool");
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_INCOMPLETE, "/");
    ck_assert(!scene_has_reason(s, ATT_R_REF_INCOMPLETE, "/etc"));
    s->now_s = 2000; /* and with the end of the window it is over */
    measure(s, "/opt/tool", "tool");
    remove_item(s, "/etc/b.conf");
    from_the_start(s);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_INCOMPLETE, "/etc");
    scene_free(s);
}
END_TEST

/* What came was shown, and is away after a power cut: the set is that of the references, and yet the state before. */
START_TEST(own_complete__of_an_update_does_not_go_back)
{
    struct scene *s = updating();

    measure(s, "/etc/c.conf", "c = 1\n");
    expect_warning(s);
    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    from_the_start(s);
    softlog_own_boot(&s->own, s->tpm, SCENE_OWN_PCR);
    for (size_t i = 0; FILES[i].name != NULL; i++) {
        measure(s, FILES[i].name, FILES[i].content);
    }
    s->now_s += 1000 * (int64_t)_i; /* inside the window and after it */
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/c.conf");
    ck_assert(s->result->carry.whole);
    if (_i == 0) {
        measure(s, "/etc/c.conf", "c = 1\n");
        expect_warning(s);
    }
    scene_free(s);
}
END_TEST

START_TEST(att_name_set__is_one_digest_whatever_the_order)
{
    struct att_name_set *a = NULL;
    struct att_name_set *b = NULL;
    uint8_t x[32];
    uint8_t y[32];
    size_t n = 0;

    ck_assert_int_eq(att_name_set_new(&a), ATT_OK);
    ck_assert_int_eq(att_name_set_new(&b), ATT_OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(att_name_set_add(a, att_slice_str(FILES[i].name)), ATT_OK);
        ck_assert_int_eq(att_name_set_add(b, att_slice_str(FILES[2 - i].name)), ATT_OK);
        ck_assert_int_eq(att_name_set_add(b, att_slice_str(FILES[0].name)), ATT_OK); /* again */
    }
    ck_assert_int_eq(att_name_set_digest(x, &n, a), ATT_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(att_name_set_digest(y, &n, b), ATT_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_mem_eq(x, y, 32);
    ck_assert_int_eq(att_name_set_add(b, att_slice_str("link:/etc/a.conf")), ATT_OK);
    ck_assert_int_eq(att_name_set_digest(y, &n, b), ATT_OK);
    ck_assert_mem_ne(x, y, 32);
    att_name_set_free(a);
    att_name_set_free(b);
}
END_TEST

/* ---- where something is missing -------------------------------------------------------------- */

static const char *const TREE[] = {"/etc/a.conf",     "/etc/b.conf",     "/lib/a/one",
                                   "/lib/a/two",      "/lib/a.so",       "/lib/b/deep/er/one",
                                   "/lib/b/deep/two", "/lib/b/deep-ish", "/opt/only/tool"};
static const char *const FOLDERS[] = {"/etc",        "/lib", "/lib/a",    "/lib/b",
                                      "/lib/b/deep", "/opt", "/opt/only", "/"};

static bool below(const char *folder, const char *name)
{
    size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

    return strncmp(folder, name, len) == 0 && name[len] == '/';
}

static void add_folder(struct att_refvals_maker *m, const char *folder)
{
    ATT_CLEANUP(att_name_set_freep) struct att_name_set *set = NULL;
    char name[64];
    uint8_t digest[32];
    size_t count = 0;

    NEED(att_name_set_new(&set) == ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(TREE); i++) {
        if (below(folder, TREE[i])) {
            NEED(att_name_set_add(set, att_slice_str(TREE[i])) == ATT_OK);
        }
    }
    NEED(att_name_set_digest(digest, &count, set) == ATT_OK);
    (void)snprintf(name, sizeof(name), ATT_COMPLETE_PREFIX "%s", folder);
    NEED(att_refvals_maker_add(m, att_slice_str(name), digest) == ATT_OK);
}

/* A gateway that has all of the tree but these: one bit each. The files of the scene itself stand in /etc. */
static struct scene *tree_without(uint32_t missing)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    struct scene *s = scene_new(POLICY, FILES);
    uint8_t digest[32];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(TREE); i++) {
        const char *content = i < 2 ? FILES[i].content : TREE[i];

        NEED(att_sha256(att_slice_str(content), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(TREE[i]), digest) == ATT_OK);
        if (i >= 2 && (missing >> i & 1) == 0) {
            measure(s, TREE[i], TREE[i]);
        }
    }
    for (size_t i = 0; i < ATT_COUNT(FOLDERS); i++) {
        add_folder(m, FOLDERS[i]);
    }
    att_refvals_freep(&s->refs);
    att_buf_freep(&s->refs_bytes);
    NEED(att_refvals_maker_finish(&s->refs_bytes, m) == ATT_OK);
    NEED(att_refvals_open(&s->refs, att_buf_slice(s->refs_bytes), NULL) == ATT_OK);
    return s;
}

static const char *words_for(const struct scene *s, const char *prefix)
{
    for (uint32_t i = 0; i < s->result->reason_count; i++) {
        const struct att_result_reason *r = &s->result->reason[i];

        if (r->reason == ATT_R_REF_INCOMPLETE && strcmp(r->name, prefix) == 0) {
            return r->text;
        }
    }
    return NULL;
}

static const struct {
    uint32_t missing;
    const char *words; /* NULL: nothing is missing */
} WHERE[] = {
    {0, NULL},
    {1U << 2, "something is missing in /lib/a"},
    {1U << 4, "something is missing in /lib"},
    {1U << 5, "something is missing in /lib/b/deep"}, /* the references tell of no deeper folder */
    {1U << 6, "something is missing in /lib/b/deep"},
    {1U << 7, "something is missing in /lib/b"},
    {1U << 2 | 1U << 6, "something is missing in /lib/a, /lib/b/deep"},
    {1U << 8, "something is missing in /"}, /* no entry stands in /opt: all of it */
    {1U << 2 | 1U << 3, "something is missing in /lib"},
};

START_TEST(own_complete__tells_the_narrowest_folder_that_lacks_something)
{
    struct scene *s = tree_without(WHERE[_i].missing);
    const char *words = NULL;

    scene_attest(s);
    words = words_for(s, "/");
    if (WHERE[_i].words == NULL) {
        ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    } else {
        ck_assert_ptr_nonnull(words);
        ck_assert_str_eq(words, WHERE[_i].words);
    }
    ck_assert_ptr_null(words_for(s, "/etc"));
    scene_free(s);
}
END_TEST

/* More than are named; and where nobody knows what all of it is. */
START_TEST(own_complete__tells_some_folders_of_many_and_what_nobody_knows)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    struct scene *s = scene_new(POLICY, FILES);
    static const uint8_t OTHER[32] = {1};
    char name[64];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    NEED(att_refvals_maker_add(m, att_slice_str(ATT_COMPLETE_PREFIX "/"), OTHER) == ATT_OK);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), ATT_COMPLETE_PREFIX "/d%d", i);
        NEED(att_refvals_maker_add(m, att_slice_str(name), OTHER) == ATT_OK);
        (void)snprintf(name, sizeof(name), "/d%d/file", i);
        measure(s, name, name);
    }
    att_refvals_freep(&s->refs);
    att_buf_freep(&s->refs_bytes);
    NEED(att_refvals_maker_finish(&s->refs_bytes, m) == ATT_OK);
    NEED(att_refvals_open(&s->refs, att_buf_slice(s->refs_bytes), NULL) == ATT_OK);
    scene_attest(s);
    ck_assert_str_eq(words_for(s, "/"), "something is missing in /d0, /d1, /d2 ...");
    ck_assert_str_eq(words_for(s, "/etc"), "no reference value tells what all of it is");
    scene_free(s);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {own_complete__holds_when_all_is_there_and_goes_on, 0},
        {own_complete__misses_a_file_until_the_whole_log_shows_it, 0},
        {own_complete__one_file_more_makes_nothing_incomplete, 0},
        {own_complete__counts_a_changed_file_as_there, 0},
        {own_complete__an_item_counts_by_its_latest_entry, 0},
        {own_complete__is_not_known_without_its_reference, 0},
        {own_complete__holds_at_each_step_of_an_update_in_its_window, 0},
        {own_complete__of_an_update_excuses_what_is_listed_alone, 0},
        {own_complete__of_an_update_does_not_go_back, 2},
        {own_complete__tells_the_narrowest_folder_that_lacks_something, (int)ATT_COUNT(WHERE)},
        {own_complete__tells_some_folders_of_many_and_what_nobody_knows, 0},
        {att_name_set__is_one_digest_whatever_the_order, 0}};

    return SUITE_RUN_ROWS("complete", ROWS, NULL);
}
