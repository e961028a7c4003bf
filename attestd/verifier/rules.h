/* The policy that the configuration names, as every process of the verifier reads it. */
#ifndef ATTESTD_VERIFIER_RULES_H
#define ATTESTD_VERIFIER_RULES_H

#include "base/err.h"
#include "policy/policy_file.h"
#include "verifier/config.h"

#define RULES_EARLIER                                                                              \
    3 /* policies before the present one, for evidence that was asked for under them */

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
 * Evidence is judged under the policy that was in force when it was asked for: those before the present one
 * are kept for as long as a challenge may live, newest first, NULL behind the last.
 */
struct rules_earlier {
    struct att_policy *policy[RULES_EARLIER]; /* owned */
};

/* now or an earlier one with this digest, or NULL. */
const struct att_policy *rules_find(const struct att_policy *now, const struct rules_earlier *e,
                                    const uint8_t digest[32]);
/* *next becomes *now's place; what was there is an earlier one, and the oldest of those is freed. */
void rules_advance(struct att_policy **now, struct rules_earlier *e, struct att_policy **next);
void rules_clear(struct rules_earlier *e);

#endif
