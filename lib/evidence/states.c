/* From two clocks to what happened in between. */
#include "evidence/states.h"

#include <stdio.h>

static void add(struct att_states *s, enum att_reason reason)
{
    s->reason[s->count++] = reason;
}

/* The first counter that moved decides; NONE while the boot is the same. */
static enum att_reason moved(const struct att_clock_info *now, const struct att_clock_info *prior)
{
    if (prior == NULL) {
        return ATT_R_TIME_FIRST;
    }
    if (now->reset_count != prior->reset_count) {
        return now->safe ? ATT_R_TIME_RESET : ATT_R_TIME_UNCLEAN;
    }
    return now->restart_count != prior->restart_count ? ATT_R_TIME_RESUME : ATT_R_NONE;
}

struct att_states att_states_of(const struct att_clock_info *now,
                                const struct att_clock_info *prior, bool kexec)
{
    struct att_states s = {.count = 0};
    enum att_reason first = moved(now, prior);

    if (first != ATT_R_NONE) {
        add(&s, first);
    }
    if (kexec) {
        add(&s, ATT_R_TIME_KEXEC);
    }
    if (!now->safe && first != ATT_R_TIME_UNCLEAN) {
        add(&s, ATT_R_TIME_UNSAFE);
    }
    return s;
}

char *att_clock_print(char *out, size_t cap, const struct att_clock_info *now,
                      const struct att_clock_info *prior)
{
    if (prior == NULL) {
        (void)snprintf(out, cap, "resetCount %u, restartCount %u, clock %llu ms", now->reset_count,
                       now->restart_count, (unsigned long long)now->clock_ms);
        return out;
    }
    (void)snprintf(out, cap, "resetCount %u to %u, restartCount %u to %u, clock %llu to %llu ms",
                   prior->reset_count, now->reset_count, prior->restart_count, now->restart_count,
                   (unsigned long long)prior->clock_ms, (unsigned long long)now->clock_ms);
    return out;
}
