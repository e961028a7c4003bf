/* libcurl with everything switched off that a courier does not need. */
#include "agent/courier/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/courier/http_internal.h"
#include "base/guard.h"

#define KEEP_S     3600 /* a connection that waited longer is not used again */
#define HEADER_MAX 160

static size_t collect(char *in, size_t size, size_t count, void *arg)
{
    struct http *h = arg;

    enum att_err err = att_buf_add(h->body, in, size * count);

    if (ATT_GUARD(HTTP_ANSWER_SIZE, err != ATT_OK)) {
        h->too_large = true;
        return 0;
    }
    return size * count;
}

/* Options that hold for every exchange. The first that libcurl refuses is reported by its result. */
static CURLcode set_common(struct http *h)
{
    const struct http_settings *s = &h->settings;
    CURL *c = h->curl;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error);

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(c, option, value)
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_MAXREDIRS, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXAGE_CONN, (long)KEEP_S);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_timeout_ms);
    SET(CURLOPT_TIMEOUT_MS, (long)s->timeout_ms);
    /* "" and not NULL: NULL would read the environment */
    SET(CURLOPT_PROXY, s->proxy != NULL ? s->proxy : "");
    SET(CURLOPT_WRITEFUNCTION, collect);
    SET(CURLOPT_WRITEDATA, (void *)h);
    return rc;
}

static CURLcode set_unix(struct http *h)
{
    CURL *c = h->curl;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");

    SET(CURLOPT_UNIX_SOCKET_PATH, h->settings.unix_socket);
    return rc;
}
#undef SET

enum att_err http_new(struct http **out, const struct http_settings *settings,
                      struct att_diag *diag)
{
    ATT_CLEANUP(http_freep) struct http *h = calloc(1, sizeof(*h));
    CURLcode rc = CURLE_OK;

    if (h == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for an HTTP client");
    }
    h->settings = *settings;
    if (settings->unix_socket == NULL && settings->ca_file == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, "verifier_ca",
                        "an anchor file is needed to judge the verifier's certificate");
    }
    h->curl = curl_easy_init();
    if (h->curl == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for an HTTP client");
    }
    rc = set_common(h);
    if (rc == CURLE_OK) {
        rc = settings->unix_socket != NULL ? set_unix(h) : http_set_tls(h);
    }
    if (rc != CURLE_OK) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, NULL, "libcurl: %s",
                        curl_easy_strerror(rc));
    }
    *out = h;
    h = NULL;
    return ATT_OK;
}

void http_free(struct http *h)
{
    if (h == NULL) {
        return;
    }
    curl_easy_cleanup(h->curl);
    att_buf_free(h->body);
    free(h);
}

void http_freep(struct http **h)
{
    http_free(*h);
    *h = NULL;
}

void http_answer_free(struct http_answer *a)
{
    att_buf_free(a->body);
    *a = (struct http_answer){0};
}

static enum att_err explain(const struct http *h, CURLcode rc, struct att_diag *diag)
{
    char text[ATT_DIAG_TEXT];
    const char *words = h->error[0] != '\0' ? h->error : curl_easy_strerror(rc);
    enum att_reason reason =
        rc == CURLE_PEER_FAILED_VERIFICATION ? http_verify_reason(h) : ATT_R_NET_PROTOCOL;

    att_escape(text, sizeof(text), words, strlen(words));
    if (h->too_large) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_LIMIT, NULL,
                        "the answer is larger than %zu bytes", h->settings.answer_max);
    }
    if (rc == CURLE_SSL_CONNECT_ERROR && strstr(words, "wrong version number") != NULL) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, NULL,
                        "expected TLS, found something else at this port (HTTP?): %s", text);
    }
    switch (rc) {
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_URL_MALFORMAT:
        return att_fail(diag, ATT_E_CONFIG, ATT_R_CFG_KEY, NULL, "%s", text);
    case CURLE_OUT_OF_MEMORY:
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "%s", text);
    case CURLE_OPERATION_TIMEDOUT:
        reason = ATT_R_NET_TIMEOUT;
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        reason = ATT_R_NET_REACH;
        break;
    default:
        break;
    }
    return att_fail(diag, ATT_E_NETWORK, reason, NULL, "%s", text);
}

static CURLcode set_request(struct http *h, const struct http_request *q,
                            struct curl_slist *headers)
{
    CURL *c = h->curl;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_URL, q->url);

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(c, option, value)
    SET(CURLOPT_HTTPHEADER, headers);
    if (strcmp(q->method, "GET") == 0) {
        SET(CURLOPT_CUSTOMREQUEST, NULL);
        SET(CURLOPT_HTTPGET, 1L);
        return rc;
    }
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_CUSTOMREQUEST, q->method);
    SET(CURLOPT_POSTFIELDS, q->body.len > 0 ? (const char *)q->body.p : "");
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
#undef SET
    return rc;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    char line[HEADER_MAX];
    struct curl_slist *longer = NULL;
    int len = snprintf(line, sizeof(line), "%s: %s", name, value);

    if (len < 0 || (size_t)len >= sizeof(line)) {
        return false;
    }
    longer = curl_slist_append(*list, line);
    if (longer == NULL) {
        return false;
    }
    *list = longer;
    return true;
}

static struct curl_slist *headers_of(const struct http_request *q)
{
    /* no waiting for "100 Continue": the body is small, and some servers never send it */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool whole = list != NULL;

    whole = whole && add_header(&list, "Accept", q->accept);
    whole =
        whole && (q->content_type == NULL || add_header(&list, "Content-Type", q->content_type));
    if (!whole) {
        curl_slist_free_all(list);
        return NULL;
    }
    return list;
}

static CURLcode perform(struct http *h, const struct http_request *q, struct curl_slist *headers)
{
    CURLcode rc = CURLE_OK;

    h->too_large = false;
    h->url = q->url;
    h->error[0] = '\0';
    rc = set_request(h, q, headers);
    if (rc == CURLE_OK) {
        rc = curl_easy_perform(h->curl);
    }
    /* nothing of ours may stay behind in the handle */
    (void)curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
    (void)curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, NULL);
    return rc;
}

static enum att_err take_answer(struct http_answer *out, struct http *h, struct att_diag *diag)
{
    long status = 0;
    const char *type = NULL;

    if (curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 100 ||
        status > 999) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_NET_PROTOCOL, NULL,
                        "expected an HTTP status, found %ld", status);
    }
    if (ATT_GUARD(TLS_REDIRECT, status >= 300 && status < 400)) {
        return att_fail(diag, ATT_E_NETWORK, ATT_R_TLS_REDIRECT, NULL,
                        "the verifier answered with status %ld", status);
    }
    out->status = (unsigned int)status;
    if (curl_easy_getinfo(h->curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL) {
        att_escape(out->content_type, sizeof(out->content_type), type, strlen(type));
    }
    out->body = h->body;
    h->body = NULL;
    return ATT_OK;
}

enum att_err http_exchange(struct http_answer *out, struct http *h,
                           const struct http_request *request, struct att_diag *diag)
{
    struct curl_slist *headers = headers_of(request);
    struct http_answer a = {0};
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    enum att_err err = ATT_OK;

    if (headers != NULL && att_buf_new(&h->body, h->settings.answer_max) == ATT_OK) {
        rc = perform(h, request, headers);
    }
    curl_slist_free_all(headers);
    err = rc == CURLE_OK ? take_answer(&a, h, diag) : explain(h, rc, diag);
    att_buf_freep(&h->body);
    if (err == ATT_OK) {
        *out = a;
    }
    return err;
}
