/* The agent's own log: the documented example, what the writer makes, what replay makes of it. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "ownlogtest.h"

/* The bytes of the fenced block that a page marks as hex. */
static size_t read_example(const char *path, uint8_t *out, size_t cap)
{
    FILE *f = fopen(path, "r");
    char line[512];
    char hex[4096];
    size_t n = 0;
    size_t len = 0;
    bool inside = false;

    ck_assert_msg(f != NULL, "%s: run from the top of the tree", path);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            inside = !inside && strcmp(line, "```hex\n") == 0;
            continue;
        }
        for (char *c = line; inside && *c != '\0' && *c != '#'; c++) {
            if (!isspace((unsigned char)*c)) {
                ck_assert_uint_lt(n, sizeof(hex));
                hex[n] = *c;
                n++;
            }
        }
    }
    fclose(f);
    ck_assert_int_eq(att_hex_decode(out, cap, &len, hex, n), ATT_OK);
    return len;
}

START_TEST(own_next__reads_the_documented_example)
{
    uint8_t in[1024];
    size_t len = read_example("docs/formats/ownlog.md", in, sizeof(in));
    struct att_own it = att_own_from(att_slice_of(in, len), 0);
    struct att_own_record rec;
    struct att_own_items items;
    struct att_own_item item;
    bool more = false;

    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_OK);
    ck_assert(more && rec.is_boot);
    ck_assert_uint_eq(rec.pcr, 13);
    ck_assert_uint_eq(rec.boot.reset_count, 62);
    ck_assert_uint_eq(rec.boot.restart_count, 0);
    ck_assert_str_eq(rec.boot.boot_id, OWNLOGTEST_BOOT_ID);
    ck_assert_uint_eq(rec.boot.start.count, 1);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_OK);
    ck_assert(more && !rec.is_boot);
    ck_assert_uint_eq(rec.recnum, 1);
    ck_assert_uint_eq(rec.item_count, 2);
    items = att_own_items_from(&rec);
    ck_assert(att_own_item_next(&items, &item));
    ck_assert_int_eq(item.type, ATT_OWN_FILE);
    ck_assert(att_slice_eq(item.name, att_slice_str("/etc/modbus.conf")));
    ck_assert_uint_eq(item.detail, 12);
    {
        uint8_t want[32];

        ck_assert_int_eq(att_sha256(att_slice_str("listen: 502\n"), want), ATT_OK);
        ck_assert_mem_eq(item.digest, want, 32);
    }
    ck_assert(att_own_item_next(&items, &item));
    ck_assert_int_eq(item.type, ATT_OWN_ABSENT);
    ck_assert_ptr_null(item.digest);
    ck_assert(!att_own_item_next(&items, &item));
    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_OK);
    ck_assert(!more);
}
END_TEST

START_TEST(own_record_write__writes_the_documented_example)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    uint8_t in[1024];
    size_t len = read_example("docs/formats/ownlog.md", in, sizeof(in));
    struct att_own_boot boot = {.reset_count = 62, .boot_id = OWNLOGTEST_BOOT_ID};
    struct att_own_item items[] = {ownlogtest_item(ATT_OWN_FILE, "/etc/modbus.conf"),
                                   ownlogtest_item(ATT_OWN_ABSENT, "/etc/old.conf")};
    uint8_t file_digest[32];
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    att_pcr_bank_add(&boot.start, ATT_HASH_SHA256)->has = 1U << OWNLOGTEST_PCR;
    ck_assert_int_eq(att_own_boot_content(&c, &boot), ATT_OK);
    ck_assert_int_eq(
        att_own_record_write(&ot.w, 0, OWNLOGTEST_PCR, BANK, 1, att_slice_of(content, c.len), ot.h),
        ATT_OK);
    ck_assert_int_eq(att_sha256(att_slice_str("listen: 502\n"), file_digest), ATT_OK);
    items[0].digest = file_digest;
    items[0].detail = 12;
    items[1].detail = 0;
    c = att_wr_into(content, sizeof(content));
    ck_assert_int_eq(att_own_items_content(&c, items, 2), ATT_OK);
    ck_assert_int_eq(
        att_own_record_write(&ot.w, 1, OWNLOGTEST_PCR, BANK, 1, att_slice_of(content, c.len), ot.h),
        ATT_OK);
    ck_assert(att_slice_eq(ownlogtest_log(), att_slice_of(in, len)));
}
END_TEST

START_TEST(own_replay__leads_to_the_documented_pcr)
{
    uint8_t in[1024];
    size_t len = read_example("docs/formats/ownlog.md", in, sizeof(in));
    struct att_pcr_values v = {0};
    uint32_t records = 0;
    char hex[65];

    ck_assert_int_eq(att_own_replay(&v, att_slice_of(in, len), &records, NULL), ATT_OK);
    ck_assert_uint_eq(records, 2);
    ck_assert_uint_eq(v.count, 1);
    ck_assert_uint_eq(v.bank[0].has, 1U << OWNLOGTEST_PCR);
    att_hex_encode(hex, sizeof(hex), att_slice_of(v.bank[0].value[OWNLOGTEST_PCR], 32));
    ck_assert_str_eq(hex, "6b7e1e2358b52ca7e6fb34a625b081b05360ee6c61fe5356b7812f6fb2fa5c5a");
}
END_TEST

START_TEST(own_next__reads_back_every_item_type)
{
    struct att_own_item items[7];
    uint8_t content[4096];
    struct att_wr c = att_wr_into(content, sizeof(content));
    struct att_own it;
    struct att_own_record rec;
    struct att_own_items list;
    struct att_own_item got;
    bool more = false;

    for (int i = 0; i < 7; i++) {
        items[i] = ownlogtest_item((enum att_own_type)i, "/n");
        items[i].detail = (uint64_t)1 << (8 * i);
    }
    ck_assert_int_eq(att_own_items_content(&c, items, 7), ATT_OK);
    ownlogtest_add_first();
    ownlogtest_add(1, OWNLOGTEST_PCR, att_slice_of(content, c.len));
    it = att_own_from(ownlogtest_log(), 0);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_OK);
    list = att_own_items_from(&rec);
    ck_assert(!att_own_item_next(&list, &got)); /* a boot record has none */
    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_OK);
    ck_assert_uint_eq(rec.off + rec.len, ot.w.len);
    ck_assert_uint_eq(rec.digest_count, 2);
    list = att_own_items_from(&rec);
    for (int i = 0; i < 7; i++) {
        ck_assert(att_own_item_next(&list, &got));
        ck_assert_int_eq(got.type, items[i].type);
        ck_assert_uint_eq(got.detail, items[i].detail);
        ck_assert(i > ATT_OWN_CONFIG ? got.digest == NULL
                                     : memcmp(got.digest, ownlogtest_digest, 32) == 0);
    }
    ck_assert(!att_own_item_next(&list, &got));
}
END_TEST

START_TEST(own_next__goes_on_from_a_later_record)
{
    struct att_own it;
    struct att_own_record rec;
    struct att_slice tail;
    size_t start = 0;
    bool more = false;

    ownlogtest_add_first();
    ownlogtest_add_items(1);
    start = ot.w.len;
    ownlogtest_add_items(2);
    tail = att_slice_of(ot.bytes + start, ot.w.len - start);
    it = att_own_from(tail, 2);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_OK);
    ck_assert_uint_eq(rec.recnum, 2);
    it = att_own_from(tail, 1);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_E_FORMAT);
    it = att_own_from(tail, 0);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, ot.h, NULL), ATT_E_FORMAT);
}
END_TEST

START_TEST(own_replay__goes_on_after_a_resume)
{
    struct att_own_boot boot = ownlogtest_boot(1);
    struct att_pcr_values v = {0};
    struct att_diag diag = {0};
    uint32_t records = 0;

    ownlogtest_add_first();
    ownlogtest_add_items(1);
    ck_assert_int_eq(att_own_replay(&v, ownlogtest_log(), &records, NULL), ATT_OK);
    ck_assert_uint_eq(v.count, 2);
    boot.start = v;
    ownlogtest_add_boot(2, &boot);
    ownlogtest_add_items(3);
    ck_assert_int_eq(att_own_replay(&v, ownlogtest_log(), &records, NULL), ATT_OK);
    ck_assert_uint_eq(records, 4);

    ownlogtest_clear(); /* somebody extended the PCR between the two */
    ownlogtest_add_first();
    ownlogtest_add_items(1);
    att_pcr_bank_get(&boot.start, ATT_HASH_SHA256)->value[OWNLOGTEST_PCR][0] ^= 1;
    ownlogtest_add_boot(2, &boot);
    ck_assert_int_eq(att_own_replay(&v, ownlogtest_log(), &records, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_OWN_FOREIGN);
}
END_TEST

START_TEST(own_replay__gives_up_banks_that_a_record_lacks)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    struct att_own_item item = ownlogtest_item(ATT_OWN_FILE, "/a");
    struct att_pcr_values v = {0};
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));
    uint8_t digest[32];
    uint8_t want[32];

    ck_assert_int_eq(att_own_items_content(&c, &item, 1), ATT_OK);
    ownlogtest_add_first();
    ck_assert_int_eq(att_own_replay(&v, ownlogtest_log(), NULL, NULL), ATT_OK);
    memcpy(want, att_pcr_bank_get(&v, ATT_HASH_SHA256)->value[OWNLOGTEST_PCR], 32);
    ck_assert_int_eq(
        att_own_record_write(&ot.w, 1, OWNLOGTEST_PCR, BANK, 1, att_slice_of(content, c.len), ot.h),
        ATT_OK);
    ck_assert_int_eq(att_own_replay(&v, ownlogtest_log(), NULL, NULL), ATT_OK);
    ck_assert_uint_eq(v.count, 1);
    ck_assert_int_eq(v.bank[0].bank, ATT_HASH_SHA256);
    ck_assert_int_eq(att_sha256(att_slice_of(content, c.len), digest), ATT_OK);
    ck_assert_int_eq(att_pcr_extend(ot.h, ATT_HASH_SHA256, want, digest), ATT_OK);
    ck_assert_mem_eq(v.bank[0].value[OWNLOGTEST_PCR], want, 32);
    ck_assert_int_eq(att_own_replay(&v, att_slice_of(ot.bytes, 0), NULL, NULL), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(own_write__refuses_what_the_reader_would)
{
    struct att_own_item item = ownlogtest_item(ATT_OWN_FILE, "/a");
    struct att_own_boot boot = ownlogtest_boot(0);
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    uint8_t small[600];
    struct att_wr c = att_wr_into(small, sizeof(small));

    ck_assert_int_eq(att_own_items_content(&c, &item, 0), ATT_E_LIMIT);
    c = att_wr_into(small, sizeof(small));
    ck_assert_int_eq(att_own_items_content(&c, &item, ATT_OWN_ITEMS_MAX + 1), ATT_E_LIMIT);
    c = att_wr_into(small, sizeof(small));
    item.digest = NULL;
    ck_assert_int_eq(att_own_items_content(&c, &item, 1), ATT_E_INTERNAL);
    c = att_wr_into(small, sizeof(small));
    item = ownlogtest_item(ATT_OWN_ABSENT, "");
    ck_assert_int_eq(att_own_items_content(&c, &item, 1), ATT_E_INTERNAL);
    c = att_wr_into(small, sizeof(small));
    boot.start.bank[0].has = 0;
    ck_assert_int_eq(att_own_boot_content(&c, &boot), ATT_E_INTERNAL);
    ck_assert_int_eq(att_own_record_write(&ot.w, 1, 16, BANK, 1, att_slice_of(small, 1), ot.h),
                     ATT_E_INTERNAL);
    ownlogtest_clear();
    {
        uint8_t *big = calloc(1, ATT_OWN_RECORD_MAX);

        ck_assert_int_eq(att_own_record_write(&ot.w, 1, OWNLOGTEST_PCR, BANK, 1,
                                              att_slice_of(big, ATT_OWN_RECORD_MAX), ot.h),
                         ATT_E_LIMIT);
        free(big);
    }
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {own_next__reads_the_documented_example, 0},
        {own_record_write__writes_the_documented_example, 0},
        {own_replay__leads_to_the_documented_pcr, 0},
        {own_next__reads_back_every_item_type, 0},
        {own_next__goes_on_from_a_later_record, 0},
        {own_replay__goes_on_after_a_resume, 0},
        {own_replay__gives_up_banks_that_a_record_lacks, 0},
        {own_write__refuses_what_the_reader_would, 0},
    };

    return SUITE_RUN_ROWS("ownlog", ROWS, &ownlogtest_fixture);
}
