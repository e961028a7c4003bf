/* The bounded writer. */
#include "base/wr.h"

#include <string.h>

struct att_wr att_wr_into(void *out, size_t cap)
{
    return (struct att_wr){.p = out, .cap = cap};
}

void att_wr_fail(struct att_wr *w, enum att_err err)
{
    if (w->err == ATT_OK) {
        w->err = err;
    }
}

uint8_t *att_wr_room(struct att_wr *w, size_t len)
{
    uint8_t *at = NULL;

    if (w->err != ATT_OK) {
        return NULL;
    }
    if (len > w->cap - w->len) {
        w->err = ATT_E_LIMIT;
        return NULL;
    }
    at = w->p + w->len;
    w->len += len;
    return at;
}

static void write_be(struct att_wr *w, uint64_t v, size_t width)
{
    uint8_t *p = att_wr_room(w, width);

    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < width; i++) {
        p[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
    }
}

static void write_le(struct att_wr *w, uint64_t v, size_t width)
{
    uint8_t *p = att_wr_room(w, width);

    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < width; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

void att_wr_u8(struct att_wr *w, uint8_t v)
{
    write_be(w, v, 1);
}

void att_wr_u16be(struct att_wr *w, uint16_t v)
{
    write_be(w, v, 2);
}

void att_wr_u32be(struct att_wr *w, uint32_t v)
{
    write_be(w, v, 4);
}

void att_wr_u64be(struct att_wr *w, uint64_t v)
{
    write_be(w, v, 8);
}

void att_wr_u16le(struct att_wr *w, uint16_t v)
{
    write_le(w, v, 2);
}

void att_wr_u32le(struct att_wr *w, uint32_t v)
{
    write_le(w, v, 4);
}

void att_wr_u64le(struct att_wr *w, uint64_t v)
{
    write_le(w, v, 8);
}

void att_wr_bytes(struct att_wr *w, const void *in, size_t len)
{
    uint8_t *p = att_wr_room(w, len);

    if (p != NULL && len > 0) {
        memcpy(p, in, len);
    }
}

void att_wr_slice(struct att_wr *w, struct att_slice in)
{
    att_wr_bytes(w, in.p, in.len);
}

void att_wr_zeros(struct att_wr *w, size_t len)
{
    uint8_t *p = att_wr_room(w, len);

    if (p != NULL && len > 0) {
        memset(p, 0, len);
    }
}

bool att_wr_ok(const struct att_wr *w)
{
    return w->err == ATT_OK;
}

enum att_err att_wr_done(const struct att_wr *w, struct att_slice *out)
{
    if (w->err != ATT_OK) {
        return w->err;
    }
    *out = att_slice_of(w->p, w->len);
    return ATT_OK;
}
