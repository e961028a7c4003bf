/* Root works in the folder of a service: it goes on as the service's user. */
#ifndef COMMON_BECOME_H
#define COMMON_BECOME_H

#include <stdbool.h>

#include "base/err.h"

/*
 * become_owner - when this process is root and dir belongs to another user, it becomes that user for good, with the user's
 * groups. So commands that a person gives as root leave no file behind that the service cannot read, and root never writes
 * where another user can set traps. With read_all, CAP_DAC_READ_SEARCH is kept, and nothing else: measured files, and the
 * files that the person named, can be read. Not root, no such folder, or root's own: nothing happens.
 *
 * Errors  DENIED (CFG_PERM) when the user is not known or the kernel refuses
 */
ATT_MUST_USE enum att_err become_owner(const char *dir, bool read_all, struct att_diag *diag);

/* What is started from here on inherits no capability. What this process itself has stays. */
void become_last(void);

#endif
