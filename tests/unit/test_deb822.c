/* Debian control files: stanzas and fields, and each text that another reader might read in another way. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "codec/deb822.h"
#include "suite.h"

static void is_value(const struct att_deb822_field *f, const char *want)
{
    ck_assert_msg(att_slice_eq(f->value, att_slice_str(want)), "%s: %.*s", f->name,
                  (int)f->value.len, (const char *)f->value.p);
}

START_TEST(att_deb822_next__gives_each_stanza_its_fields)
{
    struct att_deb822 it = att_deb822_from(
        att_slice_str("\n\nPackage: a\nOther: 1\nVERSION:2 \n\n\npackage:\t b\nMore:\n x\n\n"));
    struct att_deb822_field f[] = {{.name = "Package"}, {.name = "Version"}};
    bool more = false;

    ck_assert_int_eq(att_deb822_next(&it, f, 2, &more, NULL), ATT_OK);
    ck_assert(more);
    is_value(&f[0], "a");
    is_value(&f[1], "2");
    ck_assert_uint_eq(f[0].line, 3);
    ck_assert_uint_eq(f[1].line, 5);
    ck_assert_int_eq(att_deb822_next(&it, f, 2, &more, NULL), ATT_OK);
    ck_assert(more);
    is_value(&f[0], "b");
    ck_assert_ptr_null(f[1].value.p); /* not the one of the stanza before */
    ck_assert_int_eq(att_deb822_next(&it, f, 2, &more, NULL), ATT_OK);
    ck_assert(!more);
    ck_assert_ptr_null(f[0].value.p);
}
END_TEST

START_TEST(att_deb822_next__keeps_lines_of_continuation_with_their_field)
{
    struct att_deb822 it =
        att_deb822_from(att_slice_str("Long:\n one\n\ttwo \nSkipped: x\n more\nLast: y\n z\n"));
    struct att_deb822_field f[] = {{.name = "Long"}, {.name = "Last"}};
    bool more = false;

    ck_assert_int_eq(att_deb822_next(&it, f, 2, &more, NULL), ATT_OK);
    is_value(&f[0], "\n one\n\ttwo");
    is_value(&f[1], "y\n z");
}
END_TEST

static const struct {
    const char *text;
    size_t len; /* 0: of the text */
    enum att_err err;
    const char *said;
} REFUSED[] = {
    {"Package: a", 0, ATT_E_TRUNCATED, "1: the text ends inside a line"},
    {"A: 1\nPack", 0, ATT_E_TRUNCATED, "2: the text ends inside a line"},
    {"A: 1\nB 2\n", 0, ATT_E_FORMAT, "2: expected a field"},
    {": 1\n", 0, ATT_E_FORMAT, "1: expected a field"},
    {" continued: 1\n", 0, ATT_E_FORMAT, "1: expected a field"},
    {"A: 1\n\n x: 2\n", 0, ATT_OK, NULL}, /* the second stanza is the one that is wrong */
    {"   \n", 0, ATT_E_FORMAT, "1: expected a field"},
    {"# A: 1\n", 0, ATT_E_FORMAT, "1: expected a field"},
    {"-----BEGIN: x\n", 0, ATT_E_FORMAT, "1: expected a field"},
    {"A B: 1\n", 0, ATT_E_FORMAT, "1: expected a field"},
    {"\xc3\xa4: 1\n", 0, ATT_E_FORMAT, "1: expected a field"},
    {"A: 1\r\n", 0, ATT_E_FORMAT, "1: expected text, found the byte 0d"},
    {"A: 1\nB: \0\n", 10, ATT_E_FORMAT, "2: expected text, found the byte 00"},
    {"A: \x1b[2J\n", 0, ATT_E_FORMAT, "1: expected text, found the byte 1b"},
    {"A: 1\n\x7f: 2\n", 0, ATT_E_FORMAT, "2: expected text, found the byte 7f"},
    {"A: 1\nB: 2\na: 3\n", 0, ATT_E_FORMAT, "3: the field A stands twice in one stanza"},
    {"A:\nA: 3\n", 0, ATT_E_FORMAT, "2: the field A stands twice in one stanza"},
};

START_TEST(att_deb822_next__refuses_with_the_line)
{
    struct att_deb822 it = att_deb822_from(att_slice_of(
        REFUSED[_i].text, REFUSED[_i].len > 0 ? REFUSED[_i].len : strlen(REFUSED[_i].text)));
    struct att_deb822_field f = {.name = "A"};
    struct att_diag diag = {0};
    bool more = false;

    ck_assert_int_eq(att_deb822_next(&it, &f, 1, &more, &diag), REFUSED[_i].err);
    if (REFUSED[_i].said == NULL) {
        ck_assert_int_eq(att_deb822_next(&it, &f, 1, &more, &diag), ATT_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(diag.text, "3: expected a field"));
        return;
    }
    ck_assert_int_eq(diag.reason, ATT_R_FMT_DEB822);
    ck_assert_msg(strstr(diag.text, REFUSED[_i].said) == diag.text, "%s", diag.text);
}
END_TEST

START_TEST(att_deb822_next__takes_a_line_of_the_limit_and_none_longer)
{
    const size_t len = ATT_DEB822_LINE_MAX;
    char *text = malloc(len + 2);
    struct att_deb822_field f = {.name = "A"};
    bool more = false;

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', len + 2);
    memcpy(text, "A:", 2);
    text[len] = '\n';
    for (size_t longer = 0; longer < 2; longer++) {
        struct att_deb822 it = att_deb822_from(att_slice_of(text, len + 1 + longer));

        ck_assert_int_eq(att_deb822_next(&it, &f, 1, &more, NULL),
                         longer > 0 ? ATT_E_LIMIT : ATT_OK);
        text[len] = 'x';
        text[len + 1] = '\n';
    }
    free(text);
}
END_TEST

START_TEST(att_deb822_next__finds_nothing_in_nothing)
{
    static const char *const NOTHING[] = {"", "\n", "\n\n\n"};

    for (size_t i = 0; i < ATT_COUNT(NOTHING); i++) {
        struct att_deb822 it = att_deb822_from(att_slice_str(NOTHING[i]));
        bool more = true;

        ck_assert_int_eq(att_deb822_next(&it, NULL, 0, &more, NULL), ATT_OK);
        ck_assert(!more);
    }
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {att_deb822_next__gives_each_stanza_its_fields, 0},
        {att_deb822_next__keeps_lines_of_continuation_with_their_field, 0},
        {att_deb822_next__refuses_with_the_line, (int)ATT_COUNT(REFUSED)},
        {att_deb822_next__takes_a_line_of_the_limit_and_none_longer, 0},
        {att_deb822_next__finds_nothing_in_nothing, 0},
    };

    return SUITE_RUN_ROWS("deb822", rows, NULL);
}
