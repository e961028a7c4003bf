/*
 * Public keys: every form that comes in is taken apart and built again by two functions, so that
 * one key has one fingerprint and one set of rules.
 *
 * OpenSSL's general DER decoder is not asked: it costs 150 us where a point costs 22, and it reads
 * more kinds of keys than anybody here should accept.
 */
#include "crypto/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "base/guard.h"
#include "base/wr.h"
#include "crypto/key_internal.h"

#define RSA_BITS_MIN  2048
#define RSA_E_DEFAULT 65537
#define POINT_MAX     (1 + 2 * ATT_EC_FIELD_MAX)

struct curve {
    enum att_key_type type;
    unsigned int bits;
    size_t field;  /* bytes of one coordinate */
    char group[8]; /* NIST's name */
};

static const struct curve CURVES[] = {
    {ATT_KEY_EC_P256, 256, 32, "P-256"},
    {ATT_KEY_EC_P384, 384, 48, "P-384"},
    {ATT_KEY_EC_P521, 521, 66, "P-521"},
};

static const struct curve *curve_of(enum att_key_type type)
{
    for (size_t i = 0; i < ATT_COUNT(CURVES); i++) {
        if (CURVES[i].type == type) {
            return &CURVES[i];
        }
    }
    return NULL;
}

size_t att_key_field_size(enum att_key_type type)
{
    const struct curve *c = curve_of(type);

    return c == NULL ? 0 : c->field;
}

enum att_err att_pubkey_wrap(struct att_pubkey **out, EVP_PKEY *pkey, enum att_key_type type)
{
    struct att_pubkey *k = calloc(1, sizeof(*k));
    struct att_key_op *op = calloc(1, sizeof(*op));

    if (k == NULL || op == NULL) {
        free(k);
        free(op);
        EVP_PKEY_free(pkey);
        return ATT_E_NOMEM;
    }
    k->type = type;
    k->bits = (unsigned int)EVP_PKEY_get_bits(pkey);
    k->pkey = pkey;
    k->op = op;
    *out = k;
    return ATT_OK;
}

void att_pubkey_free(struct att_pubkey *k)
{
    if (k == NULL) {
        return;
    }
    EVP_PKEY_CTX_free(k->op->ctx);
    free(k->op);
    EVP_PKEY_free(k->pkey);
    free(k);
}

void att_pubkey_freep(struct att_pubkey **k)
{
    att_pubkey_free(*k);
    *k = NULL;
}

/* The key that the parameters describe, or NULL when they describe none. */
static EVP_PKEY *from_params(const char *kind, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
    EVP_PKEY *pkey = NULL;

    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return pkey;
}

static enum att_err from_point(struct att_pubkey **out, const struct curve *c, uint8_t *point,
                               struct att_diag *diag)
{
    OSSL_PARAM params[3];
    EVP_PKEY *pkey = NULL;
    char group[sizeof(c->group)];

    memcpy(group, c->group, sizeof(group));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->field);
    params[2] = OSSL_PARAM_construct_end();
    /* The import refuses coordinates that are not below p and points off the curve; the three curves
     * have cofactor 1, so a point on the curve is a point of the group. */
    pkey = from_params("EC", params);
    if (ATT_GUARD(KEY_POINT, pkey == NULL)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key.point",
                        "expected a point on %s, found coordinates that are not one", c->group);
    }
    return att_pubkey_wrap(out, pkey, c->type);
}

enum att_err att_pubkey_from_ec(struct att_pubkey **out, enum att_key_type curve,
                                struct att_slice x, struct att_slice y, struct att_diag *diag)
{
    const struct curve *c = curve_of(curve);
    uint8_t point[POINT_MAX];
    struct att_wr w = att_wr_into(point, sizeof(point));

    if (c == NULL) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_KEY, "key.curve",
                        "expected P-256, P-384 or P-521");
    }
    if (x.len == 0 || y.len == 0 || x.len > c->field || y.len > c->field) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key.point",
                        "expected coordinates of 1 to %zu bytes, found %zu and %zu", c->field,
                        x.len, y.len);
    }
    att_wr_u8(&w, POINT_CONVERSION_UNCOMPRESSED);
    att_wr_zeros(&w, c->field - x.len);
    att_wr_slice(&w, x);
    att_wr_zeros(&w, c->field - y.len);
    att_wr_slice(&w, y);
    if (!att_wr_ok(&w)) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "key.point", "point too long");
    }
    return from_point(out, c, point, diag);
}

static enum att_err check_rsa(const BIGNUM *n, const BIGNUM *e, struct att_diag *diag)
{
    int bits = BN_num_bits(n);

    if (ATT_GUARD(KEY_RSA_BITS, bits < RSA_BITS_MIN)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_ID_WEAKKEY, "key.n",
                        "expected an RSA modulus of at least %d bits, found %d", RSA_BITS_MIN,
                        bits);
    }
    /* Above, one verification costs so much that it becomes a lever against the service. */
    if (ATT_GUARD(KEY_RSA_BITS_MAX, bits > ATT_RSA_BITS_MAX)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_ID_WEAKKEY, "key.n",
                        "expected an RSA modulus of at most %d bits, found %d", ATT_RSA_BITS_MAX,
                        bits);
    }
    if (BN_is_odd(n) != 1) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key.n", "the modulus is even");
    }
    if (ATT_GUARD(KEY_ROCA, att_rsa_is_roca(n))) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_ID_WEAKKEY, "key.n",
                        "the modulus has the form of CVE-2017-15361 (ROCA): its primes can be "
                        "computed");
    }
    /* FIPS 186-5 A.1.1: odd, above 2^16 and below 2^256; TPMs use 32 bits. */
    if (BN_is_odd(e) != 1 || BN_num_bits(e) > 32) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key.e",
                        "expected an odd exponent of at most 32 bits");
    }
    if (ATT_GUARD(KEY_RSA_EXPONENT, BN_num_bits(e) < 17)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_WEAKKEY, "key.e",
                        "expected an exponent of at least 65537");
    }
    return ATT_OK;
}

static enum att_err rsa_from_bn(struct att_pubkey **out, const BIGNUM *n, const BIGNUM *e,
                                struct att_diag *diag)
{
    OSSL_PARAM_BLD *build = NULL;
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;
    enum att_err err = check_rsa(n, e, diag);

    if (err != ATT_OK) {
        return err;
    }
    build = OSSL_PARAM_BLD_new();
    if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    OSSL_PARAM_BLD_free(build);
    if (params == NULL) {
        return ATT_E_NOMEM;
    }
    pkey = from_params("RSA", params);
    OSSL_PARAM_free(params);
    if (pkey == NULL) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_ID_KEY, "key", "the RSA key cannot be used");
    }
    return att_pubkey_wrap(out, pkey, ATT_KEY_RSA);
}

enum att_err att_pubkey_from_rsa(struct att_pubkey **out, struct att_slice n, uint32_t e,
                                 struct att_diag *diag)
{
    enum att_err err = ATT_E_NOMEM;
    BIGNUM *modulus = NULL;
    BIGNUM *exponent = NULL;

    if (n.len == 0 || n.len > 2 * ATT_RSA_BITS_MAX / 8) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_ID_WEAKKEY, "key.n",
                        "expected a modulus of %d to %d bits, found %zu bytes", RSA_BITS_MIN,
                        ATT_RSA_BITS_MAX, n.len);
    }
    modulus = BN_bin2bn(n.p, (int)n.len, NULL);
    exponent = BN_new();
    if (modulus != NULL && exponent != NULL &&
        BN_set_word(exponent, e == 0 ? RSA_E_DEFAULT : e) == 1) {
        err = rsa_from_bn(out, modulus, exponent, diag);
    }
    BN_free(modulus);
    BN_free(exponent);
    return err;
}

enum att_key_type att_pubkey_type(const struct att_pubkey *k)
{
    return k->type;
}

unsigned int att_pubkey_bits(const struct att_pubkey *k)
{
    return k->bits;
}

bool att_pubkey_eq(const struct att_pubkey *a, const struct att_pubkey *b)
{
    return a->type == b->type && EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

enum att_err att_pubkey_fingerprint(uint8_t out[32], const struct att_pubkey *k)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    struct att_key_op *op = k->op;
    enum att_err err = ATT_OK;

    if (!op->has_fingerprint) {
        err = att_pubkey_spki(&spki, k);
        if (err == ATT_OK) {
            err = att_sha256(att_buf_slice(spki), op->fingerprint);
        }
        if (err != ATT_OK) {
            return err;
        }
        op->has_fingerprint = true;
    }
    memcpy(out, op->fingerprint, sizeof(op->fingerprint));
    return ATT_OK;
}

enum att_err att_pubkey_raw(const struct att_pubkey *k, uint8_t *out, size_t size)
{
    size_t len = size;

    if (k->type == ATT_KEY_ED25519) {
        return EVP_PKEY_get_raw_public_key(k->pkey, out, &len) == 1 && len == size ? ATT_OK
                                                                                   : ATT_E_CRYPTO;
    }
    return EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY, out, size, &len) ==
                       1 &&
                   len == size
               ? ATT_OK
               : ATT_E_CRYPTO;
}

enum att_err att_pubkey_ed25519(uint8_t out[ATT_ED25519_LEN], const struct att_pubkey *k)
{
    return k->type == ATT_KEY_ED25519 ? att_pubkey_raw(k, out, ATT_ED25519_LEN) : ATT_E_UNSUPPORTED;
}

enum att_err att_pubkey_ec_point(const struct att_pubkey *k, uint8_t *x, uint8_t *y, size_t *size)
{
    uint8_t point[POINT_MAX];
    size_t field = att_key_field_size(k->type);
    enum att_err err = ATT_OK;

    if (field == 0) {
        return ATT_E_UNSUPPORTED;
    }
    err = att_pubkey_raw(k, point, 1 + 2 * field);
    if (err != ATT_OK) {
        return err;
    }
    memcpy(x, point + 1, field);
    memcpy(y, point + 1 + field, field);
    *size = field;
    return ATT_OK;
}
