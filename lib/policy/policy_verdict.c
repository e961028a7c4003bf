/* What a policy makes of a strict default that its rules may relax. */
#include "policy/policy_internal.h"

static bool judges_files(const struct att_policy *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->requirement[i].predicate == ATT_PRED_IMA_FILES) {
            return true;
        }
    }
    return false;
}

struct att_policy_verdict att_policy_verdict_of(const struct att_policy *p, enum att_predicate kind)
{
    struct att_policy_verdict out = {.severity = ATT_SEVERITY_FAIL};

    /* a violation hides what ran: that matters where somebody asks what ran */
    if (kind == ATT_PRED_IMA_VIOLATIONS && !judges_files(p)) {
        out.severity = ATT_SEVERITY_IGNORE;
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct att_requirement *r = &p->requirement[i];

        if (r->predicate == kind && (out.rule == NULL || r->unlisted < out.severity)) {
            out.rule = r;
            out.severity = r->unlisted;
        }
    }
    return out;
}

enum att_severity att_requirement_no(const struct att_policy *p, const struct att_requirement *r,
                                     enum att_reason why)
{
    if (why == ATT_R_REF_RETIRED) {
        return ATT_SEVERITY_FAIL; /* the device left that state on purpose */
    }
    switch (r->predicate) {
    case ATT_PRED_IMA_FILES: /* a list of no file is no matter of what is listed */
        return why == ATT_R_LOG_COVERAGE ? r->severity : r->unlisted;
    case ATT_PRED_IMA_SIGNED:
        return r->unlisted > r->severity ? r->unlisted : r->severity;
    case ATT_PRED_IMA_VIOLATIONS:
        return att_policy_verdict_of(p, ATT_PRED_IMA_VIOLATIONS).severity;
    default:
        return r->severity;
    }
}

bool att_requirement_relaxes(const struct att_requirement *r)
{
    return r->predicate == ATT_PRED_BOOT_ORDER || r->predicate == ATT_PRED_IMA_KEXEC ||
           (r->predicate == ATT_PRED_IMA_VIOLATIONS && r->unlisted == ATT_SEVERITY_IGNORE);
}

/*
 * A rule asks for something when there is evidence that it does not hold for. Where nothing stands below a "not" that
 * is evidence which every predicate fails for; "not" turns that round, so what it holds for is everything that its
 * author did not think of, and any: [x, not: x] holds for everything.
 */
bool att_requirement_asks(const struct att_requirement *r)
{
    bool any = r->predicate == ATT_PRED_ANY;

    if (r->predicate == ATT_PRED_NOT || att_requirement_relaxes(r)) {
        return false;
    }
    if (!att_predicate_is_operator(r->predicate)) {
        return true;
    }
    for (size_t i = 0; i < r->child_count; i++) {
        if (att_requirement_asks(&r->child[i]) != any) {
            return !any; /* all: one part is enough; any: one that asks nothing answers for the others */
        }
    }
    return any;
}

bool att_policy_judges(const struct att_policy *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (att_requirement_asks(&p->requirement[i])) {
            return true;
        }
    }
    return false;
}
