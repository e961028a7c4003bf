/*
 * The bounded writer: bytes into a buffer of the caller's, never past its end.
 *
 * The first failure (LIMIT) sticks; later writes do nothing; att_wr_done is asked once.
 */
#ifndef ATT_BASE_WR_H
#define ATT_BASE_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct att_wr {
    uint8_t *p;
    size_t cap;
    size_t len; /* bytes written */
    enum att_err err;
};

struct att_wr att_wr_into(void *out, size_t cap);

void att_wr_u8(struct att_wr *w, uint8_t v);
void att_wr_u16be(struct att_wr *w, uint16_t v);
void att_wr_u32be(struct att_wr *w, uint32_t v);
void att_wr_u64be(struct att_wr *w, uint64_t v);
void att_wr_u16le(struct att_wr *w, uint16_t v);
void att_wr_u32le(struct att_wr *w, uint32_t v);
void att_wr_u64le(struct att_wr *w, uint64_t v);
void att_wr_bytes(struct att_wr *w, const void *in, size_t len);
void att_wr_slice(struct att_wr *w, struct att_slice in);
void att_wr_zeros(struct att_wr *w, size_t len);

bool att_wr_ok(const struct att_wr *w);
/* Room at the end for a callee that fills memory itself: NULL (and failed) when it does not fit. */
uint8_t *att_wr_room(struct att_wr *w, size_t len);
void att_wr_fail(struct att_wr *w, enum att_err err);

/* ATT_OK and the written slice (borrowed from the caller's buffer), or the first failure. */
ATT_MUST_USE enum att_err att_wr_done(const struct att_wr *w, struct att_slice *out);

#endif
