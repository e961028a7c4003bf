/* The documents of an enrolment. Each reads and writes like its table in docs/formats/protocol.md. */
#include "common/wire_internal.h"

static void put_certs(struct att_wr *w, const struct att_slice *cert, size_t count)
{
    att_cbor_wr_array(w, count);
    for (size_t i = 0; i < count; i++) {
        att_cbor_wr_bytes(w, cert[i]);
    }
}

static void put_factory_key(struct att_wr *w, int64_t key, const struct wire_factory_key *k)
{
    if (k->public_area.len == 0) {
        return;
    }
    att_cbor_wr_int(w, key);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_bytes(w, k->public_area);
    put_certs(w, k->cert, k->cert_count);
}

static size_t present(struct att_slice s)
{
    return s.len > 0 ? 1 : 0;
}

enum att_err wire_enrol_begin_encode(struct att_wr *w, const struct wire_enrol_begin *m)
{
    head(w, 6 + present(m->token) + present(m->iak.public_area) + present(m->idevid.public_area));
    put_text(w, 1, m->device_id);
    if (m->token.len > 0) {
        put_text(w, 2, m->token);
    }
    put_bytes(w, 3, m->ek_public);
    att_cbor_wr_uint(w, 4);
    put_certs(w, m->ek_cert, m->ek_cert_count);
    put_bytes(w, 5, m->ak_public);
    put_bytes(w, 6, m->csr);
    put_factory_key(w, 7, &m->iak);
    put_factory_key(w, 8, &m->idevid);
    return written(w);
}

static size_t get_certs(struct att_cbor *c, struct att_slice cert[WIRE_EK_CERTS_MAX])
{
    size_t count = att_cbor_enter_array(c, WIRE_EK_CERTS_MAX);

    for (size_t i = 0; i < count; i++) {
        cert[i] = att_cbor_bytes(c, CERT_MAX);
    }
    att_cbor_leave(c);
    return count;
}

/* Absent has one spelling: what is there has a key and a certificate. */
static void get_factory_key(struct wire_factory_key *out, struct wire_map *m, int64_t key)
{
    if (!has(m, key)) {
        return;
    }
    (void)att_cbor_enter_array(&m->c, 2);
    out->public_area = att_cbor_bytes(&m->c, PUBLIC_MAX);
    out->cert_count = get_certs(&m->c, out->cert);
    att_cbor_leave(&m->c);
    if (out->public_area.len == 0 || out->cert_count == 0) {
        att_cbor_fail(&m->c, ATT_E_FORMAT);
    }
}

enum att_err wire_enrol_begin_parse(struct wire_enrol_begin *out, struct att_slice in,
                                    struct att_diag *diag)
{
    struct wire_enrol_begin v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "enrol begin", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.device_id = need_text(&m, 1, ID_MAX);
    if (has(&m, 2)) {
        v.token = att_cbor_text(&m.c, TOKEN_MAX);
        if (v.token.len == 0) { /* one spelling of "none": leave it out */
            att_cbor_fail(&m.c, ATT_E_FORMAT);
        }
    }
    v.ek_public = need_bytes(&m, 3, PUBLIC_MAX);
    need(&m, 4);
    v.ek_cert_count = get_certs(&m.c, v.ek_cert);
    v.ak_public = need_bytes(&m, 5, PUBLIC_MAX);
    v.csr = need_bytes(&m, 6, CSR_MAX);
    get_factory_key(&v.iak, &m, 7);
    if (v.iak.public_area.len > 0) { /* without an IAK nobody speaks for it */
        get_factory_key(&v.idevid, &m, 8);
    }
    err = close_map(&m, "enrol begin", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err wire_enrol_challenge_encode(struct att_wr *w, const struct wire_enrol_challenge *m)
{
    head(w, 7);
    put_bytes(w, 1, m->session);
    put_bytes(w, 2, m->nonce);
    put_text(w, 3, m->verifier_id);
    put_bytes(w, 4, m->id_object);
    put_bytes(w, 5, m->secret);
    put_bytes(w, 6, m->selection);
    return written(w);
}

enum att_err wire_enrol_challenge_parse(struct wire_enrol_challenge *out, struct att_slice in,
                                        struct att_diag *diag)
{
    struct wire_enrol_challenge v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "enrol challenge", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.session = need_exact(&m, 1, WIRE_SESSION_LEN);
    v.nonce = need_exact(&m, 2, WIRE_NONCE_LEN);
    v.verifier_id = need_text(&m, 3, VERIFIER_ID_MAX);
    v.id_object = need_bytes(&m, 4, ID_OBJECT_MAX);
    v.secret = need_bytes(&m, 5, ENC_SECRET_MAX);
    v.selection = need_bytes(&m, 6, SELECTION_MAX);
    err = close_map(&m, "enrol challenge", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

static void put_certified(struct att_wr *w, int64_t key, const struct wire_certified *c)
{
    if (c->attest.len == 0) {
        return;
    }
    att_cbor_wr_int(w, key);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_bytes(w, c->attest);
    att_cbor_wr_bytes(w, c->signature);
}

enum att_err wire_enrol_activate_encode(struct att_wr *w, const struct wire_enrol_activate *m)
{
    head(w, 5 + present(m->ak.attest) + present(m->idevid.attest));
    put_bytes(w, 1, m->session);
    put_bytes(w, 2, m->secret);
    put_bytes(w, 3, m->attest);
    put_bytes(w, 4, m->signature);
    put_certified(w, 5, &m->ak);
    put_certified(w, 6, &m->idevid);
    return written(w);
}

static void get_certified(struct wire_certified *out, struct wire_map *m, int64_t key)
{
    if (!has(m, key)) {
        return;
    }
    (void)att_cbor_enter_array(&m->c, 2);
    out->attest = att_cbor_bytes(&m->c, ATTEST_MAX);
    out->signature = att_cbor_bytes(&m->c, ATTEST_MAX);
    att_cbor_leave(&m->c);
    if (out->attest.len == 0 || out->signature.len == 0) {
        att_cbor_fail(&m->c, ATT_E_FORMAT);
    }
}

enum att_err wire_enrol_activate_parse(struct wire_enrol_activate *out, struct att_slice in,
                                       struct att_diag *diag)
{
    struct wire_enrol_activate v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "enrol activate", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.session = need_exact(&m, 1, WIRE_SESSION_LEN);
    v.secret = need_bytes(&m, 2, SECRET_MAX);
    v.attest = need_bytes(&m, 3, ATTEST_MAX);
    v.signature = need_bytes(&m, 4, ATTEST_MAX);
    get_certified(&v.ak, &m, 5);
    get_certified(&v.idevid, &m, 6);
    err = close_map(&m, "enrol activate", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err wire_enrol_done_encode(struct att_wr *w, const struct wire_enrol_done *m)
{
    head(w, 4);
    put_text(w, 1, m->device_id);
    put_bytes(w, 2, m->client_cert);
    put_uint(w, 3, m->interval_s);
    return written(w);
}

enum att_err wire_enrol_done_parse(struct wire_enrol_done *out, struct att_slice in,
                                   struct att_diag *diag)
{
    struct wire_enrol_done v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "enrol done", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.device_id = need_text(&m, 1, ID_MAX);
    v.client_cert = need_bytes(&m, 2, CERT_MAX);
    v.interval_s = need_uint(&m, 3, INTERVAL_MAX);
    err = close_map(&m, "enrol done", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}
