/* The signing port over software keys. */
#include <check.h>
#include <stdlib.h>

#include "need.h"
#include "sign/signer.h"

static const struct {
    enum att_key_type type;
    enum att_scheme scheme;
    enum att_hash hash;
    size_t sig_len;
} KINDS[] = {
    {ATT_KEY_RSA, ATT_SCHEME_RSASSA, ATT_HASH_SHA256, 256},
    {ATT_KEY_EC_P256, ATT_SCHEME_ECDSA, ATT_HASH_SHA256, 64},
    {ATT_KEY_EC_P384, ATT_SCHEME_ECDSA, ATT_HASH_SHA384, 96},
    {ATT_KEY_EC_P521, ATT_SCHEME_ECDSA, ATT_HASH_SHA512, 132},
    {ATT_KEY_ED25519, ATT_SCHEME_ED25519, ATT_HASH_NONE, 64},
};

START_TEST(att_signer_software__signs_with_the_one_scheme_of_its_key)
{
    struct att_privkey *key = NULL;
    struct att_signer *s = NULL;
    uint8_t sig[512];
    size_t len = 0;

    NEED(att_privkey_generate(&key, KINDS[_i].type) == ATT_OK);
    ck_assert_int_eq(att_signer_software(&s, key), ATT_OK);
    ck_assert_int_eq(s->key_class, ATT_KEY_CLASS_FILE);
    ck_assert_int_eq(s->scheme, KINDS[_i].scheme);
    ck_assert_int_eq(s->hash, KINDS[_i].hash);
    ck_assert_int_eq(att_pubkey_type(s->public_key), KINDS[_i].type);
    ck_assert_int_eq(att_signer_sign(s, att_slice_str("message"), sig, sizeof(sig), &len), ATT_OK);
    ck_assert_uint_eq(len, KINDS[_i].sig_len);
    ck_assert_int_eq(att_verify(s->public_key, s->scheme, s->hash, att_slice_str("message"),
                                att_slice_of(sig, len)),
                     ATT_OK);
    ck_assert_int_eq(att_verify(s->public_key, s->scheme, s->hash, att_slice_str("massage"),
                                att_slice_of(sig, len)),
                     ATT_E_SIGNATURE);
    att_signer_freep(&s);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(att_signer_sign__wants_room_for_any_signature)
{
    struct att_privkey *key = NULL;
    struct att_signer *s = NULL;
    uint8_t sig[511];
    size_t len = 77;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    ck_assert_int_eq(att_signer_software(&s, key), ATT_OK);
    ck_assert_int_eq(att_signer_sign(s, att_slice_str("m"), sig, sizeof(sig), &len),
                     ATT_E_INTERNAL);
    ck_assert_uint_eq(len, 77);
    att_signer_free(s);
}
END_TEST

/* A device that answers nonsense must not become a signature. */
struct device {
    enum att_err err;
    size_t len;
};

static enum att_err device_sign(void *ctx, struct att_slice message, uint8_t *out, size_t cap,
                                size_t *out_len)
{
    const struct device *d = ctx;

    (void)message;
    (void)cap;
    out[0] = 1;
    *out_len = d->len;
    return d->err;
}

START_TEST(att_signer_sign__passes_on_errors_and_refuses_impossible_lengths)
{
    static struct device devices[] = {{ATT_E_TPM, 64}, {ATT_OK, 0}, {ATT_OK, 513}, {ATT_OK, 512}};
    static const enum att_err WANT[] = {ATT_E_TPM, ATT_E_INTERNAL, ATT_E_INTERNAL, ATT_OK};
    uint8_t sig[512];

    for (size_t i = 0; i < ATT_COUNT(devices); i++) {
        struct att_signer s = {.sign = device_sign, .ctx = &devices[i]};
        size_t len = 77;

        ck_assert_int_eq(att_signer_sign(&s, att_slice_str("m"), sig, sizeof(sig), &len), WANT[i]);
        ck_assert_uint_eq(len, WANT[i] == ATT_OK ? 512 : 77);
    }
    att_signer_free(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("signer");
    TCase *t = tcase_create("signer");

    tcase_add_loop_test(t, att_signer_software__signs_with_the_one_scheme_of_its_key, 0,
                        (int)ATT_COUNT(KINDS));
    tcase_add_test(t, att_signer_sign__wants_room_for_any_signature);
    tcase_add_test(t, att_signer_sign__passes_on_errors_and_refuses_impossible_lengths);
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
