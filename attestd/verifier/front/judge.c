/*
 * The appraiser's workers come and go: each brings a fresh stream over the appraiser's socket. What was
 * asked of one that went is asked again of the next, a few times; appraisal is a pure function.
 */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/log.h"
#include "verifier/front/front.h"

#define TRIES_MAX 3

static enum msg_kind question_of(enum exchange_step step)
{
    if (step == STEP_CHECK) {
        return MSG_ENROL_CHECK;
    }
    return step == STEP_FOLD ? MSG_FOLD : MSG_APPRAISE;
}

static void send_question(struct front *f, struct exchange *ex)
{
    struct msg m = {.kind = question_of(ex->step), .id = ex->id, .body = exchange_body(ex)};

    if (ex->sealed != NULL) {
        m.sealed = att_buf_slice(ex->sealed);
    }
    ex->tries++;
    if (channel_send(f->judge.worker, &m) != ATT_OK) {
        exchange_fail(ex, ATT_R_BUSY, NULL);
    }
}

void judge_ask(struct front *f, struct exchange *ex)
{
    TAILQ_INSERT_TAIL(&f->judge.asked, ex, waiting);
    ex->in_judge = true;
    if (f->judge.worker != NULL) {
        send_question(f, ex);
    }
}

void judge_forget(struct front *f, struct exchange *ex)
{
    if (ex->in_judge) {
        TAILQ_REMOVE(&f->judge.asked, ex, waiting);
        ex->in_judge = false;
    }
}

static void ask_again(struct front *f)
{
    struct exchange *ex = NULL;
    struct exchange *next = NULL;

    for (ex = TAILQ_FIRST(&f->judge.asked); ex != NULL; ex = next) {
        next = TAILQ_NEXT(ex, waiting);
        if (ex->tries >= TRIES_MAX) {
            log_line(LOG_LEVEL_ERROR, "appraiser.gave_up", "tries=%d", ex->tries);
            exchange_fail(ex, ATT_R_BUSY, "appraisal failed repeatedly");
            continue;
        }
        if (ex->tries > 0) {
            COUNT_ADD(f->count, appraiser_retries, 1);
        }
        send_question(f, ex);
    }
}

static void on_frame(void *ctx, struct channel *ch, struct att_slice body)
{
    struct front *f = ctx;
    struct att_diag diag = {0};
    struct msg m = {0};

    if (msg_decode(&m, body, &diag) != ATT_OK) {
        /* A worker that talks nonsense is not believed any more; the next one is asked. */
        log_diag(LOG_LEVEL_ERROR, "appraiser.message", &diag);
        f->judge.worker = NULL;
        channel_free(ch);
        return;
    }
    if (m.kind == MSG_HELLO) {
        f->judge.generation = m.number;
        return;
    }
    exchange_judged(f, &m);
}

static void on_closed(void *ctx, struct channel *ch, enum att_err why)
{
    struct front *f = ctx;

    (void)why;
    if (f->judge.worker == ch) {
        f->judge.worker = NULL;
    }
    channel_free(ch);
}

static void take_worker(struct front *f, int fd)
{
    const struct channel_events events = {.frame = on_frame, .closed = on_closed, .ctx = f};

    /* The one before has gone, but its last answers may still lie in its stream. */
    if (f->judge.worker != NULL) {
        channel_drain(f->judge.worker);
    }
    channel_freep(&f->judge.worker);
    if (channel_new(&f->judge.worker, f->base, fd, FRAME_MAX, &events) != ATT_OK) {
        log_line(LOG_LEVEL_ERROR, "appraiser.link", "text=\"no memory for the link\"");
        front_stop(f, 70);
        return;
    }
    COUNT_ADD(f->count, appraiser_workers, 1);
    ask_again(f);
}

/* One byte and one descriptor a worker. */
static void on_arrival(evutil_socket_t sock, short what, void *ctx)
{
    struct front *f = ctx;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 0;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof(control.room)};
    ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    int fd = -1;

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
        c->cmsg_len != CMSG_LEN(sizeof(int))) {
        (void)event_del(f->judge.arrival);
        front_stop(f, f->draining ? 0 : 70);
        return;
    }
    memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    take_worker(f, fd);
}

enum att_err judge_open(struct front *f)
{
    TAILQ_INIT(&f->judge.asked);
    f->judge.arrival =
        event_new(f->base, f->wiring->appraiser_fd, EV_READ | EV_PERSIST, on_arrival, f);
    if (f->judge.arrival == NULL || event_add(f->judge.arrival, NULL) != 0) {
        return ATT_E_NOMEM;
    }
    return ATT_OK;
}

void judge_close(struct front *f)
{
    if (f->judge.arrival != NULL) {
        event_free(f->judge.arrival);
    }
    channel_freep(&f->judge.worker);
}
