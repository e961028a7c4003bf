/* The SQLite engine, for its own files: one connection and its prepared statements. */
#ifndef ATTESTD_VERIFIER_STORE_SQLITE_INTERNAL_H
#define ATTESTD_VERIFIER_STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "store_internal.h"

struct sqlite {
    struct store base; /* first: a pointer to the one is a pointer to the other */
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL__COUNT];
    int lock_fd;
    int wal_pages; /* in the log since it was last emptied */
};

extern const struct store_engine sqlite_engine;

/* Turn a SQLite status into ours, and notice when the disk can no longer be trusted. */
enum att_err sqlite_fail(struct sqlite *st, int rc, const char *what, struct att_diag *diag);

#endif
