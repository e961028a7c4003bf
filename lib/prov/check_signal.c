/* The value, and how it moves. */
#include "prov/check_internal.h"

#include <inttypes.h>

enum att_check_status att_tc_range(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_channel *c = in->channel;
    char found[ATT_DECIMAL_TEXT], low[ATT_DECIMAL_TEXT], high[ATT_DECIMAL_TEXT];

    if (in->derived.kind == ATT_VALUE_FAULT || in->derived.kind == ATT_VALUE_OUTSIDE) {
        att_derived_why(&in->derived, in->curve, in->now->frame, why);
        return ATT_CHECK_FAIL;
    }
    if (!in->now->has_value)
        return ATT_CHECK_NOT_RUN;
    if (!c->has_range || (att_decimal_compare(in->now->value, c->low) >= 0 &&
                          att_decimal_compare(in->now->value, c->high) <= 0))
        return ATT_CHECK_PASS;
    return att_check_no(why, "value", "expected %s to %s, found %s",
                        att_decimal_print(low, sizeof(low), c->low),
                        att_decimal_print(high, sizeof(high), c->high),
                        att_decimal_print(found, sizeof(found), in->now->value));
}

/* |change| * rate_ms <= most * passed_ms, so that nothing is divided. */
static bool slow_enough(struct att_decimal change, const struct att_channel *c, uint64_t passed_ms)
{
    struct att_decimal left = {0}, right = {0}, scale = {0};

    return att_decimal_make(&scale, c->rate_ms, 0) == ATT_OK &&
           att_decimal_multiply(&left, att_decimal_abs(change), scale) == ATT_OK &&
           att_decimal_make(&scale, (int64_t)passed_ms, 0) == ATT_OK &&
           att_decimal_multiply(&right, c->rate_most, scale) == ATT_OK &&
           att_decimal_compare(left, right) <= 0;
}

enum att_check_status att_tc_rate(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_past_sample *last = att_past_at(att_check_past(in), 0);
    char found[ATT_DECIMAL_TEXT], most[ATT_DECIMAL_TEXT];
    struct att_decimal change = {0};
    uint64_t passed_ms = 0;

    if (!in->channel->has_rate)
        return ATT_CHECK_NOT_APPLICABLE;
    if (!in->now->has_value || last == NULL || !last->has_value)
        return ATT_CHECK_NOT_RUN;
    /* What came twice at one moment may differ by what one step of the clock allows. */
    passed_ms = in->now->until_ms > last->from_ms ? in->now->until_ms - last->from_ms : 1;
    if (passed_ms < UINT64_C(1) << 40 &&
        att_decimal_subtract(&change, in->now->value, last->value) == ATT_OK &&
        slow_enough(change, in->channel, passed_ms))
        return ATT_CHECK_PASS;
    return att_check_no(
        why, "value",
        "expected at most %s in %" PRId64 " ms, found a change of %s in %" PRIu64 " ms",
        att_decimal_print(most, sizeof(most), in->channel->rate_most), in->channel->rate_ms,
        att_decimal_print(found, sizeof(found), change), passed_ms);
}

enum att_check_status att_tc_quiet(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_channel *c = in->channel;
    struct att_decimal low = in->now->value;
    struct att_decimal high = in->now->value;
    struct att_decimal spread = {0};
    char found[ATT_DECIMAL_TEXT], least[ATT_DECIMAL_TEXT];

    if (!c->has_quiet)
        return ATT_CHECK_NOT_APPLICABLE;
    if (!in->now->has_value)
        return ATT_CHECK_NOT_RUN;
    for (size_t i = 0; i + 1 < c->quiet_over; i++) {
        const struct att_past_sample *p = att_past_at(att_check_past(in), i);

        if (p == NULL || !p->has_value)
            return ATT_CHECK_NOT_RUN;
        if (att_decimal_compare(p->value, low) < 0)
            low = p->value;
        if (att_decimal_compare(p->value, high) > 0)
            high = p->value;
    }
    if (att_decimal_subtract(&spread, high, low) != ATT_OK ||
        att_decimal_compare(spread, c->quiet_least) >= 0)
        return ATT_CHECK_PASS;
    return att_check_no(why, "value", "expected %d values to differ by at least %s, found %s",
                        c->quiet_over, att_decimal_print(least, sizeof(least), c->quiet_least),
                        att_decimal_print(found, sizeof(found), spread));
}

enum att_check_status att_tc_replay(const struct att_check_in *in, struct att_diag *why)
{
    bool ready = false;

    if (in->channel->replay_over == 0)
        return ATT_CHECK_NOT_APPLICABLE;
    if (in->now->frame.len == 0)
        return ATT_CHECK_NOT_RUN;
    if (att_past_replayed(att_check_past(in), in->now->frame, &ready))
        return att_check_no(why, "frame",
                            "expected new frames, found the last %d in this order before",
                            in->channel->replay_over);
    return ready ? ATT_CHECK_PASS : ATT_CHECK_NOT_RUN;
}
