/* The records of a canonical event log tile its input, their parts lie inside them, and replay agrees. */
#include "fuzz.h"
#include "tcg/cel.h"

static void check_inside(struct att_slice s, const uint8_t *from, size_t len)
{
    HOLDS(s.len == 0 || (s.p >= from && s.p + s.len <= from + len));
}

static void check_record(const struct att_cel *it, const struct att_cel_record *rec,
                         const uint8_t *data, size_t end)
{
    HOLDS(it->form == ATT_CEL_AS_ARRAY ? rec->off >= end : rec->off == end);
    HOLDS(rec->recnum + 1 == it->next_recnum && rec->len > 0);
    HOLDS(rec->digest_count >= 1 && rec->digest_count <= ATT_PCR_BANKS);
    HOLDS(rec->register_type == ATT_CEL_NV_INDEX || rec->index < ATT_PCR_COUNT);
    check_inside(rec->content, data + rec->off, rec->len);
    check_inside(rec->event, data + rec->off, rec->len);
    for (uint32_t i = 0; i < rec->digest_count; i++) {
        HOLDS(rec->digest[i].value.len == att_hash_size(rec->digest[i].alg));
        check_inside(rec->digest[i].value, data + rec->off, rec->len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_cel it = att_cel_from(att_slice_of(data, size));
    struct att_cel_values v;
    struct att_diag diag = {0};
    size_t end = 0;
    bool more = size > 0;
    enum att_err err = ATT_OK;

    while (err == ATT_OK && more) {
        struct att_cel_record rec;

        err = att_cel_next(&it, &rec, &more, &diag);
        if (err == ATT_OK && more) {
            check_record(&it, &rec, data, end);
            end = rec.off + rec.len;
        }
    }
    HOLDS(err != ATT_OK || end <= size);
    HOLDS(err == ATT_OK || (diag.reason == ATT_R_FMT_CEL && diag.off <= size));
    if (size > 0) {
        HOLDS(att_cel_replay(&v, att_slice_of(data, size), NULL) == err);
        HOLDS(err != ATT_OK || v.records == it.next_recnum);
    }
    return 0;
}
