/* Hex and text of the tests, read and compared. */
#include "bytes.h"

#include <check.h>
#include <string.h>

#include "base/hex.h"

struct bytes bytes_unhex(const char *text)
{
    struct bytes b = {0};

    ck_assert_int_eq(att_hex_decode(b.p, sizeof(b.p), &b.len, text, strlen(text)), ATT_OK);
    return b;
}

struct att_slice bytes_slice(const struct bytes *b)
{
    return att_slice_of(b->p, b->len);
}

void bytes_expect_hex(struct att_slice got, const char *want)
{
    char text[2 * sizeof((struct bytes){0}.p) + 1];

    ck_assert_str_eq(att_hex_encode(text, sizeof(text), got), want);
}

void bytes_expect_text(struct att_slice got, const char *want)
{
    ck_assert(att_slice_eq(got, att_slice_str(want)));
}
