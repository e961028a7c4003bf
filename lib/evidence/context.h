/*
 * What a quote is bound to: qualifying data = SHA-256 over deterministic CBOR of a context (D3).
 *
 * Both sides compute it from what they expect and compare; nobody takes the message's word.
 */
#ifndef ATT_EVIDENCE_CONTEXT_H
#define ATT_EVIDENCE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define ATT_NONCE_LEN       32
#define ATT_SESSION_LEN     16
#define ATT_DEVICE_ID_MAX   64
#define ATT_VERIFIER_ID_MAX 128

enum att_log { ATT_LOG_UEFI, ATT_LOG_IMA, ATT_LOG_OWN, ATT_LOG__COUNT };

const char *att_log_name(enum att_log log); /* "uefi", "ima", "own" */

/* Which logs, and from which byte each is sent. */
struct att_log_offsets {
    bool has[ATT_LOG__COUNT];
    uint64_t off[ATT_LOG__COUNT];
};

struct att_quote_context {
    const char *verifier_id;
    const char *device_id;
    const uint8_t *nonce;         /* ATT_NONCE_LEN */
    const uint8_t *session;       /* ATT_SESSION_LEN */
    const uint8_t *claims_digest; /* 32: SHA-256 of the encoded claims */
    struct att_log_offsets logs;
};

/* dCBOR(["attestd quote 1", verifier, nonce, device, session, claims digest, [[name, offset]...]]). CRYPTO */
ATT_MUST_USE enum att_err att_quote_qualifying(uint8_t out[32],
                                               const struct att_quote_context *ctx);

struct att_enrol_context {
    const char *verifier_id;
    const char *device_id;
    const uint8_t *nonce; /* of the begin answer */
    struct att_slice ek_name;
    struct att_slice ak_name;
    const uint8_t *csr_digest; /* 32: SHA-256 of the PKCS#10 request */
};

/* dCBOR(["attestd enrol 1", verifier, nonce, device, EK name, AK name, SHA-256(CSR)]). CRYPTO */
ATT_MUST_USE enum att_err att_enrol_qualifying(uint8_t out[32],
                                               const struct att_enrol_context *ctx);

struct att_certify_context {
    const char *verifier_id;
    const char *device_id;
    const uint8_t *nonce;   /* ATT_NONCE_LEN */
    const uint8_t *session; /* ATT_SESSION_LEN */
    struct att_slice ak_name, parent_name, key_name;
};

/* dCBOR(["attestd certify 1", verifier, nonce, device, session, AK name, parent's name, data key's name]). CRYPTO */
ATT_MUST_USE enum att_err att_certify_qualifying(uint8_t out[32],
                                                 const struct att_certify_context *ctx);

/*
 * policyRef of a device's data key: SHA-256 of dCBOR(["attestd data key 1", device]), constant for the key's life. The
 * digest and not the array, because a policyRef is at most as long as the TPM's largest hash. CRYPTO
 */
ATT_MUST_USE enum att_err att_data_key_ref(uint8_t out[32], const char *device_id);

/* FMT_ID unless 1 to 64 of A-Z a-z 0-9 . _ - */
ATT_MUST_USE enum att_err att_device_id_check(struct att_slice id, struct att_diag *diag);

#endif
