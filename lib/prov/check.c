/* The table of checks, and what is common to them. */
#include "prov/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/guard.h"
#include "prov/check_internal.h"

const struct att_check_row att_checks[ATT_CHECKS] = {
    {"TC-01", "identity of the sensor", "センサーの識別", "R2-SWAP R2-GENUINE", "DS-13 AC-1",
     ATT_REPEAT_EXACT, att_tc_identity},
    {"TC-02", "boot and agent", "起動とエージェント", "R2-VULN", "DS-10 DS-13", ATT_REPEAT_WORD,
     att_tc_boot},
    {"TC-03", "driver and fieldbus", "ドライバーとフィールドバス", "R2-VULN R2-MGMT", "DS-10",
     ATT_REPEAT_WORD, att_tc_driver},
    {"TC-04", "register map", "レジスタ割り当て", "R2-MGMT R2-QUAL", "IP-1 DS-11", ATT_REPEAT_EXACT,
     att_tc_register_map},
    {"TC-05", "calibration in force", "校正の有効期間", "R2-MEAS R2-MGMT", "IP-1 DS-15",
     ATT_REPEAT_WORD, att_tc_calibration},
    {"TC-06", "specification named", "仕様の指定", "R3-SOURCE R2-MGMT", "DS-14", ATT_REPEAT_EXACT,
     att_tc_spec},
    {"TC-07", "sampling as specified", "採取間隔", "R2-MGMT", "IP-1 CM-6", ATT_REPEAT_PAST,
     att_tc_settings},
    {"TC-08", "value from raw frame", "生フレームからの再計算", "R2-VULN R2-MEAS", "CM-3 DS-15",
     ATT_REPEAT_EXACT, att_tc_recomputed},
    {"TC-09", "second path", "第二経路", "R2-VULN R2-IMPERS", "CM-3", ATT_REPEAT_EXACT,
     att_tc_second_path},
    {"TC-10", "reference stimulus", "基準刺激", "R2-MEAS R2-QUAL", "DS-7 CM-3", ATT_REPEAT_EXACT,
     att_tc_stimulus},
    {"TC-11", "round trip", "往復変換", "R2-QUAL", "CM-3", ATT_REPEAT_EXACT, att_tc_round_trip},
    {"TC-12", "unit and resolution", "単位と分解能", "R2-QUAL", "DS-15", ATT_REPEAT_EXACT,
     att_tc_unit},
    {"TC-13", "range", "範囲", "R2-MEAS R2-QUAL", "CM-3", ATT_REPEAT_EXACT, att_tc_range},
    {"TC-14", "rate of change", "変化率", "R2-MEAS", "CM-3", ATT_REPEAT_PAST, att_tc_rate},
    {"TC-15", "stuck or too quiet", "固着", "R2-MEAS R2-SWAP", "CM-3", ATT_REPEAT_PAST,
     att_tc_quiet},
    {"TC-16", "redundancy", "冗長", "R2-MEAS R2-QUAL", "CM-3 DS-7", ATT_REPEAT_PAST,
     att_tc_redundancy},
    {"TC-17", "physical balance", "物理収支", "R2-MEAS", "CM-3", ATT_REPEAT_PAST, att_tc_balance},
    {"TC-18", "replay", "再送", "R2-IMPERS R3-SOURCE", "CM-4 DS-11", ATT_REPEAT_PAST,
     att_tc_replay},
    {"TC-19", "sequence", "連番", "R3-TAMPER R2-DOS", "DS-11 PT-1", ATT_REPEAT_PAST,
     att_tc_sequence},
    {"TC-20", "clock", "時計", "R3-TAMPER", "PT-1 DS-14", ATT_REPEAT_PAST, att_tc_clock},
    {"TC-21", "age of the sample", "採取からの時間", "R2-DOS R2-QUAL", "CM-3", ATT_REPEAT_EXACT,
     att_tc_age},
    {"TC-22", "command signed", "指令の署名", "R2-IMPERS R2-MGMT", "CM-4 AC-9", ATT_REPEAT_WORD,
     att_tc_command},
    {"TC-23", "command allowed", "指令の範囲とインターロック", "R2-SAFETY", "CM-3", ATT_REPEAT_PAST,
     att_tc_interlock},
    {"TC-24", "command followed", "指令への追従", "R2-SAFETY R2-VULN", "CM-3", ATT_REPEAT_PAST,
     att_tc_feedback},
    {"TC-25", "fail-safe state", "フェイルセーフ状態", "R2-SAFETY R2-DOS", "PT-3 MI-1",
     ATT_REPEAT_PAST, att_tc_fail_safe},
    {"TC-26", "record complete", "記録の完全性", "R3-TAMPER R3-SOURCE", "AM-3 DS-14",
     ATT_REPEAT_EXACT, att_tc_complete},
    {"TC-27", "storage", "保管", "R3-TAMPER", "AM-3 PT-1", ATT_REPEAT_WORD, att_tc_storage},
    {"TC-28", "seals", "封印", "R2-MEAS R2-SWAP", "DS-8 CM-2", ATT_REPEAT_PAST, att_tc_seal},
};

size_t att_check_index(const struct att_check_in *in)
{
    return (size_t)(in->channel - in->spec->channel);
}

const struct att_past *att_check_past(const struct att_check_in *in)
{
    return in->past[att_check_index(in)];
}

/* Fresh: not older than two of its periods and the age that it may have, beside the sample that is judged. */
const struct att_past_sample *att_check_latest(const struct att_check_in *in, size_t channel)
{
    const struct att_past_sample *p = att_past_at(in->past[channel], 0);
    const struct att_channel *c = &in->spec->channel[channel];
    uint64_t old_ms = 0;

    if (p == NULL)
        return NULL;
    old_ms = in->now->from_ms > p->from_ms ? in->now->from_ms - p->from_ms : 0;
    return old_ms <= (uint64_t)(2 * c->period_ms + c->max_age_ms) ? p : NULL;
}

enum att_check_status att_check_no(struct att_diag *why, const char *field, const char *fmt, ...)
{
    char text[ATT_DIAG_TEXT];
    va_list args;

    if (why == NULL)
        return ATT_CHECK_FAIL;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)att_fail(why, ATT_E_MISMATCH, ATT_R_PRV_CHECK, field, "%s", text);
    return ATT_CHECK_FAIL;
}

enum att_check_status att_check_worse(enum att_check_status a, enum att_check_status b)
{
    if (a == ATT_CHECK_NOT_APPLICABLE || b == ATT_CHECK_NOT_APPLICABLE)
        return a == ATT_CHECK_NOT_APPLICABLE ? b : a;
    if (a == ATT_CHECK_FAIL || b == ATT_CHECK_FAIL)
        return ATT_CHECK_FAIL;
    return a == ATT_CHECK_NOT_RUN ? a : b;
}

bool att_check_within(struct att_decimal a, struct att_decimal b, struct att_decimal tolerance)
{
    struct att_decimal d = {0};

    return att_decimal_subtract(&d, a, b) == ATT_OK &&
           att_decimal_compare(att_decimal_abs(d), tolerance) <= 0;
}

void att_check_run(uint8_t out[ATT_CHECKS], const struct att_check_in *in, struct att_diag *first)
{
    for (size_t i = 0; i < ATT_CHECKS; i++) {
        out[i] = (uint8_t)att_checks[i].run(in, first);
        if (out[i] == ATT_CHECK_FAIL)
            first = NULL;
    }
}

/* A filter looks back, so that a partner who begins in the middle cannot compute the first values. */
static enum att_repeat repeat_of(const struct att_check_in *in, size_t i)
{
    if ((i == ATT_TC_08_RECOMPUTED || i == ATT_TC_13_RANGE) &&
        in->channel->filter != ATT_FILTER_NONE)
        return ATT_REPEAT_PAST;
    return att_checks[i].repeat;
}

/* Whether a check applies follows from the specification alone. */
static bool agrees(enum att_repeat repeat, enum att_check_status said, enum att_check_status here)
{
    if (said == here)
        return true;
    if ((said == ATT_CHECK_NOT_APPLICABLE) != (here == ATT_CHECK_NOT_APPLICABLE))
        return false;
    return repeat != ATT_REPEAT_EXACT && here != ATT_CHECK_FAIL;
}

enum att_err att_check_repeat(unsigned int *repeated, const struct att_check_in *in,
                              struct att_diag *diag)
{
    unsigned int count = 0;

    for (size_t i = 0; i < ATT_CHECKS; i++) {
        enum att_check_status said = in->now->check[i];
        enum att_check_status here = att_checks[i].run(in, NULL);

        if (ATT_GUARD(PRV_CHECKS, !agrees(repeat_of(in, i), said, here)))
            return att_fail(diag, ATT_E_MISMATCH, ATT_R_PRV_CHECK, "checks",
                            "%s (%s): the record says %s, and its bytes lead to %s",
                            att_checks[i].id, att_checks[i].title_en, att_check_word(said),
                            att_check_word(here));
        count += said == here && att_checks[i].repeat != ATT_REPEAT_WORD &&
                         here != ATT_CHECK_NOT_APPLICABLE && here != ATT_CHECK_NOT_RUN
                     ? 1
                     : 0;
    }
    if (repeated != NULL)
        *repeated = count;
    return ATT_OK;
}

bool att_check_failed(const uint8_t check[ATT_CHECKS])
{
    for (size_t i = 0; i < ATT_CHECKS; i++)
        if (check[i] == ATT_CHECK_FAIL)
            return true;
    return false;
}

static bool all_pass(const uint8_t check[ATT_CHECKS], const uint8_t *which, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (check[which[i]] != ATT_CHECK_PASS)
            return false;
    return true;
}

int att_check_grade(const uint8_t check[ATT_CHECKS], bool output)
{
    static const uint8_t T1[] = {ATT_TC_01_IDENTITY,     ATT_TC_02_BOOT,        ATT_TC_03_DRIVER,
                                 ATT_TC_04_REGISTER_MAP, ATT_TC_05_CALIBRATION, ATT_TC_06_SPEC,
                                 ATT_TC_07_SETTINGS,     ATT_TC_26_COMPLETE};
    static const uint8_t T2[] = {ATT_TC_08_RECOMPUTED, ATT_TC_09_SECOND_PATH, ATT_TC_19_SEQUENCE,
                                 ATT_TC_20_CLOCK, ATT_TC_21_AGE};
    bool seen_twice = check[ATT_TC_10_STIMULUS] == ATT_CHECK_PASS ||
                      check[ATT_TC_16_REDUNDANCY] == ATT_CHECK_PASS ||
                      check[ATT_TC_17_BALANCE] == ATT_CHECK_PASS;

    if (!all_pass(check, T1, ATT_COUNT(T1)))
        return 0;
    if (!all_pass(check, T2, ATT_COUNT(T2)))
        return 1;
    return seen_twice && (!output || check[ATT_TC_24_FEEDBACK] == ATT_CHECK_PASS) ? 3 : 2;
}
