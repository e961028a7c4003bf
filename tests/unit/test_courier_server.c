/* attest-courier against servers that are not the right one, or do not behave. */
#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "couriertest.h"

static const struct couriertest_script ECHO = {0};

/* Against a server that follows the script, with everything else right. */
static void server_fails(const struct couriertest_script *script, enum att_reason reason)
{
    struct relay_settings s;

    couriertest_serve(script);
    s = couriertest_settings();
    couriertest_fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, reason);
}

START_TEST(courier__refuses_a_certificate_for_another_host)
{
    couriertest_make_server("verifier.example", 7200);
    server_fails(&ECHO, ATT_R_TLS_NAME);
}
END_TEST

START_TEST(courier__refuses_a_chain_to_another_anchor)
{
    struct relay_settings s;

    couriertest_serve(&ECHO);
    s = couriertest_settings();
    (void)snprintf(ct.ca_path, sizeof(ct.ca_path), "%s/other.pem", ct.dir);
    couriertest_fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, ATT_R_TLS_CHAIN);
}
END_TEST

START_TEST(courier__refuses_an_expired_certificate)
{
    couriertest_make_server("127.0.0.1", 60);
    server_fails(&ECHO, ATT_R_TLS_CHAIN);
}
END_TEST

START_TEST(courier__refuses_tls_below_1_3)
{
    static const struct couriertest_script old = {.max_version = TLS1_2_VERSION};

    server_fails(&old, ATT_R_NET_PROTOCOL);
}
END_TEST

START_TEST(courier__follows_no_redirect)
{
    static const struct couriertest_script moved = {
        .answer =
            "HTTP/1.1 307 Moved\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};

    server_fails(&moved, ATT_R_TLS_REDIRECT);
}
END_TEST

START_TEST(courier__refuses_an_answer_above_the_limit)
{
    static const struct couriertest_script large = {.answer = "HTTP/1.1 200 OK\r\n\r\n",
                                                    .pad = RELAY_ANSWER_MAX + 1};

    server_fails(&large, ATT_R_NET_LIMIT);
}
END_TEST

START_TEST(courier__takes_an_answer_of_the_limit)
{
    static const struct couriertest_script large = {.answer = "HTTP/1.1 200 OK\r\n\r\n",
                                                    .pad = RELAY_ANSWER_MAX};
    struct relay_request q = {.kind = RELAY_NEW_SESSION};
    struct relay *r = NULL;
    struct relay_answer a;

    r = couriertest_start_with(&large);
    a = couriertest_ask(r, &q);
    ck_assert_uint_eq(a.body.len, RELAY_ANSWER_MAX);
    relay_answer_free(&a);
    relay_stop(r);
}
END_TEST

START_TEST(courier__gives_up_on_a_silent_server)
{
    static const struct couriertest_script silent = {.silent = true};
    struct relay_settings s;

    couriertest_serve(&silent);
    s = couriertest_settings();
    s.timeout_ms = 500;
    couriertest_fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, ATT_R_NET_TIMEOUT);
}
END_TEST

START_TEST(courier__says_when_nobody_is_there)
{
    struct relay_settings s;

    close(couriertest_listen()); /* a port that was free a moment ago */
    s = couriertest_settings();
    couriertest_fails(&s, RELAY_NEW_SESSION, ATT_E_NETWORK, ATT_R_NET_REACH);
}
END_TEST

START_TEST(courier__refuses_what_is_no_http)
{
    static const struct couriertest_script noise = {.answer = "SSH-2.0-OpenSSH_9.2\r\n"};

    server_fails(&noise, ATT_R_NET_PROTOCOL);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {courier__refuses_a_certificate_for_another_host, 0},
        {courier__refuses_a_chain_to_another_anchor, 0},
        {courier__refuses_an_expired_certificate, 0},
        {courier__refuses_tls_below_1_3, 0},
        {courier__follows_no_redirect, 0},
        {courier__refuses_an_answer_above_the_limit, 0},
        {courier__takes_an_answer_of_the_limit, 0},
        {courier__gives_up_on_a_silent_server, 0},
        {courier__says_when_nobody_is_there, 0},
        {courier__refuses_what_is_no_http, 0},
    };

    return SUITE_RUN_ROWS("courier_server", ROWS, &couriertest_fixture);
}
