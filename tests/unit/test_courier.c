/*
 * attest-courier as a whole program against a TLS server that behaves and misbehaves.
 *
 * The program comes from the folder that the environment variable BUILD names.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/file.h"
#include "common/frame.h"
#include "common/relay.h"
#include "crypto/cert.h"
#include "need.h"

static char dir[64];
static char program[512];
static pid_t server;
static uint16_t port;

/* --- certificates ------------------------------------------------------------------------------- */

struct authority {
    struct att_privkey *key;
    struct att_cert *cert;
};

static void write_file(const char *name, struct att_slice in)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    NEED(att_file_write(path, in, 0600, NULL) == ATT_OK);
}

static struct att_cert *issue(const struct att_cert_order *order, const struct authority *by)
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
    write_file(name, att_buf_slice(pem));
    att_buf_free(pem);
}

static struct authority make_authority(const char *file)
{
    struct authority a = {0};
    struct att_pubkey *pub = NULL;
    struct att_cert_order order = {.kind = ATT_CERT_ROOT,
                                   .common_name = "test root",
                                   .not_before = att_clock_utc_s() - 3600,
                                   .not_after = att_clock_utc_s() + 3600};

    NEED(att_privkey_generate(&a.key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_privkey_public(&pub, a.key) == ATT_OK);
    order.subject_key = pub;
    a.cert = issue(&order, &a);
    att_pubkey_free(pub);
    write_cert(file, a.cert);
    return a;
}

static struct authority ca, other_ca;

/* server.pem and server.key: for this host, over so many seconds from an hour ago. */
static void make_server(const char *host, int64_t seconds)
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
    c = issue(&order, &ca);
    write_cert("server.pem", c);
    NEED(att_privkey_pem(&pem, key) == ATT_OK);
    write_file("server.key", att_buf_slice(pem));
    att_buf_free(pem);
    att_cert_free(c);
    att_pubkey_free(pub);
    att_privkey_free(key);
}

/* --- the server --------------------------------------------------------------------------------- */

/* Echo what was asked: the answer's body is the request's bytes behind one line of our own. */
#define ECHO NULL

struct script {
    int max_version;    /* 0: TLS 1.3 */
    const char *answer; /* raw bytes, or ECHO */
    size_t pad;         /* zeros behind the answer */
    bool silent;        /* never answers */
};

static int listen_on_loopback(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 4) == 0);
    NEED(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    port = ntohs(a.sin_port);
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

static void serve_connection(SSL *ssl, const struct script *s, int connection)
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
        if (s->answer != ECHO) {
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

static void serve(int fd, const struct script *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    char path[128];

    (void)signal(SIGPIPE, SIG_IGN);
    (void)alarm(60);
    (void)snprintf(path, sizeof(path), "%s/server.pem", dir);
    NEED(SSL_CTX_use_certificate_chain_file(ctx, path) == 1);
    (void)snprintf(path, sizeof(path), "%s/server.key", dir);
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

static void start_server(const struct script *s)
{
    int fd = listen_on_loopback();

    server = fork();
    NEED(server >= 0);
    if (server == 0) {
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
    strcpy(dir, "/tmp/test-courier-XXXXXX");
    NEED(mkdtemp(dir) != NULL);
    ca = make_authority("ca.pem");
    other_ca = make_authority("other.pem");
    make_server("127.0.0.1", 7200);
}

static void teardown(void)
{
    char command[96];

    if (server > 0) {
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
        server = 0;
    }
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    NEED(system(command) == 0);
    att_cert_free(ca.cert);
    att_privkey_free(ca.key);
    att_cert_free(other_ca.cert);
    att_privkey_free(other_ca.key);
}

/* --- asking ------------------------------------------------------------------------------------- */

static char url[64], ca_path[128], key_path[128], cert_path[128];

static struct relay_settings settings(void)
{
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", (unsigned int)port);
    (void)snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", dir);
    (void)snprintf(key_path, sizeof(key_path), "%s/tls.key", dir);
    (void)snprintf(cert_path, sizeof(cert_path), "%s/tls.pem", dir);
    return (struct relay_settings){.program = program,
                                   .url = url,
                                   .ca_file = ca_path,
                                   .key_file = key_path,
                                   .cert_file = cert_path,
                                   .connect_timeout_ms = 3000,
                                   .timeout_ms = 3000};
}

static struct relay *start(const struct relay_settings *s)
{
    struct relay *r = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(relay_start(&r, s, &diag) == ATT_OK, "%s", diag.text);
    return r;
}

static void fails(const struct relay_settings *s, enum relay_kind kind, enum att_err err,
                  enum att_reason reason)
{
    struct relay *r = start(s);
    struct relay_request q = {.kind = kind, .body = att_slice_str("x")};
    struct relay_answer a = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(relay_ask(&a, r, &q, &diag), err);
    ck_assert_msg(diag.reason == reason, "%s: %s", att_reason_code(diag.reason), diag.text);
    relay_stop(r);
}

/* Against a server that follows the script, with everything else right. */
static void server_fails(const struct script *script, enum att_reason reason)
{
    struct relay_settings s;

    start_server(script);
    s = settings();
    fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, reason);
}

static bool contains(const struct relay_answer *a, const char *text)
{
    return memmem(a->body.p, a->body.len, text, strlen(text)) != NULL;
}

static struct relay_answer asks(struct relay *r, const struct relay_request *q)
{
    struct relay_answer a = {0};
    struct att_diag diag = {0};

    ck_assert_msg(relay_ask(&a, r, q, &diag) == ATT_OK, "%s %s", att_reason_code(diag.reason),
                  diag.text);
    return a;
}

START_TEST(courier__sends_each_kind_as_its_route)
{
    static const struct script echo = {0};
    static const uint8_t session[16] = {0xab, 0xcd};
    struct relay_settings s;
    struct relay *r = NULL;
    struct relay_answer a;
    struct relay_request q = {.kind = RELAY_NEW_SESSION, .body = att_slice_of("\xa0", 1)};

    start_server(&echo);
    s = settings();
    r = start(&s);
    a = asks(r, &q);
    ck_assert_uint_eq(a.status, 201);
    ck_assert(att_slice_eq(a.content_type, att_slice_str("application/cbor")));
    ck_assert(contains(&a, "POST /challenge-response/v1/newSession HTTP/1.1\r\n"));
    ck_assert(contains(&a, "Content-Type: application/cbor\r\n"));
    ck_assert(contains(&a, "concise-problem-details+cbor"));
    ck_assert(contains(&a, "\r\n\r\n\xa0"));
    ck_assert(!contains(&a, "Expect"));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_EVIDENCE, .a = att_slice_of(session, 16)};
    a = asks(r, &q);
    ck_assert(
        contains(&a, "POST /challenge-response/v1/session/abcd0000000000000000000000000000 "));
    ck_assert(contains(&a, "Content-Type: application/cmw+cbor\r\n"));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_SESSION_GET, .a = att_slice_of(session, 16)};
    a = asks(r, &q);
    ck_assert(contains(&a, "GET /challenge-response/v1/session/abcd0000000000000000000000000000 "));
    ck_assert(!contains(&a, "Content-Type: "));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_LABEL, .a = att_slice_str("gw-1")};
    a = asks(r, &q);
    ck_assert(contains(&a, "GET /labels/v1/device/gw-1/current HTTP/1.1\r\n"));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_ENROL_BEGIN, .body = att_slice_str("b")};
    a = asks(r, &q);
    ck_assert(contains(&a, "POST /enrol/v1/begin HTTP/1.1\r\n"));
    /* five exchanges over one connection */
    ck_assert(contains(&a, "connection 1 unknown"));
    relay_answer_free(&a);
    relay_stop(r);
}
END_TEST

START_TEST(courier__shows_the_certificate_once_it_has_one)
{
    static const struct script echo = {0};
    struct relay_settings s;
    struct relay *r = NULL;
    struct relay_answer a;
    struct relay_request q = {.kind = RELAY_KEY, .a = att_slice_str("gw-1")};
    struct att_pubkey *pub = NULL;
    struct att_cert *c = NULL;
    struct att_cert_order order = {.kind = ATT_CERT_TLS_CLIENT,
                                   .common_name = "gw-1",
                                   .device_id = "gw-1",
                                   .not_before = att_clock_utc_s() - 60,
                                   .not_after = att_clock_utc_s() + 3600};
    struct stat st;

    start_server(&echo);
    s = settings();
    r = start(&s);
    a = asks(r, &q);
    ck_assert_int_eq(att_csr_open(&pub, a.body, NULL), ATT_OK);
    relay_answer_free(&a);
    ck_assert_int_eq(stat(key_path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    a = asks(r, &q); /* the same key again */
    {
        struct att_pubkey *again = NULL;

        ck_assert_int_eq(att_csr_open(&again, a.body, NULL), ATT_OK);
        ck_assert(att_pubkey_eq(pub, again));
        att_pubkey_free(again);
    }
    relay_answer_free(&a);
    order.subject_key = pub;
    c = issue(&order, &ca);
    q = (struct relay_request){.kind = RELAY_CERT, .body = att_cert_der(c)};
    a = asks(r, &q);
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_NEW_SESSION};
    a = asks(r, &q);
    ck_assert(contains(&a, "connection 1 known"));
    relay_answer_free(&a);
    relay_stop(r);
    att_cert_free(c);
    att_pubkey_free(pub);
}
END_TEST

START_TEST(courier__refuses_a_key_that_others_can_read)
{
    static const struct script echo = {0};
    struct relay_settings s;

    start_server(&echo);
    s = settings();
    write_file("tls.key", att_slice_str("x"));
    write_file("tls.pem", att_slice_str("x"));
    ck_assert_int_eq(chmod(key_path, 0644), 0);
    fails(&s, RELAY_NEW_SESSION, ATT_E_DENIED, ATT_R_CFG_PERM);
}
END_TEST

START_TEST(courier__refuses_a_certificate_for_another_host)
{
    static const struct script echo = {0};

    make_server("verifier.example", 7200);
    server_fails(&echo, ATT_R_TLS_NAME);
}
END_TEST

START_TEST(courier__refuses_a_chain_to_another_anchor)
{
    static const struct script echo = {0};
    struct relay_settings s;

    start_server(&echo);
    s = settings();
    (void)snprintf(ca_path, sizeof(ca_path), "%s/other.pem", dir);
    fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, ATT_R_TLS_CHAIN);
}
END_TEST

START_TEST(courier__refuses_an_expired_certificate)
{
    static const struct script echo = {0};

    make_server("127.0.0.1", 60);
    server_fails(&echo, ATT_R_TLS_CHAIN);
}
END_TEST

START_TEST(courier__refuses_tls_below_1_3)
{
    static const struct script old = {.max_version = TLS1_2_VERSION};

    server_fails(&old, ATT_R_NET_PROTOCOL);
}
END_TEST

START_TEST(courier__follows_no_redirect)
{
    static const struct script moved = {
        .answer =
            "HTTP/1.1 307 Moved\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};

    server_fails(&moved, ATT_R_TLS_REDIRECT);
}
END_TEST

START_TEST(courier__refuses_an_answer_above_the_limit)
{
    static const struct script large = {.answer = "HTTP/1.1 200 OK\r\n\r\n",
                                        .pad = RELAY_ANSWER_MAX + 1};

    server_fails(&large, ATT_R_NET_LIMIT);
}
END_TEST

START_TEST(courier__takes_an_answer_of_the_limit)
{
    static const struct script large = {.answer = "HTTP/1.1 200 OK\r\n\r\n",
                                        .pad = RELAY_ANSWER_MAX};
    struct relay_request q = {.kind = RELAY_NEW_SESSION};
    struct relay_settings s;
    struct relay *r = NULL;
    struct relay_answer a;

    start_server(&large);
    s = settings();
    r = start(&s);
    a = asks(r, &q);
    ck_assert_uint_eq(a.body.len, RELAY_ANSWER_MAX);
    relay_answer_free(&a);
    relay_stop(r);
}
END_TEST

START_TEST(courier__gives_up_on_a_silent_server)
{
    static const struct script silent = {.silent = true};
    struct relay_settings s;

    start_server(&silent);
    s = settings();
    s.timeout_ms = 500;
    fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, ATT_R_NET_TIMEOUT);
}
END_TEST

START_TEST(courier__says_when_nobody_is_there)
{
    struct relay_settings s;

    close(listen_on_loopback()); /* a port that was free a moment ago */
    s = settings();
    fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, ATT_R_NET_REACH);
}
END_TEST

START_TEST(courier__refuses_what_is_no_http)
{
    static const struct script noise = {.answer = "SSH-2.0-OpenSSH_9.2\r\n"};

    server_fails(&noise, ATT_R_NET_PROTOCOL);
}
END_TEST

START_TEST(courier__refuses_a_url_that_is_not_https)
{
    struct relay_settings s = settings();

    s.url = "http://127.0.0.1:80/";
    fails(&s, RELAY_NEW_SESSION, ATT_E_CONFIG, ATT_R_CFG_KEY);
}
END_TEST

START_TEST(courier__serves_either_gateway_or_operator)
{
    struct relay_settings s = settings();

    fails(&s, RELAY_ADMIN, ATT_E_DENIED, ATT_R_FMT_FRAME);
    fails(&s, RELAY_FETCH, ATT_E_DENIED, ATT_R_FMT_FRAME);
    s.operator_kinds = true;
    fails(&s, RELAY_NEW_SESSION, ATT_E_DENIED, ATT_R_FMT_FRAME);
    fails(&s, RELAY_KEY, ATT_E_DENIED, ATT_R_FMT_FRAME);
}
END_TEST

START_TEST(courier__refuses_kinds_and_arguments_that_are_none)
{
    struct relay_settings s = settings();
    struct relay *r = start(&s);
    struct relay_request q = {.kind = (enum relay_kind)31};
    struct relay_answer a = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(relay_ask(&a, r, &q, &diag), ATT_E_FORMAT);
    q = (struct relay_request){.kind = RELAY_EVIDENCE, .a = att_slice_str("short")};
    ck_assert_int_eq(relay_ask(&a, r, &q, &diag), ATT_E_FORMAT);
    q = (struct relay_request){.kind = RELAY_LABEL, .a = att_slice_str("../../healthz")};
    ck_assert_int_eq(relay_ask(&a, r, &q, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_ID);
    relay_stop(r);
}
END_TEST

START_TEST(courier__ends_at_nonsense_and_when_its_descriptor_closes)
{
    struct relay_settings s = settings();
    struct relay *r = start(&s);
    int64_t from = att_clock_mono_ms();

    relay_stop(r);
    ck_assert_int_lt(att_clock_mono_ms() - from, 900); /* by itself: not killed after a second */
}
END_TEST

/* An operator's request over a unix socket: what arrives, and what comes back. */
START_TEST(courier__carries_an_operators_request)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct relay_settings s = settings();
    struct relay_request q = {.kind = RELAY_ADMIN,
                              .a = att_slice_str("DELETE"),
                              .b = att_slice_str("/admin/v1/devices/gw-1"),
                              .body = att_slice_str("{}")};
    struct relay *r = NULL;
    struct relay_answer a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/admin", dir);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    server = fork();
    if (server == 0) {
        char in[1024] = {0};
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                     "Content-Length: 3\r\n\r\n[1]";
        int c = accept(fd, NULL, NULL);
        size_t len = 0;

        while (strstr(in, "\r\n\r\n{}") == NULL && len < sizeof(in) - 1) {
            len += (size_t)read(c, in + len, sizeof(in) - 1 - len);
        }
        if (strncmp(in, "DELETE /admin/v1/devices/gw-1 HTTP/1.1\r\n", 40) == 0 &&
            strstr(in, "Content-Type: application/json\r\n") != NULL) {
            (void)!write(c, answer, strlen(answer));
        }
        (void)close(c);
        _exit(0);
    }
    (void)close(fd);
    s.operator_kinds = true;
    s.admin_socket = un.sun_path;
    r = start(&s);
    a = asks(r, &q);
    ck_assert_uint_eq(a.status, 200);
    ck_assert(att_slice_eq(a.body, att_slice_str("[1]")));
    relay_answer_free(&a);
    q.b = att_slice_str("/x HTTP/1.1\r\nEvil: 1");
    ck_assert_int_eq(relay_ask(&a, r, &q, NULL), ATT_E_FORMAT);
    relay_stop(r);
}
END_TEST

START_TEST(courier__fetches_with_the_anchor_that_is_named)
{
    static const struct script echo = {0};
    struct relay_settings s;
    struct relay_request q = {.kind = RELAY_FETCH};
    struct relay *r = NULL;
    struct relay_answer a = {0};
    struct att_diag diag = {0};
    char where[96];
    char other[128];

    start_server(&echo);
    s = settings();
    s.operator_kinds = true;
    r = start(&s);
    (void)snprintf(where, sizeof(where), "%slabels/v1/x", url);
    q.a = att_slice_str(where);
    q.b = att_slice_str(ca_path);
    a = asks(r, &q);
    ck_assert(contains(&a, "GET /labels/v1/x HTTP/1.1\r\n"));
    relay_answer_free(&a);
    (void)snprintf(other, sizeof(other), "%s/other.pem", dir);
    q.b = att_slice_str(other);
    ck_assert_int_eq(relay_ask(&a, r, &q, &diag), ATT_E_NETWORK);
    ck_assert_int_eq(diag.reason, ATT_R_TLS_CHAIN);
    relay_stop(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("courier");
    TCase *tc = tcase_create("courier");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, courier__sends_each_kind_as_its_route);
    tcase_add_test(tc, courier__shows_the_certificate_once_it_has_one);
    tcase_add_test(tc, courier__refuses_a_key_that_others_can_read);
    tcase_add_test(tc, courier__refuses_a_certificate_for_another_host);
    tcase_add_test(tc, courier__refuses_a_chain_to_another_anchor);
    tcase_add_test(tc, courier__refuses_an_expired_certificate);
    tcase_add_test(tc, courier__refuses_tls_below_1_3);
    tcase_add_test(tc, courier__follows_no_redirect);
    tcase_add_test(tc, courier__refuses_an_answer_above_the_limit);
    tcase_add_test(tc, courier__takes_an_answer_of_the_limit);
    tcase_add_test(tc, courier__gives_up_on_a_silent_server);
    tcase_add_test(tc, courier__says_when_nobody_is_there);
    tcase_add_test(tc, courier__refuses_what_is_no_http);
    tcase_add_test(tc, courier__refuses_a_url_that_is_not_https);
    tcase_add_test(tc, courier__serves_either_gateway_or_operator);
    tcase_add_test(tc, courier__refuses_kinds_and_arguments_that_are_none);
    tcase_add_test(tc, courier__ends_at_nonsense_and_when_its_descriptor_closes);
    tcase_add_test(tc, courier__carries_an_operators_request);
    tcase_add_test(tc, courier__fetches_with_the_anchor_that_is_named);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
