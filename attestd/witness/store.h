/*
 * What a witness remembers: for each log the checkpoint that it cosigned last, with its own cosignature on it.
 *
 *   DIR/lock               held while the witness runs
 *   DIR/PLACE.checkpoint   replaced whole, and durable before anybody is answered; PLACE is hex of SHA-256 of the origin
 *   DIR/PLACE.fork-SIZE-held, DIR/PLACE.fork-SIZE-seen   two trees of one size, both signed by the log
 *
 * A checkpoint is believed again only when the log's key and the witness's own key signed it.
 */
#ifndef ATTESTD_WITNESS_STORE_H
#define ATTESTD_WITNESS_STORE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "tlog/checkpoint.h"
#include "tlog/witness_policy.h"

#define WITNESS_PLACE_LEN 65 /* hex of the digest of an origin, and the end */

struct witness_store {
    const char *dir;            /* borrowed */
    const struct att_vkey *own; /* the witness's verifier key, type 04; borrowed */
    int lock;                   /* descriptor */
};

/* Where a log's checkpoint is; also the path under which it is served. CRYPTO. */
ATT_MUST_USE enum att_err witness_place(char out[WITNESS_PLACE_LEN], struct att_slice origin);

/* Take the folder, which is made when it is not there and is this user's alone. BUSY (TL_LOCK) CONFIG DENIED IO. */
ATT_MUST_USE enum att_err witness_store_open(struct witness_store *s, const char *dir,
                                             const struct att_vkey *own, struct att_diag *diag);
void witness_store_close(struct witness_store *s);

/* What is held of one log. bytes and note are what checkpoint borrows. */
struct witness_held {
    struct att_buf *bytes;
    struct att_note note;
    struct att_checkpoint *checkpoint; /* NULL: nothing was cosigned yet */
    uint64_t time_s;                   /* of the own cosignature */
};
void witness_held_clear(struct witness_held *h);

/*
 * witness_store_load - read and verify again what was cosigned last for the log of this origin.
 *
 * Errors  UNTRUSTED SIGNATURE FORMAT MISMATCH (TL_CKPT): the file was changed, or the log or the witness has another key
 *         than before; IO DENIED NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err witness_store_load(struct witness_held *out,
                                             const struct witness_store *s,
                                             const struct att_witness_policy *logs,
                                             struct att_slice origin, struct att_diag *diag);

/* Replace it, durably. note is the checkpoint with our cosignature in it. IO. */
ATT_MUST_USE enum att_err witness_store_save(const struct witness_store *s, struct att_slice origin,
                                             struct att_slice note, struct att_diag *diag);

/* Keep both sides of a fork; the first of a size is kept, later ones of it are not. IO. */
ATT_MUST_USE enum att_err witness_store_fork(const struct witness_store *s,
                                             const struct att_tree_head *head,
                                             struct att_slice held, struct att_slice seen,
                                             struct att_diag *diag);

#endif
