/* What the commands that sign a TPMS_ATTEST share. */
#ifndef ATT_TPM_PROVE_INTERNAL_H
#define ATT_TPM_PROVE_INTERNAL_H

#include <tss2/tss2_esys.h>

#include "base/err.h"
#include "tpm/ident.h"

/* What the stack decoded, as bytes again. TPM (TPM_IO): larger than what we take. */
ATT_MUST_USE enum att_err hw_take_attest(struct hw_quote *out, const TPM2B_ATTEST *attest,
                                         const TPMT_SIGNATURE *sig, const char *command,
                                         struct att_diag *diag);

#endif
