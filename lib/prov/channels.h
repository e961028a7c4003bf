/*
 * A specification made ready: what its channels compute with, and what each of them showed before.
 *
 * The gateway makes samples with it, the partner repeats them with it.
 */
#ifndef ATT_PROV_CHANNELS_H
#define ATT_PROV_CHANNELS_H

#include "base/err.h"
#include "prov/check.h"
#include "prov/curve.h"
#include "prov/past.h"
#include "prov/sample.h"
#include "prov/spec.h"

/* Arrays by index of the specification's channels. */
struct att_channels {
    const struct att_spec *spec; /* borrowed */
    struct att_curve *curve;     /* owned */
    struct att_past **past;      /* owned, and what they point to */
};

/* CONFIG LIMIT (CFG_SPEC): a calibration that cannot be computed; NOMEM. */
ATT_MUST_USE enum att_err att_channels_new(struct att_channels **out, const struct att_spec *spec,
                                           struct att_diag *diag);
void att_channels_free(struct att_channels *c);
void att_channels_freep(struct att_channels **c);

/* What the checks look at for the next sample of the channel with this index (att_past_meet). Borrows all. */
struct att_check_in att_channels_in(struct att_channels *c, size_t index,
                                    const struct att_sample *now,
                                    const struct att_gateway_facts *gateway);

/*
 * att_channels_make - complete a sample as the gateway signs it: unit, digest, value, the outcome of every check; and
 * remember it. In it are its frames, identity, times and sequence already.
 *
 * why  may be NULL; gets the first check that failed
 */
void att_channels_make(struct att_channels *c, size_t index, struct att_sample *s,
                       const struct att_gateway_facts *gateway, struct att_diag *why);

/* What a channel showed goes on where the specification changed elsewhere: channels of one digest move over. */
void att_channels_carry_over(struct att_channels *to, struct att_channels *from);

#endif
