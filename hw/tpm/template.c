#include "tpm/template_internal.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/policy_internal.h"
#include "tpm/rc.h"

#define EK_ATTRIBUTES_L                                                                            \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)
#define EK_ATTRIBUTES_H (EK_ATTRIBUTES_L | TPMA_OBJECT_USERWITHAUTH)
#define AK_ATTRIBUTES                                                                              \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |                        \
     TPMA_OBJECT_SIGN_ENCRYPT)

#define STORAGE_ATTRIBUTES                                                                         \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)
#define DATA_ATTRIBUTES                                                                            \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT)

static TPMT_SYM_DEF_OBJECT aes_cfb(uint16_t bits)
{
    return (TPMT_SYM_DEF_OBJECT){
        .algorithm = TPM2_ALG_AES, .keyBits.aes = bits, .mode.aes = TPM2_ALG_CFB};
}

static void set_rsa(TPMT_PUBLIC *p, TPMT_SYM_DEF_OBJECT symmetric)
{
    p->type = TPM2_ALG_RSA;
    p->parameters.rsaDetail.symmetric = symmetric;
    p->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
    p->parameters.rsaDetail.keyBits = 2048;
}

static void set_ecc(TPMT_PUBLIC *p, TPMI_ECC_CURVE curve, TPMT_SYM_DEF_OBJECT symmetric)
{
    p->type = TPM2_ALG_ECC;
    p->parameters.eccDetail.symmetric = symmetric;
    p->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
    p->parameters.eccDetail.curveID = curve;
    p->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
}

/* The low range fills unique with zeros, the high range leaves it empty. */
static void set_unique_low(TPMT_PUBLIC *p)
{
    if (p->type == TPM2_ALG_RSA) {
        p->unique.rsa.size = 256;
        return;
    }
    p->unique.ecc.x.size = 32;
    p->unique.ecc.y.size = 32;
}

void hw_template_ek(TPM2B_PUBLIC *out, enum hw_ek_kind kind)
{
    TPMT_PUBLIC *p = &out->publicArea;
    bool low = kind != HW_EK_H1 && kind != HW_EK_H2 && kind != HW_EK_H3;

    memset(out, 0, sizeof *out);
    if (kind == HW_EK_L1 || kind == HW_EK_H1)
        set_rsa(p, aes_cfb(128));
    else if (kind == HW_EK_H3)
        set_ecc(p, TPM2_ECC_NIST_P384, aes_cfb(256));
    else
        set_ecc(p, TPM2_ECC_NIST_P256, aes_cfb(128));
    p->nameAlg = kind == HW_EK_H3 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
    p->objectAttributes = low ? EK_ATTRIBUTES_L : EK_ATTRIBUTES_H;
    hw_policy_digest(&p->authPolicy, low ? HW_POLICY_A : HW_POLICY_B, p->nameAlg);
    if (low)
        set_unique_low(p);
}

void hw_template_ak(TPM2B_PUBLIC *out, bool rsa)
{
    TPMT_PUBLIC *p = &out->publicArea;
    TPMT_SYM_DEF_OBJECT none = {.algorithm = TPM2_ALG_NULL};

    memset(out, 0, sizeof *out);
    p->nameAlg = TPM2_ALG_SHA256;
    p->objectAttributes = AK_ATTRIBUTES;
    if (rsa) {
        set_rsa(p, none);
        p->parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
        p->parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
        return;
    }
    set_ecc(p, TPM2_ECC_NIST_P256, none);
    p->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
    p->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
}

void hw_template_storage(TPM2B_PUBLIC *out)
{
    TPMT_PUBLIC *p = &out->publicArea;

    memset(out, 0, sizeof *out);
    p->nameAlg = TPM2_ALG_SHA256;
    p->objectAttributes = STORAGE_ATTRIBUTES;
    set_ecc(p, TPM2_ECC_NIST_P256, aes_cfb(128));
    set_unique_low(p);
}

void hw_template_data(TPM2B_PUBLIC *out, const uint8_t policy[32])
{
    TPMT_PUBLIC *p = &out->publicArea;
    TPMT_SYM_DEF_OBJECT none = {.algorithm = TPM2_ALG_NULL};

    memset(out, 0, sizeof *out);
    p->nameAlg = TPM2_ALG_SHA256;
    p->objectAttributes = DATA_ATTRIBUTES;
    p->authPolicy.size = 32;
    memcpy(p->authPolicy.buffer, policy, 32);
    set_ecc(p, TPM2_ECC_NIST_P256, none);
    p->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
    p->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
}

bool hw_public_bytes(uint8_t *out, size_t *len, const TPM2B_PUBLIC *key)
{
    size_t off = 0;

    if (Tss2_MU_TPMT_PUBLIC_Marshal(&key->publicArea, out, ATT_PUBAREA_MAX, &off) !=
        TSS2_RC_SUCCESS)
        return false;
    *len = off;
    return true;
}

/* The public key out, and one spelling for the exponent 65537. */
static void strip_key(TPM2B_PUBLIC *key)
{
    if (key->publicArea.type == TPM2_ALG_RSA) {
        key->publicArea.unique.rsa.size = 0;
        if (key->publicArea.parameters.rsaDetail.exponent == 65537)
            key->publicArea.parameters.rsaDetail.exponent = 0;
        return;
    }
    key->publicArea.unique.ecc.x.size = 0;
    key->publicArea.unique.ecc.y.size = 0;
}

bool hw_template_matches(const TPM2B_PUBLIC *key, const TPM2B_PUBLIC *tmpl)
{
    TPM2B_PUBLIC a = *key;
    TPM2B_PUBLIC b = *tmpl;
    uint8_t a_bytes[ATT_PUBAREA_MAX], b_bytes[ATT_PUBAREA_MAX];
    size_t a_len, b_len;

    if (a.publicArea.type != b.publicArea.type)
        return false;
    strip_key(&a);
    strip_key(&b);
    return hw_public_bytes(a_bytes, &a_len, &a) && hw_public_bytes(b_bytes, &b_len, &b) &&
           att_slice_eq(att_slice_of(a_bytes, a_len), att_slice_of(b_bytes, b_len));
}

TSS2_RC hw_primary_in(struct hw_slot *slot, TPM2B_PUBLIC **public_area, const TPM2B_PUBLIC *tmpl,
                      ESYS_TR hierarchy)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {.size = 0};
    const TPM2B_DATA outside = {.size = 0};
    const TPML_PCR_SELECTION pcrs = {.count = 0};
    TSS2_RC rc = Esys_CreatePrimary(slot->tpm->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &sensitive, tmpl, &outside, &pcrs, &slot->tr,
                                    public_area, NULL, NULL, NULL);

    slot->loaded = rc == TSS2_RC_SUCCESS;
    if (rc != TSS2_RC_SUCCESS)
        slot->tr = ESYS_TR_NONE;
    return rc;
}

TSS2_RC hw_primary(struct hw_slot *slot, TPM2B_PUBLIC **public_area, const TPM2B_PUBLIC *tmpl)
{
    return hw_primary_in(slot, public_area, tmpl, ESYS_TR_RH_ENDORSEMENT);
}

TSS2_RC hw_persistent(struct hw_slot *slot, TPM2B_PUBLIC **public_area, TPM2B_NAME **qualified,
                      uint32_t handle)
{
    TSS2_RC rc = hw_slot_open(slot, handle);

    if (rc != TSS2_RC_SUCCESS)
        return rc;
    return Esys_ReadPublic(slot->tpm->esys, slot->tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                           public_area, NULL, qualified);
}

bool hw_rc_is_unsupported(TSS2_RC rc)
{
    switch (hw_rc_base(rc)) {
    case TPM2_RC_ASYMMETRIC:
    case TPM2_RC_CURVE:
    case TPM2_RC_HASH:
    case TPM2_RC_KEY_SIZE:
    case TPM2_RC_KDF:
    case TPM2_RC_SCHEME:
    case TPM2_RC_SYMMETRIC:
    case TPM2_RC_MODE:
    case TPM2_RC_TYPE:
    case TPM2_RC_VALUE:
        return true;
    default:
        return false;
    }
}
