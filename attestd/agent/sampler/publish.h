/*
 * Batches to a broker: in order, each kept until it was acknowledged, from the data folder after an outage.
 */
#ifndef ATTESTD_AGENT_PUBLISH_H
#define ATTESTD_AGENT_PUBLISH_H

#include "agent/measurer/conf.h"
#include "agent/sampler/spool.h"
#include "base/err.h"

struct publisher; /* opaque */

/* *out is NULL when nothing is to be published. CONFIG NOMEM; the file "published" of the data folder says where to go on. */
ATT_MUST_USE enum att_err publish_open(struct publisher **out, const struct agent_conf *conf,
                                       struct att_diag *diag);
/* Send what waits, as far as the broker takes it within its limit; what does not go now goes next time. */
void publish_batch(struct publisher *p, const struct spool *s);
void publish_close(struct publisher *p);

#endif
