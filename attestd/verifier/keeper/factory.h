/*
 * The keys of a gateway's factory at its enrolment: the IAK proves that the attestation key is in its TPM, and that
 * an IDevID key is. That its certificate is good was found by the appraiser.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_FACTORY_H
#define ATTESTD_VERIFIER_KEEPER_FACTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "common/wire.h"
#include "verifier/keeper/pending.h"
#include "verifier/store/store.h"

/* The appraiser said that they are keys of the right kind; asked again, and their names kept. */
ATT_MUST_USE enum att_err factory_check(struct pending *p, struct att_diag *diag);

/* What the IAK says of the AK, and of the IDevID key; ATT_OK when the gateway showed none. ID_IAKPROOF FMT_ATTEST */
ATT_MUST_USE enum att_err factory_prove(const struct pending *p,
                                        const struct wire_enrol_activate *w,
                                        struct att_slice qualifying, struct att_diag *diag);

/* Both with their certificates beside the enrolment. CONFLICT when another gateway has one of them. */
ATT_MUST_USE enum att_err factory_store(struct store *st, int64_t enrolment,
                                        const struct pending *p, struct att_diag *diag);

/* What the outcome says of them: "; iak " and the certificate's SHA-256, "; idevid"; or nothing. Returns out. */
char *factory_note(char *out, size_t cap, const struct pending *p);

/* SHA-256 of the first certificate in what is kept of a chain (ek_chain.h). FORMAT CRYPTO */
ATT_MUST_USE enum att_err factory_leaf_digest(uint8_t out[32], struct att_slice certs);

#endif
