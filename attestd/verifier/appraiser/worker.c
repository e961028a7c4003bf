/* A worker: one stream, questions in, answers out, and an early end when something was malformed. */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/judge.h"
#include "base/clock.h"
#include "common/frame.h"
#include "common/log.h"
#include "verifier/appraiser/appraiser.h"
#include "verifier/channel.h"

#define KEYS_KEPT 4096
#define FINISH_MS 5000

struct worker {
    const struct appraiser *a;
    struct event_base *base;
    struct event *spent; /* SIGHUP: the next worker knows another policy */
    struct channel *channel;
    struct key_cache *keys;
    struct judge_scratch *scratch;
    size_t left; /* questions until this worker is spent */
    int status;
};

static void stop(struct worker *w, int status)
{
    w->left = 0;
    w->status = status;
    (void)event_base_loopbreak(w->base);
}

static enum att_err answer(struct att_buf **sealed, struct worker *w, const struct msg *question,
                           struct att_diag *diag)
{
    if (question->kind == MSG_ENROL_CHECK) {
        return judge_enrolment(sealed, w->a, question->body, att_clock_utc_s(), diag);
    }
    if (question->kind == MSG_APPRAISE) {
        return judge_evidence(sealed, w->a, w->keys, w->scratch, question, diag);
    }
    if (question->kind == MSG_FOLD) {
        return judge_part(sealed, w->a, w->scratch, question, diag);
    }
    return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "question", "of an unknown kind");
}

static enum msg_kind answer_kind(enum msg_kind question)
{
    if (question == MSG_APPRAISE) {
        return MSG_JUDGED;
    }
    return question == MSG_FOLD ? MSG_FOLDED : MSG_CHECKED;
}

/* "field at byte N: what", for a person at the other end. */
static void describe(char *out, size_t cap, const struct att_diag *diag)
{
    struct att_diag plain = *diag;
    char line[MSG_NAME_MAX];
    const char *text = NULL;

    (void)att_diag_print(line, sizeof(line), &plain);
    text = strchr(line, ' '); /* behind the code, which travels by itself */
    (void)att_escape(out, cap, text == NULL ? "" : text + 1, text == NULL ? 0 : strlen(text + 1));
}

static void on_frame(void *ctx, struct channel *ch, struct att_slice body)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    struct worker *w = ctx;
    struct att_diag diag = {0};
    struct msg question = {0};
    struct msg reply = {0};
    char text[MSG_NAME_MAX];
    enum att_err err = ATT_OK;

    if (w->left == 0) {
        return; /* the next worker is asked again */
    }
    if (msg_decode(&question, body, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "appraiser.message", &diag);
        stop(w, WORKER_SPENT);
        return;
    }
    reply.id = question.id;
    err = answer(&sealed, w, &question, &diag);
    if (err == ATT_OK) {
        reply.kind = answer_kind(question.kind);
        reply.sealed = att_buf_slice(sealed);
    } else {
        describe(text, sizeof(text), &diag);
        reply.kind = MSG_FAILED;
        reply.number = (uint64_t)(diag.reason == ATT_R_NONE ? ATT_R_INTERNAL : diag.reason);
        reply.name = att_slice_str(text);
    }
    w->left--;
    if (channel_send(ch, &reply) != ATT_OK || w->left == 0 ||
        (err != ATT_OK && att_judge_malformed(&diag)) || err == ATT_E_NOMEM) {
        stop(w, WORKER_SPENT);
    }
}

static void on_closed(void *ctx, struct channel *ch, enum att_err why)
{
    (void)ch;
    (void)why;
    stop(ctx, WORKER_ALONE);
}

static void on_hangup(evutil_socket_t sig, short what, void *ctx)
{
    (void)sig;
    (void)what;
    stop(ctx, WORKER_SPENT);
}

/* The signal was held back since before the fork: one that came meanwhile is taken now. */
static bool watch_signal(struct worker *w)
{
    sigset_t set;

    w->spent = evsignal_new(w->base, SIGHUP, on_hangup, w);
    if (w->spent == NULL || event_add(w->spent, NULL) != 0) {
        return false;
    }
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    return sigprocmask(SIG_UNBLOCK, &set, NULL) == 0;
}

static bool worker_open(struct worker *w, int fd)
{
    const struct channel_events events = {.frame = on_frame, .closed = on_closed, .ctx = w};

    w->base = event_base_new();
    w->scratch = calloc(1, sizeof(*w->scratch));
    return w->base != NULL && w->scratch != NULL && key_cache_new(&w->keys, KEYS_KEPT) == ATT_OK &&
           channel_new(&w->channel, w->base, fd, FRAME_MAX, &events) == ATT_OK && watch_signal(w);
}

int worker_main(const struct appraiser *a, int fd, uint64_t generation)
{
    struct worker w = {.a = a, .left = a->cfg->limits.appraiser_evidences};
    const struct msg hello = {.kind = MSG_HELLO, .number = generation};

    if (!worker_open(&w, fd) || channel_send(w.channel, &hello) != ATT_OK) {
        log_line(LOG_LEVEL_ERROR, "appraiser.worker", "text=\"no memory\"");
        return EXIT_FAILURE;
    }
    (void)event_base_dispatch(w.base);
    if (w.status == WORKER_SPENT && channel_finish(w.channel, FINISH_MS) != ATT_OK) {
        log_line(LOG_LEVEL_WARNING, "appraiser.answers_lost", NULL);
    }
    channel_free(w.channel);
    key_cache_free(w.keys);
    free(w.scratch);
    event_free(w.spent);
    event_base_free(w.base);
    return w.status;
}
