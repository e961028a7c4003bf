/* One process, one connection at a time, bytes as they come. */
#include "pgproxy.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "need.h"
#include "remove_tree.h"

static struct sockaddr_un address(const char *folder)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    NEED(snprintf(a.sun_path, sizeof(a.sun_path), "%s/.s.PGSQL.5432", folder) > 0);
    return a;
}

/* False when either side has gone, or the answer to a commit came while that is wanted. */
static bool pass_on(int from, int to, volatile int *armed)
{
    char buf[65536];
    ssize_t n = read(from, buf, sizeof(buf));

    if (n <= 0)
        return false;
    if (armed != NULL && *armed != 0 &&
        memmem(buf, (size_t)n, "COMMIT", sizeof("COMMIT")) != NULL) {
        *armed = 0;
        return false;
    }
    return write(to, buf, (size_t)n) == n;
}

static void relay(int client, int server, volatile int *armed)
{
    struct pollfd p[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool alive = true;

    while (alive && poll(p, 2, -1) > 0) {
        if (p[0].revents != 0)
            alive = pass_on(client, server, NULL);
        if (alive && p[1].revents != 0)
            alive = pass_on(server, client, armed);
    }
}

static _Noreturn void serve(int listener, const char *server_folder, volatile int *armed)
{
    const struct sockaddr_un to = address(server_folder);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (client < 0 || server < 0)
            _exit(1);
        if (connect(server, (const struct sockaddr *)&to, sizeof(to)) == 0)
            relay(client, server, armed);
        (void)close(client);
        (void)close(server);
    }
}

void pgproxy_start(struct pgproxy *p, const char *server)
{
    struct sockaddr_un at;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/attestd-proxy-XXXXXX");
    NEED(mkdtemp(p->folder) != NULL && listener >= 0);
    at = address(p->folder);
    NEED(bind(listener, (const struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 4) == 0);
    p->armed =
        mmap(NULL, sizeof(*p->armed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(p->armed != MAP_FAILED);
    p->pid = fork();
    NEED(p->pid >= 0);
    if (p->pid == 0)
        serve(listener, server, p->armed);
    (void)close(listener);
}

void pgproxy_stop(struct pgproxy *p)
{
    (void)kill(p->pid, SIGKILL);
    (void)waitpid(p->pid, NULL, 0);
    remove_tree(p->folder);
}
