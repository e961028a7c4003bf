/* The firmware event log: a small log built by hand, and one test for each lie that it can tell. */
#include "tcg/evlog.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/wr.h"

#define EV_NO_ACTION 3U
#define EV_SEPARATOR 4U
#define EV_ACTION    5U
#define EV_HCRTM     0x80000010U
#define CAP          4096

/* A log being built. */
struct build {
    uint8_t bytes[CAP];
    struct att_wr w;
};

static void begin(struct build *b)
{
    memset(b, 0, sizeof(*b));
    b->w = att_wr_into(b->bytes, sizeof(b->bytes));
}

static struct att_slice done(const struct build *b)
{
    struct att_slice out = {0};

    ck_assert_int_eq(att_wr_done(&b->w, &out), ATT_OK);
    return out;
}

static void sha1_event(struct build *b, uint32_t pcr, uint32_t type, const void *data, size_t len)
{
    struct att_slice in = att_slice_of(data, len);
    uint8_t digest[ATT_HASH_MAX];

    ck_assert_int_eq(att_digest(ATT_HASH_SHA1, &in, 1, digest), ATT_OK);
    att_wr_u32le(&b->w, pcr);
    att_wr_u32le(&b->w, type);
    att_wr_bytes(&b->w, digest, 20);
    att_wr_u32le(&b->w, (uint32_t)len);
    att_wr_bytes(&b->w, data, len);
}

static void spec_id_head(struct build *b, uint32_t len)
{
    att_wr_u32le(&b->w, 0);
    att_wr_u32le(&b->w, EV_NO_ACTION);
    att_wr_zeros(&b->w, 20);
    att_wr_u32le(&b->w, len);
    att_wr_bytes(&b->w, "Spec ID Event03", 16);
    att_wr_u32le(&b->w, 0);
    att_wr_bytes(&b->w, "\0\2\0\2", 4);
}

/* The Spec ID event of a log with the banks sha1 and sha256: 37 bytes of data. */
static void spec_id(struct build *b)
{
    spec_id_head(b, 37);
    att_wr_u32le(&b->w, 2);
    att_wr_u16le(&b->w, ATT_HASH_SHA1);
    att_wr_u16le(&b->w, 20);
    att_wr_u16le(&b->w, ATT_HASH_SHA256);
    att_wr_u16le(&b->w, 32);
    att_wr_u8(&b->w, 0);
}

static void event_with(struct build *b, uint32_t pcr, uint32_t type, struct att_slice data,
                       uint32_t data_len)
{
    static const enum att_hash ALGS[] = {ATT_HASH_SHA1, ATT_HASH_SHA256};

    att_wr_u32le(&b->w, pcr);
    att_wr_u32le(&b->w, type);
    att_wr_u32le(&b->w, ATT_COUNT(ALGS));
    for (size_t i = 0; i < ATT_COUNT(ALGS); i++) {
        uint8_t digest[ATT_HASH_MAX];

        ck_assert_int_eq(att_digest(ALGS[i], &data, 1, digest), ATT_OK);
        att_wr_u16le(&b->w, (uint16_t)ALGS[i]);
        att_wr_bytes(&b->w, digest, att_hash_size(ALGS[i]));
    }
    att_wr_u32le(&b->w, data_len);
    att_wr_slice(&b->w, data);
}

static void event(struct build *b, uint32_t pcr, uint32_t type, const void *data, size_t len)
{
    event_with(b, pcr, type, att_slice_of(data, len), (uint32_t)len);
}

static void separator(struct build *b, uint32_t pcr)
{
    event(b, pcr, EV_SEPARATOR, "\0\0\0\0", 4);
}

static struct att_evlog *parsed(const struct build *b)
{
    struct att_evlog *log = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_evlog_parse(&log, done(b), &diag) == ATT_OK, "%s at %zu", diag.text,
                  diag.off);
    return log;
}

/* Parse from memory of the exact size, so that a sanitizer sees a byte too many. */
static void refuse_slice(struct att_slice in, enum att_err want, size_t off)
{
    uint8_t *exact = malloc(in.len == 0 ? 1 : in.len);
    struct att_evlog *log = NULL;
    struct att_diag diag = {0};
    enum att_err err = ATT_OK;

    if (in.len > 0) {
        memcpy(exact, in.p, in.len);
    }
    err = att_evlog_parse(&log, att_slice_of(exact, in.len), &diag);
    free(exact);
    ck_assert_msg(err == want, "%s, not %s", att_err_name(err), att_err_name(want));
    ck_assert_int_eq(diag.reason, ATT_R_FMT_UEFI);
    ck_assert_uint_eq(diag.off, off);
    ck_assert_ptr_null(log);
}

static void refuse(const struct build *b, enum att_err want, size_t off)
{
    refuse_slice(done(b), want, off);
}

static void expect_pcr(const struct att_evlog *log, enum att_hash bank, uint32_t pcr,
                       const char *want)
{
    struct att_pcr_values v = {0};
    char hex[2 * ATT_HASH_MAX + 1];

    ck_assert_int_eq(att_evlog_replay(&v, log, NULL), ATT_OK);
    ck_assert_uint_eq(att_pcr_bank_find(&v, bank)->has, 1U << pcr);
    att_hex_encode(hex, sizeof(hex),
                   att_slice_of(att_pcr_bank_find(&v, bank)->value[pcr], att_hash_size(bank)));
    ck_assert_str_eq(hex, want);
}

#define SEPARATOR_SHA256 "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"
#define SEPARATOR_SHA1   "b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236"

START_TEST(evlog_parse__reads_a_crypto_agile_log)
{
    struct build b;
    struct att_evlog *log = NULL;
    const struct att_event *ev = NULL;
    enum att_hash banks[ATT_PCR_BANKS];

    begin(&b);
    spec_id(&b);
    separator(&b, 2);
    log = parsed(&b);
    ck_assert(att_evlog_crypto_agile(log));
    ck_assert_uint_eq(att_evlog_count(log), 2);
    ck_assert_uint_eq(att_evlog_banks(log, banks), 2);
    ck_assert_int_eq(banks[1], ATT_HASH_SHA256);
    ck_assert(!att_evlog_at(log, 0)->extends);
    ev = att_evlog_at(log, 1);
    ck_assert(ev->extends);
    ck_assert_uint_eq(ev->off, 69);
    ck_assert_uint_eq(ev->pcr, 2);
    ck_assert_uint_eq(ev->digest_count, 2);
    ck_assert_uint_eq(ev->data_unproven.len, 4);
    ck_assert_str_eq(att_event_type_name(ev->type_unproven), "EV_SEPARATOR");
    ck_assert_ptr_null(att_evlog_at(log, 2));
    expect_pcr(log, ATT_HASH_SHA256, 2, SEPARATOR_SHA256);
    expect_pcr(log, ATT_HASH_SHA1, 2, SEPARATOR_SHA1);
    att_evlog_free(log);
    att_evlog_free(NULL);
}
END_TEST

START_TEST(evlog_parse__reads_a_sha1_log_with_empty_events)
{
    struct build b;
    struct att_evlog *log = NULL;
    static const uint8_t ZEROS[20] = {0};

    begin(&b);
    sha1_event(&b, 2, EV_SEPARATOR, "\0\0\0\0", 4);
    att_wr_u32le(&b.w, 3);
    att_wr_u32le(&b.w, 1);
    att_wr_bytes(&b.w, ZEROS, 20);
    att_wr_u32le(&b.w, 0);
    log = parsed(&b);
    ck_assert(!att_evlog_crypto_agile(log));
    ck_assert_uint_eq(att_evlog_count(log), 2);
    ck_assert_uint_eq(att_evlog_at(log, 1)->data_unproven.len, 0);
    att_evlog_free(log);
}
END_TEST

START_TEST(evlog_parse__ends_at_padding_of_one_kind)
{
    static const uint8_t PADS[] = {0x00, 0xff};

    for (size_t i = 0; i < ATT_COUNT(PADS); i++) {
        struct build b;
        struct att_evlog *log = NULL;
        size_t end = 0;

        begin(&b);
        spec_id(&b);
        separator(&b, 2);
        end = b.w.len;
        memset(att_wr_room(&b.w, 1000), PADS[i], 1000);
        log = parsed(&b);
        ck_assert_uint_eq(att_evlog_count(log), 2);
        ck_assert_uint_eq(att_evlog_consumed(log), end);
        att_evlog_free(log);
        b.bytes[b.w.len - 1] ^= 0xff;
        refuse(&b, ATT_E_FORMAT, end);
        b.bytes[b.w.len - 1] = 0x01;
        refuse(&b, ATT_E_FORMAT, end);
    }
}
END_TEST

START_TEST(evlog_parse__refuses_what_holds_no_event)
{
    static const uint8_t ZEROS[64] = {0};

    refuse_slice(att_slice_of(ZEROS, 0), ATT_E_TRUNCATED, 0);
    refuse_slice(att_slice_of(ZEROS, sizeof(ZEROS)), ATT_E_FORMAT, 0);
    refuse_slice(att_slice_of("not a log", 9), ATT_E_TRUNCATED, 0);
}
END_TEST

START_TEST(evlog_parse__refuses_every_truncation)
{
    struct build b;
    struct att_slice in;

    begin(&b);
    spec_id(&b);
    event(&b, 1, EV_ACTION, "data", 4);
    event(&b, 2, EV_ACTION, "data", 4);
    in = done(&b);
    for (size_t len = 0; len < in.len; len++) {
        size_t third = 69 + (in.len - 69) / 2;
        size_t off = len < 69 ? 0 : len < third ? 69 : third;

        if (len == 69 || len == third) {
            continue; /* between records: another, shorter log */
        }
        /* four zeros are the number of PCR 0, and as well padding without an event */
        refuse_slice(att_slice_of(in.p, len), len > 0 && len <= 4 ? ATT_E_FORMAT : ATT_E_TRUNCATED,
                     off);
    }
}
END_TEST

START_TEST(evlog_parse__refuses_false_event_sizes)
{
    static const uint32_t SIZES[] = {0xffffffff, 0x80000000, ATT_EVLOG_MAX + 1};
    struct build b;

    for (size_t i = 0; i < ATT_COUNT(SIZES); i++) {
        begin(&b);
        spec_id(&b);
        event_with(&b, 0, EV_ACTION, att_slice_of("data", 4), SIZES[i]);
        refuse(&b, ATT_E_LIMIT, 69);
    }
    begin(&b);
    spec_id(&b);
    event_with(&b, 0, EV_ACTION, att_slice_of("data", 4), 5);
    refuse(&b, ATT_E_TRUNCATED, 69);
    begin(&b);
    spec_id(&b);
    event_with(&b, 0, EV_ACTION, att_slice_of("", 0), 0);
    refuse(&b, ATT_E_FORMAT, 69);
    begin(&b);
    sha1_event(&b, 0, EV_ACTION, "data", 4);
    b.bytes[28] = 5;
    refuse(&b, ATT_E_TRUNCATED, 0);
    b.bytes[31] = 0xff;
    refuse(&b, ATT_E_LIMIT, 0);
}
END_TEST

START_TEST(evlog_parse__refuses_false_digest_lists)
{
    static const uint32_t COUNTS[] = {0, 3, 17, 0xffffffff};
    struct build b;

    for (size_t i = 0; i < ATT_COUNT(COUNTS); i++) {
        begin(&b);
        spec_id(&b);
        event(&b, 0, EV_ACTION, "data", 4);
        for (unsigned int k = 0; k < 4; k++) {
            b.bytes[77 + k] = (uint8_t)(COUNTS[i] >> (8 * k));
        }
        refuse(&b, ATT_E_FORMAT, 69);
    }
    begin(&b);
    spec_id(&b);
    event(&b, 0, EV_ACTION, "data", 4);
    b.bytes[81] = 0x0c; /* sha384: real, but not announced */
    refuse(&b, ATT_E_FORMAT, 69);
    b.bytes[81] = 0x0a; /* no algorithm at all */
    refuse(&b, ATT_E_FORMAT, 69);
    b.bytes[81] = 0x04;
    b.bytes[103] = 0x04; /* sha1 again */
    refuse(&b, ATT_E_FORMAT, 69);
}
END_TEST

START_TEST(evlog_parse__takes_fewer_digests_than_banks)
{
    struct build b;
    struct att_evlog *log = NULL;
    struct att_pcr_values v = {0};

    begin(&b);
    spec_id(&b);
    att_wr_u32le(&b.w, 7);
    att_wr_u32le(&b.w, EV_ACTION);
    att_wr_u32le(&b.w, 1);
    att_wr_u16le(&b.w, ATT_HASH_SHA256);
    att_wr_zeros(&b.w, 32);
    att_wr_u32le(&b.w, 1);
    att_wr_u8(&b.w, 'x');
    log = parsed(&b);
    ck_assert_int_eq(att_evlog_replay(&v, log, NULL), ATT_OK);
    ck_assert_uint_eq(att_pcr_bank_find(&v, ATT_HASH_SHA256)->has, 1U << 7);
    ck_assert_uint_eq(att_pcr_bank_find(&v, ATT_HASH_SHA1)->has, 0);
    att_evlog_free(log);
}
END_TEST

START_TEST(evlog_parse__refuses_measurements_into_pcrs_that_are_not_there)
{
    static const uint32_t PCRS[] = {24, 31, 32, 0xffffffff};

    for (size_t i = 0; i < ATT_COUNT(PCRS); i++) {
        struct build b;
        struct att_evlog *log = NULL;

        begin(&b);
        spec_id(&b);
        event(&b, PCRS[i], EV_ACTION, "data", 4);
        refuse(&b, ATT_E_FORMAT, 69);
        begin(&b);
        sha1_event(&b, PCRS[i], EV_ACTION, "data", 4);
        refuse(&b, ATT_E_FORMAT, 0);
        begin(&b); /* informative events carry such numbers on real machines */
        spec_id(&b);
        event(&b, PCRS[i], EV_NO_ACTION, "data", 4);
        log = parsed(&b);
        ck_assert(!att_evlog_at(log, 1)->extends);
        att_evlog_free(log);
    }
}
END_TEST

START_TEST(evlog_parse__refuses_false_spec_ids)
{
    struct build b;

    begin(&b); /* missing: the records then have no SHA-1 form */
    event(&b, 0, EV_ACTION, "data", 4);
    event(&b, 1, EV_ACTION, "data", 4);
    refuse(&b, ATT_E_LIMIT, 0);
    begin(&b); /* second */
    sha1_event(&b, 0, EV_ACTION, "data", 4);
    spec_id(&b);
    separator(&b, 2);
    refuse(&b, ATT_E_FORMAT, 36);
    begin(&b); /* twice */
    spec_id(&b);
    event(&b, 0, EV_NO_ACTION, "Spec ID Event03\0and so on", 25);
    refuse(&b, ATT_E_FORMAT, 69);
    begin(&b); /* a size that lies */
    spec_id(&b);
    separator(&b, 2);
    b.bytes[62] = 20 - 1;
    refuse(&b, ATT_E_FORMAT, 0);
    b.bytes[62] = 20;
    b.bytes[60] = 0x0b; /* sha256 twice */
    b.bytes[62] = 32;
    refuse(&b, ATT_E_FORMAT, 0);
    b.bytes[60] = 0x0a; /* unknown */
    refuse(&b, ATT_E_FORMAT, 0);
}
END_TEST

START_TEST(evlog_parse__refuses_false_counts_in_the_spec_id)
{
    static const uint8_t COUNTS[] = {0, 1, 3, 6, 255};
    struct build b;

    for (size_t i = 0; i < ATT_COUNT(COUNTS); i++) {
        begin(&b);
        spec_id(&b);
        separator(&b, 2);
        b.bytes[56] = COUNTS[i];
        refuse(&b, ATT_E_FORMAT, 0);
    }
    for (unsigned int vendor = 1; vendor < 256; vendor++) {
        begin(&b);
        spec_id(&b);
        separator(&b, 2);
        separator(&b, 3);
        if (vendor == b.w.len - 69) {
            continue; /* it would be all that follows: a log without events */
        }
        b.bytes[68] = (uint8_t)vendor;
        refuse(&b, ATT_E_FORMAT, 0);
    }
    begin(&b);
    spec_id_head(&b, 24);
    refuse(&b, ATT_E_FORMAT, 0);
    begin(&b); /* an event shorter than its fixed text is another event */
    att_wr_u32le(&b.w, 0);
    att_wr_u32le(&b.w, EV_NO_ACTION);
    att_wr_zeros(&b.w, 20);
    att_wr_u32le(&b.w, 15);
    att_wr_bytes(&b.w, "Spec ID Event03", 15);
    {
        struct att_evlog *log = parsed(&b);

        ck_assert(!att_evlog_crypto_agile(log));
        att_evlog_free(log);
    }
}
END_TEST

/* Replay of one measurement into PCR 0 after a StartupLocality of that value. */
static void expect_start(const void *before, size_t before_len, int locality)
{
    struct build b;
    struct att_evlog *log = NULL;
    struct att_pcr_values v = {0};
    uint8_t value[64] = {0};
    struct att_slice data = att_slice_of("data", 4);
    struct att_hasher *h = NULL;
    uint8_t digest[ATT_HASH_MAX];

    begin(&b);
    spec_id(&b);
    if (before_len > 0) {
        event(&b, 0, EV_NO_ACTION, before, before_len);
    }
    event(&b, 0, EV_ACTION, data.p, data.len);
    event(&b, 0, EV_NO_ACTION, "StartupLocality\0\3", 17); /* too late to mean anything */
    log = parsed(&b);
    ck_assert_int_eq(att_evlog_locality(log), locality);
    ck_assert_int_eq(att_evlog_replay(&v, log, NULL), ATT_OK);
    value[31] = (uint8_t)locality;
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA256, &data, 1, digest), ATT_OK);
    ck_assert_int_eq(att_pcr_extend(h, ATT_HASH_SHA256, value, digest), ATT_OK);
    ck_assert_mem_eq(att_pcr_bank_find(&v, ATT_HASH_SHA256)->value[0], value, 32);
    att_hasher_free(h);
    att_evlog_free(log);
}

START_TEST(evlog_replay__starts_pcr_0_from_the_first_locality)
{
    expect_start("StartupLocality\0\0", 17, 0);
    expect_start("StartupLocality\0\3", 17, 3);
    expect_start("StartupLocality\0\4", 17, 4);
}
END_TEST

START_TEST(evlog_parse__refuses_localities_that_no_firmware_starts_in)
{
    static const char *const BAD[] = {"StartupLocality\0\1", "StartupLocality\0\2",
                                      "StartupLocality\0\5", "StartupLocality\0\xff"};
    struct build b;

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        begin(&b);
        spec_id(&b);
        event(&b, 0, EV_NO_ACTION, BAD[i], 17);
        refuse(&b, ATT_E_FORMAT, 69);
    }
    begin(&b);
    spec_id(&b);
    event(&b, 0, EV_NO_ACTION, "StartupLocality\0", 16);
    refuse(&b, ATT_E_FORMAT, 69);
    begin(&b);
    spec_id(&b);
    event(&b, 0, EV_NO_ACTION, "StartupLocality\0\3\0", 18);
    refuse(&b, ATT_E_FORMAT, 69);
}
END_TEST

START_TEST(evlog_replay__starts_pcr_0_at_4_after_an_hcrtm_event)
{
    struct build b;
    struct att_evlog *log = NULL;

    begin(&b);
    spec_id(&b);
    event(&b, 0, EV_HCRTM, "HCRTM", 5);
    log = parsed(&b);
    ck_assert_int_eq(att_evlog_locality(log), 4);
    att_evlog_free(log);
    begin(&b); /* what the firmware says about locality comes first */
    spec_id(&b);
    event(&b, 0, EV_NO_ACTION, "StartupLocality\0\3", 17);
    event(&b, 0, EV_HCRTM, "HCRTM", 5);
    log = parsed(&b);
    ck_assert_int_eq(att_evlog_locality(log), 3);
    att_evlog_free(log);
}
END_TEST

START_TEST(evlog_replay__extends_nothing_for_no_action)
{
    struct build b;
    struct att_evlog *log = NULL;

    begin(&b);
    spec_id(&b);
    event(&b, 2, EV_NO_ACTION, "carries a digest", 16);
    separator(&b, 2);
    event(&b, 2, EV_NO_ACTION, "carries a digest", 16);
    log = parsed(&b);
    expect_pcr(log, ATT_HASH_SHA256, 2, SEPARATOR_SHA256);
    att_evlog_free(log);
}
END_TEST

START_TEST(evlog_replay__starts_the_dynamic_pcrs_at_all_ones)
{
    struct build b;
    struct att_evlog *log = NULL;
    uint8_t value[64];
    struct att_slice data = att_slice_of("data", 4);
    struct att_hasher *h = NULL;
    uint8_t digest[ATT_HASH_MAX];
    char hex[65];

    memset(value, 0xff, sizeof(value));
    begin(&b);
    spec_id(&b);
    event(&b, 17, EV_ACTION, data.p, data.len);
    log = parsed(&b);
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA256, &data, 1, digest), ATT_OK);
    ck_assert_int_eq(att_pcr_extend(h, ATT_HASH_SHA256, value, digest), ATT_OK);
    expect_pcr(log, ATT_HASH_SHA256, 17, att_hex_encode(hex, sizeof(hex), att_slice_of(value, 32)));
    att_hasher_free(h);
    att_evlog_free(log);
}
END_TEST

/* A bank whose hash we do not have is read over, not taken for another. */
START_TEST(evlog_replay__leaves_out_a_bank_that_cannot_be_computed)
{
    struct build b;
    struct att_evlog *log = NULL;
    struct att_pcr_values v = {0};

    begin(&b);
    spec_id(&b);
    b.bytes[64] = 0x12; /* SM3 has the size of SHA-256 */
    separator(&b, 2);
    b.bytes[69 + 12 + 22] = 0x12;
    log = parsed(&b);
    ck_assert_int_eq(att_evlog_replay(&v, log, NULL), ATT_OK);
    ck_assert_uint_eq(v.count, 1);
    expect_pcr(log, ATT_HASH_SHA1, 2, SEPARATOR_SHA1);
    att_evlog_free(log);
}
END_TEST

START_TEST(evlog_parse__bounds_bytes_and_events)
{
    size_t len = ATT_EVLOG_MAX + 1;
    uint8_t *big = calloc(1, len);
    struct att_wr w = att_wr_into(big, len);
    struct att_evlog *log = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_evlog_parse(&log, att_slice_of(big, len), &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_UEFI);
    for (uint32_t i = 0; i <= ATT_EVLOG_EVENTS_MAX; i++) {
        att_wr_u32le(&w, 0);
        att_wr_u32le(&w, EV_ACTION);
        att_wr_zeros(&w, 20);
        att_wr_u32le(&w, 0);
    }
    ck_assert(att_wr_ok(&w));
    ck_assert_int_eq(att_evlog_parse(&log, att_slice_of(big, w.len), &diag), ATT_E_LIMIT);
    ck_assert_uint_eq(diag.off, 32U * ATT_EVLOG_EVENTS_MAX);
    ck_assert_int_eq(att_evlog_parse(&log, att_slice_of(big, w.len - 32), &diag), ATT_OK);
    ck_assert_uint_eq(att_evlog_count(log), ATT_EVLOG_EVENTS_MAX);
    att_evlog_free(log);
    free(big);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("evlog");
    TCase *t = tcase_create("evlog");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, evlog_parse__reads_a_crypto_agile_log);
    tcase_add_test(t, evlog_parse__reads_a_sha1_log_with_empty_events);
    tcase_add_test(t, evlog_parse__ends_at_padding_of_one_kind);
    tcase_add_test(t, evlog_parse__refuses_what_holds_no_event);
    tcase_add_test(t, evlog_parse__refuses_every_truncation);
    tcase_add_test(t, evlog_parse__refuses_false_event_sizes);
    tcase_add_test(t, evlog_parse__refuses_false_digest_lists);
    tcase_add_test(t, evlog_parse__takes_fewer_digests_than_banks);
    tcase_add_test(t, evlog_parse__refuses_measurements_into_pcrs_that_are_not_there);
    tcase_add_test(t, evlog_parse__refuses_false_spec_ids);
    tcase_add_test(t, evlog_parse__refuses_false_counts_in_the_spec_id);
    tcase_add_test(t, evlog_replay__starts_pcr_0_from_the_first_locality);
    tcase_add_test(t, evlog_parse__refuses_localities_that_no_firmware_starts_in);
    tcase_add_test(t, evlog_replay__starts_pcr_0_at_4_after_an_hcrtm_event);
    tcase_add_test(t, evlog_replay__extends_nothing_for_no_action);
    tcase_add_test(t, evlog_replay__starts_the_dynamic_pcrs_at_all_ones);
    tcase_add_test(t, evlog_replay__leaves_out_a_bank_that_cannot_be_computed);
    tcase_add_test(t, evlog_parse__bounds_bytes_and_events);
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
