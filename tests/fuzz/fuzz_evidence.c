/* A collection that is accepted is written again as the same bytes: it has one spelling. */
#include "evidence/evidence.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *again = NULL;
    struct att_slice in = att_slice_of(data, size);
    struct att_diag diag = {0};
    struct att_evidence ev;
    enum att_err err = att_evidence_parse(&ev, in, &diag);

    if (err != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE && (diag.off == ATT_OFF_NONE || diag.off <= size));
        return 0;
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        HOLDS(ev.claims.logs.has[i] == (ev.log[i].p != NULL));
        HOLDS(ev.log[i].len <= size);
    }
    err = att_evidence_encode(&again, &ev);
    if (err == ATT_E_LIMIT) {
        return 0; /* a signature that no TPM makes is read, and never written */
    }
    HOLDS(err == ATT_OK && att_slice_eq(att_buf_slice(again), in));
    return 0;
}
