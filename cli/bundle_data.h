/*
 * A gateway's data folder as members of a bundle: batches by number, the specifications and labels that they name.
 *
 * The folder is what the agent keeps (attest-agent(8)): NUMBER.batch, DIGEST.spec, TIME.label; names sort as they
 * follow each other.
 */
#ifndef CLI_BUNDLE_DATA_H
#define CLI_BUNDLE_DATA_H

#include <stdint.h>

#include "appraise/bundle.h"
#include "appraise/offline.h"
#include "cli.h"

struct bundle_data {
    struct att_buf *batches, *earlier, *specs; /* owned; what the bundle borrows */
    uint64_t first, last;                      /* numbers of the batches that were taken */
};

void bundle_data_clear(struct bundle_data *d);

/*
 * bundle_data_take - fill in specs, batches and earlier labels of b, whose label is set.
 *
 * from, to  numbers of batches, both included; 0 for to: the last one
 * Errors    NOT_FOUND (a folder without such a batch, a missing specification or label: it is named), FORMAT of a file,
 *           LIMIT, IO ...
 */
ATT_MUST_USE enum att_err bundle_data_take(struct bundle_data *d, struct att_bundle_file *b,
                                           const char *folder, uint64_t from, uint64_t to,
                                           struct att_diag *diag);

/* A byte string at the end of a CBOR sequence of them. LIMIT NOMEM */
ATT_MUST_USE enum att_err bundle_data_append(struct att_buf *to, struct att_slice file);

/* What became of the data, in words and JSON ("data"); nothing for a bundle without data or that was not verified. */
void bundle_data_tell(struct report *r, const struct att_offline *o);

#endif
