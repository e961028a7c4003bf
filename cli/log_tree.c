#include "log_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "tlog/tree.h"

enum att_err log_tree_edge(struct att_tiler *out, struct log_source *s, uint64_t size, uint64_t now,
                           struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    out->size = size;
    for (uint8_t level = 0; err == ATT_OK && level < ATT_TILER_LEVELS; level++) {
        uint64_t index = (size >> (8 * level)) / ATT_TILE_WIDTH;
        const struct att_tile tile = {
            .level = level, .index = index, .width = att_tile_width(level, index, now)};

        if (att_tiler_width(out, level) > 0) {
            err = log_source_hashes(out->hash[level], s, &tile, diag);
        }
    }
    return err;
}

/* One walk over the new entries. t NULL: they were hashed before. */
struct walk {
    struct att_tiler *t;
    struct att_hasher *hasher;
    const struct log_view *view;
    const struct log_visitor *visitor;
    uint64_t first; /* index of the first new entry */
};

static enum att_err no_sink(void *ctx, const struct att_tile *tile, struct att_slice hashes,
                            struct att_diag *diag)
{
    (void)ctx;
    (void)tile;
    (void)hashes;
    (void)diag;
    return ATT_OK;
}

static enum att_err hash_entry(const struct walk *w, uint64_t index, struct att_slice entry,
                               struct att_diag *diag)
{
    const struct att_tile_sink sink = {.take = no_sink};
    uint8_t leaf[ATT_MERKLE_LEN];

    if (att_merkle_leaf(leaf, w->hasher, entry) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "entry", "hashing failed");
    }
    if (index >= w->first) {
        return att_tiler_add(w->t, w->hasher, leaf, &sink, diag);
    }
    if (memcmp(leaf, w->t->hash[0][index % ATT_TILE_WIDTH], sizeof(leaf)) != 0) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CONSIST, "entry",
                        "entry %llu is another one than before", (unsigned long long)index);
    }
    return ATT_OK;
}

static enum att_err walk_bundle(const struct walk *w, uint64_t number, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_slice entry[ATT_TILE_WIDTH];
    const struct att_tile tile = {
        .entries = true, .index = number, .width = att_tile_width(0, number, w->view->tree->size)};
    enum att_err err = log_source_entries(entry, &file, w->view->source, &tile, diag);

    for (uint32_t i = 0; err == ATT_OK && i < tile.width; i++) {
        uint64_t index = number * ATT_TILE_WIDTH + i;

        if (w->t != NULL) {
            err = hash_entry(w, index, entry[i], diag);
        } else if (index >= w->first) {
            err = w->visitor->each(w->visitor->ctx, index, entry[i], diag);
        }
    }
    return err;
}

static enum att_err walk(const struct walk *w, struct att_diag *diag)
{
    uint64_t bundles = (w->view->tree->size + ATT_TILE_WIDTH - 1) / ATT_TILE_WIDTH;
    enum att_err err = ATT_OK;

    for (uint64_t i = w->first / ATT_TILE_WIDTH; err == ATT_OK && i < bundles; i++) {
        err = walk_bundle(w, i, diag);
    }
    return err;
}

enum att_err log_tree_follow(struct att_tiler *t, const struct log_view *v,
                             const struct log_visitor *visitor, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *hasher = NULL;
    uint8_t root[ATT_MERKLE_LEN];
    struct walk w = {.t = t, .view = v, .visitor = visitor, .first = t->size};
    enum att_err err = att_hasher_new(&hasher);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory");
    }
    w.hasher = hasher;
    err = walk(&w, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (att_tiler_root(root, t, hasher) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tile", "hashing failed");
    }
    if (ATT_GUARD(FOLLOW_ROOT, memcmp(root, v->tree->root, sizeof(root)) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_TREE, "root",
                        "the entries do not lead to the root of the checkpoint");
    }
    w.t = NULL;
    return walk(&w, diag);
}

struct log_nodes {
    struct log_source *source; /* borrowed */
    struct att_tree *tree;
    struct att_diag why;
};

static enum att_err read_tile(void *ctx, unsigned int level, uint64_t index, size_t width,
                              uint8_t *out)
{
    struct log_nodes *n = ctx;
    uint8_t hash[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    const struct att_tile tile = {
        .level = (uint8_t)level, .index = index, .width = (uint32_t)width};
    enum att_err err = log_source_hashes(hash, n->source, &tile, &n->why);

    if (err == ATT_OK) {
        memcpy(out, hash, width * ATT_MERKLE_LEN);
    }
    return err;
}

enum att_err log_nodes_open(struct log_nodes **out, struct log_source *s, uint64_t size)
{
    ATT_CLEANUP(log_nodes_closep) struct log_nodes *n = calloc(1, sizeof(*n));
    struct att_tile_port port = {.read = read_tile, .ctx = n};
    enum att_err err = ATT_OK;

    if (n == NULL) {
        return ATT_E_NOMEM;
    }
    n->source = s;
    err = att_tree_open(&n->tree, &port, size);
    if (err != ATT_OK) {
        return err;
    }
    *out = n;
    n = NULL;
    return ATT_OK;
}

void log_nodes_close(struct log_nodes *n)
{
    if (n != NULL) {
        att_tree_free(n->tree);
        free(n);
    }
}

void log_nodes_closep(struct log_nodes **n)
{
    log_nodes_close(*n);
    *n = NULL;
}

struct att_merkle_nodes log_nodes_of(struct log_nodes *n)
{
    return att_tree_nodes(n->tree);
}

const struct att_diag *log_nodes_why(const struct log_nodes *n)
{
    return &n->why;
}
