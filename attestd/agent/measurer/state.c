/* The enrolment on disk, strict like everything else that is read. */
#include "agent/measurer/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

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
    return err != ATT_OK ? err : agent_ident_parse(out, att_buf_slice(in), diag);
}

enum att_err state_store(const struct agent_ident *ident, const char *dir, struct att_diag *diag)
{
    uint8_t out[ENROLMENT_MAX];
    char path[STATE_PATH_MAX];
    struct att_slice all;
    enum att_err err = state_path(path, dir, STATE_ENROLMENT, diag);

    if (err == ATT_OK) {
        err = agent_ident_encode(&all, out, sizeof(out), ident, diag);
    }
    return err == ATT_OK ? att_file_write(path, all, 0600, diag) : err;
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
