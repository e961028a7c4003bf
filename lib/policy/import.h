/*
 * Reference values in the forms of others: what reading one gives out, and what writing one takes.
 */
#ifndef ATT_POLICY_IMPORT_H
#define ATT_POLICY_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Takes one name and digest; an error of it ends the reading. */
typedef enum att_err (*att_import_take)(void *ctx, struct att_slice name, const uint8_t digest[32]);

struct att_import {
    att_import_take take;
    void *ctx;
    size_t values; /* given out */
    size_t others; /* well-formed, but of a kind or hash that is not compared here */
    char profile[128];
};

/* One value to write; the name is terminated. Both are borrowed. */
struct att_export {
    const char *name;
    const uint8_t *digest; /* 32 */
};

/*
 * att_corim_read - a CoRIM (tag 501, or its map alone), a CoMID, or a CoSWID. Of a CoRIM's reference values
 * PCRs are given out as "pcr/sha256/N": from integrity registers (key 14), and from measurements whose key
 * is the index; and names of our own profile as they are. docs/formats/imports.md
 *
 * Errors  FORMAT TRUNCATED TRAILING LIMIT (FMT_CORIM); what take gives
 */
ATT_MUST_USE enum att_err att_corim_read(struct att_import *io, struct att_slice in,
                                         struct att_diag *diag);

/* Sorted by name, unique. id names the document. A CoRIM under our own profile. LIMIT NOMEM */
ATT_MUST_USE enum att_err att_corim_write(struct att_buf **out, const char *id,
                                          const struct att_export *values, size_t count);

/*
 * att_corim_write_pcrs - the values "pcr/sha256/N" alone, for verifiers that know no names: one measurement a PCR under
 * its index, in the profile of Parsec. How many others there were is *left_out.
 * Errors  NOT_FOUND: no value of a PCR; LIMIT NOMEM
 */
ATT_MUST_USE enum att_err att_corim_write_pcrs(struct att_buf **out, const char *id,
                                               const struct att_export *values, size_t count,
                                               size_t *left_out);

/*
 * att_allowlist_read - the runtime policy that Keylime reads (JSON): digests and ima-buf. Digests that are
 * not SHA-256, excludes, keyrings and keys are counted as others: what is excluded there is not expected here.
 * Errors  FORMAT (FMT_JSON, FMT_ALLOWLIST); what take gives
 */
ATT_MUST_USE enum att_err att_allowlist_read(struct att_import *io, struct att_slice in,
                                             struct att_diag *diag);

/*
 * att_digest_list_read - lines of sha256sum(1), with or without --tag, and of the BSD tools. "./" in front of a name
 * goes. rooted: names are paths below a root, so that "/" is put in front, and none may climb out of it. The names
 * that take gets are terminated.
 * Errors  FORMAT (FMT_REFVALS, with the line; also: no line at all); LIMIT, also of take: a name is too long
 */
ATT_MUST_USE enum att_err att_digest_list_read(struct att_import *io, struct att_slice in,
                                               bool rooted, struct att_diag *diag);

/* Sorted by name. Names that are neither a path nor a buffer have no place there and are left out. */
ATT_MUST_USE enum att_err att_allowlist_write(struct att_buf **out, const struct att_export *values,
                                              size_t count, size_t *left_out);

#endif
