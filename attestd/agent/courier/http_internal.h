/* What the files of the HTTP client share. */
#ifndef ATTESTD_AGENT_COURIER_HTTP_INTERNAL_H
#define ATTESTD_AGENT_COURIER_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "agent/courier/http.h"

struct http {
    CURL *curl;
    struct http_settings settings;
    struct att_buf *body; /* of the exchange under way */
    const char *url;      /* likewise; borrowed */
    bool too_large;
    char error[CURL_ERROR_SIZE];
};

/* Options of HTTPS: whom to believe, and who we are. */
CURLcode http_set_tls(struct http *h);
/* Why the verifier's certificate was refused: TLS_NAME or TLS_CHAIN. */
enum att_reason http_verify_reason(const struct http *h);

#endif
