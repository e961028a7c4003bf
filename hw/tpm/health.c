/* Is the TPM well: its self-test, and the stack that stands above it. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "tpm/rc.h"
#include "tpm/tpm_internal.h"

#ifndef ATT_TSS_VERSION
#define ATT_TSS_VERSION ""
#endif

#define TEST_DATA_SHOWN 24 /* bytes of a maker's failure data: enough for its support to look up */

const char *hw_tpm_stack(void)
{
    return ATT_TSS_VERSION;
}

static enum att_err ask_result(uint32_t *result, struct hw_tpm *tpm, char *data, size_t cap,
                               struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_MAX_BUFFER *out = NULL;
    TSS2_RC rc =
        Esys_GetTestResult(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &out, result);

    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_GetTestResult");
    (void)att_hex_encode(
        data, cap,
        att_slice_of(out->buffer, out->size < TEST_DATA_SHOWN ? out->size : TEST_DATA_SHOWN));
    return ATT_OK;
}

/* Part 1, 12.4: after TPM2_Startup a TPM may have tested only what it needed so far. */
enum att_err hw_tpm_self_test(struct hw_tpm *tpm, struct att_diag *diag)
{
    char data[2 * TEST_DATA_SHOWN + 1] = "";
    char text[HW_RC_TEXT];
    uint32_t result = TPM2_RC_SUCCESS;
    enum att_err err;
    TSS2_RC rc;

    hw_tpm_begin(tpm);
    err = ask_result(&result, tpm, data, sizeof data, diag);
    if (err == ATT_OK && result == TPM2_RC_NEEDS_TEST) {
        rc = Esys_SelfTest(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_NO);
        if (rc != TSS2_RC_SUCCESS)
            return hw_tpm_fail(tpm, diag, rc, "TPM2_SelfTest");
        err = ask_result(&result, tpm, data, sizeof data, diag);
    }
    if (err != ATT_OK || result == TPM2_RC_SUCCESS || result == TPM2_RC_NEEDS_TEST)
        return err;
    return att_fail(diag, hw_rc_reason(result) == ATT_R_TPM_BUSY ? ATT_E_BUSY : ATT_E_TPM,
                    hw_rc_reason(result), "tpm", "the self-test says %s; its data: %s",
                    hw_rc_print(text, sizeof text, result), data[0] == '\0' ? "none" : data);
}
