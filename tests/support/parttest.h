/* A kernel list that comes in parts, from the gateway in software: over the wire, and to a keeper in the process. */
#ifndef ATT_TEST_PARTTEST_H
#define ATT_TEST_PARTTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway.h"
#include "inproc.h"

/*
 * One part, of the boot that the TPM is in: the HTTP status. With 200 a's challenge is the one that came with it; anything else stands in
 * a->answer, and the challenge stays.
 */
int part_send(struct gateway *g, struct gateway_attempt *a, uint64_t off, struct att_slice bytes);
/* The same, saying so of how the kernel extends, whatever it does. */
int part_send_as(struct gateway *g, struct gateway_attempt *a, uint64_t off, struct att_slice bytes,
                 bool padded);
/* The list from where the challenge wants it up to byte end, in parts of at most len bytes; ends at an entry. */
void part_send_to(struct gateway *g, struct gateway_attempt *a, uint64_t end, size_t len);
/* A challenge for a session that names no boot: HTTP status. */
int part_session_unnamed(struct gateway *g, struct gateway_attempt *a);

/* What the appraiser makes of a part in the context that the keeper gives now; the reason when it refuses. */
enum att_reason part_fold(struct att_buf **folded, struct inproc *v, struct inproc_gateway *gw,
                          struct inproc_attempt *t, uint64_t off, struct att_slice bytes);
/* And the keeper of that; with NONE t's challenge is the new one. */
enum att_reason part_keep(struct inproc *v, struct inproc_gateway *gw, struct inproc_attempt *t,
                          const struct att_buf *folded);

#endif
