/* The strict pull reader: where an item may come, of which type, and in which order the keys. */
#include "codec/cbor_rd.h"

#include <string.h>

#include "base/guard.h"
#include "codec/cbor_internal.h"

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
static bool look(struct att_cbor *c, struct att_cbor_head *h, bool as_key)
{
    enum att_err err = ATT_OK;

    if (!att_rd_ok(&c->rd)) {
        return false;
    }
    err = place(top(c), as_key);
    if (err == ATT_OK) {
        err = att_cbor_head(h, &c->rd);
    }
    if (err != ATT_OK) {
        att_rd_fail(&c->rd, err);
        return false;
    }
    return true;
}

static void consume(struct att_cbor *c, const struct att_cbor_head *h)
{
    struct att_cbor_level *level = top(c);

    att_rd_skip(&c->rd, h->encoding.len);
    c->tags = 0;
    if (level != NULL) {
        level->left--;
    }
}

/* The next item, which must have this type. */
static bool take(struct att_cbor *c, struct att_cbor_head *h, enum att_cbor_type type)
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

struct att_cbor att_cbor_from_any_order(struct att_slice in)
{
    return (struct att_cbor){.rd = att_rd_slice(in), .any_order = true};
}

enum att_cbor_type att_cbor_peek(struct att_cbor *c)
{
    static const enum att_cbor_type BY_MAJOR[] = {
        [ATT_CBOR_MAJOR_UINT] = ATT_CBOR_UINT,   [ATT_CBOR_MAJOR_NINT] = ATT_CBOR_NINT,
        [ATT_CBOR_MAJOR_BYTES] = ATT_CBOR_BYTES, [ATT_CBOR_MAJOR_TEXT] = ATT_CBOR_TEXT,
        [ATT_CBOR_MAJOR_ARRAY] = ATT_CBOR_ARRAY, [ATT_CBOR_MAJOR_MAP] = ATT_CBOR_MAP,
        [ATT_CBOR_MAJOR_TAG] = ATT_CBOR_TAG,
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
    if (att_cbor_refused_simple(first)) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return ATT_CBOR_NONE;
    }
    if (first == ATT_CBOR_SIMPLE_NULL) {
        return ATT_CBOR_NULL;
    }
    return (first >> 5) > ATT_CBOR_MAJOR_TAG ? ATT_CBOR_BOOL : BY_MAJOR[first >> 5];
}

uint64_t att_cbor_uint(struct att_cbor *c)
{
    struct att_cbor_head h;

    return take(c, &h, ATT_CBOR_UINT) ? h.value : 0;
}

uint64_t att_cbor_uint_max(struct att_cbor *c, uint64_t max)
{
    struct att_cbor_head h;

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
static int64_t int_of(struct att_cbor *c, const struct att_cbor_head *h)
{
    if (h->value > INT64_MAX) {
        att_rd_fail_at(&c->rd, ATT_E_LIMIT, h->off);
        return 0;
    }
    return h->type == ATT_CBOR_NINT ? -1 - (int64_t)h->value : (int64_t)h->value;
}

int64_t att_cbor_int(struct att_cbor *c)
{
    struct att_cbor_head h;

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
    struct att_cbor_head h;

    return take(c, &h, ATT_CBOR_BOOL) && h.value == 1;
}

void att_cbor_null(struct att_cbor *c)
{
    struct att_cbor_head h;

    (void)take(c, &h, ATT_CBOR_NULL);
}

uint64_t att_cbor_tag(struct att_cbor *c)
{
    struct att_cbor_head h;

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

static struct att_slice string_of(struct att_cbor *c, const struct att_cbor_head *h, size_t max)
{
    if (h->value > max) {
        att_rd_fail_at(&c->rd, ATT_E_LIMIT, h->off);
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return att_slice_of(h->data, (size_t)h->value);
}

struct att_slice att_cbor_bytes(struct att_cbor *c, size_t max)
{
    struct att_cbor_head h;

    if (!take(c, &h, ATT_CBOR_BYTES)) {
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return string_of(c, &h, max);
}

struct att_slice att_cbor_text(struct att_cbor *c, size_t max)
{
    struct att_cbor_head h;

    if (!take(c, &h, ATT_CBOR_TEXT)) {
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return string_of(c, &h, max);
}

void att_cbor_bytes_exact(struct att_cbor *c, void *out, size_t len)
{
    struct att_cbor_head h;

    if (take(c, &h, ATT_CBOR_BYTES)) {
        if (h.value == len) {
            memcpy(out, h.data, len);
            return;
        }
        att_rd_fail_at(&c->rd, ATT_E_FORMAT, h.off);
    }
    memset(out, 0, len);
}

size_t att_cbor_bytes_copy(struct att_cbor *c, void *out, size_t cap)
{
    struct att_slice s = att_cbor_bytes(c, cap);

    if (s.len > 0) {
        memcpy(out, s.p, s.len);
    }
    return s.len;
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

void att_cbor_word_copy(struct att_cbor *c, char *out, size_t cap)
{
    att_cbor_text_copy(c, out, cap);
    if (att_cbor_ok(c) && out[0] == '\0') {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    for (const char *p = out; att_cbor_ok(c) && *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~') {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
    }
}

/* Open a level for an array or map whose head was looked at; false and a failed reader when too deep. */
static bool enter(struct att_cbor *c, const struct att_cbor_head *h)
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
    struct att_cbor_head h;

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
    struct att_cbor_head h;

    if (!look(c, &h, true)) {
        return key;
    }
    if (h.type != ATT_CBOR_UINT && h.type != ATT_CBOR_NINT && h.type != ATT_CBOR_TEXT) {
        att_rd_fail(&c->rd, ATT_E_FORMAT);
        return key;
    }
    if (ATT_GUARD(CBOR_KEY_ORDER, !c->any_order && !rises(level->key, h.encoding))) {
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

void att_cbor_key_is(struct att_cbor *c, int64_t key)
{
    if (att_cbor_key_int(c) != key) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

/* One head of a walk through anything. */
static void step(struct att_cbor *c)
{
    struct att_cbor_head h;

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
