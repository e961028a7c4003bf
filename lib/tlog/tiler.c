#include "tlog/tiler.h"

#include <stdbool.h>
#include <string.h>

#define HEIGHT 8 /* levels of the tree in a tile */

uint32_t att_tiler_width(const struct att_tiler *t, unsigned int level)
{
    return level < ATT_TILER_LEVELS ? (uint32_t)(t->size >> (HEIGHT * level)) % ATT_TILE_WIDTH : 0;
}

/* The node over 2^height hashes, which stand one behind the other. */
static enum att_err fold(uint8_t out[ATT_MERKLE_LEN], struct att_hasher *h,
                         const uint8_t (*hash)[ATT_MERKLE_LEN], unsigned int height)
{
    uint8_t room[ATT_TILE_WIDTH / 2][ATT_MERKLE_LEN];
    const uint8_t(*from)[ATT_MERKLE_LEN] = hash;

    for (size_t count = (size_t)1 << height; count > 1; count /= 2) {
        for (size_t i = 0; i < count / 2; i++) {
            enum att_err err = att_merkle_node(room[i], h, from[2 * i], from[2 * i + 1]);

            if (err != ATT_OK)
                return err;
        }
        from = (const uint8_t(*)[ATT_MERKLE_LEN])room;
    }
    memcpy(out, from[0], ATT_MERKLE_LEN);
    return ATT_OK;
}

enum att_err att_tiler_add(struct att_tiler *t, struct att_hasher *h,
                           const uint8_t leaf[ATT_MERKLE_LEN], const struct att_tile_sink *sink,
                           struct att_diag *diag)
{
    uint8_t next[ATT_MERKLE_LEN];
    uint64_t index = t->size; /* of the hash in its level */

    if (t->size >= ATT_MERKLE_SIZE_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_TLOG, "size", "the tree is full");
    memcpy(next, leaf, sizeof(next));
    for (uint8_t level = 0; level < ATT_TILER_LEVELS; level++, index /= ATT_TILE_WIDTH) {
        const struct att_tile tile = {
            .level = level, .index = index / ATT_TILE_WIDTH, .width = ATT_TILE_WIDTH};
        enum att_err err;

        memcpy(t->hash[level][index % ATT_TILE_WIDTH], next, sizeof(next));
        if (index % ATT_TILE_WIDTH != ATT_TILE_WIDTH - 1)
            break;
        err = sink->take(sink->ctx, &tile, att_slice_of(t->hash[level][0], ATT_TILE_MAX), diag);
        if (err == ATT_OK &&
            fold(next, h, (const uint8_t(*)[ATT_MERKLE_LEN])t->hash[level], HEIGHT) != ATT_OK)
            err = att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tile", "hashing failed");
        if (err != ATT_OK)
            return err;
    }
    t->size++;
    return ATT_OK;
}

enum att_err att_tiler_rest(const struct att_tiler *t, const struct att_tile_sink *sink,
                            struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (uint8_t level = 0; err == ATT_OK && level < ATT_TILER_LEVELS; level++) {
        const struct att_tile tile = {.level = level,
                                      .index = (t->size >> (HEIGHT * level)) / ATT_TILE_WIDTH,
                                      .width = att_tiler_width(t, level)};

        if (tile.width > 0)
            err = sink->take(sink->ctx, &tile,
                             att_slice_of(t->hash[level][0], tile.width * ATT_MERKLE_LEN), diag);
    }
    return err;
}

/* The full subtrees that the size is the sum of, from the small ones on the right to the large ones on the left. */
enum att_err att_tiler_root(uint8_t out[ATT_MERKLE_LEN], const struct att_tiler *t,
                            struct att_hasher *h)
{
    struct att_merkle_edge edge = {.size = t->size};
    enum att_err err = ATT_OK;

    for (unsigned int bit = 0; err == ATT_OK && bit < HEIGHT * ATT_TILER_LEVELS; bit++) {
        unsigned int level = bit / HEIGHT, height = bit % HEIGHT;
        uint32_t width = att_tiler_width(t, level);
        uint32_t first = width >> (height + 1) << (height + 1);

        if ((t->size >> bit & 1) == 1)
            err = fold(edge.hash[bit], h,
                       (const uint8_t(*)[ATT_MERKLE_LEN]) & t->hash[level][first], height);
    }
    return err == ATT_OK ? att_merkle_edge_root(out, h, &edge) : err;
}
