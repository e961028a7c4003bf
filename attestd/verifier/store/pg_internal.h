/* The PostgreSQL engine, for its own files: one connection, its prepared statements, and whose turn it is. */
#ifndef ATTESTD_VERIFIER_STORE_PG_INTERNAL_H
#define ATTESTD_VERIFIER_STORE_PG_INTERNAL_H

#include <libpq-fe.h>

#include "store_internal.h"

#define PG_PARAMS 16

/* A statement: what is bound to it, and its rows once it ran. */
struct pg_stmt {
    const char *name; /* it is prepared under this one; "" for one of another's text */
    bool reads;       /* it may be run again after the connection was lost */
    int bound;
    const char *value[PG_PARAMS]; /* NULL is NULL */
    int length[PG_PARAMS];
    uint8_t number[PG_PARAMS][8]; /* integers, most significant byte first */
    PGresult *res;
    int row;
};

struct pg {
    struct store base; /* first: a pointer to the one is a pointer to the other */
    char *conninfo;
    PGconn *conn; /* NULL: not yet again */
    struct pg_stmt stmt[SQL__COUNT];
    int changes;
    bool lost;        /* the last statement did not reach the server */
    bool ours;        /* the lock was had: the turn below is this process's */
    int64_t epoch;    /* of our turn: whoever comes after us has a greater one */
    int64_t txn;      /* the last transaction that this turn began */
    int64_t tried_ms; /* when a connection was last tried */
};

extern const struct store_engine pg_engine;

/* Text of a statement, in the engine's words; and the prepared name. */
extern const struct pg_text {
    const char *name;
    const char *text;
} pg_texts[SQL__COUNT];

/*
 * What libpq's PQexec, PQprepare and PQexecPrepared (binary parameters and results) do, with a server that is not silent
 * for longer than pg_silence_ms (30 s; tests wait less). The result is the caller's. NULL: what became of it is not
 * known, and the connection is good for nothing more (pg_fail closes it).
 */
extern int64_t pg_silence_ms;
PGresult *pg_ask(PGconn *conn, const char *text);
PGresult *pg_ask_prepare(PGconn *conn, const char *name, const char *text);
PGresult *pg_ask_prepared(PGconn *conn, const struct pg_stmt *s);

/* Turn what the server or the library said into ours; res may be NULL. Always a failure. */
enum att_err pg_fail(struct pg *st, const PGresult *res, const char *what, struct att_diag *diag);
enum att_err pg_lost(struct pg *st, const char *what, struct att_diag *diag);
/* One statement without parameters and rows. */
ATT_MUST_USE enum att_err pg_exec(struct pg *st, const char *text, const char *what,
                                  struct att_diag *diag);
/* One row of at most two numbers from a text with at most two of them; NOT_FOUND without a row. */
ATT_MUST_USE enum att_err pg_numbers(int64_t out[2], struct pg *st, const char *text,
                                     const int64_t *in, int count, struct att_diag *diag);

/* Connect and prepare; neither the lock nor the turn. */
ATT_MUST_USE enum att_err pg_connect(struct pg *st, struct att_diag *diag);
/* The lock of the one who writes: TL_LOCK when another has it. */
ATT_MUST_USE enum att_err pg_take_lock(struct pg *st, struct att_diag *diag);
ATT_MUST_USE enum att_err pg_prepare_all(struct pg *st, struct att_diag *diag);
/*
 * The connection again after it was lost, outside of a transaction: lock, and still our turn. TL_LOCK and broken
 * when another had a turn meanwhile; ST_LOST when it cannot be had now.
 */
ATT_MUST_USE enum att_err pg_revive(struct pg *st, bool at_once, struct att_diag *diag);

#endif
