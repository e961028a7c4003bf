/*
 * The strict gate: every byte of a request is judged here before the HTTP library sees it.
 *
 * evhttp is kind: two lengths, spaces before a colon, folded lines, bare line feeds, percent-encoded
 * zeros and requests without Host all pass it (RFC 9112 lets a server refuse each). What is scanned here
 * has one reading only: CRLF lines, token names, visible values, one Host, one all-digit
 * Content-Length, no Transfer-Encoding, no coding of the body, no Expect, a path of plain characters. The
 * scanner keeps no copy but the few fields below, stops at the end of each request, and never goes on
 * after a refusal.
 */
#ifndef ATTESTD_COMMON_SCAN_H
#define ATTESTD_COMMON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define SCAN_HEAD_MAX  8192 /* bytes of request line and header */
#define SCAN_LINES_MAX 64   /* header lines */
#define SCAN_PATH_MAX  256
#define SCAN_VALUE_MAX 128 /* of the values that are kept */
#define SCAN_NAME_MAX  64

enum scan_method { SCAN_OTHER, SCAN_GET, SCAN_POST, SCAN_DELETE };

enum scan_event {
    SCAN_MORE, /* everything given was consumed, the request goes on */
    SCAN_HEAD, /* the head is complete: decide whether the body is wanted, then go on */
    SCAN_DONE, /* the request is complete; what follows belongs to the next one */
    SCAN_BAD   /* refused: see status and why; for good */
};

struct scan_request {
    enum scan_method method;
    char path[SCAN_PATH_MAX + 1]; /* query included, where it is allowed */
    bool keep_alive_10;           /* HTTP/1.0 */
    uint64_t length;              /* Content-Length; 0 when absent */
    bool has_length;
    char type[SCAN_VALUE_MAX + 1];   /* Content-Type, lower case, without parameters */
    char accept[SCAN_VALUE_MAX + 1]; /* Accept, lower case, cut when longer */
    size_t hosts;
};

/* Where in the grammar the next byte stands. */
enum scan_place {
    SCAN_AT_START,
    SCAN_IN_METHOD,
    SCAN_IN_PATH,
    SCAN_IN_VERSION,
    SCAN_AT_LINE,
    SCAN_IN_NAME,
    SCAN_BEFORE_VALUE,
    SCAN_IN_VALUE,
    SCAN_AT_LF,     /* the line feed of a line */
    SCAN_AT_END_LF, /* the line feed of the empty line */
    SCAN_IN_BODY,
    SCAN_AT_DONE,
    SCAN_REFUSED
};

struct scan {
    bool query_allowed;
    struct scan_request req;
    int status; /* when refused: HTTP status */
    struct att_diag why;

    enum scan_place place;
    size_t head; /* bytes of the head so far */
    size_t lines;
    uint64_t body_left;
    char word[SCAN_VALUE_MAX + 1]; /* method, version or value under way */
    size_t word_len;
    bool word_cut; /* longer than word holds */
    char name[SCAN_NAME_MAX + 1];
    size_t name_len;
};

void scan_init(struct scan *s, bool query_allowed);
/* Ready for the next request on the same connection. */
void scan_next(struct scan *s);
/* How much of in was consumed, up to the first event that is not SCAN_MORE. */
size_t scan_feed(struct scan *s, struct att_slice in, enum scan_event *event);
/* True between two requests: not one byte of the next has come. */
bool scan_idle(const struct scan *s);

#endif
