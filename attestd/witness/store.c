/* The files of a witness. */
#include "witness/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/hex.h"
#include "crypto/digest.h"

enum att_err witness_place(char out[WITNESS_PLACE_LEN], struct att_slice origin)
{
    uint8_t digest[32];
    enum att_err err = att_sha256(origin, digest);

    if (err == ATT_OK) {
        (void)att_hex_encode(out, WITNESS_PLACE_LEN, att_slice_of(digest, sizeof(digest)));
    }
    return err;
}

/* DIR/<place>.NAME */
static enum att_err path_of(char *out, size_t cap, const struct witness_store *s,
                            struct att_slice origin, const char *name, struct att_diag *diag)
{
    char place[WITNESS_PLACE_LEN];
    enum att_err err = witness_place(place, origin);
    int n = 0;

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "origin", "hashing failed");
    }
    n = snprintf(out, cap, "%s/%s.%s", s->dir, place, name);
    return n > 0 && (size_t)n < cap
               ? ATT_OK
               : att_fail(diag, ATT_E_LIMIT, ATT_R_FILE, "--state", "the path is too long");
}

enum att_err witness_store_open(struct witness_store *s, const char *dir,
                                const struct att_vkey *own, struct att_diag *diag)
{
    struct witness_store w = {.dir = dir, .own = own, .lock = -1};
    char path[PATH_MAX];
    enum att_err err = att_dir_private(dir, diag);

    if (err != ATT_OK) {
        return err;
    }
    if (snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FILE, "--state", "the path is too long");
    }
    w.lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (w.lock < 0) {
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "--state", "%s", strerror(errno));
    }
    if (flock(w.lock, LOCK_EX | LOCK_NB) != 0) {
        (void)close(w.lock);
        return att_fail(diag, ATT_E_BUSY, ATT_R_TL_LOCK, "--state",
                        "another witness works with this folder");
    }
    *s = w;
    return ATT_OK;
}

void witness_store_close(struct witness_store *s)
{
    if (s->lock >= 0) {
        (void)close(s->lock);
    }
    s->lock = -1;
}

void witness_held_clear(struct witness_held *h)
{
    att_checkpoint_free(h->checkpoint);
    att_buf_free(h->bytes);
    *h = (struct witness_held){0};
}

/* Both signed it: the log, with one of the keys that it has here, and this witness. */
static enum att_err verify_again(struct witness_held *h, const struct witness_store *s,
                                 const struct att_witness_policy *logs, struct att_slice origin,
                                 struct att_diag *diag)
{
    const struct att_vkey *const own[] = {s->own};
    const struct att_witness_party *log = NULL;
    enum att_err err = att_note_parse(&h->note, att_buf_slice(h->bytes), diag);

    if (err == ATT_OK) {
        err = att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_CKPT, "checkpoint",
                       "the log has no key here any more");
    }
    for (size_t i = 0; err == ATT_E_UNTRUSTED; i++) {
        struct att_checkpoint_keys keys = {.witness = own, .witness_count = 1};

        log = att_witness_policy_log(logs, i);
        if (log == NULL) {
            return err;
        }
        keys.log = log->key;
        if (att_slice_eq(att_vkey_name(log->key), origin)) {
            err = att_checkpoint_verify(&h->checkpoint, &h->note, &keys, diag);
        }
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(WITNESS_HELD, !att_checkpoint_cosigned_by(h->checkpoint, s->own, &h->time_s))) {
        return att_fail(diag, ATT_E_UNTRUSTED, ATT_R_TL_CKPT, "checkpoint",
                        "expected the cosignature of this witness, found none");
    }
    return ATT_OK;
}

enum att_err witness_store_load(struct witness_held *out, const struct witness_store *s,
                                const struct att_witness_policy *logs, struct att_slice origin,
                                struct att_diag *diag)
{
    struct witness_held h = {0};
    char path[PATH_MAX];
    struct stat st;
    enum att_err err = path_of(path, sizeof(path), s, origin, "checkpoint", diag);

    if (err != ATT_OK) {
        return err;
    }
    if (lstat(path, &st) != 0 && errno == ENOENT) {
        *out = h;
        return ATT_OK;
    }
    err = att_file_read_careful(&h.bytes, path, ATT_NOTE_MAX, ATT_FILE_OWNED, diag);
    if (err == ATT_OK) {
        err = verify_again(&h, s, logs, origin, diag);
    }
    if (err != ATT_OK) {
        witness_held_clear(&h);
        return err;
    }
    *out = h;
    return ATT_OK;
}

enum att_err witness_store_save(const struct witness_store *s, struct att_slice origin,
                                struct att_slice note, struct att_diag *diag)
{
    char path[PATH_MAX];
    enum att_err err = path_of(path, sizeof(path), s, origin, "checkpoint", diag);

    return err == ATT_OK ? att_file_write(path, note, 0600, diag) : err;
}

static enum att_err keep_side(const struct witness_store *s, const struct att_tree_head *head,
                              const char *side, struct att_slice note, struct att_diag *diag)
{
    char name[48];
    char path[PATH_MAX];
    struct stat st;
    enum att_err err = ATT_OK;

    (void)snprintf(name, sizeof(name), "fork-%llu-%s", (unsigned long long)head->tree.size, side);
    err = path_of(path, sizeof(path), s, head->origin, name, diag);
    if (err != ATT_OK || lstat(path, &st) == 0) {
        return err;
    }
    return att_file_write(path, note, 0600, diag);
}

enum att_err witness_store_fork(const struct witness_store *s, const struct att_tree_head *head,
                                struct att_slice held, struct att_slice seen, struct att_diag *diag)
{
    enum att_err err = keep_side(s, head, "held", held, diag);

    return err == ATT_OK ? keep_side(s, head, "seen", seen, diag) : err;
}
