/* The HTTPS client of the tests: sockets and OpenSSL, nothing between a test and the bytes. */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "codec/json.h"
#include "common/wire.h"
#include "evidence/profile.h"
#include "need.h"

#define HEAD_MAX 16384

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    SSL_SESSION *session;
    EVP_PKEY *key;
    X509 *cert;
    char host[64];
    char source[32]; /* address to connect from; empty: any */
    uint16_t port;
    int fd;
    int timeout_ms;
    bool fresh; /* nothing was asked on this connection yet */
    uint8_t in[HEAD_MAX];
    size_t in_len; /* received and not yet used */
};

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct client *c = SSL_get_app_data(ssl);

    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

struct client_tls *client_tls_new(const char *ca_path)
{
    struct client_tls *tls = calloc(1, sizeof(*tls));

    NEED(tls != NULL && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    tls->ctx = SSL_CTX_new(TLS_client_method());
    NEED(tls->ctx != NULL);
    NEED(SSL_CTX_set_min_proto_version(tls->ctx, TLS1_3_VERSION) == 1);
    SSL_CTX_set_session_cache_mode(tls->ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(tls->ctx, keep_session);
    if (ca_path != NULL) {
        NEED(SSL_CTX_load_verify_file(tls->ctx, ca_path) == 1);
        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
    }
    return tls;
}

void client_tls_free(struct client_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->ctx);
    free(tls);
}

struct client *client_new(struct client_tls *tls, const char *host, uint16_t port,
                          const struct client_identity *id)
{
    struct client *c = calloc(1, sizeof(*c));

    NEED(c != NULL && strlen(host) < sizeof(c->host));
    NEED(SSL_CTX_up_ref(tls->ctx) == 1);
    c->ctx = tls->ctx;
    memcpy(c->host, host, strlen(host));
    c->port = port;
    c->fd = -1;
    c->timeout_ms = 10000;
    if (id != NULL) {
        client_set_identity(c, id);
    }
    return c;
}

void client_free(struct client *c)
{
    if (c == NULL) {
        return;
    }
    client_close(c);
    SSL_SESSION_free(c->session);
    SSL_CTX_free(c->ctx);
    EVP_PKEY_free(c->key);
    X509_free(c->cert);
    free(c);
}

void client_set_identity(struct client *c, const struct client_identity *id)
{
    client_close(c);
    SSL_SESSION_free(c->session);
    c->session = NULL;
    EVP_PKEY_free(c->key);
    X509_free(c->cert);
    c->key = id->key;
    c->cert = id->cert;
    NEED(c->key == NULL || EVP_PKEY_up_ref(c->key) == 1);
    NEED(c->cert == NULL || X509_up_ref(c->cert) == 1);
}

void client_set_timeout(struct client *c, int ms)
{
    c->timeout_ms = ms;
    if (c->fd >= 0) {
        client_close(c);
    }
}

void client_set_source(struct client *c, const char *address)
{
    snprintf(c->source, sizeof(c->source), "%s", address);
    client_close(c);
}

void client_close(struct client *c)
{
    if (c->ssl != NULL) {
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
    c->in_len = 0;
    ERR_clear_error();
}

static int dial(const struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(c->port)};
    struct timeval wait = {.tv_sec = c->timeout_ms / 1000,
                           .tv_usec = (c->timeout_ms % 1000) * 1000L};
    int one = 1;
    int fd;

    NEED(inet_pton(AF_INET, strcmp(c->host, "localhost") == 0 ? "127.0.0.1" : c->host,
                   &to.sin_addr) == 1);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED(fd >= 0);
    NEED(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    NEED(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0);
    NEED(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0);
    if (c->source[0] != '\0') {
        struct sockaddr_in from = {.sin_family = AF_INET};

        NEED(inet_pton(AF_INET, c->source, &from.sin_addr) == 1);
        NEED(bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0);
    }
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void expect_host(SSL *ssl, const char *host)
{
    struct in_addr ignored;

    if (inet_pton(AF_INET, host, &ignored) == 1) {
        NEED(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1);
        return;
    }
    NEED(SSL_set1_host(ssl, host) == 1);
    /* the macro of the header casts const away */
    NEED(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  (void *)(uintptr_t)host) == 1);
}

bool client_connect(struct client *c)
{
    if (c->ssl != NULL) {
        return true;
    }
    c->fd = dial(c);
    if (c->fd < 0) {
        return false;
    }
    c->ssl = SSL_new(c->ctx);
    NEED(c->ssl != NULL && SSL_set_app_data(c->ssl, c) == 1);
    NEED(SSL_set_fd(c->ssl, c->fd) == 1);
    expect_host(c->ssl, c->host);
    if (c->cert != NULL) {
        NEED(SSL_use_certificate(c->ssl, c->cert) == 1);
        NEED(SSL_use_PrivateKey(c->ssl, c->key) == 1);
    }
    if (c->session != NULL) {
        NEED(SSL_set_session(c->ssl, c->session) == 1);
    }
    c->fresh = true;
    if (SSL_connect(c->ssl) != 1) {
        SSL_free(c->ssl);
        c->ssl = NULL;
        client_close(c);
        return false;
    }
    return true;
}

bool client_connected(const struct client *c)
{
    return c->ssl != NULL;
}

bool client_resumed(const struct client *c)
{
    return c->ssl != NULL && SSL_session_reused(c->ssl) == 1;
}

int client_fd(const struct client *c)
{
    return c->fd;
}

SSL *client_ssl(struct client *c)
{
    return c->ssl;
}

SSL_SESSION *client_session(struct client *c)
{
    return c->session;
}

bool client_send(struct client *c, const void *p, size_t len)
{
    const uint8_t *at = p;
    size_t sent = 0;

    if (c->ssl == NULL) {
        return false;
    }
    while (sent < len) {
        size_t n = 0;

        if (SSL_write_ex(c->ssl, at + sent, len - sent, &n) != 1) {
            ERR_clear_error();
            return false;
        }
        sent += n;
    }
    return true;
}

int client_receive(struct client *c, void *out, size_t cap)
{
    size_t n = 0;
    int why;

    if (c->ssl == NULL) {
        return -1;
    }
    if (c->in_len != 0) {
        n = c->in_len < cap ? c->in_len : cap;
        memcpy(out, c->in, n);
        memmove(c->in, c->in + n, c->in_len - n);
        c->in_len -= n;
        return (int)n;
    }
    if (SSL_read_ex(c->ssl, out, cap, &n) == 1) {
        return (int)n;
    }
    why = SSL_get_error(c->ssl, 0);
    ERR_clear_error();
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

void client_answer_clear(struct client_answer *a)
{
    free(a->body);
    memset(a, 0, sizeof(*a));
}

struct att_slice client_body(const struct client_answer *a)
{
    return att_slice_of(a->body, a->body_len);
}

/* The value of a header in the head that starts at text, or NULL; cut at the end of its line. */
static bool header(char *out, size_t cap, const char *text, const char *name)
{
    size_t len = strlen(name);
    const char *line;

    for (line = strstr(text, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            const char *value = line + 3 + len + strspn(line + 3 + len, " ");

            snprintf(out, cap, "%.*s", (int)strcspn(value, "\r"), value);
            return true;
        }
    }
    return false;
}

/* Read until the blank line; what follows it stays in c->in. */
static bool receive_head(struct client *c, char head[HEAD_MAX + 1])
{
    size_t len = 0;

    for (;;) {
        const uint8_t *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
        size_t n = 0;

        if (end != NULL) {
            len = (size_t)(end - c->in) + 4;
            memcpy(head, c->in, len);
            head[len] = '\0';
            memmove(c->in, c->in + len, c->in_len - len);
            c->in_len -= len;
            return true;
        }
        if (c->in_len == sizeof(c->in) ||
            SSL_read_ex(c->ssl, c->in + c->in_len, sizeof(c->in) - c->in_len, &n) != 1) {
            ERR_clear_error();
            return false;
        }
        c->in_len += n;
    }
}

static bool receive_body(struct client *c, struct client_answer *out, size_t len)
{
    if (len == 0) {
        return true;
    }
    if (len > CLIENT_BODY_MAX) {
        return false;
    }
    out->body = malloc(len);
    NEED(out->body != NULL);
    while (out->body_len < len) {
        int n = client_receive(c, out->body + out->body_len, len - out->body_len);

        if (n <= 0) {
            return false;
        }
        out->body_len += (size_t)n;
    }
    return true;
}

/* The stable code of a problem document in CBOR or JSON. */
static void read_code(struct client_answer *a)
{
    if (strcmp(a->type, ATT_TYPE_PROBLEM_CBOR) == 0) {
        struct wire_problem p;

        if (wire_problem_parse(&p, client_body(a), NULL) == ATT_OK) {
            snprintf(a->code, sizeof(a->code), "%.*s", (int)p.code.len, (const char *)p.code.p);
        }
    }
    if (strcmp(a->type, ATT_TYPE_PROBLEM_JSON) == 0) {
        ATT_CLEANUP(att_json_freep) json_t *j = NULL;

        if (att_json_parse(&j, client_body(a), NULL) == ATT_OK) {
            const char *code = json_string_value(json_object_get(j, "code"));

            snprintf(a->code, sizeof(a->code), "%s", code != NULL ? code : "");
        }
    }
}

bool client_answer(struct client *c, struct client_answer *out)
{
    char head[HEAD_MAX + 1];
    char value[64] = "";
    size_t len = 0;

    client_answer_clear(out);
    if (c->ssl == NULL || !receive_head(c, head) ||
        sscanf(head, "HTTP/1.1 %d", &out->status) != 1) {
        out->status = 0;
        return false;
    }
    if (header(out->type, sizeof(out->type), head, "Content-Type")) {
        out->type[strcspn(out->type, "; ")] = '\0';
    }
    header(out->location, sizeof(out->location), head, "Location");
    out->closes =
        header(value, sizeof(value), head, "Connection") && strcasecmp(value, "close") == 0;
    if (header(value, sizeof(value), head, "Content-Length")) {
        len = strtoul(value, NULL, 10);
    }
    if (!receive_body(c, out, len)) {
        return false;
    }
    read_code(out);
    if (out->closes) {
        client_close(c);
    }
    return true;
}

bool client_request_raw(struct client *c, struct client_answer *out, const char *head,
                        struct att_slice body)
{
    client_answer_clear(out);
    return client_connect(c) && client_send(c, head, strlen(head)) &&
           (body.len == 0 || client_send(c, body.p, body.len)) && client_answer(c, out);
}

bool client_request(struct client *c, struct client_answer *out, const char *method,
                    const char *path, const char *type, struct att_slice body)
{
    char head[1024];
    size_t len;
    bool kept = c->ssl != NULL && !c->fresh;
    uint8_t *whole;
    bool good;

    client_answer_clear(out);
    len = (size_t)snprintf(head, sizeof(head),
                           "%s %s HTTP/1.1\r\nHost: %s:%u\r\nAccept: " ATT_TYPE_PROBLEM_CBOR
                           ", */*\r\n",
                           method, path, c->host, (unsigned int)c->port);
    if (type != NULL) {
        len += (size_t)snprintf(head + len, sizeof(head) - len,
                                "Content-Type: %s\r\nContent-Length: %zu\r\n", type, body.len);
    }
    len += (size_t)snprintf(head + len, sizeof(head) - len, "\r\n");
    NEED(len < sizeof(head));
    whole = malloc(len + body.len);
    NEED(whole != NULL);
    memcpy(whole, head, len);
    if (body.len != 0) {
        memcpy(whole + len, body.p, body.len);
    }
    good = client_connect(c) && client_send(c, whole, len + body.len) && client_answer(c, out);
    if (!good && kept && out->status == 0) {
        client_close(c);
        good = client_connect(c) && client_send(c, whole, len + body.len) && client_answer(c, out);
    }
    free(whole);
    c->fresh = false;
    return good;
}
