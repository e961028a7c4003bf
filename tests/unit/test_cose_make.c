/* COSE_Sign1 as we make it: what was ordered comes out again, and nothing changed is accepted. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor_rd.h"
#include "cosetest.h"
#include "need.h"
#include "suite.h"

static const struct att_slice NONE = {0};

/* One key for the whole program; each test runs in a process that inherits it. */
static struct att_signer *signer;

static const enum att_key_type OUR_KEYS[] = {ATT_KEY_EC_P256, ATT_KEY_EC_P384, ATT_KEY_ED25519};
static const int64_t OUR_ALGS[] = {ATT_COSE_ES256, ATT_COSE_ES384, ATT_COSE_EDDSA};

static struct att_cose_order full_order(void)
{
    static const uint8_t LEAF[] = {0x30, 0x01, 0x00};
    static const uint8_t ROOT[] = {0x30, 0x02, 0x00, 0x00};
    static struct att_slice chain[2];

    chain[0] = att_slice_of(LEAF, sizeof(LEAF));
    chain[1] = att_slice_of(ROOT, sizeof(ROOT));
    return (struct att_cose_order){
        .typ = "application/eat+cwt",
        .content_type = "application/cbor",
        .x5chain = chain,
        .x5chain_count = 2,
        .kid = att_slice_str("key one"),
        .cwt_claims = att_slice_of("\xa2\x01\x61\x69\x02\x61\x73", 7),
        .payload = att_slice_str(COSETEST_PAYLOAD),
    };
}

START_TEST(att_cose_make__what_was_ordered_comes_out_again)
{
    struct att_signer *s = cosetest_signer(OUR_KEYS[_i]);
    struct att_cose_order order = full_order();
    struct att_buf *b = NULL;
    struct att_cose_verified *v = NULL;
    struct att_diag diag = {0};
    struct att_cose m;

    ck_assert_int_eq(att_cose_make(&b, &order, s), ATT_OK);
    ck_assert_int_eq(att_cbor_check(att_buf_slice(b), NULL), ATT_OK);
    ck_assert_msg(att_cose_parse(&m, att_buf_slice(b), &diag) == ATT_OK, "%s", diag.text);
    ck_assert_int_eq(m.alg, OUR_ALGS[_i]);
    ck_assert(att_slice_eq(m.typ, att_slice_str(order.typ)));
    ck_assert(att_slice_eq(m.content_type, att_slice_str(order.content_type)));
    ck_assert(att_slice_eq(m.kid, order.kid));
    ck_assert(att_slice_eq(m.cwt_claims, order.cwt_claims));
    ck_assert_uint_eq(m.x5chain_count, 2);
    ck_assert(att_slice_eq(m.x5chain[0], order.x5chain[0]));
    ck_assert(att_slice_eq(m.x5chain[1], order.x5chain[1]));
    ck_assert(att_slice_eq(m.unprotected, att_slice_of("\xa0", 1)));
    ck_assert_int_eq(att_cose_verify(&v, &m, s->public_key, NONE, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_cose_payload(v), order.payload));
    att_cose_verified_freep(&v);
    ck_assert_ptr_null(v);
    att_buf_free(b);
    att_signer_free(s);
}
END_TEST

/* C-21, and every byte cut off. */
START_TEST(att_cose_verify__refuses_every_flipped_bit_and_every_cut)
{
    struct att_signer *s = cosetest_signer(OUR_KEYS[_i]);
    struct att_cose_order order = full_order();
    struct att_buf *b = NULL;
    struct att_slice good;
    uint8_t *copy = NULL;

    ck_assert_int_eq(att_cose_make(&b, &order, s), ATT_OK);
    good = att_buf_slice(b);
    ck_assert_int_eq(cosetest_judge(good, s->public_key, NONE, NULL), ATT_OK);
    for (size_t bit = 0; bit < good.len * 8; bit++) {
        copy = malloc(good.len);
        NEED(copy != NULL);
        memcpy(copy, good.p, good.len);
        copy[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        ck_assert_msg(cosetest_judge(att_slice_of(copy, good.len), s->public_key, NONE, NULL) !=
                          ATT_OK,
                      "bit %zu", bit);
        free(copy);
    }
    for (size_t len = 0; len < good.len; len++) {
        copy = malloc(len + 1); /* its own allocation: a read past the cut is seen */
        NEED(copy != NULL);
        memcpy(copy, good.p, len);
        ck_assert_int_eq(cosetest_judge(att_slice_of(copy, len), s->public_key, NONE, NULL),
                         ATT_E_TRUNCATED);
        free(copy);
    }
    att_buf_free(b);
    att_signer_free(s);
}
END_TEST

/* C-10: a kid is bytes and nothing more; whoever looks it up sees all of it. */
START_TEST(att_cose_parse__gives_the_whole_kid)
{
    static const char DOTS[] = "../../etc/attestd/key\0tail";
    struct att_cose_order order = {.payload = att_slice_str(COSETEST_PAYLOAD)};
    uint8_t long_kid[4096];
    struct att_slice kids[2];

    memset(long_kid, 0x2f, sizeof(long_kid));
    kids[0] = att_slice_of(DOTS, sizeof(DOTS) - 1);
    kids[1] = att_slice_of(long_kid, sizeof(long_kid));
    for (size_t i = 0; i < ATT_COUNT(kids); i++) {
        struct att_buf *b = NULL;
        struct att_cose m;

        order.kid = kids[i];
        ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_OK);
        ck_assert_int_eq(att_cose_parse(&m, att_buf_slice(b), NULL), ATT_OK);
        ck_assert(att_slice_eq(m.kid, kids[i]));
        att_buf_free(b);
    }
}
END_TEST

START_TEST(att_cose_make__refuses_what_nobody_could_read)
{
    static const uint8_t UNSORTED[] = {0xa2, 0x02, 0x00, 0x01, 0x00};
    struct att_signer *rsa = cosetest_signer(ATT_KEY_RSA);
    struct att_signer *p521 = cosetest_signer(ATT_KEY_EC_P521);
    struct att_signer wrong = *signer;
    struct att_cose_order order = {.payload = NONE};
    struct att_buf *b = NULL;

    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    order.payload = att_slice_str(COSETEST_PAYLOAD);
    ck_assert_int_eq(att_cose_make(&b, &order, rsa), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_cose_make(&b, &order, p521), ATT_E_UNSUPPORTED);
    wrong.hash = ATT_HASH_SHA384;
    ck_assert_int_eq(att_cose_make(&b, &order, &wrong), ATT_E_UNSUPPORTED);
    order.cwt_claims = att_slice_of(UNSORTED, sizeof(UNSORTED));
    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    order.cwt_claims = att_slice_of("\x80", 1);
    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    order.cwt_claims = NONE;
    order.typ = "\xff";
    ck_assert_int_eq(att_cose_make(&b, &order, signer), ATT_E_INTERNAL);
    ck_assert_ptr_null(b);
    att_signer_free(rsa);
    att_signer_free(p521);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("cose_make");
    int status = 0;

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, att_cose_make__what_was_ordered_comes_out_again, 0,
                        (int)ATT_COUNT(OUR_KEYS));
    tcase_add_loop_test(t, att_cose_verify__refuses_every_flipped_bit_and_every_cut, 0,
                        (int)ATT_COUNT(OUR_KEYS));
    tcase_add_test(t, att_cose_parse__gives_the_whole_kid);
    tcase_add_test(t, att_cose_make__refuses_what_nobody_could_read);
    signer = cosetest_signer(ATT_KEY_EC_P256);
    status = suite_run_case("cose_make", t);
    att_signer_free(signer);
    return status;
}
