/* Replay of a firmware event log: the PCR values that it leads to. */
#include <string.h>

#include "tcg/evlog_internal.h"

#define DRTM_FIRST 17
#define DRTM_LAST  22

/* Starting values after TPM2_Startup (PC Client Platform TPM Profile, table 5). */
static void start_value(struct att_pcr_bank *bank, uint32_t pcr, int locality)
{
    size_t size = att_hash_size(bank->bank);
    bool drtm = pcr >= DRTM_FIRST && pcr <= DRTM_LAST;

    memset(bank->value[pcr], drtm ? 0xff : 0x00, size);
    if (pcr == 0) {
        bank->value[0][size - 1] = (uint8_t)locality;
    }
    bank->has |= 1U << pcr;
}

static enum att_err extend_event(struct att_hasher *h, struct att_pcr_values *v,
                                 const struct att_event *ev, int locality)
{
    for (uint32_t i = 0; i < ev->digest_count; i++) {
        struct att_pcr_bank *bank = att_pcr_bank_get(v, ev->digest[i].alg);
        enum att_err err = ATT_OK;

        if (bank == NULL) {
            continue; /* a bank that we cannot compute */
        }
        if ((bank->has >> ev->pcr & 1U) == 0) {
            start_value(bank, ev->pcr, locality);
        }
        err = att_pcr_extend(h, bank->bank, bank->value[ev->pcr], ev->digest[i].value.p);
        if (err != ATT_OK) {
            return err;
        }
    }
    return ATT_OK;
}

static void add_banks(struct att_pcr_values *v, const struct att_evlog *log)
{
    for (size_t i = 0; i < log->bank_count; i++) {
        if (att_hash_usable(log->bank[i])) {
            (void)att_pcr_bank_add(v, log->bank[i]);
        }
    }
}

enum att_err att_evlog_replay(struct att_pcr_values *out, const struct att_evlog *log,
                              struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_pcr_values v = {0};
    enum att_err err = att_hasher_new(&h);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no hashing context");
    }
    add_banks(&v, log);
    for (size_t i = 0; i < log->count; i++) {
        const struct att_event *ev = &log->event[i];

        if (!ev->extends || ev->pcr >= ATT_PCR_COUNT) {
            continue;
        }
        err = extend_event(h, &v, ev, log->locality);
        if (err != ATT_OK) {
            return att_fail_at(diag, err, ATT_R_INTERNAL, "event", ev->off, "hashing failed");
        }
    }
    *out = v;
    return ATT_OK;
}
