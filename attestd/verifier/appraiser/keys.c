/* Attestation keys by the digest of their public area; the one used longest ago makes room. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/guard.h"
#include "crypto/digest.h"
#include "verifier/appraiser/appraiser.h"

struct entry {
    TAILQ_ENTRY(entry) age;
    LIST_ENTRY(entry) hash;
    uint8_t digest[32];
    struct att_ak value;
};
LIST_HEAD(entry_bucket, entry);

struct key_cache {
    size_t room, used;
    size_t mask;
    struct entry_bucket *bucket;
    TAILQ_HEAD(entry_ages, entry) ages; /* used last first */
};

enum att_err key_cache_new(struct key_cache **out, size_t room)
{
    struct key_cache *c = calloc(1, sizeof(*c));
    size_t buckets = 64;

    if (c == NULL) {
        return ATT_E_NOMEM;
    }
    while (buckets < room) {
        buckets *= 2;
    }
    c->bucket = calloc(buckets, sizeof(*c->bucket));
    if (c->bucket == NULL) {
        free(c);
        return ATT_E_NOMEM;
    }
    c->room = room;
    c->mask = buckets - 1;
    TAILQ_INIT(&c->ages);
    *out = c;
    return ATT_OK;
}

static void drop(struct key_cache *c, struct entry *e)
{
    TAILQ_REMOVE(&c->ages, e, age);
    LIST_REMOVE(e, hash);
    att_ak_clear(&e->value);
    free(e);
    c->used--;
}

void key_cache_free(struct key_cache *c)
{
    if (c == NULL) {
        return;
    }
    while (!TAILQ_EMPTY(&c->ages)) {
        drop(c, TAILQ_FIRST(&c->ages));
    }
    free(c->bucket);
    free(c);
}

static struct entry_bucket *bucket_of(struct key_cache *c, const uint8_t digest[32])
{
    size_t h = (size_t)digest[0] | (size_t)digest[1] << 8 | (size_t)digest[2] << 16;

    return &c->bucket[h & c->mask];
}

static enum att_err add(struct entry **out, struct key_cache *c, struct att_slice ak_public,
                        struct att_diag *diag)
{
    struct entry *e = calloc(1, sizeof(*e));
    enum att_err err = ATT_OK;

    if (e == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "attestation key", "no memory");
    }
    err = att_ak_parse(&e->value, ak_public, diag);
    if (err != ATT_OK) {
        free(e);
        return err;
    }
    if (c->used == c->room) {
        drop(c, TAILQ_LAST(&c->ages, entry_ages));
    }
    *out = e;
    return ATT_OK;
}

enum att_err key_cache_get(const struct att_ak **out, struct key_cache *c,
                           struct att_slice ak_public, struct att_diag *diag)
{
    uint8_t digest[32];
    struct entry_bucket *bucket = NULL;
    struct entry *e = NULL;
    enum att_err err = att_sha256(ak_public, digest);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "attestation key", "cannot hash it");
    }
    bucket = bucket_of(c, digest);
    LIST_FOREACH(e, bucket, hash)
    {
        if (memcmp(e->digest, digest, sizeof(digest)) == 0) {
            TAILQ_REMOVE(&c->ages, e, age);
            TAILQ_INSERT_HEAD(&c->ages, e, age);
            *out = &e->value;
            return ATT_OK;
        }
    }
    err = add(&e, c, ak_public, diag);
    if (err != ATT_OK) {
        return err;
    }
    memcpy(e->digest, digest, sizeof(digest));
    LIST_INSERT_HEAD(bucket, e, hash);
    TAILQ_INSERT_HEAD(&c->ages, e, age);
    c->used++;
    *out = &e->value;
    return ATT_OK;
}
