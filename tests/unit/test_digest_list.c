/* Lists of digests as the tools write them: what is read, and the line of each refusal. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "policy/import.h"
#include "suite.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char names[512];

/* Names in their order, each in brackets. */
static enum att_err take(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    size_t at = strlen(names);

    (void)ctx;
    for (uint8_t i = 0; i < 32; i++) {
        ck_assert_uint_eq(digest[i], i);
    }
    ck_assert_uint_eq(name.p[name.len], 0);
    (void)snprintf(names + at, sizeof(names) - at, "[%s]", (const char *)name.p);
    return ATT_OK;
}

static enum att_err read_list(struct att_slice in, bool rooted, struct att_diag *diag)
{
    struct att_import io = {.take = take};

    names[0] = '\0';
    return att_digest_list_read(&io, in, rooted, diag);
}

START_TEST(att_digest_list_read__reads_every_form_of_line)
{
    static const struct {
        const char *text, *rooted, *bare;
    } rows[] = {
        {HEX "  a\n" HEX " */b\n", "[/a][/b]", "[a][/b]"},
        {HEX "  ./a b", "[/a b]", "[/a b]"},
        {"SHA256 (a) b) = " HEX "\n", "[/a) b]", "[a) b]"},
        {"\\" HEX "  a\\nb\\rc\\\\d\n", "[/a\nb\rc\\d]", "[a\nb\rc\\d]"},
        {HEX "  a\\nb\n", "[/a\\nb]", "[a\\nb]"}, /* not escaped: the line does not say so */
        {HEX "   \n" HEX "  ...\n" HEX "  a..b\n", "[/ ][/...][/a..b]", "[ ][...][a..b]"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(read_list(att_slice_str(rows[i].text), true, NULL), ATT_OK);
        ck_assert_str_eq(names, rows[i].rooted);
        ck_assert_int_eq(read_list(att_slice_str(rows[i].text), false, NULL), ATT_OK);
        ck_assert_str_eq(names, rows[i].bare);
    }
}
END_TEST

static const struct {
    struct att_slice text;
    const char *says;
} bad[] = {
#define ROW(text, says)                                                                            \
    {                                                                                              \
        {.p = (const uint8_t *)(text), .len = sizeof(text) - 1}, (says)                            \
    }
    ROW("", "it lists nothing"),
    ROW(HEX "  a\n\n", "2: expected 64 hexadecimal digits"),
    ROW(HEX "  \n", "1: expected 64 hexadecimal digits"),
    ROW("0" HEX " a\n", "1: expected 64 hexadecimal digits"),
    ROW("x" HEX "  a\n", "1: expected 64 hexadecimal digits"),
    ROW(HEX " +a\n", "1: expected 64 hexadecimal digits"),
    ROW("SHA256 () = " HEX "\n", "1: expected 64 hexadecimal digits"),
    ROW("SHA512 (a) = " HEX "\n", "1: expected 64 hexadecimal digits"),
    ROW("\\" HEX "  a\\x\n", "1: expected 64 hexadecimal digits"),
    ROW("\\" HEX "  a\\", "1: expected 64 hexadecimal digits"),
    ROW(HEX "  a\n" HEX "  b\0c\n", "2: a NUL in the line"),
    ROW(HEX "  ../a\n", "1: a path that leads out of the root"),
    ROW(HEX "  a/..\n", "1: a path that leads out of the root"),
    ROW(HEX "  a/../../b\n", "1: a path that leads out of the root"),
#undef ROW
};

START_TEST(att_digest_list_read__refuses_with_the_line)
{
    struct att_diag diag = {0};

    ck_assert_int_eq(read_list(bad[_i].text, true, &diag), ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_REFVALS);
    ck_assert_msg(strstr(diag.text, bad[_i].says) == diag.text, "%s", diag.text);
}
END_TEST

START_TEST(att_digest_list_read__bounds_a_name)
{
    static char text[8192];
    struct att_diag diag = {0};

    memset(text, 'a', sizeof(text) - 1);
    memcpy(text, HEX "  ", sizeof(HEX "  ") - 1);
    ck_assert_int_eq(read_list(att_slice_str(text), false, &diag), ATT_E_LIMIT);
    ck_assert_str_eq(diag.text, "1: a path that is too long");
    text[600] = '\0';
    ck_assert_int_eq(read_list(att_slice_str(text), false, NULL), ATT_OK);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {att_digest_list_read__reads_every_form_of_line, 0},
        {att_digest_list_read__refuses_with_the_line, sizeof(bad) / sizeof(bad[0])},
        {att_digest_list_read__bounds_a_name, 0},
    };

    return SUITE_RUN_ROWS("digest_list", ROWS, NULL);
}
