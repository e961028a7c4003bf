/* Evidence that does not verify: time that went back, boots that were none, logs that lead nowhere. */
#include <check.h>

#include "need.h"
#include "scene.h"
#include "suite.h"

#define OWN_PCR SCENE_OWN_PCR

START_TEST(verify__an_offset_that_was_not_judged_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);
    uint64_t end = 0;

    scene_attest(s);
    end = s->from.off[ATT_LOG_OWN];
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/bad.conf", att_slice_str("x"));
    s->from.off[ATT_LOG_OWN] = s->own.len; /* hide the bad record */
    scene_measure(s, NULL);
    ck_assert_int_eq(scene_judge(s), ATT_E_MISMATCH);
    ck_assert_int_eq(s->diag.reason, ATT_R_LOG_PCR);
    s->from.off[ATT_LOG_OWN] = end;
    scene_attest(s);
    scene_expect_reason(s, ATT_R_REF_UNLISTED, "/etc/bad.conf");
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

    scene_attest(s);
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

    scene_attest(s);
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

/* The values that a data key is bound to: nobody sends them, and the TPM signed just these. */
START_TEST(stated_values__are_those_that_were_quoted)
{
    struct scene *s = scene_new(NULL, NULL);
    ATT_CLEANUP(att_quoted_freep) struct att_quoted *quoted = NULL;
    struct att_boot_state state;
    struct att_stated stated;
    struct att_evidence ev;
    struct att_expect expect;
    uint8_t qualifying[32];
    struct att_pcr_values values = {0};
    const struct att_pcr_bank *bank = NULL;
    struct att_diag diag = {0};

    scene_attest(s);
    ck_assert_int_eq(att_evidence_parse(&ev, att_buf_slice(s->evidence), NULL), ATT_OK);
    expect = scene_expect(s, qualifying);
    ck_assert_int_eq(att_quote_verify(&quoted, ev.attest, ev.signature, &expect, &diag), ATT_OK);
    state = s->result->state;
    stated = (struct att_stated){.quoted = quoted,
                                 .hash = ATT_HASH_SHA256,
                                 .state = &state,
                                 .ima_pcr = 10,
                                 .own_pcr = OWN_PCR};
    ck_assert_int_eq(att_stated_values(&values, &stated, &diag), ATT_OK);
    bank = att_pcr_bank_find(&values, ATT_HASH_SHA256);
    ck_assert_ptr_nonnull(bank);
    ck_assert_mem_eq(bank->value[OWN_PCR], softtpm_pcr(s->tpm, ATT_HASH_SHA256, OWN_PCR), 32);
    state.log[ATT_LOG_OWN].pcr[31] ^= 1;
    ck_assert_int_eq(att_stated_values(&values, &stated, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_LOG_PCR);
    scene_free(s);
}
END_TEST

START_TEST(verify__a_real_reboot_is_a_new_boot)
{
    struct scene *s = scene_new(NULL, NULL);

    scene_attest(s);
    softtpm_reset(s->tpm);
    softlog_clear(&s->own);
    s->from.off[ATT_LOG_OWN] = 0;
    softlog_own_boot(&s->own, s->tpm, OWN_PCR);
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/b.conf", att_slice_str("b = 2\n"));
    scene_attest(s);
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

int main(void)
{
    const TTest *const TESTS[] = {
        verify__an_offset_that_was_not_judged_is_refused,
        verify__an_offset_before_anything_was_judged_is_refused,
        quote_verify__a_quote_over_no_pcr_is_refused_when_any_selection_will_do,
        verify__a_reset_with_old_measurements_again_is_refused,
        verify__a_log_that_the_quote_does_not_reach_proves_no_boot,
        stated_values__are_those_that_were_quoted,
        verify__a_real_reboot_is_a_new_boot,
        verify__a_foreign_extend_before_the_log_began_is_named,
        verify__a_record_for_another_pcr_is_refused,
    };

    return SUITE_RUN("verify", TESTS);
}
