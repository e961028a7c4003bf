/*
 * The list is read once and sent as it is read: one part is in memory. The verifier takes the whole entries
 * of a part and wants the next from behind them, so nothing here looks into the list.
 */
#include "agent/measurer/parts.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/guard.h"
#include "common/log.h"
#include "common/notify.h"
#include "logs/klog.h"

#define TRIES_MAX  6 /* without progress; a second before the second, and twice as long each time */
#define TOLD_EVERY 16777216 /* bytes */

/* bytes: the room for a part's head, then the list from off on. */
struct sending {
    struct agent *a;
    const struct parts_request *request;
    struct relay_answer *answer; /* lends to challenge */
    struct wire_challenge challenge;
    struct hw_log_stream stream;
    uint64_t off; /* of the first byte that is held */
    size_t len;   /* bytes held */
    size_t cap;   /* of a part */
    uint64_t told;
    uint8_t bytes[WIRE_PART_HEAD + PARTS_LEN];
};

static void sending_freep(struct sending **s)
{
    if (*s != NULL) {
        hw_log_end(&(*s)->stream);
    }
    free(*s);
    *s = NULL;
}

static uint8_t *list_of(struct sending *s)
{
    return s->bytes + WIRE_PART_HEAD;
}

/* In the daemon these wait for the loop, which does not turn while a list is sent. */
static bool asked_to_end(void)
{
    sigset_t waiting;

    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1);
}

/* The log from another byte on than what is held. */
static enum att_err start_over(struct sending *s, uint64_t off, struct att_diag *diag)
{
    hw_log_end(&s->stream);
    s->off = off;
    s->len = 0;
    return hw_log_begin(&s->stream, s->request->path, off, diag);
}

/* What the verifier has is let go; where it stands elsewhere, the log is opened again. */
static enum att_err follow(struct sending *s, struct att_diag *diag)
{
    uint64_t wanted = s->challenge.offset[ATT_LOG_IMA];
    size_t taken = 0;

    if (s->stream.fd < 0 || wanted < s->off || wanted > s->off + s->len) {
        return start_over(s, wanted, diag);
    }
    taken = (size_t)(wanted - s->off);
    memmove(list_of(s), list_of(s) + taken, s->len - taken);
    s->len -= taken;
    s->off = wanted;
    return ATT_OK;
}

/* *whole: the log goes on behind a full part. */
static enum att_err fill(struct sending *s, bool *whole, struct att_diag *diag)
{
    size_t got = 0;
    enum att_err err =
        hw_log_next(&s->stream, list_of(s) + s->len, s->cap - s->len, &got, s->request->path, diag);

    if (err == ATT_OK) {
        s->len += got;
        *whole = s->len == s->cap;
    }
    return err;
}

static enum att_err take_challenge(struct sending *s, unsigned int status, struct att_diag *diag)
{
    if (s->answer->status != status) {
        return agent_refusal(s->answer, diag);
    }
    return wire_challenge_parse(&s->challenge, s->answer->body, diag);
}

static enum att_err post(struct sending *s, struct att_diag *diag)
{
    uint8_t head[WIRE_PART_HEAD];
    struct att_wr w = att_wr_into(head, sizeof(head));
    struct wire_part part = {.log = ATT_LOG_IMA,
                             .reset_count = s->request->reset_count,
                             .restart_count = s->request->restart_count,
                             .off = s->off,
                             .padded = s->request->padded};
    uint8_t session[WIRE_SESSION_LEN];
    struct relay_request q = {.kind = RELAY_PART, .a = att_slice_of(session, sizeof(session))};
    enum att_err err = wire_part_encode_head(&w, &part, s->len);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "part", "it could not be encoded");
    }
    memcpy(list_of(s) - w.len, head, w.len);
    memcpy(session, s->challenge.session.p, sizeof(session));
    q.body = att_slice_of(list_of(s) - w.len, w.len + s->len);
    relay_answer_free(s->answer); /* the challenge that it lent is used up */
    err = agent_ask(s->answer, s->a, &q, diag);
    return err != ATT_OK ? err : take_challenge(s, 200, diag);
}

static enum att_err ask_again(struct sending *s, struct att_diag *diag)
{
    struct relay_request q = {.kind = RELAY_NEW_SESSION, .body = s->request->new_session};
    enum att_err err = ATT_OK;

    relay_answer_free(s->answer);
    err = agent_ask(s->answer, s->a, &q, diag);
    return err != ATT_OK ? err : take_challenge(s, 201, diag);
}

/* A failure that a pause may heal, or that a new challenge does. */
static bool passing(enum att_err err, const struct att_diag *diag)
{
    return err == ATT_E_NETWORK || err == ATT_E_BUSY || err == ATT_E_STALE ||
           diag->reason == ATT_R_PART_ORDER;
}

static enum att_err pause_before(int try)
{
    for (unsigned int left = 1U << try; left > 0; left--) {
        if (asked_to_end()) {
            return ATT_E_BUSY;
        }
        (void)sleep(1);
    }
    return ATT_OK;
}

/* One part, or what it takes to be able to send it again. */
static enum att_err send_one(struct sending *s, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = post(s, &why);

    for (int i = 0; err != ATT_OK && i < TRIES_MAX && passing(err, &why); i++) {
        log_line(LOG_LEVEL_WARNING, "attest.part.again", "code=%s byte=%" PRIu64,
                 att_reason_code(why.reason), s->off);
        err = pause_before(i);
        if (err != ATT_OK) {
            return att_fail(diag, err, ATT_R_BUSY, "part", "asked to end before the list was sent");
        }
        err = ask_again(s, &why);
    }
    if (err != ATT_OK) {
        *diag = why;
    }
    return err;
}

static void tell(struct sending *s)
{
    if (s->off >= s->told + TOLD_EVERY) {
        s->told = s->off;
        log_line(LOG_LEVEL_INFO, "attest.parts", "bytes=%" PRIu64, s->off);
    }
}

/* A verifier that takes nothing of a full part would be asked for ever. */
static enum att_err send_all(struct sending *s, struct att_diag *diag)
{
    uint64_t last = 0;
    int still = 0;
    bool whole = true;
    enum att_err err = ATT_OK;

    while (err == ATT_OK) {
        notify_alive(); /* a slow line is no reason to be ended */
        err = follow(s, diag);
        if (err == ATT_OK) {
            err = fill(s, &whole, diag);
        }
        if (err != ATT_OK || !whole) {
            return err;
        }
        still = s->off > last ? 0 : still + 1;
        last = s->off;
        if (still > TRIES_MAX) {
            return att_fail(diag, ATT_E_LIMIT, ATT_R_NET_PROTOCOL, "challenge",
                            "the verifier does not go on from byte %" PRIu64, s->off);
        }
        if (asked_to_end()) {
            return att_fail(diag, ATT_E_BUSY, ATT_R_BUSY, "part",
                            "asked to end before the list was sent");
        }
        err = send_one(s, diag);
        tell(s);
    }
    return err;
}

enum att_err parts_send(struct relay_answer *challenge, struct agent *a,
                        const struct parts_request *request, struct att_diag *diag)
{
    ATT_CLEANUP(sending_freep) struct sending *s = malloc(sizeof(*s));
    enum att_err err = ATT_OK;

    if (s == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for a part");
    }
    s->a = a;
    s->request = request;
    s->answer = challenge;
    s->stream.fd = -1;
    s->off = 0;
    s->len = 0;
    s->told = 0;
    s->cap = a->conf->evidence_max / 4; /* leaves room for the other logs beside the last bytes */
    s->cap = s->cap < PARTS_LEN ? s->cap : PARTS_LEN;
    err = wire_challenge_parse(&s->challenge, challenge->body, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = send_all(s, diag);
    log_line(LOG_LEVEL_INFO, "attest.parts", "bytes=%" PRIu64 " end=%s", s->off,
             err == ATT_OK ? "sent" : "given-up");
    return err;
}
