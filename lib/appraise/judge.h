/*
 * One whole appraisal, from parsed evidence to a result: the function that the service runs and that
 * anybody who holds evidence, context, policy and reference values runs again.
 */
#ifndef ATT_APPRAISE_JUDGE_H
#define ATT_APPRAISE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "appraise/context.h"
#include "appraise/result.h"
#include "base/err.h"
#include "evidence/evidence.h"
#include "policy/notice.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "tcg/ak.h"

/* Everything is borrowed. */
struct att_judge_input {
    const struct att_evidence *evidence;
    const uint8_t *evidence_digest; /* SHA-256 of the evidence as sent */
    const uint8_t *claims_digest;   /* SHA-256 of its encoded claims */
    const struct att_appraisal_context *context;
    const struct att_ak *ak; /* of context->ak_public */
    const struct att_policy *policy;
    const struct att_refvals *refvals;       /* NULL: none */
    const struct att_notice *const *notices; /* at least those that the context names */
    size_t notice_count;
};

/*
 * att_judge - verify, replay and appraise. Evidence that does not verify is a result too: refused.
 * Errors  NOT_FOUND (REF_NOTICE): a change notice that the context names is not given;
 *         NOMEM CRYPTO IO INTERNAL: could not tell; or malformed input (att_judge_malformed): then
 *         there is no result either
 */
ATT_MUST_USE enum att_err att_judge(struct att_result *out, const struct att_judge_input *in,
                                    struct att_diag *diag);

/* Malformed rather than refused: nobody's state changes by it. */
bool att_judge_malformed(const struct att_diag *diag);

#endif
