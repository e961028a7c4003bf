/* Whatever the reader accepts, walked item by item and written again, gives the same bytes. */
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "fuzz.h"

static void copy_key(struct att_cbor *c, struct att_wr *w)
{
    struct att_cbor_key key = att_cbor_key(c);

    if (key.is_int) {
        att_cbor_wr_int(w, key.num);
    } else {
        att_cbor_wr_text_slice(w, key.text);
    }
}

/* Integers below int64 have no getter: those are copied as they are. */
static void copy_negative(struct att_cbor *c, struct att_wr *w)
{
    struct att_cbor before = *c;
    int64_t v = att_cbor_int(c);

    if (c->rd.err == ATT_E_LIMIT) {
        *c = before;
        att_cbor_wr_raw(w, att_cbor_item(c));
        return;
    }
    att_cbor_wr_int(w, v);
}

static void copy_one(struct att_cbor *c, struct att_wr *w)
{
    switch (att_cbor_peek(c)) {
    case ATT_CBOR_UINT:
        att_cbor_wr_uint(w, att_cbor_uint(c));
        break;
    case ATT_CBOR_NINT:
        copy_negative(c, w);
        break;
    case ATT_CBOR_BYTES:
        att_cbor_wr_bytes(w, att_cbor_bytes(c, SIZE_MAX));
        break;
    case ATT_CBOR_TEXT:
        att_cbor_wr_text_slice(w, att_cbor_text(c, SIZE_MAX));
        break;
    case ATT_CBOR_ARRAY:
        att_cbor_wr_array(w, att_cbor_enter_array(c, UINT32_MAX));
        break;
    case ATT_CBOR_MAP:
        att_cbor_wr_map(w, att_cbor_enter_map(c, UINT32_MAX));
        break;
    case ATT_CBOR_TAG:
        att_cbor_wr_tag(w, att_cbor_tag(c));
        break;
    case ATT_CBOR_BOOL:
        att_cbor_wr_bool(w, att_cbor_bool(c));
        break;
    case ATT_CBOR_NULL:
        att_cbor_null(c);
        att_cbor_wr_null(w);
        break;
    default:
        att_cbor_fail(c, ATT_E_TRUNCATED);
        break;
    }
}

static void copy_item(struct att_cbor *c, struct att_wr *w)
{
    do {
        const struct att_cbor_level *top = c->depth == 0 ? NULL : &c->level[c->depth - 1];

        if (top != NULL && top->left == 0) {
            att_cbor_leave(c);
        } else if (top != NULL && top->map && top->left % 2 == 0) {
            copy_key(c, w);
        } else {
            copy_one(c, w);
        }
    } while (att_cbor_ok(c) && (c->depth > 0 || c->tags > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    enum att_err err = att_cbor_check(in, NULL);
    struct att_cbor c = att_cbor_from(in);
    uint8_t *room = malloc(size + 16);
    struct att_wr w = att_wr_into(room, size + 16);
    struct att_slice out;

    HOLDS(room != NULL);
    copy_item(&c, &w);
    HOLDS(att_cbor_end(&c) == err);
    if (err == ATT_OK) {
        HOLDS(att_cbor_wr_done(&w, &out) == ATT_OK);
        HOLDS(att_slice_eq(out, in));
    }
    free(room);
    return 0;
}
