/* Keys: what is read as one, from numbers, SPKI and PEM, and what must be refused. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "ecvector.h"
#include "roca.h"
#include "suite.h"

/* RSA numbers for the tests below, made here because 1024 bits cannot be had from our own code. */
static struct bytes rsa_modulus(unsigned int bits, struct bytes *spki)
{
    EVP_PKEY *pkey = EVP_RSA_gen(bits);
    BIGNUM *n = NULL;
    struct bytes out = {.len = bits / 8};
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);

    ck_assert_int_gt(len, 0);
    ck_assert_uint_le((size_t)len, sizeof(spki->p));
    memcpy(spki->p, der, (size_t)len);
    spki->len = (size_t)len;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, "n", &n), 1);
    ck_assert_int_eq(BN_bn2binpad(n, out.p, (int)out.len), (int)out.len);
    OPENSSL_free(der);
    BN_free(n);
    EVP_PKEY_free(pkey);
    return out;
}

START_TEST(att_pubkey__roca_moduli_are_too_weak)
{
    struct bytes n = {.len = _i == 0 ? 256 : 384};
    struct att_pubkey *k = NULL;
    struct att_diag diag = {0};

    roca_modulus(n.p, n.len);
    ck_assert_int_eq(att_pubkey_from_rsa(&k, bytes_slice(&n), 0, &diag), ATT_E_UNTRUSTED);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    n.p[n.len - 1] ^= 2; /* not of that form any more */
    ck_assert_int_eq(att_pubkey_from_rsa(&k, bytes_slice(&n), 0, &diag), ATT_OK);
    att_pubkey_free(k);
}
END_TEST

START_TEST(att_pubkey__rsa_of_1024_bits_is_too_weak)
{
    struct bytes spki;
    struct bytes n = rsa_modulus(1024, &spki);
    struct att_pubkey *k = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_pubkey_from_rsa(&k, bytes_slice(&n), 0, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    memset(&diag, 0, sizeof(diag));
    ck_assert_int_eq(att_pubkey_from_spki(&k, bytes_slice(&spki), &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    ck_assert_ptr_null(k);
}
END_TEST

START_TEST(att_pubkey__rsa_numbers_out_of_bounds_are_refused)
{
    static const struct {
        uint32_t e;
        enum att_err err;
        enum att_reason reason;
    } EXPONENTS[] = {
        {3, ATT_E_FORMAT, ATT_R_ID_WEAKKEY},
        {65536, ATT_E_FORMAT, ATT_R_ID_KEY},
        {1, ATT_E_FORMAT, ATT_R_ID_WEAKKEY},
    };
    struct bytes spki;
    struct bytes n = rsa_modulus(2048, &spki);
    struct bytes big = {.len = 520};
    struct att_pubkey *k = NULL, *same = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_pubkey_from_rsa(&k, bytes_slice(&n), 0, NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_from_rsa(&same, bytes_slice(&n), 65537, NULL), ATT_OK);
    ck_assert(att_pubkey_eq(k, same));
    att_pubkey_freep(&k);
    att_pubkey_freep(&same);
    for (size_t i = 0; i < ATT_COUNT(EXPONENTS); i++) {
        ck_assert_int_eq(att_pubkey_from_rsa(&k, bytes_slice(&n), EXPONENTS[i].e, &diag),
                         EXPONENTS[i].err);
        ck_assert_int_eq(diag.reason, EXPONENTS[i].reason);
    }
    n.p[n.len - 1] &= 0xfe;
    ck_assert_int_eq(att_pubkey_from_rsa(&k, bytes_slice(&n), 0, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    memset(big.p, 0xff, big.len);
    ck_assert_int_eq(att_pubkey_from_rsa(&k, bytes_slice(&big), 0, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(att_pubkey_from_rsa(&k, att_slice_of(NULL, 0), 0, &diag), ATT_E_LIMIT);
    ck_assert_ptr_null(k);
}
END_TEST

/* Matrix row I-10. */
START_TEST(att_pubkey_from_ec__refuses_what_is_not_on_the_curve)
{
    const struct ecvector *v = &ECVECTOR[_i];
    struct bytes x = bytes_unhex(v->x), y = bytes_unhex(v->y);
    struct bytes zero = {.len = x.len}, ones = {.len = x.len}, too_long = {.len = x.len + 1};
    struct att_pubkey *k = NULL;
    struct att_diag diag = {0};

    memset(ones.p, 0xff, ones.len);
    memcpy(too_long.p + 1, x.p, x.len);
    y.p[y.len - 1] ^= 1;
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, bytes_slice(&x), bytes_slice(&y), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    y.p[y.len - 1] ^= 1;
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, bytes_slice(&ones), bytes_slice(&y), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, bytes_slice(&zero), bytes_slice(&zero), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(
        att_pubkey_from_ec(&k, v->type, bytes_slice(&too_long), bytes_slice(&y), &diag),
        ATT_E_FORMAT);
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, att_slice_of(NULL, 0), bytes_slice(&y), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    ck_assert_int_eq(att_pubkey_from_ec(&k, ATT_KEY_RSA, bytes_slice(&x), bytes_slice(&y), &diag),
                     ATT_E_UNSUPPORTED);
    ck_assert_ptr_null(k);
}
END_TEST

/* TPMs may leave out leading zeros: both spellings are one key with one name. */
START_TEST(att_pubkey_from_ec__short_coordinates_are_padded)
{
    struct att_privkey *priv = NULL;
    struct att_pubkey *full = NULL, *shortened = NULL;
    uint8_t x[66], y[66], a[32], b[32];
    size_t size = 0;

    for (;;) { /* one point in 128 has a coordinate that begins with a zero byte */
        ck_assert_int_eq(att_privkey_generate(&priv, ATT_KEY_EC_P256), ATT_OK);
        ck_assert_int_eq(att_privkey_public(&full, priv), ATT_OK);
        att_privkey_freep(&priv);
        ck_assert_int_eq(att_pubkey_ec_point(full, x, y, &size), ATT_OK);
        ck_assert_uint_eq(size, 32);
        if (x[0] == 0 || y[0] == 0) {
            break;
        }
        att_pubkey_freep(&full);
    }
    ck_assert_int_eq(att_pubkey_from_ec(&shortened, ATT_KEY_EC_P256,
                                        att_slice_of(x + (x[0] == 0), 32U - (x[0] == 0)),
                                        att_slice_of(y + (y[0] == 0), 32U - (y[0] == 0)), NULL),
                     ATT_OK);
    ck_assert(att_pubkey_eq(full, shortened));
    ck_assert_int_eq(att_pubkey_fingerprint(a, full), ATT_OK);
    ck_assert_int_eq(att_pubkey_fingerprint(b, shortened), ATT_OK);
    ck_assert(att_digest_eq(a, b, sizeof(a)));
    att_pubkey_free(full);
    att_pubkey_free(shortened);
}
END_TEST

/* SPKI of the P-256 vector: head of RFC 5480, then the point. */
#define P256_HEAD "3059301306072a8648ce3d020106082a8648ce3d030107034200"

START_TEST(att_pubkey_from_spki__exact_length_and_form)
{
    struct att_pubkey *k = NULL, *want = ecvector_key(&ECVECTOR[0]);
    struct att_buf *spki = NULL;
    struct att_diag diag = {0};
    char text[512];
    struct bytes der;

    snprintf(text, sizeof(text), P256_HEAD "04%s%s", ECVECTOR[0].x, ECVECTOR[0].y);
    der = bytes_unhex(text);
    ck_assert_int_eq(att_pubkey_from_spki(&k, bytes_slice(&der), NULL), ATT_OK);
    ck_assert(att_pubkey_eq(k, want));
    ck_assert_int_eq(att_pubkey_spki(&spki, k), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(spki), bytes_slice(&der)));
    att_pubkey_freep(&k);
    att_buf_free(spki);

    der.len++;
    ck_assert_int_eq(att_pubkey_from_spki(&k, bytes_slice(&der), &diag), ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_KEY);
    for (size_t len = 0; len < der.len - 1; len++) {
        ck_assert_int_eq(att_pubkey_from_spki(&k, att_slice_of(der.p, len), &diag), ATT_E_FORMAT);
    }
    der.len--;
    der.p[26] = 0x06; /* the hybrid form of the point */
    ck_assert_int_eq(att_pubkey_from_spki(&k, bytes_slice(&der), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    der.p[26] = 0x04;
    der.p[22] = 0x05; /* another curve: prime239v2 */
    ck_assert_int_eq(att_pubkey_from_spki(&k, bytes_slice(&der), &diag), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    ck_assert_ptr_null(k);
    att_pubkey_free(want);
}
END_TEST

START_TEST(att_pubkey_from_text__pem_der_and_what_is_neither)
{
    struct att_pubkey *k = NULL, *want = NULL;
    struct att_privkey *priv = NULL;
    struct att_buf *private_pem = NULL, *der = NULL;
    struct att_diag diag = {0};
    char one[512], two[1024];

    snprintf(one, sizeof(one),
             "a comment\n-----BEGIN PUBLIC KEY-----\n"
             "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
             "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
             "-----END PUBLIC KEY-----\n");
    want = ecvector_key(&ECVECTOR[0]);
    ck_assert_int_eq(att_pubkey_from_text(&k, att_slice_str(one), &diag), ATT_OK);
    ck_assert(att_pubkey_eq(k, want));
    att_pubkey_freep(&k);
    ck_assert_int_eq(att_pubkey_spki(&der, want), ATT_OK);
    ck_assert_int_eq(att_pubkey_from_text(&k, att_buf_slice(der), &diag), ATT_OK);
    ck_assert(att_pubkey_eq(k, want));
    att_pubkey_freep(&k);

    snprintf(two, sizeof(two), "%s%s", one, one);
    ck_assert_int_eq(att_pubkey_from_text(&k, att_slice_str(two), &diag), ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_KEY);
    ck_assert_int_eq(att_pubkey_from_text(&k, att_slice_str("ssh-rsa AAAA"), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(att_pubkey_from_text(&k, att_slice_str(""), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(att_privkey_generate(&priv, ATT_KEY_EC_P256), ATT_OK);
    ck_assert_int_eq(att_privkey_pem(&private_pem, priv), ATT_OK);
    ck_assert_int_eq(att_pubkey_from_text(&k, att_buf_slice(private_pem), &diag), ATT_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(diag.text, "PRIVATE KEY"));
    ck_assert_ptr_null(k);
    att_buf_free(private_pem);
    att_buf_free(der);
    att_privkey_free(priv);
    att_pubkey_free(want);
}
END_TEST

START_TEST(att_privkey_from_pem__refuses_what_is_no_usable_key)
{
    static const char ENCRYPTED[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgBAgMEBQYHCAICCAAw\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n";
    struct att_privkey *k = NULL;
    struct att_diag diag = {0};
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    ck_assert_int_eq(att_privkey_from_pem(&k, att_slice_str(ENCRYPTED), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_KEY);
    ck_assert_int_eq(att_privkey_from_pem(&k, att_slice_str(""), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, weak, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &text);
    ck_assert_int_eq(att_privkey_from_pem(&k, att_slice_of(text, (size_t)len), &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    ck_assert_ptr_null(k);
    BIO_free(bio);
    EVP_PKEY_free(weak);
}
END_TEST

/* Test 1 of RFC 8032 7.1: the 32 bytes go in and come out, and no other key has such bytes. */
START_TEST(att_pubkey_from_ed25519__gives_its_bytes_back)
{
    struct bytes raw =
        bytes_unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *k = NULL;
    ATT_CLEANUP(att_privkey_freep) struct att_privkey *ec = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *other = NULL;
    uint8_t out[ATT_ED25519_LEN];
    struct att_diag diag = {0};

    ck_assert_int_eq(att_pubkey_from_ed25519(&k, bytes_slice(&raw), NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_type(k), ATT_KEY_ED25519);
    ck_assert_int_eq(att_pubkey_ed25519(out, k), ATT_OK);
    ck_assert_mem_eq(out, raw.p, sizeof(out));
    ck_assert_int_eq(att_pubkey_from_ed25519(&other, att_slice_of(raw.p, 31), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    ck_assert_int_eq(att_privkey_generate(&ec, ATT_KEY_EC_P256), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&other, ec), ATT_OK);
    ck_assert_int_eq(att_pubkey_ed25519(out, other), ATT_E_UNSUPPORTED);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("key");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, att_pubkey__roca_moduli_are_too_weak, 0, 2);
    tcase_add_test(t, att_pubkey__rsa_of_1024_bits_is_too_weak);
    tcase_add_test(t, att_pubkey__rsa_numbers_out_of_bounds_are_refused);
    tcase_add_loop_test(t, att_pubkey_from_ec__refuses_what_is_not_on_the_curve, 0, ECVECTOR_COUNT);
    tcase_add_test(t, att_pubkey_from_ec__short_coordinates_are_padded);
    tcase_add_test(t, att_pubkey_from_ed25519__gives_its_bytes_back);
    tcase_add_test(t, att_pubkey_from_spki__exact_length_and_form);
    tcase_add_test(t, att_pubkey_from_text__pem_der_and_what_is_neither);
    tcase_add_test(t, att_privkey_from_pem__refuses_what_is_no_usable_key);
    return suite_run_case("key", t);
}
