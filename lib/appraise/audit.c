/* Entry by entry: form, key, signature, time, and what it says of gateways. */
#include "appraise/audit_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/offline.h"
#include "base/guard.h"
#include "base/wr.h"

enum att_err att_audit_new(struct att_audit **out, const struct att_anchors *anchors,
                           struct att_diag *diag)
{
    struct att_audit *a = calloc(1, sizeof(*a));

    if (a == NULL || att_hasher_new(&a->hasher) != ATT_OK) {
        att_audit_free(a);
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "audit", "no memory");
    }
    if (att_random(a->seed, sizeof(a->seed)) != ATT_OK) {
        att_audit_free(a);
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "audit", "no random bytes");
    }
    a->anchors = anchors;
    *out = a;
    return ATT_OK;
}

void att_audit_free(struct att_audit *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->signer_count; i++) {
        att_x5chain_close(&a->signer[i].chain);
        att_buf_free(a->signer[i].der);
    }
    audit_map_clear(&a->devices);
    audit_map_clear(&a->labels);
    free(a->device);
    att_hasher_free(a->hasher);
    free(a);
}

void att_audit_freep(struct att_audit **a)
{
    att_audit_free(*a);
    *a = NULL;
}

void att_audit_watch(struct att_audit *a, const struct att_audit_watch *watch)
{
    a->watch = *watch;
}

bool att_audit_revoke(struct att_audit *a, const char *origin, const struct att_revoked_key *rows,
                      size_t count)
{
    a->origin = origin;
    a->revoked = rows;
    a->revoked_count = count;
    for (size_t i = 0; i < a->signer_count; i++) {
        if (ATT_GUARD(AUDIT_RESUME_REVOKED,
                      audit_limit(a, a->signer[i].fingerprint) != a->signer[i].limit))
            return true;
    }
    return false;
}

uint64_t audit_limit(const struct att_audit *a, const uint8_t key[32])
{
    const struct att_revoked_key *k = att_revoked_find(a->revoked, a->revoked_count, key);

    if (k == NULL)
        return UINT64_MAX;
    return k->accept_before && strcmp(k->origin, a->origin) == 0 ? k->from : 0;
}

const struct att_audit_report *att_audit_report(const struct att_audit *a)
{
    return &a->r;
}

static void keep_finding(struct att_audit *a, const struct att_audit_finding *f)
{
    if (a->r.findings < ATT_AUDIT_KEPT)
        a->r.finding[a->r.findings] = *f;
    a->r.findings++;
}

void att_audit_find(struct att_audit *a, uint64_t index, const struct att_diag *why)
{
    struct att_audit_finding f = {.index = index, .err = why->err, .reason = why->reason};

    (void)snprintf(f.text, sizeof(f.text), "%s", why->text);
    keep_finding(a, &f);
}

void audit_found(struct att_audit *a, enum att_err err, enum att_reason reason, const char *fmt,
                 ...)
{
    struct att_audit_finding f = {.index = a->r.size, .err = err, .reason = reason};
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(f.text, sizeof(f.text), fmt, args);
    va_end(args);
    keep_finding(a, &f);
}

/* Errors that say nothing about the entry. */
static bool is_ours(enum att_err err)
{
    return err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_E_INTERNAL || err == ATT_E_IO;
}

/* What was found wrong becomes a finding; the rest is an error. */
static enum att_err as_finding(struct att_audit *a, enum att_err err, const struct att_diag *why)
{
    if (err == ATT_OK || is_ours(err))
        return err;
    att_audit_find(a, a->r.size, why);
    return ATT_OK;
}

/* --- label keys --- */

static enum att_err keep_der(struct audit_signer *s, const struct att_slice *der, size_t count)
{
    enum att_err err = att_buf_new(&s->der, ATT_ENTRY_MAX);

    for (size_t i = 0; err == ATT_OK && i < count; i++) {
        uint8_t len[2];
        struct att_wr w = att_wr_into(len, sizeof(len));

        if (der[i].len > UINT16_MAX)
            return ATT_E_LIMIT;
        att_wr_u16be(&w, (uint16_t)der[i].len);
        err = att_buf_add(s->der, len, sizeof(len));
        if (err == ATT_OK)
            err = att_buf_add_slice(s->der, der[i]);
    }
    return err;
}

static void drop_signer(struct audit_signer *s)
{
    att_x5chain_close(&s->chain);
    att_buf_freep(&s->der);
}

/* A key that nobody vouches for is counted, and signatures under it are checked all the same. */
enum att_err audit_introduce(struct att_audit *a, const struct att_slice *der, size_t count,
                             int64_t utc, struct att_diag *diag)
{
    struct audit_signer *s = &a->signer[a->signer_count];
    struct att_cose m = {.x5chain_count = count};
    struct att_diag why = {0};
    enum att_err err;

    if (a->signer_count == ATT_AUDIT_SIGNERS)
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "keys", "more than %d label keys",
                        ATT_AUDIT_SIGNERS);
    memcpy(m.x5chain, der, count * sizeof(*der));
    *s = (struct audit_signer){.utc = utc};
    err = att_x5chain_open(&s->chain, &m, diag);
    if (err == ATT_OK)
        err = att_pubkey_fingerprint(s->fingerprint, s->chain.key);
    if (err == ATT_OK)
        err = keep_der(s, der, count);
    if (err != ATT_OK) {
        drop_signer(s);
        return err;
    }
    a->signer_count++;
    a->r.keys = a->signer_count;
    err = att_x5chain_verify(&s->chain, a->anchors, utc, ATT_R_LBL_CHAIN, ATT_R_LBL_KEY, &why);
    if (ATT_GUARD(AUDIT_ANCHOR, err != ATT_OK) && !is_ours(err)) {
        a->r.unvouched_why = a->r.unvouched == 0 ? why : a->r.unvouched_why;
        a->r.unvouched++;
        return ATT_OK;
    }
    return err;
}

static const struct att_pubkey *find_key(const struct att_audit *a, const uint8_t fingerprint[32])
{
    for (size_t i = a->signer_count; i > 0; i--) {
        if (memcmp(a->signer[i - 1].fingerprint, fingerprint, 32) == 0)
            return a->signer[i - 1].chain.key;
    }
    return NULL;
}

bool audit_knows_key(const struct att_audit *a, const uint8_t fingerprint[32])
{
    return find_key(a, fingerprint) != NULL;
}

/* Signed well, and by whoever has the key now (C-19). */
static void check_revoked(struct att_audit *a, const struct att_entry *e)
{
    const struct att_revoked_key *k = att_revoked_find(a->revoked, a->revoked_count, e->key);

    if (ATT_GUARD(AUDIT_REVOKED, k != NULL && !att_revoked_still_counts(k, a->origin, a->r.size)))
        audit_found(a, ATT_E_STALE, ATT_R_LBL_REVOKED,
                    "expected a label key that counts here, found one that was revoked at entry "
                    "%" PRIu64 " of %.60s",
                    k->from, k->origin);
}

static enum att_err check_signature(struct att_audit *a, const struct att_entry *e)
{
    const struct att_pubkey *key = find_key(a, e->key);
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (key == NULL && e->message.x5chain_count > 0) {
        err = audit_introduce(a, e->message.x5chain, e->message.x5chain_count, e->iat, &why);
        if (err != ATT_OK)
            return as_finding(a, err, &why);
        key = find_key(a, e->key);
    }
    if (ATT_GUARD(AUDIT_KEY, key == NULL)) {
        audit_found(a, ATT_E_SIGNATURE, ATT_R_TL_SIGNATURE,
                    "expected a label key that an entry up to here introduced, found another");
        return ATT_OK;
    }
    check_revoked(a, e);
    err = att_entry_verify(e, key, &why);
    return as_finding(a, err, &why);
}

/* --- time and issuer --- */

static void check_time(struct att_audit *a, const struct att_entry *e)
{
    if (a->r.first_utc == 0)
        a->r.first_utc = e->iat;
    if (ATT_GUARD(AUDIT_TIME, e->iat < a->r.last_utc)) {
        audit_found(a, ATT_E_MISMATCH, ATT_R_CLK_BACK,
                    "expected a time not before %lld, found %lld", (long long)a->r.last_utc,
                    (long long)e->iat);
        return;
    }
    a->r.last_utc = e->iat;
}

static void check_issuer(struct att_audit *a, const struct att_entry *e)
{
    if (a->r.issuer[0] == '\0')
        (void)snprintf(a->r.issuer, sizeof(a->r.issuer), "%s", e->issuer);
    if (ATT_GUARD(AUDIT_ISSUER, strcmp(a->r.issuer, e->issuer) != 0))
        audit_found(a, ATT_E_MISMATCH, ATT_R_TL_ENTRY, "expected the issuer %.40s, found %.40s",
                    a->r.issuer, e->issuer);
}

static enum att_err watched(struct att_audit *a, const struct att_entry *e, struct att_diag *diag)
{
    enum att_err err = a->watch.entry(a->watch.ctx, a->r.size, e, diag);

    if (err == ATT_OK)
        a->r.size++;
    return err;
}

enum att_err att_audit_entry(struct att_audit *a, struct att_slice entry, struct att_diag *diag)
{
    struct att_diag why = {0};
    struct att_entry e;
    enum att_err err = att_entry_parse(&e, entry, &why);
    bool read = err == ATT_OK;

    err = as_finding(a, err, &why);
    if (read) {
        check_issuer(a, &e);
        check_time(a, &e);
        audit_keys(a, &e);
        err = check_signature(a, &e);
        if (err == ATT_OK)
            err = audit_outcome(a, &e);
        if (err == ATT_OK && a->watch.entry != NULL)
            return watched(a, &e, diag);
    }
    if (err != ATT_OK)
        return att_fail(diag, err, err == ATT_E_LIMIT ? ATT_R_LIM_SIZE : ATT_R_INTERNAL, "entry",
                        "entry %" PRIu64 ": %s", a->r.size, att_err_name(err));
    a->r.size++;
    return ATT_OK;
}
