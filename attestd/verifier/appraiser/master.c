/* The appraiser's master: reads the rules once, keeps one worker running, and touches no evidence. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/log.h"
#include "verifier/appraiser/appraiser.h"
#include "verifier/ek_makers.h"
#include "verifier/exit.h"
#include "verifier/process.h"

#define PATIENCE_MS   1000
#define SHORT_LIFE_MS 100 /* a worker that crashed sooner is not replaced at once */

enum att_err appraiser_open(struct appraiser *out, const struct config *cfg,
                            const uint8_t *seal_key, struct att_diag *diag)
{
    struct appraiser a = {.cfg = cfg, .seal_key = seal_key, .ek_workarounds = cfg->ek_workarounds};
    enum att_err err = rules_load_policy(&a.policy, cfg, NULL, diag);

    if (err == ATT_OK) {
        err = rules_load_refvals(&a.refvals, cfg, diag);
    }
    if (err == ATT_OK) {
        err = rules_load_notices(&a.notices, cfg, diag);
    }
    if (err == ATT_OK) {
        err = ek_makers_load(&a.ek_anchors, cfg, diag);
    }
    if (err == ATT_OK) {
        err = iak_makers_load(&a.iak_anchors, cfg, diag);
    }
    if (err != ATT_OK) {
        appraiser_close(&a);
        return err;
    }
    *out = a;
    return ATT_OK;
}

void appraiser_close(struct appraiser *a)
{
    att_policy_freep(&a->policy);
    rules_clear(&a->earlier);
    att_refvals_freep(&a->refvals);
    att_notices_clear(&a->notices);
    att_anchors_freep(&a->ek_anchors);
    att_anchors_freep(&a->iak_anchors);
}

static void exchange(struct att_anchors **a, struct att_anchors **b)
{
    struct att_anchors *was = *a;

    *a = *b;
    *b = was;
}

enum att_err appraiser_reload(struct appraiser *a, struct att_diag *diag)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *next = NULL;
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *refvals = NULL;
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *makers = NULL;
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *factories = NULL;
    ATT_CLEANUP(att_notices_clear) struct att_notices notices = {0};
    const struct att_refvals *known = NULL;
    enum att_err err = rules_load_policy(&next, a->cfg, NULL, diag);

    if (err == ATT_OK) {
        err = rules_load_refvals(&refvals, a->cfg, diag);
    }
    if (err == ATT_OK) {
        err = rules_load_notices(&notices, a->cfg, diag);
    }
    if (err == ATT_OK) {
        err = ek_makers_load(&makers, a->cfg, diag);
    }
    if (err == ATT_OK) {
        err = iak_makers_load(&factories, a->cfg, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    exchange(&a->ek_anchors, &makers);
    exchange(&a->iak_anchors, &factories);
    if (rules_find(a->policy, &a->earlier, next->digest) == NULL) {
        rules_advance(&a->policy, &a->earlier, &next);
    }
    if (!rules_find_refvals(&known, a->refvals, &a->earlier, rules_refvals_digest(refvals))) {
        rules_advance_refvals(&a->refvals, &a->earlier, &refvals);
    }
    if (!att_notices_equal(&notices, &a->notices)) {
        rules_advance_notices(&a->notices, &a->earlier, &notices);
    }
    return ATT_OK;
}

/* Memory of a worker has an end; under a sanitizer its shadow alone is larger than any. */
static void limit_memory(size_t bytes)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)bytes;
#else
    const struct rlimit r = {.rlim_cur = bytes, .rlim_max = bytes};

    if (setrlimit(RLIMIT_AS, &r) != 0) {
        log_line(LOG_LEVEL_ERROR, "appraiser.limit", "errno=%d", errno);
    }
#endif
}

static bool pass_descriptor(int sock, int fd)
{
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
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return sendmsg(sock, &m, MSG_NOSIGNAL) == 1;
}

/*
 * Signals are held back but where the master waits, so that none is lost between a look and a wait. A worker
 * starts with SIGHUP held back, and takes it when it can.
 */
static volatile sig_atomic_t reload_asked;

static void on_signal(int sig)
{
    if (sig == SIGHUP) {
        reload_asked = 1;
    }
}

static void hold_signals(sigset_t *waiting)
{
    const struct sigaction wake = {.sa_handler = on_signal};
    sigset_t held;

    (void)sigaction(SIGHUP, &wake, NULL);
    (void)sigaction(SIGCHLD, &wake, NULL);
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGHUP);
    (void)sigaddset(&held, SIGCHLD);
    (void)sigaddset(&held, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &held, waiting);
    (void)sigdelset(waiting, SIGHUP);
    (void)sigdelset(waiting, SIGCHLD);
    (void)sigdelset(waiting, SIGTERM);
}

static void release_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static pid_t start_worker(const struct appraiser *a, const struct appraiser_wiring *wiring,
                          uint64_t generation)
{
    int pair[2];
    pid_t pid = -1;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        (void)close(pair[0]);
        (void)close(wiring->front_fd);
        (void)close(wiring->reload_fd);
        (void)signal(SIGTERM, SIG_DFL);
        (void)signal(SIGCHLD, SIG_DFL);
        release_signals();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* what a reload leaves mapped takes nothing from what a worker may have */
        limit_memory(a->cfg->limits.appraiser_memory + rules_earlier_bytes(&a->earlier));
        log_open("appraiser", LOG_LEVEL_INFO);
        _exit(worker_main(a, pair[1], generation));
    }
    (void)close(pair[1]);
    if (pid > 0 && !pass_descriptor(wiring->front_fd, pair[0])) {
        (void)kill(pid, SIGKILL);
    }
    (void)close(pair[0]);
    return pid;
}

/* A front that ends closes the worker's stream a moment before this socket. */
static bool front_gone(int fd, int patience_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, patience_ms) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/* Other rules were asked for: the worker ends when it has finished what it judges. */
static bool reload(struct appraiser *a, const struct appraiser_wiring *wiring, pid_t worker)
{
    struct att_diag diag = {0};

    reload_asked = 0;
    if (appraiser_reload(a, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "rules.refused", &diag);
        process_reloaded(wiring->reload_fd, RELOAD_REFUSED);
        return false;
    }
    (void)kill(worker, SIGHUP);
    return true;
}

struct watching {
    struct appraiser *a;
    const struct appraiser_wiring *wiring;
    sigset_t waiting;
    bool answer; /* the supervisor waits for a worker that knows the new rules */
};

/* The worker's status; false when a stop was asked for. */
static bool await(struct watching *w, pid_t pid, int *status)
{
    pid_t ended = 0;

    while ((ended = waitpid(pid, status, WNOHANG)) == 0) {
        if (*w->wiring->stop) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, status, 0);
            return false;
        }
        if (reload_asked) {
            w->answer = reload(w->a, w->wiring, pid) || w->answer;
            continue;
        }
        (void)sigsuspend(&w->waiting);
    }
    return ended == pid;
}

/* Wait for the worker's end; false when this process shall end too. */
static bool watch_worker(struct watching *w, pid_t pid)
{
    const struct appraiser_wiring *wiring = w->wiring;
    int64_t born_ms = att_clock_mono_ms();
    bool alone = false;
    int status = 0;

    if (!await(w, pid, &status)) {
        return false;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_SPENT) {
        return true;
    }
    alone = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_ALONE;
    if (*wiring->stop || front_gone(wiring->front_fd, alone ? PATIENCE_MS : 0)) {
        return false;
    }
    log_line(LOG_LEVEL_ERROR, "appraiser.died", "%s=%d", WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (att_clock_mono_ms() - born_ms < SHORT_LIFE_MS) {
        const struct timespec pause = {.tv_nsec = SHORT_LIFE_MS * 1000000L};

        (void)nanosleep(&pause, NULL);
    }
    return true;
}

int appraiser_main(const struct config *cfg, const struct appraiser_wiring *wiring)
{
    struct appraiser a = {0};
    struct att_diag diag = {0};
    int ready_fd = wiring->ready_fd;
    uint64_t generation = 0;
    struct watching w = {.a = &a, .wiring = wiring};
    enum att_err err = ATT_OK;
    bool go_on = true;

    log_open("appraiser", LOG_LEVEL_INFO);
    err = appraiser_open(&a, cfg, wiring->seal_key, &diag);
    if (err != ATT_OK) {
        return exit_logged("appraiser.setup", err, &diag);
    }
    hold_signals(&w.waiting);
    process_ready(&ready_fd); /* before the first worker, which must not hold the descriptor */
    while (go_on && !*wiring->stop) {
        pid_t pid = start_worker(&a, wiring, ++generation);

        if (pid < 0) {
            log_line(LOG_LEVEL_ERROR, "appraiser.fork", "errno=%d", errno);
            break;
        }
        if (w.answer) {
            process_reloaded(wiring->reload_fd, RELOAD_READY);
            w.answer = false;
        }
        go_on = watch_worker(&w, pid);
    }
    appraiser_close(&a);
    return 0;
}
