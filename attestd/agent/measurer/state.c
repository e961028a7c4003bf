/* The enrolment on disk, strict like everything else that is read. */
#include "agent/measurer/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define VERSION       1
#define ENROLMENT_MAX 8192
#define PAUSE_MS      50

enum att_err state_path(char out[STATE_PATH_MAX], const char *dir, const char *name,
                        struct att_diag *diag)
{
    int len = snprintf(out, STATE_PATH_MAX, "%s/%s", dir, name);

    if (len < 0 || len >= STATE_PATH_MAX) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "state_dir", "the path is too long");
    }
    return ATT_OK;
}

static void next_key(struct att_cbor *c, int64_t key)
{
    if (att_cbor_key_int(c) != key) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static size_t copy_bytes(struct att_cbor *c, uint8_t *out, size_t cap)
{
    struct att_slice s = att_cbor_bytes(c, cap);

    if (s.len > 0) {
        memcpy(out, s.p, s.len);
    }
    return s.len;
}

static enum att_err parse(struct agent_ident *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct agent_ident v = {0};
    uint64_t version = 0;
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_map(&c, 9);
    next_key(&c, 0);
    version = att_cbor_uint(&c);
    if (att_cbor_ok(&c) && version != VERSION) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_VERSION, STATE_ENROLMENT,
                        "expected version %d, found %llu", VERSION, (unsigned long long)version);
    }
    next_key(&c, 1);
    att_cbor_text_copy(&c, v.device_id, sizeof(v.device_id));
    next_key(&c, 2);
    att_cbor_text_copy(&c, v.verifier_id, sizeof(v.verifier_id));
    next_key(&c, 3);
    att_cbor_text_copy(&c, v.url, sizeof(v.url));
    next_key(&c, 4);
    v.ek_kind = (enum hw_ek_kind)att_cbor_uint_max(&c, HW_EK_H3);
    next_key(&c, 5);
    v.ek_name_len = copy_bytes(&c, v.ek_name, sizeof(v.ek_name));
    next_key(&c, 6);
    v.ak.handle = (uint32_t)att_cbor_uint_max(&c, UINT32_MAX);
    next_key(&c, 7);
    v.ak.public_len = copy_bytes(&c, v.ak.public_area, sizeof(v.ak.public_area));
    next_key(&c, 8);
    v.interval_s = att_cbor_uint(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_CBOR, STATE_ENROLMENT, diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err state_load(struct agent_ident *out, const char *dir, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *in = NULL;
    char path[STATE_PATH_MAX];
    enum att_err err = state_path(path, dir, STATE_ENROLMENT, diag);

    if (err == ATT_OK) {
        err = att_file_read(&in, path, ENROLMENT_MAX, diag);
    }
    if (err == ATT_E_NOT_FOUND) {
        return att_fail(diag, err, ATT_R_ID_UNKNOWN, NULL,
                        "there is no %s: run attest-agent enrol first", path);
    }
    return err != ATT_OK ? err : parse(out, att_buf_slice(in), diag);
}

enum att_err state_store(const struct agent_ident *ident, const char *dir, struct att_diag *diag)
{
    uint8_t out[ENROLMENT_MAX];
    struct att_wr w = att_wr_into(out, sizeof(out));
    char path[STATE_PATH_MAX];
    struct att_slice all;
    enum att_err err = state_path(path, dir, STATE_ENROLMENT, diag);

    if (err != ATT_OK) {
        return err;
    }
    att_cbor_wr_map(&w, 9);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, VERSION);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_text(&w, ident->device_id);
    att_cbor_wr_uint(&w, 2);
    att_cbor_wr_text(&w, ident->verifier_id);
    att_cbor_wr_uint(&w, 3);
    att_cbor_wr_text(&w, ident->url);
    att_cbor_wr_uint(&w, 4);
    att_cbor_wr_uint(&w, (uint64_t)ident->ek_kind);
    att_cbor_wr_uint(&w, 5);
    att_cbor_wr_bytes(&w, att_slice_of(ident->ek_name, ident->ek_name_len));
    att_cbor_wr_uint(&w, 6);
    att_cbor_wr_uint(&w, ident->ak.handle);
    att_cbor_wr_uint(&w, 7);
    att_cbor_wr_bytes(&w, att_slice_of(ident->ak.public_area, ident->ak.public_len));
    att_cbor_wr_uint(&w, 8);
    att_cbor_wr_uint(&w, ident->interval_s);
    err = att_cbor_wr_done(&w, &all);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, STATE_ENROLMENT, "it could not be encoded");
    }
    return att_file_write(path, all, 0600, diag);
}

bool state_enrolled(const char *dir)
{
    char path[STATE_PATH_MAX];

    return state_path(path, dir, STATE_ENROLMENT, NULL) == ATT_OK && access(path, F_OK) == 0;
}

enum att_err state_lock(int *out_fd, const char *dir, int wait_ms, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    char path[STATE_PATH_MAX];
    enum att_err err = att_dir_private(dir, diag);

    if (err == ATT_OK) {
        err = state_path(path, dir, "lock", diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return att_fail(diag, errno == EACCES ? ATT_E_DENIED : ATT_E_IO, ATT_R_FILE, "state_dir",
                        "cannot open %s: %s", path, strerror(errno));
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (wait_ms <= 0 || (errno != EWOULDBLOCK && errno != EINTR)) {
            return att_fail(diag, ATT_E_BUSY, ATT_R_ST_LOCK, "state_dir",
                            "another attest-agent is at work in %s", dir);
        }
        (void)usleep(PAUSE_MS * 1000);
        wait_ms -= PAUSE_MS;
    }
    *out_fd = fd;
    fd = -1;
    return ATT_OK;
}

enum att_err state_name_of(uint8_t *out, size_t *out_len, struct att_slice public_area,
                           enum state_key key, struct att_diag *diag)
{
    struct att_pubarea pub;
    enum att_err err = att_pubarea_parse(&pub, public_area, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = key == STATE_EK ? att_pubarea_ek_name(out, out_len, &pub)
                          : att_pubarea_name(out, out_len, &pub);
    return err == ATT_OK ? ATT_OK : att_fail(diag, err, ATT_R_FMT_KEY, NULL, "the key has no name");
}
