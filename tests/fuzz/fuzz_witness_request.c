/* Requests to witnesses: what is read is written the same again, and a proof of 64 hashes is not written. */
#include "fuzz.h"
#include "tlog/witness_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data, size);
    struct att_witness_request r;
    struct att_diag diag = {0};
    struct att_buf *again = NULL;

    if (att_witness_request_parse(&r, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_TLOG && diag.off <= size);
        return 0;
    }
    HOLDS(r.path.count <= ATT_WITNESS_HASHES && r.old <= ATT_MERKLE_SIZE_MAX);
    HOLDS(r.checkpoint.len > 0 && r.checkpoint.p + r.checkpoint.len == data + size);
    HOLDS(att_witness_request_encode(&again, &r) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(again), in));
    att_buf_freep(&again);
    r.path.count = ATT_WITNESS_HASHES + 1;
    HOLDS(att_witness_request_encode(&again, &r) == ATT_E_INTERNAL);
    return 0;
}
