/* Texts of lines: each number and hash has one spelling. */
#include <check.h>
#include <string.h>

#include "bytes.h"
#include "codec/lines.h"
#include "suite.h"

START_TEST(att_lines_next__gives_lines_with_number_and_place)
{
    struct att_lines it = att_lines_from(att_slice_str("one\n\nthree\n"));
    struct att_slice line = {0};
    bool more = false;

    ck_assert_int_eq(att_lines_next(&line, &it, &more), ATT_OK);
    ck_assert(more);
    bytes_expect_text(line, "one");
    ck_assert_int_eq(att_lines_next(&line, &it, &more), ATT_OK);
    ck_assert(more && line.len == 0);
    bytes_expect_text(att_lines_rest(&it), "three\n");
    ck_assert_int_eq(att_lines_next(&line, &it, &more), ATT_OK);
    bytes_expect_text(line, "three");
    ck_assert_uint_eq(it.line, 3);
    ck_assert_uint_eq(it.off, 5);
    ck_assert_int_eq(att_lines_next(&line, &it, &more), ATT_OK);
    ck_assert(!more && line.len == 0);
}
END_TEST

START_TEST(att_lines_next__refuses_a_text_that_ends_inside_a_line)
{
    struct att_lines it = att_lines_from(att_slice_str("one\ntwo"));
    struct att_slice line = {0};
    bool more = false;

    ck_assert_int_eq(att_lines_next(&line, &it, &more), ATT_OK);
    ck_assert_int_eq(att_lines_next(&line, &it, &more), ATT_E_TRUNCATED);
    ck_assert_uint_eq(it.off, 4);
}
END_TEST

START_TEST(att_lines_after__needs_the_whole_word)
{
    struct att_slice rest = {0};

    ck_assert(att_lines_after(&rest, att_slice_str("old 12"), "old "));
    bytes_expect_text(rest, "12");
    ck_assert(att_lines_after(&rest, att_slice_str("old "), "old "));
    ck_assert_uint_eq(rest.len, 0);
    ck_assert(!att_lines_after(&rest, att_slice_str("old"), "old "));
    ck_assert(!att_lines_after(&rest, att_slice_str("Old 1"), "old "));
}
END_TEST

static const struct {
    const char *text;
    uint64_t max;
    enum att_err err;
    uint64_t value;
} NUMBERS[] = {
    {"0", INT64_MAX, ATT_OK, 0},
    {"10", INT64_MAX, ATT_OK, 10},
    {"9223372036854775807", INT64_MAX, ATT_OK, INT64_MAX},
    {"9223372036854775808", INT64_MAX, ATT_E_LIMIT, 0},
    {"18446744073709551616", INT64_MAX, ATT_E_LIMIT, 0},
    {"99999999999999999999999999", INT64_MAX, ATT_E_LIMIT, 0},
    {"63", 63, ATT_OK, 63},
    {"64", 63, ATT_E_LIMIT, 0},
    {"9", 5, ATT_E_LIMIT, 0},
    {"", INT64_MAX, ATT_E_FORMAT, 0},
    {"01", INT64_MAX, ATT_E_FORMAT, 0},
    {"00", INT64_MAX, ATT_E_FORMAT, 0},
    {"-1", INT64_MAX, ATT_E_FORMAT, 0},
    {"+1", INT64_MAX, ATT_E_FORMAT, 0},
    {" 1", INT64_MAX, ATT_E_FORMAT, 0},
    {"1 ", INT64_MAX, ATT_E_FORMAT, 0},
    {"0x1", INT64_MAX, ATT_E_FORMAT, 0},
    {"99999999999999999999999999x", INT64_MAX, ATT_E_FORMAT, 0},
};

START_TEST(att_lines_decimal__has_one_spelling)
{
    uint64_t n = 7;
    enum att_err err = att_lines_decimal(&n, att_slice_str(NUMBERS[_i].text), NUMBERS[_i].max);

    ck_assert_msg(err == NUMBERS[_i].err, "%s: %s", NUMBERS[_i].text, att_err_name(err));
    ck_assert_uint_eq(n, err == ATT_OK ? NUMBERS[_i].value : 7);
}
END_TEST

START_TEST(att_lines_base64__refuses_nothing_and_too_much)
{
    uint8_t out[4];
    size_t len = 0;

    ck_assert_int_eq(att_lines_base64(out, sizeof(out), &len, att_slice_str("AQID")), ATT_OK);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(att_lines_base64(out, sizeof(out), &len, att_slice_str("")), ATT_E_FORMAT);
    ck_assert_int_eq(att_lines_base64(out, sizeof(out), &len, att_slice_str("AQI")), ATT_E_FORMAT);
    ck_assert_int_eq(att_lines_base64(out, sizeof(out), &len, att_slice_str("AR==")), ATT_E_FORMAT);
    ck_assert_int_eq(att_lines_base64(out, sizeof(out), &len, att_slice_str("AQIDBAU=")),
                     ATT_E_LIMIT);
}
END_TEST

#define HASH "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

START_TEST(att_lines_hash__takes_32_bytes_and_nothing_else)
{
    static const char *const OTHERS[] = {
        "",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",      /* no padding */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",     /* bits left over */
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",     /* the alphabet of URLs */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= ",    /* a space */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==",     /* 31 bytes */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",     /* 33 bytes */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUAAAAA", /* 36 bytes */
    };
    uint8_t hash[32] = {1};

    ck_assert_int_eq(att_lines_hash(hash, att_slice_str(HASH)), ATT_OK);
    bytes_expect_hex(att_slice_of(hash, sizeof(hash)),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < ATT_COUNT(OTHERS); i++) {
        memset(hash, 7, sizeof(hash));
        ck_assert_msg(att_lines_hash(hash, att_slice_str(OTHERS[i])) == ATT_E_FORMAT, "%s",
                      OTHERS[i]);
        ck_assert_uint_eq(hash[0], 7); /* written on success only */
    }
}
END_TEST

START_TEST(att_lines_add__writes_what_is_read_again)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;

    ck_assert_int_eq(att_buf_new(&b, 40), ATT_OK);
    ck_assert_int_eq(att_lines_add_text(b, "old "), ATT_OK);
    ck_assert_int_eq(att_lines_add_decimal(b, UINT64_MAX), ATT_OK);
    ck_assert_int_eq(att_lines_add_base64(b, att_slice_of("\x01\x02", 2)), ATT_OK);
    bytes_expect_text(att_buf_slice(b), "old 18446744073709551615AQI=");
    ck_assert_int_eq(att_lines_add_base64(b, att_slice_of("123456789", 9)), ATT_E_LIMIT);
    bytes_expect_text(att_buf_slice(b), "old 18446744073709551615AQI=");
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_lines_next__gives_lines_with_number_and_place, 0},
        {att_lines_next__refuses_a_text_that_ends_inside_a_line, 0},
        {att_lines_after__needs_the_whole_word, 0},
        {att_lines_decimal__has_one_spelling, (int)ATT_COUNT(NUMBERS)},
        {att_lines_base64__refuses_nothing_and_too_much, 0},
        {att_lines_hash__takes_32_bytes_and_nothing_else, 0},
        {att_lines_add__writes_what_is_read_again, 0},
    };

    return SUITE_RUN_ROWS("lines", rows, NULL);
}
