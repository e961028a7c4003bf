/* A collection that is accepted is written again as the same bytes: it has one spelling. */
#include "cbor_mutate.h"
#include "evidence/evidence.h"
#include "fuzz.h"

/* Claims that we write are read as they were meant: written once more they are the same bytes. */
static void claims_again(const struct att_claims *claims)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *once = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *twice = NULL;
    struct att_claims again;

    HOLDS(att_claims_encode(&once, claims) == ATT_OK);
    HOLDS(att_claims_parse(&again, att_buf_slice(once), NULL) == ATT_OK);
    HOLDS(att_claims_encode(&twice, &again) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(once), att_buf_slice(twice)));
}

/* Longer than anybody may send: refused before a byte of it is read. */
static void too_long(const struct att_evidence *ev, struct att_slice in)
{
    struct att_buf *out = NULL;
    struct att_evidence longer = *ev;

    HOLDS(att_evidence_parse(&longer, att_slice_of(in.p, ATT_EVIDENCE_MAX + 1), NULL) ==
          ATT_E_LIMIT);
    longer.log[ATT_LOG_OWN] = att_slice_of(in.p, ATT_EVIDENCE_MAX + 1);
    HOLDS(att_evidence_encode(&out, &longer) == ATT_E_LIMIT && out == NULL);
}

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
    claims_again(&ev.claims);
    too_long(&ev, in);
    err = att_evidence_encode(&again, &ev);
    if (err == ATT_E_LIMIT) {
        return 0; /* a signature that no TPM makes is read, and never written */
    }
    HOLDS(err == ATT_OK && att_slice_eq(att_buf_slice(again), in));
    return 0;
}

FUZZ_MUTATES_CBOR(0)
