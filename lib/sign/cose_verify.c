/* COSE_Sign1: verify under one key. */
#include <stdlib.h>

#include "base/guard.h"
#include "codec/cbor_wr.h"
#include "sign/cose_internal.h"

struct att_cose_verified {
    struct att_slice payload;
};

/* Each of our algorithms with the one kind of key that may use it. */
static const struct cose_alg ALGS[] = {
    {ATT_COSE_ES256, ATT_KEY_EC_P256, ATT_SCHEME_ECDSA, ATT_HASH_SHA256},
    {ATT_COSE_ES384, ATT_KEY_EC_P384, ATT_SCHEME_ECDSA, ATT_HASH_SHA384},
    {ATT_COSE_EDDSA, ATT_KEY_ED25519, ATT_SCHEME_ED25519, ATT_HASH_NONE},
};

const struct cose_alg *cose_alg_of(const struct att_pubkey *key)
{
    for (size_t i = 0; i < ATT_COUNT(ALGS); i++) {
        if (ALGS[i].type == att_pubkey_type(key))
            return &ALGS[i];
    }
    return NULL;
}

enum att_err cose_open_writer(struct att_buf **out, size_t room, struct att_wr *w)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t *p = NULL;
    enum att_err err = att_buf_new(&b, room);

    if (err == ATT_OK) {
        err = att_buf_room(b, room, &p);
    }
    if (err != ATT_OK) {
        return err;
    }
    *w = att_wr_into(p, room);
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err cose_sig_structure(struct att_buf **out, struct att_slice protected_bytes,
                                struct att_slice external_aad, struct att_slice payload)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = COSE_FRAME_ROOM + protected_bytes.len + external_aad.len + payload.len;
    struct att_slice written;
    struct att_wr w;
    enum att_err err = cose_open_writer(&b, room, &w);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_array(&w, 4);
    att_cbor_wr_text(&w, "Signature1");
    att_cbor_wr_bytes(&w, protected_bytes);
    att_cbor_wr_bytes(&w, external_aad);
    att_cbor_wr_bytes(&w, payload);
    err = att_cbor_wr_done(&w, &written);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, written.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

static enum att_err check_signature(const struct cose_alg *a, const struct att_cose *m,
                                    const struct att_pubkey *key, struct att_slice tbs,
                                    struct att_diag *diag)
{
    enum att_err err = att_verify(key, a->scheme, a->hash, tbs, m->signature);

    if (ATT_GUARD(COSE_SIGNATURE, err == ATT_E_SIGNATURE)) {
        return att_fail(diag, err, ATT_R_LBL_SIG, "signature",
                        "the signature does not verify under the key");
    }
    if (err != ATT_OK && err != ATT_E_SIGNATURE) {
        return att_fail(diag, err, ATT_R_INTERNAL, "signature",
                        "the signature could not be checked");
    }
    return ATT_OK;
}

/* What is signed besides the protected header. */
struct signed_parts {
    struct att_slice payload, external_aad;
};

static enum att_err verify(struct att_cose_verified **out, const struct att_cose *m,
                           const struct signed_parts *parts, const struct att_pubkey *key,
                           struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *tbs = NULL;
    struct att_cose_verified *v = NULL;
    const struct cose_alg *a = cose_alg_of(key);
    enum att_err err = ATT_OK;

    if (a == NULL) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_LBL_ALG, "key",
                        "expected a P-256, P-384 or Ed25519 key");
    }
    if (ATT_GUARD(COSE_ALG_KEY, m->alg != a->alg)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_LBL_ALG, "alg",
                        "expected %lld, which is the key's, found %lld", (long long)a->alg,
                        (long long)m->alg);
    }
    err = cose_sig_structure(&tbs, m->protected_bytes, parts->external_aad, parts->payload);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory for the signed bytes");
    }
    err = check_signature(a, m, key, att_buf_slice(tbs), diag);
    if (err != ATT_OK) {
        return err;
    }
    v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory");
    }
    v->payload = parts->payload;
    *out = v;
    return ATT_OK;
}

enum att_err att_cose_verify(struct att_cose_verified **out, const struct att_cose *m,
                             const struct att_pubkey *key, struct att_slice external_aad,
                             struct att_diag *diag)
{
    const struct signed_parts parts = {m->payload_untrusted, external_aad};

    return verify(out, m, &parts, key, diag);
}

enum att_err att_cose_verify_detached(struct att_cose_verified **out, const struct att_cose *m,
                                      struct att_slice payload, const struct att_pubkey *key,
                                      struct att_diag *diag)
{
    const struct signed_parts parts = {.payload = payload};

    return verify(out, m, &parts, key, diag);
}

struct att_slice att_cose_payload(const struct att_cose_verified *v)
{
    return v->payload;
}

void att_cose_verified_free(struct att_cose_verified *v)
{
    free(v);
}

void att_cose_verified_freep(struct att_cose_verified **v)
{
    att_cose_verified_free(*v);
    *v = NULL;
}
