/*
 * Tiles: the hashes and the entries of a log as files of fixed names (C2SP tlog-tiles).
 *
 *   tile/<level>/<index>[.p/<width>]      256 hashes, or the first width of them
 *   tile/entries/<index>[.p/<width>]      as many entries, each behind its length of two bytes
 *
 * The index stands in groups of three digits, all but the last behind an x: 1234067 is x001/x234/067.
 */
#ifndef ATT_TLOG_TILE_H
#define ATT_TLOG_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/slice.h"
#include "crypto/merkle.h"

#define ATT_TILE_WIDTH     256 /* hashes or entries of a full tile */
#define ATT_TILE_LEVEL_MAX 63
#define ATT_TILE_ENTRY_MAX 65535 /* bytes of an entry */
#define ATT_TILE_PATH_TEXT 64    /* room for every path, with the terminator */
#define ATT_TILE_MAX       (ATT_TILE_WIDTH * ATT_MERKLE_LEN)
#define ATT_BUNDLE_MAX     (ATT_TILE_WIDTH * (2 + ATT_TILE_ENTRY_MAX))

struct att_tile {
    bool entries; /* an entry bundle, which is of level 0 */
    /* 0: leaf hashes. Each hash of level n + 1 is the root of a full tile of level n. */
    uint8_t level;
    uint64_t index; /* from 0; every index that a tree of less than 2^63 leaves can have */
    uint32_t width; /* 1 to 256; below 256 the tile is partial */
};

/* Returns out, terminated; an empty string for what is no tile, or when cap is below ATT_TILE_PATH_TEXT. */
char *att_tile_path(char *out, size_t cap, const struct att_tile *tile);

/*
 * att_tile_path_parse - a path from outside, such as the end of a URL; it has one spelling.
 *
 * Errors  FORMAT (FMT_TLOG); LIMIT (FMT_TLOG): no tree has a tile of that level and index
 */
ATT_MUST_USE enum att_err att_tile_path_parse(struct att_tile *out, struct att_slice path,
                                              struct att_diag *diag);

/*
 * How many hashes (or entries) of the tile of this level and index a tree of size leaves has: 0 to 256. A tile is
 * to be had when its width is at most this.
 */
uint32_t att_tile_width(uint8_t level, uint64_t index, uint64_t size);

/*
 * att_tile_parse - the hashes of a tile of this width, in order.
 *
 * out     width hashes are written, on ATT_OK only
 * Errors  TRUNCATED TRAILING (FMT_TLOG); INTERNAL: a width that no tile has
 */
ATT_MUST_USE enum att_err att_tile_parse(uint8_t out[ATT_TILE_WIDTH][ATT_MERKLE_LEN],
                                         struct att_slice in, uint32_t width,
                                         struct att_diag *diag);

/*
 * att_bundle_parse - the entries of a bundle of this width, in order; they borrow in.
 *
 * Errors  TRUNCATED TRAILING (FMT_TLOG); INTERNAL: a width that no tile has
 */
ATT_MUST_USE enum att_err att_bundle_parse(struct att_slice out[ATT_TILE_WIDTH],
                                           struct att_slice in, uint32_t width,
                                           struct att_diag *diag);

/* One entry more at the end of a bundle. LIMIT (above ATT_TILE_ENTRY_MAX, or the buffer's cap) NOMEM. */
ATT_MUST_USE enum att_err att_bundle_add(struct att_buf *bundle, struct att_slice entry);

#endif
