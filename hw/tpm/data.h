/*
 * The data key (D10): a signing key of this TPM that works in the approved state alone. What it is and what authorises
 * it is lib/tcg/datakey.h's; here it is made, certified and used.
 */
#ifndef ATT_TPM_DATA_H
#define ATT_TPM_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "tcg/datakey.h"
#include "tpm/ident.h"
#include "tpm/tpm.h"

#define HW_PRIVATE_MAX   1024 /* bytes of a TPM2B_PRIVATE without its size */
#define HW_DATA_TRIES    5    /* sessions that are built again because a PCR moved */
#define HW_SIGNATURE_LEN 64   /* r and s, 32 bytes each */

/* A data key by value: nothing stays loaded, and no handle is taken. The private part is encrypted by its parent. */
struct hw_data_key {
    uint8_t public_area[ATT_PUBAREA_MAX]; /* TPMT_PUBLIC */
    size_t public_len;
    uint8_t private_area[HW_PRIVATE_MAX];
    size_t private_len;
    uint8_t parent_name[ATT_NAME_MAX]; /* of the storage primary of the owner hierarchy */
    size_t parent_len;
};

/*
 * hw_tpm_data_make - a new one, child of the storage primary (ECC P-256 of the owner hierarchy), which is made for it
 * and is the same each time until TPM2_Clear destroys it, and the key with it.
 *
 * policy  its authPolicy: att_data_key_policy
 * Errors  as tpm.h; UNSUPPORTED (TPM_IO) when the TPM has no P-256
 */
ATT_MUST_USE enum att_err hw_tpm_data_make(struct hw_data_key *out, struct hw_tpm *tpm,
                                           const uint8_t policy[ATT_POLICY_LEN],
                                           struct att_diag *diag);

/* By whom, and for which device, a policy was authorised: what TPM2_PolicyAuthorize asks for. */
struct hw_permit {
    struct att_slice authority;           /* TPMT_PUBLIC: att_data_key_authority */
    uint8_t ref[ATT_POLICY_REF_LEN];      /* att_data_key_ref */
    uint8_t approved[ATT_POLICY_LEN];     /* the policy */
    uint8_t signature[ATT_GRANT_SIG_LEN]; /* over approved || ref */
};

/*
 * hw_tpm_data_certify - TPM2_Certify of the key by the attestation key: "this key is in my TPM".
 *
 * permit      approved is att_data_key_certify_policy
 * qualifying  1 to 32 bytes
 * Errors  as hw_tpm_quote; NOT_FOUND (DK_GONE): the TPM cannot load it any more; DENIED (DK_GRANT): the permit is not
 *         signed by that key, or is not for it
 */
ATT_MUST_USE enum att_err hw_tpm_data_certify(struct hw_quote *out, struct hw_tpm *tpm,
                                              const struct hw_data_key *key, const struct hw_ak *ak,
                                              struct att_slice qualifying,
                                              const struct hw_permit *permit,
                                              struct att_diag *diag);

/*
 * hw_tpm_data_sign - build the policy session that the grant stands for, and sign one SHA-256 digest.
 *
 * A PCR that moves meanwhile, also one that the grant does not name, makes the session void (TPM_RC_PCR_CHANGED): it is
 * built again, HW_DATA_TRIES times at most.
 * permit  approved is att_grant_policy of grant, its signature the grant's
 * Errors  as tpm.h; NOT_FOUND (DK_GONE) as above; DENIED, with the TPM's command and code in the text: DK_EXPIRED (the
 *         clock is past until_ms), DK_REBOOT (resetCount or restartCount is another), DK_STATE (the PCRs are others),
 *         DK_GRANT (not signed by that key); BUSY (DK_MOVED)
 */
ATT_MUST_USE enum att_err hw_tpm_data_sign(uint8_t out[HW_SIGNATURE_LEN], struct hw_tpm *tpm,
                                           const struct hw_data_key *key,
                                           const struct hw_permit *permit,
                                           const struct att_grant *grant, const uint8_t digest[32],
                                           struct att_diag *diag);

#endif
