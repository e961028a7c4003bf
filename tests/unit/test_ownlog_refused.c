/* The agent's own log: each way to be refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "codec/cbor_wr.h"
#include "ownlogtest.h"

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
        err = att_own_next(&it, &rec, &more, ot.h, diag);
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
    refuse_from(ownlogtest_log(), want, ATT_R_FMT_CEL, 0);
}

START_TEST(own_next__refuses_gaps_repeats_and_a_missing_start)
{
    size_t second = 0;

    ownlogtest_add_first();
    second = ot.w.len;
    ownlogtest_add_items(2);
    refuse_from(ownlogtest_log(), ATT_E_FORMAT, ATT_R_FMT_CEL, second);
    ownlogtest_clear();
    ownlogtest_add_first();
    ownlogtest_add_items(1);
    second = ot.w.len;
    ownlogtest_add_items(1);
    refuse_from(ownlogtest_log(), ATT_E_FORMAT, ATT_R_FMT_CEL, second);
    ownlogtest_clear();
    ownlogtest_add_items(0);
    refuse(ATT_E_FORMAT);
    ownlogtest_clear();
    ownlogtest_add_items(1);
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(own_next__refuses_other_pcrs)
{
    struct att_own_item item = ownlogtest_item(ATT_OWN_FILE, "/a");
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_items_content(&c, &item, 1), ATT_OK);
    ownlogtest_add_first();
    ownlogtest_add(1, 12, att_slice_of(content, c.len));
    refuse(ATT_E_FORMAT);
    ownlogtest_clear();
    ownlogtest_add_first();
    ck_assert_uint_eq(ot.bytes[4], OWNLOGTEST_PCR);
    ot.bytes[4] = 16; /* a PCR that anybody can reset */
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(own_next__refuses_a_digest_that_is_not_the_contents)
{
    size_t second = 0;

    ownlogtest_add_first();
    second = ot.w.len;
    ownlogtest_add_items(1);
    ot.bytes[ot.w.len - 2] ^= 1; /* inside the content */
    refuse_from(ownlogtest_log(), ATT_E_FORMAT, ATT_R_LOG_DIGEST, second);
    ownlogtest_clear();
    ownlogtest_add_first();
    ot.bytes[12] ^= 1; /* inside the first digest */
    refuse_from(ownlogtest_log(), ATT_E_FORMAT, ATT_R_LOG_DIGEST, 0);
}
END_TEST

START_TEST(own_next__refuses_every_truncation)
{
    size_t second = 0;
    uint32_t records = 0;

    ownlogtest_add_first();
    second = ot.w.len;
    ownlogtest_add_items(1);
    for (size_t len = 1; len < ot.w.len; len++) {
        struct att_diag diag = {0};

        if (len == second) {
            continue;
        }
        ck_assert_int_eq(read_all(att_slice_of(ot.bytes, len), &diag, &records), ATT_E_TRUNCATED);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_CEL);
        ck_assert_uint_eq(records, len > second);
    }
    ck_assert_int_eq(read_all(att_slice_of(ot.bytes, 0), NULL, &records), ATT_OK);
    ck_assert_uint_eq(records, 0);
}
END_TEST

/* A record around content that the test made, with its digest. */
static void add_raw(const char *hex)
{
    uint8_t content[1024];
    size_t len = 0;

    ck_assert_int_eq(att_hex_decode(content, sizeof(content), &len, hex, strlen(hex)), ATT_OK);
    ownlogtest_add(1, OWNLOGTEST_PCR, att_slice_of(content, len));
}

#define D32 "0102030405060708091011121314151617181920212223242526272829303132"

/* Contents of record 1, and what is said of them. */
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

START_TEST(own_next__refuses_contents_that_nobody_writes)
{
    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        struct att_diag diag = {0};
        uint32_t records = 0;
        enum att_err err = ATT_OK;
        size_t second = 0;

        ownlogtest_clear();
        ownlogtest_add_first();
        second = ot.w.len;
        add_raw(BAD[i].hex);
        err = read_all(ownlogtest_log(), &diag, &records);
        ck_assert_msg(err == BAD[i].want, "case %zu: %s", i, att_err_name(err));
        ck_assert_int_eq(diag.reason, ATT_R_FMT_CEL);
        ck_assert_uint_ge(diag.off, second);
        ck_assert_uint_eq(records, 1);
    }
    ownlogtest_clear();
    ownlogtest_add_first();
    add_raw("a20002018184044161f600"); /* the smallest good one */
    {
        uint32_t records = 0;

        ck_assert_int_eq(read_all(ownlogtest_log(), NULL, &records), ATT_OK);
        ck_assert_uint_eq(records, 2);
    }
}
END_TEST

START_TEST(own_next__refuses_deep_nesting)
{
    char hex[2200] = "";

    ownlogtest_add_first();
    for (int i = 0; i < 1000; i++) {
        strcat(hex, "81");
    }
    strcat(hex, "00");
    add_raw(hex);
    refuse(ATT_E_FORMAT);
    ownlogtest_clear();
    memset(att_wr_room(&ot.w, 1000), 0x81, 1000);
    att_wr_u8(&ot.w, 0);
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(own_next__bounds_names_items_and_records)
{
    uint8_t *content = malloc(sizeof(ot.bytes));
    struct att_wr c = att_wr_into(content, sizeof(ot.bytes));

    ownlogtest_add_first();
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
    ownlogtest_add(1, OWNLOGTEST_PCR, att_slice_of(content, c.len));
    refuse(ATT_E_LIMIT);

    ownlogtest_clear();
    ownlogtest_add_first();
    c = att_wr_into(content, sizeof(ot.bytes));
    att_cbor_wr_map(&c, 2);
    att_cbor_wr_uint(&c, 0);
    att_cbor_wr_uint(&c, 2);
    att_cbor_wr_uint(&c, 1);
    att_cbor_wr_array(&c, ATT_OWN_ITEMS_MAX + 1);
    for (int i = 0; i <= ATT_OWN_ITEMS_MAX; i++) {
        att_wr_bytes(&c, "\x84\x04\x41n\xf6\0", 6);
    }
    ownlogtest_add(1, OWNLOGTEST_PCR, att_slice_of(content, c.len));
    refuse(ATT_E_LIMIT);

    ownlogtest_clear(); /* one item that is larger than a record may be */
    att_cbor_wr_bytes_head(&ot.w, ATT_OWN_RECORD_MAX);
    att_wr_zeros(&ot.w, ATT_OWN_RECORD_MAX);
    refuse(ATT_E_LIMIT);
    free(content);
}
END_TEST

/* A first record whose digests name one bank twice, each as it should be. */
static void add_one_bank_twice(struct att_slice content)
{
    att_cbor_wr_map(&ot.w, 4);
    att_cbor_wr_uint(&ot.w, 0);
    att_cbor_wr_uint(&ot.w, 0);
    att_cbor_wr_uint(&ot.w, 1);
    att_cbor_wr_uint(&ot.w, OWNLOGTEST_PCR);
    att_cbor_wr_uint(&ot.w, 3);
    att_cbor_wr_array(&ot.w, 2);
    for (int i = 0; i < 2; i++) {
        uint8_t digest[32];

        ck_assert_int_eq(att_sha256(content, digest), ATT_OK);
        att_cbor_wr_map(&ot.w, 2);
        att_cbor_wr_uint(&ot.w, 0);
        att_cbor_wr_uint(&ot.w, ATT_HASH_SHA256);
        att_cbor_wr_uint(&ot.w, 1);
        att_cbor_wr_bytes(&ot.w, att_slice_of(digest, 32));
    }
    att_cbor_wr_uint(&ot.w, ATT_OWN_CONTENT_KEY);
    att_cbor_wr_bytes(&ot.w, content);
}

/* Change one byte of a good boot record's frame, where no digest covers it. */
START_TEST(own_next__refuses_false_digest_lists)
{
    static const enum att_hash BANK[] = {ATT_HASH_SHA256};
    struct att_own_boot boot = ownlogtest_boot(0);
    uint8_t content[512];
    struct att_wr c = att_wr_into(content, sizeof(content));

    ck_assert_int_eq(att_own_boot_content(&c, &boot), ATT_OK);
    ck_assert_int_eq(
        att_own_record_write(&ot.w, 0, OWNLOGTEST_PCR, BANK, 1, att_slice_of(content, c.len), ot.h),
        ATT_OK);
    ck_assert_uint_eq(ot.bytes[9], ATT_HASH_SHA256);
    ot.bytes[9] = 0x12; /* SM3: we could not check it */
    refuse(ATT_E_UNSUPPORTED);
    ot.bytes[9] = 0x0c; /* a digest of the wrong size */
    refuse(ATT_E_FORMAT);
    ot.bytes[9] = 0x0b;
    ot.bytes[6] = 0x80; /* none */
    refuse_from(ownlogtest_log(), ATT_E_FORMAT, ATT_R_FMT_CEL, 0);

    ownlogtest_clear();
    add_one_bank_twice(att_slice_of(content, c.len));
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
        ownlogtest_clear();
        boot = ownlogtest_boot(0);
        strcpy(boot.boot_id, IDS[i]);
        ownlogtest_add_boot(0, &boot);
        refuse(ATT_E_FORMAT);
    }
    ownlogtest_clear();
    boot = ownlogtest_boot(0);
    boot.start.count = 1; /* no starting value for SHA-1 */
    ownlogtest_add_boot(0, &boot);
    refuse(ATT_E_FORMAT);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {own_next__refuses_gaps_repeats_and_a_missing_start, 0},
        {own_next__refuses_other_pcrs, 0},
        {own_next__refuses_a_digest_that_is_not_the_contents, 0},
        {own_next__refuses_every_truncation, 0},
        {own_next__refuses_contents_that_nobody_writes, 0},
        {own_next__refuses_deep_nesting, 0},
        {own_next__bounds_names_items_and_records, 0},
        {own_next__refuses_false_digest_lists, 0},
        {own_next__refuses_false_boot_records, 0},
    };

    return SUITE_RUN_ROWS("ownlog_refused", ROWS, &ownlogtest_fixture);
}
