/* From frames to raw numbers to values: every type and order, exact calibration, and bounds that are known before. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "prov/curve.h"
#include "prov/wire.h"

static struct att_decimal number(const char *text)
{
    struct att_decimal d = {0};

    ck_assert_msg(att_decimal_parse(&d, att_slice_str(text)) == ATT_OK, "%s", text);
    return d;
}

/* --- frames --- */

struct frame_row {
    enum att_wire_type type;
    bool little_bytes, little_words;
    uint8_t decimals;
    const char *hex; /* of the PDU */
    int64_t raw;
    enum att_err err;
};

static const struct frame_row FRAMES[] = {
    {ATT_WIRE_UINT16, false, false, 0, "04021234", 0x1234, ATT_OK},
    {ATT_WIRE_UINT16, true, false, 0, "04021234", 0x3412, ATT_OK},
    {ATT_WIRE_INT16, false, false, 0, "0402fffe", -2, ATT_OK},
    {ATT_WIRE_UINT32, false, false, 0, "040412345678", 0x12345678, ATT_OK},
    {ATT_WIRE_UINT32, false, true, 0, "040412345678", 0x56781234, ATT_OK},
    {ATT_WIRE_UINT32, true, true, 0, "040412345678", 0x78563412, ATT_OK},
    {ATT_WIRE_INT32, false, false, 0, "0404fffffffe", -2, ATT_OK},
    {ATT_WIRE_BCD16, false, false, 0, "04021234", 1234, ATT_OK},
    {ATT_WIRE_BCD16, false, false, 0, "0402123a", 0, ATT_E_FORMAT},
    {ATT_WIRE_BCD32, false, false, 0, "040412345678", 12345678, ATT_OK},
    {ATT_WIRE_BOOL, false, false, 0, "04020003", 1, ATT_OK},
    {ATT_WIRE_FLOAT32, false, false, 3, "04043fc00000", 1500, ATT_OK},
    {ATT_WIRE_FLOAT32, false, false, 2, "0404bfc00000", -150, ATT_OK},
    {ATT_WIRE_FLOAT32, false, false, 0, "04043f000000", 0, ATT_OK},         /* 0.5: to the even */
    {ATT_WIRE_FLOAT32, false, false, 0, "04043fc00000", 2, ATT_OK},         /* 1.5 */
    {ATT_WIRE_FLOAT32, false, false, 9, "040480000000", 0, ATT_OK},         /* -0 */
    {ATT_WIRE_FLOAT32, false, false, 9, "040400000001", 0, ATT_OK},         /* the smallest */
    {ATT_WIRE_FLOAT32, false, false, 9, "04043dcccccd", 100000001, ATT_OK}, /* 0.1 is not */
    {ATT_WIRE_FLOAT32, false, false, 0, "04047f7fffff", 0, ATT_E_LIMIT},
    {ATT_WIRE_FLOAT32, false, false, 9, "04044e6e6b28", 999999986991104000, ATT_E_LIMIT},
    {ATT_WIRE_FLOAT32, false, false, 0, "04047f800000", 0, ATT_E_FORMAT},
    {ATT_WIRE_FLOAT32, false, false, 0, "0404ffc00001", 0, ATT_E_FORMAT},
    {ATT_WIRE_UINT16, false, false, 0, "03021234", 0, ATT_E_FORMAT},
    {ATT_WIRE_UINT16, false, false, 0, "8402", 0, ATT_E_FORMAT},
    {ATT_WIRE_UINT16, false, false, 0, "0404123456", 0, ATT_E_FORMAT},
    {ATT_WIRE_UINT16, false, false, 0, "040212", 0, ATT_E_FORMAT},
    {ATT_WIRE_UINT16, false, false, 0, "0402123456", 0, ATT_E_FORMAT},
    {ATT_WIRE_UINT16, false, false, 0, "", 0, ATT_E_FORMAT},
};

START_TEST(reads_registers)
{
    const struct frame_row *row = &FRAMES[_i];
    struct att_channel_source source = {.bus = ATT_BUS_MODBUS, .function = 4};
    struct att_channel_wire wire = {row->type, row->little_bytes, row->little_words, row->decimals,
                                    ""};
    uint8_t frame[16];
    size_t len = 0;
    int64_t raw = 0;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    source.count = (uint16_t)att_wire_registers(row->type);
    ck_assert(att_hex_decode(frame, sizeof(frame), &len, row->hex, strlen(row->hex)) == ATT_OK);
    err = att_wire_raw(&raw, &source, &wire, att_slice_of(frame, len), &diag);
    ck_assert_msg(err == row->err, "row %d: %s", _i, diag.text);
    ck_assert(err != ATT_OK || raw == row->raw);
    ck_assert(err == ATT_OK || diag.reason == ATT_R_PRV_FRAME);
}
END_TEST

START_TEST(reads_bits)
{
    static const uint8_t ON[] = {1, 1, 0x01};
    static const uint8_t LONG[] = {1, 2, 0x00, 0x01};
    struct att_channel_source source = {.bus = ATT_BUS_MODBUS, .function = 1, .count = 1};
    struct att_channel_wire wire = {.type = ATT_WIRE_BOOL};
    int64_t raw = 0;

    ck_assert(att_wire_raw(&raw, &source, &wire, att_slice_of(ON, sizeof(ON)), NULL) == ATT_OK &&
              raw == 1);
    ck_assert(att_wire_raw(&raw, &source, &wire, att_slice_of(LONG, sizeof(LONG)), NULL) ==
              ATT_E_FORMAT);
}
END_TEST

START_TEST(reads_text)
{
    static const struct {
        const char *text, *field;
        int64_t raw;
        enum att_err err;
    } ROW[] = {{"21.5", "", 2150, ATT_OK},
               {"21.5\n", "", 2150, ATT_OK},
               {"-3", "", -300, ATT_OK},
               {"21.505", "", 0, ATT_E_LIMIT},
               {"21.5 ", "", 0, ATT_E_FORMAT},
               {"", "", 0, ATT_E_FORMAT},
               {"NaN", "", 0, ATT_E_FORMAT},
               {"99999999999999999", "", 0, ATT_E_LIMIT},
               {"{\"t\": 21.5, \"ok\": true}", "t", 2150, ATT_OK},
               {"{\"ok\": true}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": {\"v\": 1}}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": 1, \"t\": 2}", "t", 0, ATT_E_FORMAT},
               {"{\"a\": \"x,}\\\"\", \"b\": [{\"t\": 1}], \"t\" : 21.5 }\n", "t", 2150, ATT_OK},
               {"{\"\\u0074\": 21.5}", "t", 2150, ATT_OK},
               {"{\"t\":1.50E+3}", "t", 150000, ATT_OK},
               {"{\"t\":2150e-02}", "t", 2150, ATT_OK},
               {"{\"t\":-0.0}", "t", 0, ATT_OK},
               {"{\"n\": 123456789012345678901234567890, \"t\": 1}", "t", 100, ATT_OK},
               {"{\"t\": 9007199254740993}", "t", INT64_C(900719925474099300), ATT_OK},
               {"{\"t\": 0.1234}", "t", 0, ATT_E_LIMIT},
               {"{\"t\": 1e17}", "t", 0, ATT_E_LIMIT},
               {"{\"t\": 1e4000}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": \"1\"}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": 01}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": +1}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": .5}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": NaN}", "t", 0, ATT_E_FORMAT},
               {"{t: 21.5}", "t", 0, ATT_E_FORMAT},
               {"{\"t\": 1} 2", "t", 0, ATT_E_FORMAT},
               {"t: 21.5", "t", 0, ATT_E_FORMAT},
               {"[1]", "t", 0, ATT_E_FORMAT}};
    struct att_channel_source source = {.bus = ATT_BUS_MQTT, .name = "plant/t"};
    struct att_channel_wire wire = {.type = ATT_WIRE_TEXT, .decimals = 2};
    int64_t raw = 0;
    struct att_diag diag = {0};

    for (size_t i = 0; i < ATT_COUNT(ROW); i++) {
        enum att_err err = ATT_OK;

        strcpy(wire.field, ROW[i].field);
        err = att_wire_raw(&raw, &source, &wire, att_slice_str(ROW[i].text), &diag);
        ck_assert_msg(err == ROW[i].err, "%s: %d %s", ROW[i].text, err, diag.text);
        ck_assert(err != ATT_OK || raw == ROW[i].raw);
    }
}
END_TEST

/* --- values --- */

/* 4..20 mA in microampere steps to 0..5 m, as most level sensors. */
static struct att_channel level(void)
{
    struct att_channel c = {.raw_min = number("3600"),
                            .raw_max = number("21000"),
                            .resolution = number("0.001"),
                            .wire = {.type = ATT_WIRE_UINT16}};

    c.calibration.is_table = true;
    c.calibration.count = 2;
    c.calibration.raw[0] = number("4000");
    c.calibration.raw[1] = number("20000");
    c.calibration.value[0] = number("0");
    c.calibration.value[1] = number("5");
    return c;
}

static const char *value_of(const struct att_channel *c, int64_t raw)
{
    static char text[ATT_DECIMAL_TEXT];
    struct att_curve k;
    struct att_decimal v = {0};
    struct att_diag diag = {0};

    ck_assert_msg(att_curve_make(&k, c, &diag) == ATT_OK, "%s", diag.text);
    ck_assert(att_curve_value(&v, &k, raw) == ATT_OK);
    return att_decimal_print(text, sizeof(text), v);
}

START_TEST(a_table_is_straight_between_its_points)
{
    struct att_channel c = level();

    ck_assert_str_eq(value_of(&c, 4000), "0");
    ck_assert_str_eq(value_of(&c, 20000), "5");
    ck_assert_str_eq(value_of(&c, 12000), "2.5");
    ck_assert_str_eq(value_of(&c, 4001), "0");      /* 0.0003125 */
    ck_assert_str_eq(value_of(&c, 4002), "0.001");  /* 0.000625 */
    ck_assert_str_eq(value_of(&c, 3600), "-0.125"); /* it goes on */
    ck_assert_str_eq(value_of(&c, 21000), "5.312"); /* 5.3125, half to the even */
    c.rounding = ATT_ROUND_HALF_AWAY;
    ck_assert_str_eq(value_of(&c, 21000), "5.313");
    c.rounding = ATT_ROUND_UP;
    ck_assert_str_eq(value_of(&c, 4001), "0.001");
}
END_TEST

START_TEST(a_table_bends)
{
    struct att_channel c = level();

    c.calibration.count = 3;
    c.calibration.raw[1] = number("10000");
    c.calibration.raw[2] = number("20000");
    c.calibration.value[1] = number("1.25");
    c.calibration.value[2] = number("5");
    ck_assert_str_eq(value_of(&c, 10000), "1.25");
    ck_assert_str_eq(value_of(&c, 7000), "0.625");
    ck_assert_str_eq(value_of(&c, 15000), "3.125");
}
END_TEST

START_TEST(a_polynomial_is_exact)
{
    struct att_channel c = level();

    /* 0.1 + 0.25 x + 0.0001 x^2, x in steps of 0.01 */
    c.wire = (struct att_channel_wire){.type = ATT_WIRE_TEXT, .decimals = 2};
    c.raw_min = number("-100");
    c.raw_max = number("100");
    c.calibration.is_table = false;
    c.calibration.count = 3;
    c.calibration.value[0] = number("0.1");
    c.calibration.value[1] = number("0.25");
    c.calibration.value[2] = number("0.0001");
    c.resolution = number("0.000001");
    ck_assert_str_eq(value_of(&c, 0), "0.1");
    ck_assert_str_eq(value_of(&c, 1234), "3.200228"); /* 12.34: 3.20022756 */
    ck_assert_str_eq(value_of(&c, -10000), "-23.9");
    c.resolution = number("0.5");
    ck_assert_str_eq(value_of(&c, 1234), "3");
    c.resolution = number("10");
    ck_assert_str_eq(value_of(&c, -10000), "-20");
}
END_TEST

START_TEST(the_range_of_raw_numbers_is_kept)
{
    struct att_channel c = level();
    struct att_curve k;
    struct att_decimal v = {0};

    ck_assert(att_curve_make(&k, &c, NULL) == ATT_OK);
    ck_assert(att_curve_value(&v, &k, 3599) == ATT_E_LIMIT);
    ck_assert(att_curve_value(&v, &k, 21001) == ATT_E_LIMIT);
}
END_TEST

/* What could overflow for some raw number is refused before there is one. */
START_TEST(too_large_is_known_before)
{
    struct att_channel c = level();
    struct att_curve k;
    struct att_diag diag = {0};

    c.calibration.value[1] = number("9e17");
    ck_assert(att_curve_make(&k, &c, &diag) == ATT_E_LIMIT && diag.reason == ATT_R_CFG_SPEC);
    c = level();
    c.resolution = number("1e-18");
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_LIMIT);
    c = level();
    c.calibration.is_table = false;
    c.calibration.count = 6;
    c.calibration.value[5] = number("1e18");
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_LIMIT);
    c = level();
    c.resolution = number("1e18");
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_LIMIT);
}
END_TEST

START_TEST(what_makes_no_curve)
{
    struct att_channel c = level();
    struct att_curve k;

    c.raw_min = number("3600.5");
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_CONFIG);
    c = level();
    c.raw_max = number("1");
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_CONFIG);
    c = level();
    c.calibration.raw[1] = c.calibration.raw[0];
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_CONFIG);
    c = level();
    c.calibration.count = 1;
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_CONFIG);
    c.calibration.count = ATT_SPEC_POINTS_MAX + 1;
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_CONFIG);
    c = level();
    c.resolution = number("0");
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_CONFIG);
    c.resolution = number("-1");
    ck_assert(att_curve_make(&k, &c, NULL) == ATT_E_CONFIG);
}
END_TEST

/*
 * Whatever att_curve_make lets through, no raw number of the range overflows: the extremes and what lies between,
 * over scales that are as large as they may be (with the undefined-behaviour sanitizer this is a proof by example).
 */
START_TEST(what_is_let_through_can_be_computed)
{
    int through = 0;

    srand(5);
    for (int n = 0; n < 20000; n++) {
        struct att_channel c = level();
        struct att_curve k;
        struct att_decimal v = {0};

        c.calibration.is_table = n % 2 == 0;
        c.calibration.count = c.calibration.is_table ? 3 : (size_t)(1 + rand() % 6);
        c.calibration.raw[2] = number("20001");
        c.wire.type = ATT_WIRE_UINT32;
        c.raw_max = (struct att_decimal){1 + rand() % 9, rand() % 10};
        c.raw_min = number("0");
        for (size_t i = 0; i < c.calibration.count; i++)
            c.calibration.value[i] = (struct att_decimal){rand() % 19 - 9, rand() % 24 - 14};
        c.resolution = (struct att_decimal){1 + rand() % 9, rand() % 20 - 14};
        c.rounding = (enum att_rounding)(rand() % ATT_ROUNDING__COUNT);
        if (att_curve_make(&k, &c, NULL) != ATT_OK)
            continue;
        through++;
        for (int j = 0; j <= 8; j++)
            ck_assert(att_curve_value(&v, &k, k.least + (k.most - k.least) / 8 * j) == ATT_OK);
        ck_assert(att_curve_value(&v, &k, k.most) == ATT_OK);
    }
    ck_assert_int_gt(through, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("curve");
    TCase *t = tcase_create("curve");
    SRunner *r = NULL;
    int failed = 0;

    tcase_add_loop_test(t, reads_registers, 0, (int)ATT_COUNT(FRAMES));
    tcase_add_test(t, reads_bits);
    tcase_add_test(t, reads_text);
    tcase_add_test(t, a_table_is_straight_between_its_points);
    tcase_add_test(t, a_table_bends);
    tcase_add_test(t, a_polynomial_is_exact);
    tcase_add_test(t, the_range_of_raw_numbers_is_kept);
    tcase_add_test(t, too_large_is_known_before);
    tcase_add_test(t, what_makes_no_curve);
    tcase_add_test(t, what_is_let_through_can_be_computed);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
