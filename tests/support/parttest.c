/* Parts as an honest agent sends them, or as a test would have it. */
#include "parttest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/profile.h"
#include "need.h"

/* The document, in a buffer of the caller's. */
static struct att_buf *document(const struct gateway *g, uint64_t off, struct att_slice bytes,
                                bool padded)
{
    const struct wire_part part = {.log = ATT_LOG_IMA,
                                   .reset_count = g->tpm->clock.reset_count,
                                   .restart_count = g->tpm->clock.restart_count,
                                   .off = off,
                                   .padded = padded};
    struct att_buf *b = NULL;
    uint8_t head[WIRE_PART_HEAD];
    struct att_wr w = att_wr_into(head, sizeof(head));

    NEED(wire_part_encode_head(&w, &part, bytes.len) == ATT_OK);
    NEED(att_buf_new(&b, w.len + bytes.len + 1) == ATT_OK);
    NEED(att_buf_add(b, head, w.len) == ATT_OK && att_buf_add_slice(b, bytes) == ATT_OK);
    return b;
}

static void take_challenge(struct gateway_attempt *a, struct client_answer *answer)
{
    client_answer_clear(&a->session_answer);
    a->session_answer = *answer;
    NEED(wire_challenge_parse(&a->challenge, client_body(&a->session_answer), NULL) == ATT_OK);
}

int part_send(struct gateway *g, struct gateway_attempt *a, uint64_t off, struct att_slice bytes)
{
    return part_send_as(g, a, off, bytes, g->log[ATT_LOG_IMA].padded);
}

int part_send_as(struct gateway *g, struct gateway_attempt *a, uint64_t off, struct att_slice bytes,
                 bool padded)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *doc = document(g, off, bytes, padded);
    struct client_answer answer = {0};
    char path[320];
    int status = 0;

    (void)snprintf(path, sizeof(path), "%s/part", a->path);
    client_request(g->client, &answer, "POST", path, ATT_TYPE_CBOR, att_buf_slice(doc));
    status = answer.status;
    if (status == 200) {
        take_challenge(a, &answer);
        return status;
    }
    client_answer_clear(&a->answer);
    a->answer = answer;
    return status;
}

void part_send_to(struct gateway *g, struct gateway_attempt *a, uint64_t end, size_t len)
{
    while (a->challenge.offset[ATT_LOG_IMA] < end) {
        uint64_t off = a->challenge.offset[ATT_LOG_IMA];
        struct att_slice rest = softlog_from(&g->log[ATT_LOG_IMA], off);
        size_t left = (size_t)(end - off);

        rest.len = left < len ? left : len;
        NEED(part_send(g, a, off, rest) == 200);
        NEED(a->challenge.offset[ATT_LOG_IMA] > off);
    }
    NEED(a->challenge.offset[ATT_LOG_IMA] == end);
}

int part_session_unnamed(struct gateway *g, struct gateway_attempt *a)
{
    const struct wire_new_session m = {.own_pcr = GATEWAY_OWN_PCR, .log_mask = 7};
    uint8_t room[64];
    struct att_wr w = att_wr_into(room, sizeof(room));

    NEED(wire_new_session_encode(&w, &m) == ATT_OK);
    client_request(g->client, &a->session_answer, "POST", "/challenge-response/v1/newSession",
                   ATT_TYPE_CBOR, att_slice_of(room, w.len));
    (void)snprintf(a->path, sizeof(a->path), "%s", a->session_answer.location);
    NEED(wire_challenge_parse(&a->challenge, client_body(&a->session_answer), NULL) == ATT_OK);
    return a->session_answer.status;
}

enum att_reason part_fold(struct att_buf **folded, struct inproc *v, struct inproc_gateway *gw,
                          struct inproc_attempt *t, uint64_t off, struct att_slice bytes)
{
    ATT_CLEANUP(att_buf_freep)
    struct att_buf *doc = document(gw->g, off, bytes, gw->g->log[ATT_LOG_IMA].padded);
    struct msg ask = {.kind = MSG_CONTEXT, .peer = gw->peer};
    struct msg fold = {.kind = MSG_FOLD, .body = att_buf_slice(doc)};
    struct att_diag diag = {0};

    memcpy(ask.session, t->a.challenge.session.p, sizeof(ask.session));
    inproc_answer_clear(&t->context);
    inproc_ask(v, &ask, &t->context, false);
    if (t->context.reason != ATT_R_NONE)
        return t->context.reason;
    fold.sealed = inproc_body(&t->context);
    return judge_part(folded, &v->appraiser, v->scratch, &fold, &diag) == ATT_OK ? ATT_R_NONE
                                                                                 : diag.reason;
}

enum att_reason part_keep(struct inproc *v, struct inproc_gateway *gw, struct inproc_attempt *t,
                          const struct att_buf *folded)
{
    struct inproc_answer answer = {0};
    struct msg m = {.kind = MSG_PART, .peer = gw->peer, .sealed = att_buf_slice(folded)};

    memcpy(m.session, t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(v, &m, &answer, false);
    if (answer.reason != ATT_R_NONE) {
        enum att_reason reason = answer.reason;

        inproc_answer_clear(&answer);
        return reason;
    }
    inproc_answer_clear(&t->session_answer);
    t->session_answer = answer;
    NEED(wire_challenge_parse(&t->a.challenge, inproc_body(&t->session_answer), NULL) == ATT_OK);
    return ATT_R_NONE;
}
