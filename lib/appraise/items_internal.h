/* Judging what the logs list, item by item: for appraise.c. */
#ifndef ATT_APPRAISE_ITEMS_INTERNAL_H
#define ATT_APPRAISE_ITEMS_INTERNAL_H

#include "appraise/appraise.h"

/* One appraisal in progress. */
struct judging {
    const struct att_verified *v;
    const struct att_policy *policy;
    const struct att_refvals *refvals; /* may be NULL */
    struct att_result *out;
    struct att_deviation *standing; /* what deviates at this point of the logs; owned */
    size_t standing_count, standing_room;
    bool lost; /* more stood at once than are worked with */
};

/*
 * att_judging_start - begin with what the carry holds; att_judging_end puts back what still stands after
 * the last entry, as much as a carry keeps (overflow when that is not all), and frees. A log is judged by
 * its end: a thousand changes that were repaired or approved leave nothing.
 */
ATT_MUST_USE enum att_err att_judging_start(struct judging *j);
void att_judging_end(struct judging *j);

/* Read the covered part of the own log into out->carry. Errors CRYPTO NOMEM FORMAT */
ATT_MUST_USE enum att_err att_judge_own_items(struct judging *j);

/* The same for the IMA list. */
ATT_MUST_USE enum att_err att_judge_ima_entries(struct judging *j);

/* Does a rule's list of prefixes cover a name? "/etc" covers "/etc", "/etc/x" and "/etc#key", not "/etcetera". */
bool att_under(const struct att_requirement *r, struct att_slice name);

#endif
