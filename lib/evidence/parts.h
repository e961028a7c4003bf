/*
 * Parts of a kernel list that came before the quote which proves them.
 *
 * A quote covers the PCR of its own time, so none proves the beginning of a list that has grown since. A list
 * that is longer than one message therefore comes first, in parts, and each is only replayed, to where it
 * leads by the rule of extending that its sender names. Nothing of it is believed before evidence goes on from
 * there, by that rule, and leads to what a TPM signed (att_evidence_verify, att_log_rules.parts).
 */
#ifndef ATT_EVIDENCE_PARTS_H
#define ATT_EVIDENCE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"
#include "tcg/ima.h"

#define ATT_PARTS_AGGREGATES_MAX 16 /* kernels that took the list over from one another */

/* A boot_aggregate of the list: judged when the boot log is there, which comes with the quote. */
struct att_ima_aggregate {
    uint64_t index; /* of the entry, since the start of the boot */
    enum att_hash alg;
    uint8_t digest[ATT_HASH_MAX];
    uint32_t len; /* bytes of it */
};

struct att_ima_parts {
    bool known; /* false: none came, and nothing else is set */
    uint32_t reset_count,
        restart_count;         /* the boot that the gateway named: the quote must be of it */
    uint64_t off;              /* bytes replayed, since the start of the boot */
    uint64_t count;            /* entries likewise */
    bool padded;               /* by which rule, as the gateway says: see tcg/ima.h */
    uint8_t pcr[ATT_HASH_MAX]; /* after them, by it */
    uint32_t aggregate_count;
    struct att_ima_aggregate aggregate[ATT_PARTS_AGGREGATES_MAX];
};

/*
 * One part, entry by entry: what is cut at its end comes again. The caller zeroes it and names the two rules;
 * `to` is where the list stands, by the rule that `from` names (padded), which stays.
 */
struct att_parts_walk {
    enum att_hash bank;
    uint32_t ima_pcr;
    struct att_ima_parts to;
    struct att_ima it;
    size_t taken;            /* bytes of the whole entries so far */
    struct att_hasher *h;    /* owned, like the next */
    struct att_hasher *sha1; /* NULL: not needed */
};

/* The part is borrowed. NOMEM. End it with att_parts_walk_end whatever came of it. */
ATT_MUST_USE enum att_err att_parts_walk_start(struct att_parts_walk *w,
                                               const struct att_ima_parts *from,
                                               struct att_slice part, struct att_diag *diag);
void att_parts_walk_end(struct att_parts_walk *w);

/*
 * att_parts_walk_next - the next whole entry, replayed; *more false behind the last.
 *
 * Errors  FMT_IMA with the byte (also: no whole entry), MISMATCH (LOG_PCR: an entry of another PCR), CRYPTO
 *         NOMEM UNSUPPORTED. Then nothing of the part counts.
 */
ATT_MUST_USE enum att_err att_parts_walk_next(struct att_parts_walk *w, struct att_ima_entry *out,
                                              bool *more, struct att_diag *diag);

#endif
