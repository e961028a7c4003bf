/* A few tiles in memory, each with the nodes inside of it, so that neither a proof nor an entry hashes a tile again. */
#include "tlog/tree.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEIGHT 8   /* levels of the tree in a tile */
#define NODES  510 /* 256 + 128 + ... + 2: the one node above them belongs to the tile above */
#define SLOTS  28  /* what a batch can change (5 + 2 * 7), and some to read proofs from */

struct tile {
    bool used, changed;
    unsigned int level;
    uint64_t index;
    size_t width;   /* hashes held */
    uint64_t touch; /* when it was last wanted */
    uint8_t node[NODES][ATT_MERKLE_LEN];
};

struct att_tree {
    struct att_tile_port port;
    struct att_hasher *hasher;
    uint64_t size, settled;
    uint64_t touches;
    struct tile slot[SLOTS];
};

/* Where the nodes of a height begin in a tile: 0, 256, 384, ... */
static size_t height_at(unsigned int height)
{
    return 2 * (size_t)ATT_TILE_WIDTH - ((size_t)2 * ATT_TILE_WIDTH >> height);
}

enum att_err att_tree_open(struct att_tree **out, const struct att_tile_port *port, uint64_t size)
{
    ATT_CLEANUP(att_tree_freep) struct att_tree *t = NULL;

    if (size > ATT_MERKLE_SIZE_MAX)
        return ATT_E_LIMIT;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return ATT_E_NOMEM;
    if (att_hasher_new(&t->hasher) != ATT_OK)
        return ATT_E_NOMEM;
    t->port = *port;
    t->size = size;
    t->settled = size;
    *out = t;
    t = NULL;
    return ATT_OK;
}

void att_tree_free(struct att_tree *t)
{
    if (t == NULL)
        return;
    att_hasher_free(t->hasher);
    free(t);
}

void att_tree_freep(struct att_tree **t)
{
    att_tree_free(*t);
    *t = NULL;
}

uint64_t att_tree_size(const struct att_tree *t)
{
    return t->size;
}

static struct tile *find(struct att_tree *t, unsigned int level, uint64_t index)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct tile *s = &t->slot[i];

        if (s->used && s->level == level && s->index == index)
            return s;
    }
    return NULL;
}

/* Unused, else the one that nobody wanted for longest; a changed one is only here. */
static struct tile *free_slot(struct att_tree *t)
{
    struct tile *best = NULL;

    for (size_t i = 0; i < SLOTS; i++) {
        struct tile *s = &t->slot[i];

        if (!s->used)
            return s;
        if (!s->changed && (best == NULL || s->touch < best->touch))
            best = s;
    }
    return best;
}

/* Hash number `at` is there: so are the nodes inside of the tile that end with it. */
static enum att_err join(struct att_tree *t, struct tile *s, size_t at)
{
    for (unsigned int h = 1; h < HEIGHT && ((at + 1) & (((size_t)1 << h) - 1)) == 0; h++) {
        size_t k = at >> h;
        uint8_t(*left)[ATT_MERKLE_LEN] = &s->node[height_at(h - 1) + 2 * k];
        enum att_err err = att_merkle_node(s->node[height_at(h) + k], t->hasher, left[0], left[1]);

        if (err != ATT_OK)
            return err;
    }
    return ATT_OK;
}

/* Hashes of a tile that the port has. */
static size_t stored_width(const struct att_tree *t, unsigned int level, uint64_t index)
{
    uint64_t all = t->settled >> (HEIGHT * level);
    uint64_t before = index * ATT_TILE_WIDTH;

    if (all <= before)
        return 0;
    return all - before < ATT_TILE_WIDTH ? (size_t)(all - before) : ATT_TILE_WIDTH;
}

static enum att_err load(struct tile **out, struct att_tree *t, unsigned int level, uint64_t index)
{
    struct tile *s = find(t, level, index);
    enum att_err err = ATT_OK;

    if (s == NULL) {
        s = free_slot(t);
        if (s == NULL)
            return ATT_E_LIMIT;
        s->used = false;
        s->changed = false;
        s->level = level;
        s->index = index;
        s->width = stored_width(t, level, index);
        if (s->width > 0)
            err = t->port.read(t->port.ctx, level, index, s->width, s->node[0]);
        for (size_t i = 0; err == ATT_OK && i < s->width; i++)
            err = join(t, s, i);
        if (err != ATT_OK)
            return err;
        s->used = true;
    }
    s->touch = ++t->touches;
    *out = s;
    return ATT_OK;
}

static enum att_err node(void *ctx, unsigned int level, uint64_t index, uint8_t out[ATT_MERKLE_LEN])
{
    struct att_tree *t = ctx;
    unsigned int height = level % HEIGHT;
    size_t per_tile = (size_t)ATT_TILE_WIDTH >> height;
    struct tile *s = NULL;
    size_t at = (size_t)(index % per_tile);
    enum att_err err = load(&s, t, level / HEIGHT, index / per_tile);

    if (err != ATT_OK)
        return err;
    if ((at + 1) << height > s->width)
        return ATT_E_LIMIT;
    memcpy(out, s->node[height_at(height) + at], ATT_MERKLE_LEN);
    return ATT_OK;
}

struct att_merkle_nodes att_tree_nodes(struct att_tree *t)
{
    return (struct att_merkle_nodes){.node = node, .ctx = t, .hasher = t->hasher};
}

static enum att_err put(struct att_tree *t, struct tile *s, const uint8_t *hash)
{
    size_t at = s->width;

    memcpy(s->node[at], hash, ATT_MERKLE_LEN);
    s->width++;
    s->changed = true;
    return join(t, s, at);
}

enum att_err att_tree_add(struct att_tree *t, const uint8_t leaf[ATT_MERKLE_LEN])
{
    uint8_t hash[ATT_MERKLE_LEN];
    uint64_t at = t->size;

    if (t->size >= ATT_MERKLE_SIZE_MAX || t->size - t->settled >= ATT_TREE_BATCH)
        return ATT_E_LIMIT;
    memcpy(hash, leaf, sizeof(hash));
    for (unsigned int level = 0;; level++, at /= ATT_TILE_WIDTH) {
        struct tile *s = NULL;
        enum att_err err = load(&s, t, level, at / ATT_TILE_WIDTH);

        if (err == ATT_OK)
            err = put(t, s, hash);
        if (err != ATT_OK)
            return err;
        if (s->width < ATT_TILE_WIDTH)
            break;
        /* Full: the node over all of it is the next hash of the tile above. */
        err = att_merkle_node(hash, t->hasher, s->node[NODES - 2], s->node[NODES - 1]);
        if (err != ATT_OK)
            return err;
    }
    t->size++;
    return ATT_OK;
}

enum att_err att_tree_changes(struct att_tree *t,
                              enum att_err (*write)(void *ctx, const struct att_tile_change *c),
                              void *ctx)
{
    for (size_t i = 0; i < SLOTS; i++) {
        const struct tile *s = &t->slot[i];
        struct att_tile_change c = {.level = s->level, .index = s->index};
        enum att_err err;

        if (!s->used || !s->changed)
            continue;
        c.hashes = att_slice_of(s->node[0], s->width * ATT_MERKLE_LEN);
        err = write(ctx, &c);
        if (err != ATT_OK)
            return err;
    }
    return ATT_OK;
}

void att_tree_settle(struct att_tree *t)
{
    t->settled = t->size;
    for (size_t i = 0; i < SLOTS; i++)
        t->slot[i].changed = false;
}

void att_tree_revert(struct att_tree *t)
{
    t->size = t->settled;
    for (size_t i = 0; i < SLOTS; i++) {
        if (t->slot[i].changed)
            t->slot[i].used = false;
        t->slot[i].changed = false;
    }
}
