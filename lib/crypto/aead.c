/* AES-256-GCM through EVP, one message a call. */
#include "crypto/aead.h"

#include <limits.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/guard.h"
#include "base/rd.h"
#include "crypto/digest.h"

#define NONCE_LEN 12
#define TAG_LEN   16

static bool start(EVP_CIPHER_CTX *ctx, int encrypt, const uint8_t *key, const uint8_t *nonce,
                  struct att_slice aad)
{
    int len = 0;

    return EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, encrypt, NULL) == 1 &&
           (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &len, aad.p, (int)aad.len) == 1);
}

static bool update(EVP_CIPHER_CTX *ctx, uint8_t *out, struct att_slice in)
{
    int len = 0;

    return in.len == 0 ||
           (EVP_CipherUpdate(ctx, out, &len, in.p, (int)in.len) == 1 && (size_t)len == in.len);
}

/* out: nonce, which is there, then in.len bytes and the tag. */
static enum att_err encrypt(uint8_t *out, const uint8_t *key, struct att_slice aad,
                            struct att_slice in)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *body = out + NONCE_LEN;
    bool done = false;
    int len = 0;

    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    done = start(ctx, 1, key, out, aad) && update(ctx, body, in) &&
           EVP_CipherFinal_ex(ctx, body + in.len, &len) == 1 && len == 0 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, body + in.len) == 1;
    EVP_CIPHER_CTX_free(ctx); /* wipes the key schedule */
    ERR_clear_error();
    return done ? ATT_OK : ATT_E_CRYPTO;
}

enum att_err att_aead_seal(struct att_buf *out, const uint8_t key[ATT_AEAD_KEY_LEN],
                           struct att_slice aad, struct att_slice in)
{
    uint8_t *room = NULL;
    enum att_err err = ATT_OK;

    if (in.len > INT_MAX - ATT_AEAD_OVERHEAD || aad.len > INT_MAX) {
        return ATT_E_LIMIT;
    }
    err = att_buf_room(out, in.len + ATT_AEAD_OVERHEAD, &room);
    if (err == ATT_OK) {
        err = att_random(room, NONCE_LEN);
    }
    if (err == ATT_OK) {
        err = encrypt(room, key, aad, in);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(out, in.len + ATT_AEAD_OVERHEAD);
    return ATT_OK;
}

static enum att_err decrypt(uint8_t *out, const uint8_t *key, struct att_slice aad,
                            const uint8_t *nonce, struct att_slice body, const uint8_t *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    enum att_err err = ATT_E_CRYPTO;
    uint8_t end[TAG_LEN];
    int len = 0;

    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    if (start(ctx, 0, key, nonce, aad) && update(ctx, out, body) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, (void *)(uintptr_t)tag) == 1) {
        bool genuine = EVP_CipherFinal_ex(ctx, end, &len) == 1;

        err = ATT_GUARD(AEAD_TAG, !genuine) ? ATT_E_UNTRUSTED : ATT_OK;
    }
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

enum att_err att_aead_open(struct att_buf *out, const uint8_t key[ATT_AEAD_KEY_LEN],
                           struct att_slice aad, struct att_slice sealed)
{
    struct att_rd r = att_rd_slice(sealed);
    struct att_slice nonce = {0};
    struct att_slice body = {0};
    struct att_slice tag = {0};
    uint8_t *room = NULL;
    enum att_err err = ATT_OK;

    if (sealed.len < ATT_AEAD_OVERHEAD) {
        return ATT_E_TRUNCATED;
    }
    if (sealed.len > INT_MAX || aad.len > INT_MAX) {
        return ATT_E_LIMIT;
    }
    nonce = att_rd_bytes(&r, NONCE_LEN);
    body = att_rd_bytes(&r, sealed.len - ATT_AEAD_OVERHEAD);
    tag = att_rd_rest(&r);
    err = att_buf_room(out, body.len, &room);
    if (err == ATT_OK) {
        err = decrypt(room, key, aad, nonce.p, body, tag.p);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(out, body.len);
    return ATT_OK;
}
