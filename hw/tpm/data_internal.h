/* What the files of the data key share. */
#ifndef ATT_TPM_DATA_INTERNAL_H
#define ATT_TPM_DATA_INTERNAL_H

#include <tss2/tss2_esys.h>

#include "tpm/data.h"
#include "tpm/tpm_internal.h"

/* A permit whose signature this TPM verified. */
struct hw_permitted {
    TPM2B_NAME authority;
    TPMT_TK_VERIFIED *ticket; /* owned */
};
void hw_permitted_free(struct hw_permitted *p);

/* Let the TPM verify who signed. DENIED (DK_GRANT): not that key; FORMAT and those of tpm.h. */
ATT_MUST_USE enum att_err hw_permit_verify(struct hw_permitted *out, struct hw_tpm *tpm,
                                           const struct hw_permit *permit, struct att_diag *diag);

/* TPM2_PolicyAuthorize: what the session holds must be what was approved. rc of the stack. */
ATT_MUST_USE TSS2_RC hw_permit_apply(struct hw_slot *session, const struct hw_permit *permit,
                                     const struct hw_permitted *permitted);

/* Load it into an empty slot; its parent is gone again when this returns. NOT_FOUND (DK_GONE). */
ATT_MUST_USE enum att_err hw_data_load(struct hw_slot *slot, const struct hw_data_key *key,
                                       struct att_diag *diag);

#endif
