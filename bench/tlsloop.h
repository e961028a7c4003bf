/*
 * What a TLS 1.3 round trip costs a server at least: a bare OpenSSL loop over one kept connection, a small
 * request and an answer of 4 KiB. The server is a process of its own on the first core.
 */
#ifndef ATT_BENCH_TLSLOOP_H
#define ATT_BENCH_TLSLOOP_H

struct tlsloop;

struct tlsloop *tlsloop_new(void);
/* Processor microseconds of the server for one round trip: a sample over some thousands of them. */
double tlsloop_us(struct tlsloop *l);
void tlsloop_free(struct tlsloop *l);

#endif
