/* The firmware log under a policy: what the rules of bootlog.h find becomes deviations of this boot. */
#include <stdio.h>

#include "appraise/bootlog.h"
#include "appraise/items_internal.h"
#include "base/guard.h"

struct att_boot_order att_boot_order_of(const struct att_policy *p)
{
    struct att_boot_order rule = {.verdict = ATT_SEVERITY_FAIL, .requirement = UINT32_MAX};

    for (size_t i = 0; i < p->count; i++) {
        const struct att_requirement *r = &p->requirement[i];
        bool first = rule.requirement == UINT32_MAX;

        if (r->predicate != ATT_PRED_BOOT_ORDER) {
            continue;
        }
        rule.verdict = first || r->unlisted < rule.verdict ? r->unlisted : rule.verdict;
        rule.late = first ? r->pcr_mask : rule.late & r->pcr_mask;
        rule.requirement = (uint32_t)i;
    }
    return rule;
}

enum att_severity att_boot_order_says(const struct att_boot_order *order,
                                      const struct att_boot_finding *finding)
{
    return finding->reason == ATT_R_LOG_ORDER ? order->verdict : ATT_SEVERITY_FAIL;
}

/* The PCRs whose values the quote proves, in the policy's bank. */
static struct att_boot_rules quoted_rules(const struct judging *j)
{
    const struct att_pcr_bank *b = att_pcr_bank_find(att_verified_pcrs(j->v), j->policy->bank);

    return (struct att_boot_rules){.bank = j->policy->bank, .pcrs = b != NULL ? b->has : 0};
}

static enum att_err judge_order(struct judging *j, const struct att_evlog *log)
{
    struct att_boot_order rule = att_boot_order_of(j->policy);
    struct att_boot_rules rules = quoted_rules(j);
    struct att_boot_findings found;
    enum att_err err = ATT_OK;

    rules.late = rule.late;
    err = att_bootlog_check(&found, log, &rules);
    for (size_t i = 0; err == ATT_OK && i < found.count; i++) {
        const struct att_boot_finding *f = &found.at[i];
        bool order = f->reason == ATT_R_LOG_ORDER;
        struct att_deviation d = {.requirement = order ? rule.requirement : UINT32_MAX,
                                  .severity = att_boot_order_says(&rule, f),
                                  .reason = f->reason};

        if (d.severity == ATT_SEVERITY_IGNORE) {
            continue;
        }
        if (f->has_event) {
            (void)snprintf(d.name, sizeof(d.name), "uefi/pcr/%u/event/%u", (unsigned int)f->pcr,
                           (unsigned int)f->event);
        } else {
            (void)snprintf(d.name, sizeof(d.name), "uefi/pcr/%u", (unsigned int)f->pcr);
        }
        err = att_judging_deviates(j, &d);
    }
    return err;
}

/* A leaf of the policy; has_expected says that the claim was made, and is off. */
static enum att_err judge_secure_boot(struct judging *j, const struct att_evlog *log, uint32_t leaf)
{
    const struct att_boot_rules rules = quoted_rules(j);
    enum att_boot_claim claim = ATT_BOOT_CLAIM_ABSENT;
    struct att_deviation d = {.requirement = ATT_JUDGING_LEAF + leaf,
                              .severity = ATT_SEVERITY_FAIL,
                              .reason = ATT_R_LOG_CLAIM,
                              .name = "uefi/SecureBoot"};
    enum att_err err = att_bootlog_secure_boot(&claim, log, &rules);

    if (err != ATT_OK || claim == ATT_BOOT_CLAIM_YES) {
        return err;
    }
    d.has_expected = claim == ATT_BOOT_CLAIM_NO;
    return att_judging_deviates(j, &d);
}

enum att_err att_judge_boot_log(struct judging *j)
{
    const struct att_evlog *log = att_verified_boot_log(j->v);
    enum att_err err = ATT_OK;

    if (log == NULL) {
        return ATT_OK;
    }
    err = judge_order(j, log);
    for (uint32_t i = 0; err == ATT_OK && i < j->policy->leaf_count; i++) {
        if (j->policy->leaf[i]->predicate == ATT_PRED_SECURE_BOOT) {
            err = judge_secure_boot(j, log, i);
        }
    }
    return err;
}
