/* Tiles: names, widths and contents. */
#include "tlog/tile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/wr.h"
#include "codec/lines.h"

#define GROUPS_MAX 6 /* of three digits: the last index of level 0, 2^55 - 1, has 17 of them */

/* The last index of a level in a tree of less than 2^63 leaves, or false for a level that none has. */
static bool last_index(uint64_t *out, uint8_t level)
{
    unsigned int bits = 8U * ((unsigned int)level + 1);

    if (level > 7) {
        return false;
    }
    *out = bits >= 63 ? 0 : ATT_MERKLE_SIZE_MAX >> bits;
    return true;
}

static bool tile_ok(const struct att_tile *t)
{
    uint64_t last = 0;

    return t->width >= 1 && t->width <= ATT_TILE_WIDTH && last_index(&last, t->level) &&
           t->index <= last && (!t->entries || t->level == 0);
}

char *att_tile_path(char *out, size_t cap, const struct att_tile *tile)
{
    uint64_t group[GROUPS_MAX];
    uint64_t rest = tile->index;
    size_t count = 0;
    size_t at = 0;

    if (cap == 0) {
        return out;
    }
    out[0] = '\0';
    if (cap < ATT_TILE_PATH_TEXT || !tile_ok(tile)) {
        return out;
    }
    do {
        group[count++] = rest % 1000;
        rest /= 1000;
    } while (rest > 0);
    at = (size_t)(tile->entries ? snprintf(out, cap, "tile/entries")
                                : snprintf(out, cap, "tile/%u", (unsigned int)tile->level));
    while (count > 0) {
        count--;
        at += (size_t)snprintf(out + at, cap - at, count > 0 ? "/x%03" PRIu64 : "/%03" PRIu64,
                               group[count]);
    }
    if (tile->width < ATT_TILE_WIDTH) {
        snprintf(out + at, cap - at, ".p/%" PRIu32, tile->width);
    }
    return out;
}

static enum att_err refuse(struct att_diag *diag, enum att_err err, const char *what)
{
    return att_fail(diag, err, ATT_R_FMT_TLOG, "path", "%s", what);
}

/* Up to the next slash, which is consumed, or to the end. */
static struct att_slice next_part(struct att_rd *r)
{
    struct att_slice ahead = att_rd_ahead(r);
    const uint8_t *slash = ahead.len > 0 ? memchr(ahead.p, '/', ahead.len) : NULL;
    struct att_slice part = att_rd_bytes(r, slash != NULL ? (size_t)(slash - ahead.p) : ahead.len);

    if (slash != NULL) {
        att_rd_skip(r, 1);
    }
    return part;
}

/* Three digits. */
static bool read_group(uint64_t *out, struct att_slice text)
{
    if (text.len != 3) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < 3; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        *out = *out * 10 + (uint64_t)(text.p[i] - '0');
    }
    return true;
}

/* Groups up to and with the one that has no x; *partial: that one ends in .p. */
static enum att_err read_index(struct att_tile *t, bool *partial, struct att_rd *r)
{
    for (size_t i = 0; i < GROUPS_MAX; i++) {
        struct att_slice part = next_part(r);
        struct att_slice digits = part;
        uint64_t group = 0;
        bool inner = att_lines_after(&digits, part, "x");

        *partial = !inner && part.len == 5 && memcmp(part.p + 3, ".p", 2) == 0;
        digits.len = *partial ? 3 : digits.len;
        if (!read_group(&group, digits)) {
            return ATT_E_FORMAT;
        }
        t->index = t->index * 1000 + group;
        if (!inner) {
            return ATT_OK;
        }
    }
    return ATT_E_LIMIT;
}

static enum att_err read_path(struct att_tile *t, struct att_slice rest)
{
    struct att_rd r = att_rd_slice(rest);
    struct att_slice level = next_part(&r);
    uint64_t n = 0;
    bool partial = false;
    enum att_err err = ATT_OK;

    t->entries = att_slice_eq(level, att_slice_str("entries"));
    if (!t->entries && att_lines_decimal(&n, level, ATT_TILE_LEVEL_MAX) != ATT_OK) {
        return ATT_E_FORMAT;
    }
    t->level = (uint8_t)n;
    err = read_index(t, &partial, &r);
    if (err != ATT_OK) {
        return err;
    }
    n = ATT_TILE_WIDTH;
    if (partial && att_lines_decimal(&n, next_part(&r), ATT_TILE_WIDTH - 1) != ATT_OK) {
        return ATT_E_FORMAT;
    }
    t->width = (uint32_t)n;
    if (t->width == 0) {
        return ATT_E_FORMAT;
    }
    return tile_ok(t) ? ATT_OK : ATT_E_LIMIT;
}

enum att_err att_tile_path_parse(struct att_tile *out, struct att_slice path, struct att_diag *diag)
{
    struct att_tile t = {.level = 0};
    struct att_slice rest = {0};
    char again[ATT_TILE_PATH_TEXT];
    enum att_err err = ATT_E_FORMAT;

    if (att_lines_after(&rest, path, "tile/")) {
        err = read_path(&t, rest);
    }
    if (err == ATT_E_LIMIT) {
        return refuse(diag, err, "no tree has a tile of that level and index");
    }
    if (err != ATT_OK) {
        return refuse(diag, err,
                      "expected tile/LEVEL/INDEX or tile/entries/INDEX, and .p/WIDTH (1 to 255) "
                      "behind it for a partial tile");
    }
    /* one tile, one name: whatever the reading above let pass is no second one */
    att_tile_path(again, sizeof(again), &t);
    if (ATT_GUARD(TILE_SPELLING, !att_slice_eq(path, att_slice_str(again)))) {
        return refuse(diag, ATT_E_FORMAT, "the tile is written in another way than the one it has");
    }
    *out = t;
    return ATT_OK;
}

uint32_t att_tile_width(uint8_t level, uint64_t index, uint64_t size)
{
    uint64_t hashes = level > 7 ? 0 : size >> (8U * level);
    uint64_t before = hashes / ATT_TILE_WIDTH;

    if (index > before) {
        return 0;
    }
    return index < before ? ATT_TILE_WIDTH : (uint32_t)(hashes % ATT_TILE_WIDTH);
}

static enum att_err check_width(uint32_t width, struct att_diag *diag)
{
    if (width < 1 || width > ATT_TILE_WIDTH) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "width",
                        "expected a width of 1 to 256, found %" PRIu32, width);
    }
    return ATT_OK;
}

enum att_err att_tile_parse(uint8_t out[ATT_TILE_WIDTH][ATT_MERKLE_LEN], struct att_slice in,
                            uint32_t width, struct att_diag *diag)
{
    struct att_rd r = att_rd_slice(in);
    enum att_err err = check_width(width, diag);
    struct att_slice hashes = {0};

    if (err != ATT_OK) {
        return err;
    }
    hashes = att_rd_bytes(&r, (size_t)width * ATT_MERKLE_LEN);
    err = att_rd_end_diag(&r, ATT_R_FMT_TLOG, "tile", diag);
    if (err != ATT_OK) {
        return err;
    }
    memcpy(out, hashes.p, hashes.len);
    return ATT_OK;
}

enum att_err att_bundle_parse(struct att_slice out[ATT_TILE_WIDTH], struct att_slice in,
                              uint32_t width, struct att_diag *diag)
{
    struct att_slice entry[ATT_TILE_WIDTH];
    struct att_rd r = att_rd_slice(in);
    enum att_err err = check_width(width, diag);

    if (err != ATT_OK) {
        return err;
    }
    for (uint32_t i = 0; i < width; i++) {
        size_t len = att_rd_count16be(&r, ATT_TILE_ENTRY_MAX);

        entry[i] = att_rd_bytes(&r, len);
    }
    err = att_rd_end_diag(&r, ATT_R_FMT_TLOG, "bundle", diag);
    if (err != ATT_OK) {
        return err;
    }
    memcpy(out, entry, width * sizeof(entry[0]));
    return ATT_OK;
}

enum att_err att_bundle_add(struct att_buf *bundle, struct att_slice entry)
{
    uint8_t len[2];
    struct att_wr w = att_wr_into(len, sizeof(len));
    uint8_t *room = NULL;
    enum att_err err = ATT_OK;

    if (entry.len > ATT_TILE_ENTRY_MAX) {
        return ATT_E_LIMIT;
    }
    att_wr_u16be(&w, (uint16_t)entry.len);
    err = att_buf_room(bundle, sizeof(len) + entry.len, &room); /* both or nothing */
    if (err == ATT_OK) {
        err = att_buf_add(bundle, len, sizeof(len));
    }
    return err == ATT_OK ? att_buf_add_slice(bundle, entry) : err;
}
