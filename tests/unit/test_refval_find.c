/* Finding a digest among sorted ones, spread evenly or not. */
#include <check.h>
#include <string.h>

#include "crypto/digest.h"
#include "need.h"
#include "policy/refval.h"
#include "suite.h"

#define COUNT 3000

/* How the digests of a set begin. */
enum spread { EVEN, LOW, HIGH, ONE_PREFIX, TWO_ENDS };

static void digest_of(uint8_t out[32], uint32_t i, enum spread spread)
{
    uint8_t seed[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

    NEED(att_sha256(att_slice_of(seed, 4), out) == ATT_OK);
    if (spread == LOW || spread == HIGH) {
        memset(out, spread == LOW ? 0 : 0xff, 6);
    } else if (spread == ONE_PREFIX) {
        memset(out, 0x5a, 8);
    } else if (spread == TWO_ENDS) {
        memset(out, i % 2 == 0 ? 0 : 0xff, 8);
    }
}

/* The same answers, sixteen at a time; NULL is not there. */
static void check_each(const struct att_refvals *r, enum spread spread)
{
    uint8_t digest[ATT_REFVALS_EACH][32];
    const uint8_t *wanted[ATT_REFVALS_EACH];
    bool found[ATT_REFVALS_EACH];

    for (uint32_t from = 0; from < 2 * COUNT; from += ATT_REFVALS_EACH) {
        for (uint32_t k = 0; k < ATT_REFVALS_EACH; k++) {
            digest_of(digest[k], from + k, spread);
            wanted[k] = k == 5 ? NULL : digest[k];
        }
        att_refvals_has_each(found, r, wanted, ATT_REFVALS_EACH);
        for (uint32_t k = 0; k < ATT_REFVALS_EACH; k++) {
            bool there = k != 5 && (from + k) % 2 == 0 && from + k < 2 * COUNT;

            ck_assert_msg(found[k] == there, "spread %d, digest %u", (int)spread,
                          (unsigned int)(from + k));
        }
    }
}

START_TEST(has__finds_each_digest_and_no_other)
{
    for (enum spread spread = EVEN; spread <= TWO_ENDS; spread++) {
        struct att_refvals_maker *m = NULL;
        struct att_buf *bytes = NULL;
        struct att_refvals *r = NULL;
        uint8_t digest[32];

        NEED(att_refvals_maker_new(&m) == ATT_OK);
        for (uint32_t i = 0; i < COUNT; i++) {
            digest_of(digest, 2 * i, spread);
            NEED(att_refvals_maker_add(m, att_slice_str("/x"), digest) == ATT_OK);
        }
        NEED(att_refvals_maker_finish(&bytes, m) == ATT_OK);
        NEED(att_refvals_open(&r, att_buf_slice(bytes), NULL) == ATT_OK);
        for (uint32_t i = 0; i < 2 * COUNT; i++) {
            digest_of(digest, i, spread);
            ck_assert_msg(att_refvals_has(r, digest) == (i % 2 == 0), "spread %d, digest %u",
                          (int)spread, (unsigned int)i);
        }
        check_each(r, spread);
        memset(digest, 0, sizeof(digest));
        ck_assert(!att_refvals_has(r, digest));
        memset(digest, 0xff, sizeof(digest));
        ck_assert(!att_refvals_has(r, digest));
        att_refvals_free(r);
        att_buf_free(bytes);
        att_refvals_maker_free(m);
    }
}
END_TEST

/* A damaged file may hold anything in any order: a wrong answer, but no read outside it. */
START_TEST(has__ends_on_digests_in_no_order)
{
    /* docs/formats/refvals.md: 64 digests, so that a number of them takes 7 bits and names have 8 buckets */
    static uint8_t file[48 + 256 * 4 + 64 * 31 + 8 * 4 + 64 * 8];
    struct att_refvals *r = NULL;

    memcpy(file, "ATTREFV2", 8);
    file[8] = 64;
    for (uint32_t i = 0; i < 256; i++) {
        file[48 + 4 * (size_t)i] = (uint8_t)(i * 37); /* ends that neither rise nor stay inside */
    }
    for (uint32_t i = 0; i < 64; i++) {
        uint8_t digest[32];

        digest_of(digest, i, EVEN);
        memcpy(file + 48 + 256 * 4 + (size_t)i * 31, digest + 1, 31);
    }
    NEED(att_refvals_open(&r, att_slice_of(file, sizeof(file)), NULL) == ATT_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t digest[32];

        digest_of(digest, i, i % 2 == 0 ? EVEN : TWO_ENDS);
        (void)att_refvals_has(r, digest);
    }
    att_refvals_free(r);
}
END_TEST

START_TEST(has__finds_nothing_in_nothing)
{
    struct att_refvals_maker *m = NULL;
    struct att_buf *bytes = NULL;
    struct att_refvals *r = NULL;
    static const uint8_t digest[32];

    NEED(att_refvals_maker_new(&m) == ATT_OK && att_refvals_maker_finish(&bytes, m) == ATT_OK);
    NEED(att_refvals_open(&r, att_buf_slice(bytes), NULL) == ATT_OK);
    ck_assert(!att_refvals_has(r, digest));
    att_refvals_free(r);
    att_buf_free(bytes);
    att_refvals_maker_free(m);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        has__finds_each_digest_and_no_other,
        has__ends_on_digests_in_no_order,
        has__finds_nothing_in_nothing,
    };

    return SUITE_RUN("refval_find", TESTS);
}
