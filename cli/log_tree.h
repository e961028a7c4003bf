/* Entries of a published log as they lead to its tree: what audit, monitor and prove have in common. */
#ifndef CLI_LOG_TREE_H
#define CLI_LOG_TREE_H

#include "log_view.h"
#include "tlog/tiler.h"

/*
 * log_tree_edge - the tiles at the right edge of the first size entries, from those of a published tree of now entries, at
 * least as many: believed only as far as a root agrees. As log_source_hashes.
 */
ATT_MUST_USE enum att_err log_tree_edge(struct att_tiler *out, struct log_source *s, uint64_t size,
                                        uint64_t now, struct att_diag *diag);

/*
 * Nodes of the published tree for proofs, over a few tiles that are kept. Wrong ones lead to a proof that does
 * not verify: verify it before it is handed out.
 */
struct log_nodes; /* opaque */
ATT_MUST_USE enum att_err log_nodes_open(struct log_nodes **out, struct log_source *s,
                                         uint64_t size);
void log_nodes_close(struct log_nodes *n);
void log_nodes_closep(struct log_nodes **n);
struct att_merkle_nodes log_nodes_of(struct log_nodes *n);
/* Why the last read failed. */
const struct att_diag *log_nodes_why(const struct log_nodes *n);

#endif
