/* The attestation key: made once, kept at its handle, judged each time that it is found. */
#include <string.h>

#include "base/guard.h"
#include "tpm/ident.h"
#include "tpm/prove_internal.h"
#include "tpm/rc.h"
#include "tpm/template_internal.h"

#define OWNER_PERSISTENT_FIRST 0x81000000U
#define OWNER_PERSISTENT_LAST  0x817fffffU

static enum att_err check_handle(uint32_t handle, struct att_diag *diag)
{
    if (handle >= OWNER_PERSISTENT_FIRST && handle <= OWNER_PERSISTENT_LAST)
        return ATT_OK;
    return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "ak_handle",
                    "expected 0x81000000-0x817fffff, found 0x%08x", handle);
}

static enum att_err refuse_occupied(struct att_diag *diag, uint32_t handle, const char *what)
{
    return att_fail(diag, ATT_E_CONFLICT, ATT_R_CFG_KEY, "ak_handle",
                    "0x%08x holds %s; name a free handle in agent.yaml, or remove it", handle,
                    what);
}

static bool is_our_template(const TPM2B_PUBLIC *key)
{
    TPM2B_PUBLIC ecc, rsa;

    hw_template_ak(&ecc, false);
    hw_template_ak(&rsa, true);
    return hw_template_matches(key, &ecc) || hw_template_matches(key, &rsa);
}

/* A key elsewhere sees obfuscated counters, and its quotes are refused by the verifier (D2). */
static bool is_endorsement_primary(const struct att_pubarea *area, const TPM2B_NAME *qualified)
{
    uint8_t name[ATT_NAME_MAX], expected[ATT_NAME_MAX];
    size_t name_len, expected_len;

    return att_pubarea_name(name, &name_len, area) == ATT_OK &&
           att_qualified_name(expected, &expected_len, ATT_TPM_RH_ENDORSEMENT,
                              att_slice_of(name, name_len)) == ATT_OK &&
           att_slice_eq(att_slice_of(expected, expected_len),
                        att_slice_of(qualified->name, qualified->size));
}

static enum att_err judge(struct hw_ak *out, const TPM2B_PUBLIC *key, const TPM2B_NAME *qualified,
                          uint32_t handle, struct att_diag *diag)
{
    struct hw_ak ak = {.handle = handle};
    struct att_pubarea area;
    enum att_err err;

    if (ATT_GUARD(HW_AK_TEMPLATE, !is_our_template(key)))
        return refuse_occupied(diag, handle, "a key that is not an attestation key of ours");
    if (!hw_public_bytes(ak.public_area, &ak.public_len, key))
        return refuse_occupied(diag, handle, "a key that is too large");
    err = att_pubarea_parse(&area, att_slice_of(ak.public_area, ak.public_len), diag);
    if (err != ATT_OK)
        return err;
    err = att_pubarea_check_ak(&area, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(HW_AK_HIERARCHY, !is_endorsement_primary(&area, qualified)))
        return refuse_occupied(diag, handle, "a key outside the endorsement hierarchy");
    *out = ak;
    return ATT_OK;
}

/* The same as hw_tpm_ak_find; slot stays open for the caller. */
static enum att_err find_open(struct hw_ak *out, struct hw_slot *slot, uint32_t handle,
                              struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
    ATT_CLEANUP(hw_freep) TPM2B_NAME *qualified = NULL;
    enum att_err err = check_handle(handle, diag);
    TSS2_RC rc;

    if (err != ATT_OK)
        return err;
    hw_tpm_begin(slot->tpm);
    rc = hw_persistent(slot, &key, &qualified, handle);
    if (hw_rc_base(rc) == TPM2_RC_HANDLE)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TPM_IO, "ak",
                        "nothing stands at 0x%08x; enrol this gateway first", handle);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(slot->tpm, diag, rc, "TPM2_ReadPublic");
    return judge(out, key, qualified, handle, diag);
}

enum att_err hw_tpm_ak_find(struct hw_ak *out, struct hw_tpm *tpm, uint32_t handle,
                            struct att_diag *diag)
{
    HW_SLOT(slot, tpm);

    return find_open(out, &slot, handle, diag);
}

/* Make it persistent: the handle is in the owner's range, so the owner authorises. */
static enum att_err keep(struct hw_slot *key, uint32_t handle, struct att_diag *diag)
{
    HW_SLOT(kept, key->tpm);
    TSS2_RC rc = Esys_EvictControl(key->tpm->esys, ESYS_TR_RH_OWNER, key->tr, ESYS_TR_PASSWORD,
                                   ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept.tr);

    if (rc == TSS2_RC_SUCCESS)
        return ATT_OK;
    kept.tr = ESYS_TR_NONE;
    return hw_tpm_fail(key->tpm, diag, rc, "TPM2_EvictControl of the attestation key");
}

enum att_err hw_ak_primary(struct hw_slot *slot, TPM2B_PUBLIC **key, struct att_diag *diag)
{
    TPM2B_PUBLIC tmpl;
    TSS2_RC rc;

    hw_template_ak(&tmpl, false);
    rc = hw_primary(slot, key, &tmpl);
    if (rc != TSS2_RC_SUCCESS && hw_rc_is_unsupported(rc)) {
        hw_template_ak(&tmpl, true);
        rc = hw_primary(slot, key, &tmpl);
    }
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(slot->tpm, diag, rc, "TPM2_CreatePrimary of the attestation key");
    return ATT_OK;
}

static enum att_err make_and_keep(struct hw_tpm *tpm, uint32_t handle, struct att_diag *diag)
{
    ATT_CLEANUP(hw_freep) TPM2B_PUBLIC *key = NULL;
    HW_SLOT(slot, tpm);
    enum att_err err = hw_ak_primary(&slot, &key, diag);

    return err == ATT_OK ? keep(&slot, handle, diag) : err;
}

enum att_err hw_tpm_ak_make(struct hw_ak *out, struct hw_tpm *tpm, uint32_t handle,
                            struct att_diag *diag)
{
    enum att_err err = hw_tpm_ak_find(out, tpm, handle, diag);

    if (err != ATT_E_NOT_FOUND)
        return err;
    err = make_and_keep(tpm, handle, diag);
    if (err != ATT_OK)
        return err;
    err = hw_tpm_ak_find(out, tpm, handle, diag);
    if (err == ATT_OK && diag != NULL)
        *diag = (struct att_diag){.err = ATT_OK};
    return err;
}

enum att_err hw_tpm_ak_remove(struct hw_tpm *tpm, uint32_t handle, struct att_diag *diag)
{
    HW_SLOT(slot, tpm);
    struct hw_ak ak;
    ESYS_TR gone = ESYS_TR_NONE;
    enum att_err err = find_open(&ak, &slot, handle, diag);
    TSS2_RC rc;

    if (err != ATT_OK)
        return err;
    rc = Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, slot.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                           ESYS_TR_NONE, handle, &gone);
    if (rc != TSS2_RC_SUCCESS)
        return hw_tpm_fail(tpm, diag, rc, "TPM2_EvictControl of the attestation key");
    return ATT_OK;
}
