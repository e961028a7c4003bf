/*
 * Messages between processes: a four-byte big-endian length, then one deterministic CBOR item.
 *
 * Blocking calls for simple programs (courier, measurer, CLI helper); the daemons feed bytes from their
 * event loop into struct frame_in. The maximum is fixed by the reader before anything arrives.
 */
#ifndef ATTESTD_COMMON_FRAME_H
#define ATTESTD_COMMON_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define FRAME_MAX (16 * 1024 * 1024)

/* Write one frame, whole. IO LIMIT; a peer that is gone is IO, never a signal, when fd is a socket. */
ATT_MUST_USE enum att_err frame_send(int fd, struct att_slice body);
/* The same for a body in several parts, so that a large one need not be copied behind its head. */
ATT_MUST_USE enum att_err frame_send_parts(int fd, const struct att_slice *part, size_t count);
/* Read one frame, whole; NOT_FOUND at a clean end of the stream. IO LIMIT TRUNCATED NOMEM */
ATT_MUST_USE enum att_err frame_receive(struct att_buf **out, int fd, size_t max);

#endif
