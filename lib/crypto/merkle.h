/*
 * The Merkle tree of RFC 9162 section 2.1 with SHA-256: hashes in, hashes out, nothing kept.
 *
 * A node is named by (level, index): the hash over the 2^level entries from index * 2^level on, all of
 * which exist. Everything else, such as the root of a tree whose size is no power of two, is made from
 * such nodes, so that whoever stores a tree stores full nodes only and never changes one.
 */
#ifndef ATT_CRYPTO_MERKLE_H
#define ATT_CRYPTO_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"

#define ATT_MERKLE_LEN      32
#define ATT_MERKLE_SIZE_MAX ((uint64_t)INT64_MAX) /* entries in a tree: below 2^63 */
#define ATT_MERKLE_PATH_MAX                                                                        \
    64 /* nodes in a proof: one for each level, and one more for consistency */

struct att_merkle_path {
    size_t count;
    uint8_t hash[ATT_MERKLE_PATH_MAX]
                [ATT_MERKLE_LEN]; /* as RFC 9162 orders them: from the leaf up */
};

/* SHA-256(0x00 || entry), SHA-256(0x01 || left || right). CRYPTO. out may be one of the inputs. */
ATT_MUST_USE enum att_err att_merkle_leaf(uint8_t out[ATT_MERKLE_LEN], struct att_hasher *h,
                                          struct att_slice entry);
ATT_MUST_USE enum att_err att_merkle_node(uint8_t out[ATT_MERKLE_LEN], struct att_hasher *h,
                                          const uint8_t left[ATT_MERKLE_LEN],
                                          const uint8_t right[ATT_MERKLE_LEN]);

/* Where full nodes come from. */
struct att_merkle_nodes {
    enum att_err (*node)(void *ctx, unsigned int level, uint64_t index,
                         uint8_t out[ATT_MERKLE_LEN]);
    void *ctx;
    struct att_hasher *hasher; /* borrowed */
};

/* The root over the first size entries; of none it is SHA-256 of nothing. What node says; LIMIT CRYPTO. */
ATT_MUST_USE enum att_err att_merkle_root(uint8_t out[ATT_MERKLE_LEN],
                                          const struct att_merkle_nodes *nodes, uint64_t size);
/* RFC 9162 2.1.3.1: entry index is in the tree of size entries. LIMIT unless index < size. */
ATT_MUST_USE enum att_err att_merkle_prove_inclusion(struct att_merkle_path *out,
                                                     const struct att_merkle_nodes *nodes,
                                                     uint64_t index, uint64_t size);
/* RFC 9162 2.1.4.1: the tree of size begins with the tree of old. LIMIT unless 0 < old <= size. */
ATT_MUST_USE enum att_err att_merkle_prove_consistency(struct att_merkle_path *out,
                                                       const struct att_merkle_nodes *nodes,
                                                       uint64_t old, uint64_t size);

/*
 * att_merkle_path_root - the root that a leaf and its path lead to (RFC 9162 2.1.3.2 without the last
 * comparison): what a receipt's signature is then checked over.
 *
 * Errors  MISMATCH (TL_PROOF): index is not below size, or the path has not as many nodes as it must; CRYPTO
 */
ATT_MUST_USE enum att_err att_merkle_path_root(uint8_t out[ATT_MERKLE_LEN], uint64_t index,
                                               uint64_t size, const uint8_t leaf[ATT_MERKLE_LEN],
                                               const struct att_merkle_path *path,
                                               struct att_diag *diag);
/* The whole of 2.1.3.2. MISMATCH (TL_PROOF) CRYPTO NOMEM. */
ATT_MUST_USE enum att_err att_merkle_verify_inclusion(const uint8_t root[ATT_MERKLE_LEN],
                                                      uint64_t index, uint64_t size,
                                                      const uint8_t leaf[ATT_MERKLE_LEN],
                                                      const struct att_merkle_path *path,
                                                      struct att_diag *diag);

struct att_merkle_head {
    uint64_t size;
    uint8_t root[ATT_MERKLE_LEN];
};
/*
 * att_merkle_verify_consistency - RFC 9162 2.1.4.2.
 *
 * Errors  MISMATCH (TL_CONSIST): the new tree is smaller, is of the same size with another root, does not begin
 *         with the old one, or the path proves neither. A tree without entries is the beginning of every tree, and
 *         says so with an empty path. CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_merkle_verify_consistency(const struct att_merkle_head *old,
                                                        const struct att_merkle_head *now,
                                                        const struct att_merkle_path *path,
                                                        struct att_diag *diag);

/*
 * A tree that only grows, as the roots of the full subtrees that its size is the sum of: what an auditor keeps
 * while reading a log of any length. All zeros is the tree without entries.
 */
struct att_merkle_edge {
    uint64_t size;
    uint8_t hash[ATT_MERKLE_PATH_MAX][ATT_MERKLE_LEN]; /* by level; meant where size has that bit */
};
ATT_MUST_USE enum att_err
att_merkle_edge_add(struct att_merkle_edge *e, struct att_hasher *h,
                    const uint8_t leaf[ATT_MERKLE_LEN]); /* LIMIT CRYPTO */
ATT_MUST_USE enum att_err att_merkle_edge_root(uint8_t out[ATT_MERKLE_LEN], struct att_hasher *h,
                                               const struct att_merkle_edge *e);

#endif
