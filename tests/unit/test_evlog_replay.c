/* The firmware event log replayed: where each PCR starts, and what extends it. */
#include <check.h>
#include <string.h>

#include "base/hex.h"
#include "bootlog.h"
#include "suite.h"
#include "tcg/evlog.h"

/* Replay of one measurement into PCR 0 after a StartupLocality of that value. */
static void expect_start(const void *before, size_t before_len, int locality)
{
    struct bootlog b;
    struct att_evlog *log = NULL;
    struct att_pcr_values v = {0};
    uint8_t value[64] = {0};
    struct att_slice data = att_slice_of("data", 4);
    struct att_hasher *h = NULL;
    uint8_t digest[ATT_HASH_MAX];

    bootlog_begin(&b);
    bootlog_spec_id(&b);
    if (before_len > 0) {
        bootlog_event(&b, 0, EV_NO_ACTION, before, before_len);
    }
    bootlog_event(&b, 0, EV_ACTION, data.p, data.len);
    bootlog_event(&b, 0, EV_NO_ACTION, "StartupLocality\0\3", 17); /* too late to mean anything */
    log = bootlog_parsed(&b);
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
    struct bootlog b;

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        bootlog_begin(&b);
        bootlog_spec_id(&b);
        bootlog_event(&b, 0, EV_NO_ACTION, BAD[i], 17);
        bootlog_refuse(&b, ATT_E_FORMAT, 69);
    }
    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event(&b, 0, EV_NO_ACTION, "StartupLocality\0", 16);
    bootlog_refuse(&b, ATT_E_FORMAT, 69);
    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event(&b, 0, EV_NO_ACTION, "StartupLocality\0\3\0", 18);
    bootlog_refuse(&b, ATT_E_FORMAT, 69);
}
END_TEST

START_TEST(evlog_replay__starts_pcr_0_at_4_after_an_hcrtm_event)
{
    struct bootlog b;
    struct att_evlog *log = NULL;

    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event(&b, 0, EV_HCRTM, "HCRTM", 5);
    log = bootlog_parsed(&b);
    ck_assert_int_eq(att_evlog_locality(log), 4);
    att_evlog_free(log);
    bootlog_begin(&b); /* what the firmware says about locality comes first */
    bootlog_spec_id(&b);
    bootlog_event(&b, 0, EV_NO_ACTION, "StartupLocality\0\3", 17);
    bootlog_event(&b, 0, EV_HCRTM, "HCRTM", 5);
    log = bootlog_parsed(&b);
    ck_assert_int_eq(att_evlog_locality(log), 3);
    att_evlog_free(log);
}
END_TEST

START_TEST(evlog_replay__extends_nothing_for_no_action)
{
    struct bootlog b;
    struct att_evlog *log = NULL;

    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event(&b, 2, EV_NO_ACTION, "carries a digest", 16);
    bootlog_separator(&b, 2);
    bootlog_event(&b, 2, EV_NO_ACTION, "carries a digest", 16);
    log = bootlog_parsed(&b);
    bootlog_expect_pcr(log, ATT_HASH_SHA256, 2, BOOTLOG_SEPARATOR_SHA256);
    att_evlog_free(log);
}
END_TEST

START_TEST(evlog_replay__starts_the_dynamic_pcrs_at_all_ones)
{
    struct bootlog b;
    struct att_evlog *log = NULL;
    uint8_t value[64];
    struct att_slice data = att_slice_of("data", 4);
    struct att_hasher *h = NULL;
    uint8_t digest[ATT_HASH_MAX];
    char hex[65];

    memset(value, 0xff, sizeof(value));
    bootlog_begin(&b);
    bootlog_spec_id(&b);
    bootlog_event(&b, 17, EV_ACTION, data.p, data.len);
    log = bootlog_parsed(&b);
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA256, &data, 1, digest), ATT_OK);
    ck_assert_int_eq(att_pcr_extend(h, ATT_HASH_SHA256, value, digest), ATT_OK);
    bootlog_expect_pcr(log, ATT_HASH_SHA256, 17,
                       att_hex_encode(hex, sizeof(hex), att_slice_of(value, 32)));
    att_hasher_free(h);
    att_evlog_free(log);
}
END_TEST

/* A bank whose hash we do not have is read over, not taken for another. */
START_TEST(evlog_replay__leaves_out_a_bank_that_cannot_be_computed)
{
    struct bootlog b;
    struct att_evlog *log = NULL;
    struct att_pcr_values v = {0};

    bootlog_begin(&b);
    bootlog_spec_id(&b);
    b.bytes[64] = 0x12; /* SM3 has the size of SHA-256 */
    bootlog_separator(&b, 2);
    b.bytes[69 + 12 + 22] = 0x12;
    log = bootlog_parsed(&b);
    ck_assert_int_eq(att_evlog_replay(&v, log, NULL), ATT_OK);
    ck_assert_uint_eq(v.count, 1);
    bootlog_expect_pcr(log, ATT_HASH_SHA1, 2, BOOTLOG_SEPARATOR_SHA1);
    att_evlog_free(log);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        evlog_replay__starts_pcr_0_from_the_first_locality,
        evlog_parse__refuses_localities_that_no_firmware_starts_in,
        evlog_replay__starts_pcr_0_at_4_after_an_hcrtm_event,
        evlog_replay__extends_nothing_for_no_action,
        evlog_replay__starts_the_dynamic_pcrs_at_all_ones,
        evlog_replay__leaves_out_a_bank_that_cannot_be_computed,
    };

    return SUITE_RUN("evlog_replay", TESTS);
}
