/*
 * What one appraisal rests on beside the evidence: who was asked, with which nonce, and what the
 * verifier knew of the gateway then. With the evidence, the policy and the reference values it gives
 * the same result again, byte for byte (D14).
 */
#ifndef ATT_APPRAISE_CONTEXT_H
#define ATT_APPRAISE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appraise/result.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "evidence/context.h"
#include "evidence/parts.h"
#include "tcg/pcr.h"

#define ATT_AK_PUBLIC_MAX 512

struct att_appraisal_context {
    char verifier_id[ATT_VERIFIER_ID_MAX + 1];
    char device_id[ATT_DEVICE_ID_MAX + 1];
    uint8_t session[ATT_SESSION_LEN];
    uint8_t nonce[ATT_NONCE_LEN];
    struct att_pcr_selection selection;
    uint32_t own_pcr;
    uint8_t ak_public[ATT_AK_PUBLIC_MAX]; /* TPMT_PUBLIC */
    size_t ak_public_len;
    bool ek_verified;
    uint8_t policy_digest[32], refvals_digest[32]; /* what it must be judged by */
    struct att_boot_state prior;
    struct att_carry carry;
    struct att_windows windows;
    struct att_ima_parts
        parts; /* known: the kernel list came in parts, which carry and windows know */
    struct att_windows_seen seen; /* by its parts; zeros without */
};

/* Bytes that the encoding needs at most. */
size_t att_appraisal_context_bound(const struct att_appraisal_context *c);
/* Deterministic CBOR. LIMIT INTERNAL. */
ATT_MUST_USE enum att_err att_appraisal_context_encode(struct att_wr *w,
                                                       const struct att_appraisal_context *c);
/* The struct is large: keep it off deep stacks. FORMAT LIMIT TRUNCATED TRAILING with FMT_FRAME. */
ATT_MUST_USE enum att_err att_appraisal_context_decode(struct att_appraisal_context *out,
                                                       struct att_slice in, struct att_diag *diag);

#endif
