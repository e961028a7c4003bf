/* One channel as people write it. */
#include <string.h>

#include "prov/spec_yaml.h"

#define NODE const struct att_yaml_node

static void read_modbus(struct att_spec_yaml *y, NODE *n, struct att_channel_source *s)
{
    static const char *const KEYS[] = {"device", "unit", "function", "address", "count", NULL};

    att_sy_only(y, n, KEYS);
    att_sy_text(y, att_sy_need(y, n, "device"), s->device, sizeof(s->device));
    s->unit = (uint8_t)att_sy_int(y, att_sy_need(y, n, "unit"), 0, 247);
    s->function = (uint8_t)att_sy_int(y, att_sy_need(y, n, "function"), 1, 4);
    s->address = (uint16_t)att_sy_int(y, att_sy_need(y, n, "address"), 0, UINT16_MAX);
    s->count = (uint16_t)att_sy_int(y, att_sy_need(y, n, "count"), 1, 2);
}

static void read_named(struct att_spec_yaml *y, NODE *n, const char *key,
                       struct att_channel_source *s)
{
    const char *const keys[] = {"device", key, NULL};

    att_sy_only(y, n, keys);
    att_sy_text(y, att_sy_need(y, n, "device"), s->device, sizeof(s->device));
    att_sy_text(y, att_sy_need(y, n, key), s->name, sizeof(s->name));
}

/* {BUS: {...}}: one of the buses, and what it needs. */
static void read_source(struct att_spec_yaml *y, NODE *n, struct att_channel_source *s)
{
    static const char *const NAME[ATT_BUS__COUNT] = {
        [ATT_BUS_SYSFS] = "attribute", [ATT_BUS_MQTT] = "topic", [ATT_BUS_LINE] = "key"};

    if (n == NULL || !att_sy_ok(y)) {
        return;
    }
    for (int i = 0; i < ATT_BUS__COUNT && att_yaml_type(n) == ATT_YAML_MAP; i++) {
        NODE *bus = att_yaml_get(n, att_bus_words[i]);

        if (bus == NULL || att_yaml_count(n) != 1) {
            continue;
        }
        s->bus = (enum att_bus)i;
        if (s->bus == ATT_BUS_MODBUS) {
            read_modbus(y, bus, s);
        } else {
            read_named(y, bus, NAME[i], s);
        }
        return;
    }
    att_sy_refuse(y, n, "expected one of modbus, sysfs, mqtt, line");
}

static bool read_order(struct att_spec_yaml *y, NODE *n)
{
    static const char *const ORDER[] = {"big", "little"};

    return att_sy_word(y, n, ORDER, ATT_COUNT(ORDER)) == 1;
}

static void read_wire(struct att_spec_yaml *y, NODE *n, struct att_channel_wire *w)
{
    static const char *const KEYS[] = {"type", "bytes", "words", "decimals", "field", NULL};
    NODE *decimals = NULL;

    att_sy_only(y, n, KEYS);
    w->type = (enum att_wire_type)att_sy_word(y, att_sy_need(y, n, "type"), att_wire_words,
                                              ATT_WIRE__COUNT);
    w->little_bytes = read_order(y, att_sy_maybe(y, n, "bytes"));
    w->little_words = read_order(y, att_sy_maybe(y, n, "words"));
    /* What is dropped behind the point is said, and never a default. */
    decimals = w->type == ATT_WIRE_FLOAT32 || w->type == ATT_WIRE_TEXT
                   ? att_sy_need(y, n, "decimals")
                   : att_sy_maybe(y, n, "decimals");
    w->decimals = (uint8_t)att_sy_int(y, decimals, 0, ATT_SPEC_DECIMALS_MAX);
    att_sy_text(y, att_sy_maybe(y, n, "field"), w->field, sizeof(w->field));
}

/* {LOW: x, HIGH: y} */
static void read_band(struct att_spec_yaml *y, NODE *n, const char *low, const char *high,
                      struct att_decimal *from, struct att_decimal *to)
{
    const char *const keys[] = {low, high, NULL};

    att_sy_only(y, n, keys);
    *from = att_sy_decimal(y, att_sy_need(y, n, low));
    *to = att_sy_decimal(y, att_sy_need(y, n, high));
}

static void read_faults(struct att_spec_yaml *y, NODE *n, struct att_channel *c)
{
    static const char *const KEYS[] = {"from", "to", "means", NULL};

    c->fault_count = att_sy_list(y, n, 1, ATT_SPEC_FAULTS_MAX);
    for (size_t i = 0; i < c->fault_count; i++) {
        NODE *item = att_yaml_item(n, i);

        att_sy_only(y, item, KEYS);
        c->fault[i].from = att_sy_decimal(y, att_sy_need(y, item, "from"));
        c->fault[i].to = att_sy_decimal(y, att_sy_need(y, item, "to"));
        att_sy_text(y, att_sy_need(y, item, "means"), c->fault[i].means, sizeof(c->fault[i].means));
    }
}

static void read_polynomial(struct att_spec_yaml *y, NODE *n, struct att_calibration *k)
{
    k->count = att_sy_list(y, n, 2, ATT_SPEC_DEGREE_MAX + 1);
    for (size_t i = 0; i < k->count; i++) {
        k->value[i] = att_sy_decimal(y, att_yaml_item(n, i));
    }
}

static void read_table(struct att_spec_yaml *y, NODE *n, struct att_calibration *k)
{
    k->is_table = true;
    k->count = att_sy_list(y, n, 2, ATT_SPEC_POINTS_MAX);
    for (size_t i = 0; i < k->count; i++) {
        NODE *point = att_yaml_item(n, i);

        if (att_sy_list(y, point, 2, 2) == 2) {
            k->raw[i] = att_sy_decimal(y, att_yaml_item(point, 0));
            k->value[i] = att_sy_decimal(y, att_yaml_item(point, 1));
        }
    }
}

static void read_calibration(struct att_spec_yaml *y, NODE *n, struct att_calibration *k)
{
    static const char *const KEYS[] = {"version", "from", "until", "polynomial", "table", NULL};
    NODE *polynomial = NULL;
    NODE *table = NULL;

    att_sy_only(y, n, KEYS);
    k->version = (uint64_t)att_sy_int(y, att_sy_need(y, n, "version"), 1, ATT_SPEC_VERSION_MAX);
    k->from_s = att_sy_date(y, att_sy_need(y, n, "from"));
    k->until_s = att_sy_date(y, att_sy_need(y, n, "until"));
    polynomial = att_sy_maybe(y, n, "polynomial");
    table = att_sy_maybe(y, n, "table");
    if (att_sy_ok(y) && (polynomial == NULL) == (table == NULL)) {
        att_sy_refuse(y, n, "expected either polynomial or table");
    }
    if (table != NULL) {
        read_table(y, table, k);
    } else {
        read_polynomial(y, polynomial, k);
    }
}

static void read_filter(struct att_spec_yaml *y, NODE *n, struct att_channel *c)
{
    c->filter_window = 1;
    if (n == NULL || !att_sy_ok(y)) {
        return;
    }
    for (int i = ATT_FILTER_MEAN; i < ATT_FILTER__COUNT && att_yaml_type(n) == ATT_YAML_MAP; i++) {
        NODE *window = att_yaml_get(n, att_filter_words[i]);

        if (window != NULL && att_yaml_count(n) == 1) {
            c->filter = (enum att_filter)i;
            c->filter_window = (uint16_t)att_sy_int(y, window, 2, ATT_SPEC_WINDOW_MAX);
            return;
        }
    }
    att_sy_refuse(y, n, "expected one of mean, median");
}

static void read_limits(struct att_spec_yaml *y, NODE *n, struct att_channel *c)
{
    static const char *const RATE[] = {"most", "in", NULL};
    static const char *const QUIET[] = {"least", "over", NULL};
    static const char *const REPLAY[] = {"over", NULL};
    NODE *range = att_sy_maybe(y, n, "range");
    NODE *rate = att_sy_maybe(y, n, "rate");
    NODE *quiet = att_sy_maybe(y, n, "quiet");
    NODE *replay = att_sy_maybe(y, n, "replay");

    c->has_range = range != NULL;
    c->has_rate = rate != NULL;
    c->has_quiet = quiet != NULL;
    if (range != NULL) {
        read_band(y, range, "low", "high", &c->low, &c->high);
    }
    if (rate != NULL) {
        att_sy_only(y, rate, RATE);
        c->rate_most = att_sy_decimal(y, att_sy_need(y, rate, "most"));
        c->rate_ms = att_sy_ms(y, att_sy_need(y, rate, "in"));
    }
    if (quiet != NULL) {
        att_sy_only(y, quiet, QUIET);
        c->quiet_least = att_sy_decimal(y, att_sy_need(y, quiet, "least"));
        c->quiet_over =
            (uint16_t)att_sy_int(y, att_sy_need(y, quiet, "over"), 2, ATT_SPEC_WINDOW_MAX);
    }
    if (replay != NULL) {
        att_sy_only(y, replay, REPLAY);
        c->replay_over =
            (uint16_t)att_sy_int(y, att_sy_need(y, replay, "over"), 2, ATT_SPEC_WINDOW_MAX);
    }
}

static void read_second(struct att_spec_yaml *y, NODE *n, struct att_channel *c)
{
    static const char *const KEYS[] = {"source", "wire", "says", "tolerance", NULL};
    static const char *const SAYS[] = {"raw", "value"};

    if (n == NULL) {
        return;
    }
    c->has_second = true;
    att_sy_only(y, n, KEYS);
    read_source(y, att_sy_need(y, n, "source"), &c->second.source);
    read_wire(y, att_sy_need(y, n, "wire"), &c->second.wire);
    c->second.is_value = att_sy_word(y, att_sy_need(y, n, "says"), SAYS, ATT_COUNT(SAYS)) == 1;
    c->second.tolerance = att_sy_decimal(y, att_sy_need(y, n, "tolerance"));
}

static void read_stimulus(struct att_spec_yaml *y, NODE *n, struct att_channel *c)
{
    static const char *const KEYS[] = {"source", "low", "high", NULL};

    if (n == NULL) {
        return;
    }
    c->has_stimulus = true;
    att_sy_only(y, n, KEYS);
    read_source(y, att_sy_need(y, n, "source"), &c->stimulus.source);
    c->stimulus.low = att_sy_decimal(y, att_sy_need(y, n, "low"));
    c->stimulus.high = att_sy_decimal(y, att_sy_need(y, n, "high"));
}

/* How the value is made of what is read. */
static void read_value(struct att_spec_yaml *y, NODE *n, struct att_channel *c)
{
    NODE *rounding = NULL;
    NODE *age = NULL;

    read_source(y, att_sy_need(y, n, "source"), &c->source);
    read_wire(y, att_sy_need(y, n, "wire"), &c->wire);
    read_band(y, att_sy_need(y, n, "raw"), "min", "max", &c->raw_min, &c->raw_max);
    read_faults(y, att_sy_maybe(y, n, "faults"), c);
    read_calibration(y, att_sy_need(y, n, "calibration"), &c->calibration);
    att_sy_text(y, att_sy_need(y, n, "unit"), c->unit, sizeof(c->unit));
    c->resolution = att_sy_decimal(y, att_sy_need(y, n, "resolution"));
    rounding = att_sy_maybe(y, n, "rounding");
    c->rounding =
        (enum att_rounding)att_sy_word(y, rounding, att_rounding_words, ATT_ROUNDING__COUNT);
    c->period_ms = att_sy_ms(y, att_sy_need(y, n, "period"));
    age = att_sy_maybe(y, n, "max_age");
    c->max_age_ms = age != NULL ? att_sy_ms(y, age) : c->period_ms;
    read_filter(y, att_sy_maybe(y, n, "filter"), c);
}

void att_sy_channel(struct att_spec_yaml *y, const struct att_yaml_node *n, struct att_channel *c)
{
    static const char *const KEYS[] = {
        "id",          "title",  "source",     "wire",       "raw",         "faults",
        "calibration", "unit",   "resolution", "rounding",   "period",      "max_age",
        "filter",      "range",  "rate",       "quiet",      "replay",      "second",
        "stimulus",    "sensor", "output",     "quarantine", "no_feedback", NULL};
    NODE *quarantine = NULL;
    struct att_diag why = {0};

    att_sy_only(y, n, KEYS);
    att_sy_text(y, att_sy_need(y, n, "id"), c->id, sizeof(c->id));
    att_sy_title(y, att_sy_need(y, n, "title"), c->title_en, c->title_ja);
    read_value(y, n, c);
    read_limits(y, n, c);
    read_second(y, att_sy_maybe(y, n, "second"), c);
    read_stimulus(y, att_sy_maybe(y, n, "stimulus"), c);
    att_sy_text(y, att_sy_maybe(y, n, "sensor"), c->sensor, sizeof(c->sensor));
    c->output = att_sy_bool(y, att_sy_maybe(y, n, "output"));
    quarantine = att_sy_maybe(y, n, "quarantine");
    c->quarantine = quarantine == NULL || att_sy_bool(y, quarantine);
    att_sy_text(y, att_sy_maybe(y, n, "no_feedback"), c->no_feedback, sizeof(c->no_feedback));
    if (att_sy_ok(y)) {
        att_sy_rule(y, att_spec_check_channel(c, &why), &why, n);
    }
}
