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

#define OFFLINE_COSE_SIGN1 0xd2 /* the first byte of a label: tag 18 */

/* What is judged with, for files that judge more than one label; all borrowed. */
struct offline_judge {
    const struct att_anchors *anchors;
    const struct att_trust_rules *rules;
    int64_t now;
};
/*
 * The checks of the data in a bundle (offline_data.c), behind those of its label: "labels", "specification",
 * "data", "data-time", "records". None of them is added for a bundle without data. NOMEM CRYPTO INTERNAL only.
 */
struct att_bundle_file;
ATT_MUST_USE enum att_err offline_check_data(struct att_offline *out,
                                             const struct att_bundle_file *b,
                                             const struct offline_judge *by);
/* A check that has an answer: memory failing is none, and bytes that are none are malformed. */
ATT_MUST_USE enum att_err offline_refuse(struct att_offline *out, struct att_check *c,
                                         enum att_err err);

/* Everything about a label but what only a bundle has. NOMEM CRYPTO INTERNAL only. */
ATT_MUST_USE enum att_err offline_check_label(struct att_offline *out, struct att_slice label,
                                              const struct offline_judge *by);
/* Signed, by a key that an anchor vouches for, in the issuer's own name, and in the log where that was asked for. */
bool offline_believed(const struct att_offline *out);
/* The next key of the log with this origin, from *at (0: the first) on, or NULL: a log that changes its key has two. */
const struct att_vkey *offline_find_log(const struct att_trust_rules *rules, const char *origin,
                                        size_t *at);

/* The checks "label-key" and "witnesses" (offline_key.c), where the rules have any. */
ATT_MUST_USE enum att_err offline_check_key(struct att_offline *out, const struct att_pubkey *key,
                                            const struct att_trust_rules *rules);
void offline_check_witnesses(struct att_offline *out, const struct att_trust_rules *rules);

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
