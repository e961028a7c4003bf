/*
 * What the log signed last, kept apart from the database: whoever restores an old database cannot make the
 * keeper sign another history, because this file knows of a later one.
 *
 * Two places in one file, written in turn: a write that a power cut tears leaves the one before.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_LOGHEAD_H
#define ATTESTD_VERIFIER_KEEPER_LOGHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/wr.h"
#include "crypto/key.h"
#include "crypto/merkle.h"

#define LOGHEAD_SIGNED_MAX 1024
#define LOGHEAD_MAX        2048 /* bytes of an encoded head */

/* A signed tree, and the one that it followed. */
struct loghead {
    struct att_merkle_head tree, before;
    uint8_t signed_root[LOGHEAD_SIGNED_MAX]; /* att_receipt_sign over tree */
    size_t signed_len;
};
ATT_MUST_USE enum att_err loghead_encode(struct att_wr *w, const struct loghead *h);
/* Keys of which one must have signed: that in force, or, of what may be older, any that the log had. Borrowed. */
struct loghead_keys {
    struct att_pubkey *const *key;
    size_t count;
};
/* Strict, and the signature under one of the log's keys. FORMAT SIGNATURE. */
ATT_MUST_USE enum att_err loghead_decode(struct loghead *out, struct att_slice in,
                                         const struct loghead_keys *keys, struct att_diag *diag);

struct loghead_file; /* opaque: open, of this process alone */

/*
 * loghead_open - the file and what is in it; create: made empty when it is not there, else *out is NULL then.
 * *any false: nothing was ever written. Errors BUSY (TL_LOCK: another process has it) DENIED (CFG_PERM) FORMAT
 * (TL_FSCK: neither place holds a head that the log signed) IO NOMEM
 */
ATT_MUST_USE enum att_err loghead_open(struct loghead_file **out, struct loghead *last, bool *any,
                                       const char *path, bool create,
                                       const struct loghead_keys *keys, struct att_diag *diag);
void loghead_close(struct loghead_file *f);
/* Durable when it returns ATT_OK. IO: nobody knows what the disk holds, so nothing more may be signed. */
ATT_MUST_USE enum att_err loghead_write(struct loghead_file *f, const struct loghead *h,
                                        struct att_diag *diag);

#endif
