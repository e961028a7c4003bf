/*
 * An entry of the log: what is known of an outcome to everybody, signed by the verifier (docs/formats/log.md).
 *
 * Each is a hash envelope (RFC 9995) in a COSE_Sign1: the payload is a SHA-256, of the label that came of the
 * outcome, or of a salt and the words that describe it. So the log tells auditors who was judged when, by which
 * rules and with which result, and tells nobody what is installed where.
 */
#ifndef ATT_TLOG_ENTRY_H
#define ATT_TLOG_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "sign/cose.h"
#include "sign/signer.h"

#define ATT_ENTRY_MAX        65535 /* bytes: what an entry bundle can hold (C2SP tlog-tiles) */
#define ATT_ENTRY_KIND_MAX   24
#define ATT_ENTRY_REASON_MAX 40
#define ATT_ENTRY_NAME_MAX   160
#define ATT_ENTRY_SALT       16
#define ATT_ENTRY_CTI        16

/*
 * Changes of keys, and why. Label keys are named by the SHA-256 of their SPKI, as in kid; keys of the log by that of name, type
 * and key, of which the key id of its checkpoints is the beginning (att_vkey_fingerprint).
 */
#define ATT_ENTRY_LABEL_KEY   "label-key"
#define ATT_ENTRY_LOG_KEY     "log-key"
#define ATT_ENTRY_ROTATED     "rotated"
#define ATT_ENTRY_COMPROMISED "compromised"

/* Strings and pointers are borrowed; NULL leaves out what is optional. */
struct att_entry_facts {
    const char *issuer;      /* iss: the verifier's id */
    const char *subject;     /* optional: sub, the gateway's UEID as a URN */
    const char *kind;        /* "label", "refused", "enrolled", ... */
    const char *reason;      /* optional: a code, E_... */
    int64_t iat, exp;        /* UTC seconds; exp 0 leaves it out */
    const uint8_t *cti;      /* optional, ATT_ENTRY_CTI */
    const int *status;       /* optional: enum att_tier of a label */
    const uint8_t *evidence; /* optional, 32 each */
    const uint8_t *policy, *refvals;
    const uint8_t *key_before, *key_now; /* of a change of keys, and only there, 32 each */
    bool of_label;                       /* digest is of a label; else of salt and detail */
    uint8_t digest[32];
    const struct att_slice
        *x5chain; /* of a new label key, or one that revokes another; leaf first; else count 0 */
    size_t x5chain_count;
};
/* What the signer says; INTERNAL for facts that att_entry_parse would refuse; NOMEM. */
ATT_MUST_USE enum att_err att_entry_make(struct att_buf **out, const struct att_entry_facts *facts,
                                         const struct att_signer *signer);

struct att_entry {
    struct att_cose message; /* borrows the entry's bytes */
    uint8_t key[32];         /* SHA-256 of the SPKI of the key that signed */
    char issuer[ATT_ENTRY_NAME_MAX], subject[ATT_ENTRY_NAME_MAX]; /* subject "" when absent */
    char kind[ATT_ENTRY_KIND_MAX], reason[ATT_ENTRY_REASON_MAX];  /* reason "" when absent */
    int64_t iat, exp;                                             /* exp 0 when absent */
    bool has_cti, has_status, has_evidence, has_policy, has_refvals, has_key_before, has_key_now;
    uint8_t cti[ATT_ENTRY_CTI];
    int status;
    uint8_t evidence[32], policy[32], refvals[32];
    uint8_t key_before[32],
        key_now
            [32]; /* of a change of keys (ATT_ENTRY_LABEL_KEY, ATT_ENTRY_LOG_KEY): fingerprints */
    bool of_label;
    uint8_t digest[32];
};
/* Nothing is believed. FORMAT (TL_ENTRY, FMT_CBOR, FMT_COSE) LIMIT UNSUPPORTED. */
ATT_MUST_USE enum att_err att_entry_parse(struct att_entry *out, struct att_slice in,
                                          struct att_diag *diag);
/* The signature, under a key whose SHA-256 is e->key. SIGNATURE (TL_SIGNATURE) and as att_cose_verify. */
ATT_MUST_USE enum att_err att_entry_verify(const struct att_entry *e, const struct att_pubkey *key,
                                           struct att_diag *diag);

/* SHA-256 over salt and text: what the entry of an outcome without a label holds. CRYPTO. */
ATT_MUST_USE enum att_err att_entry_detail(uint8_t out[32], const uint8_t salt[ATT_ENTRY_SALT],
                                           const char *text);
/* SHA-256 over a label without unprotected headers: what a label's entry holds. As att_cose_parse. */
ATT_MUST_USE enum att_err att_entry_of_label(uint8_t out[32], struct att_slice label,
                                             struct att_diag *diag);

#endif
