/* Attack matrix 4.4, rows about HTTP: one request that is wrong in one way, byte for byte. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "evidence/profile.h"
#include "need.h"
#include "verifier/front/route.h"

#define BODY_MAX  65536 /* of this suite's service */
#define ENROL_MAX 16384

static const char *method_of(const struct route *r)
{
    return r->method == SCAN_POST ? "POST" : r->method == SCAN_DELETE ? "DELETE" : "GET";
}

/* A path that the pattern takes: 32 hexadecimal digits for a part. */
static void path_of(char out[256], const struct route *r)
{
    size_t len = 0;
    const char *p;

    for (p = r->pattern; *p != '\0'; p++) {
        if (*p == '{' || *p == '*') {
            len += (size_t)snprintf(out + len, 256 - len, "00112233445566778899aabbccddeeff");
            p += *p == '{' ? 1 : 0;
            continue;
        }
        out[len++] = *p;
    }
    out[len] = '\0';
}

/* Every row of the route table, so a new one is tested by being there. */
START_TEST(T_01__no_protected_route_without_a_certificate)
{
    struct client *c = client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);
    size_t count = 0;
    const struct route *table = route_table(&count);
    char *before = attack_records();
    size_t protected_routes = 0;
    size_t i;

    ck_assert_uint_gt(count, 0);
    for (i = 0; i < count; i++) {
        struct client_answer a = {0};
        char path[256];

        path_of(path, &table[i]);
        client_request(c, &a, method_of(&table[i]), path, table[i].type,
                       att_slice_str(table[i].type != NULL ? "x" : ""));
        if (table[i].access == ACCESS_DEVICE || table[i].access == ACCESS_LABEL) {
            attack_refused(&a, 401, "E_ID_CLIENT");
            protected_routes++;
        } else if (table[i].access != ACCESS_ENROL && table[i].access != ACCESS_PUBLIC) {
            attack_refused(&a, 404, "E_HTTP_ROUTE"); /* of another listener: not there at all */
        } else {
            ck_assert_int_ge(a.status, 400);
            ck_assert_int_lt(a.status, 500);
        }
        client_answer_clear(&a);
    }
    ck_assert_uint_ge(protected_routes, 6);
    attack_same_records(before);
    client_free(c);
}
END_TEST

/* Who is nobody hears nothing else of a protected route, not even which content it takes. */
START_TEST(T_01__stranger_is_refused_before_anything_else)
{
    struct client *c = client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);
    struct client_answer a = {0};

    client_request(c, &a, "POST", "/challenge-response/v1/newSession", "text/plain",
                   att_slice_str("x"));
    attack_refused(&a, 401, "E_ID_CLIENT");
    client_answer_clear(&a);
    client_free(c);
}
END_TEST

/* A client with the identity of a gateway with an affirming label. */
struct insider {
    struct gateway *g;
    struct client_answer a;
};

static void open_insider(struct insider *in, const char *row, int i)
{
    char id[ATT_DEVICE_ID_MAX + 1];

    snprintf(id, sizeof(id), "%s-%d", row, i);
    memset(in, 0, sizeof(*in));
    in->g = attack_gateway(id);
}

static void close_insider(struct insider *in)
{
    client_answer_clear(&in->a);
    gateway_free(in->g);
}

/* Send bytes, read until the peer closes or is silent; how many answers came. The text is kept. */
static int exchange_all(struct client *c, char *text, size_t cap, const void *p, size_t len)
{
    size_t used = 0;
    int answers = 0;
    const char *at;

    client_set_timeout(c, 2000);
    ck_assert(client_connect(c));
    (void)client_send(c, p, len);
    while (used + 1 < cap) {
        int n = client_receive(c, text + used, cap - 1 - used);

        if (n <= 0) {
            ck_assert_msg(n == 0, "the connection stays open");
            break;
        }
        used += (size_t)n;
    }
    text[used] = '\0';
    for (at = text; (at = strstr(at, "HTTP/1.1 ")) != NULL; at += 9) {
        answers += at[9] >= '1' && at[9] <= '5' ? 1 : 0; /* a status, not a word of a text */
    }
    client_close(c);
    return answers;
}

#define SECOND      "GET /labels/v1/00112233445566778899aabbccddeeff HTTP/1.1\r\nHost: a\r\n\r\n"
#define NEW_SESSION "POST /challenge-response/v1/newSession HTTP/1.1\r\nHost: a\r\n"
#define TYPE        "Content-Type: application/cbor\r\n"

START_TEST(T_08__ambiguous_length_is_refused_and_nothing_behind_it_is_read)
{
    static const char *const text[] = {
        NEW_SESSION TYPE "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SECOND,
        NEW_SESSION TYPE "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Content-Length: 3, 3\r\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "0\r\n\r\n" SECOND,
        NEW_SESSION TYPE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" SECOND,
        NEW_SESSION TYPE "Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n" SECOND,
        NEW_SESSION TYPE "Content-Length: +3\r\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Content-Length: -1\r\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Content-Length: 0x3\r\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Content-Length : 3\r\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Content-Length: 3\n\r\nabc" SECOND,
        NEW_SESSION TYPE "Content-Length: 18446744073709551619\r\n\r\nabc" SECOND,
    };
    struct insider in;
    char *before;
    char answer[8192];

    open_insider(&in, "t-08", _i);
    before = attack_records();
    ck_assert_int_eq(exchange_all(in.g->client, answer, sizeof(answer), text[_i], strlen(text[_i])),
                     1);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 400 ", 13) == 0 ||
                      (_i == 12 && strncmp(answer, "HTTP/1.1 413 ", 13) == 0),
                  "%s", answer);
    attack_same_records(before);
    close_insider(&in);
}
END_TEST

START_TEST(T_09__request_with_two_readings_is_refused)
{
    static const struct {
        const char *text;
        size_t len;
    } bad[] = {
#define ONE(s) {s, sizeof(s) - 1}
        ONE("GET /labels/v1/0011%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ONE("GET /labels/v1/device/a%2f..%2fb/current HTTP/1.1\r\nHost: a\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/1.1\nHost: a\n\n"),
        ONE("GET /labels/v1/x\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/1.1\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        ONE("GET http://elsewhere/labels/v1/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ONE("GET  /labels/v1/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ONE("GET /labels/v1/x HTTP/2.0\r\nHost: a\r\n\r\n"),
#undef ONE
    };
    struct insider in;
    char answer[8192];

    open_insider(&in, "t-09", _i);
    ck_assert_int_eq(exchange_all(in.g->client, answer, sizeof(answer), bad[_i].text, bad[_i].len),
                     1);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 400 ", 13) == 0, "%s", answer);
    ck_assert_msg(strstr(answer, "E_FMT_HTTP") != NULL, "%s", answer);
    close_insider(&in);
}
END_TEST

/* A body that is too large is refused by its head: the service does not take it in. */
static void too_large(struct client *c, const char *path, const char *type, size_t said)
{
    struct client_answer a = {0};
    size_t memory;
    char head[512];

    snprintf(head, sizeof(head),
             "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
             "Accept: application/concise-problem-details+cbor\r\n\r\n",
             path, type, said);
    client_request_raw(c, &a, head, att_slice_of(NULL, 0)); /* what a first time costs */
    memory = service_memory(attack_service);
    client_request_raw(c, &a, head, att_slice_of(NULL, 0));
    attack_refused(&a, 413, "E_LIM_SIZE");
    ck_assert(a.closes);
    attack_memory_at_most(attack_service, memory + BODY_MAX + 65536);
    client_answer_clear(&a);
}

START_TEST(T_10__body_over_the_limit_is_refused)
{
    static const uint8_t body[ENROL_MAX + 1];
    struct insider in;
    struct client *stranger =
        client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);

    open_insider(&in, "t-10", _i);
    too_large(in.g->client, "/challenge-response/v1/session/00112233445566778899aabbccddeeff",
              ATT_TYPE_EVIDENCE, BODY_MAX + 1);
    too_large(in.g->client, "/challenge-response/v1/session/00112233445566778899aabbccddeeff",
              ATT_TYPE_EVIDENCE, (size_t)1 << 40);
    too_large(stranger, "/enrol/v1/begin", ATT_TYPE_CBOR, (size_t)1 << 40);
    client_request(stranger, &in.a, "POST", "/enrol/v1/begin", ATT_TYPE_CBOR,
                   att_slice_of(body, sizeof(body)));
    attack_refused(&in.a, 413, "E_LIM_SIZE");
    client_free(stranger);
    close_insider(&in);
}
END_TEST

/* One byte inside the limit is judged, so the limit is where it is said to be. */
START_TEST(T_10__body_at_the_limit_is_read)
{
    struct client *stranger =
        client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);
    struct client_answer a = {0};
    uint8_t *body = calloc(1, ENROL_MAX);

    NEED(body != NULL);
    client_request(stranger, &a, "POST", "/enrol/v1/begin", ATT_TYPE_CBOR,
                   att_slice_of(body, ENROL_MAX));
    attack_refused(&a, 400, "E_FMT_CBOR");
    client_answer_clear(&a);
    client_free(stranger);
    free(body);
}
END_TEST

static void send_chunks(struct client *c)
{
    static const char head[] = NEW_SESSION TYPE "Transfer-Encoding: chunked\r\n\r\n";
    static const char chunk[] = "10\r\n0123456789abcdef\r\n";
    size_t sent = 0;

    client_close(c);
    ck_assert(client_connect(c));
    ck_assert(client_send(c, head, sizeof(head) - 1));
    while (sent < (64U << 20) && client_send(c, chunk, sizeof(chunk) - 1)) {
        sent += sizeof(chunk) - 1;
    }
    ck_assert_msg(sent < (64U << 20), "the service reads on");
}

/* What a first connection of its kind makes the service keep for good is not what chunks cost. */
START_TEST(T_10__endless_chunks_are_not_read)
{
    struct insider in;
    size_t memory;

    open_insider(&in, "t-10-chunks", _i);
    client_set_timeout(in.g->client, 2000);
    send_chunks(in.g->client);
    memory = service_memory(attack_service);
    send_chunks(in.g->client);
    attack_memory_at_most(attack_service, memory + BODY_MAX + (64U << 10));
    close_insider(&in);
}
END_TEST

START_TEST(T_11__compressed_body_is_refused)
{
    static const char *const coding[] = {"gzip", "deflate", "br", "identity, gzip", "zstd"};
    struct insider in;
    char head[512];

    open_insider(&in, "t-11", _i);
    snprintf(head, sizeof(head),
             NEW_SESSION TYPE "Content-Encoding: %s\r\nContent-Length: 3\r\n"
                              "Accept: application/concise-problem-details+cbor\r\n\r\n",
             coding[_i]);
    client_request_raw(in.g->client, &in.a, head, att_slice_of("\x1f\x8b\x08", 3));
    attack_refused(&in.a, 415, "E_HTTP_ENCODING");
    close_insider(&in);
}
END_TEST

/* What A's session was answered with travels in B's connection, and in nobody's. */
START_TEST(T_12__evidence_in_another_channel_is_refused)
{
    struct gateway *a = attack_gateway(_i == 0 ? "t-12-a" : "t-12-c");
    struct gateway *b = attack_gateway(_i == 0 ? "t-12-b" : "t-12-d");
    struct client *nobody =
        client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);
    struct gateway_attempt t = {0};
    struct client_answer answer = {0};
    char *before;

    ck_assert_int_eq(gateway_prepare(a, &t), 201);
    before = attack_records();
    client_request(_i == 0 ? b->client : nobody, &answer, "POST", t.path, ATT_TYPE_EVIDENCE,
                   att_buf_slice(t.evidence));
    if (_i == 0) {
        attack_refused(&answer, 403, "E_ID_CHANNEL");
    } else {
        attack_refused(&answer, 401, "E_ID_CLIENT");
    }
    attack_same_records(before);
    ck_assert_int_eq(gateway_send(a, &t), 200); /* and A is none the worse */
    client_answer_clear(&answer);
    gateway_attempt_clear(&t);
    client_free(nobody);
    gateway_free(a);
    gateway_free(b);
}
END_TEST

/* Headers by which proxies speak of identities, and a second request behind the first. */
START_TEST(T_17__identity_is_that_of_the_connection)
{
    static const char *const claims[] = {
        "X-Forwarded-Client-Cert: Subject=\"x\";URI=urn:attestd:device:%s",
        "X-SSL-Client-Cert: urn:attestd:device:%s",
        "X-Client-DN: CN=%s",
        "X-Device-Id: %s",
        "Forwarded: for=192.0.2.1;by=%s",
        "Authorization: Bearer %s",
    };
    char id_a[32];
    char id_b[32];
    struct gateway *a;
    struct gateway *b;
    struct client *nobody =
        client_new(attack_service->tls, "127.0.0.1", attack_service->port, NULL);
    struct gateway_attempt t = {0};
    struct client_answer answer = {0};
    char head[1024];
    char claim[128];
    char *before;

    snprintf(id_a, sizeof(id_a), "t-17-a-%d", _i);
    snprintf(id_b, sizeof(id_b), "t-17-b-%d", _i);
    a = attack_gateway(id_a);
    b = attack_gateway(id_b);
    ck_assert_int_eq(gateway_prepare(a, &t), 201);
    before = attack_records();
    snprintf(claim, sizeof(claim), "%.*s%s", (int)(strstr(claims[_i], "%s") - claims[_i]),
             claims[_i], id_a);
    snprintf(head, sizeof(head),
             "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: " ATT_TYPE_EVIDENCE
             "\r\nContent-Length: %zu\r\n%s\r\n"
             "Accept: application/concise-problem-details+cbor\r\n\r\n",
             t.path, att_buf_len(t.evidence), claim);
    client_request_raw(b->client, &answer, head, att_buf_slice(t.evidence));
    attack_refused(&answer, 403, "E_ID_CHANNEL");
    client_request_raw(nobody, &answer, head, att_buf_slice(t.evidence));
    attack_refused(&answer, 401, "E_ID_CLIENT");
    attack_same_records(before);
    client_answer_clear(&answer);
    gateway_attempt_clear(&t);
    client_free(nobody);
    gateway_free(a);
    gateway_free(b);
}
END_TEST

START_TEST(T_17__pipelined_requests_share_the_connections_identity)
{
    struct gateway *a = attack_gateway("t-17-pipe-a");
    struct gateway *b = attack_gateway("t-17-pipe-b");
    struct gateway_attempt t = {0};
    struct client_answer answer = {0};
    char both[1024];

    ck_assert_int_eq(gateway_session(a, &t), 201);
    snprintf(both, sizeof(both),
             "GET /labels/v1/device/t-17-pipe-b/current HTTP/1.1\r\nHost: a\r\n\r\n"
             "GET %s HTTP/1.1\r\nHost: a\r\nX-Device-Id: t-17-pipe-a\r\n"
             "Accept: application/concise-problem-details+cbor\r\n\r\n",
             t.path);
    client_request_raw(b->client, &answer, both, att_slice_of(NULL, 0));
    ck_assert_int_eq(answer.status, 200);
    ck_assert(client_answer(b->client, &answer));
    attack_refused(&answer, 403, "E_ID_CHANNEL");
    client_answer_clear(&answer);
    gateway_attempt_clear(&t);
    gateway_free(a);
    gateway_free(b);
}
END_TEST

int main(void)
{
    const struct service_options options = {.limits = "{body: 65536, enrol_body: 16384}"};
    const struct attack_row rows[] = {
        {"T-01", T_01__no_protected_route_without_a_certificate, 0, 0},
        {"T-01-first", T_01__stranger_is_refused_before_anything_else, 0, 0},
        {"T-08", T_08__ambiguous_length_is_refused_and_nothing_behind_it_is_read, 13, 0},
        {"T-09", T_09__request_with_two_readings_is_refused, 13, 0},
        {"T-10", T_10__body_over_the_limit_is_refused, 0, 0},
        {"T-10-at", T_10__body_at_the_limit_is_read, 0, 0},
        {"T-10-chunks", T_10__endless_chunks_are_not_read, 0, 30},
        {"T-11", T_11__compressed_body_is_refused, 5, 0},
        {"T-12", T_12__evidence_in_another_channel_is_refused, 2, 0},
        {"T-17", T_17__identity_is_that_of_the_connection, 6, 0},
        {"T-17-pipe", T_17__pipelined_requests_share_the_connections_identity, 0, 0},
    };

    return attack_main("attacks: HTTP", rows, ATT_COUNT(rows), &options);
}
