/*
 * A TLS server that means no good: for the rows in which the agent is the one to be fooled. It runs in a
 * thread, counts what it gets, and answers each request with what the test told it to.
 */
#ifndef ATT_TEST_HOSTILE_H
#define ATT_TEST_HOSTILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

struct hostile_options {
    EVP_PKEY *key; /* NULL: no TLS, plain TCP */
    X509 *cert;
    const char *head; /* the answer's head, with its empty line; "%u" stands for the port */
    uint64_t body;    /* bytes of 'x' behind it; UINT64_MAX: for as long as the peer reads */
    bool once;        /* only the first request gets body; later ones an empty 200 */
};

struct hostile {
    uint16_t port;
    atomic_uint connections; /* accepted */
    atomic_uint handshakes;  /* completed */
    atomic_uint requests;    /* heads received whole */
    atomic_ulong received;   /* bytes of application data */
    atomic_ulong sent;       /* bytes of body that the peer took */
    struct hostile_state *state;
};

struct hostile *hostile_start(const struct hostile_options *options);
void hostile_stop(struct hostile *h); /* NULL is a no-op */

#endif
