/*
 * Measuring what the configuration lists: files, trees, block devices, configuration values.
 *
 * By descriptor, never following a link inside a tree, only what is a regular file (or, where one is
 * listed, a block device); everything else is recorded as what it is. Nothing that is listed is left
 * out in silence: what cannot be read, is not there or keeps changing has its own kind of row.
 */
#ifndef ATTESTD_AGENT_MEASURE_H
#define ATTESTD_AGENT_MEASURE_H

#include <stddef.h>

#include "agent/measurer/conf.h"
#include "agent/measurer/table.h"
#include "base/err.h"

/* Numbers beside the table, for a log line. */
struct measure_stats {
    size_t items;
    size_t hashed;  /* files and devices that were read */
    uint64_t bytes; /* read */
    struct att_diag
        spec_refused; /* why the configured specification did not take effect; its reason may be NONE */
};

/*
 * measure_run - one pass over the whole list, and the specification in force; the table comes sorted.
 *
 * before  rows of the pass before: a file whose metadata did not change since is not read again. NULL
 *         reads everything. Metadata is a hint for speed: a pass with NULL is due from time to time.
 * Errors  those of specification_in_force; LIMIT (LIM_SIZE: more than TABLE_ROWS_MAX items) NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err measure_run(struct table **out, struct measure_stats *stats,
                                      const struct agent_conf *conf, const struct table *before,
                                      struct att_diag *diag);

#endif
