/* The bare loop: nothing but OpenSSL between two ends of a socket. */
#include "tlsloop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "need.h"
#include "softtpm.h"

#include <openssl/ssl.h>

#define REQUEST_LEN 512
#define ANSWER_LEN  4096
#define ROUND_TRIPS 5000

struct tlsloop {
    pid_t server;
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static int no_delay(int fd)
{
    int one = 1;

    NEED(fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    return fd;
}

/* Two ends of a TCP connection: loopback costs what the service's clients cost. */
static void connect_ends(int *client, int *server)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(listener >= 0 && bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0);
    NEED(listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&a, &len) == 0);
    *client = no_delay(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    NEED(connect(*client, (struct sockaddr *)&a, sizeof(a)) == 0);
    *server = no_delay(accept(listener, NULL, NULL));
    (void)close(listener);
}

static void receive(SSL *ssl, uint8_t *buf, size_t len)
{
    size_t got = 0;
    size_t n = 0;

    while (got < len && SSL_read_ex(ssl, buf + got, len - got, &n) == 1) {
        got += n;
    }
    NEED(got == len);
}

static void serve(int fd)
{
    struct softtpm_ca *ca = softtpm_ca_new("loop");
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    static uint8_t buf[ANSWER_LEN];
    size_t n = 0;
    SSL *ssl;

    bench_pin(BENCH_FIRST_CORE);
    NEED(ctx != NULL && SSL_CTX_use_certificate(ctx, ca->root) == 1);
    NEED(SSL_CTX_use_PrivateKey(ctx, ca->key) == 1);
    ssl = SSL_new(ctx);
    NEED(ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1);
    while (SSL_read_ex(ssl, buf, REQUEST_LEN, &n) == 1) {
        NEED(SSL_write_ex(ssl, buf, ANSWER_LEN, &n) == 1);
    }
    _exit(0);
}

struct tlsloop *tlsloop_new(void)
{
    struct tlsloop *l = calloc(1, sizeof(*l));
    int server_fd;

    NEED(l != NULL);
    connect_ends(&l->fd, &server_fd);
    l->server = fork();
    NEED(l->server >= 0);
    if (l->server == 0) {
        (void)close(l->fd);
        serve(server_fd);
    }
    (void)close(server_fd);
    l->ctx = SSL_CTX_new(TLS_client_method());
    NEED(l->ctx != NULL);
    l->ssl = SSL_new(l->ctx);
    NEED(l->ssl != NULL && SSL_set_fd(l->ssl, l->fd) == 1 && SSL_connect(l->ssl) == 1);
    return l;
}

double tlsloop_us(struct tlsloop *l)
{
    static uint8_t buf[ANSWER_LEN];
    double start = bench_process_cpu_s(l->server);
    size_t n = 0;

    for (int i = 0; i < ROUND_TRIPS; i++) {
        NEED(SSL_write_ex(l->ssl, buf, REQUEST_LEN, &n) == 1);
        receive(l->ssl, buf, ANSWER_LEN);
    }
    return (bench_process_cpu_s(l->server) - start) * 1e6 / ROUND_TRIPS;
}

void tlsloop_free(struct tlsloop *l)
{
    SSL_free(l->ssl);
    SSL_CTX_free(l->ctx);
    (void)close(l->fd);
    (void)kill(l->server, SIGTERM);
    NEED(waitpid(l->server, NULL, 0) == l->server);
    free(l);
}
