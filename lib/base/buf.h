/*
 * An owned, capped, growable run of bytes, wiped when it is freed.
 *
 * The cap is fixed when the buffer is made: nothing is ever allocated from a length that somebody
 * sent without a bound of ours in between.
 */
#ifndef ATT_BASE_BUF_H
#define ATT_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct att_buf;

/* cap is the most bytes that the buffer will ever hold. NOMEM. */
ATT_MUST_USE enum att_err att_buf_new(struct att_buf **out, size_t cap);
void att_buf_free(struct att_buf *b); /* wipes; NULL is a no-op */
void att_buf_freep(struct att_buf **b);

ATT_MUST_USE enum att_err att_buf_add(struct att_buf *b, const void *in,
                                      size_t len); /* LIMIT NOMEM */
ATT_MUST_USE enum att_err att_buf_add_slice(struct att_buf *b, struct att_slice in);

/* Room for len more bytes at the end; they count only after att_buf_commit. LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_buf_room(struct att_buf *b, size_t len, uint8_t **out);
void att_buf_commit(struct att_buf *b, size_t len); /* at most what was asked of att_buf_room */

void att_buf_clear(struct att_buf *b); /* wipes, keeps the memory */
void att_buf_drop_front(struct att_buf *b, size_t len);
struct att_slice att_buf_slice(const struct att_buf *b); /* valid until the next change */
size_t att_buf_len(const struct att_buf *b);

/* Wipe memory in a way the compiler keeps. */
void att_wipe(void *p, size_t len);

#endif
