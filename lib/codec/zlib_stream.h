/*
 * One zlib stream (RFC 1950) in memory, there and back.
 *
 * The two directions are two objects of the library on purpose: attestd compresses status lists and
 * never links the code that decompresses (docs/adr/0031-zlib-for-status-lists.md).
 */
#ifndef ATT_CODEC_ZLIB_STREAM_H
#define ATT_CODEC_ZLIB_STREAM_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Compress at the highest level; the buffer is the caller's. NOMEM, LIMIT (in is 4 GiB or more), INTERNAL. */
ATT_MUST_USE enum att_err att_zlib_deflate(struct att_buf **out, struct att_slice in);

/*
 * att_zlib_inflate - at most max bytes out of the one stream that in is.
 *
 * Memory grows with what comes out and never beyond max, whatever the stream promises. No preset
 * dictionary. The buffer is the caller's.
 * Errors  TRUNCATED (it ends too early), TRAILING (bytes after it), LIMIT (more than max come out, or in
 *         is 4 GiB or more), FORMAT (all else that no stream has, a wrong checksum too), NOMEM
 */
ATT_MUST_USE enum att_err att_zlib_inflate(struct att_buf **out, struct att_slice in, size_t max);

#endif
