/* Paths from a leaf to an anchor: accepted for one use at one time, refused with the exact code. */
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
    struct att_cert *c = testcert_leaf(LEAVES[_i].kind);
    static const enum att_cert_use USES[] = {ATT_USE_EK, ATT_USE_LABEL, ATT_USE_TLS_CLIENT,
                                             ATT_USE_TLS_SERVER};

    for (size_t i = 0; i < ATT_COUNT(USES); i++) {
        ck_assert_int_eq(judge(c, USES[i], TESTCERT_NOW),
                         USES[i] == LEAVES[_i].use ? ATT_OK : ATT_E_FORMAT);
    }
    ck_assert(!att_cert_is_ca(c));
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__time_decides)
{
    struct att_cert *c = testcert_leaf(LEAVES[_i].kind);
    enum att_cert_use use = LEAVES[_i].use;

    ck_assert_int_eq(att_cert_not_before(c), TESTCERT_NOW - TESTCERT_DAY);
    ck_assert_int_eq(att_cert_not_after(c), TESTCERT_NOW + TESTCERT_DAY);
    ck_assert_int_eq(judge(c, use, TESTCERT_NOW - TESTCERT_DAY - 1), ATT_E_STALE);
    ck_assert_int_eq(judge(c, use, TESTCERT_NOW - TESTCERT_DAY), ATT_OK);
    ck_assert_int_eq(judge(c, use, TESTCERT_NOW + TESTCERT_DAY - 1), ATT_OK);
    ck_assert_int_eq(judge(c, use, TESTCERT_NOW + TESTCERT_DAY + 1), ATT_E_STALE);
    /* the pki.root itself runs out */
    ck_assert_int_eq(judge(c, use, TESTCERT_NOW + 2000 * TESTCERT_DAY), ATT_E_STALE);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__another_authority_of_the_same_name_is_untrusted)
{
    struct att_cert_order order = testcert_order(LEAVES[_i].kind);
    struct att_cert *c = testcert_issue(&order, pki.other_root, pki.other_key);
    const struct att_cert *chain[] = {pki.other_root};
    struct att_diag diag = {0};

    ck_assert_int_eq(judge(c, LEAVES[_i].use, TESTCERT_NOW), ATT_E_UNTRUSTED);
    /* an authority that comes along gives no trust by itself */
    ck_assert_int_eq(att_chain_verify(c, chain, 1, pki.anchors, LEAVES[_i].use, TESTCERT_NOW,
                                      ATT_R_LBL_CHAIN, &diag),
                     ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_CHAIN);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__self_signed_leaf_is_untrusted_until_it_is_an_anchor)
{
    struct att_cert_order order = testcert_order(ATT_CERT_LABEL_SIGNER);
    struct att_cert *c = testcert_issue(&order, NULL, pki.leaf_key);

    ck_assert_int_eq(judge(c, ATT_USE_LABEL, TESTCERT_NOW), ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_anchors_add(pki.anchors, c), ATT_OK);
    ck_assert_int_eq(judge(c, ATT_USE_LABEL, TESTCERT_NOW), ATT_OK);
    ck_assert_int_eq(judge(c, ATT_USE_TLS_SERVER, TESTCERT_NOW), ATT_E_FORMAT);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__an_authority_is_no_leaf)
{
    ck_assert(att_cert_is_ca(pki.root));
    for (size_t i = 0; i < ATT_COUNT(LEAVES); i++) {
        ck_assert_int_eq(judge(pki.root, LEAVES[i].use, TESTCERT_NOW), ATT_E_FORMAT);
    }
    ck_assert_int_eq(judge(pki.root, ATT_USE_EK, TESTCERT_NOW), ATT_E_FORMAT);
}
END_TEST

START_TEST(att_chain_verify__no_anchors_no_trust_and_chains_are_bounded)
{
    struct att_cert *c = testcert_leaf(ATT_CERT_LABEL_SIGNER);
    const struct att_cert *chain[ATT_CHAIN_MAX + 1];
    struct att_anchors *none = NULL;

    for (size_t i = 0; i < ATT_COUNT(chain); i++) {
        chain[i] = pki.root;
    }
    ck_assert_int_eq(att_anchors_new(&none), ATT_OK);
    ck_assert_int_eq(
        att_chain_verify(c, chain, 1, none, ATT_USE_LABEL, TESTCERT_NOW, ATT_R_LBL_KEY, NULL),
        ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_chain_verify(c, chain, ATT_CHAIN_MAX + 1, pki.anchors, ATT_USE_LABEL,
                                      TESTCERT_NOW, ATT_R_LBL_KEY, NULL),
                     ATT_E_LIMIT);
    att_anchors_free(none);
    att_cert_free(c);
}
END_TEST

/* Matrix row I-07, the parts that are about use. */
START_TEST(att_chain_verify__ek_certificates_need_their_use_and_no_ca_flag)
{
    static const struct {
        struct testcert_odd odd;
        enum att_err want;
    } CASES[] = {
        {{.eku = TESTCERT_EK, .basic = "critical,CA:FALSE", .usage = "critical,keyEncipherment"},
         ATT_OK},
        {{.eku = TESTCERT_EK}, ATT_OK},
        {{.eku = "serverAuth," TESTCERT_EK}, ATT_OK},
        {{.eku = NULL, .basic = "critical,CA:FALSE"}, ATT_E_FORMAT},
        {{.eku = "serverAuth"}, ATT_E_FORMAT},
        {{.eku = "2.23.133.8.3"}, ATT_E_FORMAT},
        {{.eku = "anyExtendedKeyUsage"}, ATT_E_FORMAT},
        {{.eku = TESTCERT_EK, .basic = "critical,CA:TRUE"}, ATT_E_FORMAT},
        {{.eku = TESTCERT_EK, .usage = "keyCertSign"}, ATT_E_FORMAT},
        {{.eku = TESTCERT_EK, .usage = "digitalSignature"}, ATT_E_FORMAT},
        {{.eku = TESTCERT_EK, .usage = "keyAgreement"}, ATT_OK},
        {{.eku = TESTCERT_EK, .extra = "1.2.3.4.5"}, ATT_E_FORMAT},
    };
    struct att_cert *c = testcert_odd(&CASES[_i].odd);

    ck_assert_int_eq(judge(c, ATT_USE_EK, TESTCERT_NOW), CASES[_i].want);
    att_cert_free(c);
}
END_TEST
#define EK_CASES 12

START_TEST(att_chain_verify__label_signers_need_digital_signature)
{
    static const struct {
        struct testcert_odd odd;
        enum att_err want;
    } CASES[] = {
        {{.eku = ATT_OID_LABEL_SIGNING, .usage = "digitalSignature"}, ATT_OK},
        {{.eku = ATT_OID_LABEL_SIGNING, .usage = "keyEncipherment"}, ATT_E_FORMAT},
        {{.eku = ATT_OID_LABEL_SIGNING}, ATT_E_FORMAT},
        {{.eku = "codeSigning", .usage = "digitalSignature"}, ATT_E_FORMAT},
    };
    struct att_cert *c = testcert_odd(&CASES[_i].odd);

    ck_assert_int_eq(judge(c, ATT_USE_LABEL, TESTCERT_NOW), CASES[_i].want);
    att_cert_free(c);
}
END_TEST

START_TEST(att_chain_verify__weak_keys_and_hashes_are_refused)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    struct testcert_odd weak_key = {
        .eku = ATT_OID_LABEL_SIGNING, .usage = "digitalSignature", .key = weak};
    struct testcert_odd weak_ek = {.eku = TESTCERT_EK, .key = weak};
    struct testcert_odd sha1 = {
        .eku = ATT_OID_LABEL_SIGNING, .usage = "digitalSignature", .md = EVP_sha1()};
    struct testcert_odd sha1_ek = {.eku = TESTCERT_EK, .md = EVP_sha1()};
    struct testcert_blob der = testcert_odd_der(&weak_ek);
    struct att_pubkey *key = NULL;
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    c = testcert_odd(&weak_key);
    ck_assert_int_eq(judge(c, ATT_USE_LABEL, TESTCERT_NOW), ATT_E_UNTRUSTED);
    ck_assert_int_eq(att_cert_key(&key, c, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    att_cert_freep(&c);
    c = testcert_odd(&weak_ek);
    ck_assert_int_eq(judge(c, ATT_USE_EK, TESTCERT_NOW), ATT_E_UNTRUSTED);
    att_cert_freep(&c);
    memset(&diag, 0, sizeof(diag));
    ck_assert_int_eq(
        att_cert_parse_ek(&c, NULL, att_slice_of(der.p, der.len), ATT_EK_FIX_ALL, &diag),
        ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    c = testcert_odd(&sha1);
    ck_assert_int_eq(judge(c, ATT_USE_LABEL, TESTCERT_NOW), ATT_E_UNTRUSTED);
    att_cert_freep(&c);
    /* old makers signed with SHA-1; see the comment at the rule */
    c = testcert_odd(&sha1_ek);
    ck_assert_int_eq(judge(c, ATT_USE_EK, TESTCERT_NOW), ATT_OK);
    att_cert_freep(&c);
    EVP_PKEY_free(weak);
}
END_TEST

START_TEST(att_chain_verify__refuses_every_flipped_bit)
{
    struct testcert_odd o = {.eku = TESTCERT_EK, .basic = "critical,CA:FALSE"};
    struct testcert_blob b = testcert_odd_der(&o);
    size_t read = 0;

    for (size_t bit = 0; bit < 8 * b.len; bit += 3) {
        struct att_cert *c = NULL;

        b.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (att_cert_parse_ek(&c, NULL, att_slice_of(b.p, b.len), ATT_EK_FIX_ALL, NULL) == ATT_OK) {
            ck_assert_msg(judge(c, ATT_USE_EK, TESTCERT_NOW) != ATT_OK, "bit %zu", bit);
            read++;
        }
        att_cert_free(c);
        b.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    ck_assert_uint_gt(read, 100); /* otherwise only the parser was tried */
}
END_TEST

/* ---- real endorsement key certificates ---- */

static const struct {
    const char *file;
    int64_t at;
    enum att_err want;
    unsigned int fixes;
} REAL[] = {
    {"hirs-nuc-1-tpmcert.pem", 1500000000, ATT_OK, ATT_EK_FIX_OAEP},
    {"hirs-nuc-1-tpmcert.pem", TESTCERT_NOW, ATT_E_STALE, ATT_EK_FIX_OAEP},
    {"hirs-nuc-1-ek_cert_untouched.cer", 1500000000, ATT_OK, ATT_EK_FIX_HEADER | ATT_EK_FIX_OAEP},
    {"keylime-nuvoton-2111-ek.der", TESTCERT_NOW, ATT_OK, 0},
    {"gce-uca_tpm_rsa_enc_cert.pem", TESTCERT_NOW, ATT_OK, 0},
    /* the path holds, but these keys sign, or do not say that they are endorsement keys */
    {"gce-uca_tpm_rsa_sign_cert.pem", TESTCERT_NOW, ATT_E_FORMAT, 0},
    {"gce-pca_tpm_rsa_enc_cert.pem", TESTCERT_NOW, ATT_E_FORMAT, 0},
    {"gce-pca_tpm_rsa_sign_cert.pem", TESTCERT_NOW, ATT_E_FORMAT, 0},
};

static void drop(const char *folder, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    ck_assert_int_eq(unlink(path), 0);
}

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

/* What the makers publish, as pki.anchors: read in place, so through a folder of links. */
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

static struct att_cert *read_cert(const char *file, unsigned int *fixes)
{
    char path[512];
    struct att_buf *bytes = NULL;
    struct att_cert *c = NULL;
    struct att_diag diag = {0};

    ck_assert(corpus_path(path, sizeof(path), file));
    ck_assert_int_eq(att_file_read(&bytes, path, 65536, NULL), ATT_OK);
    ck_assert_msg(att_cert_parse_ek(&c, fixes, att_buf_slice(bytes), ATT_EK_FIX_ALL, &diag) ==
                      ATT_OK,
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
    unsigned int fixes = 0;
    enum att_err err = ATT_OK;

    if (!corpus_path(path, sizeof(path), REAL[_i].file)) {
        return;
    }
    c = read_cert(REAL[_i].file, &fixes);
    ck_assert_uint_eq(fixes, REAL[_i].fixes);
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

/* The intermediate comes along with the leaf, and only the pki.root is trusted. */
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
    ck_assert_int_eq(
        att_chain_verify(leaf, NULL, 0, a, ATT_USE_EK, TESTCERT_NOW, ATT_R_ID_EKCERT, NULL),
        ATT_E_UNTRUSTED);
    ck_assert_int_eq(
        att_chain_verify(leaf, chain, 1, a, ATT_USE_EK, TESTCERT_NOW, ATT_R_ID_EKCERT, NULL),
        ATT_OK);
    att_cert_free(leaf);
    att_cert_free(middle);
    att_cert_free(top);
    att_anchors_free(a);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("chain");
    TCase *t = tcase_create("certificates");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, testcert_setup, testcert_teardown);
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
