/*
 * The seventeen raw requests that were measured against HTTP libraries, sent to the real front: each is
 * answered as strictly as "evhttp and our gate" or more, and the service lives on.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "need.h"
#include "service.h"
#include "verifier/front/route.h"

#define DEADLINE_MS 800
#define BEGIN       "POST /enrol/v1/begin HTTP/1.1\r\nHost: a\r\nContent-Type: application/cbor\r\n"
#define NEXT        "GET /labels/v1/00112233445566778899aabbccddeeff HTTP/1.1\r\nHost: a\r\n\r\n"

static struct service *service;

struct raw {
    const char *name;
    const char *text;
    int status; /* 0: closed without an answer */
    const char *code;
};

static const struct raw rows[] = {
    {"length and transfer-encoding",
     BEGIN "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, 400,
     "E_FMT_HTTP"},
    {"two lengths", BEGIN "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc" NEXT, 400,
     "E_FMT_HTTP"},
    {"length -1", BEGIN "Content-Length: -1\r\n\r\n" NEXT, 400, "E_FMT_HTTP"},
    {"length +3", BEGIN "Content-Length: +3\r\n\r\nabc" NEXT, 400, "E_FMT_HTTP"},
    {"unknown transfer-encoding", BEGIN "Transfer-Encoding: xyz\r\n\r\nabc" NEXT, 400,
     "E_FMT_HTTP"},
    {"bare line feeds", "GET /labels/v1/x HTTP/1.1\nHost: a\n\n" NEXT, 400, "E_FMT_HTTP"},
    {"folded header", "GET /labels/v1/x HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n" NEXT, 400,
     "E_FMT_HTTP"},
    {"space before the colon", BEGIN "Content-Length : 3\r\n\r\nabc" NEXT, 400, "E_FMT_HTTP"},
    {"chunked trailer",
     BEGIN "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" NEXT, 400,
     "E_FMT_HTTP"},
    {"method not allowed", "PATCH /labels/v1/x HTTP/1.1\r\nHost: a\r\n\r\n" NEXT, 501,
     "E_HTTP_METHOD"},
    {"encoded zero in the path", "GET /labels/v1/x%00y HTTP/1.1\r\nHost: a\r\n\r\n" NEXT, 400,
     "E_FMT_HTTP"},
    {"no host", "GET /labels/v1/x HTTP/1.1\r\n\r\n" NEXT, 400, "E_FMT_HTTP"},
    {"no version", "GET /labels/v1/x\r\n\r\n" NEXT, 400, "E_FMT_HTTP"},
    {"body over the limit", BEGIN "Content-Length: 131073\r\n\r\nabc", 413, "E_LIM_SIZE"},
};

static int64_t now_ms(void)
{
    struct timespec t;

    NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct client *stranger(void)
{
    struct client *c = client_new(service->tls, "127.0.0.1", service->port, NULL);

    client_set_timeout(c, 5000);
    ck_assert(client_connect(c));
    return c;
}

/* Everything until the end of the stream; how many answers it was. */
static size_t read_to_end(struct client *c, char *out, size_t cap)
{
    size_t used = 0;
    size_t answers = 0;
    int n = 0;

    while (used + 1 < cap && (n = client_receive(c, out + used, cap - 1 - used)) > 0) {
        used += (size_t)n;
    }
    ck_assert_msg(n == 0, "the connection was not ended (%d)", n);
    out[used] = '\0';
    for (const char *at = out; (at = strstr(at, "HTTP/1.1 ")) != NULL; at += 9) {
        answers += at[9] >= '1' && at[9] <= '5' ? 1 : 0;
    }
    return answers;
}

static void still_alive(void)
{
    char answer[256];

    ck_assert_int_eq(service_operator(service, "/readyz", answer, sizeof(answer)), 200);
}

START_TEST(gate__refuses_each_raw_request_and_ends_the_connection)
{
    const struct raw *r = &rows[_i];
    struct client *c = stranger();
    char expected[32];
    char answer[8192];

    ck_assert(client_send(c, r->text, strlen(r->text)));
    ck_assert_msg(read_to_end(c, answer, sizeof(answer)) == 1, "%s: %s", r->name, answer);
    snprintf(expected, sizeof(expected), "HTTP/1.1 %d ", r->status);
    ck_assert_msg(strncmp(answer, expected, strlen(expected)) == 0, "%s: %s", r->name, answer);
    ck_assert_msg(strstr(answer, r->code) != NULL, "%s: %s", r->name, answer);
    ck_assert_msg(strstr(answer, "Connection: close") != NULL, "%s: %s", r->name, answer);
    client_free(c);
    still_alive();
}
END_TEST

START_TEST(gate__refuses_a_header_over_the_limit)
{
    struct client *c = stranger();
    char *text = malloc(16384);
    char answer[4096];
    size_t len;

    NEED(text != NULL);
    len = (size_t)snprintf(text, 16384, "GET /labels/v1/x HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + len, 'a', 16384 - len);
    ck_assert(client_send(c, text, 16384));
    ck_assert_uint_eq(read_to_end(c, answer, sizeof(answer)), 1);
    ck_assert(strncmp(answer, "HTTP/1.1 400 ", 13) == 0);
    free(text);
    client_free(c);
    still_alive();
}
END_TEST

START_TEST(gate__ends_a_request_that_comes_byte_by_byte)
{
    static const char text[] = BEGIN "Content-Length: 3\r\n\r\n";
    struct client *c = stranger();
    struct timespec pause = {.tv_nsec = 100 * 1000000L};
    int64_t start = now_ms();
    char answer[4096];
    size_t i = 0;

    while (i < sizeof(text) - 1 && now_ms() - start < 4 * DEADLINE_MS &&
           client_send(c, text + i, 1)) {
        nanosleep(&pause, NULL);
        i++;
    }
    ck_assert_int_lt(now_ms() - start, 3 * DEADLINE_MS);
    ck_assert_int_ge(now_ms() - start, DEADLINE_MS / 2);
    if (client_receive(c, answer, sizeof(answer)) > 0) {
        ck_assert(strncmp(answer, "HTTP/1.1 408 ", 13) == 0);
    }
    client_free(c);
    still_alive();
}
END_TEST

START_TEST(gate__ends_a_request_that_stays_silent)
{
    static const char line[] = "GET /labels/v1/x HTTP/1.1\r\n";
    struct client *c = stranger();
    int64_t start = now_ms();
    char answer[4096];

    ck_assert(client_send(c, line, sizeof(line) - 1));
    ck_assert_uint_eq(read_to_end(c, answer, sizeof(answer)), 1);
    ck_assert(strncmp(answer, "HTTP/1.1 408 ", 13) == 0);
    ck_assert(strstr(answer, "E_HTTP_DEADLINE") != NULL);
    ck_assert_int_lt(now_ms() - start, 3 * DEADLINE_MS);
    client_free(c);
    still_alive();
}
END_TEST

START_TEST(gate__keeps_the_connection_for_the_next_request)
{
    struct client *c = stranger();
    struct client_answer a = {0};
    int fd = client_fd(c);

    for (int i = 0; i < 3; i++) {
        ck_assert(client_request(c, &a, "GET", "/nothing/here", NULL, att_slice_of(NULL, 0)));
        ck_assert_int_eq(a.status, 404);
        ck_assert_str_eq(a.code, "E_HTTP_ROUTE");
        ck_assert(!a.closes);
    }
    ck_assert(client_request(c, &a, "DELETE", "/enrol/v1/begin", NULL, att_slice_of(NULL, 0)));
    ck_assert_int_eq(a.status, 405);
    ck_assert_str_eq(a.code, "E_HTTP_METHOD");
    ck_assert(client_request(c, &a, "POST", "/enrol/v1/begin", "text/plain", att_slice_str("x")));
    ck_assert_int_eq(a.status, 415);
    ck_assert_str_eq(a.code, "E_HTTP_TYPE");
    ck_assert_int_eq(client_fd(c), fd);
    client_answer_clear(&a);
    client_free(c);
}
END_TEST

/* Bodies that were announced count before they come: together they stay under a limit. */
START_TEST(gate__bounds_all_bodies_together)
{
    static const char head[] = BEGIN "Content-Length: 131072\r\n\r\n";
    struct client *c[9];
    char answer[4096];

    for (size_t i = 0; i < ATT_COUNT(c); i++) {
        c[i] = stranger();
        ck_assert(client_send(c[i], head, sizeof(head) - 1));
        if (i == 7) {
            nanosleep(&(struct timespec){.tv_nsec = 50 * 1000000L}, NULL);
        }
    }
    ck_assert_uint_eq(read_to_end(c[8], answer, sizeof(answer)), 1);
    ck_assert(strncmp(answer, "HTTP/1.1 503 ", 13) == 0);
    ck_assert(strstr(answer, "E_BUSY") != NULL);
    for (size_t i = 0; i < ATT_COUNT(c); i++) {
        client_free(c[i]);
    }
    nanosleep(&(struct timespec){.tv_nsec = 50 * 1000000L}, NULL);
    c[0] = stranger();
    ck_assert(client_send(c[0], head, sizeof(head) - 1));
    ck_assert_uint_eq(read_to_end(c[0], answer, sizeof(answer)), 1);
    ck_assert(strncmp(answer, "HTTP/1.1 408 ", 13) == 0); /* room again; nothing came */
    client_free(c[0]);
}
END_TEST

/* Two requests in one write are answered in order, and each is judged. */
START_TEST(gate__judges_each_pipelined_request)
{
    static const char text[] = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
                               "GET /two HTTP/1.1\r\nHost: a\r\n\r\n"
                               "GET /three%00 HTTP/1.1\r\nHost: a\r\n\r\n" NEXT;
    struct client *c = stranger();
    char answer[8192];

    ck_assert(client_send(c, text, sizeof(text) - 1));
    ck_assert_uint_eq(read_to_end(c, answer, sizeof(answer)), 3);
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 404 "));
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 400 "));
    ck_assert(strstr(answer, "HTTP/1.1 400 ") > strstr(answer, "HTTP/1.1 404 "));
    client_free(c);
    still_alive();
}
END_TEST

START_TEST(gate__answers_in_the_form_that_was_asked_for)
{
    static const char text[] = "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct client *c = stranger();
    struct client_answer a = {0};
    char answer[4096];

    ck_assert(client_request(c, &a, "GET", "/none", NULL, att_slice_of(NULL, 0)));
    ck_assert_str_eq(a.type, "application/concise-problem-details+cbor");
    ck_assert(client_send(c, text, sizeof(text) - 1));
    ck_assert_uint_eq(read_to_end(c, answer, sizeof(answer)), 1);
    ck_assert_ptr_nonnull(strstr(answer, "Content-Type: application/problem+json"));
    ck_assert_ptr_nonnull(strstr(answer, "\"code\":\"E_HTTP_ROUTE\""));
    ck_assert_ptr_nonnull(strstr(answer, "\"fix\":"));
    client_answer_clear(&a);
    client_free(c);
}
END_TEST

/* The operator's address and the administrator's socket have their own routes, and the same gate. */
START_TEST(gate__keeps_the_addresses_apart)
{
    char answer[4096];
    struct client *c = stranger();
    struct client_answer a = {0};

    ck_assert_int_eq(service_operator(service, "/healthz", answer, sizeof(answer)), 200);
    ck_assert_int_eq(service_operator(service, "/metrics", answer, sizeof(answer)), 200);
    ck_assert_ptr_nonnull(strstr(answer, "attestd_front_requests_total "));
    ck_assert_int_eq(service_operator(service, "/admin/v1/devices", answer, sizeof(answer)), 404);
    ck_assert_int_eq(service_operator(service, "/metrics%00", answer, sizeof(answer)), 400);
    ck_assert_int_eq(service_admin(service, "GET", "/devices", "", answer, sizeof(answer)), 200);
    ck_assert(client_request(c, &a, "GET", "/metrics", NULL, att_slice_of(NULL, 0)));
    ck_assert_int_eq(a.status, 404);
    ck_assert(client_request(c, &a, "GET", "/admin/v1/devices", NULL, att_slice_of(NULL, 0)));
    ck_assert_int_eq(a.status, 404);
    client_answer_clear(&a);
    client_free(c);
}
END_TEST

START_TEST(gate__asks_each_protected_route_for_a_certificate)
{
    struct client *c = stranger();
    struct client_answer a = {0};
    size_t count = 0;
    size_t asked = 0;
    const struct route *t = route_table(&count);

    for (size_t i = 0; i < count; i++) {
        static const char *const name[] = {"OTHER", "GET", "POST", "DELETE"};
        char path[256];
        const char *hole = strstr(t[i].pattern, "{}");

        if (t[i].access != ACCESS_DEVICE && t[i].access != ACCESS_LABEL) {
            continue;
        }
        snprintf(path, sizeof(path), "%.*s%s%s",
                 hole == NULL ? (int)strlen(t[i].pattern) : (int)(hole - t[i].pattern),
                 t[i].pattern, hole == NULL ? "" : "00112233445566778899aabbccddeeff",
                 hole == NULL ? "" : hole + 2);
        ck_assert(client_request(c, &a, name[t[i].method], path, t[i].type, att_slice_of(NULL, 0)));
        ck_assert_msg(a.status == 401, "%s: %d", path, a.status);
        ck_assert_str_eq(a.code, "E_ID_CLIENT");
        asked++;
    }
    /* Before anything is said about the path. */
    ck_assert(client_request(c, &a, "GET", "/challenge-response/v1/session/x", NULL,
                             att_slice_of(NULL, 0)));
    ck_assert_int_eq(a.status, 401);
    ck_assert_uint_ge(asked, 6);
    client_answer_clear(&a);
    client_free(c);
}
END_TEST

int main(void)
{
    const struct service_options options = {
        .limits = "{request_deadline: 800ms, idle: 3s, enrol_body: 131072, inflight: 1048576}"};
    Suite *suite = suite_create("gate");
    TCase *tc = tcase_create("gate");
    SRunner *runner = NULL;
    int failed = 0;

    service = service_new(&options);
    service_start(service);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, gate__refuses_each_raw_request_and_ends_the_connection, 0,
                        (int)ATT_COUNT(rows));
    tcase_add_test(tc, gate__refuses_a_header_over_the_limit);
    tcase_add_test(tc, gate__ends_a_request_that_comes_byte_by_byte);
    tcase_add_test(tc, gate__ends_a_request_that_stays_silent);
    tcase_add_test(tc, gate__keeps_the_connection_for_the_next_request);
    tcase_add_test(tc, gate__bounds_all_bodies_together);
    tcase_add_test(tc, gate__judges_each_pipelined_request);
    tcase_add_test(tc, gate__answers_in_the_form_that_was_asked_for);
    tcase_add_test(tc, gate__keeps_the_addresses_apart);
    tcase_add_test(tc, gate__asks_each_protected_route_for_a_certificate);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    service_free(service);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
