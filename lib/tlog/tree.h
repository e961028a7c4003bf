/*
 * A tree kept as tiles of up to 256 hashes (C2SP tlog-tiles): it grows at the right edge and gives any full node.
 *
 * Tile (level, index) holds the nodes at level 8 * level of the tree from 256 * index on. Where tiles are kept is
 * the caller's: read here, written by att_tree_changes. What was added counts only when att_tree_settle was
 * called; until then att_tree_revert takes it back, so a tree follows the transaction that stores it.
 */
#ifndef ATT_TLOG_TREE_H
#define ATT_TLOG_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"

#define ATT_TILE_WIDTH 256
#define ATT_TILE_BYTES (ATT_TILE_WIDTH * ATT_MERKLE_LEN)
#define ATT_TREE_BATCH 1024 /* entries that may be added between two calls of att_tree_settle */

struct att_tile_port {
    /* The first width hashes (1 to 256) of a tile into out. NOT_FOUND, or what reading says. */
    enum att_err (*read)(void *ctx, unsigned int level, uint64_t index, size_t width, uint8_t *out);
    void *ctx;
};

struct att_tree; /* opaque */

/* size  entries in the tree that the port has. LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_tree_open(struct att_tree **out, const struct att_tile_port *port,
                                        uint64_t size);
void att_tree_free(struct att_tree *t);
void att_tree_freep(struct att_tree **t);

uint64_t att_tree_size(const struct att_tree *t);
/* Full nodes, added ones too, for roots and proofs; borrows t. What the port says; LIMIT for a node that is not full. */
struct att_merkle_nodes att_tree_nodes(struct att_tree *t);

/* What the port says; LIMIT (more than ATT_TREE_BATCH unsettled, or the tree is full) CRYPTO. On failure: revert. */
ATT_MUST_USE enum att_err att_tree_add(struct att_tree *t, const uint8_t leaf[ATT_MERKLE_LEN]);

/* Each tile that holds more than it did when last settled, whole (1 to 256 hashes), until write fails. */
struct att_tile_change {
    unsigned int level;
    uint64_t index;
    struct att_slice hashes; /* borrowed until the next call on the tree */
};
ATT_MUST_USE enum att_err
att_tree_changes(struct att_tree *t,
                 enum att_err (*write)(void *ctx, const struct att_tile_change *c), void *ctx);
void att_tree_settle(struct att_tree *t);
void att_tree_revert(struct att_tree *t);

#endif
