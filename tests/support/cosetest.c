/* Keys and judgement for tests of COSE_Sign1. */
#include "cosetest.h"

#include <check.h>

#include "need.h"

struct att_signer *cosetest_signer(enum att_key_type type)
{
    struct att_privkey *key = NULL;
    struct att_signer *s = NULL;

    NEED(att_privkey_generate(&key, type) == ATT_OK);
    NEED(att_signer_software(&s, key) == ATT_OK);
    return s;
}

enum att_err cosetest_judge(struct att_slice in, const struct att_pubkey *key, struct att_slice aad,
                            struct att_diag *diag)
{
    struct att_cose m;
    struct att_cose_verified *v = NULL;
    enum att_err err = att_cose_parse(&m, in, diag);

    if (err == ATT_OK) {
        err = att_cose_verify(&v, &m, key, aad, diag);
    }
    if (err == ATT_OK) {
        ck_assert(att_slice_eq(att_cose_payload(v), m.payload_untrusted));
    }
    att_cose_verified_free(v);
    return err;
}
