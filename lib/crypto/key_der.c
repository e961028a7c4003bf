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

static enum att_err from_ec_der(struct att_pubkey **out, const X509_ALGOR *alg,
                                struct att_slice point, struct att_diag *diag)
{
    enum att_key_type type = ATT_KEY_RSA;
    size_t field = 0;
    struct att_rd r = att_rd_slice(point);
    struct att_slice x = {0};
    struct att_slice y = {0};
    const void *param = NULL;
    int kind = 0;
    uint8_t form = 0;

    X509_ALGOR_get0(NULL, &kind, &param, alg);
    /* Curves spelled out parameter by parameter have been used for forgeries: named ones only. */
    if (kind == V_ASN1_OBJECT) {
        type = curve_type(OBJ_obj2nid(param));
    }
    field = att_key_field_size(type);
    if (field == 0) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_WEAKKEY, "key.curve",
                        "expected the named curve P-256, P-384 or P-521");
    }
    form = att_rd_u8(&r);
    x = att_rd_bytes(&r, field);
    y = att_rd_bytes(&r, field);
    if (form != POINT_CONVERSION_UNCOMPRESSED || att_rd_end(&r) != ATT_OK) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ID_KEY, "key.point",
                        "expected an uncompressed point of %zu bytes, found %zu", 1 + 2 * field,
                        point.len);
    }
    return att_pubkey_from_ec(out, type, x, y, diag);
}

static enum att_err from_ed25519(struct att_pubkey **out, struct att_slice raw,
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
        return from_ed25519(out, key, diag);
    }
    (void)OBJ_obj2txt(name, sizeof(name), oid, 1);
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_ID_KEY, "key.algorithm",
                    "expected an RSA, EC or Ed25519 key, found algorithm %s", name);
}

enum att_err att_pubkey_from_spki(struct att_pubkey **out, struct att_slice der,
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
