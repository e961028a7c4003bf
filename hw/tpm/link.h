/*
 * A TCTI around a TCTI: what comes back is bounded in form and time, and a busy TPM is waited for.
 *
 * For hw/tpm and its tests alone. The stack above resubmits a refused command five times at once and
 * waits for an answer for ever; here a busy answer is met with growing pauses, at most ten tries and
 * five seconds, and an answer that does not come ends the connection.
 */
#ifndef ATT_TPM_LINK_H
#define ATT_TPM_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <tss2/tss2_tcti.h>

#include "base/err.h"

#define HW_LINK_TRIES     10
#define HW_LINK_BUSY_MS   5000
#define HW_LINK_ANSWER_MS 120000 /* RSA primaries take minutes on old chips */
#define HW_LINK_PAUSE_MS  8      /* doubles: nine pauses add up to 4.1 seconds */

struct hw_link;

/*
 * hw_link_new - wrap an initialised TCTI, which it owns from here on (also on failure).
 *
 * close_inner  how to get rid of it
 * Errors       NOMEM
 */
ATT_MUST_USE enum att_err hw_link_new(struct hw_link **out, TSS2_TCTI_CONTEXT *inner,
                                      void (*close_inner)(TSS2_TCTI_CONTEXT **));
void hw_link_free(struct hw_link *link);

TSS2_TCTI_CONTEXT *hw_link_tcti(struct hw_link *link); /* borrowed */

/*
 * For tests: how long an answer may take, where the TCTI below can be polled (the device can), and the
 * first pause before a busy TPM is asked again.
 */
void hw_link_set_times(struct hw_link *link, int answer_ms, int pause_ms);

/* The code with which the TPM stayed busy in the last command, or 0. */
uint32_t hw_link_busy(const struct hw_link *link);

/* Why the connection is of no more use, in words, or NULL. */
const char *hw_link_broken(const struct hw_link *link);

#endif
