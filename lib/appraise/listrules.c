/* The start of a kernel list, kernels that took it over, and what it could not record. */
#include "appraise/listrules.h"

#include "appraise/bootlog.h"
#include "base/guard.h"

#define AGGREGATE "boot_aggregate"

static const struct att_list_says NOTHING = {.reason = ATT_R_NONE, .severity = ATT_SEVERITY_IGNORE};

bool att_list_is_aggregate(const struct att_ima_entry *e)
{
    return !e->violation && att_slice_eq(e->path, att_slice_str(AGGREGATE));
}

struct att_list_says att_list_no_start(void)
{
    return (struct att_list_says){.reason = ATT_R_LOG_AGGREGATE, .severity = ATT_SEVERITY_FAIL};
}

static struct att_list_says by_rule(enum att_reason reason, const struct att_policy_verdict *v)
{
    return v->severity == ATT_SEVERITY_IGNORE
               ? NOTHING
               : (struct att_list_says){.reason = reason, .severity = v->severity, .rule = v->rule};
}

enum att_err att_list_aggregate(struct att_list_says *out, const struct att_policy *p,
                                const struct att_pcr_values *boot, bool first, enum att_hash alg,
                                struct att_slice digest)
{
    const struct att_policy_verdict kexec = att_policy_verdict_of(p, ATT_PRED_IMA_KEXEC);
    bool fits = first;
    enum att_err err = boot == NULL ? ATT_OK : att_bootlog_aggregate(&fits, boot, alg, digest);

    if (err != ATT_OK) {
        return err;
    }
    *out = NOTHING;
    if (first) {
        *out = ATT_GUARD(IMA_AGGREGATE, !fits) ? att_list_no_start() : NOTHING;
    } else if (ATT_GUARD(IMA_AGGREGATE_AGAIN, !fits)) {
        *out = att_list_no_start();
    } else if (ATT_GUARD(IMA_KEXEC, kexec.severity != ATT_SEVERITY_IGNORE)) {
        *out = by_rule(ATT_R_LOG_PCR, &kexec);
    }
    return ATT_OK;
}

struct att_list_says att_list_violations(const struct att_policy *p, uint64_t count)
{
    const struct att_policy_verdict v = att_policy_verdict_of(p, ATT_PRED_IMA_VIOLATIONS);

    return ATT_GUARD(LOG_VIOLATION, count > 0) ? by_rule(ATT_R_LOG_VIOLATION, &v) : NOTHING;
}
