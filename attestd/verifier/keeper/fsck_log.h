/* attestd fsck: the log against the records that it is of, and against what was signed of it. */
#ifndef ATTESTD_VERIFIER_KEEPER_FSCK_LOG_H
#define ATTESTD_VERIFIER_KEEPER_FSCK_LOG_H

#include "base/err.h"
#include "crypto/cert.h"
#include "verifier/config.h"
#include "verifier/store/store.h"

struct fsck_log_options {
    const struct config *cfg;
    struct store *st;
    const struct att_anchors *anchors;        /* of labels, and so of entries */
    void (*say)(void *ctx, const char *text); /* a finding */
    void *ctx;
};
/* Every entry, the tree over them, and both heads. *entries: how many there are. IO NOMEM CRYPTO, and of the key's file. */
ATT_MUST_USE enum att_err fsck_log(int64_t *entries, const struct fsck_log_options *options,
                                   struct att_diag *diag);

#endif
