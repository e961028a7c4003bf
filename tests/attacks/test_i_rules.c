/*
 * Attack matrix 4.2, what an operator rules: revocation lists, TPMs with known defects, workarounds. Each row
 * has a service of its own, whose configuration is the rule.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attack.h"
#include "base/hex.h"
#include "need.h"

#define CRLS "ek_crls: crl.d\n"

static struct service *suites; /* the suite's service, while a row has its own in its place */

/* A service with more lines in its configuration; not running yet. */
static void open_service(const char *extra)
{
    const struct service_options options = {.extra = extra};
    char path[128];

    suites = attack_service;
    attack_service = service_new(&options);
    snprintf(path, sizeof(path), "%s/crl.d", attack_service->dir);
    NEED(mkdir(path, 0700) == 0);
}

static void close_service(void)
{
    service_free(attack_service);
    attack_service = suites;
}

static void write_crl(const struct softtpm_ca *ca, const char *name,
                      const struct softtpm_crl_order *order)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/crl.d/%s", attack_service->dir, name);
    softtpm_ca_write_crl(ca, path, order);
}

/* A begun enrolment with a token: 200, or what it was refused with, which left no trace. */
static void begin(struct gateway *g, int status, const char *code, const char *word)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    char token[128];
    char *before = NULL;
    struct att_slice body;

    NEED(e != NULL);
    service_token(attack_service, g->id, token);
    before = attack_records();
    gateway_enrol_prepare(g, e, token);
    (void)gateway_enrol_begin(g, e);
    body = client_body(&e->begin_answer);
    ck_assert_msg(e->begin_answer.status == status && strcmp(e->begin_answer.code, code) == 0,
                  "expected %d %s, found %d %s", status, code, e->begin_answer.status,
                  e->begin_answer.code);
    ck_assert_msg(word == NULL || memmem(body.p, body.len, word, strlen(word)) != NULL,
                  "the answer does not say %s", word);
    attack_same_records(before);
    gateway_enrol_clear(e);
    free(e);
}

/* ---- revocation ----------------------------------------------------------------------------- */

enum crl_state { CRL_GOOD, CRL_NAMES_IT, CRL_MISSING, CRL_OLD, CRL_FORGED };

static const struct {
    const char *extra;
    enum crl_state state;
    int status;
    const char *code, *word;
} REVOCATION[] = {
    {CRLS, CRL_GOOD, 200, "", NULL},
    {CRLS, CRL_NAMES_IT, 422, "E_ID_REVOKED", "certificate.revoked"},
    {CRLS, CRL_MISSING, 422, "E_ID_REVOKED", "certificate.crl-missing"},
    {CRLS, CRL_OLD, 422, "E_ID_REVOKED", "certificate.crl-expired"},
    {CRLS, CRL_FORGED, 422, "E_ID_REVOKED", "certificate.crl-invalid"},
    {CRLS "ek_revocation: if-present\n", CRL_MISSING, 200, "", NULL},
    {CRLS "ek_revocation: if-present\n", CRL_OLD, 200, "", NULL},
    {CRLS "ek_revocation: if-present\n", CRL_NAMES_IT, 422, "E_ID_REVOKED", "certificate.revoked"},
    {CRLS "ek_revocation: if-present\n", CRL_FORGED, 422, "E_ID_REVOKED",
     "certificate.crl-invalid"},
};

static void prepare_crl(const struct gateway *g, enum crl_state state)
{
    struct softtpm_crl_order order = {0};
    EVP_PKEY *other = softtpm_p256();

    if (state == CRL_NAMES_IT) {
        order.revoked[0] = softtpm_ek_cert(g->tpm);
        order.revoked_count = 1;
    }
    if (state == CRL_OLD) {
        order.this_update_s = -7200;
        order.next_update_s = -3600;
    }
    if (state == CRL_FORGED) {
        order.other_key = other;
    }
    if (state != CRL_MISSING) {
        write_crl(attack_service->ek_ca, "maker.crl", &order);
    }
    EVP_PKEY_free(other);
}

START_TEST(I_17__revocation_lists_decide)
{
    struct gateway *g = NULL;

    open_service(REVOCATION[_i].extra);
    g = attack_stranger("i-17");
    prepare_crl(g, REVOCATION[_i].state);
    service_start(attack_service);
    begin(g, REVOCATION[_i].status, REVOCATION[_i].code, REVOCATION[_i].word);
    gateway_free(g);
    close_service();
}
END_TEST

/* The authority between is revoked by the root; its own list says nothing bad. */
START_TEST(I_17__revoked_authority_takes_its_certificates_along)
{
    struct softtpm_crl_order order = {0};
    const struct softtpm_crl_order good = {0};
    const struct softtpm_cert_order usual = {0};
    struct softtpm_ca *middle = NULL;
    struct gateway *g = NULL;
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    uint8_t der[2048], *p = der;
    char token[128];
    int len = 0;

    NEED(e != NULL);
    open_service(CRLS);
    middle = softtpm_ca_below(attack_service->ek_ca, "Plant 7");
    len = i2d_X509(middle->root, &p);
    NEED(len > 0 && (size_t)len <= sizeof(der));
    order.revoked[0] = att_slice_of(der, (size_t)len);
    order.revoked_count = (size_t)_i;
    write_crl(middle, "middle.crl", &good);
    write_crl(attack_service->ek_ca, "root.pem", &order);
    service_start(attack_service);
    g = attack_stranger("i-17-middle");
    softtpm_certify_ek(g->tpm, middle, &usual);
    service_token(attack_service, g->id, token);
    gateway_enrol_prepare(g, e, token);
    e->begin.ek_cert[1] = order.revoked[0];
    e->begin.ek_cert_count = 2;
    ck_assert_int_eq(gateway_enrol_begin(g, e), _i == 0 ? 200 : 422);
    ck_assert_str_eq(e->begin_answer.code, _i == 0 ? "" : "E_ID_REVOKED");
    gateway_enrol_clear(e);
    free(e);
    gateway_free(g);
    softtpm_ca_free(middle);
    close_service();
}
END_TEST

/* SIGHUP, and wait until the service has said that this became of it. */
static void reload(const char *event)
{
    char command[256];
    int64_t deadline = attack_now_ms() + 10000;

    snprintf(command, sizeof(command), "grep -q '%s' %s/log", event, attack_service->dir);
    NEED(kill(attack_service->pid, SIGHUP) == 0);
    while (system(command) != 0) {
        ck_assert_msg(attack_now_ms() < deadline, "no %s after SIGHUP", event);
        attack_nap_ms(20);
    }
}

/* A new list counts from SIGHUP on, without a restart; one that cannot be read changes nothing. */
START_TEST(I_17__new_list_counts_after_a_signal)
{
    struct softtpm_crl_order order = {0};
    struct gateway *g = NULL;
    char path[160];
    FILE *f = NULL;

    open_service(CRLS);
    write_crl(attack_service->ek_ca, "maker.crl", &order);
    service_start(attack_service);
    g = attack_stranger("i-17-signal");
    begin(g, 200, "", NULL);
    order.revoked[0] = softtpm_ek_cert(g->tpm);
    order.revoked_count = 1;
    write_crl(attack_service->ek_ca, "maker.crl", &order);
    reload("reload.same");
    begin(g, 422, "E_ID_REVOKED", "certificate.revoked");
    snprintf(path, sizeof(path), "%s/crl.d/maker.crl", attack_service->dir);
    f = fopen(path, "w");
    NEED(f != NULL && fputs("no list", f) >= 0 && fclose(f) == 0);
    reload("reload.refused");
    begin(g, 422, "E_ID_REVOKED", "certificate.revoked");
    gateway_free(g);
    close_service();
}
END_TEST

/* ---- TPMs with known defects ---------------------------------------------------------------- */

static const struct {
    const char *extra;
    int status;
    const char *code;
    bool listed; /* enrols by the allow-list, without a certificate */
} DENIED[] = {
    {"tpm_deny: [{manufacturer: FAKE}]\n", 422, "E_ID_TPMFW", false},
    {"tpm_deny: [{manufacturer: FAKE, firmware_from: \"4.0\", firmware_below: \"4.34\"}]\n", 422,
     "E_ID_TPMFW", false},
    {"tpm_deny: [{firmware_below: \"4.34\"}]\n", 422, "E_ID_TPMFW", false},
    {"tpm_deny: [{manufacturer: FAKE, firmware_below: \"4.33\"}]\n", 200, "", false},
    {"tpm_deny: [{manufacturer: IFX}]\n", 200, "", false},
    {"tpm_deny: [{manufacturer: FAKE, action: warn}]\n", 200, "", false},
    /* nobody vouches for the manufacturer, so the row is not excluded */
    {"tpm_deny: [{manufacturer: IFX, firmware_below: \"4.34\"}]\n", 422, "E_ID_TPMFW", true},
};

static void allow_list(const struct gateway *g)
{
    char name[2 * ATT_NAME_MAX + 1], body[256], said[512];

    NEED(att_hex_encode(name, sizeof(name), softtpm_name(&g->tpm->ek)) != NULL);
    snprintf(body, sizeof(body), "{\"ek_name\":\"%s\",\"id\":\"%s\"}", name, g->id);
    NEED(service_admin(attack_service, "POST", "/allow", body, said, sizeof(said)) == 201);
}

START_TEST(I_20__listed_firmware_is_refused)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    struct gateway *g = NULL;
    struct service_device d;
    char token[128];
    char *before = NULL;

    NEED(e != NULL);
    open_service(DENIED[_i].extra);
    service_start(attack_service);
    g = attack_stranger("i-20");
    g->tpm->firmware_version = 0x0004002100000000ULL; /* 4.33 */
    service_token(attack_service, g->id, token);
    if (DENIED[_i].listed) {
        allow_list(g);
        g->tpm->ek_cert_len = 0;
    }
    before = attack_records();
    gateway_enrol_prepare(g, e, token);
    ck_assert_int_eq(gateway_enrol_begin(g, e), 200);
    gateway_enrol_solve(g, e);
    ck_assert_int_eq(gateway_enrol_activate(g, e), DENIED[_i].status);
    ck_assert_str_eq(e->activate_answer.code, DENIED[_i].code);
    if (DENIED[_i].status == 200) {
        ck_assert(service_device(&d, attack_service, "i-20"));
        ck_assert_str_eq(d.last.reason,
                         strstr(DENIED[_i].extra, "warn") != NULL ? "E_ID_TPMFW" : "");
        free(before);
    } else {
        attack_same_records(before);
    }
    gateway_enrol_clear(e);
    free(e);
    gateway_free(g);
    close_service();
}
END_TEST

/* ---- workarounds ---------------------------------------------------------------------------- */

/* A certificate as a careless TPM keeps it: admitted and written down, or refused where that is not allowed. */
START_TEST(I_07__workaround_is_named_or_refused)
{
    struct gateway *g = NULL;
    struct service_device d;
    char token[128];

    open_service(_i == 0 ? NULL : "ek_workarounds: [tcg-header, ber]\n");
    service_start(attack_service);
    g = attack_stranger("i-07-padded");
    memset(g->tpm->ek_cert + g->tpm->ek_cert_len, 0xff, 100);
    g->tpm->ek_cert_len += 100;
    if (_i == 0) {
        service_token(attack_service, g->id, token);
        ck_assert_int_eq(gateway_enrol(g, token), 200);
        ck_assert(service_device(&d, attack_service, g->id));
        ck_assert_str_eq(d.last.detail, "ek verified, read with padding");
    } else {
        begin(g, 422, "E_ID_EKCERT", "padding");
    }
    gateway_free(g);
    close_service();
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-07-workaround", I_07__workaround_is_named_or_refused, 2, 60},
        {"I-17", I_17__revocation_lists_decide, (int)ATT_COUNT(REVOCATION), 60},
        {"I-17-middle", I_17__revoked_authority_takes_its_certificates_along, 2, 60},
        {"I-17-signal", I_17__new_list_counts_after_a_signal, 0, 60},
        {"I-20", I_20__listed_firmware_is_refused, (int)ATT_COUNT(DENIED), 60},
    };

    return attack_main("attacks: rules for endorsement keys", rows, ATT_COUNT(rows), NULL);
}
