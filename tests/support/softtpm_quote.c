/* The TPM in software: TPMS_ATTEST and TPMT_SIGNATURE, honest by default, forged on request. */
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "base/wr.h"
#include "need.h"
#include "softtpm.h"

#define TPM_ST_ATTEST_NV      0x8014U
#define TPM_ST_ATTEST_CERTIFY 0x8017U

static const EVP_MD *md_of(enum att_hash hash)
{
    const EVP_MD *md = hash == ATT_HASH_SHA1     ? EVP_sha1()
                       : hash == ATT_HASH_SHA384 ? EVP_sha384()
                       : hash == ATT_HASH_SHA512 ? EVP_sha512()
                                                 : EVP_sha256();
    return md;
}

/* pcrDigest: the selected values in selection order, hashed with the signing scheme's hash. */
static void composite(struct softtpm_attest *out, const struct softtpm *tpm)
{
    const EVP_MD *md = md_of(tpm->ak.hash);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned int len = 0;
    uint32_t i;
    uint32_t pcr;

    NEED(ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1);
    for (i = 0; i < out->selection.count; i++) {
        const struct att_pcr_sel *sel = &out->selection.sel[i];
        size_t size = (size_t)EVP_MD_get_size(md_of(sel->bank));

        for (pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
            if ((sel->mask >> pcr & 1) != 0) {
                const uint8_t *value = softtpm_pcr(tpm, sel->bank, pcr);

                NEED(value != NULL && EVP_DigestUpdate(ctx, value, size) == 1);
            }
        }
    }
    NEED(EVP_DigestFinal_ex(ctx, out->digest, &len) == 1);
    out->digest_len = len;
    EVP_MD_CTX_free(ctx);
}

struct softtpm_attest softtpm_attest(const struct softtpm *tpm, struct att_slice qualifying,
                                     const struct att_pcr_selection *selection)
{
    struct softtpm_attest out = {
        .magic = ATT_TPM_GENERATED,
        .type = ATT_TPM_ST_ATTEST_QUOTE,
        .signer_len = tpm->ak.qualified_len,
        .extra_len = qualifying.len,
        .clock = tpm->clock,
        .firmware_version = tpm->firmware_version,
        .selection = *selection,
    };

    NEED(qualifying.len <= sizeof(out.extra));
    memcpy(out.signer, tpm->ak.qualified, tpm->ak.qualified_len);
    memcpy(out.extra, qualifying.p, qualifying.len);
    composite(&out, tpm);
    return out;
}

void softtpm_attest_nv(struct softtpm_attest *attest, struct att_slice contents)
{
    struct att_wr w = att_wr_into(attest->body, sizeof(attest->body));

    attest->type = TPM_ST_ATTEST_NV;
    att_wr_u16be(&w, (uint16_t)attest->signer_len); /* the index has a name of the same form */
    att_wr_bytes(&w, attest->signer, attest->signer_len);
    att_wr_u16be(&w, 0);
    att_wr_u16be(&w, (uint16_t)contents.len);
    att_wr_slice(&w, contents);
    NEED(att_wr_ok(&w));
    attest->body_len = w.len;
}

void softtpm_attest_certify(struct softtpm_attest *attest, const struct softtpm_key *signer,
                            const struct softtpm_key *object)
{
    struct att_wr w = att_wr_into(attest->body, sizeof(attest->body));

    attest->type = TPM_ST_ATTEST_CERTIFY;
    memcpy(attest->signer, signer->qualified, signer->qualified_len);
    attest->signer_len = signer->qualified_len;
    att_wr_u16be(&w, (uint16_t)object->name_len);
    att_wr_bytes(&w, object->name, object->name_len);
    att_wr_u16be(&w, (uint16_t)object->qualified_len);
    att_wr_bytes(&w, object->qualified, object->qualified_len);
    NEED(att_wr_ok(&w));
    attest->body_len = w.len;
}

static void write_selection(struct att_wr *w, const struct att_pcr_selection *s)
{
    uint32_t i;
    uint32_t byte;

    att_wr_u32be(w, s->count);
    for (i = 0; i < s->count; i++) {
        att_wr_u16be(w, (uint16_t)s->sel[i].bank);
        att_wr_u8(w, s->sel[i].size);
        for (byte = 0; byte < s->sel[i].size; byte++) {
            att_wr_u8(w, (uint8_t)(s->sel[i].mask >> (8 * byte)));
        }
    }
}

struct softtpm_bytes softtpm_attest_encode(const struct softtpm_attest *attest)
{
    struct softtpm_bytes out = {.len = 0};
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));

    att_wr_u32be(&w, attest->magic);
    att_wr_u16be(&w, attest->type);
    att_wr_u16be(&w, (uint16_t)attest->signer_len);
    att_wr_bytes(&w, attest->signer, attest->signer_len);
    att_wr_u16be(&w, (uint16_t)attest->extra_len);
    att_wr_bytes(&w, attest->extra, attest->extra_len);
    att_wr_u64be(&w, attest->clock.clock_ms);
    att_wr_u32be(&w, attest->clock.reset_count);
    att_wr_u32be(&w, attest->clock.restart_count);
    att_wr_u8(&w, attest->clock.safe ? 1 : 0);
    att_wr_u64be(&w, attest->firmware_version);
    if (attest->body_len != 0) {
        att_wr_bytes(&w, attest->body, attest->body_len);
    } else {
        write_selection(&w, &attest->selection);
        att_wr_u16be(&w, (uint16_t)attest->digest_len);
        att_wr_bytes(&w, attest->digest, attest->digest_len);
    }
    NEED(att_wr_ok(&w));
    out.len = w.len;
    return out;
}

/* DER to the TPM's form: r and s as fixed-size numbers. */
static void split_ecdsa(struct softtpm_signature *out, const uint8_t *der, size_t len)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);

    NEED(sig != NULL);
    out->a_len = 32;
    out->b_len = 32;
    NEED(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out->a, 32) == 32);
    NEED(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out->b, 32) == 32);
    ECDSA_SIG_free(sig);
}

struct softtpm_signature softtpm_sign_as(const struct softtpm_key *key, uint16_t scheme,
                                         enum att_hash hash, struct att_slice message)
{
    struct softtpm_signature out = {.alg = scheme, .hash = (uint16_t)hash};
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    uint8_t raw[512];
    size_t len = sizeof(raw);

    NEED(ctx != NULL && EVP_DigestSignInit(ctx, &pctx, md_of(hash), NULL, key->pkey) == 1);
    if (scheme == SOFTTPM_ALG_RSAPSS) {
        NEED(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1);
        NEED(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    NEED(EVP_DigestSign(ctx, raw, &len, message.p, message.len) == 1);
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_get_base_id(key->pkey) == EVP_PKEY_EC) {
        split_ecdsa(&out, raw, len);
        return out;
    }
    memcpy(out.a, raw, len);
    out.a_len = len;
    return out;
}

struct softtpm_signature softtpm_sign(const struct softtpm_key *key, struct att_slice message)
{
    return softtpm_sign_as(key, key->scheme, key->hash, message);
}

struct softtpm_bytes softtpm_signature_encode(const struct softtpm_signature *sig)
{
    struct softtpm_bytes out = {.len = 0};
    struct att_wr w = att_wr_into(out.p, sizeof(out.p));

    att_wr_u16be(&w, sig->alg);
    att_wr_u16be(&w, sig->hash);
    att_wr_u16be(&w, (uint16_t)sig->a_len);
    att_wr_bytes(&w, sig->a, sig->a_len);
    if (sig->alg == SOFTTPM_ALG_ECDSA) {
        att_wr_u16be(&w, (uint16_t)sig->b_len);
        att_wr_bytes(&w, sig->b, sig->b_len);
    }
    NEED(att_wr_ok(&w));
    out.len = w.len;
    return out;
}

void softtpm_quote(struct softtpm_bytes *attest, struct softtpm_bytes *signature,
                   const struct softtpm *tpm, struct att_slice qualifying,
                   const struct att_pcr_selection *selection)
{
    struct softtpm_attest fields = softtpm_attest(tpm, qualifying, selection);
    struct softtpm_signature sig;

    *attest = softtpm_attest_encode(&fields);
    sig = softtpm_sign(&tpm->ak, softtpm_slice(attest));
    *signature = softtpm_signature_encode(&sig);
}
