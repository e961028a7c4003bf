/* One byte after the other through the grammar of RFC 9112, less everything with two readings. */
#include "common/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/guard.h"

#define LENGTH_DIGITS_MAX 10

enum { STATUS_BAD = 400, STATUS_TYPE = 415, STATUS_EXPECT = 417, STATUS_METHOD = 501 };

void scan_next(struct scan *s)
{
    bool query_allowed = s->query_allowed;

    memset(s, 0, sizeof(*s));
    s->query_allowed = query_allowed;
    s->place = SCAN_AT_START;
}

void scan_init(struct scan *s, bool query_allowed)
{
    memset(s, 0, sizeof(*s));
    s->query_allowed = query_allowed;
}

bool scan_idle(const struct scan *s)
{
    return s->place == SCAN_AT_START && s->head == 0;
}

static void refuse(struct scan *s, int status, enum att_reason reason, const char *field,
                   const char *text)
{
    s->place = SCAN_REFUSED;
    s->status = status;
    (void)att_fail_at(&s->why, ATT_E_FORMAT, reason, field, s->head, "%s", text);
}

static void refuse_http(struct scan *s, const char *field, const char *text)
{
    refuse(s, STATUS_BAD, ATT_R_FMT_HTTP, field, text);
}

static bool is_token(uint8_t b)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    if ((b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z')) {
        return true;
    }
    return b != 0 && strchr(others, b) != NULL;
}

static bool is_path(const struct scan *s, uint8_t b)
{
    if ((b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z')) {
        return true;
    }
    if (s->query_allowed && (b == '?' || b == '&' || b == '=')) {
        return true;
    }
    return b == '/' || b == '.' || b == '_' || b == '-' || b == '~';
}

static uint8_t lower(uint8_t b)
{
    return b >= 'A' && b <= 'Z' ? (uint8_t)(b - 'A' + 'a') : b;
}

static void word_start(struct scan *s)
{
    s->word_len = 0;
    s->word_cut = false;
}

static void word_add(struct scan *s, uint8_t b)
{
    if (s->word_len >= SCAN_VALUE_MAX) {
        s->word_cut = true;
        return;
    }
    s->word[s->word_len++] = (char)b;
}

/* Terminated, without the white space behind it. */
static const char *word_end(struct scan *s)
{
    while (s->word_len > 0 &&
           (s->word[s->word_len - 1] == ' ' || s->word[s->word_len - 1] == '\t')) {
        s->word_len--;
    }
    s->word[s->word_len] = '\0';
    return s->word;
}

static void end_method(struct scan *s)
{
    static const struct {
        const char *name;
        enum scan_method method;
    } methods[] = {{"GET", SCAN_GET}, {"POST", SCAN_POST}, {"DELETE", SCAN_DELETE}};
    const char *name = word_end(s);

    for (size_t i = 0; i < ATT_COUNT(methods); i++) {
        if (!s->word_cut && strcmp(name, methods[i].name) == 0) {
            s->req.method = methods[i].method;
        }
    }
    if (s->req.method == SCAN_OTHER) {
        refuse(s, STATUS_METHOD, ATT_R_HTTP_METHOD, "method", "expected GET, POST or DELETE");
        return;
    }
    s->place = SCAN_IN_PATH;
    s->name_len = 0; /* counts the path */
}

static void in_path(struct scan *s, uint8_t b)
{
    if (b == ' ' && s->name_len > 0) {
        s->req.path[s->name_len] = '\0';
        s->place = SCAN_IN_VERSION;
        word_start(s);
        return;
    }
    if (ATT_GUARD(HTTP_PATH, !is_path(s, b) || (s->name_len == 0 && b != '/'))) {
        refuse_http(s, "path", "expected a path of letters, digits and . _ ~ - / alone");
        return;
    }
    if (s->name_len >= SCAN_PATH_MAX) {
        refuse_http(s, "path", "the path is too long");
        return;
    }
    s->req.path[s->name_len++] = (char)b;
}

static void end_version(struct scan *s)
{
    const char *version = word_end(s);

    s->req.keep_alive_10 = strcmp(version, "HTTP/1.0") == 0;
    if (!s->req.keep_alive_10 && strcmp(version, "HTTP/1.1") != 0) {
        refuse_http(s, "version", "expected HTTP/1.1");
        return;
    }
    s->place = SCAN_AT_LF;
}

static void set_length(struct scan *s, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    uint64_t length = 0;

    if (ATT_GUARD(HTTP_LENGTH_TWICE, s->req.has_length)) {
        refuse_http(s, "Content-Length", "given twice");
        return;
    }
    if (ATT_GUARD(HTTP_LENGTH_DIGITS, digits == 0 || value[digits] != '\0' || s->word_cut)) {
        refuse_http(s, "Content-Length", "expected digits alone");
        return;
    }
    if (digits > LENGTH_DIGITS_MAX) {
        refuse(s, 413, ATT_R_LIM_SIZE, "Content-Length", "larger than any body may be");
        return;
    }
    for (size_t i = 0; i < digits; i++) {
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    s->req.length = length;
    s->req.has_length = true;
}

static void keep_lower(char *out, const char *value, const char *stop)
{
    size_t n = strcspn(value, stop);

    for (size_t i = 0; i < n; i++) {
        out[i] = (char)lower((uint8_t)value[i]);
    }
    while (n > 0 && out[n - 1] == ' ') {
        n--;
    }
    out[n] = '\0';
}

static void end_header(struct scan *s)
{
    const char *value = word_end(s);

    s->place = SCAN_AT_LF;
    if (strcmp(s->name, "content-length") == 0) {
        set_length(s, value);
        return;
    }
    if (ATT_GUARD(HTTP_TRANSFER, strcmp(s->name, "transfer-encoding") == 0)) {
        refuse_http(s, "Transfer-Encoding", "bodies are sent with Content-Length");
        return;
    }
    if (ATT_GUARD(HTTP_CODING, strcmp(s->name, "content-encoding") == 0)) {
        refuse(s, STATUS_TYPE, ATT_R_HTTP_ENCODING, "Content-Encoding", "no coding is accepted");
        return;
    }
    if (strcmp(s->name, "expect") == 0) {
        refuse(s, STATUS_EXPECT, ATT_R_FMT_HTTP, "Expect", "no expectation is met");
        return;
    }
    if (strcmp(s->name, "host") == 0) {
        s->req.hosts += value[0] == '\0' ? 2 : 1; /* an empty one is as good as two */
        return;
    }
    if (strcmp(s->name, "content-type") == 0) {
        keep_lower(s->req.type, s->word_cut || s->req.type[0] != '\0' ? "*" : value, ";");
        return;
    }
    if (strcmp(s->name, "accept") == 0) {
        keep_lower(s->req.accept, value, "");
    }
}

static void end_head(struct scan *s)
{
    if (ATT_GUARD(HTTP_HOST, s->req.hosts != 1)) {
        refuse_http(s, "Host", "expected exactly one");
        return;
    }
    if (s->req.method == SCAN_POST && !s->req.has_length) {
        refuse_http(s, "Content-Length", "a POST needs it");
        return;
    }
    if (s->req.method != SCAN_POST && s->req.length > 0) {
        refuse_http(s, "Content-Length", "only a POST has a body");
        return;
    }
    s->body_left = s->req.length;
    s->place = SCAN_IN_BODY;
}

static void at_line(struct scan *s, uint8_t b)
{
    if (b == '\r') {
        s->place = SCAN_AT_END_LF;
        return;
    }
    if (++s->lines > SCAN_LINES_MAX) {
        refuse_http(s, "header", "too many lines");
        return;
    }
    if (ATT_GUARD(HTTP_NAME, !is_token(b))) {
        refuse_http(s, "header", "expected a header name; lines are not folded");
        return;
    }
    s->name[0] = (char)lower(b);
    s->name_len = 1;
    s->place = SCAN_IN_NAME;
}

static void in_name(struct scan *s, uint8_t b)
{
    if (b == ':') {
        s->name[s->name_len] = '\0';
        s->place = SCAN_BEFORE_VALUE;
        word_start(s);
        return;
    }
    if (ATT_GUARD(HTTP_COLON, !is_token(b))) {
        refuse_http(s, "header", "expected a colon right behind the name");
        return;
    }
    if (s->name_len >= SCAN_NAME_MAX) {
        refuse_http(s, "header", "a header name is too long");
        return;
    }
    s->name[s->name_len++] = (char)lower(b);
}

static void in_value(struct scan *s, uint8_t b)
{
    if (b == '\r') {
        end_header(s);
        return;
    }
    if (s->place == SCAN_BEFORE_VALUE && (b == ' ' || b == '\t')) {
        return;
    }
    if (ATT_GUARD(HTTP_VALUE, (b < 0x20 && b != '\t') || b >= 0x7f)) {
        refuse_http(s, "header", "a value has characters that are not visible ASCII");
        return;
    }
    s->place = SCAN_IN_VALUE;
    word_add(s, b);
}

/* Method and version: words of the request line, each with its own end. */
static void in_word(struct scan *s, uint8_t b, uint8_t end, void (*ended)(struct scan *))
{
    if (b == end) {
        ended(s);
        return;
    }
    if (b <= 0x20 || b >= 0x7f || s->word_cut) {
        refuse_http(s, "request line", "expected METHOD PATH HTTP/1.1 with CRLF");
        return;
    }
    word_add(s, b);
}

static void step(struct scan *s, uint8_t b)
{
    switch (s->place) {
    case SCAN_AT_START:
        word_start(s);
        s->place = SCAN_IN_METHOD;
        in_word(s, b, ' ', end_method);
        return;
    case SCAN_IN_METHOD:
        in_word(s, b, ' ', end_method);
        return;
    case SCAN_IN_PATH:
        in_path(s, b);
        return;
    case SCAN_IN_VERSION:
        in_word(s, b, '\r', end_version);
        return;
    case SCAN_AT_LINE:
        at_line(s, b);
        return;
    case SCAN_IN_NAME:
        in_name(s, b);
        return;
    case SCAN_BEFORE_VALUE:
    case SCAN_IN_VALUE:
        in_value(s, b);
        return;
    case SCAN_AT_LF:
    case SCAN_AT_END_LF:
        if (b != '\n') {
            refuse_http(s, "line", "expected CRLF at the end");
        } else if (s->place == SCAN_AT_LF) {
            s->place = SCAN_AT_LINE;
        } else {
            end_head(s);
        }
        return;
    case SCAN_IN_BODY:
    case SCAN_AT_DONE:
    case SCAN_REFUSED:
        break;
    }
}

static size_t feed_head(struct scan *s, struct att_slice in)
{
    size_t i = 0;

    while (i < in.len && s->place < SCAN_IN_BODY) {
        s->head++;
        if (s->head > SCAN_HEAD_MAX) {
            refuse_http(s, "header", "longer than 8192 bytes");
            return i;
        }
        step(s, in.p[i]);
        i++;
    }
    return i;
}

static size_t feed_body(struct scan *s, struct att_slice in)
{
    size_t n = in.len < s->body_left ? in.len : (size_t)s->body_left;

    s->body_left -= n;
    return n;
}

size_t scan_feed(struct scan *s, struct att_slice in, enum scan_event *event)
{
    size_t used = 0;

    *event = SCAN_MORE;
    if (s->place < SCAN_IN_BODY) {
        used = feed_head(s, in);
        *event = s->place == SCAN_IN_BODY   ? SCAN_HEAD
                 : s->place == SCAN_REFUSED ? SCAN_BAD
                                            : SCAN_MORE;
        return used;
    }
    if (s->place == SCAN_REFUSED) {
        *event = SCAN_BAD;
        return 0;
    }
    used = feed_body(s, in);
    if (s->body_left == 0) {
        s->place = SCAN_AT_DONE;
        *event = SCAN_DONE;
    }
    return used;
}
