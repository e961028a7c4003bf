/*
 * Each connection is read up to the end of one request, which common/scan.h judges byte by byte, is answered and
 * closed. Nobody can hold a place longer than the deadline, and who comes when all are taken waits in the backlog.
 */
#include "witness/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define PLACES      32
#define DEADLINE_MS 10000 /* from the first byte to the last of the answer */
#define CHUNK       16384

struct connection {
    int fd; /* -1: free */
    int64_t deadline_ms;
    struct scan scan;
    bool in_body;
    struct att_buf *body;
};

struct server {
    const struct serve_port *port;
    struct connection place[PLACES];
};

static void drop(struct connection *c)
{
    (void)close(c->fd);
    att_buf_freep(&c->body);
    c->fd = -1;
}

static const char *phrase(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 422:
        return "Unprocessable Content";
    case 503:
        return "Service Unavailable";
    default:
        return status < 500 ? "Bad Request" : "Internal Server Error";
    }
}

/* The rest of the deadline is the peer's to take it in. */
static void send_all(const struct connection *c, const char *p, size_t len)
{
    while (len > 0) {
        struct pollfd ready = {.fd = c->fd, .events = POLLOUT};
        int64_t left = c->deadline_ms - att_clock_mono_ms();
        ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (errno != EAGAIN || left <= 0 || poll(&ready, 1, (int)left) <= 0) {
            return;
        }
    }
}

static void reply(struct connection *c, const struct serve_answer *a)
{
    struct att_slice body = a->body != NULL ? att_buf_slice(a->body) : (struct att_slice){0};
    char head[256];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     a->status, phrase(a->status),
                     a->type != NULL ? a->type : "text/plain; charset=utf-8", body.len);

    send_all(c, head, (size_t)n);
    send_all(c, (const char *)body.p, body.len);
}

static void refuse(struct connection *c, int status)
{
    reply(c, &(struct serve_answer){.status = status});
    drop(c);
}

static void finish(const struct server *s, struct connection *c)
{
    struct serve_answer a = {.status = 500};

    s->port->answer(s->port->ctx, &c->scan.req,
                    c->body != NULL ? att_buf_slice(c->body) : (struct att_slice){0}, &a);
    reply(c, &a);
    att_buf_free(a.body);
    drop(c);
}

/* The head is complete: is the body wanted? */
static bool begin_body(const struct server *s, struct connection *c)
{
    if (c->scan.req.length > s->port->body_max) {
        refuse(c, 413);
        return false;
    }
    if (att_buf_new(&c->body, s->port->body_max) != ATT_OK) {
        refuse(c, 503);
        return false;
    }
    c->in_body = true;
    return true;
}

/* True while the connection is there. */
static bool take(const struct server *s, struct connection *c, struct att_slice in)
{
    for (;;) {
        enum scan_event event;
        size_t used = scan_feed(&c->scan, in, &event);

        if (c->in_body && att_buf_add(c->body, in.p, used) != ATT_OK) {
            refuse(c, 503);
            return false;
        }
        in = att_slice_of(in.p + used, in.len - used);
        if (event == SCAN_BAD) {
            refuse(c, c->scan.status);
            return false;
        }
        if (event == SCAN_DONE) {
            finish(s, c);
            return false;
        }
        if (event == SCAN_MORE) {
            return true;
        }
        if (!begin_body(s, c)) {
            return false;
        }
    }
}

static void on_readable(const struct server *s, struct connection *c)
{
    uint8_t chunk[CHUNK];
    ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        drop(c);
        return;
    }
    (void)take(s, c, att_slice_of(chunk, (size_t)n));
}

static void on_connection(struct server *s, int fd)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct connection *c = &s->place[i];

        if (c->fd >= 0) {
            continue;
        }
        c->fd = accept(fd, NULL, NULL);
        if (c->fd < 0) {
            return;
        }
        c->deadline_ms = att_clock_mono_ms() + DEADLINE_MS;
        c->in_body = false;
        scan_init(&c->scan, false);
    }
}

/* Those whose time is over go; returns how many milliseconds the next has, or -1 for no connection. */
static int sweep(struct server *s)
{
    int64_t now = att_clock_mono_ms();
    int64_t next = -1;

    for (size_t i = 0; i < PLACES; i++) {
        struct connection *c = &s->place[i];
        int64_t left = c->deadline_ms - now;

        if (c->fd < 0) {
            continue;
        }
        if (left <= 0) {
            drop(c);
        } else if (next < 0 || left < next) {
            next = left;
        }
    }
    return (int)next;
}

/* The last is the listener, and is looked at only while there is a place. */
static void watch(struct pollfd watched[PLACES + 1], const struct server *s, int fd)
{
    bool any_free = false;

    for (size_t i = 0; i < PLACES; i++) {
        watched[i] = (struct pollfd){.fd = s->place[i].fd, .events = POLLIN};
        any_free = any_free || s->place[i].fd < 0;
    }
    watched[PLACES] = (struct pollfd){.fd = any_free ? fd : -1, .events = POLLIN};
}

static void serve_ready(struct server *s, const struct pollfd watched[PLACES + 1])
{
    for (size_t i = 0; i < PLACES; i++) {
        if (watched[i].fd >= 0 && watched[i].revents != 0) {
            on_readable(s, &s->place[i]);
        }
    }
    if (watched[PLACES].revents != 0) {
        on_connection(s, watched[PLACES].fd);
    }
}

enum att_err serve_run(int fd, const struct serve_port *port, const volatile sig_atomic_t *stop,
                       const sigset_t *waiting, struct att_diag *diag)
{
    struct server s = {.port = port};
    struct pollfd watched[PLACES + 1];
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < PLACES; i++) {
        s.place[i].fd = -1;
    }
    while (!*stop && err == ATT_OK) {
        int left = sweep(&s);
        struct timespec until = {.tv_sec = left / 1000, .tv_nsec = (long)(left % 1000) * 1000000};
        int ready = 0;

        watch(watched, &s, fd);
        ready = ppoll(watched, PLACES + 1, left < 0 ? NULL : &until, waiting);
        if (ready > 0) {
            serve_ready(&s, watched);
        } else if (ready < 0 && errno != EINTR) {
            err = att_fail(diag, ATT_E_IO, ATT_R_INTERNAL, "--listen", "%s", strerror(errno));
        }
    }
    for (size_t i = 0; i < PLACES; i++) {
        if (s.place[i].fd >= 0) {
            drop(&s.place[i]);
        }
    }
    return err;
}
