/* PCR 0 to 7 of the last accepted attestation: what firmware and boot manager were when the verifier said yes. */
#ifndef ATTESTD_AGENT_BOOTPCRS_H
#define ATTESTD_AGENT_BOOTPCRS_H

#include "base/err.h"
#include "tcg/pcr.h"
#include "tpm/tpm.h"

#define BOOT_PCRS 0xffU /* 0 to 7 */

/* Bank SHA-256 as the TPM lets it be read now. What hw_tpm_pcr_read gives; NOT_FOUND (Q_BANK) without that bank. */
ATT_MUST_USE enum att_err boot_pcrs_read(struct att_pcr_bank *out, struct hw_tpm *tpm,
                                         struct att_diag *diag);

/*
 * The note in the state folder, in the words of tpm2_pcrread. It is told and never judged by: the verifier has its own.
 * store writes only what is new. load: NOT_FOUND before the first; FORMAT (FMT_YAML) damaged.
 */
ATT_MUST_USE enum att_err boot_pcrs_store(const char *dir, const struct att_pcr_bank *pcrs,
                                          struct att_diag *diag);
ATT_MUST_USE enum att_err boot_pcrs_load(struct att_pcr_bank *out, const char *dir,
                                         struct att_diag *diag);

/* The PCRs of 0 to 7 that are not the same, one bit each; one that is known on one side alone is another one. */
uint32_t boot_pcrs_differ(const struct att_pcr_bank *a, const struct att_pcr_bank *b);

#endif
