/*
 * The bundle: one file that holds what a partner needs to verify a label without asking anybody
 * (docs/formats/bundle.md). The label brings the certificates of its signer and the receipts of its logs; beside it
 * travel a checkpoint that witnesses cosigned, the proof that the label's entry is in it, and a status list. Data of the
 * gateway stands in it as batches (prov/batch.h), with the specifications and the earlier labels that they name.
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
#include "codec/cbor_rd.h"
#include "crypto/merkle.h"
#include "sign/note.h"

#define ATT_BUNDLE_SPECS_MAX   16
#define ATT_BUNDLE_BATCHES_MAX 4096
#define ATT_BUNDLE_EARLIER_MAX 1024
#define ATT_BUNDLE_DATA_MAX                                                                        \
    (64 * 1024 * 1024) /* bytes of batches, specifications and earlier labels */
#define ATT_BUNDLE_MAX                                                                             \
    (ATT_LABEL_MAX + ATT_NOTE_MAX + ATT_STATUS_FILE_MAX + ATT_BUNDLE_DATA_MAX + 4096) /* bytes */

struct att_bundle_file {
    struct att_slice label;      /* the file, with its receipts */
    struct att_slice checkpoint; /* a signed note; empty: none */
    bool
        has_path; /* of the label's entry in the checkpoint's tree; else it must be the receipt's own tree */
    struct att_merkle_path path;
    struct att_slice status; /* a status list token; empty: none */
    size_t spec_count;
    struct att_slice spec[ATT_BUNDLE_SPECS_MAX]; /* specifications, as their digests are of */
    uint32_t batch_count;                        /* 0: no data */
    struct att_slice batches; /* byte strings one after the other, each a batch file */
    uint32_t earlier_count;   /* labels that were in force before this one */
    struct att_slice earlier; /* the same of label files, the oldest first */
};

/* Files of batches or earlier labels, one after the other. */
struct att_bundle_files {
    struct att_cbor c;
    uint32_t left;
};
struct att_bundle_files att_bundle_batches(const struct att_bundle_file *b);
struct att_bundle_files att_bundle_earlier(const struct att_bundle_file *b);
/* The next file, borrowed from the bundle; false when there is none. */
bool att_bundle_next(struct att_bundle_files *it, struct att_slice *out);

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
