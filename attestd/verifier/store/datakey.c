/* The data key of a device, with the proof that it was certified by. */
#include "store.h"
#include "store_internal.h"

enum att_err store_data_key_put(struct store *st, int64_t enrolment, const struct store_data_key *k,
                                struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_DATA_KEY_PUT);

    sql_int(&q, enrolment);
    sql_blob(&q, k->area, k->area_len);
    sql_blob(&q, k->parent, k->parent_len);
    sql_blob(&q, k->attest, k->attest_len);
    sql_blob(&q, k->signature, k->signature_len);
    sql_int(&q, k->certified_utc);
    return sql_run(&q, diag);
}

enum att_err store_data_key_get(struct store_data_key *out, struct store *st, int64_t enrolment)
{
    struct sql q = sql_of(st, SQL_DATA_KEY_GET);
    struct store_data_key k = {.area_len = 0};
    enum att_err err;

    sql_int(&q, enrolment);
    err = sql_row(&q, NULL);
    if (err == ATT_OK) {
        sql_get_blob(&q, k.area, sizeof(k.area), &k.area_len);
        sql_get_blob(&q, k.parent, sizeof(k.parent), &k.parent_len);
        sql_get_blob(&q, k.attest, sizeof(k.attest), &k.attest_len);
        sql_get_blob(&q, k.signature, sizeof(k.signature), &k.signature_len);
        k.certified_utc = sql_get_int(&q, INT64_MIN, INT64_MAX);
    }
    err = sql_end(&q, err == ATT_E_NOT_FOUND ? ATT_OK : err);
    if (err != ATT_OK)
        return err;
    *out = k;
    return ATT_OK;
}
