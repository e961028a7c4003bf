/*
 * What the rules of a policy make of a kernel list as a whole: one judgement for the verifier, which has verified
 * evidence, and for whoever judges the list of a raw quote. docs/formats/logs.md.
 */
#ifndef ATT_APPRAISE_LISTRULES_H
#define ATT_APPRAISE_LISTRULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "policy/policy.h"
#include "tcg/ima.h"
#include "tcg/pcr.h"

/* NONE: nothing is wrong, or nobody minds. Else severity is FAIL or WARN. */
struct att_list_says {
    enum att_reason reason;
    enum att_severity severity;
    const struct att_requirement *rule; /* borrowed from the policy; NULL: a strict default */
};

/* Is an entry called boot_aggregate? A kernel's is; a file may have that name. */
bool att_list_is_aggregate(const struct att_ima_entry *e);

/* The list does not start with boot_aggregate. */
struct att_list_says att_list_no_start(void);

/*
 * att_list_aggregate - a boot_aggregate: of the list's first entry, or of a kernel that kexec started and that took
 * the list over.
 *
 * boot    what the boot log leads to; NULL: none is there (E2 at most). Then the first entry is taken at its word, for
 *         the kernel wrote it before anybody else could, and no later one is: anybody can name a file so
 * Errors  of att_bootlog_aggregate
 */
ATT_MUST_USE enum att_err att_list_aggregate(struct att_list_says *out, const struct att_policy *p,
                                             const struct att_pcr_values *boot, bool first,
                                             enum att_hash alg, struct att_slice digest);

/* A violation hides what ran. Where the list is judged, only a rule of the policy may let it pass. */
struct att_list_says att_list_violations(const struct att_policy *p, uint64_t count);

#endif
