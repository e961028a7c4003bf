/* The verifier's name, as OpenSSL judges it. */
#include "agent/courier/name.h"

#include <string.h>

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/guard.h"

/* The host of a URL without the brackets of an IPv6 address; to be freed with curl_free. */
static char *host_of(const char *url)
{
    CURLU *u = curl_url();
    char *host = NULL;
    size_t len = 0;

    if (u == NULL) {
        return NULL;
    }
    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        host = NULL;
    }
    curl_url_cleanup(u);
    if (host == NULL) {
        return NULL;
    }
    len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
    return host;
}

bool name_expect(void *ssl_ctx, const char *url)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl_ctx);
    char *host = host_of(url);
    bool set = false;

    if (host == NULL) {
        return false;
    }
    if (!ATT_GUARD(TLS_SERVER_NAME, true)) {
        curl_free(host);
        return true;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ||
          X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
    curl_free(host);
    return set;
}

bool name_was_wrong(long verify_result)
{
    return verify_result == X509_V_ERR_HOSTNAME_MISMATCH ||
           verify_result == X509_V_ERR_IP_ADDRESS_MISMATCH;
}
