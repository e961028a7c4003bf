/* The lines of hashes that proofs and requests to witnesses have in common. */
#ifndef ATT_TLOG_PATH_INTERNAL_H
#define ATT_TLOG_PATH_INTERNAL_H

#include "codec/lines.h"
#include "crypto/merkle.h"

/* The most that an encoded path, its head and a checkpoint take. */
#define ATT_PATH_TEXT_MAX (512 * 1024)

/*
 * att_path_lines_read - up to max hashes, one a line, and the blank line behind them.
 *
 * Errors  FORMAT TRUNCATED LIMIT (FMT_TLOG), with the byte
 */
ATT_MUST_USE enum att_err att_path_lines_read(struct att_merkle_path *out, struct att_lines *it,
                                              size_t max, struct att_diag *diag);

/* The line "WORD DECIMAL". The same errors; field is WORD. */
ATT_MUST_USE enum att_err att_path_number_read(uint64_t *out, struct att_lines *it,
                                               const char *word, const char *field,
                                               struct att_diag *diag);

/* What is behind the blank line must be something. TRUNCATED (FMT_TLOG). */
ATT_MUST_USE enum att_err
att_path_checkpoint_read(struct att_slice *out, const struct att_lines *it, struct att_diag *diag);

/* "WORD DECIMAL", the hashes, the blank line, the checkpoint. INTERNAL (too many hashes) LIMIT NOMEM. */
ATT_MUST_USE enum att_err att_path_write(struct att_buf *b, const char *word, uint64_t number,
                                         const struct att_merkle_path *path,
                                         struct att_slice checkpoint);

#endif
