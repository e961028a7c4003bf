/* RFC 9162 2.1.1, 2.1.3.1 and 2.1.4.1, word for word. */
#include "treetest.h"

#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "need.h"

void treetest_open(struct treetest *t, uint64_t size)
{
    *t = (struct treetest){.size = size};
    NEED(att_hasher_new(&t->hasher) == ATT_OK);
    t->leaf = calloc(size + 1, sizeof(*t->leaf));
    NEED(t->leaf != NULL);
    for (uint64_t i = 0; i < size; i++) {
        uint8_t number[8];
        struct att_wr w = att_wr_into(number, sizeof(number));

        att_wr_u64be(&w, i);
        NEED(att_merkle_leaf(t->leaf[i], t->hasher, att_slice_of(number, sizeof(number))) ==
             ATT_OK);
    }
}

void treetest_close(struct treetest *t)
{
    att_hasher_free(t->hasher);
    free(t->leaf);
}

static uint64_t split(uint64_t n)
{
    uint64_t k = 1;

    while (2 * k < n)
        k *= 2;
    return k;
}

/* NOLINTNEXTLINE(misc-no-recursion): as the definition */
static void mth(uint8_t *out, const struct treetest *t, uint64_t begin, uint64_t n)
{
    uint8_t left[ATT_MERKLE_LEN], right[ATT_MERKLE_LEN];
    uint64_t k;

    if (n == 0) {
        NEED(att_sha256(att_slice_of(NULL, 0), out) == ATT_OK);
        return;
    }
    if (n == 1) {
        memcpy(out, t->leaf[begin], ATT_MERKLE_LEN);
        return;
    }
    k = split(n);
    mth(left, t, begin, k);
    mth(right, t, begin + k, n - k);
    NEED(att_merkle_node(out, t->hasher, left, right) == ATT_OK);
}

void treetest_root(uint8_t out[ATT_MERKLE_LEN], const struct treetest *t, uint64_t n)
{
    mth(out, t, 0, n);
}

/* NOLINTNEXTLINE(misc-no-recursion): as the definition */
static void path_of(struct att_merkle_path *out, const struct treetest *t, uint64_t m,
                    uint64_t begin, uint64_t n)
{
    uint64_t k;

    if (n == 1)
        return;
    k = split(n);
    if (m < k) {
        path_of(out, t, m, begin, k);
        mth(out->hash[out->count++], t, begin + k, n - k);
    } else {
        path_of(out, t, m - k, begin + k, n - k);
        mth(out->hash[out->count++], t, begin, k);
    }
}

void treetest_inclusion(struct att_merkle_path *out, const struct treetest *t, uint64_t index,
                        uint64_t n)
{
    memset(out, 0, sizeof(*out));
    path_of(out, t, index, 0, n);
}

struct part {
    uint64_t m, begin, n;
    int known;
};

/* NOLINTNEXTLINE(misc-no-recursion): as the definition */
static void subproof(struct att_merkle_path *out, const struct treetest *t, struct part p)
{
    uint64_t k;

    if (p.m == p.n) {
        if (!p.known)
            mth(out->hash[out->count++], t, p.begin, p.n);
        return;
    }
    k = split(p.n);
    if (p.m <= k) {
        subproof(out, t, (struct part){p.m, p.begin, k, p.known});
        mth(out->hash[out->count++], t, p.begin + k, p.n - k);
    } else {
        subproof(out, t, (struct part){p.m - k, p.begin + k, p.n - k, 0});
        mth(out->hash[out->count++], t, p.begin, k);
    }
}

void treetest_consistency(struct att_merkle_path *out, const struct treetest *t, uint64_t old,
                          uint64_t n)
{
    memset(out, 0, sizeof(*out));
    subproof(out, t, (struct part){old, 0, n, 1});
}

static enum att_err full_node(void *ctx, unsigned int level, uint64_t index,
                              uint8_t out[ATT_MERKLE_LEN])
{
    struct treetest *t = ctx;
    uint64_t width = (uint64_t)1 << level;

    NEED((index + 1) * width <= t->size); /* a node that is not full is never asked for */
    mth(out, t, index * width, width);
    return ATT_OK;
}

struct att_merkle_nodes treetest_nodes(struct treetest *t)
{
    return (struct att_merkle_nodes){.node = full_node, .ctx = t, .hasher = t->hasher};
}
