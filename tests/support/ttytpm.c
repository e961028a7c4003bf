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
static bool receive(const struct ttytpm *t, int from, uint8_t bytes[TTYTPM_MAX], size_t *len)
{
    struct att_rd r;

    if (!await(t, from) || !read_exactly(from, bytes, 10))
        return false;
    r = att_rd_from(bytes, 10);
    att_rd_skip(&r, 2);
    *len = att_rd_u32be(&r);
    return *len >= 10 && *len <= TTYTPM_MAX && read_exactly(from, &bytes[10], *len - 10);
}

uint32_t ttytpm_code(const uint8_t *command)
{
    struct att_rd r = att_rd_from(command, 10);

    att_rd_skip(&r, 6);
    return att_rd_u32be(&r);
}

size_t ttytpm_ask(struct ttytpm *t, const uint8_t *command, size_t len, uint8_t *answer)
{
    size_t got = 0;

    NEED(att_write_all(t->tpm, command, len) == ATT_OK);
    NEED(receive(t, t->tpm, answer, &got));
    return got;
}

static void *relay_main(void *arg)
{
    struct ttytpm *t = arg;
    uint8_t command[TTYTPM_MAX], answer[TTYTPM_MAX];
    size_t len = 0;

    while (receive(t, t->master, command, &len)) {
        const struct ttytpm_liar *liar = t->liar;

        if (liar != NULL && liar->command != NULL)
            liar->command(t, command, len);
        if (att_write_all(t->tpm, command, len) != ATT_OK || !receive(t, t->tpm, answer, &len))
            break;
        if (liar != NULL && liar->answer != NULL)
            liar->answer(t, command, answer, &len);
        if (!t->silent && att_write_all(t->master, answer, len) != ATT_OK)
            break;
    }
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
