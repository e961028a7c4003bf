/*
 * The data keys of gateways (D10): certified by the attestation key, and authorised for the state that a label is about.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_DATA_KEY_H
#define ATTESTD_VERIFIER_KEEPER_DATA_KEY_H

#include "appraise/label.h"
#include "tcg/datakey.h"
#include "verifier/keeper/keeper_internal.h"

/* POST /enrol/v1/certify: a nonce, and what the TPM needs to let its key be certified. DK_OFF and those of sessions. */
ATT_MUST_USE enum att_err data_key_begin(struct keeper *k, const struct msg *m, struct answer *a,
                                         struct att_diag *diag);
/*
 * Inside the flush's transaction: judge a key and its certification, and keep it in the place of the one before. The
 * same key again changes nothing.
 * Errors  DENIED (DK_ATTR) MISMATCH SIGNATURE UNSUPPORTED (DK_CERTIFY) FORMAT (FMT_KEY FMT_ATTEST), those of sessions
 */
ATT_MUST_USE enum att_err data_key_certify(struct keeper *k, struct job *job,
                                           struct att_diag *diag);

/* What a label and its answer say of the unit's data key. */
struct data_key_grant {
    bool given;
    uint8_t point[ATT_DATA_KEY_POINT];
    uint8_t bytes[ATT_GRANT_MAX]; /* att_grant_encode */
    size_t len;
};

/* What the quote and the result say of the state that is authorised. */
struct data_key_state {
    const struct att_quoted *quoted;
    const struct att_boot_state *boot;
    const struct session *session; /* which PCRs were asked for */
    uint32_t ima_pcr;
    int64_t seconds; /* until the label expires */
    int64_t exp;     /* then, in UTC */
};

/*
 * data_key_grant - authorise the unit's data key for the very PCR values that were quoted: those of the boot, as far as
 * its log was sent, and of the own log.
 *
 * out->given stays false, with ATT_OK, where there is no such key, no authorising key, or an own log in a PCR that a
 * data key must not be bound to.
 * A state that is not what was quoted is none to authorise either, and a line in the service's log.
 * Errors  KEY_STORE; CRYPTO
 */
ATT_MUST_USE enum att_err data_key_grant(struct data_key_grant *out, const struct keeper *k,
                                         const struct unit *u, const struct data_key_state *s,
                                         struct att_diag *diag);

#endif
