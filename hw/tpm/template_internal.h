/* Templates of the keys that we make, and how a key is compared with one. */
#ifndef ATT_TPM_TEMPLATE_INTERNAL_H
#define ATT_TPM_TEMPLATE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>

#include "tpm/ident.h"
#include "tpm/tpm_internal.h"

/* EK Credential Profile 2.2.1, Annex B.3 and B.4; HW_EK_ANY is our own mistake and gives L-2. */
void hw_template_ek(TPM2B_PUBLIC *out, enum hw_ek_kind kind);

/* Our attestation key (D2): ECDSA P-256 with SHA-256, or RSASSA 2048 with SHA-256. */
void hw_template_ak(TPM2B_PUBLIC *out, bool rsa);

/* The storage primary of the data key, and the data key (D10); policy is its authPolicy. */
void hw_template_storage(TPM2B_PUBLIC *out);
void hw_template_data(TPM2B_PUBLIC *out, const uint8_t policy[32]);

/* The same in all but the public key itself. */
bool hw_template_matches(const TPM2B_PUBLIC *key, const TPM2B_PUBLIC *tmpl);

/* TPMT_PUBLIC as bytes; out holds ATT_PUBAREA_MAX. False when it does not fit. */
bool hw_public_bytes(uint8_t *out, size_t *len, const TPM2B_PUBLIC *key);

/* Make a primary of the endorsement hierarchy; *public is freed with hw_freep. rc of the stack. */
ATT_MUST_USE TSS2_RC hw_primary(struct hw_slot *slot, TPM2B_PUBLIC **public_area,
                                const TPM2B_PUBLIC *tmpl);

/* The same in another hierarchy, such as ESYS_TR_RH_OWNER, which must have no password. */
ATT_MUST_USE TSS2_RC hw_primary_in(struct hw_slot *slot, TPM2B_PUBLIC **public_area,
                                   const TPM2B_PUBLIC *tmpl, ESYS_TR hierarchy);

/* The TPM lacks the algorithm, curve or size: another template may do. */
bool hw_rc_is_unsupported(TSS2_RC rc);

/* Open a persistent object and read its public area; qualified may be NULL. rc of the stack. */
ATT_MUST_USE TSS2_RC hw_persistent(struct hw_slot *slot, TPM2B_PUBLIC **public_area,
                                   TPM2B_NAME **qualified, uint32_t handle);

#endif
