/* The firmware event log: a small log built by hand, and one test for each lie that it can tell. */
#include "tcg/evlog.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bootlog.h"
#include "suite.h"

START_TEST(evlog_parse__reads_a_crypto_agile_log)
{
    struct bootlog b;
    struct att_evlog *log = NULL;
    const struct att_event *ev = NULL;
    enum att_hash banks[ATT_PCR_BANKS];

    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_separator(&b, 2);
    log = bootlog_parsed(&b);
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
    bootlog_expect_pcr(log, ATT_HASH_SHA256, 2, BOOTLOG_SEPARATOR_SHA256);
    bootlog_expect_pcr(log, ATT_HASH_SHA1, 2, BOOTLOG_SEPARATOR_SHA1);
    att_evlog_free(log);
    att_evlog_free(NULL);
}
END_TEST

START_TEST(evlog_parse__reads_a_sha1_log_with_empty_events)
{
    struct bootlog b;
    struct att_evlog *log = NULL;
    static const uint8_t ZEROS[20] = {0};

    bootlog_begin(&b);
    bootlog_sha1_event(&b, 2, EV_SEPARATOR, "\0\0\0\0", 4);
    att_wr_u32le(&b.w, 3);
    att_wr_u32le(&b.w, 1);
    att_wr_bytes(&b.w, ZEROS, 20);
    att_wr_u32le(&b.w, 0);
    log = bootlog_parsed(&b);
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
        struct bootlog b;
        struct att_evlog *log = NULL;
        size_t end = 0;

        bootlog_begin(&b);
        bootlog_spec_id(&b);
        bootlog_separator(&b, 2);
        end = b.w.len;
        memset(att_wr_room(&b.w, 1000), PADS[i], 1000);
        log = bootlog_parsed(&b);
        ck_assert_uint_eq(att_evlog_count(log), 2);
        ck_assert_uint_eq(att_evlog_consumed(log), end);
        att_evlog_free(log);
        b.bytes[b.w.len - 1] ^= 0xff;
        bootlog_refuse(&b, ATT_E_FORMAT, end);
        b.bytes[b.w.len - 1] = 0x01;
        bootlog_refuse(&b, ATT_E_FORMAT, end);
    }
}
END_TEST

START_TEST(evlog_parse__refuses_what_holds_no_event)
{
    static const uint8_t ZEROS[64] = {0};

    bootlog_refuse_slice(att_slice_of(ZEROS, 0), ATT_E_TRUNCATED, 0);
    bootlog_refuse_slice(att_slice_of(ZEROS, sizeof(ZEROS)), ATT_E_FORMAT, 0);
    bootlog_refuse_slice(att_slice_of("not a log", 9), ATT_E_TRUNCATED, 0);
}
END_TEST

START_TEST(evlog_parse__refuses_every_truncation)
{
    struct bootlog b;
    struct att_slice in;

    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event(&b, 1, EV_ACTION, "data", 4);
    bootlog_event(&b, 2, EV_ACTION, "data", 4);
    in = bootlog_slice(&b);
    for (size_t len = 0; len < in.len; len++) {
        size_t third = 69 + (in.len - 69) / 2;
        size_t off = len < 69 ? 0 : len < third ? 69 : third;

        if (len == 69 || len == third) {
            continue; /* between records: another, shorter log */
        }
        /* four zeros are the number of PCR 0, and as well padding without an event */
        bootlog_refuse_slice(att_slice_of(in.p, len),
                             len > 0 && len <= 4 ? ATT_E_FORMAT : ATT_E_TRUNCATED, off);
    }
}
END_TEST

START_TEST(evlog_parse__refuses_false_event_sizes)
{
    static const uint32_t SIZES[] = {0xffffffff, 0x80000000, ATT_EVLOG_MAX + 1};
    struct bootlog b;

    for (size_t i = 0; i < ATT_COUNT(SIZES); i++) {
        bootlog_begin(&b);
        bootlog_spec_id(&b);
        bootlog_event_with(&b, 0, EV_ACTION, att_slice_of("data", 4), SIZES[i]);
        bootlog_refuse(&b, ATT_E_LIMIT, 69);
    }
    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event_with(&b, 0, EV_ACTION, att_slice_of("data", 4), 5);
    bootlog_refuse(&b, ATT_E_TRUNCATED, 69);
    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event_with(&b, 0, EV_ACTION, att_slice_of("", 0), 0);
    bootlog_refuse(&b, ATT_E_FORMAT, 69);
    bootlog_begin(&b);
    bootlog_sha1_event(&b, 0, EV_ACTION, "data", 4);
    b.bytes[28] = 5;
    bootlog_refuse(&b, ATT_E_TRUNCATED, 0);
    b.bytes[31] = 0xff;
    bootlog_refuse(&b, ATT_E_LIMIT, 0);
}
END_TEST

START_TEST(evlog_parse__refuses_false_digest_lists)
{
    static const uint32_t COUNTS[] = {0, 3, 17, 0xffffffff};
    struct bootlog b;

    for (size_t i = 0; i < ATT_COUNT(COUNTS); i++) {
        bootlog_begin(&b);
        bootlog_spec_id(&b);
        bootlog_event(&b, 0, EV_ACTION, "data", 4);
        for (unsigned int k = 0; k < 4; k++) {
            b.bytes[77 + k] = (uint8_t)(COUNTS[i] >> (8 * k));
        }
        bootlog_refuse(&b, ATT_E_FORMAT, 69);
    }
    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event(&b, 0, EV_ACTION, "data", 4);
    b.bytes[81] = 0x0c; /* sha384: real, but not announced */
    bootlog_refuse(&b, ATT_E_FORMAT, 69);
    b.bytes[81] = 0x0a; /* no algorithm at all */
    bootlog_refuse(&b, ATT_E_FORMAT, 69);
    b.bytes[81] = 0x04;
    b.bytes[103] = 0x04; /* sha1 again */
    bootlog_refuse(&b, ATT_E_FORMAT, 69);
}
END_TEST

START_TEST(evlog_parse__takes_fewer_digests_than_banks)
{
    struct bootlog b;
    struct att_evlog *log = NULL;
    struct att_pcr_values v = {0};

    bootlog_begin(&b);
    bootlog_spec_id(&b);
    att_wr_u32le(&b.w, 7);
    att_wr_u32le(&b.w, EV_ACTION);
    att_wr_u32le(&b.w, 1);
    att_wr_u16le(&b.w, ATT_HASH_SHA256);
    att_wr_zeros(&b.w, 32);
    att_wr_u32le(&b.w, 1);
    att_wr_u8(&b.w, 'x');
    log = bootlog_parsed(&b);
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
        struct bootlog b;
        struct att_evlog *log = NULL;

        bootlog_begin(&b);
        bootlog_spec_id(&b);
        bootlog_event(&b, PCRS[i], EV_ACTION, "data", 4);
        bootlog_refuse(&b, ATT_E_FORMAT, 69);
        bootlog_begin(&b);
        bootlog_sha1_event(&b, PCRS[i], EV_ACTION, "data", 4);
        bootlog_refuse(&b, ATT_E_FORMAT, 0);
        bootlog_begin(&b); /* informative events carry such numbers on real machines */
        bootlog_spec_id(&b);
        bootlog_event(&b, PCRS[i], EV_NO_ACTION, "data", 4);
        log = bootlog_parsed(&b);
        ck_assert(!att_evlog_at(log, 1)->extends);
        att_evlog_free(log);
    }
}
END_TEST

START_TEST(evlog_parse__refuses_false_spec_ids)
{
    struct bootlog b;

    bootlog_begin(&b); /* missing: the records then have no SHA-1 form */
    bootlog_event(&b, 0, EV_ACTION, "data", 4);
    bootlog_event(&b, 1, EV_ACTION, "data", 4);
    bootlog_refuse(&b, ATT_E_LIMIT, 0);
    bootlog_begin(&b); /* second */
    bootlog_sha1_event(&b, 0, EV_ACTION, "data", 4);
    bootlog_spec_id(&b);
    bootlog_separator(&b, 2);
    bootlog_refuse(&b, ATT_E_FORMAT, 36);
    bootlog_begin(&b); /* twice */
    bootlog_spec_id(&b);
    bootlog_event(&b, 0, EV_NO_ACTION, "Spec ID Event03\0and so on", 25);
    bootlog_refuse(&b, ATT_E_FORMAT, 69);
    bootlog_begin(&b); /* a size that lies */
    bootlog_spec_id(&b);
    bootlog_separator(&b, 2);
    b.bytes[62] = 20 - 1;
    bootlog_refuse(&b, ATT_E_FORMAT, 0);
    b.bytes[62] = 20;
    b.bytes[60] = 0x0b; /* sha256 twice */
    b.bytes[62] = 32;
    bootlog_refuse(&b, ATT_E_FORMAT, 0);
    b.bytes[60] = 0x0a; /* unknown */
    bootlog_refuse(&b, ATT_E_FORMAT, 0);
}
END_TEST

START_TEST(evlog_parse__refuses_false_counts_in_the_spec_id)
{
    static const uint8_t COUNTS[] = {0, 1, 3, 6, 255};
    struct bootlog b;

    for (size_t i = 0; i < ATT_COUNT(COUNTS); i++) {
        bootlog_begin(&b);
        bootlog_spec_id(&b);
        bootlog_separator(&b, 2);
        b.bytes[56] = COUNTS[i];
        bootlog_refuse(&b, ATT_E_FORMAT, 0);
    }
    for (unsigned int vendor = 1; vendor < 256; vendor++) {
        bootlog_begin(&b);
        bootlog_spec_id(&b);
        bootlog_separator(&b, 2);
        bootlog_separator(&b, 3);
        if (vendor == b.w.len - 69) {
            continue; /* it would be all that follows: a log without events */
        }
        b.bytes[68] = (uint8_t)vendor;
        bootlog_refuse(&b, ATT_E_FORMAT, 0);
    }
    bootlog_begin(&b);
    bootlog_spec_id_head(&b, 24);
    bootlog_refuse(&b, ATT_E_FORMAT, 0);
    bootlog_begin(&b); /* an event shorter than its fixed text is another event */
    att_wr_u32le(&b.w, 0);
    att_wr_u32le(&b.w, EV_NO_ACTION);
    att_wr_zeros(&b.w, 20);
    att_wr_u32le(&b.w, 15);
    att_wr_bytes(&b.w, "Spec ID Event03", 15);
    {
        struct att_evlog *log = bootlog_parsed(&b);

        ck_assert(!att_evlog_crypto_agile(log));
        att_evlog_free(log);
    }
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

int main(void)
{
    const TTest *const TESTS[] = {
        evlog_parse__reads_a_crypto_agile_log,
        evlog_parse__reads_a_sha1_log_with_empty_events,
        evlog_parse__ends_at_padding_of_one_kind,
        evlog_parse__refuses_what_holds_no_event,
        evlog_parse__refuses_every_truncation,
        evlog_parse__refuses_false_event_sizes,
        evlog_parse__refuses_false_digest_lists,
        evlog_parse__takes_fewer_digests_than_banks,
        evlog_parse__refuses_measurements_into_pcrs_that_are_not_there,
        evlog_parse__refuses_false_spec_ids,
        evlog_parse__refuses_false_counts_in_the_spec_id,
        evlog_parse__bounds_bytes_and_events,
    };

    return SUITE_RUN("evlog", TESTS);
}
