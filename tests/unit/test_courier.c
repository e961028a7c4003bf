/* What attest-courier carries, with which key, and what it refuses to be asked. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "couriertest.h"

static const struct couriertest_script ECHO = {0};

START_TEST(courier__sends_each_kind_as_its_route)
{
    static const uint8_t session[16] = {0xab, 0xcd};
    struct relay *r = couriertest_start_with(&ECHO);
    struct relay_request q = {.kind = RELAY_NEW_SESSION, .body = att_slice_of("\xa0", 1)};
    struct relay_answer a = couriertest_ask(r, &q);

    ck_assert_uint_eq(a.status, 201);
    ck_assert(att_slice_eq(a.content_type, att_slice_str("application/cbor")));
    ck_assert(couriertest_contains(&a, "POST /challenge-response/v1/newSession HTTP/1.1\r\n"));
    ck_assert(couriertest_contains(&a, "Content-Type: application/cbor\r\n"));
    ck_assert(couriertest_contains(&a, "concise-problem-details+cbor"));
    ck_assert(couriertest_contains(&a, "\r\n\r\n\xa0"));
    ck_assert(!couriertest_contains(&a, "Expect"));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_EVIDENCE, .a = att_slice_of(session, 16)};
    a = couriertest_ask(r, &q);
    ck_assert(couriertest_contains(
        &a, "POST /challenge-response/v1/session/abcd0000000000000000000000000000 "));
    ck_assert(couriertest_contains(&a, "Content-Type: application/cmw+cbor\r\n"));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_SESSION_GET, .a = att_slice_of(session, 16)};
    a = couriertest_ask(r, &q);
    ck_assert(couriertest_contains(
        &a, "GET /challenge-response/v1/session/abcd0000000000000000000000000000 "));
    ck_assert(!couriertest_contains(&a, "Content-Type: "));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_LABEL, .a = att_slice_str("gw-1")};
    a = couriertest_ask(r, &q);
    ck_assert(couriertest_contains(&a, "GET /labels/v1/device/gw-1/current HTTP/1.1\r\n"));
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_ENROL_BEGIN, .body = att_slice_str("b")};
    a = couriertest_ask(r, &q);
    ck_assert(couriertest_contains(&a, "POST /enrol/v1/begin HTTP/1.1\r\n"));
    /* five exchanges over one connection */
    ck_assert(couriertest_contains(&a, "connection 1 unknown"));
    relay_answer_free(&a);
    relay_stop(r);
}
END_TEST

/* The request for a key is answered with this one. */
static void check_key_is(const struct att_pubkey *pub, struct relay *r,
                         const struct relay_request *q)
{
    struct relay_answer a = couriertest_ask(r, q);
    struct att_pubkey *again = NULL;

    ck_assert_int_eq(att_csr_open(&again, a.body, NULL), ATT_OK);
    ck_assert(att_pubkey_eq(pub, again));
    att_pubkey_free(again);
    relay_answer_free(&a);
}

START_TEST(courier__shows_the_certificate_once_it_has_one)
{
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

    r = couriertest_start_with(&ECHO);
    a = couriertest_ask(r, &q);
    ck_assert_int_eq(att_csr_open(&pub, a.body, NULL), ATT_OK);
    relay_answer_free(&a);
    ck_assert_int_eq(stat(ct.key_path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    check_key_is(pub, r, &q); /* the same key again */
    order.subject_key = pub;
    c = couriertest_issue(&order, &ct.ca);
    q = (struct relay_request){.kind = RELAY_CERT, .body = att_cert_der(c)};
    a = couriertest_ask(r, &q);
    relay_answer_free(&a);
    q = (struct relay_request){.kind = RELAY_NEW_SESSION};
    a = couriertest_ask(r, &q);
    ck_assert(couriertest_contains(&a, "connection 1 known"));
    relay_answer_free(&a);
    relay_stop(r);
    att_cert_free(c);
    att_pubkey_free(pub);
}
END_TEST

START_TEST(courier__refuses_a_key_that_others_can_read)
{
    struct relay_settings s;

    couriertest_serve(&ECHO);
    s = couriertest_settings();
    couriertest_write("tls.key", att_slice_str("x"));
    couriertest_write("tls.pem", att_slice_str("x"));
    ck_assert_int_eq(chmod(ct.key_path, 0644), 0);
    couriertest_fails(&s, RELAY_NEW_SESSION, ATT_E_DENIED, ATT_R_CFG_PERM);
}
END_TEST

START_TEST(courier__refuses_a_url_that_is_not_https)
{
    struct relay_settings s = couriertest_settings();

    s.url = "http://127.0.0.1:80/";
    couriertest_fails(&s, RELAY_NEW_SESSION, ATT_E_CONFIG, ATT_R_CFG_KEY);
}
END_TEST

START_TEST(courier__serves_either_gateway_or_operator)
{
    struct relay_settings s = couriertest_settings();

    couriertest_fails(&s, RELAY_ADMIN, ATT_E_DENIED, ATT_R_FMT_FRAME);
    couriertest_fails(&s, RELAY_FETCH, ATT_E_DENIED, ATT_R_FMT_FRAME);
    s.operator_kinds = true;
    couriertest_fails(&s, RELAY_NEW_SESSION, ATT_E_DENIED, ATT_R_FMT_FRAME);
    couriertest_fails(&s, RELAY_KEY, ATT_E_DENIED, ATT_R_FMT_FRAME);
}
END_TEST

START_TEST(courier__refuses_kinds_and_arguments_that_are_none)
{
    struct relay_settings s = couriertest_settings();
    struct relay *r = couriertest_start(&s);
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
    struct relay_settings s = couriertest_settings();
    struct relay *r = couriertest_start(&s);
    int64_t from = att_clock_mono_ms();

    relay_stop(r);
    ck_assert_int_lt(att_clock_mono_ms() - from, 900); /* by itself: not killed after a second */
}
END_TEST

/* One connection to the administrator's socket: answered only if it asks what it should. */
static void answer_operator(int fd)
{
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
}

/* An operator's request over a unix socket: what arrives, and what comes back. */
START_TEST(courier__carries_an_operators_request)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct relay_settings s = couriertest_settings();
    struct relay_request q = {.kind = RELAY_ADMIN,
                              .a = att_slice_str("DELETE"),
                              .b = att_slice_str("/admin/v1/devices/gw-1"),
                              .body = att_slice_str("{}")};
    struct relay *r = NULL;
    struct relay_answer a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/admin", ct.dir);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ct.server = fork();
    if (ct.server == 0) {
        answer_operator(fd);
        _exit(0);
    }
    (void)close(fd);
    s.operator_kinds = true;
    s.admin_socket = un.sun_path;
    r = couriertest_start(&s);
    a = couriertest_ask(r, &q);
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
    struct relay_settings s;
    struct relay_request q = {.kind = RELAY_FETCH};
    struct relay *r = NULL;
    struct relay_answer a = {0};
    struct att_diag diag = {0};
    char where[96];
    char other[128];

    couriertest_serve(&ECHO);
    s = couriertest_settings();
    s.operator_kinds = true;
    r = couriertest_start(&s);
    (void)snprintf(where, sizeof(where), "%slabels/v1/x", ct.url);
    q.a = att_slice_str(where);
    q.b = att_slice_str(ct.ca_path);
    a = couriertest_ask(r, &q);
    ck_assert(couriertest_contains(&a, "GET /labels/v1/x HTTP/1.1\r\n"));
    relay_answer_free(&a);
    (void)snprintf(other, sizeof(other), "%s/other.pem", ct.dir);
    q.b = att_slice_str(other);
    ck_assert_int_eq(relay_ask(&a, r, &q, &diag), ATT_E_NETWORK);
    ck_assert_int_eq(diag.reason, ATT_R_TLS_CHAIN);
    relay_stop(r);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {courier__sends_each_kind_as_its_route, 0},
        {courier__shows_the_certificate_once_it_has_one, 0},
        {courier__refuses_a_key_that_others_can_read, 0},
        {courier__refuses_a_url_that_is_not_https, 0},
        {courier__serves_either_gateway_or_operator, 0},
        {courier__refuses_kinds_and_arguments_that_are_none, 0},
        {courier__ends_at_nonsense_and_when_its_descriptor_closes, 0},
        {courier__carries_an_operators_request, 0},
        {courier__fetches_with_the_anchor_that_is_named, 0},
    };

    return SUITE_RUN_ROWS("courier", ROWS, &couriertest_fixture);
}
