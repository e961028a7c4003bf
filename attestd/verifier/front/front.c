/* The front process: wiring, listeners, and an orderly end. */
#include "verifier/front/front.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/frame.h"
#include "common/log.h"
#include "verifier/exit.h"

#define RESERVED_FDS   24 /* everything that is no client connection */
#define DRAIN_SECONDS  5
#define EVHTTP_EXTRA_S 30 /* evhttp's own time-out comes after all of ours */

void front_stop(struct front *f, int status)
{
    f->status = status;
    (void)event_base_loopbreak(f->base);
}

void front_drained(struct front *f)
{
    if (f->draining && f->conn_count == 0 && f->exchange_count == 0) {
        (void)event_base_loopbreak(f->base);
    }
}

static void on_drain_end(evutil_socket_t fd, short what, void *ctx)
{
    struct front *f = ctx;

    (void)fd;
    (void)what;
    log_line(LOG_LEVEL_INFO, "stop.cut", "connections=%zu requests=%zu", f->conn_count,
             f->exchange_count);
    (void)event_base_loopbreak(f->base);
}

static void on_second(evutil_socket_t fd, short what, void *ctx)
{
    const struct front *f = ctx;

    (void)fd;
    (void)what;
    beat_now(f->wiring->beat);
}

/* Nobody new; who waits for an answer gets it. */
static void on_term(evutil_socket_t sig, short what, void *ctx)
{
    struct front *f = ctx;
    const struct timeval limit = {.tv_sec = DRAIN_SECONDS};
    struct conn *c = NULL;

    (void)sig;
    (void)what;
    if (f->draining) {
        return;
    }
    f->draining = true;
    for (size_t i = 0; i < LISTENER__COUNT; i++) {
        if (f->point[i].listener != NULL) {
            (void)evconnlistener_disable(f->point[i].listener);
        }
    }
    TAILQ_FOREACH(c, &f->conns, link)
    {
        if (c->phase != CONN_ANSWERING) {
            conn_shut(c);
        }
    }
    (void)event_add(f->drain_timer, &limit);
    front_drained(f);
}

static void keeper_closed(void *ctx, struct channel *ch, enum att_err why)
{
    struct front *f = ctx;

    (void)ch;
    if (!f->draining) {
        log_line(LOG_LEVEL_ERROR, "keeper.gone", "why=%s", att_err_name(why));
    }
    front_stop(f, f->draining ? 0 : 70);
}

/* A process that runs out of descriptors spins in accept: so the cap follows what there is. */
static size_t connection_cap(size_t wanted)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0) {
        return wanted;
    }
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= wanted + RESERVED_FDS) {
        return wanted;
    }
    return r.rlim_cur > RESERVED_FDS + 1 ? (size_t)r.rlim_cur - RESERVED_FDS : 1;
}

static bool point_open(struct front *f, enum route_listener kind, int fd)
{
    struct service_point *p = &f->point[kind];
    const struct config_limits *l = &f->cfg->limits;
    size_t body = l->body > l->enrol_body ? l->body : l->enrol_body;

    p->front = f;
    p->kind = kind;
    if (fd < 0) {
        return true;
    }
    p->http = evhttp_new(f->base);
    p->listener = evconnlistener_new(f->base, NULL, NULL,
                                     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (p->http == NULL || p->listener == NULL) {
        return false;
    }
    if (kind == LISTENER_GATEWAY) {
        evhttp_set_bevcb(p->http, conn_new, p);
    }
    evhttp_set_gencb(p->http, conn_request, p);
    evhttp_set_allowed_methods(p->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
    evhttp_set_max_headers_size(p->http, SCAN_HEAD_MAX);
    evhttp_set_max_body_size(p->http, (ev_ssize_t)body);
    evhttp_set_default_content_type(p->http, NULL);
    evhttp_set_timeout(p->http,
                       (int)((l->request_deadline_ms + l->idle_ms) / 1000) + EVHTTP_EXTRA_S);
    return evhttp_bind_listener(p->http, p->listener) != NULL &&
           evconnlistener_enable(p->listener) == 0;
}

static bool open_links(struct front *f)
{
    const struct channel_events events = {
        .frame = exchange_keeper_frame, .closed = keeper_closed, .ctx = f};

    return judge_open(f) == ATT_OK &&
           channel_new(&f->keeper, f->base, f->wiring->keeper_fd, FRAME_MAX, &events) == ATT_OK;
}

/* evhttp switches reading and writing on and off for each request: the kernel is told of the sum. */
static struct event_base *base_new(void)
{
    struct event_config *c = event_config_new();
    struct event_base *base = NULL;

    if (c == NULL) {
        return NULL;
    }
    if (event_config_set_flag(c, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0) {
        base = event_base_new_with_config(c);
    }
    event_config_free(c);
    return base;
}

static bool open_all(struct front *f)
{
    static const struct timeval second = {.tv_sec = 1};
    const struct tls_server_files files = {.cert = f->cfg->tls.cert,
                                           .key = f->cfg->tls.key,
                                           .client_ca = f->cfg->device_ca.cert,
                                           .ticket_key = f->wiring->ticket_key};
    struct att_diag diag = {0};

    if (tls_server_new(&f->tls, &files, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "tls.setup", &diag);
        return false;
    }
    f->base = base_new();
    if (f->base == NULL || !open_links(f)) {
        return false;
    }
    f->on_term = evsignal_new(f->base, SIGTERM, on_term, f);
    f->drain_timer = event_new(f->base, -1, 0, on_drain_end, f);
    f->each_second = event_new(f->base, -1, EV_PERSIST, on_second, f);
    if (f->on_term == NULL || f->drain_timer == NULL || f->each_second == NULL ||
        event_add(f->on_term, NULL) != 0 || event_add(f->each_second, &second) != 0) {
        return false;
    }
    return point_open(f, LISTENER_OPERATOR, f->wiring->operator_fd) &&
           point_open(f, LISTENER_ADMIN, f->wiring->admin_fd) &&
           point_open(f, LISTENER_GATEWAY, f->wiring->listen_fd);
}

static void free_event(struct event *e)
{
    if (e != NULL) {
        event_free(e);
    }
}

static void close_all(struct front *f)
{
    for (size_t i = 0; i < LISTENER__COUNT; i++) {
        f->point[i].listener = NULL;
        if (f->point[i].http != NULL) {
            evhttp_free(f->point[i].http);
        }
    }
    if (f->base != NULL) {
        /* Freed bufferevents end in the loop, and their connections with them. */
        (void)event_base_loop(f->base, EVLOOP_NONBLOCK);
        judge_close(f);
        channel_free(f->keeper);
        free_event(f->on_term);
        free_event(f->drain_timer);
        free_event(f->each_second);
        event_base_free(f->base);
    }
    tls_server_free(f->tls);
    conn_peers_free(f);
    contexts_free(&f->contexts);
    free(f->slot);
}

static void on_library_log(int severity, const char *text)
{
    char shown[LOG_TEXT_MAX];

    if (severity >= EVENT_LOG_WARN) {
        log_line(LOG_LEVEL_WARNING, "libevent", "text=%s", log_text(shown, text, strlen(text)));
    }
}

int front_main(const struct config *cfg, const struct front_wiring *wiring)
{
    static struct front front; /* large; one a process */
    struct front *f = &front;
    int ready_fd = wiring->ready_fd;

    log_open("front", LOG_LEVEL_INFO);
    event_set_log_callback(on_library_log);
    *f = (struct front){.cfg = cfg, .wiring = wiring, .count = &wiring->counters[wiring->index]};
    f->conn_cap = connection_cap(cfg->limits.connections);
    TAILQ_INIT(&f->conns);
    contexts_init(&f->contexts);
    if (!open_all(f)) {
        log_line(LOG_LEVEL_ERROR, "front.setup", NULL);
        close_all(f);
        return EXIT_INTERNAL;
    }
    process_ready(&ready_fd);
    (void)event_base_dispatch(f->base);
    close_all(f);
    return f->status;
}
