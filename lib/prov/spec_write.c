/* The deterministic CBOR of a specification (docs/formats/specification.md): what is signed, and what records name. */
#include <string.h>

#include "codec/cbor_wr.h"
#include "prov/decimal_cbor.h"
#include "prov/spec_internal.h"
#include "prov/spec_keys.h"

/* What is not asked for is absent, never there with nothing in it. */
static size_t channel_entries(const struct att_channel *c)
{
    bool optional[] = {c->fault_count > 0,
                       c->filter != ATT_FILTER_NONE,
                       c->has_range,
                       c->has_rate,
                       c->has_quiet,
                       c->replay_over > 0,
                       c->has_second,
                       c->has_stimulus,
                       c->sensor[0] != '\0',
                       c->output,
                       c->no_feedback[0] != '\0'};
    size_t n = ATT_CHANNEL_ALWAYS;

    for (size_t i = 0; i < ATT_COUNT(optional); i++) {
        n += optional[i] ? 1 : 0;
    }
    return n;
}

static void write_title(struct att_wr *w, const char *en, const char *ja)
{
    att_cbor_wr_array(w, 2);
    att_cbor_wr_text(w, en);
    att_cbor_wr_text(w, ja);
}

static void write_source(struct att_wr *w, const struct att_channel_source *s)
{
    bool modbus = s->bus == ATT_BUS_MODBUS;

    att_cbor_wr_array(w, modbus ? 6 : 3);
    att_cbor_wr_uint(w, (uint64_t)s->bus);
    att_cbor_wr_text(w, s->device);
    if (!modbus) {
        att_cbor_wr_text(w, s->name);
        return;
    }
    att_cbor_wr_uint(w, s->unit);
    att_cbor_wr_uint(w, s->function);
    att_cbor_wr_uint(w, s->address);
    att_cbor_wr_uint(w, s->count);
}

static void write_wire(struct att_wr *w, const struct att_channel_wire *x)
{
    att_cbor_wr_array(w, 5);
    att_cbor_wr_uint(w, (uint64_t)x->type);
    att_cbor_wr_bool(w, x->little_bytes);
    att_cbor_wr_bool(w, x->little_words);
    att_cbor_wr_uint(w, x->decimals);
    att_cbor_wr_text(w, x->field);
}

static void write_band(struct att_wr *w, struct att_decimal low, struct att_decimal high)
{
    att_cbor_wr_array(w, 2);
    att_decimal_write(w, low);
    att_decimal_write(w, high);
}

static void write_faults(struct att_wr *w, const struct att_channel *c)
{
    att_cbor_wr_uint(w, ATT_CHANNEL_FAULTS);
    att_cbor_wr_array(w, c->fault_count);
    for (size_t i = 0; i < c->fault_count; i++) {
        att_cbor_wr_array(w, 3);
        att_decimal_write(w, c->fault[i].from);
        att_decimal_write(w, c->fault[i].to);
        att_cbor_wr_text(w, c->fault[i].means);
    }
}

static void write_calibration(struct att_wr *w, const struct att_calibration *k)
{
    att_cbor_wr_array(w, 5);
    att_cbor_wr_uint(w, k->version);
    att_cbor_wr_uint(w, (uint64_t)k->from_s);
    att_cbor_wr_uint(w, (uint64_t)k->until_s);
    att_cbor_wr_bool(w, k->is_table);
    att_cbor_wr_array(w, k->count);
    for (size_t i = 0; i < k->count; i++) {
        if (k->is_table) {
            write_band(w, k->raw[i], k->value[i]);
        } else {
            att_decimal_write(w, k->value[i]);
        }
    }
}

static void write_limits(struct att_wr *w, const struct att_channel *c)
{
    if (c->filter != ATT_FILTER_NONE) {
        att_cbor_wr_uint(w, ATT_CHANNEL_FILTER);
        att_cbor_wr_array(w, 2);
        att_cbor_wr_uint(w, (uint64_t)c->filter);
        att_cbor_wr_uint(w, c->filter_window);
    }
    if (c->has_range) {
        att_cbor_wr_uint(w, ATT_CHANNEL_RANGE);
        write_band(w, c->low, c->high);
    }
    if (c->has_rate) {
        att_cbor_wr_uint(w, ATT_CHANNEL_RATE);
        att_cbor_wr_array(w, 2);
        att_decimal_write(w, c->rate_most);
        att_cbor_wr_uint(w, (uint64_t)c->rate_ms);
    }
    if (c->has_quiet) {
        att_cbor_wr_uint(w, ATT_CHANNEL_QUIET);
        att_cbor_wr_array(w, 2);
        att_decimal_write(w, c->quiet_least);
        att_cbor_wr_uint(w, c->quiet_over);
    }
    if (c->replay_over > 0) {
        att_cbor_wr_uint(w, ATT_CHANNEL_REPLAY);
        att_cbor_wr_uint(w, c->replay_over);
    }
}

static void write_beside(struct att_wr *w, const struct att_channel *c)
{
    if (c->has_second) {
        att_cbor_wr_uint(w, ATT_CHANNEL_SECOND);
        att_cbor_wr_array(w, 4);
        write_source(w, &c->second.source);
        write_wire(w, &c->second.wire);
        att_cbor_wr_bool(w, c->second.is_value);
        att_decimal_write(w, c->second.tolerance);
    }
    if (c->has_stimulus) {
        att_cbor_wr_uint(w, ATT_CHANNEL_STIMULUS);
        att_cbor_wr_array(w, 3);
        write_source(w, &c->stimulus.source);
        att_decimal_write(w, c->stimulus.low);
        att_decimal_write(w, c->stimulus.high);
    }
    if (c->sensor[0] != '\0') {
        att_cbor_wr_uint(w, ATT_CHANNEL_SENSOR);
        att_cbor_wr_text(w, c->sensor);
    }
    if (c->output) {
        att_cbor_wr_uint(w, ATT_CHANNEL_OUTPUT);
        att_cbor_wr_bool(w, true);
    }
    att_cbor_wr_uint(w, ATT_CHANNEL_QUARANTINE);
    att_cbor_wr_bool(w, c->quarantine);
    if (c->no_feedback[0] != '\0') {
        att_cbor_wr_uint(w, ATT_CHANNEL_NO_FEEDBACK);
        att_cbor_wr_text(w, c->no_feedback);
    }
}

void att_spec_write_channel(struct att_wr *w, const struct att_channel *c)
{
    att_cbor_wr_map(w, channel_entries(c));
    att_cbor_wr_uint(w, ATT_CHANNEL_ID);
    att_cbor_wr_text(w, c->id);
    att_cbor_wr_uint(w, ATT_CHANNEL_TITLE);
    write_title(w, c->title_en, c->title_ja);
    att_cbor_wr_uint(w, ATT_CHANNEL_SOURCE);
    write_source(w, &c->source);
    att_cbor_wr_uint(w, ATT_CHANNEL_WIRE);
    write_wire(w, &c->wire);
    att_cbor_wr_uint(w, ATT_CHANNEL_RAW);
    write_band(w, c->raw_min, c->raw_max);
    if (c->fault_count > 0) {
        write_faults(w, c);
    }
    att_cbor_wr_uint(w, ATT_CHANNEL_CALIBRATION);
    write_calibration(w, &c->calibration);
    att_cbor_wr_uint(w, ATT_CHANNEL_UNIT);
    att_cbor_wr_text(w, c->unit);
    att_cbor_wr_uint(w, ATT_CHANNEL_RESOLUTION);
    att_decimal_write(w, c->resolution);
    att_cbor_wr_uint(w, ATT_CHANNEL_ROUNDING);
    att_cbor_wr_uint(w, (uint64_t)c->rounding);
    att_cbor_wr_uint(w, ATT_CHANNEL_PERIOD);
    att_cbor_wr_uint(w, (uint64_t)c->period_ms);
    att_cbor_wr_uint(w, ATT_CHANNEL_MAX_AGE);
    att_cbor_wr_uint(w, (uint64_t)c->max_age_ms);
    write_limits(w, c);
    write_beside(w, c);
}

/* --- relations --- */

static void write_members(struct att_wr *w, const uint8_t *member, size_t count)
{
    att_cbor_wr_array(w, count);
    for (size_t i = 0; i < count; i++) {
        att_cbor_wr_uint(w, member[i]);
    }
}

static void write_redundancy(struct att_wr *w, const struct att_redundancy *r)
{
    att_cbor_wr_array(w, 3);
    att_cbor_wr_text(w, r->id);
    write_members(w, r->channel, r->count);
    att_decimal_write(w, r->tolerance);
}

static void write_balance(struct att_wr *w, const struct att_balance *b)
{
    att_cbor_wr_array(w, 3);
    att_cbor_wr_text(w, b->id);
    att_cbor_wr_array(w, b->count);
    for (size_t i = 0; i < b->count; i++) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_uint(w, b->channel[i]);
        att_decimal_write(w, b->factor[i]);
    }
    att_decimal_write(w, b->tolerance);
}

static void write_feedback(struct att_wr *w, const struct att_feedback *f)
{
    att_cbor_wr_array(w, 6);
    att_cbor_wr_text(w, f->id);
    att_cbor_wr_uint(w, f->command);
    att_cbor_wr_uint(w, f->feedback);
    att_decimal_write(w, f->tolerance);
    att_cbor_wr_uint(w, (uint64_t)f->settling_ms);
    att_decimal_write(w, f->fail_safe);
}

static void write_interlock(struct att_wr *w, const struct att_interlock *x)
{
    att_cbor_wr_array(w, 5);
    att_cbor_wr_text(w, x->id);
    att_cbor_wr_uint(w, x->command);
    att_cbor_wr_uint(w, x->state);
    att_decimal_write(w, x->low);
    att_decimal_write(w, x->high);
}

static void write_seal(struct att_wr *w, const struct att_seal *x)
{
    att_cbor_wr_array(w, 4);
    att_cbor_wr_text(w, x->id);
    att_cbor_wr_uint(w, x->channel);
    att_decimal_write(w, x->intact);
    write_members(w, x->covers, x->count);
}

static void write_relations(struct att_wr *w, const struct att_spec *s)
{
    if (s->redundancy_count > 0) {
        att_cbor_wr_uint(w, ATT_SPEC_REDUNDANCY);
        att_cbor_wr_array(w, s->redundancy_count);
    }
    for (size_t i = 0; i < s->redundancy_count; i++) {
        write_redundancy(w, &s->redundancy[i]);
    }
    if (s->balance_count > 0) {
        att_cbor_wr_uint(w, ATT_SPEC_BALANCE);
        att_cbor_wr_array(w, s->balance_count);
    }
    for (size_t i = 0; i < s->balance_count; i++) {
        write_balance(w, &s->balance[i]);
    }
    if (s->feedback_count > 0) {
        att_cbor_wr_uint(w, ATT_SPEC_FEEDBACK);
        att_cbor_wr_array(w, s->feedback_count);
    }
    for (size_t i = 0; i < s->feedback_count; i++) {
        write_feedback(w, &s->feedback[i]);
    }
    if (s->interlock_count > 0) {
        att_cbor_wr_uint(w, ATT_SPEC_INTERLOCK);
        att_cbor_wr_array(w, s->interlock_count);
    }
    for (size_t i = 0; i < s->interlock_count; i++) {
        write_interlock(w, &s->interlock[i]);
    }
    if (s->seal_count > 0) {
        att_cbor_wr_uint(w, ATT_SPEC_SEALS);
        att_cbor_wr_array(w, s->seal_count);
    }
    for (size_t i = 0; i < s->seal_count; i++) {
        write_seal(w, &s->seal[i]);
    }
}

void att_spec_write(struct att_wr *w, const struct att_spec *s)
{
    size_t counts[] = {s->redundancy_count, s->balance_count, s->feedback_count, s->interlock_count,
                       s->seal_count};
    size_t entries = ATT_SPEC_ALWAYS;

    for (size_t i = 0; i < ATT_COUNT(counts); i++) {
        entries += counts[i] > 0 ? 1 : 0;
    }
    att_cbor_wr_map(w, entries);
    att_cbor_wr_uint(w, ATT_SPEC_FORMAT);
    att_cbor_wr_uint(w, ATT_SPEC_FORMAT_VERSION);
    att_cbor_wr_uint(w, ATT_SPEC_ID);
    att_cbor_wr_text(w, s->id);
    att_cbor_wr_uint(w, ATT_SPEC_VERSION);
    att_cbor_wr_uint(w, s->version);
    att_cbor_wr_uint(w, ATT_SPEC_TITLE);
    write_title(w, s->title_en, s->title_ja);
    att_cbor_wr_uint(w, ATT_SPEC_BATCH);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_uint(w, (uint64_t)s->batch_ms);
    att_cbor_wr_uint(w, s->batch_size);
    att_cbor_wr_uint(w, ATT_SPEC_CHANNELS);
    att_cbor_wr_array(w, s->channel_count);
    for (size_t i = 0; i < s->channel_count; i++) {
        att_spec_write_channel(w, &s->channel[i]);
    }
    write_relations(w, s);
}
