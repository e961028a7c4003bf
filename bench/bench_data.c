/*
 * Records of about 200 bytes: checked, hashed and batched as the gateway does it, and verified offline with every
 * value computed again; each beside bare SHA-256 of the same bytes. One core.
 *
 * The channel names its device, is read by a second path, has range, rate and noise limits and looks for replayed
 * windows: what a channel of grade T2 has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/key.h"
#include "harness.h"
#include "need.h"
#include "prov/value.h"
#include "provtest.h"

#define RECORDS 65536

static const char yaml[] =
    "specification: bench\n"
    "version: 1\n"
    "title: {en: Bench, ja: 測定}\n"
    "batch: {every: 1s, at_most: 65536}\n"
    "channels:\n"
    "  - id: level-a\n"
    "    title: {en: Level A, ja: 水位 A}\n"
    "    source: {modbus: {device: plc, unit: 1, function: 4, address: 0, count: 1}}\n"
    "    wire: {type: uint16}\n"
    "    raw: {min: 4000, max: 20000}\n"
    "    calibration: {version: 1, from: 2026-01-01, until: 2028-01-01, table: [[4000, 0], [20000, "
    "5]]}\n"
    "    unit: m\n"
    "    resolution: 0.001\n"
    "    period: 1s\n"
    "    max_age: 500ms\n"
    "    sensor: \"Acme Level Transmitter LT-7000, hardware 3.2, firmware 1.14.0, serial "
    "00417733-A\"\n"
    "    second: {source: {modbus: {device: spare, unit: 1, function: 4, address: 0, count: 1}}, "
    "wire: {type: uint16},\n"
    "             says: raw, tolerance: 0.01}\n"
    "    range: {low: 0.2, high: 4.8}\n"
    "    rate: {most: 0.5, in: 1s}\n"
    "    quiet: {least: 0.001, over: 8}\n"
    "    replay: {over: 8}\n";

struct scene {
    struct prov_gateway g;
    struct att_signer *signer;
    struct att_batch *batch;
    struct att_buf *file;
    struct att_buf *spec;
    uint8_t (*frame)[4];
    struct att_hasher *hasher;
    size_t record_len;
    uint8_t head[ATT_HEAD_LEN];
};

static void make_frames(struct scene *s)
{
    uint32_t noise = 1;

    s->frame = calloc(RECORDS, sizeof(*s->frame));
    NEED(s->frame != NULL);
    for (size_t i = 0; i < RECORDS; i++) {
        noise = noise * 1664525 + 1013904223;
        (void)prov_register(s->frame[i], (uint16_t)(12000 + (noise >> 24)));
    }
}

/* A whole batch: value, checks, encoding, leaf, tree, signature. */
static void seal(void *ctx)
{
    struct scene *s = ctx;
    static const uint8_t none[ATT_HEAD_LEN];
    struct att_batch_statement draft;
    struct att_diag diag = {0};

    prov_stop(&s->g);
    prov_start(&s->g, yaml);
    for (size_t i = 0; i < RECORDS; i++) {
        struct att_slice frame = att_slice_of(s->frame[i], sizeof(s->frame[i]));
        struct att_sample one = {.channel = att_slice_str("level-a"),
                                 .from_ms = s->g.clock_ms,
                                 .until_ms = s->g.clock_ms + 20,
                                 .frame = frame,
                                 .second = frame,
                                 .identity = att_slice_str(s->g.spec->channel[0].sensor)};

        prov_finish(&s->g, &one, NULL);
        NEED(att_batch_add(s->batch, &one) == ATT_OK);
        s->g.clock_ms += 1000;
    }
    draft = prov_draft(&s->g, 1, none);
    att_buf_free(s->file);
    s->file = NULL;
    NEED(att_batch_close(&s->file, s->head, s->batch, &draft, s->signer, &diag) == ATT_OK);
}

/* What a partner does with it. */
static void verify(void *ctx)
{
    struct scene *s = ctx;
    ATT_CLEANUP(att_data_freep) struct att_data *d = NULL;
    struct att_spec *spec = NULL;
    struct att_batch_file f;
    struct att_batch_statement st;
    struct att_diag diag = {0};

    NEED(att_data_new(&d) == ATT_OK);
    NEED(att_spec_decode(&spec, att_buf_slice(s->spec), &diag) == ATT_OK);
    NEED(att_data_add_spec(d, spec, &diag) == ATT_OK);
    NEED(att_batch_file_parse(&f, att_buf_slice(s->file), &diag) == ATT_OK);
    NEED(att_data_batch(d, &st, &f, s->signer->public_key, NULL, NULL, &diag) == ATT_OK);
    NEED(att_data_totals(d)->recomputed == RECORDS && att_data_totals(d)->failed == 0);
}

/* SHA-256 of as many bytes in as many pieces: what no record can do without. */
static void bare(void *ctx)
{
    struct scene *s = ctx;
    const uint8_t *p = att_buf_slice(s->file).p;
    uint8_t out[32];

    for (size_t i = 0; i < RECORDS; i++) {
        NEED(att_hasher_start(s->hasher, ATT_HASH_SHA256) == ATT_OK);
        NEED(att_hasher_add(s->hasher, &p[i * s->record_len], s->record_len) == ATT_OK);
        NEED(att_hasher_finish(s->hasher, out) == ATT_OK);
    }
}

/* bench_ops counts batches; people count records. */
static double rate_of(bench_op *op, struct scene *s)
{
    return RECORDS / bench_op_us(op, s) * 1e6;
}

static void rows(const char *name, bench_op *op, double goal, struct scene *s)
{
    struct bench_row rate = {.unit = "1/s", .bound = BENCH_AT_LEAST, .goal = goal};
    struct bench_row ratio = {.unit = "1/s", .bound = BENCH_AT_LEAST, .goal = 0.3};
    double ours[5], limit[5];
    char text[80];

    for (size_t i = 0; i < ATT_COUNT(ours); i++) {
        ours[i] = rate_of(op, s);
        limit[i] = rate_of(bare, s);
    }
    rate.name = name;
    bench_report(&rate, bench_median(ours, ATT_COUNT(ours)), 0);
    (void)snprintf(text, sizeof(text), "%s, beside bare SHA-256", name);
    ratio.name = text;
    bench_report(&ratio, bench_median(ours, ATT_COUNT(ours)),
                 bench_median(limit, ATT_COUNT(limit)));
}

static void proof_row(struct scene *s)
{
    static const uint32_t WHICH[] = {12345};
    struct bench_row row = {"inclusion proof of one in 65,536", "bytes", BENCH_AT_MOST, 600};
    ATT_CLEANUP(att_buf_freep) struct att_buf *one = NULL;
    struct att_batch_file f;

    NEED(att_batch_file_parse(&f, att_buf_slice(s->file), NULL) == ATT_OK);
    NEED(att_batch_disclose(&one, &f, WHICH, 1, NULL) == ATT_OK);
    bench_report(&row, (double)(att_buf_len(one) - s->record_len - f.statement.len), 0);
}

int main(void)
{
    struct scene s = {0};
    struct att_privkey *key = NULL;
    struct bench_row size = {"record", "bytes", BENCH_TOLD, 0};

    (void)bench_pin(BENCH_LAST_CORE);
    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&s.signer, key) == ATT_OK);
    NEED(att_batch_new(&s.batch, RECORDS) == ATT_OK);
    NEED(att_hasher_new(&s.hasher) == ATT_OK);
    make_frames(&s);
    seal(&s);
    NEED(att_buf_new(&s.spec, ATT_SPEC_FILE_MAX) == ATT_OK);
    NEED(att_buf_add_slice(s.spec, att_buf_slice(s.g.spec->bytes)) == ATT_OK);
    s.record_len = att_buf_len(s.file) / RECORDS;
    bench_report(&size, (double)s.record_len, 0);
    rows("records checked, hashed, batched", seal, 500000, &s);
    rows("records verified and recomputed", verify, 400000, &s);
    proof_row(&s);
    prov_stop(&s.g);
    att_buf_free(s.file);
    att_buf_free(s.spec);
    att_batch_free(s.batch);
    att_hasher_free(s.hasher);
    att_signer_free(s.signer);
    free(s.frame);
    return 0;
}
