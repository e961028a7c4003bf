/* COSE_Sign1: make, and put another unprotected map around what is signed. */
#include <string.h>

#include "codec/cbor_wr.h"
#include "sign/cose_internal.h"

/* Upper bound for the message of an order; SIZE_MAX sums cannot happen with slices that are in memory. */
static size_t protected_room(const struct att_cose_order *o)
{
    size_t room = COSE_FRAME_ROOM + o->kid.len + o->cwt_claims.len;

    room += o->typ == NULL ? 0 : strlen(o->typ) + COSE_FRAME_ROOM;
    room += o->content_type == NULL ? 0 : strlen(o->content_type) + COSE_FRAME_ROOM;
    room += o->preimage_type == NULL ? 0 : strlen(o->preimage_type) + COSE_FRAME_ROOM;
    for (size_t i = 0; i < o->x5chain_count; i++) {
        room += o->x5chain[i].len + COSE_FRAME_ROOM;
    }
    return room;
}

static void write_x5chain(struct att_wr *w, const struct att_slice *chain, size_t count)
{
    att_cbor_wr_uint(w, COSE_LABEL_X5CHAIN);
    if (count > 1) {
        att_cbor_wr_array(w, count);
    }
    for (size_t i = 0; i < count; i++) {
        att_cbor_wr_bytes(w, chain[i]);
    }
}

static void write_protected(struct att_wr *w, const struct att_cose_order *o, int64_t alg)
{
    size_t count = 1;

    count += o->content_type != NULL ? 1 : 0;
    count += o->kid.len > 0 ? 1 : 0;
    count += o->cwt_claims.len > 0 ? 1 : 0;
    count += o->typ != NULL ? 1 : 0;
    count += o->x5chain_count > 0 ? 1 : 0;
    count += o->payload_hash != 0 ? 1 : 0;
    count += o->preimage_type != NULL ? 1 : 0;
    count += o->vds != 0 ? 1 : 0;
    att_cbor_wr_map(w, count);
    att_cbor_wr_uint(w, COSE_LABEL_ALG);
    att_cbor_wr_int(w, alg);
    if (o->content_type != NULL) {
        att_cbor_wr_uint(w, COSE_LABEL_CONTENT_TYPE);
        att_cbor_wr_text(w, o->content_type);
    }
    if (o->kid.len > 0) {
        att_cbor_wr_uint(w, COSE_LABEL_KID);
        att_cbor_wr_bytes(w, o->kid);
    }
    if (o->cwt_claims.len > 0) {
        att_cbor_wr_uint(w, COSE_LABEL_CWT_CLAIMS);
        att_cbor_wr_raw(w, o->cwt_claims);
    }
    if (o->typ != NULL) {
        att_cbor_wr_uint(w, COSE_LABEL_TYP);
        att_cbor_wr_text(w, o->typ);
    }
    if (o->x5chain_count > 0) {
        write_x5chain(w, o->x5chain, o->x5chain_count);
    }
    if (o->payload_hash != 0) {
        att_cbor_wr_uint(w, COSE_LABEL_PAYLOAD_HASH);
        att_cbor_wr_int(w, o->payload_hash);
    }
    if (o->preimage_type != NULL) {
        att_cbor_wr_uint(w, COSE_LABEL_PREIMAGE_TYPE);
        att_cbor_wr_text(w, o->preimage_type);
    }
    if (o->vds != 0) {
        att_cbor_wr_uint(w, COSE_LABEL_VDS);
        att_cbor_wr_int(w, o->vds);
    }
}

static enum att_err encode_protected(struct att_buf **out, const struct att_cose_order *o,
                                     int64_t alg)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = protected_room(o);
    struct att_slice written;
    struct att_wr w;
    enum att_err err = cose_open_writer(&b, room, &w);

    if (err != ATT_OK) {
        return err;
    }
    write_protected(&w, o, alg);
    err = att_cbor_wr_done(&w, &written);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, written.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* The four members of a message. payload.p is NULL: detached. */
struct members {
    struct att_slice protected_bytes, unprotected, payload, signature;
};

static enum att_err encode_message(struct att_buf **out, const struct members *m)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    bool detached = m->payload.p == NULL;
    size_t room = COSE_FRAME_ROOM + m->protected_bytes.len + m->unprotected.len + m->payload.len +
                  m->signature.len;
    struct att_cose again;
    struct att_slice bytes;
    struct att_wr w;
    enum att_err err = cose_open_writer(&b, room, &w);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_tag(&w, COSE_TAG_SIGN1);
    att_cbor_wr_array(&w, 4);
    att_cbor_wr_bytes(&w, m->protected_bytes);
    att_cbor_wr_raw(&w, m->unprotected);
    if (detached) {
        att_cbor_wr_null(&w);
    } else {
        att_cbor_wr_bytes(&w, m->payload);
    }
    att_cbor_wr_bytes(&w, m->signature);
    if (!att_wr_ok(&w)) {
        return ATT_E_INTERNAL;
    }
    /* what nobody could read back must not go out */
    bytes = att_slice_of(w.p, w.len);
    err = detached ? att_cose_parse_detached(&again, bytes, NULL)
                   : att_cose_parse(&again, bytes, NULL);
    if (err != ATT_OK) {
        return ATT_E_INTERNAL;
    }
    att_buf_commit(b, w.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

static struct att_slice empty_map(void)
{
    static const uint8_t none = 0xa0;

    return att_slice_of(&none, 1);
}

enum att_err att_cose_make(struct att_buf **out, const struct att_cose_order *order,
                           const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *head = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *tbs = NULL;
    uint8_t sig[ATT_COSE_SIG_MAX];
    const struct cose_alg *a = cose_alg_of(signer->public_key);
    struct members m = {.unprotected = empty_map()};
    size_t sig_len = 0;
    enum att_err err = ATT_OK;

    if (a == NULL || signer->scheme != a->scheme || signer->hash != a->hash) {
        return ATT_E_UNSUPPORTED;
    }
    if (order->payload.len == 0) {
        return ATT_E_INTERNAL; /* nobody would read it */
    }
    err = encode_protected(&head, order, a->alg);
    if (err == ATT_OK) {
        err = cose_sig_structure(&tbs, att_buf_slice(head), order->external_aad, order->payload);
    }
    if (err == ATT_OK) {
        err = att_signer_sign(signer, att_buf_slice(tbs), sig, sizeof(sig), &sig_len);
    }
    if (err != ATT_OK) {
        return err;
    }
    m.protected_bytes = att_buf_slice(head);
    m.signature = att_slice_of(sig, sig_len);
    if (!order->detached) {
        m.payload = order->payload;
    }
    return encode_message(out, &m);
}

enum att_err att_cose_with_unprotected(struct att_buf **out, const struct att_cose *m,
                                       struct att_slice unprotected)
{
    const struct members all = {
        .protected_bytes = m->protected_bytes,
        .unprotected = unprotected,
        .payload = m->payload_untrusted,
        .signature = m->signature,
    };

    return encode_message(out, &all);
}
