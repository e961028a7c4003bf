/* A hash table by session id, one by device, and two queues in order of time. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"

#define BUCKETS 4096 /* chains stay short up to some ten thousand sessions */

LIST_HEAD(session_list, session);
TAILQ_HEAD(session_queue, session);

struct sessions {
    struct session_limits limits;
    size_t count;
    size_t uploads; /* sessions with parts */
    uint64_t seed;
    struct session_list by_id[BUCKETS];
    struct session_list by_device[BUCKETS];
    struct session_queue
        pending; /* oldest first: one TTL for all, so this is the order of deadlines */
    struct session_queue settled;
};

enum att_err sessions_new(struct sessions **out, const struct session_limits *limits)
{
    struct sessions *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return ATT_E_NOMEM;
    if (limits->random(&t->seed, sizeof(t->seed)) != ATT_OK) {
        free(t);
        return ATT_E_CRYPTO;
    }
    t->limits = *limits;
    TAILQ_INIT(&t->pending);
    TAILQ_INIT(&t->settled);
    *out = t;
    return ATT_OK;
}

void sessions_free(struct sessions *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (!LIST_EMPTY(&t->by_id[i]))
            session_drop(t, LIST_FIRST(&t->by_id[i]));
    }
    free(t);
}

void sessions_freep(struct sessions **t)
{
    sessions_free(*t);
    *t = NULL;
}

size_t sessions_count(const struct sessions *t)
{
    return t->count;
}

/* Ids are random already: their first bytes are a hash. */
static struct session_list *id_bucket(struct sessions *t, const uint8_t *id)
{
    uint32_t h;

    memcpy(&h, id, sizeof(h));
    return &t->by_id[h % BUCKETS];
}

/* FNV-1a from a random start. Device ids are the operator's choice, not a stranger's. */
static struct session_list *device_bucket(struct sessions *t, const char *device_id)
{
    uint64_t h = t->seed ^ 14695981039346656037ULL;

    for (const char *c = device_id; *c != '\0'; c++)
        h = (h ^ (uint8_t)*c) * 1099511628211ULL;
    return &t->by_device[(h ^ (h >> 32)) % BUCKETS];
}

static struct session_queue *queue_of(struct sessions *t, const struct session *s)
{
    return s->phase == SESSION_SETTLED ? &t->settled : &t->pending;
}

static void forget_parts(struct sessions *t, struct session *s)
{
    t->uploads -= s->parts != NULL ? 1 : 0;
    att_buf_freep(&s->parts);
}

void session_drop(struct sessions *t, struct session *s)
{
    forget_parts(t, s);
    LIST_REMOVE(s, by_id);
    LIST_REMOVE(s, by_device);
    TAILQ_REMOVE(queue_of(t, s), s, by_time);
    att_buf_free(s->answer);
    att_wipe(s, sizeof(*s));
    free(s);
    t->count--;
}

static void expire_queue(struct sessions *t, struct session_queue *q, int64_t now_ms)
{
    struct session *s = TAILQ_FIRST(q);

    while (s != NULL && ATT_GUARD(SESSION_OLD, s->deadline_ms < now_ms)) {
        struct session *next = TAILQ_NEXT(s, by_time);

        if (s->phase != SESSION_DECIDING)
            session_drop(t, s);
        s = next;
    }
}

void sessions_expire(struct sessions *t, int64_t now_ms)
{
    expire_queue(t, &t->pending, now_ms);
    expire_queue(t, &t->settled, now_ms);
}

void sessions_drop_device(struct sessions *t, const char *device_id)
{
    struct session *s = LIST_FIRST(device_bucket(t, device_id));

    while (s != NULL) {
        struct session *next = LIST_NEXT(s, by_device);

        if (s->phase != SESSION_DECIDING && strcmp(s->device_id, device_id) == 0)
            session_drop(t, s);
        s = next;
    }
}

/* How many of a device are in a phase; the oldest of them. */
static size_t count_of(struct sessions *t, const char *device_id, enum session_phase phase,
                       struct session **oldest)
{
    struct session *s;
    size_t n = 0;

    LIST_FOREACH(s, device_bucket(t, device_id), by_device)
    {
        if (s->phase != phase || strcmp(s->device_id, device_id) != 0)
            continue;
        *oldest = s; /* new ones go to the head, so the last one met is the oldest */
        n++;
    }
    return n;
}

static enum att_err make_room(struct sessions *t, const char *device_id, struct att_diag *diag)
{
    struct session *oldest = NULL;

    if (count_of(t, device_id, SESSION_PENDING, &oldest) >= t->limits.per_device)
        return att_fail(diag, ATT_E_BUSY, ATT_R_RATE, "session",
                        "the gateway has %zu unanswered challenges", t->limits.per_device);
    if (t->count < t->limits.total)
        return ATT_OK;
    /* Outcomes are kept as a courtesy, challenges are owed. */
    if (TAILQ_EMPTY(&t->settled))
        return att_fail(diag, ATT_E_BUSY, ATT_R_RATE, "session",
                        "%zu challenges are unanswered in total", t->limits.total);
    session_drop(t, TAILQ_FIRST(&t->settled));
    return ATT_OK;
}

enum att_err session_open(struct session **out, struct sessions *t, const char *device_id,
                          int64_t now_ms, struct att_diag *diag)
{
    struct session *s;
    enum att_err err;
    size_t len = strlen(device_id);

    sessions_expire(t, now_ms);
    err = make_room(t, device_id, diag);
    if (err != ATT_OK)
        return err;
    if (len >= sizeof(s->device_id))
        return att_fail(diag, ATT_E_LIMIT, ATT_R_FMT_ID, "device_id", "the id is too long");
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "session", "memory ran out");
    err = t->limits.random(s->id, sizeof(s->id));
    if (err == ATT_OK)
        err = t->limits.random(s->nonce, sizeof(s->nonce));
    if (ATT_GUARD(NONCE_RANDOM, err != ATT_OK)) {
        free(s);
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "nonce", "no random bytes");
    }
    memcpy(s->device_id, device_id, len + 1);
    s->begun_ms = now_ms;
    s->opened_ms = now_ms;
    s->deadline_ms = now_ms + t->limits.ttl_ms;
    LIST_INSERT_HEAD(id_bucket(t, s->id), s, by_id);
    LIST_INSERT_HEAD(device_bucket(t, device_id), s, by_device);
    TAILQ_INSERT_TAIL(&t->pending, s, by_time);
    t->count++;
    *out = s;
    return ATT_OK;
}

static struct session *find(struct sessions *t, struct att_slice id)
{
    struct session *s;

    if (id.len != ATT_SESSION_LEN)
        return NULL;
    LIST_FOREACH(s, id_bucket(t, id.p), by_id)
    {
        if (memcmp(s->id, id.p, ATT_SESSION_LEN) == 0)
            return s;
    }
    return NULL;
}

static enum att_err check_owner(const struct session *s, const char *device_id,
                                struct att_diag *diag)
{
    if (ATT_GUARD(ID_SESSION_OWNER, strcmp(s->device_id, device_id) != 0))
        return att_fail(diag, ATT_E_DENIED, ATT_R_ID_CHANNEL, "session",
                        "the challenge was made for another gateway");
    return ATT_OK;
}

enum att_err session_claim(struct session **out, struct sessions *t, struct att_slice id,
                           const char *device_id, int64_t now_ms, struct att_diag *diag)
{
    struct session *s = find(t, id);
    enum att_err err;

    if (s == NULL)
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                        "there is no such challenge, or it is too old");
    err = check_owner(s, device_id, diag);
    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(Q_NONCE_USED, s->phase != SESSION_PENDING))
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_USED, "session",
                        "the challenge was answered before");
    if (ATT_GUARD(Q_NONCE_EXPIRED, s->deadline_ms < now_ms))
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                        "the answer came %lld ms too late", (long long)(now_ms - s->deadline_ms));
    *out = s;
    return ATT_OK;
}

enum att_err session_renew(struct sessions *t, struct session *s, struct att_buf *parts,
                           int64_t now_ms, struct att_diag *diag)
{
    uint8_t nonce[ATT_NONCE_LEN];

    if (ATT_GUARD(PARTS_UPLOADS, s->parts == NULL && t->uploads >= t->limits.uploads))
        return att_fail(diag, ATT_E_BUSY, ATT_R_RATE, "part",
                        "%zu long logs are on their way already", t->uploads);
    if (ATT_GUARD(PARTS_LIFE, now_ms - s->begun_ms > SESSION_LIVES * t->limits.ttl_ms))
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "part",
                        "the session is %lld ms old: ask again, and the list goes on",
                        (long long)(now_ms - s->begun_ms));
    if (t->limits.random(nonce, sizeof(nonce)) != ATT_OK)
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "nonce", "no random bytes");
    forget_parts(t, s);
    s->parts = parts;
    t->uploads++;
    memcpy(s->nonce, nonce, sizeof(s->nonce));
    s->has_context = false;
    s->opened_ms = now_ms;
    s->deadline_ms = now_ms + t->limits.ttl_ms;
    TAILQ_REMOVE(&t->pending, s, by_time);
    TAILQ_INSERT_TAIL(&t->pending, s, by_time);
    return ATT_OK;
}

struct session *session_with_parts(struct sessions *t, const char *device_id)
{
    struct session *s;

    LIST_FOREACH(s, device_bucket(t, device_id), by_device)
    {
        if (s->phase == SESSION_PENDING && s->parts != NULL && strcmp(s->device_id, device_id) == 0)
            return s;
    }
    return NULL;
}

void session_inherit(struct sessions *t, struct session *to, struct session *from)
{
    to->parts = from->parts;
    from->parts = NULL;
    session_drop(t, from);
}

void session_use(struct session *s)
{
    s->phase = SESSION_DECIDING;
}

void session_release(struct session *s)
{
    s->phase = SESSION_PENDING;
}

void session_settle(struct sessions *t, struct session *s, int http_status, struct att_buf *answer,
                    int64_t now_ms)
{
    struct session *oldest = NULL;

    if (count_of(t, s->device_id, SESSION_SETTLED, &oldest) >= t->limits.per_device)
        session_drop(t, oldest);
    forget_parts(t, s);
    TAILQ_REMOVE(&t->pending, s, by_time);
    s->phase = SESSION_SETTLED;
    s->http_status = http_status;
    s->answer = answer;
    s->deadline_ms = now_ms + t->limits.ttl_ms;
    TAILQ_INSERT_TAIL(&t->settled, s, by_time);
    /* To the head of its device's chain: the chain is in order of settling among the settled. */
    LIST_REMOVE(s, by_device);
    LIST_INSERT_HEAD(device_bucket(t, s->device_id), s, by_device);
}

enum att_err session_look(struct session **out, struct sessions *t, struct att_slice id,
                          const char *device_id, int64_t now_ms, struct att_diag *diag)
{
    struct session *s = find(t, id);
    enum att_err err;

    if (s == NULL || (s->deadline_ms < now_ms && s->phase != SESSION_DECIDING))
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_HTTP_ROUTE, "session",
                        "there is no such session");
    err = check_owner(s, device_id, diag);
    if (err != ATT_OK)
        return err;
    *out = s;
    return ATT_OK;
}
