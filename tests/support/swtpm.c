#include "swtpm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "need.h"
#include "remove_tree.h"

#define FOLDER_MAX  64 /* a unix socket path has 108 characters */
#define START_TRIES 500
#define START_MS    10

enum order { ORDER_START = 's', ORDER_STOP = 't', ORDER_KILL = 'k', ORDER_QUIT = 'q' };

struct swtpm {
    char folder[FOLDER_MAX];
    char tcti[FOLDER_MAX + 32];
    char socket[FOLDER_MAX + 16];
    char ca[PATH_MAX];
    pid_t pid;
    int orders, answers; /* pipes to and from the janitor */
};

static void sleep_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

bool swtpm_available(void)
{
    return system("command -v swtpm >/dev/null && command -v swtpm_setup >/dev/null && "
                  "command -v swtpm_localca >/dev/null") == 0;
}

/* --- the janitor ------------------------------------------------------------------------------- */

static void exec_swtpm(const struct swtpm *t)
{
    char state[FOLDER_MAX + 32], server[FOLDER_MAX + 64], ctrl[FOLDER_MAX + 64],
        log[FOLDER_MAX + 32];
    pid_t janitor = getppid();

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != janitor)
        _exit(1);
    (void)snprintf(state, sizeof state, "dir=%s/state", t->folder);
    (void)snprintf(server, sizeof server, "type=unixio,path=%s", t->socket);
    (void)snprintf(ctrl, sizeof ctrl, "type=unixio,path=%s.ctrl", t->socket);
    (void)snprintf(log, sizeof log, "file=%s/swtpm.log", t->folder);
    (void)execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server,
                 "--ctrl", ctrl, "--flags", "not-need-init", "--log", log, (char *)NULL);
    _exit(127);
}

static bool answers(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok;

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%.107s", path);
    ok = fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&a, sizeof a) == 0;
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static pid_t janitor_start(const struct swtpm *t)
{
    char ctrl[FOLDER_MAX + 32];
    pid_t pid;

    (void)snprintf(ctrl, sizeof ctrl, "%s.ctrl", t->socket);
    (void)unlink(t->socket);
    (void)unlink(ctrl);
    pid = fork();
    if (pid == 0)
        exec_swtpm(t);
    for (int i = 0; pid > 0 && i < START_TRIES; i++) {
        if (answers(t->socket))
            return pid;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return 0;
        sleep_ms(START_MS);
    }
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    return 0;
}

static void janitor_end(pid_t *pid, int sig)
{
    if (*pid <= 0)
        return;
    (void)kill(*pid, sig);
    (void)kill(*pid, SIGCONT); /* a test may have stopped it */
    (void)waitpid(*pid, NULL, 0);
    *pid = 0;
}

/* Obeys until the test says so or is gone, then leaves nothing behind. */
static void janitor(const struct swtpm *t, int orders, int replies)
{
    pid_t pid = 0;
    char order;

    (void)setsid(); /* the test runner kills the process group of a test that takes too long */
    (void)signal(SIGPIPE, SIG_IGN);
    for (;;) {
        ssize_t n = read(orders, &order, 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || order == ORDER_QUIT)
            break;
        if (order == ORDER_START && pid == 0)
            pid = janitor_start(t);
        if (order == ORDER_STOP)
            janitor_end(&pid, SIGTERM);
        if (order == ORDER_KILL)
            janitor_end(&pid, SIGKILL);
        if (write(replies, &pid, sizeof pid) != (ssize_t)sizeof pid)
            break;
    }
    janitor_end(&pid, SIGKILL);
    remove_tree(t->folder);
    _exit(0);
}

/* --- the test's side --------------------------------------------------------------------------- */

static void tell(struct swtpm *t, enum order order)
{
    char byte = (char)order;

    NEED(write(t->orders, &byte, 1) == 1);
    NEED(read(t->answers, &t->pid, sizeof t->pid) == (ssize_t)sizeof t->pid);
}

static struct swtpm *hire_janitor(void)
{
    struct swtpm *t = calloc(1, sizeof *t);
    int orders[2], replies[2];
    pid_t pid;

    NEED(t != NULL);
    (void)snprintf(t->folder, sizeof t->folder, "/tmp/attest-swtpm-XXXXXX");
    NEED(mkdtemp(t->folder) != NULL);
    (void)snprintf(t->socket, sizeof t->socket, "%s/tpm", t->folder);
    (void)snprintf(t->tcti, sizeof t->tcti, "swtpm:path=%s", t->socket);
    NEED(pipe2(orders, O_CLOEXEC) == 0 && pipe2(replies, O_CLOEXEC) == 0);
    (void)fflush(NULL);
    pid = fork();
    NEED(pid >= 0);
    if (pid == 0) {
        (void)close(orders[1]);
        (void)close(replies[0]);
        /* A second fork: nobody has to wait for the janitor. */
        if (fork() == 0)
            janitor(t, orders[0], replies[1]);
        _exit(0);
    }
    NEED(waitpid(pid, NULL, 0) == pid);
    (void)close(orders[0]);
    (void)close(replies[1]);
    t->orders = orders[1];
    t->answers = replies[0];
    return t;
}

/* The tree's root: where we are, or above the test program. */
static void find_script(char *out, size_t cap)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    (void)snprintf(out, cap, "scripts/swtpm-make");
    if (access(out, X_OK) == 0)
        return;
    NEED(n > 0);
    self[n] = '\0';
    for (char *slash = strrchr(self, '/'); slash != NULL; slash = strrchr(self, '/')) {
        *slash = '\0';
        NEED(snprintf(out, cap, "%s/scripts/swtpm-make", self) < (int)cap);
        if (access(out, X_OK) == 0)
            return;
    }
    NEED(false); /* scripts/swtpm-make is in no folder above the test program */
}

static struct swtpm *make(const char *ca_folder)
{
    struct swtpm *t = hire_janitor();
    char script[PATH_MAX], command[2 * PATH_MAX + 2 * FOLDER_MAX + 32];
    FILE *out;
    size_t len;

    find_script(script, sizeof script);
    (void)snprintf(command, sizeof command, "'%s' %s %s '%s'", script,
                   ca_folder == NULL ? "" : "-c", ca_folder == NULL ? "" : ca_folder, t->folder);
    out = popen(command, "re");
    NEED(out != NULL);
    NEED(fgets(t->ca, sizeof t->ca, out) != NULL);
    NEED(pclose(out) == 0);
    len = strcspn(t->ca, "\n");
    t->ca[len] = '\0';
    swtpm_start(t);
    return t;
}

struct swtpm *swtpm_new(void)
{
    return make(NULL);
}

struct swtpm *swtpm_new_sibling(const struct swtpm *other)
{
    char ca_folder[FOLDER_MAX + 8];

    (void)snprintf(ca_folder, sizeof ca_folder, "%s/ca", other->folder);
    return make(ca_folder);
}

struct swtpm *swtpm_new_blank(void)
{
    struct swtpm *t = hire_janitor();
    char state[FOLDER_MAX + 8];

    (void)snprintf(state, sizeof state, "%s/state", t->folder);
    NEED(mkdir(state, 0700) == 0);
    swtpm_start(t);
    return t;
}

void swtpm_free(struct swtpm *t)
{
    char byte = ORDER_QUIT;

    if (t == NULL)
        return;
    NEED(write(t->orders, &byte, 1) == 1);
    (void)close(t->orders);
    /* End of file: the janitor is done, nothing is left. */
    while (read(t->answers, &t->pid, sizeof t->pid) > 0)
        continue;
    (void)close(t->answers);
    free(t);
}

const char *swtpm_tcti(const struct swtpm *t)
{
    return t->tcti;
}

const char *swtpm_folder(const struct swtpm *t)
{
    return t->folder;
}

const char *swtpm_ca_file(const struct swtpm *t)
{
    return t->ca;
}

pid_t swtpm_pid(const struct swtpm *t)
{
    return t->pid;
}

void swtpm_stop(struct swtpm *t)
{
    tell(t, ORDER_STOP);
}

void swtpm_start(struct swtpm *t)
{
    tell(t, ORDER_START);
    NEED(t->pid > 0);
}

void swtpm_power_cut(struct swtpm *t)
{
    tell(t, ORDER_KILL);
    swtpm_start(t);
}

int swtpm_tool(const struct swtpm *t, const char *format, ...)
{
    char command[4096];
    int head = snprintf(command, sizeof command, "export TPM2TOOLS_TCTI='%s'; cd '%s' || exit 99; ",
                        t->tcti, t->folder);
    int tail, status;
    va_list args;

    NEED(head > 0 && (size_t)head < sizeof command);
    va_start(args, format);
    tail = vsnprintf(&command[head], sizeof command - (size_t)head, format, args);
    va_end(args);
    NEED(tail > 0 && (size_t)(head + tail) < sizeof command);
    status = system(command);
    NEED(WIFEXITED(status));
    return WEXITSTATUS(status);
}
