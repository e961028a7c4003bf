/* The SQLite engine: statements, transactions, and what its statuses mean. */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "sqlite_internal.h"

#define TIDY_PAGES 4096 /* 16 MiB of log before it is moved into the database */

static struct sqlite *of(struct store *st)
{
    return (struct sqlite *)st;
}

/* What the system said of a write: sqlite3_system_errno is not set for prepared statements. */
static int write_errno(struct sqlite *st)
{
    sqlite3_file *journal = NULL;
    int os = 0;

    if (st->db == NULL)
        return 0;
    if (sqlite3_file_control(st->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &journal) == SQLITE_OK &&
        journal != NULL && journal->pMethods != NULL)
        (void)journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &os);
    if (os == 0)
        (void)sqlite3_file_control(st->db, NULL, SQLITE_FCNTL_LAST_ERRNO, &os);
    return os != 0 ? os : sqlite3_system_errno(st->db);
}

/* The kinds of I/O failure after which the disk still holds what was committed. */
static bool is_full(int rc, int system_errno)
{
    int primary = rc & 0xff;

    if (primary == SQLITE_FULL || primary == SQLITE_READONLY)
        return true;
    if (rc != SQLITE_IOERR_WRITE && primary != SQLITE_CANTOPEN)
        return false;
    return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG ||
           system_errno == EROFS;
}

enum att_err sqlite_fail(struct sqlite *st, int rc, const char *what, struct att_diag *diag)
{
    int os = write_errno(st);

    if (ATT_GUARD(ST_FULL, is_full(rc, os)))
        return att_fail(diag, ATT_E_IO, ATT_R_ST_FULL, what, "%s%s%s", sqlite3_errstr(rc),
                        os != 0 ? ": " : "", os != 0 ? strerror(os) : "");
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, what, "the database ran out of memory");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return att_fail(diag, ATT_E_BUSY, ATT_R_ST_LOCK, what, "%s", sqlite3_errstr(rc));
    case SQLITE_CONSTRAINT:
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_INTERNAL, what, "%s", sqlite3_errstr(rc));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        st->base.broken = true;
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, what, "%s", sqlite3_errstr(rc));
    case SQLITE_IOERR:
        /* A page whose sync failed may be dropped by the kernel and reported once only. */
        st->base.broken = true;
        return att_fail(diag, ATT_E_IO, ATT_R_ST_CORRUPT, what, "%s (%d): %s", sqlite3_errstr(rc),
                        rc, strerror(os));
    default:
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, what, "database status %d: %s", rc,
                        st->db != NULL ? sqlite3_errmsg(st->db) : sqlite3_errstr(rc));
    }
}

/* --- statements --- */

static void *statement(struct store *st, enum sql_id id)
{
    return of(st)->stmt[id];
}

static void bind_int(struct sql *q, int64_t v)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_int64(q->s, q->param, v);
}

static void bind_text(struct sql *q, const char *v)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_text(q->s, q->param, v, -1, SQLITE_STATIC);
}

static void bind_blob(struct sql *q, const void *p, size_t len)
{
    if (q->rc != SQLITE_OK)
        return;
    /* A null pointer would bind NULL, which is not the empty string. */
    if (len == 0)
        q->rc = sqlite3_bind_zeroblob(q->s, q->param, 0);
    else
        q->rc = sqlite3_bind_blob64(q->s, q->param, p, len, SQLITE_STATIC);
}

static void bind_null(struct sql *q)
{
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_null(q->s, q->param);
}

static enum att_err step(struct sql *q, struct att_diag *diag)
{
    if (q->rc == SQLITE_OK || q->rc == SQLITE_ROW)
        q->rc = sqlite3_step(q->s);
    if (q->rc == SQLITE_ROW)
        return ATT_OK;
    if (q->rc == SQLITE_DONE)
        return ATT_E_NOT_FOUND;
    return sqlite_fail(of(q->st), q->rc, q->what, diag);
}

static void end(struct sql *q)
{
    (void)sqlite3_reset(q->s);
    (void)sqlite3_clear_bindings(q->s);
}

static int changes(const struct store *st)
{
    return sqlite3_changes(((const struct sqlite *)st)->db);
}

static enum sql_type type(const struct sql *q, int column)
{
    switch (sqlite3_column_type(q->s, column)) {
    case SQLITE_INTEGER:
        return SQL_TYPE_INT;
    case SQLITE_NULL:
        return SQL_TYPE_NULL;
    case SQLITE_TEXT:
        return SQL_TYPE_TEXT;
    default:
        return SQL_TYPE_BLOB;
    }
}

static int64_t get_int(const struct sql *q, int column)
{
    return sqlite3_column_int64(q->s, column);
}

static struct att_slice get_text(const struct sql *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->s, column);
    int len = sqlite3_column_bytes(q->s, column);

    return att_slice_of(len < 0 ? NULL : text, text == NULL || len < 0 ? 0 : (size_t)len);
}

static struct att_slice get_blob(const struct sql *q, int column)
{
    const void *p = sqlite3_column_blob(q->s, column);
    int len = sqlite3_column_bytes(q->s, column);

    return att_slice_of(p, p == NULL || len < 0 ? 0 : (size_t)len);
}

/* SQLite tells a conversion without memory by its error code alone. */
static bool no_memory(const struct sql *q)
{
    return (sqlite3_errcode(of(q->st)->db) & 0xff) == SQLITE_NOMEM;
}

static enum att_err prepare(struct sql *q, struct store *st, const char *text,
                            struct att_diag *diag)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(of(st)->db, text, -1, &s, NULL);

    *q = (struct sql){.st = st, .s = s, .what = "check"};
    return rc == SQLITE_OK ? ATT_OK : sqlite_fail(of(st), rc, "check", diag);
}

static void drop(struct sql *q)
{
    (void)sqlite3_finalize(q->s);
}

static int columns(const struct sql *q)
{
    return sqlite3_column_count(q->s);
}

static const char *column_name(const struct sql *q, int column)
{
    return sqlite3_column_name(q->s, column);
}

/* --- transactions --- */

static enum att_err run(struct store *st, enum sql_id id, struct att_diag *diag)
{
    struct sql q = sql_of(st, id);

    return sql_run(&q, diag);
}

static enum att_err begin(struct store *st, struct att_diag *diag)
{
    return run(st, SQL_BEGIN, diag);
}

static enum att_err commit(struct store *st, struct att_diag *diag)
{
    return run(st, SQL_COMMIT, diag);
}

static enum att_err rollback(struct store *st)
{
    return run(st, SQL_ROLLBACK, NULL);
}

static bool in_tx(const struct store *st)
{
    return sqlite3_get_autocommit(((const struct sqlite *)st)->db) == 0;
}

static enum att_err tidy(struct store *base, struct att_diag *diag)
{
    struct sqlite *st = of(base);
    int rc;

    if (st->wal_pages < TIDY_PAGES)
        return ATT_OK;
    /* Passive keeps the log's file as it is: the next transactions write over it, and their syncs change
     * no length. */
    rc = sqlite3_wal_checkpoint_v2(st->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(st, rc, "checkpoint", diag);
    st->wal_pages = 0;
    return ATT_OK;
}

static void close_all(struct store *base)
{
    struct sqlite *st = of(base);

    for (size_t i = 0; i < SQL__COUNT; i++)
        (void)sqlite3_finalize(st->stmt[i]);
    /* Else the log would be synced once more and, as the kernel tells a failure only once, believed. */
    if (base->broken)
        (void)sqlite3_db_config(st->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(st->db);
    att_closep(&st->lock_fd);
    free(st);
}

static const char *const checks[] = {
    "PRAGMA integrity_check(100)",
    "SELECT 'foreign key of ' || \"table\" || ' row ' || coalesce(rowid, '?')"
    " FROM pragma_foreign_key_check LIMIT 100",
};

const struct store_engine sqlite_engine = {
    .close = close_all,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .in_tx = in_tx,
    .tidy = tidy,
    .statement = statement,
    .bind_int = bind_int,
    .bind_text = bind_text,
    .bind_blob = bind_blob,
    .bind_null = bind_null,
    .step = step,
    .end = end,
    .changes = changes,
    .type = type,
    .get_int = get_int,
    .get_text = get_text,
    .get_blob = get_blob,
    .no_memory = no_memory,
    .prepare = prepare,
    .drop = drop,
    .columns = columns,
    .column_name = column_name,
    .checks = checks,
    .check_count = ATT_COUNT(checks),
};
