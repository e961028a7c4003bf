/*
 * The bounded reader: the only way untrusted bytes become numbers and slices.
 *
 * The first failure sticks: later reads give zero or empty, so a parser reads like the table in the
 * standard, one field a line, and asks att_rd_end once. A number that will steer a loop, an index or
 * an allocation is read with att_rd_count..., which bounds it first. One read a statement: C leaves
 * the order of reads inside one initializer or argument list open.
 */
#ifndef ATT_BASE_RD_H
#define ATT_BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct att_rd {
    const uint8_t *p;
    size_t len;       /* bytes of this reader's input */
    size_t pos;       /* bytes consumed */
    size_t base;      /* where this input starts inside the outermost one */
    enum att_err err; /* the first failure, or ATT_OK */
    size_t err_off;   /* its byte, from the start of the outermost input */
};

/* Borrows in for the life of the reader and of every slice that it gives out. */
struct att_rd att_rd_from(const void *in, size_t len);
struct att_rd att_rd_slice(struct att_slice in);

uint8_t att_rd_u8(struct att_rd *r);
uint16_t att_rd_u16be(struct att_rd *r);
uint32_t att_rd_u32be(struct att_rd *r);
uint64_t att_rd_u64be(struct att_rd *r);
uint16_t att_rd_u16le(struct att_rd *r);
uint32_t att_rd_u32le(struct att_rd *r);
uint64_t att_rd_u64le(struct att_rd *r);

/* A number of elements or bytes; above max the reader fails with LIMIT and gives 0. */
uint32_t att_rd_count8(struct att_rd *r, uint32_t max);
uint32_t att_rd_count16be(struct att_rd *r, uint32_t max);
uint32_t att_rd_count32be(struct att_rd *r, uint32_t max);
uint32_t att_rd_count32le(struct att_rd *r, uint32_t max);

/* len bytes, borrowed from the input; TRUNCATED and an empty slice when there are fewer. */
struct att_slice att_rd_bytes(struct att_rd *r, size_t len);
struct att_slice att_rd_rest(struct att_rd *r);
void att_rd_copy(struct att_rd *r, void *out, size_t len); /* zeros on failure */
void att_rd_skip(struct att_rd *r, size_t len);

/* A reader over the next len bytes, which are consumed here; it starts failed when r has failed. */
struct att_rd att_rd_sub(struct att_rd *r, size_t len);

/* Look without consuming; 0 at the end of the input, which is not a failure. */
uint8_t att_rd_peek(const struct att_rd *r);

/* All bytes that are still to come, without consuming them; empty after a failure. Borrowed. */
struct att_slice att_rd_ahead(const struct att_rd *r);

static inline size_t att_rd_left(const struct att_rd *r)
{
    return r->err != ATT_OK ? 0 : r->len - r->pos;
}

/* From the start of the outermost input. */
static inline size_t att_rd_off(const struct att_rd *r)
{
    return r->base + r->pos;
}

static inline bool att_rd_ok(const struct att_rd *r)
{
    return r->err == ATT_OK;
}

/* Fail from outside, at the current byte; the first failure wins. */
void att_rd_fail(struct att_rd *r, enum att_err err);
void att_rd_fail_at(struct att_rd *r, enum att_err err, size_t off);

/* ATT_OK only when nothing failed and nothing is left over (TRAILING). */
ATT_MUST_USE enum att_err att_rd_end(const struct att_rd *r);

/* The same, and fill a diagnosis with the reader's offset when it refuses. */
ATT_MUST_USE enum att_err att_rd_end_diag(const struct att_rd *r, enum att_reason reason,
                                          const char *field, struct att_diag *diag);

#endif
