/* The layout of docs/formats/refvals.md, shared by reader and maker. */
#ifndef ATT_POLICY_REFVAL_INTERNAL_H
#define ATT_POLICY_REFVAL_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define REFVAL_MAGIC      "ATTREFV2"
#define REFVAL_MAGIC_LEN  8
#define REFVAL_HEADER     48
#define REFVAL_FIRST      256 /* buckets of digests, by their first byte */
#define REFVAL_REST       31  /* bytes of a digest behind it */
#define REFVAL_SLACK_BITS 4   /* of a name's 64-bit hash that are not kept */
#define REFVAL_COUNT_MAX  100000000U

/* How many bits of a word are the entry's number, and of a name's hash the bucket: from the count alone. */
struct refval_shape {
    unsigned int entry_bits, bucket_bits;
};
struct refval_shape att_refval_shape(size_t count);

/* The first 60 bits of SHA-256 of a name. CRYPTO NOMEM */
ATT_MUST_USE enum att_err att_refval_name_hash(uint64_t *out, struct att_slice name);

struct att_refvals;
typedef enum att_err (*att_refvals_entry)(void *ctx, uint64_t name_hash, const uint8_t digest[32]);
/* Every name and digest; an error of call ends it. */
ATT_MUST_USE enum att_err att_refvals_each(const struct att_refvals *r, att_refvals_entry call,
                                           void *ctx);

#endif
