/*
 * What a log sends to a witness (C2SP tlog-witness, add-checkpoint):
 *
 *   old DECIMAL                  the size that the witness saw last
 *   BASE64                       one hash a line, the proof from there to here; at most 63
 *   (blank line)
 *   the checkpoint
 */
#ifndef ATT_TLOG_WITNESS_REQUEST_H
#define ATT_TLOG_WITNESS_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"

#define ATT_WITNESS_HASHES 63

struct att_witness_request {
    uint64_t old; /* leaves; at most ATT_MERKLE_SIZE_MAX */
    struct att_merkle_path path;
    struct att_slice checkpoint; /* everything behind the blank line; not even parsed */
};

/* att_witness_request_parse - borrows in. FORMAT TRUNCATED LIMIT (FMT_TLOG); diag has the byte. */
ATT_MUST_USE enum att_err att_witness_request_parse(struct att_witness_request *out,
                                                    struct att_slice in, struct att_diag *diag);

/* Into a new buffer. INTERNAL (what att_witness_request_parse would refuse) NOMEM. */
ATT_MUST_USE enum att_err att_witness_request_encode(struct att_buf **out,
                                                     const struct att_witness_request *request);

#endif
