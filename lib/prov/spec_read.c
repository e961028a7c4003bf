/* From deterministic CBOR: as strict as the text, and nothing but the one encoding of what it says. */
#include <string.h>

#include "base/guard.h"
#include "prov/decimal_cbor.h"
#include "prov/spec_internal.h"
#include "prov/spec_keys.h"

#define MS_MAX ((uint64_t)ATT_SPEC_TIME_MAX_MS)

/* Exactly so many items; what is in them is read next. */
static void enter(struct att_cbor *c, uint32_t items)
{
    if (att_cbor_enter_array(c, items) != items) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static void read_title(struct att_cbor *c, char en[ATT_PROV_NAME], char ja[ATT_PROV_NAME])
{
    enter(c, 2);
    att_cbor_text_copy(c, en, ATT_PROV_NAME);
    att_cbor_text_copy(c, ja, ATT_PROV_NAME);
    att_cbor_leave(c);
}

static void read_source(struct att_cbor *c, struct att_channel_source *s)
{
    uint32_t items = att_cbor_enter_array(c, 6);

    s->bus = (enum att_bus)att_cbor_uint_max(c, ATT_BUS__COUNT - 1);
    att_cbor_text_copy(c, s->device, sizeof(s->device));
    if (items != (s->bus == ATT_BUS_MODBUS ? 6 : 3)) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    if (s->bus != ATT_BUS_MODBUS) {
        att_cbor_text_copy(c, s->name, sizeof(s->name));
    } else {
        s->unit = (uint8_t)att_cbor_uint_max(c, UINT8_MAX);
        s->function = (uint8_t)att_cbor_uint_max(c, UINT8_MAX);
        s->address = (uint16_t)att_cbor_uint_max(c, UINT16_MAX);
        s->count = (uint16_t)att_cbor_uint_max(c, UINT16_MAX);
    }
    att_cbor_leave(c);
}

static void read_wire(struct att_cbor *c, struct att_channel_wire *w)
{
    enter(c, 5);
    w->type = (enum att_wire_type)att_cbor_uint_max(c, ATT_WIRE__COUNT - 1);
    w->little_bytes = att_cbor_bool(c);
    w->little_words = att_cbor_bool(c);
    w->decimals = (uint8_t)att_cbor_uint_max(c, ATT_SPEC_DECIMALS_MAX);
    att_cbor_text_copy(c, w->field, sizeof(w->field));
    att_cbor_leave(c);
}

static void read_band(struct att_cbor *c, struct att_decimal *low, struct att_decimal *high)
{
    enter(c, 2);
    *low = att_decimal_read(c);
    *high = att_decimal_read(c);
    att_cbor_leave(c);
}

static void read_faults(struct att_cbor *c, struct att_channel *x)
{
    (void)att_cbor_enter_array(c, ATT_SPEC_FAULTS_MAX);
    while (att_cbor_more(c)) {
        struct att_fault_band *f = &x->fault[x->fault_count++];

        enter(c, 3);
        f->from = att_decimal_read(c);
        f->to = att_decimal_read(c);
        att_cbor_text_copy(c, f->means, sizeof(f->means));
        att_cbor_leave(c);
    }
    att_cbor_leave(c);
}

static void read_calibration(struct att_cbor *c, struct att_calibration *k)
{
    enter(c, 5);
    k->version = att_cbor_uint(c);
    k->from_s = (int64_t)att_cbor_uint_max(c, INT64_MAX);
    k->until_s = (int64_t)att_cbor_uint_max(c, INT64_MAX);
    k->is_table = att_cbor_bool(c);
    (void)att_cbor_enter_array(c, ATT_SPEC_POINTS_MAX);
    while (att_cbor_more(c)) {
        if (k->is_table) {
            read_band(c, &k->raw[k->count], &k->value[k->count]);
        } else {
            k->value[k->count] = att_decimal_read(c);
        }
        k->count++;
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

static void read_rate(struct att_cbor *c, struct att_channel *x)
{
    enter(c, 2);
    x->has_rate = true;
    x->rate_most = att_decimal_read(c);
    x->rate_ms = (int64_t)att_cbor_uint_max(c, MS_MAX);
    att_cbor_leave(c);
}

static void read_quiet(struct att_cbor *c, struct att_channel *x)
{
    enter(c, 2);
    x->has_quiet = true;
    x->quiet_least = att_decimal_read(c);
    x->quiet_over = (uint16_t)att_cbor_uint_max(c, ATT_SPEC_WINDOW_MAX);
    att_cbor_leave(c);
}

static void read_filter(struct att_cbor *c, struct att_channel *x)
{
    enter(c, 2);
    x->filter = (enum att_filter)att_cbor_uint_max(c, ATT_FILTER__COUNT - 1);
    x->filter_window = (uint16_t)att_cbor_uint_max(c, ATT_SPEC_WINDOW_MAX);
    att_cbor_leave(c);
}

static void read_second(struct att_cbor *c, struct att_channel *x)
{
    enter(c, 4);
    x->has_second = true;
    read_source(c, &x->second.source);
    read_wire(c, &x->second.wire);
    x->second.is_value = att_cbor_bool(c);
    x->second.tolerance = att_decimal_read(c);
    att_cbor_leave(c);
}

static void read_stimulus(struct att_cbor *c, struct att_channel *x)
{
    enter(c, 3);
    x->has_stimulus = true;
    read_source(c, &x->stimulus.source);
    x->stimulus.low = att_decimal_read(c);
    x->stimulus.high = att_decimal_read(c);
    att_cbor_leave(c);
}

/* What may be absent. */
static void read_optional(struct att_cbor *c, int64_t key, struct att_channel *x)
{
    switch (key) {
    case ATT_CHANNEL_FAULTS:
        read_faults(c, x);
        break;
    case ATT_CHANNEL_FILTER:
        read_filter(c, x);
        break;
    case ATT_CHANNEL_RANGE:
        x->has_range = true;
        read_band(c, &x->low, &x->high);
        break;
    case ATT_CHANNEL_RATE:
        read_rate(c, x);
        break;
    case ATT_CHANNEL_QUIET:
        read_quiet(c, x);
        break;
    case ATT_CHANNEL_REPLAY:
        x->replay_over = (uint16_t)att_cbor_uint_max(c, ATT_SPEC_WINDOW_MAX);
        break;
    case ATT_CHANNEL_SECOND:
        read_second(c, x);
        break;
    case ATT_CHANNEL_STIMULUS:
        read_stimulus(c, x);
        break;
    case ATT_CHANNEL_SENSOR:
        att_cbor_text_copy(c, x->sensor, sizeof(x->sensor));
        break;
    case ATT_CHANNEL_OUTPUT:
        x->output = att_cbor_bool(c);
        break;
    case ATT_CHANNEL_NO_FEEDBACK:
        att_cbor_text_copy(c, x->no_feedback, sizeof(x->no_feedback));
        break;
    default:
        att_cbor_fail(c, ATT_E_FORMAT);
        break;
    }
}

/* What is always there; false for another key. */
static bool read_always(struct att_cbor *c, int64_t key, struct att_channel *x)
{
    switch (key) {
    case ATT_CHANNEL_ID:
        att_cbor_text_copy(c, x->id, sizeof(x->id));
        break;
    case ATT_CHANNEL_TITLE:
        read_title(c, x->title_en, x->title_ja);
        break;
    case ATT_CHANNEL_SOURCE:
        read_source(c, &x->source);
        break;
    case ATT_CHANNEL_WIRE:
        read_wire(c, &x->wire);
        break;
    case ATT_CHANNEL_RAW:
        read_band(c, &x->raw_min, &x->raw_max);
        break;
    case ATT_CHANNEL_CALIBRATION:
        read_calibration(c, &x->calibration);
        break;
    case ATT_CHANNEL_UNIT:
        att_cbor_text_copy(c, x->unit, sizeof(x->unit));
        break;
    case ATT_CHANNEL_RESOLUTION:
        x->resolution = att_decimal_read(c);
        break;
    case ATT_CHANNEL_ROUNDING:
        x->rounding = (enum att_rounding)att_cbor_uint_max(c, ATT_ROUNDING__COUNT - 1);
        break;
    case ATT_CHANNEL_PERIOD:
        x->period_ms = (int64_t)att_cbor_uint_max(c, MS_MAX);
        break;
    case ATT_CHANNEL_MAX_AGE:
        x->max_age_ms = (int64_t)att_cbor_uint_max(c, MS_MAX);
        break;
    case ATT_CHANNEL_QUARANTINE:
        x->quarantine = att_cbor_bool(c);
        break;
    default:
        return false;
    }
    return true;
}

static void read_channel(struct att_cbor *c, struct att_channel *x)
{
    size_t always = 0;

    x->filter_window = 1;
    (void)att_cbor_enter_map(c, ATT_CHANNEL_NO_FEEDBACK);
    while (att_cbor_more(c)) {
        int64_t key = att_cbor_key_int(c);

        if (read_always(c, key, x)) {
            always++; /* keys rise, so that each counts once */
        } else {
            read_optional(c, key, x);
        }
    }
    att_cbor_leave(c);
    if (always != ATT_CHANNEL_ALWAYS) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

/* --- relations --- */

static size_t read_members(struct att_cbor *c, uint8_t member[ATT_SPEC_MEMBERS_MAX])
{
    size_t count = 0;

    (void)att_cbor_enter_array(c, ATT_SPEC_MEMBERS_MAX);
    while (att_cbor_more(c)) {
        member[count++] = (uint8_t)att_cbor_uint_max(c, ATT_SPEC_CHANNELS_MAX - 1);
    }
    att_cbor_leave(c);
    return count;
}

static uint8_t read_index(struct att_cbor *c)
{
    return (uint8_t)att_cbor_uint_max(c, ATT_SPEC_CHANNELS_MAX - 1);
}

static void read_redundancy(struct att_cbor *c, void *relation)
{
    struct att_redundancy *r = relation;

    enter(c, 3);
    att_cbor_text_copy(c, r->id, sizeof(r->id));
    r->count = read_members(c, r->channel);
    r->tolerance = att_decimal_read(c);
    att_cbor_leave(c);
}

static void read_balance(struct att_cbor *c, void *relation)
{
    struct att_balance *b = relation;

    enter(c, 3);
    att_cbor_text_copy(c, b->id, sizeof(b->id));
    (void)att_cbor_enter_array(c, ATT_SPEC_MEMBERS_MAX);
    while (att_cbor_more(c)) {
        enter(c, 2);
        b->channel[b->count] = read_index(c);
        b->factor[b->count++] = att_decimal_read(c);
        att_cbor_leave(c);
    }
    att_cbor_leave(c);
    b->tolerance = att_decimal_read(c);
    att_cbor_leave(c);
}

static void read_feedback(struct att_cbor *c, void *relation)
{
    struct att_feedback *f = relation;

    enter(c, 6);
    att_cbor_text_copy(c, f->id, sizeof(f->id));
    f->command = read_index(c);
    f->feedback = read_index(c);
    f->tolerance = att_decimal_read(c);
    f->settling_ms = (int64_t)att_cbor_uint_max(c, MS_MAX);
    f->fail_safe = att_decimal_read(c);
    att_cbor_leave(c);
}

static void read_interlock(struct att_cbor *c, void *relation)
{
    struct att_interlock *x = relation;

    enter(c, 5);
    att_cbor_text_copy(c, x->id, sizeof(x->id));
    x->command = read_index(c);
    x->state = read_index(c);
    x->low = att_decimal_read(c);
    x->high = att_decimal_read(c);
    att_cbor_leave(c);
}

static void read_seal(struct att_cbor *c, void *relation)
{
    struct att_seal *x = relation;

    enter(c, 4);
    att_cbor_text_copy(c, x->id, sizeof(x->id));
    x->channel = read_index(c);
    x->intact = att_decimal_read(c);
    x->count = read_members(c, x->covers);
    att_cbor_leave(c);
}

static void read_relations(struct att_cbor *c, struct att_spec *s, enum att_relation kind)
{
    static void (*const READ[ATT_RELATION__COUNT])(struct att_cbor *, void *) = {
        [ATT_RELATION_REDUNDANCY] = read_redundancy,
        [ATT_RELATION_BALANCE] = read_balance,
        [ATT_RELATION_FEEDBACK] = read_feedback,
        [ATT_RELATION_INTERLOCK] = read_interlock,
        [ATT_RELATION_SEAL] = read_seal};
    void *relation = NULL;

    (void)att_cbor_enter_array(c, ATT_SPEC_RELATIONS_MAX);
    while (att_cbor_more(c)) {
        if (att_spec_add_relation(s, kind, &relation) != ATT_OK) {
            att_cbor_fail(c, ATT_E_LIMIT);
            break;
        }
        READ[kind](c, relation);
    }
    att_cbor_leave(c);
}

/* --- the whole --- */

static void read_channels(struct att_cbor *c, struct att_spec *s)
{
    struct att_channel *x = NULL;

    (void)att_cbor_enter_array(c, ATT_SPEC_CHANNELS_MAX);
    while (att_cbor_more(c)) {
        if (att_spec_add_channel(s, &x) != ATT_OK) {
            att_cbor_fail(c, ATT_E_LIMIT);
            break;
        }
        read_channel(c, x);
    }
    att_cbor_leave(c);
}

static void read_key(struct att_cbor *c, int64_t want)
{
    if (att_cbor_key_int(c) != want) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static void read_spec(struct att_cbor *c, struct att_spec *s)
{
    (void)att_cbor_enter_map(c, ATT_SPEC_SEALS);
    read_key(c, ATT_SPEC_FORMAT);
    if (att_cbor_uint(c) != ATT_SPEC_FORMAT_VERSION) {
        att_cbor_fail(c, ATT_E_UNSUPPORTED);
    }
    read_key(c, ATT_SPEC_ID);
    att_cbor_text_copy(c, s->id, sizeof(s->id));
    read_key(c, ATT_SPEC_VERSION);
    s->version = att_cbor_uint(c);
    read_key(c, ATT_SPEC_TITLE);
    read_title(c, s->title_en, s->title_ja);
    read_key(c, ATT_SPEC_BATCH);
    enter(c, 2);
    s->batch_ms = (int64_t)att_cbor_uint_max(c, MS_MAX);
    s->batch_size = (uint32_t)att_cbor_uint_max(c, ATT_SPEC_BATCH_MAX);
    att_cbor_leave(c);
    read_key(c, ATT_SPEC_CHANNELS);
    read_channels(c, s);
    while (att_cbor_more(c)) {
        int64_t key = att_cbor_key_int(c);

        if (key < ATT_SPEC_REDUNDANCY || key > ATT_SPEC_SEALS) {
            att_cbor_fail(c, ATT_E_FORMAT);
            break;
        }
        read_relations(c, s, (enum att_relation)(key - ATT_SPEC_REDUNDANCY));
    }
    att_cbor_leave(c);
}

enum att_err att_spec_decode(struct att_spec **out, struct att_slice in, struct att_diag *diag)
{
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = NULL;
    struct att_cbor c = att_cbor_from(in);
    enum att_err err = ATT_OK;

    if (in.len > ATT_SPEC_FILE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_CFG_SPEC, "specification",
                        "expected at most %d bytes, found %zu", ATT_SPEC_FILE_MAX, in.len);
    }
    err = att_spec_new(&s);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "specification", "no memory");
    }
    read_spec(&c, s);
    err = att_cbor_end_diag(&c, ATT_R_CFG_SPEC, "specification", diag);
    if (err == ATT_OK) {
        err = att_spec_seal(s, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    /* Such as a key that says nothing: a record names a digest, so that there is one encoding of each channel. */
    if (ATT_GUARD(SPEC_ENCODING, !att_slice_eq(att_buf_slice(s->bytes), in))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_CFG_SPEC, "specification",
                        "expected no key that says nothing");
    }
    *out = s;
    s = NULL;
    return ATT_OK;
}
