/* Writing deterministic CBOR: shortest forms, and our own mistakes found before anything leaves. */
#include <check.h>
#include <string.h>

#include "bytes.h"
#include "codec/cbor_wr.h"
#include "suite.h"

START_TEST(att_cbor_wr__writes_the_shortest_form_at_each_border)
{
    static const struct {
        uint64_t v;
        const char *uint, *bytes_head;
    } CASES[] = {
        {0, "00", "40"},
        {23, "17", "57"},
        {24, "1818", "5818"},
        {255, "18ff", "58ff"},
        {256, "190100", "590100"},
        {65535, "19ffff", "59ffff"},
        {65536, "1a00010000", "5a00010000"},
        {UINT32_MAX, "1affffffff", "5affffffff"},
        {(uint64_t)UINT32_MAX + 1, "1b0000000100000000", "5b0000000100000000"},
        {UINT64_MAX, "1bffffffffffffffff", "5bffffffffffffffff"},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        uint8_t room[32];
        struct att_wr w = att_wr_into(room, sizeof(room));

        att_cbor_wr_uint(&w, CASES[i].v);
        bytes_expect_hex(att_slice_of(room, w.len), CASES[i].uint);
        w = att_wr_into(room, sizeof(room));
        att_cbor_wr_bytes_head(&w, (size_t)CASES[i].v);
        bytes_expect_hex(att_slice_of(room, w.len), CASES[i].bytes_head);
    }
}
END_TEST

START_TEST(att_cbor_wr__writes_each_kind)
{
    uint8_t room[128];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct bytes raw = bytes_unhex("8101");
    struct att_slice out;

    att_cbor_wr_tag(&w, 18);
    att_cbor_wr_array(&w, 9);
    att_cbor_wr_int(&w, INT64_MIN);
    att_cbor_wr_int(&w, INT64_MAX);
    att_cbor_wr_int(&w, -1);
    att_cbor_wr_bytes(&w, att_slice_of("\x01\x02", 2));
    att_cbor_wr_text(&w, "水");
    att_cbor_wr_bool(&w, true);
    att_cbor_wr_null(&w);
    att_cbor_wr_raw(&w, bytes_slice(&raw));
    att_cbor_wr_map(&w, 2);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_bool(&w, false);
    att_cbor_wr_text_slice(&w, att_slice_of("key", 3));
    att_cbor_wr_bytes(&w, att_slice_of(NULL, 0));
    ck_assert_int_eq(att_cbor_wr_done(&w, &out), ATT_OK);
    bytes_expect_hex(out, "d289"
                          "3b7fffffffffffffff"
                          "1b7fffffffffffffff"
                          "20"
                          "420102"
                          "63e6b0b4"
                          "f5"
                          "f6"
                          "8101"
                          "a201f4636b657940");
}
END_TEST

START_TEST(att_cbor_wr_done__catches_our_own_mistakes)
{
    uint8_t room[64];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice out = {.p = room, .len = 77};

    att_cbor_wr_map(&w, 2);
    att_cbor_wr_int(&w, -1);
    att_cbor_wr_null(&w);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_null(&w);
    ck_assert_int_eq(att_cbor_wr_done(&w, &out), ATT_E_INTERNAL);
    w = att_wr_into(room, sizeof(room));
    att_cbor_wr_array(&w, 2);
    att_cbor_wr_null(&w);
    ck_assert_int_eq(att_cbor_wr_done(&w, &out), ATT_E_INTERNAL);
    w = att_wr_into(room, sizeof(room));
    att_cbor_wr_array(&w, 0);
    att_cbor_wr_null(&w);
    ck_assert_int_eq(att_cbor_wr_done(&w, &out), ATT_E_INTERNAL);
    w = att_wr_into(room, sizeof(room));
    att_cbor_wr_text(&w, "\xff");
    ck_assert_int_eq(att_cbor_wr_done(&w, &out), ATT_E_INTERNAL);
    w = att_wr_into(room, 3);
    att_cbor_wr_text(&w, "abc");
    ck_assert_int_eq(att_cbor_wr_done(&w, &out), ATT_E_LIMIT);
    ck_assert_uint_eq(out.len, 77);
}
END_TEST

START_TEST(att_cbor_wr__never_passes_the_end_of_the_room)
{
    uint8_t room[16];

    for (size_t cap = 0; cap < 9; cap++) {
        struct att_wr w;

        memset(room, 0xee, sizeof(room));
        w = att_wr_into(room, cap);
        att_cbor_wr_uint(&w, UINT64_MAX);
        ck_assert_int_eq(w.err, ATT_E_LIMIT);
        ck_assert_uint_eq(room[cap], 0xee);
    }
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        att_cbor_wr__writes_the_shortest_form_at_each_border,
        att_cbor_wr__writes_each_kind,
        att_cbor_wr_done__catches_our_own_mistakes,
        att_cbor_wr__never_passes_the_end_of_the_room,
    };

    return SUITE_RUN("cbor_write", TESTS);
}
