/* The agent's own log: the documented example, what the writer makes, each way to be refused. */
#include "tcg/ownlog.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "codec/cbor_wr.h"

#define PCR     13
#define BOOT_ID "4f3a1c52-7f0e-4a0b-9a55-0d6c1b2e3f40"
#define CAP     (ATT_OWN_RECORD_MAX + 4096)

static uint8_t bytes[CAP];
static struct att_wr w;
static struct att_hasher *h;
static const uint8_t DIGEST[32] = {1, 2, 3};

static void clear(void)
{
    memset(bytes, 0, sizeof(bytes));
    w = att_wr_into(bytes, sizeof(bytes));
}

static void setup(void)
{
    clear();
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
}

static void teardown(void)
{
    att_hasher_free(h);
}

static struct att_slice log_so_far(void)
{
    struct att_slice out = {0};

    ck_assert_int_eq(att_wr_done(&w, &out), ATT_OK);
    return out;
}

static struct att_own_boot boot_of(uint32_t restart_count)
{
    struct att_own_boot boot = {.reset_count = 62, .restart_count = restart_count};

    strcpy(boot.boot_id, BOOT_ID);
    att_pcr_bank_add(&boot.start, ATT_HASH_SHA256)->has = 1U << PCR;
    att_pcr_bank_add(&boot.start, ATT_HASH_SHA1)->has = 1U << PCR;
    return boot;
}

static void add_record(uint64_t recnum, uint32_t pcr, struct att_slice content)
{
    static const enum att_hash BANKS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256};

    ck_assert_int_eq(att_own_record_write(&w, recnum, pcr, BANKS, 2, content, h), ATT_OK);
}

static void add_boot(uint64_t recnum, const struct att_own_boot *boot)
{
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_boot_content(&c, boot), ATT_OK);
    add_record(recnum, PCR, att_slice_of(content, c.len));
}

static void add_first(void)
{
    struct att_own_boot boot = boot_of(0);

    add_boot(0, &boot);
}

static struct att_own_item item_of(enum att_own_type type, const char *name)
{
    return (struct att_own_item){.type = type,
                                 .name = att_slice_str(name),
                                 .digest = type <= ATT_OWN_CONFIG ? DIGEST : NULL,
                                 .detail = 7};
}

static void add_items(uint64_t recnum)
{
    struct att_own_item items[] = {item_of(ATT_OWN_FILE, "/etc/a"), item_of(ATT_OWN_ABSENT, "/b")};
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_items_content(&c, items, 2), ATT_OK);
    add_record(recnum, PCR, att_slice_of(content, c.len));
}

/* Read all of a log: the first error, its reason and its byte. */
static enum att_err read_all(struct att_slice in, struct att_diag *diag, uint32_t *records)
{
    uint8_t *exact = malloc(in.len == 0 ? 1 : in.len);
    struct att_own it;
    struct att_own_record rec;
    bool more = true;
    enum att_err err = ATT_OK;

    if (in.len > 0) {
        memcpy(exact, in.p, in.len);
    }
    it = att_own_from(att_slice_of(exact, in.len), 0);
    *records = 0;
    while (err == ATT_OK && more) {
        err = att_own_next(&it, &rec, &more, h, diag);
        *records += err == ATT_OK && more;
    }
    free(exact);
    return err;
}

static void refuse_from(struct att_slice in, enum att_err want, enum att_reason reason,
                        size_t min_off)
{
    struct att_diag diag = {0};
    uint32_t records = 0;
    enum att_err err = read_all(in, &diag, &records);

    ck_assert_msg(err == want, "%s, not %s: %s", att_err_name(err), att_err_name(want), diag.text);
    ck_assert_msg(diag.reason == reason, "%s", att_reason_code(diag.reason));
    ck_assert(diag.off != ATT_OFF_NONE && diag.off >= min_off && diag.off <= in.len);
}

static void refuse(enum att_err want)
{
    refuse_from(log_so_far(), want, ATT_R_FMT_CEL, 0);
}

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

    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_OK);
    ck_assert(more && rec.is_boot);
    ck_assert_uint_eq(rec.pcr, 13);
    ck_assert_uint_eq(rec.boot.reset_count, 62);
    ck_assert_uint_eq(rec.boot.restart_count, 0);
    ck_assert_str_eq(rec.boot.boot_id, BOOT_ID);
    ck_assert_uint_eq(rec.boot.start.count, 1);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_OK);
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
    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_OK);
    ck_assert(!more);
}
END_TEST

START_TEST(own_record_write__writes_the_documented_example)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    uint8_t in[1024];
    size_t len = read_example("docs/formats/ownlog.md", in, sizeof(in));
    struct att_own_boot boot = {.reset_count = 62, .boot_id = BOOT_ID};
    struct att_own_item items[] = {item_of(ATT_OWN_FILE, "/etc/modbus.conf"),
                                   item_of(ATT_OWN_ABSENT, "/etc/old.conf")};
    uint8_t file_digest[32];
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    att_pcr_bank_add(&boot.start, ATT_HASH_SHA256)->has = 1U << PCR;
    ck_assert_int_eq(att_own_boot_content(&c, &boot), ATT_OK);
    ck_assert_int_eq(att_own_record_write(&w, 0, PCR, BANK, 1, att_slice_of(content, c.len), h),
                     ATT_OK);
    ck_assert_int_eq(att_sha256(att_slice_str("listen: 502\n"), file_digest), ATT_OK);
    items[0].digest = file_digest;
    items[0].detail = 12;
    items[1].detail = 0;
    c = att_wr_into(content, sizeof(content));
    ck_assert_int_eq(att_own_items_content(&c, items, 2), ATT_OK);
    ck_assert_int_eq(att_own_record_write(&w, 1, PCR, BANK, 1, att_slice_of(content, c.len), h),
                     ATT_OK);
    ck_assert(att_slice_eq(log_so_far(), att_slice_of(in, len)));
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
    ck_assert_uint_eq(v.bank[0].has, 1U << PCR);
    att_hex_encode(hex, sizeof(hex), att_slice_of(v.bank[0].value[PCR], 32));
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
        items[i] = item_of((enum att_own_type)i, "/n");
        items[i].detail = (uint64_t)1 << (8 * i);
    }
    ck_assert_int_eq(att_own_items_content(&c, items, 7), ATT_OK);
    add_first();
    add_record(1, PCR, att_slice_of(content, c.len));
    it = att_own_from(log_so_far(), 0);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_OK);
    list = att_own_items_from(&rec);
    ck_assert(!att_own_item_next(&list, &got)); /* a boot record has none */
    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_OK);
    ck_assert_uint_eq(rec.off + rec.len, w.len);
    ck_assert_uint_eq(rec.digest_count, 2);
    list = att_own_items_from(&rec);
    for (int i = 0; i < 7; i++) {
        ck_assert(att_own_item_next(&list, &got));
        ck_assert_int_eq(got.type, items[i].type);
        ck_assert_uint_eq(got.detail, items[i].detail);
        ck_assert(i > ATT_OWN_CONFIG ? got.digest == NULL : memcmp(got.digest, DIGEST, 32) == 0);
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

    add_first();
    add_items(1);
    start = w.len;
    add_items(2);
    tail = att_slice_of(bytes + start, w.len - start);
    it = att_own_from(tail, 2);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_OK);
    ck_assert_uint_eq(rec.recnum, 2);
    it = att_own_from(tail, 1);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_E_FORMAT);
    it = att_own_from(tail, 0);
    ck_assert_int_eq(att_own_next(&it, &rec, &more, h, NULL), ATT_E_FORMAT);
}
END_TEST

START_TEST(own_next__refuses_gaps_repeats_and_a_missing_start)
{
    size_t second = 0;

    add_first();
    second = w.len;
    add_items(2);
    refuse_from(log_so_far(), ATT_E_FORMAT, ATT_R_FMT_CEL, second);
    clear();
    add_first();
    add_items(1);
    second = w.len;
    add_items(1);
    refuse_from(log_so_far(), ATT_E_FORMAT, ATT_R_FMT_CEL, second);
    clear();
    add_items(0);
    refuse(ATT_E_FORMAT);
    clear();
    add_items(1);
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(own_next__refuses_other_pcrs)
{
    struct att_own_item item = item_of(ATT_OWN_FILE, "/a");
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_items_content(&c, &item, 1), ATT_OK);
    add_first();
    add_record(1, 12, att_slice_of(content, c.len));
    refuse(ATT_E_FORMAT);
    clear();
    add_first();
    ck_assert_uint_eq(bytes[4], PCR);
    bytes[4] = 16; /* a PCR that anybody can reset */
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(own_next__refuses_a_digest_that_is_not_the_contents)
{
    size_t second = 0;

    add_first();
    second = w.len;
    add_items(1);
    bytes[w.len - 2] ^= 1; /* inside the content */
    refuse_from(log_so_far(), ATT_E_FORMAT, ATT_R_LOG_DIGEST, second);
    clear();
    add_first();
    bytes[12] ^= 1; /* inside the first digest */
    refuse_from(log_so_far(), ATT_E_FORMAT, ATT_R_LOG_DIGEST, 0);
}
END_TEST

START_TEST(own_next__refuses_every_truncation)
{
    size_t second = 0;
    uint32_t records = 0;

    add_first();
    second = w.len;
    add_items(1);
    for (size_t len = 1; len < w.len; len++) {
        struct att_diag diag = {0};

        if (len == second) {
            continue;
        }
        ck_assert_int_eq(read_all(att_slice_of(bytes, len), &diag, &records), ATT_E_TRUNCATED);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_CEL);
        ck_assert_uint_eq(records, len > second);
    }
    ck_assert_int_eq(read_all(att_slice_of(bytes, 0), NULL, &records), ATT_OK);
    ck_assert_uint_eq(records, 0);
}
END_TEST

/* A record around content that the test made, with its digest. */
static void add_raw(const char *hex)
{
    uint8_t content[1024];
    size_t len = 0;

    ck_assert_int_eq(att_hex_decode(content, sizeof(content), &len, hex, strlen(hex)), ATT_OK);
    add_record(1, PCR, att_slice_of(content, len));
}

#define D32 "0102030405060708091011121314151617181920212223242526272829303132"

START_TEST(own_next__refuses_contents_that_nobody_writes)
{
    static const struct {
        const char *hex;
        enum att_err want;
    } BAD[] = {
        {"", ATT_E_TRUNCATED},                             /* nothing */
        {"80", ATT_E_FORMAT},                              /* no map */
        {"a20003018184004161f600", ATT_E_FORMAT},          /* kind 3 */
        {"a10002", ATT_E_FORMAT},                          /* no items */
        {"a200020180", ATT_E_FORMAT},                      /* an empty list */
        {"a2000201818407416100", ATT_E_LIMIT},             /* type 7 */
        {"a200020181840741615820" D32 "00", ATT_E_LIMIT},  /* type 7 with a digest */
        {"a20002018184004161f600", ATT_E_FORMAT},          /* a file without digest */
        {"a200020181840441615820" D32 "00", ATT_E_FORMAT}, /* absent with one */
        {"a20002018184004161"
         "581f" D32,
         ATT_E_FORMAT},                                     /* 31 bytes */
        {"a2000201818400405820" D32 "00", ATT_E_FORMAT},    /* an empty name */
        {"a200020181840061615820" D32 "00", ATT_E_FORMAT},  /* a name in text */
        {"a200020181830041615820" D32, ATT_E_FORMAT},       /* three fields */
        {"a200020181850041615820" D32 "0000", ATT_E_LIMIT}, /* five fields */
        {"a20002018184044161f61800", ATT_E_FORMAT},         /* a long form of zero */
        {"a20002018184044161f6f90000", ATT_E_FORMAT},       /* a float */
        {"a20002019f84044161f600ff", ATT_E_FORMAT},         /* an indefinite list */
        {"a2018184044161f6000002", ATT_E_FORMAT},           /* keys out of order */
        {"a20002008184044161f600", ATT_E_FORMAT},           /* a key twice */
        {"a30002018184044161f6000200", ATT_E_FORMAT},       /* an entry too many */
        {"a20002018184044161f60000", ATT_E_TRAILING},       /* a byte too many */
        {"a20002018284044161f600", ATT_E_TRUNCATED},        /* one item of two */
        {"a20002018184044161f620", ATT_E_FORMAT},           /* a negative detail */
        {"a20102018184044161f600", ATT_E_FORMAT},           /* no kind */
    };

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        struct att_diag diag = {0};
        uint32_t records = 0;
        enum att_err err = ATT_OK;
        size_t second = 0;

        clear();
        add_first();
        second = w.len;
        add_raw(BAD[i].hex);
        err = read_all(log_so_far(), &diag, &records);
        ck_assert_msg(err == BAD[i].want, "case %zu: %s", i, att_err_name(err));
        ck_assert_int_eq(diag.reason, ATT_R_FMT_CEL);
        ck_assert_uint_ge(diag.off, second);
        ck_assert_uint_eq(records, 1);
    }
    clear();
    add_first();
    add_raw("a20002018184044161f600"); /* the smallest good one */
    {
        uint32_t records = 0;

        ck_assert_int_eq(read_all(log_so_far(), NULL, &records), ATT_OK);
        ck_assert_uint_eq(records, 2);
    }
}
END_TEST

START_TEST(own_next__refuses_deep_nesting)
{
    char hex[2200] = "";

    add_first();
    for (int i = 0; i < 1000; i++) {
        strcat(hex, "81");
    }
    strcat(hex, "00");
    add_raw(hex);
    refuse(ATT_E_FORMAT);
    clear();
    memset(att_wr_room(&w, 1000), 0x81, 1000);
    att_wr_u8(&w, 0);
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(own_next__bounds_names_items_and_records)
{
    uint8_t *content = malloc(CAP);
    struct att_wr c = att_wr_into(content, CAP);

    add_first();
    att_cbor_wr_map(&c, 2);
    att_cbor_wr_uint(&c, 0);
    att_cbor_wr_uint(&c, 2);
    att_cbor_wr_uint(&c, 1);
    att_cbor_wr_array(&c, 1);
    att_cbor_wr_array(&c, 4);
    att_cbor_wr_uint(&c, ATT_OWN_ABSENT);
    att_cbor_wr_bytes_head(&c, ATT_OWN_NAME_MAX + 1);
    memset(att_wr_room(&c, ATT_OWN_NAME_MAX + 1), 'n', ATT_OWN_NAME_MAX + 1);
    att_cbor_wr_null(&c);
    att_cbor_wr_uint(&c, 0);
    add_record(1, PCR, att_slice_of(content, c.len));
    refuse(ATT_E_LIMIT);

    clear();
    add_first();
    c = att_wr_into(content, CAP);
    att_cbor_wr_map(&c, 2);
    att_cbor_wr_uint(&c, 0);
    att_cbor_wr_uint(&c, 2);
    att_cbor_wr_uint(&c, 1);
    att_cbor_wr_array(&c, ATT_OWN_ITEMS_MAX + 1);
    for (int i = 0; i <= ATT_OWN_ITEMS_MAX; i++) {
        att_wr_bytes(&c, "\x84\x04\x41n\xf6\0", 6);
    }
    add_record(1, PCR, att_slice_of(content, c.len));
    refuse(ATT_E_LIMIT);

    clear(); /* one item that is larger than a record may be */
    att_cbor_wr_bytes_head(&w, ATT_OWN_RECORD_MAX);
    att_wr_zeros(&w, ATT_OWN_RECORD_MAX);
    refuse(ATT_E_LIMIT);
    free(content);
}
END_TEST

/* Change one byte of a good boot record's frame, where no digest covers it. */
START_TEST(own_next__refuses_false_digest_lists)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    struct att_own_boot boot = boot_of(0);
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_boot_content(&c, &boot), ATT_OK);
    ck_assert_int_eq(att_own_record_write(&w, 0, PCR, BANK, 1, att_slice_of(content, c.len), h),
                     ATT_OK);
    ck_assert_uint_eq(bytes[9], ATT_HASH_SHA256);
    bytes[9] = 0x12; /* SM3: we could not check it */
    refuse(ATT_E_UNSUPPORTED);
    bytes[9] = 0x0c; /* a digest of the wrong size */
    refuse(ATT_E_FORMAT);
    bytes[9] = 0x0b;
    bytes[6] = 0x80; /* none */
    refuse_from(log_so_far(), ATT_E_FORMAT, ATT_R_FMT_CEL, 0);

    clear(); /* one bank twice */
    att_cbor_wr_map(&w, 4);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_uint(&w, PCR);
    att_cbor_wr_uint(&w, 3);
    att_cbor_wr_array(&w, 2);
    for (int i = 0; i < 2; i++) {
        uint8_t digest[32];

        ck_assert_int_eq(att_sha256(att_slice_of(content, c.len), digest), ATT_OK);
        att_cbor_wr_map(&w, 2);
        att_cbor_wr_uint(&w, 0);
        att_cbor_wr_uint(&w, ATT_HASH_SHA256);
        att_cbor_wr_uint(&w, 1);
        att_cbor_wr_bytes(&w, att_slice_of(digest, 32));
    }
    att_cbor_wr_uint(&w, ATT_OWN_CONTENT_KEY);
    att_cbor_wr_bytes(&w, att_slice_of(content, c.len));
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(own_next__refuses_false_boot_records)
{
    static const char *const IDS[] = {"", "4F3A1C52-7f0e-4a0b-9a55-0d6c1b2e3f40",
                                      "4f3a1c527f0e4a0b9a550d6c1b2e3f400000",
                                      "4f3a1c52-7f0e-4a0b-9a55-0d6c1b2e3f4", "not a boot id"};
    struct att_own_boot boot;

    for (size_t i = 0; i < ATT_COUNT(IDS); i++) {
        clear();
        boot = boot_of(0);
        strcpy(boot.boot_id, IDS[i]);
        add_boot(0, &boot);
        refuse(ATT_E_FORMAT);
    }
    clear();
    boot = boot_of(0);
    boot.start.count = 1; /* no starting value for SHA-1 */
    add_boot(0, &boot);
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(own_replay__goes_on_after_a_resume)
{
    struct att_own_boot boot = boot_of(1);
    struct att_pcr_values v = {0};
    struct att_diag diag = {0};
    uint32_t records = 0;

    add_first();
    add_items(1);
    ck_assert_int_eq(att_own_replay(&v, log_so_far(), &records, NULL), ATT_OK);
    ck_assert_uint_eq(v.count, 2);
    boot.start = v;
    add_boot(2, &boot);
    add_items(3);
    ck_assert_int_eq(att_own_replay(&v, log_so_far(), &records, NULL), ATT_OK);
    ck_assert_uint_eq(records, 4);

    clear(); /* somebody extended the PCR between the two */
    add_first();
    add_items(1);
    att_pcr_bank_get(&boot.start, ATT_HASH_SHA256)->value[PCR][0] ^= 1;
    add_boot(2, &boot);
    ck_assert_int_eq(att_own_replay(&v, log_so_far(), &records, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_OWN_FOREIGN);
}
END_TEST

START_TEST(own_replay__gives_up_banks_that_a_record_lacks)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    struct att_own_item item = item_of(ATT_OWN_FILE, "/a");
    struct att_pcr_values v = {0};
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));
    uint8_t digest[32];
    uint8_t want[32];

    ck_assert_int_eq(att_own_items_content(&c, &item, 1), ATT_OK);
    add_first();
    ck_assert_int_eq(att_own_replay(&v, log_so_far(), NULL, NULL), ATT_OK);
    memcpy(want, att_pcr_bank_get(&v, ATT_HASH_SHA256)->value[PCR], 32);
    ck_assert_int_eq(att_own_record_write(&w, 1, PCR, BANK, 1, att_slice_of(content, c.len), h),
                     ATT_OK);
    ck_assert_int_eq(att_own_replay(&v, log_so_far(), NULL, NULL), ATT_OK);
    ck_assert_uint_eq(v.count, 1);
    ck_assert_int_eq(v.bank[0].bank, ATT_HASH_SHA256);
    ck_assert_int_eq(att_sha256(att_slice_of(content, c.len), digest), ATT_OK);
    ck_assert_int_eq(att_pcr_extend(h, ATT_HASH_SHA256, want, digest), ATT_OK);
    ck_assert_mem_eq(v.bank[0].value[PCR], want, 32);
    ck_assert_int_eq(att_own_replay(&v, att_slice_of(bytes, 0), NULL, NULL), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(own_write__refuses_what_the_reader_would)
{
    struct att_own_item item = item_of(ATT_OWN_FILE, "/a");
    struct att_own_boot boot = boot_of(0);
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
    item = item_of(ATT_OWN_ABSENT, "");
    ck_assert_int_eq(att_own_items_content(&c, &item, 1), ATT_E_INTERNAL);
    c = att_wr_into(small, sizeof(small));
    boot.start.bank[0].has = 0;
    ck_assert_int_eq(att_own_boot_content(&c, &boot), ATT_E_INTERNAL);
    ck_assert_int_eq(att_own_record_write(&w, 1, 16, BANK, 1, att_slice_of(small, 1), h),
                     ATT_E_INTERNAL);
    clear();
    {
        uint8_t *big = calloc(1, ATT_OWN_RECORD_MAX);

        ck_assert_int_eq(
            att_own_record_write(&w, 1, PCR, BANK, 1, att_slice_of(big, ATT_OWN_RECORD_MAX), h),
            ATT_E_LIMIT);
        free(big);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ownlog");
    TCase *t = tcase_create("ownlog");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, own_next__reads_the_documented_example);
    tcase_add_test(t, own_record_write__writes_the_documented_example);
    tcase_add_test(t, own_replay__leads_to_the_documented_pcr);
    tcase_add_test(t, own_next__reads_back_every_item_type);
    tcase_add_test(t, own_next__goes_on_from_a_later_record);
    tcase_add_test(t, own_next__refuses_gaps_repeats_and_a_missing_start);
    tcase_add_test(t, own_next__refuses_other_pcrs);
    tcase_add_test(t, own_next__refuses_a_digest_that_is_not_the_contents);
    tcase_add_test(t, own_next__refuses_every_truncation);
    tcase_add_test(t, own_next__refuses_contents_that_nobody_writes);
    tcase_add_test(t, own_next__refuses_deep_nesting);
    tcase_add_test(t, own_next__bounds_names_items_and_records);
    tcase_add_test(t, own_next__refuses_false_digest_lists);
    tcase_add_test(t, own_next__refuses_false_boot_records);
    tcase_add_test(t, own_replay__goes_on_after_a_resume);
    tcase_add_test(t, own_replay__gives_up_banks_that_a_record_lacks);
    tcase_add_test(t, own_write__refuses_what_the_reader_would);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed = 0;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
