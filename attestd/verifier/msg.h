/*
 * What front, appraiser and keeper say to each other: one deterministic CBOR array a frame,
 * [kind, id, ...], each kind with one schema. An answer carries the id of its question.
 *
 *   front -> keeper      ENROL_BEGIN NEW_SESSION CONTEXT COMMIT ENROL_ACTIVATE SESSION_GET
 *                        SESSION_DELETE LABEL ADMIN STATUS
 *   keeper -> front      DONE (status, body) or FAILED (reason, text)
 *   front -> appraiser   APPRAISE ENROL_CHECK
 *   appraiser -> front   JUDGED (sealed result), CHECKED (sealed facts) or FAILED (format only)
 *
 * Two seals (HMAC-SHA-256, a key that only keeper and appraiser hold) keep a compromised front from
 * inventing a context or a result: the keeper seals the context that it hands out, the appraiser refuses
 * one that is not sealed, and seals its result together with the digests of context and evidence.
 */
#ifndef ATTESTD_VERIFIER_MSG_H
#define ATTESTD_VERIFIER_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraise/result.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "evidence/context.h"
#include "tcg/pcr.h"

enum msg_kind {
    MSG_ENROL_BEGIN = 1,
    MSG_NEW_SESSION,
    MSG_CONTEXT,
    MSG_COMMIT,
    MSG_ENROL_ACTIVATE,
    MSG_SESSION_GET,
    MSG_SESSION_DELETE,
    MSG_LABEL,
    MSG_ADMIN,
    MSG_STATUS,
    MSG_DONE = 32,
    MSG_FAILED,
    MSG_APPRAISE = 64,
    MSG_ENROL_CHECK,
    MSG_JUDGED,
    MSG_CHECKED,
    MSG_HELLO,
};

#define MSG_SEAL_LEN 32

/* Who is at the other end of a TLS connection: from its verified client certificate. */
struct msg_peer {
    bool known; /* false: no client certificate */
    char device_id[ATT_DEVICE_ID_MAX + 1];
    uint8_t key_digest[32]; /* SHA-256 of the certificate's SPKI */
    bool administrator;     /* unix socket of the operator, or a certificate with that role */
};

/* What the appraiser needs to judge one evidence: made, sealed and remembered by the keeper. */
struct msg_context {
    char verifier_id[ATT_VERIFIER_ID_MAX + 1];
    char device_id[ATT_DEVICE_ID_MAX + 1];
    uint8_t session[ATT_SESSION_LEN];
    uint8_t nonce[ATT_NONCE_LEN];
    struct att_pcr_selection selection;
    uint32_t own_pcr;
    uint8_t ak_public[512]; /* TPMT_PUBLIC */
    size_t ak_public_len;
    bool ek_verified;
    uint8_t policy_digest[32], refvals_digest[32]; /* what it must be judged by */
    struct att_boot_state prior;
    struct att_carry carry;
};

/* What the appraiser found in an enrolment request: small, fixed, re-checked where it matters. */
struct msg_enrol_facts {
    char device_id[ATT_DEVICE_ID_MAX + 1];
    bool has_token;
    uint8_t token_digest[32]; /* SHA-256 of the token's text */
    uint8_t ek_public[1024];
    size_t ek_public_len;
    uint8_t ek_name[ATT_HASH_MAX + 2];
    size_t ek_name_len;
    bool ek_verified;          /* a certificate for this EK leads to an anchor */
    enum att_reason ek_reason; /* why not; NONE when verified or when there was no certificate */
    char ek_text[ATT_DIAG_TEXT];
    uint8_t ek_cert_digest[32];
    uint8_t ak_public[512];
    size_t ak_public_len;
    uint8_t csr_digest[32];
    uint8_t tls_spki[512]; /* the key of the request, proof of possession verified */
    size_t tls_spki_len;
};

#endif
