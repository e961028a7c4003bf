/* The operator's list of TPMs that may not enrol (tpm_deny of attestd.yaml). */
#ifndef ATTESTD_VERIFIER_KEEPER_TPM_DENY_H
#define ATTESTD_VERIFIER_KEEPER_TPM_DENY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "verifier/config.h"

/*
 * tpm_deny_check - is this TPM on the list?
 *
 * manufacturer  as a verified EK certificate says; 0: not known, which excludes no row
 * firmware      as its quote says: TPM_PT_FIRMWARE_VERSION_1 in the upper half
 * *warned       a row with "action: warn" matched; written on ATT_OK
 * Errors        DENIED (ID_TPMFW)
 */
ATT_MUST_USE enum att_err tpm_deny_check(bool *warned, const struct config *cfg,
                                         uint32_t manufacturer, uint64_t firmware,
                                         struct att_diag *diag);

#endif
