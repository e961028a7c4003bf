/*
 * One HTTP exchange at a time over one kept connection: the only user of libcurl.
 *
 * What is allowed is fixed when the client is made: the scheme, the anchors, TLS 1.3 and above, no
 * redirects, no environment, time limits and the size of an answer.
 */
#ifndef ATTESTD_AGENT_COURIER_HTTP_H
#define ATTESTD_AGENT_COURIER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct http;

/* Strings are borrowed for the life of the client. NULL leaves an option out. */
struct http_settings {
    const char *unix_socket; /* plain HTTP over this socket; else HTTPS */
    const char *ca_file;     /* the only anchors; needed for HTTPS */
    const char *key_file;    /* with cert_file: who we are */
    const char *cert_file;
    const char *proxy;
    uint32_t connect_timeout_ms;
    uint32_t timeout_ms;
    size_t answer_max; /* bytes of a body */
};

ATT_MUST_USE enum att_err http_new(struct http **out, const struct http_settings *settings,
                                   struct att_diag *diag);
void http_free(struct http *h);
void http_freep(struct http **h);

struct http_request {
    const char *method;       /* "GET", "POST", ... */
    const char *url;          /* whole */
    const char *content_type; /* of the body; NULL without one */
    const char *accept;
    struct att_slice body;
};

struct http_answer {
    unsigned int status;
    char content_type[128];
    struct att_buf *body; /* owned: http_answer_free */
};
void http_answer_free(struct http_answer *a);

/*
 * http_exchange - errors NETWORK (TLS_NAME TLS_CHAIN TLS_REDIRECT NET_REACH NET_TIMEOUT NET_LIMIT
 * NET_PROTOCOL), CONFIG (CFG_KEY: an anchor or key file that does not load), NOMEM. Any HTTP status but
 * a redirect is an answer.
 */
ATT_MUST_USE enum att_err http_exchange(struct http_answer *out, struct http *h,
                                        const struct http_request *request, struct att_diag *diag);

#endif
