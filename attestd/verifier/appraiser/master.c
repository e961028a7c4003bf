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
#include "base/file.h"
#include "codec/yaml.h"
#include "common/log.h"
#include "verifier/appraiser/appraiser.h"
#include "verifier/process.h"

#define EXIT_CANNOT_RUN 2
#define PATIENCE_MS     1000
#define SHORT_LIFE_MS   100 /* a worker that crashed sooner is not replaced at once */

enum att_err appraiser_open(struct appraiser *out, const struct config *cfg,
                            const uint8_t *seal_key, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    struct appraiser a = {.cfg = cfg, .seal_key = seal_key, .ek_workarounds = cfg->ek_workarounds};
    enum att_err err = att_file_read(&text, cfg->policy, ATT_YAML_CAP, diag);

    if (err == ATT_OK) {
        err = att_policy_parse_yaml(&a.policy, cfg->policy, att_buf_slice(text), diag);
    }
    if (err == ATT_OK && cfg->refvals != NULL) {
        err = att_refvals_map(&a.refvals, cfg->refvals, diag);
    }
    if (err == ATT_OK && cfg->refvals != NULL) {
        err = att_refvals_check(a.refvals, diag);
    }
    if (err == ATT_OK && cfg->ek_anchors != NULL) {
        err = att_anchors_new(&a.ek_anchors);
    }
    if (err == ATT_OK && cfg->ek_anchors != NULL) {
        err = att_anchors_load(a.ek_anchors, cfg->ek_anchors, diag);
    }
    if (err == ATT_OK && cfg->ek_anchors != NULL && cfg->ek_crls != NULL) {
        err = att_anchors_load_crls(a.ek_anchors, cfg->ek_crls, cfg->ek_revocation, diag);
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
    att_refvals_freep(&a->refvals);
    att_anchors_freep(&a->ek_anchors);
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
        (void)signal(SIGTERM, SIG_DFL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        limit_memory(a->cfg->limits.appraiser_memory);
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

/* Wait for the worker's end; false when this process shall end too. */
static bool watch_worker(const struct appraiser_wiring *wiring, pid_t pid)
{
    int64_t born_ms = att_clock_mono_ms();
    bool alone = false;
    int status = 0;

    while (waitpid(pid, &status, 0) != pid) {
        if (errno != EINTR || *wiring->stop) {
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return false;
        }
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
    bool go_on = true;

    log_open("appraiser", LOG_LEVEL_INFO);
    if (appraiser_open(&a, cfg, wiring->seal_key, &diag) != ATT_OK) {
        log_diag(LOG_LEVEL_ERROR, "appraiser.setup", &diag);
        return EXIT_CANNOT_RUN;
    }
    process_ready(&ready_fd); /* before the first worker, which must not hold the descriptor */
    while (go_on && !*wiring->stop) {
        pid_t pid = start_worker(&a, wiring, ++generation);

        if (pid < 0) {
            log_line(LOG_LEVEL_ERROR, "appraiser.fork", "errno=%d", errno);
            break;
        }
        go_on = watch_worker(wiring, pid);
    }
    appraiser_close(&a);
    return 0;
}
