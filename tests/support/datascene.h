/*
 * A data key in a real TPM, and the verifier's authorising key in software beside it: what the tests of it share.
 */
#ifndef ATT_TEST_DATASCENE_H
#define ATT_TEST_DATASCENE_H

#include <stdint.h>

#include "crypto/key.h"
#include "hwtest.h"
#include "tpm/data.h"

#define DATASCENE_DEVICE "gateway-1"
#define DATASCENE_PCRS   (1U << 0 | 1U << 7 | 1U << 13)

struct datascene {
    struct att_privkey *authority;
    uint8_t authority_public[ATT_PUBAREA_MAX];
    size_t authority_len;
    uint8_t authority_name[ATT_NAME_MAX];
    size_t name_len;
    uint8_t ref[ATT_POLICY_REF_LEN];
    uint8_t policy[ATT_POLICY_LEN]; /* authPolicy of the key */
    struct hw_data_key key;
};

/* The authority alone: no TPM is asked. */
void datascene_authority(struct datascene *s);
/* That, and a key in this TPM. */
void datascene_make(struct datascene *s, struct hw_tpm *tpm);
void datascene_clear(struct datascene *s);

/* Signed by the authority, for the device of the scene. */
struct hw_permit datascene_permit(const struct datascene *s,
                                  const uint8_t approved[ATT_POLICY_LEN]);
struct hw_permit datascene_certify_permit(const struct datascene *s);

/* For the TPM as it is now, for so many more milliseconds of its clock; selection: SHA-256 bank, these PCRs. */
struct att_grant datascene_grant(const struct datascene *s, struct hw_tpm *tpm, uint32_t pcrs,
                                 int64_t ms);
/* Its signature, after a test changed it. */
void datascene_sign(const struct datascene *s, struct att_grant *g);

/* hw_tpm_data_sign of a digest, and the signature verified with the key. */
enum att_err datascene_use(const struct datascene *s, struct hw_tpm *tpm, const struct att_grant *g,
                           struct att_diag *diag);

#endif
