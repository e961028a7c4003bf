/* The writer: libcbor picks the shortest head, the bounded writer keeps the bounds. */
#include "codec/cbor_wr.h"

#include <string.h>

#include <cbor.h>

#include "codec/cbor_rd.h"

#define HEAD_MAX 9

/* One of libcbor's encoders: bytes written, 0 when they do not fit. */
typedef size_t (*encode_fn)(uint64_t v, unsigned char *out, size_t cap);

static size_t encode_bytes_head(uint64_t v, unsigned char *out, size_t cap)
{
    return cbor_encode_bytestring_start((size_t)v, out, cap);
}

static size_t encode_text_head(uint64_t v, unsigned char *out, size_t cap)
{
    return cbor_encode_string_start((size_t)v, out, cap);
}

static size_t encode_array(uint64_t v, unsigned char *out, size_t cap)
{
    return cbor_encode_array_start((size_t)v, out, cap);
}

static size_t encode_map(uint64_t v, unsigned char *out, size_t cap)
{
    return cbor_encode_map_start((size_t)v, out, cap);
}

static size_t encode_bool(uint64_t v, unsigned char *out, size_t cap)
{
    return cbor_encode_bool(v != 0, out, cap);
}

static size_t encode_null(uint64_t v, unsigned char *out, size_t cap)
{
    (void)v;
    return cbor_encode_null(out, cap);
}

static void write_head(struct att_wr *w, encode_fn encode, uint64_t v)
{
    uint8_t head[HEAD_MAX];
    size_t len = encode(v, head, sizeof(head));

    if (len == 0) {
        att_wr_fail(w, ATT_E_INTERNAL);
        return;
    }
    att_wr_bytes(w, head, len);
}

void att_cbor_wr_uint(struct att_wr *w, uint64_t v)
{
    write_head(w, cbor_encode_uint, v);
}

void att_cbor_wr_int(struct att_wr *w, int64_t v)
{
    if (v >= 0) {
        write_head(w, cbor_encode_uint, (uint64_t)v);
        return;
    }
    write_head(w, cbor_encode_negint, (uint64_t)(-1 - v));
}

void att_cbor_wr_bytes_head(struct att_wr *w, size_t len)
{
    write_head(w, encode_bytes_head, len);
}

void att_cbor_wr_bytes(struct att_wr *w, struct att_slice v)
{
    att_cbor_wr_bytes_head(w, v.len);
    att_wr_slice(w, v);
}

void att_cbor_wr_text_slice(struct att_wr *w, struct att_slice v)
{
    write_head(w, encode_text_head, v.len);
    att_wr_slice(w, v);
}

void att_cbor_wr_text(struct att_wr *w, const char *v)
{
    att_cbor_wr_text_slice(w, att_slice_str(v));
}

void att_cbor_wr_array(struct att_wr *w, size_t count)
{
    write_head(w, encode_array, count);
}

void att_cbor_wr_map(struct att_wr *w, size_t count)
{
    write_head(w, encode_map, count);
}

void att_cbor_wr_tag(struct att_wr *w, uint64_t tag)
{
    write_head(w, cbor_encode_tag, tag);
}

void att_cbor_wr_bool(struct att_wr *w, bool v)
{
    write_head(w, encode_bool, v ? 1 : 0);
}

void att_cbor_wr_null(struct att_wr *w)
{
    write_head(w, encode_null, 0);
}

void att_cbor_wr_raw(struct att_wr *w, struct att_slice item)
{
    att_wr_slice(w, item);
}

enum att_err att_cbor_wr_done(const struct att_wr *w, struct att_slice *out)
{
    struct att_slice written;
    enum att_err err = att_wr_done(w, &written);

    if (err != ATT_OK) {
        return err;
    }
    if (att_cbor_check(written, NULL) != ATT_OK) {
        return ATT_E_INTERNAL;
    }
    *out = written;
    return ATT_OK;
}
