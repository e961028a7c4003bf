/* What the two files of the CBOR reader share: heads below (cbor_head.c), items above (cbor_rd.c). */
#ifndef ATT_CODEC_CBOR_INTERNAL_H
#define ATT_CODEC_CBOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"
#include "codec/cbor_rd.h"

/* The major types, the first byte's three upper bits; 7 holds simple values and floats. */
enum {
    ATT_CBOR_MAJOR_UINT,
    ATT_CBOR_MAJOR_NINT,
    ATT_CBOR_MAJOR_BYTES,
    ATT_CBOR_MAJOR_TEXT,
    ATT_CBOR_MAJOR_ARRAY,
    ATT_CBOR_MAJOR_MAP,
    ATT_CBOR_MAJOR_TAG,
};

/* The simple values that may stand here, each one byte. */
#define ATT_CBOR_SIMPLE_FALSE 0xf4
#define ATT_CBOR_SIMPLE_TRUE  0xf5
#define ATT_CBOR_SIMPLE_NULL  0xf6

/* One decoded head: for a string the bytes follow it and data points at them. */
struct att_cbor_head {
    enum att_cbor_type type; /* NONE: nothing that deterministic CBOR of ours may hold */
    uint64_t value;          /* number, length, count, tag, or 0 and 1 for false and true */
    const uint8_t *data;
    size_t off; /* in the outermost input */
    struct att_slice encoding;
};

/* Floats, undefined, break and every simple value but three; whether or not their bytes are all there. */
bool att_cbor_refused_simple(uint8_t first);

/*
 * att_cbor_head - decode the head at the reader's place, without consuming it.
 *
 * h       written on every return; to be used on ATT_OK only; borrows from what rd reads
 * Errors  TRUNCATED (it ends inside the item, or the count promises more than is left) FORMAT
 * Source  RFC 8949 sections 3 and 4.2.1
 */
ATT_MUST_USE enum att_err att_cbor_head(struct att_cbor_head *h, const struct att_rd *rd);

#endif
