/* Sockets that listen. */
#include "common/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

static int bound_socket(const struct addrinfo *ai)
{
    const int on = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return -1;
    }
    /* Head and body of an answer must not wait for each other's acknowledgement. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

enum att_err listen_tcp(int *out, const char *host, uint16_t port, const char *field,
                        struct att_diag *diag)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    char shown[96];
    int fd = -1;

    (void)snprintf(service, sizeof(service), "%u", (unsigned int)port);
    if (getaddrinfo(host, service, &hints, &found) != 0 || found == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, field, "%s is no numeric address",
                        att_escape(shown, sizeof(shown), host, strlen(host)));
    }
    fd = bound_socket(found);
    freeaddrinfo(found);
    if (fd < 0) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_CFG_KEY, field,
                        "cannot listen at %s, port %u: %s", host, (unsigned int)port,
                        strerror(errno));
    }
    *out = fd;
    return ATT_OK;
}

uint16_t listen_port(int fd)
{
    struct sockaddr_storage s;
    socklen_t len = sizeof(s);

    if (getsockname(fd, (struct sockaddr *)&s, &len) != 0) {
        return 0;
    }
    if (s.ss_family == AF_INET) {
        return ntohs(((const struct sockaddr_in *)(const void *)&s)->sin_port);
    }
    if (s.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)(const void *)&s)->sin6_port);
    }
    return 0;
}
