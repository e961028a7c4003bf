/* Other readings of the same world: another path, a reference, siblings, a balance, a seal. */
#include "prov/check_internal.h"
#include "prov/wire.h"

#include <string.h>

enum att_check_status att_tc_second_path(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_second_path *s = &in->channel->second;
    char expected[ATT_DECIMAL_TEXT], found[ATT_DECIMAL_TEXT];
    struct att_decimal v = {0};
    int64_t raw = 0;
    enum att_err err = ATT_OK;

    if (!in->channel->has_second)
        return ATT_CHECK_NOT_APPLICABLE;
    if (in->now->second.len == 0 || !in->now->has_value)
        return ATT_CHECK_NOT_RUN;
    if (att_wire_raw(&raw, &s->source, &s->wire, in->now->second, why) != ATT_OK)
        return ATT_CHECK_FAIL;
    err = s->is_value ? att_wire_decimal(&v, &s->wire, raw) : att_curve_value(&v, in->curve, raw);
    if (err != ATT_OK)
        return att_check_no(why, "second", "expected a raw number of the channel's range");
    if (att_check_within(v, in->now->value, s->tolerance))
        return ATT_CHECK_PASS;
    return att_check_no(why, "second", "expected %s by the second path, found %s",
                        att_decimal_print(expected, sizeof(expected), in->now->value),
                        att_decimal_print(found, sizeof(found), v));
}

enum att_check_status att_tc_stimulus(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_stimulus *s = &in->channel->stimulus;
    char found[ATT_DECIMAL_TEXT], low[ATT_DECIMAL_TEXT], high[ATT_DECIMAL_TEXT];
    struct att_decimal v = {0};
    int64_t raw = 0;

    if (!in->channel->has_stimulus)
        return ATT_CHECK_NOT_APPLICABLE;
    if (in->now->stimulus.len == 0)
        return ATT_CHECK_NOT_RUN;
    if (att_wire_raw(&raw, &s->source, &in->channel->wire, in->now->stimulus, why) != ATT_OK)
        return ATT_CHECK_FAIL;
    if (att_curve_value(&v, in->curve, raw) != ATT_OK)
        return att_check_no(why, "stimulus", "expected a raw number of the channel's range");
    if (att_decimal_compare(v, s->low) >= 0 && att_decimal_compare(v, s->high) <= 0)
        return ATT_CHECK_PASS;
    return att_check_no(why, "stimulus", "expected the reference to read as %s to %s, found %s",
                        att_decimal_print(low, sizeof(low), s->low),
                        att_decimal_print(high, sizeof(high), s->high),
                        att_decimal_print(found, sizeof(found), v));
}

/* --- siblings --- */

static bool has_member(const uint8_t *channel, size_t count, size_t index)
{
    return memchr(channel, (int)index, count) != NULL;
}

/* The value of a member: of the channel that is judged its own, else the latest fresh one. */
static const struct att_decimal *member_value(const struct att_check_in *in, size_t channel)
{
    const struct att_past_sample *p = NULL;

    if (channel == att_check_index(in))
        return in->now->has_value ? &in->now->value : NULL;
    p = att_check_latest(in, channel);
    return p != NULL && p->has_value ? &p->value : NULL;
}

/* It fails when more of its siblings contradict it than agree with it; of two neither is believed. */
static enum att_check_status judge_redundancy(const struct att_check_in *in,
                                              const struct att_redundancy *r, struct att_diag *why)
{
    size_t agree = 0;
    size_t contradict = 0;
    char found[ATT_DECIMAL_TEXT], other[ATT_DECIMAL_TEXT];
    struct att_decimal last = {0};

    for (size_t i = 0; i < r->count; i++) {
        const struct att_decimal *v = member_value(in, r->channel[i]);

        if (v == NULL)
            return ATT_CHECK_NOT_RUN;
        if (r->channel[i] == att_check_index(in))
            continue;
        if (att_check_within(*v, in->now->value, r->tolerance)) {
            agree++;
            continue;
        }
        contradict++;
        last = *v;
    }
    if (contradict == 0 || (r->count > 2 && agree >= contradict))
        return ATT_CHECK_PASS;
    return att_check_no(why, r->id, "expected what its siblings measure, found %s beside %s",
                        att_decimal_print(found, sizeof(found), in->now->value),
                        att_decimal_print(other, sizeof(other), last));
}

enum att_check_status att_tc_redundancy(const struct att_check_in *in, struct att_diag *why)
{
    enum att_check_status state = ATT_CHECK_NOT_APPLICABLE;

    for (size_t i = 0; i < in->spec->redundancy_count && state != ATT_CHECK_FAIL; i++) {
        const struct att_redundancy *r = &in->spec->redundancy[i];

        if (has_member(r->channel, r->count, att_check_index(in)))
            state = att_check_worse(state, judge_redundancy(in, r, why));
    }
    return state;
}

/* --- balance --- */

static enum att_check_status judge_balance(const struct att_check_in *in,
                                           const struct att_balance *b, struct att_diag *why)
{
    struct att_decimal sum = {0}, term = {0};
    char found[ATT_DECIMAL_TEXT], most[ATT_DECIMAL_TEXT];

    for (size_t i = 0; i < b->count; i++) {
        const struct att_decimal *v = member_value(in, b->channel[i]);

        if (v == NULL)
            return ATT_CHECK_NOT_RUN;
        if (att_decimal_multiply(&term, b->factor[i], *v) != ATT_OK ||
            att_decimal_add(&sum, sum, term) != ATT_OK)
            return att_check_no(why, b->id, "the sum has more than 18 digits");
    }
    if (att_decimal_compare(att_decimal_abs(sum), b->tolerance) <= 0)
        return ATT_CHECK_PASS;
    return att_check_no(why, b->id, "expected a sum of at most %s around zero, found %s",
                        att_decimal_print(most, sizeof(most), b->tolerance),
                        att_decimal_print(found, sizeof(found), sum));
}

enum att_check_status att_tc_balance(const struct att_check_in *in, struct att_diag *why)
{
    enum att_check_status state = ATT_CHECK_NOT_APPLICABLE;

    for (size_t i = 0; i < in->spec->balance_count && state != ATT_CHECK_FAIL; i++) {
        const struct att_balance *b = &in->spec->balance[i];

        if (has_member(b->channel, b->count, att_check_index(in)))
            state = att_check_worse(state, judge_balance(in, b, why));
    }
    return state;
}

/* --- seals --- */

enum att_check_status att_tc_seal(const struct att_check_in *in, struct att_diag *why)
{
    enum att_check_status state = ATT_CHECK_NOT_APPLICABLE;

    for (size_t i = 0; i < in->spec->seal_count && state != ATT_CHECK_FAIL; i++) {
        const struct att_seal *s = &in->spec->seal[i];
        const struct att_decimal *v = NULL;

        if (!has_member(s->covers, s->count, att_check_index(in)))
            continue;
        v = member_value(in, s->channel);
        if (v == NULL)
            state = att_check_worse(state, ATT_CHECK_NOT_RUN);
        else if (att_decimal_equal(*v, s->intact))
            state = att_check_worse(state, ATT_CHECK_PASS);
        else
            state = att_check_no(why, s->id, "expected the seal %s to be intact", s->id);
    }
    return state;
}
