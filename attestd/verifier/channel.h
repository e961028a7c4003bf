/*
 * Frames (common/frame.h) over a socket, for processes that serve many at once.
 *
 * What is sent is collected and written with one call when the event loop has run everything that was
 * ready, so frames that are ready together travel together. What arrives is given out frame by frame,
 * followed by one call that says that nothing more is here yet: the place to commit or to flush.
 */
#ifndef ATTESTD_VERIFIER_CHANNEL_H
#define ATTESTD_VERIFIER_CHANNEL_H

#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "verifier/msg.h"

struct channel;
struct event_base;

struct channel_events {
    /* One whole frame, borrowed for the call. */
    void (*frame)(void *ctx, struct channel *ch, struct att_slice body);
    /* After the last whole frame of a read; may be NULL. */
    void (*idle)(void *ctx, struct channel *ch);
    /* The peer is gone (NOT_FOUND), broke the framing (FORMAT LIMIT) or the socket failed (IO). Called
     * once and last; it may free the channel. */
    void (*closed)(void *ctx, struct channel *ch, enum att_err why);
    void *ctx;
};

/* Takes fd over (made non-blocking). max bounds one incoming frame. Errors NOMEM IO. */
ATT_MUST_USE enum att_err channel_new(struct channel **out, struct event_base *base, int fd,
                                      size_t max, const struct channel_events *events);
void channel_free(struct channel *ch); /* closes; what was not written is lost; NULL is a no-op */
void channel_freep(struct channel **ch);

/* Encode a message and queue it. LIMIT (over FRAME_MAX) NOMEM. */
ATT_MUST_USE enum att_err channel_send(struct channel *ch, const struct msg *m);
size_t channel_queued(const struct channel *ch); /* bytes not yet written */
ATT_MUST_USE enum att_err
channel_flush(struct channel *ch); /* write what the socket takes now: IO */

/* Write everything that is queued, waiting for the peer at most so long at a time. IO BUSY. */
ATT_MUST_USE enum att_err channel_finish(struct channel *ch, int timeout_ms);
/* Read and give out everything that is there now, to the end if the peer has gone; ch may be freed. */
void channel_drain(struct channel *ch);

#endif
