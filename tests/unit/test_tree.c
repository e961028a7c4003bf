/* The tree over tiles: it grows, forgets what was not settled, and is found again as it was. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"
#include "suite.h"
#include "tilestore.h"
#include "treetest.h"

static struct tilestore store;

static void set_up(void)
{
    tilestore_open(&store);
}

static void tear_down(void)
{
    tilestore_close(&store);
}

static struct att_tree *tree_of(uint64_t size)
{
    struct att_tile_port port = tilestore_port(&store);
    struct att_tree *t = NULL;

    NEED(att_tree_open(&t, &port, size) == ATT_OK);
    return t;
}

static void grow(struct att_tree *t, const struct treetest *reference, uint64_t to)
{
    while (att_tree_size(t) < to) {
        uint64_t next =
            att_tree_size(t) + ATT_TREE_BATCH < to ? att_tree_size(t) + ATT_TREE_BATCH : to;

        while (att_tree_size(t) < next)
            NEED(att_tree_add(t, reference->leaf[att_tree_size(t)]) == ATT_OK);
        tilestore_commit(&store, t);
    }
}

static void is_reference(struct att_tree *t, const struct treetest *reference)
{
    struct att_merkle_nodes nodes = att_tree_nodes(t);
    uint8_t want[ATT_MERKLE_LEN], got[ATT_MERKLE_LEN];

    treetest_root(want, reference, att_tree_size(t));
    ck_assert_int_eq(att_merkle_root(got, &nodes, att_tree_size(t)), ATT_OK);
    ck_assert_mem_eq(got, want, sizeof(got));
}

static const uint64_t SIZES[] = {0, 1, 2, 255, 256, 257, 511, 512, 65535, 65536, 65537, 70000};

START_TEST(att_tree__is_the_reference_when_opened_again)
{
    struct treetest reference;
    struct att_tree *t = tree_of(0);

    treetest_open(&reference, SIZES[_i]);
    grow(t, &reference, SIZES[_i]);
    is_reference(t, &reference);
    att_tree_free(t);
    t = tree_of(SIZES[_i]);
    ck_assert_uint_eq(att_tree_size(t), SIZES[_i]);
    is_reference(t, &reference);
    att_tree_free(t);
    treetest_close(&reference);
}
END_TEST

START_TEST(att_tree_revert__takes_back_what_was_not_settled)
{
    struct treetest reference;
    struct att_tree *t = tree_of(0);
    uint8_t other[ATT_MERKLE_LEN] = {1};

    treetest_open(&reference, 2000);
    for (uint64_t at = 0; at < 1000; at += 125) {
        grow(t, &reference, at);
        for (int i = 0; i < 300; i++)
            ck_assert_int_eq(att_tree_add(t, other), ATT_OK);
        ck_assert_uint_eq(att_tree_size(t), at + 300);
        att_tree_revert(t);
        ck_assert_uint_eq(att_tree_size(t), at);
        is_reference(t, &reference);
    }
    grow(t, &reference, 2000);
    is_reference(t, &reference);
    att_tree_free(t);
    treetest_close(&reference);
}
END_TEST

START_TEST(att_tree_add__takes_a_batch_and_not_one_more)
{
    struct att_tree *t = tree_of(0);
    uint8_t leaf[ATT_MERKLE_LEN] = {0};

    for (int i = 0; i < ATT_TREE_BATCH; i++)
        ck_assert_int_eq(att_tree_add(t, leaf), ATT_OK);
    ck_assert_int_eq(att_tree_add(t, leaf), ATT_E_LIMIT);
    tilestore_commit(&store, t);
    ck_assert_int_eq(att_tree_add(t, leaf), ATT_OK);
    att_tree_free(t);
}
END_TEST

/* Whichever read fails: no root is made up, and after a revert all is as it was. */
START_TEST(att_tree__survives_reads_that_fail)
{
    struct treetest reference;
    struct att_tree *t = tree_of(0);
    uint8_t root[ATT_MERKLE_LEN];
    struct att_merkle_nodes nodes;

    treetest_open(&reference, 66000);
    grow(t, &reference, 65900);
    att_tree_free(t);
    for (int reads = 0; reads < 2; reads++) {
        t = tree_of(65900);
        nodes = att_tree_nodes(t);
        store.reads_left = reads;
        ck_assert_int_eq(att_merkle_root(root, &nodes, 65900), ATT_E_IO);
        store.reads_left = -1;
        is_reference(t, &reference);
        store.reads_left = 0;
        while (att_tree_size(t) < 66000 &&
               att_tree_add(t, reference.leaf[att_tree_size(t)]) == ATT_OK)
            ;
        store.reads_left = -1;
        att_tree_revert(t);
        is_reference(t, &reference);
        att_tree_free(t);
    }
    treetest_close(&reference);
}
END_TEST

START_TEST(att_tree_nodes__has_full_nodes_only)
{
    struct treetest reference;
    struct att_tree *t = tree_of(0);
    struct att_merkle_nodes nodes = att_tree_nodes(t);
    uint8_t node[ATT_MERKLE_LEN];

    treetest_open(&reference, 300);
    grow(t, &reference, 300);
    ck_assert_int_eq(nodes.node(nodes.ctx, 0, 299, node), ATT_OK);
    ck_assert_int_eq(nodes.node(nodes.ctx, 0, 300, node), ATT_E_LIMIT);
    ck_assert_int_eq(nodes.node(nodes.ctx, 2, 74, node), ATT_OK);
    ck_assert_int_eq(nodes.node(nodes.ctx, 3, 37, node), ATT_E_LIMIT);
    ck_assert_int_eq(nodes.node(nodes.ctx, 8, 0, node), ATT_OK);
    ck_assert_int_eq(nodes.node(nodes.ctx, 8, 1, node), ATT_E_LIMIT);
    ck_assert_int_eq(nodes.node(nodes.ctx, 9, 0, node), ATT_E_LIMIT);
    att_tree_free(t);
    treetest_close(&reference);
}
END_TEST

START_TEST(att_tree_open__has_a_limit)
{
    struct att_tile_port port = tilestore_port(&store);
    struct att_tree *t = NULL;

    ck_assert_int_eq(att_tree_open(&t, &port, ATT_MERKLE_SIZE_MAX + 1), ATT_E_LIMIT);
    ck_assert_ptr_null(t);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_tree__is_the_reference_when_opened_again, (int)ATT_COUNT(SIZES)},
        {att_tree_revert__takes_back_what_was_not_settled, 0},
        {att_tree_add__takes_a_batch_and_not_one_more, 0},
        {att_tree__survives_reads_that_fail, 0},
        {att_tree_nodes__has_full_nodes_only, 0},
        {att_tree_open__has_a_limit, 0},
    };
    const struct suite_fixture fixture = {set_up, tear_down};

    return SUITE_RUN_ROWS("tree", rows, &fixture);
}
