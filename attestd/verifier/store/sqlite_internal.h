/*
 * The SQLite engine, for its own files: one connection, its prepared statements, and statements run the
 * way base/rd.h reads: bind and fetch field by field, the first failure sticks, ask once at the end.
 */
#ifndef ATTESTD_VERIFIER_STORE_SQLITE_INTERNAL_H
#define ATTESTD_VERIFIER_STORE_SQLITE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define STORE_APPLICATION_ID 0x41545344 /* "ATSD" in the database's header */
#define STORE_SCHEMA         5          /* user_version */

enum sql_id {
#define STORE_SQL(name, text) SQL_##name,
#include "sql.def"
#undef STORE_SQL
    SQL__COUNT
};

struct store_hold;

struct store {
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL__COUNT];
    int lock_fd;
    int wal_pages; /* in the log since it was last emptied */
    bool broken;
    bool open_tx;
};

/* Turn a SQLite status into ours, and notice when the disk can no longer be trusted. */
enum att_err sql_fail(struct store *st, int rc, const char *what, struct att_diag *diag);

struct sql {
    struct store *st;
    sqlite3_stmt *s;
    const char *what; /* the statement's name, for messages */
    int param;        /* the last one bound */
    int column;       /* the next one to fetch */
    int rc;           /* of binding */
    enum att_err err; /* of fetching */
};

/* What is bound is borrowed until sql_run or sql_end. */
struct sql sql_of(struct store *st, enum sql_id id);
void sql_int(struct sql *q, int64_t v);
void sql_text(struct sql *q, const char *v);
void sql_blob(struct sql *q, const void *p, size_t len);
void sql_null(struct sql *q);

/* Run a statement that gives no rows, and end it. */
ATT_MUST_USE enum att_err sql_run(struct sql *q, struct att_diag *diag);
/* The same of one that must change exactly one row: NOT_FOUND. */
ATT_MUST_USE enum att_err sql_change_one(struct sql *q, struct att_diag *diag);
/* The next row: NOT_FOUND when there is none. Then fetch, and sql_end. */
ATT_MUST_USE enum att_err sql_row(struct sql *q, struct att_diag *diag);
/* err, which came before, else the first failure of fetching, or ATT_OK. */
ATT_MUST_USE enum att_err sql_end(struct sql *q, enum att_err err);

/* The one number, 0 or more, of the one row that comes; and end it. NOT_FOUND without a row. */
ATT_MUST_USE enum att_err sql_number(int64_t *out, struct sql *q);

/* Fetch columns from left to right. A value that does not fit is a damaged database
 * (FORMAT), unless memory ran out for it (NOMEM). */
int64_t sql_get_int(struct sql *q, int64_t min, int64_t max);
void sql_get_text(struct sql *q, char *out, size_t cap);
void sql_get_blob(struct sql *q, uint8_t *out, size_t cap, size_t *len);
void sql_get_exact(struct sql *q, uint8_t *out, size_t len);
bool sql_get_optional(struct sql *q, uint8_t *out, size_t len); /* false for NULL */
void sql_get_buf(struct sql *q, struct att_buf *out);           /* appended */
/* The columns of a hold (sqlite_ek.c). */
void sql_get_hold(struct sql *q, struct store_hold *hold);
/* How many rows the last statement changed. */
int sql_changes(const struct store *st);

#endif
