/*
 * Debian control files (deb822(5)): stanzas of fields, as Packages, Release and dpkg's status are written.
 *
 * Strict where readers differ, so that nothing is read here in another way than by apt: a line of blanks is no end
 * of a stanza, there are no comments, no control characters, and no field that is asked for stands twice. Nothing
 * is copied or allocated.
 */
#ifndef ATT_CODEC_DEB822_H
#define ATT_CODEC_DEB822_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"

#define ATT_DEB822_LINE_MAX 1048576 /* bytes; the longest of Debian 12 has 20 thousand */

struct att_deb822 {
    struct att_rd rd;
    size_t line; /* the number of the line read last, from 1 */
};

/* A field that is looked for. */
struct att_deb822_field {
    const char *name; /* as any case of letters */
    struct att_slice
        value; /* without blanks around it, lines of continuation as they are; p NULL: not there */
    size_t line; /* where it begins */
};

/* Borrows text, as every value does. */
struct att_deb822 att_deb822_from(struct att_slice text);

/*
 * att_deb822_next - the next stanza, and which of the fields it has.
 *
 * *more   false at the end of the text, and then no field has a value
 * Errors  FORMAT TRUNCATED LIMIT (FMT_DEB822); the text of diag begins with the number of the line
 */
ATT_MUST_USE enum att_err att_deb822_next(struct att_deb822 *it, struct att_deb822_field *field,
                                          size_t count, bool *more, struct att_diag *diag);

/* One refusal at a line, for whoever judges the values. Returns FORMAT. */
enum att_err att_deb822_refuse(struct att_diag *diag, size_t line, const char *what);

#endif
