/* Answers: one write each, and a problem document for everything that is not good. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "evidence/profile.h"
#include "verifier/front/front.h"
#include "verifier/front/problem.h"

#define RETRY_SECONDS "1"
#define WORDS_MAX     4096
#define TYPE_TEXT     "text/plain; version=0.0.4; charset=utf-8"
#define PULL_MAX      16384 /* one TLS record */
/* C2SP tlog-tiles: what is mutable is kept for seconds, what is immutable as long as one likes. */
#define CACHE_NOTE "max-age=2"
#define CACHE_TILE "public, max-age=31536000, immutable"

static const char *phrase_of(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < ATT_COUNT(phrases); i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Answer";
}

static void count_answer(struct front *f, int status)
{
    if (status < 300) {
        COUNT_ADD(f->count, answers_2xx, 1);
    } else if (status < 500) {
        COUNT_ADD(f->count, answers_4xx, 1);
    } else {
        COUNT_ADD(f->count, answers_5xx, 1);
    }
    if (status == 422) {
        COUNT_ADD(f->count, evidence_refused, 1);
    }
}

/* evhttp puts head and body into pieces, each of which would become a TLS record and a write. */
static void join_pieces(struct evhttp_request *req)
{
    struct evhttp_connection *evcon = evhttp_request_get_connection(req);
    struct bufferevent *bev = evcon == NULL ? NULL : evhttp_connection_get_bufferevent(evcon);
    struct evbuffer *out = bev == NULL ? NULL : bufferevent_get_output(bev);

    if (out != NULL && evbuffer_get_length(out) <= PULL_MAX) {
        (void)evbuffer_pullup(out, -1);
    }
}

static bool add_header(struct evhttp_request *req, const char *name, const char *value)
{
    return value == NULL ||
           evhttp_add_header(evhttp_request_get_output_headers(req), name, value) == 0;
}

static void reply(struct front *f, struct evhttp_request *req, const struct answer *a)
{
    struct evbuffer *body = evhttp_request_get_output_buffer(req);
    int status = a->status;

    if (!add_header(req, "Content-Type", a->type) || !add_header(req, "Location", a->location) ||
        !add_header(req, "Cache-Control", a->cache) ||
        !add_header(req, "Connection", a->close ? "close" : NULL) ||
        !add_header(req, "Retry-After", status == 429 || status == 503 ? RETRY_SECONDS : NULL) ||
        (a->body.len > 0 && evbuffer_add(body, a->body.p, a->body.len) != 0)) {
        status = 503;
    }
    count_answer(f, status);
    evhttp_send_reply(req, status, phrase_of(status), NULL);
    join_pieces(req);
}

/* One line for whoever looks after the service; reasons are ours, so nothing in it is from outside. */
static void tell(const struct conn *c, const struct problem *p)
{
    const char *id = c != NULL && c->identity.known ? c->identity.device_id : "-";
    char text[ATT_DIAG_TEXT];

    (void)att_escape(text, sizeof(text), p->detail == NULL ? "" : p->detail,
                     p->detail == NULL ? 0 : strlen(p->detail));
    log_line(p->status == 500 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "request.refused",
             "status=%d code=%s device=%s text=\"%s\"", p->status, att_reason_code(p->reason), id,
             text);
}

static void finish(struct exchange *ex)
{
    struct conn *c = ex->conn;

    ex->req = NULL;
    ex->conn = NULL;
    if (c != NULL) {
        conn_answered(c);
    }
    exchange_free(ex);
}

void answer_send(struct exchange *ex, const struct answer *a)
{
    if (ex->req != NULL) {
        struct answer with = *a;

        with.close = a->close || ex->front->draining;
        reply(ex->front, ex->req, &with);
    }
    finish(ex);
}

/* A problem document in the form that was asked for; status 500 and no body when that fails. */
static void fill_problem(struct answer *a, struct att_buf **body, const struct problem *p,
                         bool in_cbor)
{
    enum att_err err = in_cbor ? problem_cbor(body, p) : problem_json(body, p);

    a->status = p->status;
    if (err != ATT_OK) {
        a->status = 500;
        return;
    }
    a->type = in_cbor ? ATT_TYPE_PROBLEM_CBOR : ATT_TYPE_PROBLEM_JSON;
    a->body = att_buf_slice(*body);
}

void answer_problem(struct exchange *ex, enum att_reason reason, const char *text)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    const struct problem p = {.status = problem_status(reason), .reason = reason, .detail = text};
    struct answer a = {0};

    tell(ex->conn, &p);
    fill_problem(&a, &body, &p, ex->problem_cbor);
    answer_send(ex, &a);
}

static void answer_outcome(struct exchange *ex, const struct msg *m)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    const struct problem p = {
        .status = (int)m->number, .reason = problem_outcome_reason(m->body), .outcome = m->body};
    struct answer a = {0};

    tell(ex->conn, &p);
    fill_problem(&a, &body, &p, ex->problem_cbor);
    answer_send(ex, &a);
}

static const char *type_name(enum msg_type type)
{
    switch (type) {
    case MSG_TYPE_CBOR:
    case MSG_TYPE_OUTCOME:
        return ATT_TYPE_CBOR;
    case MSG_TYPE_JSON:
        return "application/json";
    case MSG_TYPE_LABEL:
        return ATT_TYPE_LABEL;
    case MSG_TYPE_STATUS_LIST:
        return ATT_TYPE_STATUS_LIST;
    case MSG_TYPE_TEXT:
        return TYPE_TEXT;
    case MSG_TYPE_NOTE:
        return "text/plain; charset=utf-8";
    case MSG_TYPE_TILE:
        return "application/octet-stream";
    case MSG_TYPE_NONE:
    case MSG_TYPE__COUNT:
        break;
    }
    return NULL;
}

static const char *cache_of(enum msg_type type)
{
    if (type == MSG_TYPE_NOTE) {
        return CACHE_NOTE;
    }
    return type == MSG_TYPE_TILE ? CACHE_TILE : NULL;
}

void answer_done(struct exchange *ex, const struct msg *m)
{
    char location[MSG_PATH_MAX + 1];
    struct answer a = {.status = (int)m->number,
                       .type = type_name(m->type),
                       .cache = cache_of(m->type),
                       .body = m->body};

    if (m->number < 200 || m->number > 599 || m->path.len > MSG_PATH_MAX) {
        answer_problem(ex, ATT_R_INTERNAL, NULL);
        return;
    }
    if (m->type == MSG_TYPE_OUTCOME && m->number >= 400) {
        answer_outcome(ex, m);
        return;
    }
    if (m->path.len > 0) {
        (void)snprintf(location, sizeof(location), "%.*s", (int)m->path.len,
                       (const char *)m->path.p);
        a.location = location;
    }
    answer_send(ex, &a);
}

static bool wants_cbor(const struct conn *c)
{
    return strstr(c->scan.req.accept, "concise-problem-details+cbor") != NULL;
}

void answer_refused(struct conn *c, struct evhttp_request *req)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    const struct problem p = {
        .status = c->refuse_status, .reason = c->refuse_why.reason, .detail = c->refuse_why.text};
    /* What is malformed ends the connection: the next request might begin anywhere. */
    struct answer a = {.close = c->phase == CONN_CLOSING || c->scan.place != SCAN_AT_DONE};

    tell(c, &p);
    fill_problem(&a, &body, &p, wants_cbor(c));
    reply(c->point->front, req, &a);
}

void answer_last_words(struct conn *c)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    const struct problem p = {
        .status = c->refuse_status, .reason = c->refuse_why.reason, .detail = c->refuse_why.text};
    struct answer a = {0};
    char words[WORDS_MAX];
    int n = 0;

    tell(c, &p);
    fill_problem(&a, &body, &p, wants_cbor(c));
    if (a.body.len > WORDS_MAX / 2) {
        a.body = (struct att_slice){0};
    }
    n = snprintf(words, sizeof(words) - a.body.len,
                 "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                 "Connection: close\r\n\r\n",
                 a.status, phrase_of(a.status), a.type == NULL ? "text/plain" : a.type, a.body.len);
    count_answer(c->point->front, a.status);
    c->phase = CONN_CLOSING;
    if (n <= 0 || (size_t)n >= sizeof(words) - a.body.len) {
        return;
    }
    if (a.body.len > 0) {
        memcpy(words + n, a.body.p, a.body.len);
    }
    conn_last_words(c, att_slice_of(words, (size_t)n + a.body.len));
}
