/* A policy's predicates as questions with three answers: for appraise.c. */
#ifndef ATT_APPRAISE_RULES_INTERNAL_H
#define ATT_APPRAISE_RULES_INTERNAL_H

#include "appraise/items_internal.h"

/* Was a log of this kind sent, or judged before in this boot? */
bool att_judging_sent(const struct judging *j, enum att_log log);

/* Room for one more reason; NULL when there is none (then it is only counted). r may be NULL. */
struct att_result_reason *att_judging_reason(struct judging *j, enum att_reason reason,
                                             enum att_severity severity,
                                             const struct att_requirement *r);
/* x may be NULL. */
void att_reason_say(struct att_result_reason *x, const char *name, const char *text);

/*
 * att_judge_cmdline - reasons for the kernel parameters that made a PCR another one, as far as the boot log
 * says them in proven words and the reference values know a command line (kernel_params.c). Errors NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_judge_cmdline(struct judging *j, const struct att_requirement *top,
                                            uint32_t pcr);

/*
 * att_judge_requirement - one requirement, and a reason for each part that does not hold. What could not
 * be asked (a log or an item that is not there, a grade that was not reached) is "not run": it never
 * passes, and not of it is not run either.
 * Errors  NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_judge_requirement(struct judging *j, const struct att_requirement *r);

#endif
