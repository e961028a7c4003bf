/* A change notice for people and in JSON. */
#ifndef CLI_NOTICE_TELL_H
#define CLI_NOTICE_TELL_H

#include "cli.h"
#include "policy/notice.h"

/* Fields for people; members "notice" and "changes". */
void notice_tell(struct report *r, const struct att_notice *n);

#endif
