/*
 * The tiles of a log (C2SP tlog-tiles) as its entries come in: what a mirror writes, and an auditor compares.
 *
 * Kept are only the tiles at the right edge that are not full, which is also all that the root takes: 64 KiB for a
 * tree of any size. All zeros is the tree without entries.
 */
#ifndef ATT_TLOG_TILER_H
#define ATT_TLOG_TILER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"
#include "tlog/tile.h"

#define ATT_TILER_LEVELS 8 /* a tree of less than 2^63 entries has no more */

struct att_tiler {
    uint64_t size; /* entries so far */
    uint8_t hash[ATT_TILER_LEVELS][ATT_TILE_WIDTH][ATT_MERKLE_LEN];
};

/* What is done with a tile; hashes are borrowed until it returns. */
struct att_tile_sink {
    enum att_err (*take)(void *ctx, const struct att_tile *tile, struct att_slice hashes,
                         struct att_diag *diag);
    void *ctx;
};

/* One entry more; each tile that is full with it goes to the sink. LIMIT CRYPTO, and what the sink says. */
ATT_MUST_USE enum att_err att_tiler_add(struct att_tiler *t, struct att_hasher *h,
                                        const uint8_t leaf[ATT_MERKLE_LEN],
                                        const struct att_tile_sink *sink, struct att_diag *diag);
/* The tiles at the edge that are not full, as they are now. What the sink says. */
ATT_MUST_USE enum att_err att_tiler_rest(const struct att_tiler *t,
                                         const struct att_tile_sink *sink, struct att_diag *diag);
/* Hashes that the tile at the edge of this level has: 0 to 255. */
uint32_t att_tiler_width(const struct att_tiler *t, unsigned int level);
/* The root over what came in; of nothing it is SHA-256 of nothing. CRYPTO. */
ATT_MUST_USE enum att_err att_tiler_root(uint8_t out[ATT_MERKLE_LEN], const struct att_tiler *t,
                                         struct att_hasher *h);

#endif
