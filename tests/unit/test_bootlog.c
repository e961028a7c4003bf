/* The rules of a firmware log, over what its digests prove: made logs, and every one of the corpus. */
#include "appraise/bootlog.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "need.h"
#include "softlog.h"
#include "suite.h"
#include "tcg/ima.h"

#define EV_SEPARATOR 4U
#define EV_CRTM      8U
#define EV_VARIABLE  0x80000001U
#define EV_BOOT      0x80000002U
#define EV_ACTION    0x80000007U
#define EV_IMAGE     0x80000003U

static const uint8_t ZERO[4];
static const uint8_t FAILED[4] = {1, 0, 0, 0};

static struct att_evlog *parsed(const struct softlog *log)
{
    struct att_evlog *out = NULL;

    NEED(att_evlog_parse(&out, softlog_slice(log), NULL) == ATT_OK);
    return out;
}

static struct att_boot_findings judge(const struct softlog *log, uint32_t pcrs, uint32_t late)
{
    const struct att_boot_rules rules = {.bank = ATT_HASH_SHA256, .pcrs = pcrs, .late = late};
    struct att_evlog *l = parsed(log);
    struct att_boot_findings found = {0};

    ck_assert_int_eq(att_bootlog_check(&found, l, &rules), ATT_OK);
    att_evlog_free(l);
    return found;
}

static void expect_one(const struct att_boot_findings *f, enum att_reason reason, uint32_t pcr)
{
    ck_assert_uint_eq(f->count, 1);
    ck_assert_str_eq(att_reason_code(f->at[0].reason), att_reason_code(reason));
    ck_assert_uint_eq(f->at[0].pcr, pcr);
}

START_TEST(check__an_ordinary_boot_has_no_finding)
{
    struct softlog log = {0};

    softlog_uefi_boot(&log, NULL, "firmware");
    ck_assert_uint_eq(judge(&log, 0x3ff, 0).count, 0);
    softlog_free(&log);
}
END_TEST

START_TEST(check__a_missing_separator_is_named_by_its_pcr)
{
    struct softlog log = {0};
    struct att_boot_findings f;

    for (uint32_t pcr = 0; pcr < 8; pcr++) {
        if (pcr != 3) {
            softlog_uefi(&log, NULL, pcr, EV_SEPARATOR, att_slice_of(ZERO, 4));
        }
    }
    f = judge(&log, 0xff, 0);
    expect_one(&f, ATT_R_LOG_ORDER, 3);
    ck_assert(!f.at[0].has_event);
    f = judge(&log, 0xf7, 0); /* PCR 3 is not quoted: nothing is asked of it */
    ck_assert_uint_eq(f.count, 0);
    softlog_free(&log);
}
END_TEST

START_TEST(check__a_second_separator_is_found_whatever_its_type)
{
    static const uint32_t TYPES[] = {EV_SEPARATOR, EV_IMAGE};

    for (size_t i = 0; i < ATT_COUNT(TYPES); i++) {
        struct softlog log = {0};
        struct att_boot_findings f;

        softlog_uefi_boot(&log, NULL, "firmware");
        softlog_uefi(&log, NULL, 4, TYPES[i], att_slice_of(ZERO, 4));
        f = judge(&log, 0xff, 0);
        expect_one(&f, ATT_R_LOG_ORDER, 4);
        ck_assert_uint_eq(f.at[0].event, 15);
        softlog_free(&log);
    }
}
END_TEST

START_TEST(check__an_event_behind_the_separator_needs_the_policys_word)
{
    for (uint32_t pcr = 0; pcr < 10; pcr++) {
        struct softlog log = {0};
        struct att_boot_findings f;
        bool closed = pcr <= 3 || pcr == 6;

        softlog_uefi_boot(&log, NULL, "firmware");
        softlog_uefi(&log, NULL, pcr, EV_IMAGE, att_slice_str("late"));
        f = judge(&log, 0x3ff, 0);
        ck_assert_uint_eq(f.count, closed ? 1 : 0);
        if (closed) {
            expect_one(&f, ATT_R_LOG_ORDER, pcr);
        }
        ck_assert_uint_eq(judge(&log, 0x3ff, 1U << pcr).count, 0);
        softlog_free(&log);
    }
}
END_TEST

START_TEST(check__a_separator_that_reports_an_error_is_found)
{
    struct softlog log = {0};
    struct att_boot_findings f;

    for (uint32_t pcr = 0; pcr < 8; pcr++) {
        softlog_uefi_as(&log, NULL, pcr, EV_SEPARATOR, att_slice_of(pcr == 2 ? FAILED : ZERO, 4),
                        pcr == 2 ? att_slice_str("no memory") : att_slice_of(ZERO, 4));
    }
    f = judge(&log, 0xff, 0);
    expect_one(&f, ATT_R_LOG_BOOT_ERROR, 2);
    softlog_free(&log);
}
END_TEST

START_TEST(check__data_that_is_not_the_digests_is_found_where_the_type_promises_it)
{
    static const struct {
        uint32_t type;
        bool covered;
    } ROWS[] = {{EV_VARIABLE, true},  {EV_BOOT, true},     {EV_ACTION, true}, {0x80000006U, true},
                {EV_SEPARATOR, true}, {EV_CRTM, false},    {EV_IMAGE, false}, {0xdU, false},
                {0x800000e0U, false}, {0x80000008U, false}};

    for (size_t i = 0; i < ATT_COUNT(ROWS); i++) {
        struct softlog log = {0};
        struct att_boot_findings f;

        softlog_uefi_boot(&log, NULL, "firmware");
        softlog_uefi_as(&log, NULL, 7, ROWS[i].type, att_slice_str("measured"),
                        att_slice_str("told"));
        f = judge(&log, 0xff, 0);
        ck_assert_uint_eq(f.count, ROWS[i].covered ? 1 : 0);
        if (ROWS[i].covered) {
            expect_one(&f, ATT_R_LOG_DIGEST, 7);
        }
        softlog_free(&log);
    }
}
END_TEST

/* name "B" in UTF-16, value "value" */
static const uint8_t BOOT_VARIABLE[] = {1,  2,  3,  4, 5, 6, 7,   8, 9,   10,  11,  12,  13,
                                        14, 15, 16, 1, 0, 0, 0,   0, 0,   0,   0,   5,   0,
                                        0,  0,  0,  0, 0, 0, 'B', 0, 'v', 'a', 'l', 'u', 'e'};

START_TEST(check__a_boot_variable_may_be_measured_by_its_value)
{
    struct softlog log = {0};
    struct att_boot_findings f;

    softlog_uefi_boot(&log, NULL, "firmware");
    softlog_uefi_as(&log, NULL, 7, EV_BOOT, att_slice_str("value"),
                    att_slice_of(BOOT_VARIABLE, sizeof(BOOT_VARIABLE)));
    ck_assert_uint_eq(judge(&log, 0xff, 0).count, 0);
    softlog_uefi_as(&log, NULL, 7, EV_VARIABLE, att_slice_str("value"),
                    att_slice_of(BOOT_VARIABLE, sizeof(BOOT_VARIABLE)));
    f = judge(&log, 0xff, 0);
    expect_one(&f, ATT_R_LOG_DIGEST, 7);
    softlog_free(&log);
}
END_TEST

/* UEFI_VARIABLE_DATA of SecureBoot, as softlog_uefi_boot writes it, with another value. */
static struct att_slice secure_boot(uint8_t room[64], uint8_t value)
{
    static const uint8_t START[] = {
        0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98,
        0x03, 0x2b, 0x8c, 10,   0,    0,    0,    0,    0,    0,    0,    1,    0,
        0,    0,    0,    0,    0,    0,    'S',  0,    'e',  0,    'c',  0,    'u',
        0,    'r',  0,    'e',  0,    'B',  0,    'o',  0,    'o',  0,    't',  0};

    memcpy(room, START, sizeof(START));
    room[sizeof(START)] = value;
    return att_slice_of(room, sizeof(START) + 1);
}

static enum att_boot_claim claim(const struct softlog *log, uint32_t pcrs)
{
    const struct att_boot_rules rules = {.bank = ATT_HASH_SHA256, .pcrs = pcrs};
    struct att_evlog *l = parsed(log);
    enum att_boot_claim out = ATT_BOOT_CLAIM_YES;

    ck_assert_int_eq(att_bootlog_secure_boot(&out, l, &rules), ATT_OK);
    att_evlog_free(l);
    return out;
}

START_TEST(secure_boot__is_what_the_firmware_measured_before_its_separator)
{
    uint8_t on[64];
    uint8_t off[64];
    struct softlog log = {0};

    softlog_uefi_boot(&log, NULL, "firmware");
    ck_assert_int_eq(claim(&log, 0xff), ATT_BOOT_CLAIM_YES);
    ck_assert_int_eq(claim(&log, 0x7f), ATT_BOOT_CLAIM_ABSENT); /* PCR 7 is not quoted */
    softlog_clear(&log);
    softlog_uefi(&log, NULL, 7, EV_VARIABLE, secure_boot(off, 0));
    ck_assert_int_eq(claim(&log, 0xff), ATT_BOOT_CLAIM_NO);
    softlog_uefi(&log, NULL, 7, EV_VARIABLE, secure_boot(on, 1));
    ck_assert_int_eq(claim(&log, 0xff), ATT_BOOT_CLAIM_ABSENT); /* both are said */
    softlog_clear(&log);
    softlog_uefi(&log, NULL, 7, EV_SEPARATOR, att_slice_of(ZERO, 4));
    softlog_uefi(&log, NULL, 7, EV_VARIABLE, secure_boot(on, 1));
    ck_assert_int_eq(claim(&log, 0xff), ATT_BOOT_CLAIM_ABSENT);
    softlog_clear(&log);
    softlog_uefi_as(&log, NULL, 7, EV_VARIABLE, secure_boot(off, 0), secure_boot(on, 1));
    ck_assert_int_eq(claim(&log, 0xff), ATT_BOOT_CLAIM_ABSENT);
    softlog_clear(&log);
    softlog_uefi(&log, NULL, 1, EV_VARIABLE, secure_boot(on, 1)); /* another PCR */
    ck_assert_int_eq(claim(&log, 0xff), ATT_BOOT_CLAIM_ABSENT);
    softlog_free(&log);
}
END_TEST

/* Kernels hash PCR 0 to 7 of the SHA-1 bank, or 0 to 9, or between the two changes 0 to 7, of a longer one. */
START_TEST(aggregate__has_three_forms_that_prove_something)
{
    static const struct {
        enum att_hash alg;
        uint32_t count;
        bool same;
    } ROWS[] = {{ATT_HASH_SHA1, 8, true},    {ATT_HASH_SHA1, 10, false},
                {ATT_HASH_SHA256, 8, true},  {ATT_HASH_SHA256, 10, true},
                {ATT_HASH_SHA256, 9, false}, {ATT_HASH_SHA384, 10, true},
                {ATT_HASH_SHA512, 10, false}};
    static const uint8_t ZEROS[64];
    struct softlog log = {0};
    struct att_pcr_values values;
    struct att_evlog *l = NULL;
    bool same = true;

    softlog_uefi_boot(&log, NULL, "firmware");
    softlog_uefi(&log, NULL, 8, 0xdU, att_slice_str("grub"));
    l = parsed(&log);
    NEED(att_evlog_replay(&values, l, NULL) == ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(ROWS); i++) {
        const struct att_pcr_bank *bank = att_pcr_bank_find(&values, ROWS[i].alg);
        struct att_slice part[10];
        uint8_t digest[ATT_HASH_MAX];

        for (uint32_t pcr = 0; pcr < ROWS[i].count; pcr++) {
            part[pcr] =
                att_slice_of(bank != NULL ? bank->value[pcr] : ZEROS, att_hash_size(ROWS[i].alg));
        }
        NEED(att_digest(ROWS[i].alg, part, ROWS[i].count, digest) == ATT_OK);
        ck_assert_int_eq(att_bootlog_aggregate(&same, &values, ROWS[i].alg,
                                               att_slice_of(digest, att_hash_size(ROWS[i].alg))),
                         ATT_OK);
        ck_assert_msg(same == ROWS[i].same, "row %zu", i);
    }
    /* the fourth form is all zeros: a kernel that found no TPM, and so extended nothing */
    ck_assert_int_eq(
        att_bootlog_aggregate(&same, &values, ATT_HASH_SHA256, att_slice_of(ZEROS, 32)), ATT_OK);
    ck_assert(!same);
    att_evlog_free(l);
    softlog_free(&log);
}
END_TEST

/*
 * What real firmware does: 10 of 40 machines measure configuration behind the separator of PCR 1, and one
 * measures four zero bytes into PCR 0 before it.
 */
static size_t judge_file(const char *path)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    struct att_boot_rules rules = {.bank = ATT_HASH_SHA256, .pcrs = 0xff, .late = 3};
    struct att_boot_findings found = {0};
    enum att_hash banks[ATT_PCR_BANKS];

    NEED(att_file_read(&bytes, path, ATT_EVLOG_MAX, NULL) == ATT_OK);
    if (att_evlog_parse(&log, att_buf_slice(bytes), NULL) != ATT_OK || att_evlog_count(log) < 14 ||
        att_evlog_banks(log, banks) == 0) {
        return 0; /* not a log, or a fragment of one */
    }
    if (att_evlog_banks(log, banks) == 1 && banks[0] == ATT_HASH_SHA1) {
        rules.bank = ATT_HASH_SHA1;
    }
    ck_assert_int_eq(att_bootlog_check(&found, log, &rules), ATT_OK);
    for (size_t i = 0; i < found.count; i++) {
        /* a fragment, and the logs of confidential machines, which have no PCRs to close */
        ck_assert_msg(found.at[i].reason == ATT_R_LOG_ORDER, "%s: event %u: %s", path,
                      (unsigned int)found.at[i].event, att_reason_code(found.at[i].reason));
    }
    return found.count == 0 ? 1 : 0;
}

START_TEST(check__real_logs_have_their_data_and_their_order)
{
    const char *corpus = getenv("CORPUS");
    char folder[512];
    struct dirent *e = NULL;
    DIR *d = NULL;
    size_t clean = 0;

    (void)snprintf(folder, sizeof(folder), "%s/eventlog", corpus != NULL ? corpus : "");
    d = corpus != NULL ? opendir(folder) : NULL;
    if (d == NULL) {
        return; /* no corpus here */
    }
    while ((e = readdir(d)) != NULL) {
        char path[1024];

        if (strstr(e->d_name, ".json") == NULL && e->d_name[0] != '.' &&
            strstr(e->d_name, ".txt") == NULL) {
            (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
            clean += judge_file(path);
        }
    }
    (void)closedir(d);
    ck_assert_uint_eq(clean, 28);
}
END_TEST

/* A whole gateway: its firmware's log, by all rules, and the kernel's first entry beside it. */
static void judge_gateway(const char *corpus, const char *boot)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bios = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *list = NULL;
    ATT_CLEANUP(att_evlog_freep) struct att_evlog *log = NULL;
    const struct att_boot_rules rules = {.bank = ATT_HASH_SHA256, .pcrs = 0xff};
    struct att_boot_findings found;
    struct att_pcr_values values;
    struct att_ima it;
    struct att_ima_entry e;
    bool more = true;
    bool same = false;
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/gateway-vm/%s/bios.bin", corpus, boot);
    if (att_file_read(&bios, path, ATT_EVLOG_MAX, NULL) != ATT_OK) {
        return; /* no corpus here */
    }
    (void)snprintf(path, sizeof(path), "%s/gateway-vm/%s/ima.bin", corpus, boot);
    NEED(att_file_read(&list, path, ATT_IMA_MAX, NULL) == ATT_OK);
    NEED(att_evlog_parse(&log, att_buf_slice(bios), NULL) == ATT_OK);
    ck_assert_int_eq(att_bootlog_check(&found, log, &rules), ATT_OK);
    ck_assert_uint_eq(found.count, 0);
    NEED(att_evlog_replay(&values, log, NULL) == ATT_OK);
    it = att_ima_from(att_buf_slice(list));
    NEED(att_ima_next(&it, &e, &more, NULL) == ATT_OK && more);
    ck_assert(att_slice_eq(e.path, att_slice_str("boot_aggregate")));
    ck_assert_int_eq(att_bootlog_aggregate(&same, &values, e.alg, e.digest), ATT_OK);
    ck_assert(same);
}

START_TEST(aggregate__is_that_of_a_whole_gateway)
{
    const char *corpus = getenv("CORPUS");

    if (corpus != NULL) {
        judge_gateway(corpus, "A");
        judge_gateway(corpus, "B");
        judge_gateway(corpus, "F");
    }
}
END_TEST

/* docs/formats/logs.md: the smallest crypto-agile log with one event. */
START_TEST(page__has_an_example_that_parses_and_replays)
{
    static const char HEX[] = "0000000003000000"
                              "0000000000000000000000000000000000000000"
                              "21000000"
                              "53706563204944204576656e74303300"
                              "0000000000020002"
                              "010000000400140000"
                              "0400000004000000010000000400"
                              "9069ca78e7450a285173431b3e52c5c25299e473"
                              "0400000000000000";
    const struct att_boot_rules rules = {.bank = ATT_HASH_SHA1, .pcrs = 1U << 4};
    uint8_t bytes[256];
    size_t len = 0;
    struct att_evlog *log = NULL;
    struct att_pcr_values values;
    struct att_boot_findings found;

    NEED(att_hex_decode(bytes, sizeof(bytes), &len, HEX, strlen(HEX)) == ATT_OK);
    ck_assert_int_eq(att_evlog_parse(&log, att_slice_of(bytes, len), NULL), ATT_OK);
    ck_assert_uint_eq(att_evlog_count(log), 2);
    ck_assert(att_evlog_crypto_agile(log));
    ck_assert_int_eq(att_evlog_replay(&values, log, NULL), ATT_OK);
    ck_assert_uint_eq(att_pcr_bank_find(&values, ATT_HASH_SHA1)->has, 1U << 4);
    ck_assert_int_eq(att_bootlog_check(&found, log, &rules), ATT_OK);
    ck_assert_uint_eq(found.count, 0);
    att_evlog_free(log);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        check__an_ordinary_boot_has_no_finding,
        check__a_missing_separator_is_named_by_its_pcr,
        check__a_second_separator_is_found_whatever_its_type,
        check__an_event_behind_the_separator_needs_the_policys_word,
        check__a_separator_that_reports_an_error_is_found,
        check__data_that_is_not_the_digests_is_found_where_the_type_promises_it,
        check__a_boot_variable_may_be_measured_by_its_value,
        secure_boot__is_what_the_firmware_measured_before_its_separator,
        aggregate__has_three_forms_that_prove_something,
        check__real_logs_have_their_data_and_their_order,
        aggregate__is_that_of_a_whole_gateway,
        page__has_an_example_that_parses_and_replays,
    };

    return SUITE_RUN("bootlog", TESTS);
}
