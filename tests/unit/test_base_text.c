/* What people read and write: hexadecimal, base64, times, errors, and text from outside made harmless. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/reason.h"

/* Deterministic noise: a failure can be repeated. */
static uint32_t noise(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

/* --- hexadecimal and base64 --- */

START_TEST(att_hex__round_trip_and_other_spellings)
{
    uint8_t all[256], back[256];
    char text[513];
    size_t len = 77;

    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)i;
    }
    (void)att_hex_encode(text, sizeof(text), att_slice_of(all, sizeof(all)));
    ck_assert_uint_eq(strlen(text), 512);
    ck_assert_int_eq(att_hex_decode(back, sizeof(back), &len, text, 512), ATT_OK);
    ck_assert_uint_eq(len, 256);
    ck_assert_mem_eq(back, all, 256);
    ck_assert_int_eq(att_hex_decode(back, 1, &len, "AbcD", 4), ATT_E_LIMIT);
    ck_assert_int_eq(att_hex_decode(back, 2, &len, "AbcD", 4), ATT_OK);
    ck_assert_mem_eq(back, "\xab\xcd", 2);
    len = 77;
    ck_assert_int_eq(att_hex_decode(back, 9, &len, "abc", 3), ATT_E_FORMAT);
    ck_assert_int_eq(att_hex_decode(back, 9, &len, "0x12", 4), ATT_E_FORMAT);
    ck_assert_int_eq(att_hex_decode(back, 9, &len, " 12 ", 4), ATT_E_FORMAT);
    ck_assert_int_eq(att_hex_decode(back, 9, &len,
                                    "1\0"
                                    "2\0",
                                    4),
                     ATT_E_FORMAT);
    ck_assert_int_eq(att_hex_decode(back, 9, &len,
                                    "\xef\xbc\x91"
                                    "1",
                                    4),
                     ATT_E_FORMAT);
    ck_assert_uint_eq(len, 77);
    ck_assert_int_eq(att_hex_decode(NULL, 0, &len, "", 0), ATT_OK);
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(att_hex_encode(text, sizeof(text), att_slice_of(NULL, 0)), "");
    ck_assert_str_eq(att_hex_encode(text, 5, att_slice_of(all, 9)), "0001");
    ck_assert_str_eq(att_hex_encode(text, 4, att_slice_of(all, 9)), "00");
    ck_assert_str_eq(att_hex_encode(text, 1, att_slice_of(all, 9)), "");
}
END_TEST

/* Every character outside the alphabet is refused at every place. */
START_TEST(att_hex_decode__knows_22_characters)
{
    uint8_t out[1];
    size_t len = 0;
    int accepted = 0;

    for (int c = 0; c < 256; c++) {
        char text[2] = {(char)c, '0'};
        char swapped[2] = {'0', (char)c};
        enum att_err err = att_hex_decode(out, 1, &len, text, 2);

        ck_assert_int_eq(att_hex_decode(out, 1, &len, swapped, 2), err);
        accepted += err == ATT_OK ? 1 : 0;
    }
    ck_assert_int_eq(accepted, 22);
}
END_TEST

START_TEST(att_b64__agrees_with_openssl)
{
    uint32_t state = 1;

    for (size_t len = 0; len <= 64; len++) {
        uint8_t in[64], back[64];
        unsigned char want[128];
        char std[128], url[128];
        size_t back_len = 0;

        for (size_t i = 0; i < len; i++) {
            in[i] = (uint8_t)noise(&state);
        }
        (void)EVP_EncodeBlock(want, in, (int)len);
        (void)att_b64_encode(std, sizeof(std), ATT_B64_STD, att_slice_of(in, len));
        (void)att_b64_encode(url, sizeof(url), ATT_B64_URL, att_slice_of(in, len));
        ck_assert_str_eq(std, (char *)want);
        ck_assert_int_eq(att_b64_decode(back, len, &back_len, ATT_B64_STD, std, strlen(std)),
                         ATT_OK);
        ck_assert(back_len == len && memcmp(back, in, len) == 0);
        ck_assert_ptr_null(strpbrk(url, "+/="));
        ck_assert_int_eq(att_b64_decode(back, len, &back_len, ATT_B64_URL, url, strlen(url)),
                         ATT_OK);
        ck_assert(back_len == len && memcmp(back, in, len) == 0);
        if (len > 0) {
            ck_assert_int_eq(
                att_b64_decode(back, len - 1, &back_len, ATT_B64_STD, std, strlen(std)),
                ATT_E_LIMIT);
            ck_assert_str_eq(
                att_b64_encode(std, ATT_B64_LEN(len) - 1, ATT_B64_STD, att_slice_of(in, len)), "");
        }
    }
}
END_TEST

/* Of all texts of two and three characters exactly one decodes to each value. */
START_TEST(att_b64_decode__one_spelling_for_each_value)
{
    static const char SET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t two = 0, three = 0;

    for (size_t i = 0; i < 64 * 64 * 64; i++) {
        char text[4] = {SET[i >> 12], SET[(i >> 6) & 63], SET[i & 63], '\0'};
        char again[8];
        uint8_t out[3];
        size_t len = 0;

        if (att_b64_decode(out, 3, &len, ATT_B64_URL, text, 3) == ATT_OK) {
            three++;
            ck_assert_uint_eq(len, 2);
            ck_assert_str_eq(
                att_b64_encode(again, sizeof(again), ATT_B64_URL, att_slice_of(out, len)), text);
        }
        if ((i & 63) == 0 && att_b64_decode(out, 3, &len, ATT_B64_URL, text, 2) == ATT_OK) {
            two++;
            ck_assert_uint_eq(len, 1);
        }
    }
    ck_assert_uint_eq(two, 256);
    ck_assert_uint_eq(three, 65536);
}
END_TEST

START_TEST(att_b64_decode__refuses_padding_games_and_foreign_characters)
{
    static const char *const STD[] = {
        "QQ",       "QQ=",    "QQ===",  "Q===", "====",       "=QQ=", "QQ=Q", "QR==",     "QUJ=",
        "QQ==QQ==", "QUJD\n", "QU JD=", "QU-_", "Q\xc3\xa9=", "=",    "==",   "QUJDRA==="};
    static const char *const URL[] = {"Q",   "QUJDR", "QQ==", "QQ=",   "QR",
                                      "QUJ", "QU+/",  "QU D", "QUJD\n"};
    uint8_t out[16];
    size_t len = 77;

    for (size_t i = 0; i < ATT_COUNT(STD); i++) {
        ck_assert_msg(att_b64_decode(out, sizeof(out), &len, ATT_B64_STD, STD[i], strlen(STD[i])) ==
                          ATT_E_FORMAT,
                      "%s", STD[i]);
    }
    for (size_t i = 0; i < ATT_COUNT(URL); i++) {
        ck_assert_msg(att_b64_decode(out, sizeof(out), &len, ATT_B64_URL, URL[i], strlen(URL[i])) ==
                          ATT_E_FORMAT,
                      "%s", URL[i]);
    }
    ck_assert_int_eq(att_b64_decode(out, 16, &len, ATT_B64_STD, "QU\0D", 4), ATT_E_FORMAT);
    ck_assert_uint_eq(len, 77);
    ck_assert_int_eq(att_b64_decode(NULL, 0, &len, ATT_B64_URL, "", 0), ATT_OK);
    ck_assert_uint_eq(len, 0);
}
END_TEST

/* --- times --- */

/* Every day of 150 years at an odd second, and the text is the one that strftime and timegm agree on. */
START_TEST(att_time__round_trip_of_every_day)
{
    for (int64_t day = 0; day < 150 * 366; day++) {
        int64_t t = day * 86400 + day % 86400;
        int64_t back = -1;
        char text[ATT_TIME_TEXT];

        (void)att_time_print(text, sizeof(text), t);
        ck_assert_uint_eq(strlen(text), 20);
        ck_assert_int_eq(att_time_parse(&back, text), ATT_OK);
        ck_assert_int_eq(back, t);
    }
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t utc_s;
} TIMES[] = {
    {"1970-01-01T00:00:00Z", true, 0},
    {"1969-12-31T23:59:59Z", true, -1},
    {"2026-11-24T19:00:00Z", true, 1795546800},
    {"2000-02-29T12:00:00Z", true, 951825600},
    {"2024-02-29T00:00:00Z", true, 1709164800},
    {"2038-01-19T03:14:08Z", true, 2147483648},
    {"9999-12-31T23:59:59Z", true, 253402300799},
    {"@0", true, 0},
    {"@1795546800", true, 1795546800},
    {"@999999999999", true, 999999999999},
    {"1900-02-29T00:00:00Z", false, 0},
    {"2100-02-29T00:00:00Z", false, 0},
    {"2026-02-29T00:00:00Z", false, 0},
    {"2026-04-31T00:00:00Z", false, 0},
    {"2026-00-10T00:00:00Z", false, 0},
    {"2026-13-10T00:00:00Z", false, 0},
    {"2026-01-00T00:00:00Z", false, 0},
    {"2026-01-32T00:00:00Z", false, 0},
    {"2026-01-01T24:00:00Z", false, 0},
    {"2026-01-01T00:60:00Z", false, 0},
    {"2016-12-31T23:59:60Z", false, 0}, /* leap seconds have no number in our time */
    {"2026-01-01T00:00:61Z", false, 0},
    {"2026-01-01T00:00:00", false, 0},
    {"2026-01-01T00:00:00z", false, 0},
    {"2026-01-01t00:00:00Z", false, 0},
    {"2026-01-01 00:00:00Z", false, 0},
    {"2026-01-01T00:00:00+00:00", false, 0},
    {"2026-01-01T00:00:00.0Z", false, 0},
    {"2026-1-01T00:00:000Z", false, 0},
    {"+026-01-01T00:00:00Z", false, 0},
    {"2026-01-01T00:00:0 Z", false, 0},
    {"2026-01-01", false, 0},
    {"", false, 0},
    {"@", false, 0},
    {"@-1", false, 0},
    {"@+1", false, 0},
    {"@1.5", false, 0},
    {"@ 1", false, 0},
    {"@1000000000000", false, 0},
};

START_TEST(att_time_parse__accepts_one_form)
{
    int64_t t = 77;
    enum att_err err = att_time_parse(&t, TIMES[_i].text);

    ck_assert_msg(err == (TIMES[_i].ok ? ATT_OK : ATT_E_FORMAT), "%s", TIMES[_i].text);
    ck_assert_int_eq(t, TIMES[_i].ok ? TIMES[_i].utc_s : 77);
}
END_TEST

/* Whatever one character becomes: refused, or the only text of its moment. */
START_TEST(att_time_parse__every_changed_character_is_refused_or_another_moment)
{
    static const char GOOD[] = "2024-02-29T23:59:59Z";

    for (size_t i = 0; i < sizeof(GOOD) - 1; i++) {
        for (int c = 1; c < 256; c++) {
            char text[sizeof(GOOD)];
            char again[ATT_TIME_TEXT];
            int64_t t = 0;

            memcpy(text, GOOD, sizeof(GOOD));
            text[i] = (char)c;
            if (att_time_parse(&t, text) == ATT_OK && t >= -62167219200) {
                ck_assert_str_eq(att_time_print(again, sizeof(again), t), text);
            }
        }
    }
}
END_TEST

START_TEST(att_time_print__gives_empty_text_when_there_is_none)
{
    char text[ATT_TIME_TEXT] = "before";

    ck_assert_str_eq(att_time_print(text, sizeof(text), INT64_MAX), "");
    ck_assert_str_eq(att_time_print(text, sizeof(text), INT64_MIN), "");
    ck_assert_str_eq(att_time_print(text, 20, 0), "");
    ck_assert_str_eq(att_time_print(text, 21, 0), "1970-01-01T00:00:00Z");
    ck_assert_ptr_eq(att_time_print(text, 0, 0), text);
}
END_TEST

START_TEST(att_clock__moves_forward)
{
    int64_t mono = att_clock_mono_ms();
    int64_t utc = att_clock_utc_s();
    int64_t utc_ms = att_clock_utc_ms();

    (void)usleep(20000);
    ck_assert_int_ge(att_clock_mono_ms(), mono + 20);
    ck_assert_int_ge(utc, 1700000000);
    ck_assert(utc_ms / 1000 - utc <= 1);
}
END_TEST

/* --- errors and what people read --- */

START_TEST(att_err_name__names_every_error_once)
{
    for (int a = 0; a < ATT_E__COUNT; a++) {
        ck_assert_ptr_nonnull(att_err_name((enum att_err)a));
        for (int b = 0; b < a; b++) {
            ck_assert_str_ne(att_err_name((enum att_err)a), att_err_name((enum att_err)b));
        }
    }
    ck_assert_str_eq(att_err_name(ATT_E_TRUNCATED), "TRUNCATED");
    ck_assert_str_eq(att_err_name(ATT_E__COUNT), "INTERNAL");
    ck_assert_str_eq(att_err_name((enum att_err) - 1), "INTERNAL");
}
END_TEST

START_TEST(att_reason__every_code_is_complete_and_found_again)
{
    for (int i = 1; i < ATT_R__COUNT; i++) {
        const struct att_reason_info *info = att_reason_info((enum att_reason)i);

        ck_assert_msg(strncmp(info->code, "E_", 2) == 0, "%s", info->code);
        ck_assert_msg(info->en[0] != '\0' && info->fix_en[0] != '\0', "%s", info->code);
        ck_assert_msg(info->ja[0] != '\0' && info->fix_ja[0] != '\0', "%s", info->code);
        ck_assert_msg(strcmp(info->en, info->ja) != 0, "%s", info->code);
        ck_assert_int_eq(att_reason_find(info->code), i);
    }
    ck_assert_str_eq(att_reason_code(ATT_R_NONE), "OK");
    ck_assert_int_eq(att_reason_find("E_NO_SUCH_CODE"), ATT_R_NONE);
    ck_assert_int_eq(att_reason_find(""), ATT_R_NONE);
    ck_assert_str_eq(att_reason_code(ATT_R__COUNT), "E_INTERNAL");
    ck_assert_str_eq(att_reason_code((enum att_reason) - 1), "E_INTERNAL");
}
END_TEST

START_TEST(att_fail__fills_a_diagnosis_and_gives_the_error_back)
{
    struct att_diag diag = {.clause = "old", .off = 3};
    char line[64];
    char tiny[8];

    ck_assert_int_eq(att_fail(NULL, ATT_E_IO, ATT_R_FILE, "f", "%d", 1), ATT_E_IO);
    ck_assert_int_eq(att_fail(&diag, ATT_E_IO, ATT_R_FILE, "f", "expected %d", 1), ATT_E_IO);
    ck_assert_uint_eq(diag.off, ATT_OFF_NONE);
    ck_assert_ptr_null(diag.clause);
    ck_assert_str_eq(att_diag_print(line, sizeof(line), &diag), "E_FILE f: expected 1");
    ck_assert_int_eq(att_fail_at(&diag, ATT_E_LIMIT, ATT_R_FMT_CBOR, NULL, 17, "x"), ATT_E_LIMIT);
    ck_assert_str_eq(att_diag_print(line, sizeof(line), &diag), "E_FMT_CBOR at byte 17: x");
    ck_assert_str_eq(att_diag_print(tiny, sizeof(tiny), &diag), "E_FMT_C");
    ck_assert_int_eq(att_fail(&diag, ATT_E_IO, ATT_R_FILE, NULL, "%0500d", 1), ATT_E_IO);
    ck_assert_uint_eq(strlen(diag.text), ATT_DIAG_TEXT - 1);
    diag = (struct att_diag){0};
    ck_assert_str_eq(att_diag_print(line, sizeof(line), &diag), "OK");
}
END_TEST

static const struct {
    const char *in;
    size_t len;
    const char *out;
} ESCAPES[] = {
    {"plain text", 10, "plain text"},
    {"", 0, ""},
    {"\x1b[31mred", 8, "\\x1b[31mred"},
    {"a\nb\rc\td", 7, "a\\x0ab\\x0dc\\x09d"},
    {"a\0b", 3, "a\\x00b"},
    {"back\\slash", 10, "back\\x5cslash"},
    {"\x7f", 1, "\\x7f"},
    {"水 é", 6, "水 é"},
    {"\xf0\x9f\x94\x92", 4, "\xf0\x9f\x94\x92"},
    {"\xc2\x9b"
     "31m",
     5, "\\xc2\\x9b31m"}, /* C1: CSI in one character */
    {"\xe2\x80\xae"
     "gpj",
     6, "\\xe2\\x80\\xaegpj"},              /* right-to-left override */
    {"\xe2\x80\x8b", 3, "\\xe2\\x80\\x8b"}, /* zero width space */
    {"\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8"}, /* line separator */
    {"\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6"}, /* isolate */
    {"\xef\xbb\xbf", 3, "\\xef\\xbb\\xbf"}, /* byte order mark */
    {"\xd8\x9c", 2, "\\xd8\\x9c"},          /* Arabic letter mark */
    {"\xc0\xaf", 2, "\\xc0\\xaf"},          /* overlong */
    {"\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf"},
    {"\xf0\x80\x80\xaf", 4, "\\xf0\\x80\\x80\\xaf"},
    {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},          /* surrogate */
    {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
    {"\xff\xfe", 2, "\\xff\\xfe"},
    {"\xe6\xb0", 2, "\\xe6\\xb0"}, /* cut */
    {"\xe6\xb0x", 3, "\\xe6\\xb0x"},
};

START_TEST(att_escape__makes_one_harmless_line)
{
    char out[64];

    ck_assert_str_eq(att_escape(out, sizeof(out), ESCAPES[_i].in, ESCAPES[_i].len),
                     ESCAPES[_i].out);
}
END_TEST

/* At every size: terminated, a prefix in whole pieces, "..." when something is missing. */
/* What was escaped once is shown as it came; what could move a terminal is still not. */
START_TEST(att_printable__keeps_what_was_escaped)
{
    static const char IN[] = "a\\x09b\x1b[2J\xff";
    char out[64];

    ck_assert_str_eq(att_printable(out, sizeof(out), IN, sizeof(IN) - 1), "a\\x09b\\x1b[2J\\xff");
}
END_TEST

START_TEST(att_escape__cuts_between_characters)
{
    static const char IN[] = "a水\n\xff"
                             "b🔒";
    static const char WHOLE[] = "a水\\x0a\\xffb🔒";

    for (size_t cap = 1; cap <= sizeof(WHOLE) + 2; cap++) {
        char out[64];
        size_t len = 0;

        memset(out, 'Z', sizeof(out));
        (void)att_escape(out, cap, IN, sizeof(IN) - 1);
        len = strlen(out);
        ck_assert_uint_lt(len, cap);
        ck_assert_int_eq(out[cap], 'Z');
        if (cap >= sizeof(WHOLE)) {
            ck_assert_str_eq(out, WHOLE);
            continue;
        }
        for (size_t dots = 0; dots < 3 && dots < len; dots++) {
            ck_assert_int_eq(out[len - 1 - dots], '.');
        }
        len -= len < 3 ? len : 3;
        ck_assert(strncmp(out, WHOLE, len) == 0);
        ck_assert_msg(len == 0 || len == 1 || len == 4 || len == 8 || len == 12 || len == 13,
                      "cut inside a piece at %zu", len);
    }
    ck_assert_ptr_nonnull(att_escape((char[1]){'Z'}, 0, IN, 3));
}
END_TEST

/* Neither a control character of ASCII nor, in UTF-8, one of the second set. */
static bool is_printable(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return false;
        }
        if ((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0) {
            return false;
        }
    }
    return true;
}

/* No input, however strange, leaves a byte that a terminal acts on. */
START_TEST(att_escape__noise_comes_out_printable)
{
    uint32_t state = 7;

    for (int round = 0; round < 20000; round++) {
        uint8_t in[24];
        char out[128];

        for (size_t i = 0; i < sizeof(in); i++) {
            in[i] = (uint8_t)(noise(&state) | (round % 2 == 0 ? 0x80U : 0U));
        }
        (void)att_escape(out, sizeof(out), in, sizeof(in));
        ck_assert_msg(is_printable(out), "round %d", round);
    }
}
END_TEST

static void add_text(Suite *s)
{
    TCase *t = tcase_create("text");

    tcase_add_test(t, att_hex__round_trip_and_other_spellings);
    tcase_add_test(t, att_hex_decode__knows_22_characters);
    tcase_add_test(t, att_b64__agrees_with_openssl);
    tcase_add_test(t, att_b64_decode__one_spelling_for_each_value);
    tcase_add_test(t, att_b64_decode__refuses_padding_games_and_foreign_characters);
    tcase_add_test(t, att_time__round_trip_of_every_day);
    tcase_add_loop_test(t, att_time_parse__accepts_one_form, 0, (int)ATT_COUNT(TIMES));
    tcase_add_test(t, att_time_parse__every_changed_character_is_refused_or_another_moment);
    tcase_add_test(t, att_time_print__gives_empty_text_when_there_is_none);
    tcase_add_test(t, att_clock__moves_forward);
    tcase_add_test(t, att_err_name__names_every_error_once);
    tcase_add_test(t, att_reason__every_code_is_complete_and_found_again);
    tcase_add_test(t, att_fail__fills_a_diagnosis_and_gives_the_error_back);
    tcase_add_loop_test(t, att_escape__makes_one_harmless_line, 0, (int)ATT_COUNT(ESCAPES));
    tcase_add_test(t, att_escape__cuts_between_characters);
    tcase_add_test(t, att_printable__keeps_what_was_escaped);
    tcase_add_test(t, att_escape__noise_comes_out_printable);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("base text");
    SRunner *r = NULL;
    int failed = 0;

    add_text(s);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
