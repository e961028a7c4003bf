/* The PostgreSQL engine: statements with binary parameters and results, transactions, and what failures mean. */
#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/rd.h"
#include "base/wr.h"
#include "pg_internal.h"

/* Types of the server that the store has (pg_type.dat): they are part of its protocol. */
#define OID_BYTEA 17
#define OID_TEXT  25

#define RESOLVE_MS 10000 /* to find out what became of a commit whose answer was lost */
#define PAUSE_NS   100000000

static struct pg *of(struct store *st)
{
    return (struct pg *)st;
}

/* --- failures --- */

/*
 * Whatever libpq thinks of the connection: an answer may still be on its way, and would be taken for that of the next
 * statement. So it is not used again, and the server rolls back what was open.
 */
enum att_err pg_lost(struct pg *st, const char *what, struct att_diag *diag)
{
    const char *text = st->conn != NULL ? PQerrorMessage(st->conn) : "";
    int len = (int)strcspn(text, "\n");

    st->lost = true;
    (void)att_fail(diag, ATT_E_NETWORK, ATT_R_ST_LOST, what, "%.*s", len > 200 ? 200 : len,
                   len > 0 ? text : "not connected");
    PQfinish(st->conn);
    st->conn = NULL;
    return ATT_E_NETWORK;
}

static bool is(const char *state, const char *code)
{
    return strncmp(state, code, strlen(code)) == 0;
}

/* False: the session is over, and what became of the statement is not known. */
static bool server_decided(const struct pg *st, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return PQstatus(st->conn) == CONNECTION_OK && state != NULL && !is(state, "08") &&
           !is(state, "57P");
}

enum att_err pg_fail(struct pg *st, const PGresult *res, const char *what, struct att_diag *diag)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (!server_decided(st, res))
        return pg_lost(st, what, diag);
    if (text == NULL)
        text = "no message";
    if (is(state, "23"))
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_INTERNAL, what, "%s", text);
    if (is(state, "53100") || is(state, "25006"))
        return att_fail(diag, ATT_E_IO, ATT_R_ST_FULL, what, "%s", text);
    if (is(state, "53"))
        return att_fail(diag, ATT_E_NETWORK, ATT_R_ST_LOST, what, "%s", text);
    if (is(state, "40") || is(state, "55P03") || is(state, "57014"))
        return att_fail(diag, ATT_E_BUSY, ATT_R_BUSY, what, "%s (%s)", text, state);
    if (is(state, "22"))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_INTERNAL, what, "%s (%s)", text, state);
    if (is(state, "42P01") || is(state, "42703"))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, what, "%s", text);
    if (is(state, "42501") || is(state, "28"))
        return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, what, "%s", text);
    if (is(state, "XX001") || is(state, "XX002") || is(state, "58")) {
        st->base.broken = true;
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, what, "%s (%s)", text, state);
    }
    return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, what, "%s (%s)", text, state);
}

/* --- statements --- */

static void *statement(struct store *st, enum sql_id id)
{
    return &of(st)->stmt[id];
}

static void bind(struct sql *q, const void *p, size_t len)
{
    struct pg_stmt *s = q->s;

    if (q->param > PG_PARAMS || len > STORE_BYTES_MAX) {
        q->rc = 1;
        return;
    }
    s->value[q->param - 1] = p;
    s->length[q->param - 1] = (int)len;
    s->bound = q->param;
}

static void bind_int(struct sql *q, int64_t v)
{
    struct pg_stmt *s = q->s;
    struct att_wr w;

    if (q->param > PG_PARAMS) {
        q->rc = 1;
        return;
    }
    w = att_wr_into(s->number[q->param - 1], sizeof(s->number[0]));
    att_wr_u64be(&w, (uint64_t)v);
    bind(q, s->number[q->param - 1], sizeof(s->number[0]));
}

static void bind_text(struct sql *q, const char *v)
{
    bind(q, v, strlen(v));
}

static void bind_blob(struct sql *q, const void *p, size_t len)
{
    bind(q, len == 0 ? "" : p,
         len); /* a null pointer would be NULL, which is not the empty string */
}

static void bind_null(struct sql *q)
{
    bind(q, NULL, 0);
}

static bool worked(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);

    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static bool connected(const struct pg *st)
{
    return st->conn != NULL && PQstatus(st->conn) == CONNECTION_OK;
}

/* A connection that went while nobody used it shows at the next use: what only reads is asked once more. */
static enum att_err run(struct sql *q, struct att_diag *diag)
{
    struct pg *st = of(q->st);
    struct pg_stmt *s = q->s;
    enum att_err err = ATT_OK;

    if (q->rc != 0)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_INTERNAL, q->what, "a value is too long");
    if (!connected(st))
        err = st->base.open_tx ? pg_lost(st, q->what, diag) : pg_revive(st, false, diag);
    if (err != ATT_OK)
        return err;
    s->res = pg_ask_prepared(st->conn, s);
    if (!connected(st) && s->reads && !st->base.open_tx) {
        PQclear(s->res);
        s->res = NULL;
        err = pg_revive(st, false, diag);
        if (err != ATT_OK)
            return err;
        s->res = pg_ask_prepared(st->conn, s);
    }
    if (!worked(s->res))
        return pg_fail(st, s->res, q->what, diag);
    st->lost = false;
    st->changes = atoi(PQcmdTuples(s->res)); /* digits, or empty */
    s->row = -1;
    return ATT_OK;
}

static enum att_err step(struct sql *q, struct att_diag *diag)
{
    struct pg_stmt *s = q->s;
    enum att_err err = s->res == NULL ? run(q, diag) : ATT_OK;

    if (err != ATT_OK)
        return err;
    s->row++;
    return s->row < PQntuples(s->res) ? ATT_OK : ATT_E_NOT_FOUND;
}

static void end(struct sql *q)
{
    struct pg_stmt *s = q->s;

    PQclear(s->res);
    s->res = NULL;
    s->bound = 0;
}

static int changes(const struct store *st)
{
    return ((const struct pg *)st)->changes;
}

/* --- values --- */

static struct att_slice value(const struct sql *q, int column)
{
    const struct pg_stmt *s = q->s;

    if (s->res == NULL || s->row < 0 || s->row >= PQntuples(s->res) ||
        column >= PQnfields(s->res) || PQgetisnull(s->res, s->row, column))
        return att_slice_of(NULL, 0);
    return att_slice_of(PQgetvalue(s->res, s->row, column),
                        (size_t)PQgetlength(s->res, s->row, column));
}

static enum sql_type type(const struct sql *q, int column)
{
    const struct pg_stmt *s = q->s;

    if (value(q, column).p == NULL)
        return SQL_TYPE_NULL;
    switch (PQftype(s->res, column)) {
    case OID_BYTEA:
        return SQL_TYPE_BLOB;
    case OID_TEXT:
        return SQL_TYPE_TEXT;
    default:
        return SQL_TYPE_INT;
    }
}

/* int8, and int4 where a statement says 0 or 1. */
static int64_t get_int(const struct sql *q, int column)
{
    struct att_slice v = value(q, column);
    struct att_rd r = att_rd_from(v.p, v.len);

    if (v.len == 4)
        return (int32_t)att_rd_u32be(&r);
    return v.len == 8 ? (int64_t)att_rd_u64be(&r) : INT64_MIN;
}

static bool no_memory(const struct sql *q)
{
    (void)q;
    return false;
}

/* --- texts of whoever looks at the whole store --- */

static enum att_err prepare(struct sql *q, struct store *base, const char *text,
                            struct att_diag *diag)
{
    struct pg *st = of(base);
    struct pg_stmt *s = calloc(1, sizeof(*s));
    PGresult *res;
    enum att_err err = ATT_OK;

    *q = (struct sql){.st = base, .s = s, .what = "check"};
    if (s == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "check", "memory ran out");
    s->name = "";
    if (!connected(st))
        return pg_lost(st, "check", diag);
    res = pg_ask_prepare(st->conn, "", text);
    if (!worked(res))
        err = pg_fail(st, res, "check", diag);
    PQclear(res);
    return err;
}

static void drop(struct sql *q)
{
    if (q->s == NULL)
        return;
    end(q);
    free(q->s);
}

static int columns(const struct sql *q)
{
    const struct pg_stmt *s = q->s;

    return PQnfields(s->res);
}

static const char *column_name(const struct sql *q, int column)
{
    const struct pg_stmt *s = q->s;

    return PQfname(s->res, column);
}

enum att_err pg_exec(struct pg *st, const char *text, const char *what, struct att_diag *diag)
{
    PGresult *res = pg_ask(st->conn, text);
    enum att_err err = worked(res) ? ATT_OK : pg_fail(st, res, what, diag);

    PQclear(res);
    return err;
}

enum att_err pg_numbers(int64_t out[2], struct pg *st, const char *text, const int64_t *in,
                        int count, struct att_diag *diag)
{
    struct sql q;
    enum att_err err = prepare(&q, &st->base, text, diag);

    for (int i = 0; i < count && err == ATT_OK; i++) {
        q.param++;
        bind_int(&q, in[i]);
    }
    if (err == ATT_OK) {
        struct pg_stmt *s = q.s;

        s->res = pg_ask_prepared(st->conn, s);
        err = worked(s->res) ? ATT_OK : pg_fail(st, s->res, "writer", diag);
        st->changes = err == ATT_OK ? atoi(PQcmdTuples(s->res)) : 0;
        if (err == ATT_OK && PQntuples(s->res) == 0)
            err = ATT_E_NOT_FOUND;
    }
    for (int i = 0; i < 2 && err == ATT_OK; i++)
        out[i] = get_int(&q, i);
    drop(&q);
    return err;
}

/* --- transactions --- */

static enum att_err lost_turn(struct pg *st, struct att_diag *diag)
{
    st->base.broken = true;
    return att_fail(diag, ATT_E_BUSY, ATT_R_TL_LOCK, "database",
                    "another attestd had its turn meanwhile: nothing was written");
}

/* The turn's number stands in each transaction's way: one that is not ours any more changes nothing. */
static enum att_err claim(struct pg *st, struct att_diag *diag)
{
    const int64_t turn[] = {st->epoch, st->txn + 1};
    int64_t row[2];
    enum att_err err = pg_numbers(row, st,
                                  "UPDATE writer SET txn = $2 WHERE one = 1 AND epoch = $1"
                                  " RETURNING epoch, txn",
                                  turn, 2, diag);

    if (ATT_GUARD(PG_TURN, err == ATT_E_NOT_FOUND))
        return lost_turn(st, diag);
    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return err;
    st->txn++;
    return ATT_OK;
}

static enum att_err begin(struct store *base, struct att_diag *diag)
{
    struct pg *st = of(base);
    enum att_err err = connected(st) ? pg_exec(st, "BEGIN", "begin", diag) : ATT_E_NETWORK;

    if (!connected(st)) {
        err = pg_revive(st, false, diag);
        if (err == ATT_OK)
            err = pg_exec(st, "BEGIN", "begin", diag);
    }
    if (err != ATT_OK)
        return err;
    err = claim(st, diag);
    if (err != ATT_OK && connected(st) && pg_exec(st, "ROLLBACK", "begin", NULL) != ATT_OK)
        st->lost = true;
    return err;
}

/*
 * The answer to a commit was lost. Once the lock is ours again the old session is over, and the number of its last
 * transaction says whether that one came through.
 */
static enum att_err resolve(struct pg *st, struct att_diag *diag)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int64_t deadline_ms = att_clock_mono_ms() + RESOLVE_MS;
    enum att_err err = pg_revive(st, true, diag);
    int64_t row[2];

    while (err != ATT_OK && !st->base.broken && att_clock_mono_ms() < deadline_ms) {
        (void)nanosleep(&pause, NULL);
        err = pg_revive(st, true, diag);
    }
    if (err == ATT_OK)
        err = pg_numbers(row, st, "SELECT epoch, txn FROM writer WHERE one = 1", NULL, 0, diag);
    if (err != ATT_OK) {
        st->base.broken = true; /* nobody knows: say nothing, and let the next start look */
        return err;
    }
    if (row[0] == st->epoch && row[1] == st->txn)
        return ATT_OK;
    return att_fail(diag, ATT_E_NETWORK, ATT_R_ST_LOST, "commit",
                    "the connection was lost before it: nothing was written");
}

static enum att_err commit(struct store *base, struct att_diag *diag)
{
    struct pg *st = of(base);
    enum att_err err = ATT_OK;
    PGresult *res;

    if (!connected(st))
        return pg_lost(st, "commit", diag);
    res = pg_ask(st->conn, "COMMIT");
    /* A transaction that failed before answers COMMIT with ROLLBACK, and no error. */
    if (worked(res) && strcmp(PQcmdStatus(res), "COMMIT") != 0)
        err = att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "commit",
                       "the transaction had failed before");
    else if (!worked(res) && server_decided(st, res))
        err = pg_fail(st, res, "commit", diag);
    else if (!worked(res))
        err = resolve(st, diag);
    PQclear(res);
    return err;
}

/* Without a connection the server does it by itself. */
static enum att_err rollback(struct store *base)
{
    struct pg *st = of(base);

    if (!connected(st) || PQtransactionStatus(st->conn) == PQTRANS_IDLE)
        return ATT_OK;
    if (pg_exec(st, "ROLLBACK", "rollback", NULL) == ATT_OK || !connected(st))
        return ATT_OK;
    return ATT_E_INTERNAL;
}

/* What became of a connection that was lost is told by the next statement. */
static bool in_tx(const struct store *base)
{
    const struct pg *st = (const struct pg *)base;

    return !connected(st) || PQtransactionStatus(st->conn) != PQTRANS_IDLE;
}

static enum att_err tidy(struct store *st, struct att_diag *diag)
{
    (void)st;
    (void)diag;
    return ATT_OK; /* the server's own */
}

static bool lost(const struct store *st)
{
    return ((const struct pg *)st)->lost;
}

static void close_all(struct store *base)
{
    struct pg *st = of(base);

    for (size_t i = 0; i < SQL__COUNT; i++)
        PQclear(st->stmt[i].res);
    if (st->conn != NULL)
        PQfinish(st->conn);
    free(st->conninfo);
    free(st);
}

const struct store_engine pg_engine = {
    .shared = true,
    .close = close_all,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .in_tx = in_tx,
    .lost = lost,
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
    .get_text = value,
    .get_blob = value,
    .no_memory = no_memory,
    .prepare = prepare,
    .drop = drop,
    .columns = columns,
    .column_name = column_name,
    .checks = NULL,
    .check_count = 0,
};
