/*
 * The gateway's data key (D10): made in its TPM, certified by its attestation key, authorised by each label, and used
 * through lib's signing port.
 *
 * Two files of the state folder, replaced as a whole: what the TPM needs to load the key, and the last authorisation.
 * A third keeps what the TPM last refused, for "status".
 */
#ifndef ATTESTD_AGENT_DATAKEY_H
#define ATTESTD_AGENT_DATAKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/measurer/agent.h"
#include "base/err.h"
#include "sign/signer.h"
#include "tcg/datakey.h"
#include "tpm/data.h"

#define STATE_DATA_KEY     "data-key.cbor"
#define STATE_DATA_GRANT   "data-grant.cbor"
#define STATE_DATA_REFUSAL "data-refusal.cbor"

/* {0: version, 1: TPMT_PUBLIC, 2: TPM2B_PRIVATE without its size, 3: name of its parent, 4: authorising key, 5: certified} */
struct data_key {
    struct hw_data_key key;
    uint8_t authority[ATT_PUBAREA_MAX]; /* TPMT_PUBLIC */
    size_t authority_len;
    bool certified; /* the verifier took it, and no answer since says otherwise */
};

/* Its bytes (dataform.c). FORMAT TRUNCATED TRAILING LIMIT (FMT_CBOR), UNSUPPORTED (FMT_VERSION). */
ATT_MUST_USE enum att_err data_key_parse(struct data_key *out, struct att_slice in,
                                         struct att_diag *diag);
ATT_MUST_USE enum att_err data_key_encode(struct att_slice *out, uint8_t *room, size_t cap,
                                          const struct data_key *k, struct att_diag *diag);

/* NOT_FOUND (DK_NONE) when there is none. */
ATT_MUST_USE enum att_err data_key_load(struct data_key *out, const char *dir,
                                        struct att_diag *diag);
ATT_MUST_USE enum att_err data_key_store(const struct data_key *k, const char *dir,
                                         struct att_diag *diag);
/* The last authorisation. NOT_FOUND (DK_NONE); what att_grant_parse refuses. */
ATT_MUST_USE enum att_err data_grant_load(struct att_grant *out, const char *dir,
                                          struct att_diag *diag);

/* Everything of it goes, as when the gateway enrols again. IO (FILE). */
ATT_MUST_USE enum att_err data_key_forget(const char *dir, struct att_diag *diag);

/*
 * data_key_prepare - see to it that there is a key, and that the verifier certified it. Asks nothing when that is so.
 *
 * w       the work under way: its TPM is used
 * Errors  NOT_FOUND (DK_OFF): this verifier authorises none; the verifier's refusals, those of the TPM and the courier.
 *         An attestation goes on without.
 */
ATT_MUST_USE enum att_err data_key_prepare(struct agent *a, struct agent_work *w,
                                           struct att_diag *diag);

/*
 * data_key_take - what an accepted attestation says of the key: a new authorisation, kept before anybody is told of the
 * label; or none, and then the key is certified again ahead of the next attestation.
 */
ATT_MUST_USE enum att_err data_key_take(const struct agent *a, const struct wire_outcome *o,
                                        struct att_diag *diag);

/* What the TPM last refused. {0: 1, 1: UTC seconds, 2: code, 3: text} */
struct data_refusal {
    int64_t utc_s;
    char code[64];
    char text[ATT_DIAG_TEXT];
};
/* NOT_FOUND: nothing was since the last authorisation. */
ATT_MUST_USE enum att_err data_refusal_load(struct data_refusal *out, const char *dir,
                                            struct att_diag *diag);

ATT_MUST_USE enum att_err data_refusal_parse(struct data_refusal *out, struct att_slice in,
                                             struct att_diag *diag);
/* Into room; *out borrows it. LIMIT. */
ATT_MUST_USE enum att_err data_refusal_encode(struct att_slice *out, uint8_t *room, size_t cap,
                                              const struct data_refusal *r);
/* Keep it, as far as the folder takes it; a key that is gone (DK_GONE) counts as not certified from now on. */
void data_key_refused(const struct agent *a, int64_t utc_s, const struct att_diag *why);

/* Use an open TPM; what it refuses is kept for status. Errors as hw_tpm_data_sign, and DK_NONE. */
ATT_MUST_USE enum att_err data_key_sign_with(uint8_t out[HW_SIGNATURE_LEN], struct hw_tpm *tpm,
                                             const struct agent *a, const uint8_t digest[32],
                                             struct att_diag *diag);
/* The same, with the state folder's lock and the TPM taken for the call. */
ATT_MUST_USE enum att_err data_key_sign(uint8_t out[HW_SIGNATURE_LEN], const struct agent *a,
                                        const uint8_t digest[32], struct att_diag *diag);

/*
 * data_key_signer - the data key behind lib's port: ECDSA P-256 over SHA-256 of the message, in the TPM.
 *
 * a     borrowed for the signer's life
 * why   borrowed too, or NULL: the diagnosis of the last signature that was refused, which the port has no room for
 * Errors  NOT_FOUND (DK_NONE); FORMAT (FMT_KEY); NOMEM
 */
ATT_MUST_USE enum att_err data_key_signer(struct att_signer **out, const struct agent *a,
                                          struct att_diag *why, struct att_diag *diag);

/* The head of the chain of data batches: 32 bytes in a file, told in each attestation. NOT_FOUND: nothing was signed. */
#define STATE_BATCH_HEAD "batch-head"
ATT_MUST_USE enum att_err batch_head_load(uint8_t out[ATT_BATCH_HEAD_LEN], const char *dir,
                                          struct att_diag *diag);
ATT_MUST_USE enum att_err batch_head_store(const uint8_t head[ATT_BATCH_HEAD_LEN], const char *dir,
                                           struct att_diag *diag);

#endif
