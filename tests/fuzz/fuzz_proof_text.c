/* Proofs as text: what is read is written the same again, and extra has one spelling. */
#include "base/b64.h"
#include "fuzz.h"
#include "tlog/proof_text.h"

static void extra_again(const struct att_proof_text *p)
{
    static uint8_t bytes[ATT_PROOF_EXTRA];
    static char base64[ATT_B64_LEN(sizeof(bytes))];
    size_t len = 0;

    if (att_proof_text_extra(bytes, sizeof(bytes), &len, p) != ATT_OK) {
        HOLDS(p->extra.len == 0);
        return;
    }
    att_b64_encode(base64, sizeof(base64), ATT_B64_STD, att_slice_of(bytes, len));
    HOLDS(att_slice_eq(p->extra, att_slice_str(base64)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_proof_text p;
    struct att_diag diag = {0};
    struct att_buf *again = NULL;

    if (att_proof_text_parse(&p, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_TLOG && diag.off <= size);
        return 0;
    }
    HOLDS(p.path.count <= ATT_PROOF_HASHES && p.index <= ATT_MERKLE_SIZE_MAX);
    HOLDS(p.checkpoint.len > 0 && p.checkpoint.p + p.checkpoint.len == data + size);
    extra_again(&p);
    HOLDS(att_proof_text_encode(&again, &p) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(again), in));
    att_buf_free(again);
    return 0;
}
