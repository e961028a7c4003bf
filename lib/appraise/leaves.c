/*
 * What single predicates ask of log entries as they pass: which named items are there (own_measured,
 * sha256_in, min_version), and what stands against them (sha256_in, min_version, event_absent).
 *
 * A named item counts by its latest entry; a denied digest is history, and stays until the next boot.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appraise/items_internal.h"
#include "crypto/digest.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"
#include "tcg/ownlog.h"

const struct att_requirement *att_judging_leaf_of(const struct judging *j,
                                                  const struct att_deviation *d)
{
    if (d->requirement < ATT_JUDGING_LEAF ||
        d->requirement - ATT_JUDGING_LEAF >= j->policy->leaf_count) {
        return NULL;
    }
    return j->policy->leaf[d->requirement - ATT_JUDGING_LEAF];
}

static bool listed(const struct att_requirement *leaf, const uint8_t digest[32])
{
    for (size_t i = 0; i < leaf->value_count; i++) {
        if (memcmp(leaf->value[i], digest, 32) == 0) {
            return true;
        }
    }
    return false;
}

/* The log holds the digest of the number's text: each that would do is tried. */
static enum att_err is_number(bool *out, const struct att_requirement *leaf,
                              const uint8_t digest[32])
{
    *out = false;
    for (uint64_t n = leaf->at_least; n <= leaf->at_most && !*out; n++) {
        char text[24];
        uint8_t one[32];
        enum att_err err = ATT_OK;

        (void)snprintf(text, sizeof(text), "%" PRIu64, n);
        err = att_sha256(att_slice_str(text), one);
        if (err != ATT_OK) {
            return err;
        }
        *out = memcmp(one, digest, 32) == 0;
    }
    return ATT_OK;
}

void att_judging_mark(struct att_carry *c, uint32_t bit, bool there)
{
    uint64_t mask = UINT64_C(1) << (bit % 64);

    if (there) {
        c->measured_mask[bit / 64] |= mask;
    } else {
        c->measured_mask[bit / 64] &= ~mask;
    }
}

static struct att_deviation against(size_t leaf, enum att_reason reason, const uint8_t *found)
{
    struct att_deviation d = {.requirement = ATT_JUDGING_LEAF + (uint32_t)leaf,
                              .severity = ATT_SEVERITY_FAIL,
                              .reason = reason};

    if (found != NULL) {
        d.has_found = true;
        memcpy(d.found, found, 32);
    }
    return d;
}

static enum att_err keep(struct judging *j, struct att_deviation *d, struct att_slice name,
                         struct att_slice key)
{
    enum att_err err = att_judging_hash(key, &d->name_hash);

    if (err != ATT_OK) {
        return err;
    }
    (void)att_escape(d->name, sizeof(d->name), name.p, name.len);
    return att_judging_remember(j, d);
}

/* An item that a leaf names, of which this is the latest entry. */
static enum att_err take_named(struct judging *j, size_t at, const struct att_own_item *item)
{
    const struct att_requirement *leaf = j->policy->leaf[at];
    bool versions = leaf->predicate == ATT_PRED_MIN_VERSION;
    struct att_deviation d =
        against(at, versions ? ATT_R_POL_VERSION : ATT_R_POL_REQUIREMENT, item->digest);
    bool good = false;
    enum att_err err = att_judging_hash(item->name, &d.name_hash);

    if (err == ATT_OK && item->digest != NULL && !versions) {
        good = listed(leaf, item->digest);
    } else if (err == ATT_OK && item->digest != NULL) {
        err = is_number(&good, leaf, item->digest);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (good || item->digest == NULL) {
        att_judging_forget(j, &d); /* what is not there was not asked: its bit says so */
        return ATT_OK;
    }
    return keep(j, &d, item->name, item->name);
}

/* Key of a denied entry: one for each digest, so that many of a kind take one place. */
static enum att_err deny(struct judging *j, size_t at, struct att_slice name,
                         const uint8_t digest[32])
{
    struct att_deviation d = against(at, ATT_R_POL_DENY, digest);

    return keep(j, &d, name, att_slice_of(digest, 32));
}

static bool denies(const struct att_requirement *leaf, enum att_log log)
{
    return leaf->predicate == ATT_PRED_EVENT_ABSENT && (leaf->log_mask >> log & 1) != 0;
}

bool att_judging_searches(const struct judging *j, enum att_log log)
{
    for (size_t i = 0; i < j->policy->leaf_count; i++) {
        if (denies(j->policy->leaf[i], log)) {
            return true;
        }
    }
    return false;
}

static enum att_err take_item(struct judging *j, size_t at, const struct att_own_item *item)
{
    const struct att_requirement *leaf = j->policy->leaf[at];

    for (size_t k = 0; k < leaf->name_count; k++) {
        if (leaf->predicate == ATT_PRED_OWN_ITEMS || leaf->predicate == ATT_PRED_OWN_COMPLETE ||
            leaf->predicate == ATT_PRED_IMA_SIGNED ||
            !att_slice_eq(item->name, att_slice_str(leaf->name[k]))) {
            continue;
        }
        att_judging_mark(&j->out->carry, leaf->bit + (uint32_t)k, item->digest != NULL);
        if (leaf->predicate != ATT_PRED_OWN_MEASURED) {
            return take_named(j, at, item);
        }
    }
    if (denies(leaf, ATT_LOG_OWN) && item->digest != NULL && listed(leaf, item->digest)) {
        return deny(j, at, item->name, item->digest);
    }
    return ATT_OK;
}

enum att_err att_judge_item_leaves(struct judging *j, const struct att_own_item *item)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < j->policy->leaf_count; i++) {
        err = take_item(j, i, item);
    }
    return err;
}

/* One place for all entries whose digest cannot be looked up: the leaf is not run, by whichever came first. */
static enum att_err not_searched(struct judging *j, size_t at, const struct att_ima_entry *e)
{
    struct att_deviation d = against(at, ATT_R_LOG_COVERAGE, NULL);

    return keep(j, &d, e->path, att_slice_str("not SHA-256"));
}

enum att_err att_judge_ima_leaves(struct judging *j, const struct att_ima_entry *e)
{
    bool known = e->alg == ATT_HASH_SHA256 && e->digest.len == 32;
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < j->policy->leaf_count; i++) {
        const struct att_requirement *leaf = j->policy->leaf[i];

        if (!denies(leaf, ATT_LOG_IMA)) {
            continue;
        }
        if (!known) {
            err = not_searched(j, i, e);
        } else if (listed(leaf, e->digest.p)) {
            err = deny(j, i, e->path, e->digest.p);
        }
    }
    return err;
}

/* A boot event has no name that a digest covers: it is called by its PCR and place. */
static enum att_err take_event(struct judging *j, size_t at, const struct att_event *e)
{
    for (uint32_t k = 0; e->extends && k < e->digest_count; k++) {
        const struct att_event_digest *d = &e->digest[k];
        char name[48];

        if (d->alg == ATT_HASH_SHA256 && d->value.len == 32 &&
            listed(j->policy->leaf[at], d->value.p)) {
            (void)snprintf(name, sizeof(name), "uefi event %u of PCR %u", (unsigned int)e->index,
                           (unsigned int)e->pcr);
            return deny(j, at, att_slice_str(name), d->value.p);
        }
    }
    return ATT_OK;
}

enum att_err att_judge_boot_events(struct judging *j)
{
    const struct att_evlog *log = att_verified_boot_log(j->v);
    enum att_err err = ATT_OK;

    if (log == NULL || !att_judging_searches(j, ATT_LOG_UEFI)) {
        return ATT_OK;
    }
    for (size_t i = 0; err == ATT_OK && i < j->policy->leaf_count; i++) {
        for (size_t k = 0;
             denies(j->policy->leaf[i], ATT_LOG_UEFI) && err == ATT_OK && k < att_evlog_count(log);
             k++) {
            err = take_event(j, i, att_evlog_at(log, k));
        }
    }
    return err;
}
