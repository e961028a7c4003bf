/* Endorsement keys after enrolment: revoked, denied, not trusted any more; and trusted again. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "keepertest.h"
#include "need.h"
#include "storetest.h"
#include "verifier/keeper/rejudge.h"

#define YEAR_S  31536000LL
#define NONE_32 "58200000000000000000000000000000000000000000000000000000000000000000" /* CBOR */

static char crl_dir[96], deny_path[96];

/* A keeper that looks at lists and at a deny list, of which all are empty. */
static void set_up(void)
{
    keepertest_fixture.set_up();
    (void)snprintf(crl_dir, sizeof(crl_dir), "%s/crl.d", kt.v->dir);
    (void)snprintf(deny_path, sizeof(deny_path), "%s/ek-deny.txt", kt.v->dir);
    NEED(mkdir(crl_dir, 0700) == 0);
    NEED(att_file_write(deny_path, att_slice_str("# nobody\n"), 0600, NULL) == ATT_OK);
    kt.v->cfg->ek_crls = crl_dir;
    kt.v->cfg->ek_revocation = ATT_CRL_IF_PRESENT;
    kt.v->cfg->ek_deny = deny_path;
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    keeper_tick(kt.v->keeper);
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
}

/* As SIGHUP does it. */
static void reload(void)
{
    bool changed = false;

    ck_assert_int_eq(keeper_prepare_rules(kt.v->keeper, &changed, NULL), ATT_OK);
    ck_assert(!changed);
}

/* The maker's list, over the gateway's certificate or over nothing. */
static void write_list(bool names_it)
{
    struct softtpm_crl_order order = {.this_update_s = -60, .next_update_s = 20 * YEAR_S};
    char path[128];

    if (names_it)
        order.revoked[order.revoked_count++] = softtpm_ek_cert(kt.gw.g->tpm);
    (void)snprintf(path, sizeof(path), "%s/maker.crl", crl_dir);
    softtpm_ca_write_crl(kt.v->ek_ca, path, &order);
}

static void write_deny(const char *text)
{
    NEED(att_file_write(deny_path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

static void deny_gateway(void)
{
    char hex[2 * ATT_NAME_MAX + 1];

    write_deny(att_hex_encode(hex, sizeof(hex), softtpm_name(&kt.gw.g->tpm->ek)));
}

static enum att_reason ask(void)
{
    inproc_attempt_clear(kt.t);
    return inproc_session(kt.v, &kt.gw, kt.t);
}

static void check_held(enum att_reason reason)
{
    struct inproc_answer a = {0};
    struct msg_peer administrator = {.administrator = true};

    ck_assert_int_eq(ask(), reason);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "quarantined");
    ck_assert_str_eq(keepertest_device("gw-1", "reason"), att_reason_code(reason));
    ck_assert_int_eq(keepertest_label("gw-1", &administrator, &a), ATT_R_LBL_NONE);
    ck_assert_int_eq(keepertest_admin_reason("GET", "/offers/gw-1", ""), ATT_R_TRF_QUARANTINE);
    inproc_answer_clear(&a);
}

static void check_free(void)
{
    ck_assert_str_eq(keepertest_device("gw-1", "quarantine"), "null");
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
}

START_TEST(rejudge__holds_a_revoked_key_until_it_enrols_again)
{
    char token[64];

    ck_assert_int_eq(ask(), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    write_list(true);
    reload();
    keeper_tick(kt.v->keeper);
    /* what was asked for before brings no label either */
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), -ATT_R_ID_REVOKED);
    check_held(ATT_R_ID_REVOKED);
    ck_assert_uint_eq(keepertest_outcomes("quarantined"), 1);
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
    ck_assert_uint_eq(keepertest_counter("attestd_quarantined_total"), 1);

    /* A list that names it no more, or is gone, is no pardon. */
    write_list(false);
    reload();
    keeper_tick(kt.v->keeper);
    check_held(ATT_R_ID_REVOKED);
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    keeper_tick(kt.v->keeper);
    check_held(ATT_R_ID_REVOKED);
    ck_assert_uint_eq(keepertest_outcomes("quarantined"), 1);

    /* The administrator's word is. */
    keepertest_replace_token("gw-1", token);
    ck_assert_str_eq(att_reason_code(inproc_enrol(kt.v, &kt.gw, token)), "OK");
    check_free();
}
END_TEST

/* Between SIGHUP and its turn in the round, and after a start, nobody gets a label by rules from before. */
START_TEST(rejudge__judges_who_asks_before_its_turn)
{
    keeper_tick(kt.v->keeper);
    write_list(true);
    reload();
    ck_assert_int_eq(ask(), ATT_R_ID_REVOKED);
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    ck_assert_int_eq(ask(), ATT_R_ID_REVOKED);
    ck_assert_uint_eq(keepertest_outcomes("quarantined"), 0);
    keeper_tick(kt.v->keeper);
    check_held(ATT_R_ID_REVOKED);
}
END_TEST

START_TEST(rejudge__holds_what_the_operator_denies_and_lets_it_go)
{
    uint8_t digest[32];
    char hex[2 * ATT_NAME_MAX + 1];

    if (_i == 0) {
        deny_gateway();
    } else {
        NEED(att_sha256(softtpm_ek_cert(kt.gw.g->tpm), digest) == ATT_OK);
        write_deny(att_hex_encode(hex, sizeof(hex), att_slice_of(digest, sizeof(digest))));
    }
    reload();
    keeper_tick(kt.v->keeper);
    check_held(ATT_R_ID_EKDENY);
    write_deny("");
    reload();
    keeper_tick(kt.v->keeper);
    ck_assert_uint_eq(keepertest_outcomes("released"), 1);
    check_free();
}
END_TEST

/* Neither a token nor the allow-list helps a key that is denied. */
START_TEST(rejudge__keeps_denied_keys_from_enrolling)
{
    struct inproc_gateway other;
    char token[64], body[256], hex[2 * ATT_NAME_MAX + 1];

    inproc_gateway_new(&other, kt.v, "gw-2", true);
    inproc_token(kt.v, "gw-2", token);
    (void)att_hex_encode(hex, sizeof(hex), softtpm_name(&other.g->tpm->ek));
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\"}", hex);
    json_decref(keepertest_admin("POST", "/allow", body, 201));
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &other, kt.e, token), ATT_R_NONE);
    write_deny(hex);
    reload();
    keepertest_remember();
    ck_assert_int_eq(inproc_enrol_activate(kt.v, &other, kt.e), ATT_R_ID_EKDENY);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &other, kt.e, token), ATT_R_ID_EKDENY);
    keepertest_check_unchanged();
    inproc_gateway_free(&other);
}
END_TEST

START_TEST(rejudge__holds_while_its_maker_is_not_trusted)
{
    char maker[96], aside[96];

    (void)snprintf(maker, sizeof(maker), "%s/ek.d/maker.pem", kt.v->dir);
    (void)snprintf(aside, sizeof(aside), "%s/maker.pem", kt.v->dir);
    NEED(rename(maker, aside) == 0);
    reload();
    keeper_tick(kt.v->keeper);
    check_held(ATT_R_ID_EKCERT);
    NEED(rename(aside, maker) == 0);
    reload();
    ck_assert_int_eq(ask(), ATT_R_ID_EKCERT); /* until its turn */
    keeper_tick(kt.v->keeper);
    check_free();
}
END_TEST

/* A certificate ends, and nobody sends a signal. */
START_TEST(rejudge__looks_once_a_day)
{
    inproc_utc_s += 15 * YEAR_S;
    inproc_mono_ms += REJUDGE_EVERY_MS / 2;
    keeper_tick(kt.v->keeper);
    ck_assert_uint_eq(keepertest_outcomes("quarantined"), 0);
    write_deny("nonsense\n"); /* what cannot be read leaves the list from before */
    inproc_mono_ms += REJUDGE_EVERY_MS / 2;
    keeper_tick(kt.v->keeper);
    ck_assert_str_eq(keepertest_device("gw-1", "reason"), "E_ID_EKCERT");
    inproc_utc_s -= 15 * YEAR_S;
    inproc_mono_ms += REJUDGE_EVERY_MS;
    keeper_tick(kt.v->keeper);
    /* E_CLK_BACK: the log does not go back with the clock, and what it does not know of did not happen */
    ck_assert_uint_eq(keepertest_outcomes("released"), 0);
    ck_assert_str_eq(keepertest_device("gw-1", "reason"), "E_ID_EKCERT");
}
END_TEST

START_TEST(rejudge__refuses_a_list_that_it_cannot_read)
{
    struct att_diag diag = {0};
    bool changed = false;

    write_deny("# one\n00\n");
    ck_assert_int_eq(keeper_prepare_rules(kt.v->keeper, &changed, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    ck_assert_ptr_nonnull(strstr(diag.text, "ek-deny.txt:2: expected"));
    check_free();
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
}
END_TEST

/* One tick judges some; the others are judged when they ask, or at the next ones. */
START_TEST(rejudge__is_bounded_for_each_tick)
{
    enum { MORE = REJUDGE_SOME + 5 };
    struct inproc_gateway *g = calloc(MORE, sizeof(*g));
    char maker[96], id[16];

    NEED(g != NULL);
    for (size_t i = 0; i < MORE; i++) {
        (void)snprintf(id, sizeof(id), "many-%zu", i);
        inproc_gateway_new(&g[i], kt.v, id, true);
        keepertest_enrol(&g[i]);
    }
    (void)snprintf(maker, sizeof(maker), "%s/ek.d/maker.pem", kt.v->dir);
    NEED(unlink(maker) == 0);
    reload();
    keeper_tick(kt.v->keeper);
    ck_assert_uint_eq(keepertest_counter("attestd_quarantined_total"), REJUDGE_SOME);
    ck_assert_int_eq(inproc_session(kt.v, &g[MORE - 1], kt.t), ATT_R_ID_EKCERT);
    keeper_tick(kt.v->keeper);
    ck_assert_uint_eq(keepertest_counter("attestd_quarantined_total"), MORE + 1);
    for (size_t i = 0; i < MORE; i++)
        inproc_gateway_free(&g[i]);
    free(g);
}
END_TEST

static void change_rows(const char *sql)
{
    inproc_stop(kt.v);
    (void)snprintf(ts.folder, sizeof(ts.folder), "%.50s/state", kt.v->dir);
    storetest_sql(sql);
}

START_TEST(rejudge__does_not_believe_certificates_of_another)
{
    struct inproc_gateway other;

    inproc_gateway_new(&other, kt.v, "gw-2", true);
    keepertest_enrol(&other);
    change_rows("UPDATE ek_chain SET certs = (SELECT certs FROM ek_chain ORDER BY enrolment DESC"
                " LIMIT 1)");
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    keeper_tick(kt.v->keeper);
    check_held(ATT_R_ST_CORRUPT);
    ck_assert_int_eq(inproc_session(kt.v, &other, kt.t), ATT_R_NONE);
    inproc_gateway_free(&other);
}
END_TEST

#define WITHOUT_DATA_KEYS "DROP TABLE data_key;"
#define WITHOUT_KEYS      WITHOUT_DATA_KEYS "DROP TABLE signing_key;"
#define WITHOUT_LISTS                                                                              \
    WITHOUT_KEYS                                                                                   \
    "DROP TABLE status; ALTER TABLE label DROP COLUMN previous;"                                   \
    "ALTER TABLE label DROP COLUMN place; ALTER TABLE label DROP COLUMN list;"                     \
    "DROP TABLE status_list;"
#define WITHOUT_LOG                                                                                \
    WITHOUT_LISTS                                                                                  \
    "DROP TABLE leaf; DROP TABLE tile; ALTER TABLE outcome DROP COLUMN subject;"                   \
    "DELETE FROM meta WHERE key IN ('log_head', 'log_signer');"

/* Records of an earlier schema: brought up to date at the start, and by nothing else. */
START_TEST(store__of_an_earlier_schema_is_taken_over)
{
    static const char *const EARLIER[] = {
        WITHOUT_LISTS "PRAGMA user_version = 5",
        WITHOUT_LOG "PRAGMA user_version = 4", /* the first three: see below */
        WITHOUT_LOG "DROP TABLE factory_key; PRAGMA user_version = 3",
        WITHOUT_LOG
        "DROP TABLE factory_key; DROP TABLE ek_chain; DROP TABLE hold; PRAGMA user_version = 2",
        WITHOUT_LOG
        "DROP TABLE factory_key; DROP TABLE ek_chain; DROP TABLE hold; DROP TABLE transfer; ALTER "
        "TABLE device_state DROP "
        "COLUMN windows;"
        /* what was carried then had two members less */
        "UPDATE device_state SET carry = x'8bf5" NONE_32 NONE_32 "0000000000f4f480'"
        " WHERE length(boot) > 0; PRAGMA user_version = 1",
        WITHOUT_KEYS "PRAGMA user_version = 6",
        WITHOUT_DATA_KEYS "PRAGMA user_version = 7"};
    const bool had_log = _i == 0 || _i >= 5;
    const bool had_certs = _i <= 2 || _i >= 5; /* the certificates that vouched for it */
    struct att_diag diag = {0};
    struct store *st = NULL;

    char head[112];
    int64_t outcomes = 0, entries = 0;

    change_rows(EARLIER[_i]);
    (void)snprintf(head, sizeof(head), "%s/log-head", ts.folder);
    NEED(had_log || unlink(head) == 0); /* since the fifth */
    ck_assert_int_eq(store_open(&st, ts.folder, false, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_ST_SCHEMA);
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    write_list(true);
    reload();
    keeper_tick(kt.v->keeper);
    if (had_certs) /* since the third */
        check_held(ATT_R_ID_REVOKED);
    else
        check_free(); /* its certificate is not known, and nobody said that it is bad */
    deny_gateway();
    reload();
    keeper_tick(kt.v->keeper);
    check_held(had_certs ? ATT_R_ID_REVOKED : ATT_R_ID_EKDENY);
    inproc_stop(kt.v);
    ck_assert_int_eq(store_open(&st, ts.folder, false, NULL), ATT_OK);
    ck_assert_int_eq(store_outcome_count(&outcomes, st), ATT_OK);
    ck_assert_int_eq(store_leaf_count(&entries, st), ATT_OK);
    ck_assert_int_eq(entries, outcomes); /* those of before there was a log too */
    store_close(st);
}
END_TEST

/* Whom the operator pinned has nobody's certificate to lose. */
START_TEST(rejudge__leaves_pinned_keys_to_the_operator)
{
    struct inproc_gateway bare;
    char body[256], hex[2 * ATT_NAME_MAX + 1], maker[96];

    inproc_gateway_new(&bare, kt.v, "gw-bare", false);
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\"}",
                   att_hex_encode(hex, sizeof(hex), softtpm_name(&bare.g->tpm->ek)));
    json_decref(keepertest_admin("POST", "/allow", body, 201));
    ck_assert_int_eq(inproc_enrol(kt.v, &bare, NULL), ATT_R_NONE);
    (void)snprintf(maker, sizeof(maker), "%s/ek.d/maker.pem", kt.v->dir);
    NEED(unlink(maker) == 0);
    reload();
    keeper_tick(kt.v->keeper);
    ck_assert_int_eq(inproc_attest(kt.v, &bare, kt.t), 200);
    write_deny(hex);
    reload();
    keeper_tick(kt.v->keeper);
    ck_assert_int_eq(inproc_attest(kt.v, &bare, kt.t), -ATT_R_ID_EKDENY);
    inproc_gateway_free(&bare);
}
END_TEST

int main(void)
{
    const struct suite_fixture FIXTURE = {set_up, keepertest_fixture.tear_down};
    const struct suite_row ROWS[] = {
        {rejudge__holds_a_revoked_key_until_it_enrols_again, 0},
        {rejudge__judges_who_asks_before_its_turn, 0},
        {rejudge__holds_what_the_operator_denies_and_lets_it_go, 2},
        {rejudge__keeps_denied_keys_from_enrolling, 0},
        {rejudge__holds_while_its_maker_is_not_trusted, 0},
        {rejudge__looks_once_a_day, 0},
        {rejudge__refuses_a_list_that_it_cannot_read, 0},
        {rejudge__is_bounded_for_each_tick, 0},
        {rejudge__does_not_believe_certificates_of_another, 0},
        {store__of_an_earlier_schema_is_taken_over, 7},
        {rejudge__leaves_pinned_keys_to_the_operator, 0},
    };

    return SUITE_RUN_ROWS("keeper_rejudge", ROWS, &FIXTURE);
}
