/*
 * Enrolments that were begun and not yet activated: in memory, bounded, short-lived.
 *
 * When there are too many the oldest goes: who begins without end pushes out others of the kind, and an
 * honest gateway answers within seconds.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_PENDING_H
#define ATTESTD_VERIFIER_KEEPER_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "evidence/context.h"
#include "tcg/pcr.h"
#include "tcg/pubarea.h"
#include "verifier/msg.h"

#define PENDING_SECRET_LEN   32
#define PENDING_FAILURES_MAX 5 /* wrong answers until it is discarded */

struct pending {
    uint8_t id[ATT_SESSION_LEN];
    uint8_t nonce[ATT_NONCE_LEN];
    uint8_t secret[PENDING_SECRET_LEN]; /* what the TPM must decrypt */
    int64_t deadline_ms;
    unsigned int failures;
    bool firmware_warned;         /* its TPM is on the deny list, with a warning only */
    struct msg_enrol_facts facts; /* its certificates borrow the next */
    struct att_buf *certs;        /* owned; all of them one behind the other */
    uint8_t ak_name[ATT_NAME_MAX];
    size_t ak_name_len;
    uint8_t iak_name[ATT_NAME_MAX], idevid_name[ATT_NAME_MAX];
    size_t iak_name_len,
        idevid_name_len; /* 0: the factory left no such key, or it is not looked at */
    struct att_pcr_selection selection;
    bool binding;           /* its record is written and not yet durable */
    struct att_buf *answer; /* once activated: the same for whoever knows the secret */
    TAILQ_ENTRY(pending) link;
};

struct pendings;

ATT_MUST_USE enum att_err pendings_new(struct pendings **out, size_t cap, int64_t ttl_ms,
                                       enum att_err (*random)(void *out, size_t len));
void pendings_free(struct pendings *t);
void pendings_freep(struct pendings **t);
size_t pendings_count(const struct pendings *t);

/* A new one with id, nonce and secret filled. Borrowed from the table. NOMEM CRYPTO (RNG). */
ATT_MUST_USE enum att_err pending_open(struct pending **out, struct pendings *t, int64_t now_ms,
                                       struct att_diag *diag);
/* STALE (Q_NONCE_EXPIRED) when unknown or too old. */
ATT_MUST_USE enum att_err pending_find(struct pending **out, struct pendings *t,
                                       struct att_slice id, int64_t now_ms, struct att_diag *diag);
/* One wrong answer more; the enrolment may be gone afterwards. */
void pending_failed(struct pendings *t, struct pending *p);
void pending_drop(struct pendings *t, struct pending *p);
void pendings_expire(struct pendings *t, int64_t now_ms);

#endif
