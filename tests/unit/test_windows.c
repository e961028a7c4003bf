/* Change notices in appraisal: what becomes expected, for how long, and what is refused from then on. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"
#include "scene.h"

#define DAY 86400
#define NOW 1000000

static const char POLICY[] = "policy: windows\n"
                             "version: 1\n"
                             "requirements:\n"
                             "  - id: R-1\n"
                             "    title: {en: own items, ja: 測定}\n"
                             "    severity: fail\n"
                             "    own_items: {under: [/etc], unlisted: fail}\n"
                             "  - id: R-2\n"
                             "    title: {en: files, ja: ファイル}\n"
                             "    severity: fail\n"
                             "    ima_files: {unlisted: fail}\n";
static const struct scene_reference REFERENCES[] = {
    {"/etc/a.conf", "a = 1\n"}, {"/etc/b.conf", "b = 2\n"}, {"/bin/x", "x 1"}, {NULL, NULL}};
static const struct scene_change CHANGES[] = {{"/bin/x", "x 1", "x 2"},
                                              {"/etc/a.conf", "a = 1\n", "a = 2\n"},
                                              {"/etc/b.conf", "b = 2\n", NULL},
                                              {"/etc/c.conf", NULL, "c = 1\n"},
                                              {NULL, NULL, NULL}};

static struct scene *open_scene(void)
{
    struct scene *s = scene_new(POLICY, REFERENCES);

    s->now_s = NOW;
    return s;
}

static void own(struct scene *s, const char *name, const char *content)
{
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, name, att_slice_str(content));
}

static void gone(struct scene *s, const char *name)
{
    const struct att_own_item item = {.type = ATT_OWN_ABSENT, .name = att_slice_str(name)};

    softlog_own_items(&s->own, s->tpm, SCENE_OWN_PCR, &item, 1);
}

static void ran(struct scene *s, const char *content)
{
    softlog_ima(&s->ima, s->tpm, "/bin/x", att_slice_str(content));
}

/* What the keeper does when rules or notices changed, or the agent lost its place: everything from the start. */
static void start_over(struct scene *s)
{
    memset(&s->carry, 0, sizeof(s->carry));
    memset(&s->from.off, 0, sizeof(s->from.off));
    memset(s->prior.log, 0, sizeof(s->prior.log));
}

static void reboot(struct scene *s)
{
    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    softlog_clear(&s->ima);
    start_over(s);
    softlog_own_boot(&s->own, s->tpm, SCENE_OWN_PCR);
}

static void expect(struct scene *s, enum att_tier status)
{
    scene_attest(s);
    ck_assert_msg(s->result->status == status, "expected %s, found %s: %s %s",
                  att_tier_name(status), att_tier_name(s->result->status),
                  s->result->reason_count > 0 ? att_reason_code(s->result->reason[0].reason) : "",
                  s->result->reason_count > 0 ? s->result->reason[0].name : "");
}

START_TEST(window__open_makes_listed_states_expected_with_a_warning)
{
    struct scene *s = open_scene();

    expect(s, ATT_TIER_AFFIRMING);
    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    start_over(s);
    expect(s, ATT_TIER_AFFIRMING); /* nothing has changed yet */
    own(s, "/etc/a.conf", "a = 2\n");
    own(s, "/etc/c.conf", "c = 1\n");
    gone(s, "/etc/b.conf");
    expect(s, ATT_TIER_WARNING);
    scene_expect_reason(s, ATT_R_REF_WINDOW, "n-1");
    ck_assert_str_eq(s->result->reason[0].text,
                     "by maintenance, until 1970-01-13T13:46:40Z: 3 of 4 changes are there");
    expect(s, ATT_TIER_WARNING); /* nothing new in the logs: it stays said */
    scene_free(s);
}
END_TEST

START_TEST(window__expects_what_is_listed_under_its_name_alone)
{
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    own(s, "/etc/a.conf", "a = 3\n");
    own(s, "/etc/d.conf", "c = 1\n");
    gone(s, "/etc/a.conf");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_ABSENT, "/etc/a.conf");
    scene_expect_reason(s, ATT_R_REF_UNLISTED, "/etc/d.conf");
    scene_free(s);
}
END_TEST

static const struct {
    int64_t from, until;
} CLOSED[] = {{NOW + 1, NOW + DAY}, {NOW - DAY, NOW}};

START_TEST(window__closed_changes_nothing)
{
    struct scene *s = open_scene();

    scene_notify(s, "n-1", CLOSED[_i].from, CLOSED[_i].until, CHANGES);
    own(s, "/etc/a.conf", "a = 2\n");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(window__that_closed_needs_new_reference_values)
{
    static const struct scene_reference after[] = {{"/etc/a.conf", "a = 1\n"},
                                                   {"/etc/a.conf", "a = 2\n"},
                                                   {"/etc/b.conf", "b = 2\n"},
                                                   {NULL, NULL}};
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    own(s, "/etc/a.conf", "a = 2\n");
    expect(s, ATT_TIER_WARNING);
    s->now_s = NOW + DAY;
    scene_attest(s); /* it is judged beside other windows now: the whole log is asked for */
    scene_expect_reason(s, ATT_R_LOG_COVERAGE, "own");
    start_over(s);
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    scene_refer(s, after, 0);
    start_over(s);
    expect(s, ATT_TIER_AFFIRMING);
    own(s, "/etc/a.conf", "a = 1\n"); /* a reference value still, and yet left behind */
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(retired__is_what_an_item_was_before_the_gateway_showed_the_after)
{
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    expect(s, ATT_TIER_AFFIRMING);
    own(s, "/etc/a.conf", "a = 2\n");
    own(s, "/etc/a.conf", "a = 1\n");
    expect(s, ATT_TIER_AFFIRMING); /* tried and taken back before it was shown */
    own(s, "/etc/a.conf", "a = 2\n");
    expect(s, ATT_TIER_WARNING);
    own(s, "/etc/a.conf", "a = 1\n");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/a.conf");
    own(s, "/etc/a.conf", "a = 2\n");
    gone(s, "/etc/b.conf");
    expect(s, ATT_TIER_WARNING);
    own(s, "/etc/b.conf", "b = 2\n");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/b.conf");
    scene_free(s);
}
END_TEST

START_TEST(retired__is_the_absence_of_what_came)
{
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    gone(s, "/etc/c.conf");
    expect(s, ATT_TIER_AFFIRMING); /* it has not come yet */
    own(s, "/etc/c.conf", "c = 1\n");
    expect(s, ATT_TIER_WARNING);
    gone(s, "/etc/c.conf");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/c.conf");
    own(s, "/etc/c.conf", "c = 1\n");
    expect(s, ATT_TIER_WARNING);
    scene_free(s);
}
END_TEST

/* A link in the place of a file, a link that goes, a link that comes, and a file in the place of a link. */
static const struct scene_reference WITH_LINKS[] = {{"/etc/a.conf", "a = 1\n"},
                                                    {"/etc/b.conf", "b = 2\n"},
                                                    {"link:/etc/l", "a.conf"},
                                                    {"link:/etc/m", "b.conf"},
                                                    {NULL, NULL}};
static const struct scene_change LINKS[] = {{"/etc/b.conf", "b = 2\n", NULL},
                                            {"/etc/m", NULL, "m = 1\n"},
                                            {"link:/etc/b.conf", NULL, "a.conf"},
                                            {"link:/etc/l", "a.conf", NULL},
                                            {"link:/etc/m", "b.conf", NULL},
                                            {"link:/etc/n", NULL, "a.conf"},
                                            {NULL, NULL, NULL}};

static void linked(struct scene *s, const char *name, const char *target)
{
    uint8_t digest[32];
    const struct att_own_item item = {
        .type = ATT_OWN_LINK, .name = att_slice_str(name), .digest = digest};

    NEED(att_sha256(att_slice_str(target), digest) == ATT_OK);
    softlog_own_items(&s->own, s->tpm, SCENE_OWN_PCR, &item, 1);
}

static struct scene *links_scene(void)
{
    struct scene *s = open_scene();

    scene_refer(s, WITH_LINKS, 0);
    scene_notify(s, "n-1", NOW - 1, NOW + DAY, LINKS);
    linked(s, "/etc/l", "a.conf");
    linked(s, "/etc/m", "b.conf");
    expect(s, ATT_TIER_AFFIRMING);
    return s;
}

START_TEST(window__takes_links_that_come_and_go)
{
    struct scene *s = links_scene();

    gone(s, "/etc/l");
    expect(s, ATT_TIER_WARNING);
    scene_expect_reason(s, ATT_R_REF_WINDOW, "n-1");
    ck_assert_ptr_nonnull(strstr(s->result->reason[0].text, "1 of 6 changes"));
    linked(s, "/etc/b.conf", "a.conf"); /* a file became a link: the file is gone with that */
    expect(s, ATT_TIER_WARNING);
    ck_assert_ptr_nonnull(strstr(s->result->reason[0].text, "3 of 6 changes"));
    own(s, "/etc/m", "m = 1\n"); /* and a link a file */
    linked(s, "/etc/n", "a.conf");
    expect(s, ATT_TIER_WARNING);
    ck_assert_ptr_nonnull(strstr(s->result->reason[0].text, "6 of 6 changes"));
    scene_free(s);
}
END_TEST

/* Only what was announced to go may go, and only to nothing. */
START_TEST(window__of_a_link_excuses_nothing_else)
{
    struct scene *s = links_scene();
    const struct att_own_item device = {.type = ATT_OWN_UNSUPPORTED,
                                        .name = att_slice_str("/etc/b.conf")};

    own(s, "/etc/l", "a.conf"); /* it is to go, not to become this */
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/l");
    gone(s, "/etc/l");
    gone(s, "/etc/a.conf");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_ABSENT, "/etc/a.conf");
    own(s, "/etc/a.conf", "a = 1\n");
    softlog_own_items(&s->own, s->tpm, SCENE_OWN_PCR, &device, 1);
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/b.conf");
    scene_free(s);
}
END_TEST

START_TEST(retired__is_the_absence_of_a_link_that_came)
{
    struct scene *s = links_scene();

    linked(s, "/etc/n", "a.conf");
    expect(s, ATT_TIER_WARNING);
    gone(s, "/etc/n");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/n");
    linked(s, "/etc/n", "a.conf");
    gone(s, "/etc/l");
    expect(s, ATT_TIER_WARNING);
    linked(s, "/etc/l", "a.conf"); /* back, behind what was shown */
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/l");
    scene_free(s);
}
END_TEST

START_TEST(retired__holds_after_a_reboot_and_after_the_window)
{
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    own(s, "/etc/a.conf", "a = 2\n");
    expect(s, ATT_TIER_WARNING);
    s->now_s = NOW + 30 * DAY;
    reboot(s);
    own(s, "/etc/a.conf", "a = 1\n");
    own(s, "/etc/b.conf", "b = 2\n");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/a.conf");
    scene_free(s);
}
END_TEST

/* Another gateway never showed the new state: it may wait, and needs no window for that. */
START_TEST(retired__concerns_the_gateway_that_showed_it)
{
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    expect(s, ATT_TIER_AFFIRMING);
    s->now_s = NOW + DAY;
    start_over(s);
    expect(s, ATT_TIER_AFFIRMING);
    ck_assert_uint_eq(s->windows.count, 0);
    scene_free(s);
}
END_TEST

START_TEST(retired__ends_with_a_newer_notice_that_goes_back)
{
    static const struct scene_change back[] = {{"/etc/a.conf", "a = 2\n", "a = 1\n"},
                                               {NULL, NULL, NULL}};
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    own(s, "/etc/a.conf", "a = 2\n");
    expect(s, ATT_TIER_WARNING);
    scene_notify(s, "n-2", NOW, NOW + DAY, back);
    start_over(s);
    own(s, "/etc/a.conf", "a = 1\n");
    expect(s, ATT_TIER_AFFIRMING); /* a reference value again: no window is needed */
    own(s, "/etc/a.conf", "a = 2\n");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/etc/a.conf");
    scene_free(s);
}
END_TEST

/* The kernel's list is history: the old state before the new one is as it must be, behind it is not. */
START_TEST(retired__in_the_kernels_list_is_a_matter_of_place)
{
    struct scene *s = open_scene();

    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    ran(s, "x 1");
    expect(s, ATT_TIER_AFFIRMING);
    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    start_over(s);
    ran(s, "x 2");
    expect(s, ATT_TIER_WARNING);
    expect(s, ATT_TIER_WARNING);
    start_over(s);
    expect(s, ATT_TIER_WARNING); /* the whole list again, in the same boot */
    softlog_ima(&s->ima, s->tpm, "/tmp/copy", att_slice_str("x 1"));
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/tmp/copy");
    start_over(s);
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/tmp/copy");
    scene_free(s);
}
END_TEST

START_TEST(retired__in_the_kernels_list_of_the_next_boot_is_refused_anywhere)
{
    struct scene *s = open_scene();

    scene_notify(s, "n-1", NOW - 1, NOW + DAY, CHANGES);
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    ran(s, "x 2");
    expect(s, ATT_TIER_WARNING);
    reboot(s);
    own(s, "/etc/b.conf", "b = 2\n");
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    ran(s, "x 1");
    expect(s, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_RETIRED, "/bin/x");
    scene_free(s);
}
END_TEST

/* What is kept of a device outlives the store and the wire byte for byte. */
START_TEST(windows__read_back_as_written)
{
    uint8_t room[ATT_WINDOWS_BOUND];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_windows *x = calloc(1, sizeof(*x)), *again = calloc(1, sizeof(*again));
    uint8_t one[32], other[32];

    NEED(x != NULL && again != NULL);
    x->count = ATT_NOTICES_MAX;
    for (uint32_t i = 0; i < x->count; i++) {
        memset(x->window[i].notice, (int)i + 1, 32);
        x->window[i].open = i % 2 == 0;
        x->window[i].reset_count = UINT32_MAX - i;
        memset(x->window[i].shown, 0xff, ATT_WINDOW_BITS);
        x->window[i].earlier[i] = 1;
    }
    att_windows_write(&w, x);
    ck_assert_int_eq(w.err, ATT_OK);
    ck_assert_int_eq(att_windows_decode(again, att_slice_of(room, w.len), NULL), ATT_OK);
    ck_assert_mem_eq(x, again, sizeof(*x));
    ck_assert_int_eq(att_windows_digest(one, x), ATT_OK);
    x->window[1].open = true;
    ck_assert_int_eq(att_windows_digest(other, x), ATT_OK);
    ck_assert_mem_ne(one, other, 32);
    /* a zero at the end has another spelling */
    w = att_wr_into(room, sizeof(room));
    x->count = 1;
    memset(x->window[0].shown, 0, ATT_WINDOW_BITS);
    x->window[0].earlier[0] = 1;
    att_windows_write(&w, x);
    ck_assert_int_eq(w.err, ATT_OK);
    ck_assert_uint_eq(room[w.len - 2], 1); /* one byte of `earlier`, then the empty `shown` */
    room[w.len - 2] = 0;
    ck_assert_int_ne(att_windows_decode(again, att_slice_of(room, w.len), NULL), ATT_OK);
    free(x);
    free(again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("change windows");
    TCase *t = tcase_create("windows");
    SRunner *r = srunner_create(suite);
    int failed = 0;

    tcase_add_test(t, window__open_makes_listed_states_expected_with_a_warning);
    tcase_add_test(t, window__expects_what_is_listed_under_its_name_alone);
    tcase_add_loop_test(t, window__closed_changes_nothing, 0, (int)ATT_COUNT(CLOSED));
    tcase_add_test(t, window__that_closed_needs_new_reference_values);
    tcase_add_test(t, retired__is_what_an_item_was_before_the_gateway_showed_the_after);
    tcase_add_test(t, retired__is_the_absence_of_what_came);
    tcase_add_test(t, window__takes_links_that_come_and_go);
    tcase_add_test(t, window__of_a_link_excuses_nothing_else);
    tcase_add_test(t, retired__is_the_absence_of_a_link_that_came);
    tcase_add_test(t, retired__holds_after_a_reboot_and_after_the_window);
    tcase_add_test(t, retired__concerns_the_gateway_that_showed_it);
    tcase_add_test(t, retired__ends_with_a_newer_notice_that_goes_back);
    tcase_add_test(t, retired__in_the_kernels_list_is_a_matter_of_place);
    tcase_add_test(t, retired__in_the_kernels_list_of_the_next_boot_is_refused_anywhere);
    tcase_add_test(t, windows__read_back_as_written);
    suite_add_tcase(suite, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
