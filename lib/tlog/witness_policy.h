/*
 * Which logs are believed, and whose cosignatures a checkpoint needs (C2SP tlog-policy):
 *
 *   log VKEY [URL]
 *   witness NAME VKEY [URL]
 *   group NAME all|any|K MEMBER...
 *   quorum NAME|none
 *
 * Names are bytes, mean nothing outside of the file, and are defined before they are used. A member stands in one
 * group at most, and a public key in one witness, so that nobody counts twice. Lines that begin with # are comments.
 */
#ifndef ATT_TLOG_WITNESS_POLICY_H
#define ATT_TLOG_WITNESS_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "sign/note.h"
#include "tlog/checkpoint.h"

#define ATT_WITNESS_POLICY_MAX    65536 /* bytes */
#define ATT_WITNESS_POLICY_LOGS   64
#define ATT_WITNESS_POLICY_GROUPS 64 /* and ATT_CHECKPOINT_WITNESSES witnesses */

struct att_witness_policy; /* opaque */

/* One log or witness; everything is borrowed from the policy. */
struct att_witness_party {
    const struct att_vkey *key; /* type 01 of a log, 04 of a witness */
    struct att_slice name;      /* of a witness inside the file; empty for a log */
    struct att_slice url;       /* empty when there is none; not looked at here */
};

/*
 * att_witness_policy_parse - read a policy; copies what it needs.
 *
 * Errors  FORMAT TRUNCATED LIMIT UNSUPPORTED MISMATCH (FMT_WITNESSES); the text of diag begins with the number of the
 *         line. UNSUPPORTED: a key of a type that is not verified here, or a log's in place of a witness's; MISMATCH:
 *         a key whose id is another's; CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_witness_policy_parse(struct att_witness_policy **out,
                                                   struct att_slice text, struct att_diag *diag);
void att_witness_policy_free(struct att_witness_policy *p);
void att_witness_policy_freep(struct att_witness_policy **p);

/* The i-th of the file, or NULL behind the last. */
const struct att_witness_party *att_witness_policy_log(const struct att_witness_policy *p,
                                                       size_t i);
const struct att_witness_party *att_witness_policy_witness(const struct att_witness_policy *p,
                                                           size_t i);

/* "quorum none": nobody's cosignature is asked for, and whoever relies on it should be told so. */
bool att_witness_policy_asks_nobody(const struct att_witness_policy *p);

/*
 * att_witness_policy_verify - is this the head of a log of the policy?
 *
 * The witnesses' signatures are verified with it, and do not have to be enough: ask att_witness_policy_met.
 * note    borrowed by the result, and so is the policy
 * Errors  as att_checkpoint_verify; UNTRUSTED (TL_CKPT) also when no log of the policy has that origin
 */
ATT_MUST_USE enum att_err att_witness_policy_verify(struct att_checkpoint **out,
                                                    const struct att_witness_policy *p,
                                                    const struct att_note *note,
                                                    struct att_diag *diag);

/* Have enough witnesses cosigned? The checkpoint came out of att_witness_policy_verify of this policy. */
bool att_witness_policy_met(const struct att_witness_policy *p, const struct att_checkpoint *c);

#endif
