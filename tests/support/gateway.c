/* The gateway in software: what an honest agent does, step by step. */
#include "gateway.h"

#include <stdio.h>

#include <openssl/sha.h>

#include "base/rd.h"
#include "base/wr.h"
#include "evidence/profile.h"
#include "need.h"

#define REQUEST_MAX 32768

const char *const gateway_files[GATEWAY_FILE_COUNT] = {"/usr/sbin/gatewayd", "/etc/gateway.conf",
                                                       "/usr/lib/libmodbus.so.5"};
const char *const gateway_contents[GATEWAY_FILE_COUNT] = {"the program that reads the meters\n",
                                                          "interval = 10\nserver = 192.0.2.1\n",
                                                          "a shared library\n"};

struct gateway *gateway_new(struct client_tls *tls, const char *host, uint16_t port, const char *id,
                            struct softtpm *tpm)
{
    struct gateway *g = calloc(1, sizeof(*g));
    size_t i;

    NEED(g != NULL);
    snprintf(g->id, sizeof(g->id), "%s", id);
    g->tpm = tpm;
    g->tls_key = softtpm_p256();
    g->client = client_new(tls, host, port, NULL);
    for (i = 0; i < ATT_LOG__COUNT; i++) {
        g->has[i] = true;
    }
    return g;
}

void gateway_free(struct gateway *g)
{
    size_t i;

    if (g == NULL) {
        return;
    }
    client_free(g->client);
    X509_free(g->cert);
    EVP_PKEY_free(g->tls_key);
    softtpm_free(g->tpm);
    for (i = 0; i < ATT_LOG__COUNT; i++) {
        softlog_free(&g->log[i]);
    }
    free(g);
}

static void usual_uefi(struct softlog *log, struct softtpm *tpm)
{
    softlog_uefi_boot(log, tpm, "firmware 1.0");
}

void gateway_usual_ima(struct softlog *log, struct softtpm *tpm)
{
    size_t i;

    softlog_ima_boot_aggregate(log, tpm);
    for (i = 0; i < GATEWAY_FILE_COUNT; i++) {
        softlog_ima(log, tpm, gateway_files[i], att_slice_str(gateway_contents[i]));
    }
}

static void measure_boot(struct gateway *g, const struct gateway_plan *plan)
{
    size_t i;

    softtpm_tick(g->tpm, 1000);
    for (i = 0; i < ATT_LOG__COUNT; i++) {
        softlog_clear(&g->log[i]);
    }
    if (g->has[ATT_LOG_UEFI]) {
        (plan->uefi != NULL ? plan->uefi : usual_uefi)(&g->log[ATT_LOG_UEFI], g->tpm);
    }
    if (g->has[ATT_LOG_IMA]) {
        (plan->ima != NULL ? plan->ima : gateway_usual_ima)(&g->log[ATT_LOG_IMA], g->tpm);
    }
    softlog_own_boot(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR);
    for (i = 0; i < GATEWAY_FILE_COUNT; i++) {
        softlog_own_file(&g->log[ATT_LOG_OWN], g->tpm, GATEWAY_OWN_PCR, gateway_files[i],
                         att_slice_str(gateway_contents[i]));
    }
}

void gateway_boot_as(struct gateway *g, const struct gateway_plan *plan)
{
    softtpm_reset(g->tpm);
    measure_boot(g, plan);
}

void gateway_boot(struct gateway *g)
{
    static const struct gateway_plan USUAL;

    gateway_boot_as(g, &USUAL);
}

void gateway_restart(struct gateway *g)
{
    static const struct gateway_plan USUAL;

    softtpm_restart(g->tpm);
    measure_boot(g, &USUAL);
}

void gateway_enrol_clear(struct gateway_enrolment *e)
{
    client_answer_clear(&e->begin_answer);
    client_answer_clear(&e->activate_answer);
    memset(e, 0, sizeof(*e));
}

void gateway_enrol_prepare(struct gateway *g, struct gateway_enrolment *e, const char *token)
{
    gateway_enrol_clear(e);
    e->csr = softtpm_csr(g->tls_key, g->id);
    e->begin.device_id = att_slice_str(g->id);
    if (token != NULL) {
        e->begin.token = att_slice_str(token);
    }
    e->begin.ek_public = softtpm_public(&g->tpm->ek);
    if (g->tpm->ek_cert_len != 0) {
        e->begin.ek_cert[0] = softtpm_ek_cert(g->tpm);
        e->begin.ek_cert_count = 1;
    }
    e->begin.ak_public = softtpm_public(&g->tpm->ak);
    e->begin.csr = softtpm_slice(&e->csr);
}

int gateway_enrol_begin(struct gateway *g, struct gateway_enrolment *e)
{
    uint8_t *room = malloc(REQUEST_MAX);
    struct att_wr w = att_wr_into(room, REQUEST_MAX);

    NEED(room != NULL && wire_enrol_begin_encode(&w, &e->begin) == ATT_OK);
    client_request(g->client, &e->begin_answer, "POST", "/enrol/v1/begin", ATT_TYPE_CBOR,
                   att_slice_of(room, w.len));
    free(room);
    if (e->begin_answer.status == 200) {
        NEED(wire_enrol_challenge_parse(&e->challenge, client_body(&e->begin_answer), NULL) ==
             ATT_OK);
    }
    return e->begin_answer.status;
}

static void enrol_qualifying(uint8_t out[32], const struct gateway *g,
                             const struct gateway_enrolment *e)
{
    char verifier[ATT_VERIFIER_ID_MAX + 1];
    uint8_t csr_digest[32];
    struct att_enrol_context ctx = {.verifier_id = verifier,
                                    .device_id = g->id,
                                    .nonce = e->challenge.nonce.p,
                                    .ek_name = softtpm_name(&g->tpm->ek),
                                    .ak_name = softtpm_name(&g->tpm->ak),
                                    .csr_digest = csr_digest};

    NEED(e->challenge.nonce.len == ATT_NONCE_LEN);
    SHA256(e->csr.p, e->csr.len, csr_digest);
    snprintf(verifier, sizeof(verifier), "%.*s", (int)e->challenge.verifier_id.len,
             (const char *)e->challenge.verifier_id.p);
    NEED(att_enrol_qualifying(out, &ctx) == ATT_OK);
}

void gateway_enrol_solve(struct gateway *g, struct gateway_enrolment *e)
{
    struct att_rd r = att_rd_slice(e->challenge.selection);
    struct att_pcr_selection selection;
    uint8_t qualifying[32];

    if (!softtpm_activate(e->secret, &e->secret_len, g->tpm, softtpm_name(&g->tpm->ak),
                          e->challenge.id_object, e->challenge.secret)) {
        e->secret_len = 32; /* a TPM that cannot: the secret stays zeros */
    }
    att_pcr_selection_read(&r, &selection);
    NEED(att_rd_end(&r) == ATT_OK);
    enrol_qualifying(qualifying, g, e);
    softtpm_quote(&e->attest, &e->signature, g->tpm, att_slice_of(qualifying, 32), &selection);
    e->activate.session = e->challenge.session;
    e->activate.secret = att_slice_of(e->secret, e->secret_len);
    e->activate.attest = softtpm_slice(&e->attest);
    e->activate.signature = softtpm_slice(&e->signature);
}

static void take_certificate(struct gateway *g, const struct gateway_enrolment *e)
{
    struct wire_enrol_done done;
    struct client_identity id = {.key = g->tls_key};
    const uint8_t *p;

    NEED(wire_enrol_done_parse(&done, client_body(&e->activate_answer), NULL) == ATT_OK);
    p = done.client_cert.p;
    X509_free(g->cert);
    g->cert = d2i_X509(NULL, &p, (long)done.client_cert.len);
    NEED(g->cert != NULL);
    id.cert = g->cert;
    client_set_identity(g->client, &id);
}

int gateway_enrol_activate(struct gateway *g, struct gateway_enrolment *e)
{
    uint8_t room[8192];
    struct att_wr w = att_wr_into(room, sizeof(room));

    NEED(wire_enrol_activate_encode(&w, &e->activate) == ATT_OK);
    client_request(g->client, &e->activate_answer, "POST", "/enrol/v1/activate", ATT_TYPE_CBOR,
                   att_slice_of(room, w.len));
    if (e->activate_answer.status == 200) {
        take_certificate(g, e);
    }
    return e->activate_answer.status;
}

int gateway_enrol(struct gateway *g, const char *token)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    int status;

    NEED(e != NULL);
    gateway_enrol_prepare(g, e, token);
    status = gateway_enrol_begin(g, e);
    if (status == 200) {
        gateway_enrol_solve(g, e);
        status = gateway_enrol_activate(g, e);
    }
    gateway_enrol_clear(e);
    free(e);
    return status;
}

void gateway_attempt_clear(struct gateway_attempt *a)
{
    client_answer_clear(&a->session_answer);
    client_answer_clear(&a->answer);
    att_buf_free(a->claims_encoded);
    att_buf_free(a->evidence);
    memset(a, 0, sizeof(*a));
}

static void session_path(struct gateway_attempt *a)
{
    const char *at = a->session_answer.location;
    const char *scheme = strstr(at, "://");

    if (scheme != NULL) {
        at = strchr(scheme + 3, '/');
        NEED(at != NULL);
    }
    snprintf(a->path, sizeof(a->path), "%s%s", at[0] == '/' ? "" : "/challenge-response/v1/", at);
}

int gateway_session(struct gateway *g, struct gateway_attempt *a)
{
    struct wire_new_session m = {.own_pcr = GATEWAY_OWN_PCR,
                                 .has_boot = true,
                                 .reset_count = g->tpm->clock.reset_count,
                                 .restart_count = g->tpm->clock.restart_count};
    uint8_t room[64];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_rd r;
    size_t i;

    for (i = 0; i < ATT_LOG__COUNT; i++) {
        m.log_mask |= g->has[i] ? 1U << i : 0;
    }
    NEED(wire_new_session_encode(&w, &m) == ATT_OK);
    client_request(g->client, &a->session_answer, "POST", "/challenge-response/v1/newSession",
                   ATT_TYPE_CBOR, att_slice_of(room, w.len));
    if (a->session_answer.status != 201) {
        return a->session_answer.status;
    }
    NEED(wire_challenge_parse(&a->challenge, client_body(&a->session_answer), NULL) == ATT_OK);
    NEED(a->challenge.nonce.len == ATT_NONCE_LEN && a->challenge.session.len == ATT_SESSION_LEN);
    r = att_rd_slice(a->challenge.selection);
    att_pcr_selection_read(&r, &a->selection);
    NEED(att_rd_end(&r) == ATT_OK);
    session_path(a);
    return a->session_answer.status;
}

static void fill_claims(const struct gateway *g, struct gateway_attempt *a, uint8_t ueid[33])
{
    size_t i;

    ueid[0] = 0x01;
    SHA256(g->tpm->ek.name, g->tpm->ek.name_len, ueid + 1);
    a->claims = (struct att_claims){.ueid = att_slice_of(ueid, 33),
                                    .swname = "attest-agent",
                                    .swversion = "0",
                                    .build_id = "test",
                                    .uptime_s = g->tpm->clock.clock_ms / 1000,
                                    .bootcount = g->tpm->clock.reset_count,
                                    .tpm_manufacturer = "FAKE",
                                    .lockout_counter = 3,
                                    .bank = {{ATT_HASH_SHA256, true}, {ATT_HASH_SHA1, false}},
                                    .bank_count = 2,
                                    .tpm_firmware = g->tpm->firmware_version};
    for (i = 0; i < ATT_LOG__COUNT; i++) {
        a->claims.logs.has[i] = g->has[i];
        a->claims.logs.off[i] = g->has[i] ? a->challenge.offset[i] : 0;
        a->log[i] =
            g->has[i] ? softlog_from(&g->log[i], a->claims.logs.off[i]) : att_slice_of(NULL, 0);
    }
}

void gateway_measure(struct gateway *g, struct gateway_attempt *a)
{
    uint8_t ueid[33];
    uint8_t claims_digest[32];
    char verifier[ATT_VERIFIER_ID_MAX + 1];
    struct att_quote_context ctx = {.verifier_id = verifier,
                                    .device_id = g->id,
                                    .nonce = a->challenge.nonce.p,
                                    .session = a->challenge.session.p,
                                    .claims_digest = claims_digest};
    struct att_slice claims;

    fill_claims(g, a, ueid);
    att_buf_freep(&a->claims_encoded);
    NEED(att_claims_encode(&a->claims_encoded, &a->claims) == ATT_OK);
    a->claims.ueid = att_slice_of(NULL, 0);
    claims = att_buf_slice(a->claims_encoded);
    SHA256(claims.p, claims.len, claims_digest);
    ctx.logs = a->claims.logs;
    snprintf(verifier, sizeof(verifier), "%.*s", (int)a->challenge.verifier_id.len,
             (const char *)a->challenge.verifier_id.p);
    NEED(att_quote_qualifying(a->qualifying, &ctx) == ATT_OK);
    softtpm_tick(g->tpm, 10);
    a->attest = softtpm_attest(g->tpm, att_slice_of(a->qualifying, 32), &a->selection);
}

void gateway_sign(struct gateway *g, struct gateway_attempt *a)
{
    a->attest_bytes = softtpm_attest_encode(&a->attest);
    a->signature = softtpm_sign(&g->tpm->ak, softtpm_slice(&a->attest_bytes));
    a->signature_bytes = softtpm_signature_encode(&a->signature);
}

void gateway_seal(struct gateway *g, struct gateway_attempt *a)
{
    struct att_evidence ev = {.attest = softtpm_slice(&a->attest_bytes),
                              .signature = softtpm_slice(&a->signature_bytes),
                              .claims_encoded = att_buf_slice(a->claims_encoded),
                              .claims = a->claims};
    size_t i;

    (void)g;
    for (i = 0; i < ATT_LOG__COUNT; i++) {
        ev.log[i] = a->log[i];
    }
    att_buf_freep(&a->evidence);
    NEED(att_evidence_encode(&a->evidence, &ev) == ATT_OK);
}

int gateway_send(struct gateway *g, struct gateway_attempt *a)
{
    client_request(g->client, &a->answer, "POST", a->path, ATT_TYPE_EVIDENCE,
                   att_buf_slice(a->evidence));
    a->has_outcome = false;
    if (a->answer.status == 200) {
        NEED(wire_outcome_parse(&a->outcome, client_body(&a->answer), NULL) == ATT_OK);
        a->has_outcome = true;
    }
    if (a->answer.status == 422) {
        struct wire_problem p;

        NEED(wire_problem_parse(&p, client_body(&a->answer), NULL) == ATT_OK);
        a->has_outcome =
            p.outcome.len != 0 && wire_outcome_parse(&a->outcome, p.outcome, NULL) == ATT_OK;
    }
    return a->answer.status;
}

int gateway_prepare(struct gateway *g, struct gateway_attempt *a)
{
    int status = gateway_session(g, a);

    if (status == 201) {
        gateway_measure(g, a);
        gateway_sign(g, a);
        gateway_seal(g, a);
    }
    return status;
}

int gateway_attest(struct gateway *g, struct gateway_attempt *a)
{
    int status;

    gateway_attempt_clear(a);
    status = gateway_prepare(g, a);
    return status == 201 ? gateway_send(g, a) : status;
}

int gateway_label(struct gateway *g, struct client_answer *out)
{
    char path[160];

    snprintf(path, sizeof(path), "/labels/v1/device/%s/current", g->id);
    client_request(g->client, out, "GET", path, NULL, att_slice_of(NULL, 0));
    return out->status;
}
