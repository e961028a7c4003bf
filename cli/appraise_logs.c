/* `evidence appraise`: do the logs lead to the values, or to the digest, that the TPM signed? */
#include <string.h>

#include "appraise_internal.h"
#include "base/guard.h"
#include "tcg/ima.h"

bool appraise_has_ima(const struct appraisal *a)
{
    return a->in.logs.ima != NULL || a->in.logs.ima_ascii != NULL;
}

/* The PCRs of a bank that the quote covers: given values of others are anybody's words. */
static uint32_t quoted(const struct appraisal *a, enum att_hash bank)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < a->quote.selection.count; i++) {
        mask |= a->quote.selection.sel[i].bank == bank ? a->quote.selection.sel[i].mask : 0;
    }
    return mask;
}

/*
 * Some PCR of the log is quoted: else the list says nothing of what was signed. Under a policy in its bank: another
 * one, such as SHA-1, may be weaker than the policy allows.
 */
static bool covered(const struct appraisal *a, const struct att_pcr_values *log,
                    struct att_diag *why)
{
    for (uint32_t i = 0; i < log->count; i++) {
        enum att_hash bank = log->bank[i].bank;

        if (ATT_GUARD(RAW_OTHER_BANK, a->policy != NULL && bank != a->policy->bank)) {
            continue;
        }
        if ((log->bank[i].has & quoted(a, bank)) != 0) {
            return true;
        }
    }
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_Q_PCRSEL, "log",
                   "the quote covers no bank and PCR of it");
    return false;
}

/* Compare what a log leads to with the given values, PCR by PCR, where both say something. */
static bool values_agree(const struct appraisal *a, const struct att_pcr_values *log,
                         struct att_diag *why)
{
    size_t compared = 0;

    for (uint32_t i = 0; i < log->count; i++) {
        const struct att_pcr_bank *mine = &log->bank[i];
        const struct att_pcr_bank *theirs = att_pcr_bank_find(&a->pcrs, mine->bank);
        uint32_t mask = mine->has & quoted(a, mine->bank);

        for (uint32_t pcr = 0; theirs != NULL && pcr < ATT_PCR_COUNT; pcr++) {
            if ((mask & theirs->has & (1U << pcr)) == 0) {
                continue;
            }
            compared++;
            if (memcmp(mine->value[pcr], theirs->value[pcr], att_hash_size(mine->bank)) != 0) {
                (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_PCR, "log",
                               "it leads to another value of PCR %u in bank %s", (unsigned int)pcr,
                               att_hash_name(mine->bank));
                return false;
            }
        }
    }
    if (compared == 0) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_BANK, "log",
                       "no bank and PCR that both the log and the values have");
        return false;
    }
    return true;
}

/* Without PCR values only the digest speaks: all logs together must lead to it. */
static bool logs_reach_digest(struct appraisal *a, struct att_diag *why)
{
    struct att_pcr_values values = {0};

    for (uint32_t i = 0; i < a->quote.selection.count; i++) {
        struct att_pcr_bank *b = att_pcr_bank_add(&values, a->quote.selection.sel[i].bank);

        if (b == NULL) {
            return false;
        }
        b->has = a->quote.selection.sel[i].mask;
        for (uint32_t pcr = 17; pcr <= 22; pcr++) {
            memset(b->value[pcr], 0xff, ATT_HASH_MAX);
        }
    }
    replay_merge(&values, &a->logs.uefi);
    replay_merge(&values, &a->logs.ima);
    replay_merge(&values, &a->logs.own);
    if (appraise_composite_is(a, &values, why)) {
        a->proven = values;
        a->proven_known = true;
        return true;
    }
    why->reason = ATT_R_LOG_PCR;
    return false;
}

static bool say(struct appraisal *a, const char *id, bool good, const struct att_diag *why)
{
    report_check(&a->r, id, good ? C_PASS : C_FAIL, good ? NULL : why);
    return good;
}

static bool check_log(struct appraisal *a, const char *id, bool given,
                      const struct att_pcr_values *log)
{
    struct att_diag why = {0};
    bool good = false;

    if (!given) {
        report_check(&a->r, id, C_NOT_RUN, NULL);
        return false;
    }
    good = covered(a, log, &why) &&
           (a->in.pcrs != NULL ? values_agree(a, log, &why) : logs_reach_digest(a, &why));
    return say(a, id, good, &why);
}

/* One bank while the list is replayed: as kernels since 5.8 extend [0], and padded as those before [1]. */
struct lane {
    const struct att_pcr_bank *given;
    uint32_t mask; /* PCRs that the list extends and the quote covers, and that have a value */
    uint32_t ever; /* of those, which had their value at some entry */
    bool reached;  /* all of them at one entry */
    uint8_t value[2][ATT_PCR_COUNT][ATT_HASH_MAX];
};

static bool lane_extend(struct lane *l, const struct att_ima_entry *e, struct att_hasher *h)
{
    enum att_hash bank = l->given->bank;
    uint8_t digest[ATT_HASH_MAX];

    for (int padded = 0; padded < 2; padded++) {
        if (e->pcr >= ATT_PCR_COUNT ||
            att_ima_extended(digest, e, bank, padded != 0, h) != ATT_OK ||
            att_pcr_extend(h, bank, l->value[padded][e->pcr], digest) != ATT_OK) {
            return false;
        }
    }
    return true;
}

/* The PCRs that have their value here. */
static uint32_t lane_has(const struct lane *l, int padded)
{
    uint32_t mask = 0;

    for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
        if ((l->mask >> pcr & 1) != 0 && memcmp(l->value[padded][pcr], l->given->value[pcr],
                                                att_hash_size(l->given->bank)) == 0) {
            mask |= 1U << pcr;
        }
    }
    return mask;
}

static bool lane_met(struct lane *l)
{
    uint32_t now = lane_has(l, 0);
    uint32_t padded = lane_has(l, 1);
    bool here = now == l->mask || padded == l->mask;

    l->ever |= now | padded;
    l->reached = l->reached || here;
    return here;
}

static void say_missed(struct att_diag *why, const struct lane *l)
{
    const char *bank = att_hash_name(l->given->bank);
    uint32_t never = l->mask & ~l->ever;

    if (never == 0) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_PCR, "log",
                       "no single entry of the list leads to the values of all its PCRs in bank %s",
                       bank);
        return;
    }
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_PCR, "log",
                   "no part of the list leads to the value of PCR %d in bank %s",
                   __builtin_ctz(never), bank);
}

/*
 * An IMA list may be longer than the moment of the quote, but the TPM read all banks at once: one entry must lead
 * to the values of each of them.
 */
static bool lanes_meet(struct lane *lane, size_t count, struct att_slice list)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_ima it = att_ima_from(list);
    struct att_ima_entry e;
    bool more = att_hasher_new(&h) == ATT_OK;
    bool met = false;

    while (!met && more && att_ima_next(&it, &e, &more, NULL) == ATT_OK && more) {
        met = true;
        for (size_t i = 0; i < count; i++) {
            if (!lane_extend(&lane[i], &e, h)) {
                return false;
            }
            met = lane_met(&lane[i]) && met;
        }
    }
    return met;
}

static bool ima_reaches_values(struct appraisal *a, struct att_diag *why)
{
    struct lane lane[ATT_PCR_BANKS] = {{0}};
    size_t count = 0;
    bool met = false;

    for (uint32_t i = 0; i < a->pcrs.count; i++) {
        const struct att_pcr_bank *given = &a->pcrs.bank[i];
        const struct att_pcr_bank *mine = att_pcr_bank_find(&a->logs.ima, given->bank);
        uint32_t mask = mine != NULL ? mine->has & given->has & quoted(a, given->bank) : 0;

        if (mask != 0) {
            lane[count].given = given;
            lane[count++].mask = mask;
        }
    }
    if (count == 0) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_BANK, "log",
                       "no bank and PCR that both the list and the values have");
        return false;
    }
    met = lanes_meet(lane, count, att_buf_slice(a->logs.ima_bytes));
    for (size_t i = 0; i < count; i++) {
        if (!lane[i].reached) {
            say_missed(why, &lane[i]);
            return false;
        }
    }
    if (ATT_GUARD(RAW_ONE_ENTRY, !met)) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_PCR, "log",
                       "no single entry of the list leads to the values of all quoted banks");
        return false;
    }
    return true;
}

/* A policy names the PCR of the list: entries of another one prove nothing about it, whoever may extend that. */
static bool of_policys_pcr(const struct appraisal *a, struct att_diag *why)
{
    uint32_t others = a->policy != NULL && a->logs.ima.count > 0
                          ? a->logs.ima.bank[0].has & ~(1U << a->policy->ima_pcr)
                          : 0;

    if (ATT_GUARD(RAW_IMA_PCR, others != 0)) {
        (void)att_fail(why, ATT_E_MISMATCH, ATT_R_LOG_PCR, "log", "expected PCR %u, found %d",
                       (unsigned int)a->policy->ima_pcr, __builtin_ctz(others));
        return false;
    }
    return true;
}

static bool check_ima(struct appraisal *a)
{
    bool given = appraise_has_ima(a);
    struct att_diag why = {0};
    bool good = false;

    if (given && !of_policys_pcr(a, &why)) {
        return say(a, "log.ima", false, &why);
    }
    if (!given || a->in.pcrs == NULL) {
        return check_log(a, "log.ima", given, &a->logs.ima);
    }
    good = covered(a, &a->logs.ima, &why) && ima_reaches_values(a, &why);
    if (!good && why.reason == ATT_R_LOG_PCR) {
        (void)appraise_torn_entry(a, &why);
    }
    return say(a, "log.ima", good, &why);
}

void appraise_logs(struct appraisal *a)
{
    a->uefi_good = check_log(a, "log.uefi", a->in.logs.uefi != NULL, &a->logs.uefi);
    a->ima_good = check_ima(a);
    a->own_good = check_log(a, "log.own", a->in.logs.own != NULL, &a->logs.own);
}
