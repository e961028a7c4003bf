/*
 * Transfers of gateways at this verifier: given to another organisation, or received from one
 * (docs/formats/transfer.md). Both ends are the administrator's request; the gateway itself comes later,
 * with the key that the statement names in place of a token.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_TRANSFER_H
#define ATTESTD_VERIFIER_KEEPER_TRANSFER_H

#include <stdbool.h>

#include "appraise/transfer.h"
#include "base/err.h"
#include "verifier/keeper/keeper_internal.h"

/*
 * transfer_offer - what an offer of a gateway says: everything but id, receiver and times.
 * Errors  NOT_FOUND (ID_NONE) CONFLICT (TRF_QUARANTINE) and those of the store
 */
ATT_MUST_USE enum att_err transfer_offer(struct att_transfer *out, struct keeper *k,
                                         const char *device, struct att_diag *diag);

/*
 * transfer_complete - the statement, which names this verifier as giver or receiver, is put into effect:
 * a gateway that is given ends here, one that is received may enrol until the statement expires.
 * row     what was stored; t borrows message
 * Errors  of att_transfer_parse, att_transfer_verify, att_transfer_check_time; CONFLICT (TRF_PLACE TRF_DONE
 *         TRF_DEVICE TRF_QUARANTINE) NOT_FOUND (ID_NONE) and those of the store
 */
ATT_MUST_USE enum att_err transfer_complete(struct store_transfer *row, struct att_transfer *t,
                                            struct keeper *k, struct job *job,
                                            struct att_slice message, struct att_diag *diag);

/*
 * transfer_find - is there a transfer that admits this enrolment, or one that gave its key away? A name covers
 * attributes, which a gateway can tell otherwise: what was given away is known by the key itself.
 * admits  the gateway may enrol by *row
 */
ATT_MUST_USE enum att_err transfer_find(bool *admits, bool *given, struct store_transfer *row,
                                        struct keeper *k, const struct msg_enrol_facts *f,
                                        struct att_diag *diag);

/* Was a gateway of this id given away? */
bool transfer_left(struct keeper *k, const char *device);

#endif
