/* The worked examples of docs/formats/bundle.md, read and written, and what cannot be written. */
#include <check.h>
#include <string.h>

#include "appraise/bundle.h"
#include "bytes.h"
#include "suite.h"

#define PROFILE "0078217461673a617474657374642e6578616d706c652c323032363a62756e646c652331"
#define HASH    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char *const EXAMPLES[] = {"a2" PROFILE "0142d284", "a5" PROFILE "0142d284"
                                                                "02416c"
                                                                "03815820" HASH "0441d2"};

START_TEST(bundle_file__is_what_the_page_says)
{
    struct bytes in = bytes_unhex(EXAMPLES[_i]);
    struct att_bundle_file b;
    struct att_buf *again = NULL;

    ck_assert_int_eq(att_bundle_file_parse(&b, bytes_slice(&in), NULL), ATT_OK);
    ck_assert(att_bundle_file_looks(bytes_slice(&in)));
    ck_assert_uint_eq(b.label.len, 2);
    ck_assert_uint_eq(b.label.p[0], 0xd2);
    ck_assert(b.has_path == (_i == 1));
    ck_assert_uint_eq(b.path.count, _i == 1 ? 1 : 0);
    ck_assert(_i == 0 || (b.path.hash[0][31] == 31 && b.checkpoint.p[0] == 'l'));
    ck_assert_uint_eq(b.status.len, _i == 1 ? 1 : 0);
    ck_assert_int_eq(att_bundle_file_encode(&again, &b), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(again), bytes_slice(&in)));
    att_buf_free(again);
}
END_TEST

START_TEST(bundle_file_encode__makes_nothing_that_nobody_reads)
{
    static uint8_t large[ATT_LABEL_MAX + 1];
    struct att_bundle_file b = {0};
    struct att_buf *out = NULL;

    ck_assert_int_eq(att_bundle_file_encode(&out, &b), ATT_E_INTERNAL);
    b.label = att_slice_of(large, sizeof(large));
    ck_assert_int_eq(att_bundle_file_encode(&out, &b), ATT_E_INTERNAL);
    b.label.len = 1;
    b.has_path = true;
    ck_assert_int_eq(att_bundle_file_encode(&out, &b), ATT_E_INTERNAL);
    b.has_path = false;
    b.path.count = ATT_MERKLE_PATH_MAX + 1;
    ck_assert_int_eq(att_bundle_file_encode(&out, &b), ATT_E_INTERNAL);
    ck_assert_ptr_null(out);
}
END_TEST

START_TEST(bundle_file_parse__has_a_limit)
{
    static uint8_t large[ATT_BUNDLE_MAX + 1];
    struct att_diag diag = {0};
    struct att_bundle_file b;

    ck_assert_int_eq(att_bundle_file_parse(&b, att_slice_of(large, sizeof(large)), &diag),
                     ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_LIM_SIZE);
    ck_assert(!att_bundle_file_looks(att_slice_of(large, 0)));
    ck_assert(!att_bundle_file_looks(att_slice_of(large, 8)));
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {bundle_file__is_what_the_page_says, 2},
        {bundle_file_encode__makes_nothing_that_nobody_reads, 0},
        {bundle_file_parse__has_a_limit, 0},
    };

    return SUITE_RUN_ROWS("bundle", rows, NULL);
}
