/* Whom an exchange over HTTPS may be with. */
#include "agent/courier/http_internal.h"
#include "agent/courier/name.h"
#include "base/guard.h"

/* Before each handshake: whose certificate it must be. */
static CURLcode before_handshake(CURL *curl, void *ssl_ctx, void *ctx)
{
    const struct http *h = ctx;

    (void)curl;
    return h->url != NULL && name_expect(ssl_ctx, h->url) ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

CURLcode http_set_tls(struct http *h)
{
    const struct http_settings *s = &h->settings;
    CURL *c = h->curl;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");

#define SET(option, value) rc = rc != CURLE_OK ? rc : curl_easy_setopt(c, option, value)
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    SET(CURLOPT_SSL_VERIFYPEER, ATT_GUARD(TLS_SERVER_CHAIN, true) ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, ATT_GUARD(TLS_SERVER_NAME, true) ? 2L : 0L);
    SET(CURLOPT_SSL_CTX_FUNCTION, before_handshake);
    SET(CURLOPT_SSL_CTX_DATA, (void *)h);
    SET(CURLOPT_CAINFO, s->ca_file);
    SET(CURLOPT_CAPATH, NULL); /* the system's anchors are nobody's business here */
    if (s->cert_file != NULL && s->key_file != NULL) {
        SET(CURLOPT_SSLCERT, s->cert_file);
        SET(CURLOPT_SSLKEY, s->key_file);
    }
    return rc;
}
#undef SET

/*
 * libcurl has one code for "the chain is wrong" and "the name is wrong". OpenSSL's result tells them
 * apart; libcurl compares the name once more and then still holds its first value (1).
 */
enum att_reason http_verify_reason(const struct http *h)
{
    long result = 0;

    if (curl_easy_getinfo(h->curl, CURLINFO_SSL_VERIFYRESULT, &result) == CURLE_OK &&
        (result <= 1 || name_was_wrong(result))) {
        return ATT_R_TLS_NAME;
    }
    return ATT_R_TLS_CHAIN;
}
