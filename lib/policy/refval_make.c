/* Making a compiled reference value file: collect, sort, drop doubles, index by name. */
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "crypto/digest.h"
#include "policy/refval.h"
#include "policy/refval_internal.h"

struct entry {
    uint8_t digest[32];
    uint64_t name; /* its hash, 60 bits */
};

_Static_assert(ATT_REFVALS_HEAD == REFVAL_MAGIC_LEN, "what a file begins with is its magic");

bool att_refvals_is_compiled(const uint8_t head[ATT_REFVALS_HEAD])
{
    return memcmp(head, REFVAL_MAGIC, REFVAL_MAGIC_LEN) == 0;
}

struct att_refvals_maker {
    struct entry *entry;
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

static enum att_err add(void *ctx, uint64_t name, const uint8_t digest[32])
{
    struct att_refvals_maker *m = ctx;

    if (m->count >= REFVAL_COUNT_MAX) {
        return ATT_E_LIMIT;
    }
    if (m->count == m->room) {
        size_t room = m->room == 0 ? 1024 : m->room * 2;
        struct entry *more = reallocarray(m->entry, room, sizeof(*more));

        if (more == NULL) {
            return ATT_E_NOMEM;
        }
        m->entry = more;
        m->room = room;
    }
    memcpy(m->entry[m->count].digest, digest, 32);
    m->entry[m->count].name = name;
    m->count++;
    return ATT_OK;
}

enum att_err att_refvals_maker_add(struct att_refvals_maker *m, struct att_slice name,
                                   const uint8_t digest[32])
{
    uint64_t hash = 0;
    enum att_err err = att_refval_name_hash(&hash, name);

    return err == ATT_OK ? add(m, hash, digest) : err;
}

enum att_err att_refvals_maker_merge(struct att_refvals_maker *m, const struct att_refvals *r)
{
    return att_refvals_each(r, add, m);
}

static int compare_names(uint64_t x, uint64_t y)
{
    return x < y ? -1 : x > y ? 1 : 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    int order = memcmp(x->digest, y->digest, 32);

    return order != 0 ? order : compare_names(x->name, y->name);
}

struct named {
    uint64_t name;
    uint32_t at;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    int order = compare_names(x->name, y->name);

    return order != 0 ? order : compare_names(x->at, y->at);
}

static void sort_unique(struct att_refvals_maker *m)
{
    size_t kept = 0;

    if (m->count == 0) {
        return;
    }
    qsort(m->entry, m->count, sizeof(*m->entry), compare_entries);
    for (size_t i = 1; i < m->count; i++) {
        if (compare_entries(&m->entry[kept], &m->entry[i]) != 0) {
            kept++;
            m->entry[kept] = m->entry[i];
        }
    }
    m->count = kept + 1;
}

/* Digests by their first byte: where each bucket ends, then what is behind that byte. */
static void write_digests(struct att_wr *w, const struct att_refvals_maker *m)
{
    size_t end = 0;

    for (size_t first = 0; first < REFVAL_FIRST; first++) {
        while (end < m->count && m->entry[end].digest[0] == first) {
            end++;
        }
        att_wr_u32le(w, (uint32_t)end);
    }
    for (size_t i = 0; i < m->count; i++) {
        att_wr_bytes(w, m->entry[i].digest + 1, REFVAL_REST);
    }
}

/* Names by the first bits of their hash: where each bucket ends, then the other bits and the entry. */
static enum att_err write_names(struct att_wr *w, const struct att_refvals_maker *m)
{
    struct refval_shape shape = att_refval_shape(m->count);
    unsigned int tag_bits = 64 - shape.entry_bits;
    struct named *index = calloc(m->count + 1, sizeof(*index));
    size_t end = 0;

    if (index == NULL) {
        return ATT_E_NOMEM;
    }
    for (size_t i = 0; i < m->count; i++) {
        index[i] = (struct named){m->entry[i].name, (uint32_t)i};
    }
    qsort(index, m->count, sizeof(*index), compare_named);
    for (size_t b = 0; b >> shape.bucket_bits == 0; b++) {
        while (end < m->count && index[end].name >> tag_bits == b) {
            end++;
        }
        att_wr_u32le(w, (uint32_t)end);
    }
    for (size_t i = 0; i < m->count; i++) {
        /* the bucket's bits fall out on the left */
        att_wr_u64be(w, index[i].name << shape.entry_bits | index[i].at);
    }
    free(index);
    return ATT_OK;
}

static size_t size_for(size_t count)
{
    size_t buckets = (size_t)1 << att_refval_shape(count).bucket_bits;

    return REFVAL_HEADER + (REFVAL_FIRST + buckets) * 4 + count * (REFVAL_REST + 8);
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
    size = size_for(m->count);
    err = att_buf_new(&b, size);
    if (err == ATT_OK) {
        err = att_buf_room(b, size, &at);
    }
    if (err != ATT_OK) {
        return err;
    }
    body = att_wr_into(at + REFVAL_HEADER, size - REFVAL_HEADER);
    write_digests(&body, m);
    err = write_names(&body, m);
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
