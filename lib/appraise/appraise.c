/* A policy's requirements over verified evidence: the vector, the grade, and a reason for every "no". */
#include "appraise/appraise.h"

#include <stdio.h>
#include <string.h>

#include "appraise/listrules.h"
#include "appraise/rules_internal.h"
#include "base/guard.h"

/* PCR 0 to 7: what the firmware measures (TCG PC Client Platform Firmware Profile). */
#define BOOT_PCRS 0xffU

#define UNCOVERED "no rule of the policy covers this item"
#define KEXEC                                                                                      \
    "another kernel was started by kexec and took the list over: ima_kexec of the policy decides"

static bool sent(const struct judging *j, enum att_log log)
{
    return att_judging_sent(j, log);
}

static bool has_predicate(const struct att_policy *p, enum att_predicate wanted)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->requirement[i].predicate == wanted) {
            return true;
        }
    }
    return false;
}

/* Of a deviation; an entry of the list whose PCR fits deviates in one way only. */
static const char *words_of(const struct att_deviation *d, const struct att_requirement *r)
{
    if (d->reason == ATT_R_LOG_PCR) {
        return KEXEC;
    }
    return r == NULL && d->reason == ATT_R_REF_UNLISTED ? UNCOVERED : "";
}

static void reasons_of_items(struct judging *j)
{
    const struct att_carry *c = &j->out->carry;

    for (uint32_t i = 0; i < c->deviation_count; i++) {
        const struct att_deviation *d = &c->deviation[i];
        const struct att_requirement *r =
            d->requirement < j->policy->count ? &j->policy->requirement[d->requirement] : NULL;
        struct att_result_reason *x = NULL;

        if (att_judging_leaf_of(j, d) != NULL) {
            continue; /* its requirement tells it */
        }
        x = att_judging_reason(j, d->reason, d->severity, r);

        if (x == NULL) {
            continue;
        }
        att_reason_say(x, d->name, words_of(d, r));
        x->has_expected = d->has_expected;
        x->has_found = d->has_found;
        memcpy(x->expected, d->expected, sizeof(x->expected));
        memcpy(x->found, d->found, sizeof(x->found));
    }
    if (c->overflow) {
        att_reason_say(att_judging_reason(j, ATT_R_REF_MORE, ATT_SEVERITY_FAIL, NULL), "", "");
    }
}

/* The PCRs that a requirement judges by value, whatever else it says. The depth is bounded. */
static uint32_t pcrs_of(const struct att_requirement *r)
{
    uint32_t mask =
        r->predicate == ATT_PRED_BOOT_PCRS || r->predicate == ATT_PRED_PCR_IN ? r->pcr_mask : 0;

    for (size_t i = 0; r->predicate == ATT_PRED_ALL && i < r->child_count; i++) {
        mask |= pcrs_of(&r->child[i]); /* any and not may hold without it */
    }
    return mask;
}

/* The PCRs that some rule of the policy judges by value. */
static uint32_t judged_pcrs(const struct att_policy *p)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < p->count; i++) {
        mask |= pcrs_of(&p->requirement[i]);
    }
    return mask;
}

/* D7: a component counts only when present, replayed to the quoted PCRs and judged; a boot by PCR 0 to 7. */
static int grade_of(const struct judging *j, const struct att_device_facts *facts)
{
    const struct att_policy *p = j->policy;
    bool own = sent(j, ATT_LOG_OWN) && has_predicate(p, ATT_PRED_OWN_ITEMS) &&
               !ATT_GUARD(OWN_EMPTY, j->out->carry.items_judged == 0);
    bool ima = sent(j, ATT_LOG_IMA) && has_predicate(p, ATT_PRED_IMA_FILES) &&
               j->out->carry.ima_judged > 0;
    bool boot = sent(j, ATT_LOG_UEFI) && (judged_pcrs(p) & BOOT_PCRS) == BOOT_PCRS;

    if (!own && !(ima && boot)) {
        return 0;
    }
    if (ATT_GUARD(GRADE_PINNED, !facts->ek_verified)) {
        return 1;
    }
    return own && ima && boot ? 3 : 2;
}

static void judge_firmware(struct judging *j)
{
    const struct att_requirement *rule = NULL;
    enum att_severity severity =
        ATT_SEVERITY_FAIL; /* without a rule of the policy: the strict answer */

    for (size_t i = 0; i < j->policy->count; i++) {
        if (j->policy->requirement[i].predicate == ATT_PRED_FIRMWARE) {
            rule = &j->policy->requirement[i];
            severity = rule->severity;
        }
    }
    if (!ATT_GUARD(Q_FW, att_verified_firmware_changed(j->v))) {
        return;
    }
    att_reason_say(att_judging_reason(j, ATT_R_Q_FW, severity, rule), "firmwareVersion", "");
    if (severity == ATT_SEVERITY_FAIL) {
        j->out->accepted = false; /* the old version stays the expected one */
    }
}

static void judge_violations(struct judging *j)
{
    struct att_list_says says = att_list_violations(j->policy, j->out->carry.ima_violations);

    if (says.reason != ATT_R_NONE) {
        att_reason_say(att_judging_reason(j, says.reason, says.severity, says.rule), "ima", "");
    }
}

/* A kernel without an IMA policy lists boot_aggregate and no file: nothing of what ran was measured. */
static void judge_coverage(struct judging *j)
{
    for (size_t i = 0; i < j->policy->count; i++) {
        const struct att_requirement *r = &j->policy->requirement[i];
        bool none = sent(j, ATT_LOG_IMA) && j->out->carry.ima_judged == 0;

        if (r->predicate == ATT_PRED_IMA_FILES && ATT_GUARD(IMA_COVERAGE, none)) {
            enum att_severity severity = att_requirement_no(j->policy, r, ATT_R_LOG_COVERAGE);

            att_reason_say(att_judging_reason(j, ATT_R_LOG_COVERAGE, severity, r), "ima",
                           "the kernel listed no file: it has no IMA policy");
            return;
        }
    }
}

/* A policy that was told to take anything says so in every label. */
static void judge_permissive(struct judging *j)
{
    for (size_t i = 0; i < j->policy->count; i++) {
        const struct att_requirement *r = &j->policy->requirement[i];

        if (ATT_GUARD(POL_ANY, r->allow_any)) {
            att_reason_say(att_judging_reason(j, ATT_R_POL_ANY, ATT_SEVERITY_WARN, r), "", "");
        }
    }
}

static enum att_tier worst_reason(const struct att_result *out)
{
    enum att_tier worst = ATT_TIER_AFFIRMING;

    for (uint32_t i = 0; i < out->reason_count; i++) {
        if (out->reason[i].severity == ATT_SEVERITY_FAIL) {
            return ATT_TIER_CONTRAINDICATED;
        }
        if (out->reason[i].severity == ATT_SEVERITY_WARN) {
            worst = ATT_TIER_WARNING;
        }
    }
    return worst;
}

static int8_t vector_value(enum att_tier tier)
{
    switch (tier) {
    case ATT_TIER_AFFIRMING:
        return 2;
    case ATT_TIER_WARNING:
        return 32;
    case ATT_TIER_CONTRAINDICATED:
        return 96;
    case ATT_TIER_NONE:
        break;
    }
    return 0;
}

/* Below E3 the unit's own agent is the only witness: executables and file-system make no assertion. */
static void conclude(struct judging *j)
{
    struct att_result *out = j->out;
    enum att_tier tier = worst_reason(out);

    if (out->grade == 0 && tier != ATT_TIER_CONTRAINDICATED) {
        att_reason_say(att_judging_reason(j, ATT_R_POL_NONE, ATT_SEVERITY_FAIL, NULL), "",
                       "no log was judged against reference values");
        tier = ATT_TIER_CONTRAINDICATED;
    }
    out->status = tier;
    out->vector[ATT_TRUST_IDENTITY] = 2;
    out->vector[ATT_TRUST_CONFIGURATION] = out->grade > 0 ? vector_value(tier) : 0;
    if (out->grade == 3) {
        out->vector[ATT_TRUST_EXECUTABLES] = vector_value(tier);
        out->vector[ATT_TRUST_FILE_SYSTEM] = vector_value(tier);
        out->vector[ATT_TRUST_HARDWARE] = 2;
    }
    if (out->grade == 0) {
        out->vector[ATT_TRUST_CONFIGURATION] = 96;
    }
}

/* The carry of the earlier part may be used only when the same policy and references judged it. */
static bool carry_fits(const struct judging *j, const struct att_device_facts *facts)
{
    const struct att_carry *c = facts->carry;
    static const uint8_t NO_REFVALS[32];
    const uint8_t *refs = j->refvals != NULL ? att_refvals_digest(j->refvals) : NO_REFVALS;

    return c != NULL && c->known && (!c->overflow || facts->parts != NULL) &&
           memcmp(c->policy_digest, j->policy->digest, 32) == 0 &&
           memcmp(c->refvals_digest, refs, 32) == 0 &&
           memcmp(c->windows_digest, j->out->carry.windows_digest, 32) == 0;
}

static bool goes_on(const struct judging *j)
{
    const struct att_log_offsets *logs = &att_verified_evidence(j->v)->claims.logs;

    return logs->off[ATT_LOG_OWN] > 0 || logs->off[ATT_LOG_IMA] > 0 || logs->off[ATT_LOG_UEFI] > 0;
}

/* Which change notices speak of the device, and what it has shown of them. CRYPTO */
static enum att_err start_windows(struct judging *j, const struct att_device_facts *facts)
{
    struct att_result *out = j->out;

    if (facts->windows == NULL) {
        return ATT_OK;
    }
    out->windows = *facts->windows;
    memcpy(j->notice, facts->notices, out->windows.count * sizeof(j->notice[0]));
    att_judging_windows_start(j, out->state.clock.reset_count,
                              att_verified_log_first(j->v, ATT_LOG_IMA) > 0, facts->seen);
    return att_windows_digest(out->carry.windows_digest, &out->windows);
}

static void start_carry(struct judging *j, const struct att_device_facts *facts)
{
    struct att_result *out = j->out;

    if (goes_on(j) && carry_fits(j, facts)) {
        out->carry = *facts->carry;
    } else if (ATT_GUARD(CARRY_POLICY, goes_on(j))) {
        att_reason_say(att_judging_reason(j, ATT_R_LOG_COVERAGE, ATT_SEVERITY_FAIL, NULL),
                       facts->parts != NULL ? "ima" : "own",
                       "the earlier part was judged under other rules: the whole log is needed");
        out->accepted = false;
    }
    out->carry.known = true;
    memcpy(out->carry.policy_digest, out->policy_digest, 32);
    memcpy(out->carry.refvals_digest, out->refvals_digest, 32);
}

/* The logs in the order in which a boot writes them, so that the first reason is the earliest cause. */
static enum att_err judge_content(struct judging *j)
{
    enum att_err err = att_judging_start(j);

    if (err == ATT_OK) {
        err = att_judge_boot_log(j);
    }
    if (err == ATT_OK) {
        err = att_judge_boot_events(j);
    }
    if (err == ATT_OK) {
        err = att_judge_ima_entries(j);
    }
    if (err == ATT_OK) {
        err = att_judge_own_items(j);
    }
    att_judging_end(j);
    return err;
}

enum att_err att_appraise(struct att_result *out, const struct att_verified *v,
                          const struct att_policy *policy, const struct att_refvals *refvals,
                          const struct att_device_facts *facts)
{
    struct judging j = {
        .v = v, .policy = policy, .refvals = refvals, .out = out, .parts = facts->parts};
    enum att_err err = ATT_OK;

    memset(out, 0, sizeof(*out));
    out->accepted = true;
    out->kexec = att_verified_kexec(v);
    out->state = *att_verified_state(v);
    memcpy(out->policy_digest, policy->digest, 32);
    if (refvals != NULL) {
        memcpy(out->refvals_digest, att_refvals_digest(refvals), 32);
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        out->unattested[i] = att_verified_unattested(v, (enum att_log)i);
    }
    err = start_windows(&j, facts);
    if (err != ATT_OK) {
        return err;
    }
    start_carry(&j, facts);
    err = judge_content(&j);
    if (err != ATT_OK) {
        return err;
    }
    reasons_of_items(&j);
    judge_coverage(&j);
    judge_firmware(&j);
    judge_violations(&j);
    judge_permissive(&j);
    out->grade = grade_of(&j, facts);
    for (size_t i = 0; err == ATT_OK && i < policy->count; i++) {
        err = att_judge_requirement(&j, &policy->requirement[i]);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_judging_windows_end(&j);
    att_judging_tell_windows(&j);
    conclude(&j);
    return ATT_OK;
}
