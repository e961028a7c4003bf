/* What reappraise and policy diff share about records of decisions. */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include "appraise/record.h"
#include "cli.h"

/* The change notices that travel with a record; it names each by its digest, so that none needs to be believed. */
ATT_MUST_USE enum att_err record_notices(struct att_notices *out, const struct att_record *record,
                                         struct att_diag *diag);

/* For a what-if whose rules did not see what the evidence goes on from: undecided, why, and what would decide it. */
void record_unseen(struct report *r, const char *name, const struct att_reappraisal *a,
                   bool takes_list);

#endif
