/*
 * The keys that the gateway's factory left in the TPM: an attestation key (IAK) and an identity key (IDevID), with
 * their certificates (TCG, TPM 2.0 Keys for Device Identity and Attestation 1.0). Makers differ in where they put
 * them, so the configuration names the places.
 */
#ifndef ATT_TPM_DEVID_H
#define ATT_TPM_DEVID_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "tpm/ident.h"
#include "tpm/tpm.h"

/* Where they stand when nobody says otherwise: reserved for DevID keys by the TCG. */
#define HW_IDEVID_HANDLE 0x81020000U
#define HW_IAK_HANDLE    0x81020001U
#define HW_IDEVID_CERT   0x01c90000U
#define HW_IAK_CERT      0x01c90100U

#define HW_DEVID_CERTS_MAX 32768 /* bytes of one index: certificates one behind the other */

struct hw_devid {
    uint32_t handle;
    uint8_t public_area[ATT_PUBAREA_MAX]; /* TPMT_PUBLIC */
    size_t public_len;
};

/* The key at a persistent handle, whatever it is: the verifier judges it. NOT_FOUND (TPM_DEVID); CONFIG (CFG_KEY). */
ATT_MUST_USE enum att_err hw_tpm_devid_find(struct hw_devid *out, struct hw_tpm *tpm,
                                            uint32_t handle, struct att_diag *diag);

/* One NV index as it stands; the caller's. NOT_FOUND (TPM_DEVID); CONFIG (CFG_KEY). */
ATT_MUST_USE enum att_err hw_tpm_nv_certificates(struct att_buf **out, struct hw_tpm *tpm,
                                                 uint32_t index, struct att_diag *diag);

/*
 * hw_tpm_certify - TPM2_Certify: the key at one persistent handle says that the key at another is beside it.
 *
 * signer      with an empty authorisation value (userWithAuth)
 * object      the same; or with adminWithPolicy and the policy of the TCG's IDevID template
 * qualifying  1 to 32 bytes
 */
ATT_MUST_USE enum att_err hw_tpm_certify(struct hw_quote *out, struct hw_tpm *tpm, uint32_t signer,
                                         uint32_t object, struct att_slice qualifying,
                                         struct att_diag *diag);

#endif
