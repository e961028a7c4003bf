/* Labels made from results, and what a stranger with the anchors alone makes of them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "issuer.h"
#include "need.h"
#include "suite.h"

#define OWN_PCR SCENE_OWN_PCR
#define NOW     ISSUER_NOW

START_TEST(label_read__a_claim_that_must_be_there_is_missed)
{
    static const uint8_t ONLY_ISSUER[] = {0xa1, 0x01, 0x61, 'v'};
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_diag diag = {0};

    NEED(label != NULL);
    ck_assert_int_eq(att_label_read(label, att_slice_of(ONLY_ISSUER, sizeof(ONLY_ISSUER)), &diag),
                     ATT_E_FORMAT);
    ck_assert_int_eq(diag.reason, ATT_R_LBL_CLAIM);
    free(label);
}
END_TEST

static struct att_buf *label_in_the_name_of(struct scene *s, struct issuer *is, const char *name)
{
    struct att_label_facts facts = issuer_facts(is);

    facts.issuer = name;
    return issuer_label(is, s, &facts);
}

static struct att_buf *label_of(struct scene *s, struct issuer *is)
{
    return label_in_the_name_of(s, is, ISSUER_ID);
}

static struct att_offline *check_label(struct att_slice label, const struct att_anchors *anchors,
                                       const struct att_trust_rules *rules, int64_t now)
{
    static const struct att_trust_rules NO_RULES;
    struct att_offline *o = calloc(1, sizeof(*o));

    NEED(o != NULL);
    ck_assert_int_eq(att_offline_check(o, label, anchors, rules != NULL ? rules : &NO_RULES, now),
                     ATT_OK);
    return o;
}

static void expect_verdict(struct att_offline *o, enum att_verdict verdict, const char *id,
                           enum att_reason reason)
{
    bool found = id == NULL;

    ck_assert_int_eq(o->verdict, verdict);
    for (size_t i = 0; i < o->check_count; i++) {
        if (id != NULL && strcmp(o->check[i].id, id) == 0) {
            ck_assert_str_eq(att_reason_code(o->check[i].why.reason), att_reason_code(reason));
            found = true;
        }
    }
    ck_assert(found);
    free(o);
}

START_TEST(label__of_an_affirming_result_verifies_at_a_strangers_desk)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;
    struct att_offline *o = NULL;

    issuer_open(&is);
    scene_attest(s);
    label = label_of(s, &is);
    o = check_label(att_buf_slice(label), is.anchors, NULL, NOW + 10);
    ck_assert(o->has_label);
    ck_assert_str_eq(o->label.device_id, "gw-1");
    ck_assert_int_eq(o->label.grade, 2);
    ck_assert_int_eq(o->label.status, ATT_TIER_AFFIRMING);
    ck_assert_mem_eq(o->label.policy_digest, s->policy->digest, 32);
    expect_verdict(o, ATT_VERDICT_PASS, "key-class", ATT_R_LBL_FILE_KEY);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

/* Header 33 turned into another one by a flipped bit: no certificate is no label, not "unknown issuer". */
/* Two issuers are trusted: neither speaks in the other's name. */
START_TEST(label__in_the_name_of_another_issuer_is_refused)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;

    issuer_open(&is);
    scene_attest(s);
    label = label_in_the_name_of(s, &is, "verifier.other");
    expect_verdict(check_label(att_buf_slice(label), is.anchors, NULL, NOW), ATT_VERDICT_FAIL,
                   "issuer", ATT_R_LBL_ISSUER);
    att_buf_free(label);
    label = label_in_the_name_of(s, &is, "verifier.tes"); /* a beginning is not the name */
    expect_verdict(check_label(att_buf_slice(label), is.anchors, NULL, NOW), ATT_VERDICT_FAIL,
                   "issuer", ATT_R_LBL_ISSUER);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__without_its_certificate_is_malformed)
{
    static const uint8_t x5chain[] = {0x18, 33, 0x59};
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;
    uint8_t *bytes = NULL;
    uint8_t *header = NULL;

    issuer_open(&is);
    scene_attest(s);
    label = label_of(s, &is);
    bytes = malloc(att_buf_len(label));
    NEED(bytes != NULL);
    memcpy(bytes, att_buf_slice(label).p, att_buf_len(label));
    header = memmem(bytes, att_buf_len(label), x5chain, sizeof(x5chain));
    NEED(header != NULL);
    header[1] ^= 1;
    expect_verdict(check_label(att_slice_of(bytes, att_buf_len(label)), is.anchors, NULL, NOW),
                   ATT_VERDICT_MALFORMED, "format", ATT_R_FMT_COSE);
    free(bytes);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__refusals_have_their_own_reasons)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct issuer other;
    struct att_buf *label = NULL;
    struct att_trust_rules strict = {.forbid_file_key = true};
    struct att_trust_rules for_other = {.device_id = "gw-2"};
    struct att_trust_rules logged = {.log_required = true};
    struct att_anchors *none = NULL;
    struct att_slice bytes;

    issuer_open(&is);
    issuer_open(&other);
    NEED(att_anchors_new(&none) == ATT_OK);
    scene_attest(s);
    label = label_of(s, &is);
    bytes = att_buf_slice(label);
    expect_verdict(check_label(bytes, is.anchors, NULL, NOW + 3600), ATT_VERDICT_FAIL, "time",
                   ATT_R_LBL_TIME);
    expect_verdict(check_label(bytes, is.anchors, NULL, NOW - 301), ATT_VERDICT_FAIL, "time",
                   ATT_R_LBL_TIME);
    expect_verdict(check_label(bytes, other.anchors, NULL, NOW), ATT_VERDICT_UNDECIDED, "chain",
                   ATT_R_LBL_KEY);
    expect_verdict(check_label(bytes, none, NULL, NOW), ATT_VERDICT_UNDECIDED, "chain",
                   ATT_R_TRUST_NONE);
    expect_verdict(check_label(bytes, is.anchors, &strict, NOW), ATT_VERDICT_FAIL, "key-class",
                   ATT_R_LBL_FILE_KEY_REFUSED);
    expect_verdict(check_label(bytes, is.anchors, &for_other, NOW), ATT_VERDICT_FAIL, "subject",
                   ATT_R_LBL_SUBJECT);
    expect_verdict(check_label(bytes, is.anchors, &logged, NOW), ATT_VERDICT_UNDECIDED, "log",
                   ATT_R_TL_NORECEIPT);
    att_buf_free(label);
    att_anchors_free(none);
    issuer_close(&other);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__of_a_refused_gateway_is_genuine_and_not_affirming)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    struct att_buf *label = NULL;
    struct att_offline *o = NULL;

    issuer_open(&is);
    softlog_own_file(&s->own, s->tpm, OWN_PCR, "/etc/a.conf", att_slice_str("a = 2\n"));
    scene_attest(s);
    label = label_of(s, &is);
    o = check_label(att_buf_slice(label), is.anchors, NULL, NOW);
    ck_assert_uint_eq(o->label.reason_count, 1);
    ck_assert_str_eq(o->label.reason[0].code, "E_REF_MISMATCH");
    ck_assert_str_eq(o->label.reason[0].name, "/etc/a.conf");
    ck_assert(o->label.reason[0].has_expected && o->label.reason[0].has_found);
    expect_verdict(o, ATT_VERDICT_FAIL, "status", ATT_R_LBL_NOT_AFFIRMING);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

START_TEST(label__nothing_good_is_signed_without_a_verified_quote)
{
    struct scene *s = scene_new(NULL, NULL);
    struct issuer is;
    static const uint8_t id[32];
    static const uint8_t point[ATT_DATA_KEY_POINT];
    struct att_label_facts facts = {.issuer = "v",
                                    .device_id = "gw-1",
                                    .ek_digest = id,
                                    .cti = id,
                                    .iat = NOW,
                                    .exp = NOW + 60};
    struct att_buf *label = NULL;

    issuer_open(&is);
    scene_attest(s);
    ck_assert_int_eq(att_label_make(&label, &facts, NULL, s->result, is.signer), ATT_E_INTERNAL);
    ck_assert_ptr_null(label);
    (void)att_fail(&s->diag, ATT_E_MISMATCH, ATT_R_Q_MAGIC, "magic", "wrong");
    att_result_refuse(s->result, &s->diag);
    facts.data_key = point; /* a refused unit has no key that anybody should believe */
    ck_assert_int_eq(att_label_make(&label, &facts, NULL, s->result, is.signer), ATT_E_INTERNAL);
    facts.data_key = NULL;
    ck_assert_int_eq(att_label_make(&label, &facts, NULL, s->result, is.signer), ATT_OK);
    att_buf_free(label);
    issuer_close(&is);
    scene_free(s);
}
END_TEST

int main(void)
{
    const TTest *const TESTS[] = {
        label_read__a_claim_that_must_be_there_is_missed,
        label__of_an_affirming_result_verifies_at_a_strangers_desk,
        label__in_the_name_of_another_issuer_is_refused,
        label__without_its_certificate_is_malformed,
        label__refusals_have_their_own_reasons,
        label__of_a_refused_gateway_is_genuine_and_not_affirming,
        label__nothing_good_is_signed_without_a_verified_quote,
    };

    return SUITE_RUN("label", TESTS);
}
