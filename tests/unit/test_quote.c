/* TPMS_ATTEST and TPMT_SIGNATURE: against the TPM stack's own marshalling, and every refusal. */
#include "tcg/quote.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/file.h"

/* Of sample_attest: magic, type, signer, qualifying data, clock info, firmware version. */
#define BODY_OFF (4 + 2 + (2 + 34) + (2 + 20) + 17 + 8)
#define SAFE_OFF (BODY_OFF - 8 - 1)

static TPMS_ATTEST sample_attest(void)
{
    TPMS_ATTEST a = {.magic = TPM2_GENERATED_VALUE, .type = TPM2_ST_ATTEST_QUOTE};
    TPMS_QUOTE_INFO *q = &a.attested.quote;

    a.qualifiedSigner.size = 34;
    memset(a.qualifiedSigner.name, 0xa5, 34);
    a.extraData.size = 20;
    memset(a.extraData.buffer, 0x3c, 20);
    a.clockInfo.clock = 0x0102030405060708U;
    a.clockInfo.resetCount = 62;
    a.clockInfo.restartCount = 7;
    a.clockInfo.safe = TPM2_YES;
    a.firmwareVersion = 0x2016051100162800U;
    q->pcrSelect.count = 2;
    q->pcrSelect.pcrSelections[0] = (TPMS_PCR_SELECTION){
        .hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = {0xff, 0x20, 0}};
    q->pcrSelect.pcrSelections[1] =
        (TPMS_PCR_SELECTION){.hash = TPM2_ALG_SHA1, .sizeofSelect = 3, .pcrSelect = {0, 4, 0}};
    q->pcrDigest.size = 32;
    memset(q->pcrDigest.buffer, 0x77, 32);
    return a;
}

static struct att_slice marshal(const TPMS_ATTEST *a, uint8_t *out, size_t cap)
{
    size_t len = 0;

    ck_assert_uint_eq(Tss2_MU_TPMS_ATTEST_Marshal(a, out, cap, &len), TSS2_RC_SUCCESS);
    return att_slice_of(out, len);
}

static void expect_equal(const struct att_quote *q, const TPMS_ATTEST *a)
{
    const TPMS_QUOTE_INFO *info = &a->attested.quote;

    ck_assert_uint_eq(q->magic, a->magic);
    ck_assert_uint_eq(q->type, a->type);
    ck_assert(att_slice_eq(q->qualified_signer,
                           att_slice_of(a->qualifiedSigner.name, a->qualifiedSigner.size)));
    ck_assert(att_slice_eq(q->extra_data, att_slice_of(a->extraData.buffer, a->extraData.size)));
    ck_assert_uint_eq(q->clock.clock_ms, a->clockInfo.clock);
    ck_assert_uint_eq(q->clock.reset_count, a->clockInfo.resetCount);
    ck_assert_uint_eq(q->clock.restart_count, a->clockInfo.restartCount);
    ck_assert_uint_eq(q->clock.safe, a->clockInfo.safe);
    ck_assert_uint_eq(q->firmware_version, a->firmwareVersion);
    ck_assert_uint_eq(q->selection.count, info->pcrSelect.count);
    for (uint32_t i = 0; i < q->selection.count; i++) {
        const TPMS_PCR_SELECTION *s = &info->pcrSelect.pcrSelections[i];

        ck_assert_uint_eq(q->selection.sel[i].bank, s->hash);
        ck_assert_uint_eq(q->selection.sel[i].mask, s->pcrSelect[0] |
                                                        (uint32_t)s->pcrSelect[1] << 8 |
                                                        (uint32_t)s->pcrSelect[2] << 16);
    }
    ck_assert(
        att_slice_eq(q->pcr_digest, att_slice_of(info->pcrDigest.buffer, info->pcrDigest.size)));
}

START_TEST(quote_parse__reads_what_the_tpm_stack_writes)
{
    TPMS_ATTEST a = sample_attest();
    uint8_t bytes[1024];
    struct att_slice in = marshal(&a, bytes, sizeof(bytes));
    struct att_quote q = {0};

    ck_assert_int_eq(att_quote_parse(&q, in, NULL), ATT_OK);
    expect_equal(&q, &a);
}
END_TEST

START_TEST(quote_parse__refuses_every_truncation_and_trailing_byte)
{
    TPMS_ATTEST a = sample_attest();
    uint8_t bytes[1024] = {0};
    struct att_slice in = marshal(&a, bytes, sizeof(bytes));
    struct att_quote q = {.magic = 77};
    struct att_diag diag = {0};

    for (size_t len = 0; len < in.len; len++) {
        ck_assert_int_eq(att_quote_parse(&q, att_slice_of(in.p, len), &diag), ATT_E_TRUNCATED);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_ATTEST);
    }
    for (size_t more = 1; more <= 16; more++) {
        ck_assert_int_eq(att_quote_parse(&q, att_slice_of(in.p, in.len + more), &diag),
                         ATT_E_TRAILING);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_ATTEST);
    }
    ck_assert_int_eq(att_quote_parse(&q, att_slice_of(bytes, 0), &diag), ATT_E_TRUNCATED);
    ck_assert_uint_eq(q.magic, 77);
}
END_TEST

/* The verifier must be able to say what the lie was, so these parse. */
START_TEST(quote_parse__leaves_wrong_magic_and_type_to_the_verifier)
{
    TPMS_ATTEST a = sample_attest();
    uint8_t bytes[1024];
    struct att_slice in = marshal(&a, bytes, sizeof(bytes));
    struct att_quote q = {0};

    bytes[0] = 0;
    ck_assert_int_eq(att_quote_parse(&q, in, NULL), ATT_OK);
    ck_assert_uint_eq(q.magic, 0x00544347);
    ck_assert_uint_eq(q.selection.count, 0);
    ck_assert_uint_eq(q.pcr_digest.len, 0);
    ck_assert_uint_eq(q.extra_data.len, 20);

    bytes[0] = 0xff;
    bytes[5] = 0x14; /* an NV attestation: another body, of which nothing is believed */
    ck_assert_int_eq(att_quote_parse(&q, in, NULL), ATT_OK);
    ck_assert_uint_eq(q.type, TPM2_ST_ATTEST_NV);
    ck_assert_uint_eq(q.selection.count, 0);
    ck_assert_uint_eq(q.pcr_digest.len, 0);
    for (size_t len = 0; len < BODY_OFF; len++) { /* the common header stays strict */
        ck_assert_int_eq(att_quote_parse(&q, att_slice_of(in.p, len), NULL), ATT_E_TRUNCATED);
    }
    ck_assert_int_eq(att_quote_parse(&q, att_slice_of(in.p, BODY_OFF), NULL), ATT_OK);
}
END_TEST

static void refuse_attest(const TPMS_ATTEST *a, enum att_err want)
{
    uint8_t bytes[1024];
    struct att_slice in = marshal(a, bytes, sizeof(bytes));
    struct att_diag diag = {0};
    struct att_quote q = {0};

    ck_assert_int_eq(att_quote_parse(&q, in, &diag), want);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_ATTEST);
}

START_TEST(quote_parse__refuses_selections_that_no_tpm_makes)
{
    TPMS_ATTEST a = sample_attest();
    TPMS_PCR_SELECTION *first = &a.attested.quote.pcrSelect.pcrSelections[0];
    uint8_t bytes[1024];
    struct att_slice in;
    struct att_quote q = {0};

    first->sizeofSelect = 1;
    refuse_attest(&a, ATT_E_FORMAT);
    first->sizeofSelect = 4;
    first->pcrSelect[3] = 1;
    refuse_attest(&a, ATT_E_FORMAT);
    first->sizeofSelect = 3;
    first->hash = TPM2_ALG_SHA1;
    refuse_attest(&a, ATT_E_FORMAT);
    a = sample_attest();
    in = marshal(&a, bytes, sizeof(bytes));
    bytes[BODY_OFF + 3] = 17;
    ck_assert_int_eq(att_quote_parse(&q, in, NULL), ATT_E_LIMIT);
}
END_TEST

START_TEST(quote_parse__refuses_a_third_truth_value_and_long_fields)
{
    TPMS_ATTEST a = sample_attest();
    uint8_t bytes[2048] = {0};
    struct att_slice in = marshal(&a, bytes, sizeof(bytes));
    struct att_quote q = {0};

    ck_assert_uint_eq(bytes[SAFE_OFF], 1);
    bytes[SAFE_OFF] = 2; /* safe */
    ck_assert_int_eq(att_quote_parse(&q, in, NULL), ATT_E_FORMAT);
    in = marshal(&a, bytes, sizeof(bytes));
    bytes[7] = 67; /* a name of 67 bytes */
    ck_assert_int_eq(att_quote_parse(&q, in, NULL), ATT_E_LIMIT);
    ck_assert_int_eq(att_quote_parse(&q, att_slice_of(bytes, ATT_QUOTE_MAX + 1), NULL),
                     ATT_E_LIMIT);
}
END_TEST

/* Our parser and the TPM stack's agree on each bit flip: what they refuse, we refuse. */
START_TEST(quote_parse__is_never_kinder_than_the_tpm_stack)
{
    TPMS_ATTEST a = sample_attest();
    uint8_t bytes[1024];
    struct att_slice in = marshal(&a, bytes, sizeof(bytes));

    for (size_t bit = 0; bit < in.len * 8; bit++) {
        struct att_quote q = {0};
        TPMS_ATTEST theirs = {0};
        size_t off = 0;
        enum att_err err = ATT_OK;
        TSS2_RC rc = 0;

        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        err = att_quote_parse(&q, in, NULL);
        rc = Tss2_MU_TPMS_ATTEST_Unmarshal(bytes, in.len, &off, &theirs);
        if (err == ATT_OK && q.magic == ATT_TPM_GENERATED && q.type == ATT_TPM_ST_ATTEST_QUOTE) {
            ck_assert_uint_eq(rc, TSS2_RC_SUCCESS);
            ck_assert_uint_eq(off, in.len);
            expect_equal(&q, &theirs);
        }
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}
END_TEST

static struct att_slice marshal_sig(const TPMT_SIGNATURE *s, uint8_t *out, size_t cap)
{
    size_t len = 0;

    ck_assert_uint_eq(Tss2_MU_TPMT_SIGNATURE_Marshal(s, out, cap, &len), TSS2_RC_SUCCESS);
    return att_slice_of(out, len);
}

static TPMT_SIGNATURE sample_ecdsa(uint16_t r_len, uint16_t s_len)
{
    TPMT_SIGNATURE s = {.sigAlg = TPM2_ALG_ECDSA};

    s.signature.ecdsa.hash = TPM2_ALG_SHA256;
    s.signature.ecdsa.signatureR.size = r_len;
    memset(s.signature.ecdsa.signatureR.buffer, 0x11, r_len);
    s.signature.ecdsa.signatureS.size = s_len;
    memset(s.signature.ecdsa.signatureS.buffer, 0x22, s_len);
    return s;
}

START_TEST(tpm_sig_parse__reads_the_three_schemes)
{
    uint8_t bytes[1024] = {0};
    TPMT_SIGNATURE s = sample_ecdsa(32, 31);
    struct att_slice in = marshal_sig(&s, bytes, sizeof(bytes));
    struct att_tpm_sig sig = {0};

    ck_assert_int_eq(att_tpm_sig_parse(&sig, in, NULL), ATT_OK);
    ck_assert_int_eq(sig.scheme, ATT_SCHEME_ECDSA);
    ck_assert_int_eq(sig.hash, ATT_HASH_SHA256);
    ck_assert_uint_eq(sig.a.len, 32);
    ck_assert_uint_eq(sig.b.len, 31);
    s.sigAlg = TPM2_ALG_RSASSA;
    s.signature.rsassa.hash = TPM2_ALG_SHA384;
    s.signature.rsassa.sig.size = 256;
    in = marshal_sig(&s, bytes, sizeof(bytes));
    ck_assert_int_eq(att_tpm_sig_parse(&sig, in, NULL), ATT_OK);
    ck_assert_int_eq(sig.scheme, ATT_SCHEME_RSASSA);
    ck_assert_int_eq(sig.hash, ATT_HASH_SHA384);
    ck_assert_uint_eq(sig.a.len, 256);
    ck_assert_uint_eq(sig.b.len, 0);
    s.sigAlg = TPM2_ALG_RSAPSS;
    in = marshal_sig(&s, bytes, sizeof(bytes));
    ck_assert_int_eq(att_tpm_sig_parse(&sig, in, NULL), ATT_OK);
    ck_assert_int_eq(sig.scheme, ATT_SCHEME_RSAPSS);
}
END_TEST

START_TEST(tpm_sig_parse__refuses_truncation_trailing_and_strange_algorithms)
{
    uint8_t bytes[1024] = {0};
    TPMT_SIGNATURE s = sample_ecdsa(32, 32);
    struct att_slice in = marshal_sig(&s, bytes, sizeof(bytes));
    struct att_tpm_sig sig = {.alg = 77};
    struct att_diag diag = {0};

    for (size_t len = 0; len < in.len; len++) {
        ck_assert_int_eq(att_tpm_sig_parse(&sig, att_slice_of(in.p, len), &diag), ATT_E_TRUNCATED);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_ATTEST);
    }
    ck_assert_int_eq(att_tpm_sig_parse(&sig, att_slice_of(in.p, in.len + 1), &diag),
                     ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_ATTEST);
    bytes[1] = 0x05; /* HMAC */
    ck_assert_int_eq(att_tpm_sig_parse(&sig, in, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_Q_SIGALG);
    bytes[1] = 0x18;
    bytes[3] = 0x12; /* SM3 */
    ck_assert_int_eq(att_tpm_sig_parse(&sig, in, &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_Q_SIGALG);
    bytes[0] = 0x30; /* DER in place of a TPMT_SIGNATURE */
    ck_assert_int_eq(att_tpm_sig_parse(&sig, in, &diag), ATT_E_UNSUPPORTED);
    ck_assert_uint_eq(sig.alg, 77);
}
END_TEST

static struct att_pubkey *new_key(enum att_key_type type)
{
    struct att_privkey *priv = NULL;
    struct att_pubkey *pub = NULL;

    ck_assert_int_eq(att_privkey_generate(&priv, type), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&pub, priv), ATT_OK);
    att_privkey_free(priv);
    return pub;
}

static void expect_raw(const struct att_tpm_sig *sig, const struct att_pubkey *key,
                       enum att_err want, enum att_reason reason)
{
    uint8_t raw[512];
    size_t len = 77;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_tpm_sig_raw(sig, key, raw, sizeof(raw), &len, &diag), want);
    ck_assert_int_eq(diag.reason, reason);
    ck_assert_uint_eq(len, 77);
}

START_TEST(tpm_sig_raw__pads_short_numbers_on_the_left)
{
    static const uint8_t R[31] = {1, 2, 3};
    static const uint8_t S[1] = {9};
    struct att_pubkey *key = new_key(ATT_KEY_EC_P256);
    struct att_tpm_sig sig = {.alg = 0x18, .scheme = ATT_SCHEME_ECDSA, .hash = ATT_HASH_SHA256};
    uint8_t raw[64] = {0xee};
    size_t len = 0;

    sig.a = att_slice_of(R, sizeof(R));
    sig.b = att_slice_of(S, sizeof(S));
    ck_assert_int_eq(att_tpm_sig_raw(&sig, key, raw, sizeof(raw), &len, NULL), ATT_OK);
    ck_assert_uint_eq(len, 64);
    ck_assert_uint_eq(raw[0], 0);
    ck_assert_uint_eq(raw[1], 1);
    ck_assert_uint_eq(raw[62], 0);
    ck_assert_uint_eq(raw[63], 9);
    att_pubkey_free(key);
}
END_TEST

START_TEST(tpm_sig_raw__refuses_numbers_that_do_not_fit_the_key)
{
    static const uint8_t BIG[65535] = {0};
    struct att_pubkey *ec = new_key(ATT_KEY_EC_P256);
    struct att_pubkey *rsa = new_key(ATT_KEY_RSA);
    struct att_tpm_sig sig = {.alg = 0x18, .scheme = ATT_SCHEME_ECDSA, .hash = ATT_HASH_SHA256};

    sig.a = att_slice_of(BIG, 32);
    sig.b = att_slice_of(BIG, 0);
    expect_raw(&sig, ec, ATT_E_SIGNATURE, ATT_R_Q_SIG);
    sig.b = att_slice_of(BIG, 33);
    expect_raw(&sig, ec, ATT_E_SIGNATURE, ATT_R_Q_SIG);
    sig.b = att_slice_of(BIG, 32);
    sig.a = att_slice_of(BIG, sizeof(BIG));
    expect_raw(&sig, ec, ATT_E_SIGNATURE, ATT_R_Q_SIG);
    expect_raw(&sig, rsa, ATT_E_UNSUPPORTED, ATT_R_Q_SIGALG);
    sig.scheme = ATT_SCHEME_RSASSA;
    expect_raw(&sig, ec, ATT_E_UNSUPPORTED, ATT_R_Q_SIGALG);
    sig.a = att_slice_of(BIG, 255);
    expect_raw(&sig, rsa, ATT_E_SIGNATURE, ATT_R_Q_SIG);
    sig.a = att_slice_of(BIG, 257);
    expect_raw(&sig, rsa, ATT_E_SIGNATURE, ATT_R_Q_SIG);
    att_pubkey_free(ec);
    att_pubkey_free(rsa);
}
END_TEST

static bool read_if_there(struct att_buf **out, const char *folder, const char *name)
{
    char path[1024];

    snprintf(path, sizeof(path), "%s/quote/%s/%s", getenv("CORPUS"), folder, name);
    return att_file_read(out, path, 1U << 20, NULL) == ATT_OK;
}

/* Verify a quote of the corpus with the key beside it. */
static void verify_with(const struct att_buf *pem, struct att_slice attest,
                        const struct att_tpm_sig *sig)
{
    struct att_pubkey *key = NULL;
    uint8_t raw[512];
    size_t raw_len = 0;

    ck_assert_int_eq(att_pubkey_from_text(&key, att_buf_slice(pem), NULL), ATT_OK);
    ck_assert_int_eq(att_tpm_sig_raw(sig, key, raw, sizeof(raw), &raw_len, NULL), ATT_OK);
    ck_assert_int_eq(att_verify(key, sig->scheme, sig->hash, attest, att_slice_of(raw, raw_len)),
                     ATT_OK);
    raw[raw_len - 1] ^= 1;
    ck_assert_int_eq(att_verify(key, sig->scheme, sig->hash, attest, att_slice_of(raw, raw_len)),
                     ATT_E_SIGNATURE);
    att_pubkey_free(key);
}

static void check_folder(const char *folder)
{
    struct att_buf *attest = NULL;
    struct att_buf *sig_bytes = NULL;
    struct att_buf *pem = NULL;
    struct att_quote q = {0};
    struct att_tpm_sig sig = {0};
    TPMS_ATTEST theirs = {0};
    struct att_slice in;
    size_t off = 0;

    ck_assert(read_if_there(&attest, folder, "quote.attest.bin"));
    ck_assert(read_if_there(&sig_bytes, folder, "quote.sig.bin"));
    in = att_buf_slice(attest);
    ck_assert_int_eq(att_quote_parse(&q, in, NULL), ATT_OK);
    ck_assert_uint_eq(Tss2_MU_TPMS_ATTEST_Unmarshal(in.p, in.len, &off, &theirs), TSS2_RC_SUCCESS);
    expect_equal(&q, &theirs);
    ck_assert_int_eq(att_tpm_sig_parse(&sig, att_buf_slice(sig_bytes), NULL), ATT_OK);
    if (read_if_there(&pem, folder, "ak.pem")) {
        verify_with(pem, in, &sig);
    }
    att_buf_free(attest);
    att_buf_free(sig_bytes);
    att_buf_free(pem);
}

START_TEST(quote_parse__agrees_with_the_tpm_stack_on_real_quotes)
{
    char path[512];
    struct dirent *e = NULL;
    DIR *dir = NULL;
    int seen = 0;

    snprintf(path, sizeof(path), "%s/quote", getenv("CORPUS"));
    dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] != '.') {
            check_folder(e->d_name);
            seen++;
        }
    }
    closedir(dir);
    ck_assert_int_ge(seen, 18);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("quote");
    TCase *t = tcase_create("quote");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, quote_parse__reads_what_the_tpm_stack_writes);
    tcase_add_test(t, quote_parse__refuses_every_truncation_and_trailing_byte);
    tcase_add_test(t, quote_parse__leaves_wrong_magic_and_type_to_the_verifier);
    tcase_add_test(t, quote_parse__refuses_selections_that_no_tpm_makes);
    tcase_add_test(t, quote_parse__refuses_a_third_truth_value_and_long_fields);
    tcase_add_test(t, quote_parse__is_never_kinder_than_the_tpm_stack);
    tcase_add_test(t, tpm_sig_parse__reads_the_three_schemes);
    tcase_add_test(t, tpm_sig_parse__refuses_truncation_trailing_and_strange_algorithms);
    tcase_add_test(t, tpm_sig_raw__pads_short_numbers_on_the_left);
    tcase_add_test(t, tpm_sig_raw__refuses_numbers_that_do_not_fit_the_key);
    if (getenv("CORPUS") != NULL && getenv("CORPUS")[0] != '\0') {
        tcase_add_test(t, quote_parse__agrees_with_the_tpm_stack_on_real_quotes);
    }
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed = 0;

    setenv("TSS2_LOG", "all+NONE", 1); /* the stack writes a line for each refusal */
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
