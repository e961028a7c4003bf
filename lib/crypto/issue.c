/*
 * The four certificates that this project issues, and nothing more general.
 *
 * Extensions are built from structures, never from text: a host name cannot become another
 * extension.
 */
#include "crypto/cert.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/cert_internal.h"
#include "crypto/digest_internal.h"
#include "crypto/key_internal.h"

#define SERIAL_BYTES 16
#define KEY_ID_BYTES 20 /* RFC 7093 2, method 1: the left 160 bits of SHA-256 */
#define COMMON_MAX   64 /* RFC 5280, ub-common-name */
#define HOST_MAX     253
#define HOSTS_MAX    32
#define KU_BIT_SIGN  0 /* RFC 5280 4.2.1.3 */
#define KU_BIT_CERT  5
#define KU_BIT_CRL   6
#define X509_V3      2
#define NOT_CRITICAL 0
#define CRITICAL     1

static bool is_printable(const char *text, size_t max)
{
    size_t len = text == NULL ? 0 : strnlen(text, max + 1);

    if (len == 0 || len > max) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static enum att_err check_order(const struct att_cert_order *order, struct att_diag *diag)
{
    if (!is_printable(order->common_name, COMMON_MAX)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certificate.common_name",
                        "expected 1 to %d ASCII characters", COMMON_MAX);
    }
    if (order->not_before >= order->not_after) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certificate.validity",
                        "the certificate would never be valid");
    }
    if (order->kind == ATT_CERT_TLS_CLIENT &&
        (order->device_id == NULL ||
         !att_device_id_ok(order->device_id, strnlen(order->device_id, ATT_DEVICE_ID_MAX + 1)))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_ID, "certificate.device_id",
                        "expected 1 to %d of A-Z a-z 0-9 . _ -", ATT_DEVICE_ID_MAX);
    }
    if (order->kind == ATT_CERT_LABEL_SIGNER && order->verifier_id != NULL &&
        !is_printable(order->verifier_id, ATT_VERIFIER_MAX)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certificate.verifier_id",
                        "expected 1 to %d ASCII characters", ATT_VERIFIER_MAX);
    }
    if (order->kind == ATT_CERT_TLS_SERVER &&
        (order->host_count == 0 || order->host_count > HOSTS_MAX)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certificate.hosts",
                        "expected 1 to %d host names or addresses, found %zu", HOSTS_MAX,
                        order->host_count);
    }
    return ATT_OK;
}

static int set_serial(X509 *x509)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number = NULL;
    int rc = 0;

    if (att_random(bytes, sizeof(bytes)) != ATT_OK) {
        return 0;
    }
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and always of the same length */
    number = BN_bin2bn(bytes, SERIAL_BYTES, NULL);
    rc = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return rc;
}

static int set_subject(X509 *x509, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(x509);

    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)common_name, -1, -1, 0);
}

static int add_ext(X509 *x509, int nid, void *value, int critical)
{
    return value == NULL ? 0 : X509_add1_ext_i2d(x509, nid, value, critical, X509V3_ADD_DEFAULT);
}

static int add_basic(X509 *x509, bool ca)
{
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    int rc = 0;

    if (basic != NULL && ca) {
        basic->ca = 0xff;
        basic->pathlen = ASN1_INTEGER_new(); /* zero: our roots sign leaves only */
    }
    if (basic != NULL && (!ca || basic->pathlen != NULL)) {
        rc = add_ext(x509, NID_basic_constraints, basic, CRITICAL);
    }
    BASIC_CONSTRAINTS_free(basic);
    return rc;
}

static int add_usage(X509 *x509, bool ca)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    int rc = bits != NULL;

    if (rc == 1 && ca) {
        rc = ASN1_BIT_STRING_set_bit(bits, KU_BIT_CERT, 1) == 1 &&
             ASN1_BIT_STRING_set_bit(bits, KU_BIT_CRL, 1) == 1;
    } else if (rc == 1) {
        rc = ASN1_BIT_STRING_set_bit(bits, KU_BIT_SIGN, 1) == 1;
    }
    if (rc == 1) {
        rc = add_ext(x509, NID_key_usage, bits, CRITICAL);
    }
    ASN1_BIT_STRING_free(bits);
    return rc;
}

static int add_eku(X509 *x509, ASN1_OBJECT *purpose, int critical)
{
    EXTENDED_KEY_USAGE *uses = EXTENDED_KEY_USAGE_new();
    int rc = 0;

    if (uses != NULL && purpose != NULL && sk_ASN1_OBJECT_push(uses, purpose) > 0) {
        rc = add_ext(x509, NID_ext_key_usage, uses, critical);
    } else {
        ASN1_OBJECT_free(purpose);
    }
    EXTENDED_KEY_USAGE_free(uses); /* with purpose */
    return rc;
}

/* One general name of a kind that is a string or bytes. */
static int push_name(GENERAL_NAMES *names, int kind, const void *value, size_t len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text =
        ASN1_STRING_type_new(kind == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);

    if (name == NULL || text == NULL || ASN1_STRING_set(text, value, (int)len) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(text);
        return 0;
    }
    GENERAL_NAME_set0_value(name, kind, text);
    if (sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        return 0;
    }
    return 1;
}

static bool is_host_name(const char *host)
{
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    size_t len = strnlen(host, HOST_MAX + 1);

    return len > 0 && len <= HOST_MAX && strspn(host, LETTERS) == len && host[0] != '.' &&
           host[0] != '-';
}

static enum att_err add_hosts(X509 *x509, const struct att_cert_order *order, struct att_diag *diag)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    enum att_err err = names == NULL ? ATT_E_NOMEM : ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < order->host_count; i++) {
        const char *host = order->hosts[i];
        uint8_t ip[16];
        int rc = 0;

        if (inet_pton(AF_INET, host, ip) == 1) {
            rc = push_name(names, GEN_IPADD, ip, 4);
        } else if (inet_pton(AF_INET6, host, ip) == 1) {
            rc = push_name(names, GEN_IPADD, ip, 16);
        } else if (is_host_name(host)) {
            rc = push_name(names, GEN_DNS, host, strlen(host));
        } else {
            err = att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "certificate.hosts",
                           "entry %zu is neither a host name nor an address", i);
            break;
        }
        err = rc == 1 ? ATT_OK : ATT_E_CRYPTO;
    }
    if (err == ATT_OK && add_ext(x509, NID_subject_alt_name, names, NOT_CRITICAL) != 1) {
        err = ATT_E_CRYPTO;
    }
    GENERAL_NAMES_free(names);
    return err;
}

/* A URI name: the prefix and an id that check_order has bounded. */
static int add_uri(X509 *x509, const char *urn, const char *id)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    char uri[sizeof(ATT_VERIFIER_URN) + ATT_VERIFIER_MAX];
    int rc = 0;

    (void)snprintf(uri, sizeof(uri), "%s%s", urn, id);
    if (names != NULL && push_name(names, GEN_URI, uri, strlen(uri)) == 1) {
        rc = add_ext(x509, NID_subject_alt_name, names, NOT_CRITICAL);
    }
    GENERAL_NAMES_free(names);
    return rc;
}

static int set_octets(ASN1_OCTET_STRING *out, const X509 *key_of)
{
    uint8_t md[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    return X509_pubkey_digest(key_of, att_hash_evp(ATT_HASH_SHA256), md, &len) == 1 &&
           len >= KEY_ID_BYTES && ASN1_OCTET_STRING_set(out, md, KEY_ID_BYTES) == 1;
}

/* An issuer of somebody else's may have no identifier; then there is nothing to point at. */
static int add_authority(X509 *x509, const ASN1_OCTET_STRING *its)
{
    AUTHORITY_KEYID *authority = NULL;
    int rc = 0;

    if (its == NULL) {
        return 1;
    }
    authority = AUTHORITY_KEYID_new();
    if (authority == NULL) {
        return 0;
    }
    authority->keyid = ASN1_OCTET_STRING_dup(its);
    if (authority->keyid != NULL) {
        rc = add_ext(x509, NID_authority_key_identifier, authority, NOT_CRITICAL);
    }
    AUTHORITY_KEYID_free(authority);
    return rc;
}

static int add_key_ids(X509 *x509, X509 *issuer)
{
    ASN1_OCTET_STRING *own = ASN1_OCTET_STRING_new();
    int rc = 0;

    if (own != NULL && set_octets(own, x509) == 1 &&
        add_ext(x509, NID_subject_key_identifier, own, NOT_CRITICAL) == 1) {
        rc = add_authority(x509, issuer == NULL ? own : X509_get0_subject_key_id(issuer));
    }
    ASN1_OCTET_STRING_free(own);
    return rc;
}

static enum att_err add_purpose(X509 *x509, const struct att_cert_order *order,
                                struct att_diag *diag)
{
    int rc = 0;

    switch (order->kind) {
    case ATT_CERT_ROOT:
        return ATT_OK;
    case ATT_CERT_LABEL_SIGNER:
        rc = add_eku(x509, OBJ_txt2obj(ATT_OID_LABEL_SIGNING, 1), CRITICAL) == 1 &&
             (order->verifier_id == NULL ||
              add_uri(x509, ATT_VERIFIER_URN, order->verifier_id) == 1);
        break;
    case ATT_CERT_TLS_SERVER:
        if (add_eku(x509, OBJ_nid2obj(NID_server_auth), NOT_CRITICAL) != 1) {
            return ATT_E_CRYPTO;
        }
        return add_hosts(x509, order, diag);
    case ATT_CERT_TLS_CLIENT:
        rc = add_eku(x509, OBJ_nid2obj(NID_client_auth), NOT_CRITICAL) == 1 &&
             add_uri(x509, ATT_DEVICE_URN, order->device_id) == 1;
        break;
    }
    return rc == 1 ? ATT_OK : ATT_E_CRYPTO;
}

static enum att_err fill(X509 *x509, const struct att_cert_order *order, X509 *issuer,
                         struct att_diag *diag)
{
    bool ca = order->kind == ATT_CERT_ROOT;
    const X509_NAME *issuer_name = NULL;

    if (X509_set_version(x509, X509_V3) != 1 || set_serial(x509) != 1 ||
        set_subject(x509, order->common_name) != 1 ||
        ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)order->not_before) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)order->not_after) == NULL ||
        X509_set_pubkey(x509, order->subject_key->pkey) != 1) {
        return ATT_E_CRYPTO;
    }
    issuer_name = X509_get_subject_name(issuer == NULL ? x509 : issuer);
    if (X509_set_issuer_name(x509, issuer_name) != 1 || add_basic(x509, ca) != 1 ||
        add_usage(x509, ca) != 1 || add_key_ids(x509, issuer) != 1) {
        return ATT_E_CRYPTO;
    }
    return add_purpose(x509, order, diag);
}

/* The certificate would carry a signature that nobody can check: a mistake to find now, not later. */
static enum att_err check_issuer(const struct att_cert_order *order, const struct att_cert *issuer,
                                 const struct att_privkey *key, struct att_diag *diag)
{
    if (issuer == NULL) {
        if (EVP_PKEY_eq(order->subject_key->pkey, key->pkey) != 1) {
            return att_fail(diag, ATT_E_MISMATCH, ATT_R_CFG_KEY, "certificate.key",
                            "a self-signed certificate needs the key that signs it");
        }
        return ATT_OK;
    }
    if (!att_cert_is_ca(issuer)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_CFG_KEY, "issuer",
                        "expected a certificate authority");
    }
    if (X509_check_private_key(issuer->x509, key->pkey) != 1) {
        ERR_clear_error();
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_CFG_KEY, "issuer",
                        "the issuer's certificate belongs to another key");
    }
    return ATT_OK;
}

const EVP_MD *att_cert_md(enum att_key_type type)
{
    switch (type) {
    case ATT_KEY_EC_P384:
        return att_hash_evp(ATT_HASH_SHA384);
    case ATT_KEY_EC_P521:
        return att_hash_evp(ATT_HASH_SHA512);
    case ATT_KEY_ED25519:
        return NULL;
    case ATT_KEY_RSA:
    case ATT_KEY_EC_P256:
    default:
        return att_hash_evp(ATT_HASH_SHA256);
    }
}

static enum att_err to_der(struct att_buf **out, X509 *x509)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x509, &der);

    return att_der_take(out, der, len);
}

enum att_err att_cert_issue(struct att_buf **out, const struct att_cert_order *order,
                            const struct att_cert *issuer, const struct att_privkey *issuer_key,
                            struct att_diag *diag)
{
    enum att_err err = check_order(order, diag);
    X509 *x509 = NULL;

    if (err == ATT_OK) {
        err = check_issuer(order, issuer, issuer_key, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    x509 = X509_new();
    if (x509 == NULL) {
        return ATT_E_NOMEM;
    }
    err = fill(x509, order, issuer == NULL ? NULL : issuer->x509, diag);
    if (err == ATT_OK && X509_sign(x509, issuer_key->pkey, att_cert_md(issuer_key->type)) <= 0) {
        err = ATT_E_CRYPTO;
    }
    if (err == ATT_OK) {
        err = to_der(out, x509);
    }
    X509_free(x509);
    ERR_clear_error();
    return err;
}
