/*
 * The archive: what every decision rested on, sealed at rest and bounded in time and size.
 *
 * A record (lib/appraise/record.h) is sealed under a key of its own, derived from the archive's key and
 * the number of its outcome, and bound to that outcome and device: rows cannot trade places. Whoever
 * has the database without the key file learns nothing of a site's inventory.
 */
#ifndef ATTESTD_VERIFIER_KEEPER_ARCHIVE_H
#define ATTESTD_VERIFIER_KEEPER_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "crypto/aead.h"
#include "verifier/config.h"
#include "verifier/store/store.h"

struct archive {
    uint8_t key[ATT_AEAD_KEY_LEN];
    const struct config_evidence *limits; /* borrowed */
};

/* Make the key file (attestd init), mode 0600. RNG IO. */
ATT_MUST_USE enum att_err archive_key_make(const char *path, struct att_diag *diag);
/* KEY_STORE and FILE reasons: missing, of another length; CFG_PERM: others can read it. */
ATT_MUST_USE enum att_err archive_open(struct archive *out, const struct config_evidence *limits,
                                       struct att_diag *diag);
void archive_close(struct archive *a); /* wipes the key */

/*
 * archive_check - the key is the one that the database was begun with.
 * remember  write down the key of a database that knows none yet; otherwise any key fits it
 * Errors    MISMATCH (KEY_EVIDENCE), IO NOMEM CRYPTO
 */
ATT_MUST_USE enum att_err archive_check(const struct archive *a, struct store *st, bool remember,
                                        struct att_diag *diag);

/* archive_put - seal and store the record of an outcome, inside the caller's transaction. */
ATT_MUST_USE enum att_err archive_put(const struct archive *a, struct store *st,
                                      const struct store_evidence *e, const char *device,
                                      struct att_slice record, struct att_diag *diag);
/*
 * archive_make_room - when the share of one gateway is full its own oldest go, never another's, and never its
 * last; inside the caller's transaction. *dropped is how many.
 */
ATT_MUST_USE enum att_err archive_make_room(size_t *dropped, const struct archive *a,
                                            struct store *st, int64_t enrolment,
                                            struct att_diag *diag);
/*
 * archive_get - the record of an outcome, appended to out.
 * Errors  NOT_FOUND (EVIDENCE_DROPPED, or EVIDENCE_NONE when there never was one), UNTRUSTED (ST_CORRUPT)
 */
ATT_MUST_USE enum att_err archive_get(struct att_buf *out, const struct archive *a,
                                      struct store *st, int64_t outcome, const char *device,
                                      struct att_diag *diag);
/* Drop what is too old, then the oldest while the database is too large; *count is how many. */
ATT_MUST_USE enum att_err archive_sweep(size_t *count, const struct archive *a, struct store *st,
                                        int64_t now_utc, struct att_diag *diag);

#endif
