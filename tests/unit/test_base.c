/* Bytes, errors, bounds: each primitive against a plain second way of doing the same, and its edges. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "need.h"

static const uint8_t BYTES[16] = {0x81, 0x02, 0x83, 0x04, 0x85, 0x06, 0x87, 0x08,
                                  0x89, 0x0a, 0x8b, 0x0c, 0x8d, 0x0e, 0x8f, 0x10};

/* --- the reader --- */

enum width { U8, U16BE, U32BE, U64BE, U16LE, U32LE, U64LE };

static uint64_t read_with(enum width w, struct att_rd *r, size_t *size)
{
    static const size_t SIZES[] = {1, 2, 4, 8, 2, 4, 8};

    *size = SIZES[w];
    switch (w) {
    case U8:
        return att_rd_u8(r);
    case U16BE:
        return att_rd_u16be(r);
    case U32BE:
        return att_rd_u32be(r);
    case U64BE:
        return att_rd_u64be(r);
    case U16LE:
        return att_rd_u16le(r);
    case U32LE:
        return att_rd_u32le(r);
    default:
        return att_rd_u64le(r);
    }
}

static uint64_t by_hand(size_t pos, size_t size, bool big_endian)
{
    uint64_t v = 0;

    for (size_t i = 0; i < size; i++) {
        v = v << 8 | BYTES[big_endian ? pos + i : pos + size - 1 - i];
    }
    return v;
}

/* Every width at every place of every shorter input: the number, or TRUNCATED where the read began. */
START_TEST(att_rd__numbers_are_read_or_truncated)
{
    enum width w = (enum width)_i;

    for (size_t len = 0; len <= sizeof(BYTES); len++) {
        for (size_t pos = 0; pos <= len; pos++) {
            uint8_t *exact = malloc(len + 1);
            struct att_rd r = att_rd_from(exact, len);
            size_t size = 0;
            uint64_t got = 0;

            NEED(exact != NULL);
            memcpy(exact, BYTES, len);
            att_rd_skip(&r, pos);
            got = read_with(w, &r, &size);
            if (size <= len - pos) {
                ck_assert_uint_eq(got, by_hand(pos, size, w <= U64BE));
                ck_assert_uint_eq(att_rd_left(&r), len - pos - size);
                ck_assert(att_rd_ok(&r));
            } else {
                ck_assert_uint_eq(got, 0);
                ck_assert_int_eq(att_rd_end(&r), ATT_E_TRUNCATED);
                ck_assert_uint_eq(r.err_off, pos);
                ck_assert_uint_eq(att_rd_left(&r), 0);
            }
            free(exact);
        }
    }
}
END_TEST

START_TEST(att_rd__the_first_failure_sticks)
{
    struct att_rd r = att_rd_from(BYTES, 4);
    struct att_rd sub;
    uint8_t out[2] = {1, 2};

    att_rd_skip(&r, 1);
    att_rd_fail(&r, ATT_E_FORMAT);
    att_rd_fail_at(&r, ATT_E_LIMIT, 0);
    ck_assert_uint_eq(att_rd_u8(&r), 0);
    ck_assert_uint_eq(att_rd_count8(&r, 255), 0);
    ck_assert_uint_eq(att_rd_bytes(&r, 1).len, 0);
    ck_assert_uint_eq(att_rd_rest(&r).len, 0);
    ck_assert_uint_eq(att_rd_ahead(&r).len, 0);
    ck_assert_uint_eq(att_rd_peek(&r), 0);
    att_rd_copy(&r, out, sizeof(out));
    ck_assert_mem_eq(out, "\0\0", 2);
    sub = att_rd_sub(&r, 1);
    ck_assert_int_eq(att_rd_end(&sub), ATT_E_FORMAT);
    ck_assert_uint_eq(sub.err_off, 1);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_FORMAT);
    ck_assert_uint_eq(r.err_off, 1);
}
END_TEST

START_TEST(att_rd_count__is_bounded_before_it_steers_anything)
{
    static const uint8_t IN[] = {0x00, 0x00, 0x01, 0x00};
    struct att_rd r;

    r = att_rd_from(IN, 4);
    ck_assert_uint_eq(att_rd_count32be(&r, 256), 256);
    r = att_rd_from(IN, 4);
    ck_assert_uint_eq(att_rd_count32be(&r, 255), 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_LIMIT);
    ck_assert_uint_eq(r.err_off, 0);
    r = att_rd_from(IN, 4);
    ck_assert_uint_eq(att_rd_count32le(&r, 65535), 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_LIMIT);
    r = att_rd_from(IN, 4);
    ck_assert_uint_eq(att_rd_count32le(&r, 65536), 65536);
    r = att_rd_from(IN + 2, 2);
    ck_assert_uint_eq(att_rd_count16be(&r, 255), 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_LIMIT);
    r = att_rd_from(IN + 2, 2);
    ck_assert_uint_eq(att_rd_count8(&r, 0), 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_LIMIT);
    r = att_rd_from(IN, 3);
    ck_assert_uint_eq(att_rd_count32be(&r, UINT32_MAX), 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(att_rd__slices_are_borrowed_and_never_reach_past_the_end)
{
    struct att_rd r = att_rd_from(BYTES, sizeof(BYTES));
    struct att_slice s = att_rd_bytes(&r, 4);
    uint8_t out[4];

    ck_assert_ptr_eq(s.p, BYTES);
    ck_assert_uint_eq(s.len, 4);
    ck_assert_uint_eq(att_rd_peek(&r), 0x85);
    ck_assert_ptr_eq(att_rd_ahead(&r).p, BYTES + 4);
    ck_assert_uint_eq(att_rd_ahead(&r).len, 12);
    att_rd_copy(&r, out, sizeof(out));
    ck_assert_mem_eq(out, BYTES + 4, 4);
    s = att_rd_rest(&r);
    ck_assert_uint_eq(s.len, 8);
    ck_assert_int_eq(att_rd_end(&r), ATT_OK);
    ck_assert_uint_eq(att_rd_peek(&r), 0);
    ck_assert(att_rd_ok(&r));
    ck_assert_uint_eq(att_rd_rest(&r).len, 0);
    ck_assert_uint_eq(att_rd_bytes(&r, SIZE_MAX).len, 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(att_rd__empty_inputs_are_inputs)
{
    struct att_rd r = att_rd_from(NULL, 0);
    struct att_rd sub;

    ck_assert_int_eq(att_rd_end(&r), ATT_OK);
    ck_assert_uint_eq(att_rd_bytes(&r, 0).len, 0);
    ck_assert_ptr_nonnull(att_rd_bytes(&r, 0).p);
    att_rd_copy(&r, NULL, 0);
    att_rd_skip(&r, 0);
    ck_assert_uint_eq(att_rd_ahead(&r).len, 0);
    sub = att_rd_sub(&r, 0);
    ck_assert_int_eq(att_rd_end(&sub), ATT_OK);
    ck_assert_uint_eq(att_rd_peek(&r), 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_OK);
    ck_assert_uint_eq(att_rd_u8(&r), 0);
    ck_assert_int_eq(att_rd_end(&r), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(att_rd_sub__has_its_own_end_and_the_offsets_of_the_outermost_input)
{
    struct att_rd r = att_rd_from(BYTES, sizeof(BYTES));
    struct att_rd sub, inner;
    struct att_diag diag = {0};

    att_rd_skip(&r, 3);
    sub = att_rd_sub(&r, 6);
    att_rd_skip(&sub, 2);
    inner = att_rd_sub(&sub, 3);
    ck_assert_uint_eq(att_rd_off(&inner), 5);
    ck_assert_uint_eq(att_rd_u32be(&inner), 0);
    ck_assert_int_eq(att_rd_end_diag(&inner, ATT_R_FMT_FRAME, "inner", &diag), ATT_E_TRUNCATED);
    ck_assert_uint_eq(diag.off, 5);
    ck_assert_str_eq(diag.field, "inner");
    ck_assert_int_eq(diag.reason, ATT_R_FMT_FRAME);
    ck_assert_int_eq(att_rd_end_diag(&sub, ATT_R_FMT_FRAME, "sub", &diag), ATT_E_TRAILING);
    ck_assert_uint_eq(diag.off, 8);
    ck_assert_str_eq(diag.text, "1 bytes are left over");
    ck_assert_uint_eq(att_rd_off(&r), 9);
    ck_assert(att_rd_ok(&r));
    sub = att_rd_sub(&r, 8);
    ck_assert_int_eq(att_rd_end(&sub), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(att_rd_end_diag__says_what_kind_of_thing_is_wrong)
{
    static const struct {
        enum att_err err;
        const char *text;
    } CASES[] = {
        {ATT_E_TRUNCATED, "the input ends inside a value"},
        {ATT_E_LIMIT, "a size or count is above the limit"},
        {ATT_E_FORMAT, "the value is not well-formed"},
        {ATT_E_MISMATCH, "the value is not well-formed"},
    };

    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        struct att_rd r = att_rd_from(BYTES, 4);
        struct att_diag diag = {0};

        att_rd_fail_at(&r, CASES[i].err, 3);
        ck_assert_int_eq(att_rd_end_diag(&r, ATT_R_FMT_FRAME, "f", &diag), CASES[i].err);
        ck_assert_int_eq(att_rd_end_diag(&r, ATT_R_FMT_FRAME, "f", NULL), CASES[i].err);
        ck_assert_str_eq(diag.text, CASES[i].text);
        ck_assert_uint_eq(diag.off, 3);
    }
}
END_TEST

/* --- the writer --- */

START_TEST(att_wr__what_is_written_is_read_back)
{
    uint8_t room[64];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice out;
    struct att_rd r;
    uint8_t *at = NULL;

    att_wr_u8(&w, 0x01);
    att_wr_u16be(&w, 0x0203);
    att_wr_u32be(&w, 0x04050607);
    att_wr_u64be(&w, 0x08090a0b0c0d0e0f);
    att_wr_u16le(&w, 0x0203);
    att_wr_u32le(&w, 0x04050607);
    att_wr_u64le(&w, 0x08090a0b0c0d0e0f);
    att_wr_bytes(&w, "ab", 2);
    att_wr_slice(&w, att_slice_str("cd"));
    att_wr_zeros(&w, 2);
    at = att_wr_room(&w, 1);
    ck_assert_ptr_nonnull(at);
    *at = 0x7f;
    ck_assert_int_eq(att_wr_done(&w, &out), ATT_OK);
    ck_assert_ptr_eq(out.p, room);
    r = att_rd_slice(out);
    ck_assert_uint_eq(att_rd_u8(&r), 0x01);
    ck_assert_uint_eq(att_rd_u16be(&r), 0x0203);
    ck_assert_uint_eq(att_rd_u32be(&r), 0x04050607);
    ck_assert_uint_eq(att_rd_u64be(&r), 0x08090a0b0c0d0e0f);
    ck_assert_uint_eq(att_rd_u16le(&r), 0x0203);
    ck_assert_uint_eq(att_rd_u32le(&r), 0x04050607);
    ck_assert_uint_eq(att_rd_u64le(&r), 0x08090a0b0c0d0e0f);
    ck_assert(att_slice_eq(att_rd_bytes(&r, 4), att_slice_str("abcd")));
    ck_assert_uint_eq(att_rd_u16be(&r), 0);
    ck_assert_uint_eq(att_rd_u8(&r), 0x7f);
    ck_assert_int_eq(att_rd_end(&r), ATT_OK);
}
END_TEST

/* At every capacity: all or nothing of each piece, and not a byte past the end. */
START_TEST(att_wr__stops_at_the_end_of_the_room)
{
    static const struct att_slice NOTHING = {.p = NULL, .len = 0};

    for (size_t cap = 0; cap <= 12; cap++) {
        uint8_t room[16];
        struct att_wr w;
        struct att_slice out = {.p = room, .len = 99};

        memset(room, 0xee, sizeof(room));
        w = att_wr_into(room, cap);
        att_wr_slice(&w, NOTHING);
        att_wr_bytes(&w, NULL, 0);
        att_wr_zeros(&w, 0);
        att_wr_u32be(&w, 0);
        att_wr_bytes(&w, "xyz", 3);
        att_wr_u32le(&w, 0);
        ck_assert_int_eq(att_wr_done(&w, &out), cap < 11 ? ATT_E_LIMIT : ATT_OK);
        ck_assert(att_wr_ok(&w) == (cap >= 11));
        ck_assert_uint_eq(out.len, cap < 11 ? 99 : 11);
        for (size_t i = cap; i < sizeof(room); i++) {
            ck_assert_uint_eq(room[i], 0xee);
        }
    }
}
END_TEST

START_TEST(att_wr__the_first_failure_sticks)
{
    uint8_t room[4];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_slice out;

    ck_assert_ptr_null(att_wr_room(&w, SIZE_MAX));
    att_wr_fail(&w, ATT_E_INTERNAL);
    att_wr_u8(&w, 1);
    ck_assert_ptr_null(att_wr_room(&w, 0));
    ck_assert_uint_eq(w.len, 0);
    ck_assert_int_eq(att_wr_done(&w, &out), ATT_E_LIMIT);
    w = att_wr_into(NULL, 0);
    att_wr_fail(&w, ATT_E_INTERNAL);
    ck_assert_int_eq(att_wr_done(&w, &out), ATT_E_INTERNAL);
}
END_TEST

/* --- owned bytes --- */

START_TEST(att_buf__grows_to_its_cap_and_no_further)
{
    for (size_t cap = 0; cap <= 300; cap += 50) {
        struct att_buf *b = NULL;
        size_t len = 0;

        ck_assert_int_eq(att_buf_new(&b, cap), ATT_OK);
        while (att_buf_add(b, BYTES, 7) == ATT_OK) {
            len += 7;
            ck_assert_uint_eq(att_buf_len(b), len);
        }
        ck_assert_uint_eq(len, cap / 7 * 7);
        ck_assert_int_eq(att_buf_add(b, BYTES, cap - len + 1), ATT_E_LIMIT);
        ck_assert_int_eq(att_buf_add(b, BYTES, cap - len), ATT_OK);
        ck_assert_uint_eq(att_buf_len(b), cap);
        ck_assert_int_eq(att_buf_add(b, NULL, 0), ATT_OK);
        for (size_t i = 0; i < cap; i++) {
            ck_assert_uint_eq(att_buf_slice(b).p[i], BYTES[i % 7]);
        }
        att_buf_free(b);
    }
}
END_TEST

START_TEST(att_buf__sizes_that_no_machine_has_are_refused)
{
    struct att_buf *b = NULL;
    uint8_t *at = NULL;

    ck_assert_int_eq(att_buf_new(&b, SIZE_MAX), ATT_OK);
    ck_assert_int_eq(att_buf_add(b, "x", 1), ATT_OK);
    ck_assert_int_eq(att_buf_room(b, SIZE_MAX, &at), ATT_E_LIMIT);
    ck_assert_ptr_null(at);
    ck_assert_uint_eq(att_buf_len(b), 1);
    att_buf_freep(&b);
    ck_assert_ptr_null(b);
    att_buf_free(NULL);
}
END_TEST

/* The address sanitizer asks this at its start: an impossible size is refused as everywhere else. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* Asking for more than any allocator gives ends, and leaves the buffer as it was. */
START_TEST(att_buf_room__ends_when_memory_does)
{
    struct att_buf *b = NULL;
    uint8_t *at = NULL;

    ck_assert_int_eq(att_buf_new(&b, SIZE_MAX), ATT_OK);
    ck_assert_int_eq(att_buf_add(b, "x", 1), ATT_OK);
    ck_assert_int_eq(att_buf_room(b, SIZE_MAX - 1, &at), ATT_E_NOMEM);
    ck_assert_uint_eq(att_buf_len(b), 1);
    ck_assert_uint_eq(att_buf_slice(b).p[0], 'x');
    att_buf_free(b);
}
END_TEST

START_TEST(att_buf__room_counts_only_when_committed)
{
    struct att_buf *b = NULL;
    uint8_t *at = NULL;

    ck_assert_int_eq(att_buf_new(&b, 100), ATT_OK);
    ck_assert_ptr_null(att_buf_slice(b).p);
    ck_assert_int_eq(att_buf_add_slice(b, att_slice_str("abc")), ATT_OK);
    ck_assert_int_eq(att_buf_room(b, 97, &at), ATT_OK);
    ck_assert_uint_eq(att_buf_len(b), 3);
    memcpy(at, "defg", 4);
    att_buf_commit(b, 4);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str("abcdefg")));
    ck_assert_int_eq(att_buf_room(b, 94, &at), ATT_E_LIMIT);
    att_buf_drop_front(b, 0);
    att_buf_drop_front(b, 5);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str("fg")));
    att_buf_drop_front(b, 2);
    ck_assert_uint_eq(att_buf_len(b), 0);
    ck_assert_int_eq(att_buf_add(b, "h", 1), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(b), att_slice_str("h")));
    att_buf_free(b);
}
END_TEST

START_TEST(att_buf_clear__wipes_what_was_there)
{
    struct att_buf *b = NULL;
    const uint8_t *p = NULL;

    ck_assert_int_eq(att_buf_new(&b, 64), ATT_OK);
    ck_assert_int_eq(att_buf_add(b, "secret", 6), ATT_OK);
    p = att_buf_slice(b).p;
    att_buf_drop_front(b, 2);
    ck_assert_mem_eq(p, "cret\0\0", 6);
    att_buf_clear(b);
    ck_assert_mem_eq(p, "\0\0\0\0\0\0", 6);
    att_buf_free(b);
    att_wipe(NULL, 0);
}
END_TEST

static void add_bytes(Suite *s)
{
    TCase *t = tcase_create("bytes");

    tcase_add_loop_test(t, att_rd__numbers_are_read_or_truncated, U8, U64LE + 1);
    tcase_add_test(t, att_rd__the_first_failure_sticks);
    tcase_add_test(t, att_rd_count__is_bounded_before_it_steers_anything);
    tcase_add_test(t, att_rd__slices_are_borrowed_and_never_reach_past_the_end);
    tcase_add_test(t, att_rd__empty_inputs_are_inputs);
    tcase_add_test(t, att_rd_sub__has_its_own_end_and_the_offsets_of_the_outermost_input);
    tcase_add_test(t, att_rd_end_diag__says_what_kind_of_thing_is_wrong);
    tcase_add_test(t, att_wr__what_is_written_is_read_back);
    tcase_add_test(t, att_wr__stops_at_the_end_of_the_room);
    tcase_add_test(t, att_wr__the_first_failure_sticks);
    tcase_add_test(t, att_buf__grows_to_its_cap_and_no_further);
    tcase_add_test(t, att_buf__sizes_that_no_machine_has_are_refused);
    tcase_add_test(t, att_buf_room__ends_when_memory_does);
    tcase_add_test(t, att_buf__room_counts_only_when_committed);
    tcase_add_test(t, att_buf_clear__wipes_what_was_there);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("base");
    SRunner *r = NULL;
    int failed = 0;

    add_bytes(s);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
