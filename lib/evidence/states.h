/*
 * States of a gateway's time that are no fault: power cuts, resumes, a first attestation.
 *
 * A pure function of two clocks, so whoever holds them tells the same: the verifier's answer, and anybody who
 * has a record. Compared as time is (D6): resetCount, then restartCount, then the clock.
 */
#ifndef ATT_EVIDENCE_STATES_H
#define ATT_EVIDENCE_STATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/reason.h"
#include "tcg/quote.h"

#define ATT_STATES_MAX 3

struct att_states {
    size_t count;
    enum att_reason reason[ATT_STATES_MAX]; /* TIME_... */
};

/*
 * att_states_of - what happened between two accepted quotes.
 *
 * now    of a quote that att_clock_check let pass against prior
 * prior  NULL: this enrolment's first
 * kexec  another kernel was started in this boot of the TPM
 */
struct att_states att_states_of(const struct att_clock_info *now,
                                const struct att_clock_info *prior, bool kexec);

/* "resetCount 5 to 6, restartCount 1 to 0, clock 1200 to 300 ms", or without "to". Returns out. */
char *att_clock_print(char *out, size_t cap, const struct att_clock_info *now,
                      const struct att_clock_info *prior);

#endif
