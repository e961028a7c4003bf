/* Canonical event logs of others: both encodings, each refusal, and where they lead. */
#include "tcg/cel.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "codec/cbor_wr.h"
#include "need.h"
#include "softlog.h"
#include "suite.h"
#include "tcg/evlog.h"

static uint8_t room[65536];

static void tlv(struct att_wr *w, uint8_t type, struct att_slice value)
{
    att_wr_u8(w, type);
    att_wr_u32be(w, (uint32_t)value.len);
    att_wr_slice(w, value);
}

static void tlv_number(struct att_wr *w, uint8_t type, uint64_t n, size_t len)
{
    uint8_t be[8];

    for (size_t i = 0; i < 8; i++) {
        be[i] = (uint8_t)(n >> (56 - 8 * i));
    }
    tlv(w, type, att_slice_of(be + 8 - len, len));
}

/* One record of the SHA-256 bank; content of a vendor. */
static void record(struct att_wr *w, uint64_t recnum, uint8_t reg, uint64_t index)
{
    uint8_t digest[32];
    uint8_t field[64];
    struct att_wr d = att_wr_into(field, sizeof(field));

    memset(digest, (int)recnum + 1, sizeof(digest));
    tlv(&d, ATT_HASH_SHA256, att_slice_of(digest, sizeof(digest)));
    tlv_number(w, ATT_CEL_RECNUM, recnum, 8);
    tlv_number(w, reg, index, 4);
    tlv(w, ATT_CEL_DIGESTS, att_slice_of(field, d.len));
    tlv(w, ATT_CEL_VENDOR, att_slice_str("x"));
}

static struct att_slice done(const struct att_wr *w)
{
    NEED(att_wr_ok(w));
    return att_slice_of(w->p, w->len);
}

static void refuse_at(struct att_slice in, enum att_err err, size_t off)
{
    struct att_cel_values v;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_cel_replay(&v, in, &diag), err);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_FMT_CEL");
    ck_assert_uint_eq(diag.off, off);
}

START_TEST(tlv__reads_every_register_and_replays_pcrs)
{
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_cel_values v;
    struct att_hasher *h = NULL;
    uint8_t want[32] = {0};
    uint8_t digest[32];

    record(&w, 0, ATT_CEL_PCR, 14);
    record(&w, 1, ATT_CEL_NV_INDEX, 0x1c00002);
    record(&w, 2, ATT_CEL_PCR, 14);
    record(&w, 3, ATT_CEL_CCMR, 2);
    record(&w, 4, ATT_CEL_PCR, 17);
    ck_assert_int_eq(att_cel_replay(&v, done(&w), NULL), ATT_OK);
    ck_assert_uint_eq(v.records, 5);
    ck_assert_uint_eq(v.nv_records, 1);
    ck_assert_uint_eq(v.pcr.count, 1);
    ck_assert_uint_eq(v.pcr.bank[0].has, 1U << 14 | 1U << 17);
    ck_assert_uint_eq(v.ccmr.bank[0].has, 1U << 2);
    NEED(att_hasher_new(&h) == ATT_OK);
    memset(digest, 1, 32);
    NEED(att_pcr_extend(h, ATT_HASH_SHA256, want, digest) == ATT_OK);
    memset(digest, 3, 32);
    NEED(att_pcr_extend(h, ATT_HASH_SHA256, want, digest) == ATT_OK);
    ck_assert_mem_eq(v.pcr.bank[0].value[14], want, 32);
    memset(want, 0xff, 32); /* where a TPM starts PCR 17 */
    memset(digest, 5, 32);
    NEED(att_pcr_extend(h, ATT_HASH_SHA256, want, digest) == ATT_OK);
    ck_assert_mem_eq(v.pcr.bank[0].value[17], want, 32);
    att_hasher_free(h);
}
END_TEST

/* A firmware log told as CEL leads to the same place; EV_NO_ACTION and the locality included. */
static void put_event(struct att_wr *w, uint64_t recnum, const struct att_event *ev, bool cbor)
{
    uint8_t inner[2048];
    struct att_wr c = att_wr_into(inner, sizeof(inner));
    uint8_t digests[512];
    struct att_wr d = att_wr_into(digests, sizeof(digests));

    if (cbor) {
        att_cbor_wr_map(w, 4);
        att_cbor_wr_uint(w, ATT_CEL_RECNUM);
        att_cbor_wr_uint(w, recnum);
        att_cbor_wr_uint(w, ATT_CEL_PCR);
        att_cbor_wr_uint(w, ev->pcr);
        att_cbor_wr_uint(w, ATT_CEL_DIGESTS);
        att_cbor_wr_array(w, ev->digest_count);
        for (uint32_t i = 0; i < ev->digest_count; i++) {
            att_cbor_wr_map(w, 2);
            att_cbor_wr_uint(w, 0);
            att_cbor_wr_uint(w, ev->digest[i].alg);
            att_cbor_wr_uint(w, 1);
            att_cbor_wr_bytes(w, ev->digest[i].value);
        }
        att_cbor_wr_uint(w, ATT_CEL_PCCLIENT);
        att_cbor_wr_map(w, 2);
        att_cbor_wr_uint(w, 0);
        att_cbor_wr_uint(w, ev->type_unproven);
        att_cbor_wr_uint(w, 1);
        att_cbor_wr_bytes(w, ev->data_unproven);
        return;
    }
    for (uint32_t i = 0; i < ev->digest_count; i++) {
        tlv(&d, (uint8_t)ev->digest[i].alg, ev->digest[i].value);
    }
    tlv_number(&c, 0, ev->type_unproven, 4);
    tlv(&c, 1, ev->data_unproven);
    tlv_number(w, ATT_CEL_RECNUM, recnum, 8);
    tlv_number(w, ATT_CEL_PCR, ev->pcr, 1);
    tlv(w, ATT_CEL_DIGESTS, done(&d));
    tlv(w, ATT_CEL_PCCLIENT, done(&c));
}

static void make_boot(struct softlog *log)
{
    static const uint8_t locality[17] = "StartupLocality\0\3";

    softlog_uefi(log, NULL, 0, 3, att_slice_of(locality, sizeof(locality)));
    softlog_uefi_boot(log, NULL, "firmware");
}

START_TEST(replay__agrees_with_the_firmware_log_that_it_tells)
{
    struct softlog boot = {0};
    struct att_evlog *log = NULL;
    struct att_pcr_values want;

    make_boot(&boot);
    NEED(att_evlog_parse(&log, softlog_slice(&boot), NULL) == ATT_OK);
    NEED(att_evlog_replay(&want, log, NULL) == ATT_OK && att_evlog_locality(log) == 3);
    for (int form = 0; form < 3; form++) { /* TLV, a CBOR array, a CBOR sequence */
        struct att_wr w = att_wr_into(room, sizeof(room));
        struct att_cel_values v;
        struct att_diag diag = {0};

        if (form == 1) {
            att_cbor_wr_array(&w, att_evlog_count(log) - 1);
        }
        for (size_t i = 1; i < att_evlog_count(log); i++) {
            put_event(&w, i - 1, att_evlog_at(log, i), form > 0);
        }
        ck_assert_msg(att_cel_replay(&v, done(&w), &diag) == ATT_OK, "form %d: %s at %zu", form,
                      diag.text, diag.off);
        ck_assert_uint_eq(v.records, att_evlog_count(log) - 1);
        ck_assert_uint_eq(v.pcr.count, want.count);
        for (uint32_t i = 0; i < want.count; i++) {
            const struct att_pcr_bank *got = att_pcr_bank_find(&v.pcr, want.bank[i].bank);

            ck_assert_ptr_nonnull(got);
            ck_assert_uint_eq(got->has, want.bank[i].has);
            for (uint32_t pcr = 0; pcr < 8; pcr++) {
                ck_assert_mem_eq(got->value[pcr], want.bank[i].value[pcr],
                                 att_hash_size(got->bank));
            }
        }
    }
    att_evlog_free(log);
    softlog_free(&boot);
}
END_TEST

START_TEST(next__refuses_numbers_that_repeat_or_leave_a_gap)
{
    static const uint64_t SECOND[] = {0, 2, UINT64_MAX};
    struct att_wr w = att_wr_into(room, sizeof(room));
    size_t first;

    record(&w, 1, ATT_CEL_PCR, 14); /* its beginning is missing */
    refuse_at(done(&w), ATT_E_FORMAT, 0);
    for (size_t i = 0; i < ATT_COUNT(SECOND); i++) {
        w = att_wr_into(room, sizeof(room));
        record(&w, 0, ATT_CEL_PCR, 14);
        first = w.len;
        record(&w, SECOND[i], ATT_CEL_PCR, 14);
        refuse_at(done(&w), ATT_E_FORMAT, first);
    }
}
END_TEST

START_TEST(next__refuses_every_cut)
{
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice whole;
    size_t first;

    record(&w, 0, ATT_CEL_PCR, 14);
    first = w.len;
    record(&w, 1, ATT_CEL_PCR, 14);
    whole = done(&w);
    for (size_t len = 0; len < whole.len; len++) {
        struct att_cel_values v;
        struct att_diag diag = {0};

        ck_assert_int_eq(att_cel_replay(&v, att_slice_of(room, len), &diag),
                         len == first ? ATT_OK : ATT_E_TRUNCATED);
    }
}
END_TEST

START_TEST(next__refuses_registers_that_do_not_exist)
{
    static const uint64_t PCR[] = {24, 31, 32, UINT32_MAX};

    for (size_t i = 0; i < 2 * ATT_COUNT(PCR); i++) {
        struct att_wr w = att_wr_into(room, sizeof(room));

        record(&w, 0, i % 2 == 0 ? ATT_CEL_PCR : ATT_CEL_CCMR, PCR[i / 2]);
        refuse_at(done(&w), ATT_E_FORMAT, 0);
    }
}
END_TEST

/* The place of a field of record(), and a byte that is wrong there. */
START_TEST(tlv__refuses_fields_that_are_not_these)
{
    static const struct {
        size_t at;
        uint8_t value;
        enum att_err err;
    } ROWS[] = {
        {0, 1, ATT_E_FORMAT},     /* a number where the record number belongs */
        {4, 3, ATT_E_FORMAT},     /* three bytes of it */
        {4, 9, ATT_E_LIMIT},      /* nine */
        {13, 4, ATT_E_FORMAT},    /* a register of another type */
        {22, 5, ATT_E_FORMAT},    /* digests: another type */
        {23, 0xff, ATT_E_LIMIT},  /* their length */
        {27, 0x7f, ATT_E_FORMAT}, /* an unknown algorithm */
        {27, 0x04, ATT_E_FORMAT}, /* SHA-1 of 32 bytes */
        {31, 31, ATT_E_FORMAT},   /* a digest that is cut, and a byte over */
        {64, 6, ATT_E_FORMAT},    /* a content type that nobody defined */
        {64, 79, ATT_E_FORMAT},   {64, 5, ATT_E_FORMAT}, /* structures that this content has not */
        {64, 7, ATT_E_FORMAT},    {64, 4, ATT_E_FORMAT},
        {64, 8, ATT_E_FORMAT},    {65, 0xff, ATT_E_LIMIT}, /* a content of four gigabytes */
    };

    for (size_t i = 0; i < ATT_COUNT(ROWS); i++) {
        struct att_wr w = att_wr_into(room, sizeof(room));
        struct att_cel_values v;
        struct att_diag diag = {0};

        record(&w, 0, ATT_CEL_PCR, 14);
        room[ROWS[i].at] = ROWS[i].value;
        ck_assert_msg(att_cel_replay(&v, done(&w), &diag) == ROWS[i].err, "row %zu: %s", i,
                      diag.text);
        ck_assert_str_eq(att_reason_code(diag.reason), "E_FMT_CEL");
    }
}
END_TEST

START_TEST(tlv__refuses_no_digest_and_one_twice)
{
    static const uint8_t zeros[32];
    uint8_t field[128];

    for (int n = 0; n < 3; n += 2) {
        struct att_wr w = att_wr_into(room, sizeof(room));
        struct att_wr d = att_wr_into(field, sizeof(field));

        for (int i = 0; i < n; i++) {
            tlv(&d, ATT_HASH_SHA256, att_slice_of(zeros, 32));
        }
        tlv_number(&w, ATT_CEL_RECNUM, 0, 8);
        tlv_number(&w, ATT_CEL_PCR, 14, 1);
        tlv(&w, ATT_CEL_DIGESTS, done(&d));
        tlv(&w, ATT_CEL_VENDOR, att_slice_str("x"));
        refuse_at(done(&w), ATT_E_FORMAT, 0);
    }
}
END_TEST

/* No structure is followed deeper than it is known to be. */
START_TEST(tlv__refuses_fields_inside_one_another)
{
    static const uint8_t types[] = {ATT_CEL_DIGESTS, ATT_CEL_PCCLIENT, ATT_CEL_IMA_TEMPLATE};
    static uint8_t deep[8192];

    for (size_t i = 0; i < ATT_COUNT(types); i++) {
        struct att_wr w = att_wr_into(room, sizeof(room));
        struct att_wr n = att_wr_into(deep, sizeof(deep));

        for (uint32_t level = 1000; level > 0; level--) {
            att_wr_u8(&n, types[i]);
            att_wr_u32be(&n, 5 * (level - 1));
        }
        record(&w, 0, ATT_CEL_PCR, 14);
        w.len = types[i] == ATT_CEL_DIGESTS ? 22 : 64; /* the field that is replaced */
        tlv(&w, types[i], done(&n));
        if (types[i] == ATT_CEL_DIGESTS) {
            struct att_cel_values v;

            ck_assert_int_eq(att_cel_replay(&v, done(&w), NULL), ATT_E_LIMIT);
        } else {
            refuse_at(done(&w), ATT_E_FORMAT, 0);
        }
    }
}
END_TEST

/* One record in CBOR, from its hexadecimal. */
static void expect_cbor(const char *hex, enum att_err err)
{
    uint8_t bytes[512];
    size_t len = 0;
    struct att_cel_values v;
    struct att_diag diag = {0};

    NEED(att_hex_decode(bytes, sizeof(bytes), &len, hex, strlen(hex)) == ATT_OK);
    ck_assert_msg(att_cel_replay(&v, att_slice_of(bytes, len), &diag) == err, "%s: %s", hex,
                  diag.text);
    if (err != ATT_OK) {
        ck_assert_str_eq(att_reason_code(diag.reason), "E_FMT_CEL");
    }
}

#define D20 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGESTS                                                                                    \
    "0381a2000401"                                                                                 \
    "54" D20

START_TEST(cbor__reads_records_and_refuses_others)
{
    expect_cbor("a40000010e" DIGESTS "18504178", ATT_OK);
    expect_cbor("81a40000010e" DIGESTS "18504178", ATT_OK);
    expect_cbor("82a40000010e" DIGESTS "18504178a40001010e" DIGESTS "18504178", ATT_OK);
    expect_cbor("80", ATT_OK);
    expect_cbor("a40000021a01c00002" DIGESTS "07a2006161014162", ATT_OK); /* an NV index */
    expect_cbor("a4000001"
                "0e" DIGESTS "05a2000401"
                "4100",
                ATT_OK);
    /* content of a pcclient event that has another structure; with a key too many */
    expect_cbor("a40000010e" DIGESTS "05a2000402"
                "4100",
                ATT_E_FORMAT);
    expect_cbor("a40000010e" DIGESTS "05a3000401"
                "41000200",
                ATT_E_FORMAT);
    expect_cbor("a40000010e" DIGESTS "0600", ATT_E_FORMAT);   /* an unknown content */
    expect_cbor("a40000010e" DIGESTS "2000", ATT_E_FORMAT);   /* a key in another order */
    expect_cbor("a40000040e" DIGESTS "184f00", ATT_E_FORMAT); /* no register */
    expect_cbor("a30000010e" DIGESTS, ATT_E_FORMAT);          /* no content */
    expect_cbor("a5000001"
                "0e" DIGESTS "1850001851"
                "00",
                ATT_E_LIMIT);
    expect_cbor("a40000011818" DIGESTS "185000", ATT_E_FORMAT); /* PCR 24 */
    expect_cbor("a40000010e0380185000", ATT_E_FORMAT);          /* no digest */
    expect_cbor("a40000010e0381a2000b0154" D20 "185000", ATT_E_FORMAT);
    expect_cbor("a40000010e0382a2000401"
                "54" D20 "a2000401"
                "54" D20 "185000",
                ATT_E_FORMAT);
    expect_cbor("a40001010e" DIGESTS "185000", ATT_E_FORMAT); /* not from the beginning */
    expect_cbor("a40000010e" DIGESTS "18504178a4", ATT_E_TRUNCATED);
    expect_cbor("81a40000010e" DIGESTS "1850417800", ATT_E_TRAILING);
    expect_cbor("a4180000010e" DIGESTS "185000", ATT_E_FORMAT); /* a long form */
    expect_cbor("bf0000010eff", ATT_E_FORMAT);                  /* an indefinite length */
    expect_cbor("9a10000000", ATT_E_TRUNCATED);                 /* a promise of gigabytes */
}
END_TEST

/* docs/formats/cel.md */
START_TEST(tlv__reads_the_example_of_the_page)
{
    static const char HEX[] = "00000000080000000000000000"
                              "0100000001"
                              "0e"
                              "0300000019"
                              "0400000014" D20 "5000000001"
                              "78";

    expect_cbor(HEX, ATT_OK);
}
END_TEST

START_TEST(tlv__reads_the_log_of_the_corpus)
{
    const char *corpus = getenv("CORPUS");
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct att_cel_values v;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/cel/gotpmtools-cos-cel.bin",
                   corpus != NULL ? corpus : "");
    if (att_file_read(&bytes, path, ATT_CEL_MAX, NULL) != ATT_OK) {
        return; /* no corpus here */
    }
    ck_assert_int_eq(att_cel_replay(&v, att_buf_slice(bytes), NULL), ATT_OK);
    ck_assert_uint_eq(v.records, 18);
    ck_assert_uint_eq(v.pcr.count, 0); /* its registers are those of a confidential machine */
    ck_assert_uint_eq(v.ccmr.count, 1);
    ck_assert_int_eq(v.ccmr.bank[0].bank, ATT_HASH_SHA384);
    ck_assert_uint_eq(v.ccmr.bank[0].has, 1U << 4);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        tlv__reads_every_register_and_replays_pcrs,
        replay__agrees_with_the_firmware_log_that_it_tells,
        next__refuses_numbers_that_repeat_or_leave_a_gap,
        next__refuses_every_cut,
        next__refuses_registers_that_do_not_exist,
        tlv__refuses_fields_that_are_not_these,
        tlv__refuses_no_digest_and_one_twice,
        tlv__refuses_fields_inside_one_another,
        cbor__reads_records_and_refuses_others,
        tlv__reads_the_example_of_the_page,
        tlv__reads_the_log_of_the_corpus,
    };

    return SUITE_RUN("cel", TESTS);
}
