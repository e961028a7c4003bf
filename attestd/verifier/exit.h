/* The exit statuses of attestd (attestd(8)), one meaning for every command and process. */
#ifndef ATTESTD_VERIFIER_EXIT_H
#define ATTESTD_VERIFIER_EXIT_H

#include "base/err.h"

enum {
    EXIT_FOUND = 1,      /* fsck: findings */
    EXIT_USAGE = 2,      /* command line or configuration */
    EXIT_CANNOT = 3,     /* something is missing or cannot be read */
    EXIT_PERMISSION = 7, /* others can read it, or a key may not be a file */
    EXIT_INTERNAL = 70,
};

/* The status that a failure ends a command with. */
int exit_for_error(enum att_err err);

/* Say on standard error why a command ends, and what to do; its status. what: "attestd init". */
int exit_told(const char *what, enum att_err err, const struct att_diag *diag);

/* The same as a log line, for a process of the service. */
int exit_logged(const char *event, enum att_err err, const struct att_diag *diag);

#endif
