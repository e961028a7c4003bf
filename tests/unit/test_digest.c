/* Hashes, HMAC and random bytes: published vectors, and what must be refused. */
#include <check.h>
#include <string.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "suite.h"

/* FIPS 180-4 examples: the one-block message "abc". */
static const struct {
    enum att_hash alg;
    const char *name;
    const char *abc;
} HASH_VECTORS[] = {
    {ATT_HASH_SHA1, "sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {ATT_HASH_SHA256, "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {ATT_HASH_SHA384, "sha384",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
     "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {ATT_HASH_SHA512, "sha512",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

START_TEST(att_digest__published_vectors)
{
    uint8_t out[ATT_HASH_MAX];
    const struct att_slice parts[] = {att_slice_str("a"), att_slice_str(""), att_slice_str("bc")};

    ck_assert_int_eq(att_digest(HASH_VECTORS[_i].alg, parts, 3, out), ATT_OK);
    bytes_expect_hex(att_slice_of(out, att_hash_size(HASH_VECTORS[_i].alg)), HASH_VECTORS[_i].abc);
    ck_assert_str_eq(att_hash_name(HASH_VECTORS[_i].alg), HASH_VECTORS[_i].name);
    ck_assert_int_eq(att_hash_find(HASH_VECTORS[_i].name, strlen(HASH_VECTORS[_i].name)),
                     HASH_VECTORS[_i].alg);
}
END_TEST

START_TEST(att_hash_find__knows_the_names_of_tools_and_kernels)
{
    static const struct {
        const char *name;
        enum att_hash alg;
    } rows[] = {
        {"sha1", ATT_HASH_SHA1},     {"sha256", ATT_HASH_SHA256}, {"sha384", ATT_HASH_SHA384},
        {"sha512", ATT_HASH_SHA512}, {"sm3_256", ATT_HASH_SM3},   {"sm3", ATT_HASH_SM3},
        {"sm3-256", ATT_HASH_SM3},   {"sm3_", ATT_HASH_NONE},     {"SM3", ATT_HASH_NONE},
        {"sha3-256", ATT_HASH_NONE}, {"", ATT_HASH_NONE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(att_hash_find(rows[i].name, strlen(rows[i].name)), rows[i].alg);
    }
    ck_assert_str_eq(att_hash_name(ATT_HASH_SM3), "sm3_256");
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
        bytes_expect_hex(att_slice_of(out, att_hash_size(alg)), HASH_VECTORS[ORDER[i]].abc);
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
    bytes_expect_hex(att_slice_of(out, 32),
                     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ck_assert_int_eq(att_hmac(ATT_HASH_SHA384, att_slice_str("Jefe"), parts, 2, out), ATT_OK);
    bytes_expect_hex(att_slice_of(out, 48), "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
                                            "e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
    memset(long_key.p, 0xaa, long_key.len);
    ck_assert_int_eq(att_hmac(ATT_HASH_SHA256, bytes_slice(&long_key), &text, 1, out), ATT_OK);
    bytes_expect_hex(att_slice_of(out, 32),
                     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    /* the empty key over the empty message */
    ck_assert_int_eq(att_hmac(ATT_HASH_SHA256, att_slice_of(NULL, 0), NULL, 0, out), ATT_OK);
    bytes_expect_hex(att_slice_of(out, 32),
                     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
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

int main(void)
{
    TCase *t = tcase_create("digest");

    tcase_add_loop_test(t, att_digest__published_vectors, 0, (int)ATT_COUNT(HASH_VECTORS));
    tcase_add_test(t, att_hash_find__knows_the_names_of_tools_and_kernels);
    tcase_add_test(t, att_digest__unknown_algorithms_are_unsupported);
    tcase_add_test(t, att_hasher__is_reusable_over_algorithms_and_after_a_refusal);
    tcase_add_test(t, att_hmac__published_vectors);
    tcase_add_test(t, att_random__does_not_repeat);
    return suite_run_case("digest", t);
}
