/* The ASCII form of IMA lists: names with spaces, empty fields, and text that is no list. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/wr.h"
#include "bytes.h"
#include "tcg/ima.h"

#define HASH        "b71b1d88160307f1230058a233e1557cd944d447"
#define FILE_DIGEST "1c2e8529153b0f5b15ba6dc890fb18504db9a825f34ae35fef6a0d6c2b1e2f12"

static struct att_ima_entry converted(const char *text, struct att_buf **keep)
{
    struct att_diag diag = {0};
    struct att_ima it;
    struct att_ima_entry e;
    bool more = false;

    ck_assert_msg(att_ima_ascii_to_binary(keep, att_slice_str(text), &diag) == ATT_OK, "%s",
                  diag.text);
    it = att_ima_from(att_buf_slice(*keep));
    ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
    ck_assert(more);
    return e;
}

START_TEST(ima_ascii_to_binary__reads_names_with_spaces)
{
    static const struct {
        const char *text;
        const char *path;
        size_t sig;
        size_t buf;
    } CASES[] = {
        {"10 " HASH " ima-ng sha256:" FILE_DIGEST " /a b c\n", "/a b c", 0, 0},
        {" 9 " HASH " ima-ng sha256:" FILE_DIGEST " abcd", "abcd", 0, 0},
        {"10 " HASH " ima-sig sha256:" FILE_DIGEST " /a b \n", "/a b", 0, 0},
        {"10 " HASH " ima-sig sha256:" FILE_DIGEST " /a b 030204\n", "/a b", 3, 0},
        {"10 " HASH " ima-sig sha256:" FILE_DIGEST " /a b\n", "/a b", 0, 0},
        {"10 " HASH " ima-buf sha256:" FILE_DIGEST " label 6162\n", "label", 0, 2},
        {"10 " HASH " ima-sigv2 verity:sha256:" FILE_DIGEST " /x 0612\n", "/x", 2, 0},
        {"10 " HASH " ima " HASH " old name\n", "old name", 0, 0},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        struct att_buf *b = NULL;
        struct att_ima_entry e = converted(CASES[i].text, &b);

        bytes_expect_text(e.path, CASES[i].path);
        ck_assert_uint_eq(e.sig.len, CASES[i].sig);
        ck_assert_uint_eq(e.buf.len, CASES[i].buf);
        att_buf_free(b);
    }
}
END_TEST

/* A file named "/a 0304" without a signature, its space lost: the template hash tells. */
START_TEST(ima_ascii_to_binary__lets_the_template_hash_decide)
{
    uint8_t data[4 + 8 + 32 + 4 + 8 + 4];
    struct att_wr w = att_wr_into(data, sizeof(data));
    struct att_slice whole = {0};
    struct att_ima_entry e;
    struct att_buf *b = NULL;
    uint8_t digest[ATT_HASH_MAX];
    char hex[41];
    char text[300];

    att_wr_u32le(&w, 8 + 32);
    att_wr_bytes(&w, "sha256:", 8);
    memset(att_wr_room(&w, 32), 0x5a, 32);
    att_wr_u32le(&w, 8);
    att_wr_bytes(&w, "/a 0304", 8);
    att_wr_u32le(&w, 0);
    ck_assert_int_eq(att_wr_done(&w, &whole), ATT_OK);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA1, &whole, 1, digest), ATT_OK);
    att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 20));
    snprintf(text, sizeof(text), "10 %s ima-sig sha256:%s /a 0304", hex,
             "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    e = converted(text, &b);
    bytes_expect_text(e.path, "/a 0304");
    ck_assert_uint_eq(e.sig.len, 0);
    ck_assert(att_slice_eq(e.template_data, whole));
    att_buf_free(b);
}
END_TEST

START_TEST(ima_ascii_to_binary__refuses_other_text)
{
    static const char *const BAD[] = {
        "\n",
        "10",
        "x " HASH " ima-ng sha256:" FILE_DIGEST " /a",
        "100 " HASH " ima-ng sha256:" FILE_DIGEST " /a",
        "10 " HASH "00 ima-ng sha256:" FILE_DIGEST " /a",
        "10 zz ima-ng sha256:" FILE_DIGEST " /a",
        "10 " HASH " ima-xx sha256:" FILE_DIGEST " /a",
        "10 " HASH " ima-modsig sha256:" FILE_DIGEST " /a   ",
        "10 " HASH " ima-ng " FILE_DIGEST " /a",
        "10 " HASH " ima-ng sha256:" FILE_DIGEST,
        "10 " HASH " ima-ng sha256:" FILE_DIGEST "0 /a",
        "10 " HASH " ima-ng sha256:xyz /a",
    };

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        struct att_buf *b = NULL;
        struct att_diag diag = {0};

        ck_assert_msg(att_ima_ascii_to_binary(&b, att_slice_str(BAD[i]), &diag) == ATT_E_FORMAT,
                      "case %zu", i);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_IMA);
        ck_assert_ptr_null(b);
    }
}
END_TEST

START_TEST(ima_ascii_to_binary__names_the_line)
{
    static const char GOOD[] = "10 " HASH " ima-ng sha256:" FILE_DIGEST " /a\n";
    char text[600];
    struct att_buf *b = NULL;
    struct att_diag diag = {0};

    snprintf(text, sizeof(text), "%s%snot a line\n", GOOD, GOOD);
    ck_assert_int_eq(att_ima_ascii_to_binary(&b, att_slice_str(text), &diag), ATT_E_FORMAT);
    ck_assert_uint_eq(diag.off, 2 * strlen(GOOD));
    snprintf(text, sizeof(text), "%s10 %s ima-ng sha256:%s /b\n", GOOD, FILE_DIGEST, FILE_DIGEST);
    ck_assert_int_eq(att_ima_ascii_to_binary(&b, att_slice_str(text), &diag), ATT_E_FORMAT);
    ck_assert_uint_eq(diag.off, strlen(GOOD)); /* a list has one template hash */
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ima_ascii");
    TCase *t = tcase_create("ima_ascii");

    tcase_add_test(t, ima_ascii_to_binary__reads_names_with_spaces);
    tcase_add_test(t, ima_ascii_to_binary__lets_the_template_hash_decide);
    tcase_add_test(t, ima_ascii_to_binary__refuses_other_text);
    tcase_add_test(t, ima_ascii_to_binary__names_the_line);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed = 0;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
