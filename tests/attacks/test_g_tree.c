/* Group G, the proofs: of an entry in the log, and of a log that only grew. */
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "crypto/merkle.h"
#include "need.h"
#include "tilestore.h"
#include "treetest.h"

static const uint64_t SIZES[] = {1, 2, 3, 255, 256, 257, 65535, 65536, 65537};

/* A proof that holds, to be changed; index is the middle of the tree. */
struct proof {
    struct treetest t;
    uint64_t index, size;
    uint8_t root[ATT_MERKLE_LEN];
    struct att_merkle_path path;
};

static void proof_open(struct proof *p, uint64_t size)
{
    memset(p, 0, sizeof(*p));
    treetest_open(&p->t, size);
    p->size = size;
    p->index = size / 2;
    treetest_root(p->root, &p->t, size);
    treetest_inclusion(&p->path, &p->t, p->index, size);
}

static void refused(const struct proof *p, const struct att_merkle_path *path, uint64_t index,
                    uint64_t size)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(
        att_merkle_verify_inclusion(p->root, index, size, p->t.leaf[p->index], path, &diag),
        ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TL_PROOF);
}

START_TEST(G_01__holds_unchanged)
{
    struct proof p;

    proof_open(&p, SIZES[_i]);
    ck_assert_int_eq(
        att_merkle_verify_inclusion(p.root, p.index, p.size, p.t.leaf[p.index], &p.path, NULL),
        ATT_OK);
    treetest_close(&p.t);
}
END_TEST

START_TEST(G_01__index_outside_of_the_tree)
{
    struct proof p;

    proof_open(&p, SIZES[_i]);
    refused(&p, &p.path, p.size, p.size);
    refused(&p, &p.path, UINT64_MAX, p.size);
    refused(&p, &p.path, p.index, 0);
    refused(&p, &p.path, p.index, ATT_MERKLE_SIZE_MAX + 1);
    treetest_close(&p.t);
}
END_TEST

/* With as many nodes as a neighbour's proof has, only the hashes tell. */
START_TEST(G_01__another_index_or_a_changed_bit)
{
    struct att_merkle_path path;
    struct proof p;

    proof_open(&p, SIZES[_i]);
    if (p.index > 0)
        refused(&p, &p.path, p.index - 1, p.size);
    if (p.index + 1 < p.size)
        refused(&p, &p.path, p.index + 1, p.size);
    for (size_t i = 0; i < p.path.count; i++) {
        for (unsigned int bit = 0; bit < 8 * ATT_MERKLE_LEN; bit += 37) {
            path = p.path;
            path.hash[i][bit / 8] ^= (uint8_t)(1U << bit % 8);
            refused(&p, &path, p.index, p.size);
        }
    }
    p.root[31] ^= 1;
    refused(&p, &p.path, p.index, p.size);
    treetest_close(&p.t);
}
END_TEST

/* What the root would be with a node too many must not pass as the root either. */
START_TEST(G_01__node_too_many_or_too_few)
{
    struct att_merkle_path path;
    struct proof p;

    proof_open(&p, SIZES[_i]);
    path = p.path;
    path.count++;
    refused(&p, &path, p.index, p.size);
    if (p.path.count > 0) {
        path.count = p.path.count - 1;
        refused(&p, &path, p.index, p.size);
        path.count = 0;
        refused(&p, &path, p.index, p.size);
    }
    treetest_close(&p.t);
}
END_TEST

struct growth {
    struct treetest t;
    struct att_merkle_head old, now;
    struct att_merkle_path path;
};

static void growth_open(struct growth *g, uint64_t old, uint64_t now)
{
    memset(g, 0, sizeof(*g));
    treetest_open(&g->t, now);
    g->old.size = old;
    g->now.size = now;
    treetest_root(g->old.root, &g->t, old);
    treetest_root(g->now.root, &g->t, now);
    if (old > 0)
        treetest_consistency(&g->path, &g->t, old, now);
}

static void inconsistent(const struct growth *g)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(att_merkle_verify_consistency(&g->old, &g->now, &g->path, &diag),
                     ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_TL_CONSIST);
}

static const uint64_t GROWN[][2] = {{1, 2},     {2, 3},     {3, 8},     {6, 8},       {255, 256},
                                    {256, 257}, {200, 600}, {512, 600}, {4095, 65537}};

START_TEST(G_02__root_of_another_history)
{
    struct growth g, other;

    growth_open(&g, GROWN[_i][0], GROWN[_i][1]);
    ck_assert_int_eq(att_merkle_verify_consistency(&g.old, &g.now, &g.path, NULL), ATT_OK);
    other = g;
    other.old.root[0] ^= 1;
    inconsistent(&other);
    other = g;
    other.now.root[0] ^= 1;
    inconsistent(&other);
    treetest_close(&g.t);
}
END_TEST

START_TEST(G_02__nodes_changed_too_many_or_too_few)
{
    struct growth g, other;

    growth_open(&g, GROWN[_i][0], GROWN[_i][1]);
    for (size_t i = 0; i < g.path.count; i++) {
        other = g;
        other.path.hash[i][i % ATT_MERKLE_LEN] ^= 0x10;
        inconsistent(&other);
    }
    other = g;
    other.path.count++;
    inconsistent(&other);
    other.path.count = g.path.count - 1;
    inconsistent(&other);
    other.path.count = 0;
    inconsistent(&other);
    treetest_close(&g.t);
}
END_TEST

START_TEST(G_02__smaller_tree)
{
    struct growth g;
    struct att_merkle_head old;

    growth_open(&g, GROWN[_i][0], GROWN[_i][1]);
    old = g.old;
    g.old = g.now;
    g.now = old;
    inconsistent(&g);
    treetest_close(&g.t);
}
END_TEST

START_TEST(G_02__same_size_with_another_root)
{
    struct growth g;

    growth_open(&g, 9, 9);
    ck_assert_int_eq(att_merkle_verify_consistency(&g.old, &g.now, &g.path, NULL), ATT_OK);
    g.now.root[5] ^= 1;
    inconsistent(&g);
    treetest_close(&g.t);
}
END_TEST

START_TEST(G_02__nodes_where_nothing_is_to_be_proven)
{
    struct growth g;

    growth_open(&g, _i == 0 ? 9 : 0, 9);
    g.path.count = 1;
    inconsistent(&g);
    treetest_close(&g.t);
}
END_TEST

/* A batch: to its size, with a proof of the first and the last entry and of the growth. */
static void grow_once(struct att_tree *t, struct tilestore *s, const struct treetest *reference,
                      struct att_merkle_edge *edge, uint64_t batch)
{
    struct att_merkle_nodes nodes = att_tree_nodes(t);
    struct att_merkle_head old = {.size = att_tree_size(t)};
    struct att_merkle_head now = {.size = old.size + batch};
    struct att_merkle_path path;
    uint8_t want[ATT_MERKLE_LEN];
    uint64_t at = old.size + (uint64_t)rand() % batch;

    NEED(att_merkle_edge_root(old.root, reference->hasher, edge) == ATT_OK);
    for (uint64_t i = old.size; i < now.size; i++) {
        ck_assert_int_eq(att_tree_add(t, reference->leaf[i]), ATT_OK);
        NEED(att_merkle_edge_add(edge, reference->hasher, reference->leaf[i]) == ATT_OK);
    }
    tilestore_commit(s, t);
    NEED(att_merkle_edge_root(want, reference->hasher, edge) == ATT_OK);
    ck_assert_int_eq(att_merkle_root(now.root, &nodes, now.size), ATT_OK);
    ck_assert_mem_eq(now.root, want, sizeof(want));
    ck_assert_int_eq(att_merkle_prove_inclusion(&path, &nodes, at, now.size), ATT_OK);
    ck_assert_int_eq(
        att_merkle_verify_inclusion(want, at, now.size, reference->leaf[at], &path, NULL), ATT_OK);
    at = (uint64_t)rand() % now.size;
    ck_assert_int_eq(att_merkle_prove_inclusion(&path, &nodes, at, now.size), ATT_OK);
    ck_assert_int_eq(
        att_merkle_verify_inclusion(want, at, now.size, reference->leaf[at], &path, NULL), ATT_OK);
    path.count = 0;
    if (old.size > 0)
        ck_assert_int_eq(att_merkle_prove_consistency(&path, &nodes, old.size, now.size), ATT_OK);
    ck_assert_int_eq(att_merkle_verify_consistency(&old, &now, &path, NULL), ATT_OK);
}

START_TEST(G_19__growth_in_random_batches_is_the_reference)
{
    struct att_merkle_edge edge = {0};
    struct treetest reference;
    struct tilestore s;
    struct att_tile_port port;
    struct att_tree *t = NULL;

    srand(20261128);
    treetest_open(&reference, 100000);
    tilestore_open(&s);
    port = tilestore_port(&s);
    NEED(att_tree_open(&t, &port, 0) == ATT_OK);
    while (att_tree_size(t) < reference.size) {
        uint64_t batch = 1 + (uint64_t)rand() % 300;

        if (batch > reference.size - att_tree_size(t))
            batch = reference.size - att_tree_size(t);
        grow_once(t, &s, &reference, &edge, batch);
    }
    att_tree_free(t);
    tilestore_close(&s);
    treetest_close(&reference);
}
END_TEST

int main(void)
{
    const int sizes = (int)ATT_COUNT(SIZES);
    const int grown = (int)ATT_COUNT(GROWN);
    const struct attack_row rows[] = {
        {"G-01", G_01__holds_unchanged, sizes, 0},
        {"G-01-index", G_01__index_outside_of_the_tree, sizes, 0},
        {"G-01-bit", G_01__another_index_or_a_changed_bit, sizes, 0},
        {"G-01-nodes", G_01__node_too_many_or_too_few, sizes, 0},
        {"G-02", G_02__root_of_another_history, grown, 0},
        {"G-02-nodes", G_02__nodes_changed_too_many_or_too_few, grown, 0},
        {"G-02-smaller", G_02__smaller_tree, grown, 0},
        {"G-02-same", G_02__same_size_with_another_root, 0, 0},
        {"G-02-nothing", G_02__nodes_where_nothing_is_to_be_proven, 2, 0},
        {"G-19", G_19__growth_in_random_batches_is_the_reference, 0, 60},
    };

    return attack_rows("attacks: proofs of the log", rows, ATT_COUNT(rows));
}
