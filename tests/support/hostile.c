/* The hostile server: one thread, one connection at a time. */
#include "hostile.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "need.h"

#define HEAD_MAX 65536

struct hostile_state {
    struct hostile_options options;
    SSL_CTX *ctx;
    int fd;
    atomic_bool stop;
    pthread_t thread;
};

/* One connection's bytes, over TLS or not. */
struct pipe {
    SSL *ssl;
    int fd;
};

static int pipe_read(struct pipe *p, void *out, int cap)
{
    return p->ssl != NULL ? SSL_read(p->ssl, out, cap) : (int)read(p->fd, out, (size_t)cap);
}

static bool pipe_write(struct pipe *p, const void *in, size_t len)
{
    return p->ssl != NULL ? SSL_write(p->ssl, in, (int)len) == (int)len
                          : write(p->fd, in, len) == (ssize_t)len;
}

static bool write_answer(struct hostile *h, struct pipe *p)
{
    static const char empty[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const struct hostile_options *o = &h->state->options;
    char chunk[16384];
    char head[1024];
    uint64_t left = o->body;
    const char *port = strstr(o->head, "%u");

    if (o->once && atomic_load(&h->requests) > 1) {
        return pipe_write(p, empty, sizeof(empty) - 1);
    }
    if (port != NULL) {
        snprintf(head, sizeof(head), "%.*s%u%s", (int)(port - o->head), o->head,
                 (unsigned int)h->port, port + 2);
    } else {
        snprintf(head, sizeof(head), "%s", o->head);
    }
    memset(chunk, 'x', sizeof(chunk));
    if (!pipe_write(p, head, strlen(head))) {
        return false;
    }
    while (left > 0 && !atomic_load(&h->state->stop)) {
        size_t n = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);

        if (!pipe_write(p, chunk, n)) {
            return false;
        }
        atomic_fetch_add(&h->sent, n);
        left -= left == UINT64_MAX ? 0 : n;
    }
    return true;
}

/* Answer requests (heads; bodies are read and dropped) until the peer leaves. */
static void serve(struct hostile *h, struct pipe *p)
{
    static const char end[] = "\r\n\r\n";
    char *in = malloc(HEAD_MAX + 1);
    size_t len = 0;
    bool good = true;

    NEED(in != NULL);
    while (good && len < HEAD_MAX) {
        int n = pipe_read(p, in + len, (int)(HEAD_MAX - len));

        if (n <= 0) {
            break;
        }
        atomic_fetch_add(&h->received, (unsigned long)n);
        len += (size_t)n;
        in[len] = '\0';
        if (strstr(in, end) != NULL) {
            atomic_fetch_add(&h->requests, 1);
            len = 0;
            good = write_answer(h, p);
        }
    }
    free(in);
}

static void one_connection(struct hostile *h, int fd)
{
    struct timeval wait = {.tv_sec = 5};
    struct pipe p = {.fd = fd};

    atomic_fetch_add(&h->connections, 1);
    NEED(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0);
    NEED(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0);
    if (h->state->ctx == NULL) {
        serve(h, &p);
        close(fd);
        return;
    }
    p.ssl = SSL_new(h->state->ctx);
    NEED(p.ssl != NULL && SSL_set_fd(p.ssl, fd) == 1);
    if (SSL_accept(p.ssl) == 1) {
        atomic_fetch_add(&h->handshakes, 1);
        serve(h, &p);
    }
    SSL_free(p.ssl);
    ERR_clear_error();
    close(fd);
}

static void *run(void *arg)
{
    struct hostile *h = arg;

    while (!atomic_load(&h->state->stop)) {
        struct pollfd p = {.fd = h->state->fd, .events = POLLIN};

        if (poll(&p, 1, 50) == 1) {
            int fd = accept4(h->state->fd, NULL, NULL, SOCK_CLOEXEC);

            if (fd >= 0) {
                one_connection(h, fd);
            }
        }
    }
    return NULL;
}

struct hostile *hostile_start(const struct hostile_options *options)
{
    struct hostile *h = calloc(1, sizeof(*h));
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);

    NEED(h != NULL && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    h->state = calloc(1, sizeof(*h->state));
    NEED(h->state != NULL);
    h->state->options = *options;
    if (options->key != NULL) {
        h->state->ctx = SSL_CTX_new(TLS_server_method());
        NEED(h->state->ctx != NULL);
        NEED(SSL_CTX_use_certificate(h->state->ctx, options->cert) == 1);
        NEED(SSL_CTX_use_PrivateKey(h->state->ctx, options->key) == 1);
    }
    h->state->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED(h->state->fd >= 0 && bind(h->state->fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    NEED(getsockname(h->state->fd, (struct sockaddr *)&a, &len) == 0);
    NEED(listen(h->state->fd, 16) == 0);
    h->port = ntohs(a.sin_port);
    NEED(pthread_create(&h->state->thread, NULL, run, h) == 0);
    return h;
}

void hostile_stop(struct hostile *h)
{
    if (h == NULL) {
        return;
    }
    atomic_store(&h->state->stop, true);
    NEED(pthread_join(h->state->thread, NULL) == 0);
    close(h->state->fd);
    SSL_CTX_free(h->state->ctx);
    free(h->state);
    free(h);
}
