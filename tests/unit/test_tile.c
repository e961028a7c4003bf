/* Tiles: one name each, the width that a tree gives them, and contents of an exact length. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "need.h"
#include "suite.h"
#include "tlog/tile.h"

static struct att_slice str(const char *text)
{
    return att_slice_str(text);
}

static const struct {
    const char *path;
    struct att_tile tile;
} PATHS[] = {
    {"tile/0/000", {false, 0, 0, 256}},
    {"tile/0/999", {false, 0, 999, 256}},
    {"tile/0/x001/000", {false, 0, 1000, 256}},
    {"tile/0/x001/x234/067", {false, 0, 1234067, 256}}, /* the example of the specification */
    {"tile/3/x001/x000/x000/000.p/255", {false, 3, 1000000000, 255}},
    {"tile/7/000.p/1", {false, 7, 0, 1}},
    {"tile/entries/000", {true, 0, 0, 256}},
    {"tile/entries/x010/273.p/112", {true, 0, 10273, 112}},
    {"tile/0/x036/x028/x797/x018/x963/967", {false, 0, (UINT64_C(1) << 55) - 1, 256}},
    {"tile/6/127", {false, 6, 127, 256}},
};

START_TEST(att_tile_path_parse__reads_what_att_tile_path_writes)
{
    const struct att_tile *want = &PATHS[_i].tile;
    struct att_tile got = {0};
    char path[ATT_TILE_PATH_TEXT];

    ck_assert_str_eq(att_tile_path(path, sizeof(path), want), PATHS[_i].path);
    ck_assert_int_eq(att_tile_path_parse(&got, str(PATHS[_i].path), NULL), ATT_OK);
    ck_assert_int_eq(got.entries, want->entries);
    ck_assert_uint_eq(got.level, want->level);
    ck_assert_uint_eq(got.index, want->index);
    ck_assert_uint_eq(got.width, want->width);
}
END_TEST

static const struct {
    const char *path;
    enum att_err err;
} REFUSED[] = {
    {"", ATT_E_FORMAT},
    {"tile", ATT_E_FORMAT},
    {"tile/", ATT_E_FORMAT},
    {"tile/0", ATT_E_FORMAT},
    {"tile/0/", ATT_E_FORMAT},
    {"/tile/0/000", ATT_E_FORMAT},
    {"tile//0/000", ATT_E_FORMAT},
    {"tile/0//000", ATT_E_FORMAT},
    {"tile/0/000/", ATT_E_FORMAT},
    {"tile/0/000/000", ATT_E_FORMAT},
    {"tile/0/067 ", ATT_E_FORMAT},
    {"tile/0/67", ATT_E_FORMAT},
    {"tile/0/0067", ATT_E_FORMAT},
    {"tile/0/x067", ATT_E_FORMAT},
    {"tile/0/x067/", ATT_E_FORMAT},
    {"tile/0/x000/067", ATT_E_FORMAT}, /* a second spelling of 067 */
    {"tile/0/X001/067", ATT_E_FORMAT},
    {"tile/0/x1/067", ATT_E_FORMAT},
    {"tile/0/xx01/067", ATT_E_FORMAT},
    {"tile/0/+67", ATT_E_FORMAT},
    {"tile/0/-01", ATT_E_FORMAT},
    {"tile/0/..", ATT_E_FORMAT},
    {"tile/0/../checkpoint", ATT_E_FORMAT},
    {"tile/../tile/0/000", ATT_E_FORMAT},
    {"tile/0/000/../000", ATT_E_FORMAT},
    {"tile/0/%30%30%30", ATT_E_FORMAT},
    {"tile/0/000?x=1", ATT_E_FORMAT},
    {"tile/00/000", ATT_E_FORMAT},
    {"tile/-1/000", ATT_E_FORMAT},
    {"tile/64/000", ATT_E_FORMAT},
    {"tile/x/000", ATT_E_FORMAT},
    {"tile/Entries/000", ATT_E_FORMAT},
    {"tile/data/000", ATT_E_FORMAT},
    {"tile/0/000.p", ATT_E_FORMAT},
    {"tile/0/000.p/", ATT_E_FORMAT},
    {"tile/0/000.p/0", ATT_E_FORMAT},
    {"tile/0/000.p/01", ATT_E_FORMAT},
    {"tile/0/000.p/256", ATT_E_FORMAT},
    {"tile/0/000.p/5/", ATT_E_FORMAT},
    {"tile/0/000.p/5/5", ATT_E_FORMAT},
    {"tile/0/000.q/5", ATT_E_FORMAT},
    {"tile/0/x000.p/5", ATT_E_FORMAT},
    {"tile/0/x001.p/5/000", ATT_E_FORMAT},
    {"tile/8/000", ATT_E_LIMIT},
    {"tile/63/000", ATT_E_LIMIT},
    {"tile/7/001", ATT_E_LIMIT},
    {"tile/6/128", ATT_E_LIMIT},
    {"tile/0/x036/x028/x797/x018/x963/968", ATT_E_LIMIT},
    {"tile/entries/x036/x028/x797/x018/x963/968", ATT_E_LIMIT},
    {"tile/0/x001/x000/x000/x000/x000/x000/000", ATT_E_LIMIT},
    {"tile/0/x999/x999/x999/x999/x999/x999/999", ATT_E_LIMIT},
};

START_TEST(att_tile_path_parse__refuses_every_other_spelling)
{
    struct att_tile got = {.width = 77};
    struct att_diag diag = {0};

    ck_assert_msg(att_tile_path_parse(&got, str(REFUSED[_i].path), &diag) == REFUSED[_i].err,
                  "%s: %s", REFUSED[_i].path, diag.text);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
    ck_assert_uint_eq(got.width, 77);
}
END_TEST

START_TEST(att_tile_path_parse__refuses_a_nul_byte)
{
    static const char PATH[] = "tile/0/000\0";
    struct att_tile got;

    ck_assert_int_eq(att_tile_path_parse(&got, att_slice_of(PATH, sizeof(PATH) - 1), NULL),
                     ATT_E_FORMAT);
}
END_TEST

START_TEST(att_tile_path__writes_nothing_for_what_is_no_tile)
{
    static const struct att_tile NONE[] = {
        {false, 0, 0, 0},          {false, 0, 0, 257}, {false, 8, 0, 256},
        {false, 7, 1, 256},        {true, 1, 0, 256},  {false, 0, UINT64_C(1) << 55, 256},
        {false, 0, UINT64_MAX, 1},
    };
    const struct att_tile tile = {false, 0, 0, 256};
    char path[ATT_TILE_PATH_TEXT];

    for (size_t i = 0; i < ATT_COUNT(NONE); i++) {
        ck_assert_str_eq(att_tile_path(path, sizeof(path), &NONE[i]), "");
    }
    ck_assert_str_eq(att_tile_path(path, sizeof(path) - 1, &tile), "");
}
END_TEST

static const struct {
    uint8_t level;
    uint64_t index, size;
    uint32_t width;
} WIDTHS[] = {
    {0, 0, 0, 0},
    {0, 0, 1, 1},
    {0, 0, 255, 255},
    {0, 0, 256, 256},
    {0, 0, 257, 256},
    {0, 1, 256, 0},
    {0, 1, 257, 1},
    {1, 0, 255, 0},
    {1, 0, 256, 1},
    {1, 0, 65535, 255},
    {1, 0, 65536, 256},
    {2, 0, 65535, 0},
    {2, 0, 65536, 1},
    /* the example of the specification: 70,000 leaves */
    {0, 272, 70000, 256},
    {0, 273, 70000, 112},
    {0, 274, 70000, 0},
    {1, 0, 70000, 256},
    {1, 1, 70000, 17},
    {2, 0, 70000, 1},
    {3, 0, 70000, 0},
    /* the largest tree */
    {7, 0, INT64_MAX, 127},
    {8, 0, INT64_MAX, 0},
    {63, 0, INT64_MAX, 0},
    {255, 0, INT64_MAX, 0},
    {0, (UINT64_C(1) << 55) - 1, INT64_MAX, 255},
    {0, UINT64_C(1) << 55, INT64_MAX, 0},
    {0, UINT64_MAX, INT64_MAX, 0},
};

START_TEST(att_tile_width__is_what_the_tree_has)
{
    ck_assert_uint_eq(att_tile_width(WIDTHS[_i].level, WIDTHS[_i].index, WIDTHS[_i].size),
                      WIDTHS[_i].width);
}
END_TEST

START_TEST(att_tile_parse__needs_the_exact_length)
{
    static const uint32_t WIDTH[] = {1, 2, 255, 256};
    uint8_t in[ATT_TILE_MAX + 1];
    uint8_t out[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    struct att_diag diag = {0};

    for (size_t i = 0; i < sizeof(in); i++) {
        in[i] = (uint8_t)(i % 251);
    }
    for (size_t i = 0; i < ATT_COUNT(WIDTH); i++) {
        size_t len = (size_t)WIDTH[i] * ATT_MERKLE_LEN;

        ck_assert_int_eq(att_tile_parse(out, att_slice_of(in, len), WIDTH[i], NULL), ATT_OK);
        ck_assert_mem_eq(out, in, len);
        ck_assert_int_eq(att_tile_parse(out, att_slice_of(in, len - 1), WIDTH[i], &diag),
                         ATT_E_TRUNCATED);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
        ck_assert_int_eq(att_tile_parse(out, att_slice_of(in, len + 1), WIDTH[i], &diag),
                         ATT_E_TRAILING);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
    }
    ck_assert_int_eq(att_tile_parse(out, att_slice_of(in, 0), 0, NULL), ATT_E_INTERNAL);
    ck_assert_int_eq(att_tile_parse(out, att_slice_of(in, 0), 257, NULL), ATT_E_INTERNAL);
}
END_TEST

START_TEST(att_bundle_parse__reads_entries_of_every_length)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_slice entry[ATT_TILE_WIDTH] = {{0}};
    uint8_t *large = malloc(ATT_TILE_ENTRY_MAX + 1);
    struct att_diag diag = {0};

    NEED(large != NULL && att_buf_new(&b, ATT_BUNDLE_MAX) == ATT_OK);
    memset(large, 'x', ATT_TILE_ENTRY_MAX + 1);
    ck_assert_int_eq(att_bundle_add(b, str("one")), ATT_OK);
    ck_assert_int_eq(att_bundle_add(b, str("")), ATT_OK);
    bytes_expect_hex(att_buf_slice(b), "00036f6e650000");
    ck_assert_int_eq(att_bundle_add(b, att_slice_of(large, ATT_TILE_ENTRY_MAX)), ATT_OK);
    ck_assert_int_eq(att_bundle_add(b, att_slice_of(large, ATT_TILE_ENTRY_MAX + 1)), ATT_E_LIMIT);
    ck_assert_int_eq(att_bundle_parse(entry, att_buf_slice(b), 3, NULL), ATT_OK);
    bytes_expect_text(entry[0], "one");
    ck_assert_uint_eq(entry[1].len, 0);
    ck_assert_uint_eq(entry[2].len, ATT_TILE_ENTRY_MAX);
    ck_assert_int_eq(att_bundle_parse(entry, att_buf_slice(b), 2, &diag), ATT_E_TRAILING);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
    ck_assert_int_eq(att_bundle_parse(entry, att_buf_slice(b), 4, &diag), ATT_E_TRUNCATED);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_TLOG);
    ck_assert_int_eq(att_bundle_parse(entry, att_buf_slice(b), 0, NULL), ATT_E_INTERNAL);
    ck_assert_int_eq(att_bundle_parse(entry, att_buf_slice(b), 257, NULL), ATT_E_INTERNAL);
    free(large);
}
END_TEST

START_TEST(att_bundle_parse__refuses_every_cut)
{
    static const uint8_t IN[] = {0, 3, 'o', 'n', 'e', 0, 0, 0, 2, 'h', 'i'};
    struct att_slice entry[ATT_TILE_WIDTH] = {{0}};

    ck_assert_int_eq(att_bundle_parse(entry, att_slice_of(IN, sizeof(IN)), 3, NULL), ATT_OK);
    memset(entry, 0, sizeof(entry));
    for (size_t len = 0; len < sizeof(IN); len++) {
        uint8_t *copy = malloc(len + 1); /* its own allocation: a read past the cut is seen */

        NEED(copy != NULL);
        memcpy(copy, IN, len);
        ck_assert_int_eq(att_bundle_parse(entry, att_slice_of(copy, len), 3, NULL),
                         ATT_E_TRUNCATED);
        ck_assert_ptr_null(entry[0].p);
        free(copy);
    }
}
END_TEST

START_TEST(att_bundle_add__adds_all_or_nothing)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;

    ck_assert_int_eq(att_buf_new(&b, 10), ATT_OK);
    ck_assert_int_eq(att_bundle_add(b, str("12345")), ATT_OK);
    ck_assert_int_eq(att_bundle_add(b, str("12")), ATT_E_LIMIT);
    ck_assert_uint_eq(att_buf_len(b), 7);
    ck_assert_int_eq(att_bundle_add(b, str("1")), ATT_OK);
}
END_TEST

/* The example of docs/formats/log.md: what stands in the bundle hashes to what stands in the tile. */
START_TEST(att_bundle_parse__gives_the_leaves_of_the_tile)
{
    struct bytes bundle = bytes_unhex("00036f6e65000374776f");
    struct bytes tile =
        bytes_unhex("d0d7360ab79f58ab1e1e3fe64ad77e2ea0bc07e36b5f46ed2223edd9298df9e9"
                    "ab1ab7f07c7c8fe0eff4ba6faa53c7e4412e91a599153e8aa4e01beece5b7825");
    struct att_slice entry[ATT_TILE_WIDTH] = {{0}};
    uint8_t hash[ATT_TILE_WIDTH][ATT_MERKLE_LEN];

    ck_assert_int_eq(att_bundle_parse(entry, bytes_slice(&bundle), 2, NULL), ATT_OK);
    ck_assert_int_eq(att_tile_parse(hash, bytes_slice(&tile), 2, NULL), ATT_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct att_slice parts[] = {att_slice_of("", 1), entry[i]};
        uint8_t leaf[32];

        ck_assert_int_eq(att_digest(ATT_HASH_SHA256, parts, 2, leaf), ATT_OK);
        ck_assert_mem_eq(leaf, hash[i], sizeof(leaf));
    }
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_tile_path_parse__reads_what_att_tile_path_writes, (int)ATT_COUNT(PATHS)},
        {att_tile_path_parse__refuses_every_other_spelling, (int)ATT_COUNT(REFUSED)},
        {att_tile_path_parse__refuses_a_nul_byte, 0},
        {att_tile_path__writes_nothing_for_what_is_no_tile, 0},
        {att_tile_width__is_what_the_tree_has, (int)ATT_COUNT(WIDTHS)},
        {att_tile_parse__needs_the_exact_length, 0},
        {att_bundle_parse__reads_entries_of_every_length, 0},
        {att_bundle_parse__refuses_every_cut, 0},
        {att_bundle_parse__gives_the_leaves_of_the_tile, 0},
        {att_bundle_add__adds_all_or_nothing, 0},
    };

    return SUITE_RUN_ROWS("tile", rows, NULL);
}
