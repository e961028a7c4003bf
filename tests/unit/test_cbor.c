/* Deterministic CBOR: every spelling that is refused, alone and inside, and how deep it may go. */
#include <check.h>
#include <stdlib.h>

#include <cbor.h>

#include "bytes.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "suite.h"

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
    struct bytes in = bytes_unhex(GOOD[_i]);
    struct att_diag diag = {0};
    struct att_cbor c = att_cbor_from(bytes_slice(&in));
    struct att_slice whole;

    ck_assert_msg(att_cbor_check(bytes_slice(&in), &diag) == ATT_OK, "%s: %s", GOOD[_i], diag.text);
    whole = att_cbor_item(&c);
    ck_assert(att_slice_eq(whole, bytes_slice(&in)));
    ck_assert_int_eq(att_cbor_end(&c), ATT_OK);
    if ((in.p[0] & 0xe0) != 0xc0 || in.p[0] < 0xc6 || in.p[0] > 0xd7) {
        agrees_with_libcbor(bytes_slice(&in));
    }
}
END_TEST

/* Each shorter input of a good one is TRUNCATED, each longer one TRAILING. */
START_TEST(att_cbor_check__refuses_every_cut_and_every_addition)
{
    struct bytes in = bytes_unhex(GOOD[_i]);

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
    struct bytes in = bytes_unhex(BAD[_i].hex);
    struct att_diag diag = {0};
    enum att_err err = att_cbor_check(bytes_slice(&in), &diag);

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
    struct bytes bad = bytes_unhex(BAD[_i].hex);
    uint8_t in[2048];
    struct att_wr w = att_wr_into(in, sizeof(in));

    if (BAD[_i].err == ATT_E_TRAILING || BAD[_i].err == ATT_E_TRUNCATED) {
        return; /* what follows in the array would complete it */
    }
    att_cbor_wr_array(&w, 3);
    att_cbor_wr_array(&w, 0);
    att_cbor_wr_map(&w, 1);
    att_cbor_wr_uint(&w, 7);
    att_wr_slice(&w, bytes_slice(&bad));
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
        struct bytes piece = bytes_unhex(NESTS[_i]);
        uint8_t *in = malloc(DEPTHS[d] * piece.len + 1);
        struct att_wr w = att_wr_into(in, DEPTHS[d] * piece.len + 1);

        ck_assert_ptr_nonnull(in);
        for (size_t k = 0; k < DEPTHS[d]; k++) {
            att_wr_slice(&w, bytes_slice(&piece));
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
    struct bytes good = bytes_unhex("8181818181818181818181818181"
                                    "c1c100");
    struct bytes bad = bytes_unhex("8181818181818181818181818181"
                                   "c1c1c100");
    struct bytes entered = bytes_unhex("8181818181818181818181818181"
                                       "c1c18100");

    ck_assert_int_eq(att_cbor_check(bytes_slice(&good), NULL), ATT_OK);
    ck_assert_int_eq(att_cbor_check(bytes_slice(&bad), NULL), ATT_E_LIMIT);
    ck_assert_int_eq(att_cbor_check(bytes_slice(&entered), NULL), ATT_E_LIMIT);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("cbor");

    tcase_add_loop_test(t, att_cbor_check__accepts_what_is_deterministic, 0, (int)ATT_COUNT(GOOD));
    tcase_add_loop_test(t, att_cbor_check__refuses_every_cut_and_every_addition, 0,
                        (int)ATT_COUNT(GOOD));
    tcase_add_loop_test(t, att_cbor_check__refuses_what_is_not_deterministic, 0,
                        (int)ATT_COUNT(BAD));
    tcase_add_loop_test(t, att_cbor_check__refuses_the_same_deep_inside, 0, (int)ATT_COUNT(BAD));
    tcase_add_loop_test(t, att_cbor_check__refuses_depth_17_of_anything, 0, (int)ATT_COUNT(NESTS));
    tcase_add_test(t, att_cbor_check__tags_and_arrays_share_the_depth);
    return suite_run_case("cbor", t);
}
