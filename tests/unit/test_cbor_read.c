/* Reading CBOR item by item: types, limits, levels, and the failure that sticks. */
#include <check.h>
#include <malloc.h>

#include "base/rd.h"
#include "bytes.h"
#include "codec/cbor_rd.h"
#include "suite.h"

/* a count from outside allocates nothing, whichever call meets it. */
START_TEST(att_cbor_enter__lying_counts_fail_at_once_without_memory)
{
    struct bytes array = bytes_unhex("9a10000000");
    struct bytes map = bytes_unhex("ba08000000");
    struct bytes text = bytes_unhex("7a80000000");
    struct mallinfo2 before = mallinfo2();
    struct att_cbor a = att_cbor_from(bytes_slice(&array));
    struct att_cbor m = att_cbor_from(bytes_slice(&map));
    struct att_cbor t = att_cbor_from(bytes_slice(&text));
    struct mallinfo2 after;

    ck_assert_uint_eq(att_cbor_enter_array(&a, UINT32_MAX), 0);
    ck_assert(!att_cbor_more(&a));
    ck_assert_uint_eq(att_cbor_enter_map(&m, UINT32_MAX), 0);
    ck_assert(!att_cbor_more(&m));
    ck_assert_uint_eq(att_cbor_text(&t, SIZE_MAX).len, 0);
    after = mallinfo2();
    ck_assert_uint_eq(after.uordblks, before.uordblks);
    ck_assert_uint_eq(after.hblkhd, before.hblkhd);
    ck_assert_int_eq(att_cbor_end(&a), ATT_E_TRUNCATED);
    ck_assert_int_eq(att_cbor_end(&m), ATT_E_TRUNCATED);
    ck_assert_int_eq(att_cbor_end(&t), ATT_E_TRUNCATED);
}
END_TEST

/* One value of each kind under a key, and the two that hold others. */
#define RECORD                                                                                     \
    "d2a8"                                                                                         \
    "011a00010000"                                                                                 \
    "023903e7"                                                                                     \
    "034201ff"                                                                                     \
    "0463e6b0b4"                                                                                   \
    "05f5"                                                                                         \
    "20f6"                                                                                         \
    "6161820102"                                                                                   \
    "626262a10001"

static void read_numbers(struct att_cbor *c)
{
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_TAG);
    ck_assert_uint_eq(att_cbor_tag(c), 18);
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_MAP);
    ck_assert_uint_eq(att_cbor_enter_map(c, 8), 8);
    ck_assert_int_eq(att_cbor_key_int(c), 1);
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_UINT);
    ck_assert_uint_eq(att_cbor_uint_max(c, 65536), 65536);
    ck_assert_int_eq(att_cbor_key_int(c), 2);
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_NINT);
    ck_assert_int_eq(att_cbor_int(c), -1000);
}

static void read_strings_and_simple_values(struct att_cbor *c)
{
    char text[4];
    uint8_t two[2];

    ck_assert_int_eq(att_cbor_key_int(c), 3);
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_BYTES);
    att_cbor_bytes_exact(c, two, sizeof(two));
    ck_assert_mem_eq(two, "\x01\xff", 2);
    ck_assert_int_eq(att_cbor_key_int(c), 4);
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_TEXT);
    att_cbor_text_copy(c, text, sizeof(text));
    ck_assert_str_eq(text, "水");
    ck_assert_int_eq(att_cbor_key_int(c), 5);
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_BOOL);
    ck_assert(att_cbor_bool(c));
    ck_assert_int_eq(att_cbor_key_int(c), -1);
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_NULL);
    att_cbor_null(c);
}

static void read_inner_array_and_map(struct att_cbor *c)
{
    struct att_cbor_key key = att_cbor_key(c);

    ck_assert(!key.is_int && att_slice_eq(key.text, att_slice_str("a")));
    ck_assert_uint_eq(att_cbor_enter_array(c, 2), 2);
    ck_assert_uint_eq(att_cbor_uint(c), 1);
    ck_assert_uint_eq(att_cbor_uint(c), 2);
    ck_assert(!att_cbor_more(c));
    ck_assert_int_eq(att_cbor_peek(c), ATT_CBOR_NONE);
    att_cbor_leave(c);
    key = att_cbor_key(c);
    ck_assert(!key.is_int && att_slice_eq(key.text, att_slice_str("bb")));
    bytes_expect_hex(att_cbor_item(c), "a10001");
    ck_assert(!att_cbor_more(c));
    att_cbor_leave(c);
}

START_TEST(att_cbor__reads_a_record_like_its_table)
{
    struct bytes in = bytes_unhex(RECORD);
    struct att_cbor c = att_cbor_from(bytes_slice(&in));

    read_numbers(&c);
    read_strings_and_simple_values(&c);
    read_inner_array_and_map(&c);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NONE);
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

START_TEST(att_cbor_int__covers_int64_and_no_more)
{
    static const struct {
        const char *hex;
        int64_t want;
        enum att_err err;
    } CASES[] = {
        {"1b7fffffffffffffff", INT64_MAX, ATT_OK},
        {"3b7fffffffffffffff", INT64_MIN, ATT_OK},
        {"1b8000000000000000", 0, ATT_E_LIMIT},
        {"3b8000000000000000", 0, ATT_E_LIMIT},
        {"3bffffffffffffffff", 0, ATT_E_LIMIT},
        {"00", 0, ATT_OK},
        {"20", -1, ATT_OK},
        {"40", 0, ATT_E_FORMAT},
        {"f5", 0, ATT_E_FORMAT},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        struct bytes in = bytes_unhex(CASES[i].hex);
        struct att_cbor c = att_cbor_from(bytes_slice(&in));

        ck_assert_int_eq(att_cbor_int(&c), CASES[i].want);
        ck_assert_int_eq(att_cbor_end(&c), CASES[i].err);
    }
}
END_TEST

START_TEST(att_cbor__each_getter_refuses_every_other_type)
{
    static const char *const ONE_EACH[] = {"01", "20", "40", "60", "80", "a0", "c100", "f5", "f6"};

    for (size_t i = 0; i < ATT_COUNT(ONE_EACH); i++) {
        struct bytes in = bytes_unhex(ONE_EACH[i]);
        struct att_cbor c[9];
        uint8_t none[1];
        char text[8];

        for (size_t k = 0; k < ATT_COUNT(c); k++) {
            c[k] = att_cbor_from(bytes_slice(&in));
        }
        (void)att_cbor_uint(&c[0]);
        (void)att_cbor_int(&c[1]);
        (void)att_cbor_bytes(&c[2], 8);
        (void)att_cbor_text(&c[3], 8);
        (void)att_cbor_enter_array(&c[4], 8);
        (void)att_cbor_enter_map(&c[5], 8);
        (void)att_cbor_tag(&c[6]);
        (void)att_cbor_bool(&c[7]);
        att_cbor_null(&c[8]);
        for (size_t k = 0; k < ATT_COUNT(c); k++) {
            bool fits = k == i || (k == 1 && i == 0);

            ck_assert_msg(att_cbor_ok(&c[k]) == fits, "getter %zu on %s", k, ONE_EACH[i]);
            ck_assert(fits || c[k].rd.err == ATT_E_FORMAT);
        }
        c[0] = att_cbor_from(bytes_slice(&in));
        att_cbor_bytes_exact(&c[0], none, 0);
        ck_assert(att_cbor_ok(&c[0]) == (i == 2));
        c[0] = att_cbor_from(bytes_slice(&in));
        att_cbor_text_copy(&c[0], text, sizeof(text));
        ck_assert(att_cbor_ok(&c[0]) == (i == 3));
        ck_assert_str_eq(text, "");
    }
}
END_TEST

static void bound_text(void)
{
    struct bytes txt = bytes_unhex("63616263");
    struct att_cbor c = att_cbor_from(bytes_slice(&txt));
    char text[4] = "zzz";

    ck_assert_uint_eq(att_cbor_text(&c, 2).len, 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(bytes_slice(&txt));
    att_cbor_text_copy(&c, text, 3);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(bytes_slice(&txt));
    att_cbor_text_copy(&c, text, 4);
    ck_assert_str_eq(text, "abc");
}

START_TEST(att_cbor__limits_are_the_callers)
{
    struct bytes num = bytes_unhex("1864");
    struct bytes str = bytes_unhex("43010203");
    struct bytes arr = bytes_unhex("83010203");
    struct bytes map = bytes_unhex("a201020304");
    struct att_cbor c;
    uint8_t out[4] = {9, 9, 9, 9};

    c = att_cbor_from(bytes_slice(&num));
    ck_assert_uint_eq(att_cbor_uint_max(&c, 99), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(bytes_slice(&str));
    ck_assert_uint_eq(att_cbor_bytes(&c, 2).len, 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(bytes_slice(&str));
    att_cbor_bytes_exact(&c, out, 4);
    ck_assert_mem_eq(out, "\0\0\0\0", 4);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
    c = att_cbor_from(bytes_slice(&str));
    att_cbor_bytes_exact(&c, out, 2);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
    bound_text();
    c = att_cbor_from(bytes_slice(&arr));
    ck_assert_uint_eq(att_cbor_enter_array(&c, 2), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(bytes_slice(&map));
    ck_assert_uint_eq(att_cbor_enter_map(&c, 1), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
}
END_TEST

START_TEST(att_cbor_text_copy__refuses_a_nul_inside)
{
    struct bytes in = bytes_unhex("63610062");
    struct att_cbor c = att_cbor_from(bytes_slice(&in));
    char text[8] = "before";

    att_cbor_text_copy(&c, text, sizeof(text));
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
}
END_TEST

/* A short inner array must not let the next read take what belongs to the outer one. */
START_TEST(att_cbor__no_read_crosses_into_the_level_above)
{
    struct bytes in = bytes_unhex("82"
                                  "8101"
                                  "02");
    struct att_cbor c = att_cbor_from(bytes_slice(&in));

    (void)att_cbor_enter_array(&c, 2);
    (void)att_cbor_enter_array(&c, 2);
    ck_assert_uint_eq(att_cbor_uint(&c), 1);
    ck_assert_uint_eq(att_cbor_uint(&c), 0);
    ck_assert(!att_cbor_ok(&c));
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
    ck_assert_uint_eq(c.rd.err_off, 3);
}
END_TEST

START_TEST(att_cbor_leave__refuses_what_was_not_read)
{
    struct bytes arr = bytes_unhex("8201"
                                   "02");
    struct bytes map = bytes_unhex("a10102");
    struct att_cbor c = att_cbor_from(bytes_slice(&arr));

    (void)att_cbor_enter_array(&c, 2);
    (void)att_cbor_uint(&c);
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);

    c = att_cbor_from(bytes_slice(&map));
    (void)att_cbor_enter_map(&c, 2);
    (void)att_cbor_key_int(&c);
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
}
END_TEST

START_TEST(att_cbor__keys_and_values_read_out_of_turn_are_our_mistake)
{
    struct bytes map = bytes_unhex("a10102");
    struct att_cbor c = att_cbor_from(bytes_slice(&map));

    (void)att_cbor_enter_map(&c, 2);
    ck_assert_uint_eq(att_cbor_uint(&c), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(bytes_slice(&map));
    (void)att_cbor_enter_map(&c, 2);
    ck_assert_int_eq(att_cbor_key_int(&c), 1);
    ck_assert_int_eq(att_cbor_key_int(&c), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(bytes_slice(&map));
    (void)att_cbor_enter_map(&c, 2);
    ck_assert_uint_eq(att_cbor_item(&c).len, 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(bytes_slice(&map));
    (void)att_cbor_key(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(bytes_slice(&map));
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(att_slice_of(map.p, 0));
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NONE);
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

/* A level that was never left is not a clean end, although no byte is left over. */
START_TEST(att_cbor_end__wants_every_level_left)
{
    struct bytes in = bytes_unhex("8101");
    struct att_cbor c = att_cbor_from(bytes_slice(&in));

    (void)att_cbor_enter_array(&c, 1);
    (void)att_cbor_uint(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

START_TEST(att_cbor__the_first_failure_sticks)
{
    struct bytes in = bytes_unhex("830102f7");
    struct att_cbor c = att_cbor_from(bytes_slice(&in));
    struct att_diag diag = {0};
    uint8_t out[3] = {1, 2, 3};
    char text[4] = "zzz";

    (void)att_cbor_enter_array(&c, 3);
    att_cbor_fail(&c, ATT_E_MISMATCH);
    att_cbor_fail(&c, ATT_E_LIMIT);
    ck_assert_uint_eq(att_cbor_uint(&c), 0);
    ck_assert_int_eq(att_cbor_int(&c), 0);
    ck_assert(!att_cbor_bool(&c));
    ck_assert_uint_eq(att_cbor_tag(&c), 0);
    ck_assert_uint_eq(att_cbor_bytes(&c, 9).len, 0);
    ck_assert_uint_eq(att_cbor_item(&c).len, 0);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NONE);
    att_cbor_bytes_exact(&c, out, 3);
    ck_assert_mem_eq(out, "\0\0\0", 3);
    att_cbor_text_copy(&c, text, sizeof(text));
    ck_assert_str_eq(text, "");
    att_cbor_leave(&c);
    ck_assert(!att_cbor_more(&c));
    ck_assert_int_eq(att_cbor_end_diag(&c, ATT_R_FMT_COSE, "x", &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_COSE);
    ck_assert_uint_eq(diag.off, 1);
}
END_TEST

/* Offsets are those of the outermost input, also for a reader that continues another one. */
START_TEST(att_cbor__offsets_are_of_the_outermost_input)
{
    struct bytes in = bytes_unhex("aabbcc"
                                  "82011801");
    struct att_rd outer = att_rd_from(in.p, in.len);
    struct att_cbor c = att_cbor_from(att_slice_of(NULL, 0));
    struct att_diag diag = {0};

    att_rd_skip(&outer, 3);
    c.rd = att_rd_sub(&outer, 4);
    (void)att_cbor_item(&c);
    ck_assert_int_eq(att_cbor_end_diag(&c, ATT_R_FMT_CBOR, NULL, &diag), ATT_E_FORMAT);
    ck_assert_uint_eq(diag.off, 5);
}
END_TEST

START_TEST(att_cbor__a_sequence_is_read_item_by_item)
{
    struct bytes in = bytes_unhex("8101"
                                  "a0"
                                  "05");
    struct att_cbor c = att_cbor_from(bytes_slice(&in));

    bytes_expect_hex(att_cbor_item(&c), "8101");
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_TRAILING);
    bytes_expect_hex(att_cbor_item(&c), "a0");
    bytes_expect_hex(att_cbor_item(&c), "05");
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

START_TEST(att_cbor__keys_and_bytes_are_what_was_expected_or_fail)
{
    struct bytes in = bytes_unhex("a20142aabb0203");
    struct att_cbor c = att_cbor_from(bytes_slice(&in));
    uint8_t out[2] = {0};

    (void)att_cbor_enter_map(&c, 2);
    att_cbor_key_is(&c, 1);
    ck_assert_uint_eq(att_cbor_bytes_copy(&c, out, sizeof(out)), 2);
    ck_assert(out[0] == 0xaa && out[1] == 0xbb && att_cbor_ok(&c));
    att_cbor_key_is(&c, 3); /* it is 2 */
    ck_assert(!att_cbor_ok(&c));
    c = att_cbor_from(bytes_slice(&in));
    (void)att_cbor_enter_map(&c, 2);
    att_cbor_key_is(&c, 1);
    ck_assert_uint_eq(att_cbor_bytes_copy(&c, out, 1), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        att_cbor_enter__lying_counts_fail_at_once_without_memory,
        att_cbor__reads_a_record_like_its_table,
        att_cbor_int__covers_int64_and_no_more,
        att_cbor__each_getter_refuses_every_other_type,
        att_cbor__limits_are_the_callers,
        att_cbor_text_copy__refuses_a_nul_inside,
        att_cbor__no_read_crosses_into_the_level_above,
        att_cbor_leave__refuses_what_was_not_read,
        att_cbor__keys_and_values_read_out_of_turn_are_our_mistake,
        att_cbor_end__wants_every_level_left,
        att_cbor__the_first_failure_sticks,
        att_cbor__offsets_are_of_the_outermost_input,
        att_cbor__a_sequence_is_read_item_by_item,
        att_cbor__keys_and_bytes_are_what_was_expected_or_fail,
    };

    return SUITE_RUN("cbor_read", TESTS);
}
