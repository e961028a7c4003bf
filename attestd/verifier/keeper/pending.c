/* A queue in order of time; few enough to be searched from its head. */
#include "pending.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"

TAILQ_HEAD(pending_queue, pending);

struct pendings {
    size_t cap;
    size_t count;
    int64_t ttl_ms;
    enum att_err (*random)(void *out, size_t len);
    struct pending_queue queue;
};

enum att_err pendings_new(struct pendings **out, size_t cap, int64_t ttl_ms,
                          enum att_err (*random)(void *out, size_t len))
{
    struct pendings *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return ATT_E_NOMEM;
    t->cap = cap;
    t->ttl_ms = ttl_ms;
    t->random = random;
    TAILQ_INIT(&t->queue);
    *out = t;
    return ATT_OK;
}

void pending_drop(struct pendings *t, struct pending *p)
{
    TAILQ_REMOVE(&t->queue, p, link);
    att_buf_free(p->answer);
    att_buf_free(p->certs);
    att_wipe(p, sizeof(*p));
    free(p);
    t->count--;
}

void pendings_free(struct pendings *t)
{
    if (t == NULL)
        return;
    while (!TAILQ_EMPTY(&t->queue))
        pending_drop(t, TAILQ_FIRST(&t->queue));
    free(t);
}

void pendings_freep(struct pendings **t)
{
    pendings_free(*t);
    *t = NULL;
}

size_t pendings_count(const struct pendings *t)
{
    return t->count;
}

void pendings_expire(struct pendings *t, int64_t now_ms)
{
    while (!TAILQ_EMPTY(&t->queue) && TAILQ_FIRST(&t->queue)->deadline_ms < now_ms)
        pending_drop(t, TAILQ_FIRST(&t->queue));
}

static enum att_err fill(struct pending *p, const struct pendings *t)
{
    enum att_err err = t->random(p->id, sizeof(p->id));

    if (err == ATT_OK)
        err = t->random(p->nonce, sizeof(p->nonce));
    if (err == ATT_OK)
        err = t->random(p->secret, sizeof(p->secret));
    return err;
}

enum att_err pending_open(struct pending **out, struct pendings *t, int64_t now_ms,
                          struct att_diag *diag)
{
    struct pending *p;

    pendings_expire(t, now_ms);
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "enrolment", "memory ran out");
    if (fill(p, t) != ATT_OK) {
        att_wipe(p, sizeof(*p));
        free(p);
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "nonce", "no random bytes");
    }
    if (t->count >= t->cap)
        pending_drop(t, TAILQ_FIRST(&t->queue));
    p->deadline_ms = now_ms + t->ttl_ms;
    TAILQ_INSERT_TAIL(&t->queue, p, link);
    t->count++;
    *out = p;
    return ATT_OK;
}

enum att_err pending_find(struct pending **out, struct pendings *t, struct att_slice id,
                          int64_t now_ms, struct att_diag *diag)
{
    struct pending *p = NULL;

    TAILQ_FOREACH(p, &t->queue, link)
    {
        if (id.len == sizeof(p->id) && memcmp(p->id, id.p, sizeof(p->id)) == 0)
            break;
    }
    if (p == NULL)
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                        "there is no such enrolment, or it is too old");
    if (ATT_GUARD(ENROL_EXPIRED, p->deadline_ms < now_ms))
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                        "the answer came %lld ms too late", (long long)(now_ms - p->deadline_ms));
    *out = p;
    return ATT_OK;
}

void pending_failed(struct pendings *t, struct pending *p)
{
    p->failures++;
    if (ATT_GUARD(ENROL_ATTEMPTS, p->failures >= PENDING_FAILURES_MAX))
        pending_drop(t, p);
}
