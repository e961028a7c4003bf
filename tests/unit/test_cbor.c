/* Deterministic CBOR: what is read, what is written, and every spelling that is refused. */
#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cbor.h>

#include "base/hex.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "codec/utf8.h"

struct bytes {
    uint8_t p[1024];
    size_t len;
};

static struct bytes unhex(const char *text)
{
    struct bytes b = {0};

    ck_assert_int_eq(att_hex_decode(b.p, sizeof(b.p), &b.len, text, strlen(text)), ATT_OK);
    return b;
}

static struct att_slice slice(const struct bytes *b)
{
    return att_slice_of(b->p, b->len);
}

static void expect_hex(struct att_slice got, const char *want)
{
    char text[2 * 1024 + 1];

    ck_assert_str_eq(att_hex_encode(text, sizeof(text), got), want);
}

/* RFC 8949 appendix A, the rows that are integers, strings, arrays, maps, tags, booleans and null. */
static const char *const GOOD[] = {
    "00",
    "17",
    "1818",
    "1864",
    "1903e8",
    "1a000f4240",
    "1b000000e8d4a51000",
    "1bffffffffffffffff",
    "3bffffffffffffffff",
    "20",
    "3863",
    "3903e7",
    "f4",
    "f5",
    "f6",
    "40",
    "4401020304",
    "60",
    "6449455446",
    "62225c",
    "62c3bc",
    "63e6b0b4",
    "64f0908591",
    "80",
    "83010203",
    "8301820203820405",
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
    "a0",
    "a201020304",
    "a26161016162820203",
    "826161a161626163",
    "a56161614161626142616361436164614461656145",
    "c074323031332d30332d32315432303a30343a30305a",
    "c11a514b67b0",
    "d74401020304",
    "d818456449455446",
    "d28441a0a0f640", /* COSE_Sign1 in one byte, which the library cannot decode */
    "d9d9f780",
};

static struct cbor_load_result quiet;

/* libcbor's own tree reader as the second opinion; it knows no one-byte tag above 5. */
static void agrees_with_libcbor(struct att_slice in)
{
    cbor_item_t *item = cbor_load(in.p, in.len, &quiet);
    unsigned char *again = NULL;
    size_t room = 0;
    size_t len = 0;

    ck_assert_ptr_nonnull(item);
    len = cbor_serialize_alloc(item, &again, &room);
    ck_assert_uint_eq(len, in.len);
    ck_assert_mem_eq(again, in.p, len);
    free(again);
    cbor_decref(&item);
}

START_TEST(att_cbor_check__accepts_what_is_deterministic)
{
    struct bytes in = unhex(GOOD[_i]);
    struct att_diag diag = {0};
    struct att_cbor c = att_cbor_from(slice(&in));
    struct att_slice whole;

    ck_assert_msg(att_cbor_check(slice(&in), &diag) == ATT_OK, "%s: %s", GOOD[_i], diag.text);
    whole = att_cbor_item(&c);
    ck_assert(att_slice_eq(whole, slice(&in)));
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
    if ((in.p[0] & 0xe0) != 0xc0 || in.p[0] < 0xc6 || in.p[0] > 0xd7) {
        agrees_with_libcbor(slice(&in));
    }
}
END_TEST

/* Each shorter input of a good one is TRUNCATED, each longer one TRAILING. */
START_TEST(att_cbor_check__refuses_every_cut_and_every_addition)
{
    struct bytes in = unhex(GOOD[_i]);

    for (size_t len = 0; len < in.len; len++) {
        ck_assert_int_eq(att_cbor_check(att_slice_of(in.p, len), NULL), ATT_E_TRUNCATED);
    }
    in.p[in.len] = 0x00;
    ck_assert_int_eq(att_cbor_check(att_slice_of(in.p, in.len + 1), NULL), ATT_E_TRAILING);
}
END_TEST

static const struct {
    const char *hex;
    enum att_err err;
    size_t off;
} BAD[] = {
    /* long forms: RFC 8949 4.2.1, attack C-06 */
    {"1800", ATT_E_FORMAT, 0},
    {"1817", ATT_E_FORMAT, 0},
    {"1900ff", ATT_E_FORMAT, 0},
    {"1a0000ffff", ATT_E_FORMAT, 0},
    {"1b00000000ffffffff", ATT_E_FORMAT, 0},
    {"3805", ATT_E_FORMAT, 0},
    {"39000a", ATT_E_FORMAT, 0},
    {"3a00000001", ATT_E_FORMAT, 0},
    {"3b0000000000000001", ATT_E_FORMAT, 0},
    {"580161", ATT_E_FORMAT, 0},
    {"5900020102", ATT_E_FORMAT, 0},
    {"5a0000000161", ATT_E_FORMAT, 0},
    {"5b000000000000000161", ATT_E_FORMAT, 0},
    {"780161", ATT_E_FORMAT, 0},
    {"79000161", ATT_E_FORMAT, 0},
    {"7a0000000161", ATT_E_FORMAT, 0},
    {"980101", ATT_E_FORMAT, 0},
    {"99000101", ATT_E_FORMAT, 0},
    {"9a0000000101", ATT_E_FORMAT, 0},
    {"9b000000000000000101", ATT_E_FORMAT, 0},
    {"b8010102", ATT_E_FORMAT, 0},
    {"ba000000010102", ATT_E_FORMAT, 0},
    {"d81200", ATT_E_FORMAT, 0},
    {"d9001200", ATT_E_FORMAT, 0},
    {"8218180100", ATT_E_TRAILING, 4},
    {"82011801", ATT_E_FORMAT, 2},
    /* indefinite lengths and their end */
    {"5f420102ff", ATT_E_FORMAT, 0},
    {"7f6161ff", ATT_E_FORMAT, 0},
    {"9fff", ATT_E_FORMAT, 0},
    {"bfff", ATT_E_FORMAT, 0},
    {"8101ff", ATT_E_TRAILING, 2},
    {"ff", ATT_E_FORMAT, 0},
    {"81ff", ATT_E_FORMAT, 1},
    /* floats, undefined, other simple values, reserved additional information */
    {"f93c00", ATT_E_FORMAT, 0},
    {"fa47c35000", ATT_E_FORMAT, 0},
    {"fb3ff199999999999a", ATT_E_FORMAT, 0},
    {"f97e00", ATT_E_FORMAT, 0},
    {"f7", ATT_E_FORMAT, 0},
    {"e0", ATT_E_FORMAT, 0},
    {"f3", ATT_E_FORMAT, 0},
    {"f814", ATT_E_FORMAT, 0},
    {"f8ff", ATT_E_FORMAT, 0},
    {"1c", ATT_E_FORMAT, 0},
    {"1d", ATT_E_FORMAT, 0},
    {"1e", ATT_E_FORMAT, 0},
    {"1f", ATT_E_FORMAT, 0},
    {"3c", ATT_E_FORMAT, 0},
    {"5c", ATT_E_FORMAT, 0},
    {"7d", ATT_E_FORMAT, 0},
    {"9e", ATT_E_FORMAT, 0},
    {"bc", ATT_E_FORMAT, 0},
    {"dc00", ATT_E_FORMAT, 0},
    {"df00", ATT_E_FORMAT, 0},
    {"fc", ATT_E_FORMAT, 0},
    /* map keys: order, duplicates, type */
    {"a202000100", ATT_E_FORMAT, 3},
    {"a201000100", ATT_E_FORMAT, 3},
    {"a220000100", ATT_E_FORMAT, 3},
    {"a2616200616100", ATT_E_FORMAT, 4},
    {"a2616100616100", ATT_E_FORMAT, 4},
    {"a262616100616200", ATT_E_FORMAT, 5}, /* longer text before shorter */
    {"a2616100"
     "1800",
     ATT_E_FORMAT, 4},
    {"a21818000100", ATT_E_FORMAT, 4},
    {"a1410100", ATT_E_FORMAT, 1},
    {"a18000", ATT_E_FORMAT, 1},
    {"a1a000", ATT_E_FORMAT, 1},
    {"a1c10100", ATT_E_FORMAT, 1},
    {"a1f500", ATT_E_FORMAT, 1},
    {"a1f600", ATT_E_FORMAT, 1},
    {"a13bffffffffffffffff00", ATT_E_LIMIT, 1},
    {"a11b800000000000000000", ATT_E_LIMIT, 1},
    {"8101a0", ATT_E_TRAILING, 2},
    /* text that is not UTF-8 */
    {"61ff", ATT_E_FORMAT, 0},
    {"62c080", ATT_E_FORMAT, 0},
    {"63eda080", ATT_E_FORMAT, 0},
    {"64f4908080", ATT_E_FORMAT, 0},
    {"61c3", ATT_E_FORMAT, 0},
    {"a161ff00", ATT_E_FORMAT, 1},
    /* counts and lengths that no input of this size can keep: attack R-01 */
    {"9a10000000", ATT_E_TRUNCATED, 0},
    {"9a7fffffff", ATT_E_TRUNCATED, 0},
    {"ba08000000", ATT_E_TRUNCATED, 0},
    {"5a80000000", ATT_E_TRUNCATED, 0},
    {"7a80000000", ATT_E_TRUNCATED, 0},
    {"9bffffffffffffffff", ATT_E_TRUNCATED, 0},
    {"bbffffffffffffffff", ATT_E_TRUNCATED, 0},
    {"5bffffffffffffffff", ATT_E_TRUNCATED, 0},
    {"7bffffffffffffffff", ATT_E_TRUNCATED, 0},
    {"9b0000000100000002"
     "0102",
     ATT_E_TRUNCATED, 0}, /* cut to 2 by a 32-bit size_t */
    {"5b0000000100000002"
     "0102",
     ATT_E_TRUNCATED, 0},
    {"830102", ATT_E_TRUNCATED, 0},
    {"a2010203", ATT_E_TRUNCATED, 0},
    {"82820102", ATT_E_TRUNCATED, 4},
    /* the end of the input */
    {"", ATT_E_TRUNCATED, 0},
    {"18", ATT_E_TRUNCATED, 0},
    {"1b00", ATT_E_TRUNCATED, 0},
    {"4201", ATT_E_TRUNCATED, 0},
    {"c1", ATT_E_TRUNCATED, 1},
    {"d2", ATT_E_TRUNCATED, 1},
    {"81c1", ATT_E_TRUNCATED, 2},
    /* a float is refused for what it is, also when it is cut */
    {"f8", ATT_E_FORMAT, 0},
    {"f9", ATT_E_FORMAT, 0},
    {"fa0000", ATT_E_FORMAT, 0},
    {"fb00000000", ATT_E_FORMAT, 0},
    /* self-described CBOR is a tag like any other, and it is not what a caller asks for */
    {"d9d9f7", ATT_E_TRUNCATED, 3},
};

START_TEST(att_cbor_check__refuses_what_is_not_deterministic)
{
    struct bytes in = unhex(BAD[_i].hex);
    struct att_diag diag = {0};
    enum att_err err = att_cbor_check(slice(&in), &diag);

    ck_assert_msg(err == BAD[_i].err, "%s: %s at %zu: %s", BAD[_i].hex, att_err_name(err), diag.off,
                  diag.text);
    ck_assert_int_eq(diag.err, err);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_CBOR);
    ck_assert_msg(diag.off == BAD[_i].off, "%s: at %zu", BAD[_i].hex, diag.off);
}
END_TEST

/* A wrong item inside an array of a hundred is refused as it is alone. */
START_TEST(att_cbor_check__refuses_the_same_deep_inside)
{
    struct bytes bad = unhex(BAD[_i].hex);
    uint8_t in[2048];
    struct att_wr w = att_wr_into(in, sizeof(in));

    if (BAD[_i].err == ATT_E_TRAILING || BAD[_i].err == ATT_E_TRUNCATED) {
        return; /* what follows in the array would complete it */
    }
    att_cbor_wr_array(&w, 3);
    att_cbor_wr_array(&w, 0);
    att_cbor_wr_map(&w, 1);
    att_cbor_wr_uint(&w, 7);
    att_wr_slice(&w, slice(&bad));
    att_wr_zeros(&w, 64);
    ck_assert_int_eq(att_cbor_check(att_slice_of(in, w.len), NULL), BAD[_i].err);
}
END_TEST

static const size_t DEPTHS[] = {16, 17, 2000, 100000};
/* arrays of one, maps of one, one-byte tags, two-byte tags, four-byte-value tags */
static const char *const NESTS[] = {"81", "a100", "c6", "d818", "da00010000"};

START_TEST(att_cbor_check__refuses_depth_17_of_anything)
{
    for (size_t d = 0; d < ATT_COUNT(DEPTHS); d++) {
        struct bytes piece = unhex(NESTS[_i]);
        uint8_t *in = malloc(DEPTHS[d] * piece.len + 1);
        struct att_wr w = att_wr_into(in, DEPTHS[d] * piece.len + 1);

        ck_assert_ptr_nonnull(in);
        for (size_t k = 0; k < DEPTHS[d]; k++) {
            att_wr_slice(&w, slice(&piece));
        }
        att_wr_u8(&w, 0);
        ck_assert_int_eq(att_cbor_check(att_slice_of(in, w.len), NULL),
                         DEPTHS[d] > ATT_CBOR_DEPTH ? ATT_E_LIMIT : ATT_OK);
        free(in);
    }
}
END_TEST

/* Tags between arrays count too: no mixture goes deeper. */
START_TEST(att_cbor_check__tags_and_arrays_share_the_depth)
{
    struct bytes good = unhex("8181818181818181818181818181"
                              "c1c100");
    struct bytes bad = unhex("8181818181818181818181818181"
                             "c1c1c100");
    struct bytes entered = unhex("8181818181818181818181818181"
                                 "c1c18100");

    ck_assert_int_eq(att_cbor_check(slice(&good), NULL), ATT_OK);
    ck_assert_int_eq(att_cbor_check(slice(&bad), NULL), ATT_E_LIMIT);
    ck_assert_int_eq(att_cbor_check(slice(&entered), NULL), ATT_E_LIMIT);
}
END_TEST

/* a count from outside allocates nothing, whichever call meets it. */
START_TEST(att_cbor_enter__lying_counts_fail_at_once_without_memory)
{
    struct bytes array = unhex("9a10000000");
    struct bytes map = unhex("ba08000000");
    struct bytes text = unhex("7a80000000");
    struct mallinfo2 before = mallinfo2();
    struct att_cbor a = att_cbor_from(slice(&array));
    struct att_cbor m = att_cbor_from(slice(&map));
    struct att_cbor t = att_cbor_from(slice(&text));
    struct mallinfo2 after;

    ck_assert_uint_eq(att_cbor_enter_array(&a, UINT32_MAX), 0);
    ck_assert(!att_cbor_more(&a));
    ck_assert_uint_eq(att_cbor_enter_map(&m, UINT32_MAX), 0);
    ck_assert(!att_cbor_more(&m));
    ck_assert_uint_eq(att_cbor_text(&t, SIZE_MAX).len, 0);
    after = mallinfo2();
    ck_assert_uint_eq(after.uordblks, before.uordblks);
    ck_assert_uint_eq(after.hblkhd, before.hblkhd);
    ck_assert_int_eq(att_cbor_end(&a), ATT_E_TRUNCATED);
    ck_assert_int_eq(att_cbor_end(&m), ATT_E_TRUNCATED);
    ck_assert_int_eq(att_cbor_end(&t), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(att_cbor__reads_a_record_like_its_table)
{
    struct bytes in = unhex("d2"
                            "a8"
                            "01"
                            "1a00010000"
                            "02"
                            "3903e7"
                            "03"
                            "4201ff"
                            "04"
                            "63e6b0b4"
                            "05"
                            "f5"
                            "20"
                            "f6"
                            "6161"
                            "8201"
                            "02"
                            "626262"
                            "a100"
                            "01");
    struct att_cbor c = att_cbor_from(slice(&in));
    struct att_cbor_key key;
    char text[4];
    uint8_t two[2];

    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_TAG);
    ck_assert_uint_eq(att_cbor_tag(&c), 18);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_MAP);
    ck_assert_uint_eq(att_cbor_enter_map(&c, 8), 8);
    ck_assert_int_eq(att_cbor_key_int(&c), 1);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_UINT);
    ck_assert_uint_eq(att_cbor_uint_max(&c, 65536), 65536);
    ck_assert_int_eq(att_cbor_key_int(&c), 2);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NINT);
    ck_assert_int_eq(att_cbor_int(&c), -1000);
    ck_assert_int_eq(att_cbor_key_int(&c), 3);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_BYTES);
    att_cbor_bytes_exact(&c, two, sizeof(two));
    ck_assert_mem_eq(two, "\x01\xff", 2);
    ck_assert_int_eq(att_cbor_key_int(&c), 4);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_TEXT);
    att_cbor_text_copy(&c, text, sizeof(text));
    ck_assert_str_eq(text, "水");
    ck_assert_int_eq(att_cbor_key_int(&c), 5);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_BOOL);
    ck_assert(att_cbor_bool(&c));
    ck_assert_int_eq(att_cbor_key_int(&c), -1);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NULL);
    att_cbor_null(&c);
    key = att_cbor_key(&c);
    ck_assert(!key.is_int && att_slice_eq(key.text, att_slice_str("a")));
    ck_assert_uint_eq(att_cbor_enter_array(&c, 2), 2);
    ck_assert_uint_eq(att_cbor_uint(&c), 1);
    ck_assert_uint_eq(att_cbor_uint(&c), 2);
    ck_assert(!att_cbor_more(&c));
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NONE);
    att_cbor_leave(&c);
    key = att_cbor_key(&c);
    ck_assert(!key.is_int && att_slice_eq(key.text, att_slice_str("bb")));
    expect_hex(att_cbor_item(&c), "a10001");
    ck_assert(!att_cbor_more(&c));
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NONE);
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

START_TEST(att_cbor_int__covers_int64_and_no_more)
{
    static const struct {
        const char *hex;
        int64_t want;
        enum att_err err;
    } CASES[] = {
        {"1b7fffffffffffffff", INT64_MAX, ATT_OK},
        {"3b7fffffffffffffff", INT64_MIN, ATT_OK},
        {"1b8000000000000000", 0, ATT_E_LIMIT},
        {"3b8000000000000000", 0, ATT_E_LIMIT},
        {"3bffffffffffffffff", 0, ATT_E_LIMIT},
        {"00", 0, ATT_OK},
        {"20", -1, ATT_OK},
        {"40", 0, ATT_E_FORMAT},
        {"f5", 0, ATT_E_FORMAT},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        struct bytes in = unhex(CASES[i].hex);
        struct att_cbor c = att_cbor_from(slice(&in));

        ck_assert_int_eq(att_cbor_int(&c), CASES[i].want);
        ck_assert_int_eq(att_cbor_end(&c), CASES[i].err);
    }
}
END_TEST

START_TEST(att_cbor__each_getter_refuses_every_other_type)
{
    static const char *const ONE_EACH[] = {"01", "20", "40", "60", "80", "a0", "c100", "f5", "f6"};

    for (size_t i = 0; i < ATT_COUNT(ONE_EACH); i++) {
        struct bytes in = unhex(ONE_EACH[i]);
        struct att_cbor c[9];
        uint8_t none[1];
        char text[8];

        for (size_t k = 0; k < ATT_COUNT(c); k++) {
            c[k] = att_cbor_from(slice(&in));
        }
        (void)att_cbor_uint(&c[0]);
        (void)att_cbor_int(&c[1]);
        (void)att_cbor_bytes(&c[2], 8);
        (void)att_cbor_text(&c[3], 8);
        (void)att_cbor_enter_array(&c[4], 8);
        (void)att_cbor_enter_map(&c[5], 8);
        (void)att_cbor_tag(&c[6]);
        (void)att_cbor_bool(&c[7]);
        att_cbor_null(&c[8]);
        for (size_t k = 0; k < ATT_COUNT(c); k++) {
            bool fits = k == i || (k == 1 && i == 0);

            ck_assert_msg(att_cbor_ok(&c[k]) == fits, "getter %zu on %s", k, ONE_EACH[i]);
            ck_assert(fits || c[k].rd.err == ATT_E_FORMAT);
        }
        c[0] = att_cbor_from(slice(&in));
        att_cbor_bytes_exact(&c[0], none, 0);
        ck_assert(att_cbor_ok(&c[0]) == (i == 2));
        c[0] = att_cbor_from(slice(&in));
        att_cbor_text_copy(&c[0], text, sizeof(text));
        ck_assert(att_cbor_ok(&c[0]) == (i == 3));
        ck_assert_str_eq(text, "");
    }
}
END_TEST

START_TEST(att_cbor__limits_are_the_callers)
{
    struct bytes num = unhex("1864");
    struct bytes str = unhex("43010203");
    struct bytes txt = unhex("63616263");
    struct bytes arr = unhex("83010203");
    struct bytes map = unhex("a201020304");
    struct att_cbor c;
    uint8_t out[4] = {9, 9, 9, 9};
    char text[4] = "zzz";

    c = att_cbor_from(slice(&num));
    ck_assert_uint_eq(att_cbor_uint_max(&c, 99), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(slice(&str));
    ck_assert_uint_eq(att_cbor_bytes(&c, 2).len, 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(slice(&str));
    att_cbor_bytes_exact(&c, out, 4);
    ck_assert_mem_eq(out, "\0\0\0\0", 4);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
    c = att_cbor_from(slice(&str));
    att_cbor_bytes_exact(&c, out, 2);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
    c = att_cbor_from(slice(&txt));
    ck_assert_uint_eq(att_cbor_text(&c, 2).len, 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(slice(&txt));
    att_cbor_text_copy(&c, text, 3);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(slice(&txt));
    att_cbor_text_copy(&c, text, 4);
    ck_assert_str_eq(text, "abc");
    c = att_cbor_from(slice(&arr));
    ck_assert_uint_eq(att_cbor_enter_array(&c, 2), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
    c = att_cbor_from(slice(&map));
    ck_assert_uint_eq(att_cbor_enter_map(&c, 1), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_LIMIT);
}
END_TEST

START_TEST(att_cbor_text_copy__refuses_a_nul_inside)
{
    struct bytes in = unhex("63610062");
    struct att_cbor c = att_cbor_from(slice(&in));
    char text[8] = "before";

    att_cbor_text_copy(&c, text, sizeof(text));
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
}
END_TEST

/* A short inner array must not let the next read take what belongs to the outer one. */
START_TEST(att_cbor__no_read_crosses_into_the_level_above)
{
    struct bytes in = unhex("82"
                            "8101"
                            "02");
    struct att_cbor c = att_cbor_from(slice(&in));

    (void)att_cbor_enter_array(&c, 2);
    (void)att_cbor_enter_array(&c, 2);
    ck_assert_uint_eq(att_cbor_uint(&c), 1);
    ck_assert_uint_eq(att_cbor_uint(&c), 0);
    ck_assert(!att_cbor_ok(&c));
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
    ck_assert_uint_eq(c.rd.err_off, 3);
}
END_TEST

START_TEST(att_cbor_leave__refuses_what_was_not_read)
{
    struct bytes arr = unhex("8201"
                             "02");
    struct bytes map = unhex("a10102");
    struct att_cbor c = att_cbor_from(slice(&arr));

    (void)att_cbor_enter_array(&c, 2);
    (void)att_cbor_uint(&c);
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);

    c = att_cbor_from(slice(&map));
    (void)att_cbor_enter_map(&c, 2);
    (void)att_cbor_key_int(&c);
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_FORMAT);
}
END_TEST

START_TEST(att_cbor__keys_and_values_read_out_of_turn_are_our_mistake)
{
    struct bytes map = unhex("a10102");
    struct att_cbor c = att_cbor_from(slice(&map));

    (void)att_cbor_enter_map(&c, 2);
    ck_assert_uint_eq(att_cbor_uint(&c), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(slice(&map));
    (void)att_cbor_enter_map(&c, 2);
    ck_assert_int_eq(att_cbor_key_int(&c), 1);
    ck_assert_int_eq(att_cbor_key_int(&c), 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(slice(&map));
    (void)att_cbor_enter_map(&c, 2);
    ck_assert_uint_eq(att_cbor_item(&c).len, 0);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(slice(&map));
    (void)att_cbor_key(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(slice(&map));
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    c = att_cbor_from(att_slice_of(map.p, 0));
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NONE);
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

/* A level that was never left is not a clean end, although no byte is left over. */
START_TEST(att_cbor_end__wants_every_level_left)
{
    struct bytes in = unhex("8101");
    struct att_cbor c = att_cbor_from(slice(&in));

    (void)att_cbor_enter_array(&c, 1);
    (void)att_cbor_uint(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_INTERNAL);
    att_cbor_leave(&c);
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

START_TEST(att_cbor__the_first_failure_sticks)
{
    struct bytes in = unhex("830102f7");
    struct att_cbor c = att_cbor_from(slice(&in));
    struct att_diag diag = {0};
    uint8_t out[3] = {1, 2, 3};
    char text[4] = "zzz";

    (void)att_cbor_enter_array(&c, 3);
    att_cbor_fail(&c, ATT_E_MISMATCH);
    att_cbor_fail(&c, ATT_E_LIMIT);
    ck_assert_uint_eq(att_cbor_uint(&c), 0);
    ck_assert_int_eq(att_cbor_int(&c), 0);
    ck_assert(!att_cbor_bool(&c));
    ck_assert_uint_eq(att_cbor_tag(&c), 0);
    ck_assert_uint_eq(att_cbor_bytes(&c, 9).len, 0);
    ck_assert_uint_eq(att_cbor_item(&c).len, 0);
    ck_assert_int_eq(att_cbor_peek(&c), ATT_CBOR_NONE);
    att_cbor_bytes_exact(&c, out, 3);
    ck_assert_mem_eq(out, "\0\0\0", 3);
    att_cbor_text_copy(&c, text, sizeof(text));
    ck_assert_str_eq(text, "");
    att_cbor_leave(&c);
    ck_assert(!att_cbor_more(&c));
    ck_assert_int_eq(att_cbor_end_diag(&c, ATT_R_FMT_COSE, "x", &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_COSE);
    ck_assert_uint_eq(diag.off, 1);
}
END_TEST

/* Offsets are those of the outermost input, also for a reader that continues another one. */
START_TEST(att_cbor__offsets_are_of_the_outermost_input)
{
    struct bytes in = unhex("aabbcc"
                            "82011801");
    struct att_rd outer = att_rd_from(in.p, in.len);
    struct att_cbor c = att_cbor_from(att_slice_of(NULL, 0));
    struct att_diag diag = {0};

    att_rd_skip(&outer, 3);
    c.rd = att_rd_sub(&outer, 4);
    (void)att_cbor_item(&c);
    ck_assert_int_eq(att_cbor_end_diag(&c, ATT_R_FMT_CBOR, NULL, &diag), ATT_E_FORMAT);
    ck_assert_uint_eq(diag.off, 5);
}
END_TEST

START_TEST(att_cbor__a_sequence_is_read_item_by_item)
{
    struct bytes in = unhex("8101"
                            "a0"
                            "05");
    struct att_cbor c = att_cbor_from(slice(&in));

    expect_hex(att_cbor_item(&c), "8101");
    ck_assert_int_eq(att_cbor_end(&c), ATT_E_TRAILING);
    expect_hex(att_cbor_item(&c), "a0");
    expect_hex(att_cbor_item(&c), "05");
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
}
END_TEST

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
        expect_hex(att_slice_of(room, w.len), CASES[i].uint);
        w = att_wr_into(room, sizeof(room));
        att_cbor_wr_bytes_head(&w, (size_t)CASES[i].v);
        expect_hex(att_slice_of(room, w.len), CASES[i].bytes_head);
    }
}
END_TEST

START_TEST(att_cbor_wr__writes_each_kind)
{
    uint8_t room[128];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct bytes raw = unhex("8101");
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
    att_cbor_wr_raw(&w, slice(&raw));
    att_cbor_wr_map(&w, 2);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_bool(&w, false);
    att_cbor_wr_text_slice(&w, att_slice_of("key", 3));
    att_cbor_wr_bytes(&w, att_slice_of(NULL, 0));
    ck_assert_int_eq(att_cbor_wr_done(&w, &out), ATT_OK);
    expect_hex(out, "d289"
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

START_TEST(att_utf8_ok__follows_rfc_3629_at_every_border)
{
    static const struct {
        const char *text;
        bool ok;
    } CASES[] = {
        {"", true},
        {"plain text of more than eight bytes", true},
        {"\x7f", true},
        {"\x80", false},
        {"\xc1\xbf", false},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xc2\x7f", false},
        {"\xe0\x9f\xbf", false},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xed\xa0\x80", false},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xef\xbf\xc0", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xe6\xb0", false},
        {"seven..\xc3\xbc and eight", true},
        {"seven..\xc3", false},
        {"1234567\xff", false},
        {"12345678\xff", false},
        {"\xf0\x90\x80", false},
        {"\xe1\x80\xff", false},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        ck_assert_msg(att_utf8_ok(att_slice_str(CASES[i].text)) == CASES[i].ok, "case %zu", i);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("cbor");
    TCase *t = tcase_create("cbor");

    tcase_add_loop_test(t, att_cbor_check__accepts_what_is_deterministic, 0, (int)ATT_COUNT(GOOD));
    tcase_add_loop_test(t, att_cbor_check__refuses_every_cut_and_every_addition, 0,
                        (int)ATT_COUNT(GOOD));
    tcase_add_loop_test(t, att_cbor_check__refuses_what_is_not_deterministic, 0,
                        (int)ATT_COUNT(BAD));
    tcase_add_loop_test(t, att_cbor_check__refuses_the_same_deep_inside, 0, (int)ATT_COUNT(BAD));
    tcase_add_loop_test(t, att_cbor_check__refuses_depth_17_of_anything, 0, (int)ATT_COUNT(NESTS));
    tcase_add_test(t, att_cbor_check__tags_and_arrays_share_the_depth);
    tcase_add_test(t, att_cbor_enter__lying_counts_fail_at_once_without_memory);
    tcase_add_test(t, att_cbor__reads_a_record_like_its_table);
    tcase_add_test(t, att_cbor_int__covers_int64_and_no_more);
    tcase_add_test(t, att_cbor__each_getter_refuses_every_other_type);
    tcase_add_test(t, att_cbor__limits_are_the_callers);
    tcase_add_test(t, att_cbor_text_copy__refuses_a_nul_inside);
    tcase_add_test(t, att_cbor__no_read_crosses_into_the_level_above);
    tcase_add_test(t, att_cbor_leave__refuses_what_was_not_read);
    tcase_add_test(t, att_cbor__keys_and_values_read_out_of_turn_are_our_mistake);
    tcase_add_test(t, att_cbor_end__wants_every_level_left);
    tcase_add_test(t, att_cbor__the_first_failure_sticks);
    tcase_add_test(t, att_cbor__offsets_are_of_the_outermost_input);
    tcase_add_test(t, att_cbor__a_sequence_is_read_item_by_item);
    tcase_add_test(t, att_cbor_wr__writes_the_shortest_form_at_each_border);
    tcase_add_test(t, att_cbor_wr__writes_each_kind);
    tcase_add_test(t, att_cbor_wr_done__catches_our_own_mistakes);
    tcase_add_test(t, att_cbor_wr__never_passes_the_end_of_the_room);
    tcase_add_test(t, att_utf8_ok__follows_rfc_3629_at_every_border);
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
