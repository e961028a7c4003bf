/*
 * Own items against reference values, and the deviations of all logs.
 *
 * The latest item of a name counts: a repair clears the deviation that a change made. What deviates is
 * kept in the carry, so the next attestation needs only the new part of the log.
 */
#include "appraise/items_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "base/rd.h"
#include "crypto/digest.h"
#include "tcg/ownlog.h"

#define STANDING_MAX 2048 /* deviations worked with: searching them is linear */

/* The first rule that covers a name, or NULL; *at is its index. */
static const struct att_requirement *rule_for(const struct att_policy *p, struct att_slice name,
                                              uint32_t *at)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->requirement[i].predicate == ATT_PRED_OWN_ITEMS &&
            att_requirement_covers(&p->requirement[i], name)) {
            *at = (uint32_t)i;
            return &p->requirement[i];
        }
    }
    return NULL;
}

enum att_err att_judging_hash(struct att_slice name, uint64_t *out)
{
    uint8_t digest[32];
    struct att_rd rd;
    enum att_err err = att_sha256(name, digest);

    if (err != ATT_OK) {
        return err;
    }
    rd = att_rd_from(digest, sizeof(digest));
    *out = att_rd_u64be(&rd);
    return ATT_OK;
}

/*
 * Which deviations replace one another. What firmware and kernel logged is history: no later item of the agent's
 * log repairs it, whatever its name hashes to; and what stands against one predicate is its own.
 */
static uint32_t kind_of(const struct judging *j, const struct att_deviation *d)
{
    switch (d->reason) {
    case ATT_R_LOG_ORDER:
    case ATT_R_LOG_DIGEST:
    case ATT_R_LOG_BOOT_ERROR:
    case ATT_R_LOG_AGGREGATE:
    case ATT_R_LOG_PCR:
        return 1;
    default:
        break;
    }
    if (d->requirement < j->policy->count) {
        enum att_predicate p = j->policy->requirement[d->requirement].predicate;

        return p == ATT_PRED_IMA_FILES || p == ATT_PRED_IMA_SIGNED ? 1 : 0;
    }
    return d->requirement == UINT32_MAX ? 0 : 2 + d->requirement;
}

void att_judging_forget(struct judging *j, const struct att_deviation *d)
{
    for (size_t i = 0; i < j->standing_count; i++) {
        if (j->standing[i].name_hash == d->name_hash &&
            kind_of(j, &j->standing[i]) == kind_of(j, d)) {
            j->standing[i] = j->standing[j->standing_count - 1];
            j->standing_count--;
            return;
        }
    }
}

static enum att_err grow(struct judging *j)
{
    size_t room = j->standing_room * 2;
    struct att_deviation *more = realloc(j->standing, room * sizeof(*more));

    if (more == NULL) {
        return ATT_E_NOMEM;
    }
    j->standing = more;
    j->standing_room = room;
    return ATT_OK;
}

enum att_err att_judging_remember(struct judging *j, const struct att_deviation *d)
{
    enum att_err err = ATT_OK;

    att_judging_forget(j, d);
    if (j->standing_count >= STANDING_MAX) {
        j->lost = true;
        return ATT_OK;
    }
    if (j->standing_count == j->standing_room) {
        err = grow(j);
    }
    if (err == ATT_OK) {
        j->standing[j->standing_count++] = *d;
    }
    return err;
}

enum att_err att_judging_deviates(struct judging *j, struct att_deviation *d)
{
    char key[ATT_RESULT_NAME_MAX + 64];
    enum att_err err = ATT_OK;

    (void)snprintf(key, sizeof(key), "%s %s", att_reason_code(d->reason), d->name);
    err = att_judging_hash(att_slice_str(key), &d->name_hash);
    return err == ATT_OK ? att_judging_remember(j, d) : err;
}

enum att_err att_judging_start(struct judging *j)
{
    const struct att_carry *c = &j->out->carry;

    j->standing = calloc(ATT_DEVIATIONS_MAX, sizeof(*j->standing));
    if (j->standing == NULL) {
        return ATT_E_NOMEM;
    }
    j->standing_room = ATT_DEVIATIONS_MAX;
    j->standing_count = c->deviation_count;
    j->lost = c->overflow; /* of a part that was judged before */
    memcpy(j->standing, c->deviation, c->deviation_count * sizeof(*j->standing));
    return ATT_OK;
}

void att_judging_end(struct judging *j)
{
    struct att_carry *c = &j->out->carry;
    size_t kept = j->standing_count < ATT_DEVIATIONS_MAX ? j->standing_count : ATT_DEVIATIONS_MAX;

    if (j->standing != NULL) {
        memcpy(c->deviation, j->standing, kept * sizeof(*j->standing));
        c->deviation_count = (uint32_t)kept;
        c->overflow = j->lost || j->standing_count > kept;
    }
    free(j->standing);
    j->standing = NULL;
    att_complete_free(j);
}

static void note_digests(struct att_deviation *d, const uint8_t *expected, const uint8_t *found)
{
    if (expected != NULL) {
        d->has_expected = true;
        memcpy(d->expected, expected, 32);
    }
    if (found != NULL) {
        d->has_found = true;
        memcpy(d->found, found, 32);
    }
}

struct att_slice att_judging_spelled(uint8_t room[ATT_JUDGING_NAME_ROOM], struct att_slice name,
                                     bool link)
{
    static const size_t PREFIX = sizeof(ATT_LINK_PREFIX) - 1;

    if (!link) {
        return name;
    }
    memcpy(room, ATT_LINK_PREFIX, PREFIX);
    memcpy(room + PREFIX, name.p, name.len);
    return att_slice_of(room, PREFIX + name.len);
}

static enum att_err look_as(struct att_refvals_found *out, const struct judging *j,
                            const struct att_own_item *item, bool link)
{
    uint8_t room[ATT_JUDGING_NAME_ROOM];

    return att_refvals_look(out, j->refvals, att_judging_spelled(room, item->name, link),
                            item->digest);
}

/*
 * What is listed for an item; when that is another kind of thing at the same path, nothing of it is the same.
 * *link: it is listed as a link.
 */
static enum att_err look(struct att_refvals_found *out, bool *link, const struct judging *j,
                         const struct att_own_item *item)
{
    enum att_err err = ATT_OK;

    *link = item->type == ATT_OWN_LINK;
    if (j->refvals == NULL) {
        return ATT_OK;
    }
    err = look_as(out, j, item, *link);
    if (err != ATT_OK || out->count > 0) {
        return err;
    }
    err = look_as(out, j, item, !*link);
    *link = out->count > 0 ? !*link : *link;
    out->same = false;
    return err;
}

/* What is wrong with an item under a rule: NONE when nothing is. Fills the digests of d. */
static enum att_reason judge_listed(const struct att_own_item *item,
                                    const struct att_requirement *rule,
                                    const struct att_refvals_found *listed, struct att_deviation *d)
{
    d->severity = rule->severity;
    if (item->type == ATT_OWN_UNREADABLE) {
        return ATT_R_REF_UNREADABLE;
    }
    if (item->type == ATT_OWN_ABSENT) {
        note_digests(d, listed->first, NULL);
        return listed->count > 0 ? ATT_R_REF_ABSENT : ATT_R_NONE;
    }
    if (listed->count > 0) {
        if (!ATT_GUARD(REF_MISMATCH, !listed->same)) {
            return ATT_R_NONE;
        }
        note_digests(d, listed->first, item->digest);
        return ATT_R_REF_MISMATCH;
    }
    if (!ATT_GUARD(REF_UNLISTED, rule->unlisted != ATT_SEVERITY_IGNORE)) {
        return ATT_R_NONE;
    }
    d->severity = rule->unlisted > rule->severity ? rule->unlisted : rule->severity;
    note_digests(d, NULL, item->digest);
    return ATT_R_REF_UNLISTED;
}

/*
 * A path is spelt in two ways, as a file and as a link, and at most one of them is there. What is there decides, and
 * where nothing is, the one that the reference values list; the other is gone, which counts as shown.
 */
static enum att_window_says notices_say(struct judging *j, const struct att_own_item *item,
                                        bool listed_as_link)
{
    const bool link = item->digest != NULL ? item->type == ATT_OWN_LINK : listed_as_link;
    uint8_t room[ATT_JUDGING_NAME_ROOM];
    enum att_window_says other =
        att_judging_window_item(j, att_judging_spelled(room, item->name, !link), NULL);
    enum att_window_says one =
        att_judging_window_item(j, att_judging_spelled(room, item->name, link), item->digest);

    return item->digest == NULL && ATT_GUARD(REF_RETIRED_LINK, other == ATT_WINDOW_RETIRED) ? other
                                                                                            : one;
}

/* Change notices beside the reference values: a state that is new for a while, or one that was left. */
static void judge_notices(struct judging *j, const struct att_own_item *item, bool listed_as_link,
                          struct att_deviation *d)
{
    enum att_window_says says = ATT_WINDOW_SILENT;

    if (j->out->windows.count == 0 || item->type == ATT_OWN_UNREADABLE) {
        return;
    }
    says = notices_say(j, item, listed_as_link);
    if (says == ATT_WINDOW_RETIRED) {
        d->reason = ATT_R_REF_RETIRED;
        d->severity = ATT_SEVERITY_FAIL;
        note_digests(d, NULL, item->digest);
    } else if (says == ATT_WINDOW_EXPECTED && d->reason != ATT_R_NONE &&
               !ATT_GUARD(REF_GONE_KIND, item->type == ATT_OWN_UNSUPPORTED)) {
        d->reason = ATT_R_NONE; /* a device node in its place is not what "gone" announced */
        att_judging_window_needed(j);
    }
}

static enum att_err judge_item(struct judging *j, const struct att_own_item *item,
                               const struct att_requirement *rule, struct att_deviation *d,
                               bool *approved)
{
    struct att_refvals_found listed = {0};
    bool link = false;
    enum att_err err = look(&listed, &link, j, item);

    if (err == ATT_OK) {
        d->reason = judge_listed(item, rule, &listed, d);
        judge_notices(j, item, link, d);
        *approved = d->reason == ATT_R_NONE && listed.count > 0 && listed.same;
    }
    return err;
}

static enum att_err take_item(struct judging *j, const struct att_own_item *item)
{
    static const struct att_requirement NO_RULE = {.severity = ATT_SEVERITY_FAIL};
    struct att_carry *c = &j->out->carry;
    struct att_deviation d = {.requirement = UINT32_MAX};
    const struct att_requirement *rule = rule_for(j->policy, item->name, &d.requirement);
    bool approved = false; /* by a reference value, not by a rule that looks away */
    enum att_err err = att_judge_item_leaves(j, item);

    c->items_judged += item->digest != NULL ? 1 : 0; /* what is not there was not judged */
    if (rule == NULL) {
        rule = &NO_RULE; /* measured, but no rule speaks of it: never good by silence */
        d.severity = ATT_SEVERITY_FAIL;
        d.reason = ATT_R_REF_UNLISTED;
        note_digests(&d, NULL, item->digest);
    } else if (err == ATT_OK) {
        err = judge_item(j, item, rule, &d, &approved);
    }
    if (err != ATT_OK) {
        return err;
    }
    att_judge_spec(c, item, approved);
    if (d.reason == ATT_R_NONE && j->standing_count == 0) {
        return ATT_OK;
    }
    err = att_judging_hash(item->name, &d.name_hash);
    if (err != ATT_OK) {
        return err;
    }
    if (d.reason == ATT_R_NONE) {
        att_judging_forget(j, &d);
        return ATT_OK;
    }
    (void)att_escape(d.name, sizeof(d.name), item->name.p, item->name.len);
    return att_judging_remember(j, &d);
}

enum att_err att_judge_own_items(struct judging *j)
{
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_slice log = att_verified_log(j->v, ATT_LOG_OWN);
    const struct att_evidence *ev = att_verified_evidence(j->v);
    struct att_own it;
    struct att_own_record rec;
    bool more = true;
    bool complete = att_complete_is_judged(j);
    enum att_err err = att_hasher_new(&h);

    if (err != ATT_OK || !ev->claims.logs.has[ATT_LOG_OWN] || log.len == 0) {
        return err;
    }
    it = att_own_from(log, att_verified_log_first(j->v, ATT_LOG_OWN));
    while (err == ATT_OK) {
        struct att_own_items items;
        struct att_own_item item;

        err = att_own_next(&it, &rec, &more, h, NULL);
        if (err == ATT_OK && !more) {
            return att_complete_end(j);
        }
        if (err != ATT_OK) {
            return err;
        }
        if (rec.is_boot) {
            continue;
        }
        items = att_own_items_from(&rec);
        while (err == ATT_OK && att_own_item_next(&items, &item)) {
            err = complete ? att_complete_take(j, &item) : ATT_OK;
            err = err == ATT_OK ? take_item(j, &item) : err;
        }
    }
    return err;
}
