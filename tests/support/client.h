/*
 * An HTTPS client for tests and the load generator: one kept TLS connection, blocking, with access to
 * every byte, so that a request can be wrong in exactly one way.
 */
#ifndef ATT_TEST_CLIENT_H
#define ATT_TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "base/slice.h"

#define CLIENT_BODY_MAX 1048576 /* bytes of an answer that we take */

/* What all connections share: anchors and TLS settings. Tests change ctx to be worse than allowed. */
struct client_tls {
    SSL_CTX *ctx;
};

/* ca_path NULL: the server is not verified. */
struct client_tls *client_tls_new(const char *ca_path);
void client_tls_free(struct client_tls *tls);

/* Who connects; either may be NULL. The client takes its own references. */
struct client_identity {
    EVP_PKEY *key;
    X509 *cert;
};

struct client;

struct client *client_new(struct client_tls *tls, const char *host, uint16_t port,
                          const struct client_identity *id);
void client_free(struct client *c);                                           /* NULL is a no-op */
void client_set_identity(struct client *c, const struct client_identity *id); /* closes */
void client_set_timeout(struct client *c, int ms); /* each wait for the peer; 10,000 at first */
void client_set_source(struct client *c, const char *address); /* connect from; "127.0.0.2" */
void client_close(struct client *c);

/* Connect and shake hands if not connected; a kept session is resumed. False when refused. */
bool client_connect(struct client *c);
bool client_connected(const struct client *c);
bool client_resumed(const struct client *c);   /* the present connection resumed a session */
int client_fd(const struct client *c);         /* -1 when not connected */
SSL *client_ssl(struct client *c);             /* borrowed; NULL when not connected */
SSL_SESSION *client_session(struct client *c); /* borrowed: kept for resumption, or NULL */

/* Raw bytes. receive: up to cap bytes, 0 at the end of the stream, -1 on error or time-out. */
bool client_send(struct client *c, const void *p, size_t len);
int client_receive(struct client *c, void *out, size_t cap);

struct client_answer {
    int status;         /* 0 when there was no answer */
    char type[96];      /* Content-Type, without parameters */
    char location[256]; /* Location */
    char code[48];      /* E_... of a problem document, else empty */
    bool closes;        /* Connection: close, or the peer closed */
    uint8_t *body;      /* owned; freed by client_answer_clear */
    size_t body_len;
};
void client_answer_clear(struct client_answer *a);

/* Read one answer to what was sent. False when the peer closed or broke off before its end. */
bool client_answer(struct client *c, struct client_answer *out);

/*
 * One request and its answer; connects when needed and, when a kept connection turns out to be closed
 * before a byte of the answer came, once more. type NULL sends no body. Asks for problems in CBOR.
 */
bool client_request(struct client *c, struct client_answer *out, const char *method,
                    const char *path, const char *type, struct att_slice body);

/* The same with header lines of the caller's ("Name: value\r\n"...), which replace Host and all. */
bool client_request_raw(struct client *c, struct client_answer *out, const char *head,
                        struct att_slice body);

struct att_slice client_body(const struct client_answer *a);

#endif
