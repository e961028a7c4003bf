/*
 * From the sensors to signed batches: the loop of "attest-agent sample".
 *
 * A process of its own beside the measurer: it alone reads what the field sends. It takes the TPM for the moment of a
 * signature, under the state folder's lock. What the TPM refuses to sign is never signed later: the samples of that time
 * are dropped, and their numbers show it.
 */
#ifndef ATTESTD_AGENT_SAMPLER_H
#define ATTESTD_AGENT_SAMPLER_H

#include <signal.h>
#include <stdint.h>

#include "agent/measurer/agent.h"
#include "base/err.h"

/*
 * sampler_run - sample until *stop, or until so many batches were closed.
 *
 * batches  0: until stopped
 * Errors   CONFIG (CFG_SPEC): no specification is in force; those of devices_open and spool_open, of the enrolment and
 *          the data key
 */
ATT_MUST_USE enum att_err sampler_run(struct agent *a, uint64_t batches,
                                      const volatile sig_atomic_t *stop, struct att_diag *diag);

#endif
