/* An issuer of labels and status lists in one process: a root, and a label signer under it. */
#ifndef ATT_TEST_ISSUER_H
#define ATT_TEST_ISSUER_H

#include "appraise/label.h"
#include "appraise/offline.h"
#include "appraise/status_list.h"
#include "crypto/cert.h"
#include "scene.h"

#define ISSUER_NOW 1790000000 /* UTC seconds: labels are of this time and good for an hour */
#define ISSUER_ID  "verifier.test"
#define ISSUER_URI "https://verifier.test/status/v1/1"

struct issuer {
    struct att_privkey *root_key;
    struct att_cert *root;
    struct att_buf *leaf_der;
    struct att_signer *signer;
    struct att_anchors *anchors; /* the root alone */
    struct att_slice chain[1];
};

void issuer_open(struct issuer *is);
/* The same under a root that is there already, for another verifier's name and kind of certificate. */
void issuer_open_under(struct issuer *is, const struct issuer *above, enum att_cert_kind kind,
                       const char *verifier_id);
void issuer_close(struct issuer *is);

/* What a label for gw-1 says; borrowed from is. */
struct att_label_facts issuer_facts(const struct issuer *is);
/* A label of the scene's last result; the caller's. */
struct att_buf *issuer_label(struct issuer *is, struct scene *s,
                             const struct att_label_facts *facts);

/* What a list of ISSUER_URI says that was made now and is good for a day; borrowed from is. */
struct att_status_facts issuer_status_facts(const struct issuer *is);
/* A token of 64 entries with 2 bits, of which entry index has this value; the caller's. */
struct att_buf *issuer_list(const struct issuer *is, const struct att_status_facts *facts,
                            uint64_t index, unsigned int value);
/* Any payload, signed as a list is; the caller's. */
struct att_buf *issuer_sign(const struct issuer *is, const char *typ, struct att_slice payload);

#endif
