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
 * log_tree_follow - from the tree that t holds to the published one: every entry between the two, in order, when it is
 * known that they lead from the one root to the other.
 *
 * each    the entry's index and its bytes, borrowed until it returns; not called before the root agrees: entries are read twice
 * Errors  MISMATCH (TL_CONSIST): an entry that t has is another; MISMATCH (TL_TREE): they do not lead to the root; CRYPTO,
 *         what each says, and those of the source
 */
struct log_visitor {
    enum att_err (*each)(void *ctx, uint64_t index, struct att_slice entry, struct att_diag *diag);
    void *ctx;
};
ATT_MUST_USE enum att_err log_tree_follow(struct att_tiler *t, const struct log_view *v,
                                          const struct log_visitor *visitor, struct att_diag *diag);

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
