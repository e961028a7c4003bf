/*
 * Reference values: which digests are expected, under which names. One compiled file, mapped read-only
 * and shared by every appraisal.
 *
 * docs/formats/refvals.md: digests sorted, without their first byte, and an index of their names. Lookups
 * are binary searches in a bucket; nothing is copied but what is found.
 */
#ifndef ATT_POLICY_REFVAL_H
#define ATT_POLICY_REFVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct att_refvals; /* borrows the mapped bytes */

/* Structure is checked in constant time; order is what the maker promised. FMT_REFVALS. */
ATT_MUST_USE enum att_err att_refvals_open(struct att_refvals **out, struct att_slice mapped,
                                           struct att_diag *diag);
/* Map a file read-only and open it; unmapped by att_refvals_free. */
ATT_MUST_USE enum att_err att_refvals_map(struct att_refvals **out, const char *path,
                                          struct att_diag *diag);
void att_refvals_free(struct att_refvals *r);
void att_refvals_freep(struct att_refvals **r);

uint64_t att_refvals_count(const struct att_refvals *r);
size_t att_refvals_bytes(const struct att_refvals *r); /* of the file, header included */
const uint8_t *att_refvals_digest(
    const struct att_refvals *r); /* SHA-256 of the entries and index, from the header */
/* Recompute the digest and check the order: for fsck and refvals show. */
ATT_MUST_USE enum att_err att_refvals_check(const struct att_refvals *r, struct att_diag *diag);

bool att_refvals_has(const struct att_refvals *r, const uint8_t digest[32]);
/* The same of up to ATT_REFVALS_EACH digests at once, in the time of a few; NULL has none. */
#define ATT_REFVALS_EACH 16
void att_refvals_has_each(bool *out, const struct att_refvals *r, const uint8_t *const *digest,
                          size_t count);
/* What stands under a name. */
struct att_refvals_found {
    size_t count; /* digests */
    const uint8_t
        *first; /* one of them, or NULL: points to room, so that a copy must not outlive this */
    bool same;  /* the digest that was asked for is among them */
    uint8_t room[32];
};

/*
 * att_refvals_look - digest may be NULL.
 * Errors  NOMEM CRYPTO: that nothing was found is an answer, and not the one to give then
 */
ATT_MUST_USE enum att_err att_refvals_look(struct att_refvals_found *out,
                                           const struct att_refvals *r, struct att_slice name,
                                           const uint8_t *digest);
/* Up to cap digests that are listed under a name, and how many there are (may exceed cap). As above. */
ATT_MUST_USE enum att_err att_refvals_expected(size_t *count, const struct att_refvals *r,
                                               struct att_slice name, uint8_t (*out)[32],
                                               size_t cap);

/* Does a file that begins like this claim to be a compiled one? */
#define ATT_REFVALS_HEAD 8
bool att_refvals_is_compiled(const uint8_t head[ATT_REFVALS_HEAD]);

/* Making: add pairs, then finish into a new buffer. Duplicates are merged. */
struct att_refvals_maker;
ATT_MUST_USE enum att_err att_refvals_maker_new(struct att_refvals_maker **out);
ATT_MUST_USE enum att_err att_refvals_maker_add(struct att_refvals_maker *m, struct att_slice name,
                                                const uint8_t digest[32]);
/* All entries of a compiled file. */
ATT_MUST_USE enum att_err att_refvals_maker_merge(struct att_refvals_maker *m,
                                                  const struct att_refvals *r);
ATT_MUST_USE enum att_err att_refvals_maker_finish(struct att_buf **out,
                                                   struct att_refvals_maker *m);
void att_refvals_maker_free(struct att_refvals_maker *m);
void att_refvals_maker_freep(struct att_refvals_maker **m);

#endif
