/* The appraiser as a function: a question in, a sealed judgement or facts out. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appraise/judge.h"
#include "attack.h"
#include "need.h"
#include "policy/refval.h"
#include "verifier/appraiser/appraiser.h"

static const uint8_t key[MSG_SEAL_LEN] = {42};

/* An appraiser with the service's policy, a gateway that answers it, and the keeper's context. */
struct scene {
    struct appraiser a;
    struct key_cache *keys;
    struct judge_scratch *scratch;
    struct softtpm_ca *ca;
    struct client_tls *tls;
    struct gateway *g;
    struct gateway_attempt attempt;
    struct att_appraisal_context *context;
    struct att_buf *refs;
    struct att_diag diag;
};

static void make_refvals(struct scene *s)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    char name[32];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (uint32_t i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "pcr/sha256/%u", (unsigned int)i);
        NEED(att_refvals_maker_add(m, att_slice_str(name),
                                   softtpm_pcr(s->g->tpm, ATT_HASH_SHA256, i)) == ATT_OK);
    }
    for (size_t i = 0; i < GATEWAY_FILE_COUNT; i++) {
        uint8_t digest[32];

        NEED(att_sha256(att_slice_str(gateway_contents[i]), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(gateway_files[i]), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&s->refs, m) == ATT_OK);
    NEED(att_refvals_open(&s->a.refvals, att_buf_slice(s->refs), NULL) == ATT_OK);
}

static void make_context(struct scene *s)
{
    struct att_appraisal_context *c = s->context;

    strcpy(c->verifier_id, "verifier.test");
    strcpy(c->device_id, s->g->id);
    memset(c->session, 1, sizeof(c->session));
    memset(c->nonce, 2, sizeof(c->nonce));
    c->selection = softtpm_selection(ATT_HASH_SHA256, 0xff | 1U << 10 | 1U << GATEWAY_OWN_PCR);
    c->own_pcr = GATEWAY_OWN_PCR;
    memcpy(c->ak_public, s->g->tpm->ak.public_area, s->g->tpm->ak.public_len);
    c->ak_public_len = s->g->tpm->ak.public_len;
    c->ek_verified = true;
    memcpy(c->policy_digest, s->a.policy->digest, 32);
    memcpy(c->refvals_digest, att_refvals_digest(s->a.refvals), 32);
}

static void make_evidence(struct scene *s)
{
    struct gateway_attempt *t = &s->attempt;

    t->challenge.session = att_slice_of(s->context->session, ATT_SESSION_LEN);
    t->challenge.nonce = att_slice_of(s->context->nonce, ATT_NONCE_LEN);
    t->challenge.verifier_id = att_slice_str(s->context->verifier_id);
    t->selection = s->context->selection;
    gateway_measure(s->g, t);
    gateway_sign(s->g, t);
    gateway_seal(s->g, t);
}

static struct scene *scene_new(void)
{
    struct scene *s = calloc(1, sizeof(*s));

    NEED(s != NULL);
    s->a.seal_key = key;
    s->context = calloc(1, sizeof(*s->context));
    s->scratch = calloc(1, sizeof(*s->scratch));
    s->ca = softtpm_ca_new("Maker");
    s->tls = client_tls_new(NULL);
    s->g = gateway_new(s->tls, "127.0.0.1", 1, "judged", softtpm_new(s->ca, SOFTTPM_EK_P256));
    gateway_boot(s->g);
    NEED(s->context != NULL && s->scratch != NULL && key_cache_new(&s->keys, 4) == ATT_OK);
    NEED(att_policy_parse_yaml(&s->a.policy, "policy", att_slice_str(service_policy), NULL) ==
         ATT_OK);
    make_refvals(s);
    make_context(s);
    make_evidence(s);
    return s;
}

static void scene_free(struct scene *s)
{
    gateway_attempt_clear(&s->attempt);
    gateway_free(s->g);
    client_tls_free(s->tls);
    softtpm_ca_free(s->ca);
    key_cache_free(s->keys);
    appraiser_close(&s->a);
    att_buf_free(s->refs);
    free(s->context);
    free(s->scratch);
    free(s);
}

/* Ask with the context as it is now; *result is decoded from what was sealed. */
static enum att_err ask(struct scene *s, struct att_slice evidence, struct msg_judged *j,
                        struct att_result *result)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *context = NULL;
    static struct att_buf *sealed;
    struct msg q = {.kind = MSG_APPRAISE, .body = evidence};
    enum att_err err;

    att_buf_freep(&sealed);
    NEED(msg_context_seal(&context, s->context, key) == ATT_OK);
    q.sealed = att_buf_slice(context);
    err = judge_evidence(&sealed, &s->a, s->keys, s->scratch, &q, &s->diag);
    if (err == ATT_OK) {
        uint8_t digest[32];

        ck_assert_int_eq(msg_judged_open(j, att_buf_slice(sealed), key, NULL), ATT_OK);
        ck_assert_int_eq(att_result_decode(result, j->result, NULL), ATT_OK);
        NEED(att_sha256(q.sealed, digest) == ATT_OK);
        ck_assert_mem_eq(j->context_digest, digest, 32);
        NEED(att_sha256(evidence, digest) == ATT_OK);
        ck_assert_mem_eq(j->evidence_digest, digest, 32);
        ck_assert_mem_eq(result->evidence_digest, digest, 32);
        ck_assert_mem_eq(result->policy_digest, s->a.policy->digest, 32);
    }
    return err;
}

START_TEST(judge_evidence__affirms_what_is_good)
{
    struct scene *s = scene_new();
    struct att_result *r = att_result_new();
    struct msg_judged j = {0};
    uint8_t digest[32];

    ck_assert_int_eq(ask(s, att_buf_slice(s->attempt.evidence), &j, r), ATT_OK);
    ck_assert_int_eq(r->status, ATT_TIER_AFFIRMING);
    ck_assert_int_eq(r->grade, 3);
    ck_assert(r->accepted && r->state.known && r->carry.known);
    ck_assert(att_slice_eq(j.attest, softtpm_slice(&s->attempt.attest_bytes)));
    ck_assert(att_slice_eq(j.signature, softtpm_slice(&s->attempt.signature_bytes)));
    NEED(att_sha256(att_buf_slice(s->attempt.claims_encoded), digest) == ATT_OK);
    ck_assert_mem_eq(j.claims_digest, digest, 32);
    ck_assert(j.offsets.has[ATT_LOG_OWN]);
    /* The same key from the cache. */
    ck_assert_int_eq(ask(s, att_buf_slice(s->attempt.evidence), &j, r), ATT_OK);
    ck_assert_int_eq(r->status, ATT_TIER_AFFIRMING);
    att_result_free(r);
    scene_free(s);
}
END_TEST

START_TEST(judge_evidence__refuses_a_quote_for_another_context)
{
    struct scene *s = scene_new();
    struct att_result *r = att_result_new();
    struct msg_judged j = {0};

    switch (_i) {
    case 0:
        s->context->nonce[0] ^= 1;
        break;
    case 1:
        s->context->session[15] ^= 1;
        break;
    case 2:
        strcpy(s->context->device_id, "other");
        break;
    default:
        strcpy(s->context->verifier_id, "other");
        break;
    }
    ck_assert_int_eq(ask(s, att_buf_slice(s->attempt.evidence), &j, r), ATT_OK);
    ck_assert_int_eq(r->status, ATT_TIER_CONTRAINDICATED);
    ck_assert(!r->accepted);
    ck_assert_uint_eq(r->reason_count, 1);
    ck_assert_int_eq(r->reason[0].reason, ATT_R_Q_NONCE);
    att_result_free(r);
    scene_free(s);
}
END_TEST

START_TEST(judge_evidence__decides_nothing_under_other_rules)
{
    struct scene *s = scene_new();
    struct att_result *r = att_result_new();
    struct msg_judged j = {0};

    if (_i == 0) {
        s->context->policy_digest[0] ^= 1;
    } else {
        s->context->refvals_digest[31] ^= 1;
    }
    ck_assert_int_eq(ask(s, att_buf_slice(s->attempt.evidence), &j, r), ATT_E_BUSY);
    ck_assert_int_eq(s->diag.reason, ATT_R_BUSY);
    ck_assert(!att_judge_malformed(&s->diag));
    att_result_free(r);
    scene_free(s);
}
END_TEST

START_TEST(judge_evidence__decides_nothing_on_malformed_input)
{
    struct scene *s = scene_new();
    struct att_slice whole = att_buf_slice(s->attempt.evidence);
    struct att_result *r = att_result_new();
    struct msg_judged j = {0};

    for (size_t len = 0; len < whole.len; len += 1 + len / 16) {
        ck_assert_int_ne(ask(s, att_slice_of(whole.p, len), &j, r), ATT_OK);
        ck_assert_int_eq(s->diag.reason, ATT_R_FMT_EVIDENCE);
        ck_assert(att_judge_malformed(&s->diag));
    }
    att_result_free(r);
    scene_free(s);
}
END_TEST

START_TEST(judge_evidence__believes_no_context_but_the_keepers)
{
    struct scene *s = scene_new();
    ATT_CLEANUP(att_buf_freep) struct att_buf *context = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    const uint8_t forged[MSG_SEAL_LEN] = {43};
    struct msg q = {.kind = MSG_APPRAISE, .body = att_buf_slice(s->attempt.evidence)};

    NEED(msg_context_seal(&context, s->context, forged) == ATT_OK);
    q.sealed = att_buf_slice(context);
    ck_assert_int_eq(judge_evidence(&sealed, &s->a, s->keys, s->scratch, &q, &s->diag),
                     ATT_E_UNTRUSTED);
    ck_assert_int_eq(s->diag.reason, ATT_R_FMT_FRAME);
    ck_assert_ptr_null(sealed);
    scene_free(s);
}
END_TEST

/* An enrolment request, and what came of it. */
static enum att_err enrol(struct scene *s, struct gateway_enrolment *e, struct msg_enrol_facts *f)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    uint8_t *room = malloc(65536);
    struct att_wr w = att_wr_into(room, 65536);
    enum att_err err;

    NEED(room != NULL && wire_enrol_begin_encode(&w, &e->begin) == ATT_OK);
    s->diag = (struct att_diag){0};
    err = judge_enrolment(&sealed, &s->a, att_slice_of(room, w.len), (int64_t)time(NULL), &s->diag);
    if (err == ATT_OK) {
        ck_assert_int_eq(msg_facts_open(f, att_buf_slice(sealed), key, NULL), ATT_OK);
    }
    free(room);
    return err;
}

static void trust(struct scene *s, const struct softtpm_ca *ca)
{
    ATT_CLEANUP(att_cert_freep) struct att_cert *root = NULL;
    uint8_t *der = NULL;
    int len = i2d_X509(ca->root, &der);

    NEED(len > 0 && att_anchors_new(&s->a.ek_anchors) == ATT_OK);
    NEED(att_cert_parse(&root, att_slice_of(der, (size_t)len), NULL) == ATT_OK);
    NEED(att_anchors_add(s->a.ek_anchors, root) == ATT_OK);
    OPENSSL_free(der);
}

START_TEST(judge_enrolment__finds_what_proves_itself)
{
    struct scene *s = scene_new();
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    struct msg_enrol_facts f = {0};
    uint8_t digest[32];

    NEED(e != NULL);
    trust(s, s->ca);
    gateway_enrol_prepare(s->g, e, "a token");
    ck_assert_int_eq(enrol(s, e, &f), ATT_OK);
    ck_assert_str_eq(f.device_id, "judged");
    NEED(att_sha256(att_slice_str("a token"), digest) == ATT_OK);
    ck_assert(f.has_token);
    ck_assert_mem_eq(f.token_digest, digest, 32);
    ck_assert(f.ek_verified);
    ck_assert_int_eq(f.ek_reason, ATT_R_NONE);
    ck_assert(att_slice_eq(att_slice_of(f.ek_name, f.ek_name_len), softtpm_name(&s->g->tpm->ek)));
    ck_assert(
        att_slice_eq(att_slice_of(f.ak_public, f.ak_public_len), softtpm_public(&s->g->tpm->ak)));
    NEED(att_sha256(e->begin.csr, digest) == ATT_OK);
    ck_assert_mem_eq(f.csr_digest, digest, 32);
    NEED(att_sha256(softtpm_ek_cert(s->g->tpm), digest) == ATT_OK);
    ck_assert_mem_eq(f.ek_cert_digest, digest, 32);
    free(e);
    scene_free(s);
}
END_TEST

/* The endorsement key is not vouched for: the facts say so, and why. */
START_TEST(judge_enrolment__does_not_verify_an_ek_without_a_chain)
{
    struct scene *s = scene_new();
    struct softtpm_ca *other = softtpm_ca_new("Another maker");
    struct softtpm *tpm = softtpm_new(s->ca, SOFTTPM_EK_P256);
    const struct softtpm_cert_order expired = {.not_before_s = -100, .not_after_s = -10};
    const struct softtpm_cert_order usage = {.without_ek_usage = true};
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    struct msg_enrol_facts f = {0};

    NEED(e != NULL);
    trust(s, _i == 0 ? other : s->ca);
    if (_i == 2) {
        softtpm_certify_ek(s->g->tpm, s->ca, &expired);
    }
    if (_i == 3) {
        softtpm_certify_ek(s->g->tpm, s->ca, &usage);
    }
    gateway_enrol_prepare(s->g, e, NULL);
    if (_i == 1) {
        e->begin.ek_cert[0] = softtpm_ek_cert(tpm); /* good, of another TPM */
    }
    ck_assert_int_eq(enrol(s, e, &f), ATT_OK);
    ck_assert(!f.ek_verified && !f.has_token);
    ck_assert_int_eq(f.ek_reason, ATT_R_ID_EKCERT);
    ck_assert_str_ne(f.ek_text, "");
    free(e);
    softtpm_free(tpm);
    softtpm_ca_free(other);
    scene_free(s);
}
END_TEST

START_TEST(judge_enrolment__takes_no_certificate_for_no_fault)
{
    struct scene *s = scene_new();
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    struct msg_enrol_facts f = {0};

    NEED(e != NULL);
    gateway_enrol_prepare(s->g, e, NULL);
    e->begin.ek_cert_count = 0;
    ck_assert_int_eq(enrol(s, e, &f), ATT_OK);
    ck_assert(!f.ek_verified);
    ck_assert_int_eq(f.ek_reason, ATT_R_NONE);
    free(e);
    scene_free(s);
}
END_TEST

START_TEST(judge_enrolment__refuses_with_the_code_of_what_is_wrong)
{
    static const struct softtpm_ak_order unrestricted = {.type = SOFTTPM_ALG_ECC,
                                                         .attributes = SOFTTPM_AK_ATTRIBUTES &
                                                                       ~ATT_OBJ_RESTRICTED,
                                                         .scheme = SOFTTPM_ALG_ECDSA,
                                                         .hash = ATT_HASH_SHA256};
    static const uint8_t junk[] = {1, 2, 3};
    struct scene *s = scene_new();
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    struct msg_enrol_facts f = {0};
    static const enum att_reason expected[] = {ATT_R_FMT_ID,   ATT_R_ID_AKATTR, ATT_R_FMT_KEY,
                                               ATT_R_FMT_KEY,  ATT_R_FMT_CERT,  ATT_R_ID_CSR,
                                               ATT_R_ID_EKCERT};

    NEED(e != NULL);
    if (_i == 1) {
        softtpm_replace_ak(s->g->tpm, &unrestricted);
    }
    gateway_enrol_prepare(s->g, e, "t");
    switch (_i) {
    case 0:
        e->begin.device_id = att_slice_str("a/b");
        break;
    case 2:
        e->begin.ak_public = att_slice_of(junk, sizeof(junk));
        break;
    case 3:
        e->begin.ek_public = att_slice_of(junk, sizeof(junk));
        break;
    case 4:
        e->begin.ek_cert[0] = att_slice_of(junk, sizeof(junk));
        break;
    case 5:
        e->csr.p[e->csr.len - 1] ^= 1;
        break;
    case 6:
        e->begin.ek_public = softtpm_public(&s->g->tpm->ak); /* a signing key */
        break;
    default:
        break;
    }
    ck_assert_int_ne(enrol(s, e, &f), ATT_OK);
    ck_assert_msg(s->diag.reason == expected[_i], "%s", att_reason_code(s->diag.reason));
    free(e);
    scene_free(s);
}
END_TEST

/* The cache forgets the key used longest ago, and builds it again when it is asked for. */
START_TEST(key_cache__keeps_the_last_and_gives_equal_keys)
{
    struct key_cache *c = NULL;
    struct softtpm *tpm[3];
    const struct att_ak *k = NULL;
    static const uint8_t junk[] = {9};

    NEED(key_cache_new(&c, 2) == ATT_OK);
    for (size_t i = 0; i < 3; i++) {
        tpm[i] = softtpm_new(NULL, SOFTTPM_EK_P256);
    }
    for (size_t round = 0; round < 6; round++) {
        const struct softtpm_key *ak = &tpm[round % 3]->ak;

        ck_assert_int_eq(key_cache_get(&k, c, softtpm_public(ak), NULL), ATT_OK);
        ck_assert(att_slice_eq(att_slice_of(k->qualified, k->qualified_len),
                               att_slice_of(ak->qualified, ak->qualified_len)));
        ck_assert_int_eq(k->scheme, ATT_SCHEME_ECDSA);
        ck_assert_int_eq(k->hash, ATT_HASH_SHA256);
    }
    ck_assert_int_ne(key_cache_get(&k, c, att_slice_of(junk, 1), NULL), ATT_OK);
    for (size_t i = 0; i < 3; i++) {
        softtpm_free(tpm[i]);
    }
    key_cache_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("judge");
    TCase *tc = tcase_create("judge");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_test(tc, judge_evidence__affirms_what_is_good);
    tcase_add_loop_test(tc, judge_evidence__refuses_a_quote_for_another_context, 0, 4);
    tcase_add_loop_test(tc, judge_evidence__decides_nothing_under_other_rules, 0, 2);
    tcase_add_test(tc, judge_evidence__decides_nothing_on_malformed_input);
    tcase_add_test(tc, judge_evidence__believes_no_context_but_the_keepers);
    tcase_add_test(tc, judge_enrolment__finds_what_proves_itself);
    tcase_add_loop_test(tc, judge_enrolment__does_not_verify_an_ek_without_a_chain, 0, 4);
    tcase_add_test(tc, judge_enrolment__takes_no_certificate_for_no_fault);
    tcase_add_loop_test(tc, judge_enrolment__refuses_with_the_code_of_what_is_wrong, 0, 7);
    tcase_add_test(tc, key_cache__keeps_the_last_and_gives_equal_keys);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
