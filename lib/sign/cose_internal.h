/* What reading and making a COSE_Sign1 share. */
#ifndef ATT_SIGN_COSE_INTERNAL_H
#define ATT_SIGN_COSE_INTERNAL_H

#include "base/wr.h"
#include "sign/cose.h"

#define COSE_TAG_SIGN1 18 /* RFC 9052 section 2 */

/* Header parameters: RFC 9052 section 3.1, RFC 9597 (15), RFC 9596 (16), RFC 9360 (33), RFC 9995 (258, 259), RFC 9942 (395). */
enum cose_label {
    COSE_LABEL_ALG = 1,
    COSE_LABEL_CRIT = 2,
    COSE_LABEL_CONTENT_TYPE = 3,
    COSE_LABEL_KID = 4,
    COSE_LABEL_CWT_CLAIMS = 15,
    COSE_LABEL_TYP = 16,
    COSE_LABEL_X5CHAIN = 33,
    COSE_LABEL_PAYLOAD_HASH = 258,
    COSE_LABEL_PREIMAGE_TYPE = 259,
    COSE_LABEL_VDS = 395,
};

/* Room for the heads and the fixed words around what is copied into a message or a Sig_structure. */
#define COSE_FRAME_ROOM 64

struct cose_alg {
    int64_t alg;
    enum att_key_type type;
    enum att_scheme scheme;
    enum att_hash hash;
};
/* The algorithm of a key, or NULL for a key that we do not use with COSE. */
const struct cose_alg *cose_alg_of(const struct att_pubkey *key);

/* A buffer of exactly this room, and a writer over it. NOMEM. */
ATT_MUST_USE enum att_err cose_open_writer(struct att_buf **out, size_t room, struct att_wr *w);

/* Sig_structure = ["Signature1", body_protected, external_aad, payload] (RFC 9052 section 4.4). */
ATT_MUST_USE enum att_err cose_sig_structure(struct att_buf **out, struct att_slice protected_bytes,
                                             struct att_slice external_aad,
                                             struct att_slice payload);

#endif
