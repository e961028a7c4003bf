/* One enrolment request: what is claimed, and which of it proves itself. Whether it may is the keeper's. */
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "common/wire.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "tcg/pubarea.h"
#include "verifier/appraiser/appraiser.h"

/* What a step needs beside its input. */
struct judging {
    const struct appraiser *a;
    int64_t utc_s;
    struct att_diag *diag;
};

static enum att_err keep(uint8_t *out, size_t cap, size_t *len, struct att_slice in,
                         const char *field, struct att_diag *diag)
{
    if (in.len > cap) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, field, "at most %zu bytes, found %zu",
                        cap, in.len);
    }
    memcpy(out, in.p, in.len);
    *len = in.len;
    return ATT_OK;
}

static enum att_err read_identity(struct msg_enrol_facts *f, const struct wire_enrol_begin *m,
                                  struct att_diag *diag)
{
    enum att_err err = att_device_id_check(m->device_id, diag);

    if (err != ATT_OK) {
        return err;
    }
    memcpy(f->device_id, m->device_id.p, m->device_id.len);
    f->device_id[m->device_id.len] = '\0';
    f->has_token = m->token.len > 0;
    return f->has_token ? att_sha256(m->token, f->token_digest) : ATT_OK;
}

static enum att_err read_ak(struct msg_enrol_facts *f, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_pubarea area = {0};
    enum att_err err = att_pubarea_parse(&area, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_check_ak(&area, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_key(&key, &area, diag);
    if (err != ATT_OK) {
        return err;
    }
    return keep(f->ak_public, sizeof(f->ak_public), &f->ak_public_len, area.encoded, "AK", diag);
}

static enum att_err read_ek(struct msg_enrol_facts *f, struct att_pubkey **key, struct att_slice in,
                            struct att_diag *diag)
{
    uint8_t room[ATT_PUBAREA_MAX];
    struct att_slice padded = {0};
    struct att_pubarea area = {0};
    enum att_err err = att_pubarea_parse(&area, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_check_ek(&area, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_key(key, &area, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_pubarea_ek_name(f->ek_name, &f->ek_name_len, &area);
    if (err == ATT_OK) {
        err = att_pubarea_padded(&padded, room, &area);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_FMT_KEY, "EK", "its name cannot be computed");
    }
    return keep(f->ek_public, sizeof(f->ek_public), &f->ek_public_len, padded, "EK", diag);
}

/* The certificates that were sent, owned. */
struct shown {
    struct att_cert *cert[WIRE_EK_CERTS_MAX];
    size_t count;
};

static void shown_free(struct shown *s)
{
    for (size_t i = 0; i < s->count; i++) {
        att_cert_free(s->cert[i]);
    }
}

static enum att_err read_certs(struct shown *out, const struct wire_enrol_begin *m,
                               struct att_diag *diag)
{
    for (size_t i = 0; i < m->ek_cert_count; i++) {
        const char *workaround = NULL;
        enum att_err err = att_cert_parse_ek(&out->cert[i], m->ek_cert[i], &workaround, diag);

        if (err != ATT_OK) {
            return err;
        }
        out->count++;
    }
    return ATT_OK;
}

/* The certificate that is about this very key; NULL when there is none. */
static const struct att_cert *leaf_of(const struct shown *s, const struct att_pubkey *ek)
{
    for (size_t i = 0; i < s->count; i++) {
        ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;

        if (att_cert_key(&key, s->cert[i], NULL) == ATT_OK && att_pubkey_eq(key, ek)) {
            return s->cert[i];
        }
    }
    return NULL;
}

static enum att_err judge_chain(struct msg_enrol_facts *f, const struct shown *s,
                                const struct att_cert *leaf, const struct judging *at)
{
    const struct att_cert *chain[WIRE_EK_CERTS_MAX];
    struct att_diag why = {0};
    size_t count = 0;
    enum att_err err = att_cert_fingerprint(f->ek_cert_digest, leaf);

    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (s->cert[i] != leaf) {
            chain[count++] = s->cert[i];
        }
    }
    if (at->a->ek_anchors == NULL) {
        err = att_fail(&why, ATT_E_UNTRUSTED, ATT_R_ID_EKCERT, "EK certificate",
                       "no anchors are configured (ek_anchors)");
    } else {
        err = att_chain_verify(leaf, chain, count, at->a->ek_anchors, ATT_USE_EK, at->utc_s,
                               ATT_R_ID_EKCERT, &why);
    }
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO) {
        return err;
    }
    if (ATT_GUARD(EK_CHAIN, err != ATT_OK)) {
        f->ek_reason = ATT_R_ID_EKCERT;
        (void)snprintf(f->ek_text, sizeof(f->ek_text), "%s", why.text);
        return ATT_OK;
    }
    f->ek_verified = true;
    return ATT_OK;
}

/* What the certificates say of the key. None at all is no fault; one for another key is. */
static enum att_err read_ek_certs(struct msg_enrol_facts *f, const struct wire_enrol_begin *m,
                                  const struct att_pubkey *ek, const struct judging *at)
{
    ATT_CLEANUP(shown_free) struct shown s = {0};
    const struct att_cert *leaf = NULL;
    enum att_err err = read_certs(&s, m, at->diag);

    if (err != ATT_OK) {
        return err;
    }
    if (s.count == 0) {
        return ATT_OK;
    }
    leaf = leaf_of(&s, ek);
    if (ATT_GUARD(EK_CERT_KEY, leaf == NULL)) {
        f->ek_reason = ATT_R_ID_EKCERT;
        (void)snprintf(f->ek_text, sizeof(f->ek_text),
                       "none of the %zu certificates is for the endorsement key", s.count);
        return ATT_OK;
    }
    return judge_chain(f, &s, leaf == NULL ? s.cert[0] : leaf, at);
}

static enum att_err read_csr(struct msg_enrol_facts *f, struct att_slice csr, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    enum att_err err = att_csr_open(&key, csr, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_sha256(csr, f->csr_digest);
    if (err == ATT_OK) {
        err = att_pubkey_spki(&spki, key);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "CSR", "%s", att_err_name(err));
    }
    return keep(f->tls_spki, sizeof(f->tls_spki), &f->tls_spki_len, att_buf_slice(spki), "CSR",
                diag);
}

/* The id is the first member behind the version, so what is wrong at its place is wrong with it. */
#define ID_OFF 4

static enum att_err read_request(struct wire_enrol_begin *out, struct att_slice body,
                                 struct att_diag *diag)
{
    enum att_err err = wire_enrol_begin_parse(out, body, diag);

    if (err != ATT_OK && diag->reason == ATT_R_FMT_CBOR && diag->off == ID_OFF) {
        return att_fail_at(diag, err, ATT_R_FMT_ID, "device id", ID_OFF,
                           "expected 1 to %d of A-Z a-z 0-9 . _ -", ATT_DEVICE_ID_MAX);
    }
    return err;
}

enum att_err judge_enrolment(struct att_buf **sealed, const struct appraiser *a,
                             struct att_slice body, int64_t utc_s, struct att_diag *diag)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *ek = NULL;
    const struct judging at = {.a = a, .utc_s = utc_s, .diag = diag};
    struct wire_enrol_begin m = {0};
    struct msg_enrol_facts f = {0};
    enum att_err err = read_request(&m, body, diag);

    if (err == ATT_OK) {
        err = read_identity(&f, &m, diag);
    }
    if (err == ATT_OK) {
        err = read_ak(&f, m.ak_public, diag);
    }
    if (err == ATT_OK) {
        err = read_ek(&f, &ek, m.ek_public, diag);
    }
    if (err == ATT_OK) {
        err = read_ek_certs(&f, &m, ek, &at);
    }
    if (err == ATT_OK) {
        err = read_csr(&f, m.csr, diag);
    }
    return err != ATT_OK ? err : msg_facts_seal(sealed, &f, a->seal_key);
}
