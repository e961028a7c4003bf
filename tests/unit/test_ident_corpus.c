/* A key's creation, attested by a real TPM: read and verified by the code that reads quotes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/verify.h"
#include "need.h"
#include "tcg/pubarea.h"
#include "tcg/quote.h"

#define FOLDER       "tpm/goattest-windows-gcp-ak-"
#define ST_CREATION  0x801a /* TPM_ST_ATTEST_CREATION (Part 2, 6.9) */
#define SHA256_BYTES 32

static const char *corpus(void)
{
    const char *folder = getenv("CORPUS");

    return folder != NULL && folder[0] != '\0' ? folder : NULL;
}

static struct att_buf *part(const char *name)
{
    struct att_buf *bytes = NULL;
    char path[512];

    snprintf(path, sizeof(path), "%s/" FOLDER "%s.bin", corpus(), name);
    NEED(att_file_read(&bytes, path, 4096, NULL) == ATT_OK);
    return bytes;
}

static enum att_err verify(struct att_slice attest, struct att_slice signature,
                           struct att_slice public_area)
{
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct att_pubarea area;
    struct att_tpm_sig sig;
    uint8_t raw[512];
    size_t len = 0;

    ck_assert_int_eq(att_pubarea_parse(&area, public_area, NULL), ATT_OK);
    ck_assert_int_eq(att_pubarea_key(&key, &area, NULL), ATT_OK);
    ck_assert_int_eq(att_tpm_sig_parse(&sig, signature, NULL), ATT_OK);
    ck_assert_int_eq(att_tpm_sig_raw(&sig, key, raw, sizeof(raw), &len, NULL), ATT_OK);
    return att_verify(key, sig.scheme, sig.hash, attest, att_slice_of(raw, len));
}

START_TEST(att_verify__takes_a_real_creation_and_no_changed_bit)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *attest = part("CreateAttestation");
    ATT_CLEANUP(att_buf_freep) struct att_buf *signature = part("CreateSignature");
    ATT_CLEANUP(att_buf_freep) struct att_buf *key = part("Public");
    struct att_slice bytes = att_buf_slice(attest);
    uint8_t changed[256];

    ck_assert_uint_lt(bytes.len, sizeof(changed));
    ck_assert_int_eq(verify(bytes, att_buf_slice(signature), att_buf_slice(key)), ATT_OK);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        memcpy(changed, bytes.p, bytes.len);
        changed[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        ck_assert_int_eq(
            verify(att_slice_of(changed, bytes.len), att_buf_slice(signature), att_buf_slice(key)),
            ATT_E_SIGNATURE);
    }
}
END_TEST

/* What it says: no quote; the name of this very key; the digest of its creation data. */
START_TEST(att_quote_parse__reads_the_head_of_a_creation)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *attest = part("CreateAttestation");
    ATT_CLEANUP(att_buf_freep) struct att_buf *data = part("CreateData");
    ATT_CLEANUP(att_buf_freep) struct att_buf *key = part("Public");
    struct att_slice bytes = att_buf_slice(attest);
    struct att_pubarea area;
    struct att_quote q;
    uint8_t name[ATT_NAME_MAX], digest[SHA256_BYTES];
    size_t len = 0;

    ck_assert_int_eq(att_quote_parse(&q, bytes, NULL), ATT_OK);
    ck_assert_uint_eq(q.magic, ATT_TPM_GENERATED);
    ck_assert_uint_eq(q.type, ST_CREATION);
    ck_assert_int_eq(att_pubarea_parse(&area, att_buf_slice(key), NULL), ATT_OK);
    ck_assert_int_eq(att_pubarea_name(name, &len, &area), ATT_OK);
    ck_assert_int_eq(att_sha256(att_buf_slice(data), digest), ATT_OK);
    ck_assert_ptr_nonnull(memmem(bytes.p, bytes.len, name, len));
    ck_assert_ptr_nonnull(memmem(bytes.p, bytes.len, digest, sizeof(digest)));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("identity of the corpus");
    TCase *t = tcase_create("creation");
    SRunner *r = NULL;
    int failed = 0;

    if (corpus() == NULL) {
        printf("no corpus folder here\n");
        return 77;
    }
    tcase_set_timeout(t, 60);
    tcase_add_test(t, att_verify__takes_a_real_creation_and_no_changed_bit);
    tcase_add_test(t, att_quote_parse__reads_the_head_of_a_creation);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
