#include "agent/sampler/drift.h"

#include <stdbool.h>

/* Differences of unsigned numbers, so that no clock is too large to be compared. */
static bool alike(struct two_clocks before, struct two_clocks now)
{
    int64_t passed_ms = (int64_t)(now.tpm_ms - before.tpm_ms);
    int64_t utc_ms = (int64_t)((uint64_t)now.utc_ms - (uint64_t)before.utc_ms);
    int64_t off_ms = (int64_t)((uint64_t)utc_ms - (uint64_t)passed_ms);
    int64_t most_ms = 0;

    if (passed_ms < 0)
        return false;
    most_ms = DRIFT_MS + passed_ms / 100 * DRIFT_PERCENT;
    return off_ms <= most_ms && off_ms >= -most_ms;
}

enum att_check_status drift_judge(struct drift *d, struct two_clocks now)
{
    bool fine = alike(d->last, now) && alike(d->first, now);

    if (d->last.utc_ms == 0) {
        d->first = d->last = now;
        return ATT_CHECK_NOT_RUN;
    }
    d->last = now;
    if (!fine)
        d->first = now;
    return fine ? ATT_CHECK_PASS : ATT_CHECK_FAIL;
}
