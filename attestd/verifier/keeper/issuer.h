/*
 * What the keeper signs with: the label key with its certificate chain, the key of the log, and the authority
 * that issues client certificates to gateways.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_ISSUER_H
#define ATTESTD_VERIFIER_KEEPER_ISSUER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "sign/signer.h"
#include "tcg/datakey.h"
#include "tcg/pubarea.h"
#include "verifier/config.h"

#define ISSUER_CLIENT_DAYS 3650 /* validity of a gateway's certificate; removal is by the record */

#define ISSUER_LOG_KEYS_MAX 64 /* keys that one log may have had */

/* A label key and its certificates. */
struct issuer_label {
    struct att_signer *signer;
    struct att_cert *chain[ATT_CHAIN_MAX]; /* leaf first */
    struct att_slice x5chain[ATT_CHAIN_MAX];
    size_t count;
};

struct issuer {
    struct issuer_label label;
    struct att_signer *data;            /* authorises data keys, nothing else; NULL: none are */
    uint8_t authority[ATT_PUBAREA_MAX]; /* the same as a TPM takes it: att_data_key_authority */
    size_t authority_len;
    uint8_t authority_name[ATT_NAME_MAX];
    size_t authority_name_len;
    struct att_signer *log; /* Ed25519: trees of the log, nothing else */
    struct att_signer *
        log_before; /* cosigns checkpoints until then (UTC seconds), while partners learn of log; or NULL */
    int64_t log_before_until;
    struct att_pubkey
        *log_known[ISSUER_LOG_KEYS_MAX]; /* every key that ever signed trees, log's with them */
    size_t log_known_count;
    struct att_cert *ca;
    struct att_privkey *ca_key;
};

/* Where a key is: "file:PATH" or "pkcs11:...", and the file of its certificates (none for a key of the log). */
struct issuer_place {
    const char *key, *chain;
    const char *field; /* for messages; a literal */
};

/*
 * issuer_open - load what the configuration names. Whether these keys are in force only the records know (keeper/keys.h).
 * Errors  DENIED (KEY_FILE: a key in a file without insecure_file_key; CFG_PERM: others can read it)
 *         MISMATCH (KEY_PAIR: key and certificate do not belong together) STALE (KEY_EXPIRED: the label
 *         certificate is not valid at now_utc) NOT_FOUND FORMAT IO NOMEM and those of the key store
 */
ATT_MUST_USE enum att_err issuer_open(struct issuer **out, const struct config *cfg,
                                      int64_t now_utc, struct att_diag *diag);
/* The authority of gateways alone: keys of labels and of the log are the caller's to fill in. */
ATT_MUST_USE enum att_err issuer_open_authority(struct issuer **out, const struct config *cfg,
                                                struct att_diag *diag);
/* A label key of this verifier, whose certificate is valid at now_utc. out is the caller's to clear. */
ATT_MUST_USE enum att_err issuer_read_label(struct issuer_label *out, const struct config *cfg,
                                            const struct issuer_place *place, int64_t now_utc,
                                            struct att_diag *diag);
void issuer_label_clear(struct issuer_label *l);
/* A key of the log. KEY_PAIR (not Ed25519) KEY_STORE (not a file) and those of reading keys. */
ATT_MUST_USE enum att_err issuer_read_log(struct att_signer **out, const struct issuer_place *place,
                                          struct att_diag *diag);
struct issuer_place issuer_label_place(const struct config *cfg); /* what the configuration names */
struct issuer_place issuer_log_place(const struct config *cfg);
/* STALE (KEY_EXPIRED) when the label certificate is not valid at now_utc: labels made then would fail. */
ATT_MUST_USE enum att_err issuer_check_time(const struct issuer *i, int64_t now_utc,
                                            struct att_diag *diag);
void issuer_free(struct issuer *i);
void issuer_freep(struct issuer **i);

/* A client certificate for a gateway's TLS key (DER SPKI). */
ATT_MUST_USE enum att_err issuer_client_cert(struct att_buf **out, const struct issuer *i,
                                             const char *device_id, struct att_slice spki,
                                             int64_t now_utc, struct att_diag *diag);

/* The public half of a label key in a token, for attestd init. KEY_STORE and those of the key store. */
ATT_MUST_USE enum att_err issuer_token_key(struct att_pubkey **out, const char *uri,
                                           struct att_diag *diag);

/* KEY_PAIR when the key of data keys is this label key: nothing that partners believe may be an answer to a TPM. */
ATT_MUST_USE enum att_err issuer_check_data(const struct issuer *i, const struct att_pubkey *label,
                                            struct att_diag *diag);

/*
 * issuer_authorise - sign a policy of data keys for one device: r and s over policy || ref.
 * Errors  NOT_FOUND (DK_OFF) without such a key; what the signer says (KEY_STORE)
 */
ATT_MUST_USE enum att_err issuer_authorise(uint8_t out[ATT_GRANT_SIG_LEN], const struct issuer *i,
                                           const uint8_t policy[ATT_POLICY_LEN],
                                           const uint8_t ref[ATT_POLICY_REF_LEN],
                                           struct att_diag *diag);

/* Split a file of PEM certificates (or one DER): at most cap, in the order of the file. FMT_CERT. */
ATT_MUST_USE enum att_err issuer_read_chain(struct att_cert **out, size_t cap, size_t *count,
                                            const char *path, struct att_diag *diag);

#endif
