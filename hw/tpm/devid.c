/* The keys that a factory left in the TPM: found, not made. */
#include "tpm/devid.h"

#include <string.h>

#include "tpm/nv_internal.h"
#include "tpm/policy_internal.h"
#include "tpm/prove_internal.h"
#include "tpm/rc.h"
#include "tpm/template_internal.h"

#define NV_FIRST 0x01000000U
#define NV_LAST  0x01ffffffU

static enum att_err not_there(struct att_diag *diag, const char *what, uint32_t where)
{
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TPM_DEVID, what, "nothing stands at 0x%08x",
                    where);
}

enum att_err hw_tpm_devid_find(struct hw_devid *out, struct hw_tpm *tpm, uint32_t handle,
                               struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
    HW_SLOT(slot, tpm);
    struct hw_devid found = {.handle = handle};
    TSS2_RC rc = TSS2_RC_SUCCESS;

    if (handle < TPM2_PERSISTENT_FIRST || handle > TPM2_PERSISTENT_LAST)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "handle",
                        "expected 0x81000000-0x81ffffff, found 0x%08x", handle);
    hw_tpm_begin(tpm);
    rc = hw_persistent(&slot, &key, NULL, handle);
    if (hw_rc_base(rc) == TPM2_RC_HANDLE)
        return not_there(diag, "handle", handle);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_ReadPublic");
    if (!hw_public_bytes(found.public_area, &found.public_len, key))
        return att_fail(diag, ATT_E_LIMIT, ATT_R_TPM_DEVID, "handle",
                        "0x%08x holds a key that is too large", handle);
    *out = found;
    return ATT_OK;
}

enum att_err hw_tpm_nv_certificates(struct att_buf **out, struct hw_tpm *tpm, uint32_t index,
                                    struct att_diag *diag)
{
    uint32_t chunk = 0;
    enum att_err err = ATT_OK;
    TSS2_RC rc = TSS2_RC_SUCCESS;

    if (index < NV_FIRST || index > NV_LAST)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "index",
                        "expected 0x01000000-0x01ffffff, found 0x%08x", index);
    hw_tpm_begin(tpm);
    err = hw_tpm_nv_buffer(&chunk, tpm, diag);
    if (err != ATT_OK)
        return err;
    rc = hw_nv_read(out, tpm, index, HW_DEVID_CERTS_MAX);
    if (hw_rc_base(rc) == TPM2_RC_HANDLE || rc == TPM2_RC_NV_UNINITIALIZED)
        return not_there(diag, "index", index);
    return rc == TSS2_RC_SUCCESS ? ATT_OK : hw_tpm_fail(tpm, diag, rc, "TPM2_NV_Read");
}

/* The ADMIN role of a key with adminWithPolicy: this very command, by whoever may use the hierarchy. */
static TSS2_RC start_policy(struct hw_slot *session, TPMI_ALG_HASH alg)
{
    static const enum hw_policy branches[] = {HW_POLICY_A, HW_POLICY_CERTIFY, HW_POLICY_ACTIVATE,
                                              HW_POLICY_DEVID_NV};
    TSS2_RC rc = hw_policy_start(session, alg);

    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_PolicyCommandCode(session->tpm->esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE,
                                    ESYS_TR_NONE, TPM2_CC_Certify);
    return rc == TSS2_RC_SUCCESS ? hw_policy_or(session, branches, ATT_COUNT(branches), alg) : rc;
}

enum att_err hw_tpm_certify(struct hw_quote *out, struct hw_tpm *tpm, uint32_t signer,
                            uint32_t object, struct att_slice qualifying, struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
    ATT_CLEANUP(hw_freep) TPM2B_ATTEST *attest = NULL;
    ATT_CLEANUP(hw_freep) TPMT_SIGNATURE *sig = NULL;
    HW_SLOT(object_slot, tpm);
    HW_SLOT(signer_slot, tpm);
    HW_SLOT(session, tpm);
    const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL};
    TPM2B_DATA data = {.size = (UINT16)qualifying.len};
    ESYS_TR auth = ESYS_TR_PASSWORD;
    TSS2_RC rc = TSS2_RC_SUCCESS;

    if (qualifying.len == 0 || qualifying.len > 32)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certify",
                        "expected 1 to 32 bytes of qualifying data, found %zu", qualifying.len);
    memcpy(data.buffer, qualifying.p, qualifying.len);
    hw_tpm_begin(tpm);
    rc = hw_persistent(&object_slot, &key, NULL, object);
    if (rc == TSS2_RC_SUCCESS)
        rc = hw_slot_open(&signer_slot, signer);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_ReadPublic");
    if ((key->publicArea.objectAttributes & TPMA_OBJECT_ADMINWITHPOLICY) != 0) {
        rc = start_policy(&session, key->publicArea.nameAlg);
        if (rc != TSS2_RC_SUCCESS)
            return hw_tpm_fail(tpm, diag, rc, "the policy session of the certified key");
        auth = session.tr;
    }
    rc = Esys_Certify(tpm->esys, object_slot.tr, signer_slot.tr, auth, ESYS_TR_PASSWORD,
                      ESYS_TR_NONE, &data, &own, &attest, &sig);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_Certify");
    return hw_take_attest(out, attest, sig, "TPM2_Certify", diag);
}
