/* Signing with the data key: the session that its policy asks for, and what the TPM says when it does not hold. */
#include <string.h>

#include "tpm/data.h"
#include "tpm/data_internal.h"
#include "tpm/policy_internal.h"
#include "tpm/rc.h"

/* The TPM's answer, and the command that gave it. */
struct answer {
    TSS2_RC rc;
    const char *command;
    enum att_reason refused; /* what TPM_RC_POLICY, _VALUE or _POLICY_FAIL means there */
};

static struct answer policy_pcr(struct hw_slot *session, const TPML_PCR_SELECTION *pcrs)
{
    const TPM2B_DIGEST any = {.size = 0}; /* the TPM takes the values as they are */

    return (struct answer){.rc = Esys_PolicyPCR(session->tpm->esys, session->tr, ESYS_TR_NONE,
                                                ESYS_TR_NONE, ESYS_TR_NONE, &any, pcrs),
                           .command = "TPM2_PolicyPCR",
                           .refused = ATT_R_DK_STATE};
}

static struct answer counter_timer(struct hw_slot *session, const uint8_t operand[8],
                                   uint16_t offset, TPM2_EO operation)
{
    TPM2B_OPERAND b = {.size = 8};
    struct answer a = {.command = "TPM2_PolicyCounterTimer of the counters",
                       .refused = ATT_R_DK_REBOOT};

    if (operation == TPM2_EO_UNSIGNED_LE)
        a = (struct answer){.command = "TPM2_PolicyCounterTimer of the clock",
                            .refused = ATT_R_DK_EXPIRED};
    memcpy(b.buffer, operand, 8);
    a.rc = Esys_PolicyCounterTimer(session->tpm->esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE,
                                   ESYS_TR_NONE, &b, offset, operation);
    return a;
}

/* The steps in the order in which att_grant_policy hashes them. */
static struct answer build(struct hw_slot *session, const struct hw_permit *permit,
                           const struct hw_permitted *permitted, const struct att_grant *grant)
{
    struct answer a = {.command = "TPM2_StartAuthSession", .refused = ATT_R_DK_STATE};
    TPML_PCR_SELECTION pcrs;
    uint8_t until[8], counters[8];

    hw_selection_to_tss(&pcrs, &grant->selection);
    att_grant_operands(until, counters, grant);
    a.rc = hw_policy_session(session, TPM2_ALG_SHA256);
    if (a.rc == TSS2_RC_SUCCESS)
        a = policy_pcr(session, &pcrs);
    if (a.rc == TSS2_RC_SUCCESS)
        a = counter_timer(session, until, ATT_TIME_INFO_CLOCK, TPM2_EO_UNSIGNED_LE);
    if (a.rc == TSS2_RC_SUCCESS)
        a = counter_timer(session, counters, ATT_TIME_INFO_COUNTERS, TPM2_EO_EQ);
    if (a.rc != TSS2_RC_SUCCESS)
        return a;
    return (struct answer){.rc = hw_permit_apply(session, permit, permitted),
                           .command = "TPM2_PolicyAuthorize",
                           .refused = ATT_R_DK_STATE};
}

static struct answer sign(TPMT_SIGNATURE **out, struct hw_slot *key, struct hw_slot *session,
                          const uint8_t digest[32])
{
    const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL};
    const TPMT_TK_HASHCHECK outside = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    TPM2B_DIGEST message = {.size = 32};

    memcpy(message.buffer, digest, 32);
    return (struct answer){.rc = Esys_Sign(key->tpm->esys, key->tr, session->tr, ESYS_TR_NONE,
                                           ESYS_TR_NONE, &message, &own, &outside, out),
                           .command = "TPM2_Sign",
                           .refused = ATT_R_DK_STATE};
}

/* A policy that does not hold is an answer, and the TPM's own code says which. */
static enum att_err refuse(struct hw_tpm *tpm, struct att_diag *diag, const struct answer *a)
{
    char text[HW_RC_TEXT];

    switch (hw_rc_base(a->rc)) {
    case TPM2_RC_PCR_CHANGED:
        return att_fail(diag, ATT_E_BUSY, ATT_R_DK_MOVED, "data key", "%d times; %s: %s",
                        HW_DATA_TRIES, a->command, hw_rc_code(text, sizeof text, a->rc));
    case TPM2_RC_POLICY:
    case TPM2_RC_VALUE:
    case TPM2_RC_POLICY_FAIL:
        return att_fail(diag, ATT_E_DENIED, a->refused, "data key", "%s: %s", a->command,
                        hw_rc_code(text, sizeof text, a->rc));
    default:
        return hw_tpm_fail(tpm, diag, a->rc, a->command);
    }
}

static bool put_padded(uint8_t out[32], const TPM2B_ECC_PARAMETER *number)
{
    if (number->size == 0 || number->size > 32)
        return false;
    memset(out, 0, 32);
    memcpy(out + 32 - number->size, number->buffer, number->size);
    return true;
}

static enum att_err give(uint8_t out[HW_SIGNATURE_LEN], const TPMT_SIGNATURE *sig,
                         struct att_diag *diag)
{
    uint8_t raw[HW_SIGNATURE_LEN];

    if (sig->sigAlg != TPM2_ALG_ECDSA || !put_padded(raw, &sig->signature.ecdsa.signatureR) ||
        !put_padded(raw + 32, &sig->signature.ecdsa.signatureS))
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "data key",
                        "TPM2_Sign: expected ECDSA with P-256, found algorithm 0x%04x",
                        sig->sigAlg);
    memcpy(out, raw, sizeof raw);
    return ATT_OK;
}

static struct answer attempt(TPMT_SIGNATURE **out, struct hw_slot *key,
                             const struct hw_permit *permit, const struct hw_permitted *permitted,
                             const struct att_grant *grant, const uint8_t digest[32])
{
    HW_SLOT(session, key->tpm);
    struct answer a = build(&session, permit, permitted, grant);

    return a.rc == TSS2_RC_SUCCESS ? sign(out, key, &session, digest) : a;
}

enum att_err hw_tpm_data_sign(uint8_t out[HW_SIGNATURE_LEN], struct hw_tpm *tpm,
                              const struct hw_data_key *key, const struct hw_permit *permit,
                              const struct att_grant *grant, const uint8_t digest[32],
                              struct att_diag *diag)
{
    ATT_CLEANUP(hw_permitted_free) struct hw_permitted permitted = {.ticket = NULL};
    ATT_CLEANUP(hw_freep) TPMT_SIGNATURE *sig = NULL;
    HW_SLOT(slot, tpm);
    struct answer a = {.rc = TPM2_RC_PCR_CHANGED};
    enum att_err err = att_grant_check(grant, diag);

    if (err != ATT_OK)
        return err;
    hw_tpm_begin(tpm);
    err = hw_permit_verify(&permitted, tpm, permit, diag);
    if (err == ATT_OK)
        err = hw_data_load(&slot, key, diag);
    if (err != ATT_OK)
        return err;
    for (int i = 0; i < HW_DATA_TRIES && hw_rc_base(a.rc) == TPM2_RC_PCR_CHANGED; i++)
        a = attempt(&sig, &slot, permit, &permitted, grant, digest);
    if (a.rc != TSS2_RC_SUCCESS)
        return refuse(tpm, diag, &a);
    return give(out, sig, diag);
}
