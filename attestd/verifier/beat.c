#include "verifier/beat.h"

#include "base/clock.h"

void beat_now(struct beat *b)
{
    if (b != NULL) {
        atomic_store_explicit(&b->at_ms, att_clock_mono_ms(), memory_order_relaxed);
    }
}

bool beat_all(struct beat *b, size_t count, int64_t most_ms)
{
    int64_t now = att_clock_mono_ms();

    for (size_t i = 0; i < count; i++) {
        if (now - atomic_load_explicit(&b[i].at_ms, memory_order_relaxed) > most_ms) {
            return false;
        }
    }
    return true;
}
