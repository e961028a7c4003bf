/* What the commands that sign a TPMS_ATTEST share. */
#ifndef ATT_TPM_PROVE_INTERNAL_H
#define ATT_TPM_PROVE_INTERNAL_H

#include <tss2/tss2_esys.h>

#include "base/err.h"
#include "tpm/ident.h"
#include "tpm/tpm_internal.h"

/* What the stack decoded, as bytes again. TPM (TPM_IO): larger than what we take. */
ATT_MUST_USE enum att_err hw_take_attest(struct hw_quote *out, const TPM2B_ATTEST *attest,
                                         const TPMT_SIGNATURE *sig, const char *command,
                                         struct att_diag *diag);

/* Open the attestation key at its handle. MISMATCH (TPM_OTHER) when another key is there. */
ATT_MUST_USE enum att_err hw_ak_open(struct hw_slot *slot, const struct hw_ak *ak,
                                     struct att_diag *diag);

/* Make the attestation key without keeping it: it leaves with the slot. *key is freed with hw_freep. */
ATT_MUST_USE enum att_err hw_ak_primary(struct hw_slot *slot, TPM2B_PUBLIC **key,
                                        struct att_diag *diag);

#endif
