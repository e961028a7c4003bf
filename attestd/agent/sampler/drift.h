/*
 * Do the system's clock and the TPM's go alike (TC-20)? Somebody who moves the one cannot move the other.
 */
#ifndef ATTESTD_AGENT_DRIFT_H
#define ATTESTD_AGENT_DRIFT_H

#include <stdint.h>

#include "prov/check.h"

#define DRIFT_MS      2000 /* how far two clocks may part at once */
#define DRIFT_PERCENT 15 /* and of what passed: the TPM's may run slow by so much (Part 1, 36.3) */

/* What both said at one moment, in milliseconds. utc_ms 0: not looked at yet. */
struct two_clocks {
    uint64_t tpm_ms;
    int64_t utc_ms;
};

struct drift {
    struct two_clocks last;  /* a jump shows against it */
    struct two_clocks first; /* and against it what creeps: many steps that are small enough each */
};

/* NOT_RUN for the first look. After FAIL both begin anew: what was moved once is told once. */
enum att_check_status drift_judge(struct drift *d, struct two_clocks now);

#endif
