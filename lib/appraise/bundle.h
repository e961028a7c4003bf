/*
 * The bundle: one file that holds what a partner needs to verify a label without asking anybody
 * (docs/formats/bundle.md). The label brings the certificates of its signer and the receipts of its logs; beside it
 * travel a checkpoint that witnesses cosigned, the proof that the label's entry is in it, and a status list.
 *
 * Reading it believes nothing: nothing in it says whom to trust.
 */
#ifndef ATT_APPRAISE_BUNDLE_H
#define ATT_APPRAISE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "appraise/label.h"
#include "appraise/status_list.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"
#include "sign/note.h"

#define ATT_BUNDLE_MAX (ATT_LABEL_MAX + ATT_NOTE_MAX + ATT_STATUS_FILE_MAX + 4096) /* bytes */

struct att_bundle_file {
    struct att_slice label;      /* the file, with its receipts */
    struct att_slice checkpoint; /* a signed note; empty: none */
    bool
        has_path; /* of the label's entry in the checkpoint's tree; else it must be the receipt's own tree */
    struct att_merkle_path path;
    struct att_slice status; /* a status list token; empty: none */
};

/*
 * att_bundle_file_parse - the members; they borrow in and are not parsed themselves.
 *
 * Errors  TRUNCATED TRAILING FORMAT LIMIT (FMT_BUNDLE, LIM_SIZE); UNSUPPORTED (BND_VERSION): another version, or a
 *         member that this one does not have
 */
ATT_MUST_USE enum att_err att_bundle_file_parse(struct att_bundle_file *out, struct att_slice in,
                                                struct att_diag *diag);
/* Into a new buffer. INTERNAL (what att_bundle_file_parse would refuse) NOMEM. */
ATT_MUST_USE enum att_err att_bundle_file_encode(struct att_buf **out,
                                                 const struct att_bundle_file *b);

/* Does it begin as a bundle does, rather than as a label or as text? */
bool att_bundle_file_looks(struct att_slice in);

#endif
