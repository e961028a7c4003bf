/* Bytes that are a compiled policy are its only encoding; none is signed where nobody may sign. */
#include "policy/policy_file.h"
#include "policy_holds.h"

static struct att_policy_signers *nobody;

static void as_a_file(struct att_slice in)
{
    struct att_policy *p = NULL;
    struct att_policy_origin from = {0};
    struct att_diag diag = {0};
    enum att_err err = att_policy_open(&p, "fuzz", in, nobody, false, NULL, &diag);

    HOLDS(err != ATT_OK && p == NULL);
    HOLDS(diag.reason == ATT_R_CFG_POLICYSIG);
    if (att_policy_is_signed(in) && att_policy_peek(&p, "fuzz", in, &from, NULL) == ATT_OK) {
        HOLDS(from.is_signed);
        policy_holds(p);
        att_policy_free(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    HOLDS(nobody != NULL || att_policy_signers_new(&nobody) == ATT_OK);
    if (att_policy_decode(&p, in, &diag) == ATT_OK) {
        struct att_buf *encoded = NULL;

        HOLDS(att_policy_encode(&encoded, p) == ATT_OK);
        HOLDS(att_slice_eq(att_buf_slice(encoded), in));
        att_buf_free(encoded);
        policy_holds(p);
    } else {
        HOLDS(p == NULL && diag.reason == ATT_R_CFG_POLICY);
    }
    att_policy_free(p);
    as_a_file(in);
    return 0;
}
