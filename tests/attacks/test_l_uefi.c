/* Attack matrix 4.3, rows about the firmware event log. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "logattack.h"
#include "need.h"

#define EV_NO_ACTION 3U
#define EV_SEPARATOR 4U
#define EV_CRTM      8U
#define EV_IMAGE     0x80000003U
#define EV_ACTION    0x80000007U

/* Events of softlog_uefi_boot, by their place in the log. */
#define CRTM       1
#define VARIABLE   2
#define SEPARATOR0 4
#define IMAGE      12
#define EXIT_1     13
#define EXIT_2     14

#define DIGESTS (4 + 2 + 20 + 2 + 32 + 2 + 48) /* of an event: count, three banks */

static struct softlog *boot_log(struct log_scene *s)
{
    return &s->g->log[ATT_LOG_UEFI];
}

static void copy_record(const struct softlog *log, size_t n, uint8_t room[1024], size_t *len)
{
    size_t off;

    log_event_at(log, n, &off, len);
    NEED(*len <= 1024);
    memcpy(room, log->p + off, *len);
}

START_TEST(L_01__an_event_removed_moved_or_repeated_is_refused)
{
    struct log_scene s;
    uint8_t record[1024];
    size_t off;
    size_t len;
    size_t next;

    log_scene_open(&s, "l-01", _i, NULL);
    copy_record(boot_log(&s), _i == 0 ? CRTM : _i == 1 ? EXIT_1 : IMAGE, record, &len);
    log_event_at(boot_log(&s), _i == 0 ? CRTM : _i == 1 ? EXIT_1 : IMAGE, &off, &next);
    if (_i < 2) {
        softlog_splice(boot_log(&s), off, len, att_slice_of(NULL, 0));
    }
    if (_i > 0) {
        softlog_splice(boot_log(&s), _i == 1 ? boot_log(&s)->len : off, 0,
                       att_slice_of(record, len));
    }
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

/* The digest stays, so the log leads to the quote; its words are not those that were measured. */
START_TEST(L_02__data_that_is_not_the_digests_is_refused)
{
    static const size_t EVENT[] = {VARIABLE, SEPARATOR0, EXIT_1};
    struct log_scene s;
    size_t off;
    size_t len;

    log_scene_open(&s, "l-02", _i, NULL);
    log_event_at(boot_log(&s), EVENT[_i], &off, &len);
    boot_log(&s)->p[off + len - 1] ^= 1;
    log_scene_fails(&s, "E_LOG_DIGEST");
}
END_TEST

/* Names of firmware and images are descriptions: they change nothing and come out nowhere. */
START_TEST(L_03__data_that_no_digest_covers_is_ignored)
{
    static const size_t EVENT[] = {CRTM, IMAGE};
    struct log_scene s;
    size_t off;
    size_t len;

    log_scene_open(&s, "l-03", _i, NULL);
    log_event_at(boot_log(&s), EVENT[_i], &off, &len);
    memcpy(boot_log(&s)->p + off + 8 + DIGESTS + 4, "FORGED", 6);
    ck_assert_int_eq(gateway_attest(s.g, &s.a), 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    ck_assert_ptr_null(memmem(s.a.outcome.label.p, s.a.outcome.label.len, "FORGED", 6));
    log_scene_close(&s);
}
END_TEST

/* The record of an extend, told as one that was not: its digest must not repair the replay. */
START_TEST(L_04__no_action_with_a_digest_is_not_extended)
{
    struct log_scene s;
    size_t off;
    size_t len;

    log_scene_open(&s, "l-04", _i, NULL);
    log_event_at(boot_log(&s), _i == 0 ? CRTM : IMAGE, &off, &len);
    log_put_u32(boot_log(&s), off + 4, EV_NO_ACTION);
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

/* A StartupLocality record, inserted before the n-th. */
static void insert_locality(struct log_scene *s, size_t n, uint8_t locality, size_t len)
{
    struct softlog one = {0};
    uint8_t data[18] = "StartupLocality";
    size_t spec;
    size_t off;
    size_t skip;

    data[16] = locality;
    softlog_uefi(&one, NULL, 0, EV_NO_ACTION, att_slice_of(data, len));
    log_event_at(boot_log(s), 0, &off, &spec); /* its Spec ID record, as long as this one */
    log_event_at(boot_log(s), n, &off, &skip);
    softlog_splice(boot_log(s), off, 0, att_slice_of(one.p + spec, one.len - spec));
    softlog_free(&one);
}

START_TEST(L_05__forged_locality_does_not_lead_to_the_quote)
{
    struct log_scene s;

    log_scene_open(&s, "l-05", _i, NULL);
    insert_locality(&s, CRTM, _i == 0 ? 3 : 4, 17);
    log_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

START_TEST(L_05__only_the_first_locality_counts)
{
    struct log_scene s;

    log_scene_open(&s, "l-05-first", _i, NULL);
    insert_locality(&s, CRTM, 0, 17);
    insert_locality(&s, IMAGE, 3, 17);
    log_scene_affirms(&s);
}
END_TEST

START_TEST(L_05__impossible_locality_is_malformed)
{
    static const struct {
        uint8_t locality;
        size_t len;
    } ROWS[] = {{1, 17}, {2, 17}, {5, 17}, {255, 17}, {0, 16}, {0, 18}};
    struct log_scene s;

    log_scene_open(&s, "l-05-bad", _i, NULL);
    insert_locality(&s, CRTM, ROWS[_i].locality, ROWS[_i].len);
    log_scene_malformed(&s, "E_FMT_UEFI");
}
END_TEST

/* A log of the SHA-1 form with one event. */
static void sha1_log(struct softlog *log, uint32_t pcr)
{
    uint8_t record[64] = {0};
    struct att_wr w = att_wr_into(record, sizeof(record));
    uint8_t digest[20] = {1};

    att_wr_u32le(&w, pcr);
    att_wr_u32le(&w, EV_CRTM);
    att_wr_bytes(&w, digest, sizeof(digest));
    att_wr_u32le(&w, 4);
    att_wr_bytes(&w, "1.0", 4);
    softlog_clear(log);
    softlog_raw(log, att_slice_of(record, w.len));
}

START_TEST(L_06__index_above_the_last_pcr_is_malformed)
{
    static const uint32_t PCR[] = {24, 31, 32, 0xffffffffU};
    struct log_scene s;
    size_t off;
    size_t len;

    log_scene_open(&s, "l-06", _i, NULL);
    if (_i < 4) {
        log_event_at(boot_log(&s), IMAGE, &off, &len);
        log_put_u32(boot_log(&s), off, PCR[_i]);
    } else {
        sha1_log(boot_log(&s), PCR[_i - 4]);
    }
    log_scene_malformed(&s, "E_FMT_UEFI");
}
END_TEST

START_TEST(L_07__size_that_does_not_fit_is_malformed)
{
    static const uint32_t SIZE[] = {0, 0xffffffffU, 0};
    struct log_scene s;
    struct softlog *log;
    size_t off;
    size_t len;
    size_t at;
    uint32_t size;

    log_scene_open(&s, "l-07", _i, NULL);
    log = boot_log(&s);
    log_event_at(log, _i == 0 ? IMAGE : EXIT_2, &off, &len);
    at = off + 8 + DIGESTS;
    size = _i == 2 ? (uint32_t)(log->len - at - 4 + 1) : SIZE[_i];
    if (_i == 0) {
        softlog_splice(log, at + 4, len - (at + 4 - off), att_slice_of(NULL, 0));
    }
    log_put_u32(log, at, size);
    log_scene_malformed(&s, "E_FMT_UEFI");
}
END_TEST

/* What stands at a byte of the record, lied about; the rest no longer fits. */
static void lie_about_digests(struct softlog *log, size_t off, int i)
{
    static const struct {
        size_t at; /* from the start of the record */
        uint32_t v;
    } ROWS[] = {{8, 0}, {8, 17}, {8, 0xffffffffU}, {12, 0x7777}, {12, 0x12}, {34, ATT_HASH_SHA1}};

    off += ROWS[i].at;
    if (ROWS[i].at == 8) {
        log_put_u32(log, off, ROWS[i].v);
    } else {
        log->p[off] = (uint8_t)ROWS[i].v;
        log->p[off + 1] = (uint8_t)(ROWS[i].v >> 8);
    }
}

/* A record that is whole: without any digest, with a bank twice, with a bank that was not announced. */
static void replace_digests(struct softlog *log, size_t off, int i)
{
    static const uint8_t twice[2 + 20] = {ATT_HASH_SHA1}, other[2 + 64] = {ATT_HASH_SHA512};
    const size_t third = 8 + 4 + 2 + 20 + 2 + 32; /* behind SHA-1 and SHA-256 */

    if (i == 0) {
        log_put_u32(log, off + 8, 0);
        softlog_splice(log, off + 8 + 4, DIGESTS - 4, att_slice_of(NULL, 0));
        return;
    }
    softlog_splice(log, off + third, 2 + 48,
                   i == 1 ? att_slice_of(twice, sizeof(twice))
                          : att_slice_of(other, sizeof(other)));
}

START_TEST(L_08__digest_list_that_lies_is_malformed)
{
    struct log_scene s;
    size_t off;
    size_t len;

    log_scene_open(&s, "l-08", _i, NULL);
    log_event_at(boot_log(&s), IMAGE, &off, &len);
    if (_i < 6) {
        lie_about_digests(boot_log(&s), off, _i);
    } else {
        replace_digests(boot_log(&s), off, _i - 6);
    }
    log_scene_malformed(&s, "E_FMT_UEFI");
}
END_TEST

/* Spec ID: missing, in second place, a vendor size and an algorithm's size that lie, a bank twice, none. */
START_TEST(L_09__spec_id_that_is_wrong_is_malformed)
{
    struct log_scene s;
    struct softlog *log;
    uint8_t record[1024];
    size_t off;
    size_t len;

    log_scene_open(&s, "l-09", _i, NULL);
    log = boot_log(&s);
    copy_record(log, 0, record, &len);
    off = 32 + 16 + 8; /* numberOfAlgorithms */
    if (_i == 0) {
        softlog_splice(log, 0, len, att_slice_of(NULL, 0));
    } else if (_i == 1) {
        struct softlog second = {0};

        softlog_uefi(&second, NULL, 0, EV_NO_ACTION, att_slice_of(record + 32, len - 32));
        softlog_splice(log, len, 0, att_slice_of(second.p + len, second.len - len));
        softlog_free(&second);
    } else {
        static const size_t AT[] = {0, 0, 12 + 4, 4 + 2, 4 + 4, 0};
        static const uint8_t V[] = {0, 0, 1, 21, ATT_HASH_SHA1, 0};

        log->p[off + AT[_i]] = V[_i];
    }
    log_scene_malformed(&s, "E_FMT_UEFI");
}
END_TEST

/* Shorter than the text that it begins like: compared by length, and no more than a remark. */
START_TEST(L_10__short_fixed_string_is_not_read_beyond_its_end)
{
    struct log_scene s;

    log_scene_open(&s, "l-10", _i, NULL);
    insert_locality(&s, CRTM, 3, (size_t)_i + 1);
    log_scene_affirms(&s);
}
END_TEST

/* ---- order: what was measured so, honestly quoted -------------------------------------------- */

static uint32_t order_pcr;
static enum { ORDER_NONE, ORDER_TWICE, ORDER_LATE, ORDER_ERROR } order_kind;

static void disordered_boot(struct softlog *log, struct softtpm *tpm)
{
    static const uint8_t zero[4];
    static const uint8_t failed[4] = {1, 0, 0, 0};
    uint32_t pcr;

    softlog_uefi(log, tpm, 0, EV_CRTM, att_slice_str("firmware 1.0"));
    for (pcr = 0; pcr < 8; pcr++) {
        bool here = pcr == order_pcr;

        if (!here || order_kind != ORDER_NONE) {
            softlog_uefi(log, tpm, pcr, EV_SEPARATOR,
                         att_slice_of(here && order_kind == ORDER_ERROR ? failed : zero, 4));
        }
        if (here && order_kind == ORDER_TWICE) {
            softlog_uefi(log, tpm, pcr, EV_SEPARATOR, att_slice_of(zero, 4));
        }
        if (here && order_kind == ORDER_LATE) {
            softlog_uefi(log, tpm, pcr, EV_IMAGE, att_slice_str("late"));
        }
    }
}

static const struct gateway_plan DISORDERED = {.uefi = disordered_boot};

START_TEST(L_11__boot_without_a_separator_is_refused)
{
    struct log_scene s;

    order_kind = ORDER_NONE;
    order_pcr = (uint32_t)_i;
    log_scene_open(&s, "l-11-none", _i, &DISORDERED);
    log_scene_fails(&s, "E_LOG_ORDER");
}
END_TEST

START_TEST(L_11__second_separator_is_refused)
{
    struct log_scene s;

    order_kind = ORDER_TWICE;
    order_pcr = (uint32_t)_i;
    log_scene_open(&s, "l-11-two", _i, &DISORDERED);
    log_scene_fails(&s, "E_LOG_ORDER");
}
END_TEST

START_TEST(L_11__event_behind_the_separator_is_refused)
{
    static const uint32_t PCR[] = {0, 1, 2, 3, 6};
    struct log_scene s;

    order_kind = ORDER_LATE;
    order_pcr = PCR[_i];
    log_scene_open(&s, "l-11-late", _i, &DISORDERED);
    log_scene_fails(&s, "E_LOG_ORDER");
}
END_TEST

START_TEST(L_11__separator_that_reports_an_error_is_refused)
{
    struct log_scene s;

    order_kind = ORDER_ERROR;
    order_pcr = 2;
    log_scene_open(&s, "l-11-error", _i, &DISORDERED);
    log_scene_fails(&s, "E_LOG_BOOT_ERROR");
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"L-01", L_01__an_event_removed_moved_or_repeated_is_refused, 3, 0},
        {"L-02", L_02__data_that_is_not_the_digests_is_refused, 3, 0},
        {"L-03", L_03__data_that_no_digest_covers_is_ignored, 2, 0},
        {"L-04", L_04__no_action_with_a_digest_is_not_extended, 2, 0},
        {"L-05", L_05__forged_locality_does_not_lead_to_the_quote, 2, 0},
        {"L-05-first", L_05__only_the_first_locality_counts, 0, 0},
        {"L-05-value", L_05__impossible_locality_is_malformed, 6, 0},
        {"L-06", L_06__index_above_the_last_pcr_is_malformed, 8, 0},
        {"L-07", L_07__size_that_does_not_fit_is_malformed, 3, 0},
        {"L-08", L_08__digest_list_that_lies_is_malformed, 9, 0},
        {"L-09", L_09__spec_id_that_is_wrong_is_malformed, 6, 0},
        {"L-10", L_10__short_fixed_string_is_not_read_beyond_its_end, 15, 0},
        {"L-11-none", L_11__boot_without_a_separator_is_refused, 8, 0},
        {"L-11-two", L_11__second_separator_is_refused, 8, 0},
        {"L-11-late", L_11__event_behind_the_separator_is_refused, 5, 0},
        {"L-11-error", L_11__separator_that_reports_an_error_is_refused, 0, 0},
    };

    return attack_main("attacks: firmware log", rows, ATT_COUNT(rows), NULL);
}
