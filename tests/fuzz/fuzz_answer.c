/*
 * Whatever a verifier's socket answers, the courier has one answer of HTTP within its limit, or a reason why not; no
 * redirect is an answer. The first byte chooses: 0 GET, 1 POST, 2 nobody listens, 3 nothing is answered in time,
 * 4 the rest is the address that is asked for, 5 two exchanges over one client, 6 headers that do not fit.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/courier/http.h"
#include "fuzz.h"

#define BODY_MAX   2048
#define TIMEOUT_MS 2000
#define SHORT_MS   2

enum { GET, POST, NOBODY, SILENCE, ADDRESS, TWICE, HEADERS, MODES };

static struct server {
    int fd;
    struct sockaddr_un at;
    struct att_slice answer; /* set before the client asks */
    bool silent;
} server;

static bool ends_head(const char *in, size_t len)
{
    return memmem(in, len, "\r\n\r\n", 4) != NULL;
}

/* One connection at a time: the head of a request, then the answer, then the end. */
static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        char in[4096];
        size_t len = 0;
        ssize_t n = 0;
        int fd = accept(server.fd, NULL, NULL);

        HOLDS(fd >= 0);
        while (len < sizeof(in) && !ends_head(in, len) &&
               (n = read(fd, in + len, sizeof(in) - len)) > 0) {
            len += (size_t)n;
        }
        if (server.silent) {
            n = read(fd, in, sizeof(in)); /* until the client gives up */
        } else if (server.answer.len > 0) {
            n = send(fd, server.answer.p, server.answer.len, MSG_NOSIGNAL);
        }
        (void)shutdown(fd, SHUT_WR);
        while (read(fd, in, sizeof(in)) > 0) {
        }
        (void)close(fd);
    }
    return NULL;
}

static void start_server(void)
{
    static char folder[] = "/tmp/fuzz-answer-XXXXXX";
    pthread_t thread;

    HOLDS(signal(SIGPIPE, SIG_IGN) != SIG_ERR && mkdtemp(folder) != NULL);
    server.at.sun_family = AF_UNIX;
    (void)snprintf(server.at.sun_path, sizeof(server.at.sun_path), "%s/socket", folder);
    server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    HOLDS(bind(server.fd, (const struct sockaddr *)&server.at, sizeof(server.at)) == 0);
    HOLDS(listen(server.fd, 16) == 0 && pthread_create(&thread, NULL, serve, NULL) == 0);
}

static void remove_socket(void)
{
    char *slash = strrchr(server.at.sun_path, '/');

    (void)unlink(server.at.sun_path);
    *slash = '\0';
    (void)rmdir(server.at.sun_path);
}

/* The server takes one after the other: when it has let go of this one, it is done with those before. */
static void wait_for_server(void)
{
    static const char head[] = "\r\n\r\n";
    char in[4096];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    HOLDS(connect(fd, (const struct sockaddr *)&server.at, sizeof(server.at)) == 0);
    HOLDS(send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL) == sizeof(head) - 1);
    HOLDS(shutdown(fd, SHUT_WR) == 0);
    while (read(fd, in, sizeof(in)) > 0) {
    }
    HOLDS(close(fd) == 0);
}

static void refused(enum att_err err, const struct att_diag *diag)
{
    HOLDS(err == ATT_E_NETWORK || err == ATT_E_CONFIG || err == ATT_E_NOMEM);
    HOLDS(diag->err == err && diag->text[0] != '\0');
    HOLDS(err != ATT_E_NETWORK || diag->reason == ATT_R_NET_REACH ||
          diag->reason == ATT_R_NET_TIMEOUT || diag->reason == ATT_R_NET_LIMIT ||
          diag->reason == ATT_R_NET_PROTOCOL || diag->reason == ATT_R_TLS_REDIRECT);
}

static void exchange(struct http *h, const struct http_request *q)
{
    struct http_answer a = {0};
    struct att_diag diag = {0};
    enum att_err err = http_exchange(&a, h, q, &diag);

    if (err != ATT_OK) {
        refused(err, &diag);
        HOLDS(a.body == NULL);
        return;
    }
    HOLDS(a.status >= 100 && a.status <= 999 && (a.status < 300 || a.status >= 400));
    HOLDS(a.body != NULL && att_buf_len(a.body) <= BODY_MAX);
    for (const char *c = a.content_type; *c != '\0'; c++) {
        HOLDS((unsigned char)*c >= ' ' && *c != 0x7f);
    }
    http_answer_free(&a);
}

static void refuses_other_settings(void)
{
    const struct http_settings none = {.answer_max = BODY_MAX};
    struct http *h = NULL;
    struct att_diag diag = {0};

    HOLDS(http_new(&h, &none, &diag) == ATT_E_CONFIG && h == NULL);
    HOLDS(diag.reason == ATT_R_CFG_KEY);
    http_free(NULL);
}

static void ask(unsigned int mode, struct att_slice in)
{
    static char url[16384 + 64];
    static char header[512];
    const struct http_settings settings = {.unix_socket = mode == NOBODY ? "/nonexistent/socket"
                                                                         : server.at.sun_path,
                                           .connect_timeout_ms = TIMEOUT_MS,
                                           .timeout_ms = mode == SILENCE ? SHORT_MS : TIMEOUT_MS,
                                           .answer_max = BODY_MAX};
    struct http_request q = {.method = mode == POST ? "POST" : "GET",
                             .url = "http://verifier/v1/x",
                             .accept = "application/cbor"};
    struct http *h = NULL;

    if (mode == POST) {
        q.content_type = "application/cbor";
        q.body = att_slice_str("body");
    }
    if (mode == ADDRESS) {
        (void)snprintf(url, sizeof(url), "%.*s", (int)in.len, (const char *)in.p);
        q.url = url;
    }
    if (mode == HEADERS) {
        memset(header, 'x', sizeof(header) - 1);
        q.accept = header;
    }
    HOLDS(http_new(&h, &settings, NULL) == ATT_OK);
    exchange(h, &q);
    if (mode == TWICE) {
        q.method = "DELETE";
        exchange(h, &q);
    }
    http_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 16384) {
        return 0;
    }
    if (server.at.sun_family == 0) {
        start_server();
        HOLDS(atexit(remove_socket) == 0);
        refuses_other_settings();
    }
    server.silent = data[0] % MODES == SILENCE;
    server.answer = att_slice_of(data + 1, size - 1);
    ask(data[0] % MODES, server.answer);
    wait_for_server();
    return 0;
}
