/*
 * What every statement of the store is written with, whichever engine runs it: bind and fetch field by field,
 * the first failure sticks, ask once at the end, the way base/rd.h reads. And what an engine is.
 */
#ifndef ATTESTD_VERIFIER_STORE_STORE_INTERNAL_H
#define ATTESTD_VERIFIER_STORE_STORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "store.h"

#define STORE_APPLICATION_ID 0x41545344 /* "ATSD" in the database's header */
#define STORE_SCHEMA         8          /* version of the tables */

enum sql_id {
#define STORE_SQL(name, text) SQL_##name,
#include "sql.def"
#undef STORE_SQL
    SQL__COUNT
};

struct store_hold;
struct store_engine;

/* The first member of each engine's own. */
struct store {
    const struct store_engine *engine;
    bool broken;
    bool open_tx;
};

/* A statement under way. */
struct sql {
    struct store *st;
    void *s;          /* the engine's statement */
    const char *what; /* the statement's name, for messages */
    int param;        /* the last one bound */
    int column;       /* the next one to fetch */
    int rc;           /* the engine's status of binding and stepping */
    enum att_err err; /* of fetching */
};

enum sql_type { SQL_TYPE_NULL, SQL_TYPE_INT, SQL_TYPE_TEXT, SQL_TYPE_BLOB };

/*
 * An engine: transactions, and statements that are bound (counted from 1), stepped and read (counted from 0).
 * Failures are told with the reasons that store.h names. What is bound is borrowed until the statement ends; what
 * is fetched lives until the next row or the end.
 */
struct store_engine {
    bool shared; /* other processes write to the same database, in turn */
    void (*close)(struct store *st);
    enum att_err (*begin)(struct store *st, struct att_diag *diag);
    enum att_err (*commit)(struct store *st, struct att_diag *diag);
    enum att_err (*rollback)(struct store *st);
    bool (*in_tx)(
        const struct store *st); /* as the engine sees it: it may have rolled back on its own */
    bool (*lost)(const struct store *st); /* NULL: it cannot be */
    enum att_err (*tidy)(struct store *st, struct att_diag *diag);

    void *(*statement)(struct store *st, enum sql_id id);
    void (*bind_int)(struct sql *q, int64_t v);
    void (*bind_text)(struct sql *q, const char *v);
    void (*bind_blob)(struct sql *q, const void *p, size_t len);
    void (*bind_null)(struct sql *q);
    enum att_err (*step)(struct sql *q, struct att_diag *diag); /* NOT_FOUND: no row more */
    void (*end)(struct sql *q);
    int (*changes)(const struct store *st); /* rows that the last statement changed */

    enum sql_type (*type)(const struct sql *q, int column);
    int64_t (*get_int)(const struct sql *q, int column);
    struct att_slice (*get_text)(const struct sql *q, int column); /* p NULL: not to be had */
    struct att_slice (*get_blob)(const struct sql *q, int column);
    bool (*no_memory)(const struct sql *q); /* that is why the last value could not be had */

    /* A statement of a text that is ours, for whoever looks at the whole store; drop ends it. */
    enum att_err (*prepare)(struct sql *q, struct store *st, const char *text,
                            struct att_diag *diag);
    void (*drop)(struct sql *q);
    int (*columns)(const struct sql *q);
    const char *(*column_name)(const struct sql *q, int column);

    /* Checks of its own structure, each giving one row of text a finding. */
    const char *const *checks;
    size_t check_count;
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
/* The one device id of the row, and end it; id is written on success only. NOT_FOUND without a row. */
ATT_MUST_USE enum att_err sql_id(char id[STORE_ID_MAX + 1], struct sql *q);

/* Fetch columns from left to right. A value that does not fit is a damaged database
 * (FORMAT), unless memory ran out for it (NOMEM). */
int64_t sql_get_int(struct sql *q, int64_t min, int64_t max);
void sql_get_text(struct sql *q, char *out, size_t cap);
void sql_get_blob(struct sql *q, uint8_t *out, size_t cap, size_t *len);
void sql_get_exact(struct sql *q, uint8_t *out, size_t len);
bool sql_get_optional(struct sql *q, uint8_t *out, size_t len); /* false for NULL */
void sql_get_buf(struct sql *q, struct att_buf *out);           /* appended */
/* The columns of a hold (ek.c). */
void sql_get_hold(struct sql *q, struct store_hold *hold);
/* How many rows the last statement changed. */
int sql_changes(const struct store *st);

#endif
