/* The entries of an IMA list tile its input, each slice lies in its entry, and replay agrees. */
#include "fuzz.h"
#include "tcg/ima.h"

static size_t size_of(const struct att_ima_entry *e)
{
    size_t size = 4 + e->template_digest.len + 4 + e->template_name.len + e->template_data.len;

    return e->template_ == ATT_IMA_TEMPLATE_IMA ? size : size + 4;
}

static void check_inside(struct att_slice s, const uint8_t *from, size_t len)
{
    HOLDS(s.len == 0 || (s.p >= from && s.p + s.len <= from + len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum att_hash BANKS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256};
    struct att_ima it = att_ima_from(att_slice_of(data, size));
    struct att_pcr_values v;
    struct att_diag diag = {0};
    uint32_t entries = 0;
    size_t end = 0;
    bool more = true;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && more) {
        struct att_ima_entry e;

        err = att_ima_next(&it, &e, &more, &diag);
        if (err == ATT_OK && more) {
            HOLDS(e.off == end && e.pcr < ATT_PCR_COUNT);
            check_inside(e.path, data + end, size_of(&e));
            check_inside(e.digest, data + end, size_of(&e));
            check_inside(e.sig, data + end, size_of(&e));
            end += size_of(&e);
            HOLDS(end <= size && end == att_rd_off(&it.rd));
        }
    }
    HOLDS(err == ATT_OK ? end == size : diag.reason == ATT_R_FMT_IMA && diag.off == end);
    HOLDS(att_ima_replay(&v, att_slice_of(data, size), BANKS, 2, false, &entries, NULL) == err);
    HOLDS(err != ATT_OK || entries == it.count);
    HOLDS(att_ima_replay(&v, att_slice_of(data, size), BANKS, 2, true, NULL, NULL) == err);
    return 0;
}
