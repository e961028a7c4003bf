/*
 * A kernel list that comes in parts: each is replayed and judged, and only where that leads is kept.
 *
 * What comes of a part is no verdict. It becomes the context of the next one, and of the evidence whose
 * quote must explain all of them; whoever keeps it meanwhile shows it to nobody (docs/formats/protocol.md).
 */
#ifndef ATT_APPRAISE_PARTS_H
#define ATT_APPRAISE_PARTS_H

#include <stdint.h>

#include "appraise/context.h"
#include "appraise/result.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "evidence/parts.h"
#include "policy/policy.h"
#include "policy/refval.h"

/* Everything is borrowed. */
struct att_part_input {
    const struct att_appraisal_context *context;
    const struct att_policy *policy;
    const struct att_refvals *refvals;       /* NULL: none */
    const struct att_notice *const *notices; /* at least those that the context names */
    size_t notice_count;
    uint32_t reset_count,
        restart_count; /* the boot that the sender says it is of: whoever keeps what
                                            comes of it checks that it is always the same */
    bool padded;       /* how the sender says that its kernel extends: see tcg/ima.h */
    uint64_t off;      /* where the sender says that the part starts, in bytes */
    struct att_slice part;
    uint64_t log_max; /* bytes that a list may have in all */
};

/* Where a list and its judgement stand after a part: in the next context, these take the place of its own. */
struct att_folded {
    struct att_ima_parts parts;
    struct att_windows_seen seen;
    struct att_carry carry;
    struct att_windows windows;
};

/*
 * att_part_fold - one part, judged with what the context knows of those before it.
 *
 * room    worked in; its content is lost (a result is large)
 * Errors  CONFLICT (PART_ORDER: it does not start where the list stands, or names another rule), LIMIT (PART_LIMIT), NOT_FOUND
 *         (REF_NOTICE), those of att_parts_walk_next, NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_part_fold(struct att_folded *out, struct att_result *room,
                                        const struct att_part_input *in, struct att_diag *diag);

/* Deterministic CBOR, at most this long. The way in: FORMAT LIMIT TRUNCATED TRAILING with FMT_FRAME. */
#define ATT_PARTS_BOUND  ((size_t)2048 + ATT_WINDOWS_SEEN_BOUND)
#define ATT_FOLDED_BOUND (ATT_PARTS_BOUND + ATT_WINDOWS_BOUND + 1024 + ATT_CARRY_BOUND)
ATT_MUST_USE enum att_err att_folded_encode(struct att_wr *w, const struct att_folded *f);
ATT_MUST_USE enum att_err att_folded_decode(struct att_folded *f, struct att_slice in,
                                            struct att_diag *diag);

/* Its first two members alone, for a context with so many windows. Decoded, they are known. */
ATT_MUST_USE enum att_err att_parts_encode(struct att_wr *w, const struct att_ima_parts *p,
                                           const struct att_windows_seen *seen, uint32_t windows);
ATT_MUST_USE enum att_err att_parts_decode(struct att_ima_parts *p, struct att_windows_seen *seen,
                                           uint32_t windows, struct att_slice in,
                                           struct att_diag *diag);

#endif
