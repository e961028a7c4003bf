/* The small world of certificates: made with our own issuing code, and the odd ones with OpenSSL. */
#include "testcert.h"

#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "need.h"

struct testcert_world pki;

struct att_cert *testcert_issue(const struct att_cert_order *order, const struct att_cert *issuer,
                                const struct att_privkey *key)
{
    struct att_buf *der = NULL;
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    NEED(att_cert_issue(&der, order, issuer, key, &diag) == ATT_OK);
    NEED(att_cert_parse(&c, att_buf_slice(der), &diag) == ATT_OK);
    att_buf_free(der);
    return c;
}

static struct att_cert *make_root(struct att_privkey **key, const char *name)
{
    struct att_pubkey *pub = NULL;
    struct att_cert_order order = {.kind = ATT_CERT_ROOT,
                                   .common_name = name,
                                   .not_before = TESTCERT_NOW - 10 * TESTCERT_DAY,
                                   .not_after = TESTCERT_NOW + 1000 * TESTCERT_DAY};
    struct att_cert *c = NULL;

    NEED(att_privkey_generate(key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pub, *key) == ATT_OK);
    order.subject_key = pub;
    c = testcert_issue(&order, NULL, *key);
    att_pubkey_free(pub);
    return c;
}

void testcert_setup(void)
{
    pki.root = make_root(&pki.root_key, "Test Root");
    pki.other_root = make_root(&pki.other_key, "Test Root");
    NEED(att_privkey_generate(&pki.leaf_key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pki.leaf_pub, pki.leaf_key) == ATT_OK);
    NEED(att_anchors_new(&pki.anchors) == ATT_OK);
    NEED(att_anchors_add(pki.anchors, pki.root) == ATT_OK);
}

void testcert_teardown(void)
{
    att_anchors_freep(&pki.anchors);
    att_cert_freep(&pki.root);
    att_cert_freep(&pki.other_root);
    att_privkey_freep(&pki.root_key);
    att_privkey_freep(&pki.other_key);
    att_privkey_freep(&pki.leaf_key);
    att_pubkey_freep(&pki.leaf_pub);
}

static const char *const HOSTS[] = {"localhost", "127.0.0.1", "::1"};

struct att_cert_order testcert_order(enum att_cert_kind kind)
{
    return (struct att_cert_order){.kind = kind,
                                   .common_name = "leaf",
                                   .device_id = "gw-01",
                                   .hosts = HOSTS,
                                   .host_count = ATT_COUNT(HOSTS),
                                   .not_before = TESTCERT_NOW - TESTCERT_DAY,
                                   .not_after = TESTCERT_NOW + TESTCERT_DAY,
                                   .subject_key = pki.leaf_pub};
}

struct att_cert *testcert_leaf(enum att_cert_kind kind)
{
    struct att_cert_order order = testcert_order(kind);

    return testcert_issue(&order, pki.root, pki.root_key);
}

static void add_conf(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = NULL;

    if (value == NULL) {
        return;
    }
    e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    NEED(e != NULL);
    NEED(X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

X509 *testcert_odd_x509(const struct testcert_odd *o)
{
    struct att_buf *pem = NULL;
    EVP_PKEY *key = o->key, *signing = NULL;
    BIO *bio = NULL;
    X509 *x = X509_new();
    const unsigned char *at = att_cert_der(pki.root).p;
    X509 *issuer = d2i_X509(NULL, &at, (long)att_cert_der(pki.root).len);

    NEED(att_privkey_pem(&pem, pki.root_key) == ATT_OK);
    bio = BIO_new_mem_buf(att_buf_slice(pem).p, (int)att_buf_len(pem));
    signing = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    if (key == NULL) {
        key = EVP_EC_gen("P-256");
    }
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    ASN1_TIME_set(X509_getm_notBefore(x), TESTCERT_NOW - TESTCERT_DAY);
    ASN1_TIME_set(X509_getm_notAfter(x), TESTCERT_NOW + TESTCERT_DAY);
    X509_set_pubkey(x, key);
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    add_conf(x, NID_ext_key_usage, o->eku);
    add_conf(x, NID_basic_constraints, o->basic);
    add_conf(x, NID_key_usage, o->usage);
    add_conf(x, NID_subject_alt_name, o->san);
    if (o->extra != NULL) {
        ASN1_OBJECT *oid = OBJ_txt2obj(o->extra, 1);
        ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
        X509_EXTENSION *e = NULL;

        ASN1_OCTET_STRING_set(data, (const unsigned char *)"\x05\x00", 2);
        e = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, data);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
        ASN1_OCTET_STRING_free(data);
        ASN1_OBJECT_free(oid);
    }
    NEED(X509_sign(x, signing, o->md == NULL ? EVP_sha256() : o->md) > 0);
    if (o->key == NULL) {
        EVP_PKEY_free(key);
    }
    EVP_PKEY_free(signing);
    BIO_free(bio);
    X509_free(issuer);
    att_buf_free(pem);
    return x;
}

struct testcert_blob testcert_odd_der(const struct testcert_odd *o)
{
    struct testcert_blob b = {0};
    X509 *x = testcert_odd_x509(o);
    unsigned char *at = b.p;
    int len = i2d_X509(x, NULL);

    NEED((size_t)len <= sizeof(b.p));
    b.len = (size_t)i2d_X509(x, &at);
    X509_free(x);
    return b;
}

struct att_cert *testcert_odd(const struct testcert_odd *o)
{
    struct testcert_blob b = testcert_odd_der(o);
    struct att_cert *c = NULL;

    NEED(att_cert_parse(&c, att_slice_of(b.p, b.len), NULL) == ATT_OK);
    return c;
}
