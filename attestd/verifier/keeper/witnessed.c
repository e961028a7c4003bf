/* Cosigned checkpoints: taken, kept and given out. */
#include "verifier/keeper/witnessed.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "tlog/witness_policy.h"

#define META_NOTE "log_witnessed"
#define NOTE_MAX  (16 * 1024) /* bytes: every witness of a policy once */

struct witnessed {
    struct store *st;
    struct sequencer *sequencer;
    struct att_witness_policy *policy;
};

void witnessed_free(struct witnessed *w)
{
    if (w == NULL)
        return;
    att_witness_policy_free(w->policy);
    free(w);
}

static void witnessed_freep(struct witnessed **w)
{
    witnessed_free(*w);
    *w = NULL;
}

static enum att_err read_policy(struct witnessed *w, const struct config *cfg,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    const struct att_witness_party *log = NULL;
    enum att_err err = att_file_read_careful(&file, cfg->log.witnesses, ATT_WITNESS_POLICY_MAX,
                                             ATT_FILE_OWNED, diag);

    if (err == ATT_OK)
        err = att_witness_policy_parse(&w->policy, att_buf_slice(file), diag);
    if (err != ATT_OK)
        return err;
    for (size_t i = 0; (log = att_witness_policy_log(w->policy, i)) != NULL; i++) {
        if (att_slice_eq(att_vkey_name(log->key), att_slice_str(cfg->log.origin)))
            return ATT_OK;
    }
    return att_fail(diag, ATT_E_CONFIG, ATT_R_FMT_WITNESSES, "log.witnesses",
                    "expected a line with this log: log %s+...", cfg->log.origin);
}

enum att_err witnessed_open(struct witnessed **out, const struct config *cfg, struct store *st,
                            struct sequencer *sequencer, struct att_diag *diag)
{
    ATT_CLEANUP(witnessed_freep) struct witnessed *w = NULL;
    enum att_err err;

    if (cfg->log.witnesses == NULL) {
        *out = NULL;
        return ATT_OK;
    }
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "log.witnesses", "memory ran out");
    w->st = st;
    w->sequencer = sequencer;
    err = read_policy(w, cfg, diag);
    if (err != ATT_OK)
        return err;
    *out = w;
    w = NULL;
    return ATT_OK;
}

/* Strangers' lines go: what is published is what was verified. */
static enum att_err strip(struct att_buf **out, const struct witnessed *w,
                          const struct att_note *note)
{
    const struct att_vkey *keys[ATT_WITNESS_POLICY_LOGS + ATT_CHECKPOINT_WITNESSES];
    const struct att_witness_party *p = NULL;
    size_t count = 0;

    for (size_t i = 0; (p = att_witness_policy_log(w->policy, i)) != NULL; i++)
        keys[count++] = p->key;
    for (size_t i = 0; (p = att_witness_policy_witness(w->policy, i)) != NULL; i++)
        keys[count++] = p->key;
    return att_note_keep(out, note, keys, count);
}

static enum att_err check(struct att_checkpoint **out, const struct witnessed *w,
                          const struct att_note *note, struct att_diag *diag)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    enum att_err err = att_witness_policy_verify(&c, w->policy, note, diag);

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(WITNESSED_QUORUM, !att_witness_policy_met(w->policy, c)))
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_WITNESS, "witnesses",
                        "%zu cosigned, which is not enough for the quorum",
                        att_checkpoint_cosigned(c));
    err = sequencer_had(w->sequencer, &att_checkpoint_head(c)->tree, diag);
    if (err != ATT_OK)
        return err;
    *out = c;
    c = NULL;
    return ATT_OK;
}

/* The size of the one that is held; 0 when there is none, or none of the present policy. */
static enum att_err held_size(uint64_t *out, const struct witnessed *w, struct att_diag *diag)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    uint8_t bytes[NOTE_MAX];
    struct att_note note;
    size_t len = 0;
    enum att_err err = store_meta_get(w->st, META_NOTE, bytes, sizeof(bytes), &len);

    *out = 0;
    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "log",
                        "the checkpoint that is published cannot be read");
    if (att_note_parse(&note, att_slice_of(bytes, len), NULL) == ATT_OK &&
        check(&c, w, &note, NULL) == ATT_OK)
        *out = att_checkpoint_head(c)->tree.size;
    return ATT_OK;
}

enum att_err witnessed_take(struct witnessed *w, struct att_slice bytes, struct att_diag *diag)
{
    ATT_CLEANUP(att_checkpoint_freep) struct att_checkpoint *c = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *kept = NULL;
    struct att_note note;
    uint64_t size, held = 0;
    enum att_err err = held_size(&held, w, diag);

    if (err == ATT_OK)
        err = att_note_parse(&note, bytes, diag);
    if (err == ATT_OK)
        err = check(&c, w, &note, diag);
    if (err != ATT_OK)
        return err;
    size = att_checkpoint_head(c)->tree.size;
    if (ATT_GUARD(WITNESSED_OLDER, size < held))
        return att_fail(diag, ATT_E_STALE, ATT_R_TL_SEEN, "checkpoint",
                        "expected a size of %llu or more, which is published, found %llu",
                        (unsigned long long)held, (unsigned long long)size);
    err = strip(&kept, w, &note);
    if (err != ATT_OK || att_buf_len(kept) > NOTE_MAX)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_TL_CKPT, "checkpoint", "it is too long");
    return store_meta_put(w->st, META_NOTE, att_buf_slice(kept), diag);
}

enum att_err witnessed_get(struct att_buf *out, struct witnessed *w, struct att_diag *diag)
{
    uint8_t bytes[NOTE_MAX];
    size_t len = 0;
    enum att_err err = store_meta_get(w->st, META_NOTE, bytes, sizeof(bytes), &len);

    if (err == ATT_E_NOT_FOUND)
        return err;
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "log", "the checkpoint cannot be read");
    return len > 0 ? att_buf_add(out, bytes, len) : ATT_E_NOT_FOUND;
}

enum att_err witnessed_forget(struct witnessed *w, struct att_diag *diag)
{
    return store_meta_put(w->st, META_NOTE, att_slice_of(NULL, 0), diag);
}
