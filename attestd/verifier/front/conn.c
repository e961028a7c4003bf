/* Connections: caps when they come, deadlines while they stay, and nothing left when they go. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/guard.h"
#include "common/log.h"
#include "verifier/front/front.h"

#define ANSWER_MS  30000 /* a question to keeper or appraiser; then 503 */
#define CLOSING_MS 1000  /* last words may be read that long */

static const struct timeval now_tv = {0, 0};

static void arm(struct conn *c, int64_t ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    const struct timeval *common = event_base_init_common_timeout(c->point->front->base, &tv);

    if (event_add(c->timer, common == NULL ? &tv : common) != 0) {
        conn_shut(c);
    }
}

static void enter(struct conn *c, enum conn_phase phase)
{
    const struct config_limits *l = &c->point->front->cfg->limits;

    c->phase = phase;
    switch (phase) {
    case CONN_READING:
        arm(c, l->request_deadline_ms);
        return;
    case CONN_ANSWERING:
        arm(c, ANSWER_MS);
        return;
    case CONN_IDLE:
        arm(c, l->idle_ms);
        return;
    case CONN_CLOSING:
        arm(c, CLOSING_MS);
        return;
    }
}

void conn_shut(struct conn *c)
{
    int fd = bufferevent_getfd(c->bev);

    if (c->phase == CONN_IDLE && c->ssl != NULL) {
        tls_session_bye(c->ssl);
    }
    c->phase = CONN_CLOSING;
    if (fd >= 0) {
        (void)shutdown(fd, SHUT_RDWR);
    }
    /* evhttp lets the connection go when it reads the end of it. */
    (void)bufferevent_enable(c->bev, EV_READ);
}

void conn_last_words(struct conn *c, struct att_slice text)
{
    int fd = bufferevent_getfd(c->bev);

    (void)bufferevent_disable(c->bev, EV_READ);
    tls_session_last_words(c->ssl, text);
    if (fd >= 0) {
        (void)shutdown(fd, SHUT_WR);
    }
}

static void release_body(struct conn *c)
{
    c->point->front->inflight -= c->reserved;
    COUNT_SUB(c->point->front->count, body_bytes_reserved, c->reserved);
    c->reserved = 0;
}

/* IPv4 as it is, IPv6 by network: who has one address of a /64 has them all. */
static bool peer_address(uint8_t out[16], int fd)
{
    struct sockaddr_storage s;
    socklen_t len = sizeof(s);

    memset(out, 0, 16);
    if (getpeername(fd, (struct sockaddr *)&s, &len) != 0) {
        return false;
    }
    if (s.ss_family == AF_INET) {
        memcpy(out + 12, &((const struct sockaddr_in *)(const void *)&s)->sin_addr, 4);
    }
    if (s.ss_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)(const void *)&s)->sin6_addr, 8);
    }
    return true;
}

static struct peer_bucket *bucket_of(struct front *f, const uint8_t address[16])
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < 16; i++) {
        h = (h ^ address[i]) * 16777619U;
    }
    return &f->peers[h % PEER_BUCKETS];
}

/* The counter of an address, one higher; NULL when memory ran out. */
static struct peer *peer_join(struct front *f, const uint8_t address[16])
{
    struct peer_bucket *bucket = bucket_of(f, address);
    struct peer *p = NULL;

    LIST_FOREACH(p, bucket, link)
    {
        if (memcmp(p->address, address, 16) == 0) {
            p->count++;
            return p;
        }
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    memcpy(p->address, address, 16);
    p->count = 1;
    LIST_INSERT_HEAD(bucket, p, link);
    return p;
}

static void peer_leave(struct peer *p)
{
    if (p != NULL && --p->count == 0) {
        LIST_REMOVE(p, link);
        free(p);
    }
}

/* At the cap nobody is accepted; the kernel holds a few more until somebody goes. */
static void pause_at_cap(struct front *f)
{
    bool full = f->conn_count >= f->conn_cap;
    struct evconnlistener *l = f->point[LISTENER_GATEWAY].listener;

    if (full == f->paused || l == NULL || f->draining) {
        return;
    }
    f->paused = full;
    if (full) {
        log_line(LOG_LEVEL_WARNING, "connections.full", "count=%zu", f->conn_count);
        (void)evconnlistener_disable(l);
    } else {
        (void)evconnlistener_enable(l);
    }
}

/* The bufferevent has been freed, by whomever. */
static void conn_gone(void *ctx)
{
    struct conn *c = ctx;
    struct front *f = c->point->front;

    if (c->ex != NULL) {
        exchange_lost(c->ex);
    }
    release_body(c);
    event_free(c->timer);
    event_free(c->admit);
    peer_leave(c->peer);
    TAILQ_REMOVE(&f->conns, c, link);
    f->conn_count--;
    COUNT_SUB(f->count, connections_open, 1);
    free(c);
    pause_at_cap(f);
    front_drained(f);
}

/* The accept is through and the descriptor known: is there room for this peer? */
static void on_admit(evutil_socket_t fd, short what, void *ctx)
{
    struct conn *c = ctx;
    struct front *f = c->point->front;
    uint8_t address[16];

    (void)fd;
    (void)what;
    if (!peer_address(address, bufferevent_getfd(c->bev))) {
        conn_shut(c);
        return;
    }
    c->peer = peer_join(f, address);
    if (c->peer == NULL || c->peer->count > f->cfg->limits.connections_per_peer) {
        COUNT_ADD(f->count, connections_refused, 1);
        conn_shut(c);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct conn *c = ctx;

    (void)fd;
    (void)what;
    switch (c->phase) {
    case CONN_ANSWERING:
        if (c->ex != NULL) {
            exchange_timed_out(c->ex);
            return;
        }
        break; /* the answer is not taken */
    case CONN_READING:
        if (!ATT_GUARD(HTTP_DEADLINE, true))
            return;
        COUNT_ADD(c->point->front->count, deadlines_missed, 1);
        if (!scan_idle(&c->scan)) {
            c->refuse_status = 408;
            (void)att_fail(&c->refuse_why, ATT_E_STALE, ATT_R_HTTP_DEADLINE, "request",
                           "the whole request must arrive in time");
            answer_last_words(c);
        }
        break;
    case CONN_IDLE:
    case CONN_CLOSING:
        break;
    }
    conn_shut(c);
}

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *ctx)
{
    struct conn *c = ctx;

    if (info->n_added == 0) {
        return;
    }
    if (c->phase == CONN_IDLE) {
        enter(c, CONN_READING);
    }
    if (c->phase != CONN_CLOSING) {
        gate_feed(c, info->n_added);
        if (c->phase == CONN_CLOSING) {
            arm(c, CLOSING_MS);
        }
    }
    if (c->phase == CONN_CLOSING) {
        /* evhttp need not see what was refused. */
        (void)evbuffer_drain(buffer, evbuffer_get_length(buffer));
    }
}

static struct bufferevent *tls_new(struct event_base *base, struct conn *c)
{
    struct ssl_st *ssl = tls_session_new(c->point->front->tls, conn_gone, c);
    struct bufferevent *bev = NULL;

    if (ssl == NULL) {
        conn_gone(c);
        return NULL;
    }
    bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                         BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        tls_session_free(ssl); /* conn_gone follows */
        return NULL;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    c->ssl = ssl;
    return bev;
}

static struct conn *conn_alloc(struct event_base *base, struct service_point *point)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        return NULL;
    }
    c->point = point;
    c->timer = event_new(base, -1, 0, on_timer, c);
    c->admit = event_new(base, -1, 0, on_admit, c);
    if (c->timer == NULL || c->admit == NULL) {
        if (c->timer != NULL) {
            event_free(c->timer);
        }
        free(c);
        return NULL;
    }
    scan_init(&c->scan, point->kind != LISTENER_GATEWAY);
    return c;
}

static void conn_enlist(struct conn *c)
{
    struct front *f = c->point->front;

    TAILQ_INSERT_TAIL(&f->conns, c, link);
    f->conn_count++;
    COUNT_ADD(f->count, connections_open, 1);
}

/* NULL makes evhttp use a plain bufferevent of its own; conn_request drops what comes over it. */
struct bufferevent *conn_new(struct event_base *base, void *ctx)
{
    struct service_point *point = ctx;
    struct front *f = point->front;
    struct conn *c = conn_alloc(base, point);
    struct bufferevent *bev = NULL;

    if (c == NULL) {
        return NULL;
    }
    conn_enlist(c);
    COUNT_ADD(f->count, connections_accepted, 1);
    bev = tls_new(base, c);
    if (bev == NULL) {
        return NULL;
    }
    c->bev = bev;
    if (evbuffer_add_cb(bufferevent_get_input(bev), on_input, c) == NULL) {
        bufferevent_free(bev); /* conn_gone follows */
        return NULL;
    }
    enter(c, CONN_READING);
    (void)event_add(c->admit, &now_tv);
    pause_at_cap(f);
    return bev;
}

/*
 * Without TLS, at the operator's and the administrator's address, a connection is known for one request
 * only, and what is judged is what evhttp understood.
 */
static struct conn *plain_conn(struct service_point *point, struct evhttp_request *req,
                               struct bufferevent *bev)
{
    struct conn *c = bev == NULL ? NULL : conn_alloc(point->front->base, point);

    if (c == NULL) {
        return NULL;
    }
    c->bev = bev;
    c->passing = true;
    conn_enlist(c);
    gate_parsed(c, req);
    return c;
}

static struct conn *conn_of(struct service_point *point, struct evhttp_request *req)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));

    if (point->kind != LISTENER_GATEWAY) {
        return plain_conn(point, req, bev);
    }
    return bev == NULL ? NULL : tls_session_ctx(bufferevent_openssl_get_ssl(bev));
}

/* evhttp is about to free the connection, with or without the request that we hold. */
static void on_close(struct evhttp_connection *evcon, void *ctx)
{
    struct conn *c = ctx;

    (void)evcon;
    if (c->ex != NULL) {
        struct evhttp_request *req = c->ex->req;

        exchange_lost(c->ex);
        c->ex = NULL;
        if (req != NULL && evhttp_request_get_connection(req) == NULL) {
            evhttp_request_free(req); /* evhttp left it to us */
        }
    }
    c->phase = CONN_CLOSING;
    if (c->passing) {
        conn_gone(c);
    }
}

static bool ends_with(struct evhttp_request *req)
{
    const char *v = evhttp_find_header(evhttp_request_get_output_headers(req), "Connection");

    return v != NULL && strcmp(v, "close") == 0;
}

/* The answer is out; evhttp goes on to the next request on this connection. */
static void on_complete(struct evhttp_request *req, void *ctx)
{
    struct conn *c = ctx;
    size_t waiting = c->unscanned;

    if (c->passing) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(req), NULL, NULL);
        conn_gone(c);
        return;
    }
    release_body(c);
    if (ends_with(req)) {
        tls_session_bye(c->ssl);
        c->phase = CONN_CLOSING;
    }
    if (c->phase == CONN_CLOSING) {
        return;
    }
    c->refuse_status = 0;
    c->unscanned = 0;
    scan_next(&c->scan);
    enter(c, waiting > 0 ? CONN_READING : CONN_IDLE);
    if (waiting > 0) {
        gate_feed(c, waiting);
    }
}

/* A request that nobody answers for must still be given back to evhttp. */
static void drop(struct conn *c, struct evhttp_request *req)
{
    if (c != NULL) {
        conn_shut(c);
    }
    (void)evhttp_add_header(evhttp_request_get_output_headers(req), "Connection", "close");
    evhttp_send_reply(req, 400, "Bad Request", NULL);
}

void conn_request(struct evhttp_request *req, void *ctx)
{
    struct service_point *point = ctx;
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);
    struct conn *c = conn_of(point, req);

    if (c == NULL || c->phase == CONN_CLOSING) {
        drop(c, req);
        return;
    }
    evhttp_connection_set_closecb(evcon, on_close, c);
    evhttp_request_set_on_complete_cb(req, on_complete, c);
    enter(c, CONN_ANSWERING);
    COUNT_ADD(point->front->count, requests_total, 1);
    if (c->refuse_status != 0 || (!c->passing && !gate_agrees(c, req))) {
        answer_refused(c, req);
        return;
    }
    c->ex = exchange_new(c, req);
    if (c->ex == NULL) {
        (void)att_fail(&c->refuse_why, ATT_E_NOMEM, ATT_R_BUSY, "service", "no memory");
        c->refuse_status = 503;
        answer_refused(c, req);
        return;
    }
    c->match.route->handle(c->ex);
}

void conn_answered(struct conn *c)
{
    c->ex = NULL;
    arm(c, c->point->front->cfg->limits.request_deadline_ms); /* for the peer to take it */
}

void conn_peers_free(struct front *f)
{
    for (size_t i = 0; i < PEER_BUCKETS; i++) {
        while (!LIST_EMPTY(&f->peers[i])) {
            struct peer *p = LIST_FIRST(&f->peers[i]);

            LIST_REMOVE(p, link);
            free(p);
        }
    }
}
