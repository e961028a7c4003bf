/* The TPM in software: ActivateCredential (Part 1, 24; Annexes B.10.4 and C.6.4). */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/rd.h"
#include "base/wr.h"
#include "need.h"
#include "softtpm.h"

#define SEED_LEN 32 /* of an EK whose name hash is SHA-256 */

static bool seed_from_rsa(uint8_t seed[SEED_LEN], EVP_PKEY *ek, struct att_slice wrapped)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
    char *label = OPENSSL_strdup("IDENTITY");
    uint8_t out[256];
    size_t len = sizeof(out);
    bool good;

    NEED(ctx != NULL && label != NULL && EVP_PKEY_decrypt_init(ctx) == 1);
    NEED(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1);
    NEED(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1);
    NEED(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1);
    /* The terminating zero is part of the label (B.4); the context owns the string. */
    NEED(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof("IDENTITY")) == 1);
    good = EVP_PKEY_decrypt(ctx, out, &len, wrapped.p, wrapped.len) == 1 && len == SEED_LEN;
    EVP_PKEY_CTX_free(ctx);
    if (good) {
        memcpy(seed, out, SEED_LEN);
    }
    return good;
}

static EVP_PKEY *point(struct att_slice x, struct att_slice y)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;
    uint8_t raw[65] = {4};

    NEED(x.len == 32 && y.len == 32 && bld != NULL && ctx != NULL);
    memcpy(raw + 1, x.p, 32);
    memcpy(raw + 33, y.p, 32);
    NEED(OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1);
    NEED(OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof(raw)) == 1);
    params = OSSL_PARAM_BLD_to_param(bld);
    NEED(params != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        key = NULL;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool shared_x(uint8_t z[32], EVP_PKEY *ek, EVP_PKEY *peer)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
    size_t len = 32;
    bool good;

    NEED(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1);
    good = EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, z, &len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good && len == 32;
}

static void hash_parts(uint8_t out[32], const struct att_slice *part, size_t count)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t i;

    NEED(ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    for (i = 0; i < count; i++) {
        NEED(EVP_DigestUpdate(ctx, part[i].p, part[i].len) == 1);
    }
    NEED(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
    EVP_MD_CTX_free(ctx);
}

/* KDFe (11.4.10.3): H(be32(1) || Z || "IDENTITY" 0 || ephemeral x || EK x), 256 bits: one round. */
static bool seed_from_ecc(uint8_t seed[SEED_LEN], EVP_PKEY *ek, struct att_slice wrapped)
{
    static const uint8_t counter[4] = {0, 0, 0, 1};
    struct att_rd r = att_rd_slice(wrapped);
    struct att_slice x = att_rd_bytes(&r, att_rd_count16be(&r, 32));
    struct att_slice y = att_rd_bytes(&r, att_rd_count16be(&r, 32));
    uint8_t z[32];
    uint8_t own_x[32];
    BIGNUM *bn = NULL;
    EVP_PKEY *peer;
    bool good;

    if (att_rd_end(&r) != ATT_OK || x.len != 32 || y.len != 32) {
        return false;
    }
    peer = point(x, y);
    if (peer == NULL) {
        return false;
    }
    NEED(EVP_PKEY_get_bn_param(ek, OSSL_PKEY_PARAM_EC_PUB_X, &bn) == 1);
    NEED(BN_bn2binpad(bn, own_x, 32) == 32);
    BN_free(bn);
    good = shared_x(z, ek, peer);
    EVP_PKEY_free(peer);
    if (good) {
        struct att_slice parts[] = {att_slice_of(counter, 4), att_slice_of(z, 32),
                                    att_slice_of("IDENTITY", sizeof("IDENTITY")), x,
                                    att_slice_of(own_x, 32)};

        hash_parts(seed, parts, ATT_COUNT(parts));
    }
    return good;
}

static void hmac(uint8_t out[32], struct att_slice key, struct att_slice data)
{
    unsigned int len = 0;

    NEED(HMAC(EVP_sha256(), key.p, (int)key.len, data.p, data.len, out, &len) != NULL);
    NEED(len == 32);
}

/* KDFa (11.4.10.2): HMAC(seed, be32(1) || label 0 || context || be32(bits)), cut to bits. */
static void kdfa(uint8_t out[32], const uint8_t seed[SEED_LEN], const char *label,
                 struct att_slice context, uint32_t bits)
{
    uint8_t text[160];
    struct att_wr w = att_wr_into(text, sizeof(text));

    att_wr_u32be(&w, 1);
    att_wr_bytes(&w, label, strlen(label) + 1);
    att_wr_slice(&w, context);
    att_wr_u32be(&w, bits);
    NEED(att_wr_ok(&w));
    hmac(out, att_slice_of(seed, SEED_LEN), att_slice_of(text, w.len));
}

static void cfb_decrypt(uint8_t *out, const uint8_t *key, struct att_slice in)
{
    static const uint8_t iv[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;

    NEED(ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, iv) == 1);
    NEED(EVP_DecryptUpdate(ctx, out, &len, in.p, (int)in.len) == 1 && (size_t)len == in.len);
    EVP_CIPHER_CTX_free(ctx);
}

static struct att_slice inside_2b(struct att_slice in)
{
    struct att_rd r = att_rd_slice(in);
    size_t len = att_rd_count16be(&r, 4096);
    struct att_slice out = att_rd_bytes(&r, len);

    return att_rd_end(&r) == ATT_OK ? out : att_slice_of(NULL, 0);
}

/* Outer HMAC over encIdentity || name, then decrypt TPM2B secret. */
static bool open_identity(uint8_t *out, size_t *out_len, const uint8_t seed[SEED_LEN],
                          struct att_slice ak_name, struct att_slice id_object)
{
    struct att_rd r = att_rd_slice(inside_2b(id_object));
    struct att_slice mac = att_rd_bytes(&r, att_rd_count16be(&r, 64));
    struct att_slice sealed = att_rd_rest(&r);
    uint8_t key[32];
    uint8_t expected[32];
    uint8_t text[512];
    struct att_slice plain;

    if (!att_rd_ok(&r) || mac.len != 32 || sealed.len + ak_name.len > sizeof(text)) {
        return false;
    }
    memcpy(text, sealed.p, sealed.len);
    memcpy(text + sealed.len, ak_name.p, ak_name.len);
    kdfa(key, seed, "INTEGRITY", att_slice_of(NULL, 0), 256);
    hmac(expected, att_slice_of(key, 32), att_slice_of(text, sealed.len + ak_name.len));
    if (CRYPTO_memcmp(expected, mac.p, 32) != 0) {
        return false;
    }
    kdfa(key, seed, "STORAGE", ak_name, 128);
    cfb_decrypt(text, key, sealed);
    plain = inside_2b(att_slice_of(text, sealed.len));
    if (plain.len == 0 || plain.len > 64) {
        return false;
    }
    memcpy(out, plain.p, plain.len);
    *out_len = plain.len;
    return true;
}

bool softtpm_activate(uint8_t *out, size_t *out_len, const struct softtpm *tpm,
                      struct att_slice ak_name, struct att_slice id_object, struct att_slice secret)
{
    struct att_slice wrapped = inside_2b(secret);
    uint8_t seed[SEED_LEN];
    bool good = EVP_PKEY_get_base_id(tpm->ek.pkey) == EVP_PKEY_EC
                    ? seed_from_ecc(seed, tpm->ek.pkey, wrapped)
                    : seed_from_rsa(seed, tpm->ek.pkey, wrapped);

    return good && open_identity(out, out_len, seed, ak_name, id_object);
}
