/* The layout of docs/formats/refvals.md, shared by reader and maker. */
#ifndef ATT_POLICY_REFVAL_INTERNAL_H
#define ATT_POLICY_REFVAL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define REFVAL_MAGIC     "ATTREFV1"
#define REFVAL_MAGIC_LEN 8
#define REFVAL_HEADER    48
#define REFVAL_NAME      8
#define REFVAL_ENTRY     (32 + REFVAL_NAME)
#define REFVAL_COUNT_MAX 100000000U

struct att_refvals;
/* Entry i: digest and name hash; borrows the mapped bytes. */
const uint8_t *att_refvals_entry(const struct att_refvals *r, size_t i);

/* The first bytes of SHA-256 of a name. CRYPTO NOMEM */
ATT_MUST_USE enum att_err att_refval_name_hash(uint8_t out[REFVAL_NAME], struct att_slice name);

#endif
