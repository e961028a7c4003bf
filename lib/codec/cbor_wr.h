/*
 * Deterministic CBOR out (RFC 8949 section 4.2.1): libcbor's low-level encoders over a bounded writer.
 *
 * The caller writes map entries in the order of their encoded keys: non-negative integers rising, then
 * negative ones from -1 down, then text by length and then bytewise. A wrong order, count or text is
 * caught by att_cbor_wr_done, which reads what was written with att_cbor_check (a few ns an item).
 */
#ifndef ATT_CODEC_CBOR_WR_H
#define ATT_CODEC_CBOR_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"

void att_cbor_wr_uint(struct att_wr *w, uint64_t v);
void att_cbor_wr_int(struct att_wr *w, int64_t v);
void att_cbor_wr_bytes(struct att_wr *w, struct att_slice v);
void att_cbor_wr_text(struct att_wr *w, const char *v);            /* terminated, must be UTF-8 */
void att_cbor_wr_text_slice(struct att_wr *w, struct att_slice v); /* must be UTF-8 */
void att_cbor_wr_array(struct att_wr *w, size_t count);
void att_cbor_wr_map(struct att_wr *w, size_t count);
void att_cbor_wr_tag(struct att_wr *w, uint64_t tag);
void att_cbor_wr_bool(struct att_wr *w, bool v);
void att_cbor_wr_null(struct att_wr *w);
void att_cbor_wr_raw(struct att_wr *w,
                     struct att_slice item); /* one encoded item, taken as it is */

/* The head of a byte string of len bytes that the caller writes next with att_wr_... */
void att_cbor_wr_bytes_head(struct att_wr *w, size_t len);

/* As att_wr_done; INTERNAL when what was written is not deterministic CBOR. */
ATT_MUST_USE enum att_err att_cbor_wr_done(const struct att_wr *w, struct att_slice *out);

#endif
