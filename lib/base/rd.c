/* The bounded reader. */
#include "base/rd.h"

#include <string.h>

struct att_rd att_rd_from(const void *in, size_t len)
{
    return (struct att_rd){.p = in, .len = len};
}

struct att_rd att_rd_slice(struct att_slice in)
{
    return att_rd_from(in.p, in.len);
}

void att_rd_fail_at(struct att_rd *r, enum att_err err, size_t off)
{
    if (r->err != ATT_OK) {
        return;
    }
    r->err = err;
    r->err_off = off;
}

void att_rd_fail(struct att_rd *r, enum att_err err)
{
    att_rd_fail_at(r, err, r->base + r->pos);
}

/* The next len bytes, or NULL and a failed reader. len 0 gives a non-NULL pointer. */
static const uint8_t *take(struct att_rd *r, size_t len)
{
    static const uint8_t NOTHING[1];
    const uint8_t *at = NULL;

    if (r->err != ATT_OK) {
        return NULL;
    }
    if (len > r->len - r->pos) {
        att_rd_fail(r, ATT_E_TRUNCATED);
        return NULL;
    }
    if (len == 0) {
        return NOTHING;
    }
    at = r->p + r->pos;
    r->pos += len;
    return at;
}

uint8_t att_rd_u8(struct att_rd *r)
{
    const uint8_t *p = take(r, 1);

    return p == NULL ? 0 : p[0];
}

static uint64_t read_be(struct att_rd *r, size_t width)
{
    const uint8_t *p = take(r, width);
    uint64_t v = 0;

    if (p == NULL) {
        return 0;
    }
    for (size_t i = 0; i < width; i++) {
        v = (v << 8) | p[i];
    }
    return v;
}

static uint64_t read_le(struct att_rd *r, size_t width)
{
    const uint8_t *p = take(r, width);
    uint64_t v = 0;

    if (p == NULL) {
        return 0;
    }
    for (size_t i = width; i > 0; i--) {
        v = (v << 8) | p[i - 1];
    }
    return v;
}

uint16_t att_rd_u16be(struct att_rd *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t att_rd_u32be(struct att_rd *r)
{
    return (uint32_t)read_be(r, 4);
}

uint64_t att_rd_u64be(struct att_rd *r)
{
    return read_be(r, 8);
}

uint16_t att_rd_u16le(struct att_rd *r)
{
    return (uint16_t)read_le(r, 2);
}

uint32_t att_rd_u32le(struct att_rd *r)
{
    return (uint32_t)read_le(r, 4);
}

uint64_t att_rd_u64le(struct att_rd *r)
{
    return read_le(r, 8);
}

/* The offset of a refused count is the count's own first byte. */
static uint32_t bound(struct att_rd *r, uint64_t v, size_t off, uint32_t max)
{
    if (v > max) {
        att_rd_fail_at(r, ATT_E_LIMIT, off);
        return 0;
    }
    return (uint32_t)v;
}

uint32_t att_rd_count8(struct att_rd *r, uint32_t max)
{
    size_t off = att_rd_off(r);
    uint64_t v = read_be(r, 1);

    return bound(r, v, off, max);
}

uint32_t att_rd_count16be(struct att_rd *r, uint32_t max)
{
    size_t off = att_rd_off(r);
    uint64_t v = read_be(r, 2);

    return bound(r, v, off, max);
}

uint32_t att_rd_count32be(struct att_rd *r, uint32_t max)
{
    size_t off = att_rd_off(r);
    uint64_t v = read_be(r, 4);

    return bound(r, v, off, max);
}

uint32_t att_rd_count32le(struct att_rd *r, uint32_t max)
{
    size_t off = att_rd_off(r);
    uint64_t v = read_le(r, 4);

    return bound(r, v, off, max);
}

struct att_slice att_rd_bytes(struct att_rd *r, size_t len)
{
    const uint8_t *p = take(r, len);

    if (p == NULL) {
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return att_slice_of(p, len);
}

struct att_slice att_rd_rest(struct att_rd *r)
{
    return att_rd_bytes(r, att_rd_left(r));
}

void att_rd_copy(struct att_rd *r, void *out, size_t len)
{
    const uint8_t *p = take(r, len);

    if (len == 0) {
        return; /* out may be NULL then, which memcpy must not see */
    }
    if (p == NULL) {
        memset(out, 0, len);
        return;
    }
    memcpy(out, p, len);
}

void att_rd_skip(struct att_rd *r, size_t len)
{
    (void)take(r, len);
}

struct att_rd att_rd_sub(struct att_rd *r, size_t len)
{
    size_t base = att_rd_off(r);
    struct att_slice in = att_rd_bytes(r, len);
    struct att_rd sub = att_rd_slice(in);

    sub.base = base;
    sub.err = r->err;
    sub.err_off = r->err_off;
    return sub;
}

uint8_t att_rd_peek(const struct att_rd *r)
{
    return att_rd_left(r) == 0 ? 0 : r->p[r->pos];
}

struct att_slice att_rd_ahead(const struct att_rd *r)
{
    if (r->err != ATT_OK || r->pos == r->len) {
        return (struct att_slice){.p = NULL, .len = 0};
    }
    return att_slice_of(r->p + r->pos, r->len - r->pos);
}

enum att_err att_rd_end(const struct att_rd *r)
{
    if (r->err != ATT_OK) {
        return r->err;
    }
    return r->pos == r->len ? ATT_OK : ATT_E_TRAILING;
}

enum att_err att_rd_end_diag(const struct att_rd *r, enum att_reason reason, const char *field,
                             struct att_diag *diag)
{
    enum att_err err = att_rd_end(r);
    size_t off = r->err != ATT_OK ? r->err_off : att_rd_off(r);

    switch (err) {
    case ATT_OK:
        return ATT_OK;
    case ATT_E_TRUNCATED:
        return att_fail_at(diag, err, reason, field, off, "the input ends inside a value");
    case ATT_E_TRAILING:
        return att_fail_at(diag, err, reason, field, off, "%zu bytes are left over",
                           r->len - r->pos);
    case ATT_E_LIMIT:
        return att_fail_at(diag, err, reason, field, off, "a size or count is above the limit");
    default:
        return att_fail_at(diag, err, reason, field, off, "the value is not well-formed");
    }
}
