#include "ttytpm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "need.h"

static bool read_exactly(int fd, uint8_t *to, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = read(fd, &to[got], len - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

/* Something to read from there; false when the relay shall end. */
static bool await(const struct ttytpm *t, int from)
{
    struct pollfd p[] = {{.fd = from, .events = POLLIN}, {.fd = t->stop[0], .events = POLLIN}};
    int n;

    do
        n = poll(p, 2, -1);
    while (n < 0 && errno == EINTR);
    return n > 0 && p[1].revents == 0;
}

/* One command or answer: the header says how long it is. */
static bool pass_on(const struct ttytpm *t, int from, int to)
{
    uint8_t bytes[4096];
    struct att_rd r;
    uint32_t size;

    if (!await(t, from) || !read_exactly(from, bytes, 10))
        return false;
    r = att_rd_from(bytes, 10);
    att_rd_skip(&r, 2);
    size = att_rd_u32be(&r);
    if (size < 10 || size > sizeof bytes || !read_exactly(from, &bytes[10], size - 10))
        return false;
    return to < 0 || att_write_all(to, bytes, size) == ATT_OK;
}

static void *relay_main(void *arg)
{
    struct ttytpm *t = arg;

    while (pass_on(t, t->master, t->tpm) && pass_on(t, t->tpm, t->silent ? -1 : t->master))
        continue;
    return NULL;
}

static int connect_unix(const struct swtpm *unit)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s/tpm", swtpm_folder(unit));
    NEED(fd >= 0);
    NEED(connect(fd, (const struct sockaddr *)(const void *)&a, sizeof a) == 0);
    return fd;
}

void ttytpm_start(struct ttytpm *t, struct swtpm *unit)
{
    struct termios raw;
    int slave;

    memset(t, 0, sizeof *t);
    t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    NEED(t->master >= 0);
    NEED(grantpt(t->master) == 0);
    NEED(unlockpt(t->master) == 0);
    (void)snprintf(t->tcti, sizeof t->tcti, "device:%s", ptsname(t->master));
    slave = open(ptsname(t->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    NEED(slave >= 0); /* stays open: the terminal keeps its settings */
    NEED(tcgetattr(slave, &raw) == 0);
    cfmakeraw(&raw);
    NEED(tcsetattr(slave, TCSANOW, &raw) == 0);
    t->tpm = connect_unix(unit);
    NEED(pipe2(t->stop, O_CLOEXEC) == 0);
    NEED(pthread_create(&t->thread, NULL, relay_main, t) == 0);
}

void ttytpm_stop(struct ttytpm *t)
{
    NEED(write(t->stop[1], "s", 1) == 1);
    (void)pthread_join(t->thread, NULL);
    (void)close(t->stop[0]);
    (void)close(t->stop[1]);
    (void)close(t->master);
    (void)close(t->tpm);
}
