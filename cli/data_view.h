/* The records of a bundle for looking at: as they stand, not verified, each with its channel and its time. */
#ifndef CLI_DATA_VIEW_H
#define CLI_DATA_VIEW_H

#include <stdint.h>

#include "appraise/bundle.h"
#include "prov/batch.h"
#include "prov/check.h"
#include "prov/sample.h"
#include "prov/spec.h"

struct data_row {
    const struct att_batch_statement *batch;
    uint32_t index;
    const struct att_channel *channel;
    const struct att_sample *sample;
    int64_t
        utc_ms; /* of the sample: by the label that its batch names, else as the gateway claims */
    bool utc_claimed; /* the second of them */
};
typedef enum att_err data_row_fn(void *ctx, const struct data_row *row, struct att_diag *diag);

/*
 * data_view - every record of a bundle in order. What a record does not decode to, or a channel that no specification
 * of the bundle has, ends it: MISMATCH FORMAT ... with diag.
 */
ATT_MUST_USE enum att_err data_view(const struct att_bundle_file *b, data_row_fn *each, void *ctx,
                                    struct att_diag *diag);

/* "TC-13 TC-14": the checks that failed; "" for none. Returns out. */
#define DATA_FAILED_ROOM 200
char *data_failed(char out[DATA_FAILED_ROOM], const uint8_t check[ATT_CHECKS]);

/* The forms that other programs read, into out. id: of one channel, or NULL for all. */
struct data_order {
    const struct att_bundle_file *bundle;
    const char *channel; /* NULL: all */
    const char *subject; /* of the label: the name that every record's name begins with */
    bool ja;
};
ATT_MUST_USE enum att_err data_senml(struct att_buf *out, const struct data_order *o,
                                     struct att_diag *diag); /* RFC 8428, JSON */
ATT_MUST_USE enum att_err data_csv(struct att_buf *out, const struct data_order *o,
                                   struct att_diag *diag);
/* A picture of one channel over time, failed checks marked. NOT_FOUND: no such channel, or nothing to draw. */
ATT_MUST_USE enum att_err data_svg(struct att_buf *out, const struct data_order *o,
                                   struct att_diag *diag);

#endif
