/*
 * log export: a published log as plain files, for any web server and for whoever wants to keep it.
 *
 * Only entries are taken from the source; hashes are computed here, and the checkpoint is written last, when they lead
 * to its root. So a folder whose checkpoint is there holds the tree that the log signed, whoever it was taken from.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/guard.h"
#include "commands.h"
#include "log_tree.h"
#include "log_view.h"
#include "progress.h"

struct exporting {
    struct report r;
    struct log_options options;
    const char *dir;
    struct log_view view;        /* of the source */
    struct log_source *local;    /* what is in dir already */
    struct att_checkpoint *held; /* its checkpoint, or NULL; borrows held_note */
    struct att_buf *held_note;
    struct att_hasher *hasher;
    struct att_tiler tiler;
    struct progress progress;
};

static void clear(struct exporting *e)
{
    att_checkpoint_free(e->held);
    att_buf_free(e->held_note);
    log_source_close(e->local);
    log_view_close(&e->view);
    att_hasher_free(e->hasher);
}

/* Folders above a file of dir, one after the other. */
static enum att_err make_folders(const char *dir, const char *path, struct att_diag *diag)
{
    char full[4096];
    size_t base = strlen(dir);
    int len = snprintf(full, sizeof(full), "%s/%s", dir, path);

    if (len < 0 || (size_t)len >= sizeof(full)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "arguments", "the path is too long");
    }
    for (char *p = full + base; p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        if (mkdir(full, 0755) != 0 && errno != EEXIST) {
            return att_fail(diag, ATT_E_IO, ATT_R_FILE, "arguments", "%s: %s", path,
                            strerror(errno));
        }
        *p = '/';
    }
    return ATT_OK;
}

static enum att_err write_file(const struct exporting *e, const char *path, struct att_slice in,
                               struct att_diag *diag)
{
    char full[4096];
    enum att_err err = make_folders(e->dir, path, diag);

    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(full, sizeof(full), "%s/%s", e->dir, path);
    return att_file_write(full, in, 0644, diag);
}

static enum att_err write_tile(void *ctx, const struct att_tile *tile, struct att_slice hashes,
                               struct att_diag *diag)
{
    char path[ATT_TILE_PATH_TEXT];

    return write_file(ctx, att_tile_path(path, sizeof(path), tile), hashes, diag);
}

/* What was exported before: the tree that the new one must begin with. */
static enum att_err load_held(struct exporting *e, struct att_diag *diag)
{
    const struct log_place place = {.where = e->dir};
    const struct att_vkey *key = NULL;
    struct att_diag none = {0};
    enum att_err err = make_folders(e->dir, "", diag);

    if (err == ATT_OK) {
        err = log_source_open(&e->local, &place, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = log_source_get(&e->held_note, e->local, "checkpoint", ATT_NOTE_MAX, &none);
    if (err == ATT_E_NOT_FOUND) {
        return ATT_OK;
    }
    if (err == ATT_OK) {
        err = log_view_verify(&e->held, &key, &e->view, att_buf_slice(e->held_note), &none);
    }
    return err == ATT_OK ? ATT_OK
                         : att_fail(diag, err, none.reason, "checkpoint",
                                    "the one in the folder: %s", none.text);
}

/* A mirror never goes back, and never to another tree. */
static enum att_err compare_held(struct exporting *e, struct att_diag *diag)
{
    const struct att_merkle_head *held = &att_checkpoint_head(e->held)->tree;
    enum att_err err = att_checkpoint_check_fork(e->held, e->view.checkpoint, diag);

    if (err == ATT_OK && ATT_GUARD(EXPORT_ROLLBACK, e->view.tree->size < held->size)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "size",
                        "expected at least %llu entries, which the folder has, found %llu",
                        (unsigned long long)held->size, (unsigned long long)e->view.tree->size);
    }
    return err;
}

/* The tiles at the right edge of what is there; their root must be the one that was signed. */
static enum att_err load_edge(struct exporting *e, struct att_diag *diag)
{
    const struct att_merkle_head *held = &att_checkpoint_head(e->held)->tree;
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = log_tree_edge(&e->tiler, e->local, held->size, held->size, diag);

    if (err == ATT_OK && att_tiler_root(root, &e->tiler, e->hasher) != ATT_OK) {
        err = att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tile", "hashing failed");
    }
    if (err == ATT_OK && memcmp(root, held->root, sizeof(root)) != 0) {
        err = att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_TREE, "tile",
                       "the tiles in the folder do not lead to the root of its checkpoint; export "
                       "into an empty folder");
    }
    return err;
}

static enum att_err add_entry(struct exporting *e, uint64_t index, struct att_slice entry,
                              struct att_diag *diag)
{
    const struct att_tile_sink sink = {.take = write_tile, .ctx = e};
    uint8_t leaf[ATT_MERKLE_LEN];

    if (att_merkle_leaf(leaf, e->hasher, entry) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "entry", "hashing failed");
    }
    if (index >= e->tiler.size) {
        return att_tiler_add(&e->tiler, e->hasher, leaf, &sink, diag);
    }
    if (ATT_GUARD(EXPORT_ENTRY,
                  memcmp(leaf, e->tiler.hash[0][index % ATT_TILE_WIDTH], sizeof(leaf)) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_CONSIST, "entry",
                        "entry %llu is another one than the folder has", (unsigned long long)index);
    }
    return ATT_OK;
}

static enum att_err take_bundle(struct exporting *e, uint64_t index, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    struct att_slice entry[ATT_TILE_WIDTH];
    char path[ATT_TILE_PATH_TEXT];
    const struct att_tile tile = {
        .entries = true, .index = index, .width = att_tile_width(0, index, e->view.tree->size)};
    enum att_err err = log_source_entries(entry, &file, e->view.source, &tile, diag);

    if (err == ATT_OK && att_buf_new(&bundle, ATT_BUNDLE_MAX) != ATT_OK) {
        err = att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "entry", "no memory");
    }
    for (uint32_t i = 0; err == ATT_OK && i < tile.width; i++) {
        err = add_entry(e, index * ATT_TILE_WIDTH + i, entry[i], diag);
        if (err == ATT_OK && att_bundle_add(bundle, entry[i]) != ATT_OK) {
            err = att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "entry", "no memory");
        }
    }
    return err == ATT_OK ? write_file(e, att_tile_path(path, sizeof(path), &tile),
                                      att_buf_slice(bundle), diag)
                         : err;
}

/* Everything but the checkpoint is there: does it lead to the root? */
static enum att_err finish_tree(struct exporting *e, struct att_diag *diag)
{
    const struct att_tile_sink sink = {.take = write_tile, .ctx = e};
    uint8_t root[ATT_MERKLE_LEN];
    enum att_err err = att_tiler_rest(&e->tiler, &sink, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (att_tiler_root(root, &e->tiler, e->hasher) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_INTERNAL, "tile", "hashing failed");
    }
    if (ATT_GUARD(EXPORT_ROOT, memcmp(root, e->view.tree->root, sizeof(root)) != 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_TREE, "root",
                        "the entries do not lead to the root of the checkpoint; the folder keeps "
                        "the checkpoint that it had");
    }
    return write_file(e, "checkpoint", att_buf_slice(e->view.note), diag);
}

static enum att_err export_log(struct exporting *e, struct att_diag *diag)
{
    uint64_t bundles = (e->view.tree->size + ATT_TILE_WIDTH - 1) / ATT_TILE_WIDTH;
    enum att_err err = att_hasher_new(&e->hasher);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory");
    }
    err = load_held(e, diag);
    if (err == ATT_OK && e->held != NULL) {
        err = compare_held(e, diag);
    }
    if (err == ATT_OK && e->held != NULL) {
        err = load_edge(e, diag);
    }
    for (uint64_t i = e->tiler.size / ATT_TILE_WIDTH; err == ATT_OK && i < bundles; i++) {
        progress_tell(&e->progress, i * ATT_TILE_WIDTH, e->view.tree->size);
        err = take_bundle(e, i, diag);
    }
    progress_end(&e->progress);
    return err == ATT_OK ? finish_tree(e, diag) : err;
}

int cmd_log_export(struct cli *cli, int argc, char **argv)
{
    struct exporting e = {.r = report_start(cli, "attestctl.log-export.v1"),
                          .options = {.place = {.socket = cli->socket}},
                          .progress = progress_start(cli)};
    const struct option_spec options[] = {
        {"from", &e.options.place.where, NULL, "URL|DIR",
         "where the log is published; without it, the administrator's socket",
         "公開元。省略時は管理用ソケットから読む"},
        LOG_OPTIONS(e.options),
        {"socket", &e.options.place.socket, NULL, "PATH", "the verifier's administrator socket",
         "検証サーバーの管理用ソケット"}};
    struct att_diag diag = {0};
    int code = options_parse(&e.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    e.dir = argv[1];
    err = log_view_open(&e.view, cli, &e.options, &diag);
    if (err == ATT_OK) {
        err = export_log(&e, &diag);
    }
    if (err == ATT_OK) {
        log_view_tell(&e.r, &e.view);
    }
    code = err == ATT_OK ? report_finish(&e.r) : report_failure(&e.r, err, &diag);
    clear(&e);
    return code;
}
