/*
 * Parts of a kernel list that came before the quote which proves them.
 *
 * A quote covers the PCR of its own time, so none proves the beginning of a list that has grown since. A list
 * that is longer than one message therefore comes first, in parts, and each is only replayed, to where it
 * leads by either rule of extending. Nothing of it is believed before evidence goes on from there and leads
 * to what a TPM signed (att_evidence_verify, att_log_rules.parts).
 */
#ifndef ATT_EVIDENCE_PARTS_H
#define ATT_EVIDENCE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/digest.h"

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
        restart_count;            /* the boot that the gateway named: the quote must be of it */
    uint64_t off;                 /* bytes replayed, since the start of the boot */
    uint64_t count;               /* entries likewise */
    uint8_t pcr[ATT_HASH_MAX];    /* after them, each bank extended with its own hash */
    uint8_t padded[ATT_HASH_MAX]; /* the same with the padded SHA-1: see tcg/ima.h */
    uint32_t aggregate_count;
    struct att_ima_aggregate aggregate[ATT_PARTS_AGGREGATES_MAX];
};

/*
 * att_parts_replay - go on from *p over the whole entries of a part; what is cut at its end comes again.
 *
 * taken   bytes of the whole entries, at least one entry
 * Errors  FMT_IMA with the byte (also: no whole entry), MISMATCH (LOG_PCR: an entry of another PCR), CRYPTO
 *         NOMEM UNSUPPORTED. Then *p is as it was.
 */
ATT_MUST_USE enum att_err att_parts_replay(struct att_ima_parts *p, size_t *taken,
                                           struct att_slice part, enum att_hash bank,
                                           uint32_t ima_pcr, struct att_diag *diag);

#endif
