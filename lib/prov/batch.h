/*
 * Batches of samples: one signature for many (docs/formats/batch.md).
 *
 * A batch statement is a signed document (sign/document.h) that names the root of an RFC 6962 tree over the samples,
 * which channel's numbers are in it, and the head of the batch before it, so that none can be left out unseen. The
 * head of a batch is the SHA-256 of its statement's payload: a second signature over the same makes no other batch.
 */
#ifndef ATT_PROV_BATCH_H
#define ATT_PROV_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/merkle.h"
#include "prov/sample.h"
#include "prov/spec.h"
#include "sign/document.h"

#define ATT_BATCH_CONTENT_TYPE "application/vnd.attestd.batch+cbor"
#define ATT_BATCH_PURPOSE      "attestd data batch 1" /* external data */
#define ATT_BATCH_PROFILE      "tag:attestd.example,2026:batch#1"

#define ATT_BATCH_RECORDS_MAX   65536
#define ATT_BATCH_STATEMENT_MAX 8192
#define ATT_BATCH_FILE_MAX      (48 * 1024 * 1024)
#define ATT_BATCH_DEVICE_MAX    64
#define ATT_HEAD_LEN            32

struct att_batch_channel {
    struct att_slice id;
    uint64_t first, last; /* sequence numbers of its samples in the batch */
};

/* What is signed. Slices are borrowed. */
struct att_batch_statement {
    struct att_slice device;        /* id of the gateway */
    uint64_t number;                /* from 1, one more each */
    uint8_t previous[ATT_HEAD_LEN]; /* head of the batch before; zeros for the first */
    uint8_t root[ATT_MERKLE_LEN];
    uint32_t size;     /* samples */
    uint8_t spec[32];  /* digest of the whole specification that was in force */
    uint8_t label[32]; /* that was in force: SHA-256 of it without receipts, as its log entry has */
    uint64_t clock_ms; /* of the TPM when it was signed */
    int64_t utc_s;     /* what the gateway's clock said then; a claim */
    size_t channel_count;
    struct att_batch_channel channel[ATT_SPEC_CHANNELS_MAX]; /* in order of id */
};

/* The payload into a new buffer; INTERNAL (what a reader would refuse) NOMEM. */
ATT_MUST_USE enum att_err att_batch_statement_encode(struct att_buf **out,
                                                     const struct att_batch_statement *s);
/* in is the payload. TRUNCATED TRAILING FORMAT LIMIT (FMT_BATCH) */
ATT_MUST_USE enum att_err att_batch_statement_decode(struct att_batch_statement *out,
                                                     struct att_slice in, struct att_diag *diag);
ATT_MUST_USE enum att_err att_batch_head(uint8_t out[ATT_HEAD_LEN], struct att_slice payload);

/* --- making --- */

struct att_batch; /* samples that were added since the last close; opaque */

/* at_most: samples in a batch, 1 to ATT_BATCH_RECORDS_MAX. NOMEM LIMIT */
ATT_MUST_USE enum att_err att_batch_new(struct att_batch **out, size_t at_most);
void att_batch_free(struct att_batch *b);
void att_batch_freep(struct att_batch **b);
size_t att_batch_count(const struct att_batch *b);

/*
 * att_batch_add - encode a sample and take it in. A channel's numbers follow each other, or there was a gap; none comes twice.
 *
 * Errors  BUSY (it is full: close it), CONFLICT (a number that is not above the channel's last in this batch), LIMIT
 *         INTERNAL (att_sample_encode) NOMEM CRYPTO. After an error the batch is as before
 */
ATT_MUST_USE enum att_err att_batch_add(struct att_batch *b, const struct att_sample *s);

/*
 * att_batch_close - the file of a batch, signed; the batch is empty after it.
 *
 * draft  device, number, previous, spec, label, clock_ms and utc_s; the rest is filled in
 * head   of this batch: previous of the next
 * Errors what the signer says (the batch stays as it is: sign again later), NOT_FOUND (no sample), LIMIT NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err att_batch_close(struct att_buf **out, uint8_t head[ATT_HEAD_LEN],
                                          struct att_batch *b,
                                          const struct att_batch_statement *draft,
                                          const struct att_signer *signer, struct att_diag *diag);

/* --- reading --- */

struct att_batch_file {
    struct att_slice statement; /* the signed document */
    bool disclosed;             /* single records with their proofs, not all of them */
    struct att_slice records;   /* the array's encoding */
    uint32_t count;             /* in the array */
};

/* Members borrow in. TRUNCATED TRAILING FORMAT LIMIT (FMT_BATCH), UNSUPPORTED (another profile) */
ATT_MUST_USE enum att_err att_batch_file_parse(struct att_batch_file *out, struct att_slice in,
                                               struct att_diag *diag);

struct att_batch_record {
    uint32_t index;         /* in the batch */
    struct att_slice bytes; /* the sample */
};
/* Called for each record whose place in the tree is proven, in order; what it returns ends the reading unless ATT_OK. */
typedef enum att_err att_batch_record_fn(void *ctx, const struct att_batch_record *r,
                                         struct att_diag *diag);

/*
 * att_batch_verify - the statement is signed by key, and the records are those that it names.
 *
 * Records are given out only when all of them are proven: for whole batches the root is computed first.
 *
 * out     borrows file
 * Errors  SIGNATURE (PRV_SIGNATURE), MISMATCH (PRV_DIGEST): other records than were signed; FORMAT LIMIT ...
 *         (FMT_BATCH); what each says
 */
ATT_MUST_USE enum att_err att_batch_verify(struct att_batch_statement *out,
                                           uint8_t head[ATT_HEAD_LEN],
                                           const struct att_batch_file *file,
                                           const struct att_pubkey *key, att_batch_record_fn *each,
                                           void *ctx, struct att_diag *diag);

/* Every record as it stands, proven or not, in order. FORMAT ... (FMT_BATCH), and what each returns. */
ATT_MUST_USE enum att_err att_batch_each(const struct att_batch_file *file,
                                         att_batch_record_fn *each, void *ctx,
                                         struct att_diag *diag);

/* The statement as it stands, for "show". FORMAT ... (FMT_BATCH) */
ATT_MUST_USE enum att_err att_batch_peek(struct att_batch_statement *out, uint8_t kid[32],
                                         const struct att_batch_file *file, struct att_diag *diag);

/*
 * att_batch_disclose - of a whole batch a file with some records and their proofs (RFC 9162 2.1.3), which verifies
 * without the others. index rises.
 *
 * Errors  LIMIT (FMT_BATCH): an index that is not there, or does not rise; UNSUPPORTED: file is disclosed already
 */
ATT_MUST_USE enum att_err att_batch_disclose(struct att_buf **out,
                                             const struct att_batch_file *file,
                                             const uint32_t *index, size_t count,
                                             struct att_diag *diag);

#endif
