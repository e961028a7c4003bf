/* Groups F and P, transcription specifications: who may say what a channel is, that counters rise, and exact numbers. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "attack.h"
#include "crypto/key.h"
#include "need.h"
#include "prov/decimal_cbor.h"
#include "prov/spec.h"
#include "spectest.h"

static struct att_signer *new_signer(struct att_signers *list)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *spki = NULL;
    struct att_privkey *key = NULL;
    struct att_signer *signer = NULL;

    NEED(att_privkey_generate(&key, ATT_KEY_EC_P256) == ATT_OK);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    NEED(att_pubkey_spki(&spki, signer->public_key) == ATT_OK);
    if (list != NULL) {
        NEED(att_signers_add(list, "plant", att_buf_slice(spki), NULL) == ATT_OK);
    }
    return signer;
}

static void not_opened(struct att_slice in, const struct att_signers *list)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_spec_open(&s, in, list, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_SPECSIG);
}

START_TEST(F_03_specification_that_nobody_who_counts_signed)
{
    ATT_CLEANUP(att_signers_freep) struct att_signers *list = NULL;
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = spec_of(spec_text);
    ATT_CLEANUP(att_signer_freep) struct att_signer *listed = NULL;
    ATT_CLEANUP(att_signer_freep) struct att_signer *other = new_signer(NULL);
    ATT_CLEANUP(att_buf_freep) struct att_buf *stranger = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *good = NULL;
    uint8_t bytes[8192];
    size_t len = 0;

    NEED(att_signers_new(&list) == ATT_OK);
    listed = new_signer(list);
    NEED(att_spec_sign(&stranger, s, other) == ATT_OK && att_spec_sign(&good, s, listed) == ATT_OK);
    not_opened(att_slice_str(spec_text), list);
    not_opened(att_buf_slice(stranger), list);
    not_opened(att_buf_slice(good), NULL);
    len = att_buf_len(good);
    NEED(len <= sizeof(bytes));
    for (size_t i = 1; i <= 64; i++) { /* each byte of the signature */
        memcpy(bytes, att_buf_slice(good).p, len);
        bytes[len - i] ^= 1;
        not_opened(att_slice_of(bytes, len), list);
    }
}
END_TEST

/* Two changes of what is in force, which it may not be followed by. */
static void not_next(const char *from, const char *to, const char *from2, const char *to2)
{
    ATT_CLEANUP(att_spec_freep) struct att_spec *now = spec_of(spec_text);
    ATT_CLEANUP(att_spec_freep) struct att_spec *next = NULL;
    char text[16384];
    char rest[16384];
    struct att_diag diag = {0};
    char *at = strstr(spec_text_with(text, sizeof(text), from, to), from2);

    NEED(at != NULL);
    (void)snprintf(rest, sizeof(rest), "%s", at + strlen(from2));
    (void)snprintf(at, sizeof(text) - (size_t)(at - text), "%s%s", to2, rest);
    next = spec_of(text);
    ck_assert_int_eq(att_spec_check_next(now, next, &diag), ATT_E_CONFLICT);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_SPECOLD);
}

#define NOW  "version: 7\ntitle"
#define NEXT "version: 8\ntitle"
#define WORN "until: 2027-01-01, polynomial: [-1.25"

START_TEST(F_04_older_specification)
{
    not_next(NOW, "version: 6\ntitle", "en: A plant", "en: A plant");
}
END_TEST

START_TEST(F_04_other_specification_of_the_same_version)
{
    not_next("high: 4.8", "high: 4.9", NOW, NOW);
}
END_TEST

START_TEST(F_04_specification_of_another_plant)
{
    not_next("specification: plant", "specification: other", NOW, NEXT);
}
END_TEST

START_TEST(F_04_older_calibration_in_a_newer_specification)
{
    not_next("version: 3, from", "version: 2, from", NOW, NEXT);
}
END_TEST

/* A calibration that ran out is not prolonged under the number of the old one. */
START_TEST(F_04_other_calibration_of_the_same_version)
{
    not_next(WORN, "until: 2029-01-01, polynomial: [-1.25", NOW, NEXT);
}
END_TEST

static void not_taken(const char *from, const char *to)
{
    char text[16384];
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    (void)spec_text_with(text, sizeof(text), from, to);
    ck_assert_msg(att_spec_parse_yaml(&s, "s", att_slice_str(text), &diag) == ATT_E_CONFIG, "%s",
                  to);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_SPEC);
}

/* What is compared with itself always agrees. */
START_TEST(F_13_second_path_that_is_the_first)
{
    not_taken("{mqtt: {device: broker, topic: plant/level-a}}\n      wire: {type: text, decimals: "
              "3, field: value}",
              "{modbus: {device: plc, unit: 1, function: 4, address: 0, count: 1}}\n      wire: "
              "{type: uint16}");
}
END_TEST

START_TEST(F_13_stimulus_that_is_the_sensor)
{
    not_taken("address: 9, count: 1", "address: 0, count: 1");
}
END_TEST

START_TEST(F_13_redundant_channels_of_one_register)
{
    not_taken("address: 1, count: 1", "address: 0, count: 1");
}
END_TEST

START_TEST(F_13_output_that_nobody_watches)
{
    not_taken("    no_feedback: A horn is heard and not measured\n", "");
}
END_TEST

/* A record names a channel by digest: two encodings of one channel would be two names. */
START_TEST(F_13_specification_in_another_encoding)
{
    static const uint8_t END[] = {0x16, 0xf5};
    ATT_CLEANUP(att_spec_freep) struct att_spec *s = spec_of(spec_text);
    struct att_slice whole = att_buf_slice(s->bytes);
    uint8_t in[8192];
    struct att_spec *again = NULL;
    struct att_diag diag = {0};
    const uint8_t *map = memmem(whole.p, whole.len,
                                "\xac\x01\x63"
                                "air",
                                6);
    const uint8_t *end = NULL;
    size_t head = 0;

    /* the channel "air", whose last entry is quarantine: one that says "no output" comes before it */
    NEED(map != NULL && whole.len + 2 <= sizeof(in));
    end = memmem(map, (size_t)(whole.p + whole.len - map), END, sizeof(END));
    NEED(end != NULL);
    head = (size_t)(end - whole.p);
    memcpy(in, whole.p, head);
    in[map - whole.p]++;
    in[head] = 0x15; /* output: */
    in[head + 1] = 0xf4;
    memcpy(in + head + 2, end, whole.len - head);
    ck_assert_int_eq(att_spec_decode(&again, att_slice_of(in, whole.len + 2), &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_SPEC);
}
END_TEST

/* 2^63, -0, NaN, 1e400 and leading zeros are no numbers, wherever one stands. */
START_TEST(P_21_numbers_of_a_specification)
{
    static const char *const NUMBER[] = {"9223372036854775808",
                                         "-9223372036854775809",
                                         "-0",
                                         "NaN",
                                         ".nan",
                                         "nan",
                                         "1e400",
                                         "1e-400",
                                         "00.5",
                                         "007",
                                         "-00",
                                         "+1",
                                         "0x10",
                                         "1_000",
                                         "18446744073709551616",
                                         "Infinity",
                                         ".inf",
                                         "1.",
                                         ".5",
                                         "1e05",
                                         "1E5",
                                         "\"1\"",
                                         "1e+5",
                                         "--1",
                                         "~",
                                         "null",
                                         "1 0",
                                         "一"};
    static const char *const PLACE[][2] = {
        {"raw: {min: ", "4000"},   {"low: ", "0.2"},    {"most: ", "0.05"},  {"factor: ", "-0.12"},
        {"resolution: ", "0.001"}, {"from: ", "21001"}, {"[12000, ", "2.5"},
    };

    for (size_t i = 0; i < ATT_COUNT(NUMBER); i++) {
        for (size_t j = 0; j < ATT_COUNT(PLACE); j++) {
            char from[64];
            char to[64];

            (void)snprintf(from, sizeof(from), "%s%s", PLACE[j][0], PLACE[j][1]);
            (void)snprintf(to, sizeof(to), "%s%s", PLACE[j][0], NUMBER[i]);
            not_taken(from, to);
        }
    }
}
END_TEST

/* In bytes: floats, bignums, more digits than there are, and every second spelling of a number. */
START_TEST(P_21_numbers_of_a_signed_specification)
{
    static const struct {
        size_t len;
        uint8_t bytes[16];
    } NUMBER[] = {
        {5, {0xc4, 0x82, 0x01, 0x00, 0}},                                   /* 0 * 10^1 */
        {5, {0xc4, 0x82, 0x20, 0x18, 150}},                                 /* 150 * 10^-1 */
        {4, {0xc4, 0x82, 0x20, 0x0a}},                                      /* 10 * 10^-1 */
        {4, {0xc4, 0x82, 0x13, 0x01}},                                      /* 10^20 */
        {12, {0xc4, 0x82, 0x00, 0x1b, 0x80}},                               /* 2^63 */
        {12, {0xc4, 0x82, 0x00, 0x1b, 0x0d, 0xe0, 0xb6, 0xb3, 0xa7, 0x64}}, /* 10^18 */
        {3, {0xf9, 0x7e, 0x00}},                                            /* NaN */
        {3, {0xf9, 0x80, 0x00}},                                            /* -0.0 */
        {9, {0xfb, 0x40}},                                                  /* 2.0 */
        {10, {0xc2, 0x48, 0x01}},                                           /* bignum */
        {4, {0xc5, 0x82, 0x00, 0x01}},                                      /* 1 * 2^0 */
        {1, {0x01}},                                                        /* a whole number */
        {2, {0x61, 0x31}},                                                  /* "1" */
    };

    for (size_t i = 0; i < ATT_COUNT(NUMBER); i++) {
        struct att_cbor c = att_cbor_from(att_slice_of(NUMBER[i].bytes, NUMBER[i].len));
        struct att_decimal d = att_decimal_read(&c);

        ck_assert_msg(att_cbor_end(&c) != ATT_OK, "number %zu", i);
        ck_assert(d.mantissa == 0 && d.exponent == 0);
    }
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"F-03-spec", F_03_specification_that_nobody_who_counts_signed, 0, 0},
        {"F-04-spec", F_04_older_specification, 0, 0},
        {"F-04-spec-same", F_04_other_specification_of_the_same_version, 0, 0},
        {"F-04-spec-other", F_04_specification_of_another_plant, 0, 0},
        {"F-04-calibration", F_04_older_calibration_in_a_newer_specification, 0, 0},
        {"F-04-calibration-same", F_04_other_calibration_of_the_same_version, 0, 0},
        {"F-13-second", F_13_second_path_that_is_the_first, 0, 0},
        {"F-13-stimulus", F_13_stimulus_that_is_the_sensor, 0, 0},
        {"F-13-redundancy", F_13_redundant_channels_of_one_register, 0, 0},
        {"F-13-feedback", F_13_output_that_nobody_watches, 0, 0},
        {"F-13-encoding", F_13_specification_in_another_encoding, 0, 0},
        {"P-21-spec", P_21_numbers_of_a_specification, 0, 0},
        {"P-21-spec-signed", P_21_numbers_of_a_signed_specification, 0, 0},
    };

    return attack_rows("attacks: transcription specifications", rows, ATT_COUNT(rows));
}
