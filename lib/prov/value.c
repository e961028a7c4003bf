/* Frame, raw number, filter, calibration, rounding: in this order. */
#include "prov/value.h"

#include <inttypes.h>

#include "prov/wire.h"

static int64_t mean(const int64_t *raw, size_t count, enum att_rounding how)
{
    att_i128 sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += raw[i];
    return (int64_t)att_i128_divide(sum, (att_i128)count, how);
}

/* The middle one of an odd number; sorts them. */
static int64_t median(int64_t *raw, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int64_t v = raw[i];
        size_t j = i;

        for (; j > 0 && raw[j - 1] > v; j--)
            raw[j] = raw[j - 1];
        raw[j] = v;
    }
    return raw[count / 2];
}

/* Raw numbers of as many samples in a row, this one the last. A fault in between begins anew. */
static bool filtered(int64_t *raw, const struct att_curve *k, const struct att_past *past)
{
    const struct att_channel *c = k->channel;
    int64_t window[ATT_SPEC_WINDOW_MAX];
    size_t count = c->filter_window;

    if (c->filter == ATT_FILTER_NONE)
        return true;
    window[0] = *raw;
    for (size_t i = 1; i < count; i++) {
        const struct att_past_sample *p = att_past_at(past, i - 1);

        if (p == NULL || !p->has_raw || att_curve_fault(k, p->raw) != NULL)
            return false;
        window[i] = p->raw;
    }
    *raw = c->filter == ATT_FILTER_MEAN ? mean(window, count, c->rounding) : median(window, count);
    return true;
}

/* The value of a raw number, or why there is none. */
static enum att_value_kind value_of(struct att_decimal *out, const struct att_curve *k,
                                    const struct att_past *past, int64_t raw)
{
    if (att_curve_fault(k, raw) != NULL)
        return ATT_VALUE_FAULT;
    if (!filtered(&raw, k, past))
        return ATT_VALUE_FILLING;
    return att_curve_value(out, k, raw) == ATT_OK ? ATT_VALUE_KNOWN : ATT_VALUE_OUTSIDE;
}

struct att_derived att_derive(const struct att_curve *k, const struct att_past *past,
                              struct att_slice frame)
{
    const struct att_channel *c = k->channel;
    struct att_derived d = {.kind = ATT_VALUE_NO_FRAME};

    if (frame.len == 0)
        return d;
    d.kind = ATT_VALUE_UNREADABLE;
    d.has_raw = att_wire_raw(&d.raw, &c->source, &c->wire, frame, NULL) == ATT_OK;
    if (d.has_raw)
        d.kind = value_of(&d.value, k, past, d.raw);
    return d;
}

void att_derived_why(const struct att_derived *d, const struct att_curve *k, struct att_slice frame,
                     struct att_diag *why)
{
    const struct att_channel *c = k->channel;
    int64_t raw = 0;

    switch (d->kind) {
    case ATT_VALUE_NO_FRAME:
        (void)att_fail(why, ATT_E_NOT_FOUND, ATT_R_PRV_SOURCE, "frame", "no frame came");
        return;
    case ATT_VALUE_UNREADABLE:
        /* It cannot be read now either: only the words are new. */
        if (att_wire_raw(&raw, &c->source, &c->wire, frame, why) == ATT_OK)
            (void)att_fail(why, ATT_E_INTERNAL, ATT_R_INTERNAL, "frame",
                           "it could not be read before");
        return;
    case ATT_VALUE_FAULT:
        (void)att_fail(why, ATT_E_LIMIT, ATT_R_PRV_FRAME, "frame",
                       "the raw number %" PRId64 " means: %s", d->raw, att_curve_fault(k, d->raw));
        return;
    case ATT_VALUE_OUTSIDE:
        (void)att_fail(why, ATT_E_LIMIT, ATT_R_PRV_FRAME, "frame",
                       "expected a raw number from %" PRId64 " to %" PRId64 ", found %" PRId64,
                       k->least, k->most, d->raw);
        return;
    case ATT_VALUE_KNOWN:
    case ATT_VALUE_FILLING:
        return;
    }
}
