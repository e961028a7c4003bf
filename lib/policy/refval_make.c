/* Making a compiled reference value file: collect, sort, drop doubles, index. */
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "crypto/digest.h"
#include "policy/refval.h"
#include "policy/refval_internal.h"

struct att_refvals_maker {
    uint8_t (*entry)[REFVAL_ENTRY];
    size_t count;
    size_t room;
};

enum att_err att_refvals_maker_new(struct att_refvals_maker **out)
{
    struct att_refvals_maker *m = calloc(1, sizeof(*m));

    if (m == NULL) {
        return ATT_E_NOMEM;
    }
    *out = m;
    return ATT_OK;
}

void att_refvals_maker_free(struct att_refvals_maker *m)
{
    if (m == NULL) {
        return;
    }
    free(m->entry);
    free(m);
}

void att_refvals_maker_freep(struct att_refvals_maker **m)
{
    att_refvals_maker_free(*m);
    *m = NULL;
}

/* Room for one entry more, or NULL. */
static uint8_t *next_entry(struct att_refvals_maker *m)
{
    if (m->count == m->room) {
        size_t room = m->room == 0 ? 1024 : m->room * 2;
        uint8_t(*more)[REFVAL_ENTRY] = realloc(m->entry, room * sizeof(*more));

        if (more == NULL) {
            return NULL;
        }
        m->entry = more;
        m->room = room;
    }
    return m->entry[m->count];
}

enum att_err att_refvals_maker_add(struct att_refvals_maker *m, struct att_slice name,
                                   const uint8_t digest[32])
{
    uint8_t *entry = m->count >= REFVAL_COUNT_MAX ? NULL : next_entry(m);
    enum att_err err = ATT_OK;

    if (entry == NULL) {
        return m->count >= REFVAL_COUNT_MAX ? ATT_E_LIMIT : ATT_E_NOMEM;
    }
    memcpy(entry, digest, 32);
    err = att_refval_name_hash(entry + 32, name);
    if (err == ATT_OK) {
        m->count++;
    }
    return err;
}

enum att_err att_refvals_maker_merge(struct att_refvals_maker *m, const struct att_refvals *r)
{
    for (size_t i = 0; i < att_refvals_count(r); i++) {
        uint8_t *entry = m->count >= REFVAL_COUNT_MAX ? NULL : next_entry(m);

        if (entry == NULL) {
            return m->count >= REFVAL_COUNT_MAX ? ATT_E_LIMIT : ATT_E_NOMEM;
        }
        memcpy(entry, att_refvals_entry(r, i), REFVAL_ENTRY);
        m->count++;
    }
    return ATT_OK;
}

static int compare_entries(const void *a, const void *b)
{
    return memcmp(a, b, REFVAL_ENTRY);
}

struct named {
    uint8_t name_hash[REFVAL_NAME];
    uint32_t at;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    int order = memcmp(x->name_hash, y->name_hash, REFVAL_NAME);

    if (order != 0) {
        return order;
    }
    return x->at < y->at ? -1 : 1;
}

static void sort_unique(struct att_refvals_maker *m)
{
    size_t kept = 0;

    if (m->count == 0) {
        return;
    }
    qsort(m->entry, m->count, REFVAL_ENTRY, compare_entries);
    for (size_t i = 1; i < m->count; i++) {
        if (memcmp(m->entry[kept], m->entry[i], REFVAL_ENTRY) != 0) {
            kept++;
            memmove(m->entry[kept], m->entry[i], REFVAL_ENTRY);
        }
    }
    m->count = kept + 1;
}

static enum att_err write_index(struct att_wr *w, const struct att_refvals_maker *m)
{
    struct named *index = calloc(m->count + 1, sizeof(*index));

    if (index == NULL) {
        return ATT_E_NOMEM;
    }
    for (size_t i = 0; i < m->count; i++) {
        memcpy(index[i].name_hash, m->entry[i] + 32, REFVAL_NAME);
        index[i].at = (uint32_t)i;
    }
    qsort(index, m->count, sizeof(*index), compare_named);
    for (size_t i = 0; i < m->count; i++) {
        att_wr_u32le(w, index[i].at);
    }
    free(index);
    return ATT_OK;
}

enum att_err att_refvals_maker_finish(struct att_buf **out, struct att_refvals_maker *m)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t size = 0;
    uint8_t *at = NULL;
    uint8_t digest[32];
    struct att_wr w;
    struct att_wr body;
    enum att_err err = ATT_OK;

    sort_unique(m);
    size = REFVAL_HEADER + m->count * (REFVAL_ENTRY + 4);
    err = att_buf_new(&b, size);
    if (err == ATT_OK) {
        err = att_buf_room(b, size, &at);
    }
    if (err != ATT_OK) {
        return err;
    }
    body = att_wr_into(at + REFVAL_HEADER, size - REFVAL_HEADER);
    for (size_t i = 0; i < m->count; i++) {
        att_wr_bytes(&body, m->entry[i], REFVAL_ENTRY);
    }
    err = write_index(&body, m);
    if (err == ATT_OK) {
        err = att_sha256(att_slice_of(at + REFVAL_HEADER, body.len), digest);
    }
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(at, REFVAL_HEADER);
    att_wr_slice(&w, att_slice_str(REFVAL_MAGIC));
    att_wr_u64le(&w, m->count);
    att_wr_bytes(&w, digest, sizeof(digest));
    att_buf_commit(b, size);
    *out = b;
    b = NULL;
    return ATT_OK;
}
