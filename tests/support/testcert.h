/*
 * A small world of certificates for tests: two authorities of one name, a leaf key, and certificates
 * that our own issuing code does not make.
 */
#ifndef ATT_TEST_TESTCERT_H
#define ATT_TEST_TESTCERT_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "crypto/cert.h"

#define TESTCERT_NOW 1790000000 /* 2026-09-21, UTC seconds */
#define TESTCERT_DAY 86400
#define TESTCERT_EK  "2.23.133.8.1"

struct testcert_world {
    struct att_privkey *root_key, *other_key, *leaf_key;
    struct att_pubkey *leaf_pub;
    struct att_cert *root, *other_root; /* the same name, two keys */
    struct att_anchors *anchors;        /* root alone */
};

extern struct testcert_world pki;

/* A checked fixture: everything above, made anew. */
void testcert_setup(void);
void testcert_teardown(void);

/* An order for a leaf that is valid a day to each side; hosts and device id are filled in. */
struct att_cert_order testcert_order(enum att_cert_kind kind);
/* Issued and read again; the caller's. */
struct att_cert *testcert_issue(const struct att_cert_order *order, const struct att_cert *issuer,
                                const struct att_privkey *key);
struct att_cert *testcert_leaf(enum att_cert_kind kind); /* by the root */

/* A leaf by the root with exactly these extensions, in OpenSSL's configuration syntax. */
struct testcert_odd {
    const char *eku;   /* NULL: none */
    const char *basic; /* NULL: none */
    const char *usage; /* NULL: none */
    const char *extra; /* OID of a critical extension that nobody knows, or NULL */
    const char *san;   /* NULL: none */
    EVP_PKEY *key;     /* NULL: a new P-256 key */
    const EVP_MD *md;  /* NULL: SHA-256 */
};

struct testcert_blob {
    uint8_t p[4096];
    size_t len;
};

X509 *testcert_odd_x509(const struct testcert_odd *o); /* the caller's */
struct testcert_blob testcert_odd_der(const struct testcert_odd *o);
struct att_cert *testcert_odd(const struct testcert_odd *o); /* the caller's */

#endif
