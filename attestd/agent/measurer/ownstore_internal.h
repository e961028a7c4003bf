/* The store's inside: for its two files, and for tests that cut the power between two steps. */
#ifndef ATTESTD_AGENT_OWNSTORE_INTERNAL_H
#define ATTESTD_AGENT_OWNSTORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/measurer/ownstore.h"
#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "tcg/quote.h"
#include "tpm/tpm.h"

enum own_step { OWN_STEP_WRITTEN, OWN_STEP_SYNCED, OWN_STEP_EXTENDED };

/* Called after each step when it is not NULL. */
extern void (*own_store_on_step)(enum own_step step);
void own_step_done(enum own_step step);

struct own_store {
    char dir[OWN_PATH_MAX];
    char path[OWN_PATH_MAX + 64];
    int fd;
    struct hw_tpm *tpm;
    uint32_t pcr;
    struct att_clock_info clock;
    enum att_hash bank[ATT_PCR_BANKS];
    size_t bank_count;
    uint64_t size;        /* bytes written and extended */
    uint64_t next_recnum; /* records */
    enum own_found found;
    struct att_hasher *hasher;
};

/* The PCR of each bank, in the order of s->bank. */
struct own_state {
    uint8_t value[ATT_PCR_BANKS][ATT_HASH_MAX];
};

bool own_state_eq(const struct own_store *s, const struct own_state *a, const struct own_state *b);
ATT_MUST_USE enum att_err own_read_pcr(struct own_store *s, struct own_state *out,
                                       struct att_diag *diag);
ATT_MUST_USE enum att_err own_read_log(const struct own_store *s, struct att_buf **out,
                                       struct att_diag *diag);
ATT_MUST_USE enum att_err own_extend(struct own_store *s, const struct hw_pcr_digest *digests,
                                     struct att_diag *diag);
/* Errno in words, reason ST_FULL. */
enum att_err own_io_error(struct att_diag *diag, const char *what, const char *path);

/* Replay an open log, compare with the PCR, and set right what a power cut explains. */
ATT_MUST_USE enum att_err own_reconcile(struct own_store *s, struct att_diag *diag);

#endif
