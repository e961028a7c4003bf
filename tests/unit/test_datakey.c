/* The data key's digests and its authorisation as bytes: the vectors of docs/formats/data-key.md. */
#include "tcg/datakey.h"

#include <check.h>
#include <string.h>

#include "base/hex.h"
#include "evidence/context.h"
#include "suite.h"

#define DOCUMENT                                                                                   \
    "a80001014a00000001000b03812000"                                                               \
    "02582000112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"                       \
    "031a0098968004070502061a6b49d200075840"                                                       \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"                             \
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
/* computed by a program of others from the pages of the specification */
#define REF    "70839d6b9a1121ea0ccd0d0ac1c2825a81b2f7ac62d9abaf9848afe8bbcd609f"
#define POLICY "c781992cf93a93ae58f65ad324c8ba2fc491bd36e58eb86e3936079d920600d0"

static struct att_grant example(void)
{
    struct att_grant g = {
        .selection = {.count = 1, .sel[0] = {ATT_HASH_SHA256, 1U << 0 | 1U << 7 | 1U << 13, 3}},
        .until_ms = 10000000,
        .reset_count = 7,
        .restart_count = 2,
        .until_utc = 1800000000,
    };

    for (size_t i = 0; i < 32; i++) {
        g.pcr_digest[i] = (uint8_t)(0x11 * (i % 16));
    }
    for (size_t i = 0; i < sizeof(g.signature); i++) {
        g.signature[i] = (uint8_t)i;
    }
    return g;
}

static struct att_slice encoded(uint8_t *room, size_t cap, const struct att_grant *g)
{
    struct att_wr w = att_wr_into(room, cap);
    struct att_slice all = {0};

    ck_assert_int_eq(att_grant_encode(&w, g), ATT_OK);
    ck_assert_int_eq(att_wr_done(&w, &all), ATT_OK);
    return all;
}

static void same_hex(const char *expected, struct att_slice found)
{
    char hex[2 * ATT_GRANT_MAX + 1];

    ck_assert_str_eq(att_hex_encode(hex, sizeof(hex), found), expected);
}

START_TEST(grant__is_the_bytes_of_the_page)
{
    uint8_t room[ATT_GRANT_MAX];
    struct att_grant g = example();
    struct att_grant back;
    struct att_slice all = encoded(room, sizeof(room), &g);
    struct att_diag diag = {0};
    uint8_t policy[ATT_POLICY_LEN];

    same_hex(DOCUMENT, all);
    ck_assert_msg(att_grant_parse(&back, all, &diag) == ATT_OK, "%s", diag.text);
    ck_assert(att_pcr_selection_eq(&back.selection, &g.selection));
    ck_assert_mem_eq(back.pcr_digest, g.pcr_digest, 32);
    ck_assert_uint_eq(back.until_ms, g.until_ms);
    ck_assert_uint_eq(back.reset_count, 7);
    ck_assert_uint_eq(back.restart_count, 2);
    ck_assert_int_eq(back.until_utc, g.until_utc);
    ck_assert_mem_eq(back.signature, g.signature, sizeof(g.signature));
    ck_assert_int_eq(att_grant_policy(policy, &g), ATT_OK);
    same_hex(POLICY, att_slice_of(policy, sizeof(policy)));
}
END_TEST

START_TEST(ref__names_purpose_and_device)
{
    uint8_t ref[ATT_POLICY_REF_LEN];
    uint8_t other[ATT_POLICY_REF_LEN];

    ck_assert_int_eq(att_data_key_ref(ref, "gateway-1"), ATT_OK);
    same_hex(REF, att_slice_of(ref, sizeof(ref)));
    ck_assert_int_eq(att_data_key_ref(other, "gateway-2"), ATT_OK);
    ck_assert_mem_ne(ref, other, sizeof(ref));
}
END_TEST

/* Every cut, and every changed byte of the structure, is refused or says something else: nothing is guessed. */
START_TEST(grant__that_is_cut_is_refused)
{
    uint8_t room[ATT_GRANT_MAX];
    struct att_grant g = example();
    struct att_grant back;
    struct att_slice all = encoded(room, sizeof(room), &g);

    for (size_t len = 0; len < all.len; len++) {
        struct att_diag diag = {0};

        ck_assert_int_ne(att_grant_parse(&back, att_slice_of(all.p, len), &diag), ATT_OK);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_CBOR);
    }
    room[all.len] = 0;
    ck_assert_int_eq(att_grant_parse(&back, att_slice_of(all.p, all.len + 1), NULL),
                     ATT_E_TRAILING);
}
END_TEST

START_TEST(grant__of_another_form_is_refused)
{
    static const struct {
        size_t at;
        uint8_t byte;
        enum att_err err;
        enum att_reason reason;
    } ROWS[] = {
        {0, 0xa7, ATT_E_FORMAT, ATT_R_FMT_CBOR}, /* a member too few */
        {1, 0x01, ATT_E_FORMAT, ATT_R_FMT_CBOR}, /* no version */
        {2, 0x02, ATT_E_UNSUPPORTED, ATT_R_FMT_VERSION},
        {4, 0x49, ATT_E_FORMAT, ATT_R_FMT_CBOR},    /* the selection's length */
        {8, 0x02, ATT_E_TRUNCATED, ATT_R_FMT_CBOR}, /* two banks, one written */
        {10, 0x0f, ATT_E_FORMAT, ATT_R_FMT_CBOR},   /* an unknown bank */
        {13, 0x24, ATT_E_DENIED, ATT_R_DK_GRANT},   /* PCR 10 beside 13 */
    };
    uint8_t room[ATT_GRANT_MAX];
    struct att_grant g = example();
    struct att_grant back;
    struct att_slice all = encoded(room, sizeof(room), &g);
    struct att_diag diag = {0};

    room[ROWS[_i].at] = ROWS[_i].byte;
    ck_assert_int_eq(att_grant_parse(&back, all, &diag), ROWS[_i].err);
    ck_assert_str_eq(att_reason_code(diag.reason), att_reason_code(ROWS[_i].reason));
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {grant__is_the_bytes_of_the_page, 0},
        {ref__names_purpose_and_device, 0},
        {grant__that_is_cut_is_refused, 0},
        {grant__of_another_form_is_refused, 7},
    };

    return SUITE_RUN_ROWS("datakey", rows, NULL);
}
