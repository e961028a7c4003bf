/*
 * TLS 1.3 of the server side: what may connect, and who it turned out to be.
 *
 * The client's certificate is asked for on every connection. None at all is allowed here (the route
 * decides); one that does not lead to the device authority, is out of date or is not for clients fails
 * the handshake. No early data, no compression, no older version. Sessions resume with a ticket, which
 * carries the client's certificate.
 */
#ifndef ATTESTD_COMMON_TLS_H
#define ATTESTD_COMMON_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define TLS_TICKET_KEY_LEN 80

struct ssl_st;
struct tls_server;

struct tls_server_files {
    const char *cert;          /* PEM: leaf, then its chain */
    const char *key;           /* PEM */
    const char *client_ca;     /* PEM: who issues client certificates */
    const uint8_t *ticket_key; /* TLS_TICKET_KEY_LEN, or NULL for one of its own */
};

/* Errors CONFIG (CFG_KEY: what is wrong with which file) NOT_FOUND DENIED IO CRYPTO NOMEM. */
ATT_MUST_USE enum att_err tls_server_new(struct tls_server **out,
                                         const struct tls_server_files *files,
                                         struct att_diag *diag);
void tls_server_free(struct tls_server *s);
void tls_server_freep(struct tls_server **s);

/*
 * A new connection's state; owned by the bufferevent that it is given to. on_free is called with ctx
 * when it goes, however it goes. NULL when memory ran out.
 */
struct ssl_st *tls_session_new(struct tls_server *s, void (*on_free)(void *ctx), void *ctx);

/* For a session that no bufferevent owns; on_free is called. */
void tls_session_free(struct ssl_st *session);

/* The ctx that tls_session_new was given; NULL for a session of somebody else. */
void *tls_session_ctx(const struct ssl_st *session);

/*
 * A last answer, written at once and without waiting, then the end of our side of the connection. For a
 * peer that is refused before its request is complete, when nothing else is being written.
 */
void tls_session_last_words(struct ssl_st *session, struct att_slice text);

/* Say that nothing more follows, so that the peer can tell an end from a cut; nothing is waited for. */
void tls_session_bye(struct ssl_st *session);

/* The verified client certificate, DER. NOT_FOUND when none was shown; UNTRUSTED NOMEM. */
ATT_MUST_USE enum att_err tls_session_peer(struct att_buf **out, const struct ssl_st *session);

#endif
