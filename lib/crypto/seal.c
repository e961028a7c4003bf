/* What MakeCredential needs of cryptography, and no more than that. */
#include "crypto/seal.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "crypto/digest_internal.h"
#include "crypto/key_internal.h"

#define AES_BLOCK 16
#define LABEL_MAX 64

/* Hash, mask generation hash (the same: TPM 2.0 Part 1, B.4) and label. */
static int set_oaep(EVP_PKEY_CTX *ctx, const EVP_MD *md, struct att_slice label)
{
    unsigned char *copy = NULL;

    if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) != 1) {
        return 0;
    }
    if (label.len == 0) {
        return 1;
    }
    copy = OPENSSL_memdup(label.p, label.len);
    if (copy == NULL) {
        return 0;
    }
    if (EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label.len) != 1) {
        OPENSSL_free(copy);
        return 0;
    }
    return 1; /* the context owns the copy now */
}

enum att_err att_oaep_encrypt(const struct att_pubkey *key, enum att_hash hash,
                              struct att_slice label, struct att_slice in, uint8_t *out, size_t cap,
                              size_t *out_len)
{
    const EVP_MD *md = att_hash_evp(hash);
    EVP_PKEY_CTX *ctx = NULL;
    enum att_err err = ATT_E_CRYPTO;
    size_t len = cap;

    if (key->type != ATT_KEY_RSA || md == NULL) {
        return ATT_E_UNSUPPORTED;
    }
    /* RFC 8017 7.1.1: what fits beside two hashes and two bytes */
    if (label.len > LABEL_MAX || cap < key->bits / 8 ||
        in.len + 2 * att_hash_size(hash) + 2 > key->bits / 8) {
        return ATT_E_LIMIT;
    }
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    if (EVP_PKEY_encrypt_init(ctx) == 1 && set_oaep(ctx, md, label) == 1 &&
        EVP_PKEY_encrypt(ctx, out, &len, in.p, in.len) == 1) {
        *out_len = len;
        err = ATT_OK;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

/* The x coordinate of the shared point, padded to the field size. */
static enum att_err derive(uint8_t *shared_x, size_t field, EVP_PKEY *own, EVP_PKEY *peer)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    enum att_err err = ATT_E_CRYPTO;
    size_t len = field;

    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    if (EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
        EVP_PKEY_derive(ctx, shared_x, &len) == 1 && len == field) {
        err = ATT_OK;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

enum att_err att_ecdh_ephemeral(const struct att_pubkey *peer, uint8_t *x, uint8_t *y,
                                uint8_t *shared_x, size_t *size)
{
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *own = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *own_public = NULL;
    uint8_t own_x[ATT_EC_FIELD_MAX];
    uint8_t own_y[ATT_EC_FIELD_MAX];
    size_t field = att_key_field_size(peer->type);
    enum att_err err = ATT_OK;

    if (field == 0) {
        return ATT_E_UNSUPPORTED;
    }
    err = att_privkey_generate(&own, peer->type);
    if (err == ATT_OK) {
        err = att_privkey_public(&own_public, own);
    }
    if (err == ATT_OK) {
        err = att_pubkey_ec_point(own_public, own_x, own_y, &field);
    }
    if (err == ATT_OK) {
        err = derive(shared_x, field, own->pkey, peer->pkey);
    }
    if (err != ATT_OK) {
        return err;
    }
    memcpy(x, own_x, field);
    memcpy(y, own_y, field);
    *size = field;
    return ATT_OK;
}

enum att_err att_aes_cfb_encrypt(struct att_slice key, struct att_slice in, uint8_t *out)
{
    static const uint8_t ZERO_IV[AES_BLOCK];
    const EVP_CIPHER *cipher = NULL;
    EVP_CIPHER_CTX *ctx = NULL;
    enum att_err err = ATT_E_CRYPTO;
    int len = 0;

    if (key.len != 16 && key.len != 32) {
        return ATT_E_UNSUPPORTED;
    }
    if (in.len > INT_MAX) {
        return ATT_E_LIMIT;
    }
    cipher = key.len == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128();
    ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    if (EVP_EncryptInit_ex2(ctx, cipher, key.p, ZERO_IV, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, out, &len, in.p, (int)in.len) == 1 && (size_t)len == in.len) {
        err = ATT_OK;
    }
    EVP_CIPHER_CTX_free(ctx); /* wipes the key schedule */
    ERR_clear_error();
    return err;
}
