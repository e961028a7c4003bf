/* The data key: made, loaded, certified. What is signed with it is in data_sign.c. */
#include "tpm/data.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/guard.h"
#include "tpm/data_internal.h"
#include "tpm/policy_internal.h"
#include "tpm/prove_internal.h"
#include "tpm/rc.h"
#include "tpm/template_internal.h"

/* The parent of every data key of this TPM: the same primary each time. */
static enum att_err open_parent(struct hw_slot *slot, uint8_t name[ATT_NAME_MAX], size_t *name_len,
                                struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *made = NULL;
    uint8_t bytes[ATT_PUBAREA_MAX];
    struct att_pubarea area;
    TPM2B_PUBLIC tmpl;
    size_t len = 0;
    enum att_err err = ATT_OK;
    TSS2_RC rc;

    hw_template_storage(&tmpl);
    rc = hw_primary_in(slot, &made, &tmpl, ESYS_TR_RH_OWNER);
    if (rc != TSS2_RC_SUCCESS && hw_rc_is_unsupported(rc))
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_TPM_IO, "data key",
                        "this TPM makes no storage key on P-256");
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(slot->tpm, diag, rc, "TPM2_CreatePrimary of the storage key");
    if (!hw_public_bytes(bytes, &len, made))
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "data key", "the storage key is too large");
    err = att_pubarea_parse(&area, att_slice_of(bytes, len), diag);
    if (err == ATT_OK)
        err = att_pubarea_name(name, name_len, &area);
    return err;
}

static enum att_err take(struct hw_data_key *key, const TPM2B_PUBLIC *made,
                         const TPM2B_PRIVATE *sealed, struct att_diag *diag)
{
    if (!hw_public_bytes(key->public_area, &key->public_len, made) ||
        sealed->size > sizeof key->private_area)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "data key",
                        "TPM2_Create: the key is larger than it can be");
    memcpy(key->private_area, sealed->buffer, sealed->size);
    key->private_len = sealed->size;
    return ATT_OK;
}

enum att_err hw_tpm_data_make(struct hw_data_key *out, struct hw_tpm *tpm,
                              const uint8_t policy[ATT_POLICY_LEN], struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *made = NULL;
    ATT_CLEANUP(hw_freep) TPM2B_PRIVATE *sealed = NULL;
    HW_SLOT(parent, tpm);
    const TPM2B_SENSITIVE_CREATE sensitive = {.size = 0};
    const TPM2B_DATA outside = {.size = 0};
    const TPML_PCR_SELECTION pcrs = {.count = 0};
    struct hw_data_key key = {.public_len = 0};
    TPM2B_PUBLIC tmpl;
    enum att_err err;
    TSS2_RC rc;

    hw_tpm_begin(tpm);
    err = open_parent(&parent, key.parent_name, &key.parent_len, diag);
    if (err != ATT_OK)
        return err;
    hw_template_data(&tmpl, policy);
    rc = Esys_Create(tpm->esys, parent.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                     &tmpl, &outside, &pcrs, &sealed, &made, NULL, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_Create of the data key");
    err = take(&key, made, sealed, diag);
    if (err != ATT_OK)
        return err;
    *out = key;
    return ATT_OK;
}

static bool unmarshal(TPM2B_PUBLIC *out, struct att_slice area)
{
    size_t off = 0;

    memset(out, 0, sizeof *out);
    return Tss2_MU_TPMT_PUBLIC_Unmarshal(area.p, area.len, &off, &out->publicArea) ==
               TSS2_RC_SUCCESS &&
           off == area.len;
}

/* A key that is of another owner seed, or was cut, is no fault of the TPM: there is none any more. */
static enum att_err refuse_load(struct hw_tpm *tpm, struct att_diag *diag, TSS2_RC rc)
{
    char text[HW_RC_TEXT];

    switch (hw_rc_base(rc)) {
    case TPM2_RC_INTEGRITY:
    case TPM2_RC_BINDING:
    case TPM2_RC_SIZE:
    case TPM2_RC_SENSITIVE:
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_DK_GONE, "data key", "TPM2_Load: %s",
                        hw_rc_code(text, sizeof text, rc));
    default:
        return hw_tpm_fail(tpm, diag, rc, "TPM2_Load of the data key");
    }
}

enum att_err hw_data_load(struct hw_slot *slot, const struct hw_data_key *key,
                          struct att_diag *diag)
{
    HW_SLOT(parent, slot->tpm);
    TPM2B_PUBLIC area;
    TPM2B_PRIVATE sealed = {.size = (UINT16)key->private_len};
    uint8_t name[ATT_NAME_MAX];
    size_t name_len = 0;
    enum att_err err = open_parent(&parent, name, &name_len, diag);
    TSS2_RC rc;

    if (err != ATT_OK)
        return err;
    if (!unmarshal(&area, att_slice_of(key->public_area, key->public_len)) ||
        key->private_len > sizeof sealed.buffer)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_DK_GONE, "data key",
                        "what is kept of it is damaged");
    memcpy(sealed.buffer, key->private_area, key->private_len);
    rc = Esys_Load(slot->tpm->esys, parent.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                   &sealed, &area, &slot->tr);
    if (rc != TSS2_RC_SUCCESS) {
        slot->tr = ESYS_TR_NONE;
        return refuse_load(slot->tpm, diag, rc);
    }
    slot->loaded = true;
    return ATT_OK;
}

static void take_signature(TPMT_SIGNATURE *out, const uint8_t raw[ATT_GRANT_SIG_LEN])
{
    TPMS_SIGNATURE_ECC *ecc = &out->signature.ecdsa;

    memset(out, 0, sizeof *out);
    out->sigAlg = TPM2_ALG_ECDSA;
    ecc->hash = TPM2_ALG_SHA256;
    ecc->signatureR.size = 32;
    ecc->signatureS.size = 32;
    memcpy(ecc->signatureR.buffer, raw, 32);
    memcpy(ecc->signatureS.buffer, raw + 32, 32);
}

/* The TPM's own word that the authority signed: a ticket, good until the next TPM2_Clear. */
static enum att_err get_ticket(struct hw_permitted *out, struct hw_slot *authority,
                               const struct hw_permit *permit, struct att_diag *diag)
{
    const struct att_slice part[] = {att_slice_of(permit->approved, sizeof permit->approved),
                                     att_slice_of(permit->ref, sizeof permit->ref)};
    TPM2B_DIGEST digest = {.size = 32};
    TPMT_SIGNATURE sig;
    enum att_err err = att_digest(ATT_HASH_SHA256, part, ATT_COUNT(part), digest.buffer);
    char text[HW_RC_TEXT];
    TSS2_RC rc;

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "data key", "hashing failed");
    take_signature(&sig, permit->signature);
    rc = Esys_VerifySignature(authority->tpm->esys, authority->tr, ESYS_TR_NONE, ESYS_TR_NONE,
                              ESYS_TR_NONE, &digest, &sig, &out->ticket);
    if (hw_rc_base(rc) == TPM2_RC_SIGNATURE)
        return att_fail(diag, ATT_E_DENIED, ATT_R_DK_GRANT, "data key", "TPM2_VerifySignature: %s",
                        hw_rc_code(text, sizeof text, rc));
    return rc == TSS2_RC_SUCCESS ? ATT_OK
                                 : hw_tpm_fail(authority->tpm, diag, rc, "TPM2_VerifySignature");
}

enum att_err hw_permit_verify(struct hw_permitted *out, struct hw_tpm *tpm,
                              const struct hw_permit *permit, struct att_diag *diag)
{
    HW_SLOT(authority, tpm);
    struct att_pubarea area;
    TPM2B_PUBLIC key;
    size_t name_len = 0;
    enum att_err err = att_pubarea_parse(&area, permit->authority, diag);
    TSS2_RC rc;

    if (err == ATT_OK)
        err = att_pubarea_name(out->authority.name, &name_len, &area);
    if (err != ATT_OK)
        return err;
    out->authority.size = (UINT16)name_len;
    if (!unmarshal(&key, area.encoded))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_DK_GRANT, "data key",
                        "the authorising key is malformed");
    /* The null hierarchy gives no ticket. */
    rc = Esys_LoadExternal(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, &key,
                           ESYS_TR_RH_OWNER, &authority.tr);
    if (rc != TSS2_RC_SUCCESS) {
        authority.tr = ESYS_TR_NONE;
        return hw_tpm_fail(tpm, diag, rc, "TPM2_LoadExternal of the authorising key");
    }
    authority.loaded = true;
    return get_ticket(out, &authority, permit, diag);
}

void hw_permitted_free(struct hw_permitted *p)
{
    hw_freep(&p->ticket);
}

TSS2_RC hw_permit_apply(struct hw_slot *session, const struct hw_permit *permit,
                        const struct hw_permitted *permitted)
{
    TPM2B_DIGEST approved = {.size = sizeof permit->approved};
    TPM2B_NONCE ref = {.size = sizeof permit->ref};

    memcpy(approved.buffer, permit->approved, sizeof permit->approved);
    memcpy(ref.buffer, permit->ref, sizeof permit->ref);
    return Esys_PolicyAuthorize(session->tpm->esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE,
                                ESYS_TR_NONE, &approved, &ref, &permitted->authority,
                                permitted->ticket);
}

/* The ADMIN role of this key: TPM2_Certify alone, because the authority said so. */
static enum att_err start_admin(struct hw_slot *session, const struct hw_permit *permit,
                                const struct hw_permitted *permitted, struct att_diag *diag)
{
    char text[HW_RC_TEXT];
    TSS2_RC rc = hw_policy_session(session, TPM2_ALG_SHA256);

    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_PolicyCommandCode(session->tpm->esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE,
                                    ESYS_TR_NONE, TPM2_CC_Certify);
    if (rc == TSS2_RC_SUCCESS)
        rc = hw_permit_apply(session, permit, permitted);
    if (hw_rc_base(rc) == TPM2_RC_VALUE)
        return att_fail(diag, ATT_E_DENIED, ATT_R_DK_GRANT, "data key",
                        "it is not for TPM2_Certify; TPM2_PolicyAuthorize: %s",
                        hw_rc_code(text, sizeof text, rc));
    return rc == TSS2_RC_SUCCESS
               ? ATT_OK
               : hw_tpm_fail(session->tpm, diag, rc, "the policy session of the data key");
}

enum att_err hw_tpm_data_certify(struct hw_quote *out, struct hw_tpm *tpm,
                                 const struct hw_data_key *key, const struct hw_ak *ak,
                                 struct att_slice qualifying, const struct hw_permit *permit,
                                 struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_ATTEST *attest = NULL;
    ATT_CLEANUP(hw_freep) TPMT_SIGNATURE *sig = NULL;
    ATT_CLEANUP(hw_permitted_free) struct hw_permitted permitted = {.ticket = NULL};
    HW_SLOT(object, tpm);
    HW_SLOT(signer, tpm);
    HW_SLOT(session, tpm);
    const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL};
    TPM2B_DATA data = {.size = (UINT16)qualifying.len};
    enum att_err err;
    TSS2_RC rc;

    if (qualifying.len == 0 || qualifying.len > 32)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certify",
                        "expected 1 to 32 bytes of qualifying data, found %zu", qualifying.len);
    memcpy(data.buffer, qualifying.p, qualifying.len);
    hw_tpm_begin(tpm);
    err = hw_permit_verify(&permitted, tpm, permit, diag);
    if (err == ATT_OK)
        err = hw_data_load(&object, key, diag);
    if (err == ATT_OK)
        err = hw_ak_open(&signer, ak, diag);
    if (err == ATT_OK)
        err = start_admin(&session, permit, &permitted, diag);
    if (err != ATT_OK)
        return err;
    rc = Esys_Certify(tpm->esys, object.tr, signer.tr, session.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                      &data, &own, &attest, &sig);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_Certify of the data key");
    return hw_take_attest(out, attest, sig, "TPM2_Certify", diag);
}
