/*
 * Checkpoints: the signed head of a log's tree (C2SP tlog-checkpoint v1.0.0), and what witnesses add to it (C2SP
 * tlog-cosignature v1.0, Ed25519).
 *
 * A checkpoint is a signed note. Only att_checkpoint_verify makes a struct att_checkpoint, and only such a one can be
 * cosigned: a witness cannot sign what the log did not.
 */
#ifndef ATT_TLOG_CHECKPOINT_H
#define ATT_TLOG_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"
#include "sign/note.h"

#define ATT_CHECKPOINT_WITNESSES 64 /* keys of witnesses that one verification takes */

/* What the text of a checkpoint says. */
struct att_tree_head {
    struct att_slice origin;     /* the name of the log, without line break */
    struct att_merkle_head tree; /* size in leaves, at most ATT_MERKLE_SIZE_MAX, and root */
    /* Further lines with their breaks, mostly none; opaque, and audited by nobody. */
    struct att_slice extension;
};

/*
 * att_tree_head_parse - the text of a checkpoint, which is not verified by this. Borrows text.
 *
 * Errors  FORMAT TRUNCATED LIMIT (TL_CKPT); MISMATCH (TL_CKPT): an empty tree with the root of another
 * Source  C2SP tlog-checkpoint, Note text
 */
ATT_MUST_USE enum att_err att_tree_head_parse(struct att_tree_head *out, struct att_slice text,
                                              struct att_diag *diag);

/* The text of a checkpoint into a new buffer. INTERNAL (a head that would be refused) NOMEM. */
ATT_MUST_USE enum att_err att_tree_head_encode(struct att_buf **out,
                                               const struct att_tree_head *head);

/*
 * att_checkpoint_make - the note with the log's signature; the key's name is the origin.
 *
 * Whoever calls this has to know that the head extends every head signed before.
 * Errors  INTERNAL UNSUPPORTED NOMEM and what the signer says, as for att_note_make
 */
ATT_MUST_USE enum att_err att_checkpoint_make(struct att_buf **out,
                                              const struct att_tree_head *head,
                                              const struct att_signer *signer);

/* Whose signatures count. */
struct att_checkpoint_keys {
    const struct att_vkey *log;            /* type 01 */
    const struct att_vkey *const *witness; /* type 04; NULL for none */
    size_t witness_count;                  /* at most ATT_CHECKPOINT_WITNESSES */
};

struct att_checkpoint; /* opaque: a head that the log's key signed */

/*
 * att_checkpoint_verify - is this the head of the log whose key is given?
 *
 * note    borrowed by the result, and so are the keys
 * Errors  what att_tree_head_parse says of the text; MISMATCH (TL_CKPT): another log's; SIGNATURE (TL_CKPT): a
 *         signature of the log or of one of the witnesses does not verify; UNTRUSTED (TL_CKPT): the log's key did
 *         not sign; INTERNAL: keys of other types, or too many; CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err att_checkpoint_verify(struct att_checkpoint **out,
                                                const struct att_note *note,
                                                const struct att_checkpoint_keys *keys,
                                                struct att_diag *diag);
/* Parse and verify in one; in is borrowed by the result. */
ATT_MUST_USE enum att_err att_checkpoint_open(struct att_checkpoint **out, struct att_slice in,
                                              const struct att_checkpoint_keys *keys,
                                              struct att_diag *diag);
void att_checkpoint_free(struct att_checkpoint *c);
void att_checkpoint_freep(struct att_checkpoint **c);

const struct att_tree_head *att_checkpoint_head(const struct att_checkpoint *c); /* borrowed */
/*
 * Did this witness, one of the keys that were given, cosign? *time_s, which may be NULL, is when it says that it did,
 * in seconds since 1970. Nobody compares it with a clock here.
 */
bool att_checkpoint_cosigned_by(const struct att_checkpoint *c, const struct att_vkey *witness,
                                uint64_t *time_s);
/* How many of the witnesses that were given did. */
size_t att_checkpoint_cosigned(const struct att_checkpoint *c);

/*
 * att_checkpoint_cosign - the line that a witness answers with, into a new buffer.
 *
 * time_s  seconds since 1970, at most ATT_NOTE_TIME_MAX
 * Errors  as for att_note_sign
 */
ATT_MUST_USE enum att_err att_checkpoint_cosign(struct att_buf **line,
                                                const struct att_checkpoint *c,
                                                struct att_slice name, uint64_t time_s,
                                                const struct att_signer *signer);

/*
 * att_checkpoint_check_fork - do two heads of one log contradict each other on their face?
 *
 * Heads of two sizes pass: only a consistency proof can tell.
 * Errors  CONFLICT (TL_FORK): one size and two roots; MISMATCH (TL_CKPT): heads of two logs
 */
ATT_MUST_USE enum att_err att_checkpoint_check_fork(const struct att_checkpoint *held,
                                                    const struct att_checkpoint *seen,
                                                    struct att_diag *diag);

#endif
