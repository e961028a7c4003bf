/* IMA entries and kernel parameters against reference values: what is known, changed, and unknown. */
#include "policy/refval_log.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "suite.h"

static struct att_buf *file;
static struct att_refvals *refs;

static void digest_of(uint8_t out[32], const char *text)
{
    ck_assert_int_eq(att_sha256(att_slice_str(text), out), ATT_OK);
}

/* The fixture: a file, a buffer and a command line. */
static void open_refs(void)
{
    static const char *const PAIRS[][2] = {{"/bin/a", "a"},
                                           {"/bin/b", "b"},
                                           {"ima-buf:kernel_version", "6.1"},
                                           {"cmdline", "root=/dev/vda quiet"},
                                           {"cmdline#root", "/dev/vda"},
                                           {"cmdline#quiet", ""}};
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;

    ck_assert_int_eq(att_refvals_maker_new(&m), ATT_OK);
    for (size_t i = 0; i < ATT_COUNT(PAIRS); i++) {
        uint8_t digest[32];

        digest_of(digest, PAIRS[i][1]);
        ck_assert_int_eq(att_refvals_maker_add(m, att_slice_str(PAIRS[i][0]), digest), ATT_OK);
    }
    ck_assert_int_eq(att_refvals_maker_finish(&file, m), ATT_OK);
    ck_assert_int_eq(att_refvals_open(&refs, att_buf_slice(file), NULL), ATT_OK);
}

static void close_refs(void)
{
    att_refvals_freep(&refs);
    att_buf_freep(&file);
}

static enum att_reason judged(enum att_ima_template template_, const char *path,
                              const char *content, struct att_refvals_verdict *v)
{
    uint8_t digest[32];
    struct att_ima_entry e = {.template_ = template_,
                              .alg = ATT_HASH_SHA256,
                              .digest = att_slice_of(digest, 32),
                              .path = att_slice_str(path)};

    digest_of(digest, content);
    ck_assert_int_eq(att_refvals_judge_ima(v, refs, &e), ATT_OK);
    return v->reason;
}

START_TEST(refvals_judge_ima__knows_a_file_under_any_name)
{
    struct att_refvals_verdict v;

    open_refs();
    ck_assert_int_eq(judged(ATT_IMA_TEMPLATE_SIG, "/bin/a", "a", &v), ATT_R_NONE);
    ck_assert_int_eq(judged(ATT_IMA_TEMPLATE_NG, "/sysroot/bin/a", "a", &v), ATT_R_NONE);
    ck_assert_int_eq(judged(ATT_IMA_TEMPLATE_SIG, "/bin/a", "evil", &v), ATT_R_REF_MISMATCH);
    ck_assert(v.has_expected);
    ck_assert_int_eq(judged(ATT_IMA_TEMPLATE_SIG, "/tmp/x", "evil", &v), ATT_R_REF_UNLISTED);
    ck_assert(!v.has_expected);
    close_refs();
}
END_TEST

START_TEST(refvals_judge_ima__knows_a_buffer_only_by_its_name)
{
    struct att_refvals_verdict v;

    open_refs();
    ck_assert_int_eq(judged(ATT_IMA_TEMPLATE_BUF, "kernel_version", "6.1", &v), ATT_R_NONE);
    ck_assert_int_eq(judged(ATT_IMA_TEMPLATE_BUF, "kernel_version", "a", &v), ATT_R_REF_MISMATCH);
    ck_assert_int_eq(judged(ATT_IMA_TEMPLATE_BUF, "other", "6.1", &v), ATT_R_REF_UNLISTED);
    close_refs();
}
END_TEST

START_TEST(refvals_judge_ima__knows_no_other_hash_and_nothing_without_references)
{
    uint8_t digest[32];
    struct att_ima_entry e = {.template_ = ATT_IMA_TEMPLATE_NG,
                              .alg = ATT_HASH_SHA1,
                              .digest = att_slice_of(digest, 20),
                              .path = att_slice_str("/bin/a")};
    struct att_refvals_verdict v;

    open_refs();
    digest_of(digest, "a");
    ck_assert_int_eq(att_refvals_judge_ima(&v, refs, &e), ATT_OK);
    ck_assert_int_eq(v.reason, ATT_R_REF_MISMATCH);
    e.alg = ATT_HASH_SHA256;
    e.digest.len = 32;
    ck_assert_int_eq(att_refvals_judge_ima(&v, NULL, &e), ATT_OK);
    ck_assert_int_eq(v.reason, ATT_R_REF_UNLISTED);
    close_refs();
}
END_TEST

START_TEST(refvals_judge_cmdline__names_what_is_not_expected)
{
    static const struct {
        const char *text, *name;
        enum att_reason reason;
    } CASES[] = {
        {"root=/dev/vda quiet", NULL, ATT_R_NONE},
        {"root=/dev/vdb quiet", "cmdline#root", ATT_R_REF_MISMATCH},
        {"root=/dev/vda quiet=1", "cmdline#quiet", ATT_R_REF_MISMATCH},
        {"root=/dev/vda quiet init=/bin/sh", "cmdline#init", ATT_R_REF_UNLISTED},
        {"root=/dev/vda", "cmdline", ATT_R_REF_MISMATCH},
        {"quiet root=/dev/vda", "cmdline", ATT_R_REF_MISMATCH},
    };
    struct att_cmdline_finding f[ATT_CMDLINE_FINDINGS_MAX];

    open_refs();
    for (size_t i = 0; i < ATT_COUNT(CASES); i++) {
        size_t count = 9;

        ck_assert_int_eq(att_refvals_judge_cmdline(f, &count, refs, att_slice_str(CASES[i].text)),
                         ATT_OK);
        ck_assert_uint_eq(count, CASES[i].name == NULL ? 0 : 1);
        if (CASES[i].name != NULL) {
            ck_assert_str_eq(f[0].name, CASES[i].name);
            ck_assert_int_eq(f[0].verdict.reason, CASES[i].reason);
        }
    }
    close_refs();
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        refvals_judge_ima__knows_a_file_under_any_name,
        refvals_judge_ima__knows_a_buffer_only_by_its_name,
        refvals_judge_ima__knows_no_other_hash_and_nothing_without_references,
        refvals_judge_cmdline__names_what_is_not_expected};

    return SUITE_RUN("refval_log", TESTS);
}
