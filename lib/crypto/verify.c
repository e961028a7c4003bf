/*
 * One signature under one scheme.
 *
 * A kept key keeps its prepared operation, so that a verification costs what the arithmetic costs.
 */
#include "crypto/verify.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/guard.h"
#include "base/rd.h"
#include "base/wr.h"
#include "crypto/digest_internal.h"
#include "crypto/key_internal.h"

#define DER_INTEGER  0x02
#define DER_SEQUENCE 0x30
/* Two integers with a sign byte each, their heads, and the sequence head in its long form. */
#define ECDSA_DER_MAX   (2 * (ATT_EC_FIELD_MAX + 1 + 2) + 3)
#define ED25519_SIG_LEN 64

/* The orders of the groups (SEC 2, 2.4.2, 2.5.1, 2.6.1): r and s are below them. */
static const uint8_t ORDER_P256[] = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t ORDER_P384[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};
static const uint8_t ORDER_P521[] = {
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b,
    0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c,
    0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
};

static const uint8_t *order_of(enum att_key_type type)
{
    switch (type) {
    case ATT_KEY_EC_P256:
        return ORDER_P256;
    case ATT_KEY_EC_P384:
        return ORDER_P384;
    case ATT_KEY_EC_P521:
        return ORDER_P521;
    default:
        return NULL;
    }
}

static bool fits(enum att_key_type type, enum att_scheme scheme)
{
    switch (scheme) {
    case ATT_SCHEME_ECDSA:
        return att_key_field_size(type) != 0;
    case ATT_SCHEME_RSASSA:
    case ATT_SCHEME_RSAPSS:
        return type == ATT_KEY_RSA;
    case ATT_SCHEME_ED25519:
        return type == ATT_KEY_ED25519;
    default:
        return false;
    }
}

/* Zero, or not below the order. */
static bool out_of_range(struct att_slice v, const uint8_t *order)
{
    uint8_t any = 0;

    for (size_t i = 0; i < v.len; i++) {
        any |= v.p[i];
    }
    return any == 0 || memcmp(v.p, order, v.len) >= 0;
}

static struct att_slice without_zeros(struct att_slice v)
{
    struct att_rd r = att_rd_slice(v);

    while (att_rd_left(&r) > 1 && att_rd_peek(&r) == 0) {
        att_rd_skip(&r, 1);
    }
    return att_rd_rest(&r);
}

static void write_der_uint(struct att_wr *w, struct att_slice v)
{
    bool sign_byte = v.len > 0 && (v.p[0] & 0x80) != 0;

    att_wr_u8(w, DER_INTEGER);
    att_wr_u8(w, (uint8_t)(v.len + sign_byte));
    att_wr_zeros(w, sign_byte);
    att_wr_slice(w, v);
}

/* r || s as the DER that OpenSSL wants (RFC 3279 2.2.3). */
static enum att_err ecdsa_der(uint8_t out[ECDSA_DER_MAX], struct att_slice *der, struct att_slice r,
                              struct att_slice s)
{
    uint8_t body[ECDSA_DER_MAX];
    struct att_wr w = att_wr_into(body, sizeof(body));
    struct att_wr outer = att_wr_into(out, ECDSA_DER_MAX);
    struct att_slice both = {0};

    write_der_uint(&w, without_zeros(r));
    write_der_uint(&w, without_zeros(s));
    if (att_wr_done(&w, &both) != ATT_OK) {
        return ATT_E_INTERNAL;
    }
    att_wr_u8(&outer, DER_SEQUENCE);
    if (both.len >= 0x80) {
        att_wr_u8(&outer, 0x81);
    }
    att_wr_u8(&outer, (uint8_t)both.len);
    att_wr_slice(&outer, both);
    return att_wr_done(&outer, der);
}

static int set_scheme(EVP_PKEY_CTX *ctx, enum att_scheme scheme, const EVP_MD *md, bool verify)
{
    if (scheme != ATT_SCHEME_ECDSA) {
        int pad = scheme == ATT_SCHEME_RSAPSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;

        if (EVP_PKEY_CTX_set_rsa_padding(ctx, pad) != 1) {
            return 0;
        }
    }
    if (EVP_PKEY_CTX_set_signature_md(ctx, md) != 1) {
        return 0;
    }
    if (scheme != ATT_SCHEME_RSAPSS) {
        return 1;
    }
    /* TPMs fill the salt to the largest size or to the hash's, by their firmware (Part 1, B.7). */
    return EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
                                            verify ? RSA_PSS_SALTLEN_AUTO : RSA_PSS_SALTLEN_DIGEST);
}

/* The prepared operation of a key: the kept one when it is the same again. */
static enum att_err prepare(struct att_key_op *op, EVP_PKEY *pkey, enum att_scheme scheme,
                            enum att_hash hash, bool verify)
{
    EVP_PKEY_CTX *ctx = NULL;
    const EVP_MD *md = NULL;
    int rc = 0;

    if (op->ctx != NULL && op->scheme == scheme && op->hash == hash) {
        return ATT_OK;
    }
    md = att_hash_evp(hash);
    if (md == NULL) {
        return ATT_E_UNSUPPORTED;
    }
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    rc = verify ? EVP_PKEY_verify_init(ctx) : EVP_PKEY_sign_init(ctx);
    if (rc != 1 || set_scheme(ctx, scheme, md, verify) != 1) {
        EVP_PKEY_CTX_free(ctx);
        ERR_clear_error();
        return ATT_E_CRYPTO;
    }
    EVP_PKEY_CTX_free(op->ctx);
    op->ctx = ctx;
    op->scheme = scheme;
    op->hash = hash;
    return ATT_OK;
}

/*
 * 1 is yes. 0 and negative numbers are both no: OpenSSL gives -1 for signatures that it cannot even
 * read, and those come from the sender. Only memory that ran out is neither.
 */
static enum att_err judge(int rc)
{
    unsigned long e = 0;

    if (!ATT_GUARD(SIG_VERIFIES, rc != 1)) {
        return ATT_OK;
    }
    e = ERR_peek_last_error();
    ERR_clear_error();
    return ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE ? ATT_E_NOMEM : ATT_E_SIGNATURE;
}

static enum att_err verify_ecdsa(const struct att_pubkey *key, struct att_slice digest,
                                 struct att_slice sig)
{
    size_t field = att_key_field_size(key->type);
    const uint8_t *order = order_of(key->type);
    struct att_rd rd = att_rd_slice(sig);
    struct att_slice r = att_rd_bytes(&rd, field);
    struct att_slice s = att_rd_bytes(&rd, field);
    struct att_slice der = {0};
    uint8_t buf[ECDSA_DER_MAX];

    if (att_rd_end(&rd) != ATT_OK) {
        return ATT_E_SIGNATURE;
    }
    /* OpenSSL refuses these too; here it does not rest on which way it says so. */
    if (out_of_range(r, order) || out_of_range(s, order)) {
        return ATT_E_SIGNATURE;
    }
    if (ecdsa_der(buf, &der, r, s) != ATT_OK) {
        return ATT_E_INTERNAL;
    }
    return judge(EVP_PKEY_verify(key->op->ctx, der.p, der.len, digest.p, digest.len));
}

enum att_err att_verify_digest(const struct att_pubkey *key, enum att_scheme scheme,
                               enum att_hash hash, struct att_slice digest, struct att_slice sig)
{
    enum att_err err = ATT_OK;

    if (!fits(key->type, scheme) || scheme == ATT_SCHEME_ED25519 || !att_hash_usable(hash)) {
        return ATT_E_UNSUPPORTED;
    }
    if (digest.len != att_hash_size(hash)) {
        return ATT_E_INTERNAL;
    }
    err = prepare(key->op, key->pkey, scheme, hash, true);
    if (err != ATT_OK) {
        return err;
    }
    if (scheme == ATT_SCHEME_ECDSA) {
        return verify_ecdsa(key, digest, sig);
    }
    if (sig.len != (size_t)EVP_PKEY_get_size(key->pkey)) {
        return ATT_E_SIGNATURE;
    }
    return judge(EVP_PKEY_verify(key->op->ctx, sig.p, sig.len, digest.p, digest.len));
}

static enum att_err verify_ed25519(const struct att_pubkey *key, struct att_slice message,
                                   struct att_slice sig)
{
    enum att_err err = ATT_E_CRYPTO;
    EVP_MD_CTX *ctx = NULL;

    if (sig.len != ED25519_SIG_LEN) {
        return ATT_E_SIGNATURE;
    }
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    if (EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->pkey) == 1) {
        err = judge(EVP_DigestVerify(ctx, sig.p, sig.len, message.p, message.len));
    }
    EVP_MD_CTX_free(ctx);
    return err;
}

enum att_err att_verify(const struct att_pubkey *key, enum att_scheme scheme, enum att_hash hash,
                        struct att_slice message, struct att_slice sig)
{
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = ATT_OK;

    if (!fits(key->type, scheme)) {
        return ATT_E_UNSUPPORTED;
    }
    if (scheme == ATT_SCHEME_ED25519) {
        return verify_ed25519(key, message, sig);
    }
    err = att_digest(hash, &message, 1, digest);
    if (err != ATT_OK) {
        return err;
    }
    return att_verify_digest(key, scheme, hash, att_slice_of(digest, att_hash_size(hash)), sig);
}

enum att_err att_ecdsa_raw(uint8_t *out, size_t field, struct att_slice der)
{
    const unsigned char *at = der.p;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    enum att_err err = ATT_E_CRYPTO;

    if (sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)field) > 0 &&
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + field, (int)field) > 0) {
        err = ATT_OK;
    }
    ECDSA_SIG_free(sig);
    return err;
}

static enum att_err sign_ed25519(const struct att_privkey *key, struct att_slice message,
                                 uint8_t *out, size_t cap, size_t *out_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = cap;
    int rc = 0;

    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1) {
        rc = EVP_DigestSign(ctx, out, &len, message.p, message.len);
    }
    EVP_MD_CTX_free(ctx);
    if (rc != 1) {
        return ATT_E_CRYPTO;
    }
    *out_len = len;
    return ATT_OK;
}

static enum att_err sign_digest(const struct att_privkey *key, struct att_slice digest,
                                uint8_t *out, size_t cap, size_t *out_len)
{
    size_t field = att_key_field_size(key->type);
    uint8_t der[ECDSA_DER_MAX];
    size_t len = field == 0 ? cap : sizeof(der);
    enum att_err err = ATT_OK;

    if (cap < (field == 0 ? (size_t)EVP_PKEY_get_size(key->pkey) : 2 * field)) {
        return ATT_E_LIMIT;
    }
    if (EVP_PKEY_sign(key->op->ctx, field == 0 ? out : der, &len, digest.p, digest.len) != 1) {
        ERR_clear_error();
        return ATT_E_CRYPTO;
    }
    if (field != 0) {
        err = att_ecdsa_raw(out, field, att_slice_of(der, len));
        len = 2 * field;
    }
    if (err == ATT_OK) {
        *out_len = len;
    }
    return err;
}

enum att_err att_sign(const struct att_privkey *key, enum att_scheme scheme, enum att_hash hash,
                      struct att_slice message, uint8_t *out, size_t cap, size_t *out_len)
{
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = ATT_OK;

    if (!fits(key->type, scheme)) {
        return ATT_E_UNSUPPORTED;
    }
    if (scheme == ATT_SCHEME_ED25519) {
        return sign_ed25519(key, message, out, cap, out_len);
    }
    err = att_digest(hash, &message, 1, digest);
    if (err != ATT_OK) {
        return err;
    }
    err = prepare(key->op, key->pkey, scheme, hash, false);
    if (err != ATT_OK) {
        return err;
    }
    return sign_digest(key, att_slice_of(digest, att_hash_size(hash)), out, cap, out_len);
}
