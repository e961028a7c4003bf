/* For reappraise.c: a record whose kernel list came in parts, judged by other rules than those that saw them. */
#ifndef ATT_APPRAISE_RECORD_INTERNAL_H
#define ATT_APPRAISE_RECORD_INTERNAL_H

#include "appraise/record.h"
#include "evidence/evidence.h"

/*
 * att_record_judge_list - rules->ima_list in place of the parts that c has known to have come.
 *
 * seen    false, and c as it was, when there is no list, or the evidence goes on in another log whose beginning these
 *         rules did not see either
 * c       on success carry, windows and seen are what these rules make of the list
 * room    worked in; its content is lost
 * Errors  MISMATCH (LOG_PCR: not the list that came in parts), those of att_part_fold
 */
ATT_MUST_USE enum att_err att_record_judge_list(bool *seen, struct att_appraisal_context *c,
                                                struct att_result *room,
                                                const struct att_evidence *ev,
                                                const struct att_reappraise_rules *rules,
                                                struct att_diag *diag);

#endif
