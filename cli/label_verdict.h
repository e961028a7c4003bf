/* What became of a label's checks, as people read it and as JSON: for label verify and bundle verify. */
#ifndef CLI_LABEL_VERDICT_H
#define CLI_LABEL_VERDICT_H

#include "appraise/offline.h"
#include "cli.h"

enum verdict label_verdict(const struct att_offline *o);

/*
 * Lines and entries of each check, what was not checked, and what the label says; unchecked becomes the list of ids
 * that did not apply. Gives the label as JSON with what the log and the status list say, or NULL without a label.
 */
json_t *label_verdict_tell(struct report *r, const struct att_offline *o, struct att_slice label,
                           json_t *unchecked);
/* The last line. */
void label_verdict_print(const struct report *r, enum verdict v, bool warning);

#endif
