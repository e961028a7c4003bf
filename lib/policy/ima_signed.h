/*
 * Files of the kernel's list by their signatures, where a policy's ima_signed asks for them.
 *
 * A file is judged by the first ima_signed that covers its name; one that no such rule covers, and every
 * buffer (ima-buf), is judged by ima_files. The key id of a signature only finds keys: all that have it are
 * tried.
 */
#ifndef ATT_POLICY_IMA_SIGNED_H
#define ATT_POLICY_IMA_SIGNED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "policy/policy.h"
#include "tcg/ima_sig.h"

#define ATT_SIGNED_KEPT_MAX 1024 /* good signatures that are known again */
/* Bad ones in one list that are verified; what comes then is bad too. More than a result keeps, so that no
 * verdict depends on it, and a hostile list cannot buy a second of work with each of its megabytes. */
#define ATT_SIGNED_BAD_MAX 256

/* The judge of one list: what it found good before, and how often it was lied to. */
struct att_signed;

/* *out is NULL when no rule of the policy asks for signatures. NOMEM */
ATT_MUST_USE enum att_err att_signed_new(struct att_signed **out, const struct att_policy *p);
void att_signed_free(struct att_signed *s);
void att_signed_freep(struct att_signed **s);

/* The rule that judges an entry, borrowed, and its index; NULL: ima_files does. at may be NULL. */
const struct att_requirement *att_signed_rule(uint32_t *at, const struct att_policy *p,
                                              const struct att_ima_entry *e);

struct att_signed_verdict {
    enum att_reason
        reason;   /* NONE: signed by a listed key. Else IMA_UNSIGNED, IMA_NOFIELD, IMA_SIGKEY,
                               IMA_SIGBAD, IMA_SIGFORM */
    bool has_key; /* keyid is what the signature names */
    uint8_t keyid[ATT_IMA_KEYID_LEN];
    char text[ATT_DIAG_TEXT]; /* expected and found; may be empty */
};

/*
 * att_signed_judge - one entry by a rule of the policy that s was made for. "No" is a result.
 * Errors  NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_signed_judge(struct att_signed_verdict *out, struct att_signed *s,
                                           const struct att_requirement *rule,
                                           const struct att_ima_entry *e);

#endif
