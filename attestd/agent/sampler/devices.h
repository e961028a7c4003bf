/* The devices of the configuration as sources of raw frames: which driver speaks to which. */
#ifndef ATTESTD_AGENT_DEVICES_H
#define ATTESTD_AGENT_DEVICES_H

#include "agent/measurer/conf.h"
#include "base/err.h"
#include "prov/source.h"
#include "prov/spec.h"

struct devices; /* opaque */

/*
 * devices_open - one source for each device that the specification names; absent ones are found when they are read.
 *
 * conf, spec  borrowed for the life of the devices
 * Errors      CONFIG (CFG_KEY): a channel names a device that agent.yaml does not have, or one of another bus; those of
 *             the drivers; NOMEM
 */
ATT_MUST_USE enum att_err devices_open(struct devices **out, const struct agent_conf *conf,
                                       const struct att_spec *spec, struct att_diag *diag);
void devices_free(struct devices *d);
void devices_freep(struct devices **d);

/* The source of this device; every device of the specification has one. */
struct att_source *devices_find(struct devices *d, const char *id);

#endif
