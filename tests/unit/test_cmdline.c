/* Kernel parameters, and which text a digest of the boot log proves. */
#include "tcg/cmdline.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "suite.h"

#define EV_IPL 13U

static void expect_text(struct att_slice s, const char *want)
{
    ck_assert_msg(att_slice_eq(s, att_slice_str(want)), "%.*s", (int)s.len, (const char *)s.p);
}

START_TEST(cmdline_next__splits_at_spaces_outside_quotes)
{
    struct att_slice left = att_slice_str("  root=/dev/vda  quiet dyndbg=\"file a.c +p\" x=a=b ");
    static const char *const WANT[][2] = {
        {"root", "/dev/vda"}, {"quiet", ""}, {"dyndbg", "\"file a.c +p\""}, {"x", "a=b"}};
    struct att_cmdline_param p;

    for (size_t i = 0; i < ATT_COUNT(WANT); i++) {
        ck_assert(att_cmdline_next(&left, &p));
        expect_text(p.name, WANT[i][0]);
        expect_text(p.value, WANT[i][1]);
    }
    ck_assert(!att_cmdline_next(&left, &p));
}
END_TEST

START_TEST(cmdline_next__ends_on_an_open_quote)
{
    struct att_slice left = att_slice_str("a=\"b c");
    struct att_cmdline_param p;

    ck_assert(att_cmdline_next(&left, &p));
    expect_text(p.value, "\"b c");
    ck_assert(!att_cmdline_next(&left, &p));
}
END_TEST

/* An event whose digest is that of hashed, and whose data is data. */
static struct att_event event_of(uint8_t digest[32], struct att_slice hashed, struct att_slice data)
{
    struct att_event e = {.pcr = 8, .extends = true, .type_unproven = EV_IPL, .digest_count = 1};

    ck_assert_int_eq(att_sha256(hashed, digest), ATT_OK);
    e.digest[0] = (struct att_event_digest){ATT_HASH_SHA256, att_slice_of(digest, 32)};
    e.data_unproven = data;
    return e;
}

START_TEST(cmdline_of_event__gives_only_what_the_digest_covers)
{
    static const char TEXT[] = "/vmlinuz root=/dev/sda1 quiet";
    static const char DATA[] = "kernel_cmdline: /vmlinuz root=/dev/sda1 quiet";
    uint8_t room[ATT_CMDLINE_MAX];
    uint8_t digest[32];
    struct att_slice text;
    struct att_event e = event_of(digest, att_slice_str(TEXT), att_slice_of(DATA, sizeof(DATA)));

    ck_assert_int_eq(att_cmdline_of_event(&text, &e, ATT_HASH_SHA256, room), ATT_OK);
    expect_text(text, TEXT);
    /* the words are the sender's: with another digest they prove nothing */
    e.data_unproven = att_slice_str("kernel_cmdline: /vmlinuz root=/dev/sda1 quiet init=/bin/sh");
    ck_assert_int_eq(att_cmdline_of_event(&text, &e, ATT_HASH_SHA256, room), ATT_OK);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

START_TEST(cmdline_of_event__reads_wide_text)
{
    static const uint8_t WIDE[] = {'a', 0, '=', 0, 'b', 0, 0, 0};
    uint8_t room[ATT_CMDLINE_MAX];
    uint8_t digest[32];
    struct att_slice text;
    struct att_event e =
        event_of(digest, att_slice_of(WIDE, sizeof(WIDE)), att_slice_of(WIDE, sizeof(WIDE)));

    ck_assert_int_eq(att_cmdline_of_event(&text, &e, ATT_HASH_SHA256, room), ATT_OK);
    expect_text(text, "a=b");
    e.extends = false;
    ck_assert_int_eq(att_cmdline_of_event(&text, &e, ATT_HASH_SHA256, room), ATT_OK);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        cmdline_next__splits_at_spaces_outside_quotes, cmdline_next__ends_on_an_open_quote,
        cmdline_of_event__gives_only_what_the_digest_covers, cmdline_of_event__reads_wide_text};

    return SUITE_RUN("cmdline", TESTS);
}
