/* Specifications as people write them: what is taken, and at which place what is not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prov/spec.h"
#include "spectest.h"

#define CALIBRATION                                                                                \
    "calibration: {version: 3, from: 2026-01-01, until: 2027-01-01, polynomial: [-1.25, "          \
    "0.0003125]}"
#define UNTIL "calibration: {version: 3, from: 2026-01-01, until: "

/* One change of spec_text, where the refusal points, and what it says. */
static const struct {
    const char *from, *to, *place, *says;
} REFUSED[] = {
    /* the head */
    {"specification: plant\n", "", "1:1", "missing key: specification"},
    {"specification: plant", "specification: Plant", "1:16", "a-z"},
    {"specification: plant", "specification: plant-", "1:16", "a-z"},
    {"specification: plant", "specification: \"\"", "1:16", "expected text"},
    {"specification: plant", "specification: x234567890123456789012345678901234", "1:16",
     "32 bytes"},
    {"version: 7", "version: 0", "2:10", "from 1 to 2147483647"},
    {"version: 7", "version: 07", "2:10", "decimal whole number"},
    {"version: 7", "version: 9223372036854775808", "2:10", "decimal whole number"},
    {"version: 7", "version: 2147483648", "2:10", "from 1 to 2147483647"},
    {", ja: 設備", "", "3:8", "missing key: ja"},
    {"ja: 設備", "fr: usine", "3:22", "unknown key: fr"},
    {"every: 1s", "every: 99ms", "4:8", "100ms to a day"},
    {"every: 1s", "every: 25h", "4:16", "1ms to"},
    {"at_most: 1024", "at_most: 65537", "4:29", "1 to 65536"},
    {"batch: {every: 1s, at_most: 1024}\n", "", "1:1", "missing key: batch"},
    {"version: 7\n", "version: 7\nversion: 8\n", "3:1", ""},
    {"version: 7\n", "version: 7\ncolour: red\n", "3:1", "unknown key: colour"},
    /* a channel */
    {"id: level-b", "id: level a", "6:9", "a-z"},
    {"id: level-b", "id: level-a", "16:9", "found level-a again"},
    {"    unit: m\n", "", "6:5", "missing key: unit"},
    {"    unit: m\n", "    unit: m\n    colour: red\n", "14:5", "unknown key: colour"},
    {"en: Level B", "en: \"Level\\tB\"", "7:12", "one line of text"},
    {"en: Level B", "en: \"Level \\N B\"", "7:17", "control characters"},
    {"unit: m\n", "unit: meter per second\n", "13:11", "UCUM"},
    {"unit: m\n", "unit: m/\n", "13:11", "UCUM"},
    {"resolution: 0.001", "resolution: 0", "14:17", "above 0"},
    {"resolution: 0.001", "resolution: -0.001", "14:17", "above 0"},
    {"resolution: 0.001", "resolution: 1e-19", "14:17", "exponent of -18 to 18"},
    {"resolution: 0.001", "resolution: 1e-18", "12:18", "18 digits"},
    {"period: 1s", "period: 0s", "15:13", "1ms to"},
    {"period: 1s", "period: 1", "15:13", "one of ms, s, m, h, d"},
    {"max_age: 2s", "max_age: 2d", "26:14", "1ms to"},
    {"rounding: half-away", "rounding: nearest", "24:15", "half-even, half-away"},
    {"output: true", "output: yes", "49:13", "true or false"},
    {"quarantine: false", "quarantine: \"false\"", "33:17", "true or false"},
    {"sensor: \"Endress FMX21 / 4711\"", "sensor: \"a\\tb\"", "32:13", "one line of text"},
    /* source and wire */
    {"{modbus: {device: plc, unit: 1, function: 4, address: 1, count: 1}}", "{can: {device: x}}",
     "8:13", "one of modbus, sysfs, mqtt, line"},
    {"{modbus: {device: plc, unit: 1, function: 4, address: 1, count: 1}}", "plc", "8:13",
     "one of modbus, sysfs, mqtt, line"},
    {"{modbus: {device: plc, unit: 1, function: 4, address: 1, count: 1}}",
     "{line: {device: a, key: b}, mqtt: {device: a, topic: b}}", "8:13", "one of modbus"},
    {"device: plc", "device: PLC", "8:13", "a-z"},
    {"unit: 1, function: 4, address: 1", "unit: 248, function: 4, address: 1", "8:42",
     "from 0 to 247"},
    {"function: 4, address: 1", "function: 5, address: 1", "8:55", "from 1 to 4"},
    {"function: 4, address: 1", "function: 2, address: 1", "8:13", "expected bool"},
    {"address: 1, count: 1", "address: 65536, count: 1", "8:67", "from 0 to 65535"},
    {"address: 1, count: 1", "address: 1, count: 2", "8:13", "count 1 for uint16, found 2"},
    {"address: 2, count: 2", "address: 65535, count: 2", "71:13", "up to 65535"},
    {"address: 2, count: 2", "address: 2, count: 1", "71:13", "count 2 for float32, found 1"},
    {"wire: {type: uint16}", "wire: {type: uint64}", "9:18", "one of bool, uint16"},
    {"wire: {type: uint16}", "wire: {type: text, decimals: 0}", "8:13", "registers, found text"},
    {"wire: {type: uint16}", "wire: {type: uint16, decimals: 2}", "9:11",
     "at most 0 decimals for uint16"},
    {"wire: {type: uint16}", "wire: {type: uint16, words: little}", "9:11", "two registers"},
    {"wire: {type: uint16}", "wire: {type: uint16, field: x}", "9:11", "only for text"},
    {"wire: {type: bool}", "wire: {type: bool, bytes: little}", "62:13", "only for registers"},
    {", decimals: 3}\n    raw", "}\n    raw", "72:11", "missing key: decimals"},
    {"decimals: 3}\n    raw", "decimals: 10}\n    raw", "72:64", "from 0 to 9"},
    {"wire: {type: text, decimals: 0}", "wire: {type: bool}", "81:13", "text by sysfs"},
    {"wire: {type: text, decimals: 0}", "wire: {type: text, decimals: 0, bytes: little}", "82:11",
     "only for registers"},
    {"attribute: in_temp_raw", "attribute: ../in_temp_raw", "81:13", "any of /"},
    {"attribute: in_temp_raw", "attribute: a/b", "81:13", "any of /"},
    {"key: horn", "key: a=b", "90:13", "any of ="},
    {"topic: plant/level-a", "topic: plant/#", "35:7", ""},
    {"field: value", "field: a b", "35:7", ""},
    /* raw numbers */
    {"raw: {min: 4000, max: 20000}", "raw: {min: 4000, max: 4000}", "10:10", "min below max"},
    {"raw: {min: 4000, max: 20000}", "raw: {min: -1, max: 20000}", "10:10", "uint16 of 0 decimals"},
    {"raw: {min: 4000, max: 20000}", "raw: {min: 0, max: 65536}", "10:10", "uint16 of 0 decimals"},
    {"raw: {min: 4000, max: 20000}", "raw: {min: 0.5, max: 20000}", "10:10",
     "uint16 of 0 decimals"},
    {"raw: {min: 4000, max: 20000}", "raw: {min: 4000}", "10:10", "missing key: max"},
    {"raw: {min: 0, max: 1000}", "raw: {min: 0, max: 01000}", "44:24", "decimal number"},
    {"to: 3599", "to: 65536", "11:13", "broken-wire: expected numbers that uint16"},
    {"from: 0, to: 3599", "from: 3600, to: 3599", "11:13", "rise"},
    {"from: 21001", "from: 3599", "11:13", "rise"},
    {"means: short", "means: Short", "11:13", "a-z"},
    {"{from: 0, to: 3599, means: broken-wire}, {from: 21001, to: 65535, means: short}", "", "11:13",
     "1 to 8"},
    /* calibration */
    {CALIBRATION, "calibration: {version: 3, from: 2026-01-01, until: 2027-01-01}", "12:18",
     "either polynomial or table"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [0, 1], table: [[0, 0], [1, 1]]}", "12:18",
     "either polynomial or table"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [1]}", "12:80", "2 to 6"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [1, 0]}", "12:18", "other than 0"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [0, 1e400]}", "12:84", "an exponent"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [0, NaN]}", "12:84", "found NaN"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [-0, 1]}", "12:81", "found -0"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [00.5, 1]}", "12:81", "found 00.5"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [\"0\", 1]}", "12:81",
     "expected a decimal number"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [0, 9223372036854775808]}", "12:84", "18 digits"},
    {CALIBRATION, UNTIL "2027-01-01, polynomial: [0, 1e15]}", "12:18", "126 bits"},
    {CALIBRATION, UNTIL "2026-01-01, polynomial: [0, 1]}", "12:18", "from before until"},
    {CALIBRATION, UNTIL "2026-02-30, polynomial: [0, 1]}", "12:56", "a date in UTC"},
    {CALIBRATION, UNTIL "\"@1800000000\", polynomial: [0, 1]}", "12:56", "a date in UTC"},
    {CALIBRATION, UNTIL "2027-01-01, table: [[0, 0]]}", "12:75", "2 to 32"},
    {CALIBRATION, UNTIL "2027-01-01, table: [[0, 0], [1]]}", "12:84", "2 to 2"},
    {CALIBRATION, UNTIL "2027-01-01, table: [[1, 0], [1, 1]]}", "12:18", "rise"},
    {CALIBRATION, UNTIL "2027-01-01, table: [[0, 0], [0.5, 1]]}", "10:10", "raw numbers"},
    {"version: 3", "version: 0", "12:28", "from 1"},
    /* limits */
    {"filter: {median: 5}", "filter: {median: 4}", "27:13", "odd"},
    {"filter: {median: 5}", "filter: {median: 65}", "27:22", "from 2 to 64"},
    {"filter: {median: 5}", "filter: {kalman: 5}", "27:13", "one of mean, median"},
    {"filter: {median: 5}", "filter: none", "27:13", "one of mean, median"},
    {"range: {low: 0.2, high: 4.8}", "range: {low: 4.8, high: 4.8}", "28:12", "low below high"},
    {"most: 0.05", "most: 0", "29:11", "above 0"},
    {"in: 1s}", "in: 25h}", "29:28", "1ms to"},
    {"least: 0.001", "least: 0", "30:12", "above 0"},
    {"over: 60", "over: 1", "30:33", "from 2 to 64"},
    {"over: 16", "over: 65", "31:20", "from 2 to 64"},
    {"replay: {over: 16}", "replay: {over: 16, of: 2}", "31:24", "unknown key: of"},
    /* what is read beside it */
    {"{mqtt: {device: broker, topic: plant/level-a}}\n      wire: {type: text, decimals: 3, field: "
     "value}\n      says: value",
     "{modbus: {device: plc, unit: 1, function: 4, address: 0, count: 1}}\n      wire: {type: "
     "uint16}\n      says: raw",
     "35:7", "another path"},
    {"says: value", "says: raw", "35:7", "raw numbers of 0 decimals"},
    {"says: value", "says: nothing", "37:13", "one of raw, value"},
    {"tolerance: 0.002", "tolerance: -0.002", "35:7", "tolerance of 0 or more"},
    {"low: 2.4, high: 2.6", "low: 2.7, high: 2.6", "39:15", "low of at most high"},
    {"address: 9, count: 1", "address: 0, count: 1", "39:15", "another source"},
    {"    output: true\n  - id: valve-position",
     "    output: true\n    stimulus: {source: {line: {device: a, key: b}}, low: 0, high: 1}\n  - "
     "id: valve-position",
     "50:15", "none for an output"},
    {"function: 3, address: 0", "function: 4, address: 20", "49:13", "function 1 or 3"},
    {"    output: true\n    no_feedback: A horn is heard and not measured\n", "    output: true\n",
     "97:13", "feedback pair"},
    {"    output: true\n    no_feedback", "    no_feedback", "97:18", "of an output"},
    {"    output: true\n  - id: valve-position",
     "    output: true\n    no_feedback: why\n  - id: valve-position", "49:13", "feedback pair"},
    /* relations */
    {"channels: [level-b, level-a], tol", "channels: [level-b, level-c], tol", "100:37",
     "found level-c"},
    {"channels: [level-b, level-a], tol", "channels: [level-b], tol", "100:27", "2 to 8"},
    {"channels: [level-b, level-a], tol", "channels: [level-b, level-b], tol", "100:27",
     "each channel once"},
    {"channels: [level-b, level-a], tol", "channels: [level-b, flow], tol", "100:27", "one unit"},
    {"channels: [level-b, level-a], tol", "channels: [valve-command, valve-position], tol",
     "100:27", "inputs of one unit, found valve-command"},
    {"address: 1, count: 1", "address: 0, count: 1", "100:27", "sources of their own"},
    {"tolerance: 0.05", "tolerance: -1", "100:58", "0 or more"},
    {"id: level, ", "id: Level, ", "100:10", "a-z"},
    {"id: level, ", "", "100:5", "missing key: id"},
    {"  - {id: level, channels",
     "  - {id: level, channels: [level-a, level-b], tolerance: 0}\n  - {id: level, channels",
     "101:10", "found level again"},
    {"  - {id: level, channels: [level-b, level-a], tolerance: 0.05}", "  - level", "100:5",
     "a map"},
    {"factor: -0.12", "factor: 0", "102:25", "other than 0"},
    {"{channel: flow, factor: 1}", "{channel: valve-position, factor: 1}", "102:25",
     "each channel once"},
    {"terms: [{channel: valve-position, factor: -0.12}, {channel: flow, factor: 1}]",
     "terms: [{channel: flow, factor: 1}]", "102:25", "2 to 8"},
    {"command: valve-command, feedback: valve-position", "command: flow, feedback: valve-position",
     "104:26", "an output, found flow"},
    {"command: valve-command, feedback: valve-position",
     "command: valve-command, feedback: valve-command", "104:51", "another channel"},
    {"command: valve-command, feedback: valve-position", "command: valve-command, feedback: flow",
     "104:51", "an input in %"},
    {"settling: 10s", "settling: 2d", "104:91", "1ms to"},
    {"fail_safe: 0", "fail_safe: 101", "104:107", "in the range of valve-position"},
    {"feedback:\n  - {id: valve",
     "feedback:\n  - {id: valve-2, command: valve-command, feedback: valve-position, tolerance: 1, "
     "settling: 1s, fail_safe: 0}\n  - {id: valve",
     "49:13", "found 2"},
    {"while: level-a", "while: valve-command", "106:46", "another channel"},
    {"low: 0.5, high: 5", "low: 5.5, high: 5", "106:60", "at most high"},
    {"command: valve-command, while", "command: level-b, while", "106:24", "an output"},
    {"switch: door", "switch: horn", "108:27", "an input"},
    {"covers: [level-b, level-a]", "covers: [door]", "108:52", "other channels"},
    {"covers: [level-b, level-a]", "covers: []", "108:52", "1 to 8"},
};

START_TEST(spec__a_refusal_points_at_the_place)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};
    char text[16384];
    char place[64];

    (void)spec_text_with(text, sizeof(text), REFUSED[_i].from, REFUSED[_i].to);
    (void)snprintf(place, sizeof(place), "s.yaml:%s: ", REFUSED[_i].place);
    ck_assert_int_ne(att_spec_parse_yaml(&s, "s.yaml", att_slice_str(text), &diag), ATT_OK);
    ck_assert_ptr_null(s);
    ck_assert_msg(diag.reason == ATT_R_CFG_SPEC || diag.reason == ATT_R_FMT_YAML, "row %d: %s", _i,
                  diag.text);
    ck_assert_msg(strncmp(diag.text, place, strlen(place)) == 0, "row %d: expected %s, found %s",
                  _i, place, diag.text);
    ck_assert_msg(strstr(diag.text, REFUSED[_i].says) != NULL, "row %d: expected %s in %s", _i,
                  REFUSED[_i].says, diag.text);
}
END_TEST

START_TEST(spec__what_is_no_map_is_refused)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_spec_parse_yaml(&s, "s", att_slice_str("[]"), &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_SPEC);
    ck_assert_int_eq(att_spec_parse_yaml(&s, "s", att_slice_str("{"), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_YAML);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(spec__everything_that_can_be_said_is_read)
{
    struct att_spec *s = spec_of(spec_text);
    const struct att_channel *c = att_spec_channel(s, "level-a");
    const struct att_channel *flow = att_spec_channel(s, "flow");
    const struct att_channel *air = att_spec_channel(s, "air");

    ck_assert_str_eq(s->id, "plant");
    ck_assert_uint_eq(s->version, 7);
    ck_assert_int_eq(s->batch_ms, 1000);
    ck_assert_uint_eq(s->batch_size, 1024);
    ck_assert_uint_eq(s->channel_count, 8);
    for (size_t i = 1; i < s->channel_count; i++) {
        ck_assert_int_lt(strcmp(s->channel[i - 1].id, s->channel[i].id), 0);
    }
    ck_assert_str_eq(c->title_ja, "水位 A");
    ck_assert_int_eq(c->source.bus, ATT_BUS_MODBUS);
    ck_assert_str_eq(c->source.device, "plc");
    ck_assert_uint_eq(c->source.function, 4);
    ck_assert(c->wire.little_bytes && !c->wire.little_words);
    ck_assert(c->calibration.is_table && c->calibration.count == 3);
    ck_assert_int_eq(c->calibration.from_s, 1767258000);
    ck_assert_int_eq(c->calibration.until_s, 1798761600);
    ck_assert_int_eq(c->calibration.value[1].mantissa, 25);
    ck_assert_int_eq(c->calibration.value[1].exponent, -1);
    ck_assert_int_eq(c->rounding, ATT_ROUND_HALF_AWAY);
    ck_assert_int_eq(c->max_age_ms, 2000);
    ck_assert(c->filter == ATT_FILTER_MEDIAN && c->filter_window == 5);
    ck_assert(c->has_range && c->has_rate && c->has_quiet && c->has_second && c->has_stimulus);
    ck_assert_uint_eq(c->quiet_over, 60);
    ck_assert_uint_eq(c->replay_over, 16);
    ck_assert_str_eq(c->sensor, "Endress FMX21 / 4711");
    ck_assert(!c->quarantine && !c->output);
    ck_assert(c->second.is_value && c->second.wire.decimals == 3);
    ck_assert_str_eq(c->second.wire.field, "value");
    ck_assert_str_eq(c->second.source.name, "plant/level-a");
    ck_assert_uint_eq(c->stimulus.source.address, 9);
    ck_assert(flow->wire.type == ATT_WIRE_FLOAT32 && flow->wire.little_words);
    ck_assert(flow->filter == ATT_FILTER_MEAN && flow->filter_window == 4);
    ck_assert_str_eq(air->source.name, "in_temp_raw");
    att_spec_free(s);
}
END_TEST

START_TEST(spec__what_is_not_said_is_the_strict_value)
{
    struct att_spec *s = spec_of(spec_text);
    const struct att_channel *c = att_spec_channel(s, "level-b");

    ck_assert_int_eq(c->rounding, ATT_ROUND_HALF_EVEN);
    ck_assert_int_eq(c->max_age_ms, c->period_ms);
    ck_assert(c->quarantine && !c->output);
    ck_assert(c->filter == ATT_FILTER_NONE && c->filter_window == 1);
    ck_assert(!c->wire.little_bytes && !c->wire.little_words);
    att_spec_free(s);
}
END_TEST

START_TEST(spec__relations_name_channels_by_their_place)
{
    struct att_spec *s = spec_of(spec_text);
    const struct att_balance *b = &s->balance[0];

    ck_assert_uint_eq(s->redundancy[0].count, 2);
    ck_assert_str_eq(s->channel[s->redundancy[0].channel[0]].id, "level-a");
    ck_assert_str_eq(s->channel[s->redundancy[0].channel[1]].id, "level-b");
    ck_assert_str_eq(s->channel[b->channel[0]].id, "flow");
    ck_assert_int_eq(b->factor[0].mantissa, 1);
    ck_assert_str_eq(s->channel[b->channel[1]].id, "valve-position");
    ck_assert_int_eq(b->factor[1].mantissa, -12);
    ck_assert_str_eq(s->channel[s->feedback[0].command].id, "valve-command");
    ck_assert_str_eq(s->channel[s->feedback[0].feedback].id, "valve-position");
    ck_assert_int_eq(s->feedback[0].settling_ms, 10000);
    ck_assert_str_eq(s->channel[s->interlock[0].state].id, "level-a");
    ck_assert_str_eq(s->channel[s->seal[0].channel].id, "door");
    ck_assert_uint_eq(s->seal[0].count, 2);
    att_spec_free(s);
}
END_TEST

START_TEST(spec__a_channel_is_found_by_id_and_by_digest)
{
    struct att_spec *s = spec_of(spec_text);
    uint8_t other[32] = {0};

    for (size_t i = 0; i < s->channel_count; i++) {
        ck_assert_ptr_eq(att_spec_channel(s, s->channel[i].id), &s->channel[i]);
        ck_assert_ptr_eq(att_spec_channel_of(s, s->channel[i].digest), &s->channel[i]);
    }
    ck_assert_ptr_null(att_spec_channel(s, "nobody"));
    ck_assert_ptr_null(att_spec_channel_of(s, other));
    att_spec_free(s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spec");
    TCase *c = tcase_create("yaml");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_loop_test(c, spec__a_refusal_points_at_the_place, 0, (int)ATT_COUNT(REFUSED));
    tcase_add_test(c, spec__what_is_no_map_is_refused);
    tcase_add_test(c, spec__everything_that_can_be_said_is_read);
    tcase_add_test(c, spec__what_is_not_said_is_the_strict_value);
    tcase_add_test(c, spec__relations_name_channels_by_their_place);
    tcase_add_test(c, spec__a_channel_is_found_by_id_and_by_digest);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
