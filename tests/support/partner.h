/*
 * A partner with what attestd init gives to partners, a verifier that makes labels for it, and what the two hand over.
 * A witness of the test (notetest.h) cosigns.
 */
#ifndef ATT_TEST_PARTNER_H
#define ATT_TEST_PARTNER_H

#include "appraise/offline.h"
#include "crypto/merkle.h"
#include "logscene.h"
#include "sign/signer.h"
#include "sign/vkey.h"

struct partner {
    struct logscene s;
    struct att_anchors *anchors;
    struct att_vkey *log, *witness;
    const struct att_vkey *keys[2]; /* both of them */
    struct att_trust_rules rules;   /* a receipt of the log is required, nothing else */
    struct att_offline *out;
};

void partner_open(struct partner *p);
void partner_close(struct partner *p);

/* One of the verifier's own keys, such as "label.key", as its dishonest operator has it; the caller's. */
struct att_signer *partner_key(const struct partner *p, const char *name);

/* Judge the label alone, which must pass: p->out tells where it stands. */
void partner_look(struct partner *p, const struct att_buf *label);
/* What p->out says of one check, or NULL. */
const struct att_check *partner_check(const struct att_offline *o, const char *id);

/* A checkpoint of this tree by this key, cosigned; the one that a label's receipt is of. The caller's. */
struct att_buf *partner_checkpoint_by(struct att_signer *log, const char *origin,
                                      const struct att_merkle_head *tree);
struct att_buf *partner_checkpoint(struct partner *p, const struct att_buf *label);
/* The status list as anybody gets it; the caller's. */
struct att_buf *partner_list(struct partner *p);

/* A bundle of parts, of which all but the label may be NULL; and one of everything that can be asked. The caller's. */
struct att_buf *partner_pack(const struct att_buf *label, const struct att_buf *checkpoint,
                             const struct att_buf *list);
struct att_buf *partner_bundle(struct partner *p, const struct att_buf *label);

#endif
