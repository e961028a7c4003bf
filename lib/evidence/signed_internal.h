/* The signature below any TPMS_ATTEST, for the files of this folder that judge one kind of it. */
#ifndef ATT_EVIDENCE_SIGNED_INTERNAL_H
#define ATT_EVIDENCE_SIGNED_INTERNAL_H

#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"
#include "crypto/verify.h"

/* Made by this key, with its own scheme and hash? UNSUPPORTED (Q_SIGALG), SIGNATURE (Q_SIG), FORMAT, CRYPTO NOMEM. */
ATT_MUST_USE enum att_err att_signed_check(const struct att_pubkey *key, enum att_scheme scheme,
                                           enum att_hash hash, struct att_slice attest,
                                           struct att_slice signature, struct att_diag *diag);

#endif
