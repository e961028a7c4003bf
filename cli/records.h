/* What reappraise and policy diff share about records of decisions. */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include <stddef.h>

#include "appraise/record.h"
#include "cli.h"

/* The change notices that travel with a record; it names each by its digest, so that none needs to be believed. */
ATT_MUST_USE enum att_err record_notices(struct att_notices *out, const struct att_record *record,
                                         struct att_diag *diag);

/*
 * The last accepted result of each gateway under one set of rules, over the records of one call: a what-if over
 * evidence that continues a log goes on from it. Zeros are an empty one; clear with record_trail_clear.
 */
struct record_trail {
    struct record_last *last; /* owned, count of them */
    size_t count;
};
/* The result to go on from; NULL when there is none. Borrowed until the next take. FORMAT LIMIT NOMEM. */
ATT_MUST_USE enum att_err record_trail_find(const struct att_result **out,
                                            const struct record_trail *t,
                                            const struct att_record *record, struct att_diag *diag);
/* Moves a->after into the trail when it can be gone on from: accepted, and not of a what-if that saw too little. */
ATT_MUST_USE enum att_err record_trail_take(struct record_trail *t, struct att_reappraisal *a,
                                            struct att_diag *diag);
void record_trail_clear(struct record_trail *t);

/* For a what-if whose rules did not see what the evidence goes on from: undecided, why, and what would decide it. */
void record_unseen(struct report *r, const char *name, const struct att_reappraisal *a,
                   bool takes_list);

#endif
