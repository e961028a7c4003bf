/* Listening on TCP, for the service and for a witness. */
#ifndef ATTESTD_COMMON_LISTEN_H
#define ATTESTD_COMMON_LISTEN_H

#include <stdint.h>

#include "base/err.h"

/*
 * listen_tcp - a socket that listens on a numeric address; port 0 takes any that is free.
 *
 * out     a descriptor, close-on-exec and non-blocking
 * field   what the address is called where it was configured; in diag
 * Errors  CONFIG (CFG_KEY): no numeric address; NETWORK (CFG_KEY): the system refuses
 */
ATT_MUST_USE enum att_err listen_tcp(int *out, const char *host, uint16_t port, const char *field,
                                     struct att_diag *diag);

/* The port that it has; 0 when the system does not say. */
uint16_t listen_port(int fd);

#endif
