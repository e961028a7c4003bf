/* What the state folder keeps of the data key. */
#include "agent/measurer/datakey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define KEY_MAX     8192
#define REFUSAL_MAX 1024

/* A file of the folder; NOT_FOUND with DK_NONE. */
static enum att_err read_state(struct att_buf **out, const char *dir, const char *name, size_t max,
                               struct att_diag *diag)
{
    char path[STATE_PATH_MAX];
    enum att_err err = state_path(path, dir, name, diag);

    if (err == ATT_OK) {
        err = att_file_read(out, path, max, diag);
    }
    return err == ATT_E_NOT_FOUND
               ? att_fail(diag, err, ATT_R_DK_NONE, "data key", "there is no %s", path)
               : err;
}

static enum att_err write_state(const char *dir, const char *name, struct att_slice bytes,
                                struct att_diag *diag)
{
    char path[STATE_PATH_MAX];
    enum att_err err = state_path(path, dir, name, diag);

    return err == ATT_OK ? att_file_write(path, bytes, 0600, diag) : err;
}

enum att_err data_key_load(struct data_key *out, const char *dir, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *in = NULL;
    enum att_err err = read_state(&in, dir, STATE_DATA_KEY, KEY_MAX, diag);

    return err != ATT_OK ? err : data_key_parse(out, att_buf_slice(in), diag);
}

enum att_err data_key_store(const struct data_key *k, const char *dir, struct att_diag *diag)
{
    uint8_t room[KEY_MAX];
    struct att_slice all;
    enum att_err err = data_key_encode(&all, room, sizeof(room), k, diag);

    return err == ATT_OK ? write_state(dir, STATE_DATA_KEY, all, diag) : err;
}

enum att_err data_grant_load(struct att_grant *out, const char *dir, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *in = NULL;
    enum att_err err = read_state(&in, dir, STATE_DATA_GRANT, ATT_GRANT_MAX, diag);

    return err != ATT_OK ? err : att_grant_parse(out, att_buf_slice(in), diag);
}

static enum att_err forget(const char *dir, const char *name, struct att_diag *diag)
{
    char path[STATE_PATH_MAX];
    enum att_err err = state_path(path, dir, name, diag);

    if (err != ATT_OK || unlink(path) == 0 || errno == ENOENT) {
        return err;
    }
    return att_fail(diag, ATT_E_IO, ATT_R_FILE, name, "cannot remove %s: %s", path,
                    strerror(errno));
}

enum att_err data_key_forget(const char *dir, struct att_diag *diag)
{
    static const char *const names[] = {STATE_DATA_GRANT, STATE_DATA_REFUSAL, STATE_DATA_KEY,
                                        STATE_BATCH_HEAD};
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < ATT_COUNT(names) && err == ATT_OK; i++) {
        err = forget(dir, names[i], diag);
    }
    return err;
}

enum att_err data_key_take(const struct agent *a, const struct wire_outcome *o,
                           struct att_diag *diag)
{
    const char *dir = a->conf->state_dir;
    struct att_grant g;
    struct data_key k;
    enum att_err err = ATT_OK;

    if (o->grant.len > 0) {
        err = att_grant_parse(&g, o->grant, diag);
        if (err == ATT_OK) {
            err = write_state(dir, STATE_DATA_GRANT, o->grant, diag);
        }
        return err == ATT_OK ? forget(dir, STATE_DATA_REFUSAL, diag) : err;
    }
    if (data_key_load(&k, dir, NULL) != ATT_OK || !k.certified) {
        return ATT_OK;
    }
    k.certified = false;
    return data_key_store(&k, dir, diag);
}

static enum att_err keep_refusal(const char *dir, int64_t utc_s, const struct att_diag *why)
{
    struct data_refusal r = {.utc_s = utc_s < 0 ? 0 : utc_s};
    uint8_t room[REFUSAL_MAX];
    struct att_slice all;
    enum att_err err = ATT_OK;

    (void)snprintf(r.code, sizeof(r.code), "%s", att_reason_code(why->reason));
    att_printable(r.text, sizeof(r.text), why->text, strlen(why->text));
    err = data_refusal_encode(&all, room, sizeof(room), &r);
    return err == ATT_OK ? write_state(dir, STATE_DATA_REFUSAL, all, NULL) : err;
}

enum att_err data_refusal_load(struct data_refusal *out, const char *dir, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *in = NULL;
    enum att_err err = read_state(&in, dir, STATE_DATA_REFUSAL, REFUSAL_MAX, diag);

    return err != ATT_OK ? err : data_refusal_parse(out, att_buf_slice(in), diag);
}

/* A key that is gone is made anew ahead of the next attestation. */
void data_key_refused(const struct agent *a, int64_t utc_s, const struct att_diag *why)
{
    const char *dir = a->conf->state_dir;
    struct data_key k;
    enum att_err err = keep_refusal(dir, utc_s, why);

    if (err != ATT_OK || why->reason != ATT_R_DK_GONE || data_key_load(&k, dir, NULL) != ATT_OK) {
        return;
    }
    k.certified = false;
    if (data_key_store(&k, dir, NULL) != ATT_OK) {
        return; /* the next refusal tries again */
    }
}

enum att_err batch_head_load(uint8_t out[ATT_BATCH_HEAD_LEN], const char *dir,
                             struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *in = NULL;
    char path[STATE_PATH_MAX];
    enum att_err err = state_path(path, dir, STATE_BATCH_HEAD, diag);

    if (err == ATT_OK) {
        err = att_file_read(&in, path, ATT_BATCH_HEAD_LEN, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (att_buf_len(in) != ATT_BATCH_HEAD_LEN) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_CBOR, STATE_BATCH_HEAD,
                        "expected %d bytes, found %zu", ATT_BATCH_HEAD_LEN, att_buf_len(in));
    }
    memcpy(out, att_buf_slice(in).p, ATT_BATCH_HEAD_LEN);
    return ATT_OK;
}

enum att_err batch_head_store(const uint8_t head[ATT_BATCH_HEAD_LEN], const char *dir,
                              struct att_diag *diag)
{
    return write_state(dir, STATE_BATCH_HEAD, att_slice_of(head, ATT_BATCH_HEAD_LEN), diag);
}
