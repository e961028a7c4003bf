/* Loading the endorsement key again, for activation. */
#ifndef ATT_TPM_EK_INTERNAL_H
#define ATT_TPM_EK_INTERNAL_H

#include <stdbool.h>

#include "tpm/ident.h"
#include "tpm/tpm_internal.h"

/* The key as it was found: persistent, or made again; MISMATCH (TPM_OTHER) when it is not the same. */
ATT_MUST_USE enum att_err hw_ek_load(struct hw_slot *slot, const struct hw_ek *ek,
                                     struct att_diag *diag);

/* The maker's template and nonce for a kind. False: NV has neither, and out is the standard one. */
bool hw_ek_nv_template(TPM2B_PUBLIC *out, struct hw_tpm *tpm, enum hw_ek_kind kind);

#endif
