/* Raw artefacts as the usual TPM tools write them: keys, PCR values, logs. */
#ifndef CLI_ARTEFACTS_H
#define CLI_ARTEFACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"
#include "tcg/pcr.h"

/* A public key: PEM, DER, TPMT_PUBLIC or TPM2B_PUBLIC. */
ATT_MUST_USE enum att_err artefact_key(struct att_pubkey **out, const char *path,
                                       struct att_diag *diag);

/* PCR values: JSON {"sha256":{"0":"<hex>"}} or the text of tpm2_pcrread. */
ATT_MUST_USE enum att_err artefact_pcrs(struct att_pcr_values *out, const char *path,
                                        struct att_diag *diag);

/* A policy, text or signed; who signed it is not asked. *from may be NULL. Errors: those of att_policy_peek, of files. */
struct att_policy;
struct att_policy_origin;
ATT_MUST_USE enum att_err artefact_policy(struct att_policy **out, const char *path,
                                          struct att_policy_origin *from, struct att_diag *diag);

/* A policy or a transcription specification, text or signed; who signed it is not asked. One of the two is not NULL. */
struct att_spec;
struct artefact_document {
    struct att_policy *policy; /* owned */
    struct att_spec *spec;     /* owned */
    bool is_signed;
    uint8_t kid[32]; /* of who says to have signed it; zeros without a signature */
};
ATT_MUST_USE enum att_err artefact_document(struct artefact_document *out, const char *path,
                                            struct att_diag *diag);
void artefact_document_clear(struct artefact_document *d);

/*
 * The same where the policy is not what is looked at, but what judges: a text that is no policy is
 * then wrong configuration (CONFIG), never malformed evidence.
 */
ATT_MUST_USE enum att_err artefact_rules(struct att_policy **out, const char *path,
                                         struct att_diag *diag);

/* A log file whole; ima_ascii turns the text form into the binary one. */
ATT_MUST_USE enum att_err artefact_log(struct att_buf **out, const char *path, size_t max,
                                       struct att_diag *diag);
ATT_MUST_USE enum att_err artefact_ima_ascii(struct att_buf **out, const char *path,
                                             struct att_diag *diag);

/* {"sha256":{"0":"<hex>"}} */
json_t *artefact_pcrs_json(const struct att_pcr_values *values);

#endif
