#include "log_auditing.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "log_tree.h"

#define SAVE_EVERY_MS 60000

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

void log_auditing_clear(struct log_auditing *a)
{
    att_audit_free(a->audit);
    log_view_close(&a->view);
    trust_clear(&a->trust);
    att_hasher_free(a->hasher);
}

/* --- where it begins --- */

/* With --key alone there may be no trust folder: then nobody vouches for label keys, and the audit says so. */
static enum att_err load_anchors(struct log_auditing *a, struct att_diag *diag)
{
    struct stat st;

    if (a->options.key != NULL && stat(a->cli->trust, &st) != 0) {
        return att_anchors_new(&a->trust.anchors);
    }
    return trust_load(&a->trust, a->cli->trust, diag);
}

/* The log must begin with what was audited: the tiles of that size must lead to the root that was kept. */
static enum att_err compare_state(struct log_auditing *a, const uint8_t kept[ATT_MERKLE_LEN],
                                  struct att_diag *diag)
{
    uint64_t size = att_audit_report(a->audit)->size;
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = ATT_OK;

    if (ATT_GUARD(AUDIT_SHORTER, size > a->view.tree->size)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "size",
                        "expected at least %llu entries, which were audited, found %llu",
                        (unsigned long long)size, (unsigned long long)a->view.tree->size);
    }
    err = log_tree_edge(&a->tiler, a->view.source, size, a->view.tree->size, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (att_tiler_root(root, &a->tiler, a->hasher) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tile", "hashing failed");
    }
    if (ATT_GUARD(AUDIT_STATE,
                  size % ATT_TILE_WIDTH != 0 || memcmp(root, kept, sizeof(root)) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CONSIST, "state",
                        "the first %llu entries are not those that were audited: the log was "
                        "rewritten, or the state is not of it",
                        (unsigned long long)size);
    }
    a->resumed = size;
    return ATT_OK;
}

static bool leave_out_revoked(struct log_auditing *a)
{
    return att_audit_revoke(a->audit, a->view.origin, a->trust.rules.revoked,
                            a->trust.rules.revoked_count);
}

static enum att_err begin_new(struct log_auditing *a, struct att_diag *diag)
{
    enum att_err err = att_audit_new(&a->audit, a->trust.anchors, diag);

    if (err == ATT_OK) {
        (void)leave_out_revoked(a); /* nobody has signed yet */
    }
    return err;
}

/* What a revoked key signed so far may have been judged when nobody knew: from the beginning, then. */
static enum att_err begin_again(struct log_auditing *a, struct att_diag *diag)
{
    att_audit_freep(&a->audit);
    a->tiler = (struct att_tiler){0};
    a->resumed = 0;
    return begin_new(a, diag);
}

static enum att_err begin(struct log_auditing *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *state = NULL;
    uint8_t root[ATT_MERKLE_LEN];
    struct att_diag none = {0};
    enum att_err err = att_hasher_new(&a->hasher);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory");
    }
    if (a->state_path == NULL) {
        return begin_new(a, diag);
    }
    err = att_file_read_careful(&state, a->state_path, ATT_AUDIT_STATE_MAX, ATT_FILE_OWNED, &none);
    if (err == ATT_E_NOT_FOUND) {
        return begin_new(a, diag);
    }
    if (err != ATT_OK) {
        *diag = none;
        return err;
    }
    err = att_audit_resume(&a->audit, root, att_buf_slice(state), a->view.origin, a->trust.anchors,
                           diag);
    if (err == ATT_OK) {
        err = compare_state(a, root, diag);
    }
    return err == ATT_OK && leave_out_revoked(a) ? begin_again(a, diag) : err;
}

/* --- the state --- */

static enum att_err save(struct log_auditing *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *state = NULL;
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = ATT_OK;

    if (a->state_path == NULL) {
        return ATT_OK;
    }
    err = att_tiler_root(root, &a->tiler, a->hasher);
    if (err == ATT_OK) {
        err = att_audit_save(&state, a->audit, a->view.origin, root);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "--state", "the state cannot be made: %s",
                        att_err_name(err));
    }
    a->saved_ms = att_clock_mono_ms();
    return att_file_write(a->state_path, att_buf_slice(state), 0600, diag);
}

/* --- the entries --- */

/* The first hash of a published tile that is not the one that the entries lead to. */
static void compare_hashes(struct log_auditing *a, const struct att_tile *t, const uint8_t *ours,
                           const uint8_t *theirs)
{
    struct att_diag why = {0};

    for (uint32_t i = 0; i < t->width; i++) {
        uint64_t index = (t->index * ATT_TILE_WIDTH + i) << (8 * t->level);
        char want[17], found[17];

        if (!ATT_GUARD(AUDIT_TILE, memcmp(&ours[i * ATT_MERKLE_LEN], &theirs[i * ATT_MERKLE_LEN],
                                          ATT_MERKLE_LEN) != 0)) {
            continue;
        }
        (void)att_hex_encode(want, sizeof(want), att_slice_of(&theirs[i * ATT_MERKLE_LEN], 8));
        (void)att_hex_encode(found, sizeof(found), att_slice_of(&ours[i * ATT_MERKLE_LEN], 8));
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_TL_TREE, "tile",
                       "expected the hash of tile level %u to be %s..., found %s...",
                       (unsigned int)t->level, want, found);
        att_audit_find(a->audit, index, &why);
        return;
    }
}

static enum att_err compare_tile(void *ctx, const struct att_tile *tile, struct att_slice hashes,
                                 struct att_diag *diag)
{
    struct log_auditing *a = ctx;
    uint8_t theirs[ATT_TILE_WIDTH][ATT_MERKLE_LEN];
    struct att_diag why = {0};
    enum att_err err = log_source_hashes(theirs, a->view.source, tile, &why);

    if (err == ATT_OK) {
        compare_hashes(a, tile, hashes.p, theirs[0]);
        return ATT_OK;
    }
    if (err == ATT_E_NOMEM || err == ATT_E_NETWORK || err == ATT_E_BUSY) {
        *diag = why;
        return err;
    }
    att_audit_find(a->audit, (tile->index * ATT_TILE_WIDTH) << (8 * tile->level), &why);
    return ATT_OK;
}

static enum att_err take_entry(struct log_auditing *a, struct att_slice entry,
                               struct att_diag *diag)
{
    const struct att_tile_sink sink = {.take = compare_tile, .ctx = a};
    uint8_t leaf[ATT_MERKLE_LEN];
    enum att_err err = att_merkle_leaf(leaf, a->hasher, entry);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "entry", "hashing failed");
    }
    err = att_audit_entry(a->audit, entry, diag);
    return err == ATT_OK ? att_tiler_add(&a->tiler, a->hasher, leaf, &sink, diag) : err;
}

static enum att_err take_bundle(struct log_auditing *a, uint64_t index, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_slice entry[ATT_TILE_WIDTH];
    const struct att_tile tile = {
        .entries = true, .index = index, .width = att_tile_width(0, index, a->view.tree->size)};
    struct att_diag why = {0};
    enum att_err err = log_source_entries(entry, &file, a->view.source, &tile, &why);

    if (err != ATT_OK) {
        return att_fail(diag, err, why.reason, why.field, "entries %llu to %llu: %s",
                        (unsigned long long)(index * ATT_TILE_WIDTH),
                        (unsigned long long)(index * ATT_TILE_WIDTH + tile.width - 1), why.text);
    }
    for (uint32_t i = 0; err == ATT_OK && i < tile.width; i++) {
        err = take_entry(a, entry[i], diag);
    }
    return err;
}

/* The rest of the tree, and whether it is the one that was signed. */
static enum att_err finish_tree(struct log_auditing *a, struct att_diag *diag)
{
    const struct att_tile_sink sink = {.take = compare_tile, .ctx = a};
    uint8_t root[ATT_MERKLE_LEN];
    struct att_diag why = {0};
    enum att_err err = att_tiler_rest(&a->tiler, &sink, diag);

    if (err == ATT_OK && att_tiler_root(root, &a->tiler, a->hasher) != ATT_OK) {
        err = att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "root", "hashing failed");
    }
    if (err == ATT_OK &&
        ATT_GUARD(AUDIT_ROOT, memcmp(root, a->view.tree->root, sizeof(root)) != 0)) {
        char want[17], found[17];

        (void)att_hex_encode(want, sizeof(want), att_slice_of(a->view.tree->root, 8));
        (void)att_hex_encode(found, sizeof(found), att_slice_of(root, 8));
        (void)att_fail(&why, ATT_E_MISMATCH, ATT_R_TL_TREE, "root",
                       "expected the root of the checkpoint, %s..., found %s...", want, found);
        att_audit_find(a->audit, a->view.tree->size, &why);
    }
    return err;
}

/* Whose signature the checkpoint counts by, and does the log itself say that this key is in force? */
static enum att_err check_log_key(struct log_auditing *a, struct att_diag *diag)
{
    uint8_t print[32];

    if (att_vkey_fingerprint(print, a->view.key) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "key", "hashing failed");
    }
    att_audit_log_key(a->audit, print);
    return ATT_OK;
}

/* Up to the last full bundle there is a state that the next audit can go on from. */
static enum att_err audit_all(struct log_auditing *a, struct att_diag *diag)
{
    uint64_t full = a->view.tree->size / ATT_TILE_WIDTH;
    uint64_t i = a->resumed / ATT_TILE_WIDTH;
    enum att_err err = ATT_OK;

    a->saved_ms = att_clock_mono_ms();
    for (; err == ATT_OK && i < full && interrupted == 0; i++) {
        progress_tell(&a->progress, i * ATT_TILE_WIDTH, a->view.tree->size);
        err = take_bundle(a, i, diag);
        if (err == ATT_OK && att_clock_mono_ms() - a->saved_ms > SAVE_EVERY_MS) {
            err = save(a, diag);
        }
    }
    progress_end(&a->progress);
    if (err == ATT_OK) {
        err = save(a, diag);
    }
    if (err != ATT_OK || interrupted != 0) {
        return err;
    }
    if (a->view.tree->size % ATT_TILE_WIDTH != 0) {
        err = take_bundle(a, full, diag);
    }
    if (err == ATT_OK) {
        err = finish_tree(a, diag);
    }
    return err == ATT_OK ? check_log_key(a, diag) : err;
}

enum att_err log_auditing_run(struct log_auditing *a, struct att_diag *diag)
{
    const struct sigaction stop = {.sa_handler = interrupt,
                                   .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    enum att_err err = ATT_OK;

    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    a->progress = progress_start(a->cli);
    err = load_anchors(a, diag);
    if (err == ATT_OK) {
        err = log_view_open(&a->view, a->cli, &a->options, diag);
    }
    if (err == ATT_OK) {
        err = begin(a, diag);
    }
    if (err == ATT_OK) {
        att_audit_watch(a->audit, &a->watch);
        err = audit_all(a, diag);
    }
    a->interrupted = interrupted != 0;
    return err;
}
