/* EK certificates: what is forgiven by name, what the maker says of the TPM, revocation lists as files. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/ek_cert.h"
#include "need.h"
#include "softtpm.h"
#include "testcert.h"

static struct att_cert *parse(struct att_slice der)
{
    struct att_cert *c = NULL;

    ck_assert_int_eq(att_cert_parse_ek(&c, NULL, der, 0, NULL), ATT_OK);
    return c;
}

START_TEST(att_ek_fix__names_and_bits_agree)
{
    char text[64];

    for (unsigned int bit = 1; bit <= ATT_EK_FIX_ALL; bit <<= 1) {
        ck_assert_uint_eq(att_ek_fix_find(att_ek_fix_name(bit)), bit);
    }
    ck_assert_uint_eq(att_ek_fix_find("everything"), 0);
    ck_assert_str_eq(att_ek_fix_name(64), "");
    ck_assert_str_eq(att_ek_fixes_print(text, sizeof(text), 0), "");
    ck_assert_str_eq(att_ek_fixes_print(text, sizeof(text), ATT_EK_FIX_PADDING | ATT_EK_FIX_BER),
                     "padding, ber");
    ck_assert_str_eq(att_ek_fixes_print(text, 5, ATT_EK_FIX_ALL), "tcg-");
}
END_TEST

/* The outer length in one byte more than DER has: the signed bytes are untouched, so the path holds. */
START_TEST(att_cert_parse_ek__names_what_is_no_der)
{
    struct testcert_odd o = {.eku = TESTCERT_EK};
    struct testcert_blob b = testcert_odd_der(&o);
    struct att_cert *c = NULL;
    struct att_diag diag = {0};
    unsigned int fixes = 0;

    ck_assert(b.p[0] == 0x30 && b.p[1] == 0x82);
    memmove(b.p + 3, b.p + 2, b.len - 2);
    b.p[1] = 0x83;
    b.p[2] = 0;
    b.len++;
    ck_assert_int_eq(att_cert_parse_ek(&c, &fixes, att_slice_of(b.p, b.len), ATT_EK_FIX_ALL, NULL),
                     ATT_OK);
    ck_assert_uint_eq(fixes, ATT_EK_FIX_BER);
    ck_assert_int_eq(
        att_chain_verify(c, NULL, 0, pki.anchors, ATT_USE_EK, TESTCERT_NOW, ATT_R_ID_EKCERT, &diag),
        ATT_OK);
    att_cert_freep(&c);
    ck_assert_int_eq(att_cert_parse_ek(&c, &fixes, att_slice_of(b.p, b.len),
                                       ATT_EK_FIX_ALL & ~(unsigned int)ATT_EK_FIX_BER, &diag),
                     ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_ID_EKCERT);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(att_cert_tpm_name__reads_what_the_maker_says)
{
    static const struct {
        const char *text;
        enum att_err want;
        uint32_t manufacturer;
        const char *vendor;
    } CASES[] = {
        {"id:494E5443", ATT_OK, 0x494e5443, "INTC"},
        {"id:49465800", ATT_OK, 0x49465800, "IFX"},
        {"id:53544d20", ATT_OK, 0x53544d20, "STM"},
        {"id:1b5b4d00", ATT_OK, 0x1b5b4d00, "?[M"},
        {"id:00", ATT_OK, 0, ""},
        {"id:", ATT_E_FORMAT, 0, ""},
        {"id:4946580000", ATT_E_FORMAT, 0, ""},
        {"id:4946580g", ATT_E_FORMAT, 0, ""},
        {"ID:49465800", ATT_E_FORMAT, 0, ""},
        {"Infineon", ATT_E_FORMAT, 0, ""},
    };
    struct softtpm_ca *ca = softtpm_ca_new("maker");
    struct softtpm *tpm = softtpm_new(ca, SOFTTPM_EK_P256);
    struct att_tpm_name name = {.version = 77};
    struct att_diag diag = {0};
    char vendor[5];

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        const struct softtpm_cert_order order = {.manufacturer = CASES[i].text};
        struct att_cert *c = NULL;

        softtpm_certify_ek(tpm, ca, &order);
        c = parse(softtpm_ek_cert(tpm));
        ck_assert_msg(att_cert_tpm_name(&name, c, &diag) == CASES[i].want, "%s", CASES[i].text);
        if (CASES[i].want == ATT_OK) {
            ck_assert_uint_eq(name.manufacturer, CASES[i].manufacturer);
            ck_assert_str_eq(att_tpm_vendor_print(vendor, name.manufacturer), CASES[i].vendor);
            ck_assert_str_eq(name.model, "SOFTTPM");
            ck_assert_uint_eq(name.version, 0x20231024);
        } else {
            ck_assert_int_eq(diag.reason, ATT_R_ID_EKCERT);
        }
        att_cert_free(c);
    }
    softtpm_free(tpm);
    softtpm_ca_free(ca);
}
END_TEST

START_TEST(att_cert_tpm_name__says_when_there_is_none)
{
    struct testcert_odd o = {.eku = TESTCERT_EK, .san = "DNS:tpm.example"};
    struct att_cert *c = testcert_odd(&o);
    struct att_tpm_name name;

    ck_assert_int_eq(att_cert_tpm_name(&name, c, NULL), ATT_E_NOT_FOUND);
    att_cert_free(c);
}
END_TEST

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

START_TEST(att_anchors_load_crls__takes_lists_and_nothing_else)
{
    const struct softtpm_crl_order order = {0};
    struct softtpm_ca *ca = softtpm_ca_new("maker");
    struct att_anchors *a = NULL;
    struct att_diag diag = {0};
    char folder[] = "/tmp/attest-crls-XXXXXX", path[160];

    NEED(mkdtemp(folder) != NULL);
    ck_assert_int_eq(att_anchors_new(&a), ATT_OK);
    ck_assert_int_eq(att_anchors_load_crls(a, "/nowhere", ATT_CRL_REQUIRED, &diag),
                     ATT_E_NOT_FOUND);
    snprintf(path, sizeof(path), "%s/maker.crl", folder);
    softtpm_ca_write_crl(ca, path, &order);
    write_file(folder, "README", "not looked at");
    ck_assert_int_eq(att_anchors_load_crls(a, folder, ATT_CRL_REQUIRED, &diag), ATT_OK);
    write_file(folder, "z.crl", "no list");
    ck_assert_int_eq(att_anchors_load_crls(a, folder, ATT_CRL_REQUIRED, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CERT);
    write_file(folder, "z.crl", "0\x03\x02\x01\x01");
    ck_assert_int_eq(att_anchors_load_crls(a, folder, ATT_CRL_REQUIRED, &diag), ATT_E_FORMAT);
    att_anchors_free(a);
    NEED(unlink(path) == 0);
    snprintf(path, sizeof(path), "%s/z.crl", folder);
    NEED(unlink(path) == 0);
    snprintf(path, sizeof(path), "%s/README", folder);
    NEED(unlink(path) == 0 && rmdir(folder) == 0);
    softtpm_ca_free(ca);
}
END_TEST

/* A certificate that nobody signed is no revoked one, also where a list of its maker is at hand. */
START_TEST(att_chain_verify__asks_lists_about_a_path_that_holds)
{
    struct softtpm_ca *ca = softtpm_ca_new("maker");
    struct softtpm *tpm = softtpm_new(ca, SOFTTPM_EK_P256);
    const struct softtpm_crl_order order = {
        .revoked = {att_slice_of(tpm->ek_cert, tpm->ek_cert_len)}, .revoked_count = 1};
    struct att_cert *good = parse(softtpm_ek_cert(tpm)), *forged = NULL;
    struct att_anchors *a = NULL;
    struct att_diag diag = {0};
    const int64_t now = (int64_t)time(NULL);
    char folder[] = "/tmp/attest-crls-XXXXXX", path[160];

    NEED(mkdtemp(folder) != NULL);
    NEED(att_anchors_new(&a) == ATT_OK);
    snprintf(path, sizeof(path), "%s/maker.pem", folder);
    softtpm_ca_write_pem(ca, path);
    NEED(att_anchors_load(a, folder, NULL) == ATT_OK && unlink(path) == 0);
    snprintf(path, sizeof(path), "%s/maker.crl", folder);
    softtpm_ca_write_crl(ca, path, &order);
    NEED(att_anchors_load_crls(a, folder, ATT_CRL_REQUIRED, NULL) == ATT_OK);
    ck_assert_int_eq(att_chain_verify(good, NULL, 0, a, ATT_USE_EK, now, ATT_R_ID_EKCERT, &diag),
                     ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_ID_REVOKED);
    tpm->ek_cert[tpm->ek_cert_len - 1] ^= 1; /* the last byte of the signature */
    forged = parse(softtpm_ek_cert(tpm));
    ck_assert_int_ne(att_chain_verify(forged, NULL, 0, a, ATT_USE_EK, now, ATT_R_ID_EKCERT, &diag),
                     ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_ID_EKCERT);
    NEED(unlink(path) == 0 && rmdir(folder) == 0);
    att_cert_free(good);
    att_cert_free(forged);
    att_anchors_free(a);
    softtpm_free(tpm);
    softtpm_ca_free(ca);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("EK certificates");
    TCase *t = tcase_create("reading");
    SRunner *r = srunner_create(s);
    int failed = 0;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, testcert_setup, testcert_teardown);
    tcase_add_test(t, att_ek_fix__names_and_bits_agree);
    tcase_add_test(t, att_cert_parse_ek__names_what_is_no_der);
    tcase_add_test(t, att_cert_tpm_name__reads_what_the_maker_says);
    tcase_add_test(t, att_cert_tpm_name__says_when_there_is_none);
    tcase_add_test(t, att_anchors_load_crls__takes_lists_and_nothing_else);
    tcase_add_test(t, att_chain_verify__asks_lists_about_a_path_that_holds);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
