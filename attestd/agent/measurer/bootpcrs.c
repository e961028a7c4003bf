#include "agent/measurer/bootpcrs.h"

#include <stdio.h>
#include <string.h>

#include "agent/measurer/state.h"
#include "base/file.h"
#include "base/hex.h"

#define COUNT    8
#define SIZE     32 /* of a digest of the bank */
#define NOTE_MAX 1024

static enum att_err take_bank(struct att_pcr_bank *out, const struct att_pcr_values *values,
                              enum att_reason reason, struct att_diag *diag)
{
    const struct att_pcr_bank *bank = att_pcr_bank_find(values, ATT_HASH_SHA256);

    if (bank == NULL || (bank->has & BOOT_PCRS) == 0) {
        return att_fail(diag, ATT_E_NOT_FOUND, reason, "sha256", "there is no PCR of that bank");
    }
    *out = *bank;
    return ATT_OK;
}

enum att_err boot_pcrs_read(struct att_pcr_bank *out, struct hw_tpm *tpm, struct att_diag *diag)
{
    struct att_pcr_selection sel = {.count = 1};
    struct att_pcr_values values = {0};
    enum att_err err = ATT_OK;

    sel.sel[0] = (struct att_pcr_sel){.bank = ATT_HASH_SHA256, .mask = BOOT_PCRS, .size = 3};
    err = hw_tpm_pcr_read(&values, tpm, &sel, diag);
    return err == ATT_OK ? take_bank(out, &values, ATT_R_Q_BANK, diag) : err;
}

static void print(char out[NOTE_MAX], const struct att_pcr_bank *pcrs)
{
    size_t at = (size_t)snprintf(out, NOTE_MAX, "sha256:\n");

    for (uint32_t i = 0; i < COUNT; i++) {
        char hex[2 * SIZE + 1];

        if ((pcrs->has >> i & 1) != 0) {
            (void)att_hex_encode(hex, sizeof(hex), att_slice_of(pcrs->value[i], SIZE));
            at += (size_t)snprintf(&out[at], NOTE_MAX - at, "  %u : 0x%s\n", (unsigned int)i, hex);
        }
    }
}

enum att_err boot_pcrs_load(struct att_pcr_bank *out, const char *dir, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *in = NULL;
    struct att_pcr_values values = {0};
    char path[STATE_PATH_MAX];
    enum att_err err = state_path(path, dir, STATE_BOOT_PCRS, diag);

    if (err == ATT_OK) {
        err = att_file_read(&in, path, NOTE_MAX, diag);
    }
    if (err == ATT_OK) {
        err = att_pcr_values_parse_text(&values, att_buf_slice(in), diag);
    }
    return err == ATT_OK ? take_bank(out, &values, ATT_R_FMT_YAML, diag) : err;
}

/* Written once for each firmware, not with each attestation: flash memory wears out. */
enum att_err boot_pcrs_store(const char *dir, const struct att_pcr_bank *pcrs,
                             struct att_diag *diag)
{
    struct att_pcr_bank kept;
    char path[STATE_PATH_MAX];
    char text[NOTE_MAX];
    enum att_err err = state_path(path, dir, STATE_BOOT_PCRS, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (boot_pcrs_load(&kept, dir, NULL) == ATT_OK && boot_pcrs_differ(&kept, pcrs) == 0) {
        return ATT_OK;
    }
    print(text, pcrs);
    return att_file_write(path, att_slice_str(text), 0600, diag);
}

uint32_t boot_pcrs_differ(const struct att_pcr_bank *a, const struct att_pcr_bank *b)
{
    uint32_t differ = (a->has ^ b->has) & BOOT_PCRS;

    for (uint32_t i = 0; i < COUNT; i++) {
        bool both = (a->has & b->has) >> i & 1;

        differ |= both && memcmp(a->value[i], b->value[i], SIZE) != 0 ? 1U << i : 0;
    }
    return differ;
}
