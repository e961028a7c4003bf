/* Sealing, shares and sweeping. */
#include "archive.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/guard.h"
#include "base/wr.h"
#include "crypto/digest.h"

#define META_KEY  "evidence_key" /* in the database: tells one key from another, and no more */
#define PURPOSE   "attestd evidence 1"
#define AAD_MAX   (sizeof(PURPOSE) + 8 + STORE_ID_MAX)
#define SWEEP_MAX 256 /* rows of one sweep: the keeper answers in between */
#define MAKE_ROOM 64  /* rows that one new record pushes out at most */
#define MS_PER_S  1000

enum att_err archive_key_make(const char *path, struct att_diag *diag)
{
    uint8_t key[ATT_AEAD_KEY_LEN];
    enum att_err err = att_random(key, sizeof(key));

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_RNG, "evidence.key", "no random bytes");
    err = att_file_write(path, att_slice_of(key, sizeof(key)), 0600, diag);
    att_wipe(key, sizeof(key));
    return err;
}

enum att_err archive_open(struct archive *out, const struct config_evidence *limits,
                          struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err =
        att_file_read_careful(&file, limits->key, sizeof(out->key), ATT_FILE_SECRET, diag);

    if (err == ATT_E_LIMIT || (err == ATT_OK && att_buf_len(file) != sizeof(out->key)))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_CFG_KEY, "evidence.key",
                        "expected %zu bytes, as attestd init makes them", sizeof(out->key));
    if (err != ATT_OK)
        return err;
    memcpy(out->key, att_buf_slice(file).p, sizeof(out->key));
    out->limits = limits;
    return ATT_OK;
}

void archive_close(struct archive *a)
{
    att_wipe(a->key, sizeof(a->key));
}

enum att_err archive_check(const struct archive *a, struct store *st, bool remember,
                           struct att_diag *diag)
{
    static const char purpose[] = "attestd evidence key 1";
    struct att_slice part = att_slice_str(purpose);
    uint8_t now[32];
    uint8_t before[32];
    size_t len = 0;
    enum att_err err =
        att_hmac(ATT_HASH_SHA256, att_slice_of(a->key, sizeof(a->key)), &part, 1, now);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "evidence.key", "hashing failed");
    err = store_meta_get(st, META_KEY, before, sizeof(before), &len);
    if (err == ATT_E_NOT_FOUND)
        return remember ? store_meta_put(st, META_KEY, att_slice_of(now, sizeof(now)), diag)
                        : ATT_OK;
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, META_KEY, "it cannot be read");
    if (ATT_GUARD(ARCHIVE_KEY, len != sizeof(now) || !att_digest_eq(now, before, sizeof(now))))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_KEY_EVIDENCE, "evidence.key",
                        "it is not the key that the evidence in the database is sealed with");
    return ATT_OK;
}

/* What a sealed record is bound to, and the key of its own. */
struct binding {
    uint8_t aad[AAD_MAX];
    size_t aad_len;
    uint8_t key[ATT_AEAD_KEY_LEN];
};

static enum att_err bind(struct binding *b, const struct archive *a, int64_t outcome,
                         const char *device)
{
    struct att_wr w = att_wr_into(b->aad, sizeof(b->aad));
    struct att_slice aad;
    enum att_err err;

    att_wr_slice(&w, att_slice_str(PURPOSE));
    att_wr_u64be(&w, (uint64_t)outcome);
    att_wr_slice(&w, att_slice_str(device));
    err = att_wr_done(&w, &aad);
    if (err != ATT_OK)
        return err;
    b->aad_len = aad.len;
    return att_hmac(ATT_HASH_SHA256, att_slice_of(a->key, sizeof(a->key)), &aad, 1, b->key);
}

static void binding_clear(struct binding *b)
{
    att_wipe(b->key, sizeof(b->key));
}

enum att_err archive_put(const struct archive *a, struct store *st, const struct store_evidence *e,
                         const char *device, struct att_slice record, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    ATT_CLEANUP(binding_clear) struct binding b;
    enum att_err err = bind(&b, a, e->outcome, device);

    if (err == ATT_OK)
        err = att_buf_new(&sealed, record.len + ATT_AEAD_OVERHEAD);
    if (err == ATT_OK)
        err = att_aead_seal(sealed, b.key, att_slice_of(b.aad, b.aad_len), record);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "evidence", "it cannot be sealed: %s",
                        att_err_name(err));
    return store_evidence_put(st, e, att_buf_slice(sealed), diag);
}

enum att_err archive_make_room(size_t *dropped, const struct archive *a, struct store *st,
                               int64_t enrolment, struct att_diag *diag)
{
    struct store_evidence old[MAKE_ROOM];
    int64_t share = (int64_t)a->limits->per_gateway;
    size_t count = 0;
    size_t n = 0;
    int64_t kept = 0;
    enum att_err err = store_evidence_kept(&kept, st, enrolment);

    if (err == ATT_OK && ATT_GUARD(ARCHIVE_SHARE, kept > share))
        err = store_evidence_oldest(old, MAKE_ROOM, &count, st, enrolment);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "evidence",
                        "what is kept of one gateway cannot be counted");
    while (n + 1 < count && kept > share) {
        err = store_evidence_drop(st, &old[n], STORE_DROPPED_GATEWAY, diag);
        if (err != ATT_OK)
            return err;
        kept -= old[n++].size;
    }
    *dropped = n;
    return ATT_OK;
}

enum att_err archive_get(struct att_buf *out, const struct archive *a, struct store *st,
                         int64_t outcome, const char *device, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    ATT_CLEANUP(binding_clear) struct binding b;
    enum store_dropped dropped = STORE_DROPPED_NOT;
    enum att_err err = att_buf_new(&sealed, STORE_BYTES_MAX);

    if (err == ATT_OK)
        err = bind(&b, a, outcome, device);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_NOMEM, "evidence", "memory ran out");
    err = store_evidence_get(&dropped, sealed, st, outcome);
    if (err == ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_EVIDENCE_NONE, "outcome",
                        "outcome %lld was not decided from evidence", (long long)outcome);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "evidence", "it cannot be read");
    if (dropped != STORE_DROPPED_NOT)
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_EVIDENCE_DROPPED, "outcome",
                        "the evidence of outcome %lld is not kept any more: %s", (long long)outcome,
                        store_dropped_name(dropped));
    err = att_aead_open(out, b.key, att_slice_of(b.aad, b.aad_len), att_buf_slice(sealed));
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "evidence",
                        "outcome %lld: sealed with another key, or damaged", (long long)outcome);
    return ATT_OK;
}

/* How many of the oldest rows must go, and why the first of them. */
static size_t choose(enum store_dropped why[SWEEP_MAX], const struct archive *a,
                     const struct store_evidence *old, size_t count, int64_t size, int64_t now_utc)
{
    int64_t aged_utc = now_utc - a->limits->keep_ms / MS_PER_S;

    for (size_t i = 0; i < count; i++) {
        if (ATT_GUARD(ARCHIVE_AGE, old[i].utc <= aged_utc))
            why[i] = STORE_DROPPED_AGE;
        else if (ATT_GUARD(ARCHIVE_DATABASE, size > (int64_t)a->limits->database))
            why[i] = STORE_DROPPED_DATABASE;
        else
            return i;
        size -= old[i].size;
    }
    return count;
}

static enum att_err drop_all(struct store *st, const struct store_evidence *old,
                             const enum store_dropped *why, size_t count, struct att_diag *diag)
{
    enum att_err err = store_begin(st, diag);

    if (err != ATT_OK)
        return err;
    for (size_t i = 0; i < count && err == ATT_OK; i++)
        err = store_evidence_drop(st, &old[i], why[i], diag);
    if (err == ATT_OK)
        return store_commit(st, diag);
    store_rollback(st);
    return err;
}

enum att_err archive_sweep(size_t *count, const struct archive *a, struct store *st,
                           int64_t now_utc, struct att_diag *diag)
{
    struct store_evidence old[SWEEP_MAX];
    enum store_dropped why[SWEEP_MAX];
    int64_t size = 0;
    size_t n = 0;
    enum att_err err = store_size(&size, st);

    /* Mostly nothing is due, and the oldest row alone says so. */
    if (err == ATT_OK)
        err = store_evidence_oldest(old, 1, &n, st, 0);
    if (err == ATT_OK && choose(why, a, old, n, size, now_utc) > 0)
        err = store_evidence_oldest(old, SWEEP_MAX, &n, st, 0);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, "evidence", "it cannot be counted");
    n = choose(why, a, old, n, size, now_utc);
    if (n > 0)
        err = drop_all(st, old, why, n, diag);
    if (err != ATT_OK)
        return err;
    *count = n;
    return ATT_OK;
}
