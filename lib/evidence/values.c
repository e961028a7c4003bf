/* PCR values that nobody sends: those of a start, what logs made of them, and whether the TPM signed just these. */
#include <string.h>

#include "base/guard.h"
#include "crypto/digest.h"
#include "evidence/logs_internal.h"
#include "evidence/verify.h"

enum att_err att_values_initial(struct att_pcr_values *values, const struct att_pcr_selection *sel)
{
    for (uint32_t i = 0; i < sel->count; i++) {
        struct att_pcr_bank *bank = att_pcr_bank_add(values, sel->sel[i].bank);

        if (bank == NULL) {
            return ATT_E_LIMIT;
        }
        bank->has = sel->sel[i].mask;
        for (uint32_t pcr = 17; pcr <= 22; pcr++) {
            memset(bank->value[pcr], 0xff, att_hash_size(bank->bank));
        }
    }
    return ATT_OK;
}

void att_values_take(struct att_pcr_values *to, const struct att_pcr_values *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        struct att_pcr_bank *bank = att_pcr_bank_get(to, from->bank[i].bank);

        for (uint32_t pcr = 0; bank != NULL && pcr < ATT_PCR_COUNT; pcr++) {
            if ((from->bank[i].has & (1U << pcr)) != 0) {
                memcpy(bank->value[pcr], from->bank[i].value[pcr], ATT_HASH_MAX);
            }
        }
    }
}

/* The one bank of a log's end. */
static void put_end(struct att_pcr_values *values, const struct att_log_state *log, uint32_t pcr)
{
    if (log->known && pcr < ATT_PCR_COUNT && values->count > 0) {
        memcpy(values->bank[0].value[pcr], log->pcr, ATT_HASH_MAX);
    }
}

enum att_err att_stated_values(struct att_pcr_values *out, const struct att_stated *s,
                               struct att_diag *diag)
{
    const struct att_quote *q = att_quoted_quote(s->quoted);
    struct att_pcr_values values = {0};
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_values_initial(&values, &q->selection);

    if (err == ATT_OK) {
        att_values_take(&values, &s->state->log[ATT_LOG_UEFI].values);
        put_end(&values, &s->state->log[ATT_LOG_IMA], s->ima_pcr);
        put_end(&values, &s->state->log[ATT_LOG_OWN], s->own_pcr);
        err = att_pcr_composite(digest, s->hash, &q->selection, &values, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(DK_VALUES, q->pcr_digest.len != att_hash_size(s->hash) ||
                                 !att_digest_eq(digest, q->pcr_digest.p, q->pcr_digest.len))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "pcrDigest",
                        "the state is not what the TPM signed");
    }
    *out = values;
    return ATT_OK;
}
