#include <check.h>
#include <string.h>

#include "base/text.h"
#include "suite.h"

START_TEST(words__are_cut_and_stay_terminated)
{
    char out[8] = "";
    struct att_words w = {.out = out, .cap = sizeof(out)};

    ATT_WORDS_SAY(&w, "%d-", "%d の", 12);
    ck_assert_str_eq(out, "12-");
    att_words_add(&w, "%s", "345678");
    ck_assert_str_eq(out, "12-3456");
    att_words_add(&w, "%s", "9");
    ck_assert_str_eq(out, "12-3456");
}
END_TEST

START_TEST(words__are_in_the_language_asked_for)
{
    char out[32] = "";
    struct att_words w = {.out = out, .cap = sizeof(out), .ja = true};

    ATT_WORDS_SAY(&w, "%d of", "%d の", 12);
    ck_assert_str_eq(out, "12 の");
}
END_TEST

START_TEST(text__stops_at_the_first_failure)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_text t = {.err = att_buf_new(&b, 4)};

    t.out = b;
    att_text_add(&t, "%s", "abc");
    ck_assert_int_eq(t.err, ATT_OK);
    att_text_add(&t, "%s", "de");
    ck_assert_int_eq(t.err, ATT_E_LIMIT);
    att_text_add(&t, "%s", "f");
    ck_assert_int_eq(t.err, ATT_E_LIMIT);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str("abc")));
}
END_TEST

START_TEST(text__takes_no_piece_that_would_be_cut)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    struct att_text t = {.err = att_buf_new(&b, 4096)};

    t.out = b;
    att_text_add(&t, "%1023d", 1);
    ck_assert_int_eq(t.err, ATT_OK);
    att_text_add(&t, "%1024d", 1);
    ck_assert_int_eq(t.err, ATT_E_LIMIT);
    ck_assert_uint_eq(att_buf_len(b), 1023);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {words__are_cut_and_stay_terminated, 0},
        {words__are_in_the_language_asked_for, 0},
        {text__stops_at_the_first_failure, 0},
        {text__takes_no_piece_that_would_be_cut, 0},
    };

    return SUITE_RUN_ROWS("text", rows, NULL);
}
