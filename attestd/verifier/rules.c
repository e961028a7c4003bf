/* Which policy and reference values are in force, and from where they may come. */
#include "verifier/rules.h"

#include <string.h>

#include "base/file.h"
#include "crypto/digest.h"

/* folder NULL: nobody */
static enum att_err load_signers(struct att_signers **out, const char *folder,
                                 struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *s = NULL;
    enum att_err err = att_signers_new(&s);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "signers", "no memory");
    }
    if (folder != NULL) {
        err = att_signers_load(s, folder, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = s;
    s = NULL;
    return ATT_OK;
}

/* A signature speaks for itself; a file without one is as good as whoever can write it. */
static enum att_err read_policy(struct att_buf **out, const struct config *cfg,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    enum att_err err =
        att_file_read_careful(&b, cfg->policy, ATT_POLICY_FILE_MAX, ATT_FILE_NAMED, diag);

    if (err == ATT_OK && !att_document_is_signed(att_buf_slice(b))) {
        att_buf_freep(&b);
        err = att_file_read_careful(&b, cfg->policy, ATT_POLICY_FILE_MAX, ATT_FILE_OWNED, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}

enum att_err rules_load_policy(struct att_policy **out, const struct config *cfg,
                               struct att_policy_origin *origin, struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *signers = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    enum att_err err = load_signers(&signers, cfg->policy_signers, diag);

    if (err == ATT_OK) {
        err = read_policy(&file, cfg, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_policy_open(out, cfg->policy, att_buf_slice(file), signers,
                           cfg->insecure_unsigned_policy, origin, diag);
}

enum att_err rules_open_signed(struct att_policy **out, const struct config *cfg,
                               struct att_slice message, struct att_policy_origin *origin,
                               struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *signers = NULL;
    enum att_err err = load_signers(&signers, cfg->policy_signers, diag);

    return err == ATT_OK ? att_policy_open(out, "policy", message, signers, false, origin, diag)
                         : err;
}

enum att_err rules_load_refvals(struct att_refvals **out, const struct config *cfg,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;
    enum att_err err = ATT_OK;

    if (cfg->refvals != NULL) {
        err = att_refvals_map(&r, cfg->refvals, diag);
    }
    if (err == ATT_OK && r != NULL) {
        err = att_refvals_check(r, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = r;
    r = NULL;
    return ATT_OK;
}

enum att_err rules_load_notices(struct att_notices *out, const struct config *cfg,
                                struct att_diag *diag)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *signers = NULL;
    enum att_err err = load_signers(&signers, cfg->notice_signers, diag);

    return err == ATT_OK ? att_notices_load(out, cfg->notices, signers, diag) : err;
}

const uint8_t *rules_refvals_digest(const struct att_refvals *r)
{
    static const uint8_t none[32];

    return r == NULL ? none : att_refvals_digest(r);
}

const struct att_policy *rules_find(const struct att_policy *now, const struct rules_earlier *e,
                                    const uint8_t digest[32])
{
    if (att_digest_eq(now->digest, digest, 32)) {
        return now;
    }
    for (size_t i = 0; i < RULES_EARLIER && e->policy[i] != NULL; i++) {
        if (att_digest_eq(e->policy[i]->digest, digest, 32)) {
            return e->policy[i];
        }
    }
    return NULL;
}

void rules_advance(struct att_policy **now, struct rules_earlier *e, struct att_policy **next)
{
    att_policy_free(e->policy[RULES_EARLIER - 1]);
    memmove(&e->policy[1], &e->policy[0], (RULES_EARLIER - 1) * sizeof(e->policy[0]));
    e->policy[0] = *now;
    *now = *next;
    *next = NULL;
}

void rules_clear(struct rules_earlier *e)
{
    for (size_t i = 0; i < RULES_EARLIER; i++) {
        att_policy_freep(&e->policy[i]);
        att_refvals_freep(&e->refvals[i]);
        att_notices_clear(&e->notices[i]);
    }
}

static const struct att_notice *find_notice(const struct att_notices *all, const uint8_t *digest)
{
    return att_notices_find((const struct att_notice *const *)all->notice, all->count, digest);
}

const struct att_notice *rules_find_notice(const struct att_notices *now,
                                           const struct rules_earlier *e, const uint8_t digest[32])
{
    const struct att_notice *n = find_notice(now, digest);

    for (size_t i = 0; i < RULES_EARLIER && n == NULL; i++) {
        n = find_notice(&e->notices[i], digest);
    }
    return n;
}

void rules_advance_notices(struct att_notices *now, struct rules_earlier *e,
                           struct att_notices *next)
{
    att_notices_clear(&e->notices[RULES_EARLIER - 1]);
    memmove(&e->notices[1], &e->notices[0], (RULES_EARLIER - 1) * sizeof(e->notices[0]));
    e->notices[0] = *now;
    *now = *next;
    memset(next, 0, sizeof(*next));
}

bool rules_find_refvals(const struct att_refvals **out, const struct att_refvals *now,
                        const struct rules_earlier *e, const uint8_t digest[32])
{
    if (att_digest_eq(rules_refvals_digest(now), digest, 32)) {
        *out = now;
        return true;
    }
    for (size_t i = 0; i < RULES_EARLIER && e->refvals[i] != NULL; i++) {
        if (att_digest_eq(att_refvals_digest(e->refvals[i]), digest, 32)) {
            *out = e->refvals[i];
            return true;
        }
    }
    return false;
}

void rules_advance_refvals(struct att_refvals **now, struct rules_earlier *e,
                           struct att_refvals **next)
{
    att_refvals_free(e->refvals[RULES_EARLIER - 1]);
    memmove(&e->refvals[1], &e->refvals[0], (RULES_EARLIER - 1) * sizeof(e->refvals[0]));
    e->refvals[0] = *now;
    *now = *next;
    *next = NULL;
}

size_t rules_earlier_bytes(const struct rules_earlier *e)
{
    size_t bytes = 0;

    for (size_t i = 0; i < RULES_EARLIER && e->refvals[i] != NULL; i++) {
        bytes += att_refvals_bytes(e->refvals[i]);
    }
    return bytes;
}
