/* A decision made again from its record: the same bytes, or a reason why not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/record.h"
#include "base/file.h"
#include "keepertest.h"
#include "need.h"

/* The newest outcome's record as the administrator gets it; the caller frees it. */
static struct att_buf *fetch(void)
{
    struct inproc_answer a = {0};
    struct att_buf *got = NULL;
    char path[64];

    for (int n = 0, more = 1; more; n++) {
        struct att_buf *next = NULL;

        (void)snprintf(path, sizeof(path), "/outcomes/%d/record", n);
        inproc_admin(kt.v, "GET", path, "", &a);
        if (a.reason == ATT_R_NONE) {
            ck_assert_int_eq(a.http, 200);
            ck_assert_int_eq(att_buf_new(&next, ATT_RECORD_MAX), ATT_OK);
            ck_assert_int_eq(att_buf_add_slice(next, inproc_body(&a)), ATT_OK);
            att_buf_free(got);
            got = next;
        }
        more = strstr(a.text, "there is no outcome") == NULL;
        inproc_answer_clear(&a);
    }
    NEED(got != NULL);
    return got;
}

/* Judge record bytes by the verifier's own rules, or by policy. */
static enum att_err again(struct att_reappraisal *out, struct att_slice bytes,
                          const struct att_policy *policy, struct att_diag *diag)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *own = NULL;
    struct att_reappraise_rules rules = {.policy = policy, .refvals = kt.v->appraiser.refvals};
    struct att_record r;
    enum att_err err = att_record_decode(&r, bytes, diag);

    if (err == ATT_OK && policy == NULL) {
        err = att_policy_decode(&own, r.policy, diag);
        rules.policy = own;
    }
    return err == ATT_OK ? att_reappraise(out, &r, &rules, diag) : err;
}

static void expect_same(enum att_tier status)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *record = fetch();
    struct att_reappraisal a = {0};

    ck_assert_int_eq(again(&a, att_buf_slice(record), NULL, NULL), ATT_OK);
    ck_assert_str_eq(a.device_id, "gw-1");
    ck_assert_int_eq(a.after->status, status);
    ck_assert(a.same);
    ck_assert(!a.other_rules);
    att_reappraisal_clear(&a);
}

START_TEST(att_reappraise__gives_every_kind_of_result_again)
{
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    expect_same(ATT_TIER_AFFIRMING);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200); /* goes on in the log */
    expect_same(ATT_TIER_AFFIRMING);
    keepertest_attest_badly();
    expect_same(ATT_TIER_CONTRAINDICATED);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    expect_same(ATT_TIER_AFFIRMING);
}
END_TEST

START_TEST(att_reappraise__under_another_policy_is_a_what_if)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *strict = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *record = NULL;
    static const char YAML[] = "policy: strict\nversion: 9\nbank: sha256\nrequirements:\n"
                               "  - {id: R-1, title: {en: a, ja: b}, source: s, severity: fail,"
                               " pcr_in: {pcr: 7, values: [\""
                               "00000000000000000000000000000000"
                               "00000000000000000000000000000000\"]}}\n";
    struct att_reappraisal a = {0};

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    record = fetch();
    ck_assert_int_eq(att_policy_parse_yaml(&strict, "strict", att_slice_str(YAML), NULL), ATT_OK);
    ck_assert_int_eq(again(&a, att_buf_slice(record), strict, NULL), ATT_OK);
    ck_assert(a.other_rules);
    ck_assert(!a.same);
    ck_assert_int_eq(a.before->status, ATT_TIER_AFFIRMING);
    ck_assert_int_eq(a.after->status, ATT_TIER_CONTRAINDICATED);
    att_reappraisal_clear(&a);
}
END_TEST

/* The evidence of a record under other rules, after what they said of the record before. */
static void what_if(struct att_reappraisal *out, const struct att_buf *record,
                    const struct att_policy *policy, const struct att_result *earlier)
{
    struct att_reappraise_rules rules = {
        .policy = policy, .refvals = kt.v->appraiser.refvals, .earlier = earlier};
    struct att_record r;

    ck_assert_int_eq(att_record_decode(&r, att_buf_slice(record), NULL), ATT_OK);
    ck_assert_int_eq(att_reappraise(out, &r, &rules, NULL), ATT_OK);
    ck_assert(out->other_rules);
}

/* Three records of one boot; with the one in the middle left out, the third goes on from what nobody judged. */
START_TEST(att_reappraise__a_record_left_out_is_a_gap)
{
    ATT_CLEANUP(att_policy_freep) struct att_policy *other = NULL;
    static const char YAML[] =
        "policy: other\nversion: 9\nbank: sha256\nrequirements:\n"
        "  - {id: R-1, title: {en: a, ja: b}, source: s, severity: fail, grade_at_least: E1}\n";
    struct att_buf *record[3] = {NULL};
    struct att_reappraisal a[ATT_COUNT(record)] = {0};
    struct att_reappraisal gap = {0};

    ck_assert_int_eq(att_policy_parse_yaml(&other, "other", att_slice_str(YAML), NULL), ATT_OK);
    keepertest_enrol(&kt.gw);
    for (size_t i = 0; i < ATT_COUNT(record); i++) {
        ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
        record[i] = fetch();
        what_if(&a[i], record[i], other, i > 0 ? a[i - 1].after : NULL);
        ck_assert(!a[i].unseen);
    }
    what_if(&gap, record[2], other, a[0].after);
    ck_assert(gap.unseen);
    att_reappraisal_clear(&gap);
    what_if(&gap, record[2], other, NULL);
    ck_assert(gap.unseen);
    att_reappraisal_clear(&gap);
    for (size_t i = 0; i < ATT_COUNT(record); i++) {
        att_buf_free(record[i]);
        att_reappraisal_clear(&a[i]);
    }
}
END_TEST

/* No bit of a record can change and the result still be called the same. */
START_TEST(att_reappraise__notices_every_changed_byte)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *record = NULL;
    struct att_slice all;
    uint8_t *copy;
    size_t differs = 0;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    record = fetch();
    all = att_buf_slice(record);
    copy = malloc(all.len);
    NEED(copy != NULL);
    for (size_t i = 0; i < all.len; i++) {
        struct att_reappraisal a = {0};
        struct att_diag diag = {0};

        memcpy(copy, all.p, all.len);
        copy[i] ^= (uint8_t)(1U << i % 8);
        if (again(&a, att_slice_of(copy, all.len), NULL, &diag) == ATT_OK) {
            ck_assert_msg(!a.same && !a.other_rules, "byte %zu of %zu", i, all.len);
            differs++;
        } else {
            ck_assert_msg(diag.reason != ATT_R_NONE, "byte %zu of %zu", i, all.len);
        }
        att_reappraisal_clear(&a);
    }
    ck_assert_uint_gt(differs, 0);
    free(copy);
}
END_TEST

START_TEST(att_record_decode__refuses_what_is_no_record)
{
    static const char *const BAD[] = {
        "",
        "\x80",
        "\x86",
        "\x85\x60\x40\x40\x40\x40",
        "\x86\x63xyz\x40\x40\x40\x40\x80",
        "\x86\x73"
        "attestd appraisal 2"
        "\x40\x40\x40\x40\x80",
        "\x86\x73"
        "attestd appraisal 1"
        "\x40\x40\x40\x60\x80",
        "\x86\x73"
        "attestd appraisal 1"
        "\x40\x40\x40\x40\x81\x60",
        "\x86\x73"
        "attestd appraisal 1"
        "\x40\x40\x40\x40\x80\x40",
    };
    struct att_record r = {.context = att_slice_str("untouched")};
    struct att_diag diag = {0};

    ck_assert_int_ne(att_record_decode(&r, att_slice_str(BAD[_i]), &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_RECORD);
    ck_assert(att_slice_eq(r.context, att_slice_str("untouched")));
}
END_TEST

/* The example of docs/formats/record.md. */
START_TEST(att_record__comes_back_as_it_was)
{
    static const char EXAMPLE[] = "\x86\x73"
                                  "attestd appraisal 1"
                                  "\x41"
                                  "c"
                                  "\x42"
                                  "ev"
                                  "\x41"
                                  "r"
                                  "\x40\x80";
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    const struct att_record r = {.context = att_slice_str("c"),
                                 .evidence = att_slice_str("ev"),
                                 .result = att_slice_str("r"),
                                 .policy = att_slice_str("")};
    struct att_record back;

    ck_assert_int_eq(att_buf_new(&out, 1024), ATT_OK);
    ck_assert_int_eq(att_record_encode(out, &r), ATT_OK);
    ck_assert_int_eq(att_record_decode(&back, att_buf_slice(out), NULL), ATT_OK);
    ck_assert(att_slice_eq(back.context, r.context) && att_slice_eq(back.evidence, r.evidence));
    ck_assert(att_slice_eq(back.result, r.result) && att_slice_eq(back.policy, r.policy));
    ck_assert(att_slice_eq(att_buf_slice(out), att_slice_str(EXAMPLE)));
}
END_TEST

START_TEST(record__is_not_to_be_had_by_a_wrong_path)
{
    static const struct {
        const char *path;
        enum att_reason reason;
    } ROWS[] = {
        {"/outcomes/0/record", ATT_R_EVIDENCE_NONE}, {"/outcomes/77/record", ATT_R_EVIDENCE_NONE},
        {"/outcomes/-1/record", ATT_R_HTTP_ROUTE},   {"/outcomes/x/record", ATT_R_HTTP_ROUTE},
        {"/outcomes/1", ATT_R_HTTP_ROUTE},           {"/outcomes/1/records", ATT_R_HTTP_ROUTE},
        {"/outcomes//record", ATT_R_HTTP_ROUTE}};

    ck_assert_int_eq(keepertest_admin_reason("GET", ROWS[_i].path, ""), ROWS[_i].reason);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {att_reappraise__gives_every_kind_of_result_again, 0},
        {att_reappraise__under_another_policy_is_a_what_if, 0},
        {att_reappraise__a_record_left_out_is_a_gap, 0},
        {att_reappraise__notices_every_changed_byte, 0},
        {att_record_decode__refuses_what_is_no_record, 8},
        {att_record__comes_back_as_it_was, 0},
        {record__is_not_to_be_had_by_a_wrong_path, 7},
    };

    return SUITE_RUN_ROWS("record", ROWS, &keepertest_fixture);
}
