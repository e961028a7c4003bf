#include "sensor/line.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/guard.h"
#include "sensor/frames.h"
#include "sensor/line_text.h"

#define BACKLOG       16
#define LIMIT_MAX_MS  60000
#define UNFINISHED_MS 5000
#define TURN_BYTES    16384 /* that one writer may give in one turn: then it is another one's */

struct key {
    char name[ATT_PROV_NAME];
    struct hw_frames frames;
};

struct client {
    int fd; /* -1: a free place */
    char line[HW_LINE_MAX];
    size_t len;
    int64_t since_ms; /* when the unfinished line began */
    bool held_up; /* its next line is whole, and its key has no room: it is not heard until then */
};

struct line {
    int fd;
    struct stat
        made; /* the socket in the file system: another one that took its place is not ours to remove */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int limit_ms, unfinished_ms;
    uid_t uids[HW_LINE_UIDS_MAX];
    size_t uid_count, key_count;
    struct key keys[HW_LINE_KEYS_MAX];
    struct client clients[HW_LINE_CLIENTS_MAX];
};

static struct key *find_key(struct line *l, struct att_slice name)
{
    for (size_t i = 0; i < l->key_count; i++)
        if (att_slice_eq(att_slice_str(l->keys[i].name), name))
            return &l->keys[i];
    return NULL;
}

/* The reason, or NULL for none, goes out if the writer's socket takes it; nobody waits. */
static void hang_up(struct client *c, const char *why)
{
    char text[128];
    int n = snprintf(text, sizeof text, "error: %s\n", why != NULL ? why : "");

    if (c->fd >= 0 && why != NULL && n > 0)
        (void)!send(c->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    att_closep(&c->fd);
    c->len = 0;
}

/* Returns what is wrong with the line, or NULL. */
static const char *take_line(struct line *l, struct att_slice line, bool *held_up)
{
    struct hw_line_text t;
    const char *why = hw_line_text_parse(&t, line);
    struct key *k = why == NULL ? find_key(l, t.key) : NULL;

    if (why != NULL)
        return why;
    if (k == NULL)
        return "no such key is configured";
    *held_up = !hw_frames_put(&k->frames, t.text);
    return NULL;
}

/* All whole lines of a writer; an unfinished one stays, and one for which there is no room yet. */
static const char *take_lines(struct line *l, struct client *c)
{
    const char *why = NULL;
    char *end = NULL;
    size_t at = 0;

    c->held_up = false;
    while (why == NULL && (end = memchr(c->line + at, '\n', c->len - at)) != NULL) {
        size_t len = (size_t)(end - c->line) - at;
        why = take_line(l, att_slice_of(c->line + at, len), &c->held_up);
        if (c->held_up)
            break;
        at += len + 1;
    }
    c->len -= at;
    memmove(c->line, c->line + at, c->len);
    if (at > 0)
        c->since_ms = att_clock_mono_ms();
    if (why == NULL && !c->held_up && c->len == sizeof c->line)
        why = "the line is too long";
    return why;
}

static void hear(struct line *l, struct client *c)
{
    const char *why = c->len > 0 ? take_lines(l, c) : NULL;

    for (size_t taken = 0; why == NULL && !c->held_up && taken < TURN_BYTES;) {
        ssize_t n = recv(c->fd, c->line + c->len, sizeof c->line - c->len, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            hang_up(c, NULL);
            return;
        }
        if (c->len == 0)
            c->since_ms = att_clock_mono_ms();
        c->len += (size_t)n;
        taken += (size_t)n;
        why = take_lines(l, c);
    }
    if (why != NULL)
        hang_up(c, why);
}

static bool may_write(const struct line *l, int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return false;
    for (size_t i = 0; i < l->uid_count; i++)
        if (l->uids[i] == peer.uid)
            return true;
    return false;
}

static void greet(struct line *l)
{
    struct client new = {.fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)};

    if (new.fd < 0)
        return;
    if (ATT_GUARD(LINE_PEER, !may_write(l, new.fd))) {
        hang_up(&new, "this user may not write here");
        return;
    }
    for (size_t i = 0; i < HW_LINE_CLIENTS_MAX; i++)
        if (l->clients[i].fd < 0) {
            l->clients[i] = new;
            return;
        }
    hang_up(&new, "too many writers");
}

static void drop_unfinished(struct line *l)
{
    int64_t now = att_clock_mono_ms();

    for (size_t i = 0; i < HW_LINE_CLIENTS_MAX; i++) {
        struct client *c = &l->clients[i];
        if (c->fd >= 0 && c->len > 0 && !c->held_up && now - c->since_ms > l->unfinished_ms)
            hang_up(c, "the line was not finished in time");
    }
}

/* Whoever was held up goes on where there is room again; what is left unfinished begins to count then. */
static void let_go_on(struct line *l)
{
    for (size_t i = 0; i < HW_LINE_CLIENTS_MAX; i++)
        if (l->clients[i].fd >= 0 && l->clients[i].held_up) {
            l->clients[i].since_ms = att_clock_mono_ms();
            hear(l, &l->clients[i]);
        }
}

/* One turn for everybody who has something to say; waits for that at most wait_ms. False: nobody had. */
static bool turn(struct line *l, int wait_ms)
{
    struct pollfd p[1 + HW_LINE_CLIENTS_MAX] = {{.fd = l->fd, .events = POLLIN}};

    for (size_t i = 0; i < HW_LINE_CLIENTS_MAX; i++)
        p[1 + i] =
            (struct pollfd){.fd = l->clients[i].held_up ? -1 : l->clients[i].fd, .events = POLLIN};
    if (poll(p, ATT_COUNT(p), wait_ms) <= 0)
        return false;
    for (size_t i = 0; i < HW_LINE_CLIENTS_MAX; i++)
        if (l->clients[i].fd >= 0 && p[1 + i].revents != 0)
            hear(l, &l->clients[i]);
    if (p[0].revents != 0)
        greet(l);
    return true;
}

/* Everything that was written, as far as there is room: each writer and greeting has a turn. */
static void take_in(struct line *l)
{
    let_go_on(l);
    for (int i = 0; i < 2 + HW_LINE_CLIENTS_MAX && turn(l, 0); i++)
        continue;
    drop_unfinished(l);
}

static size_t waiting(void *ctx, const struct att_channel_source *what)
{
    struct line *l = ctx;
    struct key *k = find_key(l, att_slice_str(what->name));

    if (k != NULL && k->frames.count == 0)
        take_in(l);
    return k != NULL ? k->frames.count : 0;
}

static enum att_err read_frame(void *ctx, const struct att_channel_source *what,
                               uint8_t frame[ATT_FRAME_MAX], size_t *len, struct att_diag *diag)
{
    struct line *l = ctx;
    struct key *k = find_key(l, att_slice_str(what->name));
    int64_t until = att_clock_mono_ms() + l->limit_ms, left = 0;

    if (what->bus != ATT_BUS_LINE || k == NULL)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "source",
                        "no such key is configured for this socket");
    if (waiting(ctx, what) == 0)
        while (k->frames.count == 0 && (left = until - att_clock_mono_ms()) > 0)
            (void)turn(l, (int)left);
    *len = hw_frames_take(&k->frames, frame);
    if (*len == 0)
        return att_fail(diag, ATT_E_BUSY, ATT_R_PRV_SOURCE, "source",
                        "no line with this key since it was read last");
    return ATT_OK;
}

static enum att_err describe(void *ctx, const struct att_channel_source *what, char *out,
                             size_t cap, struct att_diag *diag)
{
    (void)ctx, (void)what, (void)out, (void)cap;
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "identification",
                    "a line has no identity of a device");
}

static enum att_err write_frame(void *ctx, const struct att_channel_source *what,
                                const uint8_t *frame, size_t len, struct att_diag *diag)
{
    (void)ctx, (void)what, (void)frame, (void)len;
    return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_PRV_SOURCE, "source", "lines only come in");
}

static void close_source(void *ctx)
{
    struct line *l = ctx;
    struct stat st;

    for (size_t i = 0; i < HW_LINE_CLIENTS_MAX; i++)
        att_closep(&l->clients[i].fd);
    if (l->fd >= 0 && lstat(l->path, &st) == 0 && st.st_dev == l->made.st_dev &&
        st.st_ino == l->made.st_ino)
        unlink(l->path);
    att_closep(&l->fd);
    free(l);
}

static const struct att_source_ops ops = {.read = read_frame,
                                          .waiting = waiting,
                                          .describe = describe,
                                          .write = write_frame,
                                          .close = close_source};

/* A socket that a process left behind when it died is taken away; one that somebody listens at is not. */
static enum att_err make_way(const struct sockaddr_un *at, struct att_diag *diag)
{
    ATT_CLEANUP(att_closep) int fd = -1;
    struct stat st;

    if (lstat(at->sun_path, &st) != 0)
        return ATT_OK; /* bind says what is wrong, if anything is */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!S_ISSOCK(st.st_mode) || fd < 0 ||
        connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 || errno != ECONNREFUSED)
        return att_fail(diag, ATT_E_CONFLICT, ATT_R_PRV_SOURCE, "path",
                        "%.100s is there: another program listens, or it is no socket",
                        at->sun_path);
    unlink(at->sun_path);
    return ATT_OK;
}

static enum att_err listen_at(struct line *l, struct att_diag *diag)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    enum att_err err = ATT_OK;

    memcpy(at.sun_path, l->path, sizeof at.sun_path);
    err = make_way(&at, diag);
    if (err != ATT_OK)
        return err;
    ATT_CLEANUP(att_closep)
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || chmod(l->path, 0666) != 0 ||
        lstat(l->path, &l->made) != 0 || listen(fd, BACKLOG) != 0)
        return att_fail(diag, ATT_E_IO, ATT_R_PRV_SOURCE, "path", "%.100s: %s", l->path,
                        strerror(errno));
    l->fd = fd;
    fd = -1;
    return ATT_OK;
}

static bool keys_ok(const struct hw_line_options *o)
{
    for (size_t i = 0; i < o->key_count; i++)
        if (o->keys[i][0] == '\0' || strlen(o->keys[i]) >= ATT_PROV_NAME ||
            strpbrk(o->keys[i], " \n") != NULL)
            return false;
    return o->key_count >= 1 && o->key_count <= HW_LINE_KEYS_MAX;
}

static enum att_err options_check(const struct hw_line_options *o, struct att_diag *diag)
{
    if (o->path == NULL || o->path[0] == '\0' ||
        strlen(o->path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "path",
                        "expected a path of at most 107 bytes");
    if (!keys_ok(o))
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "keys",
                        "expected 1 to %d keys of 1 to %d bytes, without spaces", HW_LINE_KEYS_MAX,
                        ATT_PROV_NAME - 1);
    if (o->uid_count < 1 || o->uid_count > HW_LINE_UIDS_MAX)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "uids", "expected 1 to %d user ids",
                        HW_LINE_UIDS_MAX);
    if (o->limit_ms < 0 || o->limit_ms > LIMIT_MAX_MS)
        return att_fail(diag, ATT_E_CONFIG, ATT_R_PRV_SOURCE, "limit_ms",
                        "expected 0 to %d, found %d", LIMIT_MAX_MS, o->limit_ms);
    return ATT_OK;
}

static void fill(struct line *l, const struct hw_line_options *o)
{
    l->fd = -1;
    l->limit_ms = o->limit_ms;
    l->unfinished_ms = o->unfinished_ms > 0 ? o->unfinished_ms : UNFINISHED_MS;
    l->uid_count = o->uid_count;
    l->key_count = o->key_count;
    memcpy(l->path, o->path, strlen(o->path));
    memcpy(l->uids, o->uids, o->uid_count * sizeof l->uids[0]);
    for (size_t i = 0; i < o->key_count; i++)
        memcpy(l->keys[i].name, o->keys[i], strlen(o->keys[i]));
    for (size_t i = 0; i < HW_LINE_CLIENTS_MAX; i++)
        l->clients[i].fd = -1;
}

enum att_err hw_line_open(struct att_source *out, const struct hw_line_options *o,
                          struct att_diag *diag)
{
    enum att_err err = options_check(o, diag);
    struct line *l = err != ATT_OK ? NULL : calloc(1, sizeof *l);

    if (err != ATT_OK)
        return err;
    if (l == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "out of memory");
    fill(l, o);
    err = listen_at(l, diag);
    if (err != ATT_OK) {
        close_source(l);
        return err;
    }
    out->ops = &ops;
    out->ctx = l;
    return ATT_OK;
}
