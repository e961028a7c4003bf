/* Keys that sign labels and trees of the log: from which entry to which. */
#include "store.h"

#include <stdio.h>

#include "store_internal.h"

enum att_err store_key_add(struct store *st, const struct store_key *k, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_KEY_ADD);

    sql_int(&q, k->kind);
    sql_blob(&q, k->spki, k->spki_len);
    sql_text(&q, k->name);
    sql_int(&q, k->begins);
    return sql_run(&q, diag);
}

enum att_err store_key_end(struct store *st, enum store_key_kind kind, int64_t ends,
                           int64_t cosigns_until, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_KEY_END);

    sql_int(&q, kind);
    sql_int(&q, ends);
    sql_int(&q, cosigns_until);
    return sql_change_one(&q, diag);
}

enum att_err store_key_revoke(struct store *st, enum store_key_kind kind, int64_t nth,
                              int64_t outcome, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_KEY_REVOKE);

    sql_int(&q, kind);
    sql_int(&q, nth);
    sql_int(&q, outcome);
    return sql_change_one(&q, diag);
}

enum att_err store_key_next(struct store_key *out, struct store *st, enum store_key_kind kind,
                            int64_t after)
{
    struct sql q = sql_of(st, SQL_KEY_NEXT);
    struct store_key k = {.kind = kind};
    enum att_err err;

    sql_int(&q, kind);
    sql_int(&q, after);
    err = sql_row(&q, NULL);
    if (err == ATT_OK) {
        k.nth = sql_get_int(&q, 1, INT32_MAX);
        sql_get_blob(&q, k.spki, sizeof(k.spki), &k.spki_len);
        sql_get_text(&q, k.name, sizeof(k.name));
        k.begins = sql_get_int(&q, 0, INT64_MAX);
        k.ends = sql_get_int(&q, -1, INT64_MAX);
        k.revoked = sql_get_int(&q, -1, INT64_MAX);
        k.cosigns_until = sql_get_int(&q, 0, INT64_MAX);
    }
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *out = k;
    return ATT_OK;
}

enum att_err store_label_revoke_of_key(int64_t *count, struct store *st, const int64_t range[2],
                                       int64_t now_utc, int64_t outcome, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_STATUS_REVOKE_OF_KEY);
    enum att_err err;

    sql_int(&q, range[0]);
    sql_int(&q, range[1]);
    sql_int(&q, now_utc);
    sql_int(&q, outcome);
    err = sql_run(&q, diag);
    if (err == ATT_OK)
        *count = sql_changes(st);
    return err;
}
