/* The makers of TPMs that the operator trusts, and what they took back, as every process reads them. */
#ifndef ATTESTD_VERIFIER_EK_MAKERS_H
#define ATTESTD_VERIFIER_EK_MAKERS_H

#include "base/err.h"
#include "crypto/cert.h"
#include "verifier/config.h"

/*
 * ek_makers_load - ek_anchors with ek_crls of the configuration. *out is the caller's; NULL when no anchors are
 * configured.
 * Errors  NOT_FOUND (FILE: no such folder) FORMAT (FMT_CERT) IO NOMEM
 */
ATT_MUST_USE enum att_err ek_makers_load(struct att_anchors **out, const struct config *cfg,
                                         struct att_diag *diag);
/* The same of the factories whose keys gateways may show: iak_anchors with iak_crls; NULL with iak: off. */
ATT_MUST_USE enum att_err iak_makers_load(struct att_anchors **out, const struct config *cfg,
                                          struct att_diag *diag);

#endif
