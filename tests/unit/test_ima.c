/* IMA lists: entries of every template built by hand, and one test for each way to be malformed. */
#include "tcg/ima.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "imalist.h"
#include "suite.h"

/* From memory of the exact size, so that a sanitizer sees a byte too many. */
static void refuse_slice(struct att_slice in, enum att_err want)
{
    uint8_t *exact = malloc(in.len == 0 ? 1 : in.len);
    struct att_ima it;
    struct att_ima_entry e = {.pcr = 77};
    struct att_diag diag = {0};
    bool more = true;
    enum att_err err = ATT_OK;

    if (in.len > 0) {
        memcpy(exact, in.p, in.len);
    }
    it = att_ima_from(att_slice_of(exact, in.len));
    err = att_ima_next(&it, &e, &more, &diag);
    free(exact);
    ck_assert_msg(err == want, "%s, not %s: %s", att_err_name(err), att_err_name(want), diag.text);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_IMA);
    ck_assert_uint_eq(diag.off, 0);
    ck_assert_uint_eq(e.pcr, 77);
    ck_assert_uint_eq(it.count, 0);
}

static void refuse(enum att_err want)
{
    refuse_slice(imalist_slice(), want);
}

static void expect_ng(void)
{
    struct att_ima_entry e;

    imalist_whole("ima-ng", "sha256:", "/bin/sh");
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_NG);
    ck_assert_uint_eq(e.pcr, 10);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA256);
    ck_assert_uint_eq(e.digest.len, 32);
    bytes_expect_text(e.path, "/bin/sh");
    bytes_expect_text(e.template_name, "ima-ng");
    ck_assert(!e.violation && !e.verity);
}

static void expect_sig_and_buf(void)
{
    struct att_ima_entry e;

    imalist_setup();
    imalist_begin(11, "ima-sig");
    imalist_digest("sha512:", 1, 64);
    imalist_path("/bin/sh");
    imalist_field("\3\2sig", 5);
    imalist_end();
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_SIG);
    ck_assert_uint_eq(e.sig.len, 5);
    ck_assert_uint_eq(e.buf.len, 0);

    imalist_setup();
    imalist_begin(10, "ima-buf");
    imalist_digest("sha256:", 1, 32);
    imalist_path("kexec-cmdline");
    imalist_field("quiet", 5);
    imalist_end();
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_BUF);
    bytes_expect_text(e.buf, "quiet");
}

static void expect_second_versions(void)
{
    struct att_ima_entry e;

    imalist_setup();
    imalist_whole("ima-ngv2", "verity:sha256:", "/bin/sh");
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_NGV2);
    ck_assert(e.verity);

    imalist_setup();
    imalist_begin(10, "ima-sigv2");
    imalist_digest("ima:sha256:", 1, 32);
    imalist_path("/bin/sh");
    imalist_field("", 0);
    imalist_end();
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_SIGV2);
    ck_assert(!e.verity);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA256);
}

START_TEST(ima_next__reads_every_template)
{
    expect_ng();
    expect_sig_and_buf();
    expect_second_versions();
}
END_TEST

static void expect_custom(void)
{
    struct att_ima_entry e;

    imalist_setup();
    imalist_begin(10, "d-ng|n-ng|sig|buf");
    imalist_digest("sha384:", 1, 48);
    imalist_path("x");
    imalist_field("s", 1);
    imalist_field("b", 1);
    imalist_end();
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_CUSTOM);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA384);
    bytes_expect_text(e.buf, "b");
}

START_TEST(ima_next__reads_the_templates_with_many_fields)
{
    struct att_ima_entry e;

    imalist_begin(10, "ima-modsig");
    imalist_digest("sha256:", 1, 32);
    imalist_path("/lib/m.ko");
    imalist_field("", 0);
    imalist_digest("sha256:", 2, 32);
    imalist_field("pkcs7", 5);
    imalist_end();
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_MODSIG);
    bytes_expect_text(e.path, "/lib/m.ko");

    imalist_setup();
    imalist_begin(10, "evm-sig");
    imalist_digest("sha256:", 1, 32);
    imalist_path("/bin/sh");
    imalist_field("\5portable", 9);
    imalist_field("security.ima", 13);
    imalist_field("\4\0\0\0", 4);
    imalist_field("abcd", 4);
    imalist_field("\0\0", 2);
    imalist_field("\0\0", 2);
    imalist_field("\0\0", 2);
    imalist_end();
    e = imalist_only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_EVM_SIG);
    ck_assert_uint_eq(e.sig.len, 9);
    expect_custom();
}
END_TEST

/* A kernel with ima_hash=sm3: its list is read, though nobody here computes such a digest. */
START_TEST(ima_next__knows_sm3_by_either_name_of_the_kernel)
{
    static const char *const PREFIX[] = {"sm3:", "sm3-256:"};

    for (size_t i = 0; i < ATT_COUNT(PREFIX); i++) {
        struct att_ima_entry e;

        imalist_setup();
        imalist_whole("ima-ng", PREFIX[i], "/bin/sh");
        e = imalist_only_entry();
        ck_assert_int_eq(e.alg, ATT_HASH_SM3);
        ck_assert_uint_eq(e.digest.len, 32);
    }
}
END_TEST

/* An evm-sig entry whose attribute reads as a digest, under a template's name that calls it one. */
START_TEST(ima_next__refuses_a_custom_template_that_names_another_digest)
{
    static const char *const NAMES[] = {"buf|n-ng|sig|d-ng", "d-ng|n-ng|sig|d-ng",
                                        "n-ng|d-ng|sig|buf", "d-ng|n-ng|sig|n-ng"};

    for (size_t i = 0; i < ATT_COUNT(NAMES); i++) {
        struct att_diag diag = {0};
        struct att_ima_entry e;
        struct att_ima it;
        bool more = false;

        imalist_setup();
        imalist_begin(10, NAMES[i]);
        imalist_digest("sha256:", 1, 32);
        imalist_path("/tmp/x");
        imalist_field("\5portable", 9);
        imalist_digest("sha256:", 2, 32);
        imalist_end();
        it = att_ima_from(imalist_slice());
        ck_assert_int_eq(att_ima_next(&it, &e, &more, &diag), ATT_E_FORMAT);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_IMA);
        ck_assert_str_eq(diag.field, "template name");
    }
}
END_TEST

START_TEST(ima_next__refuses_long_and_broken_old_entries)
{
    static const char NAME[256] = {'a'};

    imalist_old_entry(NAME, 256);
    refuse(ATT_E_LIMIT);
    imalist_setup();
    imalist_old_entry("in\0it", 5);
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_old_entry("init", 4);
    refuse_slice(att_slice_of(imalist.bytes, imalist.w.len - 1), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(ima_next__refuses_digests_that_are_not_what_they_say)
{
    static const struct {
        const char *prefix;
        size_t len;
    } BAD[] = {
        {"sha256:", 20}, {"sha256:", 33}, {"sha256:", 0}, {"sha257:", 32}, {"sha257:", 0},
        {"md5:", 16},    {"sha256", 32},  {":", 32},      {"", 32},        {"ima:sha256:", 32},
    };

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        imalist_setup();
        imalist_begin(10, "ima-ng");
        imalist_digest(BAD[i].prefix, 0x5a, BAD[i].len);
        imalist_path("/bin/sh");
        imalist_end();
        refuse(ATT_E_FORMAT);
    }
    imalist_setup();
    imalist_whole("ima-ngv2", "sha256:", "/bin/sh");
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_whole("ima-ngv2", "evm:sha256:", "/bin/sh");
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng"); /* 20 zero bytes of sha256, but no violation */
    imalist_digest("sha256:", 0, 20);
    imalist_path("/bin/sh");
    imalist_end();
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(ima_next__refuses_digest_fields_without_their_marks)
{
    char long_name[301];

    memset(long_name, 'a', 300);
    long_name[299] = ':';
    long_name[300] = '\0';
    imalist_whole("ima-ng", long_name, "/bin/sh");
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng");
    imalist_field("sha256:no NUL at all", 20);
    imalist_path("/bin/sh");
    imalist_end();
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng");
    imalist_field("", 0);
    imalist_path("/bin/sh");
    imalist_end();
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(ima_next__refuses_names_without_one_final_nul)
{
    imalist_begin(10, "ima-ng");
    imalist_digest("sha256:", 1, 32);
    imalist_field("/bin/sh", 7);
    imalist_end();
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng");
    imalist_digest("sha256:", 1, 32);
    imalist_field("/bin\0/sh", 9);
    imalist_end();
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng");
    imalist_digest("sha256:", 1, 32);
    imalist_field("", 0);
    imalist_end();
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng");
    imalist_digest("sha256:", 1, 32);
    att_wr_u32le(&imalist.w, ATT_IMA_PATH_MAX + 1);
    att_wr_zeros(&imalist.w, ATT_IMA_PATH_MAX + 1);
    imalist_end();
    refuse(ATT_E_LIMIT);
}
END_TEST

/* Names are opaque bytes: one entry is one name, whatever it holds. */
START_TEST(ima_next__leaves_names_alone)
{
    static const char *const NAMES[] = {
        "", "..", "/a b", "/tmp/x (deleted)", "/x\n10 00 ima-ng sha256:00 /y", "\xff\xfe"};
    char longest[4098];

    for (size_t i = 0; i < ATT_COUNT(NAMES); i++) {
        imalist_setup();
        imalist_whole("ima-ng", "sha256:", NAMES[i]);
        bytes_expect_text(imalist_only_entry().path, NAMES[i]);
    }
    memset(longest, 'p', 4097);
    longest[4097] = '\0';
    imalist_setup();
    imalist_whole("ima-ng", "sha256:", longest);
    ck_assert_uint_eq(imalist_only_entry().path.len, 4097);
}
END_TEST

START_TEST(ima_next__refuses_unknown_templates)
{
    static const char *const BAD[] = {
        "",      "ima-ngx",    "imang", "d-ng",        "n-ng",       "sig",
        "d-ng|", "|d-ng|n-ng", "d|n",   "d-ng|n-ng|x", "d-ng||n-ng", "ima-ng|",
    };
    char many[300] = "d-ng|n-ng";

    for (size_t i = 0; i < ATT_COUNT(BAD); i++) {
        imalist_setup();
        imalist_whole(BAD[i], "sha256:", "/bin/sh");
        refuse(ATT_E_FORMAT);
    }
    for (int i = 0; i < 15; i++) {
        strcat(many, "|sig");
    }
    imalist_setup();
    imalist_whole(many, "sha256:", "/bin/sh");
    refuse(ATT_E_FORMAT);
    memset(many, 'a', 299);
    imalist_setup();
    imalist_whole(many, "sha256:", "/bin/sh");
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(ima_next__refuses_fields_that_do_not_fill_the_data)
{
    imalist_begin(10, "ima-ng"); /* no fields */
    imalist_end();
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng"); /* one too few */
    imalist_digest("sha256:", 1, 32);
    imalist_end();
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng"); /* one too many */
    imalist_digest("sha256:", 1, 32);
    imalist_path("/bin/sh");
    imalist_field("", 0);
    imalist_end();
    refuse(ATT_E_FORMAT);
    imalist_setup();
    imalist_begin(10, "ima-ng"); /* a field beyond the record, while the list has the bytes */
    imalist_digest("sha256:", 1, 32);
    imalist_path("/bin/sh");
    imalist_end();
    imalist.bytes[imalist.data_at] = 200;
    att_wr_zeros(&imalist.w, 300);
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(ima_next__refuses_every_truncation_and_false_lengths)
{
    struct att_slice in;

    imalist_whole("ima-ng", "sha256:", "/bin/sh");
    in = imalist_slice();
    for (size_t len = 1; len < in.len; len++) {
        refuse_slice(att_slice_of(in.p, len), ATT_E_TRUNCATED);
    }
    imalist.bytes[imalist.data_at - 1] = 0xff;
    refuse(ATT_E_LIMIT);
    imalist.bytes[imalist.data_at - 1] = 0;
    imalist.bytes[27] = 0xff; /* the length of the template's name */
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(ima_next__refuses_big_endian_lists_and_strange_pcrs)
{
    static const uint32_t PCRS[] = {24, 32, 0x0a000000, 0xffffffff};

    for (size_t i = 0; i < ATT_COUNT(PCRS); i++) {
        imalist_setup();
        imalist_begin(PCRS[i], "ima-ng");
        imalist_digest("sha256:", 1, 32);
        imalist_path("/bin/sh");
        imalist_end();
        refuse(ATT_E_FORMAT);
    }
    imalist_setup();
    imalist_begin(0, "ima-ng"); /* PCR 0 is the same in both orders; its next number is not */
    imalist_digest("sha256:", 1, 32);
    imalist_path("/bin/sh");
    imalist_end();
    memcpy(imalist.bytes + 24, "\0\0\0\6", 4);
    refuse(ATT_E_LIMIT);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("ima");

    tcase_add_checked_fixture(t, imalist_setup, NULL);
    tcase_add_test(t, ima_next__reads_every_template);
    tcase_add_test(t, ima_next__reads_the_templates_with_many_fields);
    tcase_add_test(t, ima_next__knows_sm3_by_either_name_of_the_kernel);
    tcase_add_test(t, ima_next__refuses_a_custom_template_that_names_another_digest);
    tcase_add_test(t, ima_next__refuses_long_and_broken_old_entries);
    tcase_add_test(t, ima_next__refuses_digests_that_are_not_what_they_say);
    tcase_add_test(t, ima_next__refuses_digest_fields_without_their_marks);
    tcase_add_test(t, ima_next__refuses_names_without_one_final_nul);
    tcase_add_test(t, ima_next__leaves_names_alone);
    tcase_add_test(t, ima_next__refuses_unknown_templates);
    tcase_add_test(t, ima_next__refuses_fields_that_do_not_fill_the_data);
    tcase_add_test(t, ima_next__refuses_every_truncation_and_false_lengths);
    tcase_add_test(t, ima_next__refuses_big_endian_lists_and_strange_pcrs);
    return suite_run_case("ima", t);
}
