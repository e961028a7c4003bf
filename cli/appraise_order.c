/* `evidence appraise --policy`: what a boot log and a kernel list must look like, by the same rules as the service. */
#include <string.h>

#include "appraise/bootlog.h"
#include "appraise_internal.h"
#include "base/guard.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

static struct att_boot_rules rules_of(const struct appraisal *a)
{
    return (struct att_boot_rules){.bank = a->policy->bank, .pcrs = appraise_selected(a)};
}

static enum check_state undecided(enum att_err err)
{
    return err == ATT_OK ? C_PASS : C_NOT_RUN; /* no memory */
}

/* NULL when no boot log that leads to the quoted values was given. */
static enum att_err boot_log(struct att_evlog **out, const struct appraisal *a)
{
    *out = NULL;
    return a->uefi_good ? att_evlog_parse(out, att_buf_slice(a->logs.uefi_bytes), NULL) : ATT_OK;
}

static enum check_state judge_boot(const struct appraisal *a, struct att_diag *why)
{
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_boot_order order = att_boot_order_of(a->policy);
    struct att_boot_rules rules = rules_of(a);
    struct att_boot_findings found;
    enum att_err err = boot_log(&log, a);

    if (err != ATT_OK || log == NULL) {
        return C_NOT_RUN;
    }
    rules.late = order.late;
    err = att_bootlog_check(&found, log, &rules);
    if (err != ATT_OK) {
        return undecided(err);
    }
    for (size_t i = 0; i < found.count; i++) {
        const struct att_boot_finding *f = &found.at[i];

        if (f->reason == ATT_R_LOG_ORDER && order.verdict != ATT_SEVERITY_FAIL) {
            continue;
        }
        (void)att_fail(why, ATT_E_MISMATCH, f->reason, "uefi", "PCR %u, event %u",
                       (unsigned int)f->pcr, (unsigned int)f->event);
        return C_FAIL;
    }
    return C_PASS;
}

/* One boot_aggregate: NONE, or what is wrong with it. Without a boot log a later one may be any file of that name. */
static enum att_reason judge_aggregate(const struct appraisal *a, const struct att_ima_entry *e,
                                       bool first)
{
    bool fits = first;

    if (a->uefi_good && att_bootlog_aggregate(&fits, &a->logs.uefi, e->alg, e->digest) != ATT_OK) {
        return ATT_R_NOMEM;
    }
    if (ATT_GUARD(RAW_AGGREGATE, !fits)) {
        return ATT_R_LOG_AGGREGATE;
    }
    return first || att_policy_verdict_of(a->policy, ATT_PRED_IMA_KEXEC).severity !=
                        ATT_SEVERITY_FAIL
               ? ATT_R_NONE
               : ATT_R_LOG_PCR;
}

/* Violations that no rule speaks of: a rule has a check of its own. */
static bool has_violations(const struct appraisal *a, struct att_diag *why)
{
    struct att_policy_verdict v = att_policy_verdict_of(a->policy, ATT_PRED_IMA_VIOLATIONS);
    size_t count = appraise_violations(a);

    if (v.rule != NULL || v.severity == ATT_SEVERITY_IGNORE ||
        !ATT_GUARD(RAW_VIOLATION, count > 0)) {
        return false;
    }
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_VIOLATION, "ima",
                   "expected no violation, found %zu", count);
    return true;
}

static enum check_state judge_list(const struct appraisal *a, struct att_diag *why)
{
    struct att_ima it;
    struct att_ima_entry e;
    bool more = true;
    enum att_reason wrong = ATT_R_NONE;

    if (!a->ima_good) {
        return C_NOT_RUN;
    }
    it = att_ima_from(att_buf_slice(a->logs.ima_bytes));
    while (wrong == ATT_R_NONE && att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        bool named = !e.violation && att_slice_eq(e.path, att_slice_str("boot_aggregate"));

        if (named) {
            wrong = judge_aggregate(a, &e, it.count == 1);
        } else if (it.count == 1) {
            wrong = ATT_R_LOG_AGGREGATE;
        }
    }
    if (wrong == ATT_R_NOMEM) {
        return C_NOT_RUN;
    }
    if (wrong == ATT_R_NONE && it.count > 0) {
        return has_violations(a, why) ? C_FAIL : C_PASS;
    }
    (void)att_fail(why, ATT_E_MISMATCH, wrong == ATT_R_NONE ? ATT_R_LOG_AGGREGATE : wrong, "ima",
                   "entry %u", (unsigned int)it.count);
    return C_FAIL;
}

static enum check_state say(struct appraisal *a, const char *id, enum check_state state,
                            const struct att_diag *why)
{
    report_check(&a->r, id, state, state == C_FAIL ? why : NULL);
    return state;
}

enum check_state appraise_orders(struct appraisal *a)
{
    enum check_state whole = C_PASS;
    struct att_diag why = {0};

    if (a->in.logs.uefi != NULL) {
        whole = say(a, "log.uefi.order", judge_boot(a, &why), &why);
    }
    if (appraise_has_ima(a) && say(a, "log.ima.order", judge_list(a, &why), &why) == C_FAIL) {
        whole = C_FAIL;
    }
    return whole;
}

enum check_state appraise_secure_boot(const struct appraisal *a, struct att_diag *why)
{
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    const struct att_boot_rules rules = rules_of(a);
    enum att_boot_claim claim = ATT_BOOT_CLAIM_ABSENT;

    if (boot_log(&log, a) != ATT_OK || log == NULL ||
        att_bootlog_secure_boot(&claim, log, &rules) != ATT_OK) {
        return C_NOT_RUN;
    }
    if (claim == ATT_BOOT_CLAIM_YES) {
        return C_PASS;
    }
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_CLAIM, "uefi", "SecureBoot is %s",
                   claim == ATT_BOOT_CLAIM_NO ? "off" : "not shown by a measured event");
    return claim == ATT_BOOT_CLAIM_NO ? C_FAIL : C_NOT_RUN;
}
