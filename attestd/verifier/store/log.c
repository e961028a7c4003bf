/* Entries and tiles of the log. */
#include "store.h"

#include <string.h>

#include "store_internal.h"

#define LEVEL_SHIFT 56 /* a tile's place: its level, then its index */

enum att_err store_leaf_put(struct store *st, int64_t index, const uint8_t salt[STORE_SALT_LEN],
                            struct att_slice entry, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_LEAF_PUT);

    sql_int(&q, index);
    sql_blob(&q, salt, STORE_SALT_LEN);
    sql_blob(&q, entry.p, entry.len);
    return sql_run(&q, diag);
}

enum att_err store_leaf_get(uint8_t salt[STORE_SALT_LEN], struct att_buf *entry, struct store *st,
                            int64_t index)
{
    struct sql q = sql_of(st, SQL_LEAF_GET);
    uint8_t found[STORE_SALT_LEN] = {0};
    enum att_err err;

    sql_int(&q, index);
    err = sql_row(&q, NULL);
    att_buf_clear(entry);
    if (err == ATT_OK) {
        sql_get_exact(&q, found, sizeof(found));
        sql_get_buf(&q, entry);
    }
    err = sql_end(&q, err);
    if (err != ATT_OK)
        return err;
    memcpy(salt, found, sizeof(found));
    return ATT_OK;
}

enum att_err store_leaf_count(int64_t *out, struct store *st)
{
    struct sql q = sql_of(st, SQL_LEAF_NEXT);

    return sql_number(out, &q);
}

static int64_t place_of(unsigned int level, uint64_t index)
{
    return (int64_t)((uint64_t)level << LEVEL_SHIFT | index);
}

enum att_err store_tile_put(struct store *st, unsigned int level, uint64_t index,
                            struct att_slice hashes, struct att_diag *diag)
{
    struct sql q = sql_of(st, SQL_TILE_PUT);

    sql_int(&q, place_of(level, index));
    sql_blob(&q, hashes.p, hashes.len);
    return sql_run(&q, diag);
}

enum att_err store_tile_get(uint8_t *out, size_t len, struct store *st, unsigned int level,
                            uint64_t index)
{
    struct sql q = sql_of(st, SQL_TILE_GET);
    uint8_t bytes[STORE_TILE_BYTES];
    size_t have = 0;
    enum att_err err;

    sql_int(&q, place_of(level, index));
    err = sql_row(&q, NULL);
    if (err == ATT_OK)
        sql_get_blob(&q, bytes, sizeof(bytes), &have);
    err = sql_end(&q, err);
    if (err == ATT_OK && have < len)
        err = ATT_E_FORMAT;
    if (err != ATT_OK)
        return err;
    memcpy(out, bytes, len);
    return ATT_OK;
}
