/*
 * Data as a partner gets it: batches in order, each record under the specification that it names.
 *
 * Every value is computed again from its raw frame, and every check that a partner can run is run again, with the
 * samples before it as its past. What the gateway said of a sample may not be better than what its bytes lead to.
 */
#ifndef ATT_PROV_DATA_H
#define ATT_PROV_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "crypto/key.h"
#include "prov/batch.h"
#include "prov/check.h"
#include "prov/spec.h"

#define ATT_DATA_SPECS_MAX 16

/* One record that was proven and repeated; borrowed for the call. */
struct att_data_record {
    uint64_t batch;                    /* its number */
    uint32_t index;                    /* in the batch */
    const struct att_channel *channel; /* of the specification */
    const struct att_sample *sample;
    bool recomputed;       /* the value was computed here, and is the same */
    unsigned int repeated; /* checks that were run here, with the outcome that the record has */
};
typedef enum att_err att_data_record_fn(void *ctx, const struct att_data_record *r,
                                        struct att_diag *diag);

struct att_data_totals {
    uint64_t batches, records;
    uint64_t values, recomputed; /* records with a value; of them computed here */
    uint64_t checks_repeated;
    uint64_t failed;                  /* records in which a check failed */
    uint64_t first_batch, last_batch; /* numbers */
    uint64_t first_clock, last_clock; /* of the TPM, at signing, in ms */
    uint8_t last_head[ATT_HEAD_LEN];
};

struct att_data; /* opaque */

ATT_MUST_USE enum att_err att_data_new(struct att_data **out); /* NOMEM */
void att_data_free(struct att_data *d);
void att_data_freep(struct att_data **d);

/*
 * att_data_add_spec - a specification that batches may name; taken over on ATT_OK only.
 * Errors  LIMIT: more than ATT_DATA_SPECS_MAX; CONFIG (CFG_SPEC): its calibrations cannot be computed; NOMEM
 */
ATT_MUST_USE enum att_err att_data_add_spec(struct att_data *d, struct att_spec *spec,
                                            struct att_diag *diag);

/*
 * att_data_batch - verify the next batch and all of its records.
 *
 * Errors  MISMATCH (PRV_CHAIN): not the batch after the one before; MISMATCH (PRV_SPEC): of a specification that was
 *         not added, or a record of another channel than its specification has; MISMATCH (PRV_CHECK): a value or an
 *         outcome that its bytes do not lead to; those of att_batch_verify and att_sample_decode. diag names batch and
 *         record
 */
ATT_MUST_USE enum att_err att_data_batch(struct att_data *d, struct att_batch_statement *out,
                                         const struct att_batch_file *file,
                                         const struct att_pubkey *key, att_data_record_fn *each,
                                         void *ctx, struct att_diag *diag);

const struct att_data_totals *att_data_totals(const struct att_data *d);

#endif
