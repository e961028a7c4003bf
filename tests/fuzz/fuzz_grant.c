/* An authorisation that parses is bound to PCRs that a data key may be bound to, and is the same bytes again. */
#include "base/wr.h"
#include "cbor_mutate.h"
#include "fuzz.h"
#include "tcg/datakey.h"

FUZZ_MUTATES_CBOR(0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t room[ATT_GRANT_MAX], policy[ATT_POLICY_LEN];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_diag diag = {0};
    struct att_slice again = {0};
    struct att_grant g;

    if (att_grant_parse(&g, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_CBOR || diag.reason == ATT_R_FMT_VERSION ||
              diag.reason == ATT_R_DK_GRANT);
        return 0;
    }
    HOLDS(g.selection.count == 1 && (g.selection.sel[0].mask & ~ATT_DATA_KEY_PCRS) == 0);
    HOLDS(att_grant_policy(policy, &g) == ATT_OK);
    HOLDS(att_grant_encode(&w, &g) == ATT_OK && att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, att_slice_of(data, size)));
    return 0;
}
