/* One CBOR head: libcbor decodes it, this file refuses what is not deterministic. */
#include <cbor.h>

#include "base/guard.h"
#include "codec/cbor_internal.h"
#include "codec/utf8.h"

/* libcbor widened its length callbacks after 0.8; on 64-bit machines both are eight bytes. */
#if CBOR_MAJOR_VERSION == 0 && CBOR_MINOR_VERSION < 9
typedef size_t cbor_len;
#else
typedef uint64_t cbor_len;
#endif

static void set(void *ctx, enum att_cbor_type type, uint64_t value)
{
    struct att_cbor_head *h = ctx;

    h->type = type;
    h->value = value;
}

static void on_uint8(void *ctx, uint8_t v)
{
    set(ctx, ATT_CBOR_UINT, v);
}

static void on_uint16(void *ctx, uint16_t v)
{
    set(ctx, ATT_CBOR_UINT, v);
}

static void on_uint32(void *ctx, uint32_t v)
{
    set(ctx, ATT_CBOR_UINT, v);
}

static void on_uint64(void *ctx, uint64_t v)
{
    set(ctx, ATT_CBOR_UINT, v);
}

static void on_nint8(void *ctx, uint8_t v)
{
    set(ctx, ATT_CBOR_NINT, v);
}

static void on_nint16(void *ctx, uint16_t v)
{
    set(ctx, ATT_CBOR_NINT, v);
}

static void on_nint32(void *ctx, uint32_t v)
{
    set(ctx, ATT_CBOR_NINT, v);
}

static void on_nint64(void *ctx, uint64_t v)
{
    set(ctx, ATT_CBOR_NINT, v);
}

static void on_bytes(void *ctx, cbor_data data, cbor_len len)
{
    struct att_cbor_head *h = ctx;

    set(ctx, ATT_CBOR_BYTES, len);
    h->data = data;
}

static void on_text(void *ctx, cbor_data data, cbor_len len)
{
    struct att_cbor_head *h = ctx;

    set(ctx, ATT_CBOR_TEXT, len);
    h->data = data;
}

static void on_array(void *ctx, cbor_len count)
{
    set(ctx, ATT_CBOR_ARRAY, count);
}

static void on_map(void *ctx, cbor_len count)
{
    set(ctx, ATT_CBOR_MAP, count);
}

static void on_tag(void *ctx, uint64_t v)
{
    set(ctx, ATT_CBOR_TAG, v);
}

static void on_bool(void *ctx, bool v)
{
    set(ctx, ATT_CBOR_BOOL, v ? 1 : 0);
}

static void on_null(void *ctx)
{
    set(ctx, ATT_CBOR_NULL, 0);
}

/* Indefinite lengths: the head keeps type NONE. */
static void on_refused(void *ctx)
{
    (void)ctx;
}

static const struct cbor_callbacks CALLBACKS = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint8 = on_nint8,
    .negint16 = on_nint16,
    .negint32 = on_nint32,
    .negint64 = on_nint64,
    .byte_string = on_bytes,
    .byte_string_start = on_refused,
    .string = on_text,
    .string_start = on_refused,
    .array_start = on_array,
    .indef_array_start = on_refused,
    .map_start = on_map,
    .indef_map_start = on_refused,
    .tag = on_tag,
    /* a float is refused by its first byte */
    .float2 = cbor_null_float4_callback,
    .float4 = cbor_null_float4_callback,
    .float8 = cbor_null_float8_callback,
    .undefined = on_refused,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = on_refused,
};

/*
 * Does the value need a head of as many bytes as libcbor took (RFC 8949 section 4.2.1)? This catches long
 * forms, and on 32-bit machines lengths that libcbor cut down to size_t.
 */
static bool is_shortest(const struct att_cbor_head *h)
{
    /* the smallest value for a head of so many bytes; no head has 0, 4, 6, 7 or 8 */
    static const uint64_t SMALLEST[] = {
        UINT64_MAX, 0,          24,         256,        UINT64_MAX,
        65536,      UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_C(1) << 32,
    };
    size_t head_len = h->encoding.len;

    if (h->type == ATT_CBOR_BYTES || h->type == ATT_CBOR_TEXT) {
        head_len -= (size_t)h->value;
    }
    return head_len < ATT_COUNT(SMALLEST) && h->value >= SMALLEST[head_len];
}

bool att_cbor_refused_simple(uint8_t first)
{
    return (first >> 5) > ATT_CBOR_MAJOR_TAG && first != ATT_CBOR_SIMPLE_FALSE &&
           first != ATT_CBOR_SIMPLE_TRUE && first != ATT_CBOR_SIMPLE_NULL;
}

/* libcbor 0.8 cannot decode most one-byte tags (c6 to d7), among them 18 of COSE_Sign1. */
static bool one_byte_tag(struct att_cbor_head *h, struct att_slice ahead)
{
    if ((ahead.p[0] >> 5) != ATT_CBOR_MAJOR_TAG || (ahead.p[0] & 31) > 23) {
        return false;
    }
    set(h, ATT_CBOR_TAG, ahead.p[0] & 31);
    h->encoding = att_slice_of(ahead.p, 1);
    return true;
}

/* Every item of an array takes a byte, every entry of a map two: a larger count is a lie. */
static bool count_fits(const struct att_cbor_head *h, size_t left)
{
    if (h->type == ATT_CBOR_ARRAY) {
        return h->value <= left && h->value <= UINT32_MAX;
    }
    if (h->type == ATT_CBOR_MAP) {
        return h->value <= left / 2 && h->value <= UINT32_MAX / 2;
    }
    return true;
}

enum att_err att_cbor_head(struct att_cbor_head *h, const struct att_rd *rd)
{
    struct att_slice ahead = att_rd_ahead(rd);
    struct cbor_decoder_result got;

    h->type = ATT_CBOR_NONE;
    h->off = att_rd_off(rd);
    if (ahead.len == 0) {
        return ATT_E_TRUNCATED;
    }
    if (ATT_GUARD(CBOR_SIMPLE, att_cbor_refused_simple(ahead.p[0]))) {
        return ATT_E_FORMAT;
    }
    if (one_byte_tag(h, ahead)) {
        return ATT_OK;
    }
    got = cbor_stream_decode(ahead.p, ahead.len, &CALLBACKS, h);
    if (got.status == CBOR_DECODER_NEDATA) {
        return ATT_E_TRUNCATED;
    }
    if (got.status != CBOR_DECODER_FINISHED || h->type == ATT_CBOR_NONE) {
        return ATT_E_FORMAT;
    }
    h->encoding = att_slice_of(ahead.p, got.read);
    if (ATT_GUARD(CBOR_SHORTEST, !is_shortest(h))) {
        return ATT_E_FORMAT;
    }
    if (ATT_GUARD(CBOR_COUNT, !count_fits(h, ahead.len - got.read))) {
        return ATT_E_TRUNCATED;
    }
    if (ATT_GUARD(CBOR_UTF8, h->type == ATT_CBOR_TEXT &&
                                 !att_utf8_ok(att_slice_of(h->data, (size_t)h->value)))) {
        return ATT_E_FORMAT;
    }
    return ATT_OK;
}
