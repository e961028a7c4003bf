/*
 * The judgement of a witness (C2SP tlog-witness v0.1, add-checkpoint): is this the next head of a log that only grows?
 *
 * A struct att_witness_ask exists only when a log that the witness knows signed the checkpoint in it. What the witness
 * cosigned last comes out of its own store, where the caller finds it by the checkpoint's origin. No state is kept here.
 */
#ifndef ATT_TLOG_WITNESS_H
#define ATT_TLOG_WITNESS_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "tlog/checkpoint.h"
#include "tlog/witness_policy.h"

struct att_witness_ask; /* opaque */

/*
 * att_witness_ask_open - read a request and verify the signature of its log.
 *
 * in, logs  borrowed by the result; the witnesses that logs may list are not looked at
 * Errors    FORMAT TRUNCATED LIMIT (FMT_TLOG, TL_CKPT); NOT_FOUND (TL_UNKNOWN): no log of that origin; UNTRUSTED
 *           SIGNATURE (TL_CKPT): its key did not sign, or not this; CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_witness_ask_open(struct att_witness_ask **out, struct att_slice in,
                                               const struct att_witness_policy *logs,
                                               struct att_diag *diag);
void att_witness_ask_free(struct att_witness_ask *a);
void att_witness_ask_freep(struct att_witness_ask **a);

/* The head that the log signed; the note that it is, and the bytes of that, with all lines of signatures. Borrowed from a. */
const struct att_checkpoint *att_witness_ask_checkpoint(const struct att_witness_ask *a);
const struct att_note *att_witness_ask_note(const struct att_witness_ask *a);
struct att_slice att_witness_ask_bytes(const struct att_witness_ask *a);
/* The log whose key signed; borrowed from the policy. */
const struct att_vkey *att_witness_ask_log(const struct att_witness_ask *a);

/*
 * att_witness_judge - may the checkpoint be cosigned?
 *
 * held    what was cosigned last for this log, or NULL
 * Errors  LIMIT (TL_SEEN): it says to start behind its own end; CONFLICT (TL_FORK): the log signed another tree of the
 *         size of held; STALE (TL_SEEN): it starts from another size than held has; MISMATCH (TL_CONSIST): the proof
 *         does not show that the log only grew; CRYPTO NOMEM
 * Source  C2SP tlog-witness, add-checkpoint: 400, 409, 409 and 422
 */
ATT_MUST_USE enum att_err att_witness_judge(const struct att_witness_ask *a,
                                            const struct att_checkpoint *held,
                                            struct att_diag *diag);

#endif
