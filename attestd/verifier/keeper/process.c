/*
 * The keeper as a process: one loop over the sockets of all fronts.
 *
 * Everything that is ready is read before anything is decided: decisions run as an event of lower
 * priority, so all that came in one turn share one transaction and one sync.
 */
#include "verifier/process.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "common/frame.h"
#include "common/log.h"
#include "crypto/digest.h"
#include "keeper.h"
#include "verifier/channel.h"
#include "verifier/exit.h"

/* Events are made with the middle one. */

enum { PRIORITY_DECIDE = 2, PRIORITIES = 3 };

struct loop {
    struct keeper *k; /* NULL: another attestd has its turn at the database */
    struct keeper_options opt;
    bool failed; /* the turn could have been ours, and something else was wrong */
    struct event_base *base;
    struct event *decide;
    struct event *tick;
    struct event *prepare; /* SIGHUP: another policy, judged */
    struct event *advance; /* SIGUSR1: and in force from now on */
    int reload_fd;
    struct channel *front[CONFIG_FRONTS_MAX];
    size_t front_count;
    size_t alive;
    struct beat *beat;
    volatile int *stop;
};

static bool must_stop(const struct loop *l)
{
    return l->failed || (l->k != NULL && keeper_must_stop(l->k));
}

static void check_stop(struct loop *l)
{
    if (must_stop(l) || *l->stop != 0)
        (void)event_base_loopbreak(l->base);
}

static void send_to(void *ctx, const struct msg *m)
{
    struct channel *ch = ctx;

    if (channel_send(ch, m) != ATT_OK)
        log_line(LOG_LEVEL_ERROR, "keeper.answer", "lost=1");
}

static void decide_now(evutil_socket_t fd, short what, void *ctx)
{
    struct loop *l = ctx;

    (void)fd;
    (void)what;
    if (l->k == NULL)
        return;
    keeper_flush(l->k);
    for (size_t i = 0; i < l->front_count; i++) {
        if (l->front[i] != NULL && channel_queued(l->front[i]) > 0)
            (void)!channel_flush(l->front[i]);
    }
    keeper_tidy(l->k);
    if (keeper_reload_wanted(l->k))
        (void)kill(getppid(), SIGHUP); /* as the operator would: the supervisor knows the order */
    check_stop(l);
}

/* Everybody is sent to whoever has the turn. */
static void answer_waiting(struct channel *ch, const struct msg *question)
{
    const struct msg m = {.kind = MSG_FAILED,
                          .id = question->id,
                          .number = (uint64_t)ATT_R_TL_LOCK,
                          .name = att_slice_str("database: another attestd has its turn")};

    send_to(ch, &m);
}

static void take_frame(void *ctx, struct channel *ch, struct att_slice body)
{
    struct loop *l = ctx;
    struct keeper_client client = {.answer = send_to, .ctx = ch};
    struct att_diag diag = {0};
    struct msg m;

    if (msg_decode(&m, body, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "keeper.frame", &diag);
        return;
    }
    if (l->k == NULL) {
        answer_waiting(ch, &m);
        return;
    }
    keeper_take(l->k, &m, &client);
    if (keeper_waiting(l->k) >= KEEPER_BATCH_MAX)
        decide_now(-1, 0, l);
    else if (keeper_waiting(l->k) > 0)
        event_active(l->decide, EV_TIMEOUT, 0);
}

static void front_closed(void *ctx, struct channel *ch, enum att_err why)
{
    struct loop *l = ctx;

    if (why != ATT_E_NOT_FOUND)
        log_line(LOG_LEVEL_ERROR, "keeper.front", "lost=%s", att_err_name(why));
    if (l->k != NULL)
        keeper_forget(l->k, ch);
    for (size_t i = 0; i < l->front_count; i++) {
        if (l->front[i] == ch)
            l->front[i] = NULL;
    }
    channel_free(ch);
    l->alive--;
    if (l->alive == 0)
        (void)event_base_loopbreak(l->base);
}

/* The database of several hosts: as soon as the one whose turn it is ends, it is ours. */
static void try_turn(struct loop *l)
{
    const struct store_place place = config_store(l->opt.cfg);
    struct att_diag diag = {0};
    enum att_err err = store_open_at(&l->opt.st, &place, STORE_UPGRADE, &diag);

    if (err == ATT_E_BUSY || err == ATT_E_NETWORK)
        return;
    if (err == ATT_OK)
        err = keeper_new(&l->k, &l->opt, &diag);
    l->opt.st = NULL;
    l->failed = err != ATT_OK;
    if (l->failed)
        log_diag(LOG_LEVEL_ERROR, "keeper.start", &diag);
    else
        log_line(LOG_LEVEL_WARNING, "turn.begun", NULL);
}

static void each_second(evutil_socket_t fd, short what, void *ctx)
{
    struct loop *l = ctx;

    (void)fd;
    (void)what;
    beat_now(l->beat);
    if (l->k == NULL)
        try_turn(l);
    else
        keeper_tick(l->k);
    check_stop(l);
}

static void prepare_rules(evutil_socket_t sig, short what, void *ctx)
{
    struct loop *l = ctx;
    struct att_diag diag = {0};
    bool changed = false;

    (void)sig;
    (void)what;
    if (l->k == NULL) {
        process_reloaded(l->reload_fd, RELOAD_READY); /* they are read when the turn is ours */
        return;
    }
    if (keeper_prepare_rules(l->k, &changed, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "rules.refused", &diag);
        process_reloaded(l->reload_fd, RELOAD_REFUSED);
        return;
    }
    process_reloaded(l->reload_fd, changed ? RELOAD_READY : RELOAD_SAME);
}

static void switch_rules(evutil_socket_t sig, short what, void *ctx)
{
    struct loop *l = ctx;
    struct att_diag diag = {0};

    (void)sig;
    (void)what;
    if (l->k == NULL || keeper_switch_rules(l->k, &diag) == ATT_OK) {
        process_reloaded(l->reload_fd, RELOAD_READY);
        return;
    }
    log_diag(LOG_LEVEL_ERROR, "rules.refused", &diag);
    process_reloaded(l->reload_fd, RELOAD_REFUSED);
    check_stop(l);
}

static enum att_err watch_rules(struct loop *l, int reload_fd)
{
    l->reload_fd = reload_fd;
    l->prepare = evsignal_new(l->base, SIGHUP, prepare_rules, l);
    l->advance = evsignal_new(l->base, SIGUSR1, switch_rules, l);
    return l->prepare != NULL && l->advance != NULL && event_add(l->prepare, NULL) == 0 &&
                   event_add(l->advance, NULL) == 0
               ? ATT_OK
               : ATT_E_NOMEM;
}

static enum att_err start_loop(struct loop *l, const struct keeper_wiring *wiring)
{
    static const struct timeval second = {.tv_sec = 1};

    l->stop = wiring->stop;
    l->beat = wiring->beat;
    l->base = event_base_new();
    if (l->base == NULL || event_base_priority_init(l->base, PRIORITIES) != 0)
        return ATT_E_NOMEM;
    l->decide = event_new(l->base, -1, 0, decide_now, l);
    l->tick = event_new(l->base, -1, EV_PERSIST, each_second, l);
    if (l->decide == NULL || l->tick == NULL || event_add(l->tick, &second) != 0)
        return ATT_E_NOMEM;
    if (event_priority_set(l->decide, PRIORITY_DECIDE) != 0)
        return ATT_E_INTERNAL;
    return watch_rules(l, wiring->reload_fd);
}

static enum att_err connect_fronts(struct loop *l, const struct keeper_wiring *wiring)
{
    const struct channel_events events = {.frame = take_frame, .closed = front_closed, .ctx = l};

    for (size_t i = 0; i < wiring->front_count && i < CONFIG_FRONTS_MAX; i++) {
        enum att_err err =
            channel_new(&l->front[i], l->base, wiring->front_fd[i], FRAME_MAX, &events);

        if (err != ATT_OK)
            return err;
        l->front_count++;
        l->alive++;
    }
    return ATT_OK;
}

static void end_loop(struct loop *l)
{
    for (size_t i = 0; i < l->front_count; i++)
        channel_free(l->front[i]);
    if (l->decide != NULL)
        event_free(l->decide);
    if (l->tick != NULL)
        event_free(l->tick);
    if (l->prepare != NULL)
        event_free(l->prepare);
    if (l->advance != NULL)
        event_free(l->advance);
    if (l->base != NULL)
        event_base_free(l->base);
    keeper_free(l->k);
}

/* Until SIGTERM, the last front's end, or a disk that failed. */
static int run(struct loop *l)
{
    while (*l->stop == 0 && !must_stop(l) && l->alive > 0) {
        if (event_base_loop(l->base, EVLOOP_ONCE) < 0)
            break;
    }
    if (must_stop(l)) {
        log_line(LOG_LEVEL_ERROR, "keeper.stopped", "why=\"the database failed\"");
        return EXIT_FAILURE;
    }
    /* What was taken is decided and answered: a front may still be waiting for it. */
    decide_now(-1, 0, l);
    return EXIT_SUCCESS;
}

/* One of several that wait for their turn is ready all the same: it says 503 until then. */
static bool may_wait(const struct config *cfg, enum att_err err, const struct att_diag *diag)
{
    return cfg->postgresql != NULL && err == ATT_E_BUSY && diag->reason == ATT_R_TL_LOCK;
}

int keeper_main(const struct config *cfg, const struct keeper_wiring *wiring)
{
    struct loop l = {
        .opt =
            {
                .cfg = cfg,
                .seal_key = wiring->seal_key,
                .utc_s = att_clock_utc_s,
                .mono_ms = att_clock_mono_ms,
                .random = att_random,
            },
    };
    struct att_diag diag = {0};
    int ready = wiring->ready_fd;
    int status = EXIT_FAILURE;
    enum att_err err = keeper_new(&l.k, &l.opt, &diag);

    if (may_wait(cfg, err, &diag)) {
        log_line(LOG_LEVEL_WARNING, "turn.waiting", NULL);
        err = ATT_OK;
    }
    if (err != ATT_OK) {
        return exit_logged("keeper.start", err, &diag);
    }
    err = start_loop(&l, wiring);
    if (err == ATT_OK)
        err = connect_fronts(&l, wiring);
    if (err == ATT_OK) {
        process_ready(&ready);
        status = run(&l);
    } else {
        log_line(LOG_LEVEL_ERROR, "keeper.start", "error=%s", att_err_name(err));
    }
    end_loop(&l);
    return status;
}
