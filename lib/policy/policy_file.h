/*
 * A policy as a file: signed (COSE_Sign1 over its deterministic CBOR), or the YAML itself.
 *
 * docs/formats/policy.md. Which of the two is taken, and from whom, is the caller's word and never the
 * file's: att_policy_open is the only way from a file to a policy that judges.
 */
#ifndef ATT_POLICY_POLICY_FILE_H
#define ATT_POLICY_POLICY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "policy/policy.h"
#include "sign/document.h"

#define ATT_POLICY_CONTENT_TYPE "application/vnd.attestd.policy+cbor"
#define ATT_POLICY_PURPOSE      "attestd policy 1" /* external data of the signature */

/* What a file says of itself. */
struct att_policy_origin {
    bool is_signed;
    uint8_t kid[32]; /* SHA-256 of the signer's key; zeros without a signature */
};

/*
 * att_policy_open - a policy that may judge.
 *
 * name     for messages of YAML
 * signers  NULL: nobody
 * unsigned_ok  take YAML without a signature: only where the operator said so in so many words
 * origin   may be NULL
 * Errors   SIGNATURE (CFG_POLICYSIG: none, of another, or false), and those of att_policy_decode and
 *          att_policy_parse_yaml
 */
ATT_MUST_USE enum att_err att_policy_open(struct att_policy **out, const char *name,
                                          struct att_slice in, const struct att_signers *signers,
                                          bool unsigned_ok, struct att_policy_origin *origin,
                                          struct att_diag *diag);

/* The same without asking who signed it: for what people look at and try out, never for a verdict that is kept. */
ATT_MUST_USE enum att_err att_policy_peek(struct att_policy **out, const char *name,
                                          struct att_slice in, struct att_policy_origin *origin,
                                          struct att_diag *diag);

/* Sign it. What the signer says, NOMEM. */
ATT_MUST_USE enum att_err att_policy_sign(struct att_buf **out, const struct att_policy *p,
                                          const struct att_signer *signer);

#endif
