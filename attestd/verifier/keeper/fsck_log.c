/* Nothing is repaired: an entry that differs is evidence. */
#include "fsck_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "appraise/label.h"
#include "appraise/x5chain.h"
#include "tlog/entry.h"
#include "tlog/tree.h"
#include "verifier/keeper/issuer.h"
#include "verifier/keeper/keys.h"
#include "verifier/keeper/loghead.h"
#include "verifier/keeper/sequencer.h"

struct fsck_log_run {
    const struct fsck_log_options *opt;
    struct att_hasher *hasher;
    struct att_buf *entry, *label;
    struct att_x5chain signer; /* of the entries from the last one with certificates on */
    struct att_merkle_edge edge;
};

static void run_clear(struct fsck_log_run *r)
{
    att_hasher_free(r->hasher);
    att_buf_free(r->entry);
    att_buf_free(r->label);
    att_x5chain_close(&r->signer);
}

static void ATT_PRINTF(2, 3) say(const struct fsck_log_run *r, const char *fmt, ...)
{
    char line[256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    r->opt->say(r->opt->ctx, line);
}

static bool same_optional(bool has, const uint8_t *a, bool wanted, const uint8_t *b, size_t len)
{
    return has == wanted && (!has || memcmp(a, b, len) == 0);
}

/* The hash that the entry holds, made again of the label or the words. */
static enum att_err digest_of(uint8_t out[32], struct fsck_log_run *r,
                              const struct store_outcome *o, const uint8_t salt[STORE_SALT_LEN])
{
    struct store_label row;
    enum att_err err;

    if (!store_kind_makes_label(o->kind))
        return att_entry_detail(out, salt, o->detail);
    err = store_label_get(&row, r->label, r->opt->st, o->cti);
    return err == ATT_OK ? att_entry_of_label(out, att_buf_slice(r->label), NULL) : err;
}

static void compare(struct fsck_log_run *r, const struct att_entry *e,
                    const struct store_outcome *o, const uint8_t salt[STORE_SALT_LEN])
{
    uint8_t digest[32];
    char subject[ATT_ENTRY_NAME_MAX] = "";
    bool keys = o->kind == STORE_KIND_LABEL_KEY || o->kind == STORE_KIND_LOG_KEY;

    if (o->has_subject)
        (void)att_label_subject(subject, sizeof(subject), o->subject);
    if (strcmp(e->kind, store_kind_name(o->kind)) != 0 || strcmp(e->reason, o->reason) != 0 ||
        e->iat != o->utc || strcmp(e->issuer, r->opt->cfg->verifier_id) != 0 ||
        (o->has_subject && strcmp(e->subject, subject) != 0) ||
        !same_optional(e->has_cti, e->cti, o->has_cti, o->cti, sizeof(e->cti)) ||
        !same_optional(e->has_evidence, e->evidence, o->has_evidence, o->evidence, 32) ||
        !same_optional(e->has_policy, e->policy, o->has_rules && !keys, o->policy, 32) ||
        !same_optional(e->has_refvals, e->refvals, o->has_rules && !keys, o->refvals, 32) ||
        !same_optional(e->has_key_before, e->key_before, keys, o->policy, 32) ||
        !same_optional(e->has_key_now, e->key_now, keys, o->refvals, 32))
        say(r, "log entry %lld: it says something else than its outcome", (long long)o->index);
    if (digest_of(digest, r, o, salt) != ATT_OK || memcmp(digest, e->digest, 32) != 0)
        say(r, "log entry %lld: the label or the text of its outcome is another",
            (long long)o->index);
}

/* The certificates of a label key stand in its first entry, and lead to the roots of labels. */
static enum att_err take_signer(struct fsck_log_run *r, const struct att_entry *e, int64_t index)
{
    struct att_diag diag = {0};
    enum att_err err;

    if (e->message.x5chain_count == 0)
        return ATT_OK;
    att_x5chain_close(&r->signer);
    memset(&r->signer, 0, sizeof(r->signer));
    err = att_x5chain_open(&r->signer, &e->message, &diag);
    if (err == ATT_OK)
        err = att_x5chain_verify(&r->signer, r->opt->anchors, e->iat, ATT_R_LBL_CHAIN,
                                 ATT_R_LBL_KEY, &diag);
    if (err == ATT_E_NOMEM || err == ATT_E_CRYPTO)
        return err;
    if (err != ATT_OK)
        say(r, "log entry %lld: its signer leads to no root in trust/", (long long)index);
    return ATT_OK;
}

static enum att_err judge(struct fsck_log_run *r, int64_t index, const uint8_t salt[STORE_SALT_LEN])
{
    struct store_outcome o;
    struct att_entry e;
    enum att_err err;

    if (att_entry_parse(&e, att_buf_slice(r->entry), NULL) != ATT_OK) {
        say(r, "log entry %lld: it is malformed", (long long)index);
        return ATT_OK;
    }
    err = take_signer(r, &e, index);
    if (err != ATT_OK)
        return err;
    if (r->signer.key == NULL || att_entry_verify(&e, r->signer.key, NULL) != ATT_OK)
        say(r, "log entry %lld: its signature does not verify", (long long)index);
    err = store_outcome_get(&o, r->opt->st, index);
    if (err == ATT_OK)
        compare(r, &e, &o, salt);
    return err == ATT_E_NOT_FOUND || err == ATT_E_FORMAT ? ATT_OK : err; /* told as an outcome */
}

static enum att_err check_entries(struct fsck_log_run *r, int64_t count)
{
    enum att_err err = ATT_OK;

    for (int64_t i = 0; err == ATT_OK && i < count; i++) {
        uint8_t salt[STORE_SALT_LEN], leaf[ATT_MERKLE_LEN];

        err = store_leaf_get(salt, r->entry, r->opt->st, i);
        if (err == ATT_E_NOT_FOUND || err == ATT_E_FORMAT) {
            say(r, "log entry %lld: it cannot be read", (long long)i);
            att_buf_clear(r->entry);
        } else if (err == ATT_OK) {
            err = judge(r, i, salt);
        }
        if (err == ATT_E_NOT_FOUND || err == ATT_E_FORMAT)
            err = ATT_OK;
        if (err == ATT_OK)
            err = att_merkle_leaf(leaf, r->hasher, att_buf_slice(r->entry));
        if (err == ATT_OK)
            err = att_merkle_edge_add(&r->edge, r->hasher, leaf);
    }
    return err;
}

static enum att_err read_tile(void *ctx, unsigned int level, uint64_t index, size_t width,
                              uint8_t *out)
{
    return store_tile_get(out, width * ATT_MERKLE_LEN, ctx, level, index);
}

static enum att_err check_tiles(struct fsck_log_run *r)
{
    struct att_tile_port port = {.read = read_tile, .ctx = r->opt->st};
    ATT_CLEANUP(att_tree_freep) struct att_tree *tree = NULL;
    struct att_merkle_nodes nodes;
    uint8_t root[ATT_MERKLE_LEN], tiles[ATT_MERKLE_LEN];
    enum att_err err = att_tree_open(&tree, &port, r->edge.size);

    if (err == ATT_OK)
        err = att_merkle_edge_root(root, r->hasher, &r->edge);
    if (err != ATT_OK)
        return err;
    nodes = att_tree_nodes(tree);
    if (att_merkle_root(tiles, &nodes, r->edge.size) != ATT_OK ||
        memcmp(root, tiles, sizeof(root)) != 0)
        say(r, "log: the tiles are not those of the entries");
    return ATT_OK;
}

static void compare_head(const struct fsck_log_run *r, const struct loghead *h, const char *where)
{
    uint8_t root[ATT_MERKLE_LEN];

    if (h->tree.size != r->edge.size)
        say(r, "log: %s knows of %llu entries, there are %llu", where,
            (unsigned long long)h->tree.size, (unsigned long long)r->edge.size);
    else if (att_merkle_edge_root(root, r->hasher, &r->edge) != ATT_OK ||
             memcmp(root, h->tree.root, sizeof(root)) != 0)
        say(r, "log: the entries are not those that were signed (%s)", where);
}

static enum att_err check_heads(struct fsck_log_run *r, struct att_diag *diag)
{
    ATT_CLEANUP(keys_known_clear) struct keys_known known = {0};
    struct loghead_keys keys = {.key = known.key};
    struct loghead_file *file = NULL;
    struct loghead stored, written;
    uint8_t bytes[LOGHEAD_MAX];
    size_t len = 0;
    bool any = false;
    enum att_err err = keys_known_load(&known, r->opt->cfg, r->opt->st, diag);

    if (err != ATT_OK)
        return err;
    keys.count = known.count;
    err = store_meta_get(r->opt->st, SEQUENCER_HEAD, bytes, sizeof(bytes), &len);
    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return err;
    if (err == ATT_OK && loghead_decode(&stored, att_slice_of(bytes, len), &keys, NULL) == ATT_OK)
        compare_head(r, &stored, "the database");
    else if (r->edge.size > 0)
        say(r, "log: the database has no tree that the log's key signed");
    err = loghead_open(&file, &written, &any, r->opt->cfg->log.head, false, &keys, diag);
    if (err == ATT_E_FORMAT) {
        say(r, "log: log.head holds nothing that the log's key signed");
        return ATT_OK;
    }
    if (err != ATT_OK)
        return err;
    /* Of a database that several hosts have in turn this one may know less: the next start says so. */
    if (any && !(store_shared(r->opt->st) && written.tree.size < r->edge.size))
        compare_head(r, &written, "log.head");
    else if (!any && r->edge.size > 0 && !store_shared(r->opt->st))
        say(r, "log: log.head is empty or not there");
    loghead_close(file);
    return ATT_OK;
}

enum att_err fsck_log(int64_t *entries, const struct fsck_log_options *options,
                      struct att_diag *diag)
{
    ATT_CLEANUP(run_clear) struct fsck_log_run r = {.opt = options};
    int64_t count = 0, outcomes = 0;
    enum att_err err = att_hasher_new(&r.hasher);

    if (err == ATT_OK)
        err = att_buf_new(&r.entry, STORE_LEAF_MAX);
    if (err == ATT_OK)
        err = att_buf_new(&r.label, STORE_BYTES_MAX);
    if (err == ATT_OK)
        err = store_leaf_count(&count, options->st);
    if (err == ATT_OK)
        err = store_outcome_count(&outcomes, options->st);
    if (err == ATT_OK && count > 0 && count != outcomes)
        say(&r, "log: %lld entries for %lld outcomes", (long long)count, (long long)outcomes);
    if (err == ATT_OK)
        err = check_entries(&r, count);
    if (err == ATT_OK && count > 0)
        err = check_tiles(&r);
    if (err == ATT_OK)
        err = check_heads(&r, diag);
    if (err != ATT_OK)
        return err;
    *entries = count;
    return ATT_OK;
}
