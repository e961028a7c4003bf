/* Paths of a policy: one that no name begins with is refused at its place, one that covers nothing is told there. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "need.h"
#include "policy/name_set.h"
#include "policy/policy_prefix.h"
#include "suite.h"

#define HEAD                                                                                       \
    "policy: p\nversion: 1\nrequirements:\n"                                                       \
    "  - {id: R-1, title: {en: a, ja: b}, severity: fail, "

struct told {
    size_t count;
    char text[4][ATT_DIAG_TEXT];
};

static void warn(void *ctx, const struct att_diag *what)
{
    struct told *t = ctx;

    NEED(t->count < ATT_COUNT(t->text));
    ck_assert_int_eq(what->reason, ATT_R_CFG_PREFIX);
    (void)snprintf(t->text[t->count++], sizeof(t->text[0]), "%s", what->text);
}

/* References with these names, each once. */
static struct att_refvals *refer(struct att_buf **bytes, const char *const *names)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    struct att_refvals *refs = NULL;
    static const uint8_t digest[32] = {1};

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (; *names != NULL; names++) {
        NEED(att_refvals_maker_add(m, att_slice_str(*names), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(bytes, m) == ATT_OK);
    NEED(att_refvals_open(&refs, att_buf_slice(*bytes), NULL) == ATT_OK);
    return refs;
}

static const char *const SETS[] = {
    "/etc/a",        "link:/etc/l",       "/usr/bin/x",    "complete:/",
    "complete:/etc", "complete:/usr/bin", "complete:/usr", NULL};
static const char *const NO_SETS[] = {"/etc/a", NULL};

static enum att_err check(struct told *t, const char *text, const char *const *names,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    ATT_CLEANUP(att_refvals_freep)
    struct att_refvals *refs = names != NULL ? refer(&bytes, names) : NULL;

    return att_policy_check_prefixes("p.yaml", att_slice_str(text), refs, warn, t, diag);
}

static const struct {
    const char *text, *place;
} NO_SLASH[] = {
    {HEAD "own_items: {under: [/etc, etc]}}\n",
     "p.yaml:4:80: expected a path from / on, found etc"},
    {HEAD "own_complete: [usr/bin]}\n", "p.yaml:4:69: "},
    {HEAD "any: [{own_measured: [x]}, {own_complete: [./usr]}]}\n", "found ./usr"},
    {HEAD "not: {own_items: {under: [opt]}}}\n", "found opt"},
    {HEAD "own_complete: [\"spec:plant\"]}\n", "found spec:plant"}, /* nobody lists all of them */
};

START_TEST(policy_prefixes__refuse_a_path_that_no_name_begins_with)
{
    struct told t = {.count = 0};
    struct att_diag diag = {0};

    ck_assert_int_eq(check(&t, NO_SLASH[_i].text, NULL, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICY);
    ck_assert_msg(strstr(diag.text, NO_SLASH[_i].place) != NULL, "%s", diag.text);
}
END_TEST

static const struct {
    const char *text;
    const char *const *names;
    const char *warning; /* NULL: none */
} COVERS[] = {
    {HEAD "own_items: {under: [/etc, /etc/, /etc/a, /etc/l, /usr, /]}}\n", SETS, NULL},
    {HEAD "own_items: {under: [/ect]}}\n", SETS, "p.yaml:4:74: "},
    {HEAD "own_items: {under: [/etc/ab]}}\n", SETS, "found /etc/ab"},
    {HEAD "own_items: {under: [/a/b/c/d/e]}}\n", SETS, NULL}, /* deeper than the sets tell */
    {HEAD "own_items: {under: [/ect]}}\n", NO_SETS, NULL},    /* no sets: nothing is known */
    {HEAD "own_items: {under: [/ect]}}\n", NULL, NULL},
    {HEAD "own_items: {under: [\"spec:plant\"]}}\n", NULL, NULL}, /* a specification is no path */
    {HEAD "own_complete: [/, /usr/bin]}\n", SETS, NULL},
    {HEAD "own_complete: [/usr/bin/]}\n", SETS, "p.yaml:4:69: "}, /* looked for as it is written */
    {HEAD "all: [{own_complete: [/]}, {own_complete: [/opt]}]}\n", NO_SETS, "found /"},
};

START_TEST(policy_prefixes__tell_a_path_that_covers_nothing)
{
    struct told t = {.count = 0};
    struct att_diag diag = {0};

    ck_assert_int_eq(check(&t, COVERS[_i].text, COVERS[_i].names, &diag), ATT_OK);
    ck_assert_msg((t.count > 0) == (COVERS[_i].warning != NULL), "%s", t.text[0]);
    if (COVERS[_i].warning != NULL) {
        ck_assert_msg(strstr(t.text[0], COVERS[_i].warning) != NULL, "%s", t.text[0]);
    }
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {policy_prefixes__refuse_a_path_that_no_name_begins_with, (int)ATT_COUNT(NO_SLASH)},
        {policy_prefixes__tell_a_path_that_covers_nothing, (int)ATT_COUNT(COVERS)},
    };

    return SUITE_RUN_ROWS("policy_prefix", rows, NULL);
}
