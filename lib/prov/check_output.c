/* Commands, and what the actuator did after them. */
#include "prov/check_internal.h"

#include <inttypes.h>

enum att_check_status att_tc_interlock(const struct att_check_in *in, struct att_diag *why)
{
    size_t own = att_check_index(in);

    if (!in->channel->output)
        return ATT_CHECK_NOT_APPLICABLE;
    if (!in->now->has_value)
        return ATT_CHECK_NOT_RUN;
    for (size_t i = 0; i < in->spec->interlock_count; i++) {
        const struct att_interlock *l = &in->spec->interlock[i];
        const struct att_past_sample *state = NULL;

        if (l->command != own || in->now->value.mantissa == 0)
            continue; /* a command of zero is always allowed: it stops */
        state = att_check_latest(in, l->state);
        if (state == NULL || !state->has_value)
            return ATT_CHECK_NOT_RUN;
        if (att_decimal_compare(state->value, l->low) < 0 ||
            att_decimal_compare(state->value, l->high) > 0)
            return att_check_no(why, l->id, "expected no command while %s is outside of its band",
                                in->spec->channel[l->state].id);
    }
    return ATT_CHECK_PASS;
}

/* What must be seen on the feedback for a command that stands so long; NULL when it is too early to say. */
static const struct att_decimal *settled(const struct att_check_in *in,
                                         const struct att_feedback *f, bool lost)
{
    const struct att_past_sample *command = att_past_at(in->past[f->command], 0);
    uint64_t since = att_past_since_ms(in->past[f->command]);

    if (command == NULL || command->has_value == lost || in->now->from_ms < since ||
        in->now->from_ms - since < (uint64_t)f->settling_ms)
        return NULL;
    return lost ? &f->fail_safe : &command->value;
}

static enum att_check_status compare(const struct att_feedback *f, struct att_decimal must,
                                     struct att_decimal is, const char *what, struct att_diag *why)
{
    char expected[ATT_DECIMAL_TEXT], found[ATT_DECIMAL_TEXT];

    if (att_check_within(must, is, f->tolerance))
        return ATT_CHECK_PASS;
    return att_check_no(why, f->id, "expected %s %s after %" PRId64 " ms, found %s",
                        att_decimal_print(expected, sizeof(expected), must), what, f->settling_ms,
                        att_decimal_print(found, sizeof(found), is));
}

/* On the feedback: the command before it. */
static enum att_check_status judge_feedback(const struct att_check_in *in,
                                            const struct att_feedback *f, bool lost,
                                            struct att_diag *why)
{
    const struct att_decimal *must = settled(in, f, lost);

    if (must == NULL || !in->now->has_value)
        return ATT_CHECK_NOT_RUN;
    return compare(f, *must, in->now->value, lost ? "without commands" : "as commanded", why);
}

/* On a command that was said again: the latest feedback. */
static enum att_check_status judge_command(const struct att_check_in *in,
                                           const struct att_feedback *f, struct att_diag *why)
{
    const struct att_decimal *must = settled(in, f, false);
    const struct att_past_sample *is = att_check_latest(in, f->feedback);

    if (must == NULL || is == NULL || !is->has_value || !in->now->has_value ||
        !att_decimal_equal(*must, in->now->value))
        return ATT_CHECK_NOT_RUN;
    return compare(f, *must, is->value, "as commanded", why);
}

static enum att_check_status judge(const struct att_check_in *in, bool lost, struct att_diag *why)
{
    size_t own = att_check_index(in);
    enum att_check_status state = ATT_CHECK_NOT_APPLICABLE;

    for (size_t i = 0; i < in->spec->feedback_count && state != ATT_CHECK_FAIL; i++) {
        const struct att_feedback *f = &in->spec->feedback[i];

        if (f->feedback == own)
            state = att_check_worse(state, judge_feedback(in, f, lost, why));
        else if (f->command == own && !lost)
            state = att_check_worse(state, judge_command(in, f, why));
    }
    return state;
}

enum att_check_status att_tc_feedback(const struct att_check_in *in, struct att_diag *why)
{
    return judge(in, false, why);
}

enum att_check_status att_tc_fail_safe(const struct att_check_in *in, struct att_diag *why)
{
    return judge(in, true, why);
}
