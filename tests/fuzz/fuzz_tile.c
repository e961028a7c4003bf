/* Tiles: a path that is read is the path that is written, and entries tile their bundle. */
#include "fuzz.h"
#include "tlog/tile.h"

static void path(struct att_slice in)
{
    struct att_tile t;
    struct att_diag diag = {0};
    char again[ATT_TILE_PATH_TEXT];

    if (att_tile_path_parse(&t, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_TLOG);
        return;
    }
    HOLDS(att_slice_eq(in, att_slice_str(att_tile_path(again, sizeof(again), &t))));
    HOLDS(t.width >= 1 && t.width <= ATT_TILE_WIDTH && t.level <= 7);
    HOLDS(att_tile_width(t.level, t.index, ATT_MERKLE_SIZE_MAX) > 0);
}

/* The first byte is the width less one: all that is behind it, as a tile and as a bundle. */
static void contents(uint32_t width, struct att_slice in)
{
    static uint8_t hash[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    static struct att_slice entry[ATT_TILE_WIDTH];
    struct att_diag diag = {0};
    struct att_buf *again = NULL;

    HOLDS((att_tile_parse(hash, in, width, &diag) == ATT_OK) ==
          (in.len == (size_t)width * ATT_MERKLE_LEN));
    if (att_bundle_parse(entry, in, width, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_TLOG && diag.off <= in.len);
        return;
    }
    HOLDS(att_buf_new(&again, in.len) == ATT_OK);
    for (uint32_t i = 0; i < width; i++) {
        HOLDS(att_bundle_add(again, entry[i]) == ATT_OK);
    }
    HOLDS(att_slice_eq(att_buf_slice(again), in));
    att_buf_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    path(att_slice_of(data, size));
    if (size > 0) {
        contents(1U + data[0], att_slice_of(data + 1, size - 1));
    }
    return 0;
}
