/* sd_notify(3) without its library: a datagram to the socket that the environment names. */
#include "common/notify.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define WATCHDOG_MAX_US 86400000000LL

void notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path == NULL ? 0 : strlen(path);
    int fd = -1;

    if (len == 0 || len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    memcpy(to.sun_path, path, len);
    if (to.sun_path[0] == '@') {
        to.sun_path[0] = '\0'; /* the abstract namespace */
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                 (const struct sockaddr *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    (void)close(fd);
}

int64_t notify_watchdog_ms(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    long long us = text == NULL ? 0 : strtoll(text, NULL, 10);

    if (us <= 0 || us > WATCHDOG_MAX_US ||
        (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid())) {
        return 0;
    }
    return us < 3000 ? 1 : us / 3000;
}

void notify_alive(void)
{
    static _Atomic int64_t last_ms;
    int64_t pause_ms = notify_watchdog_ms();
    int64_t now = att_clock_mono_ms();
    int64_t last = atomic_load(&last_ms);

    if (pause_ms == 0 || (last != 0 && now - last < pause_ms / 4)) {
        return;
    }
    if (atomic_compare_exchange_strong(&last_ms, &last, now)) {
        notify_send("WATCHDOG=1");
    }
}
