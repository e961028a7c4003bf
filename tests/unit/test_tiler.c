/* Tiles as a log grows: at every size the root, and every tile, are those of the tree by its definition. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"
#include "suite.h"
#include "tlog/tiler.h"
#include "treetest.h"

#define SIZE 66000 /* two full tiles of level 1 would be 131072: one, and some of the next */

struct seen {
    struct att_merkle_nodes nodes;
    size_t full, partial;
};

/* Each hash of a tile is the node that tlog-tiles says. */
static enum att_err look(void *ctx, const struct att_tile *t, struct att_slice hashes,
                         struct att_diag *diag)
{
    struct seen *s = ctx;

    (void)diag;
    ck_assert_uint_eq(hashes.len, (size_t)t->width * ATT_MERKLE_LEN);
    for (uint32_t i = 0; i<t->width; i += t->width> 16 ? 15 : 1) {
        uint8_t want[ATT_MERKLE_LEN];

        ck_assert_int_eq(
            s->nodes.node(s->nodes.ctx, 8U * t->level, t->index * ATT_TILE_WIDTH + i, want),
            ATT_OK);
        ck_assert_mem_eq(hashes.p + i * ATT_MERKLE_LEN, want, sizeof(want));
    }
    s->full += t->width == ATT_TILE_WIDTH ? 1 : 0;
    s->partial += t->width < ATT_TILE_WIDTH ? 1 : 0;
    return ATT_OK;
}

static bool worth_a_look(uint64_t size)
{
    return size < 20 || (size % 256 < 2 && size < 1100) || size == 65535 || size == 65536 ||
           size == 65537 || size == SIZE;
}

START_TEST(att_tiler__is_the_tree_at_every_size)
{
    struct att_tiler *t = calloc(1, sizeof(*t));
    struct treetest tree;
    struct seen s = {0};
    const struct att_tile_sink sink = {.take = look, .ctx = &s};
    uint8_t root[ATT_MERKLE_LEN], want[ATT_MERKLE_LEN];

    NEED(t != NULL);
    treetest_open(&tree, SIZE);
    s.nodes = treetest_nodes(&tree);
    for (uint64_t i = 0; i <= SIZE; i++) {
        if (worth_a_look(i)) {
            ck_assert_int_eq(att_tiler_root(root, t, tree.hasher), ATT_OK);
            treetest_root(want, &tree, i);
            ck_assert_mem_eq(root, want, sizeof(root));
        }
        if (i < SIZE)
            ck_assert_int_eq(att_tiler_add(t, tree.hasher, tree.leaf[i], &sink, NULL), ATT_OK);
    }
    ck_assert_uint_eq(s.full, SIZE / 256 + 1);
    ck_assert_int_eq(att_tiler_rest(t, &sink, NULL), ATT_OK);
    ck_assert_uint_eq(s.partial, 3); /* levels 0, 1 and 2 */
    treetest_close(&tree);
    free(t);
}
END_TEST

static enum att_err refuse(void *ctx, const struct att_tile *t, struct att_slice hashes,
                           struct att_diag *diag)
{
    (void)ctx;
    (void)t;
    (void)hashes;
    return att_fail(diag, ATT_E_IO, ATT_R_FILE, "tile", "no");
}

START_TEST(att_tiler__says_what_the_sink_says)
{
    static struct att_tiler t;
    const struct att_tile_sink sink = {.take = refuse};
    const uint8_t leaf[ATT_MERKLE_LEN] = {1};
    struct att_hasher *h = NULL;
    struct att_diag diag = {0};

    NEED(att_hasher_new(&h) == ATT_OK);
    for (int i = 0; i < 255; i++)
        ck_assert_int_eq(att_tiler_add(&t, h, leaf, &sink, &diag), ATT_OK);
    ck_assert_int_eq(att_tiler_rest(&t, &sink, &diag), ATT_E_IO);
    ck_assert_int_eq(att_tiler_add(&t, h, leaf, &sink, &diag), ATT_E_IO);
    t.size = ATT_MERKLE_SIZE_MAX;
    ck_assert_int_eq(att_tiler_add(&t, h, leaf, &sink, &diag), ATT_E_LIMIT);
    att_hasher_free(h);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {att_tiler__is_the_tree_at_every_size, 0},
        {att_tiler__says_what_the_sink_says, 0},
    };

    return SUITE_RUN_ROWS("tiler", ROWS, NULL);
}
