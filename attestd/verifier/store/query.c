/* Statements bound and fetched field by field, and transactions, over whichever engine. */
#include "store.h"

#include <string.h>

#include "store_internal.h"

static const char *const names[SQL__COUNT] = {
#define STORE_SQL(name, text) [SQL_##name] = #name,
#include "sql.def"
#undef STORE_SQL
};

struct sql sql_of(struct store *st, enum sql_id id)
{
    return (struct sql){.st = st, .s = st->engine->statement(st, id), .what = names[id]};
}

void sql_int(struct sql *q, int64_t v)
{
    q->param++;
    q->st->engine->bind_int(q, v);
}

void sql_text(struct sql *q, const char *v)
{
    q->param++;
    q->st->engine->bind_text(q, v);
}

void sql_blob(struct sql *q, const void *p, size_t len)
{
    q->param++;
    q->st->engine->bind_blob(q, p, len);
}

void sql_null(struct sql *q)
{
    q->param++;
    q->st->engine->bind_null(q);
}

enum att_err sql_run(struct sql *q, struct att_diag *diag)
{
    enum att_err err = q->st->engine->step(q, diag);

    q->st->engine->end(q);
    return err == ATT_E_NOT_FOUND ? ATT_OK : err; /* no row is what was asked for */
}

enum att_err sql_row(struct sql *q, struct att_diag *diag)
{
    q->column = 0;
    return q->st->engine->step(q, diag);
}

enum att_err sql_end(struct sql *q, enum att_err err)
{
    q->st->engine->end(q);
    return err != ATT_OK ? err : q->err;
}

enum att_err sql_id(char id[STORE_ID_MAX + 1], struct sql *q)
{
    char found[STORE_ID_MAX + 1] = "";
    enum att_err err = sql_row(q, NULL);

    if (err == ATT_OK)
        sql_get_text(q, found, sizeof(found));
    err = sql_end(q, err);
    if (err == ATT_OK)
        memcpy(id, found, sizeof(found));
    return err;
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

static void damaged(struct sql *q)
{
    if (q->err == ATT_OK)
        q->err = q->st->engine->no_memory(q) ? ATT_E_NOMEM : ATT_E_FORMAT;
}

int64_t sql_get_int(struct sql *q, int64_t min, int64_t max)
{
    int64_t v = q->st->engine->get_int(q, q->column);

    q->column++;
    if (v >= min && v <= max)
        return v;
    damaged(q);
    return min;
}

void sql_get_text(struct sql *q, char *out, size_t cap)
{
    struct att_slice text = q->st->engine->get_text(q, q->column);

    q->column++;
    out[0] = '\0';
    if (text.p == NULL || text.len >= cap || memchr(text.p, '\0', text.len) != NULL) {
        damaged(q);
        return;
    }
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
}

static struct att_slice column_blob(struct sql *q)
{
    return q->st->engine->get_blob(q, q->column++);
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
    if (q->st->engine->type(q, q->column) == SQL_TYPE_NULL) {
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
    return st->engine->changes(st);
}

/* --- the store itself --- */

void store_close(struct store *st)
{
    if (st == NULL)
        return;
    store_rollback(st);
    st->engine->close(st);
}

void store_closep(struct store **st)
{
    store_close(*st);
    *st = NULL;
}

bool store_broken(const struct store *st)
{
    return st->broken;
}

bool store_lost(const struct store *st)
{
    return st->engine->lost != NULL && st->engine->lost(st);
}

bool store_shared(const struct store *st)
{
    return st->engine->shared;
}

enum att_err store_open_at(struct store **out, const struct store_place *place, enum store_how how,
                           struct att_diag *diag)
{
    if (place->postgresql != NULL)
        return store_open_postgresql(out, place->postgresql, how, diag);
    return store_open_sqlite(out, place->folder, how, diag);
}

enum att_err store_open(struct store **out, const char *folder, bool create, struct att_diag *diag)
{
    return store_open_sqlite(out, folder, create ? STORE_CREATE : STORE_AS_IT_IS, diag);
}

enum att_err store_begin(struct store *st, struct att_diag *diag)
{
    enum att_err err;

    if (st->open_tx)
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "BEGIN", "a transaction is open");
    err = st->engine->begin(st, diag);
    st->open_tx = err == ATT_OK;
    return err;
}

enum att_err store_commit(struct store *st, struct att_diag *diag)
{
    enum att_err err;

    /* The engine may have rolled back on its own after a failure that the caller overlooked. */
    if (!st->open_tx || !st->engine->in_tx(st))
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "COMMIT", "no transaction is open");
    err = st->engine->commit(st, diag);
    if (err == ATT_OK)
        st->open_tx = false;
    else
        store_rollback(st);
    return err;
}

void store_rollback(struct store *st)
{
    if (!st->open_tx)
        return;
    st->open_tx = false;
    if (!st->engine->in_tx(st))
        return;
    if (st->engine->rollback(st) != ATT_OK)
        st->broken = true;
}

static enum att_err run(struct store *st, enum sql_id id, struct att_diag *diag)
{
    struct sql q = sql_of(st, id);

    return sql_run(&q, diag);
}

enum att_err store_mark(struct store *st, struct att_diag *diag)
{
    /* A savepoint outside of a transaction would commit by itself. */
    if (!st->open_tx || !st->engine->in_tx(st))
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "MARK", "no transaction is open");
    return run(st, SQL_MARK, diag);
}

enum att_err store_mark_keep(struct store *st, struct att_diag *diag)
{
    return run(st, SQL_MARK_KEEP, diag);
}

enum att_err store_mark_undo(struct store *st, struct att_diag *diag)
{
    enum att_err err = run(st, SQL_MARK_UNDO, diag);

    if (err != ATT_OK)
        return err;
    return run(st, SQL_MARK_KEEP, diag);
}

enum att_err store_tidy(struct store *st, struct att_diag *diag)
{
    return st->engine->tidy(st, diag);
}
