/*
 * app SOCKET KEYS HERTZ SECONDS - an application that acquires for itself: it writes a line for each of KEYS keys (k0,
 * k1, ...) so many times a second, and the n-th line of each key is "kI n". Nothing is left out when the reader is slow.
 *
 * Prints what it sent, how often it was late by more than a tick, and by how much at most.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS  INT64_C(1000000000)
#define LINE_BYTES 24
#define KEYS_MAX   64

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static int dial(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    for (int i = 0; i < 1000; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
            return fd;
        close(fd);
        usleep(20000);
    }
    return -1;
}

static int give(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return -1;
        p += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char text[KEYS_MAX * LINE_BYTES];
    int keys = argc == 5 ? atoi(argv[2]) : 0;
    int64_t hertz = argc == 5 ? atoll(argv[3]) : 0;
    int64_t ticks = argc == 5 ? hertz * atoll(argv[4]) : 0;
    int64_t begin = 0, sent = 0, late = 0, latest_ms = 0;
    int fd = -1;

    if (keys < 1 || keys > KEYS_MAX || hertz < 1 || ticks < 1) {
        fprintf(stderr, "usage: app SOCKET KEYS HERTZ SECONDS\n");
        return 2;
    }
    fd = dial(argv[1]);
    begin = now_ns();
    for (int64_t n = 1; fd >= 0 && n <= ticks; n++) {
        int64_t at = begin + n * SECOND_NS / hertz, behind = now_ns() - at;
        struct timespec t = {at / SECOND_NS, at % SECOND_NS};
        size_t len = 0;

        late += behind > SECOND_NS / hertz ? 1 : 0;
        latest_ms = behind / 1000000 > latest_ms ? behind / 1000000 : latest_ms;
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
            continue;
        for (int k = 0; k < keys; k++)
            len += (size_t)snprintf(text + len, sizeof text - len, "k%d %" PRId64 "\n", k, n);
        if (give(fd, text, len) != 0)
            break;
        sent += keys;
    }
    printf("sent %" PRId64 " lines in %" PRId64 " ms, late %" PRId64 " of %" PRId64
           " times, at most %" PRId64 " ms\n",
           sent, (now_ns() - begin) / 1000000, late, ticks, latest_ms);
    if (fd >= 0)
        close(fd);
    return sent == ticks * keys ? 0 : 1;
}
