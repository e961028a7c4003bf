/*
 * Two organisations' keys and the statements that they sign, for tests of transfers. The verifier of
 * inproc.h ("verifier.test") is one side, "other.test" the other.
 */
#ifndef ATT_TEST_TRANSFERTEST_H
#define ATT_TEST_TRANSFERTEST_H

#include "appraise/transfer.h"
#include "inproc.h"

struct transfertest {
    struct att_signer *giver, *receiver, *stranger;
    struct att_transfer t; /* what the next statement says */
    struct att_buf *offer, *statement;
};

/* New keys; t is of a gateway "gw-1" that goes from one verifier to the other, from now for a day. */
void transfertest_new(struct transfertest *x, const char *from, const char *to, int64_t now_utc);
void transfertest_clear(struct transfertest *x);

/* receiver.key of t is this key's; what an offer names. */
void transfertest_name(struct transfertest *x, const struct att_signer *receiver);
/* Sign the offer with giver; sign the acceptance with receiver, naming named as the giver. */
void transfertest_offer(struct transfertest *x, const struct att_signer *giver);
void transfertest_accept(struct transfertest *x, const struct att_signer *receiver,
                         const struct att_signer *named);
/* Both, as they should be. */
void transfertest_sign(struct transfertest *x);

/* Names, certificate and last state as the verifier's record of the device has them. */
void transfertest_of(struct transfertest *x, struct inproc *v, const char *device);
/* The key counts at the verifier from now on. */
void transfertest_trust(const struct inproc *v, const struct att_signer *key, const char *name);
/* POST the bytes to the verifier: the reason, NONE for 201. */
enum att_reason transfertest_post(struct inproc *v, struct att_slice bytes);

#endif
