/*
 * The front: TLS, HTTP, who is it, which route, and the messages that an answer takes. It parses nothing
 * but HTTP; evidence passes through as bytes.
 */
#ifndef ATTESTD_VERIFIER_FRONT_FRONT_H
#define ATTESTD_VERIFIER_FRONT_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "common/scan.h"
#include "common/tls.h"
#include "verifier/channel.h"
#include "verifier/config.h"
#include "verifier/front/counters.h"
#include "verifier/front/route.h"
#include "verifier/msg.h"
#include "verifier/process.h"

struct bufferevent;
struct event;
struct event_base;
struct evconnlistener;
struct evhttp;
struct evhttp_request;
struct front;

/* One listening socket and the HTTP server on it. */
struct service_point {
    struct front *front;
    enum route_listener kind;
    struct evhttp *http;
    struct evconnlistener *listener; /* owned by http */
};

/* How many connections one address has. */
struct peer {
    LIST_ENTRY(peer) link;
    uint8_t address[16]; /* IPv4 mapped, or the first 64 bits of IPv6 */
    size_t count;
};
#define PEER_BUCKETS 1024

enum conn_phase {
    CONN_READING,   /* handshake or a request under way: the request deadline runs */
    CONN_ANSWERING, /* an exchange owns it: the answer deadline runs */
    CONN_IDLE,      /* between requests */
    CONN_CLOSING    /* refused or timed out: nothing is read any more */
};

struct conn {
    TAILQ_ENTRY(conn) link;
    struct service_point *point;
    struct bufferevent *bev; /* owned by evhttp; on its free conn_gone follows */
    struct ssl_st *ssl;      /* owned by bev; NULL when passing */
    struct event *timer;
    struct event *admit; /* runs once, right after the accept */
    struct peer *peer;
    enum conn_phase phase;

    struct scan scan;
    bool head_done;    /* the present request's head was judged */
    size_t unscanned;  /* bytes in the input that belong to the next request */
    size_t reserved;   /* bytes of the present body, counted in front.inflight */
    bool passing;      /* without TLS: known for this one request */
    int refuse_status; /* the present request is refused: */
    struct att_diag refuse_why;
    struct route_match match; /* of the present request, when it is not refused */

    bool identified; /* identity was looked at; it does not change on a connection */
    struct msg_peer identity;
    int64_t identity_until; /* UTC seconds: end of the certificate */

    struct exchange *ex; /* while ANSWERING */
};
TAILQ_HEAD(conn_list, conn);

enum exchange_step {
    STEP_KEEPER,  /* the next answer of the keeper is the answer */
    STEP_SESSION, /* it is, and a context comes with it */
    STEP_CONTEXT, /* the keeper's answer is a context for the appraiser */
    STEP_APPRAISE,
    STEP_FOLD,    /* a part of a log to the appraiser */
    STEP_CHECK,   /* enrolment facts from the appraiser */
    STEP_METRICS, /* the keeper's metrics, to which the fronts' are added */
};

/* One request on its way to an answer. */
struct exchange {
    struct front *front;
    struct conn *conn;          /* NULL when the connection has gone */
    struct evhttp_request *req; /* NULL likewise; owned by evhttp */
    uint64_t id;                /* in messages */
    enum exchange_step step;
    enum exchange_step
        judged_as;     /* APPRAISE or FOLD: what the appraiser does once there is a context */
    bool problem_cbor; /* the client asked for RFC 9290 */
    uint8_t session[ATT_SESSION_LEN];
    struct att_buf *sealed;        /* context, while the appraiser has it */
    TAILQ_ENTRY(exchange) waiting; /* while in front.judge.asked */
    bool in_judge;
    bool reads_log; /* counted in front.log_reads */
    int tries;
};
TAILQ_HEAD(exchange_list, exchange);

/* A context that came with a challenge, until its evidence comes (contexts.c). */
struct kept {
    LIST_ENTRY(kept) by_session;
    TAILQ_ENTRY(kept) by_age;
    uint8_t session[ATT_SESSION_LEN];
    struct msg_peer peer; /* whose challenge it is */
    int64_t until_ms;
    struct att_buf *sealed;
};
#define KEPT_BUCKETS 4096
struct contexts {
    LIST_HEAD(kept_bucket, kept) bucket[KEPT_BUCKETS];
    TAILQ_HEAD(kept_ages, kept) ages; /* the oldest first */
    size_t bytes;
};

/* The link to the appraiser, whose workers come and go. */
struct judge {
    struct event *arrival;
    struct channel *worker; /* NULL between two workers */
    uint64_t generation;
    struct exchange_list asked; /* in the order of asking; all were sent when worker is there */
};

struct front {
    const struct config *cfg;
    const struct front_wiring *wiring;
    struct event_base *base;
    struct tls_server *tls;
    struct service_point point[LISTENER__COUNT];
    struct channel *keeper;
    struct judge judge;
    struct contexts contexts;
    struct front_counters *count;

    struct conn_list conns;
    size_t conn_count, conn_cap;
    bool paused; /* at the cap: not accepting */
    LIST_HEAD(peer_bucket, peer) peers[PEER_BUCKETS];
    size_t inflight;
    size_t log_reads; /* exchanges that wait for a part of the log or a status list */

    struct exchange **slot; /* by the low bits of an exchange's id */
    size_t slot_count;
    size_t exchange_count;
    size_t slot_hint;
    uint64_t slot_round;

    struct event *on_term, *drain_timer, *each_second;
    bool draining;
    int status; /* exit status */
};

/* front.c */
void front_stop(struct front *f, int status); /* leave the loop as soon as possible */
void front_drained(struct front *f);          /* called when a connection or exchange went */

/* conn.c */
struct bufferevent *conn_new(struct event_base *base, void *point); /* for evhttp_set_bevcb */
void conn_request(struct evhttp_request *req, void *point);         /* for evhttp_set_gencb */
void conn_answered(struct conn *c); /* the exchange sent its answer; it is not c's any more */
void conn_shut(struct conn *c);     /* no more reading or writing: evhttp lets it go */
void conn_last_words(struct conn *c,
                     struct att_slice text); /* past evhttp; nothing else is written */
void conn_peers_free(struct front *f);

/* gate.c */
/* Bytes arrived: judge them, and the request when its head is complete. */
void gate_feed(struct conn *c, size_t added);
/* The request is whole, as evhttp sees it: is it what was scanned? False when refused (refuse_status). */
bool gate_agrees(struct conn *c, struct evhttp_request *req);
/* For a connection that is passing: judge what evhttp understood of the request. */
void gate_parsed(struct conn *c, struct evhttp_request *req);
const struct msg_peer *gate_identity(struct conn *c);

/* exchange.c */
struct exchange *exchange_new(struct conn *c, struct evhttp_request *req); /* NULL: no memory */
void exchange_free(struct exchange *ex);
void exchange_lost(struct exchange *ex);      /* the connection has gone */
void exchange_timed_out(struct exchange *ex); /* answers 503 */
struct att_slice exchange_body(const struct exchange *ex);
/* Part i of the route's match; borrowed from the connection. */
struct att_slice exchange_part(const struct exchange *ex, size_t i);
void exchange_to_keeper(struct exchange *ex, struct msg *m, enum exchange_step step);
void exchange_to_appraiser(struct exchange *ex, enum exchange_step step);
/* For the appraiser's answers, or the lack of them. */
void exchange_judged(struct front *f, const struct msg *m);
void exchange_fail(struct exchange *ex, enum att_reason reason, const char *text);
void exchange_keeper_frame(void *front, struct channel *ch, struct att_slice body);
struct exchange *exchange_find(struct front *f, uint64_t id);

/* contexts.c */
void contexts_init(struct contexts *t);
void contexts_free(struct contexts *t);
/* Keep a copy; when memory runs out it is forgotten, and asked for again later. */
void contexts_keep(struct contexts *t, const struct exchange *ex, const struct msg *done);
/* Take it out: NULL when it is not there, too old, or another peer's. The caller's to free. */
struct att_buf *contexts_take(struct contexts *t, const uint8_t session[ATT_SESSION_LEN],
                              const struct msg_peer *peer);

/* judge.c */
ATT_MUST_USE enum att_err judge_open(struct front *f);
void judge_close(struct front *f);
void judge_ask(struct front *f, struct exchange *ex);
void judge_forget(struct front *f, struct exchange *ex);

/* answer.c: each ends the exchange. */
struct answer {
    int status;
    const char *type;     /* Content-Type; NULL: no body */
    const char *location; /* or NULL */
    const char *cache;    /* Cache-Control, or NULL */
    struct att_slice body;
    bool close; /* the connection ends with it */
};
void answer_send(struct exchange *ex, const struct answer *a);
void answer_problem(struct exchange *ex, enum att_reason reason, const char *text);
void answer_done(struct exchange *ex, const struct msg *m);
/* Without an exchange: for a request that the gate refused. */
void answer_refused(struct conn *c, struct evhttp_request *req);
void answer_last_words(struct conn *c);

/* metrics.c */
/* The fronts' counters, then the text given. LIMIT NOMEM. */
ATT_MUST_USE enum att_err metrics_print(struct att_buf **out, const struct front *f,
                                        struct att_slice more);

#endif
