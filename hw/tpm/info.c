/* What the TPM says about itself: properties, banks, handles. */
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/wr.h"
#include "tpm/rc.h"
#include "tpm/tpm_internal.h"

#define PROPERTY_ROUNDS 8 /* answers in one group of properties; 64 properties are 2 or 3 */
#define HANDLES_ROUNDS  8

/* The answer is a union that its own selector tells apart: another capability than the one asked for is no answer. */
enum att_err hw_tpm_capability(TPMS_CAPABILITY_DATA **out, struct hw_tpm *tpm,
                               const uint32_t what[3], struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;
    TSS2_RC rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, what[0],
                                    what[1], what[2], &more, &data);

    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_GetCapability");
    if (ATT_GUARD(HW_CAPABILITY, data->capability != what[0]))
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "tpm",
                        "TPM2_GetCapability: expected capability %u, found %u", what[0],
                        data->capability);
    *out = data;
    data = NULL;
    return ATT_OK;
}

static void put_text(char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        char c = (char)(value >> (24 - 8 * i) & 0x7f);

        out[i] = c >= 0x20 && c < 0x7f ? c : (c == 0 ? ' ' : '?');
    }
}

static void take_fixed(struct hw_tpm_info *info, uint32_t tag, uint32_t value)
{
    switch (tag) {
    case TPM2_PT_REVISION:
        info->spec_level = value;
        break;
    case TPM2_PT_MANUFACTURER:
        put_text(info->manufacturer, value);
        break;
    case TPM2_PT_VENDOR_STRING_1:
    case TPM2_PT_VENDOR_STRING_2:
    case TPM2_PT_VENDOR_STRING_3:
    case TPM2_PT_VENDOR_STRING_4:
        put_text(&info->vendor[4 * (tag - TPM2_PT_VENDOR_STRING_1)], value);
        break;
    case TPM2_PT_FIRMWARE_VERSION_1:
        info->firmware |= (uint64_t)value << 32;
        break;
    case TPM2_PT_FIRMWARE_VERSION_2:
        info->firmware |= value;
        break;
    case TPM2_PT_NV_BUFFER_MAX:
        info->nv_buffer_max = value;
        break;
    case TPM2_PT_MAX_DIGEST:
        info->digest_max = value;
        break;
    default:
        break;
    }
}

static void take_variable(struct hw_tpm_info *info, uint32_t tag, uint32_t value)
{
    switch (tag) {
    case TPM2_PT_PERMANENT:
        info->in_lockout = (value & TPMA_PERMANENT_INLOCKOUT) != 0;
        break;
    case TPM2_PT_LOCKOUT_COUNTER:
        info->lockout_counter = value;
        break;
    case TPM2_PT_MAX_AUTH_FAIL:
        info->lockout_max = value;
        break;
    case TPM2_PT_LOCKOUT_INTERVAL:
        info->lockout_interval_s = value;
        break;
    case TPM2_PT_HR_TRANSIENT_AVAIL:
        info->transient_free = value;
        break;
    case TPM2_PT_HR_PERSISTENT_AVAIL:
        info->persistent_free = value;
        break;
    case TPM2_PT_HR_LOADED_AVAIL:
        info->sessions_free = value;
        break;
    default:
        break;
    }
}

/* All properties of a group: several answers, each starts behind the last one's end. */
static enum att_err read_properties(struct hw_tpm_info *info, struct hw_tpm *tpm, uint32_t group,
                                    struct att_diag *diag)
{
    uint32_t next = group;

    for (int round = 0; round < PROPERTY_ROUNDS; round++) {
        ATT_CLEANUP(hw_freep) TPMS_CAPABILITY_DATA *data = NULL;
        const uint32_t what[3] = {TPM2_CAP_TPM_PROPERTIES, next, TPM2_MAX_TPM_PROPERTIES};
        enum att_err err = hw_tpm_capability(&data, tpm, what, diag);
        const TPML_TAGGED_TPM_PROPERTY *list;

        if (err != ATT_OK)
            return err;
        list = &data->data.tpmProperties;
        for (uint32_t i = 0; i < list->count; i++) {
            uint32_t tag = list->tpmProperty[i].property;

            if ((tag & ~0xffU) != group || tag < next)
                return ATT_OK; /* the next group, or no progress */
            if (group == TPM2_PT_FIXED)
                take_fixed(info, tag, list->tpmProperty[i].value);
            else
                take_variable(info, tag, list->tpmProperty[i].value);
            next = tag + 1;
        }
        if (list->count == 0)
            return ATT_OK;
    }
    return ATT_OK;
}

static uint32_t selection_mask(const TPMS_PCR_SELECTION *sel)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < sel->sizeofSelect && i < 3; i++)
        mask |= (uint32_t)sel->pcrSelect[i] << (8 * i);
    return mask;
}

static enum att_err read_banks(struct hw_tpm_info *info, struct hw_tpm *tpm, struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPMS_CAPABILITY_DATA *data = NULL;
    const uint32_t what[3] = {TPM2_CAP_PCRS, 0, TPM2_MAX_CAP_HANDLES};
    enum att_err err = hw_tpm_capability(&data, tpm, what, diag);

    if (err != ATT_OK)
        return err;
    for (uint32_t i = 0; i < data->data.assignedPCR.count; i++) {
        const TPMS_PCR_SELECTION *sel = &data->data.assignedPCR.pcrSelections[i];
        uint32_t mask = selection_mask(sel);

        if (mask == 0 || att_hash_size((enum att_hash)sel->hash) == 0 ||
            info->bank_count == ATT_PCR_BANKS)
            continue;
        info->bank[info->bank_count].alg = (enum att_hash)sel->hash;
        info->bank[info->bank_count++].mask = mask;
    }
    return ATT_OK;
}

/* A bank that is active and that firmware does not extend can be given any history by anybody. */
static bool boot_pcrs_zero(const struct att_pcr_values *values, enum att_hash alg)
{
    const struct att_pcr_bank *bank = att_pcr_bank_find(values, alg);
    uint8_t any = 0;

    if (bank == NULL)
        return true;
    for (size_t pcr = 0; pcr < 8; pcr++)
        for (size_t i = 0; i < att_hash_size(alg); i++)
            any |= bank->value[pcr][i];
    return any == 0;
}

static enum att_err judge_banks(struct hw_tpm_info *info, struct hw_tpm *tpm, struct att_diag *diag)
{
    struct att_pcr_selection sel = {.count = info->bank_count};
    struct att_pcr_values *values = NULL;
    enum att_err err;

    for (uint32_t i = 0; i < info->bank_count; i++)
        sel.sel[i] = (struct att_pcr_sel){info->bank[i].alg, info->bank[i].mask & 0xff, 3};
    values = calloc(1, sizeof *values);
    if (values == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "tpm", "no memory for PCR values");
    err = hw_tpm_pcr_read(values, tpm, &sel, diag);
    for (uint32_t i = 0; err == ATT_OK && i < info->bank_count; i++)
        info->bank[i].never_extended = boot_pcrs_zero(values, info->bank[i].alg);
    free(values);
    return err;
}

static void cut_spaces(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == ' ')
        text[--len] = '\0';
}

enum att_err hw_tpm_info(struct hw_tpm_info *out, struct hw_tpm *tpm, struct att_diag *diag)
{
    struct hw_tpm_info info = {.bank_count = 0};
    enum att_err err;

    hw_tpm_begin(tpm);
    err = read_properties(&info, tpm, TPM2_PT_FIXED, diag);
    if (err != ATT_OK)
        return err;
    err = read_properties(&info, tpm, TPM2_PT_VAR, diag);
    if (err != ATT_OK)
        return err;
    err = read_banks(&info, tpm, diag);
    if (err != ATT_OK)
        return err;
    err = judge_banks(&info, tpm, diag);
    if (err != ATT_OK)
        return err;
    cut_spaces(info.vendor);
    *out = info;
    return ATT_OK;
}

enum att_err hw_tpm_nv_buffer(uint32_t *out, struct hw_tpm *tpm, struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPMS_CAPABILITY_DATA *data = NULL;
    const uint32_t what[3] = {TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_BUFFER_MAX, 1};
    uint32_t max = 512; /* smaller than any TPM's, for one that does not say */
    enum att_err err;

    if (tpm->nv_buffer_max == 0) {
        err = hw_tpm_capability(&data, tpm, what, diag);
        if (err != ATT_OK)
            return err;
        if (data->data.tpmProperties.count == 1 &&
            data->data.tpmProperties.tpmProperty[0].property == TPM2_PT_NV_BUFFER_MAX &&
            data->data.tpmProperties.tpmProperty[0].value != 0)
            max = data->data.tpmProperties.tpmProperty[0].value;
        tpm->nv_buffer_max = max > TPM2_MAX_NV_BUFFER_SIZE ? TPM2_MAX_NV_BUFFER_SIZE : max;
    }
    *out = tpm->nv_buffer_max;
    return ATT_OK;
}

enum att_err hw_tpm_handles(struct hw_tpm_handles *out, struct hw_tpm *tpm, uint32_t first,
                            struct att_diag *diag)
{
    struct hw_tpm_handles all = {.count = 0};
    uint32_t next = first;

    for (int round = 0; round < HANDLES_ROUNDS; round++) {
        ATT_CLEANUP(hw_freep) TPMS_CAPABILITY_DATA *data = NULL;
        const uint32_t what[3] = {TPM2_CAP_HANDLES, next, TPM2_MAX_CAP_HANDLES};
        enum att_err err = hw_tpm_capability(&data, tpm, what, diag);
        uint32_t count;

        if (err != ATT_OK)
            return err;
        count = data->data.handles.count;
        for (uint32_t i = 0; i < count && all.count < HW_TPM_HANDLES_MAX; i++) {
            uint32_t handle = data->data.handles.handle[i];

            if (handle < next)
                break; /* no progress: not to the standard */
            all.handle[all.count++] = handle;
            next = handle + 1;
        }
        if (count == 0 || all.count == HW_TPM_HANDLES_MAX || next >> 24 != first >> 24)
            break;
    }
    *out = all;
    return ATT_OK;
}

enum att_err hw_tpm_clock(struct att_clock_info *out, struct hw_tpm *tpm, struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPMS_TIME_INFO *info = NULL;
    TSS2_RC rc;

    hw_tpm_begin(tpm);
    rc = Esys_ReadClock(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &info);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_ReadClock");
    *out = (struct att_clock_info){.clock_ms = info->clockInfo.clock,
                                   .reset_count = info->clockInfo.resetCount,
                                   .restart_count = info->clockInfo.restartCount,
                                   .safe = info->clockInfo.safe == TPM2_YES};
    return ATT_OK;
}
