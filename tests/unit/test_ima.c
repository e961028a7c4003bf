/* IMA lists: entries of every template built by hand, and one test for each way to be malformed. */
#include "tcg/ima.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/wr.h"

#define CAP 65536

static uint8_t bytes[CAP];
static struct att_wr w;

/* Where the template data of the entry being built starts. */
static size_t data_at;

static void setup(void)
{
    memset(bytes, 0, sizeof(bytes));
    w = att_wr_into(bytes, sizeof(bytes));
}

static struct att_slice list(void)
{
    struct att_slice out = {0};

    ck_assert_int_eq(att_wr_done(&w, &out), ATT_OK);
    return out;
}

static void begin_sized(uint32_t pcr, const char *name, size_t hash_len)
{
    att_wr_u32le(&w, pcr);
    memset(att_wr_room(&w, hash_len), 0xab, hash_len);
    att_wr_u32le(&w, (uint32_t)strlen(name));
    att_wr_bytes(&w, name, strlen(name));
    att_wr_u32le(&w, 0);
    data_at = w.len;
}

static void begin(uint32_t pcr, const char *name)
{
    begin_sized(pcr, name, 20);
}

static void field(const void *in, size_t len)
{
    att_wr_u32le(&w, (uint32_t)len);
    att_wr_bytes(&w, in, len);
}

static void digest_field(const char *prefix, uint8_t fill, size_t len)
{
    att_wr_u32le(&w, (uint32_t)(strlen(prefix) + 1 + len));
    att_wr_bytes(&w, prefix, strlen(prefix));
    att_wr_u8(&w, 0);
    if (len > 0) {
        memset(att_wr_room(&w, len), fill, len);
    }
}

static void path_field(const char *path)
{
    field(path, strlen(path) + 1);
}

static void end(void)
{
    size_t len = w.len - data_at;

    for (unsigned int i = 0; i < 4; i++) {
        bytes[data_at - 4 + i] = (uint8_t)(len >> (8 * i));
    }
}

static void whole(const char *name, const char *prefix, const char *path)
{
    begin(10, name);
    digest_field(prefix, 0x5a, 32);
    path_field(path);
    end();
}

static struct att_ima_entry only_entry(void)
{
    struct att_ima it = att_ima_from(list());
    struct att_ima_entry e;
    struct att_ima_entry none;
    struct att_diag diag = {0};
    bool more = false;

    ck_assert_msg(att_ima_next(&it, &e, &more, &diag) == ATT_OK, "%s", diag.text);
    ck_assert(more);
    ck_assert_int_eq(att_ima_next(&it, &none, &more, NULL), ATT_OK);
    ck_assert(!more);
    ck_assert_uint_eq(it.count, 1);
    return e;
}

static void expect_text(struct att_slice s, const char *want)
{
    ck_assert(att_slice_eq(s, att_slice_str(want)));
}

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
    refuse_slice(list(), want);
}

START_TEST(ima_next__reads_every_template)
{
    struct att_ima_entry e;

    whole("ima-ng", "sha256:", "/bin/sh");
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_NG);
    ck_assert_uint_eq(e.pcr, 10);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA256);
    ck_assert_uint_eq(e.digest.len, 32);
    expect_text(e.path, "/bin/sh");
    expect_text(e.template_name, "ima-ng");
    ck_assert(!e.violation && !e.verity);

    setup();
    begin(11, "ima-sig");
    digest_field("sha512:", 1, 64);
    path_field("/bin/sh");
    field("\3\2sig", 5);
    end();
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_SIG);
    ck_assert_uint_eq(e.sig.len, 5);
    ck_assert_uint_eq(e.buf.len, 0);

    setup();
    begin(10, "ima-buf");
    digest_field("sha256:", 1, 32);
    path_field("kexec-cmdline");
    field("quiet", 5);
    end();
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_BUF);
    expect_text(e.buf, "quiet");

    setup();
    whole("ima-ngv2", "verity:sha256:", "/bin/sh");
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_NGV2);
    ck_assert(e.verity);

    setup();
    begin(10, "ima-sigv2");
    digest_field("ima:sha256:", 1, 32);
    path_field("/bin/sh");
    field("", 0);
    end();
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_SIGV2);
    ck_assert(!e.verity);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA256);
}
END_TEST

START_TEST(ima_next__reads_the_templates_with_many_fields)
{
    struct att_ima_entry e;

    begin(10, "ima-modsig");
    digest_field("sha256:", 1, 32);
    path_field("/lib/m.ko");
    field("", 0);
    digest_field("sha256:", 2, 32);
    field("pkcs7", 5);
    end();
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_MODSIG);
    expect_text(e.path, "/lib/m.ko");

    setup();
    begin(10, "evm-sig");
    digest_field("sha256:", 1, 32);
    path_field("/bin/sh");
    field("\5portable", 9);
    field("security.ima", 13);
    field("\4\0\0\0", 4);
    field("abcd", 4);
    field("\0\0", 2);
    field("\0\0", 2);
    field("\0\0", 2);
    end();
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_EVM_SIG);
    ck_assert_uint_eq(e.sig.len, 9);

    setup();
    begin(10, "d-ng|n-ng|sig|buf");
    digest_field("sha384:", 1, 48);
    path_field("x");
    field("s", 1);
    field("b", 1);
    end();
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_CUSTOM);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA384);
    expect_text(e.buf, "b");
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

        setup();
        begin(10, NAMES[i]);
        digest_field("sha256:", 1, 32);
        path_field("/tmp/x");
        field("\5portable", 9);
        digest_field("sha256:", 2, 32);
        end();
        it = att_ima_from(list());
        ck_assert_int_eq(att_ima_next(&it, &e, &more, &diag), ATT_E_FORMAT);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_IMA);
        ck_assert_str_eq(diag.field, "template name");
    }
}
END_TEST

static void old_entry(const char *path, size_t len)
{
    att_wr_u32le(&w, 10);
    memset(att_wr_room(&w, 20), 0xab, 20);
    att_wr_u32le(&w, 3);
    att_wr_bytes(&w, "ima", 3);
    memset(att_wr_room(&w, 20), 0x5a, 20);
    att_wr_u32le(&w, (uint32_t)len);
    att_wr_bytes(&w, path, len);
}

START_TEST(ima_extended__pads_the_name_of_the_first_template)
{
    uint8_t plain[20 + 256] = {0};
    struct att_slice data = att_slice_of(plain, sizeof(plain));
    struct att_ima_entry e;
    struct att_hasher *h = NULL;
    uint8_t want[ATT_HASH_MAX];
    uint8_t got[ATT_HASH_MAX];

    old_entry("init", 4);
    e = only_entry();
    ck_assert_int_eq(e.template_, ATT_IMA_TEMPLATE_IMA);
    ck_assert_int_eq(e.alg, ATT_HASH_SHA1);
    expect_text(e.path, "init");
    memset(plain, 0x5a, 20);
    memcpy(plain + 20, "init", 4);
    ck_assert_int_eq(att_digest(ATT_HASH_SHA256, &data, 1, want), ATT_OK);
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_SHA256, false, h), ATT_OK);
    ck_assert_mem_eq(got, want, 32);
    att_hasher_free(h);
}
END_TEST

START_TEST(ima_next__refuses_long_and_broken_old_entries)
{
    static const char NAME[256] = {'a'};

    old_entry(NAME, 256);
    refuse(ATT_E_LIMIT);
    setup();
    old_entry("in\0it", 5);
    refuse(ATT_E_FORMAT);
    setup();
    old_entry("init", 4);
    refuse_slice(att_slice_of(bytes, w.len - 1), ATT_E_TRUNCATED);
}
END_TEST

START_TEST(ima_extended__hashes_the_data_for_each_bank)
{
    struct att_ima_entry e;
    struct att_hasher *h = NULL;
    uint8_t want[ATT_HASH_MAX];
    uint8_t got[ATT_HASH_MAX];

    whole("ima-ng", "sha256:", "/bin/sh");
    e = only_entry();
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
    begin(10, "ima-ng");
    digest_field("sha256:", 0, 20); /* as some kernels write a violation */
    path_field("/var/log/x");
    end();
    memset(bytes + 4, 0, 20);
    e = only_entry();
    ck_assert(e.violation);
    ck_assert_int_eq(att_ima_extended(got, &e, ATT_HASH_SHA256, false, NULL), ATT_OK);
    ck_assert_mem_eq(got, want, 32);
    ck_assert_uint_eq(got[32], 0);
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
        setup();
        begin(10, "ima-ng");
        digest_field(BAD[i].prefix, 0x5a, BAD[i].len);
        path_field("/bin/sh");
        end();
        refuse(ATT_E_FORMAT);
    }
    setup();
    whole("ima-ngv2", "sha256:", "/bin/sh");
    refuse(ATT_E_FORMAT);
    setup();
    whole("ima-ngv2", "evm:sha256:", "/bin/sh");
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng"); /* 20 zero bytes of sha256, but no violation */
    digest_field("sha256:", 0, 20);
    path_field("/bin/sh");
    end();
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(ima_next__refuses_digest_fields_without_their_marks)
{
    char long_name[301];

    memset(long_name, 'a', 300);
    long_name[299] = ':';
    long_name[300] = '\0';
    whole("ima-ng", long_name, "/bin/sh");
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng");
    field("sha256:no NUL at all", 20);
    path_field("/bin/sh");
    end();
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng");
    field("", 0);
    path_field("/bin/sh");
    end();
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(ima_next__refuses_names_without_one_final_nul)
{
    begin(10, "ima-ng");
    digest_field("sha256:", 1, 32);
    field("/bin/sh", 7);
    end();
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng");
    digest_field("sha256:", 1, 32);
    field("/bin\0/sh", 9);
    end();
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng");
    digest_field("sha256:", 1, 32);
    field("", 0);
    end();
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng");
    digest_field("sha256:", 1, 32);
    att_wr_u32le(&w, ATT_IMA_PATH_MAX + 1);
    att_wr_zeros(&w, ATT_IMA_PATH_MAX + 1);
    end();
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
        setup();
        whole("ima-ng", "sha256:", NAMES[i]);
        expect_text(only_entry().path, NAMES[i]);
    }
    memset(longest, 'p', 4097);
    longest[4097] = '\0';
    setup();
    whole("ima-ng", "sha256:", longest);
    ck_assert_uint_eq(only_entry().path.len, 4097);
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
        setup();
        whole(BAD[i], "sha256:", "/bin/sh");
        refuse(ATT_E_FORMAT);
    }
    for (int i = 0; i < 15; i++) {
        strcat(many, "|sig");
    }
    setup();
    whole(many, "sha256:", "/bin/sh");
    refuse(ATT_E_FORMAT);
    memset(many, 'a', 299);
    setup();
    whole(many, "sha256:", "/bin/sh");
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(ima_next__refuses_fields_that_do_not_fill_the_data)
{
    begin(10, "ima-ng"); /* no fields */
    end();
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng"); /* one too few */
    digest_field("sha256:", 1, 32);
    end();
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng"); /* one too many */
    digest_field("sha256:", 1, 32);
    path_field("/bin/sh");
    field("", 0);
    end();
    refuse(ATT_E_FORMAT);
    setup();
    begin(10, "ima-ng"); /* a field beyond the record, while the list has the bytes */
    digest_field("sha256:", 1, 32);
    path_field("/bin/sh");
    end();
    bytes[data_at] = 200;
    att_wr_zeros(&w, 300);
    refuse(ATT_E_FORMAT);
}
END_TEST

START_TEST(ima_next__refuses_every_truncation_and_false_lengths)
{
    struct att_slice in;

    whole("ima-ng", "sha256:", "/bin/sh");
    in = list();
    for (size_t len = 1; len < in.len; len++) {
        refuse_slice(att_slice_of(in.p, len), ATT_E_TRUNCATED);
    }
    bytes[data_at - 1] = 0xff;
    refuse(ATT_E_LIMIT);
    bytes[data_at - 1] = 0;
    bytes[27] = 0xff; /* the length of the template's name */
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(ima_next__refuses_big_endian_lists_and_strange_pcrs)
{
    static const uint32_t PCRS[] = {24, 32, 0x0a000000, 0xffffffff};

    for (size_t i = 0; i < ATT_COUNT(PCRS); i++) {
        setup();
        begin(PCRS[i], "ima-ng");
        digest_field("sha256:", 1, 32);
        path_field("/bin/sh");
        end();
        refuse(ATT_E_FORMAT);
    }
    setup();
    begin(0, "ima-ng"); /* PCR 0 is the same in both orders; its next number is not */
    digest_field("sha256:", 1, 32);
    path_field("/bin/sh");
    end();
    memcpy(bytes + 24, "\0\0\0\6", 4);
    refuse(ATT_E_LIMIT);
}
END_TEST

START_TEST(ima_from__finds_the_hash_of_the_list)
{
    static const size_t SIZES[] = {20, 32, 48, 64};

    for (size_t i = 0; i < ATT_COUNT(SIZES); i++) {
        struct att_ima it;
        struct att_ima_entry e;
        bool more = false;

        setup();
        for (int k = 0; k < 2; k++) {
            begin_sized(10, "ima-ng", SIZES[i]);
            digest_field("sha256:", 1, 32);
            path_field("/bin/sh");
            end();
        }
        it = att_ima_from(list());
        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        ck_assert_uint_eq(e.template_digest.len, SIZES[i]);
        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        ck_assert(more);
        ck_assert_int_eq(att_ima_next(&it, &e, &more, NULL), ATT_OK);
        ck_assert(!more);
    }
}
END_TEST

START_TEST(ima_replay__keeps_each_pcr_and_bank_apart)
{
    static const enum att_hash BANKS[] = {ATT_HASH_SHA256, ATT_HASH_SHA1};
    static const enum att_hash TWICE[] = {ATT_HASH_SHA256, ATT_HASH_SHA256};
    static const enum att_hash STRANGE[] = {ATT_HASH_SM3};
    struct att_pcr_values v = {0};
    struct att_ima it;
    struct att_hasher *h = NULL;
    uint8_t want[2][ATT_HASH_MAX] = {{0}};
    uint32_t entries = 0;

    whole("ima-ng", "sha256:", "/a");
    begin(11, "ima-ng");
    digest_field("sha256:", 1, 32);
    path_field("/b");
    end();
    whole("ima-ng", "sha256:", "/c");
    ck_assert_int_eq(att_hasher_new(&h), ATT_OK);
    it = att_ima_from(list());
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
    ck_assert_int_eq(att_ima_replay(&v, list(), BANKS, 2, false, &entries, NULL), ATT_OK);
    ck_assert_uint_eq(entries, 3);
    ck_assert_uint_eq(v.count, 2);
    ck_assert_uint_eq(v.bank[0].has, 3U << 10);
    ck_assert_mem_eq(v.bank[0].value[10], want[0], 32);
    ck_assert_mem_eq(v.bank[0].value[11], want[1], 32);
    ck_assert_int_eq(att_ima_replay(&v, list(), TWICE, 2, false, NULL, NULL), ATT_E_CONFLICT);
    ck_assert_int_eq(att_ima_replay(&v, list(), STRANGE, 1, false, NULL, NULL), ATT_E_UNSUPPORTED);
    ck_assert_int_eq(att_ima_replay(&v, att_slice_of("", 0), BANKS, 1, false, &entries, NULL),
                     ATT_OK);
    ck_assert_uint_eq(entries, 0);
    att_hasher_free(h);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ima");
    TCase *t = tcase_create("ima");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, ima_next__reads_every_template);
    tcase_add_test(t, ima_next__reads_the_templates_with_many_fields);
    tcase_add_test(t, ima_next__refuses_a_custom_template_that_names_another_digest);
    tcase_add_test(t, ima_extended__pads_the_name_of_the_first_template);
    tcase_add_test(t, ima_next__refuses_long_and_broken_old_entries);
    tcase_add_test(t, ima_extended__hashes_the_data_for_each_bank);
    tcase_add_test(t, ima_extended__gives_all_ones_for_a_violation);
    tcase_add_test(t, ima_next__refuses_digests_that_are_not_what_they_say);
    tcase_add_test(t, ima_next__refuses_digest_fields_without_their_marks);
    tcase_add_test(t, ima_next__refuses_names_without_one_final_nul);
    tcase_add_test(t, ima_next__leaves_names_alone);
    tcase_add_test(t, ima_next__refuses_unknown_templates);
    tcase_add_test(t, ima_next__refuses_fields_that_do_not_fill_the_data);
    tcase_add_test(t, ima_next__refuses_every_truncation_and_false_lengths);
    tcase_add_test(t, ima_next__refuses_big_endian_lists_and_strange_pcrs);
    tcase_add_test(t, ima_from__finds_the_hash_of_the_list);
    tcase_add_test(t, ima_replay__keeps_each_pcr_and_bank_apart);
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
