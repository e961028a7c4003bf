/* Attack matrix 4.3, rows about the kernel's list as a whole: its start, its end, its PCR, its size. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/wr.h"
#include "evidence/profile.h"
#include "logattack.h"
#include "need.h"

#define IMA_PCR 10U

static struct softlog *list(struct log_scene *s)
{
    return &s->g->log[ATT_LOG_IMA];
}

static void files(struct softlog *log, struct softtpm *tpm)
{
    size_t i;

    for (i = 0; i < GATEWAY_FILE_COUNT; i++) {
        softlog_ima(log, tpm, gateway_files[i], att_slice_str(gateway_contents[i]));
    }
}

/* ---- boot_aggregate -------------------------------------------------------------------------- */

enum start {
    START_NONE,     /* no boot_aggregate */
    START_EMPTY,    /* no entry at all */
    START_OTHER,    /* of other PCR values */
    START_ZERO,     /* of a kernel that found no TPM */
    START_EIGHT,    /* PCR 0 to 7 of the bank: kernels between two changes */
    START_NINE,     /* PCR 0 to 8: no kernel */
    START_SHA1,     /* PCR 0 to 7 of the SHA-1 bank: kernels before 5.8 */
    START_SHA1_TEN, /* PCR 0 to 9 of it: no kernel */
    START_SHA384,
    START_VIOLATION
};

static enum start how;

/* An ima-ng entry boot_aggregate over the first PCRs of a bank. */
static void aggregate(struct softlog *log, struct softtpm *tpm, enum att_hash bank, uint32_t count)
{
    size_t size = att_hash_size(bank);
    const char *name = att_hash_name(bank);
    struct att_slice part[10];
    uint8_t digest[ATT_HASH_MAX];
    uint8_t room[256];
    struct att_wr w = att_wr_into(room, sizeof(room));
    uint32_t pcr;

    for (pcr = 0; pcr < count; pcr++) {
        part[pcr] = att_slice_of(softtpm_pcr(tpm, bank, pcr), size);
    }
    NEED(att_digest(bank, part, count, digest) == ATT_OK);
    att_wr_u32le(&w, (uint32_t)(strlen(name) + 2 + size));
    att_wr_bytes(&w, name, strlen(name));
    att_wr_bytes(&w, ":", 2);
    att_wr_bytes(&w, digest, size);
    att_wr_u32le(&w, 15);
    att_wr_bytes(&w, "boot_aggregate", 15);
    NEED(att_wr_ok(&w));
    softlog_ima_template(log, tpm, IMA_PCR, "ima-ng", att_slice_of(room, w.len));
}

static void list_that_starts(struct softlog *log, struct softtpm *tpm)
{
    static const uint8_t other[32] = {1};
    static const uint8_t zero[32];

    switch (how) {
    case START_EMPTY:
        return;
    case START_NONE:
        break;
    case START_OTHER:
        softlog_ima_digest(log, tpm, "boot_aggregate", other);
        break;
    case START_ZERO:
        softlog_ima_digest(log, tpm, "boot_aggregate", zero);
        break;
    case START_EIGHT:
    case START_NINE:
        aggregate(log, tpm, ATT_HASH_SHA256, how == START_EIGHT ? 8 : 9);
        break;
    case START_SHA1:
    case START_SHA1_TEN:
        aggregate(log, tpm, ATT_HASH_SHA1, how == START_SHA1 ? 8 : 10);
        break;
    case START_SHA384:
        aggregate(log, tpm, ATT_HASH_SHA384, 10);
        break;
    case START_VIOLATION:
        softlog_ima_violation(log, tpm, "boot_aggregate");
        break;
    }
    files(log, tpm);
}

static const struct gateway_plan STARTS = {.ima = list_that_starts};

START_TEST(L_20__list_that_does_not_start_with_this_boot_is_refused)
{
    static const enum start HOW[] = {START_NONE, START_EMPTY,    START_OTHER,    START_ZERO,
                                     START_NINE, START_SHA1_TEN, START_VIOLATION};
    struct log_scene s;

    how = HOW[_i];
    log_scene_open(&s, "l-20", _i, &STARTS);
    log_scene_fails(&s, "E_LOG_AGGREGATE");
}
END_TEST

START_TEST(L_20__forms_that_kernels_write_are_taken)
{
    static const enum start HOW[] = {START_EIGHT, START_SHA1, START_SHA384};
    struct log_scene s;

    how = HOW[_i];
    log_scene_open(&s, "l-20-form", _i, &STARTS);
    log_scene_affirms(&s);
}
END_TEST

static void no_file(struct softlog *log, struct softtpm *tpm)
{
    softlog_ima_boot_aggregate(log, tpm);
}

START_TEST(L_21__list_of_no_file_is_refused)
{
    static const struct gateway_plan EMPTY = {.ima = no_file};
    struct log_scene s;

    log_scene_open(&s, "l-21", _i, &EMPTY);
    log_scene_fails(&s, "E_LOG_COVERAGE");
}
END_TEST

/* An IMA rule "pcr=11": what it lists leads elsewhere than to the PCR that is quoted for the list. */
static void other_pcr(struct softlog *log, struct softtpm *tpm)
{
    uint8_t data[128];
    struct att_wr w = att_wr_into(data, sizeof(data));
    uint8_t digest[32];

    gateway_usual_ima(log, tpm);
    SHA256((const uint8_t *)gateway_contents[0], strlen(gateway_contents[0]), digest);
    att_wr_u32le(&w, 40);
    att_wr_bytes(&w, "sha256:", 8);
    att_wr_bytes(&w, digest, 32);
    att_wr_u32le(&w, 7);
    att_wr_bytes(&w, "/usr/x", 7);
    softlog_ima_template(log, tpm, 11, "ima-ng", att_slice_of(data, w.len));
}

START_TEST(L_22__entry_of_another_pcr_is_refused)
{
    static const struct gateway_plan OTHER = {.ima = other_pcr};
    struct log_scene s;

    log_scene_open(&s, "l-22", _i, &OTHER);
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

/* ---- kexec ----------------------------------------------------------------------------------- */

static bool second_lies;

static void carried_over(struct softlog *log, struct softtpm *tpm)
{
    static const uint8_t other[32] = {1};

    gateway_usual_ima(log, tpm);
    if (second_lies) {
        softlog_ima_digest(log, tpm, "boot_aggregate", other);
    } else {
        softlog_ima_boot_aggregate(log, tpm);
    }
    files(log, tpm);
}

static const struct gateway_plan KEXEC = {.ima = carried_over};

START_TEST(L_23__list_that_goes_on_after_kexec_needs_the_policys_word)
{
    struct log_scene s;

    second_lies = false;
    log_scene_open(&s, "l-23", _i, &KEXEC);
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

/* Whatever the verdict: the operator is told that it was a kexec, and which rule decides. */
static void expect_explained(const struct gateway_attempt *a, bool decides)
{
    bool told = false;
    bool named = false;

    for (size_t i = 0; i < a->outcome.state_count; i++) {
        told = told || att_slice_eq(a->outcome.state[i].code, att_slice_str("E_TIME_KEXEC"));
    }
    for (size_t i = 0; i < a->outcome.reason_count; i++) {
        const struct att_slice text = a->outcome.reason[i].text;

        named = named || memmem(text.p, text.len, "ima_kexec", 9) != NULL;
    }
    ck_assert(told);
    ck_assert_int_eq(named, decides);
}

static void kexec_at(const char *rule, bool lies, const char *code)
{
    const struct service_options options = {.policy = policy_with("  - {id: tpm, ", rule)};
    struct service *service = service_new(&options);
    struct log_scene s;

    service_start(service);
    second_lies = lies;
    log_scene_open_at(&s, service, "l-23", &KEXEC);
    (void)gateway_attest(s.g, &s.a);
    expect_explained(&s.a, code != NULL && !lies);
    if (code != NULL) {
        log_scene_fails(&s, code);
    } else {
        log_scene_affirms(&s);
    }
    service_free(service);
}

#define KEXEC_RULE(verdict)                                                                        \
    "  - {id: kexec, severity: fail, ima_kexec: " verdict ", title: {en: k, ja: k}}\n  - {id: "    \
    "tpm, "

START_TEST(L_23__kexec_is_judged_by_the_switch_of_the_policy)
{
    switch (_i) {
    case 0:
        kexec_at(KEXEC_RULE("ignore"), false, NULL);
        break;
    case 1:
        kexec_at(KEXEC_RULE("fail"), false, "E_LOG_PCR");
        break;
    default: /* the kernel that took over knew another boot: an entry that somebody made up */
        kexec_at(KEXEC_RULE("ignore"), true, "E_LOG_AGGREGATE");
        break;
    }
}
END_TEST

/* The PCR stays over kexec; a list that begins anew does not lead to it. */
START_TEST(L_23__list_that_begins_anew_does_not_lead_to_the_quote)
{
    struct log_scene s;

    log_scene_open(&s, "l-23-anew", _i, NULL);
    softlog_clear(list(&s));
    gateway_usual_ima(list(&s), s.g->tpm);
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

START_TEST(L_24__list_cut_to_an_earlier_end_is_refused)
{
    struct log_scene s;
    size_t off;
    size_t len;

    log_scene_open(&s, "l-24", _i, NULL);
    log_entry_at(list(&s), (size_t)_i, &off, &len);
    list(&s)->len = off;
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

/* ---- size ------------------------------------------------------------------------------------ */

#define MANY 40000

START_TEST(L_25__evidence_over_the_limit_is_refused_before_it_is_read)
{
    char head[1024];
    struct log_scene s;
    struct client_answer answer = {0};
    char *before = NULL;

    log_scene_open(&s, "l-25", _i, NULL);
    ck_assert_int_eq(gateway_prepare(s.g, &s.a), 201);
    before = attack_records();
    /* 10^6 entries are about 100 MB */
    snprintf(head, sizeof(head),
             "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: 100000000\r\n"
             "Accept: application/concise-problem-details+cbor\r\n\r\n",
             s.a.path, ATT_TYPE_EVIDENCE);
    client_request_raw(s.g->client, &answer, head, att_slice_of(NULL, 0));
    attack_refused(&answer, 413, "E_LIM_SIZE");
    attack_same_records(before);
    client_answer_clear(&answer);
    log_scene_close(&s);
}
END_TEST

static void long_list(struct softlog *log, struct softtpm *tpm)
{
    int i;

    gateway_usual_ima(log, tpm);
    for (i = 0; i < MANY; i++) {
        char path[96];

        snprintf(path, sizeof(path), "/usr/lib/x86_64-linux-gnu/package-%d/libname.so.%d", i,
                 i % 7);
        softlog_ima(log, tpm, path, att_slice_str(gateway_contents[0]));
    }
}

/* Only what is new is sent and judged: ten entries cost what ten entries cost. */
START_TEST(L_25__ten_new_entries_on_a_long_list_are_judged_at_once)
{
    static const struct gateway_plan LONG = {.ima = long_list};
    int64_t best = INT64_MAX;
    struct log_scene s;
    int round;

    log_scene_open(&s, "l-25-more", _i, &LONG);
    client_set_timeout(s.g->client, 30000);
    ck_assert_int_eq(gateway_attest(s.g, &s.a), 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    for (round = 0; round < 5; round++) {
        int64_t start;
        int i;

        for (i = 0; i < 10; i++) {
            softlog_ima(list(&s), s.g->tpm, "/usr/x", att_slice_str(gateway_contents[0]));
        }
        gateway_attempt_clear(&s.a);
        ck_assert_int_eq(gateway_prepare(s.g, &s.a), 201);
        ck_assert_uint_lt(att_buf_len(s.a.evidence), 8192);
        start = attack_now_ms();
        ck_assert_int_eq(gateway_send(s.g, &s.a), 200);
        best = attack_now_ms() - start < best ? attack_now_ms() - start : best;
        ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    }
    ck_assert_int_le(best, 50);
    log_scene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"L-20", L_20__list_that_does_not_start_with_this_boot_is_refused, 7, 0},
        {"L-20-form", L_20__forms_that_kernels_write_are_taken, 3, 0},
        {"L-21", L_21__list_of_no_file_is_refused, 0, 0},
        {"L-22", L_22__entry_of_another_pcr_is_refused, 0, 0},
        {"L-23", L_23__list_that_goes_on_after_kexec_needs_the_policys_word, 0, 0},
        {"L-23-policy", L_23__kexec_is_judged_by_the_switch_of_the_policy, 3, 0},
        {"L-23-anew", L_23__list_that_begins_anew_does_not_lead_to_the_quote, 0, 0},
        {"L-24", L_24__list_cut_to_an_earlier_end_is_refused, 1 + GATEWAY_FILE_COUNT, 0},
        {"L-25", L_25__evidence_over_the_limit_is_refused_before_it_is_read, 0, 0},
        {"L-25-more", L_25__ten_new_entries_on_a_long_list_are_judged_at_once, 0, 120},
    };

    return attack_main("attacks: kernel list", rows, ATT_COUNT(rows), NULL);
}
