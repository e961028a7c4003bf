/* A gateway without a bus. */
#include "provtest.h"

#include <stdio.h>
#include <string.h>

#include "need.h"

const char prov_yaml[] =
    "specification: test\n"
    "version: 1\n"
    "title: {en: Test, ja: 試験}\n"
    "batch: {every: 1s, at_most: 1024}\n"
    "channels:\n"
    "  - id: level-a\n"
    "    title: {en: Level A, ja: 水位 A}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 0, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 4000, max: 20000}\n"
    "    faults: [{from: 0, to: 3599, means: broken-wire}]\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, table: [[4000, 0], [20000, "
    "5]]}\n"
    "    unit: m\n"
    "    resolution: 0.001\n"
    "    period: 1s\n"
    "    max_age: 500ms\n"
    "    sensor: \"acme level 7\"\n"
    "    range: {low: 0.2, high: 4.8}\n"
    "    rate: {most: 0.5, in: 1s}\n"
    "    quiet: {least: 0.001, over: 4}\n"
    "    replay: {over: 4}\n"
    "  - id: level-b\n"
    "    title: {en: Level B, ja: 水位 B}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 1, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 4000, max: 20000}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, table: [[4000, 0], [20000, "
    "5]]}\n"
    "    unit: m\n"
    "    resolution: 0.001\n"
    "    period: 1s\n"
    "    max_age: 500ms\n"
    "    filter: {median: 3}\n"
    "  - id: temperature\n"
    "    title: {en: Temperature, ja: 温度}\n"
    "    source: {mqtt: {device: broker, topic: plant/t}}\n"
    "    wire: {type: text, decimals: 2}\n"
    "    raw: {min: -40, max: 125}\n"
    "    calibration: {version: 3, from: 2026-01-01, until: 2028-01-01, polynomial: [0.1, 1]}\n"
    "    unit: Cel\n"
    "    resolution: 0.01\n"
    "    period: 1s\n"
    "    max_age: 500ms\n"
    "redundancy:\n"
    "  - {id: level, channels: [level-a, level-b], tolerance: 0.05}\n";

static size_t index_of(const struct prov_gateway *g, struct att_slice id)
{
    size_t i = 0;

    while (i < g->spec->channel_count && !att_slice_eq(id, att_slice_str(g->spec->channel[i].id)))
        i++;
    NEED(i < g->spec->channel_count);
    return i;
}

void prov_start(struct prov_gateway *g, const char *yaml)
{
    struct att_diag diag = {0};

    memset(g, 0, sizeof(*g));
    if (att_spec_parse_yaml(&g->spec, "test.yaml", att_slice_str(yaml != NULL ? yaml : prov_yaml),
                            &diag) != ATT_OK)
        (void)fprintf(stderr, "%s\n", diag.text);
    NEED(g->spec != NULL);
    NEED(g->spec->channel_count <= PROV_CHANNELS_MAX);
    NEED(att_channels_new(&g->channels, g->spec, &diag) == ATT_OK);
    g->clock_ms = 1000000;
    g->facts = (struct att_gateway_facts){.utc_s = 1790000000, /* September 2026 */
                                          .boot = ATT_CHECK_PASS,
                                          .driver = ATT_CHECK_PASS,
                                          .clock = ATT_CHECK_PASS,
                                          .command = ATT_CHECK_PASS,
                                          .storage = ATT_CHECK_PASS};
}

void prov_stop(struct prov_gateway *g)
{
    att_channels_free(g->channels);
    att_spec_free(g->spec);
    memset(g, 0, sizeof(*g));
}

struct att_slice prov_register(uint8_t frame[4], uint16_t v)
{
    frame[0] = 4;
    frame[1] = 2;
    frame[2] = (uint8_t)(v >> 8);
    frame[3] = (uint8_t)v;
    return att_slice_of(frame, 4);
}

void prov_finish(struct prov_gateway *g, struct att_sample *s, struct att_diag *why)
{
    size_t i = index_of(g, s->channel);

    if (s->sequence == 0)
        s->sequence = g->sequence[i] + 1;
    att_channels_make(g->channels, i, s, &g->facts, why);
    g->sequence[i] = s->sequence;
}

struct att_sample prov_sample(struct prov_gateway *g, const char *channel, struct att_slice frame,
                              struct att_diag *why)
{
    struct att_sample s = {.channel = att_slice_str(channel),
                           .from_ms = g->clock_ms,
                           .until_ms = g->clock_ms + 20,
                           .frame = frame};
    const struct att_channel *c = &g->spec->channel[index_of(g, s.channel)];

    s.identity = att_slice_str(c->sensor);
    prov_finish(g, &s, why);
    return s;
}

struct att_batch_statement prov_draft(const struct prov_gateway *g, uint64_t number,
                                      const uint8_t previous[ATT_HEAD_LEN])
{
    struct att_batch_statement s = {.device = att_slice_str("gw-1"),
                                    .number = number,
                                    .clock_ms = g->clock_ms,
                                    .utc_s = g->facts.utc_s};

    memcpy(s.previous, previous, ATT_HEAD_LEN);
    memcpy(s.spec, g->spec->digest, sizeof(s.spec));
    memset(s.label, 0x4c, sizeof(s.label));
    return s;
}
