/* What the checks of a label share. */
#ifndef ATT_APPRAISE_OFFLINE_INTERNAL_H
#define ATT_APPRAISE_OFFLINE_INTERNAL_H

#include "appraise/offline.h"
#include "sign/cose.h"

#define OFFLINE_SKEW_S 300 /* how far an issuer's clock may be ahead of ours */

/* The next check; its diagnosis is empty. */
struct att_check *offline_add(struct att_offline *out, const char *id,
                              enum att_check_status status);
/* Malformed before false before undecided before pass. */
void offline_worsen(struct att_offline *out, enum att_verdict verdict);
/* Memory and cryptography failing is no verdict; everything else is one. */
bool offline_undecidable(enum att_err err);

/* What the receipt of a label is held against; all borrowed. */
struct offline_signed {
    struct att_slice encoded; /* the label's file */
    const struct att_label *label;
    const struct att_pubkey *key; /* that the label is signed with */
};
/* The check "log" (offline_receipt.c). NOMEM CRYPTO INTERNAL only. */
ATT_MUST_USE enum att_err offline_check_receipt(struct att_offline *out, const struct att_cose *m,
                                                const struct offline_signed *s,
                                                const struct att_trust_rules *rules);

/* The check "status-list" (offline_status.c); nothing there decompresses. */
void offline_check_status_list(struct att_offline *out, const struct att_trust_rules *rules,
                               int64_t now);

#endif
