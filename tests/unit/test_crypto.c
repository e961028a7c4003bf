/* Hashes, keys and signatures: published vectors, round trips, and what must be refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "crypto/verify.h"

struct bytes {
    uint8_t p[640];
    size_t len;
};

static struct bytes unhex(const char *text)
{
    struct bytes b = {0};

    ck_assert_int_eq(att_hex_decode(b.p, sizeof(b.p), &b.len, text, strlen(text)), ATT_OK);
    return b;
}

static struct att_slice slice(const struct bytes *b)
{
    return att_slice_of(b->p, b->len);
}

static void expect_hex(const void *got, size_t len, const char *want)
{
    char text[2 * 640 + 1];

    att_hex_encode(text, sizeof(text), att_slice_of(got, len));
    ck_assert_str_eq(text, want);
}

/* FIPS 180-4 examples: the one-block message "abc". */
static const struct {
    enum att_hash alg;
    const char *name;
    const char *abc;
} HASH_VECTORS[] = {
    {ATT_HASH_SHA1, "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {ATT_HASH_SHA256, "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {ATT_HASH_SHA384, "sha384",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c82"
     "5"
     "a7"},
    {ATT_HASH_SHA512, "sha512",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "b"
     "bd454d4423643ce80e2a9ac94fa54ca49f"},
};

START_TEST(att_digest__published_vectors)
{
    uint8_t out[ATT_HASH_MAX];
    const struct att_slice parts[] = {att_slice_str("a"), att_slice_str(""), att_slice_str("bc")};

    ck_assert_int_eq(att_digest(HASH_VECTORS[_i].alg, parts, 3, out), ATT_OK);
    expect_hex(out, att_hash_size(HASH_VECTORS[_i].alg), HASH_VECTORS[_i].abc);
    ck_assert_str_eq(att_hash_name(HASH_VECTORS[_i].alg), HASH_VECTORS[_i].name);
    ck_assert_int_eq(att_hash_find(HASH_VECTORS[_i].name, strlen(HASH_VECTORS[_i].name)),
                     HASH_VECTORS[_i].alg);
}
END_TEST

START_TEST(att_digest__unknown_algorithms_are_unsupported)
{
    uint8_t out[ATT_HASH_MAX];
    struct att_slice in = att_slice_str("abc");

    ck_assert_int_eq(att_digest(ATT_HASH_NONE, &in, 1, out), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_digest(ATT_HASH_SM3, &in, 1, out), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_digest((enum att_hash)0x7777, &in, 1, out), ATT_E_UNSUPPORTED);
    ck_assert_uint_eq(att_hash_size(ATT_HASH_SM3), 32);
    ck_assert_uint_eq(att_hash_size((enum att_hash)0x7777), 0);
    ck_assert(!att_hash_usable(ATT_HASH_SM3));
    ck_assert_str_eq(att_hash_name(ATT_HASH_NONE), "none");
    ck_assert_int_eq(att_hash_find("sha25", 5), ATT_HASH_NONE);
    ck_assert_int_eq(att_hash_find("sha2566", 7), ATT_HASH_NONE);
}
END_TEST

START_TEST(att_hasher__is_reusable_over_algorithms_and_after_a_refusal)
{
    static const size_t ORDER[] = {1, 1, 0, 3, 2, 1};
    uint8_t out[ATT_HASH_MAX];
    struct att_hasher *h = NULL;

    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(ORDER); i++) {
        enum att_hash alg = HASH_VECTORS[ORDER[i]].alg;

        ck_assert_int_eq(att_hasher_start(h, ATT_HASH_SM3), ATT_E_UNSUPPORTED);
        ck_assert_int_eq(att_hasher_start(h, alg), ATT_OK);
        ck_assert_int_eq(att_hasher_add(h, "junk", 4), ATT_OK);
        /* starting again forgets what was added */
        ck_assert_int_eq(att_hasher_start(h, alg), ATT_OK);
        ck_assert_int_eq(att_hasher_add(h, "abc", 3), ATT_OK);
        ck_assert_int_eq(att_hasher_finish(h, out), ATT_OK);
        expect_hex(out, att_hash_size(alg), HASH_VECTORS[ORDER[i]].abc);
    }
    att_hasher_free(h);
    att_hasher_free(NULL);
}
END_TEST

/* RFC 4231, test cases 2 and 6. */
START_TEST(att_hmac__published_vectors)
{
    uint8_t out[ATT_HASH_MAX];
    struct bytes long_key = {.len = 131};
    struct att_slice parts[] = {att_slice_str("what do ya want "), att_slice_str("for nothing?")};
    struct att_slice text = att_slice_str("Test Using Larger Than Block-Size Key - Hash Key First");

    ck_assert_int_eq(att_hmac(ATT_HASH_SHA256, att_slice_str("Jefe"), parts, 2, out), ATT_OK);
    expect_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ck_assert_int_eq(att_hmac(ATT_HASH_SHA384, att_slice_str("Jefe"), parts, 2, out), ATT_OK);
    expect_hex(
        out, 48,
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b32"
        "39ecfab21649");
    memset(long_key.p, 0xaa, long_key.len);
    ck_assert_int_eq(att_hmac(ATT_HASH_SHA256, slice(&long_key), &text, 1, out), ATT_OK);
    expect_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    /* the empty key over the empty message */
    ck_assert_int_eq(att_hmac(ATT_HASH_SHA256, att_slice_of(NULL, 0), NULL, 0, out), ATT_OK);
    expect_hex(out, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    ck_assert_int_eq(att_hmac(ATT_HASH_SM3, att_slice_str("k"), parts, 2, out), ATT_E_UNSUPPORTED);
}
END_TEST

START_TEST(att_random__does_not_repeat)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};

    ck_assert_int_eq(att_random(a, sizeof(a)), ATT_OK);
    ck_assert_int_eq(att_random(b, sizeof(b)), ATT_OK);
    ck_assert(!att_digest_eq(a, b, sizeof(a)));
    ck_assert(att_digest_eq(a, a, sizeof(a)));
}
END_TEST

/* RFC 6979, A.2.5 to A.2.7: message "sample" under the curve's own hash. */
static const struct ec_vector {
    enum att_key_type type;
    enum att_hash hash;
    const char *x, *y, *r, *s, *n;
} EC_VECTORS[] = {
    {ATT_KEY_EC_P256, ATT_HASH_SHA256,
     "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
     "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"},
    {ATT_KEY_EC_P384, ATT_HASH_SHA384,
     "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480b"
     "c1"
     "3",
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264"
     "7"
     "20",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fab"
     "e"
     "46",
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628"
     "a"
     "c8",
     "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52"
     "9"
     "73"},
    {ATT_KEY_EC_P521, ATT_HASH_SHA512,
     "01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb"
     "6"
     "33155d38ffa16d2bd761dcac474b9a2f5023a4",
     "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc"
     "2"
     "3f924faafbd4d33f81ea66956dfeaa2bfdfcf5",
     "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152"
     "b"
     "534931d7d4e8455cc91f9b15bf05ec36e377fa",
     "00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff"
     "0"
     "777b1a20f8ccb1dccc43997f1ee0e44da4a67a",
     "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f"
     "7"
     "09a5d03bb5c9b8899c47aebb6fb71e91386409"},
};

static struct att_pubkey *ec_key(const struct ec_vector *v)
{
    struct bytes x = unhex(v->x);
    struct bytes y = unhex(v->y);
    struct att_pubkey *k = NULL;

    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, slice(&x), slice(&y), NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_type(k), v->type);
    return k;
}

static struct bytes ec_sig(const char *r, const char *s)
{
    char both[2 * 2 * 66 + 1];

    snprintf(both, sizeof(both), "%s%s", r, s);
    return unhex(both);
}

static enum att_err verify_sample(const struct att_pubkey *k, const struct ec_vector *v,
                                  const struct bytes *sig)
{
    return att_verify(k, ATT_SCHEME_ECDSA, v->hash, att_slice_str("sample"), slice(sig));
}

START_TEST(att_verify__ecdsa_published_vectors)
{
    const struct ec_vector *v = &EC_VECTORS[_i];
    struct att_pubkey *k = ec_key(v);
    struct bytes sig = ec_sig(v->r, v->s);

    ck_assert_int_eq(verify_sample(k, v, &sig), ATT_OK);
    ck_assert_int_eq(verify_sample(k, v, &sig), ATT_OK);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ECDSA, v->hash, att_slice_str("samplf"), slice(&sig)),
                     ATT_E_SIGNATURE);
    ck_assert_int_eq(verify_sample(k, v, &sig), ATT_OK);
    att_pubkey_free(k);
}
END_TEST

START_TEST(att_verify__ecdsa_refuses_every_flipped_bit)
{
    const struct ec_vector *v = &EC_VECTORS[0];
    struct att_pubkey *k = ec_key(v);
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
    const struct ec_vector *v = &EC_VECTORS[_i];
    struct att_pubkey *k = ec_key(v);
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
    const struct ec_vector *v = &EC_VECTORS[_i];
    struct att_pubkey *k = ec_key(v);
    struct bytes sig = ec_sig(v->r, v->s);
    size_t field = sig.len / 2;
    struct bytes n = unhex(v->n);
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
    const struct ec_vector *v = &EC_VECTORS[0];
    struct att_pubkey *k = ec_key(v);
    struct bytes sig = ec_sig(v->r, v->s);
    uint8_t digest[32] = {0};
    struct att_slice message = att_slice_str("sample");
    struct att_slice whole = att_slice_of(digest, sizeof(digest));

    ck_assert_int_eq(att_verify(k, ATT_SCHEME_RSASSA, ATT_HASH_SHA256, message, slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_RSAPSS, ATT_HASH_SHA256, message, slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, message, slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ECDSA, ATT_HASH_SM3, message, slice(&sig)),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_verify_digest(k, ATT_SCHEME_ECDSA, ATT_HASH_NONE, whole, slice(&sig)),
                     ATT_E_UNSUPPORTED);
    /* a digest of another length is the caller's mistake, never a yes */
    ck_assert_int_eq(att_verify_digest(k, ATT_SCHEME_ECDSA, ATT_HASH_SHA256,
                                       att_slice_of(digest, 20), slice(&sig)),
                     ATT_E_INTERNAL);
    ck_assert_int_eq(att_verify_digest(k, ATT_SCHEME_ECDSA, ATT_HASH_SHA256, whole, slice(&sig)),
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
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "c"
         "f9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0"
         "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    };
    char text[128];
    struct att_pubkey *k = NULL;
    struct bytes der, message, sig;

    snprintf(text, sizeof(text), "%s%s", SPKI, V[_i].key);
    der = unhex(text);
    message = unhex(V[_i].message);
    sig = unhex(V[_i].sig);
    ck_assert_int_eq(att_pubkey_from_spki(&k, slice(&der), NULL), ATT_OK);
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, slice(&message), slice(&sig)),
                     ATT_OK);
    sig.p[5] ^= 1;
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, slice(&message), slice(&sig)),
                     ATT_E_SIGNATURE);
    sig.len--;
    ck_assert_int_eq(att_verify(k, ATT_SCHEME_ED25519, ATT_HASH_NONE, slice(&message), slice(&sig)),
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

START_TEST(att_pubkey__rsa_of_1024_bits_is_too_weak)
{
    struct bytes spki;
    struct bytes n = rsa_modulus(1024, &spki);
    struct att_pubkey *k = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_pubkey_from_rsa(&k, slice(&n), 0, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_WEAKKEY);
    memset(&diag, 0, sizeof(diag));
    ck_assert_int_eq(att_pubkey_from_spki(&k, slice(&spki), &diag), ATT_E_LIMIT);
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

    ck_assert_int_eq(att_pubkey_from_rsa(&k, slice(&n), 0, NULL), ATT_OK);
    ck_assert_int_eq(att_pubkey_from_rsa(&same, slice(&n), 65537, NULL), ATT_OK);
    ck_assert(att_pubkey_eq(k, same));
    att_pubkey_freep(&k);
    att_pubkey_freep(&same);
    for (size_t i = 0; i < ATT_COUNT(EXPONENTS); i++) {
        ck_assert_int_eq(att_pubkey_from_rsa(&k, slice(&n), EXPONENTS[i].e, &diag),
                         EXPONENTS[i].err);
        ck_assert_int_eq(diag.reason, EXPONENTS[i].reason);
    }
    n.p[n.len - 1] &= 0xfe;
    ck_assert_int_eq(att_pubkey_from_rsa(&k, slice(&n), 0, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    memset(big.p, 0xff, big.len);
    ck_assert_int_eq(att_pubkey_from_rsa(&k, slice(&big), 0, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(att_pubkey_from_rsa(&k, att_slice_of(NULL, 0), 0, &diag), ATT_E_LIMIT);
    ck_assert_ptr_null(k);
}
END_TEST

/* Matrix row I-10. */
START_TEST(att_pubkey_from_ec__refuses_what_is_not_on_the_curve)
{
    const struct ec_vector *v = &EC_VECTORS[_i];
    struct bytes x = unhex(v->x), y = unhex(v->y);
    struct bytes zero = {.len = x.len}, ones = {.len = x.len}, too_long = {.len = x.len + 1};
    struct att_pubkey *k = NULL;
    struct att_diag diag = {0};

    memset(ones.p, 0xff, ones.len);
    memcpy(too_long.p + 1, x.p, x.len);
    y.p[y.len - 1] ^= 1;
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, slice(&x), slice(&y), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    y.p[y.len - 1] ^= 1;
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, slice(&ones), slice(&y), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, slice(&zero), slice(&zero), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, slice(&too_long), slice(&y), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(att_pubkey_from_ec(&k, v->type, att_slice_of(NULL, 0), slice(&y), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    ck_assert_int_eq(att_pubkey_from_ec(&k, ATT_KEY_RSA, slice(&x), slice(&y), &diag),
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
    struct att_pubkey *k = NULL, *want = ec_key(&EC_VECTORS[0]);
    struct att_buf *spki = NULL;
    struct att_diag diag = {0};
    char text[512];
    struct bytes der;

    snprintf(text, sizeof(text), P256_HEAD "04%s%s", EC_VECTORS[0].x, EC_VECTORS[0].y);
    der = unhex(text);
    ck_assert_int_eq(att_pubkey_from_spki(&k, slice(&der), NULL), ATT_OK);
    ck_assert(att_pubkey_eq(k, want));
    ck_assert_int_eq(att_pubkey_spki(&spki, k), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(spki), slice(&der)));
    att_pubkey_freep(&k);
    att_buf_free(spki);

    der.len++;
    ck_assert_int_eq(att_pubkey_from_spki(&k, slice(&der), &diag), ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_KEY);
    for (size_t len = 0; len < der.len - 1; len++) {
        ck_assert_int_eq(att_pubkey_from_spki(&k, att_slice_of(der.p, len), &diag), ATT_E_FORMAT);
    }
    der.len--;
    der.p[26] = 0x06; /* the hybrid form of the point */
    ck_assert_int_eq(att_pubkey_from_spki(&k, slice(&der), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_ID_KEY);
    der.p[26] = 0x04;
    der.p[22] = 0x05; /* another curve: prime239v2 */
    ck_assert_int_eq(att_pubkey_from_spki(&k, slice(&der), &diag), ATT_E_UNSUPPORTED);
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
    want = ec_key(&EC_VECTORS[0]);
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

static Suite *suite(void)
{
    Suite *s = suite_create("crypto");
    TCase *t = tcase_create("digest, key, verify");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, att_digest__published_vectors, 0, (int)ATT_COUNT(HASH_VECTORS));
    tcase_add_test(t, att_digest__unknown_algorithms_are_unsupported);
    tcase_add_test(t, att_hasher__is_reusable_over_algorithms_and_after_a_refusal);
    tcase_add_test(t, att_hmac__published_vectors);
    tcase_add_test(t, att_random__does_not_repeat);
    tcase_add_loop_test(t, att_verify__ecdsa_published_vectors, 0, (int)ATT_COUNT(EC_VECTORS));
    tcase_add_test(t, att_verify__ecdsa_refuses_every_flipped_bit);
    tcase_add_loop_test(t, att_verify__ecdsa_refuses_impossible_signatures, 0,
                        (int)ATT_COUNT(EC_VECTORS));
    tcase_add_loop_test(t, att_verify__ecdsa_accepts_the_other_s, 0, (int)ATT_COUNT(EC_VECTORS));
    tcase_add_test(t, att_verify__scheme_and_key_must_fit);
    tcase_add_loop_test(t, att_verify__ed25519_published_vectors, 0, 2);
    tcase_add_loop_test(t, att_sign__round_trip_over_files, 0, (int)ATT_COUNT(SIGNERS));
    tcase_add_test(t, att_verify__rsa_schemes_do_not_mix);
    tcase_add_test(t, att_pubkey__rsa_of_1024_bits_is_too_weak);
    tcase_add_test(t, att_pubkey__rsa_numbers_out_of_bounds_are_refused);
    tcase_add_loop_test(t, att_pubkey_from_ec__refuses_what_is_not_on_the_curve, 0,
                        (int)ATT_COUNT(EC_VECTORS));
    tcase_add_test(t, att_pubkey_from_ec__short_coordinates_are_padded);
    tcase_add_test(t, att_pubkey_from_spki__exact_length_and_form);
    tcase_add_test(t, att_pubkey_from_text__pem_der_and_what_is_neither);
    tcase_add_test(t, att_privkey_from_pem__refuses_what_is_no_usable_key);
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
