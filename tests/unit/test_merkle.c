/* The tree: known roots, and every proof of small trees against the definition. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "crypto/merkle.h"
#include "need.h"
#include "suite.h"
#include "treetest.h"

#define SMALL 70

/* The eight leaves that implementations of certificate transparency share. */
static const char *const LEAVES[] = {"",
                                     "00",
                                     "10",
                                     "2021",
                                     "3031",
                                     "40414243",
                                     "5051525354555657",
                                     "606162636465666768696a6b6c6d6e6f"};
static const char *const ROOTS[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

START_TEST(att_merkle_edge__leads_to_the_roots_that_everybody_knows)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_merkle_edge e = {0};
    uint8_t root[ATT_MERKLE_LEN], leaf[ATT_MERKLE_LEN];

    NEED(att_hasher_new(&h) == ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(ROOTS); i++) {
        ck_assert_int_eq(att_merkle_edge_root(root, h, &e), ATT_OK);
        bytes_expect_hex(att_slice_of(root, sizeof(root)), ROOTS[i]);
        if (i < ATT_COUNT(LEAVES)) {
            struct bytes in = bytes_unhex(LEAVES[i]);

            ck_assert_int_eq(att_merkle_leaf(leaf, h, bytes_slice(&in)), ATT_OK);
            ck_assert_int_eq(att_merkle_edge_add(&e, h, leaf), ATT_OK);
        }
    }
}
END_TEST

START_TEST(att_merkle_edge__is_the_definition_at_every_size)
{
    struct att_merkle_edge e = {0};
    uint8_t want[ATT_MERKLE_LEN], got[ATT_MERKLE_LEN];
    struct treetest t;

    treetest_open(&t, 300);
    for (uint64_t n = 0; n <= t.size; n++) {
        treetest_root(want, &t, n);
        ck_assert_int_eq(att_merkle_edge_root(got, t.hasher, &e), ATT_OK);
        ck_assert_mem_eq(got, want, sizeof(got));
        if (n < t.size)
            ck_assert_int_eq(att_merkle_edge_add(&e, t.hasher, t.leaf[n]), ATT_OK);
    }
    e.size = ATT_MERKLE_SIZE_MAX;
    ck_assert_int_eq(att_merkle_edge_add(&e, t.hasher, t.leaf[0]), ATT_E_LIMIT);
    treetest_close(&t);
}
END_TEST

static void same_path(const struct att_merkle_path *got, const struct att_merkle_path *want)
{
    ck_assert_uint_eq(got->count, want->count);
    ck_assert_mem_eq(got->hash, want->hash, got->count * ATT_MERKLE_LEN);
}

START_TEST(att_merkle_root__is_the_definition_and_asks_for_full_nodes_only)
{
    uint8_t want[ATT_MERKLE_LEN], got[ATT_MERKLE_LEN];
    struct treetest t;

    treetest_open(&t, 300);
    for (uint64_t n = 0; n <= t.size; n++) {
        struct treetest part = t;
        struct att_merkle_nodes nodes = treetest_nodes(&part);

        part.size = n;
        treetest_root(want, &t, n);
        ck_assert_int_eq(att_merkle_root(got, &nodes, n), ATT_OK);
        ck_assert_mem_eq(got, want, sizeof(got));
    }
    treetest_close(&t);
}
END_TEST

START_TEST(att_merkle_prove_inclusion__is_the_definition_and_verifies)
{
    struct att_merkle_path want, got;
    uint8_t root[ATT_MERKLE_LEN];
    struct treetest t;
    struct att_merkle_nodes nodes;

    treetest_open(&t, SMALL);
    nodes = treetest_nodes(&t);
    for (uint64_t n = 1; n <= t.size; n++) {
        t.size = n;
        treetest_root(root, &t, n);
        for (uint64_t i = 0; i < n; i++) {
            treetest_inclusion(&want, &t, i, n);
            ck_assert_int_eq(att_merkle_prove_inclusion(&got, &nodes, i, n), ATT_OK);
            same_path(&got, &want);
            ck_assert_int_eq(att_merkle_verify_inclusion(root, i, n, t.leaf[i], &got, NULL),
                             ATT_OK);
        }
        ck_assert_int_eq(att_merkle_prove_inclusion(&got, &nodes, n, n), ATT_E_LIMIT);
        t.size = SMALL;
    }
    treetest_close(&t);
}
END_TEST

START_TEST(att_merkle_prove_consistency__is_the_definition_and_verifies)
{
    struct att_merkle_path want, got;
    struct att_merkle_head old = {0}, now = {0};
    struct treetest t;
    struct att_merkle_nodes nodes;

    treetest_open(&t, SMALL);
    nodes = treetest_nodes(&t);
    for (now.size = 1; now.size <= SMALL; now.size++) {
        treetest_root(now.root, &t, now.size);
        for (old.size = 1; old.size <= now.size; old.size++) {
            treetest_root(old.root, &t, old.size);
            treetest_consistency(&want, &t, old.size, now.size);
            ck_assert_int_eq(att_merkle_prove_consistency(&got, &nodes, old.size, now.size),
                             ATT_OK);
            same_path(&got, &want);
            ck_assert_int_eq(att_merkle_verify_consistency(&old, &now, &got, NULL), ATT_OK);
        }
        ck_assert_int_eq(att_merkle_prove_consistency(&got, &nodes, now.size + 1, now.size),
                         ATT_E_LIMIT);
        ck_assert_int_eq(att_merkle_prove_consistency(&got, &nodes, 0, now.size), ATT_E_LIMIT);
    }
    treetest_close(&t);
}
END_TEST

START_TEST(att_merkle_verify_consistency__takes_the_empty_tree_as_every_beginning)
{
    struct att_merkle_head old = {0}, now = {.size = 5};
    struct att_merkle_path path = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(att_merkle_verify_consistency(&old, &now, &path, &diag), ATT_OK);
    path.count = 1;
    ck_assert_int_eq(att_merkle_verify_consistency(&old, &now, &path, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CONSIST);
}
END_TEST

static enum att_err broken(void *ctx, unsigned int level, uint64_t index,
                           uint8_t out[ATT_MERKLE_LEN])
{
    uint64_t *left = ctx;

    (void)level;
    (void)index;
    memset(out, 0, ATT_MERKLE_LEN);
    return (*left)-- == 0 ? ATT_E_IO : ATT_OK;
}

/* Whichever node cannot be read: nothing is made up. */
START_TEST(att_merkle__says_what_the_store_said)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    uint8_t root[ATT_MERKLE_LEN];
    struct att_merkle_path path;

    NEED(att_hasher_new(&h) == ATT_OK);
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t left = i;
        struct att_merkle_nodes nodes = {.node = broken, .ctx = &left, .hasher = h};

        ck_assert_int_eq(att_merkle_root(root, &nodes, 7), ATT_E_IO);
        left = i;
        ck_assert_int_eq(att_merkle_prove_inclusion(&path, &nodes, 3, 7), ATT_E_IO);
        left = i;
        ck_assert_int_eq(att_merkle_prove_consistency(&path, &nodes, 3, 7), ATT_E_IO);
    }
}
END_TEST

START_TEST(att_merkle__takes_sizes_up_to_its_limit)
{
    uint64_t never = UINT64_MAX;
    struct att_merkle_nodes nodes = {.node = broken, .ctx = &never};
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    uint8_t root[ATT_MERKLE_LEN], again[ATT_MERKLE_LEN], leaf[ATT_MERKLE_LEN] = {0};
    struct att_merkle_path path;

    NEED(att_hasher_new(&h) == ATT_OK);
    nodes.hasher = h;
    ck_assert_int_eq(att_merkle_root(root, &nodes, ATT_MERKLE_SIZE_MAX), ATT_OK);
    ck_assert_int_eq(
        att_merkle_prove_inclusion(&path, &nodes, ATT_MERKLE_SIZE_MAX - 1, ATT_MERKLE_SIZE_MAX),
        ATT_OK);
    ck_assert_int_eq(att_merkle_path_root(again, ATT_MERKLE_SIZE_MAX - 1, ATT_MERKLE_SIZE_MAX, leaf,
                                          &path, NULL),
                     ATT_OK);
    ck_assert_int_eq(att_merkle_root(root, &nodes, ATT_MERKLE_SIZE_MAX + 1), ATT_E_LIMIT);
    ck_assert_int_eq(att_merkle_prove_inclusion(&path, &nodes, 0, ATT_MERKLE_SIZE_MAX + 1),
                     ATT_E_LIMIT);
    ck_assert_int_eq(att_merkle_prove_consistency(&path, &nodes, 1, ATT_MERKLE_SIZE_MAX + 1),
                     ATT_E_LIMIT);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_merkle_edge__leads_to_the_roots_that_everybody_knows, 0},
        {att_merkle_edge__is_the_definition_at_every_size, 0},
        {att_merkle_root__is_the_definition_and_asks_for_full_nodes_only, 0},
        {att_merkle_prove_inclusion__is_the_definition_and_verifies, 0},
        {att_merkle_prove_consistency__is_the_definition_and_verifies, 0},
        {att_merkle_verify_consistency__takes_the_empty_tree_as_every_beginning, 0},
        {att_merkle__says_what_the_store_said, 0},
        {att_merkle__takes_sizes_up_to_its_limit, 0},
    };

    return SUITE_RUN_ROWS("merkle", rows, NULL);
}
