/* A label as people read it and as JSON; nothing here judges. */
#ifndef CLI_LABEL_TEXT_H
#define CLI_LABEL_TEXT_H

#include "appraise/label.h"
#include "cli.h"

json_t *label_json(const struct att_label *l);
json_t *label_json_time(int64_t utc_s);

/* Is it a label's id, 32 lower-case hexadecimal digits, rather than a gateway's? */
bool label_is_id(const char *text);

/* The fields, then what the grade does not prove, in words. */
void label_print(const struct report *r, const struct att_label *l);
void label_print_limits(const struct report *r, const struct att_label *l);

/* The issuer's reasons for a status that is not affirming: they are the label's, not ours. */
void label_reasons(struct report *r, const struct att_label *l);

#endif
