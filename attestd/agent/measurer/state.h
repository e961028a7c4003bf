/* What an enrolled agent keeps between runs, and the lock that keeps two of them apart. */
#ifndef ATTESTD_AGENT_STATE_H
#define ATTESTD_AGENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "evidence/context.h"
#include "tcg/pubarea.h"
#include "tpm/ident.h"

#define STATE_URL_MAX  512
#define STATE_PATH_MAX 4096

/* Files of the state folder. */
#define STATE_ENROLMENT     "enrolment.cbor"
#define STATE_TLS_KEY       "tls-key.pem"
#define STATE_TLS_CERT      "tls-cert.pem"
#define STATE_CA            "verifier-ca.pem"
#define STATE_LABEL         "current.label"
#define STATE_OUTCOME       "last-outcome.cbor"
#define STATE_BOOT_PCRS     "boot-pcrs.txt"      /* of the last accepted attestation: bootpcrs.h */
#define STATE_SPECIFICATION "specification.cose" /* the one in force, as it was signed */

/* {0: version, 1: device id, 2: verifier id, 3: URL, 4: EK kind, 5: EK name, 6: AK handle,
 * 7: AK public, 8: interval seconds} */
struct agent_ident {
    char device_id[ATT_DEVICE_ID_MAX + 1];
    char verifier_id[ATT_VERIFIER_ID_MAX + 1];
    char url[STATE_URL_MAX + 1];
    enum hw_ek_kind ek_kind;
    uint8_t ek_name[ATT_NAME_MAX];
    size_t ek_name_len;
    struct hw_ak ak;
    uint64_t interval_s;
};

/* Its bytes (ident.c). FORMAT TRUNCATED TRAILING LIMIT (FMT_CBOR), UNSUPPORTED (FMT_VERSION). */
ATT_MUST_USE enum att_err agent_ident_parse(struct agent_ident *out, struct att_slice in,
                                            struct att_diag *diag);
/* Into room; *out borrows it. LIMIT (INTERNAL). */
ATT_MUST_USE enum att_err agent_ident_encode(struct att_slice *out, uint8_t *room, size_t cap,
                                             const struct agent_ident *ident,
                                             struct att_diag *diag);

/* "DIR/NAME". CONFIG when it does not fit. */
ATT_MUST_USE enum att_err state_path(char out[STATE_PATH_MAX], const char *dir, const char *name,
                                     struct att_diag *diag);

/* NOT_FOUND (ID_UNKNOWN) when the gateway is not enrolled; FORMAT (FMT_CBOR) when it is damaged. */
ATT_MUST_USE enum att_err state_load(struct agent_ident *out, const char *dir,
                                     struct att_diag *diag);
ATT_MUST_USE enum att_err state_store(const struct agent_ident *ident, const char *dir,
                                      struct att_diag *diag);
bool state_enrolled(const char *dir);

/*
 * state_lock - hold the folder's lock for one piece of work: another attest-agent waits for it.
 * Errors  BUSY (ST_LOCK) after wait_ms; what making the folder gives
 */
ATT_MUST_USE enum att_err state_lock(int *out_fd, const char *dir, int wait_ms,
                                     struct att_diag *diag);

/* nameAlg || digest of a TPMT_PUBLIC, of an EK in its padded form, as the verifier knows it; out holds ATT_NAME_MAX.
 * FMT_KEY. */
enum state_key { STATE_AK, STATE_EK };
ATT_MUST_USE enum att_err state_name_of(uint8_t *out, size_t *out_len, struct att_slice public_area,
                                        enum state_key key, struct att_diag *diag);

#endif
