/* Entries of a status list and the map that they travel in: the draft's examples, and every refusal. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/status_list.h"
#include "bytes.h"
#include "codec/cbor_wr.h"
#include "codec/zlib_stream.h"
#include "need.h"
#include "suite.h"

static unsigned int entry(const struct att_status_list *l, uint64_t index)
{
    unsigned int value = 99;

    ck_assert_int_eq(att_status_list_get(&value, l, index, NULL), ATT_OK);
    return value;
}

static struct att_status_list *list_of(const char *map_hex)
{
    struct bytes map = bytes_unhex(map_hex);
    struct att_status_list *l = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_status_list_read(&l, bytes_slice(&map), &diag) == ATT_OK, "%s", diag.text);
    return l;
}

/* Section 4.1 of the draft: 1 bit, b9 a3. */
START_TEST(list_read__gives_the_drafts_first_example)
{
    static const unsigned int WANT[] = {1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1};
    struct att_status_list *l = list_of("a2646269747301636c73744a78dadbb918000217015d");

    ck_assert_uint_eq(att_status_list_bits(l), 1);
    ck_assert_uint_eq(att_status_list_count(l), 16);
    for (size_t i = 0; i < ATT_COUNT(WANT); i++) {
        ck_assert_uint_eq(entry(l, i), WANT[i]);
    }
    att_status_list_free(l);
}
END_TEST

/* The example of docs/formats/status-list.md, and of section 4.1 of the draft: 2 bits, c9 44 f9. */
START_TEST(list_read__gives_the_example_of_the_format_page)
{
    static const unsigned int WANT[] = {1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3};
    struct att_status_list *l = list_of("a2636c73744b78da3be9f2130003df0207646269747302");

    ck_assert_uint_eq(att_status_list_bits(l), 2);
    ck_assert_uint_eq(att_status_list_count(l), 12);
    for (size_t i = 0; i < ATT_COUNT(WANT); i++) {
        ck_assert_uint_eq(entry(l, i), WANT[i]);
    }
    att_status_list_free(l);
}
END_TEST

/* What is set is read, its neighbours stay, and the map gives the same again. */
START_TEST(list__what_was_set_comes_out_of_its_map)
{
    static const unsigned int BITS[] = {1, 2, 4, 8};
    unsigned int max = (1U << BITS[_i]) - 1U;
    struct att_status_list *l = NULL;
    struct att_status_list *again = NULL;
    struct att_buf *map = NULL;

    NEED(att_status_list_new(&l, BITS[_i], 1001) == ATT_OK);
    ck_assert_uint_ge(att_status_list_count(l), 1001);
    ck_assert_uint_lt(att_status_list_count(l), 1009);
    for (uint64_t i = 0; i < 1001; i++) {
        ck_assert_uint_eq(entry(l, i), 0);
        ck_assert_int_eq(att_status_list_set(l, i, (unsigned int)(i * 7) & max), ATT_OK);
    }
    ck_assert_int_eq(att_status_list_set(l, 500, max), ATT_OK); /* and changed again */
    ck_assert_int_eq(att_status_list_set(l, 500, 0), ATT_OK);
    ck_assert_int_eq(att_status_list_encode(&map, l), ATT_OK);
    ck_assert_int_eq(att_status_list_read(&again, att_buf_slice(map), NULL), ATT_OK);
    ck_assert_uint_eq(att_status_list_count(again), att_status_list_count(l));
    for (uint64_t i = 0; i < 1001; i++) {
        ck_assert_uint_eq(entry(again, i), i == 500 ? 0 : (unsigned int)(i * 7) & max);
    }
    att_buf_free(map);
    att_status_list_free(again);
    att_status_list_free(l);
}
END_TEST

START_TEST(list__an_entry_that_is_not_there_is_refused)
{
    struct att_status_list *l = NULL;
    struct att_diag diag = {0};
    unsigned int value = 99;

    NEED(att_status_list_new(&l, 2, 12) == ATT_OK);
    ck_assert_uint_eq(att_status_list_count(l), 12);
    ck_assert_int_eq(att_status_list_get(&value, l, 12, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_SL_INDEX);
    ck_assert_str_eq(diag.text, "expected an entry below 12, found 12");
    ck_assert_int_eq(att_status_list_get(&value, l, UINT64_MAX, NULL), ATT_E_MISMATCH);
    ck_assert_uint_eq(value, 99);
    ck_assert_int_eq(att_status_list_set(l, 12, 1), ATT_E_LIMIT);
    ck_assert_int_eq(att_status_list_set(l, 11, 4), ATT_E_LIMIT); /* 2 bits */
    ck_assert_uint_eq(entry(l, 11), 0);
    att_status_list_free(l);
}
END_TEST

START_TEST(list_new__refuses_widths_and_sizes_that_are_none)
{
    struct att_status_list *l = NULL;

    ck_assert_int_eq(att_status_list_new(&l, 0, 1), ATT_E_LIMIT);
    ck_assert_int_eq(att_status_list_new(&l, 3, 1), ATT_E_LIMIT);
    ck_assert_int_eq(att_status_list_new(&l, 16, 1), ATT_E_LIMIT);
    ck_assert_int_eq(att_status_list_new(&l, 2, 0), ATT_E_LIMIT);
    ck_assert_int_eq(att_status_list_new(&l, 2, UINT64_MAX), ATT_E_LIMIT);
    ck_assert_int_eq(att_status_list_new(&l, 2, 4U * ATT_STATUS_BYTES_MAX + 1), ATT_E_LIMIT);
    ck_assert_int_eq(att_status_list_new(&l, 2, 4U * ATT_STATUS_BYTES_MAX), ATT_OK);
    att_status_list_free(l);
}
END_TEST

#define LST "636c73744a78dadbb918000217015d" /* "lst": the first example's */

/* Each with its error: all are malformed, and none is read in part. */
static const struct {
    const char *what, *map;
    enum att_err err;
} BAD[] = {
    {"no map", "80", ATT_E_FORMAT},
    {"empty", "a0", ATT_E_FORMAT},
    {"no bits", "a1" LST, ATT_E_FORMAT},
    {"no lst", "a1646269747301", ATT_E_FORMAT},
    {"lst twice", "a3646269747301" LST LST, ATT_E_FORMAT},
    {"bits twice", "a3646269747301646269747302" LST, ATT_E_FORMAT},
    {"width 3", "a2646269747303" LST, ATT_E_FORMAT},
    {"width 0", "a2646269747300" LST, ATT_E_FORMAT},
    {"width 16", "a2646269747310" LST, ATT_E_LIMIT},
    {"width as text",
     "a2646269747361"
     "31" LST,
     ATT_E_FORMAT},
    {"width below 0", "a2646269747320" LST, ATT_E_FORMAT},
    {"lst as text", "a2646269747301636c73746161", ATT_E_FORMAT},
    {"long form", "a264626974731801" LST, ATT_E_FORMAT},
    {"bytes behind", "a2646269747301" LST "00", ATT_E_TRAILING},
    {"cut", "a2646269747301636c73744a78dadb", ATT_E_TRUNCATED},
    {"no zlib stream", "a2646269747301636c737443313233", ATT_E_FORMAT},
    {"empty stream", "a2646269747301636c737440", ATT_E_TRUNCATED},
    {"stream cut in its checksum", "a2646269747301636c73744878dadbb918000217", ATT_E_TRUNCATED},
    {"wrong checksum", "a2646269747301636c73744a78dadbb918000217015e", ATT_E_FORMAT},
    {"a byte behind the stream", "a2646269747301636c73744b78dadbb918000217015d00", ATT_E_TRAILING},
    {"two streams", "a2646269747301636c73745478dadbb918000217015d78dadbb918000217015d",
     ATT_E_TRAILING},
    {"raw deflate", "a2646269747301636c737444dbb91800", ATT_E_FORMAT},
    /* FDICT: a dictionary that nobody told us */
    {"preset dictionary", "a2646269747301636c73744878bb00000001dbb9", ATT_E_FORMAT},
};

START_TEST(list_read__refuses_what_is_no_list)
{
    struct bytes map = bytes_unhex(BAD[_i].map);
    struct att_status_list *l = NULL;
    struct att_diag diag = {0};
    enum att_err err = att_status_list_read(&l, bytes_slice(&map), &diag);

    ck_assert_msg(err == BAD[_i].err && diag.reason == ATT_R_FMT_STATUS, "%s: %s %s: %s",
                  BAD[_i].what, att_err_name(err), att_reason_code(diag.reason), diag.text);
    ck_assert_ptr_null(l);
}
END_TEST

/* len zero bytes in a zlib stream in a map. */
static struct att_buf *zeros(size_t len)
{
    struct att_buf *lst = NULL;
    struct att_buf *map = NULL;
    uint8_t *plain = calloc(1, len);
    uint8_t *at = NULL;
    struct att_slice written;
    struct att_wr w;
    size_t room = 0;

    NEED(plain != NULL && att_zlib_deflate(&lst, att_slice_of(plain, len)) == ATT_OK);
    room = att_buf_len(lst) + 64;
    NEED(att_buf_new(&map, room) == ATT_OK && att_buf_room(map, room, &at) == ATT_OK);
    w = att_wr_into(at, room);
    att_cbor_wr_map(&w, 2);
    att_cbor_wr_text(&w, "lst");
    att_cbor_wr_bytes(&w, att_buf_slice(lst));
    att_cbor_wr_text(&w, "bits");
    att_cbor_wr_uint(&w, 2);
    NEED(att_cbor_wr_done(&w, &written) == ATT_OK);
    att_buf_commit(map, written.len);
    att_buf_free(lst);
    free(plain);
    return map;
}

/* 64 MiB in some 64 KiB: refused when one byte more than the limit came out. */
START_TEST(list_read__stops_a_zip_bomb_at_the_limit)
{
    static const size_t LENGTHS[] = {ATT_STATUS_BYTES_MAX, ATT_STATUS_BYTES_MAX + 1, 64U << 20};
    struct att_buf *map = zeros(LENGTHS[_i]);
    struct att_status_list *l = NULL;
    struct att_diag diag = {0};
    enum att_err err = att_status_list_read(&l, att_buf_slice(map), &diag);

    ck_assert_uint_lt(att_buf_len(map), 70000);
    if (_i == 0) {
        ck_assert_int_eq(err, ATT_OK);
        ck_assert_uint_eq(att_status_list_count(l), 4U * ATT_STATUS_BYTES_MAX);
    } else {
        ck_assert_int_eq(err, ATT_E_LIMIT);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_STATUS);
        ck_assert_str_eq(diag.field, "lst");
    }
    att_status_list_free(l);
    att_buf_free(map);
}
END_TEST

START_TEST(zlib__gives_back_what_went_in_and_no_more_than_asked)
{
    uint8_t plain[5000];
    struct att_buf *packed = NULL;
    struct att_buf *again = NULL;

    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)(i * i);
    }
    for (size_t len = 0; len <= sizeof(plain); len += 1000) {
        ck_assert_int_eq(att_zlib_deflate(&packed, att_slice_of(plain, len)), ATT_OK);
        ck_assert_int_eq(att_zlib_inflate(&again, att_buf_slice(packed), len), ATT_OK);
        ck_assert(att_slice_eq(att_buf_slice(again), att_slice_of(plain, len)));
        att_buf_freep(&again);
        if (len > 0) {
            ck_assert_int_eq(att_zlib_inflate(&again, att_buf_slice(packed), len - 1), ATT_E_LIMIT);
            ck_assert_ptr_null(again);
        }
        att_buf_freep(&packed);
    }
}
END_TEST

START_TEST(uri_ok__takes_printable_ascii_of_a_bounded_length)
{
    char long_one[ATT_STATUS_URI_MAX + 2];

    memset(long_one, 'a', sizeof(long_one));
    long_one[ATT_STATUS_URI_MAX + 1] = '\0';
    ck_assert(!att_status_uri_ok(long_one));
    long_one[ATT_STATUS_URI_MAX] = '\0';
    ck_assert(att_status_uri_ok(long_one));
    ck_assert(att_status_uri_ok("https://v.example/status/v1/1"));
    ck_assert(!att_status_uri_ok(""));
    ck_assert(!att_status_uri_ok("a b"));
    ck_assert(!att_status_uri_ok("a\033[2J"));
    ck_assert(!att_status_uri_ok("caf\xc3\xa9"));
    ck_assert_str_eq(att_status_name(ATT_STATUS_SUSPENDED), "suspended");
    ck_assert_str_eq(att_status_name(3), "unknown");
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {list_read__gives_the_drafts_first_example, 0},
        {list_read__gives_the_example_of_the_format_page, 0},
        {list__what_was_set_comes_out_of_its_map, 4},
        {list__an_entry_that_is_not_there_is_refused, 0},
        {list_new__refuses_widths_and_sizes_that_are_none, 0},
        {list_read__refuses_what_is_no_list, (int)ATT_COUNT(BAD)},
        {list_read__stops_a_zip_bomb_at_the_limit, 3},
        {zlib__gives_back_what_went_in_and_no_more_than_asked, 0},
        {uri_ok__takes_printable_ascii_of_a_bounded_length, 0},
    };

    return SUITE_RUN_ROWS("status_list", rows, NULL);
}
