/*
 * Receipts: that an entry is in the log, in a form that travels with a label (RFC 9942, RFC9162_SHA256).
 *
 * One signature of the log covers a whole tree, so the receipts of all entries that were sequenced together
 * differ only in their paths. A root alone does not say of how many entries it is, and a path that fits one size may
 * fit another with another index; so the size is signed too. Receipts also carry the entry that they are of, in an unprotected header: it cannot be
 * made from the label alone, because the verifier signed it (docs/adr/0032-log-entries.md).
 */
#ifndef ATT_TLOG_RECEIPT_H
#define ATT_TLOG_RECEIPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"
#include "sign/cose.h"
#include "sign/signer.h"
#include "tlog/entry.h"

#define ATT_RECEIPT_MAX  (ATT_ENTRY_MAX + 4096)
#define ATT_RECEIPTS_MAX 4 /* that a label carries */

/* What the log says of one tree. */
struct att_receipt_root {
    const char *origin;
    int64_t iat; /* UTC seconds: the tree was signed then */
    struct att_merkle_head head;
};
/* The log's signature over one tree: what its receipts are made from. Errors as att_cose_make. */
ATT_MUST_USE enum att_err att_receipt_sign(struct att_buf **out,
                                           const struct att_receipt_root *root,
                                           const struct att_signer *log);

/* What its iat says: when the tree was signed, in UTC seconds. Nothing is believed. FORMAT (TL_RECEIPT, FMT_*). */
ATT_MUST_USE enum att_err att_receipt_signed_at(int64_t *out, struct att_slice signed_root,
                                                struct att_diag *diag);

struct att_receipt_place {
    uint64_t index, size;
    const struct att_merkle_path *path;
};
/* signed_root from att_receipt_sign for the tree of place->size. INTERNAL NOMEM. */
ATT_MUST_USE enum att_err att_receipt_make(struct att_buf **out, struct att_slice signed_root,
                                           const struct att_receipt_place *place,
                                           struct att_slice entry);

/* What a verified receipt says; entry borrows its bytes. */
struct att_receipt {
    struct att_merkle_head head; /* the tree that the log signed */
    uint64_t index;
    int64_t iat; /* when it signed */
    struct att_slice entry;
};
/*
 * att_receipt_verify - the entry inside is in a tree that this log signed.
 *
 * Errors  FORMAT (TL_RECEIPT, FMT_CBOR, FMT_COSE); UNSUPPORTED (TL_VDS: no vds, another one, or one that is not
 *         protected); UNTRUSTED (TL_RECEIPT: of another origin); MISMATCH (TL_PROOF: also a proof for another size than is signed); SIGNATURE (TL_SIGNATURE)
 */
ATT_MUST_USE enum att_err att_receipt_verify(struct att_receipt *out, struct att_slice in,
                                             const char *origin, const struct att_pubkey *log,
                                             struct att_diag *diag);

/* The origin that a receipt claims, for choosing a key: terminated. Errors of form as above. */
ATT_MUST_USE enum att_err att_receipt_origin(char *out, size_t cap, struct att_slice in,
                                             struct att_diag *diag);

/* A label with one receipt in its unprotected header (394), in place of what stood there. */
ATT_MUST_USE enum att_err att_receipt_attach(struct att_buf **out, struct att_slice label,
                                             struct att_slice receipt, struct att_diag *diag);
/*
 * The receipts of a label, which its signature does not cover; they borrow the label. count 0: it has none.
 * FORMAT (TL_RECEIPT): what stands at 394 is no list of 1 to ATT_RECEIPTS_MAX receipts, or something else stands
 * beside it.
 */
ATT_MUST_USE enum att_err att_receipts_of(struct att_slice receipt[ATT_RECEIPTS_MAX], size_t *count,
                                          const struct att_cose *label, struct att_diag *diag);

#endif
