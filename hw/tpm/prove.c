/* What only this TPM can do: quote with its attestation key, and open what is sealed to its keys. */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/guard.h"
#include "base/rd.h"
#include "tpm/ek_internal.h"
#include "tpm/ident.h"
#include "tpm/policy_internal.h"
#include "tpm/prove_internal.h"
#include "tpm/rc.h"
#include "tpm/template_internal.h"

#define QUALIFYING_MAX 32

/* The handle's object must be the key that the caller means: its name says so without a command. */
enum att_err hw_ak_open(struct hw_slot *slot, const struct hw_ak *ak, struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_NAME *found = NULL;
    uint8_t name[ATT_NAME_MAX];
    struct att_pubarea area;
    size_t name_len;
    enum att_err err =
        att_pubarea_parse(&area, att_slice_of(ak->public_area, ak->public_len), diag);
    TSS2_RC rc;

    if (err != ATT_OK)
        return err;
    err = att_pubarea_name(name, &name_len, &area);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_TPM_IO, "ak", "its name cannot be computed");
    rc = hw_slot_open(slot, ak->handle);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(slot->tpm, diag, rc, "TPM2_ReadPublic of the attestation key");
    rc = Esys_TR_GetName(slot->tpm->esys, slot->tr, &found);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(slot->tpm, diag, rc, "the name of the attestation key");
    if (ATT_GUARD(HW_AK_OTHER, !att_slice_eq(att_slice_of(name, name_len),
                                             att_slice_of(found->name, found->size))))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TPM_OTHER, "ak",
                        "0x%08x holds another key than the enrolled one", ak->handle);
    return ATT_OK;
}

enum att_err hw_take_attest(struct hw_quote *out, const TPM2B_ATTEST *attest,
                            const TPMT_SIGNATURE *sig, const char *command, struct att_diag *diag)
{
    struct hw_quote quote = {.attest_len = attest->size};
    size_t off = 0;

    if (attest->size > sizeof quote.attest ||
        Tss2_MU_TPMT_SIGNATURE_Marshal(sig, quote.sig, sizeof quote.sig, &off) != TSS2_RC_SUCCESS)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "quote",
                        "%s: the answer is larger than it can be", command);
    memcpy(quote.attest, attest->attestationData, attest->size);
    quote.sig_len = off;
    *out = quote;
    return ATT_OK;
}

static enum att_err check_request(struct att_slice qualifying, const struct att_pcr_selection *sel,
                                  struct att_diag *diag)
{
    if (qualifying.len <= QUALIFYING_MAX && !att_pcr_selection_empty(sel))
        return ATT_OK;
    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "quote",
                    "expected at most %d bytes of qualifying data and a PCR, found %zu bytes",
                    QUALIFYING_MAX, qualifying.len);
}

/* With the key of an open slot. */
static enum att_err quote_with(struct hw_quote *out, struct hw_slot *key,
                               struct att_slice qualifying, const struct att_pcr_selection *sel,
                               struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_ATTEST *attest = NULL;
    ATT_CLEANUP(hw_freep) TPMT_SIGNATURE *sig = NULL;
    const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL};
    TPM2B_DATA data = {.size = (UINT16)qualifying.len};
    TPML_PCR_SELECTION pcrs;
    TSS2_RC rc;

    if (qualifying.len > 0)
        memcpy(data.buffer, qualifying.p, qualifying.len);
    hw_selection_to_tss(&pcrs, sel);
    rc = Esys_Quote(key->tpm->esys, key->tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data,
                    &own, &pcrs, &attest, &sig);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(key->tpm, diag, rc, "TPM2_Quote");
    return hw_take_attest(out, attest, sig, "TPM2_Quote", diag);
}

enum att_err hw_tpm_quote(struct hw_quote *out, struct hw_tpm *tpm, const struct hw_ak *ak,
                          struct att_slice qualifying, const struct att_pcr_selection *sel,
                          struct att_diag *diag)
{
    HW_SLOT(slot, tpm);
    enum att_err err = check_request(qualifying, sel, diag);

    if (err != ATT_OK)
        return err;
    hw_tpm_begin(tpm);
    err = hw_ak_open(&slot, ak, diag);
    return err == ATT_OK ? quote_with(out, &slot, qualifying, sel, diag) : err;
}

enum att_err hw_tpm_quote_trial(struct hw_quote *out, struct hw_ak *ak, struct hw_tpm *tpm,
                                struct att_slice qualifying, const struct att_pcr_selection *sel,
                                struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
    HW_SLOT(slot, tpm);
    struct hw_ak made = {.handle = 0};
    enum att_err err = check_request(qualifying, sel, diag);

    if (err != ATT_OK)
        return err;
    hw_tpm_begin(tpm);
    err = hw_ak_primary(&slot, &key, diag);
    if (err == ATT_OK && !hw_public_bytes(made.public_area, &made.public_len, key))
        err =
            att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "quote", "the key that was made is too large");
    if (err == ATT_OK)
        err = quote_with(out, &slot, qualifying, sel, diag);
    if (err == ATT_OK)
        *ak = made;
    return err;
}

/* A TPM2B of at most max bytes that fills its slice. */
static bool take_2b(uint8_t *out, uint16_t *size, uint16_t max, struct att_slice in)
{
    struct att_rd r = att_rd_slice(in);
    uint32_t len = att_rd_count16be(&r, max);
    struct att_slice bytes = att_rd_bytes(&r, len);

    if (att_rd_end(&r) != ATT_OK || len == 0)
        return false;
    memcpy(out, bytes.p, bytes.len);
    *size = (uint16_t)bytes.len;
    return true;
}

/* Whoever may use the endorsement hierarchy may use its key: PolicyA, and as a branch of PolicyB. */
static TSS2_RC start_policy(struct hw_slot *session, const struct hw_ek *ek)
{
    static const enum hw_policy either[] = {HW_POLICY_A, HW_POLICY_C};
    bool high = ek->kind == HW_EK_H1 || ek->kind == HW_EK_H2 || ek->kind == HW_EK_H3;
    TPMI_ALG_HASH alg = ek->kind == HW_EK_H3 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
    TSS2_RC rc = hw_policy_start(session, alg);

    return rc == TSS2_RC_SUCCESS && high ? hw_policy_or(session, either, ATT_COUNT(either), alg)
                                         : rc;
}

/* The TPM's no to a credential that is for other keys is an answer, not a fault. */
static enum att_err refuse_credential(struct hw_tpm *tpm, struct att_diag *diag, TSS2_RC rc)
{
    char text[HW_RC_TEXT];

    switch (hw_rc_base(rc)) {
    case TPM2_RC_INTEGRITY:
    case TPM2_RC_VALUE:
    case TPM2_RC_SIZE:
    case TPM2_RC_INSUFFICIENT:
    case TPM2_RC_ECC_POINT:
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_ID_ACTIVATE, "credential",
                        "TPM2_ActivateCredential: %s", hw_rc_print(text, sizeof text, rc));
    default:
        return hw_tpm_fail(tpm, diag, rc, "TPM2_ActivateCredential");
    }
}

static enum att_err give_secret(struct att_buf **secret, TPM2B_DIGEST *opened,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    enum att_err err = att_buf_new(&out, ATT_HASH_MAX);

    if (err == ATT_OK)
        err = att_buf_add(out, opened->buffer, opened->size);
    att_wipe(opened, sizeof *opened);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "credential", "no memory for the secret");
    *secret = out;
    out = NULL;
    return ATT_OK;
}

enum att_err hw_tpm_activate(struct att_buf **secret, struct hw_tpm *tpm, const struct hw_ek *ek,
                             const struct hw_ak *ak, const struct hw_credential *cred,
                             struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_DIGEST *opened = NULL;
    HW_SLOT(ak_slot, tpm);
    HW_SLOT(ek_slot, tpm);
    HW_SLOT(session, tpm);
    TPM2B_ID_OBJECT id_object;
    TPM2B_ENCRYPTED_SECRET enc_secret;
    enum att_err err;
    TSS2_RC rc;

    if (!take_2b(id_object.credential, &id_object.size, sizeof id_object.credential,
                 cred->id_object) ||
        !take_2b(enc_secret.secret, &enc_secret.size, sizeof enc_secret.secret, cred->enc_secret))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_ACTIVATE, "credential",
                        "expected TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET");
    hw_tpm_begin(tpm);
    err = hw_ak_open(&ak_slot, ak, diag);
    if (err != ATT_OK)
        return err;
    err = hw_ek_load(&ek_slot, ek, diag);
    if (err != ATT_OK)
        return err;
    rc = start_policy(&session, ek);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "the policy session of the endorsement key");
    rc = Esys_ActivateCredential(tpm->esys, ak_slot.tr, ek_slot.tr, ESYS_TR_PASSWORD, session.tr,
                                 ESYS_TR_NONE, &id_object, &enc_secret, &opened);
    if (rc != TSS2_RC_SUCCESS)
        return refuse_credential(tpm, diag, rc);
    return give_secret(secret, opened, diag);
}
