#include "tpm/template_internal.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/rc.h"

#define EK_ATTRIBUTES_L                                                                            \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)
#define EK_ATTRIBUTES_H (EK_ATTRIBUTES_L | TPMA_OBJECT_USERWITHAUTH)
#define AK_ATTRIBUTES                                                                              \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |            \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |                        \
     TPMA_OBJECT_SIGN_ENCRYPT)

/* PolicyA: PolicySecret(TPM_RH_ENDORSEMENT), empty policyRef (B.2 of the profile; computed too). */
static const uint8_t policy_a_sha256[32] = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
static const uint8_t policy_a_sha384[48] = {
    0x8b, 0xbf, 0x22, 0x66, 0x53, 0x7c, 0x17, 0x1c, 0xb5, 0x6e, 0x40, 0x3c, 0x4d, 0xc1, 0xd4, 0xb6,
    0x4f, 0x43, 0x26, 0x11, 0xdc, 0x38, 0x6e, 0x6f, 0x53, 0x20, 0x50, 0xc3, 0x27, 0x8c, 0x93, 0x0e,
    0x14, 0x3e, 0x8b, 0xb1, 0x13, 0x38, 0x24, 0xcc, 0xb4, 0x31, 0x05, 0x38, 0x71, 0xc6, 0xdb, 0x53};
/* PolicyC: PolicyAuthorizeNV over the maker's index. */
static const uint8_t policy_c_sha256[32] = {
    0x37, 0x67, 0xe2, 0xed, 0xd4, 0x3f, 0xf4, 0x5a, 0x3a, 0x7e, 0x1e, 0xae, 0xfc, 0xef, 0x78, 0x64,
    0x3d, 0xca, 0x96, 0x46, 0x32, 0xe7, 0xaa, 0xd8, 0x2c, 0x67, 0x3a, 0x30, 0xd8, 0x63, 0x3f, 0xde};
static const uint8_t policy_c_sha384[48] = {
    0xd6, 0x03, 0x2c, 0xe6, 0x1f, 0x2f, 0xb3, 0xc2, 0x40, 0xeb, 0x3c, 0xf6, 0xa3, 0x32, 0x37, 0xef,
    0x2b, 0x6a, 0x16, 0xf4, 0x29, 0x3c, 0x22, 0xb4, 0x55, 0xe2, 0x61, 0xcf, 0xfd, 0x21, 0x7a, 0xd5,
    0xb4, 0x94, 0x7c, 0x2d, 0x73, 0xe6, 0x30, 0x05, 0xee, 0xd2, 0xdc, 0x2b, 0x35, 0x93, 0xd1, 0x65};
/* PolicyB: PolicyOR(PolicyA, PolicyC). */
static const uint8_t policy_b_sha256[32] = {
    0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
    0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0};
static const uint8_t policy_b_sha384[48] = {
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
    0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
    0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12};

static void set_digest(TPM2B_DIGEST *out, const uint8_t *value, size_t len)
{
    memcpy(out->buffer, value, len);
    out->size = (UINT16)len;
}

void hw_policy_b(TPML_DIGEST *out, TPMI_ALG_HASH alg)
{
    bool large = alg == TPM2_ALG_SHA384;

    memset(out, 0, sizeof *out);
    out->count = 2;
    set_digest(&out->digests[0], large ? policy_a_sha384 : policy_a_sha256, large ? 48 : 32);
    set_digest(&out->digests[1], large ? policy_c_sha384 : policy_c_sha256, large ? 48 : 32);
}

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
    if (low)
        set_digest(&p->authPolicy, policy_a_sha256, sizeof policy_a_sha256);
    else if (kind == HW_EK_H3)
        set_digest(&p->authPolicy, policy_b_sha384, sizeof policy_b_sha384);
    else
        set_digest(&p->authPolicy, policy_b_sha256, sizeof policy_b_sha256);
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

TSS2_RC hw_primary(struct hw_slot *slot, TPM2B_PUBLIC **public_area, const TPM2B_PUBLIC *tmpl)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {.size = 0};
    const TPM2B_DATA outside = {.size = 0};
    const TPML_PCR_SELECTION pcrs = {.count = 0};
    TSS2_RC rc = Esys_CreatePrimary(slot->tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD,
                                    ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, tmpl, &outside, &pcrs,
                                    &slot->tr, public_area, NULL, NULL, NULL);

    slot->loaded = rc == TSS2_RC_SUCCESS;
    if (rc != TSS2_RC_SUCCESS)
        slot->tr = ESYS_TR_NONE;
    return rc;
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
