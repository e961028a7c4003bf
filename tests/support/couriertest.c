/* A TLS server that follows a script, and the courier that is asked to speak to it. */
#include "couriertest.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/file.h"
#include "need.h"

struct couriertest ct;

static char program[512];

/* --- certificates ------------------------------------------------------------------------------ */

void couriertest_write(const char *name, struct att_slice in)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", ct.dir, name);
    NEED(att_file_write(path, in, 0600, NULL) == ATT_OK);
}

struct att_cert *couriertest_issue(const struct att_cert_order *order,
                                   const struct couriertest_authority *by)
{
    struct att_buf *der = NULL;
    struct att_cert *c = NULL;

    NEED(att_cert_issue(&der, order, by->cert, by->key, NULL) == ATT_OK);
    NEED(att_cert_parse(&c, att_buf_slice(der), NULL) == ATT_OK);
    att_buf_free(der);
    return c;
}

static void write_cert(const char *name, const struct att_cert *c)
{
    struct att_buf *pem = NULL;

    NEED(att_cert_pem(&pem, att_cert_der(c)) == ATT_OK);
    couriertest_write(name, att_buf_slice(pem));
    att_buf_free(pem);
}

static struct couriertest_authority make_authority(const char *file)
{
    struct couriertest_authority a = {0};
    struct att_pubkey *pub = NULL;
    struct att_cert_order order = {.kind = ATT_CERT_ROOT,
                                   .common_name = "test root",
                                   .not_before = att_clock_utc_s() - 3600,
                                   .not_after = att_clock_utc_s() + 3600};

    NEED(att_privkey_generate(&a.key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pub, a.key) == ATT_OK);
    order.subject_key = pub;
    a.cert = couriertest_issue(&order, &a);
    att_pubkey_free(pub);
    write_cert(file, a.cert);
    return a;
}

void couriertest_make_server(const char *host, int64_t seconds)
{
    struct att_privkey *key = NULL;
    struct att_pubkey *pub = NULL;
    struct att_buf *pem = NULL;
    struct att_cert *c = NULL;
    struct att_cert_order order = {.kind = ATT_CERT_TLS_SERVER,
                                   .common_name = "server",
                                   .hosts = &host,
                                   .host_count = 1,
                                   .not_before = att_clock_utc_s() - 3600,
                                   .not_after = att_clock_utc_s() - 3600 + seconds};

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pub, key) == ATT_OK);
    order.subject_key = pub;
    c = couriertest_issue(&order, &ct.ca);
    write_cert("server.pem", c);
    NEED(att_privkey_pem(&pem, key) == ATT_OK);
    couriertest_write("server.key", att_buf_slice(pem));
    att_buf_free(pem);
    att_cert_free(c);
    att_pubkey_free(pub);
    att_privkey_free(key);
}

/* --- the server -------------------------------------------------------------------------------- */

int couriertest_listen(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 4) == 0);
    NEED(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    ct.port = ntohs(a.sin_port);
    return fd;
}

/* One request: head and body. 0 at the end of the connection. */
static size_t read_request(SSL *ssl, char *buf, size_t cap)
{
    size_t len = 0;
    size_t want = 0;

    while (want == 0 || len < want) {
        int n = SSL_read(ssl, buf + len, (int)(cap - 1 - len));
        const char *end = NULL;
        const char *cl = NULL;

        if (n <= 0) {
            return 0;
        }
        len += (size_t)n;
        buf[len] = '\0';
        end = strstr(buf, "\r\n\r\n");
        if (want == 0 && end != NULL) {
            cl = strstr(buf, "Content-Length: ");
            want =
                (size_t)(end - buf) + 4 + (cl != NULL && cl < end ? strtoul(cl + 16, NULL, 10) : 0);
        }
    }
    return len;
}

static void write_whole(SSL *ssl, const void *p, size_t len)
{
    if (len > 0) {
        (void)SSL_write(ssl, p, (int)len);
    }
}

static void serve_connection(SSL *ssl, const struct couriertest_script *s, int connection)
{
    static char request[262144];
    static char answer[300000];
    static const char zeros[16384];
    size_t len = 0;

    while ((len = read_request(ssl, request, sizeof(request))) > 0) {
        X509 *peer = SSL_get0_peer_certificate(ssl);
        char line[64];
        int line_len = snprintf(line, sizeof(line), "connection %d %s\n", connection,
                                peer != NULL ? "known" : "unknown");
        int n = 0;

        if (s->silent) {
            (void)sleep(20);
            return;
        }
        if (s->answer != NULL) {
            write_whole(ssl, s->answer, strlen(s->answer));
            for (size_t left = s->pad; left > 0;) {
                size_t part = left < sizeof(zeros) ? left : sizeof(zeros);

                write_whole(ssl, zeros, part);
                left -= part;
            }
            (void)SSL_shutdown(ssl);
            return;
        }
        n = snprintf(answer, sizeof(answer),
                     "HTTP/1.1 201 Created\r\nContent-Type: application/cbor\r\n"
                     "Content-Length: %zu\r\n\r\n%s%s",
                     len + (size_t)line_len, line, request);
        write_whole(ssl, answer, (size_t)n);
    }
}

static int accept_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

static void serve(int fd, const struct couriertest_script *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    char path[128];

    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(60);
    (void)snprintf(path, sizeof(path), "%s/server.pem", ct.dir);
    NEED(SSL_CTX_use_certificate_chain_file(ctx, path) == 1);
    (void)snprintf(path, sizeof(path), "%s/server.key", ct.dir);
    NEED(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
    if (s->max_version != 0) {
        NEED(SSL_CTX_set_max_proto_version(ctx, s->max_version) == 1);
    }
    for (int i = 1;; i++) {
        int c = accept(fd, NULL, NULL);
        SSL *ssl = SSL_new(ctx);

        (void)SSL_set_fd(ssl, c);
        if (SSL_accept(ssl) == 1) {
            serve_connection(ssl, s, i);
        }
        SSL_free(ssl);
        (void)close(c);
    }
}

void couriertest_serve(const struct couriertest_script *s)
{
    int fd = couriertest_listen();

    ct.server = fork();
    NEED(ct.server >= 0);
    if (ct.server == 0) {
        serve(fd, s);
    }
    (void)close(fd);
}

static void setup(void)
{
    const char *build = getenv("BUILD");

    (void)snprintf(program, sizeof(program), "%s/attest-courier",
                   build != NULL ? build : "build/release");
    (void)signal(SIGPIPE, SIG_IGN);
    strcpy(ct.dir, "/tmp/test-courier-XXXXXX");
    NEED(mkdtemp(ct.dir) != NULL);
    ct.ca = make_authority("ca.pem");
    ct.other_ca = make_authority("other.pem");
    couriertest_make_server("127.0.0.1", 7200);
}

static void teardown(void)
{
    char command[96];

    if (ct.server > 0) {
        (void)kill(ct.server, SIGKILL);
        (void)waitpid(ct.server, NULL, 0);
        ct.server = 0;
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s", ct.dir);
    NEED(system(command) == 0);
    att_cert_free(ct.ca.cert);
    att_privkey_free(ct.ca.key);
    att_cert_free(ct.other_ca.cert);
    att_privkey_free(ct.other_ca.key);
}

const struct suite_fixture couriertest_fixture = {setup, teardown};

/* --- asking ------------------------------------------------------------------------------------ */

struct relay_settings couriertest_settings(void)
{
    (void)snprintf(ct.url, sizeof(ct.url), "https://127.0.0.1:%u/", (unsigned int)ct.port);
    (void)snprintf(ct.ca_path, sizeof(ct.ca_path), "%s/ca.pem", ct.dir);
    (void)snprintf(ct.key_path, sizeof(ct.key_path), "%s/tls.key", ct.dir);
    (void)snprintf(ct.cert_path, sizeof(ct.cert_path), "%s/tls.pem", ct.dir);
    return (struct relay_settings){.program = program,
                                   .url = ct.url,
                                   .ca_file = ct.ca_path,
                                   .key_file = ct.key_path,
                                   .cert_file = ct.cert_path,
                                   .connect_timeout_ms = 3000,
                                   .timeout_ms = 3000};
}

struct relay *couriertest_start(const struct relay_settings *s)
{
    struct relay *r = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(relay_start(&r, s, &diag) == ATT_OK, "%s", diag.text);
    return r;
}

struct relay *couriertest_start_with(const struct couriertest_script *script)
{
    struct relay_settings s;

    couriertest_serve(script);
    s = couriertest_settings();
    return couriertest_start(&s);
}

void couriertest_fails(const struct relay_settings *s, enum relay_kind kind, enum att_err err,
                       enum att_reason reason)
{
    struct relay *r = couriertest_start(s);
    struct relay_request q = {.kind = kind, .body = att_slice_str("x")};
    struct relay_answer a = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(relay_ask(&a, r, &q, &diag), err);
    ck_assert_msg(diag.reason == reason, "%s: %s", att_reason_code(diag.reason), diag.text);
    relay_stop(r);
}

bool couriertest_contains(const struct relay_answer *a, const char *text)
{
    return memmem(a->body.p, a->body.len, text, strlen(text)) != NULL;
}

struct relay_answer couriertest_ask(struct relay *r, const struct relay_request *q)
{
    struct relay_answer a = {0};
    struct att_diag diag = {0};

    ck_assert_msg(relay_ask(&a, r, q, &diag) == ATT_OK, "%s %s", att_reason_code(diag.reason),
                  diag.text);
    return a;
}
