/*
 * The sequencer: every outcome becomes an entry of the log, in its order, in the transaction that records it.
 *
 *   store_begin ... outcomes ... sequencer_seal    entries, tiles and the signed tree are written
 *   store_commit                                   all of it is durable, or nothing
 *   sequencer_settle                               and so is, elsewhere, that this tree was signed
 *   answers                                        only now
 *
 * When it ends between the last two, the next start finds a database one step ahead and finishes the step. Any
 * other difference between the two means that one of them was put back from a backup: nothing is signed.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_SEQUENCER_H
#define ATTESTD_VERIFIER_KEEPER_SEQUENCER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/merkle.h"
#include "verifier/config.h"
#include "verifier/keeper/issuer.h"
#include "verifier/store/store.h"

#define SEQUENCER_HEAD                                                                             \
    "log_head" /* the signed tree among the store's named values (loghead_encode) */

#define SEQUENCER_SIGNER                                                                           \
    "log_signer" /* SHA-256 of the label key whose certificates stand in an entry */

struct sequencer; /* opaque */

struct sequencer_options {
    const struct config *cfg;    /* borrowed, all of them */
    const struct issuer *issuer; /* signs entries and trees */
    struct store *st;
    int64_t (*utc_s)(void);
    enum att_err (*random)(void *out, size_t len);
};

/*
 * sequencer_open - compare what was signed with what is stored, entry by entry, and take in what is not sequenced.
 * Errors  BUSY (TL_LOCK) MISMATCH (TL_ROLLBACK, TL_FSCK) FORMAT (TL_FSCK) DENIED IO CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err sequencer_open(struct sequencer **out,
                                         const struct sequencer_options *options,
                                         struct att_diag *diag);
void sequencer_free(struct sequencer *s);

/* Inside a transaction: every outcome without an entry gets one, and the tree over all of them is signed. */
ATT_MUST_USE enum att_err sequencer_seal(struct sequencer *s, struct att_diag *diag);
/* After the commit. IO: stop the process, nobody may be answered. */
ATT_MUST_USE enum att_err sequencer_settle(struct sequencer *s, struct att_diag *diag);
/* Instead of both, after a rollback or a commit that failed. */
void sequencer_revert(struct sequencer *s);
/* True when a head could not be written: stop the process. */
bool sequencer_broken(const struct sequencer *s);

/* The receipt of an outcome's entry in the tree that was sealed last. NOT_FOUND and those of the store. */
ATT_MUST_USE enum att_err sequencer_receipt(struct att_buf **out, struct sequencer *s,
                                            int64_t index, struct att_diag *diag);
/* label with that receipt. */
ATT_MUST_USE enum att_err sequencer_dress(struct att_buf **out, struct sequencer *s, int64_t index,
                                          struct att_slice label, struct att_diag *diag);

uint64_t sequencer_size(const struct sequencer *s); /* entries in the tree that was settled last */
/*
 * The checkpoint of that tree (C2SP tlog-checkpoint), borrowed until the next settlement. Made when it is first asked
 * for: only a head that was written down is ever signed so, and a signature of Ed25519 is always the same bytes. While the
 * log's key hands over (issuer log_before) it has the lines of both.
 */
ATT_MUST_USE enum att_err sequencer_checkpoint(struct att_slice *out, struct sequencer *s,
                                               struct att_diag *diag);

/* The issuer's keys are others than before, or the same again after all: what was kept of them is not true any more. */
void sequencer_keys_changed(struct sequencer *s);

/* Was this a tree of this log? CONFLICT (TL_FORK): it was not. ST_CORRUPT for tiles that cannot be read. */
ATT_MUST_USE enum att_err sequencer_had(struct sequencer *s, const struct att_merkle_head *head,
                                        struct att_diag *diag);

#endif
