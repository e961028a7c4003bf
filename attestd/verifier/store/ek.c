/* What vouched for a device's endorsement key and its factory's keys, and that it does not any more. */
#include "store.h"

#include <string.h>

#include "store_internal.h"

enum att_err store_ek_chain_put(struct store *st, int64_t enrolment, struct att_slice certs,
                                struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_EK_CHAIN_PUT);

    sql_int(&q, enrolment);
    sql_blob(&q, certs.p, certs.len);
    return sql_run(&q, diag);
}

/* The one blob of the one row. */
static enum att_err get_bytes(struct att_buf *bytes, struct sql *q)
{
    enum att_err err = sql_row(q, NULL);

    att_buf_clear(bytes);
    if (err == ATT_OK)
        sql_get_buf(q, bytes);
    return sql_end(q, err);
}

enum att_err store_ek_chain_get(struct att_buf *bytes, struct store *st, int64_t enrolment)
{
    struct sql q = sql_of(st, SQL_EK_CHAIN_GET);

    sql_int(&q, enrolment);
    return get_bytes(bytes, &q);
}

enum att_err store_factory_put(struct store *st, int64_t enrolment, enum store_factory kind,
                               struct att_slice name, struct att_slice certs, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_FACTORY_PUT);

    sql_int(&q, enrolment);
    sql_int(&q, kind);
    sql_blob(&q, name.p, name.len);
    sql_blob(&q, certs.p, certs.len);
    return sql_run(&q, diag);
}

enum att_err store_factory_get(struct att_buf *bytes, struct store *st, int64_t enrolment,
                               enum store_factory kind)
{
    struct sql q = sql_of(st, SQL_FACTORY_GET);

    sql_int(&q, enrolment);
    sql_int(&q, kind);
    return get_bytes(bytes, &q);
}

enum att_err store_factory_holder(char id[STORE_ID_MAX + 1], struct store *st,
                                  enum store_factory kind, struct att_slice name)
{
    struct sql q = sql_of(st, SQL_FACTORY_HOLDER);

    sql_int(&q, kind);
    sql_blob(&q, name.p, name.len);
    return sql_id(id, &q);
}

enum att_err store_hold_put(struct store *st, int64_t enrolment, const struct store_hold *hold,
                            struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_HOLD_PUT);

    sql_int(&q, enrolment);
    sql_text(&q, hold->reason);
    sql_int(&q, hold->lasting ? 1 : 0);
    sql_int(&q, hold->since_utc);
    return sql_run(&q, diag);
}

void sql_get_hold(struct sql *q, struct store_hold *hold)
{
    sql_get_text(q, hold->reason, sizeof(hold->reason));
    hold->lasting = sql_get_int(q, 0, 1) == 1;
    hold->since_utc = sql_get_int(q, INT64_MIN, INT64_MAX);
}

enum att_err store_hold_get(struct store_hold *out, struct store *st, int64_t enrolment)
{
    struct sql q = sql_of(st, SQL_HOLD_GET);
    struct store_hold hold = {0};
    enum att_err err;

    sql_int(&q, enrolment);
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        sql_get_hold(&q, &hold);
    err = sql_end(&q, err == ATT_E_NOT_FOUND ? ATT_OK : err);
    if (err != ATT_OK)
        return err;
    *out = hold;
    return ATT_OK;
}

enum att_err store_hold_remove(struct store *st, int64_t enrolment, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_HOLD_REMOVE);

    sql_int(&q, enrolment);
    return sql_change_one(&q, diag);
}
