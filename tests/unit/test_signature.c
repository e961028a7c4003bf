/* Signatures: published vectors, round trips, and numbers that no signature has. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>

#include "bytes.h"
#include "crypto/key.h"
#include "crypto/verify.h"
#include "ecvector.h"
#include "suite.h"

static struct bytes ec_sig(const char *r, const char *s)
{
    char both[2 * 2 * 66 + 1];

    snprintf(both, sizeof(both), "%s%s", r, s);
    return bytes_unhex(both);
}

static enum att_err verify_sample(const struct att_pubkey *k, const struct ecvector *v,
                                  const struct bytes *sig)
{
    return att_verify(k, ATT_SCHEME_ECDSA, v->hash, att_slice_str("sample"), bytes_slice(sig));
}

START_TEST(att_verify__ecdsa_published_vectors)
{
    const struct ecvector *v = &ECVECTOR[_i];
    struct att_pubkey *k = ecvector_key(v);
    struct bytes sig = ec_sig(v->r, v->s);

    ck_assert_int_eq(verify_sample(k, v, &sig), ATT_OK);
    ck_assert_int_eq(verify_sample(k, v, &sig), ATT_OK);
    ck_assert_int_eq(
        att_verify(k, ATT_SCHEME_ECDSA, v->hash, att_slice_str("samplf"), bytes_slice(&sig)),
        ATT_E_SIGNATURE);
    ck_assert_int_eq(verify_sample(k, v, &sig), ATT_OK);
    att_pubkey_free(k);
}
END_TEST

START_TEST(att_verify__ecdsa_refuses_every_flipped_bit)
{
    const struct ecvector *v = &ECVECTOR[0];
    struct att_pubkey *k = ecvector_key(v);
    struct bytes sig = ec_sig(v->r, v->s);

    for (size_t bit = 0; bit < 8 * sig.len; bit++) {
        sig.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        ck_assert_int_eq(verify_sample(k, v, &sig), ATT_E_SIGNATURE);
        sig.p[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    att_pubkey_free(k);
}
END_TEST

/* Matrix row Q-17: numbers that no signature has, and lengths that are not two coordinates. */
START_TEST(att_verify__ecdsa_refuses_impossible_signatures)
{
    const struct ecvector *v = &ECVECTOR[_i];
    struct att_pubkey *k = ecvector_key(v);
    char zero[2 * 66 + 1] = "";
    char ones[2 * 66 + 1] = "";
    static uint8_t huge[65536];

    memset(zero, '0', strlen(v->r));
    memset(ones, 'f', strlen(v->r));
    {
        struct bytes sigs[] = {ec_sig(zero, v->s), ec_sig(v->r, zero), ec_sig(zero, zero),
                               ec_sig(v->n, v->s), ec_sig(v->r, v->n), ec_sig(ones, ones)};

        for (size_t i = 0; i < ATT_COUNT(sigs); i++) {
            ck_assert_int_eq(verify_sample(k, v, &sigs[i]), ATT_E_SIGNATURE);
        }
    }
    {
        struct bytes sig = ec_sig(v->r, v->s);

        sig.len++;
        ck_assert_int_eq(verify_sample(k, v, &sig), ATT_E_SIGNATURE);
        sig.len -= 2;
        ck_assert_int_eq(verify_sample(k, v, &sig), ATT_E_SIGNATURE);
        sig.len = 0;
        ck_assert_int_eq(verify_sample(k, v, &sig), ATT_E_SIGNATURE);
    }
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ECDSA, v->hash, att_slice_str("sample"),
                                att_slice_of(huge, sizeof(huge))),
                     ATT_E_SIGNATURE);
    att_pubkey_free(k);
}
END_TEST

/* Low s is not asked for: TPMs do not normalise. */
START_TEST(att_verify__ecdsa_accepts_the_other_s)
{
    const struct ecvector *v = &ECVECTOR[_i];
    struct att_pubkey *k = ecvector_key(v);
    struct bytes sig = ec_sig(v->r, v->s);
    size_t field = sig.len / 2;
    struct bytes n = bytes_unhex(v->n);
    BIGNUM *s = BN_bin2bn(sig.p + field, (int)field, NULL);
    BIGNUM *order = BN_bin2bn(n.p, (int)n.len, NULL);

    ck_assert_int_eq(BN_sub(s, order, s), 1);
    ck_assert_int_eq(BN_bn2binpad(s, sig.p + field, (int)field), (int)field);
    ck_assert_int_eq(verify_sample(k, v, &sig), ATT_OK);
    BN_free(s);
    BN_free(order);
    att_pubkey_free(k);
}
END_TEST

START_TEST(att_verify__scheme_and_key_must_fit)
{
    const struct ecvector *v = &ECVECTOR[0];
    struct att_pubkey *k = ecvector_key(v);
    struct bytes sig = ec_sig(v->r, v->s);
    uint8_t digest[32] = {0};
    struct att_slice message = att_slice_str("sample");
    struct att_slice whole = att_slice_of(digest, sizeof(digest));

    ck_assert_int_eq(att_verify(k, ATT_SCHEME_RSASSA, ATT_HASH_SHA256, message, bytes_slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_RSAPSS, ATT_HASH_SHA256, message, bytes_slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, message, bytes_slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ECDSA, ATT_HASH_SM3, message, bytes_slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(
        att_verify_digest(k, ATT_SCHEME_ECDSA, ATT_HASH_NONE, whole, bytes_slice(&sig)),
        ATT_E_UNSUPPORTED);
    /* a digest of another length is the caller's mistake, never a yes */
    ck_assert_int_eq(att_verify_digest(k, ATT_SCHEME_ECDSA, ATT_HASH_SHA256,
                                       att_slice_of(digest, 20), bytes_slice(&sig)),
                     ATT_E_INTERNAL);
    ck_assert_int_eq(
        att_verify_digest(k, ATT_SCHEME_ECDSA, ATT_HASH_SHA256, whole, bytes_slice(&sig)),
        ATT_E_SIGNATURE);
    att_pubkey_free(k);
}
END_TEST

/* RFC 8032, 7.1, tests 1 and 2. */
START_TEST(att_verify__ed25519_published_vectors)
{
    static const char *const SPKI = "302a300506032b6570032100";
    static const struct {
        const char *key, *message, *sig;
    } V[] = {
        {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    };
    char text[128];
    struct att_pubkey *k = NULL;
    struct bytes der, message, sig;

    snprintf(text, sizeof(text), "%s%s", SPKI, V[_i].key);
    der = bytes_unhex(text);
    message = bytes_unhex(V[_i].message);
    sig = bytes_unhex(V[_i].sig);
    ck_assert_int_eq(att_pubkey_from_spki(&k, bytes_slice(&der), NULL), ATT_OK);
    ck_assert_int_eq(
        att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, bytes_slice(&message), bytes_slice(&sig)),
        ATT_OK);
    sig.p[5] ^= 1;
    ck_assert_int_eq(
        att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, bytes_slice(&message), bytes_slice(&sig)),
        ATT_E_SIGNATURE);
    sig.len--;
    ck_assert_int_eq(
        att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, bytes_slice(&message), bytes_slice(&sig)),
        ATT_E_SIGNATURE);
    att_pubkey_free(k);
}
END_TEST

static const struct {
    enum att_key_type type;
    enum att_scheme scheme;
    enum att_hash hash;
    size_t sig_len;
} SIGNERS[] = {
    {ATT_KEY_EC_P256, ATT_SCHEME_ECDSA, ATT_HASH_SHA256, 64},
    {ATT_KEY_EC_P384, ATT_SCHEME_ECDSA, ATT_HASH_SHA384, 96},
    {ATT_KEY_EC_P521, ATT_SCHEME_ECDSA, ATT_HASH_SHA512, 132},
    {ATT_KEY_RSA, ATT_SCHEME_RSASSA, ATT_HASH_SHA256, 256},
    {ATT_KEY_RSA, ATT_SCHEME_RSAPSS, ATT_HASH_SHA384, 256},
    {ATT_KEY_ED25519, ATT_SCHEME_ED25519, ATT_HASH_NONE, 64},
};

/* A private key goes to PEM and back, signs, and its public half goes to SPKI and back and verifies. */
START_TEST(att_sign__round_trip_over_files)
{
    uint8_t sig[512];
    size_t len = 0;
    struct att_privkey *made = NULL, *read = NULL;
    struct att_pubkey *pub = NULL, *again = NULL;
    struct att_buf *pem = NULL, *spki = NULL;
    struct att_slice message = att_slice_str("a message");

    ck_assert_int_eq(att_privkey_generate(&made, SIGNERS[_i].type), ATT_OK);
    ck_assert_int_eq(att_privkey_pem(&pem, made), ATT_OK);
    ck_assert_int_eq(att_privkey_from_pem(&read, att_buf_slice(pem), NULL), ATT_OK);
    for (int round = 0; round < 40; round++) { /* short r and s come by now and then */
        ck_assert_int_eq(
            att_sign(read, SIGNERS[_i].scheme, SIGNERS[_i].hash, message, sig, sizeof(sig), &len),
            ATT_OK);
        ck_assert_uint_eq(len, SIGNERS[_i].sig_len);
        ck_assert_int_eq(att_privkey_public(&pub, made), ATT_OK);
        ck_assert_int_eq(att_pubkey_spki(&spki, pub), ATT_OK);
        ck_assert_int_eq(att_pubkey_from_spki(&again, att_buf_slice(spki), NULL), ATT_OK);
        ck_assert(att_pubkey_eq(pub, again));
        ck_assert_int_eq(att_verify(again, SIGNERS[_i].scheme, SIGNERS[_i].hash, message,
                                    att_slice_of(sig, len)),
                         ATT_OK);
        sig[len / 3] ^= 0x10;
        ck_assert_int_eq(att_verify(again, SIGNERS[_i].scheme, SIGNERS[_i].hash, message,
                                    att_slice_of(sig, len)),
                         ATT_E_SIGNATURE);
        att_pubkey_freep(&pub);
        att_pubkey_freep(&again);
        att_buf_freep(&spki);
    }
    ck_assert_int_ne(att_sign(read, SIGNERS[_i].scheme, SIGNERS[_i].hash, message, sig, 32, &len),
                     ATT_OK);
    att_buf_free(pem);
    att_privkey_free(made);
    att_privkey_free(read);
}
END_TEST

/* One key under both RSA schemes in turn: the prepared operation follows the scheme. */
START_TEST(att_verify__rsa_schemes_do_not_mix)
{
    static const enum att_scheme SCHEMES[] = {ATT_SCHEME_RSASSA, ATT_SCHEME_RSAPSS};
    struct att_privkey *k = NULL;
    struct att_pubkey *pub = NULL;
    uint8_t sig[2][512];
    size_t len = 0;
    struct att_slice message = att_slice_str("a message");

    ck_assert_int_eq(att_privkey_generate(&k, ATT_KEY_RSA), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&pub, k), ATT_OK);
    ck_assert_uint_eq(att_pubkey_bits(pub), 2048);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(
            att_sign(k, SCHEMES[i], ATT_HASH_SHA256, message, sig[i], sizeof(sig[i]), &len),
            ATT_OK);
    }
    for (size_t i = 0; i < 8; i++) {
        size_t scheme = i & 1, made = i >> 1 & 1;
        enum att_hash hash = i < 4 ? ATT_HASH_SHA256 : ATT_HASH_SHA384;
        enum att_err want = scheme == made && i < 4 ? ATT_OK : ATT_E_SIGNATURE;

        ck_assert_int_eq(
            att_verify(pub, SCHEMES[scheme], hash, message, att_slice_of(sig[made], len)), want);
    }
    ck_assert_int_eq(
        att_verify(pub, ATT_SCHEME_RSASSA, ATT_HASH_SHA256, message, att_slice_of(sig[0], len - 1)),
        ATT_E_SIGNATURE);
    att_privkey_free(k);
    att_pubkey_free(pub);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("signature");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, att_verify__ecdsa_published_vectors, 0, ECVECTOR_COUNT);
    tcase_add_test(t, att_verify__ecdsa_refuses_every_flipped_bit);
    tcase_add_loop_test(t, att_verify__ecdsa_refuses_impossible_signatures, 0, ECVECTOR_COUNT);
    tcase_add_loop_test(t, att_verify__ecdsa_accepts_the_other_s, 0, ECVECTOR_COUNT);
    tcase_add_test(t, att_verify__scheme_and_key_must_fit);
    tcase_add_loop_test(t, att_verify__ed25519_published_vectors, 0, 2);
    tcase_add_loop_test(t, att_sign__round_trip_over_files, 0, (int)ATT_COUNT(SIGNERS));
    tcase_add_test(t, att_verify__rsa_schemes_do_not_mix);
    return suite_run_case("signature", t);
}
