/* The certificates that a COSE message carries, and what becomes of them under installed anchors. */
#ifndef ATT_APPRAISE_X5CHAIN_H
#define ATT_APPRAISE_X5CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/cert.h"
#include "sign/cose.h"

struct att_x5chain {
    struct att_cert *leaf; /* owned, as all below */
    struct att_cert *chain[ATT_CHAIN_MAX];
    size_t count;
    struct att_pubkey *key; /* the leaf's */
};

/*
 * att_x5chain_open - read every certificate of the protected header; one must be there (the caller looked).
 * What was read stays in o also when it fails: att_x5chain_close frees it.
 * Errors  those of att_cert_parse and att_cert_key
 */
ATT_MUST_USE enum att_err att_x5chain_open(struct att_x5chain *o, const struct att_cose *m,
                                           struct att_diag *diag);
/*
 * att_x5chain_verify - is there a path to an anchor at utc_s, for a signer of labels?
 * Errors  UNTRUSTED with reason unknown (no path) or TRUST_NONE (no anchor at all); else those of
 *         att_chain_verify with reason broken
 */
ATT_MUST_USE enum att_err att_x5chain_verify(const struct att_x5chain *o,
                                             const struct att_anchors *anchors, int64_t utc_s,
                                             enum att_reason broken, enum att_reason unknown,
                                             struct att_diag *diag);
void att_x5chain_close(struct att_x5chain *o);

#endif
