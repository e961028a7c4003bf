/* What the files of the keeper share. */
#ifndef ATTESTD_VERIFIER_KEEPER_KEEPER_INTERNAL_H
#define ATTESTD_VERIFIER_KEEPER_KEEPER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "appraise/result.h"
#include "base/buf.h"
#include "base/err.h"
#include "policy/policy.h"
#include "policy/refval.h"
#include "verifier/keeper/archive.h"
#include "verifier/keeper/issuer.h"
#include "verifier/keeper/keeper.h"
#include "verifier/keeper/keys.h"
#include "verifier/keeper/pending.h"
#include "verifier/keeper/rejudge.h"
#include "verifier/keeper/sequencer.h"
#include "verifier/keeper/session.h"
#include "verifier/keeper/status.h"
#include "verifier/keeper/unit.h"
#include "verifier/keeper/witnessed.h"
#include "verifier/msg.h"
#include "verifier/rules.h"
#include "verifier/store/store.h"

/* What will be said: a status with a body, or the reason why not. */
struct answer {
    enum att_reason reason; /* NONE: done */
    char text[ATT_DIAG_TEXT];
    int http;
    enum msg_type type;
    char path[96];          /* Location; empty for none */
    struct att_buf *body;   /* owned; NULL for none */
    struct att_buf *sealed; /* owned; context for the appraiser, or NULL */
};

/* A message that waits for the flush. */
struct job {
    STAILQ_ENTRY(job) link;
    struct msg m; /* slices point into bytes */
    uint8_t *bytes;
    struct keeper_client client;
    struct answer answer;
    uint64_t *counter;              /* what this decision counts as */
    const char *refused;            /* the reason's code when it is a refusal */
    struct session *session;        /* its nonce is consumed, the outcome not yet durable */
    struct pending *pending;        /* the same for an enrolment */
    char removed[STORE_ID_MAX + 1]; /* this device is gone once the transaction is durable */
    struct att_buf *label;   /* it comes with the answer, once it has a receipt; owned, or NULL */
    int64_t outcome;         /* its index */
    size_t dropped;          /* older evidence that made room for this one's */
    struct key_change *keys; /* another key takes over; owned, or NULL */
    struct att_buf *policy;  /* takes the place of the configured file; owned, or NULL */
};
STAILQ_HEAD(job_queue, job);

struct keeper_counters {
    uint64_t affirming, warning, contraindicated, refused, stale, enrolled, removed, certified;
    uint64_t sessions, commits, decisions, full, dropped, held;
};

/* Accepted and not yet in force. */
struct next_rules {
    bool other_rules;          /* policy or reference values */
    struct att_policy *policy; /* owned; NULL: the present one stays */
    struct att_policy_origin origin;
    uint8_t refvals_digest[32];
    bool other_notices;
    struct att_notices notices; /* owned */
};

struct keeper {
    const struct config *cfg;
    struct keeper_options opt;
    uint8_t seal_key[MSG_SEAL_LEN];
    struct store *st;
    struct sessions *sessions;
    struct pendings *pendings;
    struct units *units;
    struct archive archive;
    struct issuer *issuer;
    struct sequencer *sequencer;
    struct witnessed *witnessed; /* or NULL: no witnesses are asked for */
    struct att_policy *policy;
    struct rules_earlier earlier;
    struct att_policy_origin origin;
    uint8_t refvals_digest
        [32]; /* zeros when none are configured; appraisers have them, the keeper needs no more */
    struct att_notices notices;
    struct next_rules next;
    bool reload_wanted; /* another policy stands in the file: the supervisor has to be told */
    struct ek_trust trust;
    struct rejudge rejudge;
    struct status_cache lists;
    struct job_queue jobs;
    size_t job_count;
    int64_t tokens_swept_utc;
    struct keeper_counters count;

    /* Large and short-lived; nothing is kept in them between messages. */
    struct att_buf *blobs;
    struct att_appraisal_context context;
    struct att_boot_state boot;
    struct att_carry carry;
    struct att_windows windows; /* of the device, as they are now */
    struct att_result *result;
    struct msg_folded folded;
    uint8_t room[192 * 1024];
    uint8_t blob_room[STORE_BLOBS][STORE_BLOB_MAX];
};

/* The state of a device; its parts borrow k->blobs. digest tells whether it changed since. */
struct known {
    struct store_state row;
    uint8_t digest[32];
};
ATT_MUST_USE enum att_err known_load(struct known *out, struct keeper *k, const struct unit *u,
                                     struct att_diag *diag);
/*
 * Decode into k->boot and k->carry, both unknown before the first accepted evidence; k->windows becomes what
 * the change notices are for this device when it was asked.
 */
ATT_MUST_USE enum att_err known_decode(struct keeper *k, const struct known *known,
                                       const struct session *s, struct att_diag *diag);

/* The enrolled device behind a connection: ID_CLIENT, ID_UNKNOWN, ID_CHANNEL, and what it is held for. Borrowed. */
ATT_MUST_USE enum att_err keeper_peer(const struct unit **out, struct keeper *k,
                                      const struct msg_peer *peer, struct att_diag *diag);

/* The pending session that m names, of this very enrolment: as session_claim, and ID_UNKNOWN. */
ATT_MUST_USE enum att_err keeper_session(struct session **out, struct keeper *k,
                                         const struct msg *m, const struct unit *u,
                                         struct att_diag *diag);
/* The same for one that was opened to certify a data key; each refuses the other's (Q_NONCE_EXPIRED). */
ATT_MUST_USE enum att_err keeper_certify_session(struct session **out, struct keeper *k,
                                                 const struct msg *m, const struct unit *u,
                                                 struct att_diag *diag);
/* The same from the connection on, with the device's state decoded as of the challenge (known_decode). */
ATT_MUST_USE enum att_err keeper_open_session(const struct unit **unit, struct session **session,
                                              struct keeper *k, const struct msg *m,
                                              struct att_diag *diag);
/* Q_NONCE_EXPIRED when other evidence of the device was accepted since the challenge. */
ATT_MUST_USE enum att_err keeper_same_state(const struct session *s, const struct known *known,
                                            struct att_diag *diag);

/* k->context: what the appraiser is asked with in this session, from k->boot, k->carry, k->windows and its parts. */
ATT_MUST_USE enum att_err attest_fill_context(struct keeper *k, const struct session *s,
                                              const struct unit *u, struct att_diag *diag);
/* A challenge of this session and the context for its answer, from k->boot and k->carry. */
ATT_MUST_USE enum att_err attest_challenge(struct keeper *k, struct session *s,
                                           const struct unit *u, struct answer *a, int http,
                                           struct att_diag *diag);
/* What a gateway sent in parts before it asked again, as far as it may go on there (parts.c). */
void parts_take_over(struct keeper *k, struct session *s);
/* k->folded: where the session's list stands. Only when it holds parts. */
ATT_MUST_USE enum att_err parts_load(struct keeper *k, const struct session *s,
                                     struct att_diag *diag);

/* Fill an answer. body is copied. NOMEM. */
ATT_MUST_USE enum att_err answer_with(struct answer *a, int http, enum msg_type type,
                                      struct att_slice body, struct att_diag *diag);
void answer_refuse(struct answer *a, const struct att_diag *diag);

/* Answered at once: they change nothing on the disk. */
ATT_MUST_USE enum att_err attest_new_session(struct keeper *k, const struct msg *m,
                                             struct answer *a, struct att_diag *diag);
ATT_MUST_USE enum att_err attest_context(struct keeper *k, const struct msg *m, struct answer *a,
                                         struct att_diag *diag);
ATT_MUST_USE enum att_err attest_part(struct keeper *k, const struct msg *m, struct answer *a,
                                      struct att_diag *diag);
ATT_MUST_USE enum att_err attest_session_get(struct keeper *k, const struct msg *m,
                                             struct answer *a, struct att_diag *diag);
ATT_MUST_USE enum att_err attest_session_delete(struct keeper *k, const struct msg *m,
                                                struct answer *a, struct att_diag *diag);
ATT_MUST_USE enum att_err keeper_label(struct keeper *k, const struct msg *m, struct answer *a,
                                       struct att_diag *diag);
ATT_MUST_USE enum att_err keeper_status(struct keeper *k, const struct msg *m, struct answer *a,
                                        struct att_diag *diag);
ATT_MUST_USE enum att_err keeper_status_list(struct keeper *k, const struct msg *m,
                                             struct answer *a, struct att_diag *diag);
ATT_MUST_USE enum att_err enrol_begin(struct keeper *k, const struct msg *m, struct answer *a,
                                      struct att_diag *diag);

/* keeper/published.c: what everybody may read of the log. */
ATT_MUST_USE enum att_err keeper_published(struct keeper *k, const struct msg *m, struct answer *a,
                                           struct att_diag *diag);

/* A transaction's end: what it recorded is sequenced, and with it durable. On failure everything is rolled back. */
ATT_MUST_USE enum att_err keeper_commit(struct keeper *k, struct att_diag *diag);
void keeper_rollback(struct keeper *k);

/* Inside the flush's transaction. */
ATT_MUST_USE enum att_err commit_run(struct keeper *k, struct job *job, struct att_diag *diag);
/* Between the commit and the answer: the label gets its receipt. */
ATT_MUST_USE enum att_err commit_dress(struct keeper *k, struct job *job, struct att_diag *diag);
ATT_MUST_USE enum att_err enrol_activate(struct keeper *k, struct job *job, struct att_diag *diag);

/* keeper/rules.c: policy and reference values at the start, and what an auditor sees of them. */
ATT_MUST_USE enum att_err keeper_load_rules(struct keeper *k, struct att_diag *diag);
ATT_MUST_USE enum att_err keeper_note_rules(struct keeper *k, struct att_diag *diag);
void keeper_drop_next(struct keeper *k); /* what was prepared and will not come into force */

/*
 * keeper/notices.c, inside a transaction: outcomes for what these change notices are more and less than those in
 * force before, which the store remembers.
 */
ATT_MUST_USE enum att_err keeper_note_notices(struct keeper *k, const struct att_notices *now,
                                              struct att_diag *diag);

/* Into a record that is handed out: the change notices that its context names. r's slices borrow room and the record. */
struct notice_bytes {
    struct att_buf *bytes[ATT_NOTICES_MAX]; /* owned */
};
struct att_record;
ATT_MUST_USE enum att_err keeper_add_notices(struct att_record *r, struct notice_bytes *room,
                                             struct keeper *k, struct att_diag *diag);
void notice_bytes_clear(struct notice_bytes *n);

/* That a policy was tried and refused, and what was found of it; inside the caller's transaction. */
ATT_MUST_USE enum att_err keeper_note_refusal(struct keeper *k, const struct att_diag *why,
                                              struct att_diag *diag);

/* A signed policy from elsewhere than the file: would it be loaded? CFG_POLICYSIG CFG_ROLLBACK CFG_POLICY */
ATT_MUST_USE enum att_err keeper_may_follow(struct att_policy **out, struct keeper *k,
                                            struct att_slice message,
                                            struct att_policy_origin *from, struct att_diag *diag);

/* Append one outcome that carries no verdict; of a device, while its record is there. */
ATT_MUST_USE enum att_err keeper_note(struct keeper *k, enum store_kind kind, const char *device,
                                      const char *reason, const char *detail,
                                      struct att_diag *diag);
/* Put aside each device's row that does not hold what it must, in transactions of its own: at start. */
ATT_MUST_USE enum att_err keeper_quarantine(struct keeper *k, struct att_diag *diag);
/* Mark everybody whose deadline is over, in transactions of its own. */
ATT_MUST_USE enum att_err keeper_mark_stale(struct keeper *k, struct att_diag *diag);

#endif
