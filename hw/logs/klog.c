#include "logs/klog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"

#define READ_BYTES 16384 /* the kernel's pseudo files give a page or so at a time */

static enum att_err refuse_errno(struct att_diag *diag, const char *path, int error)
{
    char shown[64];

    att_escape(shown, sizeof shown, path, strlen(path));
    if (error == ENOENT || error == ENOTDIR)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, "log",
                        "no %s: this kernel or firmware keeps no such log, or securityfs is not "
                        "mounted",
                        shown);
    if (error == EACCES || error == EPERM)
        return att_fail(diag, ATT_E_DENIED, ATT_R_FILE, "log",
                        "no permission for %s: the kernel gives its logs to root alone", shown);
    return att_fail(diag, ATT_E_IO, ATT_R_FILE, "log", "%s: %s", shown, strerror(error));
}

/* O_NONBLOCK: opening a FIFO that nobody writes to would hang. */
static enum att_err open_log(int *out, const char *path, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char shown[64];
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        return refuse_errno(diag, path, errno);
    if (ATT_GUARD(HW_LOG_REGULAR, !S_ISREG(st.st_mode)))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FILE, "log", "%s is not a file",
                        att_escape(shown, sizeof shown, path, strlen(path)));
    *out = fd;
    fd = -1;
    return ATT_OK;
}

static ssize_t read_some(int fd, void *to, size_t len, uint64_t off)
{
    ssize_t n;

    do
        n = pread(fd, to, len, (off_t)off);
    while (n < 0 && errno == EINTR);
    return n;
}

static enum att_err refuse_short(struct att_diag *diag, const char *path, uint64_t off)
{
    char shown[64];

    return att_fail(diag, ATT_E_MISMATCH, ATT_R_FILE, "log",
                    "%s is shorter than the %llu bytes that were read before",
                    att_escape(shown, sizeof shown, path, strlen(path)), (unsigned long long)off);
}

/*
 * A read at or behind the end gives nothing in both cases, so the byte before the offset is read too:
 * a log that ends earlier is another boot's, or the kernel cut it.
 */
static enum att_err check_offset(int fd, const char *path, uint64_t off, struct att_diag *diag)
{
    uint8_t last;
    ssize_t n;

    if (off == 0)
        return ATT_OK;
    if (off > INT64_MAX)
        return refuse_errno(diag, path, EOVERFLOW);
    n = read_some(fd, &last, 1, off - 1);
    if (n < 0)
        return refuse_errno(diag, path, errno);
    if (ATT_GUARD(HW_LOG_SHRANK, n == 0))
        return refuse_short(diag, path, off);
    return ATT_OK;
}

/* To the end as it is when we get there, or to the cap; one byte more tells whether it goes on. */
static enum att_err read_on(struct att_buf *data, int fd, uint64_t off, size_t cap, bool *more)
{
    uint8_t probe;
    ssize_t n;

    for (size_t len = 0; len < cap; len = att_buf_len(data)) {
        size_t want = cap - len < READ_BYTES ? cap - len : READ_BYTES;
        uint8_t *to = NULL;
        enum att_err err = att_buf_room(data, want, &to);

        if (err != ATT_OK)
            return err;
        n = read_some(fd, to, want, off + len);
        if (n < 0)
            return ATT_E_IO;
        if (n == 0) {
            *more = false;
            return ATT_OK;
        }
        att_buf_commit(data, (size_t)n);
    }
    n = read_some(fd, &probe, 1, off + att_buf_len(data));
    if (n < 0)
        return ATT_E_IO;
    *more = n > 0;
    return ATT_OK;
}

enum att_err hw_log_read(struct hw_log_part *out, const char *path, uint64_t off, size_t cap,
                         struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *data = NULL;
    ATT_CLEANUP(att_closep) int fd = -1;
    struct hw_log_part part = {.off = off};
    enum att_err err = open_log(&fd, path, diag);

    if (err != ATT_OK)
        return err;
    err = check_offset(fd, path, off, diag);
    if (err != ATT_OK)
        return err;
    err = att_buf_new(&data, cap);
    if (err == ATT_OK)
        err = read_on(data, fd, off, cap, &part.more);
    if (err == ATT_E_IO)
        return refuse_errno(diag, path, errno);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "log", "no memory for %zu bytes of log", cap);
    part.data = data;
    data = NULL;
    *out = part;
    return ATT_OK;
}

enum att_err hw_log_read_in_order(struct hw_log_part *out, const char *path, uint64_t off,
                                  size_t cap, struct att_diag *diag)
{
    struct hw_log_part part = {0};
    enum att_err err = ATT_OK;

    if (off > SIZE_MAX - cap)
        return refuse_errno(diag, path, EOVERFLOW);
    err = hw_log_read(&part, path, 0, (size_t)off + cap, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(HW_LOG_SHRANK, att_buf_len(part.data) < off)) {
        hw_log_part_free(&part);
        return refuse_short(diag, path, off);
    }
    att_buf_drop_front(part.data, (size_t)off);
    part.off = off;
    *out = part;
    return ATT_OK;
}

void hw_log_part_free(struct hw_log_part *part)
{
    att_buf_freep(&part->data);
}

enum att_err hw_log_begin(struct hw_log_stream *out, const char *path, uint64_t off,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    enum att_err err = open_log(&fd, path, diag);

    if (err == ATT_OK)
        err = check_offset(fd, path, off, diag);
    if (err != ATT_OK)
        return err;
    *out = (struct hw_log_stream){.fd = fd, .off = off};
    fd = -1;
    return ATT_OK;
}

enum att_err hw_log_next(struct hw_log_stream *s, uint8_t *into, size_t cap, size_t *got,
                         const char *path, struct att_diag *diag)
{
    size_t len = 0;

    while (len < cap) {
        size_t want = cap - len < READ_BYTES ? cap - len : READ_BYTES;
        ssize_t n = read_some(s->fd, into + len, want, s->off + len);

        if (n < 0)
            return refuse_errno(diag, path, errno);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    s->off += len;
    *got = len;
    return ATT_OK;
}

void hw_log_end(struct hw_log_stream *s)
{
    att_closep(&s->fd);
}
