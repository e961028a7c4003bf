/* What judges one enrolment request: its certificates are read and judged in one way, whoever they are for. */
#ifndef ATTESTD_VERIFIER_APPRAISER_ENROL_INTERNAL_H
#define ATTESTD_VERIFIER_APPRAISER_ENROL_INTERNAL_H

#include "common/wire.h"
#include "verifier/appraiser/appraiser.h"

/* What a step needs beside its input. */
struct judging {
    const struct appraiser *a;
    int64_t utc_s;
    struct att_buf **room; /* of the certificates that this step keeps */
    struct att_diag *diag;
};

/* The certificates that were sent, owned, and what was forgiven in each. */
struct shown {
    struct att_cert *cert[WIRE_EK_CERTS_MAX];
    unsigned int fixes[WIRE_EK_CERTS_MAX];
    size_t count;
};
void shown_free(struct shown *s); /* the contents, for ATT_CLEANUP */
ATT_MUST_USE enum att_err shown_read(struct shown *out, const struct att_slice *sent, size_t count,
                                     const struct judging *at);
/* The certificate that is about this very key; the count when there is none. */
size_t shown_leaf(const struct shown *s, const struct att_pubkey *wanted);
/* Does the leaf lead to an anchor, over the others? Errors of att_chain_verify; anchors may be NULL. */
ATT_MUST_USE enum att_err shown_verify(const struct shown *s, size_t leaf,
                                       const struct att_anchors *anchors, enum att_cert_use use,
                                       const struct judging *at, struct att_diag *why);
/* All of them as they are kept, the leaf first; *out borrows *room. */
ATT_MUST_USE enum att_err shown_keep(struct att_slice *out, struct att_buf **room,
                                     const struct shown *s, size_t leaf, const struct judging *at);

/* LIMIT (LIM_SIZE) */
ATT_MUST_USE enum att_err enrol_keep(uint8_t *out, size_t cap, size_t *len, struct att_slice in,
                                     const char *field, struct att_diag *diag);

/*
 * The keys of the gateway's factory, as far as certificates tell. What was not sent, or is not looked at (iak: off),
 * is left out; anything wrong with what was sent refuses the request.
 * Errors  FMT_KEY FMT_CERT ID_IAKATTR ID_IAKCERT ID_REVOKED ID_KEY ID_WEAKKEY; CRYPTO NOMEM
 */
ATT_MUST_USE enum att_err read_iak(struct msg_factory_key *out, const struct wire_factory_key *sent,
                                   const struct judging *at);
ATT_MUST_USE enum att_err read_idevid(struct msg_factory_key *out,
                                      const struct wire_factory_key *sent,
                                      const struct judging *at);

#endif
