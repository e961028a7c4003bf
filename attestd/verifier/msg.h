/*
 * What front, appraiser and keeper say to each other: one deterministic CBOR array a frame,
 * [kind, id, ...], each kind with one schema. An answer carries the id of its question.
 *
 *   front -> keeper      ENROL_BEGIN NEW_SESSION CONTEXT COMMIT ENROL_ACTIVATE SESSION_GET
 *                        SESSION_DELETE LABEL ADMIN STATUS PART LOG STATUS_LIST CERTIFY_BEGIN CERTIFY
 *   keeper -> front      DONE (status, body) or FAILED (reason, text)
 *   front -> appraiser   APPRAISE ENROL_CHECK FOLD
 *   appraiser -> front   JUDGED (sealed result), CHECKED (sealed facts), FOLDED (sealed state) or FAILED
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

#include "appraise/context.h"
#include "appraise/parts.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "evidence/context.h"

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
    MSG_PART,
    MSG_LOG,
    MSG_STATUS_LIST,
    MSG_CERTIFY_BEGIN,
    MSG_CERTIFY,
    MSG_DONE = 32,
    MSG_FAILED,
    MSG_APPRAISE = 64,
    MSG_ENROL_CHECK,
    MSG_JUDGED,
    MSG_CHECKED,
    MSG_HELLO,
    MSG_FOLD,
    MSG_FOLDED,
};

#define MSG_SEAL_LEN   32
#define MSG_CLAIMS_MAX 4096 /* bytes of claims that the keeper looks at */

/* Who is at the other end of a TLS connection: from its verified client certificate. */
struct msg_peer {
    bool known; /* false: no client certificate */
    char device_id[ATT_DEVICE_ID_MAX + 1];
    uint8_t key_digest[32]; /* SHA-256 of the certificate's SPKI */
    bool administrator;     /* unix socket of the operator, or a certificate with that role */
};

/* A key of the gateway's factory whose certificate leads to an anchor; that it is in the TPM is not proven yet. */
struct msg_factory_key {
    uint8_t public_area[1024]; /* TPMT_PUBLIC */
    size_t public_len;         /* 0: none was shown, or the service does not look at it */
    struct att_slice chain;    /* ek_chain.h; borrows the sealed bytes */
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
    struct att_slice ek_chain; /* ek_chain.h, when it is verified; borrows the sealed bytes */
    bool
        ek_unknown; /* no certificate was sent, or it leads to no maker that is known: nothing speaks against it */
    unsigned int ek_fixes;     /* what was forgiven in that certificate (att_ek_fix) */
    uint32_t tpm_manufacturer; /* as the verified certificate says; 0: not known */
    uint8_t ak_public[512];
    size_t ak_public_len;
    uint8_t csr_digest[32];
    uint8_t tls_spki[512]; /* the key of the request, proof of possession verified */
    size_t tls_spki_len;
    struct msg_factory_key iak, idevid;
};

/* What the appraiser found in evidence. Slices borrow the sealed bytes they were opened from. */
struct msg_judged {
    uint8_t context_digest[32];  /* SHA-256 of the context's sealed bytes: which one was answered */
    uint8_t evidence_digest[32]; /* SHA-256 of the evidence as sent */
    uint8_t claims_digest[32];   /* with the offsets: what the qualifying data is computed from */
    struct att_log_offsets offsets;
    struct att_slice claims; /* their bytes when they say something for the label, else empty */
    struct att_slice attest, signature; /* TPMS_ATTEST, TPMT_SIGNATURE as sent */
    struct att_slice result;            /* att_result_encode */
};

/* What became of a part of the kernel's list: large. */
struct msg_folded {
    uint8_t context_digest[32]; /* of the context that it was judged in */
    struct att_folded folded;
};

/* The content type of an answer's body. */
enum msg_type {
    MSG_TYPE_NONE,        /* no body */
    MSG_TYPE_CBOR,        /* a document of wire.h */
    MSG_TYPE_JSON,        /* administrator */
    MSG_TYPE_LABEL,       /* application/eat+cwt */
    MSG_TYPE_TEXT,        /* Prometheus text */
    MSG_TYPE_NOTE,        /* a checkpoint: text, and another one soon */
    MSG_TYPE_TILE,        /* hashes or entries of the log, which never change */
    MSG_TYPE_STATUS_LIST, /* application/statuslist+cwt */
    MSG_TYPE_OUTCOME, /* wire_outcome; with status 422 the front wraps it into problem details */
    MSG_TYPE__COUNT
};

enum msg_ask { MSG_ASK_READY, MSG_ASK_METRICS };

/*
 * One message. Which members a kind has, in the order of the array that travels:
 *
 *   ENROL_BEGIN     sealed (msg_enrol_facts)
 *   NEW_SESSION     peer, body (wire_new_session)
 *   CONTEXT         peer, session
 *   COMMIT          peer, session, body (evidence), sealed (msg_judged)
 *   ENROL_ACTIVATE  body (wire_enrol_activate)
 *   SESSION_GET     peer, session
 *   SESSION_DELETE  peer, session
 *   LABEL           peer, session (cti, or zeros), name (device id, or empty)
 *   ADMIN           name (method), path (behind /admin/v1), body
 *   STATUS          number (enum msg_ask)
 *   STATUS_LIST     number (of the list)
 *   CERTIFY_BEGIN   peer, body (wire_certify_begin)
 *   CERTIFY         peer, session, body (wire_certify)
 *   PART            peer, session, sealed (msg_folded)
 *   LOG             path ("checkpoint", or att_tile_path)
 *   DONE            number (HTTP status), type, path (Location, or empty), body, sealed. The answer to
 *                   CONTEXT has number 200 and the sealed context (att_appraisal_context) as body; the answers to
 *                   NEW_SESSION and PART have it in sealed, so that a front that keeps it need not ask again
 *   FAILED          number (enum att_reason), name (further words, English, printable; or empty)
 *   APPRAISE        sealed (att_appraisal_context), body (evidence)
 *   ENROL_CHECK     body (wire_enrol_begin)
 *   JUDGED          sealed (msg_judged)
 *   CHECKED         sealed (msg_enrol_facts)
 *   HELLO           number (generation of the appraiser worker)
 *   FOLD            sealed (att_appraisal_context), body (wire_part)
 *   FOLDED          sealed (msg_folded)
 *
 * Slices are borrowed: from the caller when sending, from the frame when received.
 */
struct msg {
    enum msg_kind kind;
    uint64_t id;
    struct msg_peer peer;
    uint8_t session[ATT_SESSION_LEN];
    struct att_slice name, path; /* text */
    struct att_slice body, sealed;
    uint64_t number;
    enum msg_type type;
};

#define MSG_NAME_MAX 512
#define MSG_PATH_MAX 512

/* Bytes that the encoding needs at most. */
size_t msg_size(const struct msg *m);
/* Only the members of its kind are written. LIMIT INTERNAL. */
ATT_MUST_USE enum att_err msg_encode(struct att_wr *w, const struct msg *m);
/* Members that the kind does not have are zero. FORMAT LIMIT TRUNCATED TRAILING with FMT_FRAME. */
ATT_MUST_USE enum att_err msg_decode(struct msg *out, struct att_slice in, struct att_diag *diag);

/*
 * Sealed bytes: an encoded structure and HMAC-SHA-256(key, purpose byte || encoding) behind it; the
 * purpose keeps one kind from passing for another. _open refuses with UNTRUSTED (FMT_FRAME) before it
 * reads anything. The structs are large: keep them off deep stacks.
 */
ATT_MUST_USE enum att_err msg_context_seal(struct att_buf **out,
                                           const struct att_appraisal_context *c,
                                           const uint8_t key[MSG_SEAL_LEN]);
ATT_MUST_USE enum att_err msg_context_open(struct att_appraisal_context *out,
                                           struct att_slice sealed, const uint8_t key[MSG_SEAL_LEN],
                                           struct att_diag *diag);
ATT_MUST_USE enum att_err msg_facts_seal(struct att_buf **out, const struct msg_enrol_facts *f,
                                         const uint8_t key[MSG_SEAL_LEN]);
ATT_MUST_USE enum att_err msg_facts_open(struct msg_enrol_facts *out, struct att_slice sealed,
                                         const uint8_t key[MSG_SEAL_LEN], struct att_diag *diag);
ATT_MUST_USE enum att_err msg_judged_seal(struct att_buf **out, const struct msg_judged *j,
                                          const uint8_t key[MSG_SEAL_LEN]);
ATT_MUST_USE enum att_err msg_judged_open(struct msg_judged *out, struct att_slice sealed,
                                          const uint8_t key[MSG_SEAL_LEN], struct att_diag *diag);
ATT_MUST_USE enum att_err msg_folded_seal(struct att_buf **out, const struct msg_folded *f,
                                          const uint8_t key[MSG_SEAL_LEN]);
ATT_MUST_USE enum att_err msg_folded_open(struct msg_folded *out, struct att_slice sealed,
                                          const uint8_t key[MSG_SEAL_LEN], struct att_diag *diag);

#endif
