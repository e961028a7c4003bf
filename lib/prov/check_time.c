/* Order and time, of the TPM's clock. */
#include "prov/check_internal.h"

#include <inttypes.h>

enum att_check_status att_tc_settings(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_past_sample *last = att_past_last(att_check_past(in));
    int64_t passed_ms = 0;
    int64_t off_ms = 0;

    if (last == NULL || in->now->from_ms < last->from_ms)
        return ATT_CHECK_NOT_RUN; /* the second is TC-20's */
    passed_ms = (int64_t)(in->now->from_ms - last->from_ms);
    off_ms = passed_ms - in->channel->period_ms;
    if (off_ms <= in->channel->period_ms / 2 && off_ms >= -in->channel->period_ms / 2)
        return ATT_CHECK_PASS;
    return att_check_no(why, "time",
                        "expected a sample each %" PRId64 " ms, found one after %" PRId64 " ms",
                        in->channel->period_ms, passed_ms);
}

enum att_check_status att_tc_sequence(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_past_sample *last = att_past_last(att_check_past(in));

    if (last == NULL)
        return in->now->sequence == 1 ? ATT_CHECK_PASS : ATT_CHECK_NOT_RUN;
    if (in->now->sequence == last->sequence + 1)
        return ATT_CHECK_PASS;
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_SEQ, "sequence",
                   "expected %" PRIu64 ", found %" PRIu64, last->sequence + 1, in->now->sequence);
    return ATT_CHECK_FAIL;
}

enum att_check_status att_tc_clock(const struct att_check_in *in, struct att_diag *why)
{
    const struct att_past_sample *last = att_past_last(att_check_past(in));

    if (last != NULL && (in->now->from_ms < last->from_ms || in->now->until_ms < last->until_ms))
        return att_check_no(why, "time",
                            "expected the clock at or after %" PRIu64 " ms, found %" PRIu64,
                            last->from_ms, in->now->from_ms);
    if (in->gateway != NULL && in->gateway->clock == ATT_CHECK_FAIL)
        return att_check_no(why, "time",
                            "expected the clock of the system and that of the TPM to go alike");
    return in->gateway != NULL ? in->gateway->clock : ATT_CHECK_NOT_RUN;
}

enum att_check_status att_tc_age(const struct att_check_in *in, struct att_diag *why)
{
    uint64_t age_ms = in->now->until_ms - in->now->from_ms;

    if (age_ms <= (uint64_t)in->channel->max_age_ms)
        return ATT_CHECK_PASS;
    return att_check_no(why, "time",
                        "expected an age of at most %" PRId64 " ms, found %" PRIu64 " ms",
                        in->channel->max_age_ms, age_ms);
}
