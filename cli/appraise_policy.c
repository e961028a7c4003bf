/*
 * `evidence appraise --policy`: what raw artefacts can answer is judged, by the quoted values and the logs.
 *
 * A requirement on identity, history or single items needs what only a verifier service has; it is not run,
 * and then the whole is undecided. Nothing is passed for want of an answer.
 */
#include <stdio.h>
#include <string.h>

#include "appraise/listrules.h"
#include "appraise_internal.h"
#include "base/guard.h"
#include "base/hex.h"
#include "evidence/context.h"
#include "tcg/ima.h"

/* The PCRs that the policy's requirements speak of. One of own_pcr_mask is enough, so it is apart. */
static uint32_t needed(const struct att_policy *p, bool *own)
{
    uint32_t mask = 0;

    *own = false;
    for (size_t i = 0; i < p->leaf_count; i++) {
        const struct att_requirement *q = p->leaf[i];

        if (q->predicate == ATT_PRED_PCR_IN || q->predicate == ATT_PRED_BOOT_PCRS) {
            mask |= q->pcr_mask;
        }
        if (q->predicate != ATT_PRED_LOGS) {
            continue;
        }
        mask |= (q->log_mask >> ATT_LOG_UEFI & 1) != 0 ? p->boot_mask : 0;
        mask |= (q->log_mask >> ATT_LOG_IMA & 1) != 0 ? 1U << p->ima_pcr : 0;
        *own = *own || (q->log_mask >> ATT_LOG_OWN & 1) != 0;
    }
    return mask;
}

void appraise_selection(struct appraisal *a)
{
    struct att_diag why = {0};
    uint32_t mask = 0;
    bool own = false;

    if (a->policy == NULL || appraise_selected(a) == 0) {
        report_check(&a->r, "quote.selection", C_NOT_RUN, NULL);
        return;
    }
    mask = needed(a->policy, &own);
    if (mask == 0 && !own) {
        report_check(&a->r, "quote.selection", C_NOT_RUN, NULL);
        return;
    }
    if ((mask & ~appraise_selected(a)) != 0) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_PCRSEL, "pcrSelect",
                       "the policy needs PCR %d, which the quote does not cover",
                       __builtin_ctz(mask & ~appraise_selected(a)));
    } else if (own && (a->policy->own_pcr_mask & appraise_selected(a)) == 0) {
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_Q_PCRSEL, "pcrSelect",
                       "the quote covers no PCR of the own log");
    }
    report_check(&a->r, "quote.selection", why.reason == ATT_R_NONE ? C_PASS : C_FAIL, &why);
}

/* The value that the quote proves; NULL when none was given. */
static const uint8_t *proven(const struct appraisal *a, uint32_t pcr)
{
    const struct att_pcr_bank *b =
        a->proven_known ? att_pcr_bank_find(&a->proven, a->policy->bank) : NULL;

    return b != NULL && (b->has >> pcr & 1) != 0 && (appraise_selected(a) >> pcr & 1) != 0
               ? b->value[pcr]
               : NULL;
}

static enum check_state not_covered(uint32_t pcr, struct att_diag *why)
{
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_COVERAGE, "pcrSelect",
                   "the policy needs PCR %u, which the quote does not cover", (unsigned int)pcr);
    return C_FAIL;
}

static enum check_state judge_pcr_in(const struct appraisal *a, const struct att_requirement *q,
                                     struct att_diag *why)
{
    uint32_t pcr = (uint32_t)__builtin_ctz(q->pcr_mask);
    size_t size = att_hash_size(a->policy->bank);
    const uint8_t *value = proven(a, pcr);
    char hex[2 * ATT_HASH_MAX + 1];

    if ((appraise_selected(a) >> pcr & 1) == 0) {
        return not_covered(pcr, why);
    }
    if (value == NULL) {
        return C_NOT_RUN;
    }
    for (size_t i = 0; i < q->value_count; i++) {
        if (memcmp(q->value[i], value, size) == 0) {
            return C_PASS;
        }
    }
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_POL_REQUIREMENT, "pcr",
                   "expected one of %zu values of PCR %u, found %s", q->value_count,
                   (unsigned int)pcr, att_hex_encode(hex, sizeof(hex), att_slice_of(value, size)));
    return C_FAIL;
}

static enum check_state judge_boot_pcr(const struct appraisal *a, uint32_t pcr,
                                       struct att_diag *why)
{
    const uint8_t *value = proven(a, pcr);
    struct att_refvals_found listed;
    char name[32];
    char hex[65];

    if ((appraise_selected(a) >> pcr & 1) == 0) {
        return not_covered(pcr, why);
    }
    /* a value counts only when the boot log explains it */
    if (value == NULL || !a->uefi_good || a->refvals == NULL ||
        a->policy->bank != ATT_HASH_SHA256) {
        return C_NOT_RUN;
    }
    (void)snprintf(name, sizeof(name), "pcr/sha256/%u", (unsigned int)pcr);
    if (att_refvals_look(&listed, a->refvals, att_slice_str(name), value) != ATT_OK) {
        return C_NOT_RUN; /* no memory: undecided */
    }
    if (listed.same) {
        return C_PASS;
    }
    (void)att_hex_encode(hex, sizeof(hex), att_slice_of(value, 32));
    if (listed.count > 0) {
        char wanted[65];

        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_REF_MISMATCH, "pcr", "expected %s, found %s",
                       att_hex_encode(wanted, sizeof(wanted), att_slice_of(listed.first, 32)), hex);
    } else {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_REF_UNLISTED, "pcr",
                       "no reference value has this name: %s", name);
    }
    return C_FAIL;
}

static enum check_state judge_boot_pcrs(const struct appraisal *a, const struct att_requirement *q,
                                        struct att_diag *why)
{
    enum check_state state = C_PASS;

    for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
        enum check_state one = (q->pcr_mask >> pcr & 1) != 0 ? judge_boot_pcr(a, pcr, why) : C_PASS;

        if (one == C_FAIL) {
            return one;
        }
        state = one == C_NOT_RUN ? one : state;
    }
    return state;
}

static enum check_state judge_logs(const struct appraisal *a, const struct att_requirement *q)
{
    const bool given[ATT_LOG__COUNT] = {[ATT_LOG_UEFI] = a->in.logs.uefi != NULL,
                                        [ATT_LOG_IMA] = appraise_has_ima(a),
                                        [ATT_LOG_OWN] = a->in.logs.own != NULL};
    const bool good[ATT_LOG__COUNT] = {
        [ATT_LOG_UEFI] = a->uefi_good, [ATT_LOG_IMA] = a->ima_good, [ATT_LOG_OWN] = a->own_good};
    enum check_state state = C_PASS;

    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if ((q->log_mask >> i & 1) == 0) {
            continue;
        }
        if (given[i] && !good[i]) {
            return C_FAIL; /* the log's own check says why */
        }
        state = given[i] ? state : C_NOT_RUN;
    }
    return state;
}

size_t appraise_violations(const struct appraisal *a)
{
    struct att_ima it = att_ima_from(att_buf_slice(a->logs.ima_bytes));
    struct att_ima_entry e;
    bool more = true;
    size_t violations = 0;

    while (att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        violations += e.violation ? 1 : 0;
    }
    return violations;
}

static enum check_state judge_violations(const struct appraisal *a, struct att_diag *why)
{
    size_t violations = 0;

    if (!a->ima_good) {
        return C_NOT_RUN;
    }
    violations = appraise_violations(a);
    if (att_list_violations(a->policy, violations).reason == ATT_R_NONE) {
        return C_PASS;
    }
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_VIOLATION, "ima",
                   "expected no violation, found %zu", violations);
    return C_FAIL;
}

static enum check_state judge(const struct appraisal *a, const struct att_requirement *q,
                              struct att_diag *why);

/* Three-valued, as lib/appraise/rules.c: what was not run passes nothing, and not of it was not run. */
static enum check_state judge_parts(const struct appraisal *a, const struct att_requirement *q,
                                    struct att_diag *why)
{
    bool every = q->predicate == ATT_PRED_ALL;
    enum check_state whole = every ? C_PASS : C_FAIL;

    for (size_t i = 0; i < q->child_count; i++) {
        enum check_state one = judge(a, &q->child[i], why);
        enum check_state ends = every ? C_FAIL : C_PASS;

        if (one == ends || whole == ends) {
            whole = ends;
        } else if (one == C_NOT_RUN) {
            whole = one;
        }
    }
    return whole;
}

static enum check_state judge_not(const struct appraisal *a, const struct att_requirement *q,
                                  struct att_diag *why)
{
    struct att_diag inner = {0};
    enum check_state one = judge(a, &q->child[0], &inner);

    if (one == C_PASS) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_POL_REQUIREMENT, "not",
                       "expected that this does not hold: %s",
                       att_predicate_name(q->child[0].predicate));
        return C_FAIL;
    }
    return one == C_FAIL ? C_PASS : C_NOT_RUN;
}

/* The depth is bounded where policies are read. */
static enum check_state judge(const struct appraisal *a, const struct att_requirement *q,
                              struct att_diag *why)
{
    switch (q->predicate) {
    case ATT_PRED_PCR_IN:
        return judge_pcr_in(a, q, why);
    case ATT_PRED_BOOT_PCRS:
        return judge_boot_pcrs(a, q, why);
    case ATT_PRED_LOGS:
        return judge_logs(a, q);
    case ATT_PRED_IMA_VIOLATIONS:
        return judge_violations(a, why);
    case ATT_PRED_SECURE_BOOT:
        return appraise_secure_boot(a, why);
    case ATT_PRED_BOOT_ORDER: /* says how the checks log.uefi.order and log.ima.order judge */
    case ATT_PRED_IMA_KEXEC:
        return C_PASS;
    case ATT_PRED_IMA_FILES:
        return appraise_ima_files(a, why);
    case ATT_PRED_IMA_SIGNED:
        return appraise_ima_signed(a, q, why);
    case ATT_PRED_GRADE:
    case ATT_PRED_FIRMWARE:
    case ATT_PRED_OWN_ITEMS:
    case ATT_PRED_OWN_MEASURED:
    case ATT_PRED_OWN_COMPLETE:
    case ATT_PRED_SHA256_IN:
    case ATT_PRED_EVENT_ABSENT:
    case ATT_PRED_MIN_VERSION:
    case ATT_PRED_MAX_AGE:
        break;
    case ATT_PRED_ALL:
    case ATT_PRED_ANY:
        return judge_parts(a, q, why);
    case ATT_PRED_NOT:
        return judge_not(a, q, why);
    }
    return C_NOT_RUN;
}

/* What holds for every policy: no SHA-1 signature, its bank, and no other one that nothing explains. */
static enum check_state admitted(const struct appraisal *a, struct att_diag *why)
{
    if (a->sig.hash == ATT_HASH_SHA1) {
        (void)att_fail(why, ATT_E_UNSUPPORTED, ATT_R_Q_WEAKHASH, "signature",
                       "expected %s, found %s", "SHA-256 or longer", "SHA-1");
        return C_FAIL;
    }
    return appraise_banks(a, why);
}

static enum check_state worse(enum check_state a, enum check_state b)
{
    if (a == C_FAIL || b == C_FAIL) {
        return C_FAIL;
    }
    return a == C_NOT_RUN ? a : b;
}

/* Who reads a refusal asks which file, which parameter. */
static void name_parts(struct appraisal *a, const struct att_requirement *q)
{
    if (q->predicate == ATT_PRED_IMA_FILES) {
        appraise_name_files(a);
    }
    if (q->predicate == ATT_PRED_BOOT_PCRS || q->predicate == ATT_PRED_PCR_IN) {
        appraise_name_params(a);
    }
}

/* One requirement, its check and its reasons. */
static enum check_state take(struct appraisal *a, const struct att_requirement *q)
{
    struct att_diag why = {0};
    enum check_state found = judge(a, q, &why);
    enum check_state state = appraise_softened(found, att_requirement_no(a->policy, q, why.reason));
    char id[64];

    (void)snprintf(id, sizeof(id), "policy.%s", q->id);
    if (found != C_FAIL) {
        why = (struct att_diag){0}; /* of a part of any that need not hold */
    }
    report_check(&a->r, id, state, &why);
    report_note(&a->r, tr(a->r.cli, q->title_en, q->title_ja));
    if (q->predicate == ATT_PRED_IMA_SIGNED) {
        appraise_count_signed(a, q);
    }
    if (found == C_FAIL) {
        name_parts(a, q);
    }
    return state;
}

void appraise_policy(struct appraisal *a)
{
    enum check_state whole = C_PASS;
    struct att_diag refused = {0};

    if (a->policy == NULL) {
        report_check(&a->r, "policy", C_NOT_RUN, NULL);
        report_worsen(&a->r, V_UNDECIDED);
        return;
    }
    whole = admitted(a, &refused);
    if (whole == C_FAIL) {
        report_check(&a->r, "policy", C_FAIL, &refused);
        return;
    }
    whole = worse(whole, appraise_orders(a));
    if (ATT_GUARD(RAW_NONE, !att_policy_judges(a->policy))) {
        whole = worse(whole, C_NOT_RUN); /* it relaxes what nothing else asks */
    }
    for (size_t i = 0; i < a->policy->count; i++) {
        whole = worse(whole, take(a, &a->policy->requirement[i]));
    }
    report_check(&a->r, "policy", whole, NULL);
    if (whole == C_NOT_RUN) {
        report_worsen(&a->r, V_UNDECIDED);
    }
}
