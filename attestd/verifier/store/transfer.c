/* Transfers of gateways between organisations. */
#include "store.h"

#include "store_internal.h"

enum att_err store_transfer_put(struct store *st, const struct store_transfer *t,
                                struct att_slice bytes, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_TRANSFER_PUT);

    sql_blob(&q, t->id, sizeof(t->id));
    sql_int(&q, t->role);
    sql_text(&q, t->device);
    sql_blob(&q, t->ek_name, t->ek_name_len);
    sql_int(&q, t->outcome);
    sql_int(&q, t->expires_utc);
    sql_int(&q, t->enrolment);
    sql_blob(&q, bytes.p, bytes.len);
    sql_blob(&q, t->ek_key, t->has_ek_key ? sizeof(t->ek_key) : 0);
    return sql_run(&q, diag);
}

/* bytes NULL: the statement does not select them. */
static enum att_err one_transfer(struct store_transfer *out, struct att_buf *bytes, struct sql *q)
{
    struct store_transfer t = {0};
    enum att_err err = sql_row(q, NULL);

    if (bytes != NULL)
        att_buf_clear(bytes);
    if (err == ATT_OK) {
        sql_get_exact(q, t.id, sizeof(t.id));
        t.role =
            (enum store_transfer_role)sql_get_int(q, STORE_TRANSFER_GIVEN, STORE_TRANSFER_RECEIVED);
        sql_get_text(q, t.device, sizeof(t.device));
        sql_get_blob(q, t.ek_name, sizeof(t.ek_name), &t.ek_name_len);
        t.outcome = sql_get_int(q, 0, INT64_MAX);
        t.expires_utc = sql_get_int(q, INT64_MIN, INT64_MAX);
        t.enrolment = sql_get_int(q, 0, INT64_MAX);
        if (bytes != NULL)
            sql_get_buf(q, bytes);
    }
    err = sql_end(q, err);
    if (err != ATT_OK)
        return err;
    *out = t;
    return ATT_OK;
}

enum att_err store_transfer_get(struct store_transfer *out, struct att_buf *bytes, struct store *st,
                                const uint8_t id[STORE_TRANSFER_ID_LEN])
{
    struct sql q = sql_of(st, SQL_TRANSFER_GET);

    sql_blob(&q, id, STORE_TRANSFER_ID_LEN);
    return one_transfer(out, bytes, &q);
}

enum att_err store_transfer_next(struct store_transfer *out, struct att_buf *bytes,
                                 struct store *st, int64_t after)
{
    struct sql q = sql_of(st, SQL_TRANSFER_NEXT);

    sql_int(&q, after);
    return one_transfer(out, bytes, &q);
}

enum att_err store_transfer_given(struct store_transfer *out, struct store *st, const char *device)
{
    struct sql q = sql_of(st, SQL_TRANSFER_GIVEN);

    sql_text(&q, device);
    return one_transfer(out, NULL, &q);
}

enum att_err store_transfer_last(struct store_transfer *out, struct store *st,
                                 struct att_slice ek_name, struct att_slice ek_public)
{
    struct sql q = sql_of(st, SQL_TRANSFER_LAST);

    sql_blob(&q, ek_name.p, ek_name.len);
    sql_blob(&q, ek_public.p, ek_public.len);
    return one_transfer(out, NULL, &q);
}

enum att_err store_transfer_of(struct store_transfer *out, struct store *st, int64_t enrolment)
{
    struct sql q = sql_of(st, SQL_TRANSFER_OF);

    sql_int(&q, enrolment);
    return one_transfer(out, NULL, &q);
}

enum att_err store_transfer_use(struct store *st, const uint8_t id[STORE_TRANSFER_ID_LEN],
                                int64_t enrolment, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_TRANSFER_USE);
    enum att_err err;

    sql_blob(&q, id, STORE_TRANSFER_ID_LEN);
    sql_int(&q, enrolment);
    err = sql_run(&q, diag);
    if (err != ATT_OK)
        return err;
    if (sql_changes(st) == 0)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_TRF_DONE, "transfer",
                        "the gateway enrolled by it already");
    return ATT_OK;
}

enum att_err store_quarantine_holds(bool *out, struct store *st, const char *id,
                                    struct att_slice ek_name)
{
    struct sql q = sql_of(st, SQL_QUARANTINE_HOLDS);
    enum att_err err;
    bool holds = false;

    sql_text(&q, id);
    sql_blob(&q, ek_name.p, ek_name.len);
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        holds = sql_get_int(&q, 0, 1) == 1;
    err = sql_end(&q, err);
    if (err == ATT_OK)
        *out = holds;
    return err;
}
