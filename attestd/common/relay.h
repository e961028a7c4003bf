/*
 * Talking to attest-courier, the one program with an HTTP client (docs/formats/courier.md).
 *
 * The courier is started beside us and holds the other end of a socket pair as descriptor 3. It takes
 * requests of fixed kinds, one at a time, and answers each: what it may be asked is all that it can be
 * made to do. Addresses, methods and content types are its own knowledge; for an operator's command
 * (attestctl) it serves two other kinds and none of the gateway's.
 */
#ifndef ATTESTD_COMMON_RELAY_H
#define ATTESTD_COMMON_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "common/frame.h"

#define RELAY_FD 3 /* the courier's end */
/* The one option of a courier that a service manager started: its real ones come as RELAY_SETTINGS, each ended by a zero. */
#define RELAY_SETTINGS_OPTION "--settings-follow"
#define RELAY_SETTINGS_MAX    32768
#define RELAY_OPTIONS_MAX     24
#define RELAY_HEAD_MAX        4096    /* bytes of a frame around an answer's body */
#define RELAY_ARG_MAX         4096    /* bytes of one argument */
#define RELAY_ANSWER_MAX      1048576 /* bytes of an answer's body from the verifier */
#define RELAY_BULK_MAX        (FRAME_MAX - RELAY_HEAD_MAX) /* the same for an operator's command */

/* Numbers of the frames; a is the first argument, b the second. */
enum relay_kind {
    RELAY_SETTINGS, /* body: command line, see RELAY_SETTINGS_OPTION. Before all others, no answer */
    RELAY_KEY = 1,  /* a: device id. Make the TLS key if there is none; body: PKCS#10 DER */
    RELAY_CERT,     /* body: client certificate DER; kept beside the key */
    RELAY_ENROL_BEGIN,    /* body: enrol-begin */
    RELAY_ENROL_ACTIVATE, /* body: enrol-activate */
    RELAY_NEW_SESSION,    /* body: new-session */
    RELAY_EVIDENCE,       /* a: session (16 bytes); body: evidence */
    RELAY_SESSION_GET,    /* a: session */
    RELAY_LABEL,          /* a: device id */
    RELAY_PROBE,          /* is it there? GET /healthz, any status */
    RELAY_PART,           /* a: session; body: part */
    RELAY_CERTIFY_BEGIN,  /* body: certify-begin */
    RELAY_CERTIFY,        /* a: session; body: certify */
    RELAY_ADMIN = 32,     /* a: method, b: path; body: JSON or empty. Over the unix socket */
    RELAY_FETCH,          /* a: https URL, b: CA file. GET */
    RELAY_WITNESS,        /* the same; body: add-checkpoint request. POST */
    RELAY__LAST = RELAY_WITNESS
};

/* How the courier is to work; strings are borrowed during relay_start. NULL leaves an option out. */
struct relay_settings {
    const char *service;      /* socket where the service manager starts one; NULL: it is ours */
    const char *program;      /* NULL: beside our own executable, or in libexec */
    const char *url;          /* https://host[:port][/prefix]; the gateway's kinds need it */
    const char *ca_file;      /* PEM anchors for the verifier */
    const char *key_file;     /* TLS key, PEM; made by RELAY_KEY */
    const char *cert_file;    /* client certificate, PEM; written by RELAY_CERT */
    const char *proxy;        /* from the configuration only */
    bool operator_kinds;      /* serve ADMIN and FETCH, and nothing else */
    const char *admin_socket; /* path of the verifier's unix socket; ADMIN needs it */
    uint32_t connect_timeout_ms;
    uint32_t timeout_ms; /* of one request as a whole */
};

struct relay; /* a running courier */

/*
 * relay_start - start a courier with an empty environment, or have the service manager start one.
 *
 * Errors  NOT_FOUND (FILE) no such program or nobody at the socket, IO NOMEM
 */
ATT_MUST_USE enum att_err relay_start(struct relay **out, const struct relay_settings *settings,
                                      struct att_diag *diag);
void relay_stop(struct relay *r); /* closes, waits, frees; NULL is a no-op */
void relay_stopp(struct relay **r);
int relay_pid(const struct relay *r);

struct relay_request {
    enum relay_kind kind;
    struct att_slice a, b;
    struct att_slice body;
};

/* What came back. content_type and body borrow the frame. */
struct relay_answer {
    struct att_buf *frame; /* owned: relay_answer_free */
    unsigned int status;   /* HTTP status; 200 for KEY and CERT */
    struct att_slice content_type;
    struct att_slice body;
};
void relay_answer_free(struct relay_answer *a);

/*
 * relay_ask - one request, one answer.
 *
 * Errors  NETWORK with the courier's reason (TLS_NAME TLS_CHAIN TLS_REDIRECT NET_REACH NET_TIMEOUT
 *         NET_LIMIT NET_PROTOCOL); CONFIG (CFG_KEY CFG_PERM) or NOT_FOUND (FILE) for what it could not
 *         use; IO (INTERNAL) when the courier itself is gone: stop it and start another
 */
ATT_MUST_USE enum att_err relay_ask(struct relay_answer *out, struct relay *r,
                                    const struct relay_request *request, struct att_diag *diag);

/* The courier's side. Slices borrow in. FORMAT (FMT_FRAME). */
ATT_MUST_USE enum att_err relay_request_parse(struct relay_request *out, struct att_slice in,
                                              struct att_diag *diag);
ATT_MUST_USE enum att_err relay_send_answer(int fd, unsigned int status, const char *content_type,
                                            struct att_slice body);
ATT_MUST_USE enum att_err relay_send_failure(int fd, const struct att_diag *diag);

/* The asking side, for relay_ask and tests. */
ATT_MUST_USE enum att_err relay_send_request(int fd, const struct relay_request *request);
/* On a failure answer: the error above, with diag filled. out->frame stays the caller's. */
ATT_MUST_USE enum att_err relay_answer_parse(struct relay_answer *out, struct att_slice in,
                                             struct att_diag *diag);

#endif
