/* Problem details: RFC 9457 in JSON, RFC 9290 in CBOR, with our code and what to do. */
#ifndef ATTESTD_VERIFIER_FRONT_PROBLEM_H
#define ATTESTD_VERIFIER_FRONT_PROBLEM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct problem {
    int status;
    enum att_reason reason;
    const char *detail;       /* further words, printable; or NULL */
    struct att_slice outcome; /* wire_outcome, as encoded; empty when none */
};

/* The HTTP status that goes with a reason. */
int problem_status(enum att_reason reason);

/* LIMIT NOMEM; FORMAT when the outcome is not one. */
ATT_MUST_USE enum att_err problem_json(struct att_buf **out, const struct problem *p);
ATT_MUST_USE enum att_err problem_cbor(struct att_buf **out, const struct problem *p);

/* The first failing reason of an outcome; LBL_NOT_AFFIRMING when it names none that we know. */
enum att_reason problem_outcome_reason(struct att_slice outcome);

#endif
