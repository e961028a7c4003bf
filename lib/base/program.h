/* Where the other programs of an installation stand. */
#ifndef ATT_BASE_PROGRAM_H
#define ATT_BASE_PROGRAM_H

#include <stddef.h>

#include "base/err.h"

/*
 * att_program_find - the path of one that is started by another: beside our own executable, as it is built, or in
 * ../libexec/attestd from there, as it is installed. No variable and no search path decides.
 *
 * Errors  NOT_FOUND (FILE), with both places
 */
ATT_MUST_USE enum att_err att_program_find(char *out, size_t cap, const char *name,
                                           struct att_diag *diag);

#endif
