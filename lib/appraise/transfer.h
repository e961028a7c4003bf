/*
 * A gateway goes from one organisation to another, and both sign (docs/formats/transfer.md).
 *
 * The giver signs an offer, the receiver signs an acceptance with the whole offer in it. Each statement
 * holds the other side's public key, so that whoever has either side's key can follow the transfer:
 *
 *   bytes      att_transfer_parse          fields, nothing believed
 *   believed   att_transfer_verify         both signatures, from a key of one side that the caller knows
 *              att_transfer_verify_offer   an offer alone, for whoever is to accept it
 *   in time    att_transfer_check_time
 */
#ifndef ATT_APPRAISE_TRANSFER_H
#define ATT_APPRAISE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"
#include "evidence/context.h"
#include "sign/cose.h"
#include "sign/document.h"
#include "sign/signer.h"
#include "tcg/pubarea.h"

#define ATT_TRANSFER_OFFER_TYPE    "application/vnd.attestd.transfer-offer+cbor"
#define ATT_TRANSFER_TYPE          "application/vnd.attestd.transfer+cbor"
#define ATT_TRANSFER_OFFER_PURPOSE "attestd transfer offer 1" /* external data of the signature */
#define ATT_TRANSFER_PURPOSE       "attestd transfer 1"

#define ATT_TRANSFER_ID_LEN    16
#define ATT_TRANSFER_KEY_MAX   600  /* bytes of a SubjectPublicKeyInfo: RSA of 4096 bits has 550 */
#define ATT_TRANSFER_MAX       8192 /* bytes of a statement */
#define ATT_TRANSFER_TTL_S     604800
#define ATT_TRANSFER_TTL_MAX_S 2592000
#define ATT_TRANSFER_SKEW_S    300 /* clocks of two organisations */

/* What the giver's verifier knew of the gateway when the offer was made. */
struct att_transfer_last {
    unsigned int status; /* 0 enrolled, 1 affirming, 2 warning, 3 failed, 4 stale */
    bool has_counters;   /* false: no evidence was accepted yet */
    uint32_t reset_count, restart_count;
    uint64_t clock_ms; /* of the TPM */
    bool has_label;
    uint8_t cti[16],
        label_digest[32]; /* of the last label, good or bad: its id, SHA-256 of the file */
    uint64_t outcomes;    /* how many outcomes the verifier kept, of all gateways */
};

/* One side: its verifier, what the gateway is called there, and the key that signs for it. */
struct att_transfer_side {
    char verifier_id[ATT_VERIFIER_ID_MAX + 1];
    char device_id[ATT_DEVICE_ID_MAX + 1];
    uint8_t key
        [ATT_TRANSFER_KEY_MAX]; /* DER SubjectPublicKeyInfo, as the other side's statement has it */
    size_t key_len;
    uint8_t kid[32]; /* as the side's own statement names its signer */
};

struct att_transfer {
    bool
        accepted; /* false: an offer alone; then giver.key and all of receiver but its key are empty */
    uint8_t id[ATT_TRANSFER_ID_LEN];
    struct att_transfer_side giver, receiver;
    uint8_t ek_name[ATT_NAME_MAX];
    size_t ek_name_len;
    bool has_ek_cert;
    uint8_t ek_cert[32]; /* SHA-256 of the endorsement key's certificate */
    uint8_t ak_name[ATT_NAME_MAX];
    size_t ak_name_len;
    int64_t offered_utc, expires_utc, accepted_utc;
    struct att_transfer_last last;
    struct att_cose offer_message, message; /* borrow the input */
};

enum att_transfer_role { ATT_TRANSFER_GIVER, ATT_TRANSFER_RECEIVER };

/*
 * att_transfer_parse - an offer, or an acceptance with its offer in it. Nothing is verified.
 * in      borrowed by *out
 * Errors  FORMAT TRUNCATED TRAILING LIMIT UNSUPPORTED, reason FMT_TRANSFER, and FMT_ID of a device id
 */
ATT_MUST_USE enum att_err att_transfer_parse(struct att_transfer *out, struct att_slice in,
                                             struct att_diag *diag);

/*
 * att_transfer_verify - both signed, and each names the other.
 * ours    the side whose keys are in ring; the other side's key is the one that this side signed for
 * Errors  SIGNATURE (TRF_ONE: an offer alone; TRF_SIGNER: ours is signed by no key of ring; TRF_RECEIVER
 *         TRF_GIVER: signed by another key than the other side named; TRF_SIG: false)
 *         FORMAT (FMT_TRANSFER: a key in it is none) CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_transfer_verify(const struct att_transfer *t,
                                              enum att_transfer_role ours,
                                              const struct att_signers *ring,
                                              struct att_diag *diag);

/*
 * att_transfer_verify_offer - an offer by a key of ring, for the holder of receiver.
 * Errors  as att_transfer_verify; CONFLICT (TRF_DONE) when it is accepted already
 */
ATT_MUST_USE enum att_err att_transfer_verify_offer(const struct att_transfer *t,
                                                    const struct att_signers *ring,
                                                    const struct att_pubkey *receiver,
                                                    struct att_diag *diag);

/* STALE (TRF_TIME) outside of its validity: before it was offered, but for the skew, or from expiry on. */
ATT_MUST_USE enum att_err att_transfer_check_time(const struct att_transfer *t, int64_t now_utc,
                                                  struct att_diag *diag);

/*
 * att_transfer_offer_make - id, giver's verifier and device, receiver.key, names, times and last of t,
 * signed by the giver. att_transfer_accept_make - receiver's verifier and device, and accepted_utc of t,
 * around the offer's bytes, signed by the receiver.
 * Errors  INTERNAL (what att_transfer_parse would refuse), LIMIT NOMEM and what the signer says
 */
ATT_MUST_USE enum att_err att_transfer_offer_make(struct att_buf **out,
                                                  const struct att_transfer *t,
                                                  const struct att_signer *signer);
ATT_MUST_USE enum att_err
att_transfer_accept_make(struct att_buf **out, const struct att_transfer *t, struct att_slice offer,
                         const struct att_pubkey *giver, const struct att_signer *signer);

/* "enrolled" .. "stale". */
const char *att_transfer_status_name(unsigned int status);

#endif
