/* The data key: does the TPM sign with it now? A signature over our own words tells, and nobody can use it. */
#include "agent/measurer/datakey.h"
#include "agent/measurer/doctor.h"

#include "crypto/digest.h"

#define PROBE "attest-agent doctor: no data"

/* What the next attestation mends by itself. */
static bool passes(enum att_reason reason)
{
    return reason == ATT_R_DK_EXPIRED || reason == ATT_R_DK_REBOOT || reason == ATT_R_DK_STATE ||
           reason == ATT_R_DK_MOVED || reason == ATT_R_DK_GONE || reason == ATT_R_DK_NONE;
}

void doctor_data_key(struct doctor *d)
{
    const struct agent a = {.conf = d->conf, .ident = d->ident};
    uint8_t digest[32], sig[HW_SIGNATURE_LEN];
    struct data_key k;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (!d->enrolled) {
        return;
    }
    err = data_key_load(&k, d->conf->state_dir, &diag);
    if (err == ATT_E_NOT_FOUND) {
        doctor_skip(
            d, DOCTOR_TPM_DATA_KEY,
            "there is none: it comes with the first attestation to a verifier that "
            "authorises data keys",
            "データ鍵はまだありません。データ鍵を認可する検証サーバーでの最初の証明時に作られます");
        return;
    }
    if (err == ATT_OK) {
        err = att_sha256(att_slice_str(PROBE), digest);
    }
    if (err == ATT_OK) {
        err = data_key_sign_with(sig, d->tpm, &a, digest, &diag);
    }
    if (err != ATT_OK) {
        doctor_failed(d, DOCTOR_TPM_DATA_KEY, passes(diag.reason) ? SHOW_WARN : SHOW_FAIL, &diag);
        return;
    }
    doctor_pass(d, DOCTOR_TPM_DATA_KEY, show_tr(d->show, "it signs", "署名できます"));
}
