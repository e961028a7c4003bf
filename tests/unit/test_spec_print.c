/* Specifications as text again, and what differs between two. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/utf8.h"
#include "prov/spec_print.h"
#include "prov/spec_words.h"
#include "spectest.h"
#include "suite.h"

START_TEST(spec_print_yaml__is_read_as_the_same)
{
    struct att_spec *s = spec_of(spec_text);
    struct att_buf *text = NULL;
    struct att_spec *again = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_spec_print_yaml(&text, s), ATT_OK);
    ck_assert_msg(att_spec_parse_yaml(&again, "again", att_buf_slice(text), &diag) == ATT_OK, "%s",
                  diag.text);
    ck_assert_mem_eq(again->digest, s->digest, 32);
    att_spec_free(again);
    att_buf_free(text);
    att_spec_free(s);
}
END_TEST

START_TEST(channel_print__says_what_people_write)
{
    static const char *const SAYS[][2] = {
        {"title", "{en: \"Level A\", ja: \"水位 A\"}"},
        {"source", "{modbus: {device: plc, unit: 1, function: 4, address: 0, count: 1}}"},
        {"wire", "{type: uint16, bytes: little, words: big, decimals: 0}"},
        {"raw", "{min: 4000, max: 20000}"},
        {"faults", ""},
        {"calibration", "{version: 1, from: 2026-01-01T09:00:00Z, until: 2027-01-01, table: "
                        "[[4000, 0], [12000, 2.5], [20000, 5]]}"},
        {"unit", "\"m\""},
        {"max_age", "2s"},
        {"filter", "{median: 5}"},
        {"rate", "{most: 0.05, in: 1s}"},
        {"second", "{source: {mqtt: {device: broker, topic: \"plant/level-a\"}}, wire: {type: "
                   "text, decimals: 3, field: \"value\"}, says: value, tolerance: 0.002}"},
        {"no_feedback", ""},
        {"quarantine", "false"},
    };
    struct att_spec *s = spec_of(spec_text);
    size_t found = 0;

    for (size_t key = 0; key < ATT_CHANNEL_KEYS; key++) {
        struct att_buf *text = NULL;

        ck_assert_int_eq(att_channel_print(&text, att_spec_channel(s, "level-a"), key), ATT_OK);
        for (size_t i = 0; i < ATT_COUNT(SAYS); i++) {
            if (strcmp(SAYS[i][0], att_channel_key(key)) == 0) {
                ck_assert_str_eq((const char *)att_buf_slice(text).p, SAYS[i][1]);
                found++;
            }
        }
        att_buf_free(text);
    }
    ck_assert_uint_eq(found, ATT_COUNT(SAYS));
    att_spec_free(s);
}
END_TEST

/* One change of spec_text, about whom, and how it is told; the last of each is a counter when one is missed. */
static const struct {
    const char *from, *to, *id, *en;
    size_t count, counters;
} CHANGES[] = {
    {"high: 4.8", "high: 4.7", "level-a", "range: {low: 0.2, high: 4.8} -> {low: 0.2, high: 4.7}",
     2, 1},
    {"    replay: {over: 16}\n", "", "level-a", "replay: {over: 16} -> none", 2, 1},
    {"version: 7", "version: 8", "", "version: 7 -> 8", 1, 0},
    {"version: 7", "version: 6", "", "version: 7 -> 6", 2, 1},
    {"en: A plant", "en: Plant", "", "title: A plant / 設備 -> Plant / 設備", 2, 1},
    {"at_most: 1024", "at_most: 512", "",
     "batch: {every: 1000ms, at_most: 1024} -> {every: 1000ms, at_most: 512}", 2, 1},
    {"specification: plant", "specification: other", "", "specification: plant -> other", 1, 0},
    {"version: 3, from", "version: 2, from", "level-b", "calibration: {version: 3", 3, 2},
    {"polynomial: [-1.25,", "polynomial: [-1.26,", "level-b", "calibration: {version: 3", 3, 2},
    {"id: air", "id: wind", "air", "the channel is gone", 3, 1},
    {"factor: 1}", "factor: 2}", "steady", "balance: {id: steady", 2, 1},
    {"id: dry", "id: wet", "dry", "interlock: {id: dry", 3, 1},
    {"balance:\n  - {id: steady, terms: [{channel: valve-position, factor: -0.12}, {channel: flow, "
     "factor: 1}], tolerance: 2}\n",
     "", "steady", "tolerance: 2} -> none", 2, 1},
};

START_TEST(spec_diff__tells_what_changes_and_which_counter_did_not_rise)
{
    struct att_spec *a = spec_of(spec_text);
    struct att_spec *b = spec_with(CHANGES[_i].from, CHANGES[_i].to);
    struct att_spec_diff *d = NULL;
    size_t counters = 0;

    ck_assert_int_eq(att_spec_diff(&d, a, b), ATT_OK);
    ck_assert_uint_eq(d->count, CHANGES[_i].count);
    ck_assert_str_eq(d->change[0].id, CHANGES[_i].id);
    ck_assert_msg(strstr(d->change[0].en, CHANGES[_i].en) != NULL, "%s", d->change[0].en);
    for (size_t i = 0; i < d->count; i++) {
        counters += d->change[i].counter ? 1 : 0;
        ck_assert(d->change[i].en[0] != '\0' && d->change[i].ja[0] != '\0');
    }
    ck_assert_uint_eq(counters, CHANGES[_i].counters);
    ck_assert_int_eq(att_spec_check_next(a, b, NULL) == ATT_OK,
                     counters == 0 && strcmp(a->id, b->id) == 0);
    att_spec_diff_free(d);
    att_spec_free(a);
    att_spec_free(b);
}
END_TEST

START_TEST(spec_diff__finds_nothing_between_two_of_one)
{
    struct att_spec *a = spec_of(spec_text);
    struct att_spec *b = spec_of(spec_text);
    struct att_spec_diff *d = NULL;

    ck_assert_int_eq(att_spec_diff(&d, a, b), ATT_OK);
    ck_assert_uint_eq(d->count, 0);
    att_spec_diff_free(d);
    att_spec_free(a);
    att_spec_free(b);
}
END_TEST

/* A long side is cut between characters, wherever its end falls: what is shown stays UTF-8. */
START_TEST(spec_diff__cuts_between_characters)
{
    static const char *const LEAD[] = {"", "a", "aa"};
    struct att_spec *a = spec_of(spec_text);

    for (size_t i = 0; i < ATT_COUNT(LEAD); i++) {
        char long_text[128];
        char to[512];
        struct att_spec *b = NULL;
        struct att_spec_diff *d = NULL;
        int len = snprintf(long_text, sizeof(long_text), "%s", LEAD[i]);

        while (len + 3 < (int)sizeof(long_text)) {
            len += snprintf(long_text + len, sizeof(long_text) - (size_t)len, "水");
        }
        (void)snprintf(to, sizeof(to), "title: {en: %s, ja: %s}", long_text, long_text);
        b = spec_with("title: {en: Level A, ja: 水位 A}", to);
        ck_assert_int_eq(att_spec_diff(&d, a, b), ATT_OK);
        ck_assert_ptr_nonnull(strstr(d->change[0].en, "..."));
        ck_assert(att_utf8_ok(att_slice_str(d->change[0].en)));
        ck_assert(att_utf8_ok(att_slice_str(d->change[0].ja)));
        att_spec_diff_free(d);
        att_spec_free(b);
    }
    att_spec_free(a);
}
END_TEST

/* --- words --- */

START_TEST(channel_limits_words__say_what_is_asked)
{
    struct att_spec *s = spec_of(spec_text);
    char words[ATT_SPEC_WORDS_MAX];

    ck_assert_str_eq(
        att_channel_limits_words(words, sizeof(words), att_spec_channel(s, "level-a"), false),
        "0.2 to 4.8; changes by at most 0.05 in 1 s; moves by at least 0.001 in 60 values; no 16 "
        "frames in a row again");
    ck_assert_str_eq(
        att_channel_limits_words(words, sizeof(words), att_spec_channel(s, "level-a"), true),
        "0.2 から 4.8; 変化は 0.05 以下 (1 秒で); 変動は 0.001 以上 (60 値で); 同じ 16 "
        "フレームの繰り返しなし");
    ck_assert_str_eq(
        att_channel_limits_words(words, sizeof(words), att_spec_channel(s, "level-b"), false), "");
    att_spec_free(s);
}
END_TEST

START_TEST(relation_words__say_each_relation)
{
    static const char *const SAYS[][4] = {
        {"redundancy", "level", "level-a, level-b agree within 0.05 m",
         "level-a、level-b は 0.05 m 以内で一致する"},
        {"balance", "steady", "flow - 0.12 valve-position is 0 within 2",
         "flow - 0.12 valve-position は 2 以内で 0 である"},
        {"feedback", "valve",
         "valve-position follows valve-command within 1 % after 10 s; without us it is 0",
         "valve-position は valve-command に 1 % 以内で追従する (10 秒後)。指令が絶えたときは 0"},
        {"interlock", "dry", "valve-command only while level-a is 0.5 to 5",
         "valve-command は level-a が 0.5 から 5 の間だけ"},
        {"seals", "cabinet", "door is 0 as long as nobody opened what holds level-a, level-b",
         "door は 0 (開けられていない間): level-a、level-b"},
    };
    struct att_spec *s = spec_of(spec_text);
    struct att_relation_words words;

    for (size_t i = 0; i < ATT_COUNT(SAYS); i++) {
        ck_assert(att_relation_words(&words, s, i));
        ck_assert_str_eq(words.kind, SAYS[i][0]);
        ck_assert_str_eq(words.id, SAYS[i][1]);
        ck_assert_str_eq(words.en, SAYS[i][2]);
        ck_assert_str_eq(words.ja, SAYS[i][3]);
    }
    ck_assert(!att_relation_words(&words, s, ATT_COUNT(SAYS)));
    att_spec_free(s);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {spec_print_yaml__is_read_as_the_same, 0},
        {channel_print__says_what_people_write, 0},
        {spec_diff__tells_what_changes_and_which_counter_did_not_rise, (int)ATT_COUNT(CHANGES)},
        {spec_diff__finds_nothing_between_two_of_one, 0},
        {spec_diff__cuts_between_characters, 0},
        {channel_limits_words__say_what_is_asked, 0},
        {relation_words__say_each_relation, 0},
    };

    return SUITE_RUN_ROWS("spec_print", rows, NULL);
}
