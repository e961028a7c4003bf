/* Public keys out of DER and PEM: taken apart here, built and judged in key.c. */
#include "crypto/key.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "base/rd.h"
#include "crypto/key_internal.h"
#include "crypto/pem_internal.h"

#define DER_INTEGER  0x02
#define DER_SEQUENCE 0x30

/*
 * SubjectPublicKeyInfo is a fixed head and the key for everything but RSA (RFC 5480 2.1, RFC 8410 4), so
 * these are read and written without a DER engine: seven times as fast, and stored keys are read often.
 */
struct spki_head {
    enum att_key_type type;
    size_t len;     /* bytes of the head */
    size_t key_len; /* bytes behind it: point or raw key */
    uint8_t bytes[26];
};

static const struct spki_head HEADS[] = {
    {ATT_KEY_EC_P256, 26, 65, {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                               0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                               0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00}},
    {ATT_KEY_EC_P384, 23, 97, {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                               0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                               0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00}},
    {ATT_KEY_EC_P521, 25, 133, {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
                                0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00}},
    {ATT_KEY_ED25519,
     12,
     32,
     {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}},
};

/* The length of a DER value (X.690 8.1.3) of at most 64 KiB; sticky like every other read. */
static uint32_t read_der_len(struct att_rd *r)
{
    uint8_t first = att_rd_u8(r);

    if (first < 0x80) {
        return first;
    }
    if (first == 0x81) {
        return att_rd_count8(r, UINT8_MAX);
    }
    if (first == 0x82) {
        return att_rd_count16be(r, UINT16_MAX);
    }
    att_rd_fail(r, ATT_E_FORMAT);
    return 0;
}

/* One positive INTEGER (X.690 8.3). */
static struct att_slice read_der_uint(struct att_rd *r)
{
    struct att_slice number = {0};
    uint32_t len = 0;
    uint8_t tag = att_rd_u8(r);

    if (tag != DER_INTEGER) {
        att_rd_fail(r, ATT_E_FORMAT);
    }
    len = read_der_len(r);
    number = att_rd_bytes(r, len);
    if (number.len == 0 || (number.p[0] & 0x80) != 0) {
        att_rd_fail(r, ATT_E_FORMAT);
    }
    return number;
}

/* An exponent that fits 32 bits, or 0 for every other: TPMs hold no larger one. */
static uint32_t exponent_of(struct att_slice e)
{
    uint64_t value = 0;

    if (e.len > 5) {
        return 0;
    }
    for (size_t i = 0; i < e.len; i++) {
        value = (value << 8) | e.p[i];
    }
    return value > UINT32_MAX ? 0 : (uint32_t)value;
}

/* RSAPublicKey (RFC 8017 A.1.1), whatever the algorithm around it is called. */
static enum att_err from_rsa_der(struct att_pubkey **out, struct att_slice der,
                                 struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(der);
    struct att_slice n = {0};
    struct att_slice e = {0};
    enum att_err err = ATT_OK;
    uint32_t exponent = 0;
    uint32_t len = 0;
    uint8_t tag = att_rd_u8(&r);

    len = read_der_len(&r);
    if (tag != DER_SEQUENCE || len != att_rd_left(&r)) {
        att_rd_fail(&r, ATT_E_FORMAT);
    }
    n = read_der_uint(&r);
    e = read_der_uint(&r);
    err = att_rd_end_diag(&r, ATT_R_ID_KEY, "key.rsa", diag);
    if (err != ATT_OK) {
        return err;
    }
    /* 0 would mean 65537 below, which is the TPM's spelling and not that of this structure. */
    exponent = exponent_of(e);
    if (exponent == 0) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key.e",
                        "expected an odd exponent of at most 32 bits");
    }
    return att_pubkey_from_rsa(out, n, exponent, diag);
}

/* The type of a curve's object identifier; ATT_KEY_RSA for one that we do not use. */
static enum att_key_type curve_type(int nid)
{
    switch (nid) {
    case NID_X9_62_prime256v1:
        return ATT_KEY_EC_P256;
    case NID_secp384r1:
        return ATT_KEY_EC_P384;
    case NID_secp521r1:
        return ATT_KEY_EC_P521;
    default:
        return ATT_KEY_RSA;
    }
}

static enum att_err from_ec_bits(struct att_pubkey **out, enum att_key_type type,
                                 struct att_slice point, struct att_diag *diag)
{
    size_t field = att_key_field_size(type);
    struct att_rd r = att_rd_slice(point);
    uint8_t form = att_rd_u8(&r);
    struct att_slice x = att_rd_bytes(&r, field);
    struct att_slice y = att_rd_bytes(&r, field);

    if (form != POINT_CONVERSION_UNCOMPRESSED || att_rd_end(&r) != ATT_OK) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key.point",
                        "expected an uncompressed point of %zu bytes, found %zu", 1 + 2 * field,
                        point.len);
    }
    return att_pubkey_from_ec(out, type, x, y, diag);
}

static enum att_err from_ec_der(struct att_pubkey **out, const X509_ALGOR *alg,
                                struct att_slice point, struct att_diag *diag)
{
    enum att_key_type type = ATT_KEY_RSA;
    const void *param = NULL;
    int kind = 0;

    X509_ALGOR_get0(NULL, &kind, &param, alg);
    /* Curves spelled out parameter by parameter have been used for forgeries: named ones only. */
    if (kind == V_ASN1_OBJECT) {
        type = curve_type(OBJ_obj2nid(param));
    }
    if (att_key_field_size(type) == 0) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_WEAKKEY, "key.curve",
                        "expected the named curve P-256, P-384 or P-521");
    }
    return from_ec_bits(out, type, point, diag);
}

enum att_err att_pubkey_from_ed25519(struct att_pubkey **out, struct att_slice raw,
                                     struct att_diag *diag)
{
    EVP_PKEY *pkey = NULL;

    if (raw.len != 32) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key",
                        "expected an Ed25519 key of 32 bytes, found %zu", raw.len);
    }
    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw.p, raw.len);
    if (pkey == NULL) {
        return ATT_E_CRYPTO;
    }
    return att_pubkey_wrap(out, pkey, ATT_KEY_ED25519);
}

enum att_err att_pubkey_from_x509(struct att_pubkey **out, const X509_PUBKEY *spki, bool oaep,
                                  bool *was_oaep, struct att_diag *diag)
{
    ASN1_OBJECT *oid = NULL;
    const unsigned char *bits = NULL;
    X509_ALGOR *alg = NULL;
    struct att_slice key = {0};
    char name[64] = "";
    int len = 0;
    int nid = 0;

    if (X509_PUBKEY_get0_param(&oid, &bits, &len, &alg, spki) != 1 || len <= 0) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key", "the public key is empty");
    }
    key = att_slice_of(bits, (size_t)len);
    nid = OBJ_obj2nid(oid);
    if (was_oaep != NULL) {
        *was_oaep = nid == NID_rsaesOaep;
    }
    if (nid == NID_rsaEncryption || (oaep && nid == NID_rsaesOaep)) {
        return from_rsa_der(out, key, diag);
    }
    if (nid == NID_X9_62_id_ecPublicKey) {
        return from_ec_der(out, alg, key, diag);
    }
    if (nid == NID_ED25519) {
        return att_pubkey_from_ed25519(out, key, diag);
    }
    (void)OBJ_obj2txt(name, sizeof(name), oid, 1);
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_KEY, "key.algorithm",
                    "expected an RSA, EC or Ed25519 key, found algorithm %s", name);
}

static const struct spki_head *head_of_type(enum att_key_type type)
{
    for (size_t i = 0; i < ATT_COUNT(HEADS); i++) {
        if (HEADS[i].type == type) {
            return &HEADS[i];
        }
    }
    return NULL;
}

/* The head that these bytes begin with, and the key behind it, when the length is exact. */
static const struct spki_head *head_of(struct att_slice der, struct att_slice *key)
{
    for (size_t i = 0; i < ATT_COUNT(HEADS); i++) {
        struct att_rd r = att_rd_slice(der);
        struct att_slice head = att_rd_bytes(&r, HEADS[i].len);

        *key = att_rd_bytes(&r, HEADS[i].key_len);
        if (att_rd_end(&r) == ATT_OK &&
            att_slice_eq(head, att_slice_of(HEADS[i].bytes, HEADS[i].len))) {
            return &HEADS[i];
        }
    }
    return NULL;
}

enum att_err att_der_take(struct att_buf **out, unsigned char *der, int len)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err = ATT_OK;

    if (len <= 0) {
        return ATT_E_CRYPTO;
    }
    err = att_buf_new(&b, (size_t)len);
    if (err == ATT_OK) {
        err = att_buf_add(b, der, (size_t)len);
    }
    OPENSSL_free(der);
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

static enum att_err spki_by_openssl(struct att_buf **out, const EVP_PKEY *pkey)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);

    return att_der_take(out, der, len);
}

enum att_err att_pubkey_spki(struct att_buf **out, const struct att_pubkey *k)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    const struct spki_head *head = head_of_type(k->type);
    uint8_t key[1 + 2 * ATT_EC_FIELD_MAX];
    enum att_err err = ATT_OK;

    if (head == NULL) {
        return spki_by_openssl(out, k->pkey);
    }
    err = att_pubkey_raw(k, key, head->key_len);
    if (err == ATT_OK) {
        err = att_buf_new(&b, head->len + head->key_len);
    }
    if (err == ATT_OK) {
        err = att_buf_add(b, head->bytes, head->len);
    }
    if (err == ATT_OK) {
        err = att_buf_add(b, key, head->key_len);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

/* What is not one of the fixed forms: RSA, or something to refuse by its name. */
static enum att_err from_other_spki(struct att_pubkey **out, struct att_slice der,
                                    struct att_diag *diag)
{
    const unsigned char *at = der.p;
    X509_PUBKEY *spki = NULL;
    enum att_err err = ATT_OK;

    if (der.len == 0 || der.len > ATT_PEM_MAX) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "key",
                        "expected a DER SubjectPublicKeyInfo, found %zu bytes", der.len);
    }
    spki = d2i_X509_PUBKEY(NULL, &at, (long)der.len);
    ERR_clear_error();
    if (spki == NULL) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "key",
                        "expected a DER SubjectPublicKeyInfo");
    }
    if (at != der.p + der.len) {
        X509_PUBKEY_free(spki);
        return att_fail_at(diag, ATT_E_TRAILING, ATT_R_FMT_KEY, "key", (size_t)(at - der.p),
                           "bytes left over after the key");
    }
    err = att_pubkey_from_x509(out, spki, false, NULL, diag);
    X509_PUBKEY_free(spki);
    return err;
}

enum att_err att_pubkey_from_spki(struct att_pubkey **out, struct att_slice der,
                                  struct att_diag *diag)
{
    struct att_slice key = {0};
    const struct spki_head *head = head_of(der, &key);

    if (head == NULL) {
        return from_other_spki(out, der, diag);
    }
    if (head->type == ATT_KEY_ED25519) {
        return att_pubkey_from_ed25519(out, key, diag);
    }
    return from_ec_bits(out, head->type, key, diag);
}

static enum att_err from_cert_der(struct att_pubkey **out, struct att_slice der,
                                  struct att_diag *diag)
{
    const unsigned char *at = der.p;
    X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
    enum att_err err = ATT_E_FORMAT;

    ERR_clear_error();
    if (x509 == NULL || at != der.p + der.len) {
        X509_free(x509);
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_CERT, "certificate",
                        "the block is not one DER certificate");
    }
    err = att_pubkey_from_x509(out, X509_get_X509_PUBKEY(x509), false, NULL, diag);
    X509_free(x509);
    return err;
}

enum att_err att_pubkey_from_text(struct att_pubkey **out, struct att_slice in,
                                  struct att_diag *diag)
{
    ATT_CLEANUP(att_pem_clear) struct att_pem pem = {0};
    enum att_err err = ATT_OK;
    char found[64];

    if (att_pem_is_der(in)) {
        return att_pubkey_from_spki(out, in, diag);
    }
    err = att_pem_only(&pem, in);
    if (err != ATT_OK) {
        err = err == ATT_E_NOT_FOUND ? ATT_E_FORMAT : err;
        return att_fail(diag, err, ATT_R_FMT_KEY, "key",
                        "expected one PEM block \"PUBLIC KEY\" or \"CERTIFICATE\", or DER");
    }
    if (strcmp(pem.name, "PUBLIC KEY") == 0) {
        return att_pubkey_from_spki(out, att_buf_slice(pem.der), diag);
    }
    if (strcmp(pem.name, "CERTIFICATE") == 0) {
        return from_cert_der(out, att_buf_slice(pem.der), diag);
    }
    return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_KEY, "key",
                    "expected a PEM block \"PUBLIC KEY\" or \"CERTIFICATE\", found \"%s\"",
                    att_escape(found, sizeof(found), pem.name, strlen(pem.name)));
}

enum att_err att_pubkey_from_evp(struct att_pubkey **out, const EVP_PKEY *pkey,
                                 struct att_diag *diag)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    enum att_err err = ATT_OK;

    ERR_clear_error();
    if (len <= 0) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_ID_KEY, "key", "the public key cannot be read");
    }
    err = att_pubkey_from_spki(out, att_slice_of(der, (size_t)len), diag);
    OPENSSL_free(der);
    return err;
}
