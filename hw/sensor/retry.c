#include "sensor/retry.h"

#include "base/clock.h"

#define FIRST_MS 200
#define MOST_MS  10000

void hw_retry_init(struct hw_retry *r, int first_ms, int most_ms)
{
    *r = (struct hw_retry){
        .first_ms = first_ms > 0 ? first_ms : FIRST_MS,
        .most_ms = most_ms > 0 ? most_ms : MOST_MS,
    };
}

enum att_err hw_retry_due(const struct hw_retry *r, struct att_diag *diag)
{
    int64_t left = r->wait_ms == 0 ? 0 : r->not_before_ms - att_clock_mono_ms();

    if (left <= 0)
        return ATT_OK;
    return att_fail(diag, ATT_E_NETWORK, ATT_R_PRV_SOURCE, "source",
                    "it failed before and is tried again in %lld ms", (long long)left);
}

void hw_retry_failed(struct hw_retry *r)
{
    int next = r->wait_ms == 0               ? r->first_ms
               : r->wait_ms > r->most_ms / 2 ? r->most_ms
                                             : 2 * r->wait_ms;

    r->wait_ms = next < r->most_ms ? next : r->most_ms;
    r->not_before_ms = att_clock_mono_ms() + r->wait_ms;
}

void hw_retry_went_well(struct hw_retry *r)
{
    r->wait_ms = 0;
}
