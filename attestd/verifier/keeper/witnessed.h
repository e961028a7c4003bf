/*
 * The checkpoint that witnesses cosigned. Whoever asks the witnesses (attestctl log cosign) delivers it; here it is held
 * against the log itself and the policy before it is published in the place of the newest.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_WITNESSED_H
#define ATTESTD_VERIFIER_KEEPER_WITNESSED_H

#include "base/buf.h"
#include "verifier/config.h"
#include "verifier/keeper/sequencer.h"
#include "verifier/store/store.h"

struct witnessed; /* opaque */

/*
 * witnessed_open - *out is NULL when no witnesses are configured.
 *
 * cfg, st, sequencer  borrowed
 * Errors  CONFIG (FMT_WITNESSES): a policy without this log; and those of reading files and of the policy
 */
ATT_MUST_USE enum att_err witnessed_open(struct witnessed **out, const struct config *cfg,
                                         struct store *st, struct sequencer *sequencer,
                                         struct att_diag *diag);
void witnessed_free(struct witnessed *w);

/*
 * witnessed_take - a note with cosignatures, inside of a transaction.
 *
 * Errors  FORMAT and others of att_witness_policy_verify (TL_CKPT); UNTRUSTED (TL_WITNESS): too few cosigned; CONFLICT
 *         (TL_FORK): the log's key signed it, and it is not a tree of this log; STALE (TL_SEEN): a newer one is held
 */
ATT_MUST_USE enum att_err witnessed_take(struct witnessed *w, struct att_slice note,
                                         struct att_diag *diag);

/* The note that is held, into out; NOT_FOUND: none yet. */
ATT_MUST_USE enum att_err witnessed_get(struct att_buf *out, struct witnessed *w,
                                        struct att_diag *diag);

/* What was published counts no more: the log's key that signed it may be in strange hands. Inside a transaction. */
ATT_MUST_USE enum att_err witnessed_forget(struct witnessed *w, struct att_diag *diag);

#endif
