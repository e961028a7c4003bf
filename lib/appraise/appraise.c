/* A policy's requirements over verified evidence: the vector, the grade, and a reason for every "no". */
#include "appraise/appraise.h"

#include <stdio.h>
#include <string.h>

#include "appraise/items_internal.h"
#include "base/guard.h"

/* PCR 0 to 7: what the firmware measures (TCG PC Client Platform Firmware Profile). */
#define BOOT_PCRS 0xffU

static bool sent(const struct judging *j, enum att_log log)
{
    return att_verified_evidence(j->v)->claims.logs.has[log];
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

/* Room for one more reason; NULL when there is none (then it is only counted). */
static struct att_result_reason *add_reason(struct att_result *out, enum att_reason reason,
                                            enum att_severity severity,
                                            const struct att_requirement *r)
{
    struct att_result_reason *x = NULL;

    if (out->reason_count >= ATT_RESULT_REASONS_MAX) {
        out->reasons_left_out++;
        if (severity != ATT_SEVERITY_FAIL) {
            return NULL;
        }
        /* a failure always has a place: the last one is overwritten, never the verdict softened */
        out->reason_count--;
    }
    x = &out->reason[out->reason_count++];
    memset(x, 0, sizeof(*x));
    x->reason = reason;
    x->severity = severity;
    (void)snprintf(x->requirement, sizeof(x->requirement), "%s", r != NULL ? r->id : "");
    return x;
}

static void say(struct att_result_reason *x, const char *name, const char *text)
{
    if (x == NULL) {
        return;
    }
    (void)snprintf(x->name, sizeof(x->name), "%s", name);
    (void)snprintf(x->text, sizeof(x->text), "%s", text);
}

static void reasons_of_items(struct judging *j)
{
    const struct att_carry *c = &j->out->carry;

    for (uint32_t i = 0; i < c->deviation_count; i++) {
        const struct att_deviation *d = &c->deviation[i];
        const struct att_requirement *r =
            d->requirement < j->policy->count ? &j->policy->requirement[d->requirement] : NULL;
        struct att_result_reason *x = add_reason(j->out, d->reason, d->severity, r);

        if (x == NULL) {
            continue;
        }
        say(x, d->name, r != NULL ? "" : "no rule of the policy covers this item");
        x->has_expected = d->has_expected;
        x->has_found = d->has_found;
        memcpy(x->expected, d->expected, sizeof(x->expected));
        memcpy(x->found, d->found, sizeof(x->found));
    }
    if (c->overflow) {
        say(add_reason(j->out, ATT_R_REF_MISMATCH, ATT_SEVERITY_FAIL, NULL), "",
            "more items deviate than are listed here");
    }
}

static void judge_measured(struct judging *j)
{
    size_t bit = 0;

    for (size_t i = 0; i < j->policy->count; i++) {
        const struct att_requirement *r = &j->policy->requirement[i];

        for (size_t k = 0; r->predicate == ATT_PRED_OWN_MEASURED && k < r->name_count; k++, bit++) {
            bool there = (j->out->carry.measured_mask[bit / 64] >> (bit % 64) & 1) != 0;

            if (ATT_GUARD(REF_MISSING, !there)) {
                char name[ATT_RESULT_NAME_MAX];

                say(add_reason(j->out, ATT_R_REF_MISSING, r->severity, r),
                    att_escape(name, sizeof(name), r->name[k], strlen(r->name[k])), "");
            }
        }
    }
}

/* PCRs that the quote covered and the logs explain; NULL when this one is neither. */
static const uint8_t *quoted_pcr(const struct judging *j, uint32_t pcr)
{
    const struct att_pcr_bank *b = att_pcr_bank_find(att_verified_pcrs(j->v), j->policy->bank);

    if (b == NULL || (b->has & (1U << pcr)) == 0) {
        return NULL;
    }
    return b->value[pcr];
}

static enum att_err judge_boot_pcr(struct judging *j, const struct att_requirement *r, uint32_t pcr)
{
    const uint8_t *value = sent(j, ATT_LOG_UEFI) ? quoted_pcr(j, pcr) : NULL;
    struct att_refvals_found listed = {0};
    struct att_result_reason *x = NULL;
    char name[32];
    enum att_err err = ATT_OK;

    (void)snprintf(name, sizeof(name), "pcr/%s/%u", att_hash_name(j->policy->bank),
                   (unsigned int)pcr);
    if (value == NULL || j->policy->bank != ATT_HASH_SHA256) {
        say(add_reason(j->out, ATT_R_LOG_COVERAGE, r->severity, r), name,
            "no boot log leads to a quoted value of this PCR");
        return ATT_OK;
    }
    if (j->refvals != NULL) {
        err = att_refvals_look(&listed, j->refvals, att_slice_str(name), value);
    }
    if (err != ATT_OK || listed.same) {
        return err;
    }
    x = add_reason(j->out, listed.count > 0 ? ATT_R_REF_MISMATCH : ATT_R_REF_UNLISTED, r->severity,
                   r);
    say(x, name, "");
    if (x == NULL) {
        return ATT_OK;
    }
    x->has_found = true;
    memcpy(x->found, value, 32);
    if (listed.first != NULL) {
        x->has_expected = true;
        memcpy(x->expected, listed.first, 32);
    }
    return ATT_OK;
}

static enum att_err judge_boot_pcrs(struct judging *j, const struct att_requirement *r)
{
    enum att_err err = ATT_OK;

    for (uint32_t pcr = 0; err == ATT_OK && pcr < ATT_PCR_COUNT; pcr++) {
        if ((r->pcr_mask >> pcr & 1) != 0) {
            err = judge_boot_pcr(j, r, pcr);
        }
    }
    return err;
}

static void judge_pcr_in(struct judging *j, const struct att_requirement *r)
{
    uint32_t pcr = (uint32_t)__builtin_ctz(r->pcr_mask);
    const uint8_t *value = quoted_pcr(j, pcr);
    char name[32];

    (void)snprintf(name, sizeof(name), "pcr/%s/%u", att_hash_name(j->policy->bank),
                   (unsigned int)pcr);
    if (value == NULL) {
        say(add_reason(j->out, ATT_R_LOG_COVERAGE, r->severity, r), name,
            "the quote does not cover it");
        return;
    }
    for (size_t i = 0; i < r->value_count; i++) {
        if (memcmp(r->value[i], value, att_hash_size(j->policy->bank)) == 0) {
            return;
        }
    }
    say(add_reason(j->out, ATT_R_POL_REQUIREMENT, r->severity, r), name,
        "its value is not in the list");
}

static void judge_logs(struct judging *j, const struct att_requirement *r)
{
    for (unsigned int i = 0; i < ATT_LOG__COUNT; i++) {
        if ((r->log_mask >> i & 1) != 0 && ATT_GUARD(LOG_COVERAGE, !sent(j, (enum att_log)i))) {
            say(add_reason(j->out, ATT_R_LOG_COVERAGE, r->severity, r),
                att_log_name((enum att_log)i), "the gateway sent no such log");
        }
    }
}

/* The PCRs that some rule of the policy judges by value. */
static uint32_t judged_pcrs(const struct att_policy *p)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < p->count; i++) {
        enum att_predicate predicate = p->requirement[i].predicate;

        if (predicate == ATT_PRED_BOOT_PCRS || predicate == ATT_PRED_PCR_IN) {
            mask |= p->requirement[i].pcr_mask;
        }
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
    say(add_reason(j->out, ATT_R_Q_FW, severity, rule), "firmwareVersion", "");
    if (severity == ATT_SEVERITY_FAIL) {
        j->out->accepted = false; /* the old version stays the expected one */
    }
}

/* A violation hides what ran. Where the list is judged, only a rule of the policy may let it pass. */
static void judge_violations(struct judging *j)
{
    const struct att_requirement *rule = NULL;
    bool judged = has_predicate(j->policy, ATT_PRED_IMA_FILES);
    enum att_severity severity = ATT_SEVERITY_FAIL;

    for (size_t i = 0; i < j->policy->count; i++) {
        const struct att_requirement *r = &j->policy->requirement[i];

        if (r->predicate == ATT_PRED_IMA_VIOLATIONS && (rule == NULL || r->unlisted < severity)) {
            rule = r;
            severity = r->unlisted; /* the strictest of them */
        }
    }
    if (j->out->carry.ima_violations == 0 || severity == ATT_SEVERITY_IGNORE ||
        (rule == NULL && !judged)) {
        return;
    }
    say(add_reason(j->out, ATT_R_LOG_VIOLATION, severity, rule), "ima", "");
}

static enum att_err judge_requirement(struct judging *j, const struct att_requirement *r)
{
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        if (ATT_GUARD(POL_GRADE, j->out->grade < r->grade)) {
            char text[64];

            (void)snprintf(text, sizeof(text), "expected at least E%d, found E%d", r->grade,
                           j->out->grade);
            say(add_reason(j->out, ATT_R_POL_GRADE, r->severity, r), "", text);
        }
        break;
    case ATT_PRED_BOOT_PCRS:
        return judge_boot_pcrs(j, r);
    case ATT_PRED_PCR_IN:
        judge_pcr_in(j, r);
        break;
    case ATT_PRED_LOGS:
        judge_logs(j, r);
        break;
    case ATT_PRED_OWN_ITEMS:    /* judged item by item */
    case ATT_PRED_OWN_MEASURED: /* judged over all its names */
    case ATT_PRED_IMA_FILES:
    case ATT_PRED_IMA_VIOLATIONS: /* with and without a rule: judge_violations */
    case ATT_PRED_FIRMWARE:
        break;
    }
    return ATT_OK;
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
        say(add_reason(out, ATT_R_POL_NONE, ATT_SEVERITY_FAIL, NULL), "",
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

    return c != NULL && c->known && !c->overflow &&
           memcmp(c->policy_digest, j->policy->digest, 32) == 0 &&
           memcmp(c->refvals_digest, refs, 32) == 0;
}

static bool goes_on(const struct judging *j)
{
    const struct att_log_offsets *logs = &att_verified_evidence(j->v)->claims.logs;

    return logs->off[ATT_LOG_OWN] > 0 || logs->off[ATT_LOG_IMA] > 0;
}

static void start_carry(struct judging *j, const struct att_device_facts *facts)
{
    struct att_result *out = j->out;

    if (goes_on(j) && carry_fits(j, facts)) {
        out->carry = *facts->carry;
    } else if (ATT_GUARD(CARRY_POLICY, goes_on(j))) {
        say(add_reason(out, ATT_R_LOG_COVERAGE, ATT_SEVERITY_FAIL, NULL), "own",
            "the earlier part was judged under another policy: the whole log is needed");
        out->accepted = false;
    }
    out->carry.known = true;
    memcpy(out->carry.policy_digest, out->policy_digest, 32);
    memcpy(out->carry.refvals_digest, out->refvals_digest, 32);
}

enum att_err att_appraise(struct att_result *out, const struct att_verified *v,
                          const struct att_policy *policy, const struct att_refvals *refvals,
                          const struct att_device_facts *facts)
{
    struct judging j = {.v = v, .policy = policy, .refvals = refvals, .out = out};
    enum att_err err = ATT_OK;

    memset(out, 0, sizeof(*out));
    out->accepted = true;
    out->state = *att_verified_state(v);
    memcpy(out->policy_digest, policy->digest, 32);
    if (refvals != NULL) {
        memcpy(out->refvals_digest, att_refvals_digest(refvals), 32);
    }
    err = att_sha256(att_verified_evidence(v)->encoded, out->evidence_digest);
    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        out->unattested[i] = att_verified_unattested(v, (enum att_log)i);
    }
    start_carry(&j, facts);
    err = att_judging_start(&j);
    if (err == ATT_OK) {
        err = att_judge_own_items(&j);
    }
    if (err == ATT_OK) {
        err = att_judge_ima_entries(&j);
    }
    att_judging_end(&j);
    if (err != ATT_OK) {
        return err;
    }
    reasons_of_items(&j);
    judge_measured(&j);
    judge_firmware(&j);
    judge_violations(&j);
    out->grade = grade_of(&j, facts);
    for (size_t i = 0; err == ATT_OK && i < policy->count; i++) {
        err = judge_requirement(&j, &policy->requirement[i]);
    }
    if (err != ATT_OK) {
        return err;
    }
    conclude(&j);
    return ATT_OK;
}
