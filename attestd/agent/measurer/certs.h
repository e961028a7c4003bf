/* Certificates as TPMs and files keep them: one behind the other. */
#ifndef ATTESTD_AGENT_CERTS_H
#define ATTESTD_AGENT_CERTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* A list that is filled: room for max, of which *count stand there; none is longer than cert_max bytes. */
struct agent_certs {
    struct att_slice *cert; /* borrow the bytes they came from */
    size_t *count;
    size_t max, cert_max;
};

/* One that is empty, too long or one too many is left out: the verifier judges what it gets. */
void agent_certs_add(const struct agent_certs *to, struct att_slice cert);

/*
 * Cut bytes at each SEQUENCE of 256 bytes or more, which each certificate is (X.690, 8.1.3).
 *
 * padded  what is behind the last stays with it, for the verifier knows which padding is none; else it is left out
 */
void agent_certs_cut(const struct agent_certs *to, struct att_slice bytes, bool padded);

#endif
