/* Where the other programs of an installation stand. */
#ifndef ATT_BASE_PROGRAM_H
#define ATT_BASE_PROGRAM_H

#include <stddef.h>

#include "base/err.h"

/*
 * att_program_find - the path of one that is started by another: beside our own executable, as it is built; or in
 * ../libexec/<our own name> from there, where each package has those that it was built with; or in ../libexec/attestd, as
 * "make install" puts them. No variable and no search path decides.
 *
 * Errors  NOT_FOUND (FILE), with the places
 */
ATT_MUST_USE enum att_err att_program_find(char *out, size_t cap, const char *name,
                                           struct att_diag *diag);

#endif
