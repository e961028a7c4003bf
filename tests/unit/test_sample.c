/* The worked example of docs/formats/batch.md, byte for byte, and what a sample is not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "prov/sample.h"

static const char EXAMPLE[] =
    "a8"
    "016174"
    "0201"
    "03821903e81903fc"
    "044432312e35"
    "05c4822018d7"
    "066343656c"
    "075820000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "0847c555f77dffdf5f";

static size_t bytes_of(uint8_t *out, size_t cap, const char *hex)
{
    size_t len = 0;

    ck_assert(att_hex_decode(out, cap, &len, hex, strlen(hex)) == ATT_OK);
    return len;
}

START_TEST(the_example)
{
    uint8_t bytes[256], again[256];
    size_t len = bytes_of(bytes, sizeof(bytes), EXAMPLE);
    size_t again_len = 0;
    struct att_sample s;
    struct att_diag diag = {0};
    char text[ATT_DECIMAL_TEXT];

    ck_assert_msg(att_sample_decode(&s, att_slice_of(bytes, len), &diag) == ATT_OK, "%s",
                  diag.text);
    ck_assert(att_slice_eq(s.channel, att_slice_str("t")) && s.sequence == 1);
    ck_assert(s.from_ms == 1000 && s.until_ms == 1020 && s.has_value);
    ck_assert_str_eq(att_decimal_print(text, sizeof(text), s.value), "21.5");
    ck_assert_int_eq(s.check[0], ATT_CHECK_NOT_APPLICABLE);
    ck_assert_int_eq(s.check[1], ATT_CHECK_NOT_RUN);
    ck_assert_int_eq(s.check[2], ATT_CHECK_PASS);
    ck_assert(att_sample_encode(again, sizeof(again), &again_len, &s) == ATT_OK);
    ck_assert(again_len == len && memcmp(again, bytes, len) == 0);
    for (size_t i = 0; i < len; i++)
        ck_assert(att_sample_decode(&s, att_slice_of(bytes, i), NULL) != ATT_OK);
}
END_TEST

/* One place of the example at a time: what stands there instead, and it is no sample. */
START_TEST(what_is_none)
{
    static const struct {
        const char *was, *is;
    } ROW[] = {
        {"a8", "a7"},                             /* a member too few is said */
        {"0201", "0200"},                         /* number zero */
        {"03821903e81903fc", "03821903fc1903e8"}, /* it ends before it begins */
        {"05c4822018d7", "05c48221190866"},       /* 2150 * 10^-2: another spelling */
        {"05c4822018d7", "05fb4035800000000000"}, /* floating point */
        {"05c4822018d7", "051818"},               /* a plain number */
        {"016174", "0160"},                       /* no channel */
        {"0847", "0846"},                         /* checks too short */
        {"066343656c", "0c6343656c"},             /* a key that is not known, out of order */
    };

    for (size_t i = 0; i < ATT_COUNT(ROW); i++) {
        char hex[512];
        const char *at = strstr(EXAMPLE, ROW[i].was);
        uint8_t bytes[256];
        size_t len = 0;
        struct att_sample s;
        struct att_diag diag = {0};

        ck_assert(at != NULL);
        (void)snprintf(hex, sizeof(hex), "%.*s%s%s", (int)(at - EXAMPLE), EXAMPLE, ROW[i].is,
                       at + strlen(ROW[i].was));
        len = bytes_of(bytes, sizeof(bytes), hex);
        ck_assert_msg(att_sample_decode(&s, att_slice_of(bytes, len), &diag) != ATT_OK, "row %zu",
                      i);
        ck_assert(diag.reason == ATT_R_FMT_SAMPLE);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sample");
    TCase *t = tcase_create("sample");
    SRunner *r = NULL;
    int failed = 0;

    tcase_add_test(t, the_example);
    tcase_add_test(t, what_is_none);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
