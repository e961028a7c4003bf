/* Sealed bytes open with their key and binding alone, and only whole. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "suite.h"

static const uint8_t KEY[ATT_AEAD_KEY_LEN] = {1, 2, 3};
static const uint8_t TEXT[40] = {9, 8, 7};

static struct att_buf *sealed(const char *aad, size_t len)
{
    struct att_buf *out = NULL;

    ck_assert_int_eq(att_buf_new(&out, 4096), ATT_OK);
    ck_assert_int_eq(att_aead_seal(out, KEY, att_slice_str(aad), att_slice_of(TEXT, len)), ATT_OK);
    ck_assert_uint_eq(att_buf_len(out), len + ATT_AEAD_OVERHEAD);
    return out;
}

static enum att_err opened(struct att_buf *out, const uint8_t *key, const char *aad,
                           struct att_slice in)
{
    return att_aead_open(out, key, att_slice_str(aad), in);
}

START_TEST(att_aead__gives_back_what_was_sealed)
{
    static const size_t LENGTHS[] = {0, 1, 16, sizeof(TEXT)};
    struct att_buf *box = sealed("row 1", LENGTHS[_i]);
    struct att_buf *out = NULL;

    ck_assert_int_eq(att_buf_new(&out, 4096), ATT_OK);
    ck_assert_int_eq(opened(out, KEY, "row 1", att_buf_slice(box)), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(out), att_slice_of(TEXT, LENGTHS[_i])));
    att_buf_free(out);
    att_buf_free(box);
}
END_TEST

START_TEST(att_aead__never_gives_the_same_bytes_twice)
{
    struct att_buf *a = sealed("", sizeof(TEXT));
    struct att_buf *b = sealed("", sizeof(TEXT));

    ck_assert(!att_slice_eq(att_buf_slice(a), att_buf_slice(b)));
    att_buf_free(a);
    att_buf_free(b);
}
END_TEST

START_TEST(att_aead_open__refuses_another_key_and_another_binding)
{
    uint8_t other[ATT_AEAD_KEY_LEN] = {1, 2, 4};
    struct att_buf *box = sealed("row 1", sizeof(TEXT));
    struct att_buf *out = NULL;

    ck_assert_int_eq(att_buf_new(&out, 4096), ATT_OK);
    ck_assert_int_eq(opened(out, other, "row 1", att_buf_slice(box)), ATT_E_UNTRUSTED);
    ck_assert_int_eq(opened(out, KEY, "row 2", att_buf_slice(box)), ATT_E_UNTRUSTED);
    ck_assert_int_eq(opened(out, KEY, "", att_buf_slice(box)), ATT_E_UNTRUSTED);
    ck_assert_uint_eq(att_buf_len(out), 0);
    att_buf_free(out);
    att_buf_free(box);
}
END_TEST

START_TEST(att_aead_open__refuses_every_changed_bit_and_every_cut)
{
    struct att_buf *box = sealed("row 1", sizeof(TEXT));
    struct att_slice all = att_buf_slice(box);
    struct att_buf *out = NULL;
    uint8_t *copy = malloc(all.len);

    ck_assert_ptr_nonnull(copy);
    ck_assert_int_eq(att_buf_new(&out, 4096), ATT_OK);
    for (size_t bit = 0; bit < 8 * all.len; bit++) {
        memcpy(copy, all.p, all.len);
        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        ck_assert_int_eq(opened(out, KEY, "row 1", att_slice_of(copy, all.len)), ATT_E_UNTRUSTED);
    }
    for (size_t len = 0; len < all.len; len++) {
        enum att_err want = len < ATT_AEAD_OVERHEAD ? ATT_E_TRUNCATED : ATT_E_UNTRUSTED;

        ck_assert_int_eq(opened(out, KEY, "row 1", att_slice_of(all.p, len)), want);
    }
    ck_assert_uint_eq(att_buf_len(out), 0);
    free(copy);
    att_buf_free(out);
    att_buf_free(box);
}
END_TEST

START_TEST(att_aead__says_when_there_is_no_room)
{
    struct att_buf *box = sealed("", sizeof(TEXT));
    struct att_buf *small = NULL;

    ck_assert_int_eq(att_buf_new(&small, 10), ATT_OK);
    ck_assert_int_eq(att_aead_seal(small, KEY, att_slice_str(""), att_slice_of(TEXT, sizeof(TEXT))),
                     ATT_E_LIMIT);
    ck_assert_int_eq(opened(small, KEY, "", att_buf_slice(box)), ATT_E_LIMIT);
    att_buf_free(small);
    att_buf_free(box);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("aead");

    tcase_add_loop_test(tc, att_aead__gives_back_what_was_sealed, 0, 4);
    tcase_add_test(tc, att_aead__never_gives_the_same_bytes_twice);
    tcase_add_test(tc, att_aead_open__refuses_another_key_and_another_binding);
    tcase_add_test(tc, att_aead_open__refuses_every_changed_bit_and_every_cut);
    tcase_add_test(tc, att_aead__says_when_there_is_no_room);
    return suite_run_case("aead", tc);
}
