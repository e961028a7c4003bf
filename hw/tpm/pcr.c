/* Reading and extending PCRs. */
#include <stdlib.h>
#include <string.h>

#include "tpm/rc.h"
#include "tpm/tpm_internal.h"

#define READ_TRIES    5  /* PCRs that move while they are read */
#define READ_COMMANDS 64 /* a TPM gives up to eight values at a time, some give one */

void hw_selection_to_tss(TPML_PCR_SELECTION *out, const struct att_pcr_selection *sel)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < sel->count && i < ATT_PCR_BANKS; i++) {
        TPMS_PCR_SELECTION *bank = &out->pcrSelections[out->count++];

        bank->hash = (TPMI_ALG_HASH)sel->sel[i].bank;
        bank->sizeofSelect = 3;
        for (unsigned int byte = 0; byte < 3; byte++)
            bank->pcrSelect[byte] = (BYTE)(sel->sel[i].mask >> (8 * byte) & 0xff);
    }
}

static bool selection_to_read(const TPML_PCR_SELECTION *sel)
{
    BYTE any = 0;

    for (uint32_t i = 0; i < sel->count; i++)
        for (int byte = 0; byte < 3; byte++)
            any |= sel->pcrSelections[i].pcrSelect[byte];
    return any != 0;
}

/* One value out of an answer that is still to be read, and its bit off the list; no other is taken. */
static bool take_value(struct att_pcr_values *values, TPMS_PCR_SELECTION *pending, uint32_t pcr,
                       const TPM2B_DIGEST *value)
{
    enum att_hash alg = (enum att_hash)pending->hash;
    struct att_pcr_bank *bank = att_pcr_bank_add(values, alg);

    if (bank == NULL || value->size != att_hash_size(alg) ||
        (pending->pcrSelect[pcr / 8] >> pcr % 8 & 1) == 0)
        return false;
    memcpy(bank->value[pcr], value->buffer, value->size);
    bank->has |= 1U << pcr;
    pending->pcrSelect[pcr / 8] &= (BYTE) ~(1U << pcr % 8);
    return true;
}

static TPMS_PCR_SELECTION *find_pending(TPML_PCR_SELECTION *pending, TPMI_ALG_HASH alg)
{
    for (uint32_t i = 0; i < pending->count; i++)
        if (pending->pcrSelections[i].hash == alg)
            return &pending->pcrSelections[i];
    return NULL;
}

/* The values of an answer, in the order of its selection. False: not to the standard. */
static bool take_answer(struct att_pcr_values *values, TPML_PCR_SELECTION *pending,
                        const TPML_PCR_SELECTION *got, const TPML_DIGEST *digests)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < got->count; i++) {
        const TPMS_PCR_SELECTION *sel = &got->pcrSelections[i];
        TPMS_PCR_SELECTION *bank = find_pending(pending, sel->hash);

        for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
            if (pcr / 8 >= sel->sizeofSelect || (sel->pcrSelect[pcr / 8] >> pcr % 8 & 1) == 0)
                continue;
            if (bank == NULL || used >= digests->count ||
                !take_value(values, bank, pcr, &digests->digests[used++]))
                return false;
        }
    }
    return used == digests->count;
}

/* *moved: a PCR was extended between two answers, so they are of different moments. */
static enum att_err read_all(struct att_pcr_values *values, struct hw_tpm *tpm,
                             TPML_PCR_SELECTION *pending, bool *moved, struct att_diag *diag)
{
    uint32_t first_update = 0;

    *moved = false;
    for (int n = 0; n < READ_COMMANDS && selection_to_read(pending); n++) {
        ATT_CLEANUP(hw_freep) TPML_PCR_SELECTION *got = NULL;
        ATT_CLEANUP(hw_freep) TPML_DIGEST *digests = NULL;
        uint32_t update = 0;
        TSS2_RC rc = Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, pending,
                                   &update, &got, &digests);

        if (rc != TSS2_RC_SUCCESS)
            return hw_tpm_fail(tpm, diag, rc, "TPM2_PCR_Read");
        if (n == 0)
            first_update = update;
        if (update != first_update) {
            *moved = true;
            return ATT_OK;
        }
        if (digests->count == 0)
            return ATT_OK; /* what is left is in no active bank */
        if (!take_answer(values, pending, got, digests))
            return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "pcr",
                            "TPM2_PCR_Read: values and selection of the answer do not fit");
    }
    return ATT_OK;
}

enum att_err hw_tpm_pcr_read(struct att_pcr_values *out, struct hw_tpm *tpm,
                             const struct att_pcr_selection *sel, struct att_diag *diag)
{
    struct att_pcr_values *values = calloc(1, sizeof *values);
    enum att_err err = ATT_OK;
    bool moved = true;

    if (values == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "pcr", "no memory for PCR values");
    hw_tpm_begin(tpm);
    for (int tries = 0; tries < READ_TRIES && moved && err == ATT_OK; tries++) {
        TPML_PCR_SELECTION pending;

        hw_selection_to_tss(&pending, sel);
        memset(values, 0, sizeof *values);
        err = read_all(values, tpm, &pending, &moved, diag);
    }
    if (err == ATT_OK && moved)
        err = att_fail(diag, ATT_E_BUSY, ATT_R_TPM_BUSY, "pcr",
                       "PCRs moved each time while they were read, %d times", READ_TRIES);
    if (err == ATT_OK)
        *out = *values;
    free(values);
    return err;
}

enum att_err hw_tpm_pcr_extend(struct hw_tpm *tpm, uint32_t pcr,
                               const struct hw_pcr_digest *digests, size_t count,
                               struct att_diag *diag)
{
    TPML_DIGEST_VALUES values = {.count = 0};
    TSS2_RC rc;

    if (pcr >= ATT_PCR_COUNT || count == 0 || count > ATT_PCR_BANKS)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pcr",
                        "expected PCR 0-23 and 1-4 digests, found PCR %u and %zu", pcr, count);
    for (size_t i = 0; i < count; i++) {
        size_t size = att_hash_size(digests[i].alg);

        if (size == 0 || size > sizeof values.digests[0].digest)
            return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "pcr", "unknown hash 0x%x",
                            (unsigned int)digests[i].alg);
        values.digests[i].hashAlg = (TPMI_ALG_HASH)digests[i].alg;
        memcpy(&values.digests[i].digest, digests[i].value, size);
        values.count++;
    }
    hw_tpm_begin(tpm);
    rc = Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                         ESYS_TR_NONE, &values);
    return rc == TSS2_RC_SUCCESS ? ATT_OK : hw_tpm_fail(tpm, diag, rc, "TPM2_PCR_Extend");
}
