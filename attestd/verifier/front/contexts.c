/*
 * Contexts that wait for their evidence, so that the keeper is asked once less for each attestation. A
 * context is given out once; whatever is wrong with it by then is found by the keeper, which judges the
 * session again before it decides.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "verifier/front/front.h"

#define BYTES_MAX ((size_t)32 * 1024 * 1024) /* of all contexts together; the oldest go */

void contexts_init(struct contexts *t)
{
    for (size_t i = 0; i < KEPT_BUCKETS; i++) {
        LIST_INIT(&t->bucket[i]);
    }
    TAILQ_INIT(&t->ages);
    t->bytes = 0;
}

static size_t weight(const struct kept *e)
{
    return sizeof(*e) + att_buf_len(e->sealed);
}

/* Unlink; the context is the caller's. */
static struct att_buf *unlink_kept(struct contexts *t, struct kept *e)
{
    struct att_buf *sealed = e->sealed;

    t->bytes -= weight(e);
    LIST_REMOVE(e, by_session);
    TAILQ_REMOVE(&t->ages, e, by_age);
    free(e);
    return sealed;
}

void contexts_free(struct contexts *t)
{
    while (!TAILQ_EMPTY(&t->ages)) {
        att_buf_free(unlink_kept(t, TAILQ_FIRST(&t->ages)));
    }
}

/* Sessions are random, so any of their bytes will do. */
static struct kept_bucket *bucket_of(struct contexts *t, const uint8_t session[ATT_SESSION_LEN])
{
    return &t->bucket[((size_t)session[0] | (size_t)session[1] << 8) % KEPT_BUCKETS];
}

static void forget_old(struct contexts *t, int64_t now_ms)
{
    struct kept *e = TAILQ_FIRST(&t->ages);

    while (e != NULL && (e->until_ms < now_ms || t->bytes > BYTES_MAX)) {
        att_buf_free(unlink_kept(t, e));
        e = TAILQ_FIRST(&t->ages);
    }
}

/* The session is the last part of the Location. */
static bool session_of(uint8_t out[ATT_SESSION_LEN], struct att_slice path)
{
    size_t len = 0;

    if (path.len < 2 * ATT_SESSION_LEN) {
        return false;
    }
    return att_hex_decode(out, ATT_SESSION_LEN, &len,
                          (const char *)path.p + path.len - 2 * ATT_SESSION_LEN,
                          2 * ATT_SESSION_LEN) == ATT_OK;
}

void contexts_keep(struct contexts *t, const struct exchange *ex, const struct msg *done)
{
    int64_t now_ms = att_clock_mono_ms();
    struct kept *e = NULL;

    forget_old(t, now_ms);
    if (done->sealed.len == 0) {
        return;
    }
    e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return;
    }
    if (!session_of(e->session, done->path) ||
        att_buf_new(&e->sealed, done->sealed.len) != ATT_OK ||
        att_buf_add_slice(e->sealed, done->sealed) != ATT_OK) {
        att_buf_free(e->sealed);
        free(e);
        return;
    }
    e->peer = *gate_identity(ex->conn);
    e->until_ms = now_ms + ex->front->cfg->nonce_ttl_ms;
    LIST_INSERT_HEAD(bucket_of(t, e->session), e, by_session);
    TAILQ_INSERT_TAIL(&t->ages, e, by_age);
    t->bytes += weight(e);
}

static bool same_peer(const struct msg_peer *a, const struct msg_peer *b)
{
    return a->known && b->known && strcmp(a->device_id, b->device_id) == 0 &&
           memcmp(a->key_digest, b->key_digest, sizeof(a->key_digest)) == 0;
}

struct att_buf *contexts_take(struct contexts *t, const uint8_t session[ATT_SESSION_LEN],
                              const struct msg_peer *peer)
{
    struct kept *e = NULL;

    forget_old(t, att_clock_mono_ms());
    LIST_FOREACH(e, bucket_of(t, session), by_session)
    {
        if (memcmp(e->session, session, ATT_SESSION_LEN) == 0) {
            return same_peer(&e->peer, peer) ? unlink_kept(t, e) : NULL;
        }
    }
    return NULL;
}
