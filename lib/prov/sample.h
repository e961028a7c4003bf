/*
 * A sample: one reading of one channel, as it is signed (docs/formats/batch.md).
 *
 * It holds the raw frame beside the value, so that a stranger can compute the value again, and the outcome of each
 * transcription check, so that whoever reads the value also reads what spoke against it. A value is a decimal
 * fraction (RFC 8949 3.4.4): what is signed has no floating point in it.
 */
#ifndef ATT_PROV_SAMPLE_H
#define ATT_PROV_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "base/slice.h"
#include "prov/decimal.h"
#include "prov/source.h"

#define ATT_SAMPLE_MAX 2048 /* bytes of an encoded sample */
#define ATT_CHECKS     28   /* TC-01 to TC-28: checks[0] to checks[27] */

/* Every slice is borrowed. */
struct att_sample {
    struct att_slice channel; /* its id */
    uint64_t sequence;        /* of the channel, from 1 */
    uint64_t from_ms;         /* clock of the TPM: the frame was read at or after, */
    uint64_t until_ms;        /* and the sample made at or before */
    struct att_slice frame;   /* the bytes of the bus; empty: none came */
    bool has_value;           /* none for a frame that means a fault, or none at all */
    struct att_decimal value;
    struct att_slice unit;     /* UCUM */
    uint8_t spec[32];          /* the digest of the channel's specification */
    uint8_t check[ATT_CHECKS]; /* enum att_check_status */
    struct att_slice second;   /* frame of the second path (TC-09); empty: not read */
    struct att_slice stimulus; /* frame of the reference (TC-10); empty: not read */
    struct att_slice identity; /* that the device reported (TC-01); empty: not asked or none */
};

/* Deterministic CBOR into out. LIMIT (more than cap, or than a reader takes), INTERNAL. */
ATT_MUST_USE enum att_err att_sample_encode(uint8_t *out, size_t cap, size_t *len,
                                            const struct att_sample *s);
/*
 * att_sample_decode - the fields borrow in; nothing is believed.
 *
 * Errors  TRUNCATED TRAILING FORMAT LIMIT (FMT_SAMPLE): bytes that are no sample; a value that has another spelling
 *         than the one of prov/decimal.h
 */
ATT_MUST_USE enum att_err att_sample_decode(struct att_sample *out, struct att_slice in,
                                            struct att_diag *diag);

#endif
