/* Hashes and MACs over OpenSSL's EVP; the algorithm objects are fetched once, because a fetch costs
 * more than a short hash. */
#include "crypto/digest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "crypto/digest_internal.h"

struct hash_row {
    enum att_hash alg;
    size_t size; /* bytes */
    const char *name;
    const char *openssl_name; /* NULL: size known, never computed */
};

static const struct hash_row HASHES[] = {
    {ATT_HASH_SHA1, 20, "sha1", "SHA1"},       {ATT_HASH_SHA256, 32, "sha256", "SHA256"},
    {ATT_HASH_SHA384, 48, "sha384", "SHA384"}, {ATT_HASH_SHA512, 64, "sha512", "SHA512"},
    {ATT_HASH_SM3, 32, "sm3_256", NULL},
};

/* TPM tools write sm3_256, and kernels in their lists sm3, before Linux 5.7 sm3-256 (crypto/hash_info.c). */
static const struct {
    const char *name;
    enum att_hash alg;
} OTHER_NAMES[] = {{"sm3", ATT_HASH_SM3}, {"sm3-256", ATT_HASH_SM3}};

static CRYPTO_ONCE fetch_once = CRYPTO_ONCE_STATIC_INIT;
static EVP_MD *mds[ATT_COUNT(HASHES)];
static EVP_MAC *hmac;

static const struct hash_row *row_of(enum att_hash alg)
{
    for (size_t i = 0; i < ATT_COUNT(HASHES); i++) {
        if (HASHES[i].alg == alg) {
            return &HASHES[i];
        }
    }
    return NULL;
}

size_t att_hash_size(enum att_hash alg)
{
    const struct hash_row *row = row_of(alg);

    return row == NULL ? 0 : row->size;
}

const char *att_hash_name(enum att_hash alg)
{
    const struct hash_row *row = row_of(alg);

    return row == NULL ? "none" : row->name;
}

static bool is_name(const char *known, const char *name, size_t len)
{
    return len == strlen(known) && memcmp(name, known, len) == 0;
}

enum att_hash att_hash_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ATT_COUNT(HASHES); i++) {
        if (is_name(HASHES[i].name, name, len)) {
            return HASHES[i].alg;
        }
    }
    for (size_t i = 0; i < ATT_COUNT(OTHER_NAMES); i++) {
        if (is_name(OTHER_NAMES[i].name, name, len)) {
            return OTHER_NAMES[i].alg;
        }
    }
    return ATT_HASH_NONE;
}

bool att_hash_usable(enum att_hash alg)
{
    const struct hash_row *row = row_of(alg);

    return row != NULL && row->openssl_name != NULL;
}

/* Kept for the life of the process: OpenSSL frees providers at exit, and these only point at them. */
static void fetch_all(void)
{
    for (size_t i = 0; i < ATT_COUNT(HASHES); i++) {
        if (HASHES[i].openssl_name != NULL) {
            mds[i] = EVP_MD_fetch(NULL, HASHES[i].openssl_name, NULL);
        }
    }
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
}

const EVP_MD *att_hash_evp(enum att_hash alg)
{
    const struct hash_row *row = row_of(alg);

    if (row == NULL || CRYPTO_THREAD_run_once(&fetch_once, fetch_all) != 1) {
        return NULL;
    }
    return mds[row - HASHES];
}

struct att_hasher {
    EVP_MD_CTX *ctx;
    enum att_hash alg;
};

enum att_err att_hasher_new(struct att_hasher **out)
{
    struct att_hasher *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return ATT_E_NOMEM;
    }
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL) {
        free(h);
        return ATT_E_NOMEM;
    }
    *out = h;
    return ATT_OK;
}

void att_hasher_free(struct att_hasher *h)
{
    if (h == NULL) {
        return;
    }
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

void att_hasher_freep(struct att_hasher **h)
{
    att_hasher_free(*h);
    *h = NULL;
}

enum att_err att_hasher_start(struct att_hasher *h, enum att_hash alg)
{
    const EVP_MD *md = NULL;

    /* Starting the algorithm that the context already has keeps its provider state. */
    if (alg == h->alg && alg != ATT_HASH_NONE) {
        return EVP_DigestInit_ex(h->ctx, NULL, NULL) == 1 ? ATT_OK : ATT_E_CRYPTO;
    }
    if (!att_hash_usable(alg)) {
        return ATT_E_UNSUPPORTED;
    }
    md = att_hash_evp(alg);
    if (md == NULL || EVP_DigestInit_ex(h->ctx, md, NULL) != 1) {
        h->alg = ATT_HASH_NONE;
        return ATT_E_CRYPTO;
    }
    h->alg = alg;
    return ATT_OK;
}

enum att_err att_hasher_add(struct att_hasher *h, const void *in, size_t len)
{
    if (len == 0) {
        return ATT_OK;
    }
    return EVP_DigestUpdate(h->ctx, in, len) == 1 ? ATT_OK : ATT_E_CRYPTO;
}

enum att_err att_hasher_finish(struct att_hasher *h, uint8_t *out)
{
    return EVP_DigestFinal_ex(h->ctx, out, NULL) == 1 ? ATT_OK : ATT_E_CRYPTO;
}

enum att_err att_digest(enum att_hash alg, const struct att_slice *parts, size_t count,
                        uint8_t *out)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    enum att_err err = att_hasher_new(&h);

    if (err != ATT_OK) {
        return err;
    }
    err = att_hasher_start(h, alg);
    for (size_t i = 0; err == ATT_OK && i < count; i++) {
        err = att_hasher_add(h, parts[i].p, parts[i].len);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_hasher_finish(h, out);
}

enum att_err att_sha256(struct att_slice in, uint8_t out[32])
{
    return att_digest(ATT_HASH_SHA256, &in, 1, out);
}

bool att_digest_eq(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

static enum att_err hmac_run(EVP_MAC_CTX *ctx, const char *name, struct att_slice key,
                             const struct att_slice *parts, size_t count)
{
    char digest[16] = "";
    OSSL_PARAM params[2];
    static const uint8_t EMPTY[1] = {0}; /* a NULL key means "keep the last one" to OpenSSL */

    /* The parameter wants memory that may be written, though nobody writes it. */
    strncpy(digest, name, sizeof(digest) - 1);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_end();
    if (EVP_MAC_init(ctx, key.len == 0 ? EMPTY : key.p, key.len, params) != 1) {
        return ATT_E_CRYPTO;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0 && EVP_MAC_update(ctx, parts[i].p, parts[i].len) != 1) {
            return ATT_E_CRYPTO;
        }
    }
    return ATT_OK;
}

enum att_err att_hmac(enum att_hash alg, struct att_slice key, const struct att_slice *parts,
                      size_t count, uint8_t *out)
{
    const struct hash_row *row = row_of(alg);
    enum att_err err = ATT_E_CRYPTO;
    EVP_MAC_CTX *ctx = NULL;
    size_t len = 0;

    if (row == NULL || row->openssl_name == NULL) {
        return ATT_E_UNSUPPORTED;
    }
    if (CRYPTO_THREAD_run_once(&fetch_once, fetch_all) != 1 || hmac == NULL) {
        return ATT_E_CRYPTO;
    }
    ctx = EVP_MAC_CTX_new(hmac);
    if (ctx == NULL) {
        return ATT_E_NOMEM;
    }
    err = hmac_run(ctx, row->openssl_name, key, parts, count);
    if (err == ATT_OK && (EVP_MAC_final(ctx, out, &len, row->size) != 1 || len != row->size)) {
        err = ATT_E_CRYPTO;
    }
    EVP_MAC_CTX_free(ctx);
    return err;
}

enum att_err att_random(void *out, size_t len)
{
    if (len > INT_MAX || RAND_bytes(out, (int)len) != 1) {
        return ATT_E_CRYPTO;
    }
    return ATT_OK;
}
