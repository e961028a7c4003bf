/* Without recursion: sizes come from outside. */
#include "crypto/merkle.h"

#include <stdbool.h>
#include <string.h>

#include "base/guard.h"

static enum att_err hash_parts(uint8_t *out, struct att_hasher *h, uint8_t prefix,
                               const struct att_slice part[2])
{
    enum att_err err = att_hasher_start(h, ATT_HASH_SHA256);

    if (err == ATT_OK)
        err = att_hasher_add(h, &prefix, 1);
    for (size_t i = 0; err == ATT_OK && i < 2; i++)
        err = att_hasher_add(h, part[i].p, part[i].len);
    return err == ATT_OK ? att_hasher_finish(h, out) : err;
}

enum att_err att_merkle_leaf(uint8_t out[ATT_MERKLE_LEN], struct att_hasher *h,
                             struct att_slice entry)
{
    const struct att_slice part[2] = {entry, att_slice_of(NULL, 0)};

    return hash_parts(out, h, 0, part);
}

enum att_err att_merkle_node(uint8_t out[ATT_MERKLE_LEN], struct att_hasher *h,
                             const uint8_t left[ATT_MERKLE_LEN],
                             const uint8_t right[ATT_MERKLE_LEN])
{
    const struct att_slice part[2] = {att_slice_of(left, ATT_MERKLE_LEN),
                                      att_slice_of(right, ATT_MERKLE_LEN)};

    return hash_parts(out, h, 1, part);
}

static unsigned int high_bit(uint64_t n)
{
    return 63U - (unsigned int)__builtin_clzll(n);
}

static bool has_bit(uint64_t n, unsigned int bit)
{
    return (n >> bit & 1U) != 0;
}

/*
 * The root over entries [begin, end), where begin is a multiple of a power of two not below their number: the bits
 * of the number are its full subtrees, the largest on the left, joined from the right.
 */
static enum att_err range_root(uint8_t *out, const struct att_merkle_nodes *nodes, uint64_t begin,
                               uint64_t end)
{
    uint64_t left = end - begin;
    uint8_t right[ATT_MERKLE_LEN], node[ATT_MERKLE_LEN];
    unsigned int top = high_bit(left);
    bool any = false;
    enum att_err err;

    for (unsigned int level = 0; level <= top; level++) {
        if (!has_bit(left, level))
            continue;
        end -= (uint64_t)1 << level;
        err = nodes->node(nodes->ctx, level, end >> level, node);
        if (err == ATT_OK && any)
            err = att_merkle_node(node, nodes->hasher, node, right);
        if (err != ATT_OK)
            return err;
        memcpy(right, node, sizeof(right));
        any = true;
    }
    memcpy(out, right, sizeof(right));
    return ATT_OK;
}

enum att_err att_merkle_root(uint8_t out[ATT_MERKLE_LEN], const struct att_merkle_nodes *nodes,
                             uint64_t size)
{
    if (size > ATT_MERKLE_SIZE_MAX)
        return ATT_E_LIMIT;
    if (size == 0)
        return att_sha256(att_slice_of(NULL, 0), out);
    return range_root(out, nodes, 0, size);
}

/* A walk from the root down to a part of the tree: what stands beside the way is the proof. */
struct walk {
    const struct att_merkle_nodes *nodes;
    uint64_t begin, end;         /* of the subtree where it stands */
    struct att_merkle_path path; /* from the root down */
};

/* Into the half that entry at is in. The largest power of two below the number of entries is the left half. */
static enum att_err step(struct walk *w, uint64_t at)
{
    uint64_t middle = w->begin + ((uint64_t)1 << high_bit(w->end - w->begin - 1));
    uint8_t *beside = w->path.hash[w->path.count++];
    enum att_err err;

    if (at < middle) {
        err = range_root(beside, w->nodes, middle, w->end);
        w->end = middle;
        return err;
    }
    err = range_root(beside, w->nodes, w->begin, middle);
    w->begin = middle;
    return err;
}

static void turn_over(struct att_merkle_path *out, const struct att_merkle_path *in)
{
    out->count = in->count;
    for (size_t i = 0; i < in->count; i++)
        memcpy(out->hash[i], in->hash[in->count - 1 - i], ATT_MERKLE_LEN);
}

enum att_err att_merkle_prove_inclusion(struct att_merkle_path *out,
                                        const struct att_merkle_nodes *nodes, uint64_t index,
                                        uint64_t size)
{
    struct walk w = {.nodes = nodes, .end = size};

    if (size > ATT_MERKLE_SIZE_MAX || index >= size)
        return ATT_E_LIMIT;
    while (w.end - w.begin > 1) {
        enum att_err err = step(&w, index);

        if (err != ATT_OK)
            return err;
    }
    turn_over(out, &w.path);
    return ATT_OK;
}

enum att_err att_merkle_prove_consistency(struct att_merkle_path *out,
                                          const struct att_merkle_nodes *nodes, uint64_t old,
                                          uint64_t size)
{
    struct walk w = {.nodes = nodes, .end = size};
    enum att_err err = ATT_OK;

    if (size > ATT_MERKLE_SIZE_MAX || old == 0 || old > size)
        return ATT_E_LIMIT;
    /* Down to the largest subtree of the new tree that ends where the old tree does. */
    while (err == ATT_OK && w.end != old)
        err = step(&w, old - 1);
    /* Whoever has the old root knows that subtree when it is the whole of the old tree. */
    if (err == ATT_OK && w.begin != 0)
        err = range_root(w.path.hash[w.path.count++], nodes, w.begin, w.end);
    if (err != ATT_OK)
        return err;
    turn_over(out, &w.path);
    return ATT_OK;
}

/* The nodes of an inclusion proof: one for each level at which the way up is not the right edge alone. */
static size_t inclusion_nodes(uint64_t index, uint64_t size)
{
    uint64_t last = size - 1;
    size_t count = 0;

    for (; last > 0; index >>= 1, last >>= 1) {
        if (has_bit(index, 0) || index < last)
            count++;
    }
    return count;
}

static enum att_err bad_path(struct att_diag *diag, size_t want, size_t found)
{
    return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_PROOF, "path", "expected %zu nodes, found %zu",
                    want, found);
}

static enum att_err climb(uint8_t *hash, struct att_hasher *h, uint64_t index, uint64_t size,
                          const struct att_merkle_path *path)
{
    uint64_t last = size - 1;
    size_t used = 0;

    for (; last > 0; index >>= 1, last >>= 1) {
        enum att_err err;

        if (!has_bit(index, 0) && index == last)
            continue; /* the right edge: this subtree is its parent */
        err = has_bit(index, 0) ? att_merkle_node(hash, h, path->hash[used], hash)
                                : att_merkle_node(hash, h, hash, path->hash[used]);
        if (err != ATT_OK)
            return err;
        used++;
    }
    return ATT_OK;
}

enum att_err att_merkle_path_root(uint8_t out[ATT_MERKLE_LEN], uint64_t index, uint64_t size,
                                  const uint8_t leaf[ATT_MERKLE_LEN],
                                  const struct att_merkle_path *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    uint8_t hash[ATT_MERKLE_LEN];
    enum att_err err;

    if (ATT_GUARD(TL_INDEX, size > ATT_MERKLE_SIZE_MAX || index >= size))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_PROOF, "index",
                        "expected an index below the size %llu of the tree, found %llu",
                        (unsigned long long)size, (unsigned long long)index);
    if (ATT_GUARD(TL_PATH_NODES, path->count != inclusion_nodes(index, size)))
        return bad_path(diag, inclusion_nodes(index, size), path->count);
    err = att_hasher_new(&h);
    memcpy(hash, leaf, sizeof(hash));
    if (err == ATT_OK)
        err = climb(hash, h, index, size, path);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "path", "hashing failed");
    memcpy(out, hash, sizeof(hash));
    return ATT_OK;
}

enum att_err att_merkle_verify_inclusion(const uint8_t root[ATT_MERKLE_LEN], uint64_t index,
                                         uint64_t size, const uint8_t leaf[ATT_MERKLE_LEN],
                                         const struct att_merkle_path *path, struct att_diag *diag)
{
    uint8_t found[ATT_MERKLE_LEN];
    enum att_err err = att_merkle_path_root(found, index, size, leaf, path, diag);

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(TL_ROOT, memcmp(found, root, sizeof(found)) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_PROOF, "root",
                        "the path does not lead from the entry to the root of the tree");
    return ATT_OK;
}

static enum att_err inconsistent(struct att_diag *diag, const char *field, const char *what)
{
    return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CONSIST, field, "%s", what);
}

/* RFC 9162 2.1.4.2, steps 3 to 6: both roots are made from one path, old and now at once. */
static enum att_err both_roots(uint8_t *first, uint8_t *second, struct att_hasher *h,
                               const struct att_merkle_head *old, const struct att_merkle_head *now,
                               const struct att_merkle_path *path, size_t *used)
{
    uint64_t fn = old->size - 1;
    uint64_t sn = now->size - 1;
    size_t at = 0;
    enum att_err err = ATT_OK;

    for (; has_bit(fn, 0); fn >>= 1)
        sn >>= 1;
    /* A power of two: the old root is itself the node that the path begins from. */
    memcpy(first, fn == 0 ? old->root : path->hash[at++], ATT_MERKLE_LEN);
    memcpy(second, first, ATT_MERKLE_LEN);
    for (; err == ATT_OK && sn > 0 && at < path->count; at++) {
        const uint8_t *c = path->hash[at];

        if (has_bit(fn, 0) || fn == sn) {
            err = att_merkle_node(first, h, c, first);
            if (err == ATT_OK)
                err = att_merkle_node(second, h, c, second);
            for (; !has_bit(fn, 0) && fn != 0; fn >>= 1)
                sn >>= 1;
        } else {
            err = att_merkle_node(second, h, second, c);
        }
        fn >>= 1;
        sn >>= 1;
    }
    *used = sn == 0 ? at : SIZE_MAX;
    return err;
}

static enum att_err verify_growth(const struct att_merkle_head *old,
                                  const struct att_merkle_head *now,
                                  const struct att_merkle_path *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    uint8_t first[ATT_MERKLE_LEN], second[ATT_MERKLE_LEN];
    size_t used = 0;
    enum att_err err = att_hasher_new(&h);

    if (err == ATT_OK)
        err = both_roots(first, second, h, old, now, path, &used);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "path", "hashing failed");
    if (ATT_GUARD(TL_CONSIST_NODES, used != path->count))
        return inconsistent(diag, "path", "it has not as many nodes as the two sizes ask for");
    if (ATT_GUARD(TL_CONSIST_OLD, memcmp(first, old->root, sizeof(first)) != 0))
        return inconsistent(diag, "old.root", "the path does not lead to the old root");
    if (ATT_GUARD(TL_CONSIST_NEW, memcmp(second, now->root, sizeof(second)) != 0))
        return inconsistent(diag, "root",
                            "the new tree does not begin with the entries of the old one");
    return ATT_OK;
}

enum att_err att_merkle_verify_consistency(const struct att_merkle_head *old,
                                           const struct att_merkle_head *now,
                                           const struct att_merkle_path *path,
                                           struct att_diag *diag)
{
    if (now->size > ATT_MERKLE_SIZE_MAX || old->size > now->size)
        return inconsistent(diag, "size", "the new tree is smaller than the old one, or too large");
    if (ATT_GUARD(TL_CONSIST_EMPTY, path->count != 0 && (old->size == 0 || old->size == now->size)))
        return inconsistent(diag, "path", "expected no nodes: there is nothing to prove");
    if (old->size == now->size) {
        if (ATT_GUARD(TL_CONSIST_SAME, memcmp(old->root, now->root, ATT_MERKLE_LEN) != 0))
            return inconsistent(diag, "root", "two trees of the same size with different roots");
        return ATT_OK;
    }
    if (old->size == 0)
        return ATT_OK;
    if (path->count == 0)
        return inconsistent(diag, "path", "expected nodes, found none");
    return verify_growth(old, now, path, diag);
}

enum att_err att_merkle_edge_add(struct att_merkle_edge *e, struct att_hasher *h,
                                 const uint8_t leaf[ATT_MERKLE_LEN])
{
    uint8_t hash[ATT_MERKLE_LEN];
    unsigned int level = 0;

    if (e->size >= ATT_MERKLE_SIZE_MAX)
        return ATT_E_LIMIT;
    memcpy(hash, leaf, sizeof(hash));
    for (; has_bit(e->size, level); level++) {
        enum att_err err = att_merkle_node(hash, h, e->hash[level], hash);

        if (err != ATT_OK)
            return err;
    }
    memcpy(e->hash[level], hash, sizeof(hash));
    e->size++;
    return ATT_OK;
}

enum att_err att_merkle_edge_root(uint8_t out[ATT_MERKLE_LEN], struct att_hasher *h,
                                  const struct att_merkle_edge *e)
{
    uint8_t root[ATT_MERKLE_LEN];
    bool any = false;

    if (e->size == 0)
        return att_sha256(att_slice_of(NULL, 0), out);
    for (unsigned int level = 0; level < ATT_MERKLE_PATH_MAX; level++) {
        enum att_err err = ATT_OK;

        if (!has_bit(e->size, level))
            continue;
        if (any)
            err = att_merkle_node(root, h, e->hash[level], root);
        else
            memcpy(root, e->hash[level], sizeof(root));
        if (err != ATT_OK)
            return err;
        any = true;
    }
    memcpy(out, root, sizeof(root));
    return ATT_OK;
}
