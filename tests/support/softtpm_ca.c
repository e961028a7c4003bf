/* The TPM in software: who vouches for it. A root, EK certificates, certificate requests. */
#include <stdio.h>

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "need.h"
#include "softtpm.h"

#define YEAR_S 31536000L

static void add_name(X509_NAME *name, const char *common_name)
{
    NEED(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name,
                                    -1, -1, 0) == 1);
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    NEED(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static X509 *blank(EVP_PKEY *key, int64_t not_before_s, int64_t not_after_s)
{
    X509 *cert = X509_new();
    uint8_t serial[16];
    BIGNUM *bn;

    NEED(cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1);
    NEED(RAND_bytes(serial, sizeof(serial)) == 1);
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
    bn = BN_bin2bn(serial, sizeof(serial), NULL);
    NEED(bn != NULL && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL);
    BN_free(bn);
    NEED(X509_gmtime_adj(X509_getm_notBefore(cert), (long)not_before_s) != NULL);
    NEED(X509_gmtime_adj(X509_getm_notAfter(cert), (long)not_after_s) != NULL);
    NEED(X509_set_pubkey(cert, key) == 1);
    return cert;
}

struct softtpm_ca *softtpm_ca_new(const char *name)
{
    struct softtpm_ca *ca = calloc(1, sizeof(*ca));

    NEED(ca != NULL);
    ca->key = softtpm_p256();
    ca->root = blank(ca->key, -3600, 20 * YEAR_S);
    add_name(X509_get_subject_name(ca->root), name);
    NEED(X509_set_issuer_name(ca->root, X509_get_subject_name(ca->root)) == 1);
    add_extension(ca->root, ca->root, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca->root, ca->root, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(ca->root, ca->root, NID_subject_key_identifier, "hash");
    NEED(X509_sign(ca->root, ca->key, EVP_sha256()) > 0);
    return ca;
}

struct softtpm_ca *softtpm_ca_below(const struct softtpm_ca *root, const char *name)
{
    struct softtpm_ca *ca = calloc(1, sizeof(*ca));

    NEED(ca != NULL);
    ca->key = softtpm_p256();
    ca->root = blank(ca->key, -3600, 15 * YEAR_S);
    add_name(X509_get_subject_name(ca->root), name);
    NEED(X509_set_issuer_name(ca->root, X509_get_subject_name(root->root)) == 1);
    add_extension(ca->root, root->root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(ca->root, root->root, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(ca->root, root->root, NID_subject_key_identifier, "hash");
    add_extension(ca->root, root->root, NID_authority_key_identifier, "keyid");
    NEED(X509_sign(ca->root, root->key, EVP_sha256()) > 0);
    return ca;
}

void softtpm_ca_free(struct softtpm_ca *ca)
{
    if (ca == NULL) {
        return;
    }
    EVP_PKEY_free(ca->key);
    X509_free(ca->root);
    free(ca);
}

void softtpm_ca_write_pem(const struct softtpm_ca *ca, const char *path)
{
    FILE *f = fopen(path, "w");

    NEED(f != NULL && PEM_write_X509(f, ca->root) == 1);
    NEED(fclose(f) == 0);
}

/* Pointers that a careless verifier would follow (RFC 5280, 4.2.2.1 and 4.2.1.13). */
static void add_urls(X509 *cert, X509 *issuer, const char *url)
{
    char text[256];

    snprintf(text, sizeof(text), "caIssuers;URI:%s,OCSP;URI:%s", url, url);
    add_extension(cert, issuer, NID_info_access, text);
    snprintf(text, sizeof(text), "URI:%s", url);
    add_extension(cert, issuer, NID_crl_distribution_points, text);
}

struct softtpm_ca *softtpm_ca_load(const char *cert_path, const char *key_path)
{
    struct softtpm_ca *ca = calloc(1, sizeof(*ca));
    FILE *cert = fopen(cert_path, "r");
    FILE *key = fopen(key_path, "r");

    NEED(ca != NULL && cert != NULL && key != NULL);
    ca->root = PEM_read_X509(cert, NULL, NULL, NULL);
    ca->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    NEED(ca->root != NULL && ca->key != NULL);
    fclose(cert);
    fclose(key);
    return ca;
}

X509 *softtpm_issue(const struct softtpm_ca *ca, EVP_PKEY *key,
                    const struct softtpm_tls_order *order)
{
    bool usual = order->not_before_s == 0 && order->not_after_s == 0;
    X509 *cert =
        blank(key, usual ? -3600 : order->not_before_s, usual ? YEAR_S : order->not_after_s);

    add_name(X509_get_subject_name(cert), order->common_name);
    NEED(X509_set_issuer_name(cert, X509_get_subject_name(ca->root)) == 1);
    add_extension(cert, ca->root, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(cert, ca->root, NID_key_usage, "critical,digitalSignature");
    add_extension(cert, ca->root, NID_authority_key_identifier, "keyid");
    if (order->usage != NULL) {
        add_extension(cert, ca->root, NID_ext_key_usage, order->usage);
    }
    if (order->alt != NULL) {
        add_extension(cert, ca->root, NID_subject_alt_name, order->alt);
    }
    if (order->url != NULL) {
        add_urls(cert, ca->root, order->url);
    }
    NEED(X509_sign(cert, ca->key, EVP_sha256()) > 0);
    return cert;
}

/* Manufacturer, model and version in a critical directoryName, subject empty (EK profile, 3.2.9). */
static void add_tpm_name(X509 *cert, const char *manufacturer)
{
    static const char *const oid[] = {"2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3"};
    const char *const text[] = {manufacturer, "SOFTTPM", "id:20231024"};
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    X509_NAME *dir = X509_NAME_new();
    size_t i;

    NEED(names != NULL && name != NULL && dir != NULL);
    for (i = 0; i < ATT_COUNT(oid); i++) {
        ASN1_OBJECT *obj = OBJ_txt2obj(oid[i], 1);

        NEED(obj != NULL);
        NEED(X509_NAME_add_entry_by_OBJ(dir, obj, MBSTRING_UTF8, (const unsigned char *)text[i], -1,
                                        -1, 0) == 1);
        ASN1_OBJECT_free(obj);
    }
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, dir);
    NEED(sk_GENERAL_NAME_push(names, name) > 0);
    NEED(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 1, 0) == 1);
    GENERAL_NAMES_free(names);
}

void softtpm_certify_ek(struct softtpm *tpm, const struct softtpm_ca *ca,
                        const struct softtpm_cert_order *order)
{
    bool usual = order->not_before_s == 0 && order->not_after_s == 0;
    bool rsa = EVP_PKEY_get_base_id(tpm->ek.pkey) == EVP_PKEY_RSA;
    X509 *cert = blank(tpm->ek.pkey, usual ? -3600 : order->not_before_s,
                       usual ? 10 * YEAR_S : order->not_after_s);
    unsigned char *p = tpm->ek_cert;
    int len;

    if (!order->self_signed) {
        NEED(X509_set_issuer_name(cert, X509_get_subject_name(ca->root)) == 1);
    }
    add_extension(cert, ca->root, NID_basic_constraints,
                  order->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(cert, ca->root, NID_key_usage,
                  rsa ? "critical,keyEncipherment" : "critical,keyAgreement");
    if (!order->without_ek_usage) {
        add_extension(cert, ca->root, NID_ext_key_usage, "2.23.133.8.1");
    }
    if (!order->self_signed) {
        add_extension(cert, ca->root, NID_authority_key_identifier, "keyid");
    }
    add_tpm_name(cert, order->manufacturer != NULL ? order->manufacturer : "id:46414B45");
    if (order->url != NULL) {
        add_urls(cert, ca->root, order->url);
    }
    NEED(X509_sign(cert, order->self_signed ? tpm->ek.pkey : ca->key, EVP_sha256()) > 0);
    len = i2d_X509(cert, NULL);
    NEED(len > 0 && (size_t)len <= sizeof(tpm->ek_cert));
    len = i2d_X509(cert, &p);
    NEED(len > 0);
    tpm->ek_cert_len = (size_t)len;
    X509_free(cert);
}

/* SEQUENCE { 2.23.133.1.2 (TPM 2.0), OCTET STRING }, as a not critical name (TPM 2.0 Keys for Device Identity, 8). */
static void add_module_name(X509 *cert, const char *serial)
{
    static const uint8_t type[] = {0x06, 0x05, 0x67, 0x81, 0x05, 0x01, 0x02};
    uint8_t der[128] = {0x30};
    size_t len = strlen(serial);
    ASN1_TYPE *value = ASN1_TYPE_new();
    ASN1_STRING *text = ASN1_STRING_new();
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();

    NEED(value != NULL && text != NULL && names != NULL && name != NULL && len < 100);
    der[1] = (uint8_t)(sizeof(type) + 2 + len);
    memcpy(der + 2, type, sizeof(type));
    der[2 + sizeof(type)] = 0x04;
    der[3 + sizeof(type)] = (uint8_t)len;
    memcpy(der + 4 + sizeof(type), serial, len);
    NEED(ASN1_STRING_set(text, der, (int)(4 + sizeof(type) + len)) == 1);
    ASN1_TYPE_set(value, V_ASN1_SEQUENCE, text);
    NEED(GENERAL_NAME_set0_othername(name, OBJ_txt2obj("1.3.6.1.5.5.7.8.4", 1), value) == 1);
    NEED(sk_GENERAL_NAME_push(names, name) > 0);
    NEED(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);
}

/* The text form of OpenSSL asks for a configuration file. */
static void add_policies(X509 *cert, const char *list)
{
    CERTIFICATEPOLICIES *all = sk_POLICYINFO_new_null();
    char text[128];
    char *rest = text;

    NEED(all != NULL);
    snprintf(text, sizeof(text), "%s", list);
    for (char *one = strsep(&rest, ","); one != NULL; one = strsep(&rest, ",")) {
        POLICYINFO *policy = POLICYINFO_new();

        NEED(policy != NULL && sk_POLICYINFO_push(all, policy) > 0);
        ASN1_OBJECT_free(policy->policyid);
        policy->policyid = OBJ_txt2obj(one, 1);
        NEED(policy->policyid != NULL);
    }
    NEED(X509_add1_ext_i2d(cert, NID_certificate_policies, all, 0, 0) == 1);
    CERTIFICATEPOLICIES_free(all);
}

struct softtpm_bytes softtpm_certify_devid(EVP_PKEY *key, const struct softtpm_ca *ca,
                                           const struct softtpm_devid_order *order)
{
    bool usual = order->not_before_s == 0 && order->not_after_s == 0;
    X509 *cert = blank(key, usual ? -3600 : order->not_before_s, order->not_after_s);
    const char *serial = order->serial != NULL ? order->serial : "GW-0001";
    const char *usage = order->usage != NULL ? order->usage : "2.23.133.8.3";
    struct softtpm_bytes out = {.len = 0};
    unsigned char *p = out.p;
    int len = 0;

    if (usual) {
        NEED(ASN1_TIME_set_string(X509_getm_notAfter(cert), "99991231235959Z") == 1);
    }
    NEED(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "serialNumber", MBSTRING_ASC,
                                    (const unsigned char *)serial, -1, -1, 0) == 1);
    NEED(X509_set_issuer_name(cert, X509_get_subject_name(ca->root)) == 1);
    add_extension(cert, ca->root, NID_basic_constraints,
                  order->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(cert, ca->root, NID_key_usage, "critical,digitalSignature");
    add_extension(cert, ca->root, NID_authority_key_identifier, "keyid");
    if (usage[0] != '\0') {
        add_extension(cert, ca->root, NID_ext_key_usage, usage);
    }
    if (order->policy != NULL) {
        add_policies(cert, order->policy);
    }
    add_module_name(cert, order->module != NULL ? order->module : "FAKE:0a0b:0c");
    NEED(X509_sign(cert, ca->key, EVP_sha256()) > 0);
    len = i2d_X509(cert, NULL);
    NEED(len > 0 && (size_t)len <= sizeof(out.p) && i2d_X509(cert, &p) == len);
    out.len = (size_t)len;
    X509_free(cert);
    return out;
}

struct softtpm_bytes softtpm_csr(EVP_PKEY *key, const char *common_name)
{
    struct softtpm_bytes out = {.len = 0};
    unsigned char *p = out.p;
    X509_REQ *req = X509_REQ_new();
    X509_NAME *name = X509_NAME_new();
    int len;

    NEED(req != NULL && name != NULL && X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1);
    add_name(name, common_name);
    NEED(X509_REQ_set_subject_name(req, name) == 1);
    NEED(X509_REQ_set_pubkey(req, key) == 1);
    NEED(X509_REQ_sign(req, key, EVP_sha256()) > 0);
    len = i2d_X509_REQ(req, NULL);
    NEED(len > 0 && (size_t)len <= sizeof(out.p));
    len = i2d_X509_REQ(req, &p);
    NEED(len > 0);
    out.len = (size_t)len;
    X509_NAME_free(name);
    X509_REQ_free(req);
    return out;
}
