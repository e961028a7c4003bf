/* The keeper's process under strace, and what is said to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/frame.h"
#include "common/log.h"
#include "faults.h"
#include "need.h"
#include "verifier/process.h"

#define GO     SIGUSR2
#define ALWAYS "fsync,fdatasync,writev" /* syncs and answers */

static volatile int never; /* becomes true in no child: it ends when its front has gone */

bool fault_kills(const struct fault *f)
{
    return f->call != NULL && strcmp(f->kind, "KILL") == 0;
}

bool fault_of_sync(const struct fault *f)
{
    return f->call != NULL && !fault_kills(f) &&
           (strcmp(f->call, "fsync") == 0 || strcmp(f->call, "fdatasync") == 0);
}

/* --- in the child --- */

static void wait_for_tracer(void)
{
    sigset_t go;

    (void)sigemptyset(&go);
    (void)sigaddset(&go, GO);
    while (sigwaitinfo(&go, NULL) != GO)
        continue;
}

static void send_to(int fd, const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    NEED(file >= 0 && dup2(file, fd) >= 0);
    (void)close(file);
}

static void be_keeper(const struct proc *p, int front, int ready, bool traced)
{
    const struct keeper_wiring w = {.front_fd = &front,
                                    .front_count = 1,
                                    .ready_fd = ready,
                                    .reload_fd = -1,
                                    .seal_key = p->v->seal_key,
                                    .stop = &never};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    send_to(STDERR_FILENO, p->log);
    log_open("keeper", LOG_LEVEL_INFO);
    if (traced)
        wait_for_tracer();
    _exit(keeper_main(p->v->cfg, &w));
}

/* --- the tracer --- */

static void exec_strace(const struct proc *p, enum proc_trace how, const struct fault *f, int said)
{
    char pid[16], trace[96], inject[96];
    const char *argv[] = {"strace", "-y",  "-o", p->trace, "-p", pid,
                          "-e",     trace, "-e", inject,   NULL};

    (void)snprintf(pid, sizeof(pid), "%d", (int)p->pid);
    (void)snprintf(trace, sizeof(trace), "trace=all");
    if (how == PROC_COUNT) {
        argv[8] = NULL;
    } else {
        (void)snprintf(trace, sizeof(trace), "trace=%s," ALWAYS, f->call);
        (void)snprintf(inject, sizeof(inject), "inject=%s:%s%s:when=%lu", f->call,
                       fault_kills(f) ? "signal=" : "error=", f->kind, f->when);
    }
    NEED(dup2(said, STDERR_FILENO) >= 0);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* It says "attached" when the process can do nothing more unseen. */
static void wait_attached(int fd)
{
    char text[1024];
    size_t len = 0;
    ssize_t n;

    do {
        n = read(fd, &text[len], sizeof(text) - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        text[len] = '\0';
        if (strstr(text, " attached\n") != NULL)
            return;
    } while (n > 0 && len < sizeof(text) - 1);
    fprintf(stderr, "strace cannot trace here: %s\n", text);
    exit(77);
}

static void attach(struct proc *p, enum proc_trace how, const struct fault *f)
{
    int said[2];

    NEED(pipe2(said, O_CLOEXEC) == 0);
    p->tracer = fork();
    NEED(p->tracer >= 0);
    if (p->tracer == 0)
        exec_strace(p, how, f, said[1]);
    (void)close(said[1]);
    wait_attached(said[0]);
    (void)close(said[0]);
    NEED(kill(p->pid, GO) == 0);
}

/* --- its life --- */

static void believe_hung(struct proc *p)
{
    p->hung = true;
    (void)kill(p->pid, SIGKILL);
}

static bool wait_ready(struct proc *p, int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    char byte;

    if (poll(&pfd, 1, PROC_PATIENCE_S * 1000) != 1) {
        believe_hung(p);
        return false;
    }
    return read(fd, &byte, 1) == 1;
}

bool proc_start(struct proc *p, enum proc_trace how, const struct fault *f)
{
    const struct timeval limit = {.tv_sec = PROC_PATIENCE_S};
    int pair[2], ready[2];
    sigset_t go;
    bool up;

    NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    NEED(fcntl(pair[1], F_SETFL, O_NONBLOCK) == 0);
    NEED(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
    NEED(pipe2(ready, O_CLOEXEC) == 0);
    (void)sigemptyset(&go);
    (void)sigaddset(&go, GO);
    NEED(sigprocmask(SIG_BLOCK, &go, NULL) == 0);
    p->mute = p->hung = false;
    p->fd = pair[0];
    p->pid = fork();
    NEED(p->pid >= 0);
    if (p->pid == 0) {
        (void)close(pair[0]);
        (void)close(ready[0]);
        be_keeper(p, pair[1], ready[1], how != PROC_ALONE);
    }
    (void)close(pair[1]);
    (void)close(ready[1]);
    if (how != PROC_ALONE)
        attach(p, how, f);
    up = wait_ready(p, ready[0]);
    (void)close(ready[0]);
    if (!up)
        proc_stop(p);
    return up;
}

/* Its exit status, or SIGKILL's when it does not end. */
static int reap(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 2000000};
    int status = 0;

    for (long ms = 0; ms < PROC_PATIENCE_S * 1000L; ms += 2) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(pid, SIGKILL);
    NEED(waitpid(pid, &status, 0) == pid);
    return status;
}

void proc_stop(struct proc *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
    if (p->pid > 0)
        p->status = reap(p->pid);
    if (p->tracer > 0)
        (void)reap(p->tracer);
    p->pid = p->tracer = 0;
}

void proc_ask(void *ctx, const struct msg *m, struct inproc_answer *a)
{
    struct proc *p = ctx;
    ATT_CLEANUP(att_buf_freep) struct att_buf *frame = NULL;
    uint8_t *room = malloc(msg_size(m));
    struct att_wr w = att_wr_into(room, msg_size(m));
    struct msg answer;
    enum att_err err;

    NEED(room != NULL && msg_encode(&w, m) == ATT_OK);
    err = frame_send(p->fd, att_slice_of(room, w.len));
    free(room);
    errno = 0;
    if (err == ATT_OK)
        err = frame_receive(&frame, p->fd, FRAME_MAX);
    p->mute = err != ATT_OK;
    if (p->mute && errno == EAGAIN)
        believe_hung(p);
    if (p->mute) {
        a->reason = ATT_R_BUSY;
        return;
    }
    NEED(msg_decode(&answer, att_buf_slice(frame), NULL) == ATT_OK && answer.id == m->id);
    inproc_keep(a, &answer);
}

int proc_program(struct inproc *v, int (*program)(const struct config *cfg), const char *output)
{
    pid_t pid = fork();
    int status;

    NEED(pid >= 0);
    if (pid == 0) {
        send_to(STDOUT_FILENO, output);
        NEED(dup2(STDOUT_FILENO, STDERR_FILENO) >= 0);
        status = program(v->cfg);
        (void)fflush(stdout);
        _exit(status);
    }
    status = reap(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- what strace saw --- */

bool proc_was_hit(const struct proc *p, const struct fault *f)
{
    char line[4096];
    bool hit = false;
    FILE *file;

    if (fault_kills(f))
        return WIFSIGNALED(p->status) && WTERMSIG(p->status) == SIGKILL;
    file = fopen(p->trace, "r");
    NEED(file != NULL);
    while (!hit && fgets(line, sizeof(line), file) != NULL)
        hit = strstr(line, "(INJECTED)") != NULL;
    (void)fclose(file);
    return hit;
}

/* Of "fdatasync(5</path>) = ..." the part up to the bracket; 0: another call. */
static size_t sync_call(const char *line)
{
    if (strncmp(line, "fsync(", 6) != 0 && strncmp(line, "fdatasync(", 10) != 0)
        return 0;
    return strcspn(line, ")");
}

struct proc_sync proc_failed_sync(const struct proc *p)
{
    struct proc_sync s = {0};
    char line[4096], failed[4096] = "", folder[96];
    char before[8192] = ""; /* what was synced well */
    FILE *file = fopen(p->trace, "r");

    NEED(file != NULL);
    (void)snprintf(folder, sizeof(folder), "<%s/state>", p->v->dir);
    while (fgets(line, sizeof(line), file) != NULL) {
        const char *path = strchr(line, '<');
        size_t len = sync_call(line);

        if (failed[0] == '\0' && len > 0 && strstr(line, "(INJECTED)") != NULL) {
            memcpy(failed, line, len);
            s.safe = strstr(failed, folder) != NULL && strstr(before, folder) != NULL;
        } else if (failed[0] != '\0') {
            s.again += len > 0 && strncmp(line, failed, len) == 0;
            s.answers += strncmp(line, "writev(", 7) == 0;
        } else if (len > 0 && path != NULL && strlen(before) + len < sizeof(before)) {
            (void)strncat(before, path, strcspn(path, ")"));
        }
    }
    (void)fclose(file);
    return s;
}

/* --- writes, syncs and answers in their order --- */

#define DIRTY_MAX 4

/* Files that were written and not synced since, as strace -y names them: "<path>". */
struct dirty {
    char path[DIRTY_MAX][256];
    size_t count;
};

/* What has to be on the disk before an answer: SQLite's log, and the file with the log's head. */
static bool is_of_the_records(const char *path)
{
    return strstr(path, "-wal>") != NULL || strstr(path, "/log-head>") != NULL;
}

static void forget(struct dirty *d, const char *path)
{
    for (size_t i = 0; i < d->count; i++) {
        if (strcmp(d->path[i], path) == 0)
            memcpy(d->path[i--], d->path[--d->count], sizeof(d->path[0]));
    }
}

static void remember(struct dirty *d, const char *path)
{
    forget(d, path);
    NEED(d->count < DIRTY_MAX);
    (void)snprintf(d->path[d->count++], sizeof(d->path[0]), "%s", path);
}

/* The first path of a line, with its brackets; "" without one. */
static void path_of(char *out, size_t cap, const char *line)
{
    const char *from = strchr(line, '<');
    size_t len = from != NULL ? strcspn(from, ">") + 1 : 0;

    (void)snprintf(out, cap, "%.*s", (int)len, from != NULL ? from : "");
}

struct proc_order proc_order(const struct proc *p)
{
    struct proc_order o = {0};
    struct dirty dirty = {0};
    char line[4096], path[256];
    FILE *file = fopen(p->trace, "r");

    NEED(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        path_of(path, sizeof(path), line);
        if (strncmp(line, "pwrite64(", 9) == 0 && is_of_the_records(path)) {
            remember(&dirty, path);
            o.writes++;
        } else if (sync_call(line) > 0 && strstr(line, " = 0") != NULL) {
            forget(&dirty, path);
        } else if (strncmp(line, "writev(", 7) == 0) {
            o.answers++;
            o.early += dirty.count > 0;
        }
    }
    (void)fclose(file);
    return o;
}

bool proc_died_at(const struct proc *p, const char *name)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen(p->trace, "r");

    NEED(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "pwrite64(", 9) == 0)
            found = strstr(line, name) != NULL;
    }
    (void)fclose(file);
    return found;
}
