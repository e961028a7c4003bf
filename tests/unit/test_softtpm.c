/* The software TPM says what TPMs say: its bytes are read back by libtss2-mu, byte for byte. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/sha.h>
#include <tss2/tss2_mu.h>

#include "softtpm.h"

static const uint8_t nonce[32] = {1, 2, 3, 4, 5};

START_TEST(quote__unmarshals_with_tss2_mu)
{
    struct softtpm *tpm = softtpm_new(NULL, SOFTTPM_EK_P256);
    struct att_pcr_selection sel = softtpm_selection(ATT_HASH_SHA256, 0x2481);
    struct softtpm_bytes attest;
    struct softtpm_bytes signature;
    TPMS_ATTEST a;
    TPMT_SIGNATURE s;
    size_t off = 0;

    softtpm_quote(&attest, &signature, tpm, att_slice_of(nonce, 32), &sel);
    ck_assert_uint_eq(Tss2_MU_TPMS_ATTEST_Unmarshal(attest.p, attest.len, &off, &a), 0);
    ck_assert_uint_eq(off, attest.len);
    ck_assert_uint_eq(a.magic, TPM2_GENERATED_VALUE);
    ck_assert_uint_eq(a.type, TPM2_ST_ATTEST_QUOTE);
    ck_assert_mem_eq(a.extraData.buffer, nonce, 32);
    ck_assert_uint_eq(a.attested.quote.pcrSelect.pcrSelections[0].pcrSelect[0], 0x81);
    ck_assert_uint_eq(a.attested.quote.pcrSelect.pcrSelections[0].pcrSelect[1], 0x24);
    ck_assert_uint_eq(a.clockInfo.resetCount, 1);
    off = 0;
    ck_assert_uint_eq(Tss2_MU_TPMT_SIGNATURE_Unmarshal(signature.p, signature.len, &off, &s), 0);
    ck_assert_uint_eq(off, signature.len);
    ck_assert_uint_eq(s.sigAlg, TPM2_ALG_ECDSA);
    ck_assert_uint_eq(s.signature.ecdsa.signatureR.size, 32);
    softtpm_free(tpm);
}
END_TEST

START_TEST(quote__digest_is_that_of_the_selected_values)
{
    struct softtpm *tpm = softtpm_new(NULL, SOFTTPM_EK_P256);
    struct att_pcr_selection sel = softtpm_selection(ATT_HASH_SHA256, 1U << 13);
    struct softtpm_attest attest;
    uint8_t text[64] = {0};
    uint8_t expected[32];

    softtpm_event(tpm, 13, att_slice_str("hello"));
    SHA256((const uint8_t *)"hello", 5, text + 32);
    SHA256(text, 64, expected);
    ck_assert_mem_eq(softtpm_pcr(tpm, ATT_HASH_SHA256, 13), expected, 32);
    SHA256(expected, 32, expected);
    attest = softtpm_attest(tpm, att_slice_of(nonce, 32), &sel);
    ck_assert_uint_eq(attest.digest_len, 32);
    ck_assert_mem_eq(attest.digest, expected, 32);
    softtpm_free(tpm);
}
END_TEST

static void check_public(const struct softtpm_key *key)
{
    TPMT_PUBLIC pub;
    uint8_t again[ATT_PUBAREA_MAX];
    size_t off = 0;
    size_t len = 0;

    ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Unmarshal(key->public_area, key->public_len, &off, &pub),
                      0);
    ck_assert_uint_eq(off, key->public_len);
    ck_assert_uint_eq(Tss2_MU_TPMT_PUBLIC_Marshal(&pub, again, sizeof(again), &len), 0);
    ck_assert_uint_eq(len, key->public_len);
    ck_assert_mem_eq(again, key->public_area, len);
}

START_TEST(public__areas_survive_tss2_mu)
{
    static const struct softtpm_ak_order rsa = {.type = SOFTTPM_ALG_RSA,
                                                .attributes = SOFTTPM_AK_ATTRIBUTES,
                                                .scheme = SOFTTPM_ALG_RSASSA,
                                                .hash = ATT_HASH_SHA256};
    struct softtpm *tpm = softtpm_new(NULL, _i == 0 ? SOFTTPM_EK_P256 : SOFTTPM_EK_RSA2048);

    check_public(&tpm->ek);
    check_public(&tpm->ak);
    softtpm_replace_ak(tpm, &rsa);
    check_public(&tpm->ak);
    softtpm_free(tpm);
}
END_TEST

START_TEST(attest_nv__unmarshals_with_tss2_mu)
{
    struct softtpm *tpm = softtpm_new(NULL, SOFTTPM_EK_P256);
    struct att_pcr_selection sel = softtpm_selection(ATT_HASH_SHA256, 1);
    struct softtpm_attest attest = softtpm_attest(tpm, att_slice_of(nonce, 32), &sel);
    struct softtpm_bytes bytes;
    TPMS_ATTEST a;
    size_t off = 0;

    softtpm_attest_nv(&attest, att_slice_str("contents"));
    bytes = softtpm_attest_encode(&attest);
    ck_assert_uint_eq(Tss2_MU_TPMS_ATTEST_Unmarshal(bytes.p, bytes.len, &off, &a), 0);
    ck_assert_uint_eq(off, bytes.len);
    ck_assert_uint_eq(a.type, TPM2_ST_ATTEST_NV);
    ck_assert_uint_eq(a.attested.nv.nvContents.size, 8);
    softtpm_free(tpm);
}
END_TEST

START_TEST(ek_cert__chains_to_its_root)
{
    struct softtpm_ca *ca = softtpm_ca_new("softtpm test root");
    struct softtpm *tpm = softtpm_new(ca, _i == 0 ? SOFTTPM_EK_P256 : SOFTTPM_EK_RSA2048);
    const uint8_t *p = tpm->ek_cert;
    X509 *cert = d2i_X509(NULL, &p, (long)tpm->ek_cert_len);

    ck_assert_ptr_nonnull(cert);
    ck_assert_int_eq(X509_verify(cert, ca->key), 1);
    ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(cert), tpm->ek.pkey), 1);
    ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
    X509_free(cert);
    softtpm_free(tpm);
    softtpm_ca_free(ca);
}
END_TEST

static void write_file(const char *path, const void *p, size_t len)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

/* tpm2_makecredential, which works without a TPM: public key as TPM2B_PUBLIC; its answer has a header. */
static size_t make_credential(uint8_t *out, size_t cap, const char *dir, const struct softtpm *tpm,
                              struct att_slice name)
{
    char path[160];
    char command[1024];
    uint8_t public_2b[2 + ATT_PUBAREA_MAX] = {(uint8_t)(tpm->ek.public_len >> 8),
                                              (uint8_t)tpm->ek.public_len};
    size_t used;
    size_t i;
    FILE *f;

    memcpy(public_2b + 2, tpm->ek.public_area, tpm->ek.public_len);
    snprintf(path, sizeof(path), "%s/ek", dir);
    write_file(path, public_2b, 2 + tpm->ek.public_len);
    snprintf(path, sizeof(path), "%s/secret", dir);
    write_file(path, nonce, 32);
    used = (size_t)snprintf(command, sizeof(command),
                            "tpm2_makecredential -Q -T none -u %s/ek -s %s/secret -o %s/out -n ",
                            dir, dir, dir);
    for (i = 0; i < name.len; i++) {
        used += (size_t)snprintf(command + used, sizeof(command) - used, "%02x", name.p[i]);
    }
    ck_assert_int_eq(system(command), 0);
    snprintf(path, sizeof(path), "%s/out", dir);
    f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    used = fread(out, 1, cap, f);
    fclose(f);
    return used;
}

START_TEST(activate__opens_what_tpm2_tools_sealed)
{
    struct softtpm *tpm = softtpm_new(NULL, _i == 0 ? SOFTTPM_EK_P256 : SOFTTPM_EK_RSA2048);
    char dir[] = "/tmp/attest-softtpm-XXXXXX";
    char command[80];
    uint8_t file[1024];
    uint8_t secret[64];
    size_t secret_len = 0;
    size_t id_len;
    size_t len;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    len = make_credential(file, sizeof(file), dir, tpm, softtpm_name(&tpm->ak));
    ck_assert_uint_gt(len, 10);
    id_len = 2 + (size_t)file[8] * 256 + file[9];
    ck_assert_uint_lt(8 + id_len, len);
    ck_assert(softtpm_activate(secret, &secret_len, tpm, softtpm_name(&tpm->ak),
                               att_slice_of(file + 8, id_len),
                               att_slice_of(file + 8 + id_len, len - 8 - id_len)));
    ck_assert_uint_eq(secret_len, 32);
    ck_assert_mem_eq(secret, nonce, 32);
    ck_assert(!softtpm_activate(secret, &secret_len, tpm, softtpm_name(&tpm->ek),
                                att_slice_of(file + 8, id_len),
                                att_slice_of(file + 8 + id_len, len - 8 - id_len)));
    snprintf(command, sizeof(command), "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
    softtpm_free(tpm);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("softtpm");
    TCase *t = tcase_create("bytes");
    SRunner *r;
    int failed;

    tcase_add_test(t, quote__unmarshals_with_tss2_mu);
    tcase_add_test(t, quote__digest_is_that_of_the_selected_values);
    tcase_add_loop_test(t, public__areas_survive_tss2_mu, 0, 2);
    tcase_add_test(t, attest_nv__unmarshals_with_tss2_mu);
    tcase_add_loop_test(t, ek_cert__chains_to_its_root, 0, 2);
    tcase_add_loop_test(t, activate__opens_what_tpm2_tools_sealed, 0, 2);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
