/*
 * Frames that come over a channel are those that were sent, however they are cut; one that is too long ends it, and
 * nothing is given out after that. The first byte is the size of the pieces (times 64), the second says what the
 * receiver does: 1 frees the channel at its second frame, 2 frees it when it is closed, 4 answers each frame, 8
 * closes the peer before the answers are written, 16 drains without the loop, 32 asks for no word when nothing more
 * is here.
 */
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/frame.h"
#include "fuzz.h"
#include "verifier/channel.h"

#define STREAM_MAX 32768
#define LIMIT      1024

enum { FREE_AT_FRAME = 1, FREE_AT_END = 2, ANSWER = 4, DEAF = 8, DRAIN = 16, NO_IDLE = 32 };

struct receiver {
    struct channel *ch; /* NULL: freed */
    struct att_slice sent;
    size_t frames, at; /* frames that came, and how far they reach in what was sent */
    unsigned int mode, idle, closed;
    enum att_err why;
};

static void drop(struct receiver *r)
{
    channel_freep(&r->ch);
}

static void on_frame(void *ctx, struct channel *ch, struct att_slice body)
{
    const struct msg answer = {.kind = MSG_STATUS, .id = 7, .number = 1};
    struct receiver *r = ctx;

    HOLDS(ch == r->ch && r->closed == 0 && body.len <= LIMIT);
    HOLDS(body.len + 4 <= r->sent.len - r->at);
    HOLDS(att_slice_eq(body, att_slice_of(r->sent.p + r->at + 4, body.len)));
    r->at += 4 + body.len;
    r->frames++;
    if ((r->mode & ANSWER) != 0) {
        size_t before = channel_queued(ch);

        HOLDS(channel_send(ch, &answer) == ATT_OK && channel_queued(ch) > before);
    }
    if ((r->mode & FREE_AT_FRAME) != 0 && r->frames == 2) {
        drop(r);
    }
}

static void on_idle(void *ctx, struct channel *ch)
{
    struct receiver *r = ctx;

    HOLDS(ch == r->ch);
    r->idle++;
}

static void on_closed(void *ctx, struct channel *ch, enum att_err why)
{
    struct receiver *r = ctx;

    HOLDS(ch == r->ch && r->closed == 0);
    r->closed++;
    r->why = why;
    if ((r->mode & FREE_AT_END) != 0) {
        drop(r);
    }
}

/* The bytes that whole frames take before the first that is cut or too long. */
static size_t whole_frames(struct att_slice in, bool *too_long)
{
    size_t at = 0;

    *too_long = false;
    while (in.len - at >= 4) {
        const uint8_t *p = in.p + at;
        size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

        *too_long = len > LIMIT;
        if (*too_long || len > in.len - at - 4) {
            break;
        }
        at += 4 + len;
    }
    return at;
}

static void turn(struct event_base *base, struct receiver *r)
{
    if ((r->mode & DRAIN) != 0 && r->ch != NULL && r->closed == 0) {
        channel_drain(r->ch);
    }
    HOLDS(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
}

static void deliver(struct event_base *base, struct receiver *r, int fd, size_t piece)
{
    for (size_t at = 0; at < r->sent.len && r->ch != NULL && r->closed == 0; at += piece) {
        size_t n = r->sent.len - at < piece ? r->sent.len - at : piece;

        HOLDS(write(fd, r->sent.p + at, n) == (ssize_t)n);
        turn(base, r);
    }
}

/* Answers are written while somebody listens, and their loss is told. */
static void finish(struct event_base *base, struct receiver *r, int *fd)
{
    const struct msg late = {.kind = MSG_STATUS, .id = 8};
    const struct msg huge = {.kind = MSG_ENROL_CHECK,
                             .body = att_slice_of(r->sent.p, (size_t)FRAME_MAX + 1)};
    const struct msg none = {.kind = (enum msg_kind)0};

    if ((r->mode & DEAF) != 0 && r->ch != NULL && r->closed == 0) {
        HOLDS(channel_send(r->ch, &huge) == ATT_E_LIMIT);
        HOLDS(channel_send(r->ch, &none) == ATT_E_INTERNAL);
        HOLDS(channel_send(r->ch, &late) == ATT_OK);
        HOLDS((r->frames % 2 == 0 ? shutdown(*fd, SHUT_RDWR) : close(*fd)) == 0);
        if (r->frames % 2 != 0) {
            *fd = -1;
            HOLDS(channel_finish(r->ch, 0) == ATT_E_IO);
        }
    } else if (r->ch != NULL && r->closed == 0) {
        enum att_err err = channel_finish(r->ch, 0);

        HOLDS(channel_queued(r->ch) == 0 ? err == ATT_OK : err == ATT_E_BUSY);
        HOLDS(err != ATT_OK || channel_flush(r->ch) == ATT_OK);
        HOLDS(shutdown(*fd, SHUT_WR) == 0);
    }
    for (int i = 0; i < 4; i++) {
        turn(base, r);
    }
    if (r->ch != NULL) {
        channel_drain(r->ch); /* what is closed stays so, and says it no second time */
    }
}

/* Answers that nobody reads wait, and are written when somebody does. */
static void slow_peer(struct event_base *base)
{
    static const uint8_t body[60000];
    static uint8_t sink[1 << 20];
    const struct channel_events events = {.frame = on_frame, .closed = on_closed};
    const struct msg m = {.kind = MSG_ENROL_CHECK, .body = att_slice_of(body, sizeof(body))};
    struct channel *ch = NULL;
    size_t total = 0;
    int fd[2];

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    HOLDS(channel_new(&ch, base, fd[0], LIMIT, &events) == ATT_OK);
    for (int i = 0; i < 8; i++) {
        HOLDS(channel_send(ch, &m) == ATT_OK);
    }
    HOLDS(channel_finish(ch, 0) == ATT_E_BUSY);
    for (int i = 0; i < 64 && channel_queued(ch) > 0; i++) {
        ssize_t n = recv(fd[1], sink, sizeof(sink), MSG_DONTWAIT);

        total += n > 0 ? (size_t)n : 0;
        HOLDS(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
    }
    HOLDS(channel_queued(ch) == 0 && total > 0);
    channel_free(ch);
    HOLDS(close(fd[1]) == 0);
}

static void count_bytes(void *ctx, struct channel *ch, struct att_slice body)
{
    (void)ch;
    *(size_t *)ctx += body.len;
}

/* The room for a large frame comes with it and goes again. */
static void large_frame(struct event_base *base)
{
    static uint8_t frame[4 + (1 << 18)] = {0x00, 0x04, 0x00, 0x00};
    size_t got = 0;
    const struct channel_events events = {.frame = count_bytes, .ctx = &got};
    struct channel *ch = NULL;
    int fd[2];

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    HOLDS(channel_new(&ch, base, fd[0], sizeof(frame), &events) == ATT_OK);
    for (size_t at = 0; at < sizeof(frame);) {
        ssize_t n = send(fd[1], frame + at, sizeof(frame) - at, MSG_DONTWAIT);

        at += n > 0 ? (size_t)n : 0;
        channel_drain(ch);
    }
    HOLDS(write(fd[1], "\0\0\0\1x", 5) == 5);
    channel_drain(ch);
    HOLDS(got == (1 << 18) + 1);
    channel_free(ch);
    HOLDS(close(fd[1]) == 0);
}

static void judge(const struct receiver *r)
{
    bool too_long = false;
    size_t whole = whole_frames(r->sent, &too_long);
    bool freed_early = (r->mode & FREE_AT_FRAME) != 0 && r->frames == 2;

    HOLDS(freed_early ? r->at <= whole : r->at == whole);
    HOLDS(freed_early || r->closed == 1);
    HOLDS((r->mode & NO_IDLE) == 0 || r->idle == 0);
    HOLDS(freed_early || !too_long || r->why == ATT_E_LIMIT);
    HOLDS(r->closed == 0 || too_long || r->why == ATT_E_NOT_FOUND || r->why == ATT_E_IO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event_base *base;
    struct receiver r = {.why = ATT_OK};
    struct channel_events events = {.frame = on_frame, .closed = on_closed, .ctx = &r};
    int fd[2];

    if (size < 2 || size > STREAM_MAX) {
        return 0;
    }
    if (base == NULL) {
        HOLDS(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        base = event_base_new();
        HOLDS(base != NULL && channel_new(&r.ch, base, -1, LIMIT, &events) == ATT_E_IO);
        channel_free(NULL);
        slow_peer(base);
        large_frame(base);
    }
    r.mode = data[1];
    r.sent = att_slice_of(data + 2, size - 2);
    events.idle = (r.mode & NO_IDLE) != 0 ? NULL : on_idle;
    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    HOLDS(channel_new(&r.ch, base, fd[0], LIMIT, &events) == ATT_OK);
    deliver(base, &r, fd[1], data[0] == 0 ? STREAM_MAX : (size_t)data[0] * 64);
    finish(base, &r, &fd[1]);
    judge(&r);
    channel_free(r.ch);
    HOLDS(fd[1] < 0 || close(fd[1]) == 0);
    return 0;
}
