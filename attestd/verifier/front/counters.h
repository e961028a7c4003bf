/*
 * What a front counts. The struct lies in memory that all fronts share, so that front 0 can tell the sum;
 * only its own front writes to it.
 */
#ifndef ATTESTD_VERIFIER_FRONT_COUNTERS_H
#define ATTESTD_VERIFIER_FRONT_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* COUNTER(member, Prometheus type, help) */
#define FRONT_COUNTERS(COUNTER)                                                                    \
    COUNTER(connections_accepted, counter, "Connections accepted")                                 \
    COUNTER(connections_refused, counter, "Connections over a cap, closed at once")                \
    COUNTER(connections_open, gauge, "Connections open now")                                       \
    COUNTER(deadlines_missed, counter, "Connections closed because a request came too slowly")     \
    COUNTER(requests_total, counter, "Requests that arrived whole")                                \
    COUNTER(requests_malformed, counter, "Requests refused by the gate")                           \
    COUNTER(requests_pending, gauge, "Requests that wait for an answer now")                       \
    COUNTER(answers_2xx, counter, "Answers of class 2xx")                                          \
    COUNTER(answers_4xx, counter, "Answers of class 4xx")                                          \
    COUNTER(answers_5xx, counter, "Answers of class 5xx")                                          \
    COUNTER(evidence_refused, counter, "Answers with status 422")                                  \
    COUNTER(body_bytes_reserved, gauge, "Bytes of request bodies under way")                       \
    COUNTER(appraiser_workers, counter, "Appraiser workers that were taken into use")              \
    COUNTER(appraiser_retries, counter, "Questions asked again of a fresh appraiser worker")

struct front_counters {
#define COUNTER(member, type, help) _Atomic uint64_t member;
    FRONT_COUNTERS(COUNTER)
#undef COUNTER
};

/* One writer, so that plain loads and stores are enough. */
#define COUNT_ADD(c, member, n)                                                                    \
    atomic_store_explicit(                                                                         \
        &(c)->member, atomic_load_explicit(&(c)->member, memory_order_relaxed) + (uint64_t)(n),    \
        memory_order_relaxed)
#define COUNT_SUB(c, member, n)                                                                    \
    atomic_store_explicit(                                                                         \
        &(c)->member, atomic_load_explicit(&(c)->member, memory_order_relaxed) - (uint64_t)(n),    \
        memory_order_relaxed)

#endif
