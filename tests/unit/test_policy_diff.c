/* What changes between two policies, in words, and whether it is stricter. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"
#include "policy/policy_words.h"
#include "suite.h"

#define HEAD "policy: p\nversion: 1\nrequirements:\n"
#define RULE "  - id: R\n    severity: fail\n    title: {en: a, ja: b}\n"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

static struct att_policy *policy_of(const char *text)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    if (att_policy_parse_yaml(&p, "p", att_slice_str(text), &diag) != ATT_OK) {
        ck_abort_msg("%s", diag.text);
    }
    return p;
}

static struct att_policy_diff *diff_of(const char *before, const char *after)
{
    struct att_policy *a = policy_of(before);
    struct att_policy *b = policy_of(after);
    struct att_policy_diff *d = NULL;

    ck_assert_int_eq(att_policy_diff(&d, a, b), ATT_OK);
    att_policy_free(a);
    att_policy_free(b);
    return d;
}

/* One predicate changes into another of its kind. */
static const struct {
    const char *before, *after;
    enum att_policy_effect effect;
    const char *says;
} ROWS[] = {
    {"grade_at_least: E1", "grade_at_least: E2", ATT_EFFECT_STRICTER, "E2"},
    {"grade_at_least: E3", "grade_at_least: E2", ATT_EFFECT_LOOSER, "before: "},
    {"own_measured: [/a]", "own_measured: [/a, /b]", ATT_EFFECT_STRICTER, "added: /b"},
    {"own_measured: [/a, /b]", "own_measured: [/a]", ATT_EFFECT_LOOSER, "gone: /b"},
    {"own_measured: [/a]", "own_measured: [/b]", ATT_EFFECT_OTHER, "added: /b; gone: /a"},
    {"boot_pcrs: [0]", "boot_pcrs: [0, 7]", ATT_EFFECT_STRICTER, "PCR 0, 7"},
    {"logs: [own, ima]", "logs: [own]", ATT_EFFECT_LOOSER, "own"},
    {"sha256_in: {name: /x, values: [\"" ZERO "\"]}",
     "sha256_in: {name: /x, values: [\"" ZERO "\", \"" ONES "\"]}", ATT_EFFECT_LOOSER,
     "added: 1111111111111111..."},
    {"sha256_in: {name: /x, values: [\"" ZERO "\"]}",
     "sha256_in: {name: /y, values: [\"" ZERO "\"]}", ATT_EFFECT_OTHER, "/y has the digest"},
    {"event_absent: {logs: [own], sha256: [\"" ZERO "\"]}",
     "event_absent: {logs: [own], sha256: [\"" ZERO "\", \"" ONES "\"]}", ATT_EFFECT_STRICTER,
     "2 denied digests"},
    {"pcr_equals: {pcr: 7, value: \"" ZERO "\"}", "pcr_equals: {pcr: 7, value: \"" ONES "\"}",
     ATT_EFFECT_OTHER, "PCR 7 is 1111111111111111..."},
    {"min_version: {name: /x, at_least: 1, at_most: 9}",
     "min_version: {name: /x, at_least: 2, at_most: 9}", ATT_EFFECT_STRICTER, "from 2 to 9"},
    {"max_age_seconds: 60", "max_age_seconds: 90", ATT_EFFECT_LOOSER, "at most 90 s"},
    {"own_items: {under: [/etc], unlisted: fail}", "own_items: {under: [/etc], unlisted: warn}",
     ATT_EFFECT_LOOSER, "no reference value warns"},
    {"own_items: {under: [/etc]}", "own_items: {under: [/etc, /usr]}", ATT_EFFECT_OTHER, "/usr"},
    {"ima_files: {unlisted: warn}", "ima_files: {unlisted: fail}", ATT_EFFECT_STRICTER, "fails"},
    {"ima_violations: ignore", "ima_violations: fail", ATT_EFFECT_STRICTER, "violation"},
    {"boot_order: {verdict: fail}", "boot_order: {verdict: ignore}", ATT_EFFECT_LOOSER, "before: "},
    {"boot_order: {late: [1]}", "boot_order: {late: [1, 4]}", ATT_EFFECT_LOOSER, "before: "},
    {"any: [{logs: [own]}]", "all: [{logs: [own]}]", ATT_EFFECT_OTHER, "all of ("},
    {"not: {logs: [own]}", "not: {logs: [ima]}", ATT_EFFECT_OTHER, "not ("},
    {"logs: [own]", "grade_at_least: E1", ATT_EFFECT_OTHER, "graded E1"},
};

START_TEST(policy_diff__says_what_changes_and_which_way)
{
    char before[1024];
    char after[1024];
    struct att_policy_diff *d = NULL;

    (void)snprintf(before, sizeof(before), "%s    %s\n", HEAD RULE, ROWS[_i].before);
    (void)snprintf(after, sizeof(after), "%s    %s\n", HEAD RULE, ROWS[_i].after);
    d = diff_of(before, before);
    ck_assert_uint_eq(d->count, 0);
    att_policy_diff_free(d);
    d = diff_of(before, after);
    ck_assert_uint_eq(d->count, 1);
    ck_assert_str_eq(d->change[0].id, "R");
    ck_assert_msg(d->change[0].effect == ROWS[_i].effect, "%s -> %s: %d", ROWS[_i].before,
                  ROWS[_i].after, d->change[0].effect);
    ck_assert_msg(strstr(d->change[0].en, ROWS[_i].says) != NULL, "%s", d->change[0].en);
    ck_assert_uint_gt(strlen(d->change[0].ja), 0);
    att_policy_diff_free(d);
}
END_TEST

START_TEST(policy_diff__names_what_is_new_and_what_is_gone)
{
    struct att_policy_diff *d =
        diff_of(HEAD RULE "    logs: [own]\n",
                "policy: q\nversion: 2\nlabel_ttl: 1h\ninterval: 1h\nrequirements:\n"
                "  - {id: S, severity: warn, title: {en: a, ja: b}, logs: [own]}\n");

    ck_assert_uint_eq(d->count, 6);
    ck_assert_ptr_nonnull(strstr(d->change[0].en, "another name: q, before p"));
    ck_assert_ptr_nonnull(strstr(d->change[1].en, "version: 2, before 1"));
    ck_assert_int_eq(d->change[2].effect, ATT_EFFECT_STRICTER); /* labels end sooner */
    ck_assert_int_eq(d->change[3].effect, ATT_EFFECT_LOOSER);   /* silence shows later */
    ck_assert_str_eq(d->change[4].id, "S");
    ck_assert_int_eq(d->change[4].effect, ATT_EFFECT_STRICTER);
    ck_assert_ptr_nonnull(strstr(d->change[4].en, "is new (warns)"));
    ck_assert_str_eq(d->change[5].id, "R");
    ck_assert_int_eq(d->change[5].effect, ATT_EFFECT_LOOSER);
    ck_assert_ptr_nonnull(strstr(d->change[5].en, "is gone (fails)"));
    att_policy_diff_free(d);
}
END_TEST

/* The strict default stays when its rule goes. */
START_TEST(policy_diff__a_rule_that_replaced_a_default_is_neither)
{
    struct att_policy_diff *d =
        diff_of(HEAD RULE "    logs: [own]\n  - {id: T, severity: fail, title: {en: a, ja: b}, "
                          "tpm_firmware: unchanged}\n",
                HEAD RULE "    logs: [own]\n");

    ck_assert_uint_eq(d->count, 1);
    ck_assert_int_eq(d->change[0].effect, ATT_EFFECT_OTHER);
    att_policy_diff_free(d);
}
END_TEST

#define FILES          RULE "    ima_files: {unlisted: fail}\n"
#define MORE(id, rule) "  - {id: " id ", severity: fail, title: {en: a, ja: b}, " rule "}\n"

/* A rule that relaxes a default beside others: what it makes of the whole policy when it comes, and when it goes. */
static const struct {
    const char *beside, *rule;
    enum att_policy_effect comes, goes;
} RELAXES[] = {
    {FILES, MORE("T", "ima_violations: ignore"), ATT_EFFECT_LOOSER, ATT_EFFECT_STRICTER},
    {FILES, MORE("T", "ima_violations: warn"), ATT_EFFECT_LOOSER, ATT_EFFECT_STRICTER},
    {FILES, MORE("T", "ima_violations: fail"), ATT_EFFECT_OTHER, ATT_EFFECT_OTHER},
    {FILES, MORE("T", "ima_kexec: ignore"), ATT_EFFECT_LOOSER, ATT_EFFECT_STRICTER},
    {FILES, MORE("T", "ima_kexec: fail"), ATT_EFFECT_OTHER, ATT_EFFECT_OTHER},
    {FILES, MORE("T", "boot_order: {verdict: ignore}"), ATT_EFFECT_LOOSER, ATT_EFFECT_STRICTER},
    {FILES, MORE("T", "boot_order: {late: [1]}"), ATT_EFFECT_LOOSER, ATT_EFFECT_STRICTER},
    {FILES, MORE("T", "boot_order: {verdict: fail}"), ATT_EFFECT_OTHER, ATT_EFFECT_OTHER},
    /* the strictest of a kind holds */
    {FILES MORE("S", "ima_violations: fail"), MORE("T", "ima_violations: ignore"), ATT_EFFECT_OTHER,
     ATT_EFFECT_OTHER},
    {FILES MORE("S", "ima_kexec: ignore"), MORE("T", "ima_kexec: fail"), ATT_EFFECT_STRICTER,
     ATT_EFFECT_LOOSER},
    {FILES MORE("S", "boot_order: {late: [1]}"), MORE("T", "boot_order: {late: [4]}"),
     ATT_EFFECT_STRICTER, ATT_EFFECT_LOOSER},
    /* where nobody judges the files, violations are nobody's either */
    {RULE "    logs: [ima]\n", MORE("T", "ima_violations: fail"), ATT_EFFECT_STRICTER,
     ATT_EFFECT_LOOSER},
};

START_TEST(policy_diff__a_rule_that_relaxes_a_default_is_looser)
{
    char without[1024];
    char with[1024];
    struct att_policy_diff *d = NULL;

    (void)snprintf(without, sizeof(without), "%s%s", HEAD, RELAXES[_i].beside);
    (void)snprintf(with, sizeof(with), "%s%s", without, RELAXES[_i].rule);
    d = diff_of(without, with);
    ck_assert_uint_eq(d->count, 1);
    ck_assert_str_eq(d->change[0].id, "T");
    ck_assert_int_eq(d->change[0].effect, RELAXES[_i].comes);
    att_policy_diff_free(d);
    d = diff_of(with, without);
    ck_assert_uint_eq(d->count, 1);
    ck_assert_int_eq(d->change[0].effect, RELAXES[_i].goes);
    att_policy_diff_free(d);
}
END_TEST

#define ITEMS(id, under)                                                                           \
    "  - {id: " id ", severity: fail, title: {en: a, ja: b}, own_items: {under: [" under "]}}\n"

START_TEST(policy_diff__the_order_of_own_items_counts)
{
    struct att_policy_diff *d = diff_of(HEAD ITEMS("A", "/etc") ITEMS("B", "/etc/x"),
                                        HEAD ITEMS("B", "/etc/x") ITEMS("A", "/etc"));

    ck_assert_uint_eq(d->count, 1);
    ck_assert_ptr_nonnull(strstr(d->change[0].en, "stands elsewhere"));
    att_policy_diff_free(d);
    d = diff_of(HEAD RULE "    logs: [own]\n" ITEMS("A", "/etc"),
                HEAD ITEMS("A", "/etc") RULE "    logs: [own]\n");
    ck_assert_uint_eq(d->count, 0);
    att_policy_diff_free(d);
}
END_TEST

/* However long the names: one line, whole characters, an end. */
START_TEST(requirement_words__are_cut_and_escaped)
{
    char text[8192];
    char out[200];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s    own_measured: [\"/a\\tb\"", HEAD RULE);
    struct att_policy *p = NULL;

    for (int i = 0; i < 8; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, ", /設定/%080d", i);
    }
    (void)snprintf(text + at, sizeof(text) - at, "]\n");
    p = policy_of(text);
    for (size_t cap = 8; cap <= sizeof(out); cap++) {
        for (int ja = 0; ja < 2; ja++) {
            ck_assert_ptr_eq(att_requirement_words(out, cap, &p->requirement[0], ja != 0), out);
            ck_assert_uint_lt(strlen(out), cap);
            ck_assert_ptr_null(strchr(out, '\t'));
        }
    }
    ck_assert_str_eq(out + strlen(out) - 3, "...");
    att_policy_free(p);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("policy-diff");
    Suite *suite = suite_create("policy-diff");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_loop_test(tc, policy_diff__says_what_changes_and_which_way, 0, (int)ATT_COUNT(ROWS));
    tcase_add_test(tc, policy_diff__names_what_is_new_and_what_is_gone);
    tcase_add_test(tc, policy_diff__a_rule_that_replaced_a_default_is_neither);
    tcase_add_loop_test(tc, policy_diff__a_rule_that_relaxes_a_default_is_looser, 0,
                        (int)ATT_COUNT(RELAXES));
    tcase_add_test(tc, policy_diff__the_order_of_own_items_counts);
    tcase_add_test(tc, requirement_words__are_cut_and_escaped);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
