/* A certification that parses, written again from its fields, is the same bytes. */
#include "base/wr.h"
#include "fuzz.h"
#include "tcg/certify.h"

static void put_2b(struct att_wr *w, struct att_slice s)
{
    att_wr_u16be(w, (uint16_t)s.len);
    att_wr_slice(w, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t room[ATT_QUOTE_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_certify c;
    struct att_diag diag = {0};
    struct att_slice again = {0};

    if (att_certify_parse(&c, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_ATTEST);
        return 0;
    }
    att_wr_u32be(&w, c.magic);
    att_wr_u16be(&w, c.type);
    put_2b(&w, c.qualified_signer);
    put_2b(&w, c.extra_data);
    att_wr_u64be(&w, c.clock.clock_ms);
    att_wr_u32be(&w, c.clock.reset_count);
    att_wr_u32be(&w, c.clock.restart_count);
    att_wr_u8(&w, c.clock.safe);
    att_wr_u64be(&w, c.firmware_version);
    if (c.magic != ATT_TPM_GENERATED || c.type != ATT_TPM_ST_ATTEST_CERTIFY) {
        HOLDS(c.name.len == 0 && c.qualified_name.len == 0 && w.len <= size);
        return 0;
    }
    put_2b(&w, c.name);
    put_2b(&w, c.qualified_name);
    HOLDS(att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, att_slice_of(data, size)));
    return 0;
}
