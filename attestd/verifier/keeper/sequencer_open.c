/* The start of a sequencer: what was signed last, and every entry, are held against each other before anything is signed. */
#include "sequencer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "common/log.h"
#include "tlog/receipt.h"

static enum att_err read_tile(void *ctx, unsigned int level, uint64_t index, size_t width,
                              uint8_t *out)
{
    return store_tile_get(out, width * ATT_MERKLE_LEN, ctx, level, index);
}

static void sequencer_freep(struct sequencer **s)
{
    sequencer_free(*s);
    *s = NULL;
}

static bool same_tree(const struct att_merkle_head *a, const struct att_merkle_head *b)
{
    return a->size == b->size && memcmp(a->root, b->root, sizeof(a->root)) == 0;
}

/* What was signed before another key took over was signed by another key. */
static struct loghead_keys known_keys(const struct sequencer *s)
{
    return (struct loghead_keys){.key = s->opt.issuer->log_known,
                                 .count = s->opt.issuer->log_known_count};
}

static enum att_err stored_head(struct loghead *out, bool *any, struct sequencer *s,
                                struct att_diag *diag)
{
    const struct loghead_keys keys = known_keys(s);
    uint8_t bytes[LOGHEAD_MAX];
    size_t len = 0;
    enum att_err err = store_meta_get(s->opt.st, SEQUENCER_HEAD, bytes, sizeof(bytes), &len);

    *any = err == ATT_OK;
    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err != ATT_OK)
        return sequencer_unreadable(diag, err, -1, "the signed tree cannot be read");
    if (loghead_decode(out, att_slice_of(bytes, len), &keys, NULL) != ATT_OK)
        return att_fail(diag, ATT_E_FORMAT, ATT_R_TL_FSCK, "log",
                        "the stored tree was not signed by the log's key (log.key)");
    return ATT_OK;
}

static enum att_err rolled_back(struct att_diag *diag, uint64_t stored, uint64_t signed_size)
{
    return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "log",
                    "the database has a log of %llu entries, log.head knows that %llu were signed, "
                    "or others",
                    (unsigned long long)stored, (unsigned long long)signed_size);
}

/*
 * Which of the two is ahead, and whether by the one step that an end in between explains. Of a database that
 * several hosts have in turn the others may have signed more (sequencer_begins_with).
 */
static enum att_err compare_heads(struct sequencer *s, const struct loghead *stored, bool any,
                                  const struct loghead *written, bool any_written,
                                  struct att_diag *diag)
{
    static const struct loghead none;
    const struct att_merkle_head *signed_tree = any_written ? &written->tree : &none.tree;

    if (!any && !any_written)
        return ATT_OK;
    if (any && same_tree(&stored->tree, signed_tree)) {
        s->last = *stored;
        return ATT_OK;
    }
    if (any && store_shared(s->opt.st) && stored->tree.size > signed_tree->size) {
        s->known = *signed_tree;
        s->others = true;
        s->last = *stored;
        return ATT_OK;
    }
    if (ATT_GUARD(TL_HEADS, !any || !same_tree(&stored->before, signed_tree)))
        return rolled_back(diag, any ? stored->tree.size : 0, signed_tree->size);
    log_line(LOG_LEVEL_WARNING, "log.resumed", "size=%llu", (unsigned long long)stored->tree.size);
    s->last = *stored;
    return loghead_write(s->file, stored, diag);
}

static enum att_err check_entry(struct att_merkle_edge *edge, struct sequencer *s, int64_t index,
                                struct att_diag *diag)
{
    struct att_merkle_nodes nodes = att_tree_nodes(s->tree);
    uint8_t salt[STORE_SALT_LEN], leaf[ATT_MERKLE_LEN], stored[ATT_MERKLE_LEN];
    enum att_err err = store_leaf_get(salt, s->bytes, s->opt.st, index);

    if (err != ATT_OK)
        return sequencer_unreadable(diag, err, index, "it cannot be read");
    err = att_merkle_leaf(leaf, s->hasher, att_buf_slice(s->bytes));
    if (err == ATT_OK)
        err = att_merkle_edge_add(edge, s->hasher, leaf);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "log", "hashing failed");
    err = nodes.node(nodes.ctx, 0, (uint64_t)index, stored);
    if (err != ATT_OK)
        return sequencer_unreadable(diag, err, index, "its hash cannot be read");
    if (ATT_GUARD(TL_ENTRY_HASH, memcmp(leaf, stored, sizeof(leaf)) != 0))
        return sequencer_unreadable(diag, ATT_E_MISMATCH, index, "it is not what was signed");
    return ATT_OK;
}

/* Every entry against the tiles, and both against what was signed. */
static enum att_err check_tree(struct sequencer *s, struct att_diag *diag)
{
    struct att_merkle_nodes nodes = att_tree_nodes(s->tree);
    struct att_merkle_edge edge = {0};
    uint8_t root[ATT_MERKLE_LEN], tiles[ATT_MERKLE_LEN];
    int64_t leaves = 0;
    enum att_err err = store_leaf_count(&leaves, s->opt.st);

    if (err != ATT_OK || ATT_GUARD(TL_LEAF_COUNT, (uint64_t)leaves != s->last.tree.size))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_FSCK, "log",
                        "a tree of %llu entries was signed, the database has %lld",
                        (unsigned long long)s->last.tree.size, (long long)leaves);
    for (int64_t i = 0; err == ATT_OK && i < leaves; i++)
        err = check_entry(&edge, s, i, diag);
    if (err != ATT_OK)
        return err;
    if (att_merkle_edge_root(root, s->hasher, &edge) != ATT_OK ||
        att_merkle_root(tiles, &nodes, s->last.tree.size) != ATT_OK)
        return sequencer_unreadable(diag, ATT_E_FORMAT, leaves, "the tree cannot be read");
    if (leaves > 0 && ATT_GUARD(TL_TREE_ROOT, memcmp(root, s->last.tree.root, sizeof(root)) != 0 ||
                                                  memcmp(tiles, root, sizeof(root)) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_FSCK, "log",
                        "the entries are not those of the tree that was signed");
    return ATT_OK;
}

enum att_err sequencer_begins_with(const struct att_merkle_nodes *nodes,
                                   const struct att_merkle_head *known, uint64_t size,
                                   struct att_diag *diag)
{
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err;

    if (known->size == 0)
        return ATT_OK;
    err = att_merkle_root(root, nodes, known->size);
    if (err != ATT_OK)
        return sequencer_unreadable(diag, err, (int64_t)known->size, "the tree cannot be read");
    if (ATT_GUARD(TL_BEGINNING, memcmp(root, known->root, sizeof(root)) != 0))
        return rolled_back(diag, size, known->size);
    return ATT_OK;
}

/* Only once all entries were held against what was signed. */
static enum att_err go_on_from_others(struct sequencer *s, struct att_diag *diag)
{
    struct att_merkle_nodes nodes = att_tree_nodes(s->tree);
    enum att_err err = sequencer_begins_with(&nodes, &s->known, s->last.tree.size, diag);

    if (err != ATT_OK)
        return err;
    log_line(LOG_LEVEL_WARNING, "log.resumed", "size=%llu known=%llu",
             (unsigned long long)s->last.tree.size, (unsigned long long)s->known.size);
    return loghead_write(s->file, &s->last, diag);
}

static enum att_err take_in_some(struct sequencer *s, struct att_diag *diag)
{
    enum att_err err = store_begin(s->opt.st, diag);

    if (err == ATT_OK)
        err = sequencer_seal(s, diag);
    if (err == ATT_OK)
        err = store_commit(s->opt.st, diag);
    if (err == ATT_OK)
        return sequencer_settle(s, diag);
    store_rollback(s->opt.st);
    sequencer_revert(s);
    return err;
}

/* Outcomes of before there was a log, or of attestd init. */
static enum att_err take_in(struct sequencer *s, struct att_diag *diag)
{
    int64_t count = 0;
    enum att_err err = store_outcome_count(&count, s->opt.st);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "outcome", "they cannot be counted");
    s->starting = true;
    while (err == ATT_OK && s->last.tree.size < (uint64_t)count)
        err = take_in_some(s, diag);
    s->starting = false;
    return err;
}

/* Every entry of the tree that was signed last is of then, or of before. */
static enum att_err read_time(struct sequencer *s, struct att_diag *diag)
{
    enum att_err err;

    if (s->last.signed_len == 0)
        return ATT_OK;
    err =
        att_receipt_signed_at(&s->utc, att_slice_of(s->last.signed_root, s->last.signed_len), diag);
    s->settled_utc = s->utc;
    return err;
}

static enum att_err open_all(struct sequencer *s, struct att_diag *diag)
{
    struct att_tile_port port = {.read = read_tile, .ctx = s->opt.st};
    const struct loghead_keys keys = known_keys(s);
    struct loghead stored = {0}, written = {0};
    bool any = false, any_written = false;
    enum att_err err = att_buf_new(&s->bytes, STORE_BYTES_MAX);

    if (err == ATT_OK)
        err = att_hasher_new(&s->hasher);
    if (err != ATT_OK)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "log", "memory ran out");
    err = loghead_open(&s->file, &written, &any_written, s->opt.cfg->log.head, true, &keys, diag);
    if (err == ATT_OK)
        err = stored_head(&stored, &any, s, diag);
    if (err == ATT_OK)
        err = compare_heads(s, &stored, any, &written, any_written, diag);
    if (err == ATT_OK)
        err = read_time(s, diag);
    if (err != ATT_OK)
        return err;
    err = att_tree_open(&s->tree, &port, s->last.tree.size);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "log", "the tree cannot be opened");
    err = check_tree(s, diag);
    if (err == ATT_OK && s->others)
        err = go_on_from_others(s, diag);
    return err == ATT_OK ? take_in(s, diag) : err;
}

enum att_err sequencer_open(struct sequencer **out, const struct sequencer_options *options,
                            struct att_diag *diag)
{
    ATT_CLEANUP(sequencer_freep) struct sequencer *s = calloc(1, sizeof(*s));
    enum att_err err;

    if (s == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "log", "memory ran out");
    s->opt = *options;
    err = open_all(s, diag);
    if (err != ATT_OK)
        return err;
    *out = s;
    s = NULL;
    return ATT_OK;
}
