/* When a device that failed is tried again: later each time, up to a limit. Nobody waits for it. */
#ifndef HW_SENSOR_RETRY_H
#define HW_SENSOR_RETRY_H

#include <stdint.h>

#include "base/err.h"

struct hw_retry {
    int first_ms, most_ms;
    int wait_ms;           /* that the last failure asked for; 0: the last try went well */
    int64_t not_before_ms; /* of the clock that goes on while suspended */
};

/* Zero means 200 and 10000 milliseconds. */
void hw_retry_init(struct hw_retry *r, int first_ms, int most_ms);
/* NETWORK (PRV_SOURCE): the time to try again has not come. */
ATT_MUST_USE enum att_err hw_retry_due(const struct hw_retry *r, struct att_diag *diag);
void hw_retry_failed(struct hw_retry *r);
void hw_retry_went_well(struct hw_retry *r);

#endif
