/*
 * attest-courier as a whole program against a TLS server on this machine that behaves or misbehaves.
 *
 * The program comes from the folder that the environment variable BUILD names.
 */
#ifndef ATT_TEST_COURIERTEST_H
#define ATT_TEST_COURIERTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/relay.h"
#include "crypto/cert.h"
#include "suite.h"

struct couriertest_authority {
    struct att_privkey *key;
    struct att_cert *cert;
};

/* Made anew for each test; the paths and the URL are written by couriertest_settings. */
struct couriertest {
    char dir[64];
    struct couriertest_authority ca, other_ca; /* ca.pem and other.pem in the folder */
    pid_t server;                              /* 0: none; killed after the test */
    uint16_t port;
    char url[64], ca_path[128], key_path[128], cert_path[128];
};
extern struct couriertest ct;
extern const struct suite_fixture couriertest_fixture;

/*
 * How the server answers. All zero: 201 with the request's bytes behind one line of its own, which says
 * "connection N known" or "unknown" (the client).
 */
struct couriertest_script {
    int max_version;    /* 0: TLS 1.3 */
    const char *answer; /* raw bytes; NULL: the echo */
    size_t pad;         /* zeros behind the answer */
    bool silent;        /* never answers */
};

void couriertest_write(const char *name, struct att_slice in);
/* The caller frees the certificate. */
struct att_cert *couriertest_issue(const struct att_cert_order *order,
                                   const struct couriertest_authority *by);
/* server.pem and server.key: for this host, over so many seconds from an hour ago. */
void couriertest_make_server(const char *host, int64_t seconds);

/* A port of 127.0.0.1, kept in ct.port; the caller closes the descriptor. */
int couriertest_listen(void);
void couriertest_serve(const struct couriertest_script *s);

/* Everything right for the server that runs; borrows ct. */
struct relay_settings couriertest_settings(void);
/* The caller stops the relay; the second serves the script first. */
struct relay *couriertest_start(const struct relay_settings *s);
struct relay *couriertest_start_with(const struct couriertest_script *script);
/* Ask: it must succeed, or fail with this. The caller frees the answer. */
struct relay_answer couriertest_ask(struct relay *r, const struct relay_request *q);
void couriertest_fails(const struct relay_settings *s, enum relay_kind kind, enum att_err err,
                       enum att_reason reason);
bool couriertest_contains(const struct relay_answer *a, const char *text);

#endif
