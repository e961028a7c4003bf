/*
 * Proofs of inclusion as text (C2SP tlog-proof, v1), for files *.tlog-proof and other people's tools:
 *
 *   c2sp.org/tlog-proof@v1
 *   extra BASE64                 may be missing; authenticated by nothing
 *   index DECIMAL
 *   BASE64                       one hash a line, from the leaf up
 *   (blank line)
 *   the checkpoint, verbatim
 *
 * Parsed is not verified: the hashes prove something only with a checkpoint that att_checkpoint_verify took.
 */
#ifndef ATT_TLOG_PROOF_TEXT_H
#define ATT_TLOG_PROOF_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"

#define ATT_PROOF_HASHES 63   /* a tree of less than 2^63 leaves is no higher */
#define ATT_PROOF_EXTRA  8192 /* bytes */

struct att_proof_text {
    uint64_t index; /* of the entry, from 0; at most ATT_MERKLE_SIZE_MAX */
    struct att_merkle_path path;
    struct att_slice extra; /* base64 as it stands there, canonical; empty when there is none */
    struct att_slice checkpoint; /* everything behind the blank line; not even parsed */
};

/* att_proof_text_parse - borrows in. FORMAT TRUNCATED LIMIT (FMT_TLOG); diag has the byte. */
ATT_MUST_USE enum att_err att_proof_text_parse(struct att_proof_text *out, struct att_slice in,
                                               struct att_diag *diag);

/*
 * att_proof_text_encode - into a new buffer.
 *
 * Errors  INTERNAL (what att_proof_text_parse would refuse) NOMEM
 */
ATT_MUST_USE enum att_err att_proof_text_encode(struct att_buf **out,
                                                const struct att_proof_text *proof);

/* The bytes of extra. NOT_FOUND when there is none; LIMIT (more than cap). */
ATT_MUST_USE enum att_err att_proof_text_extra(uint8_t *out, size_t cap, size_t *len,
                                               const struct att_proof_text *proof);

#endif
