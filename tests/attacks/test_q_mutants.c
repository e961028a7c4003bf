/*
 * Attack matrix in full, and what the service cannot be made to do: through lib alone, so
 * that every length and every bit fits into a second. Samples run against the service in test_q_quote.c.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/verify.h"
#include "need.h"
#include "softtpm.h"
#include "tcg/pubarea.h"

struct scene {
    struct softtpm *tpm;
    struct att_pubkey *ak;
    struct att_expect expect;
    uint8_t qualifying[32];
    struct softtpm_bytes attest, signature;
};

static void open_scene(struct scene *s)
{
    struct att_pubarea area;

    memset(s, 0, sizeof(*s));
    memset(s->qualifying, 0xa5, sizeof(s->qualifying));
    s->tpm = softtpm_new(NULL, SOFTTPM_EK_P256);
    NEED(att_pubarea_parse(&area, softtpm_public(&s->tpm->ak), NULL) == ATT_OK);
    NEED(att_pubarea_key(&s->ak, &area, NULL) == ATT_OK);
    s->expect = (struct att_expect){
        .ak = s->ak,
        .scheme = ATT_SCHEME_ECDSA,
        .hash = ATT_HASH_SHA256,
        .qualified_signer = att_slice_of(s->tpm->ak.qualified, s->tpm->ak.qualified_len),
        .qualifying = att_slice_of(s->qualifying, 32),
        .selection = softtpm_selection(ATT_HASH_SHA256, 0x24ff)};
    softtpm_quote(&s->attest, &s->signature, s->tpm, s->expect.qualifying, &s->expect.selection);
}

static void close_scene(struct scene *s)
{
    att_pubkey_free(s->ak);
    softtpm_free(s->tpm);
}

static enum att_reason judge(const struct scene *s)
{
    ATT_CLEANUP(att_quoted_freep) struct att_quoted *q = NULL;
    struct att_diag diag = {0};
    enum att_err err = att_quote_verify(&q, softtpm_slice(&s->attest), softtpm_slice(&s->signature),
                                        &s->expect, &diag);

    if (err == ATT_OK) {
        return ATT_R_NONE;
    }
    ck_assert_ptr_null(q);
    ck_assert_int_ne(diag.reason, ATT_R_NONE);
    return diag.reason;
}

START_TEST(Q_18__honest_quote_is_accepted)
{
    struct scene s;

    open_scene(&s);
    ck_assert_str_eq(att_reason_code(judge(&s)), "OK");
    close_scene(&s);
}
END_TEST

START_TEST(Q_18__every_truncation_is_refused)
{
    struct scene s;
    size_t whole;

    open_scene(&s);
    for (whole = s.attest.len; s.attest.len > 0;) {
        s.attest.len--;
        ck_assert_str_eq(att_reason_code(judge(&s)), "E_FMT_ATTEST");
    }
    s.attest.len = whole;
    for (; s.signature.len > 0;) {
        s.signature.len--;
        ck_assert_str_eq(att_reason_code(judge(&s)), "E_FMT_ATTEST");
    }
    close_scene(&s);
}
END_TEST

START_TEST(Q_18__every_addition_is_refused)
{
    struct scene s;
    size_t k;

    open_scene(&s);
    for (k = 1; k <= 16; k++) {
        s.attest.len++;
        ck_assert_str_eq(att_reason_code(judge(&s)), "E_FMT_ATTEST");
    }
    s.attest.len -= 16;
    for (k = 1; k <= 16; k++) {
        s.signature.len++;
        ck_assert_str_eq(att_reason_code(judge(&s)), "E_FMT_ATTEST");
    }
    close_scene(&s);
}
END_TEST

static size_t flip_all(struct scene *s, struct softtpm_bytes *target)
{
    size_t bit;

    for (bit = 0; bit < target->len * 8; bit++) {
        enum att_reason reason;

        target->p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        reason = judge(s);
        ck_assert_msg(reason == ATT_R_FMT_ATTEST ||
                          strncmp(att_reason_code(reason), "E_Q_", 4) == 0,
                      "bit %zu: %s", bit, att_reason_code(reason));
        target->p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    return bit;
}

START_TEST(Q_19__every_flipped_bit_is_refused)
{
    struct scene s;
    size_t mutants;

    open_scene(&s);
    mutants = flip_all(&s, &s.attest) + flip_all(&s, &s.signature);
    ck_assert_uint_gt(mutants, 1500);
    ck_assert_str_eq(att_reason_code(judge(&s)), "OK");
    close_scene(&s);
}
END_TEST

START_TEST(Q_05__other_order_of_banks_is_refused)
{
    struct scene s;
    struct att_pcr_selection *sel = &s.expect.selection;
    struct att_pcr_sel first;

    open_scene(&s);
    sel->count = 2;
    sel->sel[1] = (struct att_pcr_sel){.bank = ATT_HASH_SHA384, .mask = 0xff, .size = 3};
    softtpm_quote(&s.attest, &s.signature, s.tpm, s.expect.qualifying, sel);
    ck_assert_str_eq(att_reason_code(judge(&s)), "OK");
    first = sel->sel[0];
    sel->sel[0] = sel->sel[1];
    sel->sel[1] = first;
    ck_assert_str_eq(att_reason_code(judge(&s)), "E_Q_PCRSEL");
    close_scene(&s);
}
END_TEST

/* Whoever says nothing of the selection still wants one. */
START_TEST(Q_03__empty_selection_is_refused_where_any_other_would_do)
{
    const struct att_pcr_selection none = softtpm_selection(ATT_HASH_SHA256, 0);
    struct scene s;

    open_scene(&s);
    s.expect.any_selection = true;
    ck_assert_str_eq(att_reason_code(judge(&s)), "OK");
    softtpm_quote(&s.attest, &s.signature, s.tpm, s.expect.qualifying, &none);
    ck_assert_str_eq(att_reason_code(judge(&s)), "E_Q_PCRSEL");
    close_scene(&s);
}
END_TEST

/* Logs that go on where nothing was judged before: there is no state to go on from. */
START_TEST(G_log_that_goes_on_from_nowhere_is_refused)
{
    const struct att_log_rules rules = {
        .bank = ATT_HASH_SHA256, .boot_mask = 0xff, .ima_pcr = 10, .own_pcr = 13, .window = 16};
    struct scene s;
    struct att_evidence ev = {0};
    struct att_verified *v = NULL;
    struct att_diag diag = {0};

    open_scene(&s);
    ev.attest = softtpm_slice(&s.attest);
    ev.signature = softtpm_slice(&s.signature);
    ev.claims.logs.has[ATT_LOG_UEFI] = true;
    ev.claims.logs.off[ATT_LOG_UEFI] = 33;
    ck_assert_int_eq(att_evidence_verify(&v, &ev, &s.expect, &rules, NULL, &diag), ATT_E_MISMATCH);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_LOG_PCR");
    ck_assert_ptr_null(v);
    close_scene(&s);
}
END_TEST

START_TEST(I_13__id_that_is_too_short_or_too_long_is_refused)
{
    static const char letters[] =
        "0123456789012345678901234567890123456789012345678901234567890123x";
    static const size_t len[] = {0, 1, 64, 65};
    struct att_diag diag = {0};
    bool good = len[_i] >= 1 && len[_i] <= 64;

    ck_assert_int_eq(att_device_id_check(att_slice_of(letters, len[_i]), &diag) == ATT_OK, good);
    ck_assert_str_eq(att_reason_code(diag.reason), good ? "OK" : "E_FMT_ID");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("attacks: mutants of a quote");
    TCase *q18 = tcase_create("Q-18-all");
    TCase *q19 = tcase_create("Q-19-all");
    TCase *q05 = tcase_create("Q-05-banks");
    TCase *q03 = tcase_create("Q-03-any");
    TCase *offset = tcase_create("G-offset");
    TCase *id = tcase_create("I-13-length");
    SRunner *r;
    int failed;

    tcase_add_test(q18, Q_18__honest_quote_is_accepted);
    tcase_add_test(q18, Q_18__every_truncation_is_refused);
    tcase_add_test(q18, Q_18__every_addition_is_refused);
    tcase_set_timeout(q19, 60);
    tcase_add_test(q19, Q_19__every_flipped_bit_is_refused);
    tcase_add_test(q05, Q_05__other_order_of_banks_is_refused);
    suite_add_tcase(s, q18);
    suite_add_tcase(s, q19);
    suite_add_tcase(s, q05);
    tcase_add_test(q03, Q_03__empty_selection_is_refused_where_any_other_would_do);
    suite_add_tcase(s, q03);
    tcase_add_test(offset, G_log_that_goes_on_from_nowhere_is_refused);
    suite_add_tcase(s, offset);
    tcase_add_loop_test(id, I_13__id_that_is_too_short_or_too_long_is_refused, 0, 4);
    suite_add_tcase(s, id);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
