/* Requests on their way: each waits for keeper or appraiser and is found again by its number. */
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "verifier/front/front.h"

#define SLOT_BITS  17
#define SLOTS_MAX  ((size_t)1 << SLOT_BITS)
#define SLOTS_MIN  64
#define QUEUED_MAX ((size_t)256 * 1024 * 1024) /* bytes that wait for the keeper */

static bool grow(struct front *f)
{
    size_t count = f->slot_count == 0 ? SLOTS_MIN : f->slot_count * 2;
    struct exchange **slot = NULL;

    if (count > SLOTS_MAX) {
        return false;
    }
    slot = realloc(f->slot, count * sizeof(*slot));
    if (slot == NULL) {
        return false;
    }
    for (size_t i = f->slot_count; i < count; i++) {
        slot[i] = NULL;
    }
    f->slot = slot;
    f->slot_hint = f->slot_count;
    f->slot_count = count;
    return true;
}

static bool take_slot(struct front *f, struct exchange *ex)
{
    if (f->exchange_count == f->slot_count && !grow(f)) {
        return false;
    }
    while (f->slot[f->slot_hint] != NULL) {
        f->slot_hint = (f->slot_hint + 1) & (f->slot_count - 1);
    }
    ex->id = (++f->slot_round << SLOT_BITS) | f->slot_hint;
    f->slot[f->slot_hint] = ex;
    f->exchange_count++;
    COUNT_ADD(f->count, requests_pending, 1);
    return true;
}

struct exchange *exchange_new(struct conn *c, struct evhttp_request *req)
{
    struct exchange *ex = calloc(1, sizeof(*ex));

    if (ex == NULL) {
        return NULL;
    }
    ex->front = c->point->front;
    ex->conn = c;
    ex->req = req;
    ex->problem_cbor = strstr(c->scan.req.accept, "concise-problem-details+cbor") != NULL;
    if (!take_slot(ex->front, ex)) {
        free(ex);
        return NULL;
    }
    return ex;
}

struct exchange *exchange_find(struct front *f, uint64_t id)
{
    size_t slot = (size_t)(id & (SLOTS_MAX - 1));

    if (slot >= f->slot_count || f->slot[slot] == NULL || f->slot[slot]->id != id) {
        return NULL;
    }
    return f->slot[slot];
}

void exchange_free(struct exchange *ex)
{
    struct front *f = ex->front;
    size_t slot = (size_t)(ex->id & (SLOTS_MAX - 1));

    judge_forget(f, ex);
    f->slot[slot] = NULL;
    f->slot_hint = slot; /* warm */
    f->exchange_count--;
    f->log_reads -= ex->reads_log ? 1 : 0;
    COUNT_SUB(f->count, requests_pending, 1);
    att_buf_free(ex->sealed);
    free(ex);
    front_drained(f);
}

void exchange_lost(struct exchange *ex)
{
    ex->req = NULL;
    ex->conn = NULL;
    exchange_free(ex);
}

void exchange_fail(struct exchange *ex, enum att_reason reason, const char *text)
{
    answer_problem(ex, reason, text);
}

void exchange_timed_out(struct exchange *ex)
{
    log_line(LOG_LEVEL_ERROR, "exchange.timeout", "step=%d", (int)ex->step);
    exchange_fail(ex, ATT_R_BUSY, "no decision in time");
}

struct att_slice exchange_body(const struct exchange *ex)
{
    struct evbuffer *b = evhttp_request_get_input_buffer(ex->req);
    size_t len = evbuffer_get_length(b);
    const uint8_t *p = len == 0 ? NULL : evbuffer_pullup(b, -1);

    return att_slice_of(p, p == NULL ? 0 : len);
}

struct att_slice exchange_part(const struct exchange *ex, size_t i)
{
    const struct conn *c = ex->conn;

    return att_slice_of(c->scan.req.path + c->match.path_off[i], c->match.path_len[i]);
}

void exchange_to_keeper(struct exchange *ex, struct msg *m, enum exchange_step step)
{
    struct channel *keeper = ex->front->keeper;

    m->id = ex->id;
    m->peer = *gate_identity(ex->conn);
    ex->step = step;
    if (channel_queued(keeper) > QUEUED_MAX || channel_send(keeper, m) != ATT_OK) {
        exchange_fail(ex, ATT_R_BUSY, NULL);
    }
}

void exchange_to_appraiser(struct exchange *ex, enum exchange_step step)
{
    ex->step = step;
    judge_ask(ex->front, ex);
}

static void failed(struct exchange *ex, const struct msg *m)
{
    char text[MSG_NAME_MAX + 1];
    enum att_reason reason =
        m->number > 0 && m->number < ATT_R__COUNT ? (enum att_reason)m->number : ATT_R_INTERNAL;

    memcpy(text, m->name.p == NULL ? "" : (const char *)m->name.p, m->name.len);
    text[m->name.len] = '\0';
    exchange_fail(ex, reason, text);
}

/* The context goes to the appraiser with the evidence or part, and stays here for a second try. */
static void got_context(struct exchange *ex, const struct msg *m)
{
    if (m->number != 200 || att_buf_new(&ex->sealed, m->body.len) != ATT_OK ||
        att_buf_add_slice(ex->sealed, m->body) != ATT_OK) {
        exchange_fail(ex, ATT_R_INTERNAL, NULL);
        return;
    }
    exchange_to_appraiser(ex, ex->judged_as);
}

/* What all fronts counted, and behind it what the keeper counted. */
static void got_metrics(struct exchange *ex, const struct msg *m)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    struct msg with = *m;

    if (metrics_print(&text, ex->front, m->body) != ATT_OK) {
        exchange_fail(ex, ATT_R_NOMEM, NULL);
        return;
    }
    with.type = MSG_TYPE_TEXT;
    with.body = att_buf_slice(text);
    answer_done(ex, &with);
}

static void got_done(struct exchange *ex, const struct msg *m)
{
    switch (ex->step) {
    case STEP_SESSION:
        contexts_keep(&ex->front->contexts, ex, m);
        answer_done(ex, m);
        return;
    case STEP_KEEPER:
        answer_done(ex, m);
        return;
    case STEP_CONTEXT:
        got_context(ex, m);
        return;
    case STEP_METRICS:
        got_metrics(ex, m);
        return;
    case STEP_APPRAISE:
    case STEP_FOLD:
    case STEP_CHECK:
        break;
    }
    exchange_fail(ex, ATT_R_INTERNAL, "an answer out of order");
}

void exchange_keeper_frame(void *front, struct channel *ch, struct att_slice body)
{
    struct front *f = front;
    struct att_diag diag = {0};
    struct msg m = {0};
    struct exchange *ex = NULL;

    (void)ch;
    if (msg_decode(&m, body, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "keeper.message", &diag);
        front_stop(f, 70);
        return;
    }
    ex = exchange_find(f, m.id);
    if (ex == NULL) {
        return; /* the connection has gone meanwhile */
    }
    if (m.kind == MSG_DONE) {
        got_done(ex, &m);
        return;
    }
    if (m.kind == MSG_FAILED) {
        failed(ex, &m);
        return;
    }
    exchange_fail(ex, ATT_R_INTERNAL, "an answer of another kind");
}

/* The sealed result goes to the keeper, with the evidence that it is about. */
static void got_judged(struct exchange *ex, const struct msg *m)
{
    struct msg commit = {.kind = MSG_COMMIT, .body = exchange_body(ex), .sealed = m->sealed};

    memcpy(commit.session, ex->session, sizeof(commit.session));
    exchange_to_keeper(ex, &commit, STEP_KEEPER);
}

/* What became of a part goes to the keeper, which answers with a challenge for what follows. */
static void got_folded(struct exchange *ex, const struct msg *m)
{
    struct msg part = {.kind = MSG_PART, .sealed = m->sealed};

    memcpy(part.session, ex->session, sizeof(part.session));
    exchange_to_keeper(ex, &part, STEP_SESSION);
}

void exchange_judged(struct front *f, const struct msg *m)
{
    struct exchange *ex = exchange_find(f, m->id);

    if (ex == NULL || !ex->in_judge) {
        return;
    }
    judge_forget(f, ex);
    if (m->kind == MSG_FAILED) {
        failed(ex, m);
        return;
    }
    if (m->kind == MSG_JUDGED && ex->step == STEP_APPRAISE) {
        got_judged(ex, m);
        return;
    }
    if (m->kind == MSG_FOLDED && ex->step == STEP_FOLD) {
        got_folded(ex, m);
        return;
    }
    if (m->kind == MSG_CHECKED && ex->step == STEP_CHECK) {
        struct msg begin = {.kind = MSG_ENROL_BEGIN, .sealed = m->sealed};

        exchange_to_keeper(ex, &begin, STEP_KEEPER);
        return;
    }
    exchange_fail(ex, ATT_R_INTERNAL, "an answer of another kind");
}
