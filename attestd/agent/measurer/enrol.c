/* Enrolment: who this gateway's TPM is, proven to the verifier, and the certificate that comes back. */
#include "agent/measurer/agent.h"
#include "agent/measurer/certs.h"
#include "agent/measurer/datakey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/measurer/factory.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/rd.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "evidence/context.h"
#include "tcg/pcr.h"

#define BEGIN_MAX    196608 /* bytes of an enrol-begin document */
#define ACTIVATE_MAX 8192
#define CA_MAX       262144
#define LOCK_WAIT_MS 5000

struct enrolment {
    struct agent_ident ident;
    const struct agent_conf *conf;
    struct agent_courier courier;
    struct relay *relay;
    struct hw_tpm *tpm;
    struct hw_ek_certs certs;
    struct hw_ek ek;
    struct agent_factory_found iak, idevid;
    uint8_t ak_name[ATT_NAME_MAX];
    size_t ak_name_len;
    uint8_t csr_digest[32];
    struct relay_answer csr, begin;
    struct wire_enrol_challenge challenge; /* borrows begin */
    int lock_fd;
};

static void enrolment_free(struct enrolment *e)
{
    if (e == NULL) {
        return;
    }
    relay_answer_free(&e->csr);
    relay_answer_free(&e->begin);
    relay_stop(e->relay);
    hw_ek_certs_free(&e->certs);
    agent_factory_free(&e->iak);
    agent_factory_free(&e->idevid);
    hw_tpm_close(e->tpm);
    att_closep(&e->lock_fd);
    free(e);
}

static void enrolment_freep(struct enrolment **e)
{
    enrolment_free(*e);
    *e = NULL;
}

/* The TPM's keys: the maker's, the one that will quote, and the factory's where agent.yaml names them. */
static enum att_err open_keys(struct enrolment *e, struct att_diag *diag)
{
    enum att_err err = hw_tpm_open(&e->tpm, e->conf->tcti, diag);

    if (err == ATT_OK) {
        err = agent_ek_certs(&e->certs, e->tpm, e->conf, diag);
    }
    if (err == ATT_OK) {
        err = hw_tpm_ek(&e->ek, e->tpm, HW_EK_ANY, &e->certs, diag);
    }
    if (err == ATT_OK) {
        err = hw_tpm_ak_make(&e->ident.ak, e->tpm, e->conf->ak_handle, diag);
    }
    if (err == ATT_OK) {
        err = agent_factory_find(&e->iak, e->tpm, &e->conf->iak, diag);
    }
    if (err == ATT_OK) {
        err = agent_factory_find(&e->idevid, e->tpm, &e->conf->idevid, diag);
    }
    if (err == ATT_OK) {
        err = state_name_of(e->ident.ek_name, &e->ident.ek_name_len,
                            att_slice_of(e->ek.public_area, e->ek.public_len), STATE_EK, diag);
    }
    if (err == ATT_OK) {
        err = state_name_of(e->ak_name, &e->ak_name_len,
                            att_slice_of(e->ident.ak.public_area, e->ident.ak.public_len), STATE_AK,
                            diag);
    }
    e->ident.ek_kind = e->ek.kind;
    return err;
}

static enum att_err ask(struct relay_answer *out, struct enrolment *e,
                        const struct relay_request *q, struct att_diag *diag)
{
    enum att_err err = relay_ask(out, e->relay, q, diag);

    if (err == ATT_OK && out->status != 200) {
        return agent_refusal(out, diag);
    }
    return err;
}

static enum att_err make_request(struct enrolment *e, struct att_diag *diag)
{
    struct relay_request q = {.kind = RELAY_KEY, .a = att_slice_str(e->ident.device_id)};
    enum att_err err = ask(&e->csr, e, &q, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_sha256(e->csr.body, e->csr_digest);
    return err == ATT_OK ? ATT_OK : att_fail(diag, err, ATT_R_INTERNAL, NULL, "no digest");
}

/* The certificate of our key first, the rest behind it. */
static void add_certs(struct wire_enrol_begin *m, const struct enrolment *e)
{
    const struct agent_certs to = {.cert = m->ek_cert,
                                   .count = &m->ek_cert_count,
                                   .max = ATT_COUNT(m->ek_cert),
                                   .cert_max = HW_EK_CERT_MAX};

    for (int own = 1; own >= 0; own--) {
        for (uint32_t i = 0; i < e->certs.count; i++) {
            if ((e->certs.cert[i].index == e->ek.cert_index) == (own == 1)) {
                agent_certs_add(&to, att_buf_slice(e->certs.cert[i].der));
            }
        }
    }
    if (e->certs.chain != NULL) {
        agent_certs_cut(&to, att_buf_slice(e->certs.chain), false);
    }
}

static enum att_err begin(struct enrolment *e, struct att_slice token, struct att_diag *diag)
{
    struct wire_enrol_begin m = {
        .device_id = att_slice_str(e->ident.device_id),
        .token = token,
        .ek_public = att_slice_of(e->ek.public_area, e->ek.public_len),
        .ak_public = att_slice_of(e->ident.ak.public_area, e->ident.ak.public_len),
        .csr = e->csr.body,
    };
    struct relay_request q = {.kind = RELAY_ENROL_BEGIN};
    uint8_t *doc = malloc(BEGIN_MAX);
    struct att_wr w = att_wr_into(doc, doc == NULL ? 0 : BEGIN_MAX);
    enum att_err err = ATT_OK;

    add_certs(&m, e);
    agent_factory_wire(&m.iak, &e->iak);
    agent_factory_wire(&m.idevid, &e->idevid);
    err = wire_enrol_begin_encode(&w, &m);
    if (err == ATT_OK) {
        err = att_wr_done(&w, &q.body);
    }
    err = err == ATT_OK ? ask(&e->begin, e, &q, diag)
                        : att_fail(diag, err, ATT_R_INTERNAL, "enrol begin", "cannot be encoded");
    if (err == ATT_OK) {
        err = wire_enrol_challenge_parse(&e->challenge, e->begin.body, diag);
    }
    free(doc);
    return err;
}

static enum att_err take_verifier_id(struct enrolment *e, struct att_diag *diag)
{
    struct att_slice id = e->challenge.verifier_id;

    if (id.len == 0 || id.len > ATT_VERIFIER_ID_MAX || memchr(id.p, 0, id.len) != NULL) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_NET_PROTOCOL, "enrol challenge.verifier",
                        "the verifier's id has %zu bytes", id.len);
    }
    memcpy(e->ident.verifier_id, id.p, id.len);
    return ATT_OK;
}

/* What the keys sign at the end: it ties session, keys and certificate request together. */
struct proof {
    struct hw_quote quote;      /* by the AK */
    struct hw_quote ak, idevid; /* the IAK about each of these; empty where there is none */
};

static enum att_err qualifying_of(uint8_t out[32], const struct enrolment *e, struct att_diag *diag)
{
    struct att_enrol_context ctx = {
        .verifier_id = e->ident.verifier_id,
        .device_id = e->ident.device_id,
        .nonce = e->challenge.nonce.p,
        .ek_name = att_slice_of(e->ident.ek_name, e->ident.ek_name_len),
        .ak_name = att_slice_of(e->ak_name, e->ak_name_len),
        .csr_digest = e->csr_digest,
    };
    enum att_err err = att_enrol_qualifying(out, &ctx);

    return err == ATT_OK ? ATT_OK
                         : att_fail(diag, err, ATT_R_INTERNAL, "quote", "no qualifying data");
}

/* The factory's key about ours, and about its other one. */
static enum att_err certify(struct proof *out, struct enrolment *e, struct att_slice qualifying,
                            struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (e->iak.named) {
        err = hw_tpm_certify(&out->ak, e->tpm, e->iak.key.handle, e->ident.ak.handle, qualifying,
                             diag);
    }
    if (err == ATT_OK && e->idevid.named) {
        err = hw_tpm_certify(&out->idevid, e->tpm, e->iak.key.handle, e->idevid.key.handle,
                             qualifying, diag);
    }
    return err;
}

static enum att_err prove(struct proof *out, struct enrolment *e, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(e->challenge.selection);
    struct att_pcr_selection selection;
    uint8_t qualifying[32];
    enum att_err err = ATT_OK;

    att_pcr_selection_read(&r, &selection);
    err = att_rd_end_diag(&r, ATT_R_NET_PROTOCOL, "enrol challenge.selection", diag);
    if (err != ATT_OK) {
        return err;
    }
    err = qualifying_of(qualifying, e, diag);
    if (err == ATT_OK) {
        err = hw_tpm_quote(&out->quote, e->tpm, &e->ident.ak, att_slice_of(qualifying, 32),
                           &selection, diag);
    }
    return err == ATT_OK ? certify(out, e, att_slice_of(qualifying, 32), diag) : err;
}

static struct wire_certified certified(const struct hw_quote *q)
{
    return (struct wire_certified){.attest = att_slice_of(q->attest, q->attest_len),
                                   .signature = att_slice_of(q->sig, q->sig_len)};
}

static enum att_err send_activate(struct relay_answer *out, struct enrolment *e,
                                  struct att_slice secret, const struct proof *p,
                                  struct att_diag *diag)
{
    struct wire_enrol_activate m = {
        .session = e->challenge.session,
        .secret = secret,
        .attest = att_slice_of(p->quote.attest, p->quote.attest_len),
        .signature = att_slice_of(p->quote.sig, p->quote.sig_len),
        .ak = certified(&p->ak),
        .idevid = certified(&p->idevid),
    };
    struct relay_request request = {.kind = RELAY_ENROL_ACTIVATE};
    uint8_t doc[ACTIVATE_MAX];
    struct att_wr w = att_wr_into(doc, sizeof(doc));
    enum att_err err = wire_enrol_activate_encode(&w, &m);

    if (err == ATT_OK) {
        err = att_wr_done(&w, &request.body);
    }
    err = err == ATT_OK
              ? ask(out, e, &request, diag)
              : att_fail(diag, err, ATT_R_INTERNAL, "enrol activate", "cannot be encoded");
    att_wipe(doc, sizeof(doc));
    return err;
}

/* What the verifier gave: the certificate first, the enrolment that names it last. */
static enum att_err keep(struct enrolment *e, const struct relay_answer *answer,
                         struct att_diag *diag)
{
    struct wire_enrol_done done;
    struct relay_request q = {.kind = RELAY_CERT};
    ATT_CLEANUP(relay_answer_free) struct relay_answer kept = {0};
    enum att_err err = wire_enrol_done_parse(&done, answer->body, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (!att_slice_eq(done.device_id, att_slice_str(e->ident.device_id))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_NET_PROTOCOL, "enrol done.device",
                        "the verifier enrolled another id than %s", e->ident.device_id);
    }
    q.body = done.client_cert;
    e->ident.interval_s = done.interval_s;
    err = ask(&kept, e, &q, diag);
    return err != ATT_OK ? err : state_store(&e->ident, e->conf->state_dir, diag);
}

static enum att_err activate(struct enrolment *e, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *secret = NULL;
    ATT_CLEANUP(relay_answer_free) struct relay_answer answer = {0};
    struct hw_credential cred = {.id_object = e->challenge.id_object,
                                 .enc_secret = e->challenge.secret};
    struct proof p = {.quote = {.attest_len = 0}};
    enum att_err err = take_verifier_id(e, diag);

    if (err == ATT_OK) {
        err = hw_tpm_activate(&secret, e->tpm, &e->ek, &e->ident.ak, &cred, diag);
    }
    if (err == ATT_OK) {
        err = prove(&p, e, diag);
    }
    if (err == ATT_OK) {
        err = send_activate(&answer, e, att_buf_slice(secret), &p, diag);
    }
    return err != ATT_OK ? err : keep(e, &answer, diag);
}

/* A copy of the anchor, so that a later run does not depend on a file in somebody's home. */
static enum att_err keep_ca(const struct enrolment *e, const struct agent_enrolment *a,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *anchors = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *ca = NULL;
    struct att_slice pem = a->ca;
    enum att_err err = att_anchors_new(&anchors);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "verifier_ca", "no memory");
    }
    if (a->ca_file != NULL) {
        err = att_anchors_add_pem(anchors, a->ca_file, diag);
        if (err == ATT_OK) {
            err = att_file_read(&ca, a->ca_file, CA_MAX, diag);
        }
        if (err == ATT_OK) {
            pem = att_buf_slice(ca);
        }
    }
    if (err == ATT_OK) {
        err = att_file_write(e->courier.ca, pem, 0600, diag);
    }
    return err != ATT_OK || a->ca_file != NULL ? err
                                               : att_anchors_add_pem(anchors, e->courier.ca, diag);
}

/* A certificate that is left from another verifier says nothing to this one, which would refuse the channel. */
static enum att_err forget_cert(const struct enrolment *e, struct att_diag *diag)
{
    if (unlink(e->courier.cert) == 0 || errno == ENOENT) {
        return ATT_OK;
    }
    return att_fail(diag, ATT_E_IO, ATT_R_FILE, STATE_TLS_CERT, "cannot remove %s: %s",
                    e->courier.cert, strerror(errno));
}

static enum att_err choose_id(struct enrolment *e, const char *id, struct att_diag *diag)
{
    char host[ATT_DEVICE_ID_MAX + 1] = {0};
    enum att_err err = ATT_OK;

    if (id == NULL && gethostname(host, sizeof(host) - 1) != 0) {
        host[0] = '\0';
    }
    id = id == NULL ? host : id;
    err = att_device_id_check(att_slice_str(id), diag);
    if (err == ATT_OK) {
        strcpy(e->ident.device_id, id); /* at most ATT_DEVICE_ID_MAX, as was checked */
    }
    return err;
}

static enum att_err prepare(struct enrolment *e, const struct agent_enrolment *a,
                            struct att_diag *diag)
{
    enum att_err err = choose_id(e, a->device_id, diag);

    if (err == ATT_OK && strlen(a->url) > STATE_URL_MAX) {
        err = att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "verifier", "the URL is too long");
    }
    if (err == ATT_OK) {
        strcpy(e->ident.url, a->url);
        err = state_lock(&e->lock_fd, e->conf->state_dir, LOCK_WAIT_MS, diag);
    }
    if (err == ATT_OK && ATT_GUARD(AGENT_REENROL, state_enrolled(e->conf->state_dir))) {
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_ID_REENROL, NULL,
                        "%s holds an enrolment already", e->conf->state_dir);
    }
    if (err == ATT_OK) {
        err = agent_courier_settings(&e->courier, e->conf, e->ident.url, diag);
    }
    if (err == ATT_OK) {
        err = forget_cert(e, diag);
    }
    if (err == ATT_OK) { /* a key that follows another verifier's word, or another device's */
        err = data_key_forget(e->conf->state_dir, diag);
    }
    if (err == ATT_OK) {
        err = keep_ca(e, a, diag);
    }
    if (err == ATT_OK) {
        e->courier.settings.ca_file = e->courier.ca;
        err = relay_start(&e->relay, &e->courier.settings, diag);
    }
    return err;
}

enum att_err agent_enrol(struct agent_ident *out, const struct agent_conf *conf,
                         const struct agent_enrolment *a, struct att_diag *diag)
{
    ATT_CLEANUP(enrolment_freep) struct enrolment *e = calloc(1, sizeof(*e));
    enum att_err err = ATT_OK;

    if (e == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for an enrolment");
    }
    e->conf = conf;
    e->lock_fd = -1;
    err = prepare(e, a, diag);
    if (err == ATT_OK) {
        err = open_keys(e, diag);
    }
    if (err == ATT_OK) {
        err = make_request(e, diag);
    }
    if (err == ATT_OK) {
        err = begin(e, a->token, diag);
    }
    if (err == ATT_OK) {
        err = activate(e, diag);
    }
    if (err == ATT_OK) {
        *out = e->ident;
    }
    return err;
}
