/*
 * From evidence bytes to a verdict and a label that a stranger verifies, in one process: a software TPM
 * measures, lib/ judges. Each refusal changes one thing of a scene that affirms.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "appraise/appraise.h"
#include "appraise/label.h"
#include "appraise/offline.h"
#include "crypto/cert.h"
#include "evidence/profile.h"
#include "need.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "scene.h"

#define OWN_PCR SCENE_OWN_PCR
#define NOW     1790000000

static void attest(struct scene *s)
{
    scene_measure(s, NULL);
    ck_assert_msg(scene_judge(s) == ATT_OK, "%s: %s", att_reason_code(s->diag.reason),
                  s->diag.text);
}

static void expect_reason(const struct scene *s, enum att_reason reason, const char *name)
{
    for (uint32_t i = 0; i < s->result->reason_count; i++) {
        if (s->result->reason[i].reason == reason && strcmp(s->result->reason[i].name, name) == 0) {
            return;
        }
    }
    ck_abort_msg("no reason %s about \"%s\"", att_reason_code(reason), name);
}

START_TEST(appraise__a_gateway_as_referenced_is_affirming)
{
    struct scene *s = scene_new(NULL, NULL);

    attest(s);
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
    attest(s);
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 2\n"));
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    ck_assert_mem_eq(s->result->reason[0].expected, good, 32);
    ck_assert_mem_eq(s->result->reason[0].found, bad, 32);
    ck_assert_str_eq(s->result->reason[0].requirement, "R-1");
    attest(s); /* nothing new: it still stands */
    expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(appraise__an_unlisted_file_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/new.conf", att_slice_str("x"));
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    expect_reason(s, ATT_R_REF_UNLISTED, "/etc/new.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__an_item_that_no_rule_covers_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etcetera/a.conf", att_slice_str("a = 1\n"));
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    expect_reason(s, ATT_R_REF_UNLISTED, "/etcetera/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_listed_digest_under_another_name_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("b = 2\n"));
    attest(s);
    expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
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
    attest(s);
    expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
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
        struct scene *s = scene_new("policy: lax\nversion: 1\nrequirements:\n  - id: R-1\n"
                                    "    title: {en: x, ja: y}\n    severity: fail\n"
                                    "    own_items: {under: [\"/etc\"], unlisted: ignore}\n",
                                    REFS);
        struct att_own_item item = {.type = CASES[i].type, .name = att_slice_str(CASES[i].name)};
        uint8_t digest[32];

        if (CASES[i].content != NULL) {
            NEED(att_sha256(att_slice_str(CASES[i].content), digest) == ATT_OK);
            item.digest = digest;
        }
        softlog_own_items(&s->own, s->tpm, OWN_PCR, &item, 1);
        attest(s);
        ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
        expect_reason(s, CASES[i].reason, CASES[i].name);
        scene_free(s);
    }
}
END_TEST

START_TEST(appraise__a_required_item_that_vanished_is_missing)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_own_item gone = {.type = ATT_OWN_ABSENT, .name = att_slice_str("/etc/b.conf")};

    attest(s);
    softlog_own_items(&s->own, s->tpm, OWN_PCR, &gone, 1);
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    expect_reason(s, ATT_R_REF_ABSENT, "/etc/b.conf");
    expect_reason(s, ATT_R_REF_MISSING, "/etc/b.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__an_unreadable_item_never_counts_as_good)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_own_item item = {
        .type = ATT_OWN_UNREADABLE, .name = att_slice_str("/etc/a.conf"), .detail = 13};

    softlog_own_items(&s->own, s->tpm, OWN_PCR, &item, 1);
    attest(s);
    expect_reason(s, ATT_R_REF_UNREADABLE, "/etc/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_pinned_key_gives_e1_and_the_policy_may_refuse_that)
{
    struct scene *s = scene_new(NULL, NULL);

    s->ek_verified = false;
    attest(s);
    ck_assert_int_eq(s->result->grade, 1);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    expect_reason(s, ATT_R_POL_GRADE, "");
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
    attest(s);
    expect_reason(s, ATT_R_REF_UNLISTED, "/etc/late.conf");
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
    struct scene *s = scene_new("policy: lax\nversion: 1\nrequirements:\n  - id: R-1\n"
                                "    title: {en: x, ja: y}\n    severity: fail\n"
                                "    own_items: {under: [\"/etc\"], unlisted: ignore}\n",
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
    expect_reason(s, ATT_R_REF_MISMATCH, "/etc/a.conf");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_firmware_change_is_refused_and_not_learned)
{
    struct scene *s = scene_new(NULL, NULL);

    attest(s);
    s->tpm->firmware_version++;
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    expect_reason(s, ATT_R_Q_FW, "firmwareVersion");
    ck_assert(!s->result->accepted);
    attest(s);
    expect_reason(s, ATT_R_Q_FW, "firmwareVersion");
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_carry_of_another_policy_asks_for_the_whole_log)
{
    struct scene *s = scene_new(NULL, NULL);

    attest(s);
    s->carry.policy_digest[0] ^= 1;
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(!s->result->accepted);
    expect_reason(s, ATT_R_LOG_COVERAGE, "own");
    s->from.off[ATT_LOG_OWN] = 0;
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(verify__an_offset_that_was_not_judged_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);
    uint64_t end = 0;

    attest(s);
    end = s->from.off[ATT_LOG_OWN];
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/bad.conf", att_slice_str("x"));
    s->from.off[ATT_LOG_OWN] = s->own.len; /* hide the bad record */
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_LOG_PCR);
    s->from.off[ATT_LOG_OWN] = end;
    attest(s);
    expect_reason(s, ATT_R_REF_UNLISTED, "/etc/bad.conf");
    scene_free(s);
}
END_TEST

/* An offset without a past would skip the boot record. */
START_TEST(verify__an_offset_before_anything_was_judged_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    s->lie = 7;
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_LOG_PCR);
    scene_free(s);
}
END_TEST

/* CVE-2022-0317: a TPM signs a quote over nothing; it is no evidence, whoever asked for what. */
START_TEST(quote_verify__a_quote_over_no_pcr_is_refused_when_any_selection_will_do)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_pcr_selection nothing = softtpm_selection(ATT_HASH_SHA256, 0);
    struct att_expect expect = {.ak = s->ak,
                                .scheme = ATT_SCHEME_ECDSA,
                                .hash = ATT_HASH_SHA256,
                                .any_qualifying = true,
                                .any_selection = true};
    struct att_quoted *quoted = NULL;
    struct softtpm_bytes attest;
    struct softtpm_bytes signature;

    softtpm_quote(&attest, &signature, s->tpm, att_slice_str("nonce"), &nothing);
    ck_assert_int_eq(att_quote_verify(&quoted, softtpm_slice(&attest), softtpm_slice(&signature),
                                      &expect, &s->diag),
                     ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_Q_PCRSEL);
    scene_free(s);
}
END_TEST

START_TEST(label_read__a_claim_that_must_be_there_is_missed)
{
    static const uint8_t ONLY_ISSUER[] = {0xa1, 0x01, 0x61, 'v'};
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_diag diag = {0};

    NEED(label != NULL);
    ck_assert_int_eq(att_label_read(label, att_slice_of(ONLY_ISSUER, sizeof(ONLY_ISSUER)), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_CLAIM);
    free(label);
}
END_TEST

/* Extend again what a log says was extended before. */
static void extend_again(struct scene *s)
{
    struct att_own it = att_own_from(softlog_slice(&s->own), 0);
    struct att_own_record rec;
    struct att_hasher *h = NULL;
    bool more = true;

    NEED(att_hasher_new(&h) == ATT_OK);
    while (att_own_next(&it, &rec, &more, h, NULL) == ATT_OK && more) {
        for (uint32_t k = 0; k < rec.digest_count; k++) {
            softtpm_extend(s->tpm, OWN_PCR, rec.digest[k].alg, rec.digest[k].value);
        }
    }
    att_hasher_free(h);
}

START_TEST(verify__a_reset_with_old_measurements_again_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    attest(s);
    softtpm_reset(s->tpm);
    extend_again(s);
    s->from.off[ATT_LOG_OWN] = 0;
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_Q_RESET);
    scene_free(s);
}
END_TEST

/* The TPM was reset and measured nothing; the good old log is sent as what came "after the quote". */
START_TEST(verify__a_log_that_the_quote_does_not_reach_proves_no_boot)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_pcr_values untouched;

    attest(s);
    softtpm_reset(s->tpm);
    untouched = s->tpm->pcrs;
    softlog_clear(&s->own);
    softlog_own_boot(&s->own, s->tpm, OWN_PCR);
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/b.conf", att_slice_str("b = 2\n"));
    s->tpm->pcrs = untouched; /* written, never extended */
    s->from.off[ATT_LOG_OWN] = 0;
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_Q_RESET);
    scene_free(s);
}
END_TEST

START_TEST(appraise__a_boot_without_measurements_is_never_affirming)
{
    struct scene *s = scene_new(NULL, NULL);

    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    softlog_own_boot(&s->own, s->tpm, OWN_PCR);
    attest(s);
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
    attest(s);
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
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(s->result->carry.overflow);
    s->from.off[ATT_LOG_OWN] = 0; /* as the keeper asks after an overflow */
    change_many(s, "new");
    attest(s);
    ck_assert(!s->result->carry.overflow);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(verify__a_real_reboot_is_a_new_boot)
{
    struct scene *s = scene_new(NULL, NULL);

    attest(s);
    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    s->from.off[ATT_LOG_OWN] = 0;
    softlog_own_boot(&s->own, s->tpm, OWN_PCR);
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/b.conf", att_slice_str("b = 2\n"));
    attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_AFFIRMING);
    scene_free(s);
}
END_TEST

START_TEST(verify__a_foreign_extend_before_the_log_began_is_named)
{
    struct scene *s = scene_new(NULL, NULL);

    softtpm_reset(s->tpm);
    softtpm_event(s->tpm, OWN_PCR, att_slice_str("somebody else"));
    softlog_clear(&s->own);
    softlog_own_boot(&s->own, s->tpm, OWN_PCR);
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_OWN_FOREIGN);
    scene_free(s);
}
END_TEST

START_TEST(verify__a_record_for_another_pcr_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);

    softlog_clear(&s->own);
    softlog_own_boot(&s->own, s->tpm, OWN_PCR + 1);
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_LOG_PCR);
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
    attest(s);
    ck_assert_int_eq(att_result_encode(&w, s->result), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &first), ATT_OK);
    ck_assert_int_eq(att_result_decode(again, first, &s->diag), ATT_OK);
    w = att_wr_into(room[1], sizeof(room[1]));
    ck_assert_int_eq(att_result_encode(&w, again), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &second), ATT_OK);
    ck_assert(att_slice_eq(first, second));
    ck_assert_str_eq(again->reason[0].name, "/etc/new\\x0a\\x1b");
    for (size_t cut = 0; cut < first.len; cut += 7) {
        ck_assert_int_ne(att_result_decode(again, att_slice_of(first.p, cut), NULL), ATT_OK);
    }
    att_result_free(again);
    scene_free(s);
}
END_TEST

/* An issuer: a root and a label signer under it. */
struct issuer {
    struct att_privkey *root_key;
    struct att_cert *root;
    struct att_buf *leaf_der;
    struct att_signer *signer;
    struct att_anchors *anchors;
    struct att_slice chain[1];
};

static void issuer_open(struct issuer *is)
{
    struct att_privkey *key = NULL;
    struct att_pubkey *root_pub = NULL;
    struct att_pubkey *pub = NULL;
    struct att_buf *root_der = NULL;
    struct att_cert_order root = {.kind = ATT_CERT_ROOT,
                                  .common_name = "Test issuer",
                                  .not_before = NOW - 3600,
                                  .not_after = NOW + 86400 * 365};
    struct att_cert_order leaf = {.kind = ATT_CERT_LABEL_SIGNER,
                                  .common_name = "Test label signer",
                                  .not_before = NOW - 3600,
                                  .not_after = NOW + 86400 * 30};

    memset(is, 0, sizeof(*is));
    NEED(att_privkey_generate(&is->root_key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&root_pub, is->root_key) == ATT_OK);
    root.subject_key = root_pub;
    NEED(att_cert_issue(&root_der, &root, NULL, is->root_key, NULL) == ATT_OK);
    NEED(att_cert_parse(&is->root, att_buf_slice(root_der), NULL) == ATT_OK);
    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pub, key) == ATT_OK);
    leaf.subject_key = pub;
    NEED(att_cert_issue(&is->leaf_der, &leaf, is->root, is->root_key, NULL) == ATT_OK);
    NEED(att_signer_software(&is->signer, key) == ATT_OK);
    NEED(att_anchors_new(&is->anchors) == ATT_OK);
    NEED(att_anchors_add(is->anchors, is->root) == ATT_OK);
    is->chain[0] = att_buf_slice(is->leaf_der);
    att_pubkey_free(pub);
    att_pubkey_free(root_pub);
    att_buf_free(root_der);
}

static void issuer_close(struct issuer *is)
{
    att_anchors_free(is->anchors);
    att_signer_free(is->signer);
    att_buf_free(is->leaf_der);
    att_cert_free(is->root);
    att_privkey_free(is->root_key);
}

static struct att_buf *label_of(struct scene *s, struct issuer *is)
{
    static const uint8_t cti[ATT_CTI_LEN] = {1, 2, 3};
    static const uint8_t ek[32] = {9};
    ATT_CLEANUP(att_quoted_freep) struct att_quoted *quoted = NULL;
    struct att_label_facts facts = {.issuer = "verifier.test",
                                    .device_id = "gw-1",
                                    .ek_digest = ek,
                                    .cti = cti,
                                    .iat = NOW,
                                    .exp = NOW + 3600,
                                    .policy_name = "scene",
                                    .policy_version = 3,
                                    .manufacturer = "Example",
                                    .model = "GW",
                                    .x5chain = is->chain,
                                    .x5chain_count = 1};
    struct att_buf *label = NULL;
    struct att_evidence ev;
    struct att_expect expect;
    uint8_t qualifying[32];

    NEED(att_evidence_parse(&ev, att_buf_slice(s->evidence), NULL) == ATT_OK);
    expect = scene_expect(s, qualifying);
    NEED(att_quote_verify(&quoted, ev.attest, ev.signature, &expect, NULL) == ATT_OK);
    ck_assert_int_eq(att_label_make(&label, &facts, quoted, s->result, is->signer), ATT_OK);
    return label;
}

static struct att_offline *check_label(struct att_slice label, const struct att_anchors *anchors,
                                       const struct att_trust_rules *rules, int64_t now)
{
    static const struct att_trust_rules NO_RULES;
    struct att_offline *o = calloc(1, sizeof(*o));

    NEED(o != NULL);
    ck_assert_int_eq(att_offline_check(o, label, anchors, rules != NULL ? rules : &NO_RULES, now),
                     ATT_OK);
    return o;
}

static void expect_verdict(struct att_offline *o, enum att_verdict verdict, const char *id,
                           enum att_reason reason)
{
    bool found = id == NULL;

    ck_assert_int_eq(o->verdict, verdict);
    for (size_t i = 0; i < o->check_count; i++) {
        if (id != NULL && strcmp(o->check[i].id, id) == 0) {
            ck_assert_str_eq(att_reason_code(o->check[i].why.reason), att_reason_code(reason));
            found = true;
        }
    }
    ck_assert(found);
    free(o);
}

START_TEST(label__of_an_affirming_result_verifies_at_a_strangers_desk)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;
    struct att_offline *o = NULL;

    issuer_open(&is);
    attest(s);
    label = label_of(s, &is);
    o = check_label(att_buf_slice(label), is.anchors, NULL, NOW + 10);
    ck_assert(o->has_label);
    ck_assert_str_eq(o->label.device_id, "gw-1");
    ck_assert_int_eq(o->label.grade, 2);
    ck_assert_int_eq(o->label.status, ATT_TIER_AFFIRMING);
    ck_assert_mem_eq(o->label.policy_digest, s->policy->digest, 32);
    expect_verdict(o, ATT_VERDICT_PASS, "key-class", ATT_R_LBL_FILE_KEY);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

/* Header 33 turned into another one by a flipped bit: no certificate is no label, not "unknown issuer". */
START_TEST(label__without_its_certificate_is_malformed)
{
    static const uint8_t x5chain[] = {0x18, 33, 0x59};
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;
    uint8_t *bytes = NULL;
    uint8_t *header = NULL;

    issuer_open(&is);
    attest(s);
    label = label_of(s, &is);
    bytes = malloc(att_buf_len(label));
    NEED(bytes != NULL);
    memcpy(bytes, att_buf_slice(label).p, att_buf_len(label));
    header = memmem(bytes, att_buf_len(label), x5chain, sizeof(x5chain));
    NEED(header != NULL);
    header[1] ^= 1;
    expect_verdict(check_label(att_slice_of(bytes, att_buf_len(label)), is.anchors, NULL, NOW),
                   ATT_VERDICT_MALFORMED, "format", ATT_R_FMT_COSE);
    free(bytes);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__refusals_have_their_own_reasons)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct issuer other;
    struct att_buf *label = NULL;
    struct att_trust_rules strict = {.forbid_file_key = true};
    struct att_trust_rules for_other = {.device_id = "gw-2"};
    struct att_trust_rules logged = {.log_required = true};
    struct att_anchors *none = NULL;
    struct att_slice bytes;

    issuer_open(&is);
    issuer_open(&other);
    NEED(att_anchors_new(&none) == ATT_OK);
    attest(s);
    label = label_of(s, &is);
    bytes = att_buf_slice(label);
    expect_verdict(check_label(bytes, is.anchors, NULL, NOW + 3600), ATT_VERDICT_FAIL, "time",
                   ATT_R_LBL_TIME);
    expect_verdict(check_label(bytes, is.anchors, NULL, NOW - 301), ATT_VERDICT_FAIL, "time",
                   ATT_R_LBL_TIME);
    expect_verdict(check_label(bytes, other.anchors, NULL, NOW), ATT_VERDICT_UNDECIDED, "chain",
                   ATT_R_LBL_KEY);
    expect_verdict(check_label(bytes, none, NULL, NOW), ATT_VERDICT_UNDECIDED, "chain",
                   ATT_R_TRUST_NONE);
    expect_verdict(check_label(bytes, is.anchors, &strict, NOW), ATT_VERDICT_FAIL, "key-class",
                   ATT_R_LBL_FILE_KEY_REFUSED);
    expect_verdict(check_label(bytes, is.anchors, &for_other, NOW), ATT_VERDICT_FAIL, "subject",
                   ATT_R_LBL_SUBJECT);
    expect_verdict(check_label(bytes, is.anchors, &logged, NOW), ATT_VERDICT_UNDECIDED, "log",
                   ATT_R_TRUST_NONE);
    att_buf_free(label);
    att_anchors_free(none);
    issuer_close(&other);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__of_a_refused_gateway_is_genuine_and_not_affirming)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;
    struct att_offline *o = NULL;

    issuer_open(&is);
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 2\n"));
    attest(s);
    label = label_of(s, &is);
    o = check_label(att_buf_slice(label), is.anchors, NULL, NOW);
    ck_assert_uint_eq(o->label.reason_count, 1);
    ck_assert_str_eq(o->label.reason[0].code, "E_REF_MISMATCH");
    ck_assert_str_eq(o->label.reason[0].name, "/etc/a.conf");
    ck_assert(o->label.reason[0].has_expected && o->label.reason[0].has_found);
    expect_verdict(o, ATT_VERDICT_FAIL, "status", ATT_R_LBL_NOT_AFFIRMING);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__nothing_good_is_signed_without_a_verified_quote)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    static const uint8_t id[32];
    struct att_label_facts facts = {.issuer = "v",
                                    .device_id = "gw-1",
                                    .ek_digest = id,
                                    .cti = id,
                                    .iat = NOW,
                                    .exp = NOW + 60};
    struct att_buf *label = NULL;

    issuer_open(&is);
    attest(s);
    ck_assert_int_eq(att_label_make(&label, &facts, NULL, s->result, is.signer), ATT_E_INTERNAL);
    ck_assert_ptr_null(label);
    (void)att_fail(&s->diag, ATT_E_MISMATCH, ATT_R_Q_MAGIC, "magic", "wrong");
    att_result_refuse(s->result, &s->diag);
    ck_assert_int_eq(att_label_make(&label, &facts, NULL, s->result, is.signer), ATT_OK);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__no_flipped_bit_verifies)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;
    uint8_t *copy = NULL;
    size_t len = 0;

    issuer_open(&is);
    attest(s);
    label = label_of(s, &is);
    len = att_buf_len(label);
    copy = malloc(len);
    NEED(copy != NULL);
    for (size_t bit = 0; bit < len * 8; bit++) {
        struct att_offline *o = NULL;

        memcpy(copy, att_buf_slice(label).p, len);
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        o = check_label(att_slice_of(copy, len), is.anchors, NULL, NOW);
        ck_assert_msg(o->verdict != ATT_VERDICT_PASS, "bit %zu verifies", bit);
        free(o);
    }
    free(copy);
    att_buf_free(label);
    issuer_close(&is);
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
        appraise__memory_that_runs_out_makes_nothing_good,
        appraise__records_after_the_quote_are_unattested_and_required_next_time,
        appraise__a_firmware_change_is_refused_and_not_learned,
        appraise__a_carry_of_another_policy_asks_for_the_whole_log,
        verify__an_offset_that_was_not_judged_is_refused,
        verify__a_reset_with_old_measurements_again_is_refused,
        verify__a_log_that_the_quote_does_not_reach_proves_no_boot,
        appraise__a_boot_without_measurements_is_never_affirming,
        verify__an_offset_before_anything_was_judged_is_refused,
        quote_verify__a_quote_over_no_pcr_is_refused_when_any_selection_will_do,
        label_read__a_claim_that_must_be_there_is_missed,
        appraise__a_boot_that_measured_only_absence_is_never_affirming,
        appraise__many_changes_are_refused_and_repaired_without_a_reboot,
        verify__a_real_reboot_is_a_new_boot,
        verify__a_foreign_extend_before_the_log_began_is_named,
        verify__a_record_for_another_pcr_is_refused,
        result__survives_encoding,
        label__of_an_affirming_result_verifies_at_a_strangers_desk,
        label__refusals_have_their_own_reasons,
        label__without_its_certificate_is_malformed,
        label__of_a_refused_gateway_is_genuine_and_not_affirming,
        label__nothing_good_is_signed_without_a_verified_quote,
        label__no_flipped_bit_verifies,
    };
    TCase *tc = tcase_create("appraise");
    Suite *suite = suite_create("appraise");
    SRunner *runner = NULL;
    int failed = 0;

    NEED(CRYPTO_set_mem_functions(counted_malloc, counted_realloc, plain_free) == 1);
    tcase_set_timeout(tc, 120);
    for (size_t i = 0; i < sizeof(TESTS) / sizeof(TESTS[0]); i++) {
        tcase_add_test(tc, TESTS[i]);
    }
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
