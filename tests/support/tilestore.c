#include "tilestore.h"

#include <stdlib.h>
#include <string.h>

#include "need.h"

void tilestore_open(struct tilestore *s)
{
    *s = (struct tilestore){.reads_left = -1};
}

void tilestore_close(struct tilestore *s)
{
    free(s->row);
}

static struct tilestore_row *find(const struct tilestore *s, unsigned int level, uint64_t index)
{
    for (size_t i = s->count; i > 0; i--) {
        if (s->row[i - 1].level == level && s->row[i - 1].index == index)
            return &s->row[i - 1];
    }
    return NULL;
}

static enum att_err read_tile(void *ctx, unsigned int level, uint64_t index, size_t width,
                              uint8_t *out)
{
    struct tilestore *s = ctx;
    const struct tilestore_row *row = find(s, level, index);

    if (s->reads_left == 0)
        return ATT_E_IO;
    if (s->reads_left > 0)
        s->reads_left--;
    if (row == NULL || row->width < width)
        return ATT_E_NOT_FOUND;
    memcpy(out, row->bytes, width * ATT_MERKLE_LEN);
    return ATT_OK;
}

struct att_tile_port tilestore_port(struct tilestore *s)
{
    return (struct att_tile_port){.read = read_tile, .ctx = s};
}

static enum att_err write_tile(void *ctx, const struct att_tile_change *c)
{
    struct tilestore *s = ctx;
    struct tilestore_row *row = find(s, c->level, c->index);

    if (row == NULL) {
        if (s->count == s->cap) {
            s->cap = s->cap == 0 ? 16 : 2 * s->cap;
            s->row = realloc(s->row, s->cap * sizeof(*s->row));
            NEED(s->row != NULL);
        }
        row = &s->row[s->count++];
        *row = (struct tilestore_row){.level = c->level, .index = c->index};
    }
    /* A tile only grows: what it held, it holds. */
    NEED(c->hashes.len >= row->width * ATT_MERKLE_LEN);
    NEED(memcmp(row->bytes, c->hashes.p, row->width * ATT_MERKLE_LEN) == 0);
    memcpy(row->bytes, c->hashes.p, c->hashes.len);
    row->width = c->hashes.len / ATT_MERKLE_LEN;
    return ATT_OK;
}

void tilestore_commit(struct tilestore *s, struct att_tree *t)
{
    NEED(att_tree_changes(t, write_tile, s) == ATT_OK);
    att_tree_settle(t);
}
