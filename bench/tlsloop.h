/*
 * What a TLS 1.3 round trip costs a server at least: a bare loop over one kept connection, an OpenSSL
 * read and an OpenSSL write, with a request of a few hundred bytes and an answer of a label's size.
 */
#ifndef ATT_BENCH_TLSLOOP_H
#define ATT_BENCH_TLSLOOP_H

#include "harness.h"

struct tlsloop; /* a server process on the first core, a client in this process */

struct tlsloop *tlsloop_new(void);
/* Processor microseconds of the server for one round trip, over at least count of them. */
double tlsloop_us(struct tlsloop *l, int count);
void tlsloop_free(struct tlsloop *l);

#endif
