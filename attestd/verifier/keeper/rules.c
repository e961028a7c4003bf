/* What is in force: loaded, no policy older than one before it, and recorded when it changes. */
#include <stdio.h>
#include <string.h>

#include "base/guard.h"
#include "base/hex.h"
#include "base/rd.h"
#include "base/wr.h"
#include "common/log.h"
#include "keeper_internal.h"

#define META_RULES "policy" /* digests of policy and reference values, for the record of changes */
#define META_VERSION                                                                               \
    "policy_version" /* the highest version that was ever in force, and its digest */
#define VERSION_LEN (8 + 32)

static enum att_err load_refvals_digest(uint8_t out[32], const struct config *cfg,
                                        struct att_diag *diag)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;
    enum att_err err = rules_load_refvals(&r, cfg, diag);

    if (err == ATT_OK)
        memcpy(out, rules_refvals_digest(r), 32);
    return err;
}

/* "name@version, signed by 0123456789abcdef" */
static void describe(char *out, size_t cap, const struct att_policy *p,
                     const struct att_policy_origin *from)
{
    char kid[17];

    (void)snprintf(out, cap, "%s@%llu, %s%s", p->name, (unsigned long long)p->version,
                   from->is_signed ? "signed by " : "unsigned",
                   from->is_signed ? att_hex_encode(kid, sizeof(kid), att_slice_of(from->kid, 8))
                                   : "");
}

/*
 * Versions rise, whatever a policy is called: one sequence a verifier, so that no signed policy of another
 * name brings an older state back. Without a signature the operator is still writing it: the same version
 * may then change.
 */
static enum att_err check_version(struct keeper *k, const struct att_policy *p,
                                  const struct att_policy_origin *from, struct att_diag *diag)
{
    uint8_t room[VERSION_LEN];
    struct att_rd rd;
    uint64_t version = 0;
    const uint8_t *digest = NULL;
    size_t len = 0;
    bool same = false;
    char text[ATT_DIAG_TEXT];
    enum att_err err = store_meta_get(k->st, META_VERSION, room, sizeof(room), &len);

    if (err == ATT_E_NOT_FOUND)
        return ATT_OK;
    if (err != ATT_OK || len != sizeof(room))
        return att_fail(diag, ATT_E_FORMAT, ATT_R_ST_CORRUPT, META_VERSION, "it cannot be read");
    rd = att_rd_from(room, len);
    version = att_rd_u64be(&rd);
    digest = &room[8];
    same = memcmp(digest, p->digest, 32) == 0;
    if (ATT_GUARD(POLICY_ROLLBACK,
                  p->version < version || (p->version == version && !same && from->is_signed))) {
        describe(text, sizeof(text), p, from);
        return att_fail(diag, ATT_E_STALE, ATT_R_CFG_ROLLBACK, "policy",
                        "expected a version above %llu, found %s", (unsigned long long)version,
                        text);
    }
    return ATT_OK;
}

enum att_err keeper_may_follow(struct att_policy **out, struct keeper *k, struct att_slice message,
                               struct att_policy_origin *from, struct att_diag *diag)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *next = NULL;
    enum att_err err = rules_open_signed(&next, k->cfg, message, from, diag);

    if (err == ATT_OK)
        err = check_version(k, next, from, diag);
    if (err != ATT_OK)
        return err;
    *out = next;
    next = NULL;
    return ATT_OK;
}

static enum att_err write_version(struct keeper *k, const struct att_policy *p,
                                  struct att_diag *diag)
{
    uint8_t room[VERSION_LEN];
    struct att_wr w = att_wr_into(room, sizeof(room));

    att_wr_u64be(&w, p->version);
    att_wr_bytes(&w, p->digest, 32);
    return store_meta_put(k->st, META_VERSION, att_slice_of(room, sizeof(room)), diag);
}

/* Under its digest, for whoever repeats a decision of its time. */
static enum att_err keep_policy(struct keeper *k, const struct att_policy *p, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    enum att_err err = att_policy_encode(&bytes, p);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "policy", "it cannot be encoded");
    return store_policy_put(k->st, p->digest, att_buf_slice(bytes), diag);
}

static enum att_err record(struct keeper *k, const struct att_policy *p,
                           const struct att_policy_origin *from, const uint8_t refvals[32],
                           struct att_diag *diag)
{
    struct store_outcome o = {.utc = k->opt.utc_s(), .kind = STORE_KIND_POLICY, .has_rules = true};
    uint8_t now[64];
    enum att_err err;

    memcpy(o.policy, p->digest, sizeof(o.policy));
    memcpy(o.refvals, refvals, sizeof(o.refvals));
    memcpy(now, p->digest, 32);
    memcpy(&now[32], refvals, 32);
    describe(o.detail, sizeof(o.detail), p, from);
    err = store_outcome_append(&o.index, k->st, &o, diag);
    if (err == ATT_OK)
        err = keep_policy(k, p, diag);
    if (err == ATT_OK)
        err = store_meta_put(k->st, META_RULES, att_slice_of(now, sizeof(now)), diag);
    if (err == ATT_OK)
        err = write_version(k, p, diag);
    return err;
}

/* What comes into force; policy NULL: it and the reference values are as before. */
struct coming {
    const struct att_policy *policy;
    const struct att_policy_origin *from;
    const uint8_t *refvals;
    const struct att_notices *notices;
};

/* An auditor sees when other rules came into force. */
static enum att_err record_now(struct keeper *k, const struct coming *c, struct att_diag *diag)
{
    enum att_err err = store_begin(k->st, diag);

    if (err != ATT_OK)
        return err;
    if (c->policy != NULL)
        err = record(k, c->policy, c->from, c->refvals, diag);
    if (err == ATT_OK)
        err = keeper_note_notices(k, c->notices, diag);
    if (err == ATT_OK)
        return keeper_commit(k, diag);
    keeper_rollback(k);
    return err;
}

enum att_err keeper_note_refusal(struct keeper *k, const struct att_diag *why,
                                 struct att_diag *diag)
{
    char detail[STORE_DETAIL_MAX];

    (void)snprintf(detail, sizeof(detail), "not loaded: %.*s", (int)sizeof(detail) - 16, why->text);
    return keeper_note(k, STORE_KIND_POLICY, "", att_reason_code(why->reason), detail, diag);
}

/* In a transaction of its own. */
static void record_refusal(struct keeper *k, const struct att_diag *why)
{
    struct att_diag diag = {0};
    enum att_err err = store_begin(k->st, &diag);

    if (err == ATT_OK) {
        err = keeper_note_refusal(k, why, &diag);
        if (err == ATT_OK)
            err = keeper_commit(k, &diag);
        else
            keeper_rollback(k);
    }
    if (err != ATT_OK)
        log_diag(LOG_LEVEL_ERROR, "policy.record", &diag);
}

enum att_err keeper_load_rules(struct keeper *k, struct att_diag *diag)
{
    enum att_err err = rules_load_policy(&k->policy, k->cfg, &k->origin, diag);

    if (err == ATT_OK)
        err = load_refvals_digest(k->refvals_digest, k->cfg, diag);
    if (err == ATT_OK)
        err = rules_load_notices(&k->notices, k->cfg, diag);
    if (err != ATT_OK)
        record_refusal(k, diag);
    return err;
}

enum att_err keeper_note_rules(struct keeper *k, struct att_diag *diag)
{
    uint8_t before[64] = {0};
    size_t len = 0;
    bool same = false;
    enum att_err err = check_version(k, k->policy, &k->origin, diag);

    if (err != ATT_OK) {
        record_refusal(k, diag);
        return err;
    }
    err = store_meta_get(k->st, META_RULES, before, sizeof(before), &len);
    if (err != ATT_OK && err != ATT_E_NOT_FOUND)
        return att_fail(diag, err, ATT_R_ST_CORRUPT, META_RULES, "it cannot be read");
    same = err == ATT_OK && len == sizeof(before) && memcmp(k->policy->digest, before, 32) == 0 &&
           memcmp(k->refvals_digest, &before[32], 32) == 0;
    return record_now(k,
                      &(struct coming){.policy = same ? NULL : k->policy,
                                       .from = &k->origin,
                                       .refvals = k->refvals_digest,
                                       .notices = &k->notices},
                      diag);
}

/* What stands in the files, into *next when it may follow what is in force. */
static enum att_err load_next(struct next_rules *next, struct keeper *k, struct att_diag *diag)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *policy = NULL;
    enum att_err err = rules_load_policy(&policy, k->cfg, &next->origin, diag);

    if (err == ATT_OK)
        err = check_version(k, policy, &next->origin, diag);
    if (err == ATT_OK)
        err = load_refvals_digest(next->refvals_digest, k->cfg, diag);
    if (err == ATT_OK)
        err = rules_load_notices(&next->notices, k->cfg, diag);
    if (err != ATT_OK)
        return err;
    next->other_notices = !att_notices_equal(&next->notices, &k->notices);
    next->other_rules = memcmp(next->refvals_digest, k->refvals_digest, 32) != 0;
    if (memcmp(policy->digest, k->policy->digest, 32) != 0) {
        next->other_rules = true;
        next->policy = policy;
        policy = NULL;
    }
    return ATT_OK;
}

void keeper_drop_next(struct keeper *k)
{
    att_policy_freep(&k->next.policy);
    att_notices_clear(&k->next.notices);
    k->next.other_rules = false;
    k->next.other_notices = false;
}

enum att_err keeper_prepare_rules(struct keeper *k, bool *changed, struct att_diag *diag)
{
    ATT_CLEANUP(ek_trust_clear) struct ek_trust trust = {0};
    struct next_rules next = {0};
    enum att_err err = ek_trust_load(&trust, k->cfg, diag);

    if (err == ATT_OK)
        err = load_next(&next, k, diag);
    keeper_drop_next(k);
    k->next = next;
    if (err != ATT_OK) {
        record_refusal(k, diag);
        return err;
    }
    ek_trust_clear(&k->trust);
    k->trust = trust;
    trust = (struct ek_trust){0};
    keeper_rejudge_begin(k);
    *changed = next.other_rules || next.other_notices;
    return ATT_OK;
}

bool keeper_reload_wanted(struct keeper *k)
{
    bool wanted = k->reload_wanted;

    k->reload_wanted = false;
    return wanted;
}

enum att_err keeper_switch_rules(struct keeper *k, struct att_diag *diag)
{
    struct next_rules *next = &k->next;
    char text[STORE_DETAIL_MAX];
    char hex[65];
    struct coming c = {.refvals = next->refvals_digest, .notices = &next->notices};
    enum att_err err;

    if (!next->other_rules && !next->other_notices)
        return ATT_OK;
    if (next->other_rules) {
        c.policy = next->policy != NULL ? next->policy : k->policy;
        c.from = next->policy != NULL ? &next->origin : &k->origin;
    }
    err = record_now(k, &c, diag);
    if (err != ATT_OK)
        return err;
    if (next->policy != NULL) {
        rules_advance(&k->policy, &k->earlier, &next->policy);
        k->origin = next->origin;
    }
    memcpy(k->refvals_digest, next->refvals_digest, sizeof(k->refvals_digest));
    att_notices_clear(&k->notices);
    k->notices = next->notices;
    memset(&next->notices, 0, sizeof(next->notices));
    keeper_drop_next(k);
    describe(text, sizeof(text), k->policy, &k->origin);
    log_line(LOG_LEVEL_INFO, "policy.loaded", "policy=\"%s\" refvals=%s notices=%zu", text,
             att_hex_encode(hex, sizeof(hex), att_slice_of(k->refvals_digest, 32)),
             k->notices.count);
    return ATT_OK;
}
