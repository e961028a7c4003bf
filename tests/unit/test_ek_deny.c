/* The operator's list of endorsement keys: what is an entry, where a mistake is, who is found. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "need.h"
#include "remove_tree.h"
#include "suite.h"
#include "verifier/keeper/ek_deny.h"

#define D32  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define D48  D32 "202122232425262728292a2b2c2d2e2f"
#define N256 "000b" D32
#define D64  D48 "303132333435363738393a3b3c3d3e3f"
#define N384 "000c" D48
#define N512 "000d" D64

static bool has(const struct ek_deny *d, const char *hex)
{
    uint8_t bytes[128];
    size_t len = 0;

    NEED(att_hex_decode(bytes, sizeof(bytes), &len, hex, strlen(hex)) == ATT_OK);
    return ek_deny_has(d, att_slice_of(bytes, len));
}

START_TEST(ek_deny_parse__takes_names_and_digests_with_words_behind)
{
    ATT_CLEANUP(ek_deny_freep) struct ek_deny *d = NULL;
    const char *text = "# stolen in May\n\n" N256 " # gateway-7\n" D32 "\t\n" N384 "#x\n" N512 "\n"
                       "FF0102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f";

    ck_assert_int_eq(ek_deny_parse(&d, "deny", att_slice_str(text), NULL), ATT_OK);
    ck_assert_uint_eq(ek_deny_count(d), 5);
    ck_assert(has(d, N256) && has(d, D32) && has(d, N384) && has(d, N512));
    ck_assert(has(d, "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
    ck_assert(!has(d, "000b"));
    ck_assert(!has(d, "fe0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
    ck_assert(!has(d, "000c" D32));
    ck_assert(!ek_deny_has(d, att_slice_of(NULL, 0)));
}
END_TEST

START_TEST(ek_deny_parse__takes_an_empty_list)
{
    ATT_CLEANUP(ek_deny_freep) struct ek_deny *d = NULL;

    ck_assert_int_eq(ek_deny_parse(&d, "deny", att_slice_of(NULL, 0), NULL), ATT_OK);
    ck_assert_uint_eq(ek_deny_count(d), 0);
    ck_assert(!has(d, N256));
    ck_assert(!has(NULL, N256));
}
END_TEST

static const struct {
    const char *text, *place;
} BAD[] = {
    {"000b00\n", "deny.txt:1: expected"},
    {D32 "\n\n" D32 "00\n", "deny.txt:3: expected"},
    {"# a\n" D32 "\n000b" D48 "\n", "deny.txt:3: expected"},
    {"0004" D32 "\n", "deny.txt:1: expected"}, /* SHA-1's number with another size */
    {D32 " " D32 "\n", "deny.txt:1: expected"},
    {" " D32 "\n", "deny.txt:1: expected"},
    {D32 "\r\n", "deny.txt:1: expected"},
    {"gateway-7\n", "deny.txt:1: expected"},
    {"0x" D32 "\n", "deny.txt:1: expected"},
    {D48 D48 "\n", "deny.txt:1: expected"},
};

START_TEST(ek_deny_parse__says_where_a_mistake_is)
{
    struct ek_deny *d = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(ek_deny_parse(&d, "/etc/attestd/deny.txt", att_slice_str(BAD[_i].text), &diag),
                     ATT_E_FORMAT);
    ck_assert_ptr_null(d);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    ck_assert_msg(strncmp(diag.text, BAD[_i].place, strlen(BAD[_i].place)) == 0, "%s", diag.text);
}
END_TEST

START_TEST(ek_deny_parse__is_bounded)
{
    enum { LINE = 65 };
    char *text = malloc((EK_DENY_MAX + 1) * LINE + 1);
    struct ek_deny *d = NULL;
    struct att_diag diag = {0};

    NEED(text != NULL);
    for (size_t i = 0; i <= EK_DENY_MAX; i++)
        (void)snprintf(&text[i * LINE], LINE + 1, "%064zx\n", i);
    ck_assert_int_eq(ek_deny_parse(&d, "deny", att_slice_of(text, EK_DENY_MAX * LINE), NULL),
                     ATT_OK);
    ck_assert(has(d, "000000000000000000000000000000000000000000000000000000000000ffff"));
    ek_deny_freep(&d);
    ck_assert_int_eq(ek_deny_parse(&d, "deny", att_slice_of(text, (EK_DENY_MAX + 1) * LINE), &diag),
                     ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    free(text);
}
END_TEST

START_TEST(ek_deny_load__wants_a_file_that_others_cannot_write)
{
    ATT_CLEANUP(ek_deny_freep) struct ek_deny *d = NULL;
    char folder[] = "/tmp/attest-deny-XXXXXX", path[64];
    struct att_diag diag = {0};

    NEED(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/deny", folder);
    ck_assert_int_eq(ek_deny_load(&d, path, &diag), ATT_E_NOT_FOUND);
    NEED(att_file_write(path, att_slice_str(D32 "\n"), 0644, NULL) == ATT_OK);
    ck_assert_int_eq(ek_deny_load(&d, path, NULL), ATT_OK);
    ek_deny_freep(&d);
    NEED(chmod(path, 0666) == 0);
    ck_assert_int_eq(ek_deny_load(&d, path, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    remove_tree(folder);
}
END_TEST

static void nothing(void)
{
}

int main(void)
{
    static const struct suite_fixture NONE = {nothing, nothing};
    const struct suite_row ROWS[] = {
        {ek_deny_parse__takes_names_and_digests_with_words_behind, 0},
        {ek_deny_parse__takes_an_empty_list, 0},
        {ek_deny_parse__says_where_a_mistake_is, (int)ATT_COUNT(BAD)},
        {ek_deny_parse__is_bounded, 0},
        {ek_deny_load__wants_a_file_that_others_cannot_write, 0},
    };

    return SUITE_RUN_ROWS("ek_deny", ROWS, &NONE);
}
