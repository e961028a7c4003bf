/* Making a status list: compressed, then signed as a label is. Nothing here decompresses. */
#include <string.h>

#include "appraise/status_internal.h"
#include "codec/cbor_wr.h"
#include "codec/zlib_stream.h"
#include "evidence/profile.h"

#define FRAME_ROOM 512 /* heads, keys and numbers around the URI and the list */

enum att_err att_status_list_encode(struct att_buf **out, const struct att_status_list *l)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *lst = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_slice written;
    struct att_wr w;
    uint8_t *at = NULL;
    size_t room = 0;
    enum att_err err = att_zlib_deflate(&lst, att_slice_of(l->bytes, l->len));

    if (err != ATT_OK) {
        return err;
    }
    room = att_buf_len(lst) + FRAME_ROOM;
    err = att_buf_new(&b, room);
    if (err == ATT_OK) {
        err = att_buf_room(b, room, &at);
    }
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(at, room);
    att_cbor_wr_map(&w, 2);
    att_cbor_wr_text(&w, STATUS_KEY_LST); /* the shorter key stands first: RFC 8949 section 4.2.1 */
    att_cbor_wr_bytes(&w, att_buf_slice(lst));
    att_cbor_wr_text(&w, STATUS_KEY_BITS);
    att_cbor_wr_uint(&w, l->bits);
    err = att_cbor_wr_done(&w, &written);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, written.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}

static void write_claims(struct att_wr *w, const struct att_status_facts *f, struct att_slice list)
{
    att_cbor_wr_map(w, f->ttl_s != 0 ? 5 : 4);
    att_cbor_wr_uint(w, ATT_CLAIM_SUB);
    att_cbor_wr_text(w, f->uri);
    att_cbor_wr_uint(w, ATT_CLAIM_EXP);
    att_cbor_wr_int(w, f->exp);
    att_cbor_wr_uint(w, ATT_CLAIM_IAT);
    att_cbor_wr_int(w, f->iat);
    att_cbor_wr_uint(w, ATT_CLAIM_SL_LIST);
    att_cbor_wr_raw(w, list);
    if (f->ttl_s != 0) {
        att_cbor_wr_uint(w, ATT_CLAIM_SL_TTL);
        att_cbor_wr_uint(w, f->ttl_s);
    }
}

static enum att_err encode_claims(struct att_buf **out, struct att_slice *payload,
                                  const struct att_status_facts *f, struct att_slice list)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = FRAME_ROOM + ATT_STATUS_URI_MAX + list.len;
    struct att_wr w;
    uint8_t *at = NULL;
    enum att_err err = att_buf_new(&b, room);

    if (err == ATT_OK) {
        err = att_buf_room(b, room, &at);
    }
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(at, room);
    write_claims(&w, f, list);
    err = att_cbor_wr_done(&w, payload);
    if (err == ATT_OK) {
        *out = b;
        b = NULL;
    }
    return err;
}

enum att_err att_status_token_make(struct att_buf **out, const struct att_status_facts *facts,
                                   const struct att_status_list *list,
                                   const struct att_signer *signer)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *map = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *claims = NULL;
    struct att_cose_order order = {.typ = ATT_TYPE_STATUS_LIST,
                                   .x5chain = facts->x5chain,
                                   .x5chain_count = facts->x5chain_count};
    enum att_err err = ATT_OK;

    if (!att_status_uri_ok(facts->uri) || facts->iat < 0 || facts->exp <= facts->iat ||
        facts->ttl_s > INT64_MAX || facts->x5chain_count == 0) {
        return ATT_E_INTERNAL;
    }
    err = att_status_list_encode(&map, list);
    if (err == ATT_OK) {
        err = encode_claims(&claims, &order.payload, facts, att_buf_slice(map));
    }
    return err == ATT_OK ? att_cose_make(out, &order, signer) : err;
}
