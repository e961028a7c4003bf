/*
 * Signs of life of the verifier's processes, in memory that they share with the supervisor: a process that hangs is as bad as
 * one that died, and only the service manager can end it.
 */
#ifndef ATTESTD_VERIFIER_BEAT_H
#define ATTESTD_VERIFIER_BEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct beat {
    _Atomic int64_t at_ms; /* of the monotonic clock, which all processes share; 0: none yet */
};

/* Each process for its own beat, about once a second from its event loop. NULL: nobody listens. */
void beat_now(struct beat *b);

/* Has each of count processes given a sign within the last most_ms? */
bool beat_all(struct beat *b, size_t count, int64_t most_ms);

#endif
