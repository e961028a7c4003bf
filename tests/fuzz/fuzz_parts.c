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

static void part(struct att_slice in, bool padded)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    const struct att_ima_parts from = {.padded = padded};
    struct att_parts_walk w = {.bank = BANK[0], .ima_pcr = 10};
    struct att_ima_entry e;
    struct att_pcr_values v = {0};
    struct att_diag diag = {0};
    uint32_t entries = 0;
    bool more = true;
    enum att_err err = att_parts_walk_start(&w, &from, in, &diag);

    while (err == ATT_OK && more) {
        err = att_parts_walk_next(&w, &e, &more, &diag);
    }
    att_parts_walk_end(&w);
    if (err != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_IMA || diag.reason == ATT_R_LOG_PCR);
        return;
    }
    HOLDS(w.taken > 0 && w.taken <= in.len && w.to.off == w.taken && w.to.padded == padded);
    in.len = w.taken;
    HOLDS(att_ima_replay(&v, in, BANK, 1, padded, &entries, NULL) == ATT_OK);
    HOLDS(entries == w.to.count && memcmp(v.bank[0].value[10], w.to.pcr, 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);

    if (size > 0 && data[0] % 2 == 0) {
        part(in, data[0] % 4 == 2);
    } else {
        state(in);
    }
    return 0;
}

FUZZ_MUTATES_CBOR(1)
