/* Grades: what counts towards E3, and that nothing counts that was not judged. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"
#include "scene.h"
#include "suite.h"
#include "tcg/ima.h"

#define TITLE "    title: {en: x, ja: y}\n    severity: fail\n"

/* Boot PCRs, kernel list and own measurements, all judged. */
#define POLICY_E3(bank)                                                                            \
    "policy: full\nversion: 1\nbank: " bank "\nboot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"          \
    "requirements:\n"                                                                              \
    "  - id: R-1\n" TITLE "    own_items: {under: [\"/etc\"]}\n"                                   \
    "  - id: R-2\n" TITLE "    ima_files: {unlisted: fail}\n"

#define CLEAN_RULE "  - id: R-3\n" TITLE "    ima_violations: fail\n"

#define BOOT_RULE  "  - id: R-4\n" TITLE "    boot_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"
#define GRADE_RULE "  - id: R-5\n" TITLE "    grade_at_least: E3\n"
#define LOGS_RULE  "  - id: R-6\n" TITLE "    logs: [uefi, ima, own]\n"

static const struct scene_reference REFERENCES[] = {{"/etc/a.conf", "a = 1\n"},
                                                    {"/etc/b.conf", "b = 2\n"},
                                                    {"/usr/bin/tool", "tool"},
                                                    {NULL, NULL}};

static struct scene *full_scene(const char *policy)
{
    struct scene *s = scene_new(policy, REFERENCES);

    softlog_uefi_boot(&s->uefi, s->tpm, "firmware 1");
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    softlog_ima(&s->ima, s->tpm, "/usr/bin/tool", att_slice_str("tool"));
    scene_refer(s, REFERENCES, 0xff);
    return s;
}

START_TEST(grade__all_three_judged_and_a_verified_key_is_e3)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE GRADE_RULE LOGS_RULE);

    scene_attest(s);
    ck_assert_int_eq(s->result->grade, 3);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    ck_assert_int_eq(s->result->vector[ATT_TRUST_EXECUTABLES], 2);
    scene_attest(s); /* nothing new: each log goes on where it was */
    ck_assert_int_eq(s->result->grade, 3);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    softlog_ima(&s->ima, s->tpm, "/usr/bin/tool", att_slice_str("tool"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    ck_assert_uint_eq(s->result->carry.ima_judged, 2); /* boot_aggregate is no file */
    scene_free(s);
}
END_TEST

START_TEST(grade__a_pinned_key_stays_e1_with_all_logs)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE);

    s->ek_verified = false;
    scene_attest(s);
    ck_assert_int_eq(s->result->grade, 1);
    ck_assert_int_eq(s->result->vector[ATT_TRUST_EXECUTABLES], 0);
    scene_free(s);
}
END_TEST

START_TEST(grade__boot_logs_that_no_rule_judges_do_not_count)
{
    struct scene *s = full_scene(POLICY_E3("sha256"));

    scene_attest(s);
    ck_assert_int_eq(s->result->grade, 2);
    ck_assert_int_eq(s->result->vector[ATT_TRUST_EXECUTABLES], 0);
    scene_free(s);
}
END_TEST

/* D7: PCR 0 to 7, all of them. */
START_TEST(grade__some_boot_pcrs_are_no_judged_boot)
{
    struct scene *s = full_scene(POLICY_E3("sha256") "  - id: R-4\n" TITLE
                                                     "    boot_pcrs: [0, 1, 2, 3, 4, 5, 6]\n");

    scene_attest(s);
    ck_assert_int_eq(s->result->grade, 2);
    ck_assert_int_eq(s->result->vector[ATT_TRUST_EXECUTABLES], 0);
    scene_free(s);
}
END_TEST

/* Firmware that measures after the start: its log is asked for whole again, and a part of it is refused. */
START_TEST(grade__a_boot_log_that_grew_is_sent_whole)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE GRADE_RULE LOGS_RULE);

    scene_attest(s);
    ck_assert_uint_gt(s->from.off[ATT_LOG_UEFI], 0);
    softlog_uefi(&s->uefi, s->tpm, 5, 0x80000007, att_slice_str("Exit Boot Services Invocation"));
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_LOG_PCR);
    ck_assert_ptr_nonnull(strstr(s->diag.text, "sent whole"));
    scene_free(s);
}
END_TEST

/* A kernel without an IMA policy lists boot_aggregate and nothing else. */
START_TEST(grade__a_kernel_list_of_no_file_does_not_count)
{
    struct scene *s = scene_new(POLICY_E3("sha256") BOOT_RULE, REFERENCES);

    softlog_uefi_boot(&s->uefi, s->tpm, "firmware 1");
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    scene_refer(s, REFERENCES, 0xff);
    scene_attest(s);
    ck_assert_int_eq(s->result->grade, 2);
    ck_assert_int_eq(s->result->vector[ATT_TRUST_EXECUTABLES], 0);
    scene_free(s);
}
END_TEST

START_TEST(grade__nothing_judged_is_no_warning)
{
    struct scene *s = scene_new("policy: soft\nversion: 1\nrequirements:\n  - id: R-1\n"
                                "    title: {en: x, ja: y}\n    severity: warn\n    logs: [uefi]\n",
                                REFERENCES);

    softlog_ima(&s->ima, s->tpm, "/usr/bin/tool", att_slice_str("tool"));
    s->from.has[ATT_LOG_OWN] = false;
    s->not_asked = 1U << SCENE_OWN_PCR;
    scene_attest(s);
    ck_assert_int_eq(s->result->grade, 0);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(scene_has_reason(s, ATT_R_POL_NONE, ""));
    scene_free(s);
}
END_TEST

START_TEST(grade__a_required_log_that_is_not_sent_is_named)
{
    struct scene *s = scene_new(POLICY_E3("sha256") BOOT_RULE GRADE_RULE LOGS_RULE, REFERENCES);

    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(scene_has_reason(s, ATT_R_LOG_COVERAGE, "uefi"));
    ck_assert(scene_has_reason(s, ATT_R_LOG_COVERAGE, "ima"));
    ck_assert(scene_has_reason(s, ATT_R_LOG_COVERAGE, "pcr/sha256/0"));
    ck_assert(scene_has_reason(s, ATT_R_POL_GRADE, ""));
    scene_free(s);
}
END_TEST

START_TEST(appraise__another_firmware_is_named_by_its_pcr)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE);

    softtpm_reset(s->tpm);
    softlog_clear(&s->uefi);
    softlog_clear(&s->ima);
    softlog_clear(&s->own);
    softlog_uefi_boot(&s->uefi, s->tpm, "firmware 2");
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    softlog_own_boot(&s->own, s->tpm, SCENE_OWN_PCR);
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(scene_has_reason(s, ATT_R_REF_MISMATCH, "pcr/sha256/0"));
    scene_free(s);
}
END_TEST

START_TEST(appraise__an_executed_file_that_is_not_listed_stays_a_reason)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE);

    softlog_ima(&s->ima, s->tpm, "/tmp/x", att_slice_str("evil"));
    scene_attest(s);
    ck_assert(scene_has_reason(s, ATT_R_REF_UNLISTED, "/tmp/x"));
    softlog_ima(&s->ima, s->tpm, "/tmp/x",
                att_slice_str("tool")); /* a later good run repairs nothing */
    scene_attest(s);
    ck_assert(scene_has_reason(s, ATT_R_REF_UNLISTED, "/tmp/x"));
    ck_assert_int_eq(s->result->vector[ATT_TRUST_EXECUTABLES], 96);
    scene_free(s);
}
END_TEST

/* The agent's log is the administrator's to write; the kernel's list is not. */
START_TEST(appraise__an_own_item_displaces_no_entry_of_the_kernel)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE);
    struct att_own_item item = {.type = ATT_OWN_ABSENT};
    struct att_ima it;
    struct att_ima_entry e;
    bool more = true;

    softlog_ima(&s->ima, s->tpm, "/tmp/x", att_slice_str("evil"));
    scene_attest(s);
    ck_assert(scene_has_reason(s, ATT_R_REF_UNLISTED, "/tmp/x"));
    it = att_ima_from(softlog_slice(&s->ima));
    while (att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        item.name = e.template_data; /* the same hash, as a name that was searched for could have */
    }
    softlog_own_items(&s->own, s->tpm, SCENE_OWN_PCR, &item, 1);
    scene_attest(s);
    ck_assert(scene_has_reason(s, ATT_R_REF_UNLISTED, "/tmp/x"));
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_measurement_violation_is_judged_by_its_rule)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE CLEAN_RULE);

    softlog_ima_violation(&s->ima, s->tpm, "/usr/bin/tool");
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(scene_has_reason(s, ATT_R_LOG_VIOLATION, "ima"));
    scene_free(s);
}
END_TEST

/* Absent means the strict value. */
START_TEST(appraise__a_measurement_violation_needs_no_rule_to_be_refused)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE);

    softlog_ima_violation(&s->ima, s->tpm, "/usr/bin/tool");
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(scene_has_reason(s, ATT_R_LOG_VIOLATION, "ima"));
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_violation_passes_where_the_policy_says_so)
{
    struct scene *s = full_scene(POLICY_E3("sha256") BOOT_RULE "  - id: R-3\n" TITLE
                                                               "    ima_violations: ignore\n");

    softlog_ima_violation(&s->ima, s->tpm, "/usr/bin/tool");
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

/* A gateway says which logs it has before it is challenged: a list whose PCR was not asked for proves nothing. */
START_TEST(verify__a_log_whose_pcr_is_not_quoted_is_refused)
{
    static const uint32_t PCRS[] = {1U << 10, 1U << 4};

    for (size_t i = 0; i < ATT_COUNT(PCRS); i++) {
        struct scene *s = full_scene(POLICY_E3("sha256") LOGS_RULE);

        s->not_asked = PCRS[i];
        softlog_ima(&s->ima, NULL, "/usr/bin/tool", att_slice_str("tool")); /* no TPM saw it */
        scene_measure(s, NULL);
        ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
        ck_assert_int_eq(s->diag.reason, ATT_R_Q_PCRSEL);
        scene_free(s);
    }
}
END_TEST

/* Debian's kernel 6.1 has SHA-384 as a module: PCR 10 of that bank gets the padded SHA-1. */
START_TEST(verify__a_bank_that_the_kernel_cannot_hash_is_replayed_by_its_rule)
{
    static const char NO_BOOT[] = POLICY_E3("sha384");
    struct scene *s = scene_new(NO_BOOT, REFERENCES);
    struct att_ima it;
    struct att_ima_entry e;
    struct att_hasher *h = NULL;
    bool more = true;

    NEED(att_hasher_new(&h) == ATT_OK);
    softlog_ima(&s->ima, NULL, "boot_aggregate", att_slice_str("boot"));
    softlog_ima(&s->ima, NULL, "/usr/bin/tool", att_slice_str("tool"));
    it = att_ima_from(softlog_slice(&s->ima));
    while (att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        uint8_t digest[ATT_HASH_MAX];

        NEED(att_ima_extended(digest, &e, ATT_HASH_SHA384, true, h) == ATT_OK);
        softtpm_extend(s->tpm, 10, ATT_HASH_SHA384, digest);
    }
    att_hasher_free(h);
    scene_attest(s);
    ck_assert_uint_eq(s->result->carry.ima_judged, 1);
    ck_assert_uint_eq(s->result->unattested[ATT_LOG_IMA], 0);
    scene_free(s);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        grade__all_three_judged_and_a_verified_key_is_e3,
        grade__a_pinned_key_stays_e1_with_all_logs,
        grade__boot_logs_that_no_rule_judges_do_not_count,
        grade__some_boot_pcrs_are_no_judged_boot,
        grade__a_boot_log_that_grew_is_sent_whole,
        grade__a_kernel_list_of_no_file_does_not_count,
        grade__nothing_judged_is_no_warning,
        grade__a_required_log_that_is_not_sent_is_named,
        appraise__another_firmware_is_named_by_its_pcr,
        appraise__an_executed_file_that_is_not_listed_stays_a_reason,
        appraise__an_own_item_displaces_no_entry_of_the_kernel,
        appraise__a_measurement_violation_is_judged_by_its_rule,
        appraise__a_measurement_violation_needs_no_rule_to_be_refused,
        appraise__a_violation_passes_where_the_policy_says_so,
        verify__a_log_whose_pcr_is_not_quoted_is_refused,
        verify__a_bank_that_the_kernel_cannot_hash_is_replayed_by_its_rule,
    };

    return SUITE_RUN("grade", TESTS);
}
