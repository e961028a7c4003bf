/* Each record of an own log that is accepted, written again from its parts, is the same bytes. */
#include "fuzz.h"
#include "tcg/ownlog.h"

static uint8_t content_room[ATT_OWN_RECORD_MAX];
static uint8_t record_room[ATT_OWN_RECORD_MAX];
static struct att_own_item items[ATT_OWN_ITEMS_MAX];

static void write_content(struct att_wr *w, const struct att_own_record *rec)
{
    struct att_own_items it = att_own_items_from(rec);
    size_t n = 0;

    if (rec->is_boot) {
        HOLDS(att_own_boot_content(w, &rec->boot) == ATT_OK);
        return;
    }
    while (n < ATT_OWN_ITEMS_MAX && att_own_item_next(&it, &items[n])) {
        n++;
    }
    HOLDS(n == rec->item_count);
    HOLDS(att_own_items_content(w, items, n) == ATT_OK);
}

static void check_record(const struct att_own_record *rec, const uint8_t *data,
                         struct att_hasher *h)
{
    struct att_wr c = att_wr_into(content_room, sizeof(content_room));
    struct att_wr w = att_wr_into(record_room, sizeof(record_room));
    enum att_hash banks[ATT_PCR_BANKS];

    for (uint32_t i = 0; i < rec->digest_count; i++) {
        banks[i] = rec->digest[i].alg;
    }
    write_content(&c, rec);
    HOLDS(att_slice_eq(att_slice_of(c.p, c.len), rec->content));
    HOLDS(att_own_record_write(&w, rec->recnum, rec->pcr, banks, rec->digest_count, rec->content,
                               h) == ATT_OK);
    HOLDS(att_slice_eq(att_slice_of(w.p, w.len), att_slice_of(data + rec->off, rec->len)));
}

static void check_log(struct att_slice in, uint64_t first, struct att_hasher *h)
{
    struct att_own it = att_own_from(in, first);
    struct att_own_record rec;
    bool more = true;

    while (att_own_next(&it, &rec, &more, h, NULL) == ATT_OK && more) {
        check_record(&rec, in.p, h);
    }
}

/* A log that replays is one that reads to its end. */
static void check_replay(struct att_slice in, struct att_hasher *h)
{
    struct att_own it = att_own_from(in, 0);
    struct att_own_record rec;
    struct att_pcr_values v;
    struct att_diag diag = {0};
    uint32_t records = 0;
    uint32_t read = 0;
    bool more = true;

    if (att_own_replay(&v, in, &records, &diag) != ATT_OK) {
        HOLDS(diag.reason != ATT_R_NONE);
        return;
    }
    while (att_own_next(&it, &rec, &more, h, NULL) == ATT_OK && more) {
        read++;
    }
    HOLDS(!more && read == records);
}

/* The input as a log, and as the content of a record: no mutation finds the digest of itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    static uint8_t around[ATT_OWN_RECORD_MAX];
    ATT_CLEANUP(att_hasher_freep) struct att_hasher *h = NULL;
    struct att_wr w = att_wr_into(around, sizeof(around));

    HOLDS(att_hasher_new(&h) == ATT_OK);
    check_log(att_slice_of(data, size), 0, h);
    check_replay(att_slice_of(data, size), h);
    if (att_own_record_write(&w, 1, 13, BANK, 1, att_slice_of(data, size), h) == ATT_OK) {
        check_log(att_slice_of(around, w.len), 1, h);
    }
    return 0;
}
