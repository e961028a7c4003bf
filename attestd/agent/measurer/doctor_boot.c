/* doctor: are PCR 0 to 7 those of the last accepted attestation? A firmware update changes them. */
#include <stdio.h>
#include <string.h>

#include "agent/measurer/bootpcrs.h"
#include "agent/measurer/doctor.h"

static void print_pcrs(char *out, size_t cap, uint32_t mask)
{
    size_t at = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < 8 && at + 4 < cap; i++) {
        if ((mask >> i & 1) != 0) {
            at += (size_t)snprintf(&out[at], cap - at, "%s%u", at > 0 ? ", " : "", (unsigned int)i);
        }
    }
}

void doctor_boot_pcrs(struct doctor *d)
{
    struct att_pcr_bank now, kept;
    struct att_diag diag = {0};
    char list[32], text[DOCTOR_DETAIL];
    uint32_t differ = 0;
    enum att_err err = ATT_OK;

    if (!d->enrolled || !d->sha256) {
        return;
    }
    err = boot_pcrs_load(&kept, d->conf->state_dir, &diag);
    if (err == ATT_E_NOT_FOUND) {
        doctor_skip(d, DOCTOR_TPM_BOOT_PCRS, "no attestation was accepted yet",
                    "受理された証明がまだありません");
        return;
    }
    if (err == ATT_OK) {
        err = boot_pcrs_read(&now, d->tpm, &diag);
    }
    if (err != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_BOOT_PCRS, SHOW_WARN, &diag);
        return;
    }
    differ = boot_pcrs_differ(&now, &kept);
    if (differ == 0) {
        doctor_pass(d, DOCTOR_TPM_BOOT_PCRS,
                    show_tr(d->show, "as in the last accepted attestation",
                            "最後に受理された証明のときと同じです"));
        return;
    }
    print_pcrs(list, sizeof(list), differ);
    (void)snprintf(text, sizeof(text), "PCR %s of bank sha256: other than accepted last", list);
    doctor_found(d, DOCTOR_TPM_BOOT_PCRS, SHOW_WARN, ATT_R_REF_BOOT, text);
}
