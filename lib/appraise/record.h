/*
 * The record of one appraisal: all that is needed to make the decision again (docs/formats/record.md).
 *
 * Kept by the verifier, sealed at rest, and handed to an auditor who runs attestctl evidence reappraise.
 */
#ifndef ATT_APPRAISE_RECORD_H
#define ATT_APPRAISE_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "appraise/context.h"
#include "appraise/result.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "policy/policy.h"
#include "policy/refval.h"

#define ATT_RECORD_MAX (16 * 1024 * 1024)

/* Slices borrow what they were decoded from. */
struct att_record {
    struct att_slice context;  /* att_appraisal_context_encode */
    struct att_slice evidence; /* as sent */
    struct att_slice result;   /* att_result_encode: what was decided */
    struct att_slice policy;   /* att_policy_encode; empty when the record travels without it */
    size_t notice_count;       /* the same of the change notices that the context names */
    struct att_slice notice[ATT_NOTICES_MAX];
};

/* Appended to out. LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_record_encode(struct att_buf *out, const struct att_record *r);
/* FORMAT LIMIT TRUNCATED TRAILING with FMT_RECORD; the parts are not read yet. */
ATT_MUST_USE enum att_err att_record_decode(struct att_record *out, struct att_slice in,
                                            struct att_diag *diag);

/* What became of a repeated appraisal. */
struct att_reappraisal {
    struct att_result *before, *after; /* owned */
    char device_id[ATT_DEVICE_ID_MAX + 1];
    bool other_rules; /* policy, references or notices are not those of the record: a what-if */
    uint32_t notices_missing; /* windows that were left out */
    bool
        unseen; /* a what-if whose rules saw nothing of what this evidence goes on from: no verdict */
    bool over_parts; /* that is a kernel list which came in parts */
    bool same;       /* the result is that of the record, byte for byte */
};
void att_reappraisal_clear(struct att_reappraisal *r);

/* What to judge by; everything is borrowed. */
struct att_reappraise_rules {
    const struct att_policy *policy;
    const struct att_refvals *refvals;       /* NULL: none */
    const struct att_notice *const *notices; /* a window whose notice is not here is left out */
    size_t notice_count;
    /* What-if over evidence that continues a log: what the same rules gave for the record that it goes on from
     * (att_reappraisal's after). NULL, or the result of any other record: refused for want of its beginning. */
    const struct att_result *earlier;
    /* What-if over evidence whose kernel list came in parts: that list, from its beginning on, at least as long.
     * Empty: such evidence is refused for want of it. */
    struct att_slice ima_list;
};

/*
 * att_reappraise - judge a record's evidence again, in its context; clear out with att_reappraisal_clear.
 * Errors  FORMAT ... (FMT_RECORD, and those of context, result and evidence), MISMATCH (LOG_PCR: another list than
 *         the one that came in parts), NOMEM CRYPTO INTERNAL
 */
ATT_MUST_USE enum att_err att_reappraise(struct att_reappraisal *out, const struct att_record *r,
                                         const struct att_reappraise_rules *rules,
                                         struct att_diag *diag);

#endif
