/* The trust folder: anchors as certificate files, keys of logs as *.vkey, and trust.yaml with what is required of a label. */
#ifndef CLI_TRUST_H
#define CLI_TRUST_H

#include "appraise/offline.h"
#include "crypto/cert.h"
#include "trust_keys.h"

/* Not to be copied once it is loaded: its rules point into it. */
#define TRUST_REVOKED_MAX 64
struct trust {
    struct att_anchors *anchors;
    struct att_revoked_key revoked[TRUST_REVOKED_MAX];
    struct trust_keys keys; /* of logs and witnesses; with one of a log, labels need its receipt */
    struct att_trust_rules rules; /* what is required beside signature, chain, time and status */
};

/*
 * CONFIG (usage) when there is no such folder or trust.yaml is not acceptable; UNTRUSTED (cannot decide)
 * when an anchor or a verifier key is broken. A folder with no anchor at all is loaded: who asks decides.
 */
ATT_MUST_USE enum att_err trust_load(struct trust *out, const char *dir, struct att_diag *diag);
void trust_clear(struct trust *t);
/* What a trust.yaml with this text asks for: rules and revoked keys, and nothing else of out. path is for messages. */
ATT_MUST_USE enum att_err trust_rules_parse(struct trust *out, const char *path,
                                            struct att_slice text, struct att_diag *diag);

#endif
