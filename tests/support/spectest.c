/* The specification of the tests: line numbers are part of them, so new things go to the end of its lists. */
#include "spectest.h"

#include <stdio.h>
#include <string.h>

#include "need.h"

/* clang-format off */
const char spec_text[] =
    "specification: plant\n"
    "version: 7\n"
    "title: {en: A plant, ja: 設備}\n"
    "batch: {every: 1s, at_most: 1024}\n"
    "channels:\n"
    "  - id: level-b\n"                                                                 /* 6 */
    "    title: {en: Level B, ja: 水位 B}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 1, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 4000, max: 20000}\n"                                                /* 10 */
    "    faults: [{from: 0, to: 3599, means: broken-wire}, {from: 21001, to: 65535, means: short}]\n"
    "    calibration: {version: 3, from: 2026-01-01, until: 2027-01-01, polynomial: [-1.25, 0.0003125]}\n"
    "    unit: m\n"
    "    resolution: 0.001\n"
    "    period: 1s\n"                                                                  /* 15 */
    "  - id: level-a\n"
    "    title: {en: Level A, ja: 水位 A}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 0, count: 1}}\n"
    "    wire: {type: uint16, bytes: little}\n"
    "    raw: {min: 4000, max: 20000}\n"                                                /* 20 */
    "    calibration: {version: 1, from: 2026-01-01T09:00:00Z, until: 2027-01-01, table: [[4000, 0], [12000, 2.5], [20000, 5]]}\n"
    "    unit: m\n"
    "    resolution: 0.001\n"
    "    rounding: half-away\n"
    "    period: 1s\n"                                                                  /* 25 */
    "    max_age: 2s\n"
    "    filter: {median: 5}\n"
    "    range: {low: 0.2, high: 4.8}\n"
    "    rate: {most: 0.05, in: 1s}\n"
    "    quiet: {least: 0.001, over: 60}\n"                                             /* 30 */
    "    replay: {over: 16}\n"
    "    sensor: \"Endress FMX21 / 4711\"\n"
    "    quarantine: false\n"
    "    second:\n"
    "      source: {mqtt: {device: broker, topic: plant/level-a}}\n"                     /* 35 */
    "      wire: {type: text, decimals: 3, field: value}\n"
    "      says: value\n"
    "      tolerance: 0.002\n"
    "    stimulus: {source: {modbus: {device: plc, unit: 1, function: 4, address: 9, count: 1}}, low: 2.4, high: 2.6}\n"
    "  - id: valve-command\n"                                                           /* 40 */
    "    title: {en: Valve, ja: 弁}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 3, address: 0, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 0, max: 1000}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2027-01-01, polynomial: [0, 0.1]}\n" /* 45 */
    "    unit: \"%\"\n"
    "    resolution: 0.1\n"
    "    period: 1s\n"
    "    output: true\n"
    "  - id: valve-position\n"                                                          /* 50 */
    "    title: {en: Valve, ja: 弁}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 6, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 0, max: 1000}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2027-01-01, polynomial: [0, 0.1]}\n" /* 55 */
    "    unit: \"%\"\n"
    "    resolution: 0.1\n"
    "    period: 1s\n"
    "    range: {low: 0, high: 100}\n"
    "  - id: door\n"                                                                    /* 60 */
    "    title: {en: Door, ja: 扉}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 1, address: 0, count: 1}}\n"
    "    wire: {type: bool}\n"
    "    raw: {min: 0, max: 1}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2027-01-01, polynomial: [0, 1]}\n" /* 65 */
    "    unit: \"1\"\n"
    "    resolution: 1\n"
    "    period: 1s\n"
    "  - id: flow\n"
    "    title: {en: Flow, ja: 流量}\n"                                                 /* 70 */
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 2, count: 2}}\n"
    "    wire: {type: float32, bytes: big, words: little, decimals: 3}\n"
    "    raw: {min: 0, max: 50}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2027-01-01, polynomial: [0, 1]}\n"
    "    unit: L/s\n"                                                                   /* 75 */
    "    resolution: 0.01\n"
    "    period: 500ms\n"
    "    filter: {mean: 4}\n"
    "  - id: air\n"
    "    title: {en: Air, ja: 気温}\n"                                                  /* 80 */
    "    source: {sysfs: {device: iio, attribute: in_temp_raw}}\n"
    "    wire: {type: text, decimals: 0}\n"
    "    raw: {min: -4000, max: 8500}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2027-01-01, polynomial: [0, 1e-2]}\n"
    "    unit: Cel\n"                                                                   /* 85 */
    "    resolution: 0.01\n"
    "    period: 10s\n"
    "  - id: horn\n"
    "    title: {en: Horn, ja: 警報}\n"
    "    source: {line: {device: app, key: horn}}\n"                                    /* 90 */
    "    wire: {type: text, decimals: 0}\n"
    "    raw: {min: 0, max: 1}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2027-01-01, polynomial: [0, 1]}\n"
    "    unit: \"1\"\n"
    "    resolution: 1\n"                                                               /* 95 */
    "    period: 1s\n"
    "    output: true\n"
    "    no_feedback: A horn is heard and not measured\n"
    "redundancy:\n"
    "  - {id: level, channels: [level-b, level-a], tolerance: 0.05}\n"                  /* 100 */
    "balance:\n"
    "  - {id: steady, terms: [{channel: valve-position, factor: -0.12}, {channel: flow, factor: 1}], tolerance: 2}\n"
    "feedback:\n"
    "  - {id: valve, command: valve-command, feedback: valve-position, tolerance: 1, settling: 10s, fail_safe: 0}\n"
    "interlock:\n"                                                                      /* 105 */
    "  - {id: dry, command: valve-command, while: level-a, low: 0.5, high: 5}\n"
    "seals:\n"
    "  - {id: cabinet, switch: door, intact: 0, covers: [level-b, level-a]}\n";
/* clang-format on */

char *spec_text_with(char *out, size_t cap, const char *from, const char *to)
{
    const char *at = from == NULL ? spec_text : strstr(spec_text, from);
    size_t head = 0;
    int len = 0;

    NEED(at != NULL);
    head = (size_t)(at - spec_text);
    len = snprintf(out, cap, "%.*s%s%s", (int)head, spec_text, to == NULL ? "" : to,
                   at + (from == NULL ? 0 : strlen(from)));
    NEED(len > 0 && (size_t)len < cap);
    return out;
}

struct att_spec *spec_of(const char *text)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    if (att_spec_parse_yaml(&s, "spec", att_slice_str(text), &diag) != ATT_OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
    }
    NEED(s != NULL);
    return s;
}

struct att_spec *spec_with(const char *from, const char *to)
{
    char text[16384];

    return spec_of(spec_text_with(text, sizeof(text), from, to));
}
