/* Kernel lists that come in parts (4.3, L-25): who sends them in another way than an agent does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/record.h"
#include "logattack.h"
#include "need.h"
#include "parttest.h"
#include "verifier/keeper/session.h"

#define LIST_MAX "65536" /* bytes that this suite's service takes */
#define COUNT    200     /* entries behind the usual ones: some 26 KB */
#define PART_LEN 5000

static struct softlog *list(struct log_scene *s)
{
    return &s->g->log[ATT_LOG_IMA];
}

static void add_files(struct softlog *log, struct softtpm *tpm, int count)
{
    for (int i = 0; i < count; i++) {
        char path[96];

        (void)snprintf(path, sizeof(path), "/usr/lib/package-%d/libname.so.%d", i, i % 7);
        softlog_ima(log, tpm, path, att_slice_str(gateway_contents[0]));
    }
}

static void long_list(struct softlog *log, struct softtpm *tpm)
{
    gateway_usual_ima(log, tpm);
    add_files(log, tpm, COUNT);
}

static const struct gateway_plan LONG = {.ima = long_list};

/* Where the n-th entry starts. */
static uint64_t start_of(struct log_scene *s, size_t n)
{
    size_t off = 0;
    size_t len = 0;

    log_entry_at(list(s), n, &off, &len);
    return off;
}

static struct att_slice between(struct log_scene *s, uint64_t from, uint64_t to)
{
    struct att_slice bytes = softlog_from(list(s), from);

    NEED(bytes.len >= to - from);
    bytes.len = (size_t)(to - from);
    return bytes;
}

/* Challenged, with all but the last ten entries sent. */
static void open_sent(struct log_scene *s, const char *row, int i, const struct gateway_plan *plan)
{
    log_scene_open(s, row, i, plan);
    ck_assert_int_eq(gateway_session(s->g, &s->a), 201);
    part_send_to(s->g, &s->a, start_of(s, COUNT - 10), PART_LEN);
}

static void finish(struct log_scene *s)
{
    gateway_measure(s->g, &s->a);
    gateway_sign(s->g, &s->a);
    gateway_seal(s->g, &s->a);
    (void)gateway_send(s->g, &s->a);
}

static void fails(struct log_scene *s, const char *code)
{
    attack_fails_at(s->s, s->g, &s->a, code);
    log_scene_close(s);
}

/* No verdict, and nothing that anybody remembers. */
static void refused(struct log_scene *s, int status, const char *code, char *before)
{
    attack_refused(&s->a.answer, status, code);
    attack_same_records(before);
    log_scene_close(s);
}

START_TEST(L_25__list_in_parts_is_judged_as_a_whole)
{
    struct log_scene s;

    open_sent(&s, "l-25-parts", _i, &LONG);
    finish(&s);
    ck_assert_int_eq(s.a.answer.status, 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    add_files(list(&s), s.g->tpm, 10);
    gateway_attempt_clear(&s.a);
    ck_assert_int_eq(gateway_prepare(s.g, &s.a), 201);
    ck_assert_uint_lt(att_buf_len(s.a.evidence), 4096);
    ck_assert_int_eq(gateway_send(s.g, &s.a), 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    log_scene_close(&s);
}
END_TEST

static int strange_at;

static void strange_list(struct softlog *log, struct softtpm *tpm)
{
    gateway_usual_ima(log, tpm);
    add_files(log, tpm, strange_at);
    softlog_ima(log, tpm, "/usr/bin/strange", att_slice_str("nobody knows it"));
    add_files(log, tpm, COUNT - strange_at);
}

/* In the first part, in a middle one, in what comes with the quote. */
START_TEST(L_25__deviation_of_any_part_is_named)
{
    static const struct gateway_plan STRANGE = {.ima = strange_list};
    struct log_scene s;

    strange_at = _i == 0 ? 0 : _i == 1 ? COUNT / 2 : COUNT;
    open_sent(&s, "l-25-strange", _i, &STRANGE);
    finish(&s);
    ck_assert_uint_eq(log_scene_reasons(&s.a, "E_REF_UNLISTED", "/usr/bin/strange"), 1);
    fails(&s, "E_REF_UNLISTED");
}
END_TEST

static void foreign_start(struct softlog *log, struct softtpm *tpm)
{
    uint8_t digest[32] = {1};

    softlog_ima_digest(log, tpm, "boot_aggregate", digest);
    add_files(log, tpm, COUNT);
}

static void no_start(struct softlog *log, struct softtpm *tpm)
{
    add_files(log, tpm, COUNT);
}

/* boot_aggregate comes with the first part, the boot log that it is judged by with the last message. */
START_TEST(L_20__list_in_parts_that_does_not_start_with_this_boot_is_refused)
{
    static const struct gateway_plan PLANS[] = {{.ima = foreign_start}, {.ima = no_start}};
    struct log_scene s;

    open_sent(&s, "l-20-parts", _i, &PLANS[_i]);
    finish(&s);
    fails(&s, "E_LOG_AGGREGATE");
}
END_TEST

/* The first part again, one that leaves something out, and one that starts inside an entry. */
START_TEST(L_25__parts_out_of_order_are_refused)
{
    struct log_scene s;
    uint64_t at = 0;
    char *before = NULL;

    log_scene_open(&s, "l-25-order", _i, &LONG);
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    part_send_to(s.g, &s.a, start_of(&s, 20), PART_LEN);
    before = attack_records();
    at = _i == 0 ? 0 : _i == 1 ? start_of(&s, 30) : start_of(&s, 20) + 1;
    ck_assert_int_eq(part_send(s.g, &s.a, at, between(&s, at, start_of(&s, 40))), 409);
    refused(&s, 409, "E_PART_ORDER", before);
}
END_TEST

START_TEST(L_25__parts_for_the_session_of_another_gateway_are_refused)
{
    struct gateway *other = attack_gateway(_i == 0 ? "l-25-other-0" : "l-25-other-1");
    struct gateway_attempt theirs = {0};
    struct log_scene s;
    char *before = NULL;

    log_scene_open(&s, "l-25-session", _i, &LONG);
    ck_assert_int_eq(gateway_session(other, &theirs), 201);
    before = attack_records();
    memcpy(s.a.path, theirs.path, sizeof(s.a.path));
    if (_i == 1) { /* a session that nobody has */
        memset(s.a.path + strlen(s.a.path) - 8, '0', 8);
    }
    (void)part_send(s.g, &s.a, 0, between(&s, 0, start_of(&s, 20)));
    gateway_attempt_clear(&theirs);
    gateway_free(other);
    refused(&s, _i == 0 ? 403 : 410, _i == 0 ? "E_ID_CHANNEL" : "E_Q_NONCE_EXPIRED", before);
}
END_TEST

/* The TPM started again between the parts and the quote; the list looks the same. */
START_TEST(L_25__parts_of_another_boot_are_refused)
{
    struct log_scene s;

    open_sent(&s, "l-25-boot", _i, &LONG);
    s.g->tpm->clock.restart_count++;
    finish(&s);
    fails(&s, "E_PART_BOOT");
}
END_TEST

/* The session named no boot, or another one; the first part, or a later one. */
START_TEST(L_25__parts_of_a_boot_that_the_session_does_not_name_are_refused)
{
    struct log_scene s;
    char *before = NULL;

    log_scene_open(&s, "l-25-unnamed", _i, &LONG);
    if (_i == 0) {
        ck_assert_int_eq(part_session_unnamed(s.g, &s.a), 201);
    } else {
        ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
        part_send_to(s.g, &s.a, _i == 1 ? 0 : start_of(&s, 20), PART_LEN);
        s.g->tpm->clock.reset_count += _i == 3 ? 0 : 1;
        s.g->tpm->clock.restart_count += _i == 3 ? 1 : 0;
    }
    before = attack_records();
    (void)part_send(s.g, &s.a, s.a.challenge.offset[ATT_LOG_IMA],
                    between(&s, s.a.challenge.offset[ATT_LOG_IMA], start_of(&s, 40)));
    refused(&s, 422, "E_PART_BOOT", before);
}
END_TEST

/* Evidence without the list, with all of it again, or from a byte that no part reached. */
START_TEST(L_25__evidence_that_does_not_go_on_from_its_parts_is_refused)
{
    struct log_scene s;

    open_sent(&s, "l-25-end", _i, &LONG);
    if (_i == 0) {
        s.g->has[ATT_LOG_IMA] = false;
    }
    s.a.challenge.offset[ATT_LOG_IMA] = _i == 1 ? 0 : start_of(&s, COUNT - 5);
    finish(&s);
    fails(&s, "E_PART_ORDER");
}
END_TEST

START_TEST(L_25__edited_part_does_not_lead_to_the_quote)
{
    struct log_scene s;
    size_t at = 0;

    log_scene_open(&s, "l-25-edited", _i, &LONG);
    at = (size_t)start_of(&s, 11) - 2; /* the end of a name */
    list(&s)->p[at] ^= 1;
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    part_send_to(s.g, &s.a, start_of(&s, COUNT - 10), PART_LEN);
    finish(&s);
    fails(&s, "E_LOG_PCR");
}
END_TEST

START_TEST(L_22__part_with_an_entry_of_another_pcr_is_refused)
{
    struct log_scene s;
    char *before = NULL;

    log_scene_open(&s, "l-22-part", _i, &LONG);
    log_put_u32(list(&s), (size_t)start_of(&s, 7), 11);
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    before = attack_records();
    (void)part_send(s.g, &s.a, 0, between(&s, 0, start_of(&s, 20)));
    refused(&s, 422, "E_LOG_PCR", before);
}
END_TEST

/* Nothing, half an entry, text; the list is where it was. */
START_TEST(L_25__part_without_a_whole_entry_is_malformed)
{
    struct log_scene s;
    struct att_slice bytes;
    char *before = NULL;

    log_scene_open(&s, "l-25-half", _i, &LONG);
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    before = attack_records();
    bytes = _i == 0   ? att_slice_of(NULL, 0)
            : _i == 1 ? between(&s, 0, start_of(&s, 1) - 1)
                      : att_slice_str("10 0000 ima-ng sha256:00 /usr/bin/sh\n10 0000 ima-ng");
    (void)part_send(s.g, &s.a, 0, bytes);
    refused(&s, 400, _i == 0 ? "E_FMT_CBOR" : "E_FMT_IMA", before);
}
END_TEST

START_TEST(L_25__list_beyond_the_limit_is_refused)
{
    struct log_scene s;
    char *before = NULL;

    log_scene_open(&s, "l-25-limit", _i, &LONG);
    while (list(&s)->len < 70000) {
        add_files(list(&s), s.g->tpm, COUNT);
    }
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    before = attack_records();
    while (s.a.answer.status == 0) {
        uint64_t off = s.a.challenge.offset[ATT_LOG_IMA];

        NEED(off < 66000);
        (void)part_send(s.g, &s.a, off, between(&s, off, off + 4000));
    }
    ck_assert_uint_gt(s.a.challenge.offset[ATT_LOG_IMA], 60000);
    refused(&s, 413, "E_PART_LIMIT", before);
}
END_TEST

/* What the others hold is bounded; whoever was let in finishes, and its place is free again. */
START_TEST(L_25__no_more_lists_than_may_are_under_way)
{
    const struct service_options options = {.limits = "{uploads: 1}"};
    struct service *service = service_new(&options);
    struct log_scene s[2];

    service_start(service);
    for (int i = 0; i < 2; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "up-%d", i);
        log_scene_open_at(&s[i], service, id, &LONG);
        ck_assert_int_eq(gateway_session(s[i].g, &s[i].a), 201);
    }
    part_send_to(s[0].g, &s[0].a, start_of(&s[0], 100), PART_LEN);
    ck_assert_int_eq(part_send(s[1].g, &s[1].a, 0, between(&s[1], 0, start_of(&s[1], 20))), 429);
    attack_refused(&s[1].a.answer, 429, "E_RATE");
    part_send_to(s[0].g, &s[0].a, start_of(&s[0], COUNT), PART_LEN);
    finish(&s[0]);
    ck_assert_int_eq(s[0].a.answer.status, 200);
    part_send_to(s[1].g, &s[1].a, start_of(&s[1], COUNT), PART_LEN);
    client_answer_clear(&s[1].a.answer);
    finish(&s[1]);
    ck_assert_int_eq(s[1].a.answer.status, 200);
    log_scene_close(&s[0]);
    log_scene_close(&s[1]);
    service_free(service);
}
END_TEST

static uint64_t wanted_now(struct log_scene *s)
{
    gateway_attempt_clear(&s->a);
    ck_assert_int_eq(gateway_session(s->g, &s->a), 201);
    return s->a.challenge.offset[ATT_LOG_IMA];
}

/* A lost connection: the same boot goes on where it was, as often as it asks. */
START_TEST(L_25__upload_that_broke_off_goes_on)
{
    struct log_scene s;
    uint64_t at = 0;
    char *before = NULL;

    open_sent(&s, "l-25-again", _i, &LONG);
    before = attack_records();
    at = s.a.challenge.offset[ATT_LOG_IMA];
    ck_assert_uint_gt(at, 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_uint_eq(wanted_now(&s), at);
    }
    attack_same_records(before);
    finish(&s);
    ck_assert_int_eq(s.a.answer.status, 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    log_scene_close(&s);
}
END_TEST

/* Given up, or of a boot that is over: nothing is left of it. */
START_TEST(L_25__upload_that_was_given_up_leaves_nothing)
{
    struct log_scene s;
    struct client_answer answer = {0};
    char *before = NULL;

    log_scene_open(&s, "l-25-gone", _i, &LONG);
    before = attack_records();
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    part_send_to(s.g, &s.a, start_of(&s, COUNT), PART_LEN);
    if (_i == 0) {
        client_request(s.g->client, &answer, "DELETE", s.a.path, NULL, att_slice_of(NULL, 0));
        ck_assert_int_eq(answer.status, 204);
        client_answer_clear(&answer);
    } else {
        gateway_boot_as(s.g, &LONG);
    }
    ck_assert_uint_eq(wanted_now(&s), 0);
    attack_same_records(before);
    log_scene_close(&s);
}
END_TEST

/* Keeper and appraiser in this process, and a gateway that is challenged. */
struct room {
    struct inproc *v;
    struct inproc_gateway gw;
    struct inproc_attempt *t;
    struct att_slice all; /* of its list */
};

static void room_open(struct room *r)
{
    char token[64];

    r->v = inproc_new();
    r->t = calloc(1, sizeof(*r->t));
    NEED(r->t != NULL);
    inproc_gateway_new(&r->gw, r->v, "gw-1", true);
    inproc_token(r->v, "gw-1", token);
    NEED(inproc_enrol(r->v, &r->gw, token) == ATT_R_NONE);
    add_files(&r->gw.g->log[ATT_LOG_IMA], r->gw.g->tpm, 20);
    r->all = softlog_slice(&r->gw.g->log[ATT_LOG_IMA]);
    ck_assert_int_eq(inproc_session(r->v, &r->gw, r->t), ATT_R_NONE);
}

static void room_close(struct room *r)
{
    inproc_attempt_clear(r->t);
    free(r->t);
    inproc_gateway_free(&r->gw);
    inproc_free(r->v);
}

/* Two parts for one place, judged side by side: the second is for a challenge that is used up. */
START_TEST(L_25__part_counts_once)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *first = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *second = NULL;
    struct room r;

    room_open(&r);
    ck_assert_int_eq(part_fold(&first, r.v, &r.gw, r.t, 0, att_slice_of(r.all.p, 1000)),
                     ATT_R_NONE);
    ck_assert_int_eq(part_fold(&second, r.v, &r.gw, r.t, 0, att_slice_of(r.all.p, 2000)),
                     ATT_R_NONE);
    ck_assert_int_eq(part_keep(r.v, &r.gw, r.t, first), ATT_R_NONE);
    ck_assert_int_eq(part_keep(r.v, &r.gw, r.t, second), ATT_R_PART_ORDER);
    ck_assert_uint_le(r.t->a.challenge.offset[ATT_LOG_IMA], 1000);
    room_close(&r);
}
END_TEST

/* Slowly, so that what was in force long ago would decide: a new session goes on, under the rules of now. */
START_TEST(L_25__upload_does_not_keep_its_rules_for_ever)
{
    struct room r;
    uint64_t at = 0;
    enum att_reason reason = ATT_R_NONE;
    int64_t begun = inproc_mono_ms;

    room_open(&r);
    while (reason == ATT_R_NONE && at + 300 < r.all.len) {
        ATT_CLEANUP(att_buf_freep) struct att_buf *folded = NULL;

        inproc_mono_ms += r.v->cfg->nonce_ttl_ms;
        at = r.t->a.challenge.offset[ATT_LOG_IMA];
        NEED(part_fold(&folded, r.v, &r.gw, r.t, at, att_slice_of(r.all.p + at, 170)) ==
             ATT_R_NONE);
        reason = part_keep(r.v, &r.gw, r.t, folded);
    }
    ck_assert_int_eq(reason, ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(inproc_mono_ms - begun, (SESSION_LIVES + 1) * r.v->cfg->nonce_ttl_ms);
    inproc_answer_clear(&r.t->session_answer);
    ck_assert_int_eq(inproc_session(r.v, &r.gw, r.t), ATT_R_NONE);
    ck_assert_uint_eq(r.t->a.challenge.offset[ATT_LOG_IMA], at);
    room_close(&r);
}
END_TEST

static bool has_reason(const struct att_result *x, enum att_reason reason)
{
    for (uint32_t i = 0; i < x->reason_count; i++) {
        if (x->reason[i].reason == reason) {
            return true;
        }
    }
    return false;
}

/* The record as the administrator gets it, of a decision over a list that came in parts. */
static struct att_buf *record_of_parts(struct room *r)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *folded = NULL;
    struct inproc_answer a = {0};
    struct att_buf *record = NULL;

    NEED(part_fold(&folded, r->v, &r->gw, r->t, 0, att_slice_of(r->all.p, 1000)) == ATT_R_NONE);
    NEED(part_keep(r->v, &r->gw, r->t, folded) == ATT_R_NONE);
    inproc_measure(&r->gw, r->t);
    NEED(inproc_judge(r->v, &r->gw, r->t) == ATT_R_NONE);
    NEED(inproc_commit(r->v, &r->gw, r->t) == 200);
    for (int n = 0; a.reason != ATT_R_NONE || record == NULL; n++) {
        char path[64];

        NEED(n < 16);
        (void)snprintf(path, sizeof(path), "/outcomes/%d/record", n);
        inproc_admin(r->v, "GET", path, "", &a);
        if (a.reason == ATT_R_NONE) {
            NEED(att_buf_new(&record, ATT_RECORD_MAX) == ATT_OK);
            NEED(att_buf_add_slice(record, inproc_body(&a)) == ATT_OK);
        }
    }
    inproc_answer_clear(&a);
    return record;
}

/* The same rules give the same bytes; other rules did not see the parts, whatever they saw before, but may see the list. */
START_TEST(L_25__record_over_parts_is_judged_again_by_its_own_rules_alone)
{
    static const char YAML[] =
        "policy: other\nversion: 9\nrequirements:\n"
        "  - {id: own, severity: fail, own_items: {under: [/usr, /etc], unlisted: fail},\n"
        "     title: {en: files, ja: files}}\n";
    ATT_CLEANUP(att_policy_freep) struct att_policy *own = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *other = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct att_result *earlier =
        att_result_new(); /* of a record with nothing before it, as this one */
    struct att_reappraisal a = {0};
    struct att_reappraise_rules rules = {0};
    struct att_diag diag = {0};
    struct att_record record;
    struct room r;

    room_open(&r);
    bytes = record_of_parts(&r);
    NEED(earlier != NULL);
    ck_assert_int_eq(att_record_decode(&record, att_buf_slice(bytes), NULL), ATT_OK);
    ck_assert_int_eq(att_policy_decode(&own, record.policy, NULL), ATT_OK);
    rules = (struct att_reappraise_rules){.policy = own, .refvals = r.v->appraiser.refvals};
    ck_assert_int_eq(att_reappraise(&a, &record, &rules, NULL), ATT_OK);
    ck_assert(a.same && !a.other_rules);
    att_reappraisal_clear(&a);

    ck_assert_int_eq(att_policy_parse_yaml(&other, "other", att_slice_str(YAML), NULL), ATT_OK);
    earlier->accepted = true;
    earlier->carry.known = true;
    memcpy(earlier->carry.policy_digest, other->digest, 32);
    memcpy(earlier->carry.refvals_digest, att_refvals_digest(rules.refvals), 32);
    rules.policy = other;
    rules.earlier = earlier;
    ck_assert_int_eq(att_reappraise(&a, &record, &rules, NULL), ATT_OK);
    ck_assert(a.other_rules && a.unseen && a.over_parts);
    ck_assert(has_reason(a.after, ATT_R_LOG_COVERAGE));
    att_reappraisal_clear(&a);

    /* the list itself, and nothing else, takes their place */
    rules.ima_list = r.all;
    ck_assert_int_eq(att_reappraise(&a, &record, &rules, NULL), ATT_OK);
    ck_assert(a.other_rules && !a.unseen);
    ck_assert(!has_reason(a.after, ATT_R_LOG_COVERAGE));
    att_reappraisal_clear(&a);
    rules.ima_list.len = 500;
    ck_assert_int_eq(att_reappraise(&a, &record, &rules, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_LOG_PCR);
    rules.ima_list.len = r.all.len;
    r.gw.g->log[ATT_LOG_IMA].p[500] ^= 1;
    ck_assert_int_eq(att_reappraise(&a, &record, &rules, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_LOG_PCR);
    att_result_free(earlier);
    room_close(&r);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"L-20-parts", L_20__list_in_parts_that_does_not_start_with_this_boot_is_refused, 2, 0},
        {"L-22-part", L_22__part_with_an_entry_of_another_pcr_is_refused, 0, 0},
        {"L-25-parts", L_25__list_in_parts_is_judged_as_a_whole, 0, 0},
        {"L-25-strange", L_25__deviation_of_any_part_is_named, 3, 0},
        {"L-25-order", L_25__parts_out_of_order_are_refused, 3, 0},
        {"L-25-session", L_25__parts_for_the_session_of_another_gateway_are_refused, 2, 0},
        {"L-25-boot", L_25__parts_of_another_boot_are_refused, 0, 0},
        {"L-25-unnamed", L_25__parts_of_a_boot_that_the_session_does_not_name_are_refused, 4, 0},
        {"L-25-end", L_25__evidence_that_does_not_go_on_from_its_parts_is_refused, 3, 0},
        {"L-25-edited", L_25__edited_part_does_not_lead_to_the_quote, 0, 0},
        {"L-25-half", L_25__part_without_a_whole_entry_is_malformed, 3, 0},
        {"L-25-limit", L_25__list_beyond_the_limit_is_refused, 0, 0},
        {"L-25-uploads", L_25__no_more_lists_than_may_are_under_way, 0, 60},
        {"L-25-again", L_25__upload_that_broke_off_goes_on, 0, 0},
        {"L-25-gone", L_25__upload_that_was_given_up_leaves_nothing, 2, 0},
        {"L-25-once", L_25__part_counts_once, 0, 0},
        {"L-25-slow", L_25__upload_does_not_keep_its_rules_for_ever, 0, 0},
        {"L-25-record", L_25__record_over_parts_is_judged_again_by_its_own_rules_alone, 0, 0},
    };
    const struct service_options options = {.limits = "{log_bytes: " LIST_MAX "}"};

    return attack_main("attacks: kernel list in parts", rows, ATT_COUNT(rows), &options);
}
