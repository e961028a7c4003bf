/* Tables of gateways and labels: small rows, so that a million entries take little memory. */
#include <stdlib.h>
#include <string.h>

#include "appraise/audit_internal.h"
#include "base/rd.h"

#define FIRST_CAP 1024

void audit_map_clear(struct audit_map *m)
{
    free(m->row);
    *m = (struct audit_map){0};
}

/* Where the key is, or where it would be. cap is not 0, and one row at least is empty. */
static size_t place_of(const struct audit_map *m, uint64_t key)
{
    size_t at = (size_t)key & (m->cap - 1);

    while (m->row[at].value != 0 && m->row[at].key != key)
        at = (at + 1) & (m->cap - 1);
    return at;
}

struct audit_row *audit_map_get(const struct audit_map *m, uint64_t key)
{
    size_t at;

    if (m->cap == 0)
        return NULL;
    at = place_of(m, key);
    return m->row[at].value != 0 ? &m->row[at] : NULL;
}

static bool still_counts(const struct audit_row *r, int64_t now_utc)
{
    return r->value != 0 && (r->exp == 0 || (int64_t)r->exp >= now_utc);
}

static size_t counting(const struct audit_map *m, int64_t now_utc)
{
    size_t n = 0;

    for (size_t i = 0; i < m->cap; i++)
        n += still_counts(&m->row[i], now_utc) ? 1 : 0;
    return n;
}

/* Into a table with room for as many again. */
static enum att_err rebuild(struct audit_map *m, int64_t now_utc, size_t max)
{
    struct audit_map n = {.cap = FIRST_CAP};
    size_t left = counting(m, now_utc);

    if (left >= max)
        return ATT_E_LIMIT;
    while (n.cap / 2 <= left)
        n.cap *= 2;
    n.row = calloc(n.cap, sizeof(*n.row));
    if (n.row == NULL)
        return ATT_E_NOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        if (!still_counts(&m->row[i], now_utc))
            continue;
        n.row[place_of(&n, m->row[i].key)] = m->row[i];
        n.count++;
    }
    free(m->row);
    *m = n;
    return ATT_OK;
}

enum att_err audit_map_put(struct audit_map *m, const struct audit_row *row, int64_t now_utc,
                           size_t max)
{
    if (m->count >= m->cap / 4 * 3) {
        enum att_err err = rebuild(m, now_utc, max);

        if (err != ATT_OK)
            return err;
    }
    m->row[place_of(m, row->key)] = *row;
    m->count++;
    return ATT_OK;
}

enum att_err audit_key(uint64_t *out, struct att_audit *a, const uint8_t *name, size_t len)
{
    uint8_t digest[32] = {0};
    struct att_rd r = att_rd_from(digest, sizeof(digest));
    enum att_err err = att_hasher_start(a->hasher, ATT_HASH_SHA256);

    if (err == ATT_OK)
        err = att_hasher_add(a->hasher, a->seed, sizeof(a->seed));
    if (err == ATT_OK)
        err = att_hasher_add(a->hasher, name, len);
    if (err == ATT_OK)
        err = att_hasher_finish(a->hasher, digest);
    if (err != ATT_OK)
        return err;
    *out = att_rd_u64be(&r);
    return ATT_OK;
}

static enum att_err grow(struct att_audit *a)
{
    size_t cap = a->device_cap == 0 ? FIRST_CAP : a->device_cap + a->device_cap / 2;
    struct audit_device *more;

    if (a->device_count >= AUDIT_DEVICES_MAX)
        return ATT_E_LIMIT;
    more = realloc(a->device, cap * sizeof(*more));
    if (more == NULL)
        return ATT_E_NOMEM;
    a->device = more;
    a->device_cap = cap;
    return ATT_OK;
}

enum att_err audit_device(uint32_t *out, struct att_audit *a, const uint8_t ueid[32])
{
    struct audit_row row = {.value = (uint32_t)a->device_count + 1};
    const struct audit_row *known = NULL;
    enum att_err err = audit_key(&row.key, a, ueid, 32);

    if (err != ATT_OK)
        return err;
    known = audit_map_get(&a->devices, row.key);
    if (known != NULL) {
        *out = known->value - 1;
        return ATT_OK;
    }
    if (a->device_count == a->device_cap)
        err = grow(a);
    if (err == ATT_OK)
        err = audit_map_put(&a->devices, &row, 0, AUDIT_DEVICES_MAX);
    if (err != ATT_OK)
        return err;
    *out = row.value - 1;
    a->device[*out] = (struct audit_device){.standing = STANDING_UNKNOWN};
    memcpy(a->device[*out].ueid, ueid, 32);
    a->device_count++;
    a->r.devices = a->device_count;
    return ATT_OK;
}
