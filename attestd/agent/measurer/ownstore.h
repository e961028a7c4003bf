/*
 * The own log on disk and its PCR, kept in step (D5).
 *
 * One file a boot, named by the TPM's resetCount and restartCount. A record is written and synced first
 * and extended second, so a power cut leaves the log at most one record ahead of the PCR, never behind.
 * Opening sets that right: equal goes on; a last record that was not extended is extended now; a torn
 * end is cut; everything else is refused, because it cannot be explained:
 *
 *   OWN_FOREIGN  the PCR holds what no record says: somebody else extended it
 *   OWN_LOG      the PCR is behind the log by more than a record, or the log is not well-formed
 *
 * A TPM that was resumed (restartCount moved, PCRs kept) gets another boot record in the same log, and so
 * does another kernel that was started without a reset (kexec: other boot id, same counters).
 */
#ifndef ATTESTD_AGENT_OWNSTORE_H
#define ATTESTD_AGENT_OWNSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/measurer/table.h"
#include "base/buf.h"
#include "base/err.h"
#include "tpm/tpm.h"

#define OWN_PATH_MAX 4096

struct own_store;

/* What opening had to do; for a log line. */
enum own_found {
    OWN_EQUAL,
    OWN_NEW_BOOT,
    OWN_EXTENDED_LAST,
    OWN_CUT_TORN,
    OWN_RESUMED,
    OWN_OTHER_KERNEL
};

/*
 * own_store_open - the log of this boot, in step with its PCR.
 *
 * state_dir  private folder; the caller holds its lock for as long as the store is open
 * tpm        borrowed for the life of the store
 * Errors     MISMATCH (OWN_FOREIGN, OWN_LOG), IO (ST_FULL), LIMIT, what the TPM says
 */
ATT_MUST_USE enum att_err own_store_open(struct own_store **out, const char *state_dir,
                                         uint32_t pcr, struct hw_tpm *tpm, struct att_diag *diag);
void own_store_free(struct own_store *s);
void own_store_freep(struct own_store **s);

enum own_found own_store_found(const struct own_store *s);
const char *own_store_path(const struct own_store *s); /* for hw_log_read */
uint64_t own_store_size(const struct own_store *s);    /* bytes, all of them extended */
void own_store_boot(const struct own_store *s, uint32_t *reset_count, uint32_t *restart_count);

/* What the log says last of each name. */
ATT_MUST_USE enum att_err own_store_table(struct table **out, const struct own_store *s,
                                          struct att_diag *diag);

/*
 * own_store_append - rows into records, each synced and then extended. After an error the store is used
 * no more: close it, and the next opening sets log and PCR right.
 */
ATT_MUST_USE enum att_err own_store_append(struct own_store *s, const struct table *rows,
                                           struct att_diag *diag);

#endif
