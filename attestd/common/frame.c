/* Length-prefixed messages over a pipe or a socket, whole or not at all. */
#include "common/frame.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "base/wr.h"

#define HEAD_LEN 4
#define STEP     65536 /* read and allocate no more at once, whatever the head promises */

/* As att_write_all, but a socket whose peer is gone gives an error and no SIGPIPE. */
static enum att_err write_whole(int fd, struct att_slice part)
{
    size_t done = 0;

    while (done < part.len) {
        ssize_t n = send(fd, part.p + done, part.len - done, MSG_NOSIGNAL);

        if (n < 0 && errno == ENOTSOCK) {
            return att_write_all(fd, part.p + done, part.len - done);
        }
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

enum att_err frame_send_parts(int fd, const struct att_slice *part, size_t count)
{
    uint8_t head[HEAD_LEN] = {0};
    struct att_wr w = att_wr_into(head, sizeof(head));
    size_t left = FRAME_MAX;
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < count; i++) {
        if (part[i].len > left) {
            return ATT_E_LIMIT;
        }
        left -= part[i].len;
    }
    att_wr_u32be(&w, (uint32_t)(FRAME_MAX - left));
    err = write_whole(fd, att_slice_of(head, sizeof(head)));
    for (size_t i = 0; i < count && err == ATT_OK; i++) {
        err = write_whole(fd, part[i]);
    }
    return err;
}

enum att_err frame_send(int fd, struct att_slice body)
{
    return frame_send_parts(fd, &body, 1);
}

/* Up to len bytes; *got is less only at the end of the stream. */
static enum att_err read_up_to(int fd, uint8_t *out, size_t len, size_t *got)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n = read(fd, out + have, len - have);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ATT_E_IO;
        }
        if (n == 0) {
            break;
        }
        have += (size_t)n;
    }
    *got = have;
    return ATT_OK;
}

static enum att_err read_body(struct att_buf *b, int fd, size_t len)
{
    while (att_buf_len(b) < len) {
        size_t left = len - att_buf_len(b);
        size_t step = left < STEP ? left : STEP;
        size_t got = 0;
        uint8_t *at = NULL;
        enum att_err err = att_buf_room(b, step, &at);

        if (err == ATT_OK) {
            err = read_up_to(fd, at, step, &got);
        }
        if (err != ATT_OK) {
            return err;
        }
        if (got < step) {
            return ATT_E_TRUNCATED;
        }
        att_buf_commit(b, got);
    }
    return ATT_OK;
}

enum att_err frame_receive(struct att_buf **out, int fd, size_t max)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t head[HEAD_LEN] = {0};
    struct att_rd r = att_rd_from(head, sizeof(head));
    size_t got = 0;
    uint32_t len = 0;
    enum att_err err = read_up_to(fd, head, sizeof(head), &got);

    if (err != ATT_OK) {
        return err;
    }
    if (got < sizeof(head)) {
        return got == 0 ? ATT_E_NOT_FOUND : ATT_E_TRUNCATED;
    }
    len = att_rd_u32be(&r);
    if (len > max || len > FRAME_MAX) {
        return ATT_E_LIMIT;
    }
    err = att_buf_new(&b, len);
    if (err == ATT_OK) {
        err = read_body(b, fd, len);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}
