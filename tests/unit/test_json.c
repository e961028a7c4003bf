/* JSON: strict in, sorted out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"

START_TEST(att_json_parse__reads_objects_and_arrays)
{
    json_t *j = NULL;

    ck_assert_int_eq(
        att_json_parse(&j, att_slice_str(" {\"b\":[1,true,null],\"a\":\"水\"} \n"), NULL), ATT_OK);
    ck_assert_str_eq(json_string_value(json_object_get(j, "a")), "水");
    ck_assert_uint_eq(json_array_size(json_object_get(j, "b")), 3);
    att_json_freep(&j);
    ck_assert_ptr_null(j);
    att_json_freep(&j);
}
END_TEST

static const struct {
    const char *in;
    const char *place;
} REFUSED[] = {
    {"", "line 1 column 0: "},
    {"1", "line 1 column 1: "},
    {"{\"a\":1,\"a\":2}", "line 1 column 10: duplicate object key"},
    {"{}{}", "line 1 column 3: end of file expected"},
    {"[1] x", "line 1 column 5: end of file expected"},
    {"[\"\xff\"]", "line 1 column "},
    {"[\"\xed\xa0\x80\"]", "line 1 column "},
    {"{\"a\":\"\\u0000\"}", "line 1 column "},
    {"{\"a\\u0000\":1}", "line 1 column "},
    {"[NaN]", "line 1 column 4: "},
    {"[1e999]", "line 1 column "},
    {"[99999999999999999999]", "line 1 column "},
    {"[01]", "line 1 column "},
    {"[1,]", "line 1 column 4: "},
    {"{\"a\":1,\n'b':2}", "line 2 column 1: "},
    {"[1 /* no */]", "line 1 column "},
    {"[\"\x1b\"]", "line 1 column 2: "},
    {"{", "line 1 column 1: "},
};

START_TEST(att_json_parse__refuses_with_the_place)
{
    json_t *j = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_json_parse(&j, att_slice_str(REFUSED[_i].in), &diag), ATT_E_FORMAT);
    ck_assert_ptr_null(j);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_JSON);
    ck_assert_msg(strncmp(diag.text, REFUSED[_i].place, strlen(REFUSED[_i].place)) == 0, "%s: %s",
                  REFUSED[_i].in, diag.text);
    for (const char *p = diag.text; *p != '\0'; p++) {
        ck_assert((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
}
END_TEST

/* A NUL in the middle is text that follows, not the end. */
START_TEST(att_json_parse__does_not_stop_at_a_nul)
{
    json_t *j = NULL;

    ck_assert_int_eq(att_json_parse(&j, att_slice_of("{}\0{}", 5), NULL), ATT_E_FORMAT);
    ck_assert_int_eq(att_json_parse(&j, att_slice_of("{}\0", 3), NULL), ATT_E_FORMAT);
    ck_assert_int_eq(att_json_parse(&j, att_slice_of(NULL, 0), NULL), ATT_E_FORMAT);
    ck_assert_ptr_null(j);
}
END_TEST

START_TEST(att_json_parse__refuses_endless_nesting)
{
    static char deep[100001];
    json_t *j = NULL;

    memset(deep, '[', sizeof(deep) - 1);
    ck_assert_int_eq(att_json_parse(&j, att_slice_str(deep), NULL), ATT_E_FORMAT);
    ck_assert_ptr_null(j);
}
END_TEST

START_TEST(att_json_print__sorts_keys_on_one_line)
{
    json_t *j = NULL;
    struct att_buf *b = NULL;
    static const char WANT[] = "{\"a\":\"水\",\"b\":[1,true,null],\"c\":{\"x\":1,\"y\":\"\\n\"}}";

    ck_assert_int_eq(att_json_parse(&j,
                                    att_slice_str("{ \"c\": {\"y\":\"\\n\", \"x\":1},\n"
                                                  "\"b\" : [1, true, null], \"a\":\"水\"}"),
                                    NULL),
                     ATT_OK);
    ck_assert_int_eq(att_json_print(&b, j), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str(WANT)));
    att_buf_free(b);
    att_json_freep(&j);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("json");

    tcase_add_test(t, att_json_parse__reads_objects_and_arrays);
    tcase_add_loop_test(t, att_json_parse__refuses_with_the_place, 0, (int)ATT_COUNT(REFUSED));
    tcase_add_test(t, att_json_parse__does_not_stop_at_a_nul);
    tcase_add_test(t, att_json_parse__refuses_endless_nesting);
    tcase_add_test(t, att_json_print__sorts_keys_on_one_line);
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
