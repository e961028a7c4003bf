/* Status lists: how far each is given away, and the labels that do not count any more. */
#include "store.h"

#include <string.h>

#include "store_internal.h"

enum att_err store_list_add(struct store *st, const struct store_list *l, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_LIST_ADD);

    sql_int(&q, l->number);
    sql_blob(&q, l->key, sizeof(l->key));
    sql_int(&q, l->entries);
    sql_int(&q, l->longest);
    return sql_run(&q, diag);
}

static enum att_err one_list(struct store_list *out, struct sql *q)
{
    struct store_list l = {0};
    enum att_err err = sql_row(q, NULL);

    if (err == ATT_OK) {
        l.number = sql_get_int(q, 1, INT64_MAX);
        sql_get_exact(q, l.key, sizeof(l.key));
        l.entries = sql_get_int(q, 1, INT32_MAX);
        l.used = sql_get_int(q, 0, l.entries);
        l.last_exp = sql_get_int(q, 0, INT64_MAX);
        l.longest = sql_get_int(q, 0, INT64_MAX);
    }
    err = sql_end(q, err);
    if (err != ATT_OK)
        return err;
    *out = l;
    return ATT_OK;
}

enum att_err store_list_last(struct store_list *out, struct store *st)
{
    struct sql q = sql_of(st, SQL_LIST_LAST);

    return one_list(out, &q);
}

enum att_err store_list_get(struct store_list *out, struct store *st, int64_t number)
{
    struct sql q = sql_of(st, SQL_LIST_GET);

    sql_int(&q, number);
    return one_list(out, &q);
}

enum att_err store_list_take(struct store *st, int64_t number, int64_t exp, int64_t life_s,
                             struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_LIST_TAKE);

    sql_int(&q, number);
    sql_int(&q, exp);
    sql_int(&q, life_s);
    return sql_change_one(&q, diag);
}

enum att_err store_label_mark(struct store *st, const struct store_label *l, int64_t outcome,
                              struct att_diag *diag)
{
    bool counts = l->status == STORE_LABEL_VALID;
    struct sql q = sql_of(st, counts ? SQL_STATUS_REMOVE : SQL_STATUS_PUT);

    sql_int(&q, l->list);
    sql_int(&q, l->place);
    if (counts)
        return sql_run(&q, diag);
    sql_int(&q, l->status);
    sql_int(&q, l->alone ? 1 : 0);
    sql_int(&q, l->outcome);
    sql_int(&q, outcome);
    return sql_run(&q, diag);
}

enum att_err store_list_next(int64_t *place, enum store_label_status *value, struct store *st,
                             int64_t number)
{
    struct sql q = sql_of(st, SQL_STATUS_NEXT);
    int64_t found = 0;
    enum store_label_status says = STORE_LABEL_VALID;
    enum att_err err;

    sql_int(&q, number);
    sql_int(&q, *place);
    err = sql_row(&q, NULL);
    if (err == ATT_OK) {
        found = sql_get_int(&q, 0, INT32_MAX);
        says = (enum store_label_status)sql_get_int(&q, STORE_LABEL_REVOKED, STORE_LABEL_SUSPENDED);
    }
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *place = found;
    *value = says;
    return ATT_OK;
}
