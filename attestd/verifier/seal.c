/* The four sealed structures: context, enrolment facts, judgement, and what became of a part. */
#include "verifier/msg.h"

#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "crypto/digest.h"
#include "crypto/ek_cert.h"
#include "evidence/evidence.h"
#include "tcg/quote.h"
#include "verifier/ek_chain.h"

enum purpose { SEAL_CONTEXT = 1, SEAL_FACTS, SEAL_JUDGED, SEAL_FOLDED };

#define FIXED_BOUND 8192 /* everything of fixed size in any of them, heads included */
#define RESULT_MAX  262144

static enum att_err tag_of(uint8_t out[MSG_SEAL_LEN], enum purpose purpose, struct att_slice body,
                           const uint8_t *key)
{
    uint8_t word = (uint8_t)purpose;
    struct att_slice part[2] = {att_slice_of(&word, 1), body};

    return att_hmac(ATT_HASH_SHA256, att_slice_of(key, MSG_SEAL_LEN), part, 2, out);
}

/* A structure under way: its encoding grows in a buffer that the seal will end. */
struct sealing {
    struct att_buf *buf;
    struct att_wr w;
};

static enum att_err sealing_start(struct sealing *s, size_t bound)
{
    uint8_t *room = NULL;
    enum att_err err = att_buf_new(&s->buf, bound + MSG_SEAL_LEN);

    if (err == ATT_OK) {
        err = att_buf_room(s->buf, bound + MSG_SEAL_LEN, &room);
    }
    if (err != ATT_OK) {
        return err;
    }
    s->w = att_wr_into(room, bound);
    return ATT_OK;
}

static enum att_err sealing_end(struct att_buf **out, struct sealing *s, enum purpose purpose,
                                const uint8_t *key)
{
    struct att_slice body = {0};
    uint8_t tag[MSG_SEAL_LEN];
    enum att_err err = att_cbor_wr_done(&s->w, &body);

    if (err == ATT_OK) {
        err = tag_of(tag, purpose, body, key);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(s->buf, body.len);
    err = att_buf_add(s->buf, tag, sizeof(tag));
    if (err != ATT_OK) {
        return err;
    }
    *out = s->buf;
    s->buf = NULL;
    return ATT_OK;
}

static void sealing_drop(struct sealing *s)
{
    att_buf_freep(&s->buf);
}

static enum att_err unseal(struct att_slice *out, struct att_slice sealed, enum purpose purpose,
                           const uint8_t *key, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(sealed);
    struct att_slice body = {0};
    struct att_slice found = {0};
    uint8_t expected[MSG_SEAL_LEN];
    enum att_err err = ATT_OK;

    if (sealed.len < MSG_SEAL_LEN) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_FMT_FRAME, "seal",
                        "%zu bytes are too few for a seal", sealed.len);
    }
    body = att_rd_bytes(&r, sealed.len - MSG_SEAL_LEN);
    found = att_rd_rest(&r);
    err = tag_of(expected, purpose, body, key);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "seal", "cannot compute the seal");
    }
    if (ATT_GUARD(MSG_SEAL, !att_digest_eq(expected, found.p, MSG_SEAL_LEN))) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_FMT_FRAME, "seal",
                        "the seal is not that of the other process");
    }
    *out = body;
    return ATT_OK;
}

static void write_array(struct att_wr *w, const void *p, size_t len)
{
    att_cbor_wr_bytes(w, att_slice_of(p, len));
}

/* At most cap bytes into an array of ours; *len is how many. */
static void read_array(struct att_cbor *c, uint8_t *out, size_t cap, size_t *len)
{
    struct att_slice s = att_cbor_bytes(c, cap);

    if (s.len > 0) {
        memcpy(out, s.p, s.len);
    }
    *len = s.len;
}

enum att_err msg_context_seal(struct att_buf **out, const struct att_appraisal_context *c,
                              const uint8_t key[MSG_SEAL_LEN])
{
    ATT_CLEANUP(sealing_drop) struct sealing s = {0};
    enum att_err err = sealing_start(&s, att_appraisal_context_bound(c));

    if (err == ATT_OK) {
        err = att_appraisal_context_encode(&s.w, c);
    }
    return err != ATT_OK ? err : sealing_end(out, &s, SEAL_CONTEXT, key);
}

enum att_err msg_context_open(struct att_appraisal_context *out, struct att_slice sealed,
                              const uint8_t key[MSG_SEAL_LEN], struct att_diag *diag)
{
    struct att_slice body = {0};
    enum att_err err = unseal(&body, sealed, SEAL_CONTEXT, key, diag);

    return err != ATT_OK ? err : att_appraisal_context_decode(out, body, diag);
}

static void write_factory_key(struct att_wr *w, const struct msg_factory_key *k)
{
    att_cbor_wr_array(w, 2);
    write_array(w, k->public_area, k->public_len);
    att_cbor_wr_bytes(w, k->chain);
}

static void read_factory_key(struct att_cbor *c, struct msg_factory_key *k)
{
    (void)att_cbor_enter_array(c, 2);
    read_array(c, k->public_area, sizeof(k->public_area), &k->public_len);
    k->chain = att_cbor_bytes(c, EK_CHAIN_MAX);
    att_cbor_leave(c);
}

enum att_err msg_facts_seal(struct att_buf **out, const struct msg_enrol_facts *f,
                            const uint8_t key[MSG_SEAL_LEN])
{
    ATT_CLEANUP(sealing_drop) struct sealing s = {0};
    enum att_err err =
        sealing_start(&s, FIXED_BOUND + f->ek_chain.len + f->iak.chain.len + f->idevid.chain.len);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_array(&s.w, 18);
    att_cbor_wr_text(&s.w, f->device_id);
    att_cbor_wr_bool(&s.w, f->has_token);
    write_array(&s.w, f->token_digest, sizeof(f->token_digest));
    write_array(&s.w, f->ek_public, f->ek_public_len);
    write_array(&s.w, f->ek_name, f->ek_name_len);
    att_cbor_wr_bool(&s.w, f->ek_verified);
    att_cbor_wr_uint(&s.w, (uint64_t)f->ek_reason);
    att_cbor_wr_text(&s.w, f->ek_text);
    write_array(&s.w, f->ek_cert_digest, sizeof(f->ek_cert_digest));
    att_cbor_wr_bytes(&s.w, f->ek_chain);
    att_cbor_wr_bool(&s.w, f->ek_unknown);
    att_cbor_wr_uint(&s.w, f->ek_fixes);
    att_cbor_wr_uint(&s.w, f->tpm_manufacturer);
    write_array(&s.w, f->ak_public, f->ak_public_len);
    write_array(&s.w, f->csr_digest, sizeof(f->csr_digest));
    write_array(&s.w, f->tls_spki, f->tls_spki_len);
    write_factory_key(&s.w, &f->iak);
    write_factory_key(&s.w, &f->idevid);
    return sealing_end(out, &s, SEAL_FACTS, key);
}

enum att_err msg_facts_open(struct msg_enrol_facts *out, struct att_slice sealed,
                            const uint8_t key[MSG_SEAL_LEN], struct att_diag *diag)
{
    struct att_slice body = {0};
    struct att_cbor c = {0};
    enum att_err err = unseal(&body, sealed, SEAL_FACTS, key, diag);

    if (err != ATT_OK) {
        return err;
    }
    c = att_cbor_from(body);
    if (att_cbor_enter_array(&c, 18) != 18) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_text_copy(&c, out->device_id, sizeof(out->device_id));
    out->has_token = att_cbor_bool(&c);
    att_cbor_bytes_exact(&c, out->token_digest, sizeof(out->token_digest));
    read_array(&c, out->ek_public, sizeof(out->ek_public), &out->ek_public_len);
    read_array(&c, out->ek_name, sizeof(out->ek_name), &out->ek_name_len);
    out->ek_verified = att_cbor_bool(&c);
    out->ek_reason = (enum att_reason)att_cbor_uint_max(&c, ATT_R__COUNT - 1);
    att_cbor_text_copy(&c, out->ek_text, sizeof(out->ek_text));
    att_cbor_bytes_exact(&c, out->ek_cert_digest, sizeof(out->ek_cert_digest));
    out->ek_chain = att_cbor_bytes(&c, EK_CHAIN_MAX);
    out->ek_unknown = att_cbor_bool(&c);
    out->ek_fixes = (unsigned int)att_cbor_uint_max(&c, ATT_EK_FIX_ALL);
    out->tpm_manufacturer = (uint32_t)att_cbor_uint_max(&c, UINT32_MAX);
    read_array(&c, out->ak_public, sizeof(out->ak_public), &out->ak_public_len);
    att_cbor_bytes_exact(&c, out->csr_digest, sizeof(out->csr_digest));
    read_array(&c, out->tls_spki, sizeof(out->tls_spki), &out->tls_spki_len);
    read_factory_key(&c, &out->iak);
    read_factory_key(&c, &out->idevid);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "enrolment facts", diag);
}

static void write_offsets(struct att_wr *w, const struct att_log_offsets *o)
{
    att_cbor_wr_array(w, ATT_LOG__COUNT);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if (o->has[i]) {
            att_cbor_wr_uint(w, o->off[i]);
        } else {
            att_cbor_wr_null(w);
        }
    }
}

static void read_offsets(struct att_cbor *c, struct att_log_offsets *o)
{
    if (att_cbor_enter_array(c, ATT_LOG__COUNT) != ATT_LOG__COUNT) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        o->has[i] = att_cbor_peek(c) != ATT_CBOR_NULL;
        o->off[i] = 0;
        if (o->has[i]) {
            o->off[i] = att_cbor_uint(c);
        } else {
            att_cbor_null(c);
        }
    }
    att_cbor_leave(c);
}

enum att_err msg_judged_seal(struct att_buf **out, const struct msg_judged *j,
                             const uint8_t key[MSG_SEAL_LEN])
{
    ATT_CLEANUP(sealing_drop) struct sealing s = {0};
    enum att_err err = sealing_start(&s, FIXED_BOUND + j->claims.len + j->attest.len +
                                             j->signature.len + j->result.len);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_array(&s.w, 8);
    write_array(&s.w, j->context_digest, sizeof(j->context_digest));
    write_array(&s.w, j->evidence_digest, sizeof(j->evidence_digest));
    write_array(&s.w, j->claims_digest, sizeof(j->claims_digest));
    write_offsets(&s.w, &j->offsets);
    att_cbor_wr_bytes(&s.w, j->claims);
    att_cbor_wr_bytes(&s.w, j->attest);
    att_cbor_wr_bytes(&s.w, j->signature);
    att_cbor_wr_bytes(&s.w, j->result);
    return sealing_end(out, &s, SEAL_JUDGED, key);
}

enum att_err msg_judged_open(struct msg_judged *out, struct att_slice sealed,
                             const uint8_t key[MSG_SEAL_LEN], struct att_diag *diag)
{
    struct msg_judged j = {0};
    struct att_slice body = {0};
    struct att_cbor c = {0};
    enum att_err err = unseal(&body, sealed, SEAL_JUDGED, key, diag);

    if (err != ATT_OK) {
        return err;
    }
    c = att_cbor_from(body);
    if (att_cbor_enter_array(&c, 8) != 8) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    att_cbor_bytes_exact(&c, j.context_digest, sizeof(j.context_digest));
    att_cbor_bytes_exact(&c, j.evidence_digest, sizeof(j.evidence_digest));
    att_cbor_bytes_exact(&c, j.claims_digest, sizeof(j.claims_digest));
    read_offsets(&c, &j.offsets);
    j.claims = att_cbor_bytes(&c, MSG_CLAIMS_MAX);
    j.attest = att_cbor_bytes(&c, ATT_QUOTE_MAX);
    j.signature = att_cbor_bytes(&c, ATT_TPM_SIG_MAX);
    j.result = att_cbor_bytes(&c, RESULT_MAX);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "judgement", diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = j;
    return ATT_OK;
}

enum att_err msg_folded_seal(struct att_buf **out, const struct msg_folded *f,
                             const uint8_t key[MSG_SEAL_LEN])
{
    ATT_CLEANUP(sealing_drop) struct sealing s = {0};
    enum att_err err = sealing_start(&s, FIXED_BOUND + ATT_FOLDED_BOUND);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_array(&s.w, 2);
    write_array(&s.w, f->context_digest, sizeof(f->context_digest));
    err = att_folded_encode(&s.w, &f->folded);
    return err != ATT_OK ? err : sealing_end(out, &s, SEAL_FOLDED, key);
}

enum att_err msg_folded_open(struct msg_folded *out, struct att_slice sealed,
                             const uint8_t key[MSG_SEAL_LEN], struct att_diag *diag)
{
    struct att_slice body = {0};
    struct att_slice folded = {0};
    struct att_cbor c = {0};
    enum att_err err = unseal(&body, sealed, SEAL_FOLDED, key, diag);

    if (err != ATT_OK) {
        return err;
    }
    c = att_cbor_from(body);
    (void)att_cbor_enter_array(&c, 2);
    att_cbor_bytes_exact(&c, out->context_digest, sizeof(out->context_digest));
    folded = att_cbor_item(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "part", diag);
    return err != ATT_OK ? err : att_folded_decode(&out->folded, folded, diag);
}
