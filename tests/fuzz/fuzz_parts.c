/* A part is taken up to the end of an entry and leads where a replay of just that does; and what is sealed of
 * it is written again as the same bytes. The first byte chooses. */
#include <stdlib.h>
#include <string.h>

#include "appraise/parts.h"
#include "cbor_mutate.h"
#include "fuzz.h"
#include "tcg/ima.h"

static uint8_t room[1U << 17];

static void state(struct att_slice in)
{
    static struct att_folded f;
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_diag diag = {0};
    struct att_slice again = {0};

    if (att_folded_decode(&f, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_FRAME);
        return;
    }
    HOLDS(att_folded_encode(&w, &f) == ATT_OK && att_wr_done(&w, &again) == ATT_OK);
    HOLDS(again.len <= ATT_FOLDED_BOUND && att_slice_eq(again, in));
}

static void part(struct att_slice in)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    const struct att_ima_parts none = {0};
    struct att_ima_parts p = {0};
    struct att_pcr_values v = {0};
    struct att_diag diag = {0};
    uint32_t entries = 0;
    size_t taken = 0;
    enum att_err err = att_parts_replay(&p, &taken, in, BANK[0], 10, &diag);

    if (err != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_IMA || diag.reason == ATT_R_LOG_PCR);
        HOLDS(memcmp(&p, &none, sizeof(p)) == 0);
        return;
    }
    HOLDS(taken > 0 && taken <= in.len && p.off == taken);
    HOLDS(att_ima_replay(&v, att_slice_of(in.p, taken), BANK, 1, false, &entries, NULL) == ATT_OK);
    HOLDS(entries == p.count && memcmp(v.bank[0].value[10], p.pcr, 32) == 0);
    HOLDS(att_ima_replay(&v, att_slice_of(in.p, taken), BANK, 1, true, NULL, NULL) == ATT_OK);
    HOLDS(memcmp(v.bank[0].value[10], p.padded, 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    if (size > 0 && data[0] % 2 == 0) {
        part(in);
    } else {
        state(in);
    }
    return 0;
}

FUZZ_MUTATES_CBOR(1)
