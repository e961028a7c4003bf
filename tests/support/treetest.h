/* A Merkle tree as its definition has it, recursive and slow: what the real one is compared with. */
#ifndef ATT_TEST_TREETEST_H
#define ATT_TEST_TREETEST_H

#include <stdint.h>

#include "crypto/merkle.h"

struct treetest {
    uint64_t size;
    uint8_t (*leaf)[ATT_MERKLE_LEN]; /* owned */
    struct att_hasher *hasher;
};

/* Leaves are the hashes of their own numbers, so two trees of one size are equal. */
void treetest_open(struct treetest *t, uint64_t size);
void treetest_close(struct treetest *t);
/* Of the first n leaves of t. */
void treetest_root(uint8_t out[ATT_MERKLE_LEN], const struct treetest *t, uint64_t n);
void treetest_inclusion(struct att_merkle_path *out, const struct treetest *t, uint64_t index,
                        uint64_t n);
void treetest_consistency(struct att_merkle_path *out, const struct treetest *t, uint64_t old,
                          uint64_t n);
/* The full nodes of t, for the functions that are tested; borrows t. */
struct att_merkle_nodes treetest_nodes(struct treetest *t);

#endif
