/*
 * own_complete: is everything there that the reference values were made from?
 *
 * Judged where the own log is seen from its beginning; what is deleted later stands in the log as absent.
 * An item counts by its latest entry. Names without a reference value are own_items' business: one file
 * more does not make the others incomplete.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/complete_internal.h"
#include "base/guard.h"
#include "tcg/ownlog.h"

static bool asked(const struct judging *j)
{
    for (size_t i = 0; i < j->policy->leaf_count; i++) {
        if (j->policy->leaf[i]->predicate == ATT_PRED_OWN_COMPLETE) {
            return true;
        }
    }
    return false;
}

bool att_complete_is_judged(const struct judging *j)
{
    return asked(j) && att_verified_evidence(j->v)->claims.logs.off[ATT_LOG_OWN] == 0;
}

enum att_err att_complete_take(struct judging *j, const struct att_own_item *item)
{
    struct att_seen *s = j->seen;
    struct att_seen_entry *e = NULL;

    if (item->type == ATT_OWN_CONFIG) {
        return ATT_OK; /* a value of a file, which is an item itself */
    }
    if (s == NULL) {
        s = j->seen = calloc(1, sizeof(*s));
        if (s == NULL) {
            return ATT_E_NOMEM;
        }
    }
    if (s->count == s->room) {
        size_t room = s->room == 0 ? 1024 : 2 * s->room;
        struct att_seen_entry *more = reallocarray(s->entry, room, sizeof(*more));

        if (more == NULL) {
            return ATT_E_NOMEM;
        }
        s->entry = more;
        s->room = room;
    }
    e = &s->entry[s->count];
    *e = (struct att_seen_entry){.order = s->count,
                                 .name = item->name,
                                 .link = item->type == ATT_OWN_LINK,
                                 .there = item->digest != NULL};
    s->count++;
    return att_judging_hash(item->name, &e->key);
}

static int by_item(const void *a, const void *b)
{
    const struct att_seen_entry *x = a;
    const struct att_seen_entry *y = b;

    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return x->order < y->order ? -1 : 1;
}

/* Only the latest entry of each item stays. */
static void keep_latest(struct att_seen *s)
{
    size_t kept = 0;

    qsort(s->entry, s->count, sizeof(*s->entry), by_item);
    for (size_t i = 0; i < s->count; i++) {
        if (i + 1 == s->count || s->entry[i + 1].key != s->entry[i].key) {
            s->entry[kept++] = s->entry[i];
        }
    }
    s->count = kept;
}

bool att_complete_has(const struct judging *j, uint64_t key, bool link)
{
    size_t low = 0;
    size_t high = j->seen != NULL ? j->seen->count : 0;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct att_seen_entry *e = &j->seen->entry[mid];

        if (e->key == key) {
            return e->there && e->link == link;
        }
        if (e->key < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return false;
}

enum att_err att_complete_add(struct att_name_set *set, const struct judging *j,
                              const struct att_seen_entry *e, bool before)
{
    uint8_t room[ATT_JUDGING_NAME_ROOM];
    struct att_refvals_found found = {0};
    struct att_slice name = att_judging_spelled(room, e->name, e->link);
    enum att_err err = ATT_OK;

    if (before && att_judging_window_move(j, name) == ATT_WINDOW_COMES) {
        return ATT_OK;
    }
    err = att_refvals_look(&found, j->refvals, name, NULL);
    if (err != ATT_OK || (found.count == 0 && !att_judging_window_lists(j, name))) {
        return err;
    }
    return att_name_set_add(set, name);
}

/* The digest of what is there below a prefix; before: as it was before the changes of open windows. */
static enum att_err digest_of(uint8_t out[32], const struct judging *j, const char *prefix,
                              bool before)
{
    ATT_CLEANUP(att_name_set_freep) struct att_name_set *set = NULL;
    const struct att_requirement under = {.name_count = 1, .name = (char **)(uintptr_t)&prefix};
    size_t count = 0;
    enum att_err err = att_name_set_new(&set);

    for (size_t i = 0; err == ATT_OK && j->seen != NULL && i < j->seen->count; i++) {
        const struct att_seen_entry *e = &j->seen->entry[i];

        if (e->there && att_requirement_covers(&under, e->name)) {
            err = att_complete_add(set, j, e, before);
        }
    }
    if (err == ATT_OK && before) {
        err = att_complete_add_going(set, j, prefix);
    }
    return err == ATT_OK ? att_name_set_digest(out, &count, set) : err;
}

/* Is the set below a prefix one that the reference values have? before: with the changes of open windows undone. */
static enum att_err look(struct att_refvals_found *found, uint8_t digest[32],
                         const struct judging *j, const char *prefix, bool before)
{
    char name[sizeof(ATT_COMPLETE_PREFIX) + ATT_OWN_NAME_MAX];
    enum att_err err = digest_of(digest, j, prefix, before);

    (void)snprintf(name, sizeof(name), "%s%s", ATT_COMPLETE_PREFIX, prefix);
    return err == ATT_OK ? att_refvals_look(found, j->refvals, att_slice_str(name), digest) : err;
}

/* While an update is under way its files come and go one by one: between before and after is as good as either. */
static enum att_err judge_moving(bool *complete, struct judging *j, const char *prefix)
{
    struct att_refvals_found found = {0};
    uint8_t digest[32];
    enum att_err err = look(&found, digest, j, prefix, true);

    if (err == ATT_OK && found.same) {
        *complete = true;
        att_complete_say_moves(j, prefix);
    }
    return err;
}

/* The set as the reference values have it, or as an open window expects it. */
static enum att_err judge_prefix(bool *complete, struct judging *j, const char *prefix)
{
    char name[sizeof(ATT_COMPLETE_PREFIX) + ATT_OWN_NAME_MAX];
    struct att_refvals_found found = {0};
    enum att_window_says says = ATT_WINDOW_SILENT;
    uint8_t digest[32];
    bool lost = false;
    enum att_err err = look(&found, digest, j, prefix, false);

    if (err == ATT_OK) {
        err = att_complete_lost(&lost, j, prefix);
    }
    if (err != ATT_OK) {
        return err;
    }
    (void)snprintf(name, sizeof(name), "%s%s", ATT_COMPLETE_PREFIX, prefix);
    says = att_judging_window_item(j, att_slice_str(name), digest);
    if (lost || says == ATT_WINDOW_RETIRED) {
        return ATT_OK;
    }
    if (says == ATT_WINDOW_EXPECTED && !found.same) {
        att_judging_window_needed(j);
        *complete = true;
        return ATT_OK;
    }
    if (!ATT_GUARD(OWN_COMPLETE, !found.same)) {
        *complete = true;
        return ATT_OK;
    }
    return judge_moving(complete, j, prefix);
}

/* Words for the reason that the requirement will give; as many as there is room for. */
static enum att_err say_where(struct judging *j, uint32_t bit, const char *prefix)
{
    struct att_lack *l = &j->lack[j->lack_count];
    char name[sizeof(ATT_COMPLETE_PREFIX) + ATT_OWN_NAME_MAX];
    struct att_refvals_found found = {0};
    enum att_err err = ATT_OK;

    if (j->lack_count >= ATT_LACKS_MAX) {
        return ATT_OK;
    }
    (void)snprintf(name, sizeof(name), "%s%s", ATT_COMPLETE_PREFIX, prefix);
    err = att_refvals_look(&found, j->refvals, att_slice_str(name), NULL);
    if (err == ATT_OK && found.count > 0) {
        err = att_complete_where(l->text, j, prefix);
    } else if (err == ATT_OK) {
        (void)snprintf(l->text, sizeof(l->text), "no reference value tells what all of it is");
    }
    l->bit = bit;
    j->lack_count++;
    return err;
}

enum att_err att_complete_end(struct judging *j)
{
    enum att_err err = ATT_OK;

    if (!att_complete_is_judged(j) || j->refvals == NULL) {
        return ATT_OK;
    }
    if (j->seen != NULL) {
        keep_latest(j->seen);
    }
    for (size_t i = 0; err == ATT_OK && i < j->policy->leaf_count; i++) {
        const struct att_requirement *leaf = j->policy->leaf[i];

        for (size_t k = 0;
             err == ATT_OK && leaf->predicate == ATT_PRED_OWN_COMPLETE && k < leaf->name_count;
             k++) {
            bool complete = false;

            err = judge_prefix(&complete, j, leaf->name[k]);
            att_judging_mark(&j->out->carry, leaf->bit + (uint32_t)k, complete);
            j->out->carry.whole = j->out->carry.whole || !complete;
            if (err == ATT_OK && !complete) {
                err = say_where(j, leaf->bit + (uint32_t)k, leaf->name[k]);
            }
        }
    }
    return err;
}

void att_complete_free(struct judging *j)
{
    if (j->seen != NULL) {
        free(j->seen->entry);
        free(j->seen);
    }
    j->seen = NULL;
}
