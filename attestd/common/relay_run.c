/* Starting, asking and stopping the courier: the side of whoever needs the network. */
#include "common/relay.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/program.h"
#include "common/frame.h"

#define NUMBER_LEN 16
#define GRACE_MS   10000 /* the courier gives up by itself before we do */

struct relay {
    int fd;
    pid_t pid;
};

int relay_pid(const struct relay *r)
{
    return (int)r->pid;
}

/* The argument vector, built option by option. */
struct args {
    const char *v[RELAY_OPTIONS_MAX];
    size_t count;
};

static void add(struct args *a, const char *option, const char *value)
{
    if (value != NULL && a->count + 3 < RELAY_OPTIONS_MAX) {
        a->v[a->count++] = option;
        a->v[a->count++] = value;
    }
}

/* posix_spawn wants char *const *, and changes nothing behind it. */
static enum att_err spawn(pid_t *pid, const char *program, const struct args *a, int fd)
{
    union {
        const char *const *from;
        char *const *to;
    } argv = {.from = a->v};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc != 0 || posix_spawnattr_init(&attr) != 0) {
        return ATT_E_NOMEM;
    }
    (void)sigemptyset(&none);
    rc = posix_spawn_file_actions_adddup2(&actions, fd, RELAY_FD);
    if (rc == 0) {
        rc = posix_spawnattr_setsigmask(&attr, &none); /* ours may be blocked for a signalfd */
    }
    if (rc == 0) {
        rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    }
    if (rc == 0) {
        /* none: proxies, key logs, library paths are not wanted */
        rc = posix_spawn(pid, program, &actions, &attr, argv.to, att_guard_environment());
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return rc == 0 ? ATT_OK : ATT_E_IO;
}

/* A courier that hangs must not hang us. */
static enum att_err bound_waiting(int fd, uint32_t timeout_ms)
{
    struct timeval tv = {.tv_sec = (time_t)((timeout_ms + GRACE_MS) / 1000)};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) != 0) {
        return ATT_E_IO;
    }
    return ATT_OK;
}

/* One of our own, over a socket pair. */
static enum att_err start_own(struct relay *r, const char *program, const struct args *a,
                              uint32_t timeout_ms)
{
    ATT_CLEANUP(att_closep) int theirs = -1;
    int fd[2];
    enum att_err err = ATT_OK;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0) {
        return ATT_E_IO;
    }
    r->fd = fd[0];
    theirs = fd[1];
    err = bound_waiting(r->fd, timeout_ms);
    return err == ATT_OK ? spawn(&r->pid, program, a, theirs) : err;
}

/* One that the service manager starts for this connection, with rights of its own. */
static enum att_err start_service(struct relay *r, const char *path, const struct args *a,
                                  uint32_t timeout_ms)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    uint8_t line[RELAY_SETTINGS_MAX];
    struct relay_request q = {.kind = RELAY_SETTINGS};
    size_t len = 0;

    if (strlen(path) >= sizeof(to.sun_path)) {
        return ATT_E_LIMIT;
    }
    strcpy(to.sun_path, path); /* fits, as was just checked */
    for (size_t i = 0; i < a->count; i++) {
        size_t n = strlen(a->v[i]) + 1;

        if (n > sizeof(line) - len) {
            return ATT_E_LIMIT;
        }
        memcpy(line + len, a->v[i], n);
        len += n;
    }
    q.body = att_slice_of(line, len);
    r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->fd < 0 || bound_waiting(r->fd, timeout_ms) != ATT_OK) {
        return ATT_E_IO;
    }
    if (connect(r->fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        return errno == ENOENT || errno == ECONNREFUSED ? ATT_E_NOT_FOUND : ATT_E_IO;
    }
    return relay_send_request(r->fd, &q);
}

static enum att_err start(struct relay *r, const char *program, const struct relay_settings *s)
{
    char connect_ms[NUMBER_LEN];
    char total_ms[NUMBER_LEN];
    struct args a = {.v = {"attest-courier"}, .count = 1};

    (void)snprintf(connect_ms, sizeof(connect_ms), "%u", s->connect_timeout_ms);
    (void)snprintf(total_ms, sizeof(total_ms), "%u", s->timeout_ms);
    add(&a, "--url", s->url);
    add(&a, "--ca", s->ca_file);
    add(&a, "--key", s->key_file);
    add(&a, "--cert", s->cert_file);
    add(&a, "--proxy", s->proxy);
    add(&a, "--admin-socket", s->admin_socket);
    add(&a, "--connect-timeout-ms", connect_ms);
    add(&a, "--timeout-ms", total_ms);
    if (s->operator_kinds) {
        a.v[a.count++] = "--operator";
    }
    return s->service != NULL ? start_service(r, s->service, &a, s->timeout_ms)
                              : start_own(r, program, &a, s->timeout_ms);
}

enum att_err relay_start(struct relay **out, const struct relay_settings *settings,
                         struct att_diag *diag)
{
    ATT_CLEANUP(relay_stopp) struct relay *r = calloc(1, sizeof(*r));
    char found[PATH_MAX];
    const char *program = settings->program;
    enum att_err err = ATT_OK;

    if (r == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for the courier");
    }
    r->fd = -1;
    if (program == NULL && settings->service == NULL) {
        err = att_program_find(found, sizeof(found), "attest-courier", diag);
        program = found;
    }
    if (err != ATT_OK) {
        return err;
    }
    err = start(r, program, settings);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_FILE, "courier", "cannot start %s",
                        settings->service != NULL ? settings->service : program);
    }
    *out = r;
    r = NULL;
    return ATT_OK;
}

/* It ends by itself when its descriptor closes; one that does not within a second is ended. */
static void wait_for_end(pid_t pid)
{
    for (int i = 0; i < 100; i++) {
        pid_t got = waitpid(pid, NULL, WNOHANG);

        if (got == pid || (got < 0 && errno != EINTR)) {
            return;
        }
        (void)usleep(10000);
    }
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void relay_stop(struct relay *r)
{
    if (r == NULL) {
        return;
    }
    att_closep(&r->fd);
    if (r->pid > 0) {
        wait_for_end(r->pid);
    }
    free(r);
}

void relay_stopp(struct relay **r)
{
    relay_stop(*r);
    *r = NULL;
}

void relay_answer_free(struct relay_answer *a)
{
    att_buf_free(a->frame);
    *a = (struct relay_answer){0};
}

enum att_err relay_ask(struct relay_answer *out, struct relay *r,
                       const struct relay_request *request, struct att_diag *diag)
{
    ATT_CLEANUP(relay_answer_free) struct relay_answer a = {0};
    enum att_err err = relay_send_request(r->fd, request);

    if (err == ATT_E_LIMIT) {
        return att_fail(diag, err, ATT_R_LIM_SIZE, NULL,
                        "the request has %zu bytes, at most %d fit", request->body.len, FRAME_MAX);
    }
    if (err == ATT_OK) {
        err = frame_receive(&a.frame, r->fd, RELAY_BULK_MAX + RELAY_HEAD_MAX);
    }
    if (err != ATT_OK) {
        return att_fail(diag, ATT_E_IO, ATT_R_INTERNAL, NULL, "attest-courier is gone (%s)",
                        att_err_name(err));
    }
    err = relay_answer_parse(&a, att_buf_slice(a.frame), diag);
    if (err == ATT_OK) {
        *out = a;
        a = (struct relay_answer){0};
    }
    return err;
}
