/* Transfers written: the giver's offer, and the receiver's acceptance around it. */
#include "appraise/transfer.h"
#include "base/wr.h"
#include "codec/cbor_wr.h"

#define VERSION 1

static void write_last(struct att_wr *w, const struct att_transfer_last *l)
{
    att_cbor_wr_array(w, 4);
    att_cbor_wr_uint(w, l->status);
    if (l->has_counters) {
        att_cbor_wr_array(w, 3);
        att_cbor_wr_uint(w, l->reset_count);
        att_cbor_wr_uint(w, l->restart_count);
        att_cbor_wr_uint(w, l->clock_ms);
    } else {
        att_cbor_wr_null(w);
    }
    if (l->has_label) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_bytes(w, att_slice_of(l->cti, sizeof(l->cti)));
        att_cbor_wr_bytes(w, att_slice_of(l->label_digest, sizeof(l->label_digest)));
    } else {
        att_cbor_wr_null(w);
    }
    att_cbor_wr_uint(w, l->outcomes);
}

static void write_offer(struct att_wr *w, const struct att_transfer *t)
{
    att_cbor_wr_array(w, 11);
    att_cbor_wr_uint(w, VERSION);
    att_cbor_wr_bytes(w, att_slice_of(t->id, sizeof(t->id)));
    att_cbor_wr_text(w, t->giver.verifier_id);
    att_cbor_wr_text(w, t->giver.device_id);
    att_cbor_wr_bytes(w, att_slice_of(t->ek_name, t->ek_name_len));
    if (t->has_ek_cert) {
        att_cbor_wr_bytes(w, att_slice_of(t->ek_cert, sizeof(t->ek_cert)));
    } else {
        att_cbor_wr_null(w);
    }
    att_cbor_wr_bytes(w, att_slice_of(t->ak_name, t->ak_name_len));
    att_cbor_wr_bytes(w, att_slice_of(t->receiver.key, t->receiver.key_len));
    att_cbor_wr_uint(w, (uint64_t)t->offered_utc);
    att_cbor_wr_uint(w, (uint64_t)t->expires_utc);
    write_last(w, &t->last);
}

static const struct att_document_kind OFFER = {.what = "offer",
                                               .content_type = ATT_TRANSFER_OFFER_TYPE,
                                               .purpose = ATT_TRANSFER_OFFER_PURPOSE,
                                               .reason = ATT_R_FMT_TRANSFER};
static const struct att_document_kind ACCEPTANCE = {.what = "transfer",
                                                    .content_type = ATT_TRANSFER_TYPE,
                                                    .purpose = ATT_TRANSFER_PURPOSE,
                                                    .reason = ATT_R_FMT_TRANSFER};

/* The message, and once through the reader: what nobody would take is not given away. */
static enum att_err sign(struct att_buf **out, const struct att_document_kind *kind,
                         struct att_slice payload, const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = NULL;
    struct att_transfer again;
    enum att_err err = att_document_sign(&message, kind, payload, signer);

    if (err != ATT_OK) {
        return err;
    }
    if (att_transfer_parse(&again, att_buf_slice(message), NULL) != ATT_OK) {
        return ATT_E_INTERNAL;
    }
    *out = message;
    message = NULL;
    return ATT_OK;
}

enum att_err att_transfer_offer_make(struct att_buf **out, const struct att_transfer *t,
                                     const struct att_signer *signer)
{
    uint8_t room[ATT_TRANSFER_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice payload;
    enum att_err err = ATT_OK;

    write_offer(&w, t);
    err = att_cbor_wr_done(&w, &payload);
    return err == ATT_OK ? sign(out, &OFFER, payload, signer) : err;
}

enum att_err att_transfer_accept_make(struct att_buf **out, const struct att_transfer *t,
                                      struct att_slice offer, const struct att_pubkey *giver,
                                      const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    uint8_t room[ATT_TRANSFER_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice payload;
    enum att_err err = att_pubkey_spki(&spki, giver);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_array(&w, 6);
    att_cbor_wr_uint(&w, VERSION);
    att_cbor_wr_bytes(&w, offer);
    att_cbor_wr_bytes(&w, att_buf_slice(spki));
    att_cbor_wr_text(&w, t->receiver.verifier_id);
    att_cbor_wr_text(&w, t->receiver.device_id);
    att_cbor_wr_uint(&w, (uint64_t)t->accepted_utc);
    err = att_cbor_wr_done(&w, &payload);
    return err == ATT_OK ? sign(out, &ACCEPTANCE, payload, signer) : err;
}
