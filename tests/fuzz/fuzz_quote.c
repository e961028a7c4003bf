/* A quote that parses, written again from its fields, is the same bytes. */
#include "base/wr.h"
#include "fuzz.h"
#include "tcg/quote.h"

static void put_2b(struct att_wr *w, struct att_slice s)
{
    att_wr_u16be(w, (uint16_t)s.len);
    att_wr_slice(w, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t room[ATT_QUOTE_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_quote q;
    struct att_diag diag = {0};
    struct att_slice again = {0};

    if (att_quote_parse(&q, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_ATTEST);
        return 0;
    }
    att_wr_u32be(&w, q.magic);
    att_wr_u16be(&w, q.type);
    put_2b(&w, q.qualified_signer);
    put_2b(&w, q.extra_data);
    att_wr_u64be(&w, q.clock.clock_ms);
    att_wr_u32be(&w, q.clock.reset_count);
    att_wr_u32be(&w, q.clock.restart_count);
    att_wr_u8(&w, q.clock.safe);
    att_wr_u64be(&w, q.firmware_version);
    if (q.magic != ATT_TPM_GENERATED || q.type != ATT_TPM_ST_ATTEST_QUOTE) {
        HOLDS(q.selection.count == 0 && q.pcr_digest.len == 0 && w.len <= size);
        return 0;
    }
    att_pcr_selection_write(&w, &q.selection);
    put_2b(&w, q.pcr_digest);
    HOLDS(att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, att_slice_of(data, size)));
    return 0;
}
