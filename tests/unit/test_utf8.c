/* UTF-8: each border of what is well-formed. */
#include <check.h>

#include "base/err.h"
#include "codec/utf8.h"
#include "suite.h"

START_TEST(att_utf8_ok__follows_rfc_3629_at_every_border)
{
    static const struct {
        const char *text;
        bool ok;
    } CASES[] = {
        {"", true},
        {"plain text of more than eight bytes", true},
        {"\x7f", true},
        {"\x80", false},
        {"\xc1\xbf", false},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xc2\x7f", false},
        {"\xe0\x9f\xbf", false},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xef\xbf\xc0", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xe6\xb0", false},
        {"seven..\xc3\xbc and eight", true},
        {"seven..\xc3", false},
        {"1234567\xff", false},
        {"12345678\xff", false},
        {"\xf0\x90\x80", false},
        {"\xe1\x80\xff", false},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        ck_assert_msg(att_utf8_ok(att_slice_str(CASES[i].text)) == CASES[i].ok, "case %zu", i);
    }
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        att_utf8_ok__follows_rfc_3629_at_every_border,
    };

    return SUITE_RUN("utf8", TESTS);
}
