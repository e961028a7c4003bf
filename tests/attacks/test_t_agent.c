/* Attack matrix 4.4, rows in which the agent is attacked: the real courier against a hostile server. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/relay.h"
#include "hostile.h"
#include "need.h"
#include "softtpm.h"

static const char empty_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static const uint8_t session[16] = {7};

struct scene {
    char dir[40];
    char ca_path[64];
    struct softtpm_ca *ca;
    EVP_PKEY *key;
    X509 *cert;
    struct hostile *server;
    struct relay *courier;
};

static void open_server(struct scene *s, const struct softtpm_tls_order *order,
                        const struct softtpm_ca *issuer, const struct hostile_options *how)
{
    struct hostile_options options = *how;

    memset(s, 0, sizeof(*s));
    snprintf(s->dir, sizeof(s->dir), "/tmp/attest-t-XXXXXX");
    NEED(mkdtemp(s->dir) != NULL);
    snprintf(s->ca_path, sizeof(s->ca_path), "%s/ca.pem", s->dir);
    s->ca = softtpm_ca_new("Our verifier's authority");
    softtpm_ca_write_pem(s->ca, s->ca_path);
    s->key = softtpm_p256();
    s->cert = softtpm_issue(issuer != NULL ? issuer : s->ca, s->key, order);
    options.key = s->key;
    options.cert = s->cert;
    s->server = hostile_start(&options);
}

static void open_courier(struct scene *s, const char *host)
{
    const char *build = getenv("BUILD");
    char program[512];
    char url[256];
    struct relay_settings settings = {.program = program,
                                      .url = url,
                                      .ca_file = s->ca_path,
                                      .connect_timeout_ms = 2000,
                                      .timeout_ms = 4000};

    snprintf(program, sizeof(program), "%s/attest-courier",
             build != NULL && build[0] != '\0' ? build : "build/release");
    snprintf(url, sizeof(url), "https://%s:%u", host, (unsigned int)s->server->port);
    ck_assert_int_eq(relay_start(&s->courier, &settings, NULL), ATT_OK);
}

static void close_scene(struct scene *s)
{
    relay_stop(s->courier);
    hostile_stop(s->server);
    softtpm_ca_free(s->ca);
    EVP_PKEY_free(s->key);
    X509_free(s->cert);
    NEED(unlink(s->ca_path) == 0 && rmdir(s->dir) == 0);
}

/* Ask the courier to deliver evidence: the reason of the refusal, NONE when it was answered. */
static enum att_reason deliver(struct scene *s)
{
    const struct relay_request q = {.kind = RELAY_EVIDENCE,
                                    .a = att_slice_of(session, sizeof(session)),
                                    .body = att_slice_str("evidence of this gateway")};
    struct relay_answer a = {0};
    struct att_diag diag = {0};
    enum att_err err = relay_ask(&a, s->courier, &q, &diag);

    relay_answer_free(&a);
    if (err == ATT_OK) {
        return ATT_R_NONE;
    }
    ck_assert_int_eq(err, ATT_E_NETWORK);
    return diag.reason;
}

static void refused_before_evidence(struct scene *s, const char *code)
{
    ck_assert_str_eq(att_reason_code(deliver(s)), code);
    ck_assert_uint_eq(atomic_load(&s->server->requests), 0);
    ck_assert_uint_eq(atomic_load(&s->server->received), 0);
}

START_TEST(T_03__server_of_another_name_is_refused)
{
    static const struct {
        const char *host;
        struct softtpm_tls_order order;
    } wrong[] = {
        {"localhost", {.common_name = "localhost", .alt = "DNS:verifier.example"}},
        {"a.b.localhost", {.common_name = "x", .alt = "DNS:*.localhost"}},
        {"127.0.0.1", {.common_name = "127.0.0.1", .alt = "IP:127.0.0.2"}},
        {"localhost", {.common_name = "x", .alt = "IP:127.0.0.1"}},
        {"localhost", {.common_name = "localhost"}},
    };
    struct scene s;

    open_server(&s, &wrong[_i].order, NULL, &(struct hostile_options){.head = empty_answer});
    open_courier(&s, wrong[_i].host);
    refused_before_evidence(&s, "E_TLS_NAME");
    close_scene(&s);
}
END_TEST

START_TEST(T_03__server_of_the_right_name_is_accepted)
{
    static const struct {
        const char *host;
        struct softtpm_tls_order order;
    } right[] = {
        {"localhost", {.common_name = "x", .alt = "DNS:localhost"}},
        {"a.b.localhost", {.common_name = "x", .alt = "DNS:*.b.localhost"}},
        {"127.0.0.1", {.common_name = "x", .alt = "IP:127.0.0.1"}},
    };
    struct scene s;

    open_server(&s, &right[_i].order, NULL, &(struct hostile_options){.head = empty_answer});
    open_courier(&s, right[_i].host);
    ck_assert_str_eq(att_reason_code(deliver(&s)), "OK");
    ck_assert_uint_eq(atomic_load(&s.server->requests), 1);
    close_scene(&s);
}
END_TEST

static const struct softtpm_tls_order localhost = {.common_name = "x", .alt = "DNS:localhost"};

START_TEST(T_04__server_of_another_authority_is_refused)
{
    struct softtpm_ca *other = softtpm_ca_new("Another tenant's authority");
    struct scene s;

    open_server(&s, &localhost, other, &(struct hostile_options){.head = empty_answer});
    open_courier(&s, "localhost");
    refused_before_evidence(&s, "E_TLS_CHAIN");
    close_scene(&s);
    softtpm_ca_free(other);
}
END_TEST

START_TEST(T_13__redirect_is_not_followed)
{
    static const char *const head[] = {
        "HTTP/1.1 302 Found\r\nLocation: https://localhost:%u/elsewhere\r\nContent-Length: "
        "0\r\n\r\n",
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://localhost:%u/\r\n"
        "Content-Length: 0\r\n\r\n",
        "HTTP/1.1 308 Permanent Redirect\r\nLocation: //localhost:%u/\r\nContent-Length: 0\r\n\r\n",
    };
    struct scene s;

    open_server(&s, &localhost, NULL, &(struct hostile_options){.head = head[_i]});
    open_courier(&s, "localhost");
    ck_assert_str_eq(att_reason_code(deliver(&s)), "E_TLS_REDIRECT");
    ck_assert_uint_eq(atomic_load(&s.server->requests), 1);
    ck_assert_uint_eq(atomic_load(&s.server->connections), 1);
    close_scene(&s);
}
END_TEST

START_TEST(T_14__endless_answer_is_cut_off_and_the_agent_lives)
{
    static const struct hostile_options how[] = {
        {.head = "HTTP/1.1 200 OK\r\nContent-Length: 209715200\r\n\r\n",
         .body = 209715200,
         .once = true},
        {.head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", .body = UINT64_MAX, .once = true},
    };
    struct scene s;

    open_server(&s, &localhost, NULL, &how[_i]);
    open_courier(&s, "localhost");
    ck_assert_str_eq(att_reason_code(deliver(&s)), "E_NET_LIMIT");
    ck_assert_uint_lt(atomic_load(&s.server->sent), 16U << 20);
    ck_assert_int_eq(kill(relay_pid(s.courier), 0), 0);
    ck_assert_str_eq(att_reason_code(deliver(&s)), "OK");
    close_scene(&s);
}
END_TEST

static void add(Suite *suite, const char *id, const TTest *test, int times)
{
    TCase *t = tcase_create(id);

    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, test, 0, times);
    suite_add_tcase(suite, t);
}

int main(void)
{
    Suite *suite = suite_create("attacks: transport of the agent");
    SRunner *r;
    int failed;

    add(suite, "T-03", T_03__server_of_another_name_is_refused, 5);
    add(suite, "T-03-right", T_03__server_of_the_right_name_is_accepted, 3);
    add(suite, "T-04", T_04__server_of_another_authority_is_refused, 1);
    add(suite, "T-13", T_13__redirect_is_not_followed, 3);
    add(suite, "T-14", T_14__endless_answer_is_cut_off_and_the_agent_lives, 2);
    r = srunner_create(suite);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
