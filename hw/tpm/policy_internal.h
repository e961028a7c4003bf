/* Policies of endorsement keys and of the TCG's IDevID template. */
#ifndef ATT_TPM_POLICY_INTERNAL_H
#define ATT_TPM_POLICY_INTERNAL_H

#include <tss2/tss2_esys.h>

#include "tpm/tpm_internal.h"

/*
 * EK Credential Profile 2.2.1, B.6: PolicyA is PolicySecret(TPM_RH_ENDORSEMENT), PolicyC is PolicyAuthorizeNV over the
 * maker's index, PolicyB is either. TPM 2.0 Keys for Device Identity and Attestation 1.0, 7.3.6: an IDevID key has
 * PolicyA; the same for TPM2_Certify, or for TPM2_ActivateCredential, alone; or PolicyAuthorizeNV over 0x01C90010 or
 * 0x01C90011.
 */
enum hw_policy {
    HW_POLICY_A,
    HW_POLICY_B,
    HW_POLICY_C,
    HW_POLICY_CERTIFY,
    HW_POLICY_ACTIVATE,
    HW_POLICY_DEVID_NV,
    HW_POLICY__COUNT
};

/* Its digest under TPM2_ALG_SHA384, else under SHA-256. */
void hw_policy_digest(TPM2B_DIGEST *out, enum hw_policy policy, TPMI_ALG_HASH alg);

/* A policy session in which nothing holds yet; session is an empty slot. rc of the stack. */
ATT_MUST_USE TSS2_RC hw_policy_session(struct hw_slot *session, TPMI_ALG_HASH alg);

/* A policy session in which PolicyA holds; session is an empty slot. rc of the stack. */
ATT_MUST_USE TSS2_RC hw_policy_start(struct hw_slot *session, TPMI_ALG_HASH alg);

/* PolicyOR over at most 8 of them: the one that holds is a branch. rc of the stack. */
ATT_MUST_USE TSS2_RC hw_policy_or(struct hw_slot *session, const enum hw_policy *branch,
                                  uint32_t count, TPMI_ALG_HASH alg);

#endif
