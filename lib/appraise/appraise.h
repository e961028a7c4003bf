/*
 * Judge verified evidence by a policy and reference values. A pure function: "no" is a result.
 */
#ifndef ATT_APPRAISE_APPRAISE_H
#define ATT_APPRAISE_APPRAISE_H

#include "appraise/result.h"
#include "base/err.h"
#include "evidence/verify.h"
#include "policy/policy.h"
#include "policy/refval.h"

/* What the verifier knows of the device beside its evidence. */
struct att_device_facts {
    bool
        ek_verified; /* a certificate of the TPM leads to an anchor (E2 and above); else pinned (E1) */
    const struct att_carry *carry;     /* NULL on first contact and after a change of policy */
    const struct att_windows *windows; /* NULL: none */
    const struct att_notice *const *notices; /* one for each of them */
    const struct att_ima_parts *parts;   /* whose entries are in carry already; NULL: none came */
    const struct att_windows_seen *seen; /* with parts: what they showed of the windows' changes */
};

/*
 * att_appraise - out is filled on ATT_OK, but for the evidence's digest, which whoever received it has (att_judge).
 * refvals may be NULL (then whatever asks for one fails).
 * Errors  NOMEM CRYPTO only: everything else is in the result
 */
ATT_MUST_USE enum att_err att_appraise(struct att_result *out, const struct att_verified *v,
                                       const struct att_policy *policy,
                                       const struct att_refvals *refvals,
                                       const struct att_device_facts *facts);

#endif
