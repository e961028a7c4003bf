/*
 * The security label: an EAR in a COSE_Sign1 CWT with our own claims (docs/formats/label.md).
 */
#ifndef ATT_APPRAISE_LABEL_H
#define ATT_APPRAISE_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraise/result.h"
#include "appraise/status_list.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/cert.h"
#include "evidence/verify.h"
#include "sign/signer.h"

#define ATT_LABEL_MAX      65536
#define ATT_CTI_LEN        16
#define ATT_DATA_KEY_POINT 64

/* What the issuer knows; strings are borrowed. NULL and 0 leave a claim out where it is optional. */
struct att_label_facts {
    const char *issuer; /* iss: the verifier's id */
    const char *device_id;
    const uint8_t *ek_digest; /* 32: SHA-256 of the EK name; the UEID is 0x01 and these bytes */
    const uint8_t *cti;       /* ATT_CTI_LEN */
    int64_t iat, exp;         /* UTC seconds */
    uint64_t
        uncertainty_ms; /* the quote was made at most so long before iat: since its challenge */
    const char *policy_name;
    uint64_t policy_version;
    const char *manufacturer, *model, *hardware_version, *support_end,
        *contact;                    /* product claims */
    const struct att_slice *x5chain; /* DER, leaf first */
    size_t x5chain_count;
    const char
        *status_uri; /* the status list that speaks of this label: its sub, and the entry there */
    uint64_t status_index;     /* at most ATT_STATUS_INDEX_MAX */
    const uint8_t *data_key;   /* ATT_DATA_KEY_POINT: x and y of the data key on P-256; or NULL */
    const uint8_t *batch_head; /* ATT_BATCH_HEAD_LEN, or NULL */
};

/*
 * att_label_make - sign one label.
 *
 * quoted  proof that the quote was verified in this process; NULL is accepted only for a result that is
 *         contraindicated (INTERNAL otherwise): nothing good is ever signed on somebody's word
 *         INTERNAL too for a data key in such a one
 * Errors  INTERNAL also for a status list that nobody could read back; what the signer says
 */
ATT_MUST_USE enum att_err att_label_make(struct att_buf **out, const struct att_label_facts *facts,
                                         const struct att_quoted *quoted,
                                         const struct att_result *result,
                                         const struct att_signer *signer);

/* The subject of a gateway's labels: its UEID as a URN, made of the SHA-256 of its EK name. Returns out. */
char *att_label_subject(char *out, size_t cap, const uint8_t ek_digest[32]);

/* A label's content, for showing and for judging; slices borrow the label's bytes. */
struct att_label {
    struct att_slice encoded;
    char issuer[ATT_VERIFIER_ID_MAX + 1];
    char subject[160]; /* urn of the UEID */
    char device_id[ATT_DEVICE_ID_MAX + 1];
    uint8_t cti[ATT_CTI_LEN];
    int64_t iat, exp;
    enum att_tier status;
    int8_t vector[ATT_TRUST__COUNT];
    int grade;
    char policy_id[128];
    uint8_t evidence_digest[32], policy_digest[32], refvals_digest[32];
    uint32_t reason_count;
    struct att_label_reason {
        char code[40], requirement[32], name[ATT_RESULT_NAME_MAX];
        bool has_expected, has_found;
        uint8_t expected[32], found[32];
    } reason[ATT_RESULT_REASONS_MAX];
    char manufacturer[96], model[96], hardware_version[96], support_end[32], contact[160];
    uint64_t items_judged, tpm_firmware;
    uint32_t
        spec_count; /* transcription specifications and channels, in order of name, each once */
    struct att_spec_item spec[ATT_SPEC_ITEMS_MAX];
    uint64_t tpm_clock_ms;
    int64_t tpm_utc;
    uint64_t tpm_uncertainty_ms;
    bool tpm_safe;
    enum att_key_class key_class;
    bool has_status_list; /* below: where it is told whether the label still counts */
    uint64_t status_index;
    char status_uri[ATT_STATUS_URI_MAX + 1];
    bool has_data_key; /* below: what its TPM signs data with while it is in this state */
    uint8_t data_key[ATT_DATA_KEY_POINT]; /* x and y on P-256 */
    bool has_batch_head; /* the data batches up to this one were signed before the label */
    uint8_t batch_head[ATT_BATCH_HEAD_LEN];
};

/*
 * att_label_read - the claims of a payload, strictly: LBL_CLAIM (missing, wrong type), LBL_PROFILE, LBL_TIME (it
 * never ends), LBL_AUD (it is for somebody else).
 * For "show" the payload may be unverified; who calls says so to the person.
 */
ATT_MUST_USE enum att_err att_label_read(struct att_label *out, struct att_slice payload,
                                         struct att_diag *diag);

#endif
