/* COSE_Sign1 in tests: keys that sign, and both steps of judging a message. */
#ifndef ATT_TEST_COSETEST_H
#define ATT_TEST_COSETEST_H

#include "sign/cose.h"

#define COSETEST_PAYLOAD "This is the content."

/* A signer with a new key in software; the caller's. */
struct att_signer *cosetest_signer(enum att_key_type type);

/* Parse and verify in one: ATT_OK only when both hold. */
enum att_err cosetest_judge(struct att_slice in, const struct att_pubkey *key, struct att_slice aad,
                            struct att_diag *diag);

#endif
