/* The corpus's list of files: a table of rows in a test must have each of them, and no other. */
#ifndef ATT_TEST_MANIFEST_H
#define ATT_TEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The corpus folder of the environment, or NULL after saying why the program skips itself. */
const char *manifest_corpus(void);
/* One file of it, "cose/KeySet.txt"; the caller's. */
struct att_buf *manifest_read(const char *name);

/* A line for tests/integration/016-corpus-cose.sh: what became of a file; said at the end of its test. */
void manifest_row(const char *folder, const char *name, const char *fmt, ...) ATT_PRINTF(3, 4);

/* listed: does the test have a row for this file of the folder ("cose/")? count: how many rows it has. */
void manifest_covers(const char *folder, bool (*listed)(const char *name), size_t count);

#endif
