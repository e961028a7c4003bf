#include "log_tree.h"

#include <stdlib.h>
#include <string.h>

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
