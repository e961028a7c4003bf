/* What holds of a specification's head and of one channel, whatever form it came in. */
#include <string.h>

#include "base/guard.h"
#include "base/slice.h"
#include "codec/utf8.h"
#include "prov/curve.h"
#include "prov/spec_internal.h"
#include "prov/unit.h"
#include "prov/wire.h"

#define UNIT_ID_MAX 247 /* Modbus: 248 to 255 are reserved */

static const struct att_decimal ZERO = {0, 0};

bool att_spec_word_ok(const char *text)
{
    size_t len = strnlen(text, ATT_PROV_ID);

    for (size_t i = 0; i < len; i++) {
        bool inner = i > 0 && i + 1 < len;
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (inner && (c == '-' || c == '_' || c == '.')))) {
            return false;
        }
    }
    return len > 0 && len < ATT_PROV_ID;
}

/*
 * What moves a cursor, ends a line, turns the direction of text or stands for no character: the controls of ASCII and
 * C1, U+2028 to U+202E, U+2066 to U+2069, U+FEFF, U+FFFE, U+FFFF.
 */
static bool is_special(const unsigned char *u)
{
    if (u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] < 0xa0)) {
        return true;
    }
    if (u[0] == 0xe2) {
        return (u[1] == 0x80 && u[2] >= 0xa8 && u[2] <= 0xae) ||
               (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9);
    }
    return u[0] == 0xef && ((u[1] == 0xbb && u[2] == 0xbf) || (u[1] == 0xbf && u[2] >= 0xbe));
}

/* One line of text, as a partner may see it. */
static bool line_ok(const char *text)
{
    const unsigned char *u = (const unsigned char *)text;

    if (*u == '\0' || !att_utf8_ok(att_slice_str(text))) {
        return false;
    }
    while (*u != '\0' && !is_special(u)) {
        u++;
    }
    return *u == '\0';
}

/* Printable ASCII without blanks: what other programs give as a name. */
static bool name_ok(const char *text)
{
    const char *p = text;

    while (*p > ' ' && *p <= '~') {
        p++;
    }
    return p != text && *p == '\0';
}

static enum att_err check_word(const char *text, const char *field, struct att_diag *diag)
{
    return att_spec_word_ok(text)
               ? ATT_OK
               : att_spec_refuse(diag, field,
                                 "expected 1 to %d of a-z, 0-9, and - _ . between them",
                                 ATT_PROV_ID - 1);
}

static enum att_err check_title(const char *en, const char *ja, struct att_diag *diag)
{
    return line_ok(en) && line_ok(ja)
               ? ATT_OK
               : att_spec_refuse(diag, "title", "expected one line of text in en and in ja");
}

enum att_err att_spec_check_head(const struct att_spec *s, struct att_diag *diag)
{
    enum att_err err = check_word(s->id, "specification", diag);

    if (err == ATT_OK) {
        err = check_title(s->title_en, s->title_ja, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (s->version < 1 || s->version > ATT_SPEC_VERSION_MAX) {
        return att_spec_refuse(diag, "version", "expected a number from 1 to %d",
                               ATT_SPEC_VERSION_MAX);
    }
    if (s->batch_ms < ATT_SPEC_BATCH_MIN_MS || s->batch_ms > ATT_SPEC_TIME_MAX_MS ||
        s->batch_size < 1 || s->batch_size > ATT_SPEC_BATCH_MAX) {
        return att_spec_refuse(diag, "batch", "expected every %dms to a day, at most 1 to %d",
                               ATT_SPEC_BATCH_MIN_MS, ATT_SPEC_BATCH_MAX);
    }
    return s->channel_count > 0
               ? ATT_OK
               : att_spec_refuse(diag, "channels", "expected at least one channel");
}

/* --- source and wire --- */

/* The raw numbers of each type, in steps of its decimals. */
static const struct {
    int64_t least, most;
} WIRE[ATT_WIRE__COUNT] = {
    [ATT_WIRE_BOOL] = {0, 1},
    [ATT_WIRE_UINT16] = {0, UINT16_MAX},
    [ATT_WIRE_INT16] = {INT16_MIN, INT16_MAX},
    [ATT_WIRE_UINT32] = {0, UINT32_MAX},
    [ATT_WIRE_INT32] = {INT32_MIN, INT32_MAX},
    [ATT_WIRE_FLOAT32] = {INT64_MIN, INT64_MAX},
    [ATT_WIRE_BCD16] = {0, 9999},
    [ATT_WIRE_BCD32] = {0, 99999999},
    [ATT_WIRE_TEXT] = {INT64_MIN, INT64_MAX},
};

static bool has_decimals(const struct att_channel_wire *w)
{
    return w->type == ATT_WIRE_FLOAT32 || w->type == ATT_WIRE_TEXT;
}

static enum att_err check_wire(const struct att_channel_wire *w, const char *field,
                               struct att_diag *diag)
{
    bool one_byte = w->type == ATT_WIRE_TEXT;

    if (w->little_words && att_wire_registers(w->type) != 2) {
        return att_spec_refuse(diag, field, "expected an order of words only for two registers");
    }
    if (w->little_bytes && one_byte) {
        return att_spec_refuse(diag, field, "expected an order of bytes only for registers");
    }
    if (w->decimals > (has_decimals(w) ? ATT_SPEC_DECIMALS_MAX : 0)) {
        return att_spec_refuse(diag, field, "expected at most %d decimals for %s",
                               has_decimals(w) ? ATT_SPEC_DECIMALS_MAX : 0,
                               att_wire_words[w->type]);
    }
    if (w->field[0] == '\0') {
        return ATT_OK;
    }
    if (w->type != ATT_WIRE_TEXT) {
        return att_spec_refuse(diag, field, "expected a field only for text");
    }
    return name_ok(w->field) && strpbrk(w->field, "\"\\") == NULL
               ? ATT_OK
               : att_spec_refuse(diag, field,
                                 "expected the name of a member, printable and without blanks");
}

static enum att_err check_modbus(const struct att_channel_source *s,
                                 const struct att_channel_wire *w, const char *field,
                                 struct att_diag *diag)
{
    bool coil = s->function == 1 || s->function == 2;
    unsigned int registers = att_wire_registers(w->type);

    if (s->function < 1 || s->function > 4 || s->unit > UNIT_ID_MAX || s->name[0] != '\0') {
        return att_spec_refuse(diag, field, "expected function 1 to 4 and unit 0 to %d",
                               UNIT_ID_MAX);
    }
    if (registers == 0 || (coil && w->type != ATT_WIRE_BOOL)) {
        return att_spec_refuse(diag, field, "expected %s, found %s",
                               coil ? "bool from a coil or discrete input (functions 1 and 2)"
                                    : "a type of registers",
                               att_wire_words[w->type]);
    }
    if (coil && w->little_bytes) {
        return att_spec_refuse(diag, field, "expected an order of bytes only for registers");
    }
    if (s->count != registers) {
        return att_spec_refuse(diag, field, "expected count %u for %s, found %u", registers,
                               att_wire_words[w->type], s->count);
    }
    return s->address + s->count <= 65536
               ? ATT_OK
               : att_spec_refuse(diag, field, "expected addresses up to 65535");
}

static enum att_err check_named(const struct att_channel_source *s,
                                const struct att_channel_wire *w, const char *field,
                                struct att_diag *diag)
{
    static const char *const FORBIDDEN[ATT_BUS__COUNT] = {
        [ATT_BUS_MODBUS] = "", [ATT_BUS_SYSFS] = "/", [ATT_BUS_MQTT] = "+#", [ATT_BUS_LINE] = "="};

    if (!name_ok(s->name) || s->name[0] == '.' || strpbrk(s->name, FORBIDDEN[s->bus]) != NULL) {
        return att_spec_refuse(diag, field, "expected a name, printable, without blanks%s%s",
                               FORBIDDEN[s->bus][0] != '\0' ? " or any of " : "",
                               FORBIDDEN[s->bus]);
    }
    if (s->unit != 0 || s->function != 0 || s->address != 0 || s->count != 0) {
        return att_spec_refuse(diag, field, "expected registers only by modbus");
    }
    return w->type == ATT_WIRE_TEXT
               ? ATT_OK
               : att_spec_refuse(diag, field, "expected text by %s, found %s",
                                 att_bus_words[s->bus], att_wire_words[w->type]);
}

/* How it is read, and what it is read as. */
static enum att_err check_path(const struct att_channel_source *s, const struct att_channel_wire *w,
                               const char *source, const char *wire, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if ((unsigned int)s->bus >= ATT_BUS__COUNT || (unsigned int)w->type >= ATT_WIRE__COUNT) {
        return att_spec_refuse(diag, source, "expected a known bus and type");
    }
    err = check_word(s->device, source, diag);
    if (err == ATT_OK) {
        err = check_wire(w, wire, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    return s->bus == ATT_BUS_MODBUS ? check_modbus(s, w, source, diag)
                                    : check_named(s, w, source, diag);
}

static bool same_path(const struct att_channel_source *a, const struct att_channel_source *b)
{
    return a->bus == b->bus && strcmp(a->device, b->device) == 0 && a->unit == b->unit &&
           a->function == b->function && a->address == b->address && a->count == b->count &&
           strcmp(a->name, b->name) == 0;
}

/* --- raw numbers --- */

/* Can the wire say this number? */
static bool on_wire(const struct att_channel_wire *w, struct att_decimal d)
{
    int64_t steps = 0;

    return att_wire_steps(&steps, w, d) == ATT_OK && steps >= WIRE[w->type].least &&
           steps <= WIRE[w->type].most;
}

static enum att_err check_raw(const struct att_channel *c, struct att_diag *diag)
{
    if (att_decimal_compare(c->raw_min, c->raw_max) >= 0) {
        return att_spec_refuse(diag, "raw", "expected min below max");
    }
    if (!on_wire(&c->wire, c->raw_min) || !on_wire(&c->wire, c->raw_max)) {
        return att_spec_refuse(diag, "raw", "expected numbers that %s of %u decimals can say",
                               att_wire_words[c->wire.type], c->wire.decimals);
    }
    if (c->fault_count > ATT_SPEC_FAULTS_MAX) {
        return att_spec_refuse(diag, "faults", "expected at most %d", ATT_SPEC_FAULTS_MAX);
    }
    for (size_t i = 0; i < c->fault_count; i++) {
        const struct att_fault_band *f = &c->fault[i];

        if (!att_spec_word_ok(f->means)) {
            return check_word(f->means, "faults", diag);
        }
        if (!on_wire(&c->wire, f->from) || !on_wire(&c->wire, f->to)) {
            return att_spec_refuse(diag, "faults",
                                   "%s: expected numbers that %s of %u decimals can say", f->means,
                                   att_wire_words[c->wire.type], c->wire.decimals);
        }
        if (att_decimal_compare(f->from, f->to) > 0 ||
            (i > 0 && att_decimal_compare(c->fault[i - 1].to, f->from) >= 0)) {
            return att_spec_refuse(diag, "faults", "%s: expected bands that rise and do not meet",
                                   f->means);
        }
    }
    return ATT_OK;
}

/* --- value --- */

static enum att_err check_table(const struct att_calibration *k, struct att_diag *diag)
{
    if (k->count < 2 || k->count > ATT_SPEC_POINTS_MAX) {
        return att_spec_refuse(diag, "calibration", "expected a table of 2 to %d points",
                               ATT_SPEC_POINTS_MAX);
    }
    for (size_t i = 1; i < k->count; i++) {
        if (att_decimal_compare(k->raw[i - 1], k->raw[i]) >= 0) {
            return att_spec_refuse(diag, "calibration", "expected raw numbers that rise");
        }
    }
    return ATT_OK;
}

static enum att_err check_calibration(const struct att_channel *c, struct att_diag *diag)
{
    const struct att_calibration *k = &c->calibration;

    if (k->version < 1 || k->version > ATT_SPEC_VERSION_MAX) {
        return att_spec_refuse(diag, "calibration", "expected a version from 1 to %d",
                               ATT_SPEC_VERSION_MAX);
    }
    if (k->from_s < 0 || k->from_s >= k->until_s || k->until_s > ATT_SPEC_UTC_MAX_S) {
        return att_spec_refuse(diag, "calibration", "expected from before until");
    }
    if (k->is_table) {
        return check_table(k, diag);
    }
    if (k->count < 2 || k->count > ATT_SPEC_DEGREE_MAX + 1) {
        return att_spec_refuse(diag, "calibration", "expected a polynomial of 2 to %d coefficients",
                               ATT_SPEC_DEGREE_MAX + 1);
    }
    return k->value[k->count - 1].mantissa != 0
               ? ATT_OK
               : att_spec_refuse(diag, "calibration", "expected a last coefficient other than 0");
}

/* Numbers that could not be computed are refused here, and not when a value comes. */
static enum att_err check_curve(const struct att_channel *c, struct att_diag *diag)
{
    struct att_curve curve;
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (att_decimal_compare(c->resolution, ZERO) <= 0) {
        return att_spec_refuse(diag, "resolution", "expected a number above 0");
    }
    if ((unsigned int)c->rounding >= ATT_ROUNDING__COUNT) {
        return att_spec_refuse(diag, "rounding", "expected a known rule");
    }
    err = att_curve_make(&curve, c, &why);
    return err == ATT_OK || err == ATT_E_NOMEM ? err
                                               : att_spec_refuse(diag, why.field, "%s", why.text);
}

/* --- time and limits --- */

static bool span_ok(int64_t ms)
{
    return ms >= 1 && ms <= ATT_SPEC_TIME_MAX_MS;
}

static bool window_ok(unsigned int samples)
{
    return samples >= 2 && samples <= ATT_SPEC_WINDOW_MAX;
}

static bool filter_ok(const struct att_channel *c)
{
    switch (c->filter) {
    case ATT_FILTER_NONE:
        return c->filter_window == 1;
    case ATT_FILTER_MEAN:
        return window_ok(c->filter_window);
    case ATT_FILTER_MEDIAN:
        return window_ok(c->filter_window) && c->filter_window % 2 == 1;
    }
    return false;
}

static enum att_err check_time(const struct att_channel *c, struct att_diag *diag)
{
    if (!span_ok(c->period_ms)) {
        return att_spec_refuse(diag, "period", "expected 1ms to a day");
    }
    if (!span_ok(c->max_age_ms)) {
        return att_spec_refuse(diag, "max_age", "expected 1ms to a day");
    }
    return filter_ok(c)
               ? ATT_OK
               : att_spec_refuse(diag, "filter",
                                 "expected mean of 2 to %d samples, or median of 3 to %d, odd",
                                 ATT_SPEC_WINDOW_MAX, ATT_SPEC_WINDOW_MAX - 1);
}

static enum att_err check_limits(const struct att_channel *c, struct att_diag *diag)
{
    if (c->has_range && att_decimal_compare(c->low, c->high) >= 0) {
        return att_spec_refuse(diag, "range", "expected low below high");
    }
    if (c->has_rate && (att_decimal_compare(c->rate_most, ZERO) <= 0 || !span_ok(c->rate_ms))) {
        return att_spec_refuse(diag, "rate", "expected most above 0, in 1ms to a day");
    }
    if (c->has_quiet &&
        (att_decimal_compare(c->quiet_least, ZERO) <= 0 || !window_ok(c->quiet_over))) {
        return att_spec_refuse(diag, "quiet", "expected least above 0, over 2 to %d values",
                               ATT_SPEC_WINDOW_MAX);
    }
    return c->replay_over == 0 || window_ok(c->replay_over)
               ? ATT_OK
               : att_spec_refuse(diag, "replay", "expected over 2 to %d frames",
                                 ATT_SPEC_WINDOW_MAX);
}

/* --- what else is read beside it --- */

static enum att_err check_second(const struct att_channel *c, struct att_diag *diag)
{
    const struct att_second_path *p = &c->second;
    enum att_err err = ATT_OK;

    if (!c->has_second) {
        return ATT_OK;
    }
    err = check_path(&p->source, &p->wire, "second", "second", diag);
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(SPEC_SECOND_SAME,
                  same_path(&p->source, &c->source) && strcmp(p->wire.field, c->wire.field) == 0)) {
        return att_spec_refuse(diag, "second", "expected another path than that of the channel");
    }
    if (!p->is_value && p->wire.decimals != c->wire.decimals) {
        return att_spec_refuse(diag, "second",
                               "expected raw numbers of %u decimals as the channel's",
                               c->wire.decimals);
    }
    return p->tolerance.mantissa >= 0
               ? ATT_OK
               : att_spec_refuse(diag, "second", "expected a tolerance of 0 or more");
}

static enum att_err check_stimulus(const struct att_channel *c, struct att_diag *diag)
{
    const struct att_stimulus *x = &c->stimulus;
    enum att_err err = ATT_OK;

    if (!c->has_stimulus) {
        return ATT_OK;
    }
    if (c->output) {
        return att_spec_refuse(diag, "stimulus", "expected none for an output");
    }
    err = check_path(&x->source, &c->wire, "stimulus", "stimulus", diag);
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(SPEC_STIMULUS_SAME, same_path(&x->source, &c->source))) {
        return att_spec_refuse(diag, "stimulus", "expected another source than the channel's");
    }
    return att_decimal_compare(x->low, x->high) <= 0
               ? ATT_OK
               : att_spec_refuse(diag, "stimulus", "expected low of at most high");
}

static enum att_err check_kind(const struct att_channel *c, struct att_diag *diag)
{
    if (c->output && c->source.bus == ATT_BUS_MODBUS && c->source.function != 1 &&
        c->source.function != 3) {
        return att_spec_refuse(diag, "output",
                               "expected a coil or holding register (function 1 or 3)");
    }
    if (c->no_feedback[0] != '\0' && (!c->output || !line_ok(c->no_feedback))) {
        return att_spec_refuse(diag, "no_feedback", "expected one line of text, of an output");
    }
    return c->sensor[0] == '\0' || line_ok(c->sensor)
               ? ATT_OK
               : att_spec_refuse(diag, "sensor", "expected one line of text");
}

enum att_err att_spec_check_channel(const struct att_channel *c, struct att_diag *diag)
{
    static enum att_err (*const RULE[])(const struct att_channel *, struct att_diag *) = {
        check_raw,    check_calibration, check_curve,    check_time,
        check_limits, check_second,      check_stimulus, check_kind};
    enum att_err err = check_word(c->id, "id", diag);

    if (err == ATT_OK) {
        err = check_title(c->title_en, c->title_ja, diag);
    }
    if (err == ATT_OK) {
        err = check_path(&c->source, &c->wire, "source", "wire", diag);
    }
    if (err == ATT_OK && !att_unit_ok(c->unit)) {
        err = att_spec_refuse(diag, "unit",
                              "expected a unit as UCUM writes it, such as m, Cel, L/s, %%");
    }
    for (size_t i = 0; err == ATT_OK && i < ATT_COUNT(RULE); i++) {
        err = RULE[i](c, diag);
    }
    return err;
}
