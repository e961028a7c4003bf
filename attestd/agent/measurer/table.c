/* Rows in one growing array, names in chunks, everything freed at once. */
#include "agent/measurer/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK     16384 /* bytes of names in one piece */
#define FIRST_ROW 256

struct chunk {
    struct chunk *next;
    size_t used;
    uint8_t bytes[CHUNK];
};

struct table {
    struct table_row *row;
    size_t count, room;
    struct chunk *names;
};

enum att_err table_new(struct table **out)
{
    struct table *t = calloc(1, sizeof(*t));

    if (t == NULL) {
        return ATT_E_NOMEM;
    }
    *out = t;
    return ATT_OK;
}

void table_free(struct table *t)
{
    if (t == NULL) {
        return;
    }
    while (t->names != NULL) {
        struct chunk *next = t->names->next;

        free(t->names);
        t->names = next;
    }
    free(t->row);
    free(t);
}

void table_freep(struct table **t)
{
    table_free(*t);
    *t = NULL;
}

static enum att_err keep_name(struct table *t, struct att_slice name, const uint8_t **out)
{
    struct chunk *c = t->names;

    if (name.len > ATT_OWN_NAME_MAX) {
        return ATT_E_LIMIT;
    }
    if (c == NULL || name.len > CHUNK - c->used) {
        c = malloc(sizeof(*c));
        if (c == NULL) {
            return ATT_E_NOMEM;
        }
        c->next = t->names;
        c->used = 0;
        t->names = c;
    }
    memcpy(&c->bytes[c->used], name.p, name.len);
    *out = &c->bytes[c->used];
    c->used += name.len;
    return ATT_OK;
}

static enum att_err grow(struct table *t)
{
    size_t room = t->room == 0 ? FIRST_ROW : t->room + t->room / 2;
    struct table_row *row = NULL;

    if (t->count >= TABLE_ROWS_MAX) {
        return ATT_E_LIMIT;
    }
    row = realloc(t->row, room * sizeof(*row));
    if (row == NULL) {
        return ATT_E_NOMEM;
    }
    t->row = row;
    t->room = room;
    return ATT_OK;
}

enum att_err table_add(struct table *t, struct att_slice name, struct table_row **out)
{
    const uint8_t *kept = NULL;
    enum att_err err = ATT_OK;

    if (name.len == 0) {
        return ATT_E_FORMAT;
    }
    if (t->count == t->room) {
        err = grow(t);
    }
    if (err == ATT_OK) {
        err = keep_name(t, name, &kept);
    }
    if (err != ATT_OK) {
        return err;
    }
    t->row[t->count] = (struct table_row){
        .name = kept, .name_len = (uint32_t)name.len, .order = (uint32_t)t->count};
    *out = &t->row[t->count++];
    return ATT_OK;
}

size_t table_count(const struct table *t)
{
    return t->count;
}

struct table_row *table_at(const struct table *t, size_t i)
{
    return &t->row[i];
}

struct att_slice table_name(const struct table_row *row)
{
    return att_slice_of(row->name, row->name_len);
}

/* Bytewise, a prefix first: the order in which the log names its items. */
static int compare_names(struct att_slice a, struct att_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int cmp = memcmp(a.p, b.p, len);

    if (cmp != 0) {
        return cmp;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static int compare_rows(const void *pa, const void *pb)
{
    const struct table_row *a = pa;
    const struct table_row *b = pb;
    int cmp = compare_names(table_name(a), table_name(b));

    if (cmp != 0) {
        return cmp;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static bool same_finding(const struct table_row *a, const struct table_row *b)
{
    return a->type == b->type && a->detail == b->detail && a->has_digest == b->has_digest &&
           (!a->has_digest || memcmp(a->digest, b->digest, sizeof(a->digest)) == 0);
}

static void merge(struct table_row *kept, const struct table_row *later, enum table_double rule)
{
    const uint8_t *name = kept->name;

    if (rule == TABLE_LAST_WINS) {
        *kept = *later;
        return;
    }
    if (same_finding(kept, later)) {
        return;
    }
    *kept = (struct table_row){
        .name = name, .name_len = later->name_len, .type = ATT_OWN_UNREADABLE, .detail = EEXIST};
}

void table_sort(struct table *t, enum table_double rule)
{
    size_t kept = 0;

    if (t->count < 2) {
        return;
    }
    qsort(t->row, t->count, sizeof(*t->row), compare_rows);
    for (size_t i = 1; i < t->count; i++) {
        if (att_slice_eq(table_name(&t->row[kept]), table_name(&t->row[i]))) {
            merge(&t->row[kept], &t->row[i], rule);
            continue;
        }
        t->row[++kept] = t->row[i];
    }
    t->count = kept + 1;
}

const struct table_row *table_find(const struct table *t, struct att_slice name)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int cmp = compare_names(name, table_name(&t->row[mid]));

        if (cmp == 0) {
            return &t->row[mid];
        }
        if (cmp < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

static enum att_err add_items(struct table *t, const struct att_own_record *rec)
{
    struct att_own_items it = att_own_items_from(rec);
    struct att_own_item item;
    struct table_row *row = NULL;

    while (att_own_item_next(&it, &item)) {
        enum att_err err = table_add(t, item.name, &row);

        if (err != ATT_OK) {
            return err;
        }
        row->type = (uint8_t)item.type;
        row->detail = item.detail;
        row->has_digest = item.digest != NULL;
        if (item.digest != NULL) {
            memcpy(row->digest, item.digest, sizeof(row->digest));
        }
    }
    return ATT_OK;
}

enum att_err table_from_log(struct table **out, struct att_slice log, struct att_diag *diag)
{
    ATT_CLEANUP(table_freep) struct table *t = NULL;
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_own it = att_own_from(log, 0);
    bool more = true;
    enum att_err err = table_new(&t);

    if (err == ATT_OK) {
        err = att_hasher_new(&h);
    }
    while (err == ATT_OK) {
        struct att_own_record rec;

        err = att_own_next(&it, &rec, &more, h, diag);
        if (err != ATT_OK || !more) {
            break;
        }
        if (!rec.is_boot) {
            err = add_items(t, &rec);
        }
    }
    if (err != ATT_OK) {
        return err;
    }
    table_sort(t, TABLE_LAST_WINS);
    *out = t;
    t = NULL;
    return ATT_OK;
}

static enum att_err add_change(struct table *t, const struct table_row *from, bool gone)
{
    struct table_row *row = NULL;
    enum att_err err = table_add(t, table_name(from), &row);

    if (err != ATT_OK) {
        return err;
    }
    row->type = ATT_OWN_ABSENT;
    if (!gone) {
        row->type = from->type;
        row->detail = from->detail;
        row->has_digest = from->has_digest;
        memcpy(row->digest, from->digest, sizeof(row->digest));
    }
    return ATT_OK;
}

/* Both tables at once, as in a merge of two sorted lists. */
enum att_err table_changes(struct table **out, const struct table *logged, const struct table *now)
{
    ATT_CLEANUP(table_freep) struct table *t = NULL;
    size_t i = 0;
    size_t j = 0;
    enum att_err err = table_new(&t);

    while (err == ATT_OK && (i < logged->count || j < now->count)) {
        const struct table_row *old = i < logged->count ? &logged->row[i] : NULL;
        const struct table_row *new = j < now->count ? &now->row[j] : NULL;
        int cmp = old == NULL   ? 1
                  : new == NULL ? -1
                                : compare_names(table_name(old), table_name(new));

        if (cmp < 0 && old->type != ATT_OWN_ABSENT) {
            err = add_change(t, old, true);
        } else if (cmp > 0 || (cmp == 0 && !same_finding(old, new))) {
            err = add_change(t, new, false);
        }
        i += cmp <= 0;
        j += cmp >= 0;
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = t;
    t = NULL;
    return ATT_OK;
}

static uint64_t hash_name(const struct table_row *row)
{
    uint64_t h = 0xcbf29ce484222325ULL;

    for (uint32_t i = 0; i < row->name_len; i++) {
        h = (h ^ row->name[i]) * 0x100000001b3ULL;
    }
    return h;
}

static int compare_stamps(const void *pa, const void *pb)
{
    const struct table_stamp *a = pa;
    const struct table_stamp *b = pb;

    return a->name_hash < b->name_hash ? -1 : a->name_hash > b->name_hash;
}

enum att_err table_stamps_take(struct table_stamps *out, const struct table *t)
{
    struct table_stamps s = {.v = calloc(t->count + 1, sizeof(*s.v))};

    if (s.v == NULL) {
        return ATT_E_NOMEM;
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->row[i].stamp != 0) {
            s.v[s.count++] = (struct table_stamp){hash_name(&t->row[i]), t->row[i].stamp};
        }
    }
    qsort(s.v, s.count, sizeof(*s.v), compare_stamps);
    *out = s;
    return ATT_OK;
}

void table_stamps_give(struct table *t, const struct table_stamps *stamps)
{
    for (size_t i = 0; i < t->count && stamps->count > 0; i++) {
        const struct table_stamp key = {.name_hash = hash_name(&t->row[i])};
        const struct table_stamp *found =
            bsearch(&key, stamps->v, stamps->count, sizeof(*stamps->v), compare_stamps);

        t->row[i].stamp = found == NULL ? 0 : found->stamp;
    }
}

void table_stamps_free(struct table_stamps *stamps)
{
    free(stamps->v);
    *stamps = (struct table_stamps){0};
}

struct att_own_item table_item(const struct table_row *row)
{
    return (struct att_own_item){
        .type = (enum att_own_type)row->type,
        .name = table_name(row),
        .digest = row->has_digest ? row->digest : NULL,
        .detail = row->detail,
    };
}
