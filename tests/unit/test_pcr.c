/* PCR selections, values, extension, composite: clauses of Part 2 and values of real machines. */
#include "tcg/pcr.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "base/file.h"
#include "base/hex.h"

static struct att_pcr_selection sel_of(const char *text)
{
    struct att_pcr_selection sel = {0};
    struct att_diag diag = {0};

    ck_assert_int_eq(att_pcr_selection_parse_text(&sel, text, &diag), ATT_OK);
    return sel;
}

static void refuse_bytes(const char *hex, enum att_err want)
{
    uint8_t in[256];
    size_t len = 0;
    struct att_pcr_selection sel = {.count = 77};
    struct att_rd r;

    ck_assert_int_eq(att_hex_decode(in, sizeof(in), &len, hex, strlen(hex)), ATT_OK);
    r = att_rd_from(in, len);
    att_pcr_selection_read(&r, &sel);
    ck_assert_msg(r.err == want, "%s gives %s", hex, att_err_name(r.err));
    ck_assert_uint_eq(sel.count, 77);
}

START_TEST(selection_read__refuses_what_no_tpm_sends)
{
    refuse_bytes("00000011", ATT_E_LIMIT);                          /* 17 selections */
    refuse_bytes("ffffffff", ATT_E_LIMIT);                          /* and many more */
    refuse_bytes("00000001000b00", ATT_E_FORMAT);                   /* sizeofSelect 0 */
    refuse_bytes("00000001000b01ff", ATT_E_FORMAT);                 /* 1 */
    refuse_bytes("00000001000b02ffff", ATT_E_FORMAT);               /* 2 */
    refuse_bytes("00000001000b05ffffff0000", ATT_E_FORMAT);         /* 5 */
    refuse_bytes("00000001000bffffffff", ATT_E_FORMAT);             /* 255 */
    refuse_bytes("00000001000b0400000001", ATT_E_FORMAT);           /* PCR 24 */
    refuse_bytes("00000001000b0400000080", ATT_E_FORMAT);           /* PCR 31 */
    refuse_bytes("00000001000a03ffffff", ATT_E_FORMAT);             /* no such bank */
    refuse_bytes("00000001000003ffffff", ATT_E_FORMAT);             /* bank 0 */
    refuse_bytes("00000001000b03ffff", ATT_E_TRUNCATED);            /* half a bitmap */
    refuse_bytes("00000002000b03ffffff", ATT_E_TRUNCATED);          /* one of two */
    refuse_bytes("00000002000b03ffffff000b03000000", ATT_E_FORMAT); /* twice */
    refuse_bytes("000000", ATT_E_TRUNCATED);
}
END_TEST

START_TEST(selection_read__accepts_an_empty_list_and_four_octets)
{
    static const uint8_t EMPTY[] = {0, 0, 0, 0};
    static const uint8_t FOUR[] = {0, 0, 0, 1, 0, 0x0b, 4, 0x81, 0, 0x80, 0};
    struct att_pcr_selection sel = {0};
    struct att_rd r = att_rd_from(EMPTY, sizeof(EMPTY));

    att_pcr_selection_read(&r, &sel);
    ck_assert_int_eq(att_rd_end(&r), ATT_OK);
    ck_assert_uint_eq(sel.count, 0);
    ck_assert(att_pcr_selection_empty(&sel));

    r = att_rd_from(FOUR, sizeof(FOUR));
    att_pcr_selection_read(&r, &sel);
    ck_assert_int_eq(att_rd_end(&r), ATT_OK);
    ck_assert_uint_eq(sel.sel[0].mask, 0x800081);
    ck_assert_uint_eq(sel.sel[0].size, 4);
    ck_assert(!att_pcr_selection_empty(&sel));
}
END_TEST

START_TEST(selection_write__gives_what_the_tpm_stack_writes)
{
    struct att_pcr_selection sel = sel_of("sha256:0,1,2,3,4,5,6,7,23+sha1:10");
    struct att_pcr_selection back = {0};
    TPML_PCR_SELECTION tss = {.count = 2};
    uint8_t theirs[256];
    uint8_t ours[256];
    size_t their_len = 0;
    struct att_wr w = att_wr_into(ours, sizeof(ours));
    struct att_slice written = {0};
    struct att_rd r;

    tss.pcrSelections[0] = (TPMS_PCR_SELECTION){
        .hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = {0xff, 0, 0x80}};
    tss.pcrSelections[1] =
        (TPMS_PCR_SELECTION){.hash = TPM2_ALG_SHA1, .sizeofSelect = 3, .pcrSelect = {0, 4, 0}};
    ck_assert_uint_eq(Tss2_MU_TPML_PCR_SELECTION_Marshal(&tss, theirs, sizeof(theirs), &their_len),
                      TSS2_RC_SUCCESS);
    att_pcr_selection_write(&w, &sel);
    ck_assert_int_eq(att_wr_done(&w, &written), ATT_OK);
    ck_assert(att_slice_eq(written, att_slice_of(theirs, their_len)));

    r = att_rd_from(theirs, their_len);
    att_pcr_selection_read(&r, &back);
    ck_assert_int_eq(att_rd_end(&r), ATT_OK);
    ck_assert(att_pcr_selection_eq(&sel, &back));
}
END_TEST

START_TEST(selection_eq__sees_order_banks_and_pcrs)
{
    struct att_pcr_selection a = sel_of("sha256:0,1+sha1:10");
    struct att_pcr_selection order = sel_of("sha1:10+sha256:0,1");
    struct att_pcr_selection more = sel_of("sha256:0,1,2+sha1:10");
    struct att_pcr_selection fewer = sel_of("sha256:0,1");
    struct att_pcr_selection same = sel_of("sha256:1,0+sha1:10");

    ck_assert(att_pcr_selection_eq(&a, &same));
    ck_assert(!att_pcr_selection_eq(&a, &order));
    ck_assert(!att_pcr_selection_eq(&a, &more));
    ck_assert(!att_pcr_selection_eq(&a, &fewer));
}
END_TEST

START_TEST(selection_parse_text__prints_back)
{
    struct att_pcr_selection sel = sel_of("sha256:0,1,7,23+sha384:all+sha1:10");
    char text[128];
    char little[12];

    ck_assert_uint_eq(sel.sel[1].mask, 0xffffff);
    sel = sel_of("sha256:0,1,7,23+sha1:10");
    ck_assert_str_eq(att_pcr_selection_print(text, sizeof(text), &sel), "sha256:0,1,7,23+sha1:10");
    ck_assert_str_eq(att_pcr_selection_print(little, sizeof(little), &sel), "sha256:0,1");
}
END_TEST

START_TEST(selection_parse_text__refuses_other_spellings)
{
    static const char *const BAD[] = {
        "",          "sha256",       "sha256:",    "sha256:24", "sha256:0,",         "sha256:,0",
        "sha256:0+", "sha256:0,0",   "md5:0",      "sha256:0 ", "sha256:0+sha256:1", "sha256:-1",
        "sha256:1x", "sha256:0,all", "sha256:001", "sha256 :0",
    };

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        struct att_pcr_selection sel = {.count = 77};
        struct att_diag diag = {0};

        ck_assert_msg(att_pcr_selection_parse_text(&sel, BAD[i], &diag) == ATT_E_FORMAT, "%s",
                      BAD[i]);
        ck_assert_int_eq(diag.reason, ATT_R_USAGE);
        ck_assert_uint_eq(sel.count, 77);
    }
}
END_TEST

/* The value that PCRs 2, 3 and 6 of many machines have: one EV_SEPARATOR and nothing else. */
START_TEST(extend__gives_the_value_of_a_pcr_with_a_separator)
{
    static const struct {
        enum att_hash bank;
        const char *want;
    } CASES[] = {
        {ATT_HASH_SHA1, "b2a83b0ebf2f8374299a5b2bdfc31ea955ad7236"},
        {ATT_HASH_SHA256, "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"},
    };
    static const uint8_t SEPARATOR[4] = {0};
    struct att_hasher *h = NULL;

    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        uint8_t value[ATT_HASH_MAX] = {0};
        uint8_t digest[ATT_HASH_MAX];
        char hex[2 * ATT_HASH_MAX + 1];
        struct att_slice data = att_slice_of(SEPARATOR, sizeof(SEPARATOR));

        ck_assert_int_eq(att_digest(CASES[i].bank, &data, 1, digest), ATT_OK);
        ck_assert_int_eq(att_pcr_extend(h, CASES[i].bank, value, digest), ATT_OK);
        att_hex_encode(hex, sizeof(hex), att_slice_of(value, att_hash_size(CASES[i].bank)));
        ck_assert_str_eq(hex, CASES[i].want);
    }
    att_hasher_free(h);
}
END_TEST

START_TEST(composite__hashes_in_selection_order_and_ascending)
{
    struct att_pcr_values v = {0};
    struct att_pcr_bank *sha256 = att_pcr_bank_add(&v, ATT_HASH_SHA256);
    struct att_pcr_bank *sha1 = att_pcr_bank_add(&v, ATT_HASH_SHA1);
    struct att_pcr_selection sel = sel_of("sha256:7,2+sha1:10");
    struct att_slice parts[3];
    uint8_t want[ATT_HASH_MAX];
    uint8_t got[ATT_HASH_MAX];

    memset(sha256->value[2], 0x22, 32);
    memset(sha256->value[7], 0x77, 32);
    memset(sha1->value[10], 0x10, 20);
    sha256->has = 1U << 2 | 1U << 7;
    sha1->has = 1U << 10;
    parts[0] = att_slice_of(sha256->value[2], 32);
    parts[1] = att_slice_of(sha256->value[7], 32);
    parts[2] = att_slice_of(sha1->value[10], 20);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA384, parts, 3, want), ATT_OK);
    ck_assert_int_eq(att_pcr_composite(got, ATT_HASH_SHA384, &sel, &v, NULL), ATT_OK);
    ck_assert_mem_eq(got, want, 48);
}
END_TEST

START_TEST(composite__names_the_value_that_is_not_known)
{
    struct att_pcr_values v = {0};
    struct att_pcr_selection sel = sel_of("sha256:0,7");
    struct att_diag diag = {0};
    uint8_t out[ATT_HASH_MAX] = {0x5a};

    ck_assert_int_eq(att_pcr_composite(out, ATT_HASH_SHA256, &sel, &v, &diag), ATT_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(diag.text, "PCR 0 of bank sha256"));
    att_pcr_bank_add(&v, ATT_HASH_SHA256)->has = 1;
    ck_assert_int_eq(att_pcr_composite(out, ATT_HASH_SHA256, &sel, &v, &diag), ATT_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(diag.text, "PCR 7 of bank sha256"));
    ck_assert_uint_eq(out[0], 0x5a);
    ck_assert_int_eq(att_pcr_composite(out, ATT_HASH_SM3, &sel, &v, &diag), ATT_E_UNSUPPORTED);
}
END_TEST

START_TEST(bank_add__gives_each_bank_one_place)
{
    struct att_pcr_values v = {0};
    struct att_pcr_bank *a = att_pcr_bank_add(&v, ATT_HASH_SHA256);

    ck_assert_ptr_eq(att_pcr_bank_add(&v, ATT_HASH_SHA256), a);
    ck_assert_ptr_eq(att_pcr_bank_get(&v, ATT_HASH_SHA256), a);
    ck_assert_ptr_null(att_pcr_bank_find(&v, ATT_HASH_SHA1));
    ck_assert_ptr_null(att_pcr_bank_add(&v, ATT_HASH_NONE));
    ck_assert_uint_eq(v.count, 1);
}
END_TEST

static enum att_err parse_values(struct att_pcr_values *v, const char *text, struct att_diag *diag)
{
    return att_pcr_values_parse_text(v, att_slice_str(text), diag);
}

#define SHA1_0 "0000000000000000000000000000000000000000"
#define SHA1_F "ffffffffffffffffffffffffffffffffffffffff"

START_TEST(values_parse_text__reads_what_the_tools_print)
{
    static const char TEXT[] = "  sha1:\n    0 : 0x" SHA1_0 "\n    17: 0xFFFFFFFFFFFFFFFFFFFF"
                               "FFFFFFFFFFFFFFFFFFFF\r\n\n  sha256:\n  sha384:\n";
    static const char NESTED[] = "pcrs:\n  sha1 :\n    1  : " SHA1_F;
    struct att_pcr_values v = {0};

    ck_assert_int_eq(parse_values(&v, TEXT, NULL), ATT_OK);
    ck_assert_uint_eq(v.count, 3);
    ck_assert_uint_eq(att_pcr_bank_find(&v, ATT_HASH_SHA1)->has, 1U | 1U << 17);
    ck_assert_uint_eq(att_pcr_bank_find(&v, ATT_HASH_SHA1)->value[17][19], 0xff);
    ck_assert_uint_eq(att_pcr_bank_find(&v, ATT_HASH_SHA384)->has, 0);
    ck_assert_int_eq(parse_values(&v, NESTED, NULL), ATT_OK);
    ck_assert_uint_eq(att_pcr_bank_find(&v, ATT_HASH_SHA1)->has, 2);
}
END_TEST

START_TEST(values_parse_text__refuses_other_text)
{
    static const char *const BAD[] = {
        "",
        "\n",
        "0 : 0x" SHA1_0,
        "sha1:\n 24 : 0x" SHA1_0,
        "sha1:\n 0 : 0x" SHA1_0 "00",
        "sha1:\n 0 : 0x",
        "sha1:\n 0 : 0x" SHA1_0 "\n 0 : 0x" SHA1_0,
        "sha1:\n 0 : 0x" SHA1_0 " 1",
        "sha1:\n 0   0x" SHA1_0,
        "sha1:\nsha1:\n",
        "md5:\n",
        "sha1:\npcrs:\n",
        "sha256:\n 0 : 0x" SHA1_0,
    };

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        struct att_pcr_values v = {.count = 77};
        struct att_diag diag = {0};

        ck_assert_msg(parse_values(&v, BAD[i], &diag) == ATT_E_FORMAT, "case %zu", i);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_YAML);
        ck_assert_uint_eq(v.count, 77);
    }
}
END_TEST

static void read_corpus(struct att_buf **out, const char *folder, const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/gateway-vm/%s/%s", getenv("CORPUS"), folder, name);
    ck_assert_int_eq(att_file_read(out, path, 1U << 20, NULL), ATT_OK);
}

/* The text of tpm2_pcrread and the file of tpm2_quote name the same values of one machine. */
START_TEST(values_parse_text__reads_both_files_of_a_real_gateway)
{
    static const char *const FOLDERS[] = {"A", "B", "F"};

    for (size_t i = 0; i < ATT_COUNT(FOLDERS); i++) {
        struct att_buf *text = NULL;
        struct att_buf *dump = NULL;
        struct att_pcr_values all = {0};
        struct att_pcr_values some = {0};
        struct att_diag diag = {0};

        read_corpus(&text, FOLDERS[i], "pcrs.yaml");
        read_corpus(&dump, FOLDERS[i], "quote.pcrs");
        ck_assert_int_eq(att_pcr_values_parse_text(&all, att_buf_slice(text), &diag), ATT_OK);
        ck_assert_msg(att_pcr_values_parse_text(&some, att_buf_slice(dump), &diag) == ATT_OK, "%s",
                      diag.text);
        ck_assert_uint_eq(att_pcr_bank_find(&all, ATT_HASH_SHA256)->has, 0xffffff);
        ck_assert_uint_eq(att_pcr_bank_find(&some, ATT_HASH_SHA256)->has, 0xffff);
        ck_assert_uint_eq(att_pcr_bank_find(&some, ATT_HASH_SHA1)->has, 1U << 10);
        for (int k = 0; k < 8; k++) {
            ck_assert_mem_eq(att_pcr_bank_find(&all, ATT_HASH_SHA256)->value[k],
                             att_pcr_bank_find(&some, ATT_HASH_SHA256)->value[k], 32);
        }
        for (size_t cut = 0; cut < att_buf_len(dump); cut += 7) {
            struct att_slice part = att_slice_of(att_buf_slice(dump).p, cut);

            ck_assert_int_ne(att_pcr_values_parse_text(&some, part, NULL), ATT_OK);
        }
        att_buf_free(text);
        att_buf_free(dump);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pcr");
    TCase *t = tcase_create("pcr");

    tcase_add_test(t, selection_read__refuses_what_no_tpm_sends);
    tcase_add_test(t, selection_read__accepts_an_empty_list_and_four_octets);
    tcase_add_test(t, selection_write__gives_what_the_tpm_stack_writes);
    tcase_add_test(t, selection_eq__sees_order_banks_and_pcrs);
    tcase_add_test(t, selection_parse_text__prints_back);
    tcase_add_test(t, selection_parse_text__refuses_other_spellings);
    tcase_add_test(t, extend__gives_the_value_of_a_pcr_with_a_separator);
    tcase_add_test(t, composite__hashes_in_selection_order_and_ascending);
    tcase_add_test(t, composite__names_the_value_that_is_not_known);
    tcase_add_test(t, bank_add__gives_each_bank_one_place);
    tcase_add_test(t, values_parse_text__reads_what_the_tools_print);
    tcase_add_test(t, values_parse_text__refuses_other_text);
    if (getenv("CORPUS") != NULL && getenv("CORPUS")[0] != '\0') {
        tcase_add_test(t, values_parse_text__reads_both_files_of_a_real_gateway);
    }
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
