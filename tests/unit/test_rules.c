/* Predicates of a policy over verified evidence: three answers, and what is said of each "no". */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/digest.h"
#include "need.h"
#include "scene.h"
#include "suite.h"

#define HEAD                                                                                       \
    "policy: rules\nversion: 1\nboot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\nrequirements:\n"          \
    "  - {id: items, severity: fail, title: {en: x, ja: y}, own_items: {under: [\"/etc\"]}}\n"
#define RULE "  - id: rule\n    severity: fail\n    title: {en: rule, ja: rule}\n"

static const struct scene_reference REFERENCES[] = {{"/etc/a.conf", "a = 1\n"},
                                                    {"/etc/b.conf", "b = 2\n"},
                                                    {"/etc/c.conf#serial", "7"},
                                                    {NULL, NULL}};

static char *hex_of(char out[65], const char *content)
{
    uint8_t digest[32];

    NEED(att_sha256(att_slice_str(content), digest) == ATT_OK);
    return att_hex_encode(out, 65, att_slice_of(digest, 32));
}

/* A policy with one more requirement; "@" in the predicate becomes the digest of content. */
static struct scene *scene_with(const char *predicate, const char *content)
{
    const char *at = strchr(predicate, '@');
    size_t before = at != NULL ? (size_t)(at - predicate) : strlen(predicate);
    char text[4096];
    char hex[65];

    (void)snprintf(text, sizeof(text), "%s%.*s%s%s", HEAD RULE, (int)before, predicate,
                   at != NULL ? hex_of(hex, content) : "", at != NULL ? at + 1 : "");
    return scene_new(text, REFERENCES);
}

/* One predicate over the usual scene: /etc/a.conf and /etc/b.conf, own log alone, E2. */
static const struct {
    const char *predicate, *content;
    enum att_reason reason; /* NONE: affirming */
    const char *name;
} ROWS[] = {
    {"    sha256_in: {name: /etc/a.conf, values: [\"@\"]}\n", "a = 1\n", ATT_R_NONE, NULL},
    {"    sha256_in: {name: /etc/a.conf, values: [\"@\"]}\n", "a = 2\n", ATT_R_POL_REQUIREMENT,
     "/etc/a.conf"},
    {"    sha256_in: {name: /etc/no.conf, values: [\"@\"]}\n", "a = 1\n", ATT_R_REF_MISSING,
     "/etc/no.conf"},
    {"    event_absent: {logs: [own], sha256: [\"@\"]}\n", "a = 2\n", ATT_R_NONE, NULL},
    {"    event_absent: {logs: [own], sha256: [\"@\"]}\n", "b = 2\n", ATT_R_POL_DENY,
     "/etc/b.conf"},
    {"    event_absent: {logs: [own, ima], sha256: [\"@\"]}\n", "x", ATT_R_LOG_COVERAGE, "ima"},
    {"    not: {sha256_in: {name: /etc/a.conf, values: [\"@\"]}}\n", "a = 2\n", ATT_R_NONE, NULL},
    {"    not: {sha256_in: {name: /etc/a.conf, values: [\"@\"]}}\n", "a = 1\n",
     ATT_R_POL_REQUIREMENT, "/etc/a.conf"},
    /* not of what was not run is not run */
    {"    not: {sha256_in: {name: /etc/no.conf, values: [\"@\"]}}\n", "x", ATT_R_REF_MISSING,
     "/etc/no.conf"},
    {"    not: {logs: [ima]}\n", "x", ATT_R_LOG_COVERAGE, "ima"},
    {"    not: {grade_at_least: E3}\n", "x", ATT_R_POL_GRADE, ""},
    {"    not: {own_measured: [/etc/no.conf]}\n", "x", ATT_R_REF_MISSING, "/etc/no.conf"},
    {"    not: {event_absent: {logs: [uefi], sha256: [\"@\"]}}\n", "x", ATT_R_LOG_COVERAGE, "uefi"},
    {"    not: {not: {not: {logs: [ima]}}}\n", "x", ATT_R_LOG_COVERAGE, "ima"},
    {"    any: [{logs: [ima]}, {sha256_in: {name: /etc/a.conf, values: [\"@\"]}}]\n", "a = 1\n",
     ATT_R_NONE, NULL},
    {"    any: [{sha256_in: {name: /etc/a.conf, values: [\"@\"]}}, {logs: [ima]}]\n", "a = 2\n",
     ATT_R_LOG_COVERAGE, "ima"},
    {"    any: [{sha256_in: {name: /etc/a.conf, values: [\"@\"]}}, {logs: [ima]}]\n", "a = 2\n",
     ATT_R_POL_REQUIREMENT, "/etc/a.conf"},
    {"    all: [{logs: [own]}, {sha256_in: {name: /etc/a.conf, values: [\"@\"]}}]\n", "a = 1\n",
     ATT_R_NONE, NULL},
    {"    all: [{logs: [own]}, {sha256_in: {name: /etc/a.conf, values: [\"@\"]}}]\n", "a = 2\n",
     ATT_R_POL_REQUIREMENT, "/etc/a.conf"},
    {"    all: [{logs: [own]}, {any: [{not: {logs: [ima]}}, {all: [{logs: [own]}]}]}]\n", "x",
     ATT_R_NONE, NULL},
    {"    not: {any: [{logs: [own]}, {logs: [ima]}]}\n", "x", ATT_R_POL_REQUIREMENT, ""},
    {"    not: {all: [{logs: [own]}, {logs: [ima]}]}\n", "x", ATT_R_LOG_COVERAGE, "ima"},
    {"    pcr_equals: {pcr: 7, value: \"@\"}\n", "x", ATT_R_LOG_COVERAGE, "pcr/sha256/7"},
    {"    not: {pcr_equals: {pcr: 7, value: \"@\"}}\n", "x", ATT_R_LOG_COVERAGE, "pcr/sha256/7"},
    {"    pcr_equals: {pcr: 13, value: \"@\"}\n", "x", ATT_R_POL_REQUIREMENT, "pcr/sha256/13"},
    {"    not: {pcr_equals: {pcr: 13, value: \"@\"}}\n", "x", ATT_R_NONE, NULL},
};

START_TEST(rule__has_one_of_three_answers)
{
    struct scene *s = scene_with(ROWS[_i].predicate, ROWS[_i].content);

    scene_attest(s);
    if (ROWS[_i].reason == ATT_R_NONE) {
        ck_assert_msg(s->result->status == ATT_TIER_AFFIRMING, "%s", ROWS[_i].predicate);
        ck_assert_uint_eq(s->result->reason_count, 0);
    } else {
        ck_assert_msg(s->result->status == ATT_TIER_CONTRAINDICATED, "%s", ROWS[_i].predicate);
        scene_expect_reason(s, ROWS[_i].reason, ROWS[_i].name);
    }
    scene_free(s);
}
END_TEST

/* The log goes on: what was read earlier is remembered, and the latest entry of a name counts. */
START_TEST(rule__sha256_in_follows_the_latest_entry)
{
    struct scene *s =
        scene_with("    sha256_in: {name: /etc/a.conf, values: [\"@\"]}\n", "a = 1\n");

    scene_attest(s);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/a.conf", att_slice_str("a = 9\n"));
    scene_attest(s);
    scene_expect_reason(s, ATT_R_POL_REQUIREMENT, "/etc/a.conf");
    scene_attest(s);
    scene_expect_reason(s, ATT_R_POL_REQUIREMENT, "/etc/a.conf");
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

/* What ran has run: a denied digest stays until the next boot. */
START_TEST(rule__event_absent_is_history)
{
    struct scene *s =
        scene_with("    event_absent: {logs: [own, ima], sha256: [\"@\"]}\n", "bad tool");

    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    softlog_ima(&s->ima, s->tpm, "/usr/bin/bad", att_slice_str("bad tool"));
    scene_attest(s);
    scene_expect_reason(s, ATT_R_POL_DENY, "/usr/bin/bad");
    softlog_ima(&s->ima, s->tpm, "/usr/bin/bad", att_slice_str("good tool"));
    scene_attest(s);
    scene_expect_reason(s, ATT_R_POL_DENY, "/usr/bin/bad");
    scene_free(s);
}
END_TEST

/* Without a firmware log only the kernel's own first boot_aggregate is taken at its word: a file can be called so. */
START_TEST(rule__a_file_called_boot_aggregate_is_no_aggregate)
{
    static const struct {
        const char *content;
        enum att_reason reason;
        const char *name;
    } FILES[] = {{"bad tool", ATT_R_POL_DENY, "boot_aggregate"},
                 {"other tool", ATT_R_LOG_AGGREGATE, "ima/1/boot_aggregate"}};
    char text[2048];
    char hex[65];
    struct scene *s = NULL;

    (void)snprintf(text, sizeof(text),
                   "%s    event_absent: {logs: [ima], sha256: [\"%s\"]}\n"
                   "  - {id: kexec, severity: fail, title: {en: x, ja: y}, ima_kexec: ignore}\n",
                   HEAD RULE, hex_of(hex, "bad tool"));
    s = scene_new(text, REFERENCES);
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    softlog_ima(&s->ima, s->tpm, "boot_aggregate", att_slice_str(FILES[_i].content));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, FILES[_i].reason, FILES[_i].name);
    scene_free(s);
}
END_TEST

/* A digest that is not SHA-256 is in no list of denied ones, and so not absent from it either. */
START_TEST(rule__event_absent_is_not_run_over_other_digests)
{
    static const char DATA[] = "\x1a\0\0\0sha1:\0"
                               "aaaaaaaaaaaaaaaaaaaa"
                               "\x0d\0\0\0/usr/bin/bad";
    struct scene *s = scene_with("    event_absent: {logs: [ima], sha256: [\"@\"]}\n", "bad tool");

    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    softlog_ima_template(&s->ima, s->tpm, 10, "ima-ng", att_slice_of(DATA, sizeof(DATA)));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_LOG_COVERAGE, "/usr/bin/bad");
    scene_free(s);
}
END_TEST

static const struct {
    const char *value;
    enum att_reason reason;
} VERSIONS[] = {
    {"6", ATT_R_POL_VERSION},  {"7", ATT_R_NONE},          {"9", ATT_R_NONE},
    {"10", ATT_R_POL_VERSION}, {"07", ATT_R_POL_VERSION},  {"", ATT_R_POL_VERSION},
    {NULL, ATT_R_REF_MISSING}, {"7\n", ATT_R_POL_VERSION},
};

START_TEST(rule__min_version_takes_the_numbers_of_its_range)
{
    static const struct scene_reference ANY[] = {
        {"/etc/a.conf", "a = 1\n"},    {"/etc/b.conf", "b = 2\n"},
        {"/etc/c.conf#serial", "6"},   {"/etc/c.conf#serial", "7"},
        {"/etc/c.conf#serial", "9"},   {"/etc/c.conf#serial", "10"},
        {"/etc/c.conf#serial", "07"},  {"/etc/c.conf#serial", ""},
        {"/etc/c.conf#serial", "7\n"}, {NULL, NULL}};
    struct scene *s = scene_new(
        HEAD RULE "    min_version: {name: \"/etc/c.conf#serial\", at_least: 7, at_most: 9}\n",
        ANY);
    const char *value = VERSIONS[_i].value;

    if (value != NULL) {
        softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/c.conf#serial",
                         att_slice_str(value));
    }
    scene_attest(s);
    if (VERSIONS[_i].reason == ATT_R_NONE) {
        ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    } else {
        scene_expect_reason(s, VERSIONS[_i].reason, "/etc/c.conf#serial");
        ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    }
    scene_free(s);
}
END_TEST

/* Sending the whole log again does not make a boot younger; a reboot does. */
START_TEST(rule__max_age_counts_from_the_first_word_of_a_boot)
{
    struct scene *s = scene_new(HEAD RULE "    max_age_seconds: 60\n", REFERENCES);

    scene_attest(s);
    softtpm_tick(s->tpm, 58000);
    scene_attest(s); /* each quote takes a second */
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    softtpm_tick(s->tpm, 1000);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_POL_AGE, "boot");
    s->from.off[ATT_LOG_OWN] = 0;
    memset(s->prior.log, 0, sizeof(s->prior.log));
    scene_attest(s);
    scene_expect_reason(s, ATT_R_POL_AGE, "boot");
    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    softlog_own_boot(&s->own, s->tpm, SCENE_OWN_PCR);
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    s->from.off[ATT_LOG_OWN] = 0;
    memset(s->prior.log, 0, sizeof(s->prior.log));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

/* D7: what need not hold judges nothing. */
START_TEST(rule__a_boot_pcr_that_may_be_anything_does_not_count_for_the_grade)
{
    static const char *const BOOT[] = {
        "    all: [{boot_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]}]\n",
        "    any: [{boot_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]}, {logs: [own]}]\n",
    };
    char text[2048];
    struct scene *s = NULL;

    (void)snprintf(text, sizeof(text), "%s%s",
                   HEAD "  - {id: ima, severity: fail, title: {en: x, "
                        "ja: y}, ima_files: {unlisted: fail}}\n" RULE,
                   BOOT[_i]);
    s = scene_new(text, REFERENCES);
    softlog_uefi_boot(&s->uefi, s->tpm, "firmware 1");
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    softlog_ima(&s->ima, s->tpm, "/etc/a.conf", att_slice_str("a = 1\n"));
    scene_refer(s, REFERENCES, 0xff);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    ck_assert_int_eq(s->result->grade, _i == 0 ? 3 : 2);
    scene_free(s);
}
END_TEST

START_TEST(rule__a_warning_of_a_whole_is_a_warning)
{
    struct scene *s =
        scene_new(HEAD "  - id: rule\n    severity: warn\n    title: {en: rule, ja: rule}\n"
                       "    all: [{logs: [ima]}, {logs: [own]}]\n",
                  REFERENCES);

    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_WARNING);
    scene_expect_reason(s, ATT_R_LOG_COVERAGE, "ima");
    scene_free(s);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("rules");
    Suite *suite = suite_create("rules");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, rule__has_one_of_three_answers, 0, (int)ATT_COUNT(ROWS));
    tcase_add_test(tc, rule__sha256_in_follows_the_latest_entry);
    tcase_add_test(tc, rule__event_absent_is_history);
    tcase_add_loop_test(tc, rule__a_file_called_boot_aggregate_is_no_aggregate, 0, 2);
    tcase_add_test(tc, rule__event_absent_is_not_run_over_other_digests);
    tcase_add_loop_test(tc, rule__min_version_takes_the_numbers_of_its_range, 0,
                        (int)ATT_COUNT(VERSIONS));
    tcase_add_test(tc, rule__max_age_counts_from_the_first_word_of_a_boot);
    tcase_add_loop_test(tc, rule__a_boot_pcr_that_may_be_anything_does_not_count_for_the_grade, 0,
                        2);
    tcase_add_test(tc, rule__a_warning_of_a_whole_is_a_warning);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
