/* A record, and the context in it, that decode are written again as the same bytes. */
#include <string.h>

#include "appraise/record.h"
#include "cbor_mutate.h"
#include "fuzz.h"

static uint8_t room[1U << 18];

static void context_again(struct att_slice in)
{
    static struct att_appraisal_context c;
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice again = {0};
    struct att_diag diag = {0};

    memset(&c, 0, sizeof(c));
    if (att_appraisal_context_decode(&c, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_FRAME);
        return;
    }
    HOLDS(att_appraisal_context_encode(&w, &c) == ATT_OK && att_wr_done(&w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, in));
    HOLDS(again.len <= att_appraisal_context_bound(&c));
}

static void result_again(struct att_slice in)
{
    static struct att_result r;
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice again = {0};

    if (att_result_decode(&r, in, NULL) != ATT_OK) {
        return;
    }
    HOLDS(att_result_encode(&w, &r) == ATT_OK && att_wr_done(&w, &again) == ATT_OK);
    HOLDS(again.len <= ATT_RESULT_BOUND);
    HOLDS(att_slice_eq(again, in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_record r = {0};
    struct att_buf *out = NULL;
    struct att_diag diag = {0};

    if (att_record_decode(&r, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_RECORD);
        return 0;
    }
    HOLDS(att_buf_new(&out, size + 256) == ATT_OK);
    HOLDS(att_record_encode(out, &r) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(out), att_slice_of(data, size)));
    att_buf_free(out);
    context_again(r.context);
    result_again(r.result);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
