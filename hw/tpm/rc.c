#include "tpm/rc.h"

#include <stdio.h>
#include <tss2/tss2_common.h>
#include <tss2/tss2_tpm2_types.h>

#define CODE_MASK        0xffffU
#define FORMAT_1         0x080U /* Part 2, 6.6.2: bit 7 */
#define FORMAT_1_BASE(c) ((c) & (0x03fU | FORMAT_1))
#define FORMAT_1_PARAM   0x040U
#define FORMAT_1_SESSION 0x800U

struct rc_row {
    uint32_t code;
    enum att_reason reason;
    const char *name;
    const char *advice;
};

/* Part 2, 6.6.3. Without advice: our own mistake or a TPM that is not to the standard. */
static const struct rc_row rows[] = {
    {TPM2_RC_INITIALIZE, ATT_R_TPM_IO, "TPM_RC_INITIALIZE",
     "the TPM was not started; reboot, or check that the firmware enables it"},
    {TPM2_RC_FAILURE, ATT_R_TPM_IO, "TPM_RC_FAILURE",
     "failure mode; switch the power off and on, and replace the TPM if it stays"},
    {TPM2_RC_DISABLED, ATT_R_TPM_IO, "TPM_RC_DISABLED", "enable this hierarchy in the firmware"},
    {TPM2_RC_UPGRADE, ATT_R_TPM_IO, "TPM_RC_UPGRADE",
     "the TPM waits for its firmware; finish the update"},
    {TPM2_RC_REBOOT, ATT_R_TPM_IO, "TPM_RC_REBOOT", "reboot the machine"},
    {TPM2_RC_COMMAND_CODE, ATT_R_TPM_IO, "TPM_RC_COMMAND_CODE",
     "this TPM does not have the command"},
    {TPM2_RC_POLICY, ATT_R_TPM_IO, "TPM_RC_POLICY", "what a policy asks for does not hold"},
    {TPM2_RC_SIGNATURE, ATT_R_TPM_IO, "TPM_RC_SIGNATURE", "the signature is not of that key"},
    {TPM2_RC_PCR_CHANGED, ATT_R_TPM_IO, "TPM_RC_PCR_CHANGED", "a PCR moved meanwhile; try again"},
    {TPM2_RC_AUTH_MISSING, ATT_R_TPM_IO, "TPM_RC_AUTH_MISSING", NULL},
    {TPM2_RC_AUTH_UNAVAILABLE, ATT_R_TPM_IO, "TPM_RC_AUTH_UNAVAILABLE", NULL},
    {TPM2_RC_NV_LOCKED, ATT_R_TPM_IO, "TPM_RC_NV_LOCKED", "this NV index cannot be read now"},
    {TPM2_RC_NV_AUTHORIZATION, ATT_R_TPM_IO, "TPM_RC_NV_AUTHORIZATION",
     "this NV index wants another authorisation"},
    {TPM2_RC_NV_UNINITIALIZED, ATT_R_TPM_IO, "TPM_RC_NV_UNINITIALIZED",
     "this NV index was never written"},
    {TPM2_RC_NV_SPACE, ATT_R_TPM_RES, "TPM_RC_NV_SPACE",
     "no room for a persistent key; remove one that is not used"},
    {TPM2_RC_NV_DEFINED, ATT_R_TPM_IO, "TPM_RC_NV_DEFINED", "the handle is taken; name another"},
    {TPM2_RC_CONTEXT_GAP, ATT_R_TPM_RES, "TPM_RC_CONTEXT_GAP",
     "an old session blocks new ones; stop other users of the TPM"},
    {TPM2_RC_OBJECT_MEMORY, ATT_R_TPM_RES, "TPM_RC_OBJECT_MEMORY",
     "no free object slot; use /dev/tpmrm0, and stop other users of the TPM"},
    {TPM2_RC_SESSION_MEMORY, ATT_R_TPM_RES, "TPM_RC_SESSION_MEMORY",
     "no free session slot; use /dev/tpmrm0, and stop other users of the TPM"},
    {TPM2_RC_MEMORY, ATT_R_TPM_RES, "TPM_RC_MEMORY", "stop other users of the TPM"},
    {TPM2_RC_SESSION_HANDLES, ATT_R_TPM_RES, "TPM_RC_SESSION_HANDLES",
     "too many sessions; stop other users of the TPM, or reboot"},
    {TPM2_RC_OBJECT_HANDLES, ATT_R_TPM_RES, "TPM_RC_OBJECT_HANDLES",
     "too many objects; stop other users of the TPM, or reboot"},
    {TPM2_RC_LOCALITY, ATT_R_TPM_IO, "TPM_RC_LOCALITY", "this PCR belongs to another locality"},
    {TPM2_RC_YIELDED, ATT_R_TPM_BUSY, "TPM_RC_YIELDED", "try again"},
    {TPM2_RC_CANCELED, ATT_R_TPM_IO, "TPM_RC_CANCELED", "the command was cancelled; try again"},
    {TPM2_RC_TESTING, ATT_R_TPM_BUSY, "TPM_RC_TESTING", "self-test is running; try again"},
    {TPM2_RC_NV_RATE, ATT_R_TPM_BUSY, "TPM_RC_NV_RATE", "too many writes; wait, then try again"},
    {TPM2_RC_LOCKOUT, ATT_R_TPM_LOCKOUT, "TPM_RC_LOCKOUT",
     "locked out after wrong authorisations; wait, attest-agent doctor shows how long"},
    {TPM2_RC_RETRY, ATT_R_TPM_BUSY, "TPM_RC_RETRY", "try again"},
    {TPM2_RC_NV_UNAVAILABLE, ATT_R_TPM_BUSY, "TPM_RC_NV_UNAVAILABLE",
     "its memory cannot be written now; try again"},
    {TPM2_RC_ASYMMETRIC, ATT_R_TPM_IO, "TPM_RC_ASYMMETRIC", "it does not have this algorithm"},
    {TPM2_RC_ATTRIBUTES, ATT_R_TPM_IO, "TPM_RC_ATTRIBUTES", NULL},
    {TPM2_RC_HASH, ATT_R_TPM_IO, "TPM_RC_HASH", "it does not have this hash"},
    {TPM2_RC_VALUE, ATT_R_TPM_IO, "TPM_RC_VALUE", "after a resume from sleep: reboot"},
    {TPM2_RC_HIERARCHY, ATT_R_TPM_IO, "TPM_RC_HIERARCHY", "enable this hierarchy in the firmware"},
    {TPM2_RC_KEY_SIZE, ATT_R_TPM_IO, "TPM_RC_KEY_SIZE", "it does not have this key size"},
    {TPM2_RC_TYPE, ATT_R_TPM_IO, "TPM_RC_TYPE", NULL},
    {TPM2_RC_HANDLE, ATT_R_TPM_IO, "TPM_RC_HANDLE", "nothing stands at this handle"},
    {TPM2_RC_RANGE, ATT_R_TPM_IO, "TPM_RC_RANGE", NULL},
    {TPM2_RC_AUTH_FAIL, ATT_R_TPM_IO, "TPM_RC_AUTH_FAIL",
     "the authorisation is wrong; it is not tried again, since each failure counts"},
    {TPM2_RC_SCHEME, ATT_R_TPM_IO, "TPM_RC_SCHEME", "it does not have this scheme"},
    {TPM2_RC_SIZE, ATT_R_TPM_IO, "TPM_RC_SIZE", NULL},
    {TPM2_RC_SYMMETRIC, ATT_R_TPM_IO, "TPM_RC_SYMMETRIC", "it does not have this cipher"},
    {TPM2_RC_TAG, ATT_R_TPM_IO, "TPM_RC_TAG", NULL},
    {TPM2_RC_INSUFFICIENT, ATT_R_TPM_IO, "TPM_RC_INSUFFICIENT", NULL},
    {TPM2_RC_KEY, ATT_R_TPM_IO, "TPM_RC_KEY", NULL},
    {TPM2_RC_POLICY_FAIL, ATT_R_TPM_IO, "TPM_RC_POLICY_FAIL", "the key's policy does not hold"},
    {TPM2_RC_INTEGRITY, ATT_R_TPM_IO, "TPM_RC_INTEGRITY", "it is not for this TPM's keys"},
    {TPM2_RC_BAD_AUTH, ATT_R_TPM_IO, "TPM_RC_BAD_AUTH",
     "this hierarchy has a password; clear it for the endorsement and owner hierarchies"},
    {TPM2_RC_EXPIRED, ATT_R_TPM_IO, "TPM_RC_EXPIRED", NULL},
    {TPM2_RC_CURVE, ATT_R_TPM_IO, "TPM_RC_CURVE", "it does not have this curve"},
    {TPM2_RC_ECC_POINT, ATT_R_TPM_IO, "TPM_RC_ECC_POINT", NULL},
    {TSS2_TCTI_RC_NO_CONNECTION, ATT_R_TPM_ABSENT, "TCTI no connection", "see the tcti setting"},
    {TSS2_TCTI_RC_IO_ERROR, ATT_R_TPM_IO, "TCTI input or output error", "open it again"},
    {TSS2_ESYS_RC_MEMORY, ATT_R_NOMEM, "ESYS out of memory", NULL},
    {TSS2_ESYS_RC_BAD_SEQUENCE, ATT_R_TPM_IO, "ESYS bad sequence", "open it again"},
};

/*
 * What of a code is looked up: the TPM's own part of it, without parameter numbers. Resource managers
 * hand on codes of the TPM under their layer (the kernel's under 11, which the stack gives another
 * meaning).
 */
static uint32_t lookup_code(uint32_t rc)
{
    uint32_t code = rc & CODE_MASK;
    uint32_t layer = rc & TSS2_RC_LAYER_MASK;

    if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_RC_LAYER &&
        layer != TSS2_RESMGR_TPM_RC_LAYER)
        return rc;
    return (code & FORMAT_1) != 0 ? FORMAT_1_BASE(code) : code;
}

static const struct rc_row *find(uint32_t rc)
{
    uint32_t code = lookup_code(rc);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

/* " of parameter 2", " of session 1", " of handle 1", or nothing. */
static void print_place(char *out, size_t cap, uint32_t rc)
{
    uint32_t code = rc & CODE_MASK;
    uint32_t number = code >> 8 & 0xf;
    const char *what = "handle";

    out[0] = '\0';
    if (lookup_code(rc) == rc || (code & FORMAT_1) == 0)
        return;
    if ((code & FORMAT_1_PARAM) != 0)
        what = "parameter";
    if ((code & FORMAT_1_PARAM) == 0 && (code & FORMAT_1_SESSION) != 0) {
        what = "session";
        number &= 0x7;
    }
    if (number != 0)
        (void)snprintf(out, cap, " of %s %u", what, number);
}

char *hw_rc_print(char *out, size_t cap, uint32_t rc)
{
    const struct rc_row *row = find(rc);
    char place[32];

    print_place(place, sizeof place, rc);
    if (row == NULL) {
        (void)snprintf(out, cap, "unknown return code 0x%x%s", rc, place);
        return out;
    }
    (void)snprintf(out, cap, "%s%s (0x%x)%s%s", row->name, place, rc,
                   row->advice == NULL ? "" : ": ", row->advice == NULL ? "" : row->advice);
    return out;
}

char *hw_rc_code(char *out, size_t cap, uint32_t rc)
{
    const struct rc_row *row = find(rc);
    char place[32];

    print_place(place, sizeof place, rc);
    (void)snprintf(out, cap, "%s%s (0x%x)", row == NULL ? "return code" : row->name, place, rc);
    return out;
}

enum att_reason hw_rc_reason(uint32_t rc)
{
    const struct rc_row *row = find(rc);

    return row == NULL ? ATT_R_TPM_IO : row->reason;
}

enum att_err hw_rc_fail(struct att_diag *diag, uint32_t rc, const char *command)
{
    char text[HW_RC_TEXT];
    enum att_reason reason = hw_rc_reason(rc);
    enum att_err err = ATT_E_TPM;

    if (reason == ATT_R_TPM_BUSY)
        err = ATT_E_BUSY;
    if (reason == ATT_R_NOMEM)
        err = ATT_E_NOMEM;
    return att_fail(diag, err, reason, "tpm", "%s: %s", command,
                    hw_rc_print(text, sizeof text, rc));
}

uint32_t hw_rc_base(uint32_t rc)
{
    return lookup_code(rc);
}
