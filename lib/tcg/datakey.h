/*
 * The data key of a gateway, and what its verifier authorises it for (D10): digests, checks and one document, without a
 * TPM.
 *
 * The key's authPolicy is PolicyAuthorize over the verifier's authorising key and a policyRef that never changes, so
 * an approved update needs another authorisation and no other key. What is authorised is a policy: for signing, the
 * values of PCRs, a time of the TPM's clock and its two counters; for TPM2_Certify, that command alone.
 * docs/formats/data-key.md has it field by field.
 */
#ifndef ATT_TCG_DATAKEY_H
#define ATT_TCG_DATAKEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "crypto/key.h"
#include "tcg/pcr.h"
#include "tcg/pubarea.h"

#define ATT_POLICY_LEN     32 /* every policy here is under SHA-256 */
#define ATT_POLICY_REF_LEN 32
#define ATT_GRANT_SIG_LEN  64 /* r and s of ECDSA with P-256, 32 bytes each */
#define ATT_GRANT_MAX      512

/* PCRs that a data key may be bound to: the kernel moves 10 all day, and 16 to 23 can be reset or stand in no order. */
#define ATT_DATA_KEY_PCRS 0x0000fbffU

/*
 * att_data_key_authority - the TPMT_PUBLIC in which a TPM takes the authorising key (TPM2_LoadExternal): ECC P-256, name
 * under SHA-256, attributes sign and userWithAuth, no scheme. Its name is part of the data key's policy, so nothing of
 * this may ever change. out holds ATT_PUBAREA_MAX. UNSUPPORTED (KEY_STORE) unless the key is P-256.
 */
ATT_MUST_USE enum att_err att_data_key_authority(uint8_t *out, size_t *out_len,
                                                 const struct att_pubkey *key,
                                                 struct att_diag *diag);

/* authPolicy of the data key: PolicyAuthorize(authority, ref) (Part 3, 23.16). FORMAT UNSUPPORTED for no name. CRYPTO */
ATT_MUST_USE enum att_err att_data_key_policy(uint8_t out[ATT_POLICY_LEN],
                                              struct att_slice authority_name,
                                              const uint8_t ref[ATT_POLICY_REF_LEN]);

/* PolicyCommandCode(TPM2_Certify): what the key's ADMIN role is authorised for, once (Part 3, 23.11). CRYPTO */
ATT_MUST_USE enum att_err att_data_key_certify_policy(uint8_t out[ATT_POLICY_LEN]);

/*
 * att_data_key_check - DENIED (DK_ATTR), with what is wrong, unless it is a key that signs for the state alone: ECDSA
 * P-256 with SHA-256, made in this TPM and fixed there; sign, not restricted, not decrypt, not stClear; no userWithAuth,
 * adminWithPolicy, noDA; and its authPolicy is policy.
 */
ATT_MUST_USE enum att_err att_data_key_check(const struct att_pubarea *p,
                                             const uint8_t policy[ATT_POLICY_LEN],
                                             struct att_diag *diag);

/* One authorisation to sign. */
struct att_grant {
    struct att_pcr_selection selection; /* one bank; only ATT_DATA_KEY_PCRS */
    uint8_t pcr_digest[32];             /* SHA-256 of the selected values */
    uint64_t until_ms;                  /* of the TPM's clock, the last that is good */
    uint32_t reset_count, restart_count;
    int64_t until_utc; /* the same end in UTC seconds, for people: no policy knows it */
    uint8_t signature[ATT_GRANT_SIG_LEN]; /* of the authorising key over policy || ref */
};

/* DENIED (DK_GRANT) for a selection that a data key must not be bound to: see ATT_DATA_KEY_PCRS. */
ATT_MUST_USE enum att_err att_grant_check(const struct att_grant *g, struct att_diag *diag);

/*
 * att_grant_policy - PolicyPCR, then PolicyCounterTimer(clock <= until), then PolicyCounterTimer(both counters equal)
 * (Part 3, 23.7 and 23.10). CRYPTO
 */
ATT_MUST_USE enum att_err att_grant_policy(uint8_t out[ATT_POLICY_LEN], const struct att_grant *g);

/* operandB of the two PolicyCounterTimer, as policy and TPM take it; offsets into TPMS_TIME_INFO. */
#define ATT_TIME_INFO_CLOCK    8
#define ATT_TIME_INFO_COUNTERS 16
void att_grant_operands(uint8_t until[8], uint8_t counters[8], const struct att_grant *g);

/* {0: 1, 1: TPML_PCR_SELECTION, 2: PCR digest, 3: until ms, 4: resetCount, 5: restartCount, 6: until UTC, 7: signature} */
ATT_MUST_USE enum att_err att_grant_encode(struct att_wr *w, const struct att_grant *g);
/* Parsed strictly and checked. FORMAT TRUNCATED TRAILING LIMIT (FMT_CBOR), UNSUPPORTED (FMT_VERSION), as att_grant_check. */
ATT_MUST_USE enum att_err att_grant_parse(struct att_grant *out, struct att_slice in,
                                          struct att_diag *diag);

#endif
