/* Sealing primitives, held against OpenSSL's other direction and against published vectors. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/hex.h"
#include "crypto/key.h"
#include "crypto/seal.h"

struct pair {
    EVP_PKEY *pkey;
    struct att_pubkey *pub;
};

static struct pair make_pair(enum att_key_type type)
{
    struct att_privkey *priv = NULL;
    struct att_buf *pem = NULL;
    struct pair p = {0};
    BIO *bio = NULL;

    ck_assert_int_eq(att_privkey_generate(&priv, type), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&p.pub, priv), ATT_OK);
    ck_assert_int_eq(att_privkey_pem(&pem, priv), ATT_OK);
    bio = BIO_new_mem_buf(att_buf_slice(pem).p, (int)att_buf_len(pem));
    p.pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(p.pkey);
    BIO_free(bio);
    att_buf_free(pem);
    att_privkey_free(priv);
    return p;
}

static void drop_pair(struct pair *p)
{
    EVP_PKEY_free(p->pkey);
    att_pubkey_free(p->pub);
}

static int oaep_decrypt(EVP_PKEY *pkey, const EVP_MD *md, struct att_slice label,
                        struct att_slice in, uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    int rc = 0;

    ck_assert_int_eq(EVP_PKEY_decrypt_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md), 1);
    ck_assert_int_eq(
        EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup(label.p, label.len), (int)label.len),
        1);
    rc = EVP_PKEY_decrypt(ctx, out, len, in.p, in.len);
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

START_TEST(att_oaep_encrypt__opens_with_the_same_hash_and_label_only)
{
    struct pair p = make_pair(ATT_KEY_RSA);
    struct att_slice identity = att_slice_of("IDENTITY", 9); /* the zero counts */
    struct att_slice bare = att_slice_of("IDENTITY", 8);
    uint8_t seed[32], sealed[512], opened[512];
    size_t sealed_len = 0, len = sizeof(opened);

    memset(seed, 0x5a, sizeof(seed));
    ck_assert_int_eq(att_oaep_encrypt(p.pub, ATT_HASH_SHA256, identity,
                                      att_slice_of(seed, sizeof(seed)), sealed, sizeof(sealed),
                                      &sealed_len),
                     ATT_OK);
    ck_assert_uint_eq(sealed_len, 256);
    ck_assert_int_eq(oaep_decrypt(p.pkey, EVP_sha256(), identity, att_slice_of(sealed, sealed_len),
                                  opened, &len),
                     1);
    ck_assert_uint_eq(len, sizeof(seed));
    ck_assert_mem_eq(opened, seed, sizeof(seed));
    len = sizeof(opened);
    ck_assert_int_ne(
        oaep_decrypt(p.pkey, EVP_sha256(), bare, att_slice_of(sealed, sealed_len), opened, &len),
        1);
    len = sizeof(opened);
    ck_assert_int_ne(
        oaep_decrypt(p.pkey, EVP_sha1(), identity, att_slice_of(sealed, sealed_len), opened, &len),
        1);
    drop_pair(&p);
}
END_TEST

START_TEST(att_oaep_encrypt__refuses_what_does_not_fit)
{
    struct pair rsa = make_pair(ATT_KEY_RSA), ec = make_pair(ATT_KEY_EC_P256);
    struct att_slice label = att_slice_of("IDENTITY", 9);
    uint8_t in[256] = {0}, out[512];
    size_t len = 77;

    ck_assert_int_eq(att_oaep_encrypt(ec.pub, ATT_HASH_SHA256, label, att_slice_of(in, 32), out,
                                      sizeof(out), &len),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_oaep_encrypt(rsa.pub, ATT_HASH_SM3, label, att_slice_of(in, 32), out,
                                      sizeof(out), &len),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(
        att_oaep_encrypt(rsa.pub, ATT_HASH_SHA256, label, att_slice_of(in, 32), out, 255, &len),
        ATT_E_LIMIT);
    ck_assert_int_eq(att_oaep_encrypt(rsa.pub, ATT_HASH_SHA256, label, att_slice_of(in, 191), out,
                                      sizeof(out), &len),
                     ATT_E_LIMIT);
    ck_assert_uint_eq(len, 77);
    ck_assert_int_eq(att_oaep_encrypt(rsa.pub, ATT_HASH_SHA256, label, att_slice_of(in, 190), out,
                                      sizeof(out), &len),
                     ATT_OK);
    drop_pair(&rsa);
    drop_pair(&ec);
}
END_TEST

static const enum att_key_type CURVES[] = {ATT_KEY_EC_P256, ATT_KEY_EC_P384, ATT_KEY_EC_P521};

/* The peer comes to the same x from its private key and the point that it is sent. */
START_TEST(att_ecdh_ephemeral__both_sides_agree)
{
    static const size_t SIZES[] = {32, 48, 66};
    struct pair p = make_pair(CURVES[_i]);
    uint8_t x[66], y[66], shared[66], theirs[66], x2[66];
    size_t size = 0, len = sizeof(theirs);
    struct att_pubkey *ephemeral = NULL;
    struct att_buf *spki = NULL;
    EVP_PKEY *peer = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, p.pkey, NULL);
    const unsigned char *at = NULL;

    ck_assert_int_eq(att_ecdh_ephemeral(p.pub, x, y, shared, &size), ATT_OK);
    ck_assert_uint_eq(size, SIZES[_i]);
    ck_assert_int_eq(att_pubkey_from_ec(&ephemeral, CURVES[_i], att_slice_of(x, size),
                                        att_slice_of(y, size), NULL),
                     ATT_OK);
    ck_assert_int_eq(att_pubkey_spki(&spki, ephemeral), ATT_OK);
    at = att_buf_slice(spki).p;
    peer = d2i_PUBKEY(NULL, &at, (long)att_buf_len(spki));
    ck_assert_int_eq(EVP_PKEY_derive_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_derive_set_peer(ctx, peer), 1);
    ck_assert_int_eq(EVP_PKEY_derive(ctx, theirs, &len), 1);
    ck_assert_uint_eq(len, size);
    ck_assert_mem_eq(shared, theirs, size);
    ck_assert_int_eq(att_ecdh_ephemeral(p.pub, x2, y, shared, &size), ATT_OK);
    ck_assert_mem_ne(x, x2, size);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    att_buf_free(spki);
    att_pubkey_free(ephemeral);
    drop_pair(&p);
}
END_TEST

START_TEST(att_ecdh_ephemeral__needs_a_curve)
{
    struct pair rsa = make_pair(ATT_KEY_RSA), ed = make_pair(ATT_KEY_ED25519);
    uint8_t x[66], y[66], shared[66];
    size_t size = 0;

    ck_assert_int_eq(att_ecdh_ephemeral(rsa.pub, x, y, shared, &size), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_ecdh_ephemeral(ed.pub, x, y, shared, &size), ATT_E_UNSUPPORTED);
    drop_pair(&rsa);
    drop_pair(&ed);
}
END_TEST

/*
 * The first block of CFB under a zero IV is AES(key, 0) xor the text. FIPS 197 has no vector for a zero
 * block; NIST's CAVS does (VarKey with the first key bit set is key 80 00 ..: AES-128 of the zero
 * block is 0edd33d3c621e546455bd8ba1418bec8, AES-256 e35a6dcb19b201a01ebcfa8aa22b5759).
 */
START_TEST(att_aes_cfb_encrypt__published_blocks_and_in_place)
{
    uint8_t key[32] = {0x80};
    uint8_t text[40] = {0}, out[40] = {0}, other[40] = {0};
    char hex[33];

    ck_assert_int_eq(att_aes_cfb_encrypt(att_slice_of(key, 16), att_slice_of(text, 40), out),
                     ATT_OK);
    att_hex_encode(hex, sizeof(hex), att_slice_of(out, 16));
    ck_assert_str_eq(hex, "0edd33d3c621e546455bd8ba1418bec8");
    ck_assert_int_eq(att_aes_cfb_encrypt(att_slice_of(key, 32), att_slice_of(text, 16), other),
                     ATT_OK);
    att_hex_encode(hex, sizeof(hex), att_slice_of(other, 16));
    ck_assert_str_eq(hex, "e35a6dcb19b201a01ebcfa8aa22b5759");
    /* a block depends on the one before it, and the last may be short */
    text[0] = 1;
    ck_assert_int_eq(att_aes_cfb_encrypt(att_slice_of(key, 16), att_slice_of(text, 40), text),
                     ATT_OK);
    ck_assert_uint_eq(text[0], out[0] ^ 1);
    ck_assert_mem_eq(text + 1, out + 1, 15);
    ck_assert_mem_ne(text + 16, out + 16, 16);
    ck_assert_int_eq(att_aes_cfb_encrypt(att_slice_of(key, 24), att_slice_of(text, 16), out),
                     ATT_E_UNSUPPORTED);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("seal");
    TCase *t = tcase_create("seal");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, att_oaep_encrypt__opens_with_the_same_hash_and_label_only);
    tcase_add_test(t, att_oaep_encrypt__refuses_what_does_not_fit);
    tcase_add_loop_test(t, att_ecdh_ephemeral__both_sides_agree, 0, (int)ATT_COUNT(CURVES));
    tcase_add_test(t, att_ecdh_ephemeral__needs_a_curve);
    tcase_add_test(t, att_aes_cfb_encrypt__published_blocks_and_in_place);
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
