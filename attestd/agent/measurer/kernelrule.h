/* By which rule the kernel extends the bank that the verifier judges: see tcg/ima.h. */
#ifndef ATTESTD_AGENT_KERNELRULE_H
#define ATTESTD_AGENT_KERNELRULE_H

#include <stdbool.h>

#include "base/err.h"
#include "tcg/pcr.h"

enum kernel_rule { KERNEL_RULE_UNKNOWN, KERNEL_RULE_OWN, KERNEL_RULE_PADDED };

/*
 * kernel_rule_find - the rule that leads from the kernel's list at path to a value that its PCR had.
 *
 * values  of the bank, read before: the kernel writes an entry before it extends, so the list is never shorter
 * UNKNOWN no beginning of the list leads there by either rule: it was changed or is malformed, the PCR was extended
 *         beside it, or is not among the values
 * Errors  of hw_log_begin; NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err kernel_rule_find(enum kernel_rule *out, const char *path,
                                           const struct att_pcr_bank *values,
                                           struct att_diag *diag);

#endif
