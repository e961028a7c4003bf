/* A message of the verifier's processes that decodes is written again as the same bytes. */
#include "cbor_mutate.h"
#include "fuzz.h"
#include "verifier/msg.h"

static uint8_t room[1U << 20];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice in = att_slice_of(data, size);
    struct att_slice again = {0};
    struct att_diag diag = {0};
    struct msg m = {0};

    if (msg_decode(&m, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_FRAME);
        return 0;
    }
    HOLDS(msg_size(&m) >= size);
    HOLDS(msg_encode(&w, &m) == ATT_OK && att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, in));
    m.kind = (enum msg_kind)0; /* is none, and is not written */
    HOLDS(msg_encode(&w, &m) == ATT_E_INTERNAL);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
