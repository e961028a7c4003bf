/* The keys that a factory left in the TPM: found, not made. */
#include "tpm/devid.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/nv_internal.h"
#include "tpm/rc.h"
#include "tpm/template_internal.h"

#define NV_FIRST 0x01000000U
#define NV_LAST  0x01ffffffU

/*
 * Branches of the policy that the TCG's templates give to an IDevID key (TPM 2.0 Keys for Device Identity and
 * Attestation 1.0, 7.3.6; computed too): whoever may use the endorsement hierarchy; the same for TPM2_Certify
 * alone; for TPM2_ActivateCredential alone; PolicyAuthorizeNV over the index 0x01C90010, or 0x01C90011.
 */
#define BRANCHES 4
static const uint8_t user_sha256[32] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
static const uint8_t certify_sha256[32] = {
    0xb2, 0xa6, 0x9e, 0x63, 0x91, 0xe2, 0x68, 0x4a, 0x0f, 0xe7, 0x52, 0xd3, 0x9e, 0x14, 0xac, 0xd2,
    0xe5, 0xcb, 0x92, 0x2e, 0x4b, 0xd0, 0x35, 0x83, 0x0e, 0xea, 0x31, 0xf2, 0xaa, 0xbe, 0x98, 0x70};
static const uint8_t activate_sha256[32] = {
    0xcd, 0x99, 0x17, 0xcf, 0x18, 0xc3, 0x84, 0x8c, 0x3a, 0x2e, 0x60, 0x69, 0x86, 0xa0, 0x66, 0xc6,
    0x81, 0x42, 0xf9, 0xbc, 0x27, 0x10, 0xa2, 0x78, 0x28, 0x7a, 0x65, 0x0c, 0xa3, 0xbb, 0xf2, 0x45};
static const uint8_t nv_sha256[32] = {
    0x62, 0x9c, 0x50, 0xb0, 0x5f, 0x1a, 0xdb, 0x5b, 0x42, 0x97, 0xfe, 0xb2, 0x41, 0x54, 0x9d, 0x42,
    0x17, 0xa1, 0xc7, 0x92, 0xc1, 0x62, 0xfe, 0xb8, 0x61, 0x02, 0x2d, 0xef, 0x88, 0xfa, 0x95, 0x01};
static const uint8_t user_sha384[48] = {
    0x8b, 0xbf, 0x22, 0x66, 0x53, 0x7c, 0x17, 0x1c, 0xb5, 0x6e, 0x40, 0x3c, 0x4d, 0xc1, 0xd4, 0xb6,
    0x4f, 0x43, 0x26, 0x11, 0xdc, 0x38, 0x6e, 0x6f, 0x53, 0x20, 0x50, 0xc3, 0x27, 0x8c, 0x93, 0x0e,
    0x14, 0x3e, 0x8b, 0xb1, 0x13, 0x38, 0x24, 0xcc, 0xb4, 0x31, 0x05, 0x38, 0x71, 0xc6, 0xdb, 0x53};
static const uint8_t certify_sha384[48] = {
    0xad, 0x60, 0x07, 0x59, 0x69, 0x07, 0x52, 0x8f, 0x05, 0x9a, 0x61, 0x21, 0xa5, 0x29, 0x3c, 0x8e,
    0xa3, 0x53, 0x9f, 0x02, 0x56, 0x40, 0xbc, 0x09, 0x20, 0xe1, 0xc9, 0xf7, 0x79, 0x08, 0x59, 0x34,
    0xef, 0x90, 0x7a, 0x94, 0x46, 0x9e, 0x25, 0xdf, 0x22, 0xdb, 0xec, 0x66, 0x63, 0xb4, 0xf1, 0x28};
static const uint8_t activate_sha384[48] = {
    0x0a, 0x55, 0xd6, 0x4c, 0x63, 0x3c, 0xff, 0x7b, 0x4c, 0x78, 0x2e, 0xe5, 0x46, 0x4d, 0x08, 0x68,
    0xa8, 0xc4, 0xd1, 0x8d, 0x63, 0x6f, 0x2d, 0x91, 0xf0, 0xcf, 0xc7, 0xb1, 0xbe, 0xaa, 0xdc, 0x1e,
    0xde, 0xb6, 0xb4, 0xf5, 0x45, 0xaa, 0xce, 0x6d, 0x5c, 0x5c, 0xfc, 0x80, 0xc0, 0xa8, 0x24, 0x92};
static const uint8_t nv_sha384[48] = {
    0x02, 0x75, 0xfc, 0x2a, 0xc8, 0xae, 0x37, 0xdc, 0x92, 0x3f, 0x5c, 0x1f, 0xe9, 0xbf, 0x07, 0xbd,
    0xe0, 0x8c, 0xcf, 0x51, 0x40, 0xd4, 0x37, 0xde, 0x37, 0x9a, 0x52, 0x2b, 0x8c, 0x5e, 0xfe, 0x31,
    0xa7, 0x27, 0x44, 0x15, 0xc7, 0xe8, 0xb1, 0xbe, 0x1e, 0x95, 0x35, 0x00, 0x39, 0x75, 0xcb, 0xcc};

static void set_branches(TPML_DIGEST *out, TPMI_ALG_HASH alg)
{
    static const uint8_t *const small[BRANCHES] = {user_sha256, certify_sha256, activate_sha256,
                                                   nv_sha256};
    static const uint8_t *const large[BRANCHES] = {user_sha384, certify_sha384, activate_sha384,
                                                   nv_sha384};
    bool is_large = alg == TPM2_ALG_SHA384;

    memset(out, 0, sizeof *out);
    out->count = BRANCHES;
    for (size_t i = 0; i < BRANCHES; i++) {
        out->digests[i].size = is_large ? 48 : 32;
        memcpy(out->digests[i].buffer, is_large ? large[i] : small[i], out->digests[i].size);
    }
}

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
    ESYS_CONTEXT *esys = session->tpm->esys;
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    TPML_DIGEST branches;
    TSS2_RC rc =
        Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none, alg, &session->tr);

    if (rc != TSS2_RC_SUCCESS) {
        session->tr = ESYS_TR_NONE;
        return rc;
    }
    session->loaded = true;
    rc = Esys_TRSess_SetAttributes(esys, session->tr, TPMA_SESSION_CONTINUESESSION,
                                   TPMA_SESSION_CONTINUESESSION);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, session->tr, ESYS_TR_PASSWORD,
                               ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_PolicyCommandCode(esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                    TPM2_CC_Certify);
    set_branches(&branches, alg);
    return rc != TSS2_RC_SUCCESS ? rc
                                 : Esys_PolicyOR(esys, session->tr, ESYS_TR_NONE, ESYS_TR_NONE,
                                                 ESYS_TR_NONE, &branches);
}

static enum att_err take(struct hw_quote *out, const TPM2B_ATTEST *attest,
                         const TPMT_SIGNATURE *sig, struct att_diag *diag)
{
    struct hw_quote q = {.attest_len = attest->size};
    size_t off = 0;

    if (attest->size > sizeof q.attest ||
        Tss2_MU_TPMT_SIGNATURE_Marshal(sig, q.sig, sizeof q.sig, &off) != TSS2_RC_SUCCESS)
        return att_fail(diag, ATT_E_TPM, ATT_R_TPM_IO, "certify",
                        "TPM2_Certify: the answer is larger than it can be");
    memcpy(q.attest, attest->attestationData, attest->size);
    q.sig_len = off;
    *out = q;
    return ATT_OK;
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
    return take(out, attest, sig, diag);
}
