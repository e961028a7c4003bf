/*
 * own_complete while an update is under way: names that open windows list as coming or going may be there or not, each
 * for itself; every other name must be where it was.
 *
 * What came and was shown stays: the state before, in which it is not there, is refused like any other.
 */
#include <string.h>

#include "appraise/items_internal.h"
#include "base/guard.h"
#include "base/rd.h"

/* A name of the own log as a change spells it. */
struct moving {
    struct att_slice spelled, plain;
    bool link;
};

/* Is this change about a file or link below a prefix? */
static bool about(struct moving *out, const struct att_change *c, const char *prefix)
{
    static const size_t LINK = sizeof(ATT_LINK_PREFIX) - 1;
    const struct att_requirement under = {.name_count = 1, .name = (char **)(uintptr_t)&prefix};

    *out = (struct moving){.spelled = c->name, .plain = c->name};
    if (c->name.len > LINK && memcmp(c->name.p, ATT_LINK_PREFIX, LINK) == 0) {
        out->link = true;
        out->plain = att_slice_of(c->name.p + LINK, c->name.len - LINK);
    }
    return att_requirement_covers(&under, out->plain);
}

/* A value of a file is no item by itself: in no set of names. */
static enum att_err is_value(bool *yes, const struct judging *j, struct att_slice name)
{
    const uint8_t *mark = memrchr(name.p, '#', name.len);
    struct att_refvals_found found = {0};
    enum att_err err = ATT_OK;

    *yes = false;
    if (mark == NULL) {
        return ATT_OK;
    }
    err = att_refvals_look(&found, j->refvals, att_slice_of(name.p, (size_t)(mark - name.p)), NULL);
    *yes = found.count > 0;
    return err;
}

static bool is_there(const struct judging *j, const struct moving *m)
{
    uint64_t key = 0;

    return att_judging_hash(m->plain, &key) == ATT_OK && att_complete_has(j, key, m->link);
}

enum att_err att_complete_add_going(struct att_name_set *set, const struct judging *j,
                                    const char *prefix)
{
    enum att_err err = ATT_OK;

    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        const struct att_notice *n = j->notice[i];

        for (size_t k = 0; err == ATT_OK && k < n->change_count; k++) {
            struct moving m;
            bool value = false;

            if (!about(&m, &n->change[k], prefix) ||
                att_judging_window_move(j, m.spelled) != ATT_WINDOW_GOES) {
                continue;
            }
            err = is_value(&value, j, m.spelled);
            if (err == ATT_OK && !value) {
                err = att_name_set_add(set, m.spelled);
            }
        }
    }
    return err;
}

void att_complete_say_moves(struct judging *j, const char *prefix)
{
    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        const struct att_notice *n = j->notice[i];

        for (size_t k = 0; j->out->windows.window[i].open && k < n->change_count; k++) {
            struct moving m;
            enum att_window_move move = ATT_WINDOW_STAYS;

            if (!about(&m, &n->change[k], prefix)) {
                continue;
            }
            move = att_judging_window_move(j, m.spelled);
            if (move != ATT_WINDOW_STAYS && is_there(j, &m) == (move == ATT_WINDOW_COMES)) {
                j->out->carry.windows_used |= 1U << i;
            }
        }
    }
}

/* Does a newer notice speak of this name? Then that one decides. */
static bool overruled(const struct judging *j, uint32_t window, struct att_slice name)
{
    size_t count = 0;

    for (uint32_t i = window + 1; i < j->out->windows.count; i++) {
        if (att_notice_named(j->notice[i], name, &count) != NULL) {
            return true;
        }
    }
    return false;
}

static enum att_err tell_lost(struct judging *j, const struct moving *m)
{
    struct att_deviation d = {
        .reason = ATT_R_REF_RETIRED, .severity = ATT_SEVERITY_FAIL, .requirement = UINT32_MAX};
    enum att_err err = att_judging_hash(m->plain, &d.name_hash);

    (void)att_escape(d.name, sizeof(d.name), m->plain.p, m->plain.len);
    return err == ATT_OK ? att_judging_remember(j, &d) : err;
}

enum att_err att_complete_lost(bool *lost, struct judging *j, const char *prefix)
{
    enum att_err err = ATT_OK;

    *lost = false;
    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        const struct att_notice *n = j->notice[i];

        for (size_t k = 0; err == ATT_OK && k < n->change_count; k++) {
            const struct att_change *c = &n->change[k];
            struct moving m;

            if (c->after == NULL || c->before_count > 0 ||
                !att_window_bit(j->out->windows.window[i].shown, (uint32_t)k) ||
                !about(&m, c, prefix) || overruled(j, i, c->name) || is_there(j, &m)) {
                continue;
            }
            if (ATT_GUARD(COMPLETE_LOST, true)) {
                *lost = true;
                err = tell_lost(j, &m);
            }
        }
    }
    return err;
}
