/* Devices, their state, tokens and the allow-list. */
#include "store.h"

#include <string.h>

#include "store_internal.h"

static const char *const status_names[] = {
    [STORE_ENROLLED] = "enrolled", [STORE_AFFIRMING] = "affirming", [STORE_WARNING] = "warning",
    [STORE_FAILED] = "failed",     [STORE_STALE] = "stale",
};

const char *store_status_name(enum store_status s)
{
    if ((size_t)s >= ATT_COUNT(status_names))
        return "unknown";
    return status_names[s];
}

static void fetch_device(struct sql *q, struct store_device *d)
{
    d->enrolment = sql_get_int(q, 1, INT64_MAX);
    sql_get_text(q, d->id, sizeof(d->id));
    sql_get_blob(q, d->ek_name, sizeof(d->ek_name), &d->ek_name_len);
    sql_get_blob(q, d->ek_public, sizeof(d->ek_public), &d->ek_public_len);
    sql_get_blob(q, d->ak_name, sizeof(d->ak_name), &d->ak_name_len);
    sql_get_blob(q, d->ak_public, sizeof(d->ak_public), &d->ak_public_len);
    sql_get_exact(q, d->tls_key, sizeof(d->tls_key));
    sql_get_exact(q, d->ek_cert, sizeof(d->ek_cert));
    d->ek_verified = sql_get_int(q, 0, 1) == 1;
    d->enrolled_utc = sql_get_int(q, INT64_MIN, INT64_MAX);
    d->iak = sql_get_int(q, 0, 1) == 1;
}

static enum att_err one_device(struct store_device *out, struct sql *q)
{
    struct store_device d = {0};
    enum att_err err = sql_row(q, NULL);

    if (err == ATT_OK)
        fetch_device(q, &d);
    err = sql_end(q, err);
    if (err != ATT_OK)
        return err;
    *out = d;
    return ATT_OK;
}

enum att_err store_device_get(struct store_device *out, struct store *st, const char *id)
{
    struct sql q = sql_of(st, SQL_DEVICE_GET);

    sql_text(&q, id);
    return one_device(out, &q);
}

enum att_err store_device_by_ek(struct store_device *out, struct store *st,
                                struct att_slice ek_public)
{
    struct sql q = sql_of(st, SQL_DEVICE_BY_EK);

    sql_blob(&q, ek_public.p, ek_public.len);
    return one_device(out, &q);
}

enum att_err store_device_add(int64_t *enrolment, struct store *st, const struct store_device *d,
                              int64_t deadline_utc, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_DEVICE_ADD);
    enum att_err err;
    int64_t number = 0;

    sql_text(&q, d->id);
    sql_blob(&q, d->ek_name, d->ek_name_len);
    sql_blob(&q, d->ek_public, d->ek_public_len);
    sql_blob(&q, d->ak_name, d->ak_name_len);
    sql_blob(&q, d->ak_public, d->ak_public_len);
    sql_blob(&q, d->tls_key, sizeof(d->tls_key));
    sql_blob(&q, d->ek_cert, sizeof(d->ek_cert));
    sql_int(&q, d->ek_verified ? 1 : 0);
    sql_int(&q, d->enrolled_utc);
    err = sql_row(&q, diag);
    if (err == ATT_OK)
        number = sql_get_int(&q, 1, INT64_MAX);
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;

    q = sql_of(st, SQL_STATE_ADD);
    sql_int(&q, number);
    sql_int(&q, deadline_utc);
    err = sql_run(&q, diag);
    if (err != ATT_OK)
        return err;
    *enrolment = number;
    return ATT_OK;
}

enum att_err store_device_next(struct store_device *out, bool *damaged, struct store *st,
                               int64_t after)
{
    struct sql q = sql_of(st, SQL_DEVICE_NEXT);
    struct store_device d = {0};
    bool bad = false;
    enum att_err err;

    sql_int(&q, after);
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        fetch_device(&q, &d);
    bad = q.err == ATT_E_FORMAT; /* memory that ran out says nothing of the row */
    if (err == ATT_OK)
        d.enrolment = st->engine->get_int(&q, 0); /* also one that no release gives */
    if (bad)
        q.err = ATT_OK;
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *damaged = bad;
    *out = d;
    return ATT_OK;
}

enum att_err store_device_remove(struct store *st, const char *id, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_DEVICE_REMOVE);

    sql_text(&q, id);
    return sql_change_one(&q, diag);
}

enum att_err store_device_quarantine(struct store *st, int64_t enrolment, const char *why,
                                     struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_QUARANTINE_PUT);
    enum att_err err;

    sql_int(&q, enrolment);
    sql_text(&q, why);
    err = sql_change_one(&q, diag);
    if (err != ATT_OK)
        return err;
    q = sql_of(st, SQL_DEVICE_DROP);
    sql_int(&q, enrolment);
    return sql_change_one(&q, diag);
}

enum att_err store_quarantine_count(int64_t *out, struct store *st)
{
    struct sql q = sql_of(st, SQL_QUARANTINE_COUNT);

    return sql_number(out, &q);
}

static void fetch_state(struct sql *q, struct store_state *s)
{
    s->status = (enum store_status)sql_get_int(q, STORE_ENROLLED, STORE_STALE);
    sql_get_text(q, s->reason, sizeof(s->reason));
    s->last_utc = sql_get_int(q, INT64_MIN, INT64_MAX);
    s->deadline_utc = sql_get_int(q, INT64_MIN, INT64_MAX);
    s->has_cti = sql_get_optional(q, s->cti, sizeof(s->cti));
}

static void fetch_blobs(struct sql *q, struct store_state *s, struct att_buf *blobs)
{
    struct att_slice *const part[STORE_BLOBS] = {&s->boot, &s->carry, &s->windows};
    size_t end[STORE_BLOBS];
    struct att_slice all;

    att_buf_clear(blobs);
    for (size_t i = 0; i < STORE_BLOBS; i++) {
        sql_get_buf(q, blobs);
        end[i] = att_buf_len(blobs);
    }
    all = att_buf_slice(blobs); /* now that it grows no more */
    for (size_t i = 0; i < STORE_BLOBS; i++) {
        size_t start = i == 0 ? 0 : end[i - 1];

        *part[i] = att_slice_of(end[i] == start ? NULL : &all.p[start], end[i] - start);
    }
}

enum att_err store_state_get(struct store_state *out, struct att_buf *blobs, struct store *st,
                             int64_t enrolment)
{
    struct sql q = sql_of(st, SQL_STATE_GET);
    struct store_state s = {0};
    enum att_err err;

    sql_int(&q, enrolment);
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        fetch_state(&q, &s);
    if (err == ATT_OK && blobs != NULL)
        fetch_blobs(&q, &s, blobs);
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *out = s;
    return ATT_OK;
}

enum att_err store_state_put(struct store *st, int64_t enrolment, const struct store_state *s,
                             struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_STATE_PUT);

    if (s->boot.len > STORE_BLOB_MAX || s->carry.len > STORE_BLOB_MAX ||
        s->windows.len > STORE_BLOB_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_INTERNAL, "state", "the state is too large");
    sql_int(&q, enrolment);
    sql_int(&q, s->status);
    sql_text(&q, s->reason);
    sql_int(&q, s->last_utc);
    sql_int(&q, s->deadline_utc);
    if (s->has_cti)
        sql_blob(&q, s->cti, sizeof(s->cti));
    else
        sql_null(&q);
    sql_blob(&q, s->boot.p, s->boot.len);
    sql_blob(&q, s->carry.p, s->carry.len);
    sql_blob(&q, s->windows.p, s->windows.len);
    return sql_change_one(&q, diag);
}

enum att_err store_state_mark(struct store *st, int64_t enrolment, const struct store_mark *mark,
                              struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_STATE_MARK);

    sql_int(&q, enrolment);
    sql_int(&q, mark->status);
    sql_text(&q, mark->reason);
    if (mark->cti != NULL)
        sql_blob(&q, mark->cti, STORE_CTI_LEN);
    else
        sql_null(&q);
    sql_int(&q, mark->deadline_utc);
    return sql_change_one(&q, diag);
}

enum att_err store_device_list(struct store_row *out, size_t cap, size_t *count, struct store *st,
                               const char *after)
{
    struct sql q = sql_of(st, SQL_DEVICE_LIST);
    enum att_err err = ATT_OK;
    size_t n = 0;

    sql_text(&q, after);
    sql_int(&q, (int64_t)cap);
    while (n < cap) {
        err = sql_row(&q, NULL);
        if (err != ATT_OK)
            break;
        out[n] = (struct store_row){0};
        fetch_device(&q, &out[n].device);
        fetch_state(&q, &out[n].state);
        sql_get_hold(&q, &out[n].hold);
        n++;
    }
    err = sql_end(&q, err == ATT_E_NOT_FOUND ? ATT_OK : err); /* no row more is no failure */
    if (err != ATT_OK)
        return err;
    *count = n;
    return ATT_OK;
}

enum att_err store_due_list(struct store_due *out, size_t cap, size_t *count, struct store *st,
                            int64_t now_utc)
{
    struct sql q = sql_of(st, SQL_DUE_LIST);
    enum att_err err = ATT_OK;
    size_t n = 0;

    sql_int(&q, now_utc);
    sql_int(&q, (int64_t)cap);
    while (n < cap) {
        err = sql_row(&q, NULL);
        if (err != ATT_OK)
            break;
        out[n].enrolment = sql_get_int(&q, 1, INT64_MAX);
        sql_get_text(&q, out[n].id, sizeof(out[n].id));
        n++;
    }
    err = sql_end(&q, err == ATT_E_NOT_FOUND ? ATT_OK : err); /* no row more is no failure */
    if (err != ATT_OK)
        return err;
    *count = n;
    return ATT_OK;
}

enum att_err store_token_put(struct store *st, const uint8_t digest[32],
                             const struct store_token *t, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_TOKEN_PUT);

    sql_blob(&q, digest, 32);
    sql_text(&q, t->id);
    sql_int(&q, t->expires_utc);
    sql_int(&q, t->replaces ? 1 : 0);
    return sql_run(&q, diag);
}

enum att_err store_token_get(struct store_token *out, struct store *st, const uint8_t digest[32])
{
    struct sql q = sql_of(st, SQL_TOKEN_GET);
    struct store_token t = {0};
    enum att_err err;

    sql_blob(&q, digest, 32);
    err = sql_row(&q, NULL);
    if (err == ATT_OK) {
        sql_get_text(&q, t.id, sizeof(t.id));
        t.expires_utc = sql_get_int(&q, INT64_MIN, INT64_MAX);
        t.replaces = sql_get_int(&q, 0, 1) == 1;
    }
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *out = t;
    return ATT_OK;
}

enum att_err store_token_take(struct store *st, const uint8_t digest[32], struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_TOKEN_TAKE);

    sql_blob(&q, digest, 32);
    return sql_change_one(&q, diag);
}

enum att_err store_token_expire(struct store *st, int64_t now_utc, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_TOKEN_EXPIRE);

    sql_int(&q, now_utc);
    return sql_run(&q, diag);
}

enum att_err store_allow_put(struct store *st, struct att_slice ek_name, const char *id,
                             struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_ALLOW_PUT);

    sql_blob(&q, ek_name.p, ek_name.len);
    sql_text(&q, id);
    return sql_run(&q, diag);
}

enum att_err store_allow_get(char id[STORE_ID_MAX + 1], struct store *st, struct att_slice ek_name)
{
    struct sql q = sql_of(st, SQL_ALLOW_GET);

    sql_blob(&q, ek_name.p, ek_name.len);
    return sql_id(id, &q);
}

enum att_err store_allow_remove(struct store *st, struct att_slice ek_name, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_ALLOW_REMOVE);

    sql_blob(&q, ek_name.p, ek_name.len);
    return sql_change_one(&q, diag);
}
