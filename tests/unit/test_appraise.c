/*
 * Evidence judged by policy and reference values, in one process: a software TPM measures, lib/ judges. Each
 * refusal changes one thing of a scene that affirms.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "need.h"
#include "scene.h"
#include "suite.h"

#define OWN_PCR SCENE_OWN_PCR

START_TEST(appraise__a_gateway_as_referenced_is_affirming)
{
    struct scene *s = scene_new(NULL, NULL);

    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    ck_assert_int_eq(s->result->grade, 2);
    ck_assert_uint_eq(s->result->reason_count, 0);
    ck_assert_int_eq(s->result->vector[ATT_TRUST_CONFIGURATION], 2);
    ck_assert_int_eq(s->result->vector[ATT_TRUST_EXECUTABLES], 0); /* D7: no assertion below E3 */
    ck_assert_uint_eq(s->result->carry.items_judged, 2);
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_changed_file_is_named_with_both_digests_and_a_repair_clears_it)
{
    struct scene *s = scene_new(NULL, NULL);
    uint8_t good[32];
    uint8_t bad[32];

    NEED(att_sha256(att_slice_str("a = 1\n"), good) == ATT_OK);
    NEED(att_sha256(att_slice_str("a = 2\n"), bad) == ATT_OK);
    scene_attest(s);
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 2\n"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    ck_assert_mem_eq(s->result->reason[0].expected, good, 32);
    ck_assert_mem_eq(s->result->reason[0].found, bad, 32);
    ck_assert_str_eq(s->result->reason[0].requirement, "R-1");
    scene_attest(s); /* nothing new: it still stands */
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(appraise__an_unlisted_file_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/new.conf", att_slice_str("x"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_UNLISTED, "/etc/new.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__an_item_that_no_rule_covers_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etcetera/a.conf", att_slice_str("a = 1\n"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_UNLISTED, "/etcetera/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_listed_digest_under_another_name_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("b = 2\n"));
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_link_is_not_the_file_that_holds_its_target)
{
    struct scene *s = scene_new(NULL, NULL);
    uint8_t digest[32];
    struct att_own_item item = {.type = ATT_OWN_LINK, .name = att_slice_str("/etc/a.conf")};

    NEED(att_sha256(att_slice_str("a = 1\n"), digest) == ATT_OK);
    item.digest = digest;
    softlog_own_items(&s->own, s->tpm, OWN_PCR, &item, 1);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    scene_free(s);
}
END_TEST

/* What is listed is listed as what it was, also where the policy ignores what is not listed. */
START_TEST(appraise__a_listed_path_that_became_another_kind_of_thing_is_refused)
{
    static const struct scene_reference REFS[] = {{"/etc/a.conf", "a = 1\n"},
                                                  {"/etc/b.conf", "b = 2\n"},
                                                  {"link:/etc/l", "a.conf"},
                                                  {NULL, NULL}};
    static const struct {
        enum att_own_type type;
        const char *name;
        const char *content; /* NULL: an item without a digest */
        enum att_reason reason;
    } CASES[] = {
        {ATT_OWN_LINK, "/etc/a.conf", "/tmp/evil", ATT_R_REF_MISMATCH},
        {ATT_OWN_LINK, "/etc/a.conf", "a = 1\n", ATT_R_REF_MISMATCH},
        {ATT_OWN_UNSUPPORTED, "/etc/a.conf", NULL, ATT_R_REF_MISMATCH},
        {ATT_OWN_FILE, "/etc/l", "a.conf", ATT_R_REF_MISMATCH},
        {ATT_OWN_UNSUPPORTED, "/etc/l", NULL, ATT_R_REF_MISMATCH},
        {ATT_OWN_ABSENT, "/etc/l", NULL, ATT_R_REF_ABSENT},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        struct scene *s =
            scene_new("policy: lax\nversion: 1\nrequirements:\n  - id: R-1\n"
                      "    title: {en: x, ja: y}\n    severity: fail\n"
                      "    own_items: {under: [\"/etc\"], unlisted: ignore}\n"
                      "  - {id: R-2, severity: fail, title: {en: x, ja: y}, logs: [own]}\n",
                      REFS);
        struct att_own_item item = {.type = CASES[i].type, .name = att_slice_str(CASES[i].name)};
        uint8_t digest[32];

        if (CASES[i].content != NULL) {
            NEED(att_sha256(att_slice_str(CASES[i].content), digest) == ATT_OK);
            item.digest = digest;
        }
        softlog_own_items(&s->own, s->tpm, OWN_PCR, &item, 1);
        scene_attest(s);
        ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
        scene_expect_reason(s, CASES[i].reason, CASES[i].name);
        scene_free(s);
    }
}
END_TEST

START_TEST(appraise__a_required_item_that_vanished_is_missing)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_own_item gone = {.type = ATT_OWN_ABSENT, .name = att_slice_str("/etc/b.conf")};

    scene_attest(s);
    softlog_own_items(&s->own, s->tpm, OWN_PCR, &gone, 1);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_ABSENT, "/etc/b.conf");
    scene_expect_reason(s, ATT_R_REF_MISSING, "/etc/b.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__an_unreadable_item_never_counts_as_good)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_own_item item = {
        .type = ATT_OWN_UNREADABLE, .name = att_slice_str("/etc/a.conf"), .detail = 13};

    softlog_own_items(&s->own, s->tpm, OWN_PCR, &item, 1);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_UNREADABLE, "/etc/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_pinned_key_gives_e1_and_the_policy_may_refuse_that)
{
    struct scene *s = scene_new(NULL, NULL);

    s->ek_verified = false;
    scene_attest(s);
    ck_assert_int_eq(s->result->grade, 1);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_POL_GRADE, "");
    scene_free(s);
}
END_TEST

START_TEST(appraise__records_after_the_quote_are_unattested_and_required_next_time)
{
    struct scene *s = scene_new(NULL, NULL);

    scene_measure(s, "/etc/late.conf");
    ck_assert_int_eq(scene_judge(s), ATT_OK);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    ck_assert_uint_gt(s->result->unattested[ATT_LOG_OWN], 0);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_UNLISTED, "/etc/late.conf");
    scene_free(s);
}
END_TEST

/* OpenSSL's allocations until one fails; negative: none does. */
static long allocations_left = -1;

static void *counted_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    if (allocations_left == 0) {
        return NULL;
    }
    allocations_left -= allocations_left > 0 ? 1 : 0;
    return malloc(len);
}

static void *counted_realloc(void *p, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return allocations_left == 0 ? NULL : realloc(p, len);
}

static void plain_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* Verify and appraise with the n-th allocation of OpenSSL failing. */
static enum att_err judge_short(struct scene *s, long n)
{
    ATT_CLEANUP(att_verified_freep) struct att_verified *v = NULL;
    const struct att_device_facts facts = {.ek_verified = true};
    const struct att_log_rules rules = {.bank = s->policy->bank,
                                        .boot_mask = s->policy->boot_mask,
                                        .ima_pcr = s->policy->ima_pcr,
                                        .own_pcr = OWN_PCR,
                                        .window = 64};
    struct att_evidence ev;
    uint8_t qualifying[32];
    const struct att_expect expect = scene_expect(s, qualifying);
    enum att_err err = ATT_OK;

    NEED(att_evidence_parse(&ev, att_buf_slice(s->evidence), NULL) == ATT_OK);
    allocations_left = n;
    err = att_evidence_verify(&v, &ev, &expect, &rules, NULL, &s->diag);
    if (err == ATT_OK) {
        err = att_appraise(s->result, v, s->policy, s->refs, &facts);
    }
    allocations_left = -1;
    return err;
}

/* Where the policy lets unlisted files pass, a reference that could not be looked up must not be "unlisted". */
START_TEST(appraise__memory_that_runs_out_makes_nothing_good)
{
    struct scene *s =
        scene_new("policy: lax\nversion: 1\nrequirements:\n  - id: R-1\n"
                  "    title: {en: x, ja: y}\n    severity: fail\n"
                  "    own_items: {under: [\"/etc\"], unlisted: ignore}\n"
                  "  - {id: R-2, severity: fail, title: {en: x, ja: y}, logs: [own]}\n",
                  NULL);
    enum att_err err = ATT_E_NOMEM;
    long n = 0;

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 2\n"));
    scene_measure(s, NULL);
    for (n = 0; err != ATT_OK; n++) {
        ck_assert_int_lt(n, 10000);
        err = judge_short(s, n);
    }
    ck_assert_int_gt(n, 10);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_firmware_change_is_refused_and_not_learned)
{
    struct scene *s = scene_new(NULL, NULL);

    scene_attest(s);
    s->tpm->firmware_version++;
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    scene_expect_reason(s, ATT_R_Q_FW, "firmwareVersion");
    ck_assert(!s->result->accepted);
    scene_attest(s);
    scene_expect_reason(s, ATT_R_Q_FW, "firmwareVersion");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_carry_of_another_policy_asks_for_the_whole_log)
{
    struct scene *s = scene_new(NULL, NULL);

    scene_attest(s);
    s->carry.policy_digest[0] ^= 1;
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(!s->result->accepted);
    scene_expect_reason(s, ATT_R_LOG_COVERAGE, "own");
    s->from.off[ATT_LOG_OWN] = 0;
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_boot_without_measurements_is_never_affirming)
{
    struct scene *s = scene_new(NULL, NULL);

    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    softlog_own_boot(&s->own, s->tpm, OWN_PCR);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert_int_eq(s->result->grade, 0);
    scene_free(s);
}
END_TEST

/* A configured tree that is not there is no measurement: nothing was judged, nothing is affirmed. */
START_TEST(appraise__a_boot_that_measured_only_absence_is_never_affirming)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_own_item nothing = {.type = ATT_OWN_ABSENT, .name = att_slice_str("/etc/nope")};

    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    softlog_own_boot(&s->own, s->tpm, OWN_PCR);
    softlog_own_items(&s->own, s->tpm, OWN_PCR, &nothing, 1);
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert_int_eq(s->result->grade, 0);
    scene_free(s);
}
END_TEST

static void change_many(struct scene *s, const char *content)
{
    for (unsigned int i = 0; i < 3 * ATT_DEVIATIONS_MAX; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "/etc/many/%u", i);
        softlog_own_file(&s->own, s->tpm, OWN_PCR, name, att_slice_str(content));
    }
}

/* An upgrade changes hundreds of files; once they are as referenced again, no reboot is needed. */
START_TEST(appraise__many_changes_are_refused_and_repaired_without_a_reboot)
{
    static char names[3 * ATT_DEVIATIONS_MAX][32];
    static struct scene_reference references[3 * ATT_DEVIATIONS_MAX + 3];
    struct scene *s = NULL;
    size_t n = 0;

    for (; n < 3 * ATT_DEVIATIONS_MAX; n++) {
        (void)snprintf(names[n], sizeof(names[n]), "/etc/many/%zu", n);
        references[n] = (struct scene_reference){names[n], "new"};
    }
    references[n++] = (struct scene_reference){"/etc/a.conf", "a = 1\n"};
    references[n++] = (struct scene_reference){"/etc/b.conf", "b = 2\n"};
    s = scene_new(NULL, references);
    change_many(s, "old");
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(s->result->carry.overflow);
    s->from.off[ATT_LOG_OWN] = 0; /* as the keeper asks after an overflow */
    change_many(s, "new");
    scene_attest(s);
    ck_assert(!s->result->carry.overflow);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

/* Everything that crosses a process border comes back the same. */
START_TEST(result__survives_encoding)
{
    struct scene *s = scene_new(NULL, NULL);
    static uint8_t room[2][262144];
    struct att_result *again = att_result_new();
    struct att_wr w = att_wr_into(room[0], sizeof(room[0]));
    struct att_slice first;
    struct att_slice second;

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/new\n\x1b", att_slice_str("x"));
    scene_attest(s);
    s->result->kexec = true;
    ck_assert_int_eq(att_result_encode(&w, s->result), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &first), ATT_OK);
    ck_assert_int_eq(att_result_decode(again, first, &s->diag), ATT_OK);
    w = att_wr_into(room[1], sizeof(room[1]));
    ck_assert_int_eq(att_result_encode(&w, again), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &second), ATT_OK);
    ck_assert(att_slice_eq(first, second));
    ck_assert_str_eq(again->reason[0].name, "/etc/new\\x0a\\x1b");
    ck_assert(again->kexec);
    for (size_t cut = 0; cut < first.len; cut += 7) {
        ck_assert_int_ne(att_result_decode(again, att_slice_of(first.p, cut), NULL), ATT_OK);
    }
    att_result_free(again);
    scene_free(s);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        appraise__a_gateway_as_referenced_is_affirming,
        appraise__a_changed_file_is_named_with_both_digests_and_a_repair_clears_it,
        appraise__an_unlisted_file_is_refused,
        appraise__an_item_that_no_rule_covers_is_refused,
        appraise__a_listed_digest_under_another_name_is_refused,
        appraise__a_link_is_not_the_file_that_holds_its_target,
        appraise__a_listed_path_that_became_another_kind_of_thing_is_refused,
        appraise__a_required_item_that_vanished_is_missing,
        appraise__an_unreadable_item_never_counts_as_good,
        appraise__a_pinned_key_gives_e1_and_the_policy_may_refuse_that,
        appraise__records_after_the_quote_are_unattested_and_required_next_time,
        appraise__memory_that_runs_out_makes_nothing_good,
        appraise__a_firmware_change_is_refused_and_not_learned,
        appraise__a_carry_of_another_policy_asks_for_the_whole_log,
        appraise__a_boot_without_measurements_is_never_affirming,
        appraise__a_boot_that_measured_only_absence_is_never_affirming,
        appraise__many_changes_are_refused_and_repaired_without_a_reboot,
        result__survives_encoding,
    };

    NEED(CRYPTO_set_mem_functions(counted_malloc, counted_realloc, plain_free) == 1);
    return SUITE_RUN("appraise", TESTS);
}
