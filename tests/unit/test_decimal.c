/* Exact decimal numbers: what is one, how it is written, and that no digit gets lost. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "prov/decimal.h"

static struct att_decimal number(const char *text)
{
    struct att_decimal d = {0};

    ck_assert_msg(att_decimal_parse(&d, att_slice_str(text)) == ATT_OK, "%s", text);
    ck_assert_msg(att_decimal_ok(d), "%s", text);
    return d;
}

START_TEST(reads_and_prints)
{
    static const struct {
        const char *in, *out;
    } ROW[] = {{"0", "0"},
               {"-12.50", "-12.5"},
               {"0.003", "0.003"},
               {"100", "100"},
               {"4e-3", "0.004"},
               {"4e3", "4000"},
               {"0.000", "0"},
               {"123456789012345678", "123456789012345678"},
               {"-0.000000000000000001", "-0.000000000000000001"},
               {"9e18", "9000000000000000000"}};
    char text[ATT_DECIMAL_TEXT];

    ck_assert_str_eq(att_decimal_print(text, sizeof(text), number(ROW[_i].in)), ROW[_i].out);
    ck_assert(_i < (int)ATT_COUNT(ROW));
}
END_TEST

/* RFC 8259 section 6: each spelling that it has, and no other. */
START_TEST(reads_json)
{
    static const struct {
        const char *in, *out;
    } ROW[] = {{"1.50E+3", "1500"}, {"2e05", "200000"}, {"-0", "0"},      {"-0.00e-00", "0"},
               {"1e0", "1"},        {"1E-03", "0.001"}, {"12", "12"},     {"-7.25", "-7.25"},
               {"+1", NULL},        {"01", NULL},       {".5", NULL},     {"5.", NULL},
               {"1e", NULL},        {"1e+", NULL},      {"1e-+1", NULL},  {"1e--1", NULL},
               {"-", NULL},         {"", NULL},         {"1e0x", NULL},   {"1 ", NULL},
               {"1e400", NULL},     {"1e0400", NULL},   {"1e4000", NULL}, {"0x1", NULL}};
    char text[ATT_DECIMAL_TEXT];
    struct att_decimal d = {7, 7};

    for (size_t i = 0; i < ATT_COUNT(ROW); i++) {
        enum att_err err = att_decimal_parse_json(&d, att_slice_str(ROW[i].in));

        ck_assert_msg((err == ATT_OK) == (ROW[i].out != NULL), "%s", ROW[i].in);
        if (err == ATT_OK)
            ck_assert_str_eq(att_decimal_print(text, sizeof(text), d), ROW[i].out);
    }
}
END_TEST

/* P-21: what is no number, or not the way to write it; and what is too large. */
START_TEST(refuses)
{
    static const struct {
        const char *in;
        enum att_err err;
    } ROW[] = {{"", ATT_E_FORMAT},
               {"-", ATT_E_FORMAT},
               {"-0", ATT_E_FORMAT},
               {"-0.00", ATT_E_FORMAT},
               {"+1", ATT_E_FORMAT},
               {"01", ATT_E_FORMAT},
               {".5", ATT_E_FORMAT},
               {"5.", ATT_E_FORMAT},
               {"1 ", ATT_E_FORMAT},
               {"1e", ATT_E_FORMAT},
               {"1e0", ATT_E_FORMAT},
               {"1e+2", ATT_E_FORMAT},
               {"1e-03", ATT_E_FORMAT},
               {"NaN", ATT_E_FORMAT},
               {"inf", ATT_E_FORMAT},
               {"0x10", ATT_E_FORMAT},
               {"1,5", ATT_E_FORMAT},
               {"1e400", ATT_E_LIMIT},
               {"1e4000", ATT_E_LIMIT},
               {"1e19", ATT_E_LIMIT},
               {"1e-19", ATT_E_LIMIT},
               {"0.00000000000000000000000000000000000000000000000000000000000000000", ATT_E_LIMIT},
               {"9223372036854775808", ATT_E_LIMIT},
               {"1234567890123456789", ATT_E_LIMIT}};
    struct att_decimal d = {7, 7};

    ck_assert_int_eq(att_decimal_parse(&d, att_slice_str(ROW[_i].in)), ROW[_i].err);
    ck_assert(d.mantissa == 7 && d.exponent == 7);
    ck_assert(_i < (int)ATT_COUNT(ROW));
}
END_TEST

START_TEST(has_one_spelling)
{
    struct att_decimal d = {0};

    ck_assert(att_decimal_equal(number("1.50"), number("1.5")));
    ck_assert(att_decimal_make(&d, 1500, -3) == ATT_OK && att_decimal_equal(d, number("1.5")));
    ck_assert(!att_decimal_ok((struct att_decimal){1500, -3}));
    ck_assert(!att_decimal_ok((struct att_decimal){0, 1}));
    ck_assert(!att_decimal_ok((struct att_decimal){INT64_MAX, 0}));
    ck_assert(!att_decimal_ok((struct att_decimal){1, 19}));
}
END_TEST

START_TEST(compares)
{
    static const char *const ORDER[] = {"-9e18", "-2",  "-1.5", "-1e-18", "0",
                                        "1e-18", "0.1", "1.5",  "2",      "9e18"};

    for (size_t i = 0; i < ATT_COUNT(ORDER); i++) {
        for (size_t k = 0; k < ATT_COUNT(ORDER); k++) {
            int expected = i < k ? -1 : i > k ? 1 : 0;

            ck_assert_msg(att_decimal_compare(number(ORDER[i]), number(ORDER[k])) == expected,
                          "%s beside %s", ORDER[i], ORDER[k]);
        }
    }
}
END_TEST

START_TEST(computes)
{
    struct att_decimal d = {0};

    ck_assert(att_decimal_add(&d, number("0.1"), number("0.2")) == ATT_OK);
    ck_assert(att_decimal_equal(d, number("0.3")));
    ck_assert(att_decimal_subtract(&d, number("0.3"), number("0.3")) == ATT_OK);
    ck_assert(att_decimal_equal(d, number("0")));
    ck_assert(att_decimal_multiply(&d, number("-1.5"), number("0.25")) == ATT_OK);
    ck_assert(att_decimal_equal(d, number("-0.375")));
    ck_assert(att_decimal_equal(att_decimal_abs(number("-3")), number("3")));
    ck_assert(att_decimal_add(&d, number("1e18"), number("1e-18")) == ATT_E_LIMIT);
    ck_assert(att_decimal_multiply(&d, number("1e18"), number("1e18")) == ATT_E_LIMIT);
}
END_TEST

/* By mode: 2.5, -2.5, 3.5, 2.4, -2.6 to whole numbers. */
START_TEST(rounds_as_told)
{
    static const int NUMERATOR[] = {25, -25, 35, 24, -26};
    static const int EXPECTED[ATT_ROUNDING__COUNT][5] = {{2, -2, 4, 2, -3},
                                                         {3, -3, 4, 2, -3},
                                                         {2, -3, 3, 2, -3},
                                                         {3, -2, 4, 3, -2},
                                                         {2, -2, 3, 2, -2}};
    const att_i128 big = (att_i128)1000000000000000000 * 1000000000000000000;

    for (size_t i = 0; i < ATT_COUNT(NUMERATOR); i++) {
        enum att_rounding how = (enum att_rounding)_i;

        ck_assert_int_eq((int)att_i128_divide(NUMERATOR[i], 10, how), EXPECTED[_i][i]);
        /* the same beyond 64 bits */
        ck_assert_int_eq((int)att_i128_divide(NUMERATOR[i] * big, 10 * big, how), EXPECTED[_i][i]);
    }
}
END_TEST

START_TEST(stops_at_126_bits)
{
    att_i128 v = 5;

    ck_assert_int_eq(att_i128_shift(&v, 1, 38), ATT_E_LIMIT);
    ck_assert_int_eq(att_i128_shift(&v, 8, 37), ATT_OK);
    ck_assert_int_eq(att_i128_multiply(&v, v, -2), ATT_E_LIMIT);
    ck_assert_int_eq(att_i128_add(&v, v, v), ATT_E_LIMIT);
    ck_assert_int_eq(att_i128_shift(&v, 0, 100), ATT_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("decimal");
    TCase *c = tcase_create("decimal");
    SRunner *r = NULL;
    int failed = 0;

    tcase_add_loop_test(c, reads_and_prints, 0, 10);
    tcase_add_loop_test(c, refuses, 0, 24);
    tcase_add_test(c, reads_json);
    tcase_add_test(c, has_one_spelling);
    tcase_add_test(c, compares);
    tcase_add_test(c, computes);
    tcase_add_loop_test(c, rounds_as_told, 0, ATT_ROUNDING__COUNT);
    tcase_add_test(c, stops_at_126_bits);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
