/* The trust folder: anchors as certificate files, and trust.yaml with what is required of a label. */
#ifndef CLI_TRUST_H
#define CLI_TRUST_H

#include "appraise/offline.h"
#include "crypto/cert.h"

struct trust {
    struct att_anchors *anchors;
    struct att_trust_rules rules; /* what is required beside signature, chain, time and status */
};

/*
 * CONFIG (usage) when there is no such folder or trust.yaml is not acceptable; UNTRUSTED (cannot decide)
 * when an anchor file is broken. A folder with no anchor at all is loaded: who asks decides.
 */
ATT_MUST_USE enum att_err trust_load(struct trust *out, const char *dir, struct att_diag *diag);
void trust_clear(struct trust *t);

#endif
