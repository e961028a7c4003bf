/* Frames of a stream, sent again, are the bytes that were read; what is cut or too long ends it. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/frame.h"
#include "fuzz.h"

#define STREAM_MAX 32768 /* what a socket or a pipe holds without a reader */
#define LIMIT      1024

/* A stream that holds the bytes and has ended: a socket, or a pipe. */
static void fill(int fd[2], bool pipes, struct att_slice in)
{
    HOLDS((pipes ? pipe(fd) : socketpair(AF_UNIX, SOCK_STREAM, 0, fd)) == 0);
    HOLDS(in.len == 0 || write(fd[1], in.p, in.len) == (ssize_t)in.len);
    HOLDS(close(fd[1]) == 0);
}

static void sent_again(const struct att_buf *body, bool pipes, const uint8_t *as)
{
    uint8_t bytes[4 + LIMIT];
    size_t len = 4 + att_buf_len(body);
    int fd[2];

    HOLDS((pipes ? pipe(fd) : socketpair(AF_UNIX, SOCK_STREAM, 0, fd)) == 0);
    HOLDS(frame_send(fd[1], att_buf_slice(body)) == ATT_OK);
    HOLDS(read(fd[0], bytes, sizeof(bytes)) == (ssize_t)len && memcmp(bytes, as, len) == 0);
    HOLDS(close(fd[0]) == 0);
    HOLDS(pipes || frame_send(fd[1], att_buf_slice(body)) == ATT_E_IO); /* nobody listens */
    HOLDS(frame_send(fd[1], att_slice_of(as, FRAME_MAX + 1)) == ATT_E_LIMIT);
    HOLDS(close(fd[1]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool pipes = size % 2 == 0;
    struct att_buf *body = NULL;
    size_t at = 0;
    int fd[2];
    enum att_err err = ATT_OK;

    if (size > STREAM_MAX) {
        return 0;
    }
    fill(fd, pipes, att_slice_of(data, size));
    while ((err = frame_receive(&body, fd[0], LIMIT)) == ATT_OK) {
        HOLDS(att_buf_len(body) <= LIMIT);
        sent_again(body, pipes, data + at);
        at += 4 + att_buf_len(body);
        att_buf_freep(&body);
    }
    HOLDS(body == NULL && (err == ATT_E_NOT_FOUND) == (at == size));
    HOLDS(err == ATT_E_NOT_FOUND || err == ATT_E_TRUNCATED || err == ATT_E_LIMIT);
    HOLDS(close(fd[0]) == 0 && frame_receive(&body, fd[0], LIMIT) == ATT_E_IO);
    return 0;
}
