/* ECDSA vectors of RFC 6979, A.2.5 to A.2.7, one a curve: "sample" under the curve's own hash. */
#ifndef ATT_TEST_ECVECTOR_H
#define ATT_TEST_ECVECTOR_H

#include "crypto/key.h"

/* Hex without a prefix, each number as long as the field; n is the order of the curve. */
struct ecvector {
    enum att_key_type type;
    enum att_hash hash;
    const char *x, *y, *r, *s, *n;
};

#define ECVECTOR_COUNT 3 /* P-256 first, P-384, P-521 */

extern const struct ecvector ECVECTOR[ECVECTOR_COUNT];

struct att_pubkey *ecvector_key(const struct ecvector *v); /* the caller's */

#endif
