/*
 * Change notices as they concern one device: whose window is open, and what of each the device has shown.
 *
 * What was shown is kept over boots: from then on the state before is refused, window or not. The kernel's
 * list is history, so an old state in it may be older than the new one; only its place tells. Therefore
 * what earlier boots showed is kept apart from what this boot did.
 */
#ifndef ATT_APPRAISE_WINDOWS_H
#define ATT_APPRAISE_WINDOWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "policy/notice.h"

struct att_cbor;

#define ATT_WINDOW_BITS (ATT_NOTICE_CHANGES_MAX / 8)

struct att_window {
    uint8_t notice[32]; /* the digest that names it */
    bool open;
    uint32_t reset_count;             /* the boot in which `shown` last grew */
    uint8_t earlier[ATT_WINDOW_BITS]; /* changes whose after state a boot before that one showed */
    uint8_t shown[ATT_WINDOW_BITS];   /* all that were shown; holds `earlier` */
};

/* In the order of the notices: the newest, which comes last, has the last word. */
struct att_windows {
    uint32_t count;
    struct att_window window[ATT_NOTICES_MAX];
};

/* The same changes as the kernel's list showed them up to some place in it. */
struct att_windows_seen {
    uint8_t in_list[ATT_NOTICES_MAX][ATT_WINDOW_BITS];
};

/* Bytes that an encoding needs at most. */
#define ATT_WINDOWS_BOUND ((size_t)ATT_NOTICES_MAX * (2 * ATT_WINDOW_BITS + 64) + 16)

/* Deterministic CBOR: in contexts, results and the store. FMT_FRAME on the way in. */
void att_windows_write(struct att_wr *w, const struct att_windows *x);
ATT_MUST_USE enum att_err att_windows_decode(struct att_windows *out, struct att_slice in,
                                             struct att_diag *diag);

/*
 * att_windows_pick - those of all that speak of a device now: open ones, and past ones of which it has
 * shown something. known: what is kept of the device; of notices that are no more, nothing is picked.
 */
void att_windows_pick(struct att_windows *out, const struct att_notices *all,
                      const struct att_windows *known, const char *device_id, int64_t now_s);

/* Of the first count windows. FMT_FRAME on the way in. */
#define ATT_WINDOWS_SEEN_BOUND ((size_t)ATT_NOTICES_MAX * (ATT_WINDOW_BITS + 4) + 4)
void att_windows_seen_write(struct att_wr *w, const struct att_windows_seen *x, uint32_t count);
void att_windows_seen_read(struct att_cbor *c, struct att_windows_seen *x, uint32_t count);

/* The notices of windows, in their order; NOT_FOUND (REF_NOTICE) when one is not among the count given. */
ATT_MUST_USE enum att_err att_windows_notices(const struct att_notice **out,
                                              const struct att_windows *w,
                                              const struct att_notice *const *given, size_t count,
                                              struct att_diag *diag);

/* SHA-256 over which notices there are and which are open; zeros for none. What a carry was judged beside. CRYPTO */
ATT_MUST_USE enum att_err att_windows_digest(uint8_t out[32], const struct att_windows *x);

static inline bool att_window_bit(const uint8_t *bits, uint32_t change)
{
    return (bits[change / 8] >> (change % 8) & 1) != 0;
}

#endif
