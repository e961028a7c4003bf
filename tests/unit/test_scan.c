/* The gate in front of the HTTP library: what it lets through has one reading only. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/scan.h"

#define HEAD "POST /a/b HTTP/1.1\r\nHost: h\r\n"
#define GET  "GET /x HTTP/1.1\r\nHost: h\r\n"

/* Feed in runs of step bytes; the event that ended it. *used is how many bytes were consumed. */
static enum scan_event feed(struct scan *s, const char *text, size_t len, size_t step, size_t *used)
{
    enum scan_event event = SCAN_MORE;

    *used = 0;
    for (size_t at = 0; at <= len && event != SCAN_BAD && event != SCAN_DONE;) {
        size_t n = len - at < step ? len - at : step;
        size_t took = scan_feed(s, att_slice_of((const uint8_t *)text + at, n), &event);

        ck_assert_uint_le(took, n);
        at += took;
        *used = at;
        if (took == 0 && event == SCAN_MORE) {
            break;
        }
    }
    return event;
}

struct refusal {
    const char *name; /* of the guard or rule */
    const char *text;
    size_t len;
    int status;
    enum att_reason reason;
};
#define BAD(name_, text_, status_, reason_)                                                        \
    {                                                                                              \
        .name = (name_), .text = (text_), .len = sizeof(text_) - 1, .status = (status_),           \
        .reason = ATT_R_##reason_                                                                  \
    }

static const struct refusal refusals[] = {
    BAD("transfer", HEAD "Transfer-Encoding: chunked\r\n\r\n", 400, FMT_HTTP),
    BAD("transfer and length", HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
        FMT_HTTP),
    BAD("transfer in a list", HEAD "transfer-encoding: gzip, chunked\r\n\r\n", 400, FMT_HTTP),
    BAD("length twice", HEAD "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400, FMT_HTTP),
    BAD("length twice alike", HEAD "Content-Length: 3\r\ncontent-length: 3\r\n\r\n", 400, FMT_HTTP),
    BAD("length negative", HEAD "Content-Length: -1\r\n\r\n", 400, FMT_HTTP),
    BAD("length signed", HEAD "Content-Length: +3\r\n\r\n", 400, FMT_HTTP),
    BAD("length hex", HEAD "Content-Length: 0x3\r\n\r\n", 400, FMT_HTTP),
    BAD("length list", HEAD "Content-Length: 3, 3\r\n\r\n", 400, FMT_HTTP),
    BAD("length empty", HEAD "Content-Length:\r\n\r\n", 400, FMT_HTTP),
    BAD("length huge", HEAD "Content-Length: 18446744073709551619\r\n\r\n", 413, LIM_SIZE),
    BAD("length missing", HEAD "\r\n", 400, FMT_HTTP),
    BAD("body of a GET", GET "Content-Length: 3\r\n\r\n", 400, FMT_HTTP),
    BAD("coding", HEAD "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n", 415, HTTP_ENCODING),
    BAD("expect", HEAD "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", 417, FMT_HTTP),
    BAD("space before the colon", GET "X : a\r\n\r\n", 400, FMT_HTTP),
    BAD("tab before the colon", GET "X\t: a\r\n\r\n", 400, FMT_HTTP),
    BAD("no colon", GET "X\r\n\r\n", 400, FMT_HTTP),
    BAD("no name", GET ": a\r\n\r\n", 400, FMT_HTTP),
    BAD("folded line", GET "X: a\r\n b\r\n\r\n", 400, FMT_HTTP),
    BAD("folded line with a colon", GET "X: a\r\n b: c\r\n\r\n", 400, FMT_HTTP),
    BAD("folded with a tab", GET "X: a\r\n\tb\r\n\r\n", 400, FMT_HTTP),
    BAD("bare line feed", GET "X: a\nY: b\r\n\r\n", 400, FMT_HTTP),
    BAD("bare return", GET "X: a\rb\r\n\r\n", 400, FMT_HTTP),
    BAD("zero in a value", GET "X: a\0b\r\n\r\n", 400, FMT_HTTP),
    BAD("escape in a value", GET "X: \033[2J\r\n\r\n", 400, FMT_HTTP),
    BAD("high byte in a value", GET "X: \xc3\xa9\r\n\r\n", 400, FMT_HTTP),
    BAD("line feeds alone", "GET /x HTTP/1.1\nHost: h\n\n", 400, FMT_HTTP),
    BAD("no host", "GET /x HTTP/1.1\r\n\r\n", 400, FMT_HTTP),
    BAD("two hosts", GET "Host: g\r\n\r\n", 400, FMT_HTTP),
    BAD("empty host", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", 400, FMT_HTTP),
    BAD("encoded zero", "GET /x%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("zero in the path", "GET /x\0 HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("query", "GET /x?y=z HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("fragment", "GET /x#y HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("backslash", "GET /x\\y HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("absolute form", "GET http://g/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("asterisk form", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("two spaces", "GET  /x HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("space behind the version", "GET /x HTTP/1.1 \r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("no version", "GET /x\r\n\r\n", 400, FMT_HTTP),
    BAD("HTTP/2", "GET /x HTTP/2.0\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("HTTP/0.9", "GET /x HTTP/0.9\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("empty line first", "\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n", 400, FMT_HTTP),
    BAD("other method", "PATCH /x HTTP/1.1\r\nHost: h\r\n\r\n", 501, HTTP_METHOD),
    BAD("method in small letters", "get /x HTTP/1.1\r\nHost: h\r\n\r\n", 501, HTTP_METHOD),
    BAD("TLS hello", "\x16\x03\x01\x02", 400, FMT_HTTP),
};

START_TEST(scan_feed__refuses_what_has_two_readings)
{
    const struct refusal *r = &refusals[_i];
    size_t steps[] = {1, 2, 7, 4096};

    for (size_t i = 0; i < ATT_COUNT(steps); i++) {
        struct scan s;
        size_t used = 0;

        scan_init(&s, false);
        ck_assert_msg(feed(&s, r->text, r->len, steps[i], &used) == SCAN_BAD, "%s", r->name);
        ck_assert_msg(s.status == r->status, "%s: status %d", r->name, s.status);
        ck_assert_msg(s.why.reason == r->reason, "%s: %s", r->name, att_reason_code(s.why.reason));
    }
}
END_TEST

START_TEST(scan_feed__gives_what_the_request_says)
{
    static const char text[] = "POST /enrol/v1/begin HTTP/1.1\r\n"
                               "host: h:1\r\n"
                               "Content-TYPE: Application/CBOR ; x=y\r\n"
                               "ACCEPT:application/cbor, */*  \r\n"
                               "Content-Length:   5\r\n"
                               "X-Empty:\r\n"
                               "\r\n"
                               "helloGET";
    size_t steps[] = {1, 3, 1000};

    for (size_t i = 0; i < ATT_COUNT(steps); i++) {
        struct scan s;
        size_t used = 0;

        scan_init(&s, false);
        ck_assert(scan_idle(&s));
        ck_assert_int_eq(feed(&s, text, sizeof(text) - 1, steps[i], &used), SCAN_DONE);
        ck_assert(!scan_idle(&s));
        ck_assert_uint_eq(used, sizeof(text) - 1 - 3);
        ck_assert_int_eq(s.req.method, SCAN_POST);
        ck_assert_str_eq(s.req.path, "/enrol/v1/begin");
        ck_assert_str_eq(s.req.type, "application/cbor");
        ck_assert_str_eq(s.req.accept, "application/cbor, */*");
        ck_assert_uint_eq(s.req.length, 5);
        scan_next(&s);
        ck_assert(scan_idle(&s));
        ck_assert_str_eq(s.req.path, "");
    }
}
END_TEST

START_TEST(scan_feed__says_when_the_head_is_there)
{
    static const char text[] = HEAD "Content-Length: 2\r\n\r\nab";
    enum scan_event event = SCAN_MORE;
    struct scan s;
    size_t used = 0;

    scan_init(&s, false);
    used = scan_feed(&s, att_slice_str(text), &event);
    ck_assert_int_eq(event, SCAN_HEAD);
    ck_assert_uint_eq(used, sizeof(text) - 3);
    used = scan_feed(&s, att_slice_str("abc"), &event);
    ck_assert_int_eq(event, SCAN_DONE);
    ck_assert_uint_eq(used, 2);
}
END_TEST

START_TEST(scan_feed__bounds_head_lines_and_names)
{
    static char text[SCAN_HEAD_MAX + 64];
    struct scan s;
    size_t used = 0;
    size_t len = (size_t)sprintf(text, GET "X: ");

    memset(text + len, 'a', SCAN_HEAD_MAX - len - 4);
    memcpy(text + SCAN_HEAD_MAX - 4, "\r\n\r\n", 4);
    scan_init(&s, false);
    ck_assert_int_eq(feed(&s, text, SCAN_HEAD_MAX, 512, &used), SCAN_DONE);

    memcpy(text + SCAN_HEAD_MAX - 4, "a\r\n\r\n", 5);
    scan_init(&s, false);
    ck_assert_int_eq(feed(&s, text, SCAN_HEAD_MAX + 1, 512, &used), SCAN_BAD);
    ck_assert_uint_le(used, SCAN_HEAD_MAX);

    len = (size_t)sprintf(text, "GET /x HTTP/1.1\r\nHost: h\r\n");
    for (size_t i = 1; i < SCAN_LINES_MAX; i++) {
        len += (size_t)sprintf(text + len, "X: a\r\n");
    }
    memcpy(text + len, "\r\n", 2);
    scan_init(&s, false);
    ck_assert_int_eq(feed(&s, text, len + 2, 512, &used), SCAN_DONE);
    memcpy(text + len, "X: a\r\n\r\n", 8);
    scan_init(&s, false);
    ck_assert_int_eq(feed(&s, text, len + 8, 512, &used), SCAN_BAD);
}
END_TEST

START_TEST(scan_feed__bounds_the_path)
{
    char text[SCAN_PATH_MAX + 64];
    struct scan s;
    size_t used = 0;

    for (size_t over = 0; over < 2; over++) {
        size_t len = (size_t)sprintf(text, "GET /");

        memset(text + len, 'a', SCAN_PATH_MAX - 1 + over);
        len += SCAN_PATH_MAX - 1 + over;
        len += (size_t)sprintf(text + len, " HTTP/1.1\r\nHost: h\r\n\r\n");
        scan_init(&s, false);
        ck_assert_int_eq(feed(&s, text, len, 64, &used), over == 0 ? SCAN_DONE : SCAN_BAD);
    }
}
END_TEST

START_TEST(scan_feed__stays_refused)
{
    enum scan_event event = SCAN_MORE;
    struct scan s;
    size_t used = 0;

    scan_init(&s, false);
    ck_assert_int_eq(feed(&s, "GET /%", 6, 6, &used), SCAN_BAD);
    ck_assert_uint_eq(scan_feed(&s, att_slice_str(GET "\r\n"), &event), 0);
    ck_assert_int_eq(event, SCAN_BAD);
}
END_TEST

START_TEST(scan_feed__takes_a_query_where_it_is_allowed)
{
    static const char text[] = "GET /devices?after=a&limit=2 HTTP/1.1\r\nHost: h\r\n\r\n";
    struct scan s;
    size_t used = 0;

    scan_init(&s, true);
    ck_assert_int_eq(feed(&s, text, sizeof(text) - 1, 5, &used), SCAN_DONE);
    ck_assert_str_eq(s.req.path, "/devices?after=a&limit=2");
    scan_next(&s);
    ck_assert(s.query_allowed);
}
END_TEST

START_TEST(scan_feed__does_not_take_a_cut_type_for_the_whole)
{
    char text[512];
    struct scan s;
    size_t used = 0;
    int len = snprintf(text, sizeof(text),
                       HEAD "Content-Type: application/cbor%*s;x\r\n"
                            "Content-Length: 0\r\n\r\n",
                       200, "");

    scan_init(&s, false);
    ck_assert_int_eq(feed(&s, text, (size_t)len, 64, &used), SCAN_DONE);
    ck_assert_str_ne(s.req.type, "application/cbor");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scan");
    TCase *tc = tcase_create("scan");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_loop_test(tc, scan_feed__refuses_what_has_two_readings, 0, (int)ATT_COUNT(refusals));
    tcase_add_test(tc, scan_feed__gives_what_the_request_says);
    tcase_add_test(tc, scan_feed__says_when_the_head_is_there);
    tcase_add_test(tc, scan_feed__bounds_head_lines_and_names);
    tcase_add_test(tc, scan_feed__bounds_the_path);
    tcase_add_test(tc, scan_feed__stays_refused);
    tcase_add_test(tc, scan_feed__takes_a_query_where_it_is_allowed);
    tcase_add_test(tc, scan_feed__does_not_take_a_cut_type_for_the_whole);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
