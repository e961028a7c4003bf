/* The strict pull reader: libcbor decodes heads, this file refuses what is not deterministic. */
#include "codec/cbor_rd.h"

#include <string.h>

#include <cbor.h>

#include "base/guard.h"
#include "codec/utf8.h"

/* libcbor widened its length callbacks after 0.8; on 64-bit machines both are eight bytes. */
#if CBOR_MAJOR_VERSION == 0 && CBOR_MINOR_VERSION < 9
typedef size_t cbor_len;
#else
typedef uint64_t cbor_len;
#endif

enum major { MAJOR_UINT, MAJOR_NINT, MAJOR_BYTES, MAJOR_TEXT, MAJOR_ARRAY, MAJOR_MAP, MAJOR_TAG };

#define SIMPLE_FALSE 0xf4
#define SIMPLE_TRUE  0xf5
#define SIMPLE_NULL  0xf6

/* One decoded head: for a string the bytes follow it and data points at them. */
struct head {
    enum att_cbor_type type; /* NONE: nothing that deterministic CBOR of ours may hold */
    uint64_t value;          /* number, length, count, tag, or 0 and 1 for false and true */
    const uint8_t *data;
    size_t off; /* in the outermost input */
    struct att_slice encoding;
};

static void set(void *ctx, enum att_cbor_type type, uint64_t value)
{
    struct head *h = ctx;

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
    struct head *h = ctx;

    set(ctx, ATT_CBOR_BYTES, len);
    h->data = data;
}

static void on_text(void *ctx, cbor_data data, cbor_len len)
{
    struct head *h = ctx;

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

/* Never called: a float is refused by its first byte. */
static void on_float(void *ctx, float v)
{
    (void)ctx;
    (void)v;
}

static void on_double(void *ctx, double v)
{
    (void)ctx;
    (void)v;
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
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_double,
    .undefined = on_refused,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = on_refused,
};

/*
 * Does the value need a head of as many bytes as libcbor took (RFC 8949 section 4.2.1)? This catches long
 * forms, and on 32-bit machines lengths that libcbor cut down to size_t.
 */
static bool is_shortest(const struct head *h)
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

/* Floats, undefined, break and every simple value but three; whether or not their bytes are all there. */
static bool is_refused_simple(uint8_t first)
{
    return (first >> 5) > MAJOR_TAG && first != SIMPLE_FALSE && first != SIMPLE_TRUE &&
           first != SIMPLE_NULL;
}

/* libcbor 0.8 cannot decode most one-byte tags (c6 to d7), among them 18 of COSE_Sign1. */
static bool one_byte_tag(struct head *h, struct att_slice ahead)
{
    if ((ahead.p[0] >> 5) != MAJOR_TAG || (ahead.p[0] & 31) > 23) {
        return false;
    }
    set(h, ATT_CBOR_TAG, ahead.p[0] & 31);
    h->encoding = att_slice_of(ahead.p, 1);
    return true;
}

/* Every item of an array takes a byte, every entry of a map two: a larger count is a lie. */
static bool count_fits(const struct head *h, size_t left)
{
    if (h->type == ATT_CBOR_ARRAY) {
        return h->value <= left && h->value <= UINT32_MAX;
    }
    if (h->type == ATT_CBOR_MAP) {
        return h->value <= left / 2 && h->value <= UINT32_MAX / 2;
    }
    return true;
}

/* Decode the head at the reader's place, without consuming it; ATT_OK or what is wrong with it. */
static enum att_err decode(struct head *h, const struct att_rd *rd)
{
    struct att_slice ahead = att_rd_ahead(rd);
    struct cbor_decoder_result got;

    h->type = ATT_CBOR_NONE;
    h->off = att_rd_off(rd);
    if (ahead.len == 0) {
        return ATT_E_TRUNCATED;
    }
    if (ATT_GUARD(CBOR_SIMPLE, is_refused_simple(ahead.p[0]))) {
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

static struct att_cbor_level *top(struct att_cbor *c)
{
    return c->depth == 0 ? NULL : &c->level[c->depth - 1];
}

static bool key_is_next(const struct att_cbor_level *level)
{
    return level != NULL && level->map && level->left % 2 == 0;
}

/* May an item come here at all, and of the kind that the caller reads? */
static enum att_err place(const struct att_cbor_level *level, bool as_key)
{
    if (level == NULL) {
        return as_key ? ATT_E_INTERNAL : ATT_OK;
    }
    if (level->left == 0) {
        return ATT_E_FORMAT;
    }
    return key_is_next(level) == as_key ? ATT_OK : ATT_E_INTERNAL;
}

/* Look at the next head: false and a failed reader when there is none that may be read here. */
static bool look(struct att_cbor *c, struct head *h, bool as_key)
{
    enum att_err err = ATT_OK;

    if (!att_rd_ok(&c->rd)) {
        return false;
    }
    err = place(top(c), as_key);
    if (err == ATT_OK) {
        err = decode(h, &c->rd);
    }
    if (err != ATT_OK) {
        att_rd_fail(&c->rd, err);
        return false;
    }
    return true;
}

static void consume(struct att_cbor *c, const struct head *h)
{
    struct att_cbor_level *level = top(c);

    att_rd_skip(&c->rd, h->encoding.len);
    c->tags = 0;
    if (level != NULL) {
        level->left--;
    }
}

/* The next item, which must have this type. */
static bool take(struct att_cbor *c, struct head *h, enum att_cbor_type type)
{
    if (!look(c, h, false)) {
        return false;
    }
    if (h->type != type) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return false;
    }
    consume(c, h);
    return true;
}

struct att_cbor att_cbor_from(struct att_slice in)
{
    return (struct att_cbor){.rd = att_rd_slice(in)};
}

enum att_cbor_type att_cbor_peek(struct att_cbor *c)
{
    static const enum att_cbor_type BY_MAJOR[] = {
        [MAJOR_UINT] = ATT_CBOR_UINT,   [MAJOR_NINT] = ATT_CBOR_NINT,
        [MAJOR_BYTES] = ATT_CBOR_BYTES, [MAJOR_TEXT] = ATT_CBOR_TEXT,
        [MAJOR_ARRAY] = ATT_CBOR_ARRAY, [MAJOR_MAP] = ATT_CBOR_MAP,
        [MAJOR_TAG] = ATT_CBOR_TAG,
    };
    struct att_cbor_level *level = top(c);
    uint8_t first = att_rd_peek(&c->rd);

    if (!att_rd_ok(&c->rd) || (level != NULL && level->left == 0)) {
        return ATT_CBOR_NONE;
    }
    if (att_rd_left(&c->rd) == 0) {
        if (level != NULL || c->tags > 0) {
            att_rd_fail(&c->rd, ATT_E_TRUNCATED);
        }
        return ATT_CBOR_NONE;
    }
    if (is_refused_simple(first)) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return ATT_CBOR_NONE;
    }
    if (first == SIMPLE_NULL) {
        return ATT_CBOR_NULL;
    }
    return (first >> 5) > MAJOR_TAG ? ATT_CBOR_BOOL : BY_MAJOR[first >> 5];
}

uint64_t att_cbor_uint(struct att_cbor *c)
{
    struct head h;

    return take(c, &h, ATT_CBOR_UINT) ? h.value : 0;
}

uint64_t att_cbor_uint_max(struct att_cbor *c, uint64_t max)
{
    struct head h;

    if (!take(c, &h, ATT_CBOR_UINT)) {
        return 0;
    }
    if (h.value > max) {
        att_rd_fail_at(&c->rd, ATT_E_LIMIT, h.off);
        return 0;
    }
    return h.value;
}

/* The int64 of an integer head. */
static int64_t int_of(struct att_cbor *c, const struct head *h)
{
    if (h->value > INT64_MAX) {
        att_rd_fail_at(&c->rd, ATT_E_LIMIT, h->off);
        return 0;
    }
    return h->type == ATT_CBOR_NINT ? -1 - (int64_t)h->value : (int64_t)h->value;
}

int64_t att_cbor_int(struct att_cbor *c)
{
    struct head h;

    if (!look(c, &h, false)) {
        return 0;
    }
    if (h.type != ATT_CBOR_UINT && h.type != ATT_CBOR_NINT) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return 0;
    }
    consume(c, &h);
    return int_of(c, &h);
}

bool att_cbor_bool(struct att_cbor *c)
{
    struct head h;

    return take(c, &h, ATT_CBOR_BOOL) && h.value == 1;
}

void att_cbor_null(struct att_cbor *c)
{
    struct head h;

    (void)take(c, &h, ATT_CBOR_NULL);
}

uint64_t att_cbor_tag(struct att_cbor *c)
{
    struct head h;

    if (!look(c, &h, false)) {
        return 0;
    }
    if (h.type != ATT_CBOR_TAG) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return 0;
    }
    if (ATT_GUARD(CBOR_TAG_CHAIN, c->depth + c->tags >= ATT_CBOR_DEPTH)) {
        att_rd_fail(&c->rd, ATT_E_LIMIT);
        return 0;
    }
    /* not an item by itself: only its content counts in the level */
    att_rd_skip(&c->rd, h.encoding.len);
    c->tags++;
    return h.value;
}

static struct att_slice string_of(struct att_cbor *c, const struct head *h, size_t max)
{
    if (h->value > max) {
        att_rd_fail_at(&c->rd, ATT_E_LIMIT, h->off);
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return att_slice_of(h->data, (size_t)h->value);
}

struct att_slice att_cbor_bytes(struct att_cbor *c, size_t max)
{
    struct head h;

    if (!take(c, &h, ATT_CBOR_BYTES)) {
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return string_of(c, &h, max);
}

struct att_slice att_cbor_text(struct att_cbor *c, size_t max)
{
    struct head h;

    if (!take(c, &h, ATT_CBOR_TEXT)) {
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return string_of(c, &h, max);
}

void att_cbor_bytes_exact(struct att_cbor *c, void *out, size_t len)
{
    struct head h;

    if (take(c, &h, ATT_CBOR_BYTES)) {
        if (h.value == len) {
            memcpy(out, h.data, len);
            return;
        }
        att_rd_fail_at(&c->rd, ATT_E_FORMAT, h.off);
    }
    memset(out, 0, len);
}

void att_cbor_text_copy(struct att_cbor *c, char *out, size_t cap)
{
    size_t off = att_rd_off(&c->rd);
    struct att_slice text = att_cbor_text(c, cap - 1);

    out[0] = '\0';
    if (text.len == 0) {
        return;
    }
    if (memchr(text.p, 0, text.len) != NULL) {
        att_rd_fail_at(&c->rd, ATT_E_FORMAT, off);
        return;
    }
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
}

/* Open a level for an array or map whose head was looked at; false and a failed reader when too deep. */
static bool enter(struct att_cbor *c, const struct head *h)
{
    bool map = h->type == ATT_CBOR_MAP;

    /* no guard to knock out: the levels would be written past their end */
    if (c->depth + c->tags >= ATT_CBOR_DEPTH) {
        att_rd_fail(&c->rd, ATT_E_LIMIT);
        return false;
    }
    consume(c, h);
    c->level[c->depth] = (struct att_cbor_level){
        .left = (uint32_t)h->value * (map ? 2U : 1U),
        .map = map,
    };
    c->depth++;
    return true;
}

static uint32_t enter_type(struct att_cbor *c, enum att_cbor_type type, uint32_t max)
{
    struct head h;

    if (!look(c, &h, false)) {
        return 0;
    }
    if (h.type != type) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return 0;
    }
    if (h.value > max) {
        att_rd_fail(&c->rd, ATT_E_LIMIT);
        return 0;
    }
    return enter(c, &h) ? (uint32_t)h.value : 0;
}

uint32_t att_cbor_enter_array(struct att_cbor *c, uint32_t max)
{
    return enter_type(c, ATT_CBOR_ARRAY, max);
}

uint32_t att_cbor_enter_map(struct att_cbor *c, uint32_t max)
{
    return enter_type(c, ATT_CBOR_MAP, max);
}

void att_cbor_leave(struct att_cbor *c)
{
    struct att_cbor_level *level = top(c);

    if (!att_rd_ok(&c->rd)) {
        return;
    }
    if (level == NULL) {
        att_rd_fail(&c->rd, ATT_E_INTERNAL);
        return;
    }
    if (ATT_GUARD(CBOR_LEFT_OVER, level->left > 0)) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return;
    }
    c->depth--;
}

bool att_cbor_more(const struct att_cbor *c)
{
    return att_rd_ok(&c->rd) && c->depth > 0 && c->level[c->depth - 1].left > 0;
}

/* Keys rise in the bytewise order of their encodings (RFC 8949 section 4.2.1); equal is a duplicate. */
static bool rises(struct att_slice before, struct att_slice now)
{
    size_t common = before.len < now.len ? before.len : now.len;
    int order = common == 0 ? 0 : memcmp(before.p, now.p, common);

    return order < 0 || (order == 0 && before.len < now.len);
}

struct att_cbor_key att_cbor_key(struct att_cbor *c)
{
    struct att_cbor_key key = {.is_int = false};
    struct att_cbor_level *level = top(c);
    struct head h;

    if (!look(c, &h, true)) {
        return key;
    }
    if (h.type != ATT_CBOR_UINT && h.type != ATT_CBOR_NINT && h.type != ATT_CBOR_TEXT) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return key;
    }
    if (ATT_GUARD(CBOR_KEY_ORDER, !rises(level->key, h.encoding))) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return key;
    }
    level->key = h.encoding;
    consume(c, &h);
    if (h.type == ATT_CBOR_TEXT) {
        key.text = att_slice_of(h.data, (size_t)h.value);
        return key;
    }
    key.num = int_of(c, &h);
    key.is_int = att_rd_ok(&c->rd);
    return key;
}

int64_t att_cbor_key_int(struct att_cbor *c)
{
    size_t off = att_rd_off(&c->rd);
    struct att_cbor_key key = att_cbor_key(c);

    if (!key.is_int) {
        att_rd_fail_at(&c->rd, ATT_E_FORMAT, off);
        return 0;
    }
    return key.num;
}

/* One head of a walk through anything. */
static void step(struct att_cbor *c)
{
    struct head h;

    if (key_is_next(top(c)) && att_cbor_more(c)) {
        (void)att_cbor_key(c);
        return;
    }
    if (!look(c, &h, false)) {
        return;
    }
    switch (h.type) {
    case ATT_CBOR_TAG:
        (void)att_cbor_tag(c);
        break;
    case ATT_CBOR_ARRAY:
    case ATT_CBOR_MAP:
        (void)enter(c, &h);
        break;
    default:
        consume(c, &h);
        break;
    }
}

struct att_slice att_cbor_item(struct att_cbor *c)
{
    struct att_slice ahead = att_rd_ahead(&c->rd);
    size_t start = att_rd_off(&c->rd);
    uint32_t outer = c->depth;

    if (key_is_next(top(c)) && att_cbor_more(c)) {
        att_rd_fail(&c->rd, ATT_E_INTERNAL);
    }
    do {
        step(c);
        while (c->depth > outer && att_rd_ok(&c->rd) && !att_cbor_more(c)) {
            att_cbor_leave(c);
        }
    } while (att_rd_ok(&c->rd) && (c->depth > outer || c->tags > 0));
    if (!att_rd_ok(&c->rd)) {
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return att_slice_of(ahead.p, att_rd_off(&c->rd) - start);
}

bool att_cbor_ok(const struct att_cbor *c)
{
    return att_rd_ok(&c->rd);
}

void att_cbor_fail(struct att_cbor *c, enum att_err err)
{
    att_rd_fail(&c->rd, err);
}

enum att_err att_cbor_end(const struct att_cbor *c)
{
    enum att_err err = att_rd_end(&c->rd);

    if (ATT_GUARD(CBOR_TRAILING, err == ATT_E_TRAILING)) {
        return err;
    }
    if (err != ATT_OK && err != ATT_E_TRAILING) {
        return err;
    }
    if (c->tags > 0) {
        return ATT_E_TRUNCATED;
    }
    return c->depth == 0 ? ATT_OK : ATT_E_INTERNAL;
}

enum att_err att_cbor_end_diag(const struct att_cbor *c, enum att_reason reason, const char *field,
                               struct att_diag *diag)
{
    enum att_err err = att_cbor_end(c);
    size_t off = att_rd_ok(&c->rd) ? att_rd_off(&c->rd) : c->rd.err_off;

    switch (err) {
    case ATT_OK:
        return ATT_OK;
    case ATT_E_TRUNCATED:
        return att_fail_at(diag, err, reason, field, off, "the input ends inside an item");
    case ATT_E_TRAILING:
        return att_fail_at(diag, err, reason, field, off, "%zu bytes are left over after the item",
                           att_rd_left(&c->rd));
    case ATT_E_LIMIT:
        return att_fail_at(diag, err, reason, field, off,
                           "a length, count, number or the depth is above the limit");
    case ATT_E_INTERNAL:
        return att_fail_at(diag, err, ATT_R_INTERNAL, field, off, "an item was read out of turn");
    default:
        return att_fail_at(diag, err, reason, field, off,
                           "expected deterministic CBOR of another type or form here");
    }
}

enum att_err att_cbor_check(struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    (void)att_cbor_item(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_CBOR, "cbor", diag);
}
