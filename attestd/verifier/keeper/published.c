/* What everybody may read of the log: its checkpoint, hashes and entries, of the tree that was settled last. */
#include <string.h>

#include "base/guard.h"
#include "common/frame.h"
#include "keeper_internal.h"
#include "tlog/tile.h"

#define PUBLISHED_MAX (FRAME_MAX - 4096) /* bytes of a bundle: it travels in one frame */

static enum att_err not_there(struct att_diag *diag)
{
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_HTTP_ROUTE, "log",
                    "the log has no such tile, or not yet");
}

static enum att_err unreadable(enum att_err err, struct att_diag *diag)
{
    return att_fail(diag, err, ATT_R_ST_CORRUPT, "log", "a tile cannot be read");
}

static enum att_err hashes(struct keeper *k, const struct att_tile *t, struct answer *a,
                           struct att_diag *diag)
{
    uint8_t bytes[ATT_TILE_MAX];
    size_t len = (size_t)t->width * ATT_MERKLE_LEN;
    enum att_err err = store_tile_get(bytes, len, k->st, t->level, t->index);

    if (err != ATT_OK)
        return unreadable(err, diag);
    return answer_with(a, 200, MSG_TYPE_TILE, att_slice_of(bytes, len), diag);
}

static enum att_err entries(struct keeper *k, const struct att_tile *t, struct answer *a,
                            struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bundle = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *entry = NULL;
    uint8_t salt[STORE_SALT_LEN]; /* of the words behind an entry: it stays here */
    enum att_err err = att_buf_new(&bundle, PUBLISHED_MAX);

    if (err == ATT_OK)
        err = att_buf_new(&entry, STORE_LEAF_MAX);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "log", "memory ran out");
    for (uint32_t i = 0; err == ATT_OK && i < t->width; i++) {
        int64_t index = (int64_t)(t->index * ATT_TILE_WIDTH + i);

        err = store_leaf_get(salt, entry, k->st, index);
        if (err == ATT_OK)
            err = att_bundle_add(bundle, att_buf_slice(entry));
    }
    if (err != ATT_OK)
        return unreadable(err, diag);
    return answer_with(a, 200, MSG_TYPE_TILE, att_buf_slice(bundle), diag);
}

static enum att_err newest(struct keeper *k, struct answer *a, struct att_diag *diag)
{
    struct att_slice note;
    enum att_err err = sequencer_checkpoint(&note, k->sequencer, diag);

    return err == ATT_OK ? answer_with(a, 200, MSG_TYPE_NOTE, note, diag) : err;
}

/* The one that witnesses cosigned, as soon as there is one: what nobody watches over is not what people should keep. */
static enum att_err checkpoint(struct keeper *k, struct answer *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    enum att_err err;

    if (k->witnessed == NULL)
        return newest(k, a, diag);
    err = att_buf_new(&note, PUBLISHED_MAX);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "log", "memory ran out");
    err = witnessed_get(note, k->witnessed, diag);
    if (err == ATT_E_NOT_FOUND)
        return newest(k, a, diag);
    return err == ATT_OK ? answer_with(a, 200, MSG_TYPE_NOTE, att_buf_slice(note), diag) : err;
}

enum att_err keeper_published(struct keeper *k, const struct msg *m, struct answer *a,
                              struct att_diag *diag)
{
    uint64_t size = sequencer_size(k->sequencer);
    struct att_tile t;

    if (att_slice_eq(m->path, att_slice_str("checkpoint")))
        return checkpoint(k, a, diag);
    if (att_slice_eq(m->path, att_slice_str("checkpoint/newest")))
        return newest(k, a, diag);
    if (att_tile_path_parse(&t, m->path, NULL) != ATT_OK ||
        ATT_GUARD(LOG_TILE, t.width > att_tile_width(t.level, t.index, size)))
        return not_there(diag);
    return t.entries ? entries(k, &t, a, diag) : hashes(k, &t, a, diag);
}
