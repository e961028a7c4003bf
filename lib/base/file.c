/* Reading whole files and replacing them in one step. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP 65536

void att_closep(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

static enum att_err io_fail(struct att_diag *diag, const char *what, const char *path)
{
    int cause = errno;
    bool full = cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
    enum att_err err = ATT_E_IO;
    char shown[96];

    if (cause == ENOENT || cause == ENOTDIR) {
        err = ATT_E_NOT_FOUND;
    } else if (cause == EACCES || cause == EPERM) {
        err = ATT_E_DENIED;
    }
    return att_fail(diag, err, full ? ATT_R_ST_FULL : ATT_R_FILE, "file", "%s %s: %s", what,
                    att_escape(shown, sizeof(shown), path, strlen(path)), strerror(cause));
}

enum att_err att_write_all(int fd, const void *in, size_t len)
{
    const uint8_t *p = in;
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, p + done, len - done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return ATT_E_IO;
        }
        done += (size_t)n;
    }
    return ATT_OK;
}

/* One step of reading; *more is false at the end. */
static enum att_err read_step(struct att_buf *b, int fd, size_t cap, bool *more)
{
    uint8_t *at = NULL;
    size_t want = cap - att_buf_len(b) + 1; /* one above the cap shows that there is more */
    enum att_err err = ATT_OK;
    ssize_t n = 0;

    if (want > READ_STEP) {
        want = READ_STEP;
    }
    err = att_buf_room(b, want, &at);
    if (err != ATT_OK) {
        return err;
    }
    do {
        n = read(fd, at, want);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return ATT_E_IO;
    }
    att_buf_commit(b, (size_t)n);
    *more = n > 0;
    return att_buf_len(b) > cap ? ATT_E_LIMIT : ATT_OK;
}

/* A file's size is no promise, but saves the copies of a buffer that grows: half of the peak of a long log. */
static enum att_err expect_size(struct att_buf *b, int fd, size_t cap)
{
    struct stat st;
    uint8_t *at = NULL;
    size_t room = 0;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        (uint64_t)st.st_size >= cap) {
        return ATT_OK;
    }
    room = (size_t)st.st_size;
    room += cap - room < READ_STEP ? cap - room : READ_STEP; /* the step that meets the end */
    return att_buf_room(b, room, &at);
}

enum att_err att_file_read_fd(struct att_buf **out, int fd, size_t cap, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err = ATT_OK;
    bool more = true;

    if (cap == SIZE_MAX) {
        cap--; /* one more is asked for below */
    }
    err = att_buf_new(&b, cap + 1);
    if (err == ATT_OK) {
        err = expect_size(b, fd, cap);
    }
    while (err == ATT_OK && more) {
        err = read_step(b, fd, cap, &more);
    }
    if (err == ATT_E_LIMIT) {
        return att_fail(diag, err, ATT_R_LIM_SIZE, "file", "at most %zu bytes are read", cap);
    }
    if (err == ATT_E_IO) {
        return att_fail(diag, err, ATT_R_FILE, "file", "reading: %s", strerror(errno));
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "file", "no memory");
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err att_file_read(struct att_buf **out, const char *path, size_t cap,
                           struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    struct stat st;
    char shown[96];

    if (strcmp(path, "-") == 0) {
        return att_file_read_fd(out, STDIN_FILENO, cap, diag);
    }
    /* O_NONBLOCK: opening a FIFO must not hang before we can refuse it */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) != 0) {
        return io_fail(diag, "cannot open", path);
    }
    if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FILE, "file", "%s is not a regular file",
                        att_escape(shown, sizeof(shown), path, strlen(path)));
    }
    return att_file_read_fd(out, fd, cap, diag);
}

/* The folder of a path into out. */
static bool folder_of(char *out, size_t cap, const char *path)
{
    const char *slash = strrchr(path, '/');
    int n = 0;

    if (slash == NULL) {
        n = snprintf(out, cap, ".");
    } else if (slash == path) {
        n = snprintf(out, cap, "/");
    } else {
        n = snprintf(out, cap, "%.*s", (int)(slash - path), path);
    }
    return n >= 0 && (size_t)n < cap;
}

static enum att_err sync_folder(const char *path)
{
    char folder[PATH_MAX];
    ATT_CLEANUP(att_closep) int fd = -1;

    if (!folder_of(folder, sizeof(folder), path)) {
        return ATT_E_LIMIT;
    }
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return ATT_E_IO;
    }
    return ATT_OK;
}

enum att_err att_file_keep_name(const char *path, struct att_diag *diag)
{
    if (sync_folder(path) != ATT_OK) {
        return io_fail(diag, "cannot make durable that it is there:", path);
    }
    return ATT_OK;
}

static enum att_err write_temporary(const char *path, struct att_slice in, mode_t mode)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    enum att_err err = ATT_OK;

    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return ATT_E_IO;
    }
    err = att_write_all(fd, in.p, in.len);
    if (err == ATT_OK && fchmod(fd, mode) != 0) {
        err = ATT_E_IO;
    }
    if (err == ATT_OK && fsync(fd) != 0) {
        err = ATT_E_IO;
    }
    return err;
}

enum att_err att_file_write(const char *path, struct att_slice in, mode_t mode,
                            struct att_diag *diag)
{
    char temporary[PATH_MAX];
    struct stat st;
    int n = 0;

    if (strcmp(path, "-") == 0) {
        if (att_write_all(STDOUT_FILENO, in.p, in.len) != ATT_OK) {
            return io_fail(diag, "cannot write", "standard output");
        }
        return ATT_OK;
    }
    if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
        char shown[96];

        return att_fail(diag, ATT_E_CONFIG, ATT_R_FILE, "file",
                        "%s is not a regular file; nothing was written",
                        att_escape(shown, sizeof(shown), path, strlen(path)));
    }
    n = snprintf(temporary, sizeof(temporary), "%s.new-%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof(temporary)) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FILE, "file", "the path is too long");
    }
    (void)unlink(temporary); /* left by a process of this number that was killed */
    if (write_temporary(temporary, in, mode) != ATT_OK || rename(temporary, path) != 0) {
        enum att_err err = io_fail(diag, "cannot write", path);

        (void)unlink(temporary);
        return err;
    }
    if (sync_folder(path) != ATT_OK) {
        return io_fail(diag, "cannot make durable", path);
    }
    return ATT_OK;
}

enum att_err att_dir_private(const char *path, struct att_diag *diag)
{
    struct stat st;
    char shown[96];

    if (mkdir(path, 0700) == 0) {
        /* what will be made durable in it has to be found again */
        if (sync_folder(path) != ATT_OK) {
            return io_fail(diag, "cannot make durable", path);
        }
    } else if (errno != EEXIST) {
        return io_fail(diag, "cannot make", path);
    }
    if (lstat(path, &st) != 0) {
        return io_fail(diag, "cannot look at", path);
    }
    (void)att_escape(shown, sizeof(shown), path, strlen(path));
    if (!S_ISDIR(st.st_mode)) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_PERM, "folder", "%s is not a folder", shown);
    }
    if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        return att_fail(diag, ATT_E_DENIED, ATT_R_CFG_PERM, "folder",
                        "%s must belong to user %ld with mode 0700, found user %ld mode %04o",
                        shown, (long)geteuid(), (long)st.st_uid,
                        (unsigned int)(st.st_mode & 07777));
    }
    return ATT_OK;
}
