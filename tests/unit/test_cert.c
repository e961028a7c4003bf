/* Reading, issuing and asking for certificates, and the folder of anchors. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "crypto/cert.h"
#include "crypto/ek_cert.h"
#include "testcert.h"

static enum att_err judge(const struct att_cert *leaf, enum att_cert_use use, int64_t at)
{
    struct att_diag diag = {0};
    enum att_err err =
        att_chain_verify(leaf, NULL, 0, pki.anchors, use, at, ATT_R_ID_EKCERT, &diag);

    if (err != ATT_OK) {
        ck_assert_int_eq(diag.err, err);
        ck_assert_int_eq(diag.reason, ATT_R_ID_EKCERT);
        ck_assert_str_ne(diag.text, "");
    }
    return err;
}

/* ---- reading ---- */

START_TEST(att_cert_parse__der_and_pem_whole_and_nothing_behind)
{
    struct testcert_odd o = {.eku = TESTCERT_EK};
    struct testcert_blob b = testcert_odd_der(&o);
    struct att_cert *c = NULL;
    struct att_buf *pem = NULL, *two = NULL;
    struct att_diag diag = {0};
    uint8_t a[32], z[32];

    ck_assert_int_eq(att_cert_parse(&c, att_slice_of(b.p, b.len), &diag), ATT_OK);
    ck_assert(att_slice_eq(att_cert_der(c), att_slice_of(b.p, b.len)));
    ck_assert_int_eq(att_cert_fingerprint(a, c), ATT_OK);
    att_cert_freep(&c);
    ck_assert_int_eq(att_cert_pem(&pem, att_slice_of(b.p, b.len)), ATT_OK);
    ck_assert_int_eq(att_cert_parse(&c, att_buf_slice(pem), &diag), ATT_OK);
    ck_assert_int_eq(att_cert_fingerprint(z, c), ATT_OK);
    ck_assert(att_digest_eq(a, z, sizeof(a)));
    att_cert_freep(&c);

    ck_assert_int_eq(att_cert_parse(&c, att_slice_of(b.p, b.len + 1), &diag), ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CERT);
    ck_assert_uint_eq(diag.off, b.len);
    for (size_t len = 0; len < b.len; len += 7) {
        ck_assert_int_eq(att_cert_parse(&c, att_slice_of(b.p, len), &diag), ATT_E_FORMAT);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_CERT);
    }
    ck_assert_int_eq(att_buf_new(&two, 65536), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(two, att_buf_slice(pem)), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(two, att_buf_slice(pem)), ATT_OK);
    ck_assert_int_eq(att_cert_parse(&c, att_buf_slice(two), &diag), ATT_E_TRAILING);
    ck_assert_int_eq(att_cert_parse(&c, att_slice_str("hello"), &diag), ATT_E_FORMAT);
    ck_assert_ptr_null(c);
    att_buf_free(pem);
    att_buf_free(two);
}
END_TEST

START_TEST(att_cert_parse__one_spelling_and_a_limit)
{
    struct testcert_odd o = {.eku = TESTCERT_EK};
    struct testcert_blob b = testcert_odd_der(&o), longer = {0};
    static uint8_t huge[ATT_CERT_MAX + 1] = {0x30, 0x82, 0x3f, 0xfd};
    struct att_cert *c = NULL;
    struct att_diag diag = {0};
    size_t body = b.len - 4;

    /* the same certificate with the outer length in three bytes instead of two */
    ck_assert_int_eq(b.p[1], 0x82);
    memcpy(longer.p, "\x30\x83\x00", 3);
    longer.p[3] = (uint8_t)(body >> 8);
    longer.p[4] = (uint8_t)body;
    memcpy(longer.p + 5, b.p + 4, body);
    longer.len = b.len + 1;
    ck_assert_int_eq(att_cert_parse(&c, att_slice_of(longer.p, longer.len), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CERT);
    ck_assert_int_eq(att_cert_parse(&c, att_slice_of(huge, sizeof(huge)), &diag), ATT_E_LIMIT);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(att_cert_parse_ek__cuts_what_nv_adds)
{
    static const struct {
        bool header;
        size_t padding;
        uint8_t pad;
        unsigned int fixes;
    } CASES[] = {
        {false, 0, 0, 0},
        {true, 0, 0, ATT_EK_FIX_HEADER},
        {false, 200, 0xff, ATT_EK_FIX_PADDING},
        {false, 1, 0x00, ATT_EK_FIX_PADDING},
        {true, 300, 0x00, ATT_EK_FIX_HEADER | ATT_EK_FIX_PADDING},
    };
    struct testcert_odd o = {.eku = TESTCERT_EK};
    struct testcert_blob b = testcert_odd_der(&o), in = {0};
    unsigned int fixes = 77;
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    if (CASES[_i].header) {
        uint8_t head[7] = {0x10, 0x01, 0x00, 0, 0, 0x10, 0x02};

        head[3] = (uint8_t)((b.len + 2) >> 8);
        head[4] = (uint8_t)(b.len + 2);
        memcpy(in.p, head, sizeof(head));
        in.len = sizeof(head);
    }
    memcpy(in.p + in.len, b.p, b.len);
    in.len += b.len;
    memset(in.p + in.len, CASES[_i].pad, CASES[_i].padding);
    in.len += CASES[_i].padding;
    ck_assert_int_eq(
        att_cert_parse_ek(&c, &fixes, att_slice_of(in.p, in.len), ATT_EK_FIX_ALL, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_cert_der(c), att_slice_of(b.p, b.len)));
    ck_assert_uint_eq(fixes, CASES[_i].fixes);
    ck_assert_int_eq(judge(c, ATT_USE_EK, TESTCERT_NOW), ATT_OK);
    att_cert_freep(&c);
    /* what is not allowed is not forgiven */
    if (fixes != 0) {
        ck_assert_int_eq(
            att_cert_parse_ek(&c, NULL, att_slice_of(in.p, in.len), ATT_EK_FIX_ALL & ~fixes, &diag),
            ATT_E_DENIED);
        ck_assert_int_eq(diag.reason, ATT_R_ID_EKCERT);
        ck_assert_str_eq(diag.field, "certificate.form");
    }
}
END_TEST

START_TEST(att_cert_parse_ek__does_not_forgive_other_bytes)
{
    struct testcert_odd o = {.eku = TESTCERT_EK};
    struct testcert_blob b = testcert_odd_der(&o);
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    b.p[b.len] = 0xff;
    b.p[b.len + 1] = 0x00;
    ck_assert_int_eq(
        att_cert_parse_ek(&c, NULL, att_slice_of(b.p, b.len + 2), ATT_EK_FIX_ALL, &diag),
        ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CERT);
    ck_assert_int_eq(
        att_cert_parse_ek(&c, NULL, att_slice_of(b.p, b.len - 1), ATT_EK_FIX_ALL, &diag),
        ATT_E_FORMAT);
    ck_assert_int_eq(att_cert_parse_ek(&c, NULL, att_slice_of(NULL, 0), ATT_EK_FIX_ALL, &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(att_cert_parse_ek(&c, NULL, att_slice_of("\x10\x01\x00\x00\x02\x10\x02", 7),
                                       ATT_EK_FIX_ALL, &diag),
                     ATT_E_FORMAT);
    ck_assert_ptr_null(c);
}
END_TEST

/* The same key, once under each name: 1.2.840.113549.1.1.1 becomes .7 before the issuer signs. */
START_TEST(att_cert_parse_ek__reads_rsaes_oaep_keys)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    struct testcert_odd o = {.eku = TESTCERT_EK, .key = rsa};
    X509 *x = testcert_odd_x509(&o);
    struct att_buf *pem = NULL;
    BIO *bio = NULL;
    EVP_PKEY *signing = NULL;
    unsigned char *der = NULL, *spki = NULL;
    int spki_len = i2d_PUBKEY(rsa, &spki);
    struct att_pubkey *want = NULL, *got = NULL;
    unsigned int fixes = 0;
    struct att_cert *c = NULL;
    X509_PUBKEY *pub = X509_get_X509_PUBKEY(x);
    int len = 0;

    ck_assert_int_eq(att_privkey_pem(&pem, pki.root_key), ATT_OK);
    bio = BIO_new_mem_buf(att_buf_slice(pem).p, (int)att_buf_len(pem));
    signing = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    ck_assert_int_eq(
        X509_PUBKEY_set0_param(pub, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_NULL, NULL, NULL, 0), 1);
    ck_assert_int_gt(X509_sign(x, signing, EVP_sha256()), 0);
    len = i2d_X509(x, &der);
    ck_assert_int_gt(len, 0);

    ck_assert_int_eq(
        att_cert_parse_ek(&c, &fixes, att_slice_of(der, (size_t)len), ATT_EK_FIX_ALL, NULL),
        ATT_OK);
    ck_assert_uint_eq(fixes, ATT_EK_FIX_OAEP);
    ck_assert_int_eq(judge(c, ATT_USE_EK, TESTCERT_NOW), ATT_OK);
    ck_assert_int_eq(att_cert_key(&got, c, NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_from_spki(&want, att_slice_of(spki, (size_t)spki_len), NULL),
                     ATT_OK);
    ck_assert(att_pubkey_eq(got, want));
    att_cert_freep(&c);
    /* elsewhere such a key is not one that we use */
    ck_assert_int_eq(att_cert_parse(&c, att_slice_of(der, (size_t)len), NULL), ATT_OK);
    att_pubkey_freep(&got);
    ck_assert_int_eq(att_cert_key(&got, c, NULL), ATT_E_UNSUPPORTED);
    /* one bit of the modulus: the key is read, the signature does not fit */
    att_cert_freep(&c);
    der[len / 2] ^= 0x02;
    if (att_cert_parse_ek(&c, NULL, att_slice_of(der, (size_t)len), ATT_EK_FIX_ALL, NULL) ==
        ATT_OK) {
        ck_assert_int_eq(judge(c, ATT_USE_EK, TESTCERT_NOW), ATT_E_UNTRUSTED);
    }
    att_cert_free(c);
    att_pubkey_free(want);
    OPENSSL_free(der);
    OPENSSL_free(spki);
    X509_free(x);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(signing);
    BIO_free(bio);
    att_buf_free(pem);
}
END_TEST

/* ---- fields ---- */

START_TEST(att_cert_device_id__exactly_one_well_formed_name)
{
    static const struct {
        const char *san;
        enum att_err want;
    } CASES[] = {
        {"URI:urn:attestd:device:gw-01", ATT_OK},
        {"DNS:x,URI:https://example.com/,URI:urn:attestd:device:gw-01", ATT_OK},
        {NULL, ATT_E_NOT_FOUND},
        {"DNS:urn:attestd:device:gw-01", ATT_E_NOT_FOUND},
        {"URI:urn:attestd:device:a,URI:urn:attestd:device:b", ATT_E_NOT_FOUND},
        {"URI:urn:attestd:device:", ATT_E_NOT_FOUND},
        {"URI:urn:attestd:device:a/b", ATT_E_FORMAT},
        {"URI:urn:attestd:devic", ATT_E_NOT_FOUND},
    };
    struct testcert_odd o = {.eku = "clientAuth", .san = CASES[_i].san};
    struct att_cert *c = testcert_odd(&o);
    char id[65] = "";

    ck_assert_int_eq(att_cert_device_id(id, sizeof(id), c), CASES[_i].want);
    ck_assert_str_eq(id, CASES[_i].want == ATT_OK ? "gw-01" : "");
    if (CASES[_i].want == ATT_OK) {
        ck_assert_int_eq(att_cert_device_id(id, 5, c), ATT_E_LIMIT);
    }
    att_cert_free(c);
}
END_TEST

START_TEST(att_cert_names_verifier__one_whole_name)
{
    static const struct {
        const char *san;
        bool want;
    } CASES[] = {
        {"URI:urn:attestd:verifier:v.test", true},
        {"DNS:x,URI:urn:attestd:verifier:other,URI:urn:attestd:verifier:v.test", true},
        {NULL, false},
        {"DNS:urn:attestd:verifier:v.test", false},
        {"URI:urn:attestd:verifier:v.tes", false},
        {"URI:urn:attestd:verifier:v.test2", false},
        {"URI:urn:attestd:device:v.test", false},
        {"URI:urn:attestd:verifier:", false},
    };
    struct testcert_odd o = {.eku = "clientAuth", .san = CASES[_i].san};
    struct att_cert *c = testcert_odd(&o);

    ck_assert_int_eq(att_cert_names_verifier(c, "v.test"), CASES[_i].want);
    ck_assert(!att_cert_names_verifier(c, ""));
    att_cert_free(c);
}
END_TEST

START_TEST(att_cert_issue__label_signer_names_its_verifier)
{
    struct att_cert_order order = testcert_order(ATT_CERT_LABEL_SIGNER);
    struct att_cert *c = NULL;

    order.verifier_id = "a verifier, of 1 town";
    c = testcert_issue(&order, pki.root, pki.root_key);
    ck_assert(att_cert_names_verifier(c, "a verifier, of 1 town"));
    ck_assert(!att_cert_names_verifier(c, "a verifier"));
    att_cert_free(c);
}
END_TEST

START_TEST(att_cert_issue__tls_client_names_its_device)
{
    struct att_cert *c = testcert_leaf(ATT_CERT_TLS_CLIENT);
    struct att_cert *server = testcert_leaf(ATT_CERT_TLS_SERVER);
    char id[65] = "";
    char text[256];

    ck_assert_int_eq(att_cert_device_id(id, sizeof(id), c), ATT_OK);
    ck_assert_str_eq(id, "gw-01");
    ck_assert_int_eq(att_cert_device_id(id, sizeof(id), server), ATT_E_NOT_FOUND);
    ck_assert_str_eq(att_cert_subject(text, sizeof(text), c), "CN=leaf");
    ck_assert_str_eq(att_cert_issuer(text, sizeof(text), c), "CN=Test Root");
    ck_assert_str_eq(att_cert_issuer(text, 8, c), "CN=T...");
    att_cert_free(c);
    att_cert_free(server);
}
END_TEST

START_TEST(att_cert_subject__is_safe_to_print)
{
    struct testcert_odd o = {.eku = TESTCERT_EK};
    X509 *x = testcert_odd_x509(&o);
    X509_NAME *name = X509_NAME_new();
    static const char BAD[] = "a,b\x1b[31m\n\xe5\xb7\xa5\xe5\xa0\xb4 \xe2\x80\xae";
    struct att_cert *c = NULL;
    struct testcert_blob b = {0};
    unsigned char *at = b.p;
    char text[256];

    ck_assert_int_eq(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                                (const unsigned char *)BAD, -1, -1, 0),
                     1);
    ck_assert_int_eq(X509_set_subject_name(x, name), 1);
    ck_assert_int_gt(i2d_re_X509_tbs(x, NULL), 0);
    b.len = (size_t)i2d_X509(x, &at);
    ck_assert_int_eq(att_cert_parse(&c, att_slice_of(b.p, b.len), NULL), ATT_OK);
    att_cert_subject(text, sizeof(text), c);
    ck_assert_str_eq(text, "CN=a\\,b\\1B[31m\\0A\xe5\xb7\xa5\xe5\xa0\xb4 \\xe2\\x80\\xae");
    att_cert_free(c);
    X509_NAME_free(name);
    X509_free(x);
}
END_TEST

START_TEST(att_cert_issue__serials_are_long_random_and_positive)
{
    struct att_cert *a = testcert_leaf(ATT_CERT_LABEL_SIGNER),
                    *b = testcert_leaf(ATT_CERT_LABEL_SIGNER);
    const struct att_cert *both[] = {a, b};
    BIGNUM *serials[2] = {0};

    for (size_t i = 0; i < 2; i++) {
        const unsigned char *at = att_cert_der(both[i]).p;
        X509 *x = d2i_X509(NULL, &at, (long)att_cert_der(both[i]).len);

        serials[i] = ASN1_INTEGER_to_BN(X509_get_serialNumber(x), NULL);
        ck_assert_int_eq(BN_num_bits(serials[i]), 127);
        ck_assert_int_eq(BN_is_negative(serials[i]), 0);
        X509_free(x);
    }
    ck_assert_int_ne(BN_cmp(serials[0], serials[1]), 0);
    BN_free(serials[0]);
    BN_free(serials[1]);
    att_cert_free(a);
    att_cert_free(b);
}
END_TEST

START_TEST(att_cert_issue__refuses_orders_that_make_no_sense)
{
    static const char *const BAD_HOSTS[] = {"good.example", "evil,DNS:other"};
    struct att_buf *der = NULL;
    struct att_diag diag = {0};
    struct att_cert_order order = testcert_order(ATT_CERT_TLS_SERVER);
    struct att_cert *leaf = testcert_leaf(ATT_CERT_LABEL_SIGNER);

    order.hosts = BAD_HOSTS;
    order.host_count = 2;
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.root_key, &diag), ATT_E_CONFIG);
    order.host_count = 0;
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.root_key, &diag), ATT_E_CONFIG);
    order = testcert_order(ATT_CERT_TLS_CLIENT);
    order.device_id = "gw 01";
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.root_key, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_ID);
    order.device_id = NULL;
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.root_key, &diag), ATT_E_FORMAT);
    order = testcert_order(ATT_CERT_LABEL_SIGNER);
    order.common_name = "line\nbreak";
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.root_key, &diag), ATT_E_CONFIG);
    order = testcert_order(ATT_CERT_LABEL_SIGNER);
    order.verifier_id = "";
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.root_key, &diag), ATT_E_CONFIG);
    order = testcert_order(ATT_CERT_LABEL_SIGNER);
    order.not_after = order.not_before;
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.root_key, &diag), ATT_E_CONFIG);
    order = testcert_order(ATT_CERT_LABEL_SIGNER);
    ck_assert_int_eq(att_cert_issue(&der, &order, pki.root, pki.other_key, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(att_cert_issue(&der, &order, NULL, pki.other_key, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(att_cert_issue(&der, &order, leaf, pki.leaf_key, &diag), ATT_E_FORMAT);
    ck_assert_ptr_null(der);
    att_cert_free(leaf);
}
END_TEST

static const enum att_key_type KEYS[] = {ATT_KEY_RSA, ATT_KEY_EC_P256, ATT_KEY_EC_P384,
                                         ATT_KEY_EC_P521, ATT_KEY_ED25519};

/* Roots and requests of every key type that we can make. */
START_TEST(att_cert_issue__every_key_type_can_sign)
{
    struct att_privkey *key = NULL;
    struct att_pubkey *pub = NULL, *asked = NULL;
    struct att_cert *ca = NULL, *leaf = NULL;
    struct att_buf *csr = NULL;
    struct att_cert_order order = testcert_order(ATT_CERT_ROOT);

    ck_assert_int_eq(att_privkey_generate(&key, KEYS[_i]), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&pub, key), ATT_OK);
    ck_assert_int_eq(att_csr_make(&csr, key, "gw-01"), ATT_OK);
    ck_assert_int_eq(att_csr_open(&asked, att_buf_slice(csr), NULL), ATT_OK);
    ck_assert(att_pubkey_eq(asked, pub));
    order.subject_key = pub;
    ca = testcert_issue(&order, NULL, key);
    order = testcert_order(ATT_CERT_LABEL_SIGNER);
    leaf = testcert_issue(&order, ca, key);
    ck_assert_int_eq(judge(leaf, ATT_USE_LABEL, TESTCERT_NOW), ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_anchors_add(pki.anchors, ca), ATT_OK);
    ck_assert_int_eq(judge(leaf, ATT_USE_LABEL, TESTCERT_NOW), ATT_OK);
    att_cert_free(ca);
    att_cert_free(leaf);
    att_buf_free(csr);
    att_pubkey_free(pub);
    att_pubkey_free(asked);
    att_privkey_free(key);
}
END_TEST

START_TEST(att_csr_open__needs_the_proof_of_possession)
{
    struct att_buf *der = NULL;
    struct att_pubkey *k = NULL;
    struct att_diag diag = {0};
    struct testcert_blob b = {0};

    ck_assert_int_eq(att_csr_make(&der, pki.leaf_key, "gw-01"), ATT_OK);
    b.len = att_buf_len(der);
    memcpy(b.p, att_buf_slice(der).p, b.len);
    b.p[b.len - 5] ^= 1; /* inside s */
    ck_assert_int_eq(att_csr_open(&k, att_slice_of(b.p, b.len), &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_ID_CSR);
    b.p[b.len - 5] ^= 1;
    ck_assert_int_eq(att_csr_open(&k, att_slice_of(b.p, b.len + 1), &diag), ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_ID_CSR);
    ck_assert_int_eq(att_csr_open(&k, att_slice_of(b.p, b.len - 1), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(att_csr_open(&k, att_slice_of(NULL, 0), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(att_csr_open(&k, att_cert_der(pki.root), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_CSR);
    ck_assert_ptr_null(k);
    att_buf_free(der);
}
END_TEST

/* ---- pki.anchors ---- */

static void put(const char *folder, const char *name, struct att_slice bytes)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_assert_int_eq(att_file_write(path, bytes, 0600, NULL), ATT_OK);
}

static void drop(const char *folder, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_assert_int_eq(unlink(path), 0);
}

START_TEST(att_anchors_load__a_folder_in_name_order_without_doubles)
{
    char folder[] = "/tmp/attest-anchors-XXXXXX";
    struct att_anchors *a = NULL;
    struct att_buf *pem = NULL, *bundle = NULL;
    struct att_diag diag = {0};

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(att_cert_pem(&pem, att_cert_der(pki.root)), ATT_OK);
    ck_assert_int_eq(att_buf_new(&bundle, 65536), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(bundle, att_slice_str("# two roots\n")), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(bundle, att_buf_slice(pem)), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(bundle, att_buf_slice(pem)), ATT_OK);
    put(folder, "b.pem", att_buf_slice(bundle));
    put(folder, "a.der", att_cert_der(pki.other_root));
    put(folder, "notes.txt", att_slice_str("not an anchor"));
    ck_assert_int_eq(att_anchors_new(&a), ATT_OK);
    ck_assert_int_eq(att_anchors_load(a, folder, &diag), ATT_OK);
    ck_assert_uint_eq(att_anchors_count(a), 2);
    ck_assert(att_slice_eq(att_cert_der(att_anchors_at(a, 0)), att_cert_der(pki.other_root)));
    ck_assert(att_slice_eq(att_cert_der(att_anchors_at(a, 1)), att_cert_der(pki.root)));
    ck_assert_ptr_null(att_anchors_at(a, 2));
    att_anchors_freep(&a);

    put(folder, "c.crt", att_slice_str("-----BEGIN nonsense"));
    ck_assert_int_eq(att_anchors_new(&a), ATT_OK);
    ck_assert_int_eq(att_anchors_load(a, folder, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CERT);
    ck_assert_ptr_nonnull(strstr(diag.text, "c.crt"));
    ck_assert_int_eq(att_anchors_load(a, "/nonexistent/anchors", &diag), ATT_E_NOT_FOUND);
    drop(folder, "a.der");
    drop(folder, "b.pem");
    drop(folder, "c.crt");
    drop(folder, "notes.txt");
    ck_assert_int_eq(rmdir(folder), 0);
    att_anchors_free(a);
    att_buf_free(pem);
    att_buf_free(bundle);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cert");
    TCase *t = tcase_create("certificates");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, testcert_setup, testcert_teardown);
    tcase_add_test(t, att_cert_parse__der_and_pem_whole_and_nothing_behind);
    tcase_add_test(t, att_cert_parse__one_spelling_and_a_limit);
    tcase_add_loop_test(t, att_cert_parse_ek__cuts_what_nv_adds, 0, 5);
    tcase_add_test(t, att_cert_parse_ek__does_not_forgive_other_bytes);
    tcase_add_test(t, att_cert_parse_ek__reads_rsaes_oaep_keys);
    tcase_add_loop_test(t, att_cert_device_id__exactly_one_well_formed_name, 0, 8);
    tcase_add_loop_test(t, att_cert_names_verifier__one_whole_name, 0, 8);
    tcase_add_test(t, att_cert_issue__label_signer_names_its_verifier);
    tcase_add_test(t, att_cert_issue__tls_client_names_its_device);
    tcase_add_test(t, att_cert_subject__is_safe_to_print);
    tcase_add_test(t, att_cert_issue__serials_are_long_random_and_positive);
    tcase_add_test(t, att_cert_issue__refuses_orders_that_make_no_sense);
    tcase_add_loop_test(t, att_cert_issue__every_key_type_can_sign, 0, (int)ATT_COUNT(KEYS));
    tcase_add_test(t, att_csr_open__needs_the_proof_of_possession);
    tcase_add_test(t, att_anchors_load__a_folder_in_name_order_without_doubles);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed = 0;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
