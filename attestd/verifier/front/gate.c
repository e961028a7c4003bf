/* What is judged of a request before its body is read: form, route, identity, size. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>

#include "base/clock.h"
#include "base/guard.h"
#include "common/log.h"
#include "crypto/cert.h"
#include "crypto/key.h"
#include "verifier/front/front.h"
#include "verifier/front/problem.h"

#define UNWANTED_BODY_MAX 65536 /* bytes that are read of a body that is refused: spares a reset */
#define IOVECS            8

static void refuse(struct conn *c, enum att_reason reason, const char *field, const char *text)
{
    c->refuse_status = problem_status(reason);
    (void)att_fail(&c->refuse_why, ATT_E_DENIED, reason, field, "%s", text);
}

/* From the certificate that the handshake verified, and from nothing else. */
static void identify(struct conn *c)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *der = NULL;
    ATT_CLEANUP(att_cert_freep) struct att_cert *cert = NULL;
    ATT_CLEANUP(att_pubkey_freep) struct att_pubkey *key = NULL;
    struct msg_peer peer = {.known = true};

    c->identified = true;
    if (c->point->kind == LISTENER_ADMIN) {
        c->identity.administrator = true; /* whoever may open the socket */
        return;
    }
    if (c->ssl == NULL || tls_session_peer(&der, c->ssl) != ATT_OK) {
        return;
    }
    if (att_cert_parse(&cert, att_buf_slice(der), NULL) != ATT_OK ||
        att_cert_device_id(peer.device_id, sizeof(peer.device_id), cert) != ATT_OK ||
        att_cert_key(&key, cert, NULL) != ATT_OK ||
        att_pubkey_fingerprint(peer.key_digest, key) != ATT_OK) {
        log_line(LOG_LEVEL_WARNING, "tls.identity",
                 "text=\"a client certificate names no device\"");
        return;
    }
    c->identity = peer;
    c->identity_until = att_cert_not_after(cert);
}

/* A kept or resumed connection may be older than its certificate may. */
const struct msg_peer *gate_identity(struct conn *c)
{
    static const struct msg_peer nobody;

    if (!c->identified) {
        identify(c);
    }
    if (c->identity.known && att_clock_utc_s() > c->identity_until) {
        return &nobody;
    }
    return &c->identity;
}

static bool may_use(struct conn *c, const struct route *route)
{
    switch (route->access) {
    case ACCESS_ENROL:
    case ACCESS_PUBLIC:
        return true;
    case ACCESS_DEVICE:
        return gate_identity(c)->known;
    case ACCESS_LABEL:
        return c->point->front->cfg->public_labels || gate_identity(c)->known;
    case ACCESS_OPERATOR:
        return c->point->kind == LISTENER_OPERATOR;
    case ACCESS_ADMIN:
        return c->point->kind == LISTENER_ADMIN;
    }
    return false;
}

static bool find_route(struct conn *c)
{
    switch (route_find(&c->match, c->point->kind, c->scan.req.method, c->scan.req.path)) {
    case ROUTE_FOUND:
        return true;
    case ROUTE_NO_METHOD:
        refuse(c, ATT_R_HTTP_METHOD, "method", "the path is known, this method is not for it");
        return false;
    case ROUTE_NO_PATH:
        break;
    }
    refuse(c, ATT_R_HTTP_ROUTE, "path", "no such path");
    return false;
}

/* Set refuse_status, or reserve what the body will take. */
static void judge_head(struct conn *c)
{
    struct front *f = c->point->front;
    const struct config_limits *l = &f->cfg->limits;
    const struct scan_request *req = &c->scan.req;
    size_t limit = 0;

    if (!find_route(c)) {
        return;
    }
    if (ATT_GUARD(HTTP_ACCESS, !may_use(c, c->match.route))) {
        refuse(c, ATT_R_ID_CLIENT, "client certificate", "expected one of this verifier");
        return;
    }
    if (c->match.route->type != NULL && strcmp(req->type, c->match.route->type) != 0) {
        refuse(c, ATT_R_HTTP_TYPE, "Content-Type", c->match.route->type);
        return;
    }
    limit = c->match.route->access == ACCESS_DEVICE ? l->body : l->enrol_body;
    if (ATT_GUARD(HTTP_BODY_LIMIT, req->length > limit)) {
        refuse(c, ATT_R_LIM_SIZE, "Content-Length", "the body is larger than this route takes");
        return;
    }
    if (ATT_GUARD(HTTP_INFLIGHT, req->length > l->inflight - f->inflight) || f->draining) {
        refuse(c, ATT_R_BUSY, "service", "too much is under way");
        return;
    }
    c->reserved = (size_t)req->length;
    f->inflight += c->reserved;
    COUNT_ADD(f->count, body_bytes_reserved, c->reserved);
}

/* A refusal that need not wait for the rest of the request. */
static void refuse_early(struct conn *c)
{
    if (!c->passing && c->ex == NULL && evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        answer_last_words(c);
    }
}

/* Small bodies of refused requests are read, so that the connection can go on. */
static bool unwanted(const struct conn *c)
{
    return c->refuse_status != 0 &&
           (c->refuse_why.reason == ATT_R_LIM_SIZE || c->scan.req.length > UNWANTED_BODY_MAX);
}

/* One run of bytes; how many belong to the present request. */
static size_t feed_run(struct conn *c, struct att_slice in)
{
    enum scan_event event = SCAN_MORE;
    size_t used = 0;

    do {
        used += scan_feed(&c->scan, att_slice_of(in.p + used, in.len - used), &event);
        if (event == SCAN_HEAD) {
            c->head_done = true;
            judge_head(c);
            if (unwanted(c)) {
                refuse_early(c);
            }
        }
    } while (event == SCAN_HEAD && c->phase != CONN_CLOSING);
    if (event == SCAN_BAD && c->refuse_status == 0) {
        c->refuse_status = c->scan.status;
        c->refuse_why = c->scan.why;
        COUNT_ADD(c->point->front->count, requests_malformed, 1);
        refuse_early(c);
    }
    return used;
}

void gate_feed(struct conn *c, size_t added)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    struct evbuffer_iovec run[IOVECS];
    size_t len = evbuffer_get_length(input);
    size_t left = added < len ? added : len;
    struct evbuffer_ptr at = {0};

    while (left > 0 && c->phase != CONN_CLOSING && c->scan.place < SCAN_AT_DONE) {
        int n = 0;

        if (evbuffer_ptr_set(input, &at, len - left, EVBUFFER_PTR_SET) != 0) {
            break;
        }
        n = evbuffer_peek(input, (ev_ssize_t)left, &at, run, IOVECS);
        for (int i = 0; i < n && i < IOVECS && left > 0; i++) {
            size_t have = run[i].iov_len < left ? run[i].iov_len : left;
            size_t used = feed_run(c, att_slice_of(run[i].iov_base, have));

            left -= used;
            if (used < have) {
                break;
            }
        }
    }
    c->unscanned += left;
}

static bool same_method(enum scan_method scanned, enum evhttp_cmd_type seen)
{
    switch (scanned) {
    case SCAN_GET:
        return seen == EVHTTP_REQ_GET;
    case SCAN_POST:
        return seen == EVHTTP_REQ_POST;
    case SCAN_DELETE:
        return seen == EVHTTP_REQ_DELETE;
    case SCAN_OTHER:
        break;
    }
    return false;
}

/* Two readings of one request are how a second request is smuggled in: both must agree. */
bool gate_agrees(struct conn *c, struct evhttp_request *req)
{
    size_t body = evbuffer_get_length(evhttp_request_get_input_buffer(req));
    size_t behind = evbuffer_get_length(bufferevent_get_input(c->bev));

    if (c->refuse_status != 0) {
        return false;
    }
    if (c->scan.place != SCAN_AT_DONE || body != c->scan.req.length || behind != c->unscanned ||
        strcmp(req->uri, c->scan.req.path) != 0 ||
        !same_method(c->scan.req.method, evhttp_request_get_command(req))) {
        log_line(LOG_LEVEL_WARNING, "http.two_readings", NULL);
        refuse(c, ATT_R_FMT_HTTP, "request", "the request has two readings");
        c->phase = CONN_CLOSING;
        return false;
    }
    return true;
}

/* What evhttp understood, written out again as one request has to look. */
static bool write_head(struct evbuffer *out, struct evhttp_request *req)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
    const struct evkeyval *h = NULL;
    enum evhttp_cmd_type cmd = evhttp_request_get_command(req);
    const char *method = cmd == EVHTTP_REQ_GET ? "GET" : cmd == EVHTTP_REQ_POST ? "POST" : "DELETE";

    if (evbuffer_add_printf(out, "%s %s HTTP/%d.%d\r\n", method, evhttp_request_get_uri(req),
                            req->major, req->minor) < 0) {
        return false;
    }
    TAILQ_FOREACH(h, headers, next)
    {
        if (evbuffer_add_printf(out, "%s: %s\r\n", h->key, h->value) < 0) {
            return false;
        }
    }
    return evbuffer_add(out, "\r\n", 2) == 0;
}

void gate_parsed(struct conn *c, struct evhttp_request *req)
{
    size_t body = evbuffer_get_length(evhttp_request_get_input_buffer(req));
    struct evbuffer *head = evbuffer_new();
    const uint8_t *p = NULL;
    size_t used = 0;

    if (head == NULL || !write_head(head, req) || (p = evbuffer_pullup(head, -1)) == NULL) {
        refuse(c, ATT_R_BUSY, "service", "no memory");
    } else {
        used = feed_run(c, att_slice_of(p, evbuffer_get_length(head)));
        if (c->refuse_status == 0 &&
            (used != evbuffer_get_length(head) || c->scan.req.length != body)) {
            refuse(c, ATT_R_FMT_HTTP, "request", "the request has two readings");
        }
    }
    c->scan.place = c->refuse_status == 0 ? SCAN_AT_DONE : c->scan.place;
    if (head != NULL) {
        evbuffer_free(head);
    }
}
