/* Certificates: what we issue is accepted, what is not as it must be is refused with its code. */
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

#define NOW 1790000000 /* 2026-09-21 */
#define DAY 86400

/* A small world: two authorities, one of each leaf. */
static struct att_privkey *root_key, *other_key, *leaf_key;
static struct att_pubkey *leaf_pub;
static struct att_cert *root, *other_root;
static struct att_anchors *anchors;

static struct att_cert *issue(const struct att_cert_order *order, const struct att_cert *issuer,
                              const struct att_privkey *key)
{
    struct att_buf *der = NULL;
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_cert_issue(&der, order, issuer, key, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_msg(att_cert_parse(&c, att_buf_slice(der), &diag) == ATT_OK, "%s", diag.text);
    att_buf_free(der);
    return c;
}

static struct att_cert *make_root(struct att_privkey **key, const char *name)
{
    struct att_pubkey *pub = NULL;
    struct att_cert_order order = {.kind = ATT_CERT_ROOT,
                                   .common_name = name,
                                   .not_before = NOW - 10 * DAY,
                                   .not_after = NOW + 1000 * DAY};
    struct att_cert *c = NULL;

    ck_assert_int_eq(att_privkey_generate(key, ATT_KEY_EC_P256), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&pub, *key), ATT_OK);
    order.subject_key = pub;
    c = issue(&order, NULL, *key);
    att_pubkey_free(pub);
    return c;
}

static void setup(void)
{
    root = make_root(&root_key, "Test Root");
    other_root = make_root(&other_key, "Test Root");
    ck_assert_int_eq(att_privkey_generate(&leaf_key, ATT_KEY_EC_P256), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&leaf_pub, leaf_key), ATT_OK);
    ck_assert_int_eq(att_anchors_new(&anchors), ATT_OK);
    ck_assert_int_eq(att_anchors_add(anchors, root), ATT_OK);
}

static void teardown(void)
{
    att_anchors_freep(&anchors);
    att_cert_freep(&root);
    att_cert_freep(&other_root);
    att_privkey_freep(&root_key);
    att_privkey_freep(&other_key);
    att_privkey_freep(&leaf_key);
    att_pubkey_freep(&leaf_pub);
}

static const char *const HOSTS[] = {"localhost", "127.0.0.1", "::1"};

static struct att_cert_order order_of(enum att_cert_kind kind)
{
    return (struct att_cert_order){.kind = kind,
                                   .common_name = "leaf",
                                   .device_id = "gw-01",
                                   .hosts = HOSTS,
                                   .host_count = ATT_COUNT(HOSTS),
                                   .not_before = NOW - DAY,
                                   .not_after = NOW + DAY,
                                   .subject_key = leaf_pub};
}

static struct att_cert *leaf_of(enum att_cert_kind kind)
{
    struct att_cert_order order = order_of(kind);

    return issue(&order, root, root_key);
}

static enum att_err judge(const struct att_cert *leaf, enum att_cert_use use, int64_t at)
{
    struct att_diag diag = {0};
    enum att_err err = att_chain_verify(leaf, NULL, 0, anchors, use, at, ATT_R_ID_EKCERT, &diag);

    if (err != ATT_OK) {
        ck_assert_int_eq(diag.err, err);
        ck_assert_int_eq(diag.reason, ATT_R_ID_EKCERT);
        ck_assert_str_ne(diag.text, "");
    }
    return err;
}

static const struct {
    enum att_cert_kind kind;
    enum att_cert_use use;
} LEAVES[] = {
    {ATT_CERT_LABEL_SIGNER, ATT_USE_LABEL},
    {ATT_CERT_TLS_SERVER, ATT_USE_TLS_SERVER},
    {ATT_CERT_TLS_CLIENT, ATT_USE_TLS_CLIENT},
};

START_TEST(att_cert_issue__each_kind_serves_its_use_and_no_other)
{
    struct att_cert *c = leaf_of(LEAVES[_i].kind);
    static const enum att_cert_use USES[] = {ATT_USE_EK, ATT_USE_LABEL, ATT_USE_TLS_CLIENT,
                                             ATT_USE_TLS_SERVER};

    for (size_t i = 0; i < ATT_COUNT(USES); i++) {
        ck_assert_int_eq(judge(c, USES[i], NOW), USES[i] == LEAVES[_i].use ? ATT_OK : ATT_E_FORMAT);
    }
    ck_assert(!att_cert_is_ca(c));
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__time_decides)
{
    struct att_cert *c = leaf_of(LEAVES[_i].kind);
    enum att_cert_use use = LEAVES[_i].use;

    ck_assert_int_eq(att_cert_not_before(c), NOW - DAY);
    ck_assert_int_eq(att_cert_not_after(c), NOW + DAY);
    ck_assert_int_eq(judge(c, use, NOW - DAY - 1), ATT_E_STALE);
    ck_assert_int_eq(judge(c, use, NOW - DAY), ATT_OK);
    ck_assert_int_eq(judge(c, use, NOW + DAY - 1), ATT_OK);
    ck_assert_int_eq(judge(c, use, NOW + DAY + 1), ATT_E_STALE);
    /* the root itself runs out */
    ck_assert_int_eq(judge(c, use, NOW + 2000 * DAY), ATT_E_STALE);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__another_authority_of_the_same_name_is_untrusted)
{
    struct att_cert_order order = order_of(LEAVES[_i].kind);
    struct att_cert *c = issue(&order, other_root, other_key);
    const struct att_cert *chain[] = {other_root};
    struct att_diag diag = {0};

    ck_assert_int_eq(judge(c, LEAVES[_i].use, NOW), ATT_E_UNTRUSTED);
    /* an authority that comes along gives no trust by itself */
    ck_assert_int_eq(
        att_chain_verify(c, chain, 1, anchors, LEAVES[_i].use, NOW, ATT_R_LBL_CHAIN, &diag),
        ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_CHAIN);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__self_signed_leaf_is_untrusted_until_it_is_an_anchor)
{
    struct att_cert_order order = order_of(ATT_CERT_LABEL_SIGNER);
    struct att_cert *c = issue(&order, NULL, leaf_key);

    ck_assert_int_eq(judge(c, ATT_USE_LABEL, NOW), ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_anchors_add(anchors, c), ATT_OK);
    ck_assert_int_eq(judge(c, ATT_USE_LABEL, NOW), ATT_OK);
    ck_assert_int_eq(judge(c, ATT_USE_TLS_SERVER, NOW), ATT_E_FORMAT);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__an_authority_is_no_leaf)
{
    ck_assert(att_cert_is_ca(root));
    for (size_t i = 0; i < ATT_COUNT(LEAVES); i++) {
        ck_assert_int_eq(judge(root, LEAVES[i].use, NOW), ATT_E_FORMAT);
    }
    ck_assert_int_eq(judge(root, ATT_USE_EK, NOW), ATT_E_FORMAT);
}
END_TEST

START_TEST(att_chain_verify__no_anchors_no_trust_and_chains_are_bounded)
{
    struct att_cert *c = leaf_of(ATT_CERT_LABEL_SIGNER);
    const struct att_cert *chain[ATT_CHAIN_MAX + 1];
    struct att_anchors *none = NULL;

    for (size_t i = 0; i < ATT_COUNT(chain); i++) {
        chain[i] = root;
    }
    ck_assert_int_eq(att_anchors_new(&none), ATT_OK);
    ck_assert_int_eq(att_chain_verify(c, chain, 1, none, ATT_USE_LABEL, NOW, ATT_R_LBL_KEY, NULL),
                     ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_chain_verify(c, chain, ATT_CHAIN_MAX + 1, anchors, ATT_USE_LABEL, NOW,
                                      ATT_R_LBL_KEY, NULL),
                     ATT_E_LIMIT);
    att_anchors_free(none);
    att_cert_free(c);
}
END_TEST

/* ---- certificates that our own issuing code does not make: built with OpenSSL itself ---- */

struct odd {
    const char *eku;   /* NULL: none */
    const char *basic; /* NULL: none */
    const char *usage; /* NULL: none */
    const char *extra; /* OID of a critical extension that nobody knows, or NULL */
    const char *san;   /* NULL: none */
    EVP_PKEY *key;     /* NULL: a new P-256 key */
    const EVP_MD *md;  /* NULL: SHA-256 */
};

static void add_conf(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = NULL;

    if (value == NULL) {
        return;
    }
    e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static X509 *odd_x509(const struct odd *o)
{
    struct att_buf *pem = NULL;
    EVP_PKEY *key = o->key, *signing = NULL;
    BIO *bio = NULL;
    X509 *x = X509_new();
    const unsigned char *at = att_cert_der(root).p;
    X509 *issuer = d2i_X509(NULL, &at, (long)att_cert_der(root).len);

    ck_assert_int_eq(att_privkey_pem(&pem, root_key), ATT_OK);
    bio = BIO_new_mem_buf(att_buf_slice(pem).p, (int)att_buf_len(pem));
    signing = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    if (key == NULL) {
        key = EVP_EC_gen("P-256");
    }
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    ASN1_TIME_set(X509_getm_notBefore(x), NOW - DAY);
    ASN1_TIME_set(X509_getm_notAfter(x), NOW + DAY);
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
    ck_assert_int_gt(X509_sign(x, signing, o->md == NULL ? EVP_sha256() : o->md), 0);
    if (o->key == NULL) {
        EVP_PKEY_free(key);
    }
    EVP_PKEY_free(signing);
    BIO_free(bio);
    X509_free(issuer);
    att_buf_free(pem);
    return x;
}

struct blob {
    uint8_t p[4096];
    size_t len;
};

static struct blob odd_der(const struct odd *o)
{
    struct blob b = {0};
    X509 *x = odd_x509(o);
    unsigned char *at = b.p;
    int len = i2d_X509(x, NULL);

    ck_assert_uint_le((size_t)len, sizeof(b.p));
    b.len = (size_t)i2d_X509(x, &at);
    X509_free(x);
    return b;
}

static struct att_cert *odd_cert(const struct odd *o)
{
    struct blob b = odd_der(o);
    struct att_cert *c = NULL;

    ck_assert_int_eq(att_cert_parse(&c, att_slice_of(b.p, b.len), NULL), ATT_OK);
    return c;
}

#define EK_EKU "2.23.133.8.1"

/* Matrix row I-07, the parts that are about use. */
START_TEST(att_chain_verify__ek_certificates_need_their_use_and_no_ca_flag)
{
    static const struct {
        struct odd odd;
        enum att_err want;
    } CASES[] = {
        {{.eku = EK_EKU, .basic = "critical,CA:FALSE", .usage = "critical,keyEncipherment"},
         ATT_OK},
        {{.eku = EK_EKU}, ATT_OK},
        {{.eku = "serverAuth," EK_EKU}, ATT_OK},
        {{.eku = NULL, .basic = "critical,CA:FALSE"}, ATT_E_FORMAT},
        {{.eku = "serverAuth"}, ATT_E_FORMAT},
        {{.eku = "2.23.133.8.3"}, ATT_E_FORMAT},
        {{.eku = "anyExtendedKeyUsage"}, ATT_E_FORMAT},
        {{.eku = EK_EKU, .basic = "critical,CA:TRUE"}, ATT_E_FORMAT},
        {{.eku = EK_EKU, .usage = "keyCertSign"}, ATT_E_FORMAT},
        {{.eku = EK_EKU, .usage = "digitalSignature"}, ATT_E_FORMAT},
        {{.eku = EK_EKU, .usage = "keyAgreement"}, ATT_OK},
        {{.eku = EK_EKU, .extra = "1.2.3.4.5"}, ATT_E_FORMAT},
    };
    struct att_cert *c = odd_cert(&CASES[_i].odd);

    ck_assert_int_eq(judge(c, ATT_USE_EK, NOW), CASES[_i].want);
    att_cert_free(c);
}
END_TEST
#define EK_CASES 12

START_TEST(att_chain_verify__label_signers_need_digital_signature)
{
    static const struct {
        struct odd odd;
        enum att_err want;
    } CASES[] = {
        {{.eku = ATT_OID_LABEL_SIGNING, .usage = "digitalSignature"}, ATT_OK},
        {{.eku = ATT_OID_LABEL_SIGNING, .usage = "keyEncipherment"}, ATT_E_FORMAT},
        {{.eku = ATT_OID_LABEL_SIGNING}, ATT_E_FORMAT},
        {{.eku = "codeSigning", .usage = "digitalSignature"}, ATT_E_FORMAT},
    };
    struct att_cert *c = odd_cert(&CASES[_i].odd);

    ck_assert_int_eq(judge(c, ATT_USE_LABEL, NOW), CASES[_i].want);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__weak_keys_and_hashes_are_refused)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    struct odd weak_key = {.eku = ATT_OID_LABEL_SIGNING, .usage = "digitalSignature", .key = weak};
    struct odd weak_ek = {.eku = EK_EKU, .key = weak};
    struct odd sha1 = {.eku = ATT_OID_LABEL_SIGNING, .usage = "digitalSignature", .md = EVP_sha1()};
    struct odd sha1_ek = {.eku = EK_EKU, .md = EVP_sha1()};
    struct blob der = odd_der(&weak_ek);
    struct att_pubkey *key = NULL;
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    c = odd_cert(&weak_key);
    ck_assert_int_eq(judge(c, ATT_USE_LABEL, NOW), ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_cert_key(&key, c, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    att_cert_freep(&c);
    c = odd_cert(&weak_ek);
    ck_assert_int_eq(judge(c, ATT_USE_EK, NOW), ATT_E_UNTRUSTED);
    att_cert_freep(&c);
    memset(&diag, 0, sizeof(diag));
    ck_assert_int_eq(att_cert_parse_ek(&c, att_slice_of(der.p, der.len), NULL, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    c = odd_cert(&sha1);
    ck_assert_int_eq(judge(c, ATT_USE_LABEL, NOW), ATT_E_UNTRUSTED);
    att_cert_freep(&c);
    /* old makers signed with SHA-1; see the comment at the rule */
    c = odd_cert(&sha1_ek);
    ck_assert_int_eq(judge(c, ATT_USE_EK, NOW), ATT_OK);
    att_cert_freep(&c);
    EVP_PKEY_free(weak);
}
END_TEST

START_TEST(att_chain_verify__refuses_every_flipped_bit)
{
    struct odd o = {.eku = EK_EKU, .basic = "critical,CA:FALSE"};
    struct blob b = odd_der(&o);
    size_t read = 0;

    for (size_t bit = 0; bit < 8 * b.len; bit += 3) {
        struct att_cert *c = NULL;

        b.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (att_cert_parse_ek(&c, att_slice_of(b.p, b.len), NULL, NULL) == ATT_OK) {
            ck_assert_msg(judge(c, ATT_USE_EK, NOW) != ATT_OK, "bit %zu", bit);
            read++;
        }
        att_cert_free(c);
        b.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    ck_assert_uint_gt(read, 100); /* otherwise only the parser was tried */
}
END_TEST

/* ---- reading ---- */

START_TEST(att_cert_parse__der_and_pem_whole_and_nothing_behind)
{
    struct odd o = {.eku = EK_EKU};
    struct blob b = odd_der(&o);
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
    struct odd o = {.eku = EK_EKU};
    struct blob b = odd_der(&o), longer = {0};
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
        const char *workaround;
    } CASES[] = {
        {false, 0, 0, NULL},
        {true, 0, 0, "TCG header cut"},
        {false, 200, 0xff, "padding cut"},
        {false, 1, 0x00, "padding cut"},
        {true, 300, 0x00, "TCG header and padding cut"},
    };
    struct odd o = {.eku = EK_EKU};
    struct blob b = odd_der(&o), in = {0};
    const char *workaround = "unset";
    struct att_cert *c = NULL;

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
    ck_assert_int_eq(att_cert_parse_ek(&c, att_slice_of(in.p, in.len), &workaround, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_cert_der(c), att_slice_of(b.p, b.len)));
    if (CASES[_i].workaround == NULL) {
        ck_assert_ptr_null(workaround);
    } else {
        ck_assert_str_eq(workaround, CASES[_i].workaround);
    }
    ck_assert_int_eq(judge(c, ATT_USE_EK, NOW), ATT_OK);
    att_cert_free(c);
}
END_TEST

START_TEST(att_cert_parse_ek__does_not_forgive_other_bytes)
{
    struct odd o = {.eku = EK_EKU};
    struct blob b = odd_der(&o);
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    b.p[b.len] = 0xff;
    b.p[b.len + 1] = 0x00;
    ck_assert_int_eq(att_cert_parse_ek(&c, att_slice_of(b.p, b.len + 2), NULL, &diag),
                     ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CERT);
    ck_assert_int_eq(att_cert_parse_ek(&c, att_slice_of(b.p, b.len - 1), NULL, &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(att_cert_parse_ek(&c, att_slice_of(NULL, 0), NULL, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(
        att_cert_parse_ek(&c, att_slice_of("\x10\x01\x00\x00\x02\x10\x02", 7), NULL, &diag),
        ATT_E_FORMAT);
    ck_assert_ptr_null(c);
}
END_TEST

/* The same key, once under each name: 1.2.840.113549.1.1.1 becomes .7 before the issuer signs. */
START_TEST(att_cert_parse_ek__reads_rsaes_oaep_keys)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    struct odd o = {.eku = EK_EKU, .key = rsa};
    X509 *x = odd_x509(&o);
    struct att_buf *pem = NULL;
    BIO *bio = NULL;
    EVP_PKEY *signing = NULL;
    unsigned char *der = NULL, *spki = NULL;
    int spki_len = i2d_PUBKEY(rsa, &spki);
    struct att_pubkey *want = NULL, *got = NULL;
    const char *workaround = NULL;
    struct att_cert *c = NULL;
    X509_PUBKEY *pub = X509_get_X509_PUBKEY(x);
    int len = 0;

    ck_assert_int_eq(att_privkey_pem(&pem, root_key), ATT_OK);
    bio = BIO_new_mem_buf(att_buf_slice(pem).p, (int)att_buf_len(pem));
    signing = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    ck_assert_int_eq(
        X509_PUBKEY_set0_param(pub, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_NULL, NULL, NULL, 0), 1);
    ck_assert_int_gt(X509_sign(x, signing, EVP_sha256()), 0);
    len = i2d_X509(x, &der);
    ck_assert_int_gt(len, 0);

    ck_assert_int_eq(att_cert_parse_ek(&c, att_slice_of(der, (size_t)len), &workaround, NULL),
                     ATT_OK);
    ck_assert_str_eq(workaround, "rsaesOaep key read as RSA");
    ck_assert_int_eq(judge(c, ATT_USE_EK, NOW), ATT_OK);
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
    if (att_cert_parse_ek(&c, att_slice_of(der, (size_t)len), NULL, NULL) == ATT_OK) {
        ck_assert_int_eq(judge(c, ATT_USE_EK, NOW), ATT_E_UNTRUSTED);
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
    struct odd o = {.eku = "clientAuth", .san = CASES[_i].san};
    struct att_cert *c = odd_cert(&o);
    char id[65] = "";

    ck_assert_int_eq(att_cert_device_id(id, sizeof(id), c), CASES[_i].want);
    ck_assert_str_eq(id, CASES[_i].want == ATT_OK ? "gw-01" : "");
    if (CASES[_i].want == ATT_OK) {
        ck_assert_int_eq(att_cert_device_id(id, 5, c), ATT_E_LIMIT);
    }
    att_cert_free(c);
}
END_TEST

START_TEST(att_cert_issue__tls_client_names_its_device)
{
    struct att_cert *c = leaf_of(ATT_CERT_TLS_CLIENT);
    struct att_cert *server = leaf_of(ATT_CERT_TLS_SERVER);
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
    struct odd o = {.eku = EK_EKU};
    X509 *x = odd_x509(&o);
    X509_NAME *name = X509_NAME_new();
    static const char BAD[] = "a,b\x1b[31m\n\xe5\xb7\xa5\xe5\xa0\xb4 \xe2\x80\xae";
    struct att_cert *c = NULL;
    struct blob b = {0};
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
    struct att_cert *a = leaf_of(ATT_CERT_LABEL_SIGNER), *b = leaf_of(ATT_CERT_LABEL_SIGNER);
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
    struct att_cert_order order = order_of(ATT_CERT_TLS_SERVER);
    struct att_cert *leaf = leaf_of(ATT_CERT_LABEL_SIGNER);

    order.hosts = BAD_HOSTS;
    order.host_count = 2;
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_E_CONFIG);
    order.host_count = 0;
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_E_CONFIG);
    order = order_of(ATT_CERT_TLS_CLIENT);
    order.device_id = "gw 01";
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_ID);
    order.device_id = NULL;
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_E_FORMAT);
    order = order_of(ATT_CERT_LABEL_SIGNER);
    order.common_name = "line\nbreak";
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_E_CONFIG);
    order = order_of(ATT_CERT_LABEL_SIGNER);
    order.not_after = order.not_before;
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_E_CONFIG);
    order = order_of(ATT_CERT_LABEL_SIGNER);
    ck_assert_int_eq(att_cert_issue(&der, &order, root, other_key, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(att_cert_issue(&der, &order, NULL, other_key, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(att_cert_issue(&der, &order, leaf, leaf_key, &diag), ATT_E_FORMAT);
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
    struct att_cert_order order = order_of(ATT_CERT_ROOT);

    ck_assert_int_eq(att_privkey_generate(&key, KEYS[_i]), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&pub, key), ATT_OK);
    ck_assert_int_eq(att_csr_make(&csr, key, "gw-01"), ATT_OK);
    ck_assert_int_eq(att_csr_open(&asked, att_buf_slice(csr), NULL), ATT_OK);
    ck_assert(att_pubkey_eq(asked, pub));
    order.subject_key = pub;
    ca = issue(&order, NULL, key);
    order = order_of(ATT_CERT_LABEL_SIGNER);
    leaf = issue(&order, ca, key);
    ck_assert_int_eq(judge(leaf, ATT_USE_LABEL, NOW), ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_anchors_add(anchors, ca), ATT_OK);
    ck_assert_int_eq(judge(leaf, ATT_USE_LABEL, NOW), ATT_OK);
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
    struct blob b = {0};

    ck_assert_int_eq(att_csr_make(&der, leaf_key, "gw-01"), ATT_OK);
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
    ck_assert_int_eq(att_csr_open(&k, att_cert_der(root), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_CSR);
    ck_assert_ptr_null(k);
    att_buf_free(der);
}
END_TEST

/* ---- anchors ---- */

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
    ck_assert_int_eq(att_cert_pem(&pem, att_cert_der(root)), ATT_OK);
    ck_assert_int_eq(att_buf_new(&bundle, 65536), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(bundle, att_slice_str("# two roots\n")), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(bundle, att_buf_slice(pem)), ATT_OK);
    ck_assert_int_eq(att_buf_add_slice(bundle, att_buf_slice(pem)), ATT_OK);
    put(folder, "b.pem", att_buf_slice(bundle));
    put(folder, "a.der", att_cert_der(other_root));
    put(folder, "notes.txt", att_slice_str("not an anchor"));
    ck_assert_int_eq(att_anchors_new(&a), ATT_OK);
    ck_assert_int_eq(att_anchors_load(a, folder, &diag), ATT_OK);
    ck_assert_uint_eq(att_anchors_count(a), 2);
    ck_assert(att_slice_eq(att_cert_der(att_anchors_at(a, 0)), att_cert_der(other_root)));
    ck_assert(att_slice_eq(att_cert_der(att_anchors_at(a, 1)), att_cert_der(root)));
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

/* ---- real endorsement key certificates ---- */

static const struct {
    const char *file;
    int64_t at;
    enum att_err want;
    const char *workaround;
} REAL[] = {
    {"hirs-nuc-1-tpmcert.pem", 1500000000, ATT_OK, "rsaesOaep key read as RSA"},
    {"hirs-nuc-1-tpmcert.pem", NOW, ATT_E_STALE, "rsaesOaep key read as RSA"},
    {"hirs-nuc-1-ek_cert_untouched.cer", 1500000000, ATT_OK,
     "TCG header cut, rsaesOaep key read as RSA"},
    {"keylime-nuvoton-2111-ek.der", NOW, ATT_OK, NULL},
    {"gce-uca_tpm_rsa_enc_cert.pem", NOW, ATT_OK, NULL},
    /* the path holds, but these keys sign, or do not say that they are endorsement keys */
    {"gce-uca_tpm_rsa_sign_cert.pem", NOW, ATT_E_FORMAT, NULL},
    {"gce-pca_tpm_rsa_enc_cert.pem", NOW, ATT_E_FORMAT, NULL},
    {"gce-pca_tpm_rsa_sign_cert.pem", NOW, ATT_E_FORMAT, NULL},
};

static const char *const MAKERS[] = {
    "tpm-root-cas.pem",
    "tpm-intermediate-cas.pem",
    "gce-gcp_ek_ak_ca_root.crt",
    "gce-gcp_ek_ak_ca_intermediate_v3.crt",
    "gce-tpm_ek_root_1.cer",
    "gce-tpm_ek_intermediate_2.crt",
    "gce-tpm_ek_intermediate_3.crt",
};

static bool corpus_path(char *out, size_t cap, const char *file)
{
    const char *corpus = getenv("CORPUS");

    if (corpus == NULL || corpus[0] == '\0') {
        return false;
    }
    snprintf(out, cap, "%s/ek-certs/%s", corpus, file);
    return access(out, R_OK) == 0;
}

/* What the makers publish, as anchors: read in place, so through a folder of links. */
static struct att_anchors *load_makers(void)
{
    char folder[] = "/tmp/attest-makers-XXXXXX", path[512], name[512];
    struct att_anchors *a = NULL;
    struct att_diag diag = {0};

    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < ATT_COUNT(MAKERS); i++) {
        ck_assert(corpus_path(path, sizeof(path), MAKERS[i]));
        snprintf(name, sizeof(name), "%s/%s", folder, MAKERS[i]);
        ck_assert_int_eq(symlink(path, name), 0);
    }
    ck_assert_int_eq(att_anchors_new(&a), ATT_OK);
    ck_assert_msg(att_anchors_load(a, folder, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_uint_gt(att_anchors_count(a), 150);
    for (size_t i = 0; i < ATT_COUNT(MAKERS); i++) {
        drop(folder, MAKERS[i]);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    return a;
}

static struct att_cert *read_cert(const char *file, const char **workaround)
{
    char path[512];
    struct att_buf *bytes = NULL;
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    ck_assert(corpus_path(path, sizeof(path), file));
    ck_assert_int_eq(att_file_read(&bytes, path, 65536, NULL), ATT_OK);
    ck_assert_msg(att_cert_parse_ek(&c, att_buf_slice(bytes), workaround, &diag) == ATT_OK,
                  "%s: %s", file, diag.text);
    att_buf_free(bytes);
    return c;
}

START_TEST(att_chain_verify__real_ek_certificates)
{
    char path[512];
    struct att_anchors *makers = NULL, *none = NULL;
    struct att_cert *c = NULL;
    struct att_pubkey *key = NULL;
    struct att_diag diag = {0};
    const char *workaround = NULL;
    enum att_err err = ATT_OK;

    if (!corpus_path(path, sizeof(path), REAL[_i].file)) {
        return;
    }
    c = read_cert(REAL[_i].file, &workaround);
    if (REAL[_i].workaround == NULL) {
        ck_assert_ptr_null(workaround);
    } else {
        ck_assert_str_eq(workaround, REAL[_i].workaround);
    }
    ck_assert_int_eq(att_cert_key(&key, c, NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_type(key), ATT_KEY_RSA);
    ck_assert_int_eq(att_anchors_new(&none), ATT_OK);
    err = att_chain_verify(c, NULL, 0, none, ATT_USE_EK, REAL[_i].at, ATT_R_ID_EKCERT, &diag);
    ck_assert_int_eq(err, ATT_E_UNTRUSTED);
    makers = load_makers();
    err = att_chain_verify(c, NULL, 0, makers, ATT_USE_EK, REAL[_i].at, ATT_R_ID_EKCERT, &diag);
    ck_assert_msg(err == REAL[_i].want, "%s: %s: %s", REAL[_i].file, att_err_name(err), diag.text);
    att_cert_free(c);
    att_pubkey_free(key);
    att_anchors_free(makers);
    att_anchors_free(none);
}
END_TEST

/* The intermediate comes along with the leaf, and only the root is trusted. */
START_TEST(att_chain_verify__a_real_path_over_a_given_intermediate)
{
    char path[512];
    struct att_cert *leaf = NULL, *middle = NULL, *top = NULL;
    struct att_anchors *a = NULL;
    const struct att_cert *chain[1];

    if (!corpus_path(path, sizeof(path), MAKERS[0])) {
        return;
    }
    leaf = read_cert("gce-uca_tpm_rsa_enc_cert.pem", NULL);
    middle = read_cert("gce-tpm_ek_intermediate_3.crt", NULL);
    top = read_cert("gce-tpm_ek_root_1.cer", NULL);
    chain[0] = middle;
    ck_assert_int_eq(att_anchors_new(&a), ATT_OK);
    ck_assert_int_eq(att_anchors_add(a, top), ATT_OK);
    ck_assert_int_eq(att_chain_verify(leaf, NULL, 0, a, ATT_USE_EK, NOW, ATT_R_ID_EKCERT, NULL),
                     ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_chain_verify(leaf, chain, 1, a, ATT_USE_EK, NOW, ATT_R_ID_EKCERT, NULL),
                     ATT_OK);
    att_cert_free(leaf);
    att_cert_free(middle);
    att_cert_free(top);
    att_anchors_free(a);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cert");
    TCase *t = tcase_create("certificates");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, att_cert_issue__each_kind_serves_its_use_and_no_other, 0,
                        (int)ATT_COUNT(LEAVES));
    tcase_add_loop_test(t, att_chain_verify__time_decides, 0, (int)ATT_COUNT(LEAVES));
    tcase_add_loop_test(t, att_chain_verify__another_authority_of_the_same_name_is_untrusted, 0,
                        (int)ATT_COUNT(LEAVES));
    tcase_add_test(t, att_chain_verify__self_signed_leaf_is_untrusted_until_it_is_an_anchor);
    tcase_add_test(t, att_chain_verify__an_authority_is_no_leaf);
    tcase_add_test(t, att_chain_verify__no_anchors_no_trust_and_chains_are_bounded);
    tcase_add_loop_test(t, att_chain_verify__ek_certificates_need_their_use_and_no_ca_flag, 0,
                        EK_CASES);
    tcase_add_loop_test(t, att_chain_verify__label_signers_need_digital_signature, 0, 4);
    tcase_add_test(t, att_chain_verify__weak_keys_and_hashes_are_refused);
    tcase_add_test(t, att_chain_verify__refuses_every_flipped_bit);
    tcase_add_test(t, att_cert_parse__der_and_pem_whole_and_nothing_behind);
    tcase_add_test(t, att_cert_parse__one_spelling_and_a_limit);
    tcase_add_loop_test(t, att_cert_parse_ek__cuts_what_nv_adds, 0, 5);
    tcase_add_test(t, att_cert_parse_ek__does_not_forgive_other_bytes);
    tcase_add_test(t, att_cert_parse_ek__reads_rsaes_oaep_keys);
    tcase_add_loop_test(t, att_cert_device_id__exactly_one_well_formed_name, 0, 8);
    tcase_add_test(t, att_cert_issue__tls_client_names_its_device);
    tcase_add_test(t, att_cert_subject__is_safe_to_print);
    tcase_add_test(t, att_cert_issue__serials_are_long_random_and_positive);
    tcase_add_test(t, att_cert_issue__refuses_orders_that_make_no_sense);
    tcase_add_loop_test(t, att_cert_issue__every_key_type_can_sign, 0, (int)ATT_COUNT(KEYS));
    tcase_add_test(t, att_csr_open__needs_the_proof_of_possession);
    tcase_add_test(t, att_anchors_load__a_folder_in_name_order_without_doubles);
    tcase_add_loop_test(t, att_chain_verify__real_ek_certificates, 0, (int)ATT_COUNT(REAL));
    tcase_add_test(t, att_chain_verify__a_real_path_over_a_given_intermediate);
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
