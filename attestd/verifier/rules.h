/* Policy and reference values that the configuration names, as every process of the verifier reads them. */
#ifndef ATTESTD_VERIFIER_RULES_H
#define ATTESTD_VERIFIER_RULES_H

#include "base/err.h"
#include "policy/notice.h"
#include "policy/policy_file.h"
#include "policy/refval.h"
#include "verifier/config.h"

#define RULES_EARLIER                                                                              \
    3 /* policies and reference values before the present ones, for what was asked for under them */

/*
 * rules_load_policy - signed by one of policy_signers; or, with insecure_unsigned_policy, YAML that
 * nobody but its owner could have written.
 *
 * origin  may be NULL
 * Errors  SIGNATURE (CFG_POLICYSIG) CONFIG (CFG_POLICY CFG_PATH) DENIED (CFG_PERM) FORMAT NOT_FOUND IO NOMEM
 */
ATT_MUST_USE enum att_err rules_load_policy(struct att_policy **out, const struct config *cfg,
                                            struct att_policy_origin *origin,
                                            struct att_diag *diag);

/* The same of bytes, which must be signed whatever the configuration says of texts. */
ATT_MUST_USE enum att_err rules_open_signed(struct att_policy **out, const struct config *cfg,
                                            struct att_slice message,
                                            struct att_policy_origin *origin,
                                            struct att_diag *diag);

/*
 * rules_load_refvals - mapped, and checked whole: labels name them by the digest of their header, which must be
 * that of what is judged by. *out is NULL when the configuration names none.
 *
 * Errors  NOT_FOUND DENIED IO (FILE) FORMAT TRUNCATED TRAILING LIMIT MISMATCH (FMT_REFVALS) CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err rules_load_refvals(struct att_refvals **out, const struct config *cfg,
                                             struct att_diag *diag);
/*
 * rules_load_notices - all change notices of the folder that the configuration names; none without one.
 * Errors  those of att_notices_load and att_signers_load
 */
ATT_MUST_USE enum att_err rules_load_notices(struct att_notices *out, const struct config *cfg,
                                             struct att_diag *diag);
/* Of their header, or 32 zeros for none: what contexts, results and labels name. */
const uint8_t *rules_refvals_digest(const struct att_refvals *r);

/*
 * Evidence is judged under the policy and the reference values that were in force when it was asked for: the
 * last RULES_EARLIER before the present ones are kept, newest first, NULL behind the last.
 */
struct rules_earlier {
    struct att_policy *policy[RULES_EARLIER]; /* owned */
    struct att_refvals
        *refvals[RULES_EARLIER]; /* owned; none at the keeper, which knows digests alone */
    struct att_notices notices[RULES_EARLIER]; /* owned; none at the keeper, which judges nothing */
};

/* now or an earlier one with this digest, or NULL. */
const struct att_policy *rules_find(const struct att_policy *now, const struct rules_earlier *e,
                                    const uint8_t digest[32]);
/* *next becomes *now's place; what was there is an earlier one, and the oldest of those is freed. */
void rules_advance(struct att_policy **now, struct rules_earlier *e, struct att_policy **next);
void rules_clear(struct rules_earlier *e);

/* The same of reference values; *out becomes NULL where the digest is that of none. False: not known. */
bool rules_find_refvals(const struct att_refvals **out, const struct att_refvals *now,
                        const struct rules_earlier *e, const uint8_t digest[32]);
void rules_advance_refvals(struct att_refvals **now, struct rules_earlier *e,
                           struct att_refvals **next);
/* The same of change notices: one of those now or earlier, or NULL. */
const struct att_notice *rules_find_notice(const struct att_notices *now,
                                           const struct rules_earlier *e, const uint8_t digest[32]);
void rules_advance_notices(struct att_notices *now, struct rules_earlier *e,
                           struct att_notices *next);
/* Bytes of address space that the earlier reference values take. */
size_t rules_earlier_bytes(const struct rules_earlier *e);

#endif
