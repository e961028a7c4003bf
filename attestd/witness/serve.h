/*
 * A small HTTP server for a witness (C2SP tlog-witness): one request a connection, few connections, each with a
 * deadline. It speaks plain HTTP for a proxy in front of it that has the certificate.
 */
#ifndef ATTESTD_WITNESS_SERVE_H
#define ATTESTD_WITNESS_SERVE_H

#include <signal.h>

#include "base/buf.h"
#include "base/err.h"
#include "common/scan.h"

/* What is asked, and what is answered. */
struct serve_answer {
    int status;           /* HTTP */
    const char *type;     /* of the body; NULL: text/plain */
    struct att_buf *body; /* owned by the server; NULL: empty */
};

struct serve_port {
    size_t body_max;
    /* Fills answer; what cannot be told is a status of 5xx. head and body are borrowed. */
    void (*answer)(void *ctx, const struct scan_request *head, struct att_slice body,
                   struct serve_answer *answer);
    void *ctx;
};

/*
 * serve_run - answer until *stop is set by a signal handler; signals are let through while it waits only.
 *
 * fd      listens, non-blocking
 * Errors  IO NOMEM
 */
ATT_MUST_USE enum att_err serve_run(int fd, const struct serve_port *port,
                                    const volatile sig_atomic_t *stop, const sigset_t *waiting,
                                    struct att_diag *diag);

#endif
