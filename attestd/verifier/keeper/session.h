/*
 * Challenges in flight: nonces that serve once, for one device, for a short time; and what came of each.
 *
 * Kept in memory alone: after a restart a gateway asks for a new challenge. Time is a parameter
 * (milliseconds of a clock that never goes back). Memory is bounded by the limits given.
 *
 *            session_open        session_use            session_settle
 *   (none) --------------> PENDING ---------> DECIDING ----------------> SETTLED
 *                             ^                  |
 *                             +--session_release-+   the decision could not be stored: as before
 */
#ifndef ATTESTD_VERIFIER_KEEPER_SESSION_H
#define ATTESTD_VERIFIER_KEEPER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "evidence/context.h"
#include "tcg/pcr.h"

#define SESSION_LIVES 10

struct session_limits {
    size_t total;      /* sessions of any state, all devices */
    size_t per_device; /* pending ones; settled ones are kept up to the same number */
    size_t uploads;    /* that hold the state of parts, all devices */
    int64_t ttl_ms; /* a nonce is good while now <= open + ttl; an outcome is kept that long too */
    enum att_err (*random)(void *out, size_t len); /* att_random outside of tests */
};

enum session_phase { SESSION_PENDING, SESSION_DECIDING, SESSION_SETTLED };

struct session {
    uint8_t id[ATT_SESSION_LEN];
    uint8_t nonce[ATT_NONCE_LEN];
    char device_id[ATT_DEVICE_ID_MAX + 1];
    int64_t enrolment;              /* of the device when it asked */
    int64_t begun_ms;               /* when it asked: its rules are those of then */
    int64_t opened_ms, deadline_ms; /* of its challenge, which each part makes a new one */
    enum session_phase phase;
    bool certifies; /* a data key; else it is an attestation's. Set by whoever opened it */

    /* The keeper's: what was asked for, and the context that was handed out. */
    struct att_pcr_selection selection;
    uint32_t own_pcr;
    uint64_t log_mask;
    uint8_t policy_digest[32];  /* in force when it asked: it is judged under this one */
    uint8_t refvals_digest[32]; /* and by these */
    int64_t asked_utc;          /* which windows are open is decided for this moment */
    uint8_t windows_digest[32]; /* and these were, beside the change notices of then */
    bool continues;             /* the gateway's logs go on from what is known of this boot */
    uint8_t state_digest[32];   /* of the device's state when it asked */
    uint8_t context_digest[32]; /* of the sealed context, when one was handed out */
    bool has_context;
    bool has_boot; /* the boot that the gateway named */
    uint32_t reset_count, restart_count;
    struct att_buf *parts; /* where its kernel list stands, att_folded_encode; NULL: no part came */

    /* After settling: the answer, the same for whoever of the device asks again. */
    int http_status;
    struct att_buf *answer;

    LIST_ENTRY(session) by_id;
    LIST_ENTRY(session) by_device;
    TAILQ_ENTRY(session) by_time;
};

struct sessions;

ATT_MUST_USE enum att_err sessions_new(struct sessions **out, const struct session_limits *limits);
void sessions_free(struct sessions *t);
void sessions_freep(struct sessions **t);
size_t sessions_count(const struct sessions *t);

/*
 * session_open - a new nonce for a device. The session is borrowed from the table until any later call.
 * Errors  BUSY (RATE: too many pending of this device or in total) CRYPTO (RNG: none was issued) NOMEM
 */
ATT_MUST_USE enum att_err session_open(struct session **out, struct sessions *t,
                                       const char *device_id, int64_t now_ms,
                                       struct att_diag *diag);

/*
 * session_claim - the pending session that evidence of this device may answer; nothing changes.
 * Errors  STALE (Q_NONCE_EXPIRED: unknown or too late; Q_NONCE_USED) DENIED (ID_CHANNEL: of another)
 */
ATT_MUST_USE enum att_err session_claim(struct session **out, struct sessions *t,
                                        struct att_slice id, const char *device_id, int64_t now_ms,
                                        struct att_diag *diag);

/*
 * session_renew - what came of a part: the session's challenge from now on is a new one, as if just opened.
 * parts becomes the session's; on failure it stays the caller's, and the session as it was.
 * Errors  BUSY (RATE: as many others hold parts as may) CRYPTO (RNG) STALE (Q_NONCE_EXPIRED: it began
 *         SESSION_LIVES lives of a challenge ago; a new one takes over, under the rules of then)
 */
ATT_MUST_USE enum att_err session_renew(struct sessions *t, struct session *s,
                                        struct att_buf *parts, int64_t now_ms,
                                        struct att_diag *diag);
/* The pending session of a device that holds parts, or NULL. There is one at most. */
struct session *session_with_parts(struct sessions *t, const char *device_id);
/* What one had collected is another's now, of the same device; the first is gone. */
void session_inherit(struct sessions *t, struct session *to, struct session *from);

/* Consume the nonce; then exactly one of settle and release follows. */
void session_use(struct session *s);
/* answer becomes the session's. */
void session_settle(struct sessions *t, struct session *s, int http_status, struct att_buf *answer,
                    int64_t now_ms);
void session_release(struct session *s);

/* Any session of this device, for GET and DELETE. NOT_FOUND (HTTP_ROUTE) DENIED (ID_CHANNEL). */
ATT_MUST_USE enum att_err session_look(struct session **out, struct sessions *t,
                                       struct att_slice id, const char *device_id, int64_t now_ms,
                                       struct att_diag *diag);
void session_drop(struct sessions *t, struct session *s);
/* All of a device that is removed, but not one that is being decided. */
void sessions_drop_device(struct sessions *t, const char *device_id);

/* Forget what is too old. Called by the functions above too: a timer only frees memory earlier. */
void sessions_expire(struct sessions *t, int64_t now_ms);

#endif
