/* The keeper's enrolment: who is let in, with which keys, and what a wrong answer costs. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "codec/json.h"
#include "keepertest.h"
#include "verifier/keeper/pending.h"

START_TEST(enrol__binds_one_device_and_uses_its_token_up)
{
    char token[64];
    struct inproc_gateway other;

    inproc_token(kt.v, NULL, token);
    ck_assert_int_eq(inproc_enrol(kt.v, &kt.gw, token), ATT_R_NONE);
    ck_assert_str_eq(kt.gw.peer.device_id, "gw-1");
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "enrolled");
    ck_assert_uint_eq(keepertest_outcomes("enrolled"), 1);

    keepertest_remember();
    inproc_gateway_new(&other, kt.v, "gw-2", true);
    ck_assert_int_eq(inproc_enrol(kt.v, &other, token), ATT_R_ID_TOKEN);
    inproc_gateway_free(&other);
    keepertest_check_unchanged();
}
END_TEST

START_TEST(enrol_begin__needs_a_token_that_is_there_current_and_for_this_id)
{
    char bound[64], old[64];
    const char *before = NULL;

    inproc_token(kt.v, "gw-other", bound);
    inproc_token(kt.v, "gw-1", old);
    inproc_utc_s += KEEPER_TOKEN_TTL_S;
    before = keepertest_remember();
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, NULL), ATT_R_ID_TOKEN);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, "no such token"), ATT_R_ID_TOKEN);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, old), ATT_R_ID_TOKEN);
    inproc_utc_s -= KEEPER_TOKEN_TTL_S;
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, bound), ATT_R_ID_TOKEN);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, old), ATT_R_NONE);
    ck_assert_ptr_null(strstr(before, old)); /* S-07: not in clear */
    keepertest_check_unchanged();
}
END_TEST

START_TEST(enrol_begin__wants_a_known_maker_or_the_allow_list)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    char token[64], body[256], hex[2 * ATT_NAME_MAX + 1];
    struct inproc_gateway bare;
    struct att_slice name;

    inproc_gateway_new(&bare, kt.v, "gw-bare", false);
    inproc_token(kt.v, "gw-bare", token);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &bare, kt.e, token), ATT_R_ID_EKCERT);

    /* Pinned by the operator it needs neither certificate nor token, and is graded E1. */
    name = softtpm_name(&bare.g->tpm->ek);
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\", \"id\": \"gw-bare\"}",
                   att_hex_encode(hex, sizeof(hex), name));
    doc = keepertest_admin("POST", "/allow", body, 201);
    ck_assert_int_eq(inproc_enrol(kt.v, &bare, NULL), ATT_R_NONE);
    ck_assert_int_eq(inproc_attest(kt.v, &bare, kt.t), 200);
    ck_assert_str_eq(keepertest_device("gw-bare", "grade"), "E1");
    inproc_gateway_free(&bare);
}
END_TEST

START_TEST(enrol_begin__takes_a_key_off_the_list_again)
{
    char path[256], body[256], hex[2 * ATT_NAME_MAX + 1];

    (void)att_hex_encode(hex, sizeof(hex), softtpm_name(&kt.gw.g->tpm->ek));
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\", \"id\": \"gw-other\"}", hex);
    json_decref(keepertest_admin("POST", "/allow", body, 201));
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, NULL), ATT_R_ID_TOKEN);
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\"}", hex);
    json_decref(keepertest_admin("POST", "/allow", body, 201));
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, NULL), ATT_R_NONE);
    (void)snprintf(path, sizeof(path), "/allow/%s", hex);
    json_decref(keepertest_admin("DELETE", path, "", 200));
    ck_assert_int_eq(keepertest_admin_reason("DELETE", path, ""), ATT_R_HTTP_ROUTE);
    /* What was begun is asked again when it is activated. */
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_ID_TOKEN);
}
END_TEST

/* ADV-14: a taken-over appraiser names an allow-listed key and lends it another. */
START_TEST(enrol_begin__names_the_key_itself)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *forged = NULL;
    struct msg_enrol_facts f;
    struct inproc_gateway victim;
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_ENROL_BEGIN};
    uint8_t room[16384];
    struct att_wr w = att_wr_into(room, sizeof(room));
    char token[64];

    inproc_token(kt.v, NULL, token);
    inproc_gateway_new(&victim, kt.v, "gw-v", true);
    gateway_enrol_prepare(kt.gw.g, kt.e, token);
    ck_assert_int_eq(wire_enrol_begin_encode(&w, &kt.e->begin), ATT_OK);
    ck_assert_int_eq(
        judge_enrolment(&sealed, &kt.v->appraiser, att_slice_of(room, w.len), inproc_utc_s, NULL),
        ATT_OK);
    ck_assert_int_eq(msg_facts_open(&f, att_buf_slice(sealed), kt.v->seal_key, NULL), ATT_OK);
    memcpy(f.ek_name, victim.g->tpm->ek.name, f.ek_name_len);
    ck_assert_int_eq(msg_facts_seal(&forged, &f, kt.v->seal_key), ATT_OK);
    keepertest_remember();
    m.sealed = att_buf_slice(forged);
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_FMT_FRAME);
    keepertest_check_unchanged();
    inproc_answer_clear(&a);
    inproc_gateway_free(&victim);
}
END_TEST

/* I-01, I-12, I-15 */
START_TEST(enrol_begin__keeps_one_id_and_one_tpm_together)
{
    struct inproc_gateway thief, twin;
    char token[64];

    keepertest_enrol(&kt.gw);
    inproc_token(kt.v, NULL, token);
    keepertest_remember();
    inproc_gateway_new(&thief, kt.v, "gw-1", true);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &thief, kt.e, token), ATT_R_ID_CONFLICT);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_ID_REENROL);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, NULL), ATT_R_ID_REENROL);

    inproc_gateway_new(&twin, kt.v, "gw-2", true);
    softtpm_free(twin.g->tpm);
    twin.g->tpm = kt.gw.g->tpm;
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &twin, kt.e, token), ATT_R_ID_EKDUP);
    twin.g->tpm = NULL;
    inproc_gateway_free(&twin);
    inproc_gateway_free(&thief);
    keepertest_check_unchanged();
}
END_TEST

/* I-11: two attestation keys of one TPM were begun; one is bound, the other is refused. */
START_TEST(enrol_activate__binds_one_of_two_attestation_keys)
{
    struct softtpm_ak_order order = {.type = SOFTTPM_ALG_ECC,
                                     .attributes = SOFTTPM_AK_ATTRIBUTES,
                                     .scheme = SOFTTPM_ALG_ECDSA,
                                     .hash = ATT_HASH_SHA256};
    struct gateway_enrolment *second = calloc(1, sizeof(*second));
    char a[64], b[64];

    ck_assert_ptr_nonnull(second);
    inproc_token(kt.v, NULL, a);
    inproc_token(kt.v, NULL, b);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, a), ATT_R_NONE);
    softtpm_replace_ak(kt.gw.g->tpm, &order);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, second, b), ATT_R_NONE);
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, second), ATT_R_NONE);
    keepertest_remember();
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_ID_CONFLICT);
    keepertest_check_unchanged();
    gateway_enrol_clear(second);
    free(second);
}
END_TEST

/* The id may be taken over and the new attestation key is another gateway's: nobody was removed. */
START_TEST(enrol_activate__removes_nobody_when_it_is_refused)
{
    struct softtpm_key own = kt.gw.g->tpm->ak;
    struct inproc_gateway other;
    char token[64];

    keepertest_enrol(&kt.gw);
    inproc_gateway_new(&other, kt.v, "gw-2", true);
    keepertest_enrol(&other);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    keepertest_replace_token("gw-1", token);
    kt.gw.g->tpm->ak = other.g->tpm->ak;
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    keepertest_remember();
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_ID_CONFLICT);
    keepertest_check_unchanged();
    kt.gw.g->tpm->ak = own;
    ck_assert_uint_eq(keepertest_counter("attestd_removals_total"), 0);
    /* Its challenge from before is as good as it was. */
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 200);
    inproc_gateway_free(&other);
}
END_TEST

/* I-05, I-06: a wrong secret is refused each time and tells nothing; after five the right one too. */
START_TEST(enrol_activate__forgets_after_five_wrong_secrets)
{
    char token[64];
    uint8_t right[64];
    uint8_t room[4096];

    inproc_token(kt.v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    memcpy(right, kt.e->secret, sizeof(right));
    keepertest_remember();
    for (size_t i = 0; i < PENDING_FAILURES_MAX; i++) {
        struct inproc_answer a = {0};
        char hex[130];
        struct msg m;

        memcpy(kt.e->secret, right, sizeof(right));
        kt.e->secret[i * 6] ^= 1; /* one bit off */
        inproc_activate_message(&m, room, sizeof(room), kt.e);
        inproc_ask(kt.v, &m, &a, true);
        ck_assert_int_eq(a.reason, ATT_R_ID_ACTIVATE);
        ck_assert_ptr_null(a.body);
        ck_assert_ptr_null(
            strstr(a.text, att_hex_encode(hex, sizeof(hex), att_slice_of(right, 4))));
        inproc_answer_clear(&a);
    }
    memcpy(kt.e->secret, right, sizeof(right));
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_Q_NONCE_EXPIRED);
    keepertest_check_unchanged();
}
END_TEST

START_TEST(enrol_activate__takes_the_right_secret_after_four_wrong_ones)
{
    char token[64];
    size_t len;

    inproc_token(kt.v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    len = kt.e->activate.secret.len;
    for (size_t i = 1; i < PENDING_FAILURES_MAX; i++) {
        kt.e->activate.secret.len = len - i; /* a prefix is as wrong as anything */
        ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_ID_ACTIVATE);
    }
    kt.e->activate.secret.len = len;
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_NONE);
}
END_TEST

START_TEST(enrol_activate__ends_with_its_time)
{
    char token[64];

    inproc_token(kt.v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    inproc_mono_ms += kt.v->cfg->nonce_ttl_ms + 1;
    keepertest_remember();
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_Q_NONCE_EXPIRED);
    keepertest_check_unchanged();
    inproc_mono_ms -= 1;
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_NONE);
}
END_TEST

/* The quote of the enrolment: another key, another nonce, another TLS key. */
START_TEST(enrol_activate__wants_the_quote_of_this_enrolment)
{
    struct att_pcr_selection selection = softtpm_selection(ATT_HASH_SHA256, 1U << GATEWAY_OWN_PCR);
    struct inproc_gateway other;
    char token[64];
    uint8_t zeros[32] = {0};

    inproc_token(kt.v, NULL, token);
    inproc_gateway_new(&other, kt.v, "gw-9", true);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    keepertest_remember();
    softtpm_quote(&kt.e->attest, &kt.e->signature, kt.gw.g->tpm, att_slice_of(zeros, 32),
                  &selection);
    kt.e->activate.attest = softtpm_slice(&kt.e->attest);
    kt.e->activate.signature = softtpm_slice(&kt.e->signature);
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_Q_NONCE);
    softtpm_quote(&kt.e->attest, &kt.e->signature, other.g->tpm, att_slice_of(zeros, 32),
                  &selection);
    kt.e->activate.attest = softtpm_slice(&kt.e->attest);
    kt.e->activate.signature = softtpm_slice(&kt.e->signature);
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &kt.gw, kt.e), ATT_R_Q_SIG);
    inproc_gateway_free(&other);
    keepertest_check_unchanged();
}
END_TEST

START_TEST(enrol_activate__answers_the_same_when_asked_again)
{
    struct inproc_answer a = {0}, b = {0};
    uint8_t room[4096];
    char token[64];
    struct msg m;

    inproc_token(kt.v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    inproc_activate_message(&m, room, sizeof(room), kt.e);
    inproc_ask(kt.v, &m, &a, true);
    ck_assert_int_eq(a.http, 200);
    keepertest_remember();
    inproc_ask(kt.v, &m, &b, true);
    ck_assert_int_eq(b.http, 200);
    ck_assert(att_slice_eq(inproc_body(&a), inproc_body(&b)));
    keepertest_check_unchanged();
    inproc_answer_clear(&a);
    inproc_answer_clear(&b);
}
END_TEST

START_TEST(enrol_activate__is_busy_until_the_first_answer)
{
    struct inproc_answer a = {0}, b = {0};
    uint8_t room[4096];
    char token[64];
    struct msg m;

    inproc_token(kt.v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    inproc_activate_message(&m, room, sizeof(room), kt.e);
    inproc_ask(kt.v, &m, &a, false);
    inproc_ask(kt.v, &m, &b, true);
    ck_assert_int_eq(a.http, 200);
    ck_assert_int_eq(b.reason, ATT_R_BUSY);
    inproc_answer_clear(&a);
    inproc_answer_clear(&b);
}
END_TEST

/* Enrolled, or refused because another one is. */
static bool is_enrolled(const struct inproc_answer *a)
{
    ck_assert_uint_eq(a->count, 1);
    if (a->reason != ATT_R_NONE)
        ck_assert_int_eq(a->reason, ATT_R_ID_CONFLICT);
    return a->reason == ATT_R_NONE;
}

/* I-02: 64 registrations of one id by two TPMs, decided in one transaction or one by one. */
START_TEST(enrol_activate__makes_one_record_of_64)
{
    enum { ALL = 64 };
    struct inproc_gateway two[2];
    struct gateway_enrolment *all = calloc(ALL, sizeof(*all));
    struct inproc_answer *answers = calloc(ALL, sizeof(*answers));
    uint8_t(*room)[4096] = calloc(ALL, sizeof(*room));
    char token[64];
    size_t enrolled = 0;

    ck_assert(all != NULL && answers != NULL && room != NULL);
    inproc_gateway_new(&two[0], kt.v, "gw-x", true);
    inproc_gateway_new(&two[1], kt.v, "gw-x", true);
    for (size_t i = 0; i < ALL; i++) {
        inproc_token(kt.v, "gw-x", token);
        ck_assert_int_eq(inproc_enrol_begin(kt.v, &two[i % 2], &all[i], token), ATT_R_NONE);
    }
    for (size_t i = 0; i < ALL; i++) {
        struct msg m;

        inproc_activate_message(&m, room[i], sizeof(room[i]), &all[i]);
        inproc_ask(kt.v, &m, &answers[i], _i == 1);
    }
    keeper_flush(kt.v->keeper);
    for (size_t i = 0; i < ALL; i++) {
        enrolled += is_enrolled(&answers[i]) ? 1 : 0;
        inproc_answer_clear(&answers[i]);
        gateway_enrol_clear(&all[i]);
    }
    ck_assert_uint_eq(enrolled, 1);
    ck_assert_str_eq(keepertest_device("gw-x", "status"), "enrolled");
    inproc_gateway_free(&two[0]);
    inproc_gateway_free(&two[1]);
    free(all);
    free(answers);
    free(room);
}
END_TEST

/* R-05, short: begun without end, never activated. Another gateway enrols all the same. */
START_TEST(enrol_begin__is_bounded_and_lets_others_in)
{
    struct inproc_gateway other;
    char token[64];

    inproc_token(kt.v, NULL, token);
    for (int i = 0; i < 600; i++)
        ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    inproc_gateway_new(&other, kt.v, "gw-2", true);
    keepertest_enrol(&other);
    inproc_gateway_free(&other);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {enrol__binds_one_device_and_uses_its_token_up, 0},
        {enrol_begin__needs_a_token_that_is_there_current_and_for_this_id, 0},
        {enrol_begin__wants_a_known_maker_or_the_allow_list, 0},
        {enrol_begin__takes_a_key_off_the_list_again, 0},
        {enrol_begin__names_the_key_itself, 0},
        {enrol_begin__keeps_one_id_and_one_tpm_together, 0},
        {enrol_activate__binds_one_of_two_attestation_keys, 0},
        {enrol_activate__removes_nobody_when_it_is_refused, 0},
        {enrol_activate__forgets_after_five_wrong_secrets, 0},
        {enrol_activate__takes_the_right_secret_after_four_wrong_ones, 0},
        {enrol_activate__ends_with_its_time, 0},
        {enrol_activate__wants_the_quote_of_this_enrolment, 0},
        {enrol_activate__answers_the_same_when_asked_again, 0},
        {enrol_activate__is_busy_until_the_first_answer, 0},
        {enrol_activate__makes_one_record_of_64, 2},
        {enrol_begin__is_bounded_and_lets_others_in, 0},
    };

    return SUITE_RUN_ROWS("keeper_enrol", ROWS, &keepertest_fixture);
}
