/* Whose certificate the verifier must show: judged by OpenSSL during the handshake. */
#ifndef ATTESTD_AGENT_COURIER_NAME_H
#define ATTESTD_AGENT_COURIER_NAME_H

#include <stdbool.h>

/*
 * name_expect - ssl_ctx (an SSL_CTX) accepts only a certificate whose subject alternative name holds the
 * host of url, a DNS name or an IP address. A common name counts for nothing (RFC 9525, section 2), which
 * libcurl alone would still take. False when url has no host or memory ran out.
 */
bool name_expect(void *ssl_ctx, const char *url);

/* True when this result of a verification (X509_V_ERR_...) says that the name was wrong. */
bool name_was_wrong(long verify_result);

#endif
