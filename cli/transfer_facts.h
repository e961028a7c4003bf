/* What a verifier says of a gateway that is offered to another organisation. */
#ifndef CLI_TRANSFER_FACTS_H
#define CLI_TRANSFER_FACTS_H

#include <jansson.h>

#include "appraise/transfer.h"
#include "base/err.h"

/* The answer to GET /offers/ID into giver, keys and last state of *t. NETWORK (NET_PROTOCOL) names the member that is wrong. */
ATT_MUST_USE enum att_err transfer_facts_read(struct att_transfer *t, const json_t *o,
                                              struct att_diag *diag);

#endif
