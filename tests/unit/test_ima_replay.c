/* IMA lists replayed: what an entry extends into each bank, and PCRs and banks kept apart. */
#include <check.h>
#include <string.h>

#include "bytes.h"
#include "imalist.h"
#include "suite.h"
#include "tcg/ima.h"

START_TEST(ima_extended__pads_the_name_of_the_first_template)
{
    uint8_t plain[20 + 256] = {0};
    struct att_slice data = att_slice_of(plain, sizeof(plain));
    struct att_ima_entry e;
    struct att_hasher *h = NULL;
    uint8_t want[ATT_HASH_MAX];
    uint8_t got[ATT_HASH_MAX];

    imalist_old_entry("init", 4);
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_IMA);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA1);
    bytes_expect_text(e.path, "init");
    memset(plain, 0x5a, 20);
    memcpy(plain + 20, "init", 4);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA256, &data, 1, want), ATT_OK);
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_SHA256, false, h), ATT_OK);
    ck_assert_mem_eq(got, want, 32);
    att_hasher_free(h);
}
END_TEST

START_TEST(ima_extended__hashes_the_data_for_each_bank)
{
    struct att_ima_entry e;
    struct att_hasher *h = NULL;
    uint8_t want[ATT_HASH_MAX];
    uint8_t got[ATT_HASH_MAX];

    imalist_whole("ima-ng", "sha256:", "/bin/sh");
    e = imalist_only_entry();
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA384, &e.template_data, 1, want), ATT_OK);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_SHA384, false, h), ATT_OK);
    ck_assert_mem_eq(got, want, 48);
    memset(want, 0, sizeof(want));
    ck_assert_int_eq(att_digest(ATT_HASH_SHA1, &e.template_data, 1, want), ATT_OK);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_SHA256, true, h), ATT_OK);
    ck_assert_mem_eq(got, want, 32);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_SHA1, true, h), ATT_OK);
    ck_assert_mem_eq(got, want, 20);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_NONE, false, h), ATT_E_UNSUPPORTED);
    att_hasher_free(h);
}
END_TEST

START_TEST(ima_extended__gives_all_ones_for_a_violation)
{
    struct att_ima_entry e;
    uint8_t got[ATT_HASH_MAX] = {0};
    uint8_t want[ATT_HASH_MAX];

    memset(want, 0xff, sizeof(want));
    imalist_begin(10, "ima-ng");
    imalist_digest("sha256:", 0, 20); /* as some kernels write a violation */
    imalist_path("/var/log/x");
    imalist_end();
    memset(imalist.bytes + 4, 0, 20);
    e = imalist_only_entry();
    ck_assert(e.violation);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_SHA256, false, NULL), ATT_OK);
    ck_assert_mem_eq(got, want, 32);
    ck_assert_uint_eq(got[32], 0);
}
END_TEST

START_TEST(ima_from__finds_the_hash_of_the_list)
{
    static const size_t SIZES[] = {20, 32, 48, 64};

    for (size_t i = 0; i < ATT_COUNT(SIZES); i++) {
        struct att_ima it;
        struct att_ima_entry e;
        bool more = false;

        imalist_setup();
        for (int k = 0; k < 2; k++) {
            imalist_begin_sized(10, "ima-ng", SIZES[i]);
            imalist_digest("sha256:", 1, 32);
            imalist_path("/bin/sh");
            imalist_end();
        }
        it = att_ima_from(imalist_slice());
        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        ck_assert_uint_eq(e.template_digest.len, SIZES[i]);
        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        ck_assert(more);
        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        ck_assert(!more);
    }
}
END_TEST

/* PCR 10 and 11 of the SHA-256 bank, extended here entry by entry. */
static void extend_each(uint8_t want[2][ATT_HASH_MAX])
{
    struct att_ima it = att_ima_from(imalist_slice());
    struct att_hasher *h = NULL;

    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    for (;;) {
        struct att_ima_entry e;
        uint8_t digest[ATT_HASH_MAX];
        bool more = false;

        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        if (!more) {
            break;
        }
        ck_assert_int_eq(att_digest(ATT_HASH_SHA256, &e.template_data, 1, digest), ATT_OK);
        ck_assert_int_eq(att_pcr_extend(h, ATT_HASH_SHA256, want[e.pcr - 10], digest), ATT_OK);
    }
    att_hasher_free(h);
}

START_TEST(ima_replay__keeps_each_pcr_and_bank_apart)
{
    static const enum att_hash BANKS[] = {ATT_HASH_SHA256, ATT_HASH_SHA1};
    static const enum att_hash TWICE[] = {ATT_HASH_SHA256, ATT_HASH_SHA256};
    static const enum att_hash STRANGE[] = {ATT_HASH_SM3};
    struct att_pcr_values v = {0};
    uint8_t want[2][ATT_HASH_MAX] = {{0}};
    uint32_t entries = 0;

    imalist_whole("ima-ng", "sha256:", "/a");
    imalist_begin(11, "ima-ng");
    imalist_digest("sha256:", 1, 32);
    imalist_path("/b");
    imalist_end();
    imalist_whole("ima-ng", "sha256:", "/c");
    extend_each(want);
    ck_assert_int_eq(att_ima_replay(&v, imalist_slice(), BANKS, 2, false, &entries, NULL), ATT_OK);
    ck_assert_uint_eq(entries, 3);
    ck_assert_uint_eq(v.count, 2);
    ck_assert_uint_eq(v.bank[0].has, 3U << 10);
    ck_assert_mem_eq(v.bank[0].value[10], want[0], 32);
    ck_assert_mem_eq(v.bank[0].value[11], want[1], 32);
    ck_assert_int_eq(att_ima_replay(&v, imalist_slice(), TWICE, 2, false, NULL, NULL),
                     ATT_E_CONFLICT);
    ck_assert_int_eq(att_ima_replay(&v, imalist_slice(), STRANGE, 1, false, NULL, NULL),
                     ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_ima_replay(&v, att_slice_of("", 0), BANKS, 1, false, &entries, NULL),
                     ATT_OK);
    ck_assert_uint_eq(entries, 0);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("ima_replay");

    tcase_add_checked_fixture(t, imalist_setup, NULL);
    tcase_add_test(t, ima_extended__pads_the_name_of_the_first_template);
    tcase_add_test(t, ima_extended__hashes_the_data_for_each_bank);
    tcase_add_test(t, ima_extended__gives_all_ones_for_a_violation);
    tcase_add_test(t, ima_from__finds_the_hash_of_the_list);
    tcase_add_test(t, ima_replay__keeps_each_pcr_and_bank_apart);
    return suite_run_case("ima_replay", t);
}
