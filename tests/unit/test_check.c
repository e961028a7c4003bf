/* Transcription checks: what each passes, fails and does not run on, and what a partner repeats. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "provtest.h"

static struct prov_gateway g;
static uint8_t frame[4];

static void set_up(void)
{
    prov_start(&g, NULL);
}

static void tear_down(void)
{
    prov_stop(&g);
}

static struct att_sample level(uint16_t raw)
{
    return prov_sample(&g, "level-a", prov_register(frame, raw), NULL);
}

static void later(uint64_t ms)
{
    g.clock_ms += ms;
}

START_TEST(a_good_sample)
{
    struct att_sample s = level(12000);
    char text[ATT_DECIMAL_TEXT];

    ck_assert(s.has_value);
    ck_assert_str_eq(att_decimal_print(text, sizeof(text), s.value), "2.5");
    ck_assert(!att_check_failed(s.check));
    ck_assert_int_eq(s.check[ATT_TC_01_IDENTITY], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_05_CALIBRATION], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_08_RECOMPUTED], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_09_SECOND_PATH], ATT_CHECK_NOT_APPLICABLE);
    ck_assert_int_eq(s.check[ATT_TC_11_ROUND_TRIP], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_14_RATE], ATT_CHECK_NOT_RUN);
    ck_assert_int_eq(s.check[ATT_TC_16_REDUNDANCY], ATT_CHECK_NOT_RUN);
    ck_assert_int_eq(s.check[ATT_TC_19_SEQUENCE], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_24_FEEDBACK], ATT_CHECK_NOT_APPLICABLE);
    /* Without a second path no channel is more than T1, and without an interval before it this one is T0. */
    ck_assert_int_eq(att_check_grade(s.check, false), 0);
    later(1000);
    s = level(12010);
    ck_assert_int_eq(att_check_grade(s.check, false), 1);
}
END_TEST

START_TEST(another_device)
{
    struct att_sample s = {.channel = att_slice_str("level-a"),
                           .from_ms = 1,
                           .until_ms = 2,
                           .frame = prov_register(frame, 12000),
                           .identity = att_slice_str("acme level 8")};
    struct att_diag why = {0};

    prov_finish(&g, &s, &why);
    ck_assert_int_eq(s.check[ATT_TC_01_IDENTITY], ATT_CHECK_FAIL);
    ck_assert(why.reason == ATT_R_PRV_SENSOR && strstr(why.text, "acme level 8") != NULL);
    s.identity = att_slice_of(NULL, 0);
    s.sequence = 0;
    prov_finish(&g, &s, NULL);
    ck_assert_int_eq(s.check[ATT_TC_01_IDENTITY], ATT_CHECK_NOT_RUN);
    ck_assert_int_eq(s.check[ATT_TC_26_COMPLETE], ATT_CHECK_FAIL);
}
END_TEST

START_TEST(faults_and_ranges)
{
    struct att_diag why = {0};
    struct att_sample s = prov_sample(&g, "level-a", prov_register(frame, 100), &why);

    ck_assert(!s.has_value && strstr(why.text, "broken-wire") != NULL);
    ck_assert_int_eq(s.check[ATT_TC_13_RANGE], ATT_CHECK_FAIL);
    ck_assert_int_eq(s.check[ATT_TC_08_RECOMPUTED], ATT_CHECK_NOT_RUN);
    later(1000);
    s = level(21000);
    ck_assert(!s.has_value);
    ck_assert_int_eq(s.check[ATT_TC_13_RANGE], ATT_CHECK_FAIL);
    later(1000);
    s = level(4100); /* 0.031 m */
    ck_assert(s.has_value);
    ck_assert_int_eq(s.check[ATT_TC_13_RANGE], ATT_CHECK_FAIL);
    later(1000);
    s = prov_sample(&g, "level-a", att_slice_of(NULL, 0), NULL);
    ck_assert_int_eq(s.check[ATT_TC_04_REGISTER_MAP], ATT_CHECK_NOT_RUN);
    ck_assert_int_eq(s.check[ATT_TC_26_COMPLETE], ATT_CHECK_FAIL);
    frame[0] = 3;
    s = prov_sample(&g, "level-a", att_slice_of(frame, 4), NULL);
    ck_assert_int_eq(s.check[ATT_TC_04_REGISTER_MAP], ATT_CHECK_FAIL);
}
END_TEST

START_TEST(jumps_and_stillness)
{
    struct att_sample s = level(12000);

    later(1000);
    s = level(13000); /* 0.313 m in a second and a bit */
    ck_assert_int_eq(s.check[ATT_TC_14_RATE], ATT_CHECK_PASS);
    later(1000);
    s = level(16000); /* 0.937 m */
    ck_assert_int_eq(s.check[ATT_TC_14_RATE], ATT_CHECK_FAIL);
    for (int i = 0; i < 3; i++) {
        later(1000);
        s = level(16000);
    }
    ck_assert_int_eq(s.check[ATT_TC_15_QUIET], ATT_CHECK_FAIL);
    later(1000);
    s = level(16004);
    ck_assert_int_eq(s.check[ATT_TC_15_QUIET], ATT_CHECK_PASS);
}
END_TEST

START_TEST(a_window_comes_again)
{
    static const uint16_t WINDOW[] = {12000, 12011, 12003, 12017};
    struct att_sample s;

    for (int i = 0; i < 40; i++) {
        s = level((uint16_t)(12000 + i * 7 % 97));
        ck_assert_int_ne(s.check[ATT_TC_18_REPLAY], ATT_CHECK_FAIL);
        later(1000);
    }
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ATT_COUNT(WINDOW); i++) {
            s = level(WINDOW[i]);
            later(1000);
        }
        ck_assert_int_eq(s.check[ATT_TC_18_REPLAY], round == 0 ? ATT_CHECK_PASS : ATT_CHECK_FAIL);
    }
    /* What stands still is not replayed. */
    for (int i = 0; i < 12; i++) {
        s = level(12500);
        later(1000);
    }
    ck_assert_int_eq(s.check[ATT_TC_18_REPLAY], ATT_CHECK_PASS);
}
END_TEST

START_TEST(siblings)
{
    struct att_sample s;
    struct att_diag why = {0};

    for (int i = 0; i < 3; i++) {
        s = prov_sample(&g, "level-b", prov_register(frame, 12000), NULL);
        ck_assert(s.has_value == (i == 2)); /* the filter fills */
        later(1000);
    }
    s = level(12100);
    ck_assert_int_eq(s.check[ATT_TC_16_REDUNDANCY], ATT_CHECK_PASS);
    later(1000);
    s = prov_sample(&g, "level-a", prov_register(frame, 12500), &why);
    ck_assert_int_eq(s.check[ATT_TC_16_REDUNDANCY], ATT_CHECK_FAIL);
    ck_assert(strstr(why.text, "2.5") != NULL);
    later(60000); /* what the sibling said is old */
    s = level(12500);
    ck_assert_int_eq(s.check[ATT_TC_16_REDUNDANCY], ATT_CHECK_NOT_RUN);
    ck_assert_int_eq(s.check[ATT_TC_07_SETTINGS], ATT_CHECK_FAIL);
}
END_TEST

START_TEST(numbers_and_time)
{
    struct att_sample s = level(12000);

    later(1000);
    s = (struct att_sample){.channel = att_slice_str("level-a"),
                            .sequence = 3,
                            .from_ms = g.clock_ms,
                            .until_ms = g.clock_ms + 501,
                            .frame = prov_register(frame, 12001),
                            .identity = att_slice_str("acme level 7")};
    prov_finish(&g, &s, NULL);
    ck_assert_int_eq(s.check[ATT_TC_19_SEQUENCE], ATT_CHECK_FAIL);
    ck_assert_int_eq(s.check[ATT_TC_21_AGE], ATT_CHECK_FAIL);
    g.clock_ms -= 10;
    s = level(12002);
    ck_assert_int_eq(s.check[ATT_TC_20_CLOCK], ATT_CHECK_FAIL);
    later(1000);
    g.facts.clock = ATT_CHECK_FAIL;
    g.facts.boot = ATT_CHECK_FAIL;
    g.facts.utc_s = 1900000000; /* 2030: no calibration */
    s = level(12002);
    ck_assert_int_eq(s.check[ATT_TC_20_CLOCK], ATT_CHECK_FAIL);
    ck_assert_int_eq(s.check[ATT_TC_02_BOOT], ATT_CHECK_FAIL);
    ck_assert_int_eq(s.check[ATT_TC_05_CALIBRATION], ATT_CHECK_FAIL);
}
END_TEST

/* --- outputs --- */

static const char OUTPUTS[] =
    "specification: outputs\n"
    "version: 1\n"
    "title: {en: Outputs, ja: 出力}\n"
    "batch: {every: 1s, at_most: 64}\n"
    "channels:\n"
    "  - id: command\n"
    "    title: {en: Valve, ja: 弁}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 3, address: 0, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 0, max: 1000}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, polynomial: [0, 0.1]}\n"
    "    unit: \"%\"\n"
    "    resolution: 0.1\n"
    "    period: 1s\n"
    "    max_age: 1s\n"
    "    output: true\n"
    "  - id: door\n"
    "    title: {en: Door, ja: 扉}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 2, count: 1}}\n"
    "    wire: {type: bool}\n"
    "    raw: {min: 0, max: 1}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, polynomial: [0, 1]}\n"
    "    unit: \"1\"\n"
    "    resolution: 1\n"
    "    period: 1s\n"
    "    max_age: 1s\n"
    "  - id: position\n"
    "    title: {en: Position, ja: 開度}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 1, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 0, max: 1000}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, polynomial: [0, 0.1]}\n"
    "    unit: \"%\"\n"
    "    resolution: 0.1\n"
    "    period: 1s\n"
    "    max_age: 1s\n"
    "balance:\n"
    "  - {id: same, terms: [{channel: command, factor: 1}, {channel: position, factor: -1}], "
    "tolerance: 50}\n"
    "feedback:\n"
    "  - {id: valve, command: command, feedback: position, tolerance: 2, settling: 3s, fail_safe: "
    "0}\n"
    "interlock:\n"
    "  - {id: shut, command: command, while: door, low: 0, high: 0}\n"
    "seals:\n"
    "  - {id: cabinet, switch: door, intact: 0, covers: [position]}\n";

static struct att_sample at(const char *channel, uint16_t raw)
{
    struct att_slice answer = prov_register(frame, raw);

    frame[0] = strcmp(channel, "command") == 0 ? 3 : 4;
    return prov_sample(&g, channel, answer, NULL);
}

START_TEST(outputs)
{
    struct att_sample s;

    prov_stop(&g);
    prov_start(&g, OUTPUTS);
    s = at("command", 300);
    ck_assert_int_eq(s.check[ATT_TC_23_INTERLOCK], ATT_CHECK_NOT_RUN);
    (void)at("door", 0);
    s = at("position", 0);
    ck_assert_int_eq(s.check[ATT_TC_28_SEAL], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_17_BALANCE], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_24_FEEDBACK], ATT_CHECK_NOT_RUN); /* it moves */
    later(3000);
    s = at("position", 295);
    ck_assert_int_eq(s.check[ATT_TC_24_FEEDBACK], ATT_CHECK_PASS);
    s = at("command", 300);
    ck_assert_int_eq(s.check[ATT_TC_23_INTERLOCK], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_24_FEEDBACK], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_22_COMMAND], ATT_CHECK_PASS);
    s = at("position", 100);
    ck_assert_int_eq(s.check[ATT_TC_24_FEEDBACK], ATT_CHECK_FAIL);
    s = at("position", 900);
    ck_assert_int_eq(s.check[ATT_TC_17_BALANCE], ATT_CHECK_FAIL);
    (void)at("door", 1);
    s = at("position", 300);
    ck_assert_int_eq(s.check[ATT_TC_28_SEAL], ATT_CHECK_FAIL);
    s = at("command", 300);
    ck_assert_int_eq(s.check[ATT_TC_23_INTERLOCK], ATT_CHECK_FAIL);
    s = at("command", 0);
    ck_assert_int_eq(s.check[ATT_TC_23_INTERLOCK], ATT_CHECK_PASS);
    /* The command is lost: after the settling time the valve is where it is safe, or not. */
    (void)prov_sample(&g, "command", att_slice_of(NULL, 0), NULL);
    s = at("position", 300);
    ck_assert_int_eq(s.check[ATT_TC_25_FAIL_SAFE], ATT_CHECK_NOT_RUN);
    later(3000);
    s = at("position", 300);
    ck_assert_int_eq(s.check[ATT_TC_25_FAIL_SAFE], ATT_CHECK_FAIL);
    s = at("position", 10);
    ck_assert_int_eq(s.check[ATT_TC_25_FAIL_SAFE], ATT_CHECK_PASS);
}
END_TEST

/* --- second path and reference --- */

static const char SECOND[] =
    "specification: second\n"
    "version: 1\n"
    "title: {en: Second, ja: 第二}\n"
    "batch: {every: 1s, at_most: 64}\n"
    "channels:\n"
    "  - id: level\n"
    "    title: {en: Level, ja: 水位}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 0, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 4000, max: 20000}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, table: [[4000, 0], [20000, "
    "5]]}\n"
    "    unit: m\n"
    "    resolution: 0.001\n"
    "    period: 1s\n"
    "    max_age: 1s\n"
    "    second: {source: {mqtt: {device: scada, topic: level}}, wire: {type: text, decimals: 3}, "
    "says: value, tolerance: 0.02}\n"
    "    stimulus: {source: {modbus: {device: plc, unit: 1, function: 4, address: 9, count: 1}}, "
    "low: 2.45, high: 2.55}\n";

START_TEST(second_path_and_reference)
{
    uint8_t reference[4];
    struct att_sample s = {.channel = att_slice_str("level"),
                           .from_ms = 1,
                           .until_ms = 2,
                           .frame = prov_register(frame, 12000),
                           .second = att_slice_str("2.510"),
                           .stimulus = prov_register(reference, 12000)};

    prov_stop(&g);
    prov_start(&g, SECOND);
    prov_finish(&g, &s, NULL);
    ck_assert_int_eq(s.check[ATT_TC_09_SECOND_PATH], ATT_CHECK_PASS);
    ck_assert_int_eq(s.check[ATT_TC_10_STIMULUS], ATT_CHECK_PASS);
    s.second = att_slice_str("2.55");
    s.stimulus = prov_register(reference, 13000);
    s.sequence = 0;
    prov_finish(&g, &s, NULL);
    ck_assert_int_eq(s.check[ATT_TC_09_SECOND_PATH], ATT_CHECK_FAIL);
    ck_assert_int_eq(s.check[ATT_TC_10_STIMULUS], ATT_CHECK_FAIL);
    s.second = att_slice_str("none");
    s.stimulus = att_slice_of(NULL, 0);
    s.sequence = 0;
    prov_finish(&g, &s, NULL);
    ck_assert_int_eq(s.check[ATT_TC_09_SECOND_PATH], ATT_CHECK_FAIL);
    ck_assert_int_eq(s.check[ATT_TC_10_STIMULUS], ATT_CHECK_NOT_RUN);
    ck_assert_int_eq(s.check[ATT_TC_26_COMPLETE], ATT_CHECK_FAIL);
}
END_TEST

/* --- repeating --- */

/* The partner's view of a sample that comes first: no past, no gateway. */
static enum att_err repeat(const struct att_sample *s, unsigned int *repeated,
                           struct att_diag *diag)
{
    struct prov_gateway partner;
    struct att_check_in in;
    enum att_err err = ATT_OK;

    prov_start(&partner, NULL);
    in = att_channels_in(partner.channels, 0, s, NULL);
    err = att_check_repeat(repeated, &in, diag);
    prov_stop(&partner);
    return err;
}

START_TEST(a_partner_repeats)
{
    struct att_sample s;
    struct att_diag diag = {0};
    unsigned int repeated = 0;

    for (int i = 0; i < 10; i++) {
        s = level((uint16_t)(12000 + i));
        later(1000);
    }
    /* From the middle: what looks back was not run here, and what does not was. */
    ck_assert_msg(repeat(&s, &repeated, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_uint_ge(repeated, 9);
}
END_TEST

START_TEST(nothing_is_better_than_it_is)
{
    struct att_sample good = level(12000);
    struct att_sample s = good;
    uint8_t other[4];
    struct att_diag diag = {0};

    s.check[ATT_TC_13_RANGE] = ATT_CHECK_FAIL; /* worse, of a check that the sample decides alone */
    ck_assert(repeat(&s, NULL, &diag) == ATT_E_MISMATCH && diag.reason == ATT_R_PRV_CHECK);
    ck_assert(strstr(diag.text, "TC-13") != NULL);
    s = good;
    s.check[ATT_TC_24_FEEDBACK] = ATT_CHECK_PASS; /* it does not apply */
    ck_assert(repeat(&s, NULL, NULL) == ATT_E_MISMATCH);
    s = good;
    s.value.mantissa += 1;
    ck_assert(repeat(&s, NULL, &diag) == ATT_E_MISMATCH && strstr(diag.text, "TC-08") != NULL);
    s = good;
    s.unit = att_slice_str("cm");
    ck_assert(repeat(&s, NULL, &diag) == ATT_E_MISMATCH && strstr(diag.text, "TC-12") != NULL);
    s = good;
    s.frame = prov_register(other, 12003);
    ck_assert(repeat(&s, NULL, &diag) == ATT_E_MISMATCH && strstr(diag.text, "TC-08") != NULL);
    s = good;
    s.until_ms = s.from_ms + 501;
    ck_assert(repeat(&s, NULL, &diag) == ATT_E_MISMATCH && strstr(diag.text, "TC-21") != NULL);
    s = good;
    s.spec[0] ^= 1;
    ck_assert(repeat(&s, NULL, &diag) == ATT_E_MISMATCH && strstr(diag.text, "TC-06") != NULL);
    s = good;
    s.identity = att_slice_str("other");
    ck_assert(repeat(&s, NULL, &diag) == ATT_E_MISMATCH && strstr(diag.text, "TC-01") != NULL);
}
END_TEST

START_TEST(grades)
{
    uint8_t check[ATT_CHECKS];

    memset(check, ATT_CHECK_PASS, sizeof(check));
    ck_assert_int_eq(att_check_grade(check, true), 3);
    check[ATT_TC_24_FEEDBACK] = ATT_CHECK_NOT_APPLICABLE;
    ck_assert_int_eq(att_check_grade(check, true), 2);
    ck_assert_int_eq(att_check_grade(check, false), 3);
    check[ATT_TC_10_STIMULUS] = check[ATT_TC_16_REDUNDANCY] = ATT_CHECK_NOT_APPLICABLE;
    ck_assert_int_eq(att_check_grade(check, false), 3);
    check[ATT_TC_17_BALANCE] = ATT_CHECK_NOT_RUN;
    ck_assert_int_eq(att_check_grade(check, false), 2);
    check[ATT_TC_09_SECOND_PATH] = ATT_CHECK_NOT_APPLICABLE;
    ck_assert_int_eq(att_check_grade(check, false), 1);
    check[ATT_TC_03_DRIVER] = ATT_CHECK_NOT_RUN;
    ck_assert_int_eq(att_check_grade(check, false), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("check");
    TCase *t = tcase_create("check");
    SRunner *r = NULL;
    int failed = 0;

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_good_sample);
    tcase_add_test(t, another_device);
    tcase_add_test(t, faults_and_ranges);
    tcase_add_test(t, jumps_and_stillness);
    tcase_add_test(t, a_window_comes_again);
    tcase_add_test(t, siblings);
    tcase_add_test(t, numbers_and_time);
    tcase_add_test(t, outputs);
    tcase_add_test(t, second_path_and_reference);
    tcase_add_test(t, a_partner_repeats);
    tcase_add_test(t, nothing_is_better_than_it_is);
    tcase_add_test(t, grades);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
