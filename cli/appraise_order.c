/* `evidence appraise --policy`: what a boot log and a kernel list must look like, by the same rules as the service. */
#include <string.h>

#include "appraise/bootlog.h"
#include "appraise/listrules.h"
#include "appraise_internal.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

static struct att_boot_rules rules_of(const struct appraisal *a)
{
    return (struct att_boot_rules){.bank = a->policy->bank, .pcrs = appraise_selected(a)};
}

/* Is this worse than what was found so far? Then its reason is the one that is told. */
static bool mind(enum att_severity *worst, enum att_severity now)
{
    bool worse = now < *worst;

    *worst = worse ? now : *worst;
    return worse;
}

/* What the worst of it makes of a check; an error (no memory) leaves it undecided. */
static enum check_state said(enum att_err err, enum att_severity worst)
{
    if (err != ATT_OK) {
        return C_NOT_RUN;
    }
    return worst == ATT_SEVERITY_IGNORE ? C_PASS : appraise_softened(C_FAIL, worst);
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
    enum att_severity worst = ATT_SEVERITY_IGNORE;
    enum att_err err = boot_log(&log, a);

    if (err != ATT_OK || log == NULL) {
        return C_NOT_RUN;
    }
    rules.late = order.late;
    err = att_bootlog_check(&found, log, &rules);
    for (size_t i = 0; err == ATT_OK && i < found.count; i++) {
        const struct att_boot_finding *f = &found.at[i];

        if (mind(&worst, att_boot_order_says(&order, f))) {
            (void)att_fail(why, ATT_E_MISMATCH, f->reason, "uefi", "PCR %u, event %u",
                           (unsigned int)f->pcr, (unsigned int)f->event);
        }
    }
    return said(err, worst);
}

/* What a list shows, the worst of it. */
struct shown {
    enum att_severity worst;
    struct att_diag *why;
};

static void take(struct shown *s, const struct att_list_says *says, uint32_t entry)
{
    if (says->reason != ATT_R_NONE && mind(&s->worst, says->severity)) {
        (void)att_fail(s->why, ATT_E_MISMATCH, says->reason, "ima", "entry %u",
                       (unsigned int)entry);
    }
}

static enum att_err take_entry(struct shown *s, const struct appraisal *a,
                               const struct att_ima_entry *e, uint32_t entry)
{
    const struct att_pcr_values *boot = a->uefi_good ? &a->logs.uefi : NULL;
    struct att_list_says says = {.reason = ATT_R_NONE};
    enum att_err err = ATT_OK;

    if (att_list_is_aggregate(e)) {
        err = att_list_aggregate(&says, a->policy, boot, entry == 1, e->alg, e->digest);
    } else if (entry == 1) {
        says = att_list_no_start();
    }
    take(s, &says, entry);
    return err;
}

/* Violations that no rule speaks of: a rule has a check of its own. */
static void take_violations(struct shown *s, const struct appraisal *a)
{
    size_t count = appraise_violations(a);
    struct att_list_says says = att_list_violations(a->policy, count);

    if (says.reason != ATT_R_NONE && says.rule == NULL && mind(&s->worst, says.severity)) {
        (void)att_fail(s->why, ATT_E_MISMATCH, says.reason, "ima",
                       "expected no violation, found %zu", count);
    }
}

static enum check_state judge_list(const struct appraisal *a, struct att_diag *why)
{
    struct shown s = {.worst = ATT_SEVERITY_IGNORE, .why = why};
    struct att_ima it;
    struct att_ima_entry e;
    bool more = true;
    enum att_err err = ATT_OK;

    if (!a->ima_good) {
        return C_NOT_RUN;
    }
    it = att_ima_from(att_buf_slice(a->logs.ima_bytes));
    while (err == ATT_OK && att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        err = take_entry(&s, a, &e, it.count);
    }
    if (it.count == 0) {
        struct att_list_says says = att_list_no_start();

        take(&s, &says, 0);
    }
    take_violations(&s, a);
    return said(err, s.worst);
}

static enum check_state say(struct appraisal *a, const char *id, enum check_state state,
                            const struct att_diag *why)
{
    report_check(&a->r, id, state, state == C_NOT_RUN ? NULL : why);
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
