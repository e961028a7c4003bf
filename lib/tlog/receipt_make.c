/* Making receipts. */
#include "codec/cbor_wr.h"
#include "evidence/profile.h"
#include "tlog/receipt_internal.h"

enum att_err att_receipt_sign(struct att_buf **out, const struct att_receipt_root *root,
                              const struct att_signer *log)
{
    uint8_t room[ATT_ENTRY_NAME_MAX + 40];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_cose_order order = {
        .payload = att_slice_of(root->head.root, ATT_MERKLE_LEN),
        .vds = RECEIPT_VDS_RFC9162_SHA256,
        .detached = true,
    };
    enum att_err err;

    att_cbor_wr_map(&w, 3);
    att_cbor_wr_uint(&w, ATT_CLAIM_ISS);
    att_cbor_wr_text(&w, root->origin);
    att_cbor_wr_uint(&w, ATT_CLAIM_IAT);
    att_cbor_wr_int(&w, root->iat);
    att_cbor_wr_int(&w, ATT_CLAIM_TREE_SIZE);
    att_cbor_wr_uint(&w, root->head.size);
    err = att_cbor_wr_done(&w, &order.cwt_claims);
    return err == ATT_OK ? att_cose_make(out, &order, log) : err;
}

/* [tree-size, leaf-index, [+ path]] (RFC 9942 section 5.2). */
static enum att_err write_proof(struct att_slice *out, struct att_wr *w,
                                const struct att_receipt_place *place)
{
    att_cbor_wr_array(w, 3);
    att_cbor_wr_uint(w, place->size);
    att_cbor_wr_uint(w, place->index);
    att_cbor_wr_array(w, place->path->count);
    for (size_t i = 0; i < place->path->count; i++)
        att_cbor_wr_bytes(w, att_slice_of(place->path->hash[i], ATT_MERKLE_LEN));
    return att_cbor_wr_done(w, out);
}

static enum att_err write_unprotected(struct att_slice *out, struct att_wr *w,
                                      const struct att_receipt_place *place, struct att_slice entry)
{
    uint8_t room[RECEIPT_PROOF_ROOM];
    struct att_wr inner = att_wr_into(room, sizeof(room));
    struct att_slice proof;
    enum att_err err = write_proof(&proof, &inner, place);

    if (err != ATT_OK)
        return err;
    att_cbor_wr_map(w, 2);
    att_cbor_wr_uint(w, RECEIPT_HEADER_VDP);
    att_cbor_wr_map(w, 1);
    att_cbor_wr_int(w, RECEIPT_VDP_INCLUSION);
    att_cbor_wr_array(w, 1);
    att_cbor_wr_bytes(w, proof);
    att_cbor_wr_int(w, ATT_HEADER_ENTRY);
    att_cbor_wr_bytes(w, entry);
    return att_cbor_wr_done(w, out);
}

enum att_err att_receipt_make(struct att_buf **out, struct att_slice signed_root,
                              const struct att_receipt_place *place, struct att_slice entry)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = RECEIPT_PROOF_ROOM + 64 + entry.len;
    uint8_t *p = NULL;
    struct att_slice unprotected;
    struct att_cose m;
    struct att_wr w;
    enum att_err err = att_cose_parse_detached(&m, signed_root, NULL);

    if (err != ATT_OK)
        return ATT_E_INTERNAL;
    err = att_buf_new(&b, room);
    if (err == ATT_OK)
        err = att_buf_room(b, room, &p);
    if (err != ATT_OK)
        return err;
    w = att_wr_into(p, room);
    err = write_unprotected(&unprotected, &w, place, entry);
    return err == ATT_OK ? att_cose_with_unprotected(out, &m, unprotected) : err;
}

enum att_err att_receipt_attach(struct att_buf **out, struct att_slice label,
                                struct att_slice receipt, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = 32 + receipt.len;
    uint8_t *p = NULL;
    struct att_slice unprotected;
    struct att_cose m;
    struct att_wr w;
    enum att_err err = att_cose_parse(&m, label, diag);

    if (err != ATT_OK)
        return err;
    err = att_buf_new(&b, room);
    if (err == ATT_OK)
        err = att_buf_room(b, room, &p);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "receipt", "memory ran out");
    w = att_wr_into(p, room);
    att_cbor_wr_map(&w, 1);
    att_cbor_wr_uint(&w, RECEIPT_HEADER_RECEIPTS);
    att_cbor_wr_array(&w, 1);
    att_cbor_wr_bytes(&w, receipt);
    err = att_cbor_wr_done(&w, &unprotected);
    if (err == ATT_OK)
        err = att_cose_with_unprotected(out, &m, unprotected);
    return err == ATT_OK ? err : att_fail(diag, err, ATT_R_INTERNAL, "receipt", "it does not fit");
}
