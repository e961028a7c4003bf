/*
 * The transcription specification that a gateway works by: signed, and never an older one.
 *
 * The file of the configuration takes effect when one of specification_signers signed it and no counter of it fell
 * behind the one in force (att_spec_check_next). The one in force is kept in the state folder, as it was signed, so
 * that counters hold across restarts and a refused file leaves it in force.
 */
#ifndef ATTESTD_AGENT_SPECIFICATION_H
#define ATTESTD_AGENT_SPECIFICATION_H

#include "agent/measurer/conf.h"
#include "agent/measurer/table.h"
#include "base/err.h"
#include "prov/spec.h"

/* "spec:ID" has the digest of all of it, "spec:ID/CHANNEL" of a channel. */
#define SPECIFICATION_ITEM "spec:"

/*
 * specification_in_force - *out is the caller's; NULL when none is configured.
 *
 * refused  why the configured file did not take effect and the one that is kept stays; else its reason is NONE
 * Errors   SIGNATURE (CFG_SPECSIG), CONFLICT (CFG_SPECOLD), CONFIG (CFG_SPEC) and those of files, when there is none
 *          to stay; those of att_signers_load; IO (ST_FULL ...) when it cannot be kept
 */
ATT_MUST_USE enum att_err specification_in_force(struct att_spec **out, struct att_diag *refused,
                                                 const struct agent_conf *conf,
                                                 struct att_diag *diag);

/* Its rows, complete as they stand. LIMIT NOMEM (LIM_SIZE) */
ATT_MUST_USE enum att_err specification_rows(struct table *t, const struct att_spec *s,
                                             struct att_diag *diag);

#endif
