/* What outcomes were decided from: sealed evidence, how much of it is kept, and the policies. */
#include "store.h"

#include "store_internal.h"

const char *store_dropped_name(enum store_dropped d)
{
    static const char *const names[] = {[STORE_DROPPED_NOT] = "kept",
                                        [STORE_DROPPED_AGE] = "age",
                                        [STORE_DROPPED_GATEWAY] = "gateway",
                                        [STORE_DROPPED_DATABASE] = "database"};

    return (size_t)d < ATT_COUNT(names) ? names[d] : "unknown";
}

static enum att_err add_kept(struct store *st, int64_t enrolment, int64_t size,
                             struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_EVIDENCE_KEPT);

    sql_int(&q, enrolment);
    sql_int(&q, size);
    return sql_run(&q, diag); /* no row: the device was removed, its evidence was not */
}

enum att_err store_evidence_put(struct store *st, const struct store_evidence *e,
                                struct att_slice bytes, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_EVIDENCE_PUT);
    enum att_err err;

    if (bytes.len > STORE_BYTES_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "evidence", "expected at most %d bytes",
                        STORE_BYTES_MAX);
    sql_int(&q, e->outcome);
    sql_int(&q, e->enrolment);
    sql_int(&q, e->utc);
    sql_int(&q, (int64_t)bytes.len);
    sql_blob(&q, bytes.p, bytes.len);
    err = sql_run(&q, diag);
    return err == ATT_OK ? add_kept(st, e->enrolment, (int64_t)bytes.len, diag) : err;
}

enum att_err store_evidence_get(enum store_dropped *dropped, struct att_buf *bytes,
                                struct store *st, int64_t outcome)
{
    struct sql q = sql_of(st, SQL_EVIDENCE_GET);
    enum store_dropped d = STORE_DROPPED_NOT;
    enum att_err err;

    sql_int(&q, outcome);
    err = sql_row(&q, NULL);
    att_buf_clear(bytes);
    if (err == ATT_OK) {
        d = (enum store_dropped)sql_get_int(&q, STORE_DROPPED_NOT, STORE_DROPPED__END - 1);
        sql_get_buf(&q, bytes);
    }
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    *dropped = d;
    return ATT_OK;
}

enum att_err store_evidence_oldest(struct store_evidence *out, size_t cap, size_t *count,
                                   struct store *st, int64_t enrolment)
{
    struct sql q = sql_of(st, enrolment == 0 ? SQL_EVIDENCE_OLDEST : SQL_EVIDENCE_OLDEST_OF);
    enum att_err err = ATT_OK;
    size_t n = 0;

    sql_int(&q, (int64_t)cap);
    if (enrolment != 0)
        sql_int(&q, enrolment);
    while (n < cap) {
        err = sql_row(&q, NULL);
        if (err != ATT_OK)
            break;
        out[n].outcome = sql_get_int(&q, 0, INT64_MAX);
        out[n].enrolment = sql_get_int(&q, 0, INT64_MAX);
        out[n].utc = sql_get_int(&q, INT64_MIN, INT64_MAX);
        out[n].size = sql_get_int(&q, 0, STORE_BYTES_MAX);
        n++;
    }
    err = sql_end(&q, err == ATT_E_NOT_FOUND ? ATT_OK : err); /* no row more is no failure */
    if (err != ATT_OK)
        return err;
    *count = n;
    return ATT_OK;
}

enum att_err store_evidence_drop(struct store *st, const struct store_evidence *e,
                                 enum store_dropped why, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_EVIDENCE_DROP);
    enum att_err err;

    sql_int(&q, e->outcome);
    sql_int(&q, why);
    err = sql_run(&q, diag);
    if (err != ATT_OK)
        return err;
    if (sql_changes(st) == 0)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_ST_CORRUPT, "evidence",
                        "the evidence of outcome %lld is not kept", (long long)e->outcome);
    return add_kept(st, e->enrolment, -e->size, diag);
}

enum att_err store_evidence_kept(int64_t *out, struct store *st, int64_t enrolment)
{
    struct sql q = sql_of(st, SQL_EVIDENCE_KEPT_GET);

    sql_int(&q, enrolment);
    return sql_number(out, &q);
}

enum att_err store_size(int64_t *out, struct store *st)
{
    struct sql q = sql_of(st, SQL_SIZE);

    return sql_number(out, &q);
}

enum att_err store_policy_put(struct store *st, const uint8_t digest[32], struct att_slice bytes,
                              struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_POLICY_PUT);

    sql_blob(&q, digest, 32);
    sql_blob(&q, bytes.p, bytes.len);
    return sql_run(&q, diag);
}

enum att_err store_policy_get(struct att_buf *bytes, struct store *st, const uint8_t digest[32])
{
    struct sql q = sql_of(st, SQL_POLICY_GET);
    enum att_err err;

    sql_blob(&q, digest, 32);
    err = sql_row(&q, NULL);
    att_buf_clear(bytes);
    if (err == ATT_OK)
        sql_get_buf(&q, bytes);
    return sql_end(&q, err);
}
