/*
 * Attacks on the transfer of a gateway from one organisation to another (rows I-21): each refusal has its
 * own reason and changes nothing, and who comes with no statement, or another's, does not enrol.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "attack.h"
#include "keepertest.h"
#include "need.h"
#include "transfertest.h"

#define US    "verifier.test"
#define OTHER "other.test"

static struct transfertest x;

/* gw-1 is ours, labelled, and an offer of it may be signed by x.giver. */
static void ours(void)
{
    keepertest_fixture.set_up();
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    transfertest_new(&x, US, OTHER, inproc_utc_s);
    transfertest_of(&x, kt.v, "gw-1");
    transfertest_trust(kt.v, x.giver, "giver");
}

/* gw-1 is another's, and x.receiver may take it over for us. */
static void theirs(void)
{
    struct att_pubarea ek;

    keepertest_fixture.set_up();
    transfertest_new(&x, OTHER, US, inproc_utc_s);
    NEED(att_pubarea_parse(&ek,
                           att_slice_of(kt.gw.g->tpm->ek.public_area, kt.gw.g->tpm->ek.public_len),
                           NULL) == ATT_OK);
    NEED(att_pubarea_ek_name(x.t.ek_name, &x.t.ek_name_len, &ek) == ATT_OK);
    transfertest_trust(kt.v, x.receiver, "receiver");
}

static void done(void)
{
    transfertest_clear(&x);
    keepertest_fixture.tear_down();
}

static void refused(struct att_slice bytes, const char *code)
{
    (void)keepertest_remember();
    ck_assert_str_eq(att_reason_code(transfertest_post(kt.v, bytes)), code);
    keepertest_check_unchanged();
}

static void refused_statement(const char *code)
{
    refused(att_buf_slice(x.statement), code);
}

static void completed(void)
{
    ck_assert_str_eq(att_reason_code(transfertest_post(kt.v, att_buf_slice(x.statement))), "OK");
}

/* What is kept of it: one entry of the list, and the statement byte for byte. */
static void kept(const char *role)
{
    json_t *doc = keepertest_admin("GET", "/transfers", "", 200);
    const json_t *one = json_array_get(json_object_get(doc, "transfers"), 0);
    struct inproc_answer a = {0};
    char path[64];

    ck_assert_uint_eq(json_array_size(json_object_get(doc, "transfers")), 1);
    ck_assert(json_is_null(json_object_get(doc, "next")));
    ck_assert_str_eq(json_string_value(json_object_get(one, "role")), role);
    ck_assert_str_eq(json_string_value(json_object_get(one, "device")), "gw-1");
    (void)snprintf(path, sizeof(path), "/transfers/%s",
                   json_string_value(json_object_get(one, "id")));
    inproc_admin(kt.v, "GET", path, "", &a);
    ck_assert(a.http == 200 && att_slice_eq(inproc_body(&a), att_buf_slice(x.statement)));
    inproc_answer_clear(&a);
    json_decref(doc);
    path[11] ^= 1;
    ck_assert_int_eq(keepertest_admin_reason("GET", path, ""), ATT_R_HTTP_ROUTE);
    path[12] = '\0';
    ck_assert_int_eq(keepertest_admin_reason("GET", path, ""), ATT_R_HTTP_ROUTE);
    doc = keepertest_admin("GET", "/transfers?from=99", "", 200);
    ck_assert_uint_eq(json_array_size(json_object_get(doc, "transfers")), 0);
    json_decref(doc);
}

START_TEST(I_21__given_gateway_ends_and_its_history_stays)
{
    struct inproc_answer a = {0};
    const char *before = NULL;

    ours();
    ck_assert(keepertest_has_current());
    transfertest_sign(&x);
    completed();
    ck_assert_uint_eq(keepertest_outcomes("transferred"), 1);
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "transferred");
    kept("given");
    before = keepertest_remember();
    ck_assert_ptr_nonnull(strstr(before, "label cti="));
    inproc_attempt_clear(kt.t);
    ck_assert_str_eq(att_reason_code(inproc_session(kt.v, &kt.gw, kt.t)), "E_ID_TRANSFERRED");
    ck_assert_int_eq(keepertest_label("gw-1", &kt.gw.peer, &a), ATT_R_ID_TRANSFERRED);
    keepertest_check_unchanged();
    inproc_answer_clear(&a);
    done();
}
END_TEST

/* Evidence that is on its way when the transfer is completed gets no label. */
START_TEST(I_21__no_label_for_evidence_under_way)
{
    ours();
    inproc_attempt_clear(kt.t);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    transfertest_sign(&x);
    completed();
    (void)keepertest_remember();
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), -(int)ATT_R_ID_TRANSFERRED);
    keepertest_check_unchanged();
    done();
}
END_TEST

START_TEST(I_21__received_gateway_enrols_without_a_token)
{
    theirs();
    transfertest_sign(&x);
    completed();
    ck_assert_str_eq(att_reason_code(inproc_enrol(kt.v, &kt.gw, NULL)), "OK");
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert_uint_eq(keepertest_outcomes("transferred"), 1);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "affirming");
    kept("received");
    done();
}
END_TEST

START_TEST(I_21__one_signature_is_not_enough)
{
    ours();
    transfertest_offer(&x, x.giver);
    refused(att_buf_slice(x.offer), "E_TRF_ONE");
    done();
}
END_TEST

START_TEST(I_21__signer_must_be_ours)
{
    ours();
    transfertest_offer(&x, x.stranger);
    transfertest_accept(&x, x.receiver, x.stranger);
    refused_statement("E_TRF_SIGNER");
    done();
    theirs();
    transfertest_name(&x, x.stranger);
    transfertest_offer(&x, x.giver);
    transfertest_accept(&x, x.stranger, x.giver);
    refused_statement("E_TRF_SIGNER");
    done();
}
END_TEST

START_TEST(I_21__only_who_it_was_offered_to_accepts)
{
    ours();
    transfertest_offer(&x, x.giver);
    transfertest_accept(&x, x.stranger, x.giver);
    refused_statement("E_TRF_RECEIVER");
    done();
    /* our own signer took what was offered to somebody else */
    theirs();
    transfertest_name(&x, x.stranger);
    transfertest_sign(&x);
    refused_statement("E_TRF_RECEIVER");
    done();
}
END_TEST

/* A stranger offers what is not theirs; the receiver accepted it from the true giver's key. */
START_TEST(I_21__only_who_it_was_accepted_from_gives)
{
    theirs();
    transfertest_offer(&x, x.stranger);
    transfertest_accept(&x, x.receiver, x.giver);
    refused_statement("E_TRF_GIVER");
    done();
}
END_TEST

/* Another id in the offer, in the acceptance, and a flipped bit of each signature. */
START_TEST(I_21__altered_after_it_was_signed)
{
    static uint8_t bytes[ATT_TRANSFER_MAX];
    struct att_transfer t;
    struct att_slice s;
    size_t at = 0;

    if (_i % 2 == 0) {
        ours();
    } else {
        theirs();
    }
    transfertest_sign(&x);
    s = att_buf_slice(x.statement);
    memcpy(bytes, s.p, s.len);
    NEED(att_transfer_parse(&t, s, NULL) == ATT_OK);
    at = _i < 2   ? (size_t)(t.message.signature.p - s.p)
         : _i < 4 ? (size_t)(t.offer_message.signature.p - s.p)
         : _i < 6 ? (size_t)(t.offer_message.payload_untrusted.p - s.p) + 3 /* the transfer's id */
                  : (size_t)(t.message.signature.p - s.p) - 3; /* when it was accepted */
    bytes[at] ^= 1;
    refused(att_slice_of(bytes, s.len), "E_TRF_SIG");
    done();
}
END_TEST

/* Signed by whom it should be, but not as a transfer. */
START_TEST(I_21__other_content_is_no_transfer)
{
    struct att_transfer t;
    uint8_t kid[32];
    struct att_cose_order order = {.content_type = "application/cbor",
                                   .kid = att_slice_of(kid, 32),
                                   .external_aad = att_slice_str(ATT_TRANSFER_PURPOSE)};
    struct att_buf *other = NULL;

    theirs();
    transfertest_sign(&x);
    NEED(att_transfer_parse(&t, att_buf_slice(x.statement), NULL) == ATT_OK);
    NEED(att_pubkey_fingerprint(kid, x.receiver->public_key) == ATT_OK);
    order.payload = t.message.payload_untrusted;
    NEED(att_cose_make(&other, &order, x.receiver) == ATT_OK);
    refused(att_buf_slice(other), "E_FMT_TRANSFER");
    att_buf_free(other);
    done();
}
END_TEST

START_TEST(I_21__expired_or_not_yet_valid)
{
    static const int64_t SHIFT[] = {86400, 86401, 400 * 86400, -301};

    if (_i % 2 == 0) {
        ours();
    } else {
        theirs();
    }
    transfertest_sign(&x);
    inproc_utc_s += SHIFT[_i / 2];
    refused_statement("E_TRF_TIME");
    inproc_utc_s -= SHIFT[_i / 2];
    completed();
    done();
}
END_TEST

START_TEST(I_21__good_once)
{
    ours();
    transfertest_sign(&x);
    completed();
    refused_statement("E_TRF_DONE");
    done();
    theirs();
    transfertest_sign(&x);
    completed();
    refused_statement("E_TRF_DONE");
    ck_assert_str_eq(att_reason_code(inproc_enrol(kt.v, &kt.gw, NULL)), "OK");
    refused_statement("E_TRF_DONE");
    done();
}
END_TEST

START_TEST(I_21__names_other_verifiers)
{
    ours();
    (void)snprintf(x.t.giver.verifier_id, sizeof(x.t.giver.verifier_id), "third.test");
    transfertest_trust(kt.v, x.receiver, "receiver");
    transfertest_sign(&x);
    refused_statement("E_TRF_PLACE");
    done();
}
END_TEST

/* The gateway was exchanged or enrolled again since the offer: another EK, AK, certificate. */
START_TEST(I_21__offer_is_of_another_gateway)
{
    uint8_t *const part[] = {x.t.ek_name, x.t.ak_name, x.t.ek_cert};

    ours();
    part[_i][20] ^= 1;
    transfertest_sign(&x);
    refused_statement("E_TRF_DEVICE");
    done();
}
END_TEST

START_TEST(I_21__giver_does_not_know_the_gateway)
{
    ours();
    (void)snprintf(x.t.giver.device_id, sizeof(x.t.giver.device_id), "gw-9");
    transfertest_sign(&x);
    refused_statement("E_ID_NONE");
    ck_assert_int_eq(keepertest_admin_reason("GET", "/offers/gw-9", ""), ATT_R_ID_NONE);
    done();
}
END_TEST

/* A record that was put aside is not believed: neither offered nor given, until the gateway enrolled again. */
START_TEST(I_21__gateway_is_in_quarantine)
{
    sqlite3 *db = NULL;
    char path[160];

    ours();
    transfertest_sign(&x);
    inproc_stop(kt.v);
    (void)snprintf(path, sizeof(path), "%s/state/attestd.db", kt.v->dir);
    NEED(sqlite3_open(path, &db) == SQLITE_OK);
    NEED(sqlite3_exec(
             db, _i == 0 ? "UPDATE device SET ak_public = x'00'" : "UPDATE device SET id = 'gw 1'",
             NULL, NULL, NULL) == SQLITE_OK);
    NEED(sqlite3_close(db) == SQLITE_OK);
    NEED(inproc_restart(kt.v, NULL) == ATT_OK);
    refused_statement("E_TRF_QUARANTINE");
    if (_i == 0)
        ck_assert_int_eq(keepertest_admin_reason("GET", "/offers/gw-1", ""), ATT_R_TRF_QUARANTINE);
    keepertest_enrol(&kt.gw);
    transfertest_of(&x, kt.v, "gw-1");
    transfertest_sign(&x);
    completed();
    done();
}
END_TEST

/* The new owner's gateway cannot be brought back by a token, nor by the allow-list's entry of before. */
START_TEST(I_21__given_gateway_comes_back_by_name_only)
{
    uint8_t *attributes = NULL;
    char token[64], body[256], ek[128];

    ours();
    attributes = &kt.gw.g->tpm->ek.public_area[6];
    (void)snprintf(ek, sizeof(ek), "%s", keepertest_device("gw-1", "ek_name"));
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\"}", ek);
    json_decref(keepertest_admin("POST", "/allow", body, 201));
    transfertest_sign(&x);
    completed();
    inproc_token(kt.v, "gw-1", token);
    (void)keepertest_remember();
    ck_assert_str_eq(att_reason_code(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token)),
                     "E_ID_TRANSFERRED");
    gateway_enrol_clear(kt.e);
    *attributes ^= 0x04; /* noDA: the same key under another name */
    ck_assert_str_eq(att_reason_code(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token)),
                     "E_ID_TRANSFERRED");
    gateway_enrol_clear(kt.e);
    *attributes ^= 0x04;
    keepertest_check_unchanged();
    json_decref(keepertest_admin("POST", "/allow", body, 201));
    ck_assert_str_eq(att_reason_code(inproc_enrol(kt.v, &kt.gw, NULL)), "OK");
    done();
}
END_TEST

static void no_enrolment(struct inproc_gateway *gw)
{
    (void)keepertest_remember();
    ck_assert_str_eq(att_reason_code(inproc_enrol_begin(kt.v, gw, kt.e, NULL)), "E_ID_TOKEN");
    gateway_enrol_clear(kt.e);
    keepertest_check_unchanged();
}

START_TEST(I_21__thief_has_another_tpm)
{
    struct inproc_gateway thief;

    theirs();
    no_enrolment(&kt.gw);
    transfertest_sign(&x);
    completed();
    inproc_gateway_new(&thief, kt.v, "gw-1", true);
    no_enrolment(&thief);
    inproc_gateway_free(&thief);
    done();
}
END_TEST

START_TEST(I_21__enrols_under_the_accepted_id_only)
{
    theirs();
    (void)snprintf(x.t.receiver.device_id, sizeof(x.t.receiver.device_id), "gw-7");
    transfertest_sign(&x);
    completed();
    no_enrolment(&kt.gw);
    done();
}
END_TEST

START_TEST(I_21__enrols_in_time)
{
    theirs();
    transfertest_sign(&x);
    completed();
    inproc_utc_s = x.t.expires_utc;
    no_enrolment(&kt.gw);
    inproc_utc_s = x.t.expires_utc - 1;
    ck_assert_str_eq(att_reason_code(inproc_enrol(kt.v, &kt.gw, NULL)), "OK");
    done();
}
END_TEST

START_TEST(I_21__enrols_once)
{
    theirs();
    transfertest_sign(&x);
    completed();
    ck_assert_str_eq(att_reason_code(inproc_enrol(kt.v, &kt.gw, NULL)), "OK");
    json_decref(keepertest_admin("DELETE", "/devices/gw-1", "", 200));
    no_enrolment(&kt.gw);
    done();
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-21", I_21__given_gateway_ends_and_its_history_stays, 0, 0},
        {"I-21-under-way", I_21__no_label_for_evidence_under_way, 0, 0},
        {"I-21-received", I_21__received_gateway_enrols_without_a_token, 0, 0},
        {"I-21-one", I_21__one_signature_is_not_enough, 0, 0},
        {"I-21-signer", I_21__signer_must_be_ours, 0, 0},
        {"I-21-receiver", I_21__only_who_it_was_offered_to_accepts, 0, 0},
        {"I-21-giver", I_21__only_who_it_was_accepted_from_gives, 0, 0},
        {"I-21-altered", I_21__altered_after_it_was_signed, 8, 0},
        {"I-21-type", I_21__other_content_is_no_transfer, 0, 0},
        {"I-21-time", I_21__expired_or_not_yet_valid, 8, 0},
        {"I-21-done", I_21__good_once, 0, 0},
        {"I-21-place", I_21__names_other_verifiers, 0, 0},
        {"I-21-device", I_21__offer_is_of_another_gateway, 3, 0},
        {"I-21-unknown", I_21__giver_does_not_know_the_gateway, 0, 0},
        {"I-21-quarantine", I_21__gateway_is_in_quarantine, 2, 0},
        {"I-21-back", I_21__given_gateway_comes_back_by_name_only, 0, 0},
        {"I-21-thief", I_21__thief_has_another_tpm, 0, 0},
        {"I-21-id", I_21__enrols_under_the_accepted_id_only, 0, 0},
        {"I-21-window", I_21__enrols_in_time, 0, 0},
        {"I-21-used", I_21__enrols_once, 0, 0},
    };

    return attack_rows("attacks: transfer", rows, ATT_COUNT(rows));
}
