/* Frames over a socket in an event loop. */
#include "verifier/channel.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/util.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rd.h"
#include "common/frame.h"

#define HEAD_LEN  4
#define ROOM_MIN  65536 /* bytes of the input buffer when it is small */
#define READS_MAX 8     /* reads in a row before others get their turn */

struct channel {
    int fd;
    size_t max;
    struct channel_events events;
    struct event *readable, *writable;
    struct event *flush; /* made active by hand: runs after everything that is ready now */
    bool flush_due;
    struct evbuffer *out;
    uint8_t *in;
    size_t in_len, in_room;
    bool busy; /* giving out frames: free later */
    bool freed;
    bool closed; /* events.closed was called */
};

static void destroy(struct channel *ch)
{
    if (ch->readable != NULL) {
        event_free(ch->readable);
    }
    if (ch->writable != NULL) {
        event_free(ch->writable);
    }
    if (ch->flush != NULL) {
        event_free(ch->flush);
    }
    if (ch->out != NULL) {
        evbuffer_free(ch->out);
    }
    if (ch->fd >= 0) {
        (void)close(ch->fd);
    }
    free(ch->in);
    free(ch);
}

void channel_free(struct channel *ch)
{
    if (ch == NULL) {
        return;
    }
    if (ch->busy) {
        ch->freed = true;
        return;
    }
    destroy(ch);
}

void channel_freep(struct channel **ch)
{
    channel_free(*ch);
    *ch = NULL;
}

/* Say so once; nothing is read or written any more. */
static void report_closed(struct channel *ch, enum att_err why)
{
    if (ch->closed) {
        return;
    }
    ch->closed = true;
    (void)event_del(ch->readable);
    (void)event_del(ch->writable);
    ch->events.closed(ch->events.ctx, ch, why);
}

/* Room for at least one byte more, and for need in all; small again when a large frame has gone. */
static enum att_err make_room(struct channel *ch, size_t need)
{
    size_t room = ch->in_room < ROOM_MIN ? ROOM_MIN : ch->in_room;
    uint8_t *p = NULL;

    while (room < need || room == ch->in_len) {
        room *= 2;
    }
    if (ch->in_len == 0 && room > ROOM_MIN && need <= ROOM_MIN) {
        room = ROOM_MIN;
    }
    if (room == ch->in_room) {
        return ATT_OK;
    }
    p = realloc(ch->in, room);
    if (p == NULL) {
        return ATT_E_NOMEM;
    }
    ch->in = p;
    ch->in_room = room;
    return ATT_OK;
}

/* The frame at the start of in, if it is whole. */
static bool next_frame(struct channel *ch, struct att_slice in, struct att_slice *body,
                       enum att_err *err)
{
    struct att_rd r = att_rd_slice(in);
    uint32_t len = 0;

    if (in.len < HEAD_LEN) {
        return false;
    }
    len = att_rd_u32be(&r);
    if (len > ch->max) {
        *err = ATT_E_LIMIT;
        return false;
    }
    if (att_rd_left(&r) < len) {
        return false;
    }
    *body = att_rd_bytes(&r, len);
    return true;
}

static enum att_err give_out(struct channel *ch)
{
    struct att_slice in = att_slice_of(ch->in, ch->in_len);
    struct att_slice body = {0};
    size_t used = 0;
    enum att_err err = ATT_OK;

    while (!ch->freed && next_frame(ch, in, &body, &err)) {
        used += HEAD_LEN + body.len;
        ch->events.frame(ch->events.ctx, ch, body);
        in = att_slice_of(ch->in + used, ch->in_len - used);
    }
    if (used > 0) {
        memmove(ch->in, ch->in + used, ch->in_len - used);
        ch->in_len -= used;
    }
    return err;
}

/* What one read found: nothing now, less than there was room for, or all of it. */
enum got { GOT_NOTHING, GOT_SOME, GOT_ALL };

static enum att_err read_some(struct channel *ch, enum got *got)
{
    size_t room = 0;
    ssize_t n = 0;
    enum att_err err = make_room(ch, ch->in_len + HEAD_LEN);

    *got = GOT_NOTHING;
    if (err != ATT_OK) {
        return err;
    }
    room = ch->in_room - ch->in_len;
    n = read(ch->fd, ch->in + ch->in_len, room);
    if (n == 0) {
        return ATT_E_NOT_FOUND;
    }
    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? ATT_OK : ATT_E_IO;
    }
    ch->in_len += (size_t)n;
    *got = (size_t)n == room ? GOT_ALL : GOT_SOME;
    return ATT_OK;
}

/* Read while reads give at least enough; true when the channel is still there and may have more. */
static bool read_round(struct channel *ch, enum got enough)
{
    enum att_err err = ATT_OK;
    enum got got = GOT_ALL;

    ch->busy = true;
    for (int i = 0; i < READS_MAX && got >= enough && err == ATT_OK && !ch->freed; i++) {
        err = read_some(ch, &got);
        if (err == ATT_OK) {
            err = give_out(ch);
        }
    }
    if (!ch->freed && ch->events.idle != NULL) {
        ch->events.idle(ch->events.ctx, ch);
    }
    if (!ch->freed && err != ATT_OK) {
        report_closed(ch, err);
    }
    ch->busy = false;
    if (ch->freed) {
        destroy(ch);
        return false;
    }
    return !ch->closed && got >= enough;
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)read_round(ctx, GOT_ALL);
}

void channel_drain(struct channel *ch)
{
    while (read_round(ch, GOT_SOME)) {
    }
}

enum att_err channel_flush(struct channel *ch)
{
    ch->flush_due = false;
    if (ch->closed || evbuffer_get_length(ch->out) == 0) {
        return ATT_OK;
    }
    if (evbuffer_write(ch->out, ch->fd) < 0 && errno != EAGAIN && errno != EINTR) {
        return ATT_E_IO;
    }
    if (evbuffer_get_length(ch->out) > 0 && event_add(ch->writable, NULL) != 0) {
        return ATT_E_IO;
    }
    return ATT_OK;
}

/* A failed write is reported by the read side too; whoever comes first. */
static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct channel *ch = ctx;
    enum att_err err = channel_flush(ch);

    (void)fd;
    (void)what;
    if (err != ATT_OK) {
        ch->busy = true;
        report_closed(ch, err);
        ch->busy = false;
        if (ch->freed) {
            destroy(ch);
        }
    }
}

enum att_err channel_new(struct channel **out, struct event_base *base, int fd, size_t max,
                         const struct channel_events *events)
{
    struct channel *ch = calloc(1, sizeof(*ch));

    if (ch == NULL) {
        (void)close(fd);
        return ATT_E_NOMEM;
    }
    ch->fd = fd;
    ch->max = max;
    ch->events = *events;
    ch->out = evbuffer_new();
    ch->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, ch);
    ch->writable = event_new(base, fd, EV_WRITE, on_writable, ch);
    ch->flush = event_new(base, -1, EV_PERSIST, on_writable, ch);
    if (ch->out == NULL || ch->readable == NULL || ch->writable == NULL || ch->flush == NULL) {
        destroy(ch);
        return ATT_E_NOMEM;
    }
    if (evutil_make_socket_nonblocking(fd) != 0 || event_add(ch->readable, NULL) != 0) {
        destroy(ch);
        return ATT_E_IO;
    }
    *out = ch;
    return ATT_OK;
}

enum att_err channel_send(struct channel *ch, const struct msg *m)
{
    struct evbuffer_iovec room = {0};
    size_t bound = HEAD_LEN + msg_size(m);
    struct att_wr head = {0};
    struct att_wr w = {0};
    enum att_err err = ATT_OK;

    if (bound > HEAD_LEN + (size_t)FRAME_MAX) {
        return ATT_E_LIMIT;
    }
    if (evbuffer_reserve_space(ch->out, (ev_ssize_t)bound, &room, 1) != 1) {
        return ATT_E_NOMEM;
    }
    head = att_wr_into(room.iov_base, HEAD_LEN);
    w = att_wr_into((uint8_t *)room.iov_base + HEAD_LEN, bound - HEAD_LEN);
    err = msg_encode(&w, m);
    if (err != ATT_OK) {
        return err;
    }
    att_wr_u32be(&head, (uint32_t)w.len);
    room.iov_len = HEAD_LEN + w.len;
    if (evbuffer_commit_space(ch->out, &room, 1) != 0) {
        return ATT_E_NOMEM;
    }
    if (!ch->flush_due) {
        ch->flush_due = true;
        event_active(ch->flush, EV_TIMEOUT, 0);
    }
    return ATT_OK;
}

size_t channel_queued(const struct channel *ch)
{
    return evbuffer_get_length(ch->out);
}

enum att_err channel_finish(struct channel *ch, int timeout_ms)
{
    while (channel_queued(ch) > 0) {
        struct pollfd p = {.fd = ch->fd, .events = POLLOUT};
        enum att_err err = channel_flush(ch);

        if (err != ATT_OK) {
            return err;
        }
        if (channel_queued(ch) > 0 && poll(&p, 1, timeout_ms) != 1) {
            return ATT_E_BUSY;
        }
    }
    return ATT_OK;
}
