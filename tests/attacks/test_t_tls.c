/* Attack matrix 4.4, rows about TLS and about connections that are held on to. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "attack.h"
#include "base/file.h"
#include "crypto/cert.h"
#include "evidence/profile.h"
#include "hostile.h"
#include "need.h"
#include "sign/cose.h"

#define DEADLINE_MS 1500 /* of this suite's service, for a whole request and a handshake */

static bool answers(struct client *c)
{
    struct client_answer a = {0};
    bool good;

    client_request(c, &a, "GET", "/labels/v1/00112233445566778899aabbccddeeff", NULL,
                   att_slice_of(NULL, 0));
    good = a.status != 0;
    client_answer_clear(&a);
    return good;
}

/* The service's own authority for clients, whose key lies in the test folder. */
static struct softtpm_ca *device_ca(void)
{
    char cert[128];
    char key[128];

    snprintf(cert, sizeof(cert), "%s/device-ca.pem", attack_service->dir);
    snprintf(key, sizeof(key), "%s/device-ca.key", attack_service->dir);
    return softtpm_ca_load(cert, key);
}

START_TEST(T_02__unfit_client_certificate_fails_the_handshake)
{
    const char *victim_id = (const char *[]){"t-02-a", "t-02-b", "t-02-c", "t-02-d"}[_i];
    static const struct softtpm_tls_order order[] = {
        {.common_name = "x", .alt = "URI:urn:attestd:device:t-02", .usage = "clientAuth"},
        {.common_name = "x",
         .alt = "URI:urn:attestd:device:t-02",
         .usage = "clientAuth",
         .not_before_s = -7200,
         .not_after_s = -3600},
        {.common_name = "x",
         .alt = "URI:urn:attestd:device:t-02",
         .usage = "clientAuth",
         .not_before_s = 3600,
         .not_after_s = 7200},
        {.common_name = "x", .alt = "URI:urn:attestd:device:t-02", .usage = "serverAuth"},
    };
    struct gateway *victim = attack_gateway(victim_id);
    struct softtpm_ca *ca = _i == 0 ? softtpm_ca_new("Another authority") : device_ca();
    struct client_identity id = {.key = softtpm_p256()};
    struct client *c;
    char *before = attack_records();

    id.cert = softtpm_issue(ca, id.key, &order[_i]);
    c = client_new(attack_service->tls, "127.0.0.1", attack_service->port, &id);
    ck_assert(!answers(c));
    attack_same_records(before);
    client_free(c);
    EVP_PKEY_free(id.key);
    X509_free(id.cert);
    softtpm_ca_free(ca);
    gateway_free(victim);
}
END_TEST

/* The control of the row above: the same order, by the right authority and for the right key. */
START_TEST(T_02__fit_client_certificate_is_accepted)
{
    static const struct softtpm_tls_order order = {
        .common_name = "x", .alt = "URI:urn:attestd:device:t-02-fit", .usage = "clientAuth"};
    struct gateway *g = attack_gateway("t-02-fit");
    struct softtpm_ca *ca = device_ca();
    struct client_identity id = {.key = g->tls_key};
    struct gateway_attempt a = {0};

    id.cert = softtpm_issue(ca, id.key, &order);
    client_set_identity(g->client, &id);
    ck_assert_int_eq(gateway_attest(g, &a), 200);
    gateway_attempt_clear(&a);
    X509_free(id.cert);
    softtpm_ca_free(ca);
    gateway_free(g);
}
END_TEST

/* A certificate of ours for a key that is not the enrolled one is nobody's. */
START_TEST(T_02__certificate_for_another_key_is_refused)
{
    static const struct softtpm_tls_order order = {
        .common_name = "x", .alt = "URI:urn:attestd:device:t-02-key", .usage = "clientAuth"};
    struct gateway *g = attack_gateway("t-02-key");
    struct softtpm_ca *ca = device_ca();
    struct client_identity id = {.key = softtpm_p256()};
    struct gateway_attempt a = {0};
    char *before = attack_records();

    id.cert = softtpm_issue(ca, id.key, &order);
    client_set_identity(g->client, &id);
    gateway_session(g, &a);
    attack_refused(&a.session_answer, 403, "E_ID_CHANNEL");
    attack_same_records(before);
    gateway_attempt_clear(&a);
    EVP_PKEY_free(id.key);
    X509_free(id.cert);
    softtpm_ca_free(ca);
    gateway_free(g);
}
END_TEST

/* Revoked: removed by the administrator. The certificate still chains; the record is gone. */
START_TEST(T_02__removed_gateways_certificate_is_refused)
{
    struct gateway *g = attack_gateway("t-02-gone");
    struct gateway_attempt a = {0};
    char *before;

    ck_assert_int_eq(service_remove(attack_service, g->id), 200);
    before = attack_records();
    gateway_session(g, &a);
    attack_refused(&a.session_answer, 403, "E_ID_UNKNOWN");
    attack_same_records(before);
    gateway_attempt_clear(&a);
    gateway_free(g);
}
END_TEST

static struct client *weak_client(struct client_tls *tls)
{
    return client_new(tls, "127.0.0.1", attack_service->port, NULL);
}

START_TEST(T_05__older_tls_is_refused)
{
    static const int version[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};
    struct client_tls *tls = client_tls_new(NULL);
    struct client *c = weak_client(tls);

    SSL_CTX_set_security_level(tls->ctx, 0);
    NEED(SSL_CTX_set_min_proto_version(tls->ctx, version[_i]) == 1);
    NEED(SSL_CTX_set_max_proto_version(tls->ctx, version[_i]) == 1);
    ck_assert(!client_connect(c));
    client_free(c);
    client_tls_free(tls);
}
END_TEST

START_TEST(T_05__weak_suite_is_refused)
{
    struct client_tls *tls = client_tls_new(NULL);
    struct client *c = weak_client(tls);

    NEED(SSL_CTX_set_ciphersuites(tls->ctx, "TLS_AES_128_CCM_8_SHA256") == 1);
    ck_assert(!client_connect(c));
    client_free(c);
    client_tls_free(tls);
}
END_TEST

START_TEST(T_05__no_compression_and_no_renegotiation)
{
    struct client_tls *tls = client_tls_new(attack_service->ca_path);
    struct client *c = weak_client(tls);

    ck_assert(client_connect(c));
    ck_assert_int_eq(SSL_version(client_ssl(c)), TLS1_3_VERSION); /* has neither */
    ck_assert_ptr_null(SSL_get_current_compression(client_ssl(c)));
    ck_assert_int_ne(SSL_renegotiate(client_ssl(c)), 1);
    ERR_clear_error();
    client_free(c);
    client_tls_free(tls);
}
END_TEST

START_TEST(T_05__early_data_is_refused)
{
    static const char request[] = "GET /labels/v1/x HTTP/1.1\r\nHost: a\r\n\r\n";
    struct client_tls *tls = client_tls_new(attack_service->ca_path);
    struct client *c = weak_client(tls);
    SSL_SESSION *session;
    SSL *ssl;
    size_t n = 0;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(attack_service->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert(answers(c)); /* the ticket has come by now */
    session = client_session(c);
    ck_assert_ptr_nonnull(session);
    ck_assert_uint_eq(SSL_SESSION_get_max_early_data(session), 0);
    NEED(SSL_SESSION_set_max_early_data(session, 16384) == 1); /* and try all the same */
    NEED(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    ssl = SSL_new(tls->ctx);
    NEED(ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_set_session(ssl, session) == 1);
    SSL_set_app_data(ssl, NULL);
    if (SSL_write_early_data(ssl, request, sizeof(request) - 1, &n) == 1) {
        SSL_CTX_sess_set_new_cb(tls->ctx, NULL);
        (void)SSL_connect(ssl);
        ck_assert_int_ne(SSL_get_early_data_status(ssl), SSL_EARLY_DATA_ACCEPTED);
    }
    ERR_clear_error();
    SSL_free(ssl);
    close(fd);
    client_free(c);
    client_tls_free(tls);
}
END_TEST

/* A TCP connection from an address of the loopback network that says nothing. */
static int silent(const char *from)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(attack_service->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in source = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(fd >= 0 && inet_pton(AF_INET, from, &source.sin_addr) == 1);
    NEED(bind(fd, (struct sockaddr *)&source, sizeof(source)) == 0);
    NEED(connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

/* Milliseconds until the peer closed this socket; -1 when it did not within limit. */
static int64_t closed_after(int fd, int64_t start, int limit)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char c;

    while (attack_now_ms() - start < limit) {
        if (poll(&p, 1, 100) == 1 && read(fd, &c, 1) <= 0) {
            return attack_now_ms() - start;
        }
    }
    return -1;
}

START_TEST(T_06__silent_connections_are_closed_and_harm_nobody)
{
    enum { MANY = 1000 };
    static int fd[MANY];
    struct rlimit files = {.rlim_cur = 4096, .rlim_max = 4096};
    struct attack_live live;
    int count = _i == 0 ? 1 : MANY;
    int64_t start;
    int64_t ms;
    int i;

    (void)setrlimit(RLIMIT_NOFILE, &files);
    attack_live_open(&live, attack_service, _i == 0 ? "t-06" : "t-06-many");
    start = attack_now_ms();
    for (i = 0; i < count; i++) {
        fd[i] = silent("127.0.0.3");
    }
    attack_live_check(&live);
    for (i = 0; i < count; i++) {
        ms = closed_after(fd[i], start, 3 * DEADLINE_MS + 3000);
        ck_assert_msg(ms >= 0, "connection %d is still open", i);
        close(fd[i]);
    }
    attack_live_check(&live);
    attack_live_close(&live);
}
END_TEST

/* One byte each 100 ms: in the head, in the body. The deadline is for the whole request. */
START_TEST(T_07__slow_writer_is_cut_off)
{
    static const char head[] = "POST /challenge-response/v1/newSession HTTP/1.1\r\nHost: a\r\n"
                               "Content-Type: application/cbor\r\nContent-Length: 4000\r\n\r\n";
    struct gateway *g = attack_gateway(_i == 0 ? "t-07-head" : "t-07-body");
    struct attack_live live;
    int64_t start;
    size_t at = _i == 0 ? 0 : sizeof(head) - 1;
    char c;

    attack_live_open(&live, attack_service, _i == 0 ? "t-07-live" : "t-07-live-2");
    client_set_timeout(g->client, 200);
    ck_assert(client_connect(g->client));
    start = attack_now_ms();
    if (at != 0) {
        ck_assert(client_send(g->client, head, at));
    }
    while (attack_now_ms() - start < 4 * DEADLINE_MS) {
        bool sent = client_send(g->client, at < sizeof(head) - 1 ? &head[at] : "x", 1);
        int n = sent ? client_receive(g->client, &c, 1) : 0;

        if (n >= 0) {
            break; /* an answer that it took too long, or the end */
        }
        at++;
        attack_nap_ms(50);
    }
    ck_assert_int_lt(attack_now_ms() - start, 2 * DEADLINE_MS + 500);
    attack_live_check(&live);
    attack_live_close(&live);
    gateway_free(g);
}
END_TEST

static const char nothing[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/* Certificates that point to a place on the network: the service looks at none of it. */
START_TEST(T_15__addresses_in_an_ek_certificate_are_not_followed)
{
    struct hostile *place = hostile_start(&(struct hostile_options){.head = nothing});
    struct gateway *g = attack_stranger("t-15");
    char url[64];
    char token[128];
    const struct softtpm_cert_order order = {.url = url};

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/ca.der", (unsigned int)place->port);
    softtpm_certify_ek(g->tpm, attack_service->ek_ca, &order);
    service_token(attack_service, "t-15", token);
    ck_assert_int_eq(gateway_enrol(g, token), 200);
    attack_nap_ms(100);
    ck_assert_uint_eq(atomic_load(&place->connections), 0);
    gateway_free(g);
    hostile_stop(place);
}
END_TEST

/* The same key as OpenSSL holds it, to put it into a certificate. */
static EVP_PKEY *evp_of(const struct att_privkey *key)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    BIO *bio;
    EVP_PKEY *pkey;

    NEED(att_privkey_pem(&pem, key) == ATT_OK);
    bio = BIO_new_mem_buf(att_buf_slice(pem).p, (int)att_buf_len(pem));
    pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    NEED(pkey != NULL);
    return pkey;
}

/* A label that says what a genuine one does, by a signer whose certificate names an address. */
static void write_label(const char *path, const struct softtpm_ca *ca, const char *url,
                        struct att_slice payload)
{
    const struct softtpm_tls_order order = {.common_name = "label signer",
                                            .alt = "URI:urn:attestd:verifier:verifier.test",
                                            .usage = ATT_OID_LABEL_SIGNING,
                                            .url = url};
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    struct att_privkey *key = NULL;
    EVP_PKEY *pkey;
    X509 *cert;
    uint8_t der[4096];
    uint8_t *p = der;
    struct att_slice chain;
    const struct att_cose_order cose = {
        .typ = ATT_TYPE_LABEL, .x5chain = &chain, .x5chain_count = 1, .payload = payload};
    int len;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    pkey = evp_of(key);
    cert = softtpm_issue(ca, pkey, &order);
    len = i2d_X509(cert, NULL);
    NEED(len > 0 && (size_t)len <= sizeof(der) && i2d_X509(cert, &p) == len);
    chain = att_slice_of(der, (size_t)len);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    NEED(att_cose_make(&label, &cose, signer) == ATT_OK);
    NEED(att_file_write(path, att_buf_slice(label), 0600, NULL) == ATT_OK);
    X509_free(cert);
    EVP_PKEY_free(pkey);
}

START_TEST(T_15__addresses_in_a_label_are_not_followed)
{
    struct hostile *place = hostile_start(&(struct hostile_options){.head = nothing});
    struct softtpm_ca *ca = softtpm_ca_new("Issuer of labels");
    struct gateway *g = attack_gateway("t-15-label");
    struct client_answer genuine = {0};
    struct att_cose cose;
    char dir[] = "/tmp/attest-t15-XXXXXX";
    char label[64];
    char anchor[64];
    char url[64];
    char said[8192];
    const char *verify[] = {"--json", "--trust", dir, "label", "verify", label, NULL};

    NEED(mkdtemp(dir) != NULL);
    snprintf(label, sizeof(label), "%s/x.label", dir);
    snprintf(anchor, sizeof(anchor), "%s/ca.pem", dir);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/ca.der", (unsigned int)place->port);
    softtpm_ca_write_pem(ca, anchor);
    ck_assert_int_eq(gateway_label(g, &genuine), 200);
    NEED(att_cose_parse(&cose, client_body(&genuine), NULL) == ATT_OK);
    write_label(label, ca, url, cose.payload_untrusted);
    /* it verifies: the certificate with the address was judged to its end, and nobody was asked */
    ck_assert_int_eq(service_program(said, sizeof(said), "attestctl", verify), 0);
    attack_nap_ms(100);
    ck_assert_uint_eq(atomic_load(&place->connections), 0);
    NEED(unlink(label) == 0 && unlink(anchor) == 0);
    (void)rmdir(dir);
    client_answer_clear(&genuine);
    gateway_free(g);
    softtpm_ca_free(ca);
    hostile_stop(place);
}
END_TEST

/* Hostile certificates before anybody is known: refused, at bounded cost. */
START_TEST(T_18__thousand_names_are_refused_at_bounded_cost)
{
    struct softtpm_ca *ca = softtpm_ca_new("Another authority");
    char *alt = malloc(32 * 1000);
    struct softtpm_tls_order order = {.common_name = "x", .usage = "clientAuth", .alt = alt};
    struct client_identity id = {.key = softtpm_p256()};
    struct client *c;
    size_t memory = service_memory(attack_service);
    size_t len = 0;
    int i;

    NEED(alt != NULL);
    for (i = 0; i < 1000; i++) {
        len += (size_t)snprintf(alt + len, 32000 - len, "%sURI:urn:attestd:device:x%d",
                                i == 0 ? "" : ",", i);
    }
    id.cert = softtpm_issue(ca, id.key, &order);
    c = client_new(attack_service->tls, "127.0.0.1", attack_service->port, &id);
    for (i = 0; i < 50; i++) {
        ck_assert(!answers(c));
    }
    attack_memory_at_most(attack_service, memory + (4U << 20));
    client_free(c);
    EVP_PKEY_free(id.key);
    X509_free(id.cert);
    softtpm_ca_free(ca);
    free(alt);
}
END_TEST

/* Everything about the gateway is right but for what it sends beside its certificate. */
START_TEST(T_18__oversized_chain_is_refused)
{
    static const struct softtpm_tls_order order = {
        .common_name = "x", .alt = "URI:urn:attestd:device:t-18", .usage = "clientAuth"};
    struct gateway *g = attack_gateway("t-18");
    struct client_tls *tls = client_tls_new(attack_service->ca_path);
    struct softtpm_ca *ca = device_ca();
    struct client_identity id = {.key = g->tls_key};
    size_t memory = service_memory(attack_service);
    struct client *c;
    int i;

    id.cert = softtpm_issue(ca, id.key, &order);
    for (i = 0; i < 400; i++) { /* about 160 KiB */
        NEED(SSL_CTX_add_extra_chain_cert(tls->ctx, X509_dup(ca->root)) == 1);
    }
    c = client_new(tls, "127.0.0.1", attack_service->port, &id);
    for (i = 0; i < 20; i++) {
        ck_assert(!answers(c));
    }
    attack_memory_at_most(attack_service, memory + (4U << 20));
    client_free(c);
    client_tls_free(tls);
    X509_free(id.cert);
    softtpm_ca_free(ca);
    gateway_free(g);
}
END_TEST

static int saw_compression;

static int see_compression(SSL *ssl, unsigned int type, unsigned int context,
                           const unsigned char *in, size_t len, X509 *x, size_t index, int *alert,
                           void *arg)
{
    (void)ssl;
    (void)type;
    (void)context;
    (void)in;
    (void)len;
    (void)x;
    (void)index;
    (void)alert;
    (void)arg;
    saw_compression++;
    return 1;
}

static int say_compression(SSL *ssl, unsigned int type, unsigned int context,
                           const unsigned char **out, size_t *len, X509 *x, size_t index,
                           int *alert, void *arg)
{
    static const unsigned char zlib[] = {2, 0, 1};

    (void)ssl;
    (void)type;
    (void)context;
    (void)x;
    (void)index;
    (void)alert;
    (void)arg;
    *out = zlib;
    *len = sizeof(zlib);
    return 1;
}

/* RFC 8879: who does not ask for compressed certificates gets none (CVE-2025-66199). */
START_TEST(T_18__compressed_certificates_are_not_asked_for)
{
    struct client_tls *tls = client_tls_new(attack_service->ca_path);
    struct client *c = weak_client(tls);

    NEED(SSL_CTX_add_custom_ext(tls->ctx, 27,
                                SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE_REQUEST,
                                say_compression, NULL, NULL, see_compression, NULL) == 1);
    ck_assert(answers(c));
    ck_assert_int_eq(saw_compression, 0);
    client_free(c);
    client_tls_free(tls);
}
END_TEST

int main(void)
{
    const struct service_options options = {.limits = "{request_deadline: 1500ms, idle: 3s}"};
    const struct attack_row rows[] = {
        {"T-02", T_02__unfit_client_certificate_fails_the_handshake, 4, 0},
        {"T-02-fit", T_02__fit_client_certificate_is_accepted, 0, 0},
        {"T-02-key", T_02__certificate_for_another_key_is_refused, 0, 0},
        {"T-02-gone", T_02__removed_gateways_certificate_is_refused, 0, 0},
        {"T-05", T_05__older_tls_is_refused, 3, 0},
        {"T-05-suite", T_05__weak_suite_is_refused, 0, 0},
        {"T-05-plain", T_05__no_compression_and_no_renegotiation, 0, 0},
        {"T-05-early", T_05__early_data_is_refused, 0, 0},
        {"T-06", T_06__silent_connections_are_closed_and_harm_nobody, 2, 60},
        {"T-07", T_07__slow_writer_is_cut_off, 2, 60},
        {"T-15", T_15__addresses_in_an_ek_certificate_are_not_followed, 0, 0},
        {"T-15-label", T_15__addresses_in_a_label_are_not_followed, 0, 0},
        {"T-18", T_18__thousand_names_are_refused_at_bounded_cost, 0, 60},
        {"T-18-chain", T_18__oversized_chain_is_refused, 0, 60},
        {"T-18-zip", T_18__compressed_certificates_are_not_asked_for, 0, 0},
    };

    return attack_main("attacks: TLS and connections", rows, ATT_COUNT(rows), &options);
}
