/* A specification as YAML again: what was signed can be read and edited without the text that it came from. */
#include "prov/spec_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "prov/spec_internal.h"

#define PRINT_MAX 4194304

/* Quoted, so that no word of it is taken for something else; the rules let no control character in. */
static void quote(struct att_text *p, const char *text)
{
    att_text_add(p, "\"");
    for (const char *at = text; *at != '\0'; at++) {
        att_text_add(p, "%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
    }
    att_text_add(p, "\"");
}

/* Large ones with an exponent: more than 18 digits are refused, zeros or not. */
static void number(struct att_text *p, const char *before, struct att_decimal d)
{
    char text[ATT_DECIMAL_TEXT];

    (void)att_decimal_print(text, sizeof(text), d);
    if (d.exponent > 0 && strlen(text) > ATT_DECIMAL_DIGITS) {
        (void)snprintf(text, sizeof(text), "%" PRId64 "e%d", d.mantissa, d.exponent);
    }
    att_text_add(p, "%s%s", before, text);
}

/* In the largest unit that it is a whole number of. */
static void span(struct att_text *p, const char *before, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } UNIT[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;

    while (ms % UNIT[i].ms != 0) {
        i++;
    }
    att_text_add(p, "%s%" PRId64 "%s", before, ms / UNIT[i].ms, UNIT[i].unit);
}

static void date(struct att_text *p, const char *before, int64_t s)
{
    char text[ATT_TIME_TEXT];

    (void)att_time_print(text, sizeof(text), s);
    att_text_add(p, "%s%.*s", before, s % 86400 == 0 ? 10 : (int)strlen(text), text);
}

static void title(struct att_text *p, const char *en, const char *ja)
{
    att_text_add(p, "{en: ");
    quote(p, en);
    att_text_add(p, ", ja: ");
    quote(p, ja);
    att_text_add(p, "}");
}

/* --- what a channel has --- */

#define CHANNEL const struct att_channel

static void print_title(struct att_text *p, CHANNEL *c)
{
    title(p, c->title_en, c->title_ja);
}

static void source(struct att_text *p, const struct att_channel_source *s)
{
    static const char *const NAME[ATT_BUS__COUNT] = {"", "attribute", "topic", "key"};

    att_text_add(p, "{%s: {device: %s, ", att_bus_words[s->bus], s->device);
    if (s->bus == ATT_BUS_MODBUS) {
        att_text_add(p, "unit: %u, function: %u, address: %u, count: %u}}", s->unit, s->function,
                     s->address, s->count);
        return;
    }
    att_text_add(p, "%s: ", NAME[s->bus]);
    quote(p, s->name);
    att_text_add(p, "}}");
}

static void print_source(struct att_text *p, CHANNEL *c)
{
    source(p, &c->source);
}

static void wire(struct att_text *p, const struct att_channel_wire *w)
{
    att_text_add(p, "{type: %s", att_wire_words[w->type]);
    if (w->type != ATT_WIRE_TEXT) {
        att_text_add(p, ", bytes: %s, words: %s", w->little_bytes ? "little" : "big",
                     w->little_words ? "little" : "big");
    }
    att_text_add(p, ", decimals: %u", w->decimals);
    if (w->field[0] != '\0') {
        att_text_add(p, ", field: ");
        quote(p, w->field);
    }
    att_text_add(p, "}");
}

static void print_wire(struct att_text *p, CHANNEL *c)
{
    wire(p, &c->wire);
}

static void print_raw(struct att_text *p, CHANNEL *c)
{
    number(p, "{min: ", c->raw_min);
    number(p, ", max: ", c->raw_max);
    att_text_add(p, "}");
}

static void print_faults(struct att_text *p, CHANNEL *c)
{
    for (size_t i = 0; i < c->fault_count; i++) {
        number(p, i == 0 ? "[{from: " : ", {from: ", c->fault[i].from);
        number(p, ", to: ", c->fault[i].to);
        att_text_add(p, ", means: %s}%s", c->fault[i].means, i + 1 == c->fault_count ? "]" : "");
    }
}

static void print_calibration(struct att_text *p, CHANNEL *c)
{
    const struct att_calibration *k = &c->calibration;

    att_text_add(p, "{version: %" PRIu64, k->version);
    date(p, ", from: ", k->from_s);
    date(p, ", until: ", k->until_s);
    att_text_add(p, ", %s: [", k->is_table ? "table" : "polynomial");
    for (size_t i = 0; i < k->count; i++) {
        const char *between = i == 0 ? "" : ", ";

        if (k->is_table) {
            att_text_add(p, "%s", between);
            number(p, "[", k->raw[i]);
            number(p, ", ", k->value[i]);
            att_text_add(p, "]");
        } else {
            number(p, between, k->value[i]);
        }
    }
    att_text_add(p, "]}");
}

static void print_unit(struct att_text *p, CHANNEL *c)
{
    quote(p, c->unit);
}

static void print_resolution(struct att_text *p, CHANNEL *c)
{
    number(p, "", c->resolution);
}

static void print_rounding(struct att_text *p, CHANNEL *c)
{
    att_text_add(p, "%s", att_rounding_words[c->rounding]);
}

static void print_period(struct att_text *p, CHANNEL *c)
{
    span(p, "", c->period_ms);
}

static void print_max_age(struct att_text *p, CHANNEL *c)
{
    span(p, "", c->max_age_ms);
}

static void print_filter(struct att_text *p, CHANNEL *c)
{
    if (c->filter != ATT_FILTER_NONE) {
        att_text_add(p, "{%s: %u}", att_filter_words[c->filter], c->filter_window);
    }
}

static void print_range(struct att_text *p, CHANNEL *c)
{
    if (c->has_range) {
        number(p, "{low: ", c->low);
        number(p, ", high: ", c->high);
        att_text_add(p, "}");
    }
}

static void print_rate(struct att_text *p, CHANNEL *c)
{
    if (c->has_rate) {
        number(p, "{most: ", c->rate_most);
        span(p, ", in: ", c->rate_ms);
        att_text_add(p, "}");
    }
}

static void print_quiet(struct att_text *p, CHANNEL *c)
{
    if (c->has_quiet) {
        number(p, "{least: ", c->quiet_least);
        att_text_add(p, ", over: %u}", c->quiet_over);
    }
}

static void print_replay(struct att_text *p, CHANNEL *c)
{
    if (c->replay_over != 0) {
        att_text_add(p, "{over: %u}", c->replay_over);
    }
}

static void print_second(struct att_text *p, CHANNEL *c)
{
    if (c->has_second) {
        att_text_add(p, "{source: ");
        source(p, &c->second.source);
        att_text_add(p, ", wire: ");
        wire(p, &c->second.wire);
        att_text_add(p, ", says: %s", c->second.is_value ? "value" : "raw");
        number(p, ", tolerance: ", c->second.tolerance);
        att_text_add(p, "}");
    }
}

static void print_stimulus(struct att_text *p, CHANNEL *c)
{
    if (c->has_stimulus) {
        att_text_add(p, "{source: ");
        source(p, &c->stimulus.source);
        number(p, ", low: ", c->stimulus.low);
        number(p, ", high: ", c->stimulus.high);
        att_text_add(p, "}");
    }
}

static void print_sensor(struct att_text *p, CHANNEL *c)
{
    if (c->sensor[0] != '\0') {
        quote(p, c->sensor);
    }
}

static void print_output(struct att_text *p, CHANNEL *c)
{
    att_text_add(p, "%s", c->output ? "true" : "false");
}

static void print_no_feedback(struct att_text *p, CHANNEL *c)
{
    if (c->no_feedback[0] != '\0') {
        quote(p, c->no_feedback);
    }
}

static void print_quarantine(struct att_text *p, CHANNEL *c)
{
    att_text_add(p, "%s", c->quarantine ? "true" : "false");
}

static const struct {
    const char *key;
    void (*print)(struct att_text *, CHANNEL *);
} KEY[ATT_CHANNEL_KEYS] = {
    {"title", print_title},
    {"source", print_source},
    {"wire", print_wire},
    {"raw", print_raw},
    {"faults", print_faults},
    {"calibration", print_calibration},
    {"unit", print_unit},
    {"resolution", print_resolution},
    {"rounding", print_rounding},
    {"period", print_period},
    {"max_age", print_max_age},
    {"filter", print_filter},
    {"range", print_range},
    {"rate", print_rate},
    {"quiet", print_quiet},
    {"replay", print_replay},
    {"sensor", print_sensor},
    {"second", print_second},
    {"stimulus", print_stimulus},
    {"output", print_output},
    {"no_feedback", print_no_feedback},
    {"quarantine", print_quarantine},
};

const char *att_channel_key(size_t key)
{
    return KEY[key].key;
}

/* What print writes of it, terminated. */
static enum att_err finish(struct att_buf **out, struct att_text *p)
{
    if (p->err == ATT_OK) {
        p->err = att_buf_add(p->out, "", 1);
    }
    if (p->err != ATT_OK) {
        att_buf_freep(&p->out);
        return p->err;
    }
    *out = p->out;
    return ATT_OK;
}

enum att_err att_channel_print(struct att_buf **out, const struct att_channel *c, size_t key)
{
    struct att_text p = {NULL, ATT_OK};
    enum att_err err = att_buf_new(&p.out, PRINT_MAX);

    if (err != ATT_OK) {
        return err;
    }
    KEY[key].print(&p, c);
    return finish(out, &p);
}

static void put(struct att_text *p, struct att_slice text)
{
    if (p->err == ATT_OK) {
        p->err = att_buf_add_slice(p->out, text);
    }
}

static void channel(struct att_text *p, CHANNEL *c)
{
    att_text_add(p, "  - id: %s\n", c->id);
    for (size_t i = 0; p->err == ATT_OK && i < ATT_CHANNEL_KEYS; i++) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;

        p->err = att_channel_print(&text, c, i);
        if (p->err == ATT_OK && att_buf_len(text) > 1) {
            att_text_add(p, "    %s: ", KEY[i].key);
            put(p, att_slice_of(att_buf_slice(text).p, att_buf_len(text) - 1));
            att_text_add(p, "\n");
        }
    }
}

/* --- relations --- */

static void members(struct att_text *p, const struct att_spec *s, const uint8_t *member,
                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        att_text_add(p, "%s%s%s", i == 0 ? "[" : ", ", s->channel[member[i]].id,
                     i + 1 == count ? "]" : "");
    }
}

static void redundancy(struct att_text *p, const struct att_spec *s, const struct att_redundancy *r)
{
    att_text_add(p, "channels: ");
    members(p, s, r->channel, r->count);
    number(p, ", tolerance: ", r->tolerance);
}

static void balance(struct att_text *p, const struct att_spec *s, const struct att_balance *b)
{
    for (size_t i = 0; i < b->count; i++) {
        att_text_add(p, "%s{channel: %s", i == 0 ? "terms: [" : ", ", s->channel[b->channel[i]].id);
        number(p, ", factor: ", b->factor[i]);
        att_text_add(p, "}");
    }
    number(p, "], tolerance: ", b->tolerance);
}

static void feedback(struct att_text *p, const struct att_spec *s, const struct att_feedback *f)
{
    att_text_add(p, "command: %s, feedback: %s", s->channel[f->command].id,
                 s->channel[f->feedback].id);
    number(p, ", tolerance: ", f->tolerance);
    span(p, ", settling: ", f->settling_ms);
    number(p, ", fail_safe: ", f->fail_safe);
}

static void interlock(struct att_text *p, const struct att_spec *s, const struct att_interlock *x)
{
    att_text_add(p, "command: %s, while: %s", s->channel[x->command].id, s->channel[x->state].id);
    number(p, ", low: ", x->low);
    number(p, ", high: ", x->high);
}

static void seal(struct att_text *p, const struct att_spec *s, const struct att_seal *x)
{
    att_text_add(p, "switch: %s", s->channel[x->channel].id);
    number(p, ", intact: ", x->intact);
    att_text_add(p, ", covers: ");
    members(p, s, x->covers, x->count);
}

static void relation(struct att_text *p, const struct att_spec *s, enum att_relation kind,
                     const void *r)
{
    att_text_add(p, "{id: %s, ", (const char *)r);
    switch (kind) {
    case ATT_RELATION_REDUNDANCY:
        redundancy(p, s, r);
        break;
    case ATT_RELATION_BALANCE:
        balance(p, s, r);
        break;
    case ATT_RELATION_FEEDBACK:
        feedback(p, s, r);
        break;
    case ATT_RELATION_INTERLOCK:
        interlock(p, s, r);
        break;
    case ATT_RELATION_SEAL:
        seal(p, s, r);
        break;
    }
    att_text_add(p, "}");
}

enum att_err att_relation_print(struct att_buf **out, const struct att_spec *s,
                                enum att_relation kind, const void *r)
{
    struct att_text p = {NULL, ATT_OK};
    enum att_err err = att_buf_new(&p.out, PRINT_MAX);

    if (err != ATT_OK) {
        return err;
    }
    relation(&p, s, kind, r);
    return finish(out, &p);
}

/* --- the whole --- */

static void spec(struct att_text *p, const struct att_spec *s)
{
    att_text_add(p, "specification: %s\nversion: %" PRIu64 "\ntitle: ", s->id, s->version);
    title(p, s->title_en, s->title_ja);
    span(p, "\nbatch: {every: ", s->batch_ms);
    att_text_add(p, ", at_most: %" PRIu32 "}\nchannels:\n", s->batch_size);
    for (size_t i = 0; i < s->channel_count; i++) {
        channel(p, &s->channel[i]);
    }
    for (int k = 0; k < ATT_RELATION__COUNT; k++) {
        struct att_relation_view all = att_spec_relation_view(s, (enum att_relation)k);

        for (size_t i = 0; i < all.count; i++) {
            if (i == 0) {
                att_text_add(p, "%s:\n", all.key);
            }
            att_text_add(p, "  - ");
            relation(p, s, (enum att_relation)k, att_relation_view_at(&all, i));
            att_text_add(p, "\n");
        }
    }
}

enum att_err att_spec_print_yaml(struct att_buf **out, const struct att_spec *s)
{
    struct att_text p = {NULL, ATT_OK};
    enum att_err err = att_buf_new(&p.out, PRINT_MAX);

    if (err != ATT_OK) {
        return err;
    }
    spec(&p, s);
    if (p.err != ATT_OK) {
        att_buf_free(p.out);
        return p.err;
    }
    *out = p.out;
    return ATT_OK;
}
