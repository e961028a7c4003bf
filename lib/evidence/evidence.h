/*
 * Evidence on the wire: a CMW collection (RFC 9999), parsed and printed, nothing believed.
 *
 * A map of text labels to records [media type, bstr, 4]; members of docs/formats/evidence.md.
 */
#ifndef ATT_EVIDENCE_EVIDENCE_H
#define ATT_EVIDENCE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "evidence/context.h"

#define ATT_EVIDENCE_MAX 8388608 /* bytes: the default body limit */

#define ATT_BATCH_HEAD_LEN 32 /* SHA-256 */
#define ATT_CLAIMS_BANKS   5  /* as many as a PCR selection can name */

struct att_claims {
    struct att_slice ueid;
    char swname[64], swversion[64], build_id[64];
    uint64_t uptime_s, bootcount;
    struct att_log_offsets logs;
    char tpm_manufacturer[8];
    uint64_t tpm_firmware;
    uint64_t lockout_counter;
    struct att_claims_bank {
        enum att_hash alg;
        bool extended; /* PCR 0-7 are not all zero: the firmware measured the boot into it */
    } bank[ATT_CLAIMS_BANKS];
    uint32_t bank_count; /* active banks */
    bool has_batch_head; /* it signed data batches: */
    uint8_t batch_head[ATT_BATCH_HEAD_LEN];
};

struct att_evidence {
    struct att_slice encoded;        /* the whole input: what the evidence digest hashes */
    struct att_slice attest;         /* TPMS_ATTEST */
    struct att_slice signature;      /* TPMT_SIGNATURE */
    struct att_slice claims_encoded; /* what the claims digest hashes */
    struct att_claims claims;
    struct att_slice log[ATT_LOG__COUNT]; /* bytes from claims.logs.off; empty when not sent */
};

/* Errors: FMT_EVIDENCE with the byte. Slices borrow in. A log that is sent must have an offset and back. */
ATT_MUST_USE enum att_err att_evidence_parse(struct att_evidence *out, struct att_slice in,
                                             struct att_diag *diag);

/* The claims alone. FMT_EVIDENCE with the byte; slices borrow in. */
ATT_MUST_USE enum att_err att_claims_parse(struct att_claims *out, struct att_slice in,
                                           struct att_diag *diag);
/* The same: the agent needs their digest before it quotes. */
ATT_MUST_USE enum att_err att_claims_encode(struct att_buf **out, const struct att_claims *claims);

/* Uses attest, signature, claims_encoded, claims.logs and log. LIMIT NOMEM */
ATT_MUST_USE enum att_err att_evidence_encode(struct att_buf **out, const struct att_evidence *ev);

#endif
