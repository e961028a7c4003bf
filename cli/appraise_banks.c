/*
 * `evidence appraise --policy`: a quote may cover more banks than the policy's.
 *
 * The policy's bank alone is judged. One digest covers all banks, so that the values of each were needed to reach it;
 * but a value of a surplus bank that no log explains says that somebody extended what the policy does not see. It is
 * refused, and not left out.
 */
#include <string.h>

#include "appraise_internal.h"
#include "base/guard.h"

uint32_t appraise_selected(const struct appraisal *a)
{
    for (uint32_t i = 0; i < a->quote.selection.count; i++) {
        if (a->quote.selection.sel[i].bank == a->policy->bank) {
            return a->quote.selection.sel[i].mask;
        }
    }
    return 0;
}

/* What the boot log and the own log lead to; where neither extends a PCR, its value of a start (Part 4, 4.6.3). */
static void replayed(uint8_t out[ATT_HASH_MAX], const struct appraisal *a, enum att_hash bank,
                     uint32_t pcr)
{
    const struct att_pcr_bank *log[] = {att_pcr_bank_find(&a->logs.uefi, bank),
                                        att_pcr_bank_find(&a->logs.own, bank)};

    memset(out, pcr >= 17 && pcr <= 22 ? 0xff : 0, ATT_HASH_MAX);
    for (size_t i = 0; i < ATT_COUNT(log); i++) {
        if (log[i] != NULL && (log[i]->has >> pcr & 1) != 0) {
            memcpy(out, log[i]->value[pcr], ATT_HASH_MAX);
        }
    }
}

static bool explained(const struct appraisal *a, enum att_hash bank, uint32_t pcr)
{
    const struct att_pcr_bank *proven = att_pcr_bank_find(&a->proven, bank);
    const struct att_pcr_bank *ima = att_pcr_bank_find(&a->logs.ima, bank);
    uint8_t value[ATT_HASH_MAX];

    if (proven == NULL || (proven->has >> pcr & 1) == 0) {
        return false;
    }
    if (ima != NULL && (ima->has >> pcr & 1) != 0) {
        return a->ima_good; /* then one entry led to the values of all banks */
    }
    replayed(value, a, bank, pcr);
    return memcmp(value, proven->value[pcr], att_hash_size(bank)) == 0;
}

static enum check_state judge_bank(const struct appraisal *a, const struct att_pcr_sel *sel,
                                   struct att_diag *why)
{
    if (!a->proven_known) {
        return C_NOT_RUN; /* nothing says what the values are */
    }
    for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
        if ((sel->mask >> pcr & 1) == 0) {
            continue;
        }
        if (ATT_GUARD(RAW_SURPLUS, !explained(a, sel->bank, pcr))) {
            (void)att_fail(why, ATT_E_MISMATCH, ATT_R_Q_BANK, "pcrSelect",
                           "no log that was given explains PCR %u of bank %s; give it, or quote "
                           "bank %s alone",
                           (unsigned int)pcr, att_hash_name(sel->bank),
                           att_hash_name(a->policy->bank));
            return C_FAIL;
        }
    }
    return C_PASS;
}

enum check_state appraise_banks(const struct appraisal *a, struct att_diag *why)
{
    enum check_state whole = C_PASS;

    if (appraise_selected(a) == 0) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_Q_BANK, "pcrSelect",
                       "expected bank %s, which the quote does not cover",
                       att_hash_name(a->policy->bank));
        return C_FAIL;
    }
    for (uint32_t i = 0; whole != C_FAIL && i < a->quote.selection.count; i++) {
        const struct att_pcr_sel *sel = &a->quote.selection.sel[i];

        if (sel->bank != a->policy->bank && sel->mask != 0) {
            whole = judge_bank(a, sel, why);
        }
    }
    return whole;
}
