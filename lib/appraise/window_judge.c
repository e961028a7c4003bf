/*
 * What the device's change notices say of one measured state.
 *
 * The newest notice that mentions a state has the last word. A state that a change leaves is refused from
 * when this device showed what it leads to; until then nothing is said of it, and the reference values
 * decide.
 */
#include <stdio.h>
#include <string.h>

#include "appraise/rules_internal.h"
#include "base/clock.h"
#include "base/guard.h"

void att_judging_windows_start(struct judging *j, uint32_t boot, bool goes_on,
                               const struct att_windows_seen *seen)
{
    struct att_windows *all = &j->out->windows;

    for (uint32_t i = 0; i < all->count; i++) {
        struct att_window *w = &all->window[i];

        if (w->reset_count != boot) {
            memcpy(w->earlier, w->shown, sizeof(w->earlier));
            w->reset_count = boot;
        }
        memcpy(j->seen_changes.in_list[i], goes_on ? w->shown : w->earlier, ATT_WINDOW_BITS);
    }
    if (seen != NULL) {
        j->seen_changes = *seen;
    }
}

static void set_bit(uint8_t *bits, uint32_t change, bool on)
{
    const uint8_t bit = (uint8_t)(1U << (change % 8));

    bits[change / 8] = (uint8_t)(on ? bits[change / 8] | bit : bits[change / 8] & ~bit);
}

/* What this change makes of a state: it leads to it, it left it, or it does not speak of it. */
static enum att_window_says change_says(const struct att_change *c, const uint8_t *digest,
                                        bool was_shown)
{
    if (digest == NULL || c->after == NULL) {
        if (digest == NULL && c->after == NULL) {
            return ATT_WINDOW_EXPECTED;
        }
    } else if (memcmp(c->after, digest, 32) == 0) {
        return ATT_WINDOW_EXPECTED;
    }
    if (digest == NULL && c->before_count == 0 && ATT_GUARD(REF_RETIRED_NEW, was_shown)) {
        return ATT_WINDOW_RETIRED; /* what came with the update was taken away again */
    }
    for (size_t i = 0; i < c->before_count && digest != NULL; i++) {
        if (memcmp(c->before[i], digest, 32) == 0 && ATT_GUARD(REF_RETIRED, was_shown)) {
            return ATT_WINDOW_RETIRED;
        }
    }
    return ATT_WINDOW_SILENT;
}

static enum att_window_says worse(enum att_window_says x, enum att_window_says y)
{
    return x > y ? x : y;
}

static enum att_window_says item_says(struct judging *j, uint32_t window, struct att_slice name,
                                      const uint8_t *digest, uint32_t *change)
{
    const struct att_notice *n = j->notice[window];
    enum att_window_says says = ATT_WINDOW_SILENT;
    size_t count = 0;
    const struct att_change *c = att_notice_named(n, name, &count);

    for (size_t i = 0; i < count; i++) {
        const uint32_t at = (uint32_t)(&c[i] - n->change);
        enum att_window_says one =
            change_says(&c[i], digest, att_window_bit(j->out->windows.window[window].shown, at));

        set_bit(j->stands[window], at, one == ATT_WINDOW_EXPECTED);
        set_bit(j->needed[window], at, false);
        *change = one == ATT_WINDOW_EXPECTED ? at : *change;
        says = worse(says, one);
    }
    return says;
}

static enum att_window_says entry_says(struct judging *j, uint32_t window, struct att_slice name,
                                       const uint8_t digest[32], uint32_t *change)
{
    const struct att_notice *n = j->notice[window];
    enum att_window_says says = ATT_WINDOW_SILENT;
    size_t count = 0;
    const struct att_change_ref *ref = att_notice_find(n, digest, &count);

    for (size_t i = 0; i < count; i++) {
        const struct att_change *c = &n->change[ref[i].change];
        enum att_window_says one = ATT_WINDOW_SILENT;

        if (name.len > 0 && !att_slice_eq(c->name, name)) {
            continue;
        }
        one =
            change_says(c, digest, att_window_bit(j->seen_changes.in_list[window], ref[i].change));
        if (one == ATT_WINDOW_EXPECTED) {
            *change = ref[i].change;
            set_bit(j->seen_changes.in_list[window], ref[i].change, true);
            set_bit(j->out->windows.window[window].shown, ref[i].change, true);
        }
        says = worse(says, one);
    }
    return says;
}

/* The word of one more notice; they are asked from the newest on, and all of them, for what was shown. */
struct words {
    bool decided;
    enum att_window_says says;
};

static void add_word(struct words *w, struct judging *j, uint32_t window, uint32_t change,
                     enum att_window_says one)
{
    if (w->decided || one == ATT_WINDOW_SILENT) {
        return;
    }
    w->decided = true;
    if (one == ATT_WINDOW_EXPECTED &&
        ATT_GUARD(WINDOW_OPEN, !j->out->windows.window[window].open)) {
        return; /* over: the reference values must know it by now */
    }
    w->says = one;
    j->window = window;
    j->change = change;
}

enum att_window_says att_judging_window_item(struct judging *j, struct att_slice name,
                                             const uint8_t *digest)
{
    struct words w = {.says = ATT_WINDOW_SILENT};

    for (uint32_t i = j->out->windows.count; i-- > 0;) {
        uint32_t change = 0;
        enum att_window_says one = item_says(j, i, name, digest, &change);

        add_word(&w, j, i, change, one);
    }
    return w.says;
}

enum att_window_says att_judging_window_entry(struct judging *j, struct att_slice name,
                                              const uint8_t digest[32])
{
    struct words w = {.says = ATT_WINDOW_SILENT};

    for (uint32_t i = j->out->windows.count; i-- > 0;) {
        uint32_t change = 0;
        enum att_window_says one = entry_says(j, i, name, digest, &change);

        add_word(&w, j, i, change, one);
    }
    return w.says;
}

void att_judging_window_needed(struct judging *j)
{
    set_bit(j->needed[j->window], j->change, true);
}

void att_judging_window_is_history(struct judging *j)
{
    j->out->carry.windows_used |= 1U << j->window;
}

void att_judging_windows_end(struct judging *j)
{
    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        for (size_t k = 0; k < ATT_WINDOW_BITS; k++) {
            j->out->windows.window[i].shown[k] |= j->stands[i][k];
            if ((j->needed[i][k] & j->stands[i][k]) != 0) {
                j->out->carry.windows_used |= 1U << i;
            }
        }
    }
}

/* Is a change of this name listed that leaves something there? */
static bool lists(const struct att_notice *n, struct att_slice name)
{
    size_t count = 0;
    const struct att_change *c = att_notice_named(n, name, &count);

    return count > 0 && c[count - 1].after != NULL; /* what leaves nothing stands first */
}

bool att_judging_window_lists(const struct judging *j, struct att_slice name)
{
    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        if (j->out->windows.window[i].open && lists(j->notice[i], name)) {
            return true;
        }
    }
    return false;
}

/* Was it there before the changes of one name, and will it be? */
static bool was_there(const struct att_change *c, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (c[i].before_count > 0) {
            return true;
        }
    }
    return false;
}

enum att_window_move att_judging_window_move(const struct judging *j, struct att_slice name)
{
    bool told = false;
    bool was = false;
    bool will = false;

    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        size_t count = 0;
        const struct att_change *c = att_notice_named(j->notice[i], name, &count);

        if (c == NULL || !j->out->windows.window[i].open) {
            continue;
        }
        was = told ? was : was_there(c, count);
        will = lists(j->notice[i], name);
        told = true;
    }
    if (was == will) {
        return ATT_WINDOW_STAYS;
    }
    return will ? ATT_WINDOW_COMES : ATT_WINDOW_GOES;
}

static uint32_t count_shown(const struct att_window *w)
{
    uint32_t count = 0;

    for (size_t i = 0; i < ATT_WINDOW_BITS; i++) {
        count += (uint32_t)__builtin_popcount(w->shown[i]);
    }
    return count;
}

void att_judging_tell_windows(struct judging *j)
{
    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        const struct att_notice *n = j->notice[i];
        char until[32], text[ATT_DIAG_TEXT];

        if ((j->out->carry.windows_used >> i & 1) == 0) {
            continue;
        }
        (void)snprintf(text, sizeof(text), "by %s, until %s: %u of %zu changes are there", n->role,
                       att_time_print(until, sizeof(until), n->until_s),
                       (unsigned int)count_shown(&j->out->windows.window[i]), n->change_count);
        att_reason_say(att_judging_reason(j, ATT_R_REF_WINDOW, ATT_SEVERITY_WARN, NULL), n->id,
                       text);
    }
}
