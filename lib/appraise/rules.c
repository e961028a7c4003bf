/*
 * A policy's predicates over what was proven, in three-valued logic: holds, fails, not run.
 *
 * Not run is never "pass": all of it is not run unless a part fails, any of it is not run unless a part
 * holds, and not of it is not run. Each part that keeps a requirement from holding gives a reason.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/rules_internal.h"
#include "base/guard.h"

enum truth { HOLDS, FAILS, NOT_RUN };

/* Asking, aloud or not: without a requirement to tell it under, nothing is told. */
struct asking {
    struct judging *j;
    const struct att_requirement *top;
    enum att_err err; /* the first one; the answer is then not used */
};

bool att_judging_sent(const struct judging *j, enum att_log log)
{
    return att_verified_evidence(j->v)->claims.logs.has[log];
}

struct att_result_reason *att_judging_reason(struct judging *j, enum att_reason reason,
                                             enum att_severity severity,
                                             const struct att_requirement *r)
{
    struct att_result *out = j->out;
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

void att_reason_say(struct att_result_reason *x, const char *name, const char *text)
{
    if (x == NULL) {
        return;
    }
    (void)snprintf(x->name, sizeof(x->name), "%s", name);
    (void)snprintf(x->text, sizeof(x->text), "%s", text);
}

static void note(struct att_result_reason *x, const uint8_t *expected, const uint8_t *found)
{
    if (x == NULL) {
        return;
    }
    if (expected != NULL) {
        x->has_expected = true;
        memcpy(x->expected, expected, 32);
    }
    if (found != NULL) {
        x->has_found = true;
        memcpy(x->found, found, 32);
    }
}

static struct att_result_reason *tell(struct asking *a, enum att_reason reason, const char *name,
                                      const char *text)
{
    struct att_result_reason *x = NULL;

    if (a->top != NULL) {
        x = att_judging_reason(a->j, reason, a->top->severity, a->top);
        att_reason_say(x, name, text);
    }
    return x;
}

/* Both must hold: what fails says more than what was not asked. */
static enum truth both(enum truth x, enum truth y)
{
    if (x == FAILS || y == FAILS) {
        return FAILS;
    }
    return x == NOT_RUN || y == NOT_RUN ? NOT_RUN : HOLDS;
}

static bool was_measured(const struct judging *j, uint32_t bit)
{
    return (j->out->carry.measured_mask[bit / 64] >> (bit % 64) & 1) != 0;
}

static void tell_missing(struct asking *a, const char *name)
{
    char shown[ATT_RESULT_NAME_MAX];

    (void)tell(a, ATT_R_REF_MISSING, att_escape(shown, sizeof(shown), name, strlen(name)),
               "expected it to be measured, found it in no log");
}

static enum truth ask_measured(struct asking *a, const struct att_requirement *r)
{
    enum truth t = HOLDS;

    for (size_t k = 0; k < r->name_count; k++) {
        if (ATT_GUARD(REF_MISSING, !was_measured(a->j, r->bit + (uint32_t)k))) {
            tell_missing(a, r->name[k]);
            t = NOT_RUN;
        }
    }
    return t;
}

/* Words are there when the own log was seen from its beginning. */
static const char *lack_of(const struct judging *j, uint32_t bit)
{
    for (size_t i = 0; i < j->lack_count; i++) {
        if (j->lack[i].bit == bit) {
            return j->lack[i].text;
        }
    }
    return "";
}

static enum truth ask_complete(struct asking *a, const struct att_requirement *r)
{
    enum truth t = HOLDS;

    for (size_t k = 0; k < r->name_count; k++) {
        if (!was_measured(a->j, r->bit + (uint32_t)k)) {
            char shown[ATT_RESULT_NAME_MAX];

            (void)tell(a, ATT_R_REF_INCOMPLETE,
                       att_escape(shown, sizeof(shown), r->name[k], strlen(r->name[k])),
                       lack_of(a->j, r->bit + (uint32_t)k));
            t = NOT_RUN;
        }
    }
    return t;
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

static void name_pcr(char *out, size_t cap, const struct judging *j, uint32_t pcr)
{
    (void)snprintf(out, cap, "pcr/%s/%u", att_hash_name(j->policy->bank), (unsigned int)pcr);
}

/* Not what the policy says of this PCR in general: the device has left this state on purpose. */
static enum truth tell_retired(struct asking *a, const char *name, const uint8_t *value)
{
    struct att_result_reason *x = tell(a, ATT_R_REF_RETIRED, name, "");

    note(x, NULL, value);
    if (x != NULL) {
        x->severity = ATT_SEVERITY_FAIL;
    }
    return FAILS;
}

static enum truth ask_boot_pcr(struct asking *a, uint32_t pcr)
{
    struct judging *j = a->j;
    const uint8_t *value = att_judging_sent(j, ATT_LOG_UEFI) ? quoted_pcr(j, pcr) : NULL;
    struct att_refvals_found listed = {0};
    enum att_window_says says = ATT_WINDOW_SILENT;
    char name[32];

    name_pcr(name, sizeof(name), j, pcr);
    if (value == NULL || j->policy->bank != ATT_HASH_SHA256) {
        (void)tell(a, ATT_R_LOG_COVERAGE, name, "no boot log leads to a quoted value of this PCR");
        return NOT_RUN;
    }
    if (j->refvals != NULL) {
        enum att_err err = att_refvals_look(&listed, j->refvals, att_slice_str(name), value);

        a->err = a->err == ATT_OK ? err : a->err;
    }
    says = att_judging_window_item(j, att_slice_str(name), value);
    if (says == ATT_WINDOW_RETIRED) {
        return tell_retired(a, name, value);
    }
    if (listed.same) {
        return HOLDS;
    }
    if (says == ATT_WINDOW_EXPECTED) {
        att_judging_window_needed(j);
        return HOLDS;
    }
    note(tell(a, listed.count > 0 ? ATT_R_REF_MISMATCH : ATT_R_REF_UNLISTED, name, ""),
         listed.first, value);
    if (a->top != NULL && a->err == ATT_OK) {
        a->err = att_judge_cmdline(j, a->top, pcr);
    }
    return FAILS;
}

static enum truth ask_boot_pcrs(struct asking *a, const struct att_requirement *r)
{
    enum truth t = HOLDS;

    for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
        if ((r->pcr_mask >> pcr & 1) != 0) {
            t = both(t, ask_boot_pcr(a, pcr));
        }
    }
    return t;
}

static enum truth ask_pcr_in(struct asking *a, const struct att_requirement *r)
{
    uint32_t pcr = (uint32_t)__builtin_ctz(r->pcr_mask);
    const uint8_t *value = quoted_pcr(a->j, pcr);
    size_t size = att_hash_size(a->j->policy->bank);
    char name[32];

    name_pcr(name, sizeof(name), a->j, pcr);
    if (value == NULL) {
        (void)tell(a, ATT_R_LOG_COVERAGE, name, "the quote does not cover it");
        return NOT_RUN;
    }
    for (size_t i = 0; i < r->value_count; i++) {
        if (memcmp(r->value[i], value, size) == 0) {
            return HOLDS;
        }
    }
    note(tell(a, ATT_R_POL_REQUIREMENT, name, "its value is not in the list"),
         size == 32 ? r->value[0] : NULL, size == 32 ? value : NULL);
    return FAILS;
}

static enum truth ask_logs(struct asking *a, const struct att_requirement *r)
{
    enum truth t = HOLDS;

    for (unsigned int i = 0; i < ATT_LOG__COUNT; i++) {
        if ((r->log_mask >> i & 1) != 0 &&
            ATT_GUARD(LOG_COVERAGE, !att_judging_sent(a->j, (enum att_log)i))) {
            (void)tell(a, ATT_R_LOG_COVERAGE, att_log_name((enum att_log)i),
                       "the gateway sent no such log");
            t = NOT_RUN;
        }
    }
    return t;
}

/* What stands against a leaf for this reason (NONE: any), kept while logs were read: the first of it, or NULL. */
static const struct att_deviation *against(const struct judging *j, const struct att_requirement *r,
                                           enum att_reason reason)
{
    const struct att_carry *c = &j->out->carry;

    for (uint32_t i = 0; i < c->deviation_count; i++) {
        if (att_judging_leaf_of(j, &c->deviation[i]) == r &&
            (reason == ATT_R_NONE || c->deviation[i].reason == reason)) {
            return &c->deviation[i];
        }
    }
    return NULL;
}

/* The named item is as the leaf wants it: sha256_in, min_version. */
static enum truth ask_item(struct asking *a, const struct att_requirement *r)
{
    const struct att_deviation *d = against(a->j, r, ATT_R_NONE);
    char text[96];

    if (!was_measured(a->j, r->bit)) {
        tell_missing(a, r->name[0]);
        return NOT_RUN;
    }
    if (d == NULL) {
        return HOLDS;
    }
    if (r->predicate == ATT_PRED_SHA256_IN) {
        (void)snprintf(text, sizeof(text), "expected one of %zu digests, found another",
                       r->value_count);
    } else {
        (void)snprintf(text, sizeof(text),
                       "expected a number from %" PRIu64 " to %" PRIu64 ", found something else",
                       r->at_least, r->at_most);
    }
    note(tell(a, d->reason, d->name, text), r->predicate == ATT_PRED_SHA256_IN ? r->value[0] : NULL,
         d->has_found ? d->found : NULL);
    return FAILS;
}

static enum truth ask_absent(struct asking *a, const struct att_requirement *r)
{
    const struct att_deviation *d = against(a->j, r, ATT_R_POL_DENY);

    if (ATT_GUARD(POL_DENY, d != NULL)) {
        note(tell(a, ATT_R_POL_DENY, d->name, "expected no entry with this digest"), NULL,
             d->has_found ? d->found : NULL);
        return FAILS;
    }
    d = against(a->j, r, ATT_R_LOG_COVERAGE);
    if (ATT_GUARD(POL_SEARCHED, d != NULL)) {
        (void)tell(a, ATT_R_LOG_COVERAGE, d->name,
                   "its digest is not SHA-256, so the list of denied ones says nothing of it");
        return NOT_RUN;
    }
    return ask_logs(a, r); /* a log that was not sent was not searched */
}

/* The claim was read when the boot log came; without one that is quoted it is absent, which is no answer. */
static enum truth ask_secure_boot(struct asking *a, const struct att_requirement *r)
{
    const struct att_deviation *d = against(a->j, r, ATT_R_NONE);

    if (ATT_GUARD(BOOT_SENT, !att_judging_sent(a->j, ATT_LOG_UEFI))) {
        (void)tell(a, ATT_R_LOG_CLAIM, "uefi/SecureBoot", "the gateway sent no boot log");
        return NOT_RUN;
    }
    if (!ATT_GUARD(BOOT_SECURE, d != NULL)) {
        return HOLDS;
    }
    (void)tell(a, ATT_R_LOG_CLAIM, "uefi/SecureBoot",
               d->has_expected ? "it was measured as off"
                               : "no measured event that the quote covers shows it");
    return d->has_expected ? FAILS : NOT_RUN;
}

/* The TPM's clock counts powered time, so within one boot it cannot run ahead of the world. */
static enum truth ask_age(struct asking *a, const struct att_requirement *r)
{
    uint64_t now_ms = a->j->out->state.clock.clock_ms;
    uint64_t first_ms = a->j->out->state.first_clock_ms;
    char text[96];

    if (!ATT_GUARD(POL_AGE, now_ms - first_ms > r->at_most * 1000)) {
        return HOLDS;
    }
    (void)snprintf(text, sizeof(text), "expected at most %" PRIu64 " s, found %" PRIu64 " s",
                   r->at_most, (now_ms - first_ms) / 1000);
    (void)tell(a, ATT_R_POL_AGE, "boot", text);
    return FAILS;
}

/* A grade that was not reached is something that was not shown, not something that is otherwise. */
static enum truth ask_grade(struct asking *a, const struct att_requirement *r)
{
    char text[64];

    if (!ATT_GUARD(POL_GRADE, a->j->out->grade < r->grade)) {
        return HOLDS;
    }
    (void)snprintf(text, sizeof(text), "expected at least E%d, found E%d", r->grade,
                   a->j->out->grade);
    (void)tell(a, ATT_R_POL_GRADE, "", text);
    return NOT_RUN;
}

static enum truth ask_leaf(struct asking *a, const struct att_requirement *r)
{
    switch (r->predicate) {
    case ATT_PRED_GRADE:
        return ask_grade(a, r);
    case ATT_PRED_OWN_MEASURED:
        return ask_measured(a, r);
    case ATT_PRED_OWN_COMPLETE:
        return ask_complete(a, r);
    case ATT_PRED_BOOT_PCRS:
        return ask_boot_pcrs(a, r);
    case ATT_PRED_PCR_IN:
        return ask_pcr_in(a, r);
    case ATT_PRED_LOGS:
        return ask_logs(a, r);
    case ATT_PRED_SHA256_IN:
    case ATT_PRED_MIN_VERSION:
        return ask_item(a, r);
    case ATT_PRED_EVENT_ABSENT:
        return ask_absent(a, r);
    case ATT_PRED_MAX_AGE:
        return ask_age(a, r);
    case ATT_PRED_OWN_ITEMS: /* judged item by item; these stand in no all, any or not */
    case ATT_PRED_IMA_FILES:
    case ATT_PRED_IMA_SIGNED:
    case ATT_PRED_IMA_VIOLATIONS: /* with and without a rule: judge_violations */
    case ATT_PRED_FIRMWARE:
    case ATT_PRED_BOOT_ORDER: /* judged when the firmware log came, and kept for this boot */
    case ATT_PRED_IMA_KEXEC:
        return HOLDS;
    case ATT_PRED_SECURE_BOOT:
        return ask_secure_boot(a, r);
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
    case ATT_PRED_NOT:
        break;
    }
    return NOT_RUN;
}

static enum truth ask(struct asking *a, const struct att_requirement *r);

static enum truth ask_parts(struct asking *a, const struct att_requirement *r)
{
    bool every = r->predicate == ATT_PRED_ALL;
    enum truth t = every ? HOLDS : FAILS;

    for (size_t i = 0; i < r->child_count; i++) {
        enum truth part = ask(a, &r->child[i]);

        if (every) {
            t = both(t, part);
        } else if (part == HOLDS || t == HOLDS) {
            t = HOLDS;
        } else if (part == NOT_RUN) {
            t = NOT_RUN;
        }
    }
    return t;
}

/* The depth is bounded where policies are read. */
static enum truth ask(struct asking *a, const struct att_requirement *r)
{
    enum truth t = HOLDS;

    if (!att_predicate_is_operator(r->predicate)) {
        return ask_leaf(a, r);
    }
    if (r->predicate != ATT_PRED_NOT) {
        return ask_parts(a, r);
    }
    t = ask(a, &r->child[0]);
    if (ATT_GUARD(POL_NOT_RUN, t == NOT_RUN)) {
        return NOT_RUN;
    }
    return t == HOLDS ? FAILS : HOLDS;
}

static void explain_leaf(struct asking *a, const struct att_requirement *r, bool wanted)
{
    char name[ATT_RESULT_NAME_MAX];
    char text[64];

    if (ask_leaf(a, r) != HOLDS || wanted) {
        return; /* told by itself */
    }
    (void)snprintf(text, sizeof(text), "expected that this does not hold: %s",
                   att_predicate_name(r->predicate));
    (void)tell(a, ATT_R_POL_REQUIREMENT,
               r->name_count > 0 ? att_escape(name, sizeof(name), r->name[0], strlen(r->name[0]))
                                 : "",
               text);
}

/* A reason for each part that keeps the whole from being what is wanted of it. */
static void explain(struct asking *a, const struct att_requirement *r, bool wanted)
{
    const struct att_requirement *top = a->top;

    if (!att_predicate_is_operator(r->predicate)) {
        explain_leaf(a, r, wanted);
        return;
    }
    for (size_t i = 0; i < r->child_count; i++) {
        bool part_wanted = r->predicate == ATT_PRED_NOT ? !wanted : wanted;
        enum truth t = HOLDS;

        a->top = NULL;
        t = ask(a, &r->child[i]);
        a->top = top;
        if (t != (part_wanted ? HOLDS : FAILS)) {
            explain(a, &r->child[i], part_wanted);
        }
    }
}

enum att_err att_judge_requirement(struct judging *j, const struct att_requirement *r)
{
    struct asking aloud = {.j = j, .top = r};
    struct asking quiet = {.j = j};
    uint32_t before = j->out->reason_count;
    uint32_t left_out = j->out->reasons_left_out;

    if (!att_predicate_is_operator(r->predicate)) {
        (void)ask_leaf(&aloud, r);
        return aloud.err;
    }
    if (ask(&quiet, r) == HOLDS) {
        return quiet.err;
    }
    explain(&aloud, r, true);
    if (j->out->reason_count == before && j->out->reasons_left_out == left_out) {
        /* whatever could not be put into words is still a "no" */
        att_reason_say(att_judging_reason(j, ATT_R_POL_REQUIREMENT, r->severity, r), "", "");
    }
    return quiet.err != ATT_OK ? quiet.err : aloud.err;
}
