/* Reading the claims: for evidence.c and tests only. */
#ifndef ATT_EVIDENCE_CLAIMS_INTERNAL_H
#define ATT_EVIDENCE_CLAIMS_INTERNAL_H

#include "evidence/evidence.h"

/* FMT_EVIDENCE with the byte inside the claims. ueid borrows in. */
ATT_MUST_USE enum att_err att_claims_parse(struct att_claims *out, struct att_slice in,
                                           struct att_diag *diag);

#endif
