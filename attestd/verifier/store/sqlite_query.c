/* Prepared statements, bound and fetched field by field. */
#include "sqlite_internal.h"

#include <string.h>

static const char *const names[SQL__COUNT] = {
#define STORE_SQL(name, text) [SQL_##name] = #name,
#include "sql.def"
#undef STORE_SQL
};

struct sql sql_of(struct store *st, enum sql_id id)
{
    return (struct sql){.st = st, .s = st->stmt[id], .what = names[id], .rc = SQLITE_OK};
}

void sql_int(struct sql *q, int64_t v)
{
    q->param++;
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_int64(q->s, q->param, v);
}

void sql_text(struct sql *q, const char *v)
{
    q->param++;
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_text(q->s, q->param, v, -1, SQLITE_STATIC);
}

void sql_blob(struct sql *q, const void *p, size_t len)
{
    q->param++;
    if (q->rc != SQLITE_OK)
        return;
    /* A null pointer would bind NULL, which is not the empty string. */
    if (len == 0)
        q->rc = sqlite3_bind_zeroblob(q->s, q->param, 0);
    else
        q->rc = sqlite3_bind_blob64(q->s, q->param, p, len, SQLITE_STATIC);
}

void sql_null(struct sql *q)
{
    q->param++;
    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_bind_null(q->s, q->param);
}

static void reset(struct sql *q)
{
    (void)sqlite3_reset(q->s);
    (void)sqlite3_clear_bindings(q->s);
}

enum att_err sql_run(struct sql *q, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    if (q->rc == SQLITE_OK)
        q->rc = sqlite3_step(q->s);
    if (q->rc != SQLITE_DONE)
        err = sql_fail(q->st, q->rc, q->what, diag);
    reset(q);
    return err;
}

enum att_err sql_row(struct sql *q, struct att_diag *diag)
{
    if (q->rc == SQLITE_OK || q->rc == SQLITE_ROW)
        q->rc = sqlite3_step(q->s);
    q->column = 0;
    if (q->rc == SQLITE_ROW)
        return ATT_OK;
    if (q->rc == SQLITE_DONE)
        return ATT_E_NOT_FOUND;
    return sql_fail(q->st, q->rc, q->what, diag);
}

enum att_err sql_end(struct sql *q, enum att_err err)
{
    reset(q);
    return err != ATT_OK ? err : q->err;
}

enum att_err sql_number(int64_t *out, struct sql *q)
{
    int64_t value = 0;
    enum att_err err = sql_row(q, NULL);

    if (err == ATT_OK)
        value = sql_get_int(q, 0, INT64_MAX);
    err = sql_end(q, err);
    if (err != ATT_OK)
        return err;
    *out = value;
    return ATT_OK;
}

enum att_err sql_change_one(struct sql *q, struct att_diag *diag)
{
    enum att_err err = sql_run(q, diag);

    if (err != ATT_OK)
        return err;
    if (sql_changes(q->st) == 0)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_ID_UNKNOWN, q->what,
                        "there is no such record");
    return ATT_OK;
}

/* A value that could not be fetched: SQLite tells a conversion without memory by its error code alone. */
static void damaged(struct sql *q)
{
    if (q->err == ATT_OK)
        q->err = (sqlite3_errcode(q->st->db) & 0xff) == SQLITE_NOMEM ? ATT_E_NOMEM : ATT_E_FORMAT;
}

int64_t sql_get_int(struct sql *q, int64_t min, int64_t max)
{
    int64_t v = sqlite3_column_int64(q->s, q->column);

    q->column++;
    if (v >= min && v <= max)
        return v;
    damaged(q);
    return min;
}

void sql_get_text(struct sql *q, char *out, size_t cap)
{
    const unsigned char *text = sqlite3_column_text(q->s, q->column);
    int len = sqlite3_column_bytes(q->s, q->column);

    q->column++;
    out[0] = '\0';
    if (text == NULL || len < 0 || (size_t)len >= cap ||
        strlen((const char *)text) != (size_t)len) {
        damaged(q);
        return;
    }
    memcpy(out, text, (size_t)len + 1);
}

static struct att_slice column_blob(struct sql *q)
{
    const void *p = sqlite3_column_blob(q->s, q->column);
    int len = sqlite3_column_bytes(q->s, q->column);

    q->column++;
    return att_slice_of(p, p == NULL || len < 0 ? 0 : (size_t)len);
}

void sql_get_blob(struct sql *q, uint8_t *out, size_t cap, size_t *len)
{
    struct att_slice b = column_blob(q);

    *len = 0;
    if (b.len > cap) {
        damaged(q);
        return;
    }
    if (b.len > 0)
        memcpy(out, b.p, b.len);
    *len = b.len;
}

void sql_get_exact(struct sql *q, uint8_t *out, size_t len)
{
    struct att_slice b = column_blob(q);

    memset(out, 0, len);
    if (b.len != len) {
        damaged(q);
        return;
    }
    memcpy(out, b.p, len);
}

bool sql_get_optional(struct sql *q, uint8_t *out, size_t len)
{
    if (sqlite3_column_type(q->s, q->column) == SQLITE_NULL) {
        q->column++;
        memset(out, 0, len);
        return false;
    }
    sql_get_exact(q, out, len);
    return q->err == ATT_OK;
}

void sql_get_buf(struct sql *q, struct att_buf *out)
{
    struct att_slice b = column_blob(q);
    enum att_err err = att_buf_add_slice(out, b);

    if (err != ATT_OK && q->err == ATT_OK)
        q->err = err == ATT_E_LIMIT ? ATT_E_FORMAT : err;
}

int sql_changes(const struct store *st)
{
    return sqlite3_changes(st->db);
}
