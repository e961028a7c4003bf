/*
 * Gateways that attest to a running service, each with its own TPM in software and its own connection.
 * Every signature is made when it is asked for: nothing is prepared that a gateway could not prepare.
 */
#ifndef ATT_BENCH_LOAD_H
#define ATT_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway.h"
#include "service.h"

struct load {
    struct gateway *g;
    double *answer_ms; /* how long each answer took */
    size_t answers, room;
    size_t done; /* attestations */
};

/* Gateway number, connected, enrolled and with its first accepted evidence. */
void load_enrol(struct load *l, struct service *s, size_t number);

/* count gateways, enrolled and with one accepted evidence each; the timings start after that. */
struct load *load_new(struct service *s, size_t count);
void load_free(struct load *loads, size_t count);

/* One attestation: a challenge, a quote, an affirming label. False, and told on standard error, if not. */
bool load_attest(struct load *l);

void load_forget(struct load *loads, size_t count); /* the timings so far */
double load_percentile_ms(const struct load *loads, size_t count, double percent);

#endif
