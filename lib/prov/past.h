/*
 * What a channel showed before: as much as the checks look back at, and no more.
 *
 * Gateway and partner fill it from the same samples in the same order, so that both come to the same outcome. A
 * partner who begins in the middle has less of it: then a check says that it was not run.
 */
#ifndef ATT_PROV_PAST_H
#define ATT_PROV_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "prov/curve.h"
#include "prov/sample.h"
#include "prov/spec.h"

struct att_past_sample {
    uint64_t sequence, from_ms, until_ms;
    bool has_raw, has_value;
    int64_t raw; /* of the frame, before the filter */
    struct att_decimal value;
};

struct att_past; /* of one channel; opaque */

/* curve is borrowed, and with it its channel. NOMEM. */
ATT_MUST_USE enum att_err att_past_new(struct att_past **out, const struct att_curve *curve);
void att_past_free(struct att_past *p);
void att_past_freep(struct att_past **p);

/* back: 0 for the latest. NULL when it is not there; kept are ATT_SPEC_WINDOW_MAX. */
const struct att_past_sample *att_past_at(const struct att_past *p, size_t back);
size_t att_past_count(const struct att_past *p);
/* When the latest value was first seen without another one since: clock of the TPM in ms. */
uint64_t att_past_since_ms(const struct att_past *p);

/*
 * Has the run of frames that ends with this one been seen before (TC-18)? Runs of equal frames are no run: what does
 * not move says nothing here, and much to TC-15. The last some thousand runs are remembered.
 *
 * ready  false: there are not enough frames yet
 */
bool att_past_replayed(const struct att_past *p, struct att_slice frame, bool *ready);

/* The last sample that was added, also over a gap; NULL for none. What looks back further begins anew there. */
const struct att_past_sample *att_past_last(const struct att_past *p);
/*
 * att_past_meet - a sample with this number comes next. When it does not follow the last one, what came before the gap
 * is no past any more: so gateway and partner know the same, whatever the gateway saw and could not sign.
 */
void att_past_meet(struct att_past *p, uint64_t sequence);
/* Forget everything but the last sample that counts; NULL: none does. It may be one of p's own. */
void att_past_rewind(struct att_past *p, const struct att_past_sample *last);

struct att_derived; /* prov/value.h */
void att_past_add(struct att_past *p, const struct att_sample *s, const struct att_derived *d);

#endif
