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

void att_judging_windows_start(struct judging *j)
{
    struct att_windows *all = &j->out->windows;
    const bool goes_on = att_verified_log_first(j->v, ATT_LOG_IMA) > 0;
    const uint32_t boot = j->out->state.clock.reset_count;

    for (uint32_t i = 0; i < all->count; i++) {
        struct att_window *w = &all->window[i];

        if (w->reset_count != boot) {
            memcpy(w->earlier, w->shown, sizeof(w->earlier));
            w->reset_count = boot;
        }
        memcpy(j->seen_in_list[i], goes_on ? w->shown : w->earlier, sizeof(j->seen_in_list[i]));
    }
}

static void mark(struct judging *j, uint32_t window, uint32_t change)
{
    const uint8_t bit = (uint8_t)(1U << (change % 8));

    j->out->windows.window[window].shown[change / 8] |= bit;
    j->seen_in_list[window][change / 8] |= bit;
}

static bool of_name(const struct att_change *c, struct att_slice name)
{
    return name.len == 0 || att_slice_eq(c->name, name);
}

/* Gone: there is no digest to look for, and few such changes. */
static bool is_gone_by(struct judging *j, uint32_t window, struct att_slice name)
{
    const struct att_notice *n = j->notice[window];
    bool found = false;

    for (uint32_t i = 0; i < n->change_count; i++) {
        if (n->change[i].after == NULL && att_slice_eq(n->change[i].name, name)) {
            mark(j, window, i);
            found = true;
        }
    }
    return found;
}

/* One notice: does it lead to this state, or has the device left this state by it? */
static enum att_window_says one_says(struct judging *j, uint32_t window, struct att_slice name,
                                     const uint8_t *digest, bool listed)
{
    const struct att_notice *n = j->notice[window];
    const uint8_t *shown = listed ? j->seen_in_list[window] : j->out->windows.window[window].shown;
    enum att_window_says says = ATT_WINDOW_SILENT;
    size_t count = 0;
    const struct att_change_ref *ref = digest == NULL ? NULL : att_notice_find(n, digest, &count);

    if (digest == NULL) {
        return is_gone_by(j, window, name) ? ATT_WINDOW_EXPECTED : ATT_WINDOW_SILENT;
    }
    for (size_t i = 0; i < count; i++) {
        if (!of_name(&n->change[ref[i].change], name)) {
            continue;
        }
        if (ref[i].after) {
            mark(j, window, ref[i].change);
            says = says == ATT_WINDOW_RETIRED ? says : ATT_WINDOW_EXPECTED;
        } else if (ATT_GUARD(REF_RETIRED, att_window_bit(shown, ref[i].change))) {
            says = ATT_WINDOW_RETIRED;
        }
    }
    return says;
}

enum att_window_says att_judging_window(struct judging *j, struct att_slice name,
                                        const uint8_t *digest, bool listed)
{
    enum att_window_says says = ATT_WINDOW_SILENT;
    bool decided = false;

    for (uint32_t i = j->out->windows.count; i-- > 0;) {
        enum att_window_says one = one_says(j, i, name, digest, listed);

        if (decided || one == ATT_WINDOW_SILENT) {
            continue; /* older ones are asked all the same: they learn what was shown */
        }
        decided = true;
        says = one;
        if (one == ATT_WINDOW_EXPECTED && ATT_GUARD(WINDOW_OPEN, !j->out->windows.window[i].open)) {
            says = ATT_WINDOW_SILENT; /* over: the reference values must know it by now */
        }
        j->window = i;
    }
    return says;
}

bool att_judging_window_lists(const struct judging *j, struct att_slice name)
{
    for (uint32_t i = 0; i < j->out->windows.count; i++) {
        if (j->out->windows.window[i].open && att_notice_lists(j->notice[i], name)) {
            return true;
        }
    }
    return false;
}

void att_judging_window_used(struct judging *j)
{
    j->out->carry.windows_used |= 1U << j->window;
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
