/* The certificates that vouched for an endorsement key, as they are kept: a CBOR array of byte strings, its own first. */
#ifndef ATTESTD_VERIFIER_EK_CHAIN_H
#define ATTESTD_VERIFIER_EK_CHAIN_H

#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "common/wire.h"
#include "crypto/cert.h"

#define EK_CHAIN_MAX (WIRE_EK_CERTS_MAX * (ATT_CERT_MAX + 8) + 8) /* bytes of all of it */

struct ek_chain {
    struct att_slice cert[WIRE_EK_CERTS_MAX]; /* DER; [0] is the endorsement key's */
    size_t count;
};

/* LIMIT when w has no room. */
ATT_MUST_USE enum att_err ek_chain_encode(struct att_wr *w, const struct ek_chain *c);
/* Slices borrow in. FORMAT TRAILING TRUNCATED LIMIT with ST_CORRUPT: nobody else writes it. */
ATT_MUST_USE enum att_err ek_chain_decode(struct ek_chain *out, struct att_slice in,
                                          struct att_diag *diag);

#endif
