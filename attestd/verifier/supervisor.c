/*
 * The supervisor: makes the sockets, forks keeper, appraisers and fronts, and waits. It parses nothing
 * that comes from outside. When any of them ends, all end, and the service manager starts afresh; only
 * appraiser workers are replaced, by their masters.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/tls.h"
#include "crypto/digest.h"
#include "verifier/exit.h"
#include "verifier/front/counters.h"
#include "verifier/process.h"
#include "verifier/reload.h"

#define STOP_MS       8000 /* an orderly stop; then it is cut short */
#define CHILDREN      (2 * CONFIG_FRONTS_MAX + 1)
#define READY_LOOK_MS 100
#define FAILED_MS     2000

/* Both ends of what one front talks over. */
struct front_pairs {
    int keeper[2];    /* 0: front, 1: keeper */
    int appraiser[2]; /* 0: front, 1: appraiser */
};

struct child {
    pid_t pid;
    const char *name;
    bool front;
};

struct supervisor {
    const struct config *cfg;
    int listen_fd, operator_fd, admin_fd;
    struct front_pairs pairs[CONFIG_FRONTS_MAX];
    int ready[2];
    int reload[2]; /* what keeper and appraisers say of a new policy */
    struct front_counters *counters;
    struct beat *beat; /* of the fronts, and behind them the keeper's */
    struct child child[CHILDREN];
    size_t child_count;
};

static volatile int stop_asked;

static void on_term(int sig)
{
    (void)sig;
    stop_asked = 1;
}

static enum att_err net_fail(struct att_diag *diag, const char *field, const char *what)
{
    return att_fail(diag, ATT_E_NETWORK, ATT_R_CFG_KEY, field, "%s: %s", what, strerror(errno));
}

static enum att_err listen_unix(int *out, const char *path, struct att_diag *diag)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = 0;
    int rc = 0;

    if (fd < 0) {
        return net_fail(diag, "admin_socket", "cannot make a socket");
    }
    memcpy(a.sun_path, path, strlen(path)); /* config.c bounds it */
    (void)unlink(path);
    mask = umask(0177);
    rc = bind(fd, (const struct sockaddr *)&a, sizeof(a));
    (void)umask(mask);
    if (rc != 0 || listen(fd, 16) != 0) {
        enum att_err err = net_fail(diag, "admin_socket", "cannot listen");

        (void)close(fd);
        return err;
    }
    *out = fd;
    return ATT_OK;
}

static enum att_err open_listeners(struct supervisor *s, struct att_diag *diag)
{
    const struct config *cfg = s->cfg;
    enum att_err err =
        listen_tcp(&s->listen_fd, cfg->listen_host, cfg->listen_port, "listen", diag);

    if (err == ATT_OK && cfg->operator_host != NULL) {
        err = listen_tcp(&s->operator_fd, cfg->operator_host, cfg->operator_port, "operator", diag);
    }
    if (err == ATT_OK && cfg->admin_socket != NULL) {
        err = listen_unix(&s->admin_fd, cfg->admin_socket, diag);
    }
    return err;
}

static enum att_err open_pairs(struct supervisor *s, struct att_diag *diag)
{
    for (size_t i = 0; i < s->cfg->fronts; i++) {
        struct front_pairs *p = &s->pairs[i];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p->keeper) != 0 ||
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->appraiser) != 0) {
            return net_fail(diag, "processes", "cannot make socket pairs");
        }
    }
    if (pipe2(s->ready, O_CLOEXEC) != 0 || pipe2(s->reload, O_CLOEXEC) != 0) {
        return net_fail(diag, "processes", "cannot make a pipe");
    }
    s->counters = mmap(NULL, s->cfg->fronts * sizeof(*s->counters), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    s->beat = mmap(NULL, (s->cfg->fronts + 1) * sizeof(*s->beat), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->counters == MAP_FAILED || s->beat == MAP_FAILED) {
        return net_fail(diag, "processes", "cannot map shared counters");
    }
    return ATT_OK;
}

static void watched_signals(sigset_t *out)
{
    (void)sigemptyset(out);
    (void)sigaddset(out, SIGTERM);
    (void)sigaddset(out, SIGINT);
    (void)sigaddset(out, SIGCHLD);
    (void)sigaddset(out, SIGHUP);
}

/* What no child may do, whatever becomes of it. */
static void confine(void)
{
    const struct rlimit none = {0, 0};
    sigset_t set;

    watched_signals(&set);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

/* Zero in the child. */
static pid_t fork_child(struct supervisor *s, const char *name, bool front)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        confine();
        (void)prctl(PR_SET_NAME, name); /* for whoever looks which process is which */
        (void)close(s->ready[0]);
        (void)close(s->reload[0]);
        if (getppid() != parent) {
            _exit(EXIT_INTERNAL); /* the supervisor went before it could be noticed */
        }
        return 0;
    }
    if (pid > 0) {
        s->child[s->child_count++] = (struct child){.pid = pid, .name = name, .front = front};
    }
    return pid;
}

/* A child keeps its own ends: everything else would keep a peer's end from being noticed. */
static void close_pairs(struct supervisor *s, size_t keep_front, bool keep_keeper,
                        bool keep_appraiser)
{
    for (size_t i = 0; i < s->cfg->fronts; i++) {
        struct front_pairs *p = &s->pairs[i];
        bool front = !keep_keeper && !keep_appraiser && i == keep_front;

        if (!front) {
            att_closep(&p->keeper[0]);
            att_closep(&p->appraiser[0]);
        }
        if (!keep_keeper) {
            att_closep(&p->keeper[1]);
        }
        if (!keep_appraiser || i != keep_front) {
            att_closep(&p->appraiser[1]);
        }
    }
}

static void close_listeners(struct supervisor *s)
{
    att_closep(&s->listen_fd);
    att_closep(&s->operator_fd);
    att_closep(&s->admin_fd);
}

static void start_front(struct supervisor *s, size_t i, const uint8_t *ticket_key)
{
    struct front_wiring w = {.index = i,
                             .listen_fd = s->listen_fd,
                             .operator_fd = i == 0 ? s->operator_fd : -1,
                             .admin_fd = i == 0 ? s->admin_fd : -1,
                             .ready_fd = s->ready[1],
                             .ticket_key = ticket_key,
                             .counters = s->counters,
                             .beat = &s->beat[i],
                             .stop = &stop_asked};

    if (fork_child(s, "front", true) != 0) {
        return;
    }
    if (i != 0) {
        att_closep(&s->operator_fd);
        att_closep(&s->admin_fd);
    }
    att_closep(&s->reload[1]);
    close_pairs(s, i, false, false);
    w.keeper_fd = s->pairs[i].keeper[0];
    w.appraiser_fd = s->pairs[i].appraiser[0];
    _exit(front_main(s->cfg, &w));
}

static void start_appraiser(struct supervisor *s, size_t i, const uint8_t *seal_key)
{
    struct appraiser_wiring w = {.ready_fd = s->ready[1],
                                 .reload_fd = s->reload[1],
                                 .seal_key = seal_key,
                                 .stop = &stop_asked};

    if (fork_child(s, "appraiser", false) != 0) {
        return;
    }
    close_listeners(s);
    close_pairs(s, i, false, true);
    w.front_fd = s->pairs[i].appraiser[1];
    _exit(appraiser_main(s->cfg, &w));
}

static void start_keeper(struct supervisor *s, const uint8_t *seal_key)
{
    int front_fd[CONFIG_FRONTS_MAX];
    struct keeper_wiring w = {.front_fd = front_fd,
                              .front_count = s->cfg->fronts,
                              .ready_fd = s->ready[1],
                              .reload_fd = s->reload[1],
                              .seal_key = seal_key,
                              .beat = &s->beat[s->cfg->fronts],
                              .stop = &stop_asked};

    if (fork_child(s, "keeper", false) != 0) {
        return;
    }
    close_listeners(s);
    close_pairs(s, CONFIG_FRONTS_MAX, true, false);
    for (size_t i = 0; i < s->cfg->fronts; i++) {
        front_fd[i] = s->pairs[i].keeper[1];
    }
    _exit(keeper_main(s->cfg, &w));
}

/* Fronts first, before there is a seal key that they could have seen. */
static enum att_err start_all(struct supervisor *s, struct att_diag *diag)
{
    uint8_t ticket_key[TLS_TICKET_KEY_LEN];
    uint8_t seal_key[MSG_SEAL_LEN];
    size_t expected = 2 * s->cfg->fronts + 1;

    if (att_random(ticket_key, sizeof(ticket_key)) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "processes", "no random bytes");
    }
    for (size_t i = 0; i < s->cfg->fronts; i++) {
        start_front(s, i, ticket_key);
    }
    att_wipe(ticket_key, sizeof(ticket_key));
    if (att_random(seal_key, sizeof(seal_key)) != ATT_OK) {
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "processes", "no random bytes");
    }
    for (size_t i = 0; i < s->cfg->fronts; i++) {
        start_appraiser(s, i, seal_key);
    }
    start_keeper(s, seal_key);
    att_wipe(seal_key, sizeof(seal_key));
    close_pairs(s, CONFIG_FRONTS_MAX, false, false);
    close_listeners(s);
    att_closep(&s->ready[1]);
    att_closep(&s->reload[1]);
    return s->child_count == expected ? ATT_OK : net_fail(diag, "processes", "cannot fork");
}

/* The end of one child, or NULL when it was none of ours or a signal came. */
static const struct child *reap(struct supervisor *s, int *status, int flags)
{
    pid_t pid = waitpid(-1, status, flags);

    for (size_t i = 0; pid > 0 && i < s->child_count; i++) {
        if (s->child[i].pid == pid) {
            s->child[i].pid = 0;
            return &s->child[i];
        }
    }
    return NULL;
}

static size_t signal_all(struct supervisor *s, int sig, bool fronts_only)
{
    size_t alive = 0;

    for (size_t i = 0; i < s->child_count; i++) {
        if (s->child[i].pid == 0) {
            continue;
        }
        alive++;
        if (s->child[i].front || !fronts_only) {
            (void)kill(s->child[i].pid, sig);
        }
    }
    return alive;
}

static bool fronts_alive(const struct supervisor *s)
{
    for (size_t i = 0; i < s->child_count; i++) {
        if (s->child[i].front && s->child[i].pid != 0) {
            return true;
        }
    }
    return false;
}

static void wait_until(struct supervisor *s, int64_t deadline_ms, bool fronts_only)
{
    int status = 0;

    while (att_clock_mono_ms() < deadline_ms) {
        const struct timespec pause = {.tv_nsec = 2000000};

        (void)reap(s, &status, WNOHANG);
        if (fronts_only ? !fronts_alive(s) : signal_all(s, 0, false) == 0) {
            return;
        }
        (void)nanosleep(&pause, NULL);
    }
}

/* Fronts finish what they began; keeper and appraisers go when their last front has gone. */
static void stop_all(struct supervisor *s)
{
    int64_t deadline_ms = att_clock_mono_ms() + STOP_MS;

    notify_send("STOPPING=1");
    (void)signal_all(s, SIGTERM, true);
    wait_until(s, deadline_ms, true);
    (void)signal_all(s, SIGTERM, false);
    wait_until(s, deadline_ms, false);
    if (signal_all(s, SIGKILL, false) > 0) {
        log_line(LOG_LEVEL_ERROR, "stop.killed", NULL);
        wait_until(s, att_clock_mono_ms() + STOP_MS, false);
    }
}

/* A stop that was asked for meanwhile; signals are blocked and taken where we look. */
static bool stop_pending(void)
{
    const struct timespec at_once = {0};
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return sigtimedwait(&set, NULL, &at_once) > 0;
}

/* One byte from each child; false when one ended before it was ready, or a stop was asked for. */
static bool wait_ready(struct supervisor *s, bool *stopped)
{
    size_t left = s->child_count;

    while (left > 0) {
        struct pollfd p = {.fd = s->ready[0], .events = POLLIN};
        char byte = 0;

        *stopped = stop_pending();
        if (*stopped) {
            break;
        }
        if (poll(&p, 1, READY_LOOK_MS) == 1) {
            if (read(s->ready[0], &byte, 1) != 1) {
                break;
            }
            left--;
        }
    }
    att_closep(&s->ready[0]);
    return left == 0;
}

static void reload(const struct supervisor *s)
{
    pid_t appraiser[CONFIG_FRONTS_MAX];
    pid_t keeper = 0;
    size_t count = 0;

    for (size_t i = 0; i < s->child_count; i++) {
        const struct child *c = &s->child[i];

        if (strcmp(c->name, "keeper") == 0) {
            keeper = c->pid;
        } else if (!c->front && count < CONFIG_FRONTS_MAX) {
            appraiser[count++] = c->pid;
        }
    }
    reload_rules(s->reload[0], keeper, appraiser, count);
}

/* The next signal; 0 when it is time to say again that all processes are alive. */
static int next_signal(int64_t pause_ms)
{
    const struct timespec pause = {.tv_sec = (time_t)(pause_ms / 1000),
                                   .tv_nsec = (long)(pause_ms % 1000) * 1000000};
    sigset_t set;
    int sig = 0;

    watched_signals(&set);
    sig = pause_ms > 0 ? sigtimedwait(&set, NULL, &pause) : sigwaitinfo(&set, NULL);
    return sig < 0 ? 0 : sig;
}

/* Until a stop is asked for (0) or a child ends. A service manager that watches ends us when one hangs. */
static int watch(struct supervisor *s)
{
    int64_t pause_ms = notify_watchdog_ms();
    size_t beats = s->cfg->fronts + 1;
    int status = 0;

    for (size_t i = 0; i < beats; i++) {
        beat_now(&s->beat[i]);
    }
    for (;;) {
        const struct child *c = reap(s, &status, WNOHANG);
        int sig = 0;

        if (c != NULL) {
            log_line(LOG_LEVEL_ERROR, "process.ended", "name=%s %s=%d", c->name,
                     WIFSIGNALED(status) ? "signal" : "status",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            return EXIT_INTERNAL;
        }
        if (beat_all(s->beat, beats, 2 * pause_ms)) {
            notify_alive();
        } else if (pause_ms > 0) {
            log_line(LOG_LEVEL_ERROR, "process.silent", "ms=%lld", (long long)(2 * pause_ms));
        }
        sig = next_signal(pause_ms);
        if (sig == 0 || sig == SIGCHLD) {
            continue;
        }
        if (sig != SIGHUP) {
            return 0;
        }
        reload(s);
    }
}

/* The supervisor takes its signals where it waits for them; children take theirs as they come. */
static void catch_signals(void)
{
    const struct sigaction term = {.sa_handler = on_term};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    watched_signals(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);

    (void)sigaction(SIGTERM, &term, NULL);
    (void)sigaction(SIGINT, &term, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
}

/*
 * The exit status of a child that could not even start says what the configuration lacks. Its pipe closes a
 * moment before it can be waited for, and the others follow it with statuses that say nothing.
 */
static bool tells_why(int status)
{
    return WIFEXITED(status) &&
           (WEXITSTATUS(status) == EXIT_USAGE || WEXITSTATUS(status) == EXIT_CANNOT ||
            WEXITSTATUS(status) == EXIT_PERMISSION);
}

static int failed_start(struct supervisor *s)
{
    int64_t deadline_ms = att_clock_mono_ms() + FAILED_MS;
    int status = 0;

    while (att_clock_mono_ms() < deadline_ms) {
        const struct timespec pause = {.tv_nsec = 2000000};
        const struct child *c = reap(s, &status, WNOHANG);

        if (c != NULL && tells_why(status)) {
            return WEXITSTATUS(status);
        }
        if (c == NULL) {
            (void)nanosleep(&pause, NULL);
        }
    }
    return EXIT_INTERNAL;
}

int supervisor_run(const struct config *cfg)
{
    struct supervisor s = {.cfg = cfg, .listen_fd = -1, .operator_fd = -1, .admin_fd = -1};
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;
    bool stopped = false;
    int status = 0;

    log_open("attestd", LOG_LEVEL_INFO);
    catch_signals();
    err = open_listeners(&s, &diag);
    if (err == ATT_OK) {
        log_line(LOG_LEVEL_INFO, "listening", "port=%u", (unsigned int)listen_port(s.listen_fd));
        err = open_pairs(&s, &diag);
    }
    if (err == ATT_OK) {
        err = start_all(&s, &diag);
    }
    if (err != ATT_OK) {
        stop_all(&s);
        return exit_logged("start", err, &diag);
    }
    if (!wait_ready(&s, &stopped)) {
        status = stopped ? 0 : failed_start(&s);
    } else {
        notify_send("READY=1");
        log_line(LOG_LEVEL_INFO, "ready", "version=%s", ATT_VERSION);
        status = watch(&s);
    }
    stop_all(&s);
    if (cfg->admin_socket != NULL) {
        (void)unlink(cfg->admin_socket);
    }
    log_line(LOG_LEVEL_INFO, "stopped", "status=%d", status);
    return status;
}
