/* The keeper's decisions, driven by messages: enrolment, evidence, deadlines, administrator. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "appraise/offline.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "inproc.h"
#include "verifier/keeper/pending.h"
#include "verifier/process.h"

static struct inproc *v;
static struct inproc_gateway gw;
static struct inproc_attempt *t;
static struct gateway_enrolment *e;

static void set_up(void)
{
    v = inproc_new();
    inproc_gateway_new(&gw, v, "gw-1", true);
    t = calloc(1, sizeof(*t));
    e = calloc(1, sizeof(*e));
    ck_assert(t != NULL && e != NULL);
}

static void tear_down(void)
{
    inproc_attempt_clear(t);
    free(t);
    gateway_enrol_clear(e);
    free(e);
    inproc_gateway_free(&gw);
    inproc_free(v);
}

static void enrol(struct inproc_gateway *g)
{
    char token[64];

    inproc_token(v, g->g->id, token);
    ck_assert_str_eq(att_reason_code(inproc_enrol(v, g, token)), "OK");
}

/* Nothing changed: the canonical dumps before and after are equal. */
static char *state_before;
static void remember(void)
{
    free(state_before);
    state_before = inproc_dump(v);
}
static void check_unchanged(void)
{
    char *now = inproc_dump(v);

    ck_assert_str_eq(state_before, now);
    free(now);
    free(state_before);
    state_before = NULL;
}

static json_t *admin_json(const char *method, const char *path, const char *body, int http)
{
    struct inproc_answer a = {0};
    json_t *doc = NULL;

    inproc_admin(v, method, path, body, &a);
    ck_assert_msg(a.http == http, "%s %s: %d %s %s", method, path, a.http,
                  att_reason_code(a.reason), a.text);
    ck_assert_int_eq(att_json_parse(&doc, inproc_body(&a), NULL), ATT_OK);
    inproc_answer_clear(&a);
    return doc;
}

static enum att_reason admin_reason(const char *method, const char *path, const char *body)
{
    struct inproc_answer a = {0};
    enum att_reason reason;

    inproc_admin(v, method, path, body, &a);
    ck_assert_uint_eq(a.count, 1);
    reason = a.reason;
    inproc_answer_clear(&a);
    return reason;
}

/* A member of GET /devices/ID; "null" for null. */
static const char *device_member(const char *id, const char *key)
{
    static char text[128];
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    char path[96];
    const json_t *value;

    (void)snprintf(path, sizeof(path), "/devices/%s", id);
    doc = admin_json("GET", path, "", 200);
    value = json_object_get(doc, key);
    ck_assert_msg(value != NULL, "no %s", key);
    (void)snprintf(text, sizeof(text), "%s",
                   json_is_string(value) ? json_string_value(value) : "null");
    return text;
}

static size_t outcome_count(const char *kind)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = admin_json("GET", "/outcomes", "", 200);
    const json_t *list = json_object_get(doc, "outcomes");
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (strcmp(json_string_value(json_object_get(one, "kind")), kind) == 0)
            n++;
    }
    return n;
}

static enum att_reason label_reason(const char *device, const struct msg_peer *peer,
                                    struct inproc_answer *a)
{
    struct msg m = {.kind = MSG_LABEL, .peer = *peer, .name = att_slice_str(device)};

    inproc_answer_clear(a);
    inproc_ask(v, &m, a, false);
    return a->reason;
}

static bool has_current(void)
{
    struct inproc_answer a = {0};
    enum att_reason reason = label_reason(gw.g->id, &gw.peer, &a);

    ck_assert(reason == ATT_R_NONE || reason == ATT_R_HTTP_ROUTE);
    inproc_answer_clear(&a);
    return reason == ATT_R_NONE;
}

static void check_label(struct att_slice label, enum att_tier status)
{
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *anchors = NULL;
    struct att_trust_rules rules = {0};
    struct att_offline *o = calloc(1, sizeof(*o));
    char path[96];

    ck_assert_ptr_nonnull(o);
    (void)snprintf(path, sizeof(path), "%s/trust", v->dir);
    ck_assert_int_eq(att_anchors_new(&anchors), ATT_OK);
    ck_assert_int_eq(att_anchors_load(anchors, path, NULL), ATT_OK);
    ck_assert_int_eq(att_offline_check(o, label, anchors, &rules, inproc_utc_s + 1), ATT_OK);
    ck_assert(o->has_label);
    ck_assert_int_eq(o->label.status, status);
    ck_assert_str_eq(o->label.device_id, gw.g->id);
    ck_assert_int_eq(o->verdict,
                     status == ATT_TIER_AFFIRMING ? ATT_VERDICT_PASS : ATT_VERDICT_FAIL);
    free(o);
}

START_TEST(enrol__binds_one_device_and_uses_its_token_up)
{
    char token[64];
    struct inproc_gateway other;

    inproc_token(v, NULL, token);
    ck_assert_int_eq(inproc_enrol(v, &gw, token), ATT_R_NONE);
    ck_assert_str_eq(gw.peer.device_id, "gw-1");
    ck_assert_str_eq(device_member("gw-1", "status"), "enrolled");
    ck_assert_uint_eq(outcome_count("enrolled"), 1);

    remember();
    inproc_gateway_new(&other, v, "gw-2", true);
    ck_assert_int_eq(inproc_enrol(v, &other, token), ATT_R_ID_TOKEN);
    inproc_gateway_free(&other);
    check_unchanged();
}
END_TEST

START_TEST(enrol_begin__needs_a_token_that_is_there_current_and_for_this_id)
{
    char bound[64], old[64];

    inproc_token(v, "gw-other", bound);
    inproc_token(v, "gw-1", old);
    inproc_utc_s += KEEPER_TOKEN_TTL_S;
    remember();
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, NULL), ATT_R_ID_TOKEN);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, "no such token"), ATT_R_ID_TOKEN);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, old), ATT_R_ID_TOKEN);
    inproc_utc_s -= KEEPER_TOKEN_TTL_S;
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, bound), ATT_R_ID_TOKEN);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, old), ATT_R_NONE);
    ck_assert_ptr_null(strstr(state_before, old)); /* S-07: not in clear */
    check_unchanged();
}
END_TEST

START_TEST(enrol_begin__wants_a_known_maker_or_the_allow_list)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    char token[64], body[256], hex[2 * ATT_NAME_MAX + 1];
    struct inproc_gateway bare;
    struct att_slice name;

    inproc_gateway_new(&bare, v, "gw-bare", false);
    inproc_token(v, "gw-bare", token);
    ck_assert_int_eq(inproc_enrol_begin(v, &bare, e, token), ATT_R_ID_EKCERT);

    /* Pinned by the operator it needs neither certificate nor token, and is graded E1. */
    name = softtpm_name(&bare.g->tpm->ek);
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\", \"id\": \"gw-bare\"}",
                   att_hex_encode(hex, sizeof(hex), name));
    doc = admin_json("POST", "/allow", body, 201);
    ck_assert_int_eq(inproc_enrol(v, &bare, NULL), ATT_R_NONE);
    ck_assert_int_eq(inproc_attest(v, &bare, t), 200);
    ck_assert_str_eq(device_member("gw-bare", "grade"), "E1");
    inproc_gateway_free(&bare);
}
END_TEST

START_TEST(enrol_begin__takes_a_key_off_the_list_again)
{
    char path[256], body[256], hex[2 * ATT_NAME_MAX + 1];

    (void)att_hex_encode(hex, sizeof(hex), softtpm_name(&gw.g->tpm->ek));
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\", \"id\": \"gw-other\"}", hex);
    json_decref(admin_json("POST", "/allow", body, 201));
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, NULL), ATT_R_ID_TOKEN);
    (void)snprintf(body, sizeof(body), "{\"ek_name\": \"%s\"}", hex);
    json_decref(admin_json("POST", "/allow", body, 201));
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, NULL), ATT_R_NONE);
    (void)snprintf(path, sizeof(path), "/allow/%s", hex);
    json_decref(admin_json("DELETE", path, "", 200));
    ck_assert_int_eq(admin_reason("DELETE", path, ""), ATT_R_HTTP_ROUTE);
    /* What was begun is asked again when it is activated. */
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_ID_TOKEN);
}
END_TEST

/* ADV-14: a taken-over appraiser names an allow-listed key and lends it another. */
START_TEST(enrol_begin__names_the_key_itself)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *sealed = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *forged = NULL;
    struct msg_enrol_facts f;
    struct inproc_gateway victim;
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_ENROL_BEGIN};
    uint8_t room[16384];
    struct att_wr w = att_wr_into(room, sizeof(room));
    char token[64];

    inproc_token(v, NULL, token);
    inproc_gateway_new(&victim, v, "gw-v", true);
    gateway_enrol_prepare(gw.g, e, token);
    ck_assert_int_eq(wire_enrol_begin_encode(&w, &e->begin), ATT_OK);
    ck_assert_int_eq(
        judge_enrolment(&sealed, &v->appraiser, att_slice_of(room, w.len), inproc_utc_s, NULL),
        ATT_OK);
    ck_assert_int_eq(msg_facts_open(&f, att_buf_slice(sealed), v->seal_key, NULL), ATT_OK);
    memcpy(f.ek_name, victim.g->tpm->ek.name, f.ek_name_len);
    ck_assert_int_eq(msg_facts_seal(&forged, &f, v->seal_key), ATT_OK);
    remember();
    m.sealed = att_buf_slice(forged);
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_FMT_FRAME);
    check_unchanged();
    inproc_answer_clear(&a);
    inproc_gateway_free(&victim);
}
END_TEST

/* I-01, I-12, I-15 */
START_TEST(enrol_begin__keeps_one_id_and_one_tpm_together)
{
    struct inproc_gateway thief, twin;
    char token[64];

    enrol(&gw);
    inproc_token(v, NULL, token);
    remember();
    inproc_gateway_new(&thief, v, "gw-1", true);
    ck_assert_int_eq(inproc_enrol_begin(v, &thief, e, token), ATT_R_ID_CONFLICT);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, token), ATT_R_ID_REENROL);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, NULL), ATT_R_ID_REENROL);

    inproc_gateway_new(&twin, v, "gw-2", true);
    softtpm_free(twin.g->tpm);
    twin.g->tpm = gw.g->tpm;
    ck_assert_int_eq(inproc_enrol_begin(v, &twin, e, token), ATT_R_ID_EKDUP);
    twin.g->tpm = NULL;
    inproc_gateway_free(&twin);
    inproc_gateway_free(&thief);
    check_unchanged();
}
END_TEST

/* I-11: two attestation keys of one TPM were begun; one is bound, the other is refused. */
START_TEST(enrol_activate__binds_one_of_two_attestation_keys)
{
    struct softtpm_ak_order order = {.type = SOFTTPM_ALG_ECC,
                                     .attributes = SOFTTPM_AK_ATTRIBUTES,
                                     .scheme = SOFTTPM_ALG_ECDSA,
                                     .hash = ATT_HASH_SHA256};
    struct gateway_enrolment *second = calloc(1, sizeof(*second));
    char a[64], b[64];

    ck_assert_ptr_nonnull(second);
    inproc_token(v, NULL, a);
    inproc_token(v, NULL, b);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, a), ATT_R_NONE);
    softtpm_replace_ak(gw.g->tpm, &order);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, second, b), ATT_R_NONE);
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, second), ATT_R_NONE);
    remember();
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_ID_CONFLICT);
    check_unchanged();
    gateway_enrol_clear(second);
    free(second);
}
END_TEST

/* I-05, I-06: a wrong secret is refused each time and tells nothing; after five the right one too. */
START_TEST(enrol_activate__forgets_after_five_wrong_secrets)
{
    char token[64];
    uint8_t right[64];
    uint8_t room[4096];

    inproc_token(v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, token), ATT_R_NONE);
    memcpy(right, e->secret, sizeof(right));
    remember();
    for (size_t i = 0; i < PENDING_FAILURES_MAX; i++) {
        struct inproc_answer a = {0};
        char hex[130];
        struct msg m;

        memcpy(e->secret, right, sizeof(right));
        e->secret[i * 6] ^= 1; /* one bit off */
        inproc_activate_message(&m, room, sizeof(room), e);
        inproc_ask(v, &m, &a, true);
        ck_assert_int_eq(a.reason, ATT_R_ID_ACTIVATE);
        ck_assert_ptr_null(a.body);
        ck_assert_ptr_null(
            strstr(a.text, att_hex_encode(hex, sizeof(hex), att_slice_of(right, 4))));
        inproc_answer_clear(&a);
    }
    memcpy(e->secret, right, sizeof(right));
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_Q_NONCE_EXPIRED);
    check_unchanged();
}
END_TEST

START_TEST(enrol_activate__takes_the_right_secret_after_four_wrong_ones)
{
    char token[64];
    size_t len;

    inproc_token(v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, token), ATT_R_NONE);
    len = e->activate.secret.len;
    for (size_t i = 1; i < PENDING_FAILURES_MAX; i++) {
        e->activate.secret.len = len - i; /* a prefix is as wrong as anything */
        ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_ID_ACTIVATE);
    }
    e->activate.secret.len = len;
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_NONE);
}
END_TEST

START_TEST(enrol_activate__ends_with_its_time)
{
    char token[64];

    inproc_token(v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, token), ATT_R_NONE);
    inproc_mono_ms += v->cfg->nonce_ttl_ms + 1;
    remember();
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_Q_NONCE_EXPIRED);
    check_unchanged();
    inproc_mono_ms -= 1;
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_NONE);
}
END_TEST

/* The quote of the enrolment: another key, another nonce, another TLS key. */
START_TEST(enrol_activate__wants_the_quote_of_this_enrolment)
{
    struct att_pcr_selection selection = softtpm_selection(ATT_HASH_SHA256, 1U << GATEWAY_OWN_PCR);
    struct inproc_gateway other;
    char token[64];
    uint8_t zeros[32] = {0};

    inproc_token(v, NULL, token);
    inproc_gateway_new(&other, v, "gw-9", true);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, token), ATT_R_NONE);
    remember();
    softtpm_quote(&e->attest, &e->signature, gw.g->tpm, att_slice_of(zeros, 32), &selection);
    e->activate.attest = softtpm_slice(&e->attest);
    e->activate.signature = softtpm_slice(&e->signature);
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_Q_NONCE);
    softtpm_quote(&e->attest, &e->signature, other.g->tpm, att_slice_of(zeros, 32), &selection);
    e->activate.attest = softtpm_slice(&e->attest);
    e->activate.signature = softtpm_slice(&e->signature);
    ck_assert_int_eq(inproc_enrol_activate(v, &gw, e), ATT_R_Q_SIG);
    inproc_gateway_free(&other);
    check_unchanged();
}
END_TEST

START_TEST(enrol_activate__answers_the_same_when_asked_again)
{
    struct inproc_answer a = {0}, b = {0};
    uint8_t room[4096];
    char token[64];
    struct msg m;

    inproc_token(v, NULL, token);
    ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, token), ATT_R_NONE);
    inproc_activate_message(&m, room, sizeof(room), e);
    inproc_ask(v, &m, &a, true);
    ck_assert_int_eq(a.http, 200);
    remember();
    inproc_ask(v, &m, &b, true);
    ck_assert_int_eq(b.http, 200);
    ck_assert(att_slice_eq(inproc_body(&a), inproc_body(&b)));
    check_unchanged();
    inproc_answer_clear(&a);
    inproc_answer_clear(&b);
}
END_TEST

/* I-02: 64 registrations of one id by two TPMs, decided in one transaction or one by one. */
START_TEST(enrol_activate__makes_one_record_of_64)
{
    enum { ALL = 64 };
    struct inproc_gateway two[2];
    struct gateway_enrolment *all = calloc(ALL, sizeof(*all));
    struct inproc_answer *answers = calloc(ALL, sizeof(*answers));
    uint8_t(*room)[4096] = calloc(ALL, sizeof(*room));
    char token[64];
    size_t enrolled = 0;

    ck_assert(all != NULL && answers != NULL && room != NULL);
    inproc_gateway_new(&two[0], v, "gw-x", true);
    inproc_gateway_new(&two[1], v, "gw-x", true);
    for (size_t i = 0; i < ALL; i++) {
        inproc_token(v, "gw-x", token);
        ck_assert_int_eq(inproc_enrol_begin(v, &two[i % 2], &all[i], token), ATT_R_NONE);
    }
    for (size_t i = 0; i < ALL; i++) {
        struct msg m;

        inproc_activate_message(&m, room[i], sizeof(room[i]), &all[i]);
        inproc_ask(v, &m, &answers[i], _i == 1);
    }
    keeper_flush(v->keeper);
    for (size_t i = 0; i < ALL; i++) {
        ck_assert_uint_eq(answers[i].count, 1);
        if (answers[i].reason == ATT_R_NONE)
            enrolled++;
        else
            ck_assert_int_eq(answers[i].reason, ATT_R_ID_CONFLICT);
        inproc_answer_clear(&answers[i]);
        gateway_enrol_clear(&all[i]);
    }
    ck_assert_uint_eq(enrolled, 1);
    ck_assert_str_eq(device_member("gw-x", "status"), "enrolled");
    inproc_gateway_free(&two[0]);
    inproc_gateway_free(&two[1]);
    free(all);
    free(answers);
    free(room);
}
END_TEST

/* R-05, short: begun without end, never activated. Another gateway enrols all the same. */
START_TEST(enrol_begin__is_bounded_and_lets_others_in)
{
    struct inproc_gateway other;
    char token[64];

    inproc_token(v, NULL, token);
    for (int i = 0; i < 600; i++)
        ck_assert_int_eq(inproc_enrol_begin(v, &gw, e, token), ATT_R_NONE);
    inproc_gateway_new(&other, v, "gw-2", true);
    enrol(&other);
    inproc_gateway_free(&other);
}
END_TEST

START_TEST(attest__gives_a_label_that_a_stranger_verifies)
{
    struct inproc_answer a = {0};

    enrol(&gw);
    ck_assert(!has_current());
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    ck_assert_uint_eq(t->outcome.status, ATT_TIER_AFFIRMING);
    ck_assert_uint_eq(t->outcome.reason_count, 0);
    ck_assert_uint_eq(t->outcome.next_s, 600);
    check_label(t->outcome.label, ATT_TIER_AFFIRMING);
    ck_assert_int_eq(label_reason("gw-1", &gw.peer, &a), ATT_R_NONE);
    ck_assert(att_slice_eq(inproc_body(&a), t->outcome.label));
    inproc_answer_clear(&a);
    ck_assert_str_eq(device_member("gw-1", "status"), "affirming");
    ck_assert_uint_eq(outcome_count("label"), 1);
}
END_TEST

START_TEST(attest__goes_on_where_the_logs_were_judged)
{
    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    inproc_attempt_clear(t);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++)
        ck_assert_uint_eq(t->a.challenge.offset[i], gw.g->log[i].len);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(v, &gw, t), 200);

    /* After a reboot everything is judged again. */
    gateway_boot(gw.g);
    inproc_attempt_clear(t);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++)
        ck_assert_uint_eq(t->a.challenge.offset[i], 0);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(v, &gw, t), 200);
}
END_TEST

START_TEST(attest__asks_for_whole_logs_under_another_policy)
{
    static const char stricter[] =
        "policy: inproc\nversion: 2\nboot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\n"
        "requirements:\n"
        "  - {id: grade, severity: fail, grade_at_least: E1, title: {en: graded, ja: E1}}\n"
        "  - {id: files, severity: fail, own_items: {under: [/usr, /etc], unlisted: fail},\n"
        "     title: {en: known files, ja: files}}\n";

    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    ck_assert_uint_eq(outcome_count("policy"), 1);
    ck_assert_int_eq(inproc_restart(v, NULL), ATT_OK);
    ck_assert_uint_eq(outcome_count("policy"), 1);
    inproc_set_policy(v, stricter);
    ck_assert_int_eq(inproc_restart(v, NULL), ATT_OK);
    ck_assert_uint_eq(outcome_count("policy"), 2);
    inproc_attempt_clear(t);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++)
        ck_assert_uint_eq(t->a.challenge.offset[i], 0);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(v, &gw, t), 200);
}
END_TEST

/* Q-11, INV-5 */
START_TEST(commit__answers_once_and_tells_the_same_again)
{
    struct inproc_answer again = {0};
    struct msg m = {.kind = MSG_SESSION_GET};

    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    m.peer = gw.peer;
    memcpy(m.session, t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(v, &m, &again, false);
    ck_assert_int_eq(again.http, 200);
    ck_assert_int_eq(again.type, MSG_TYPE_OUTCOME);
    ck_assert(att_slice_eq(inproc_body(&again), inproc_body(&t->answer)));
    inproc_answer_clear(&again);
    remember();
    ck_assert_int_eq(inproc_commit(v, &gw, t), -ATT_R_Q_NONCE_USED);
    check_unchanged();
}
END_TEST

/* */
START_TEST(commit__accepts_one_of_64_copies)
{
    struct inproc_answer answers[64];
    struct msg m;
    size_t accepted = 0;

    memset(answers, 0, sizeof(answers));
    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    inproc_commit_message(&m, &gw, t);
    for (size_t i = 0; i < 64; i++)
        inproc_ask(v, &m, &answers[i], false);
    ck_assert_uint_eq(keeper_waiting(v->keeper), 64);
    keeper_flush(v->keeper);
    for (size_t i = 0; i < 64; i++) {
        ck_assert_uint_eq(answers[i].count, 1);
        if (answers[i].http == 200)
            accepted++;
        else
            ck_assert_int_eq(answers[i].reason, ATT_R_Q_NONCE_USED);
        inproc_answer_clear(&answers[i]);
    }
    ck_assert_uint_eq(accepted, 1);
    ck_assert_uint_eq(outcome_count("label"), 1);
}
END_TEST

/* */
START_TEST(commit__is_too_late_1_ms_after_the_deadline)
{
    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    ck_assert_uint_eq(t->a.challenge.expires_ms, (uint64_t)v->cfg->nonce_ttl_ms);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    remember();
    inproc_mono_ms += v->cfg->nonce_ttl_ms + 1;
    inproc_utc_s -= 3600; /* K-02: a step of the wall clock changes nothing */
    ck_assert_int_eq(inproc_commit(v, &gw, t), -ATT_R_Q_NONCE_EXPIRED);
    check_unchanged();
    inproc_utc_s += 3600;
    inproc_mono_ms -= 1;
    ck_assert_int_eq(inproc_commit(v, &gw, t), 200);
}
END_TEST

static enum att_err no_random(void *out, size_t len)
{
    (void)out;
    (void)len;
    return ATT_E_CRYPTO;
}

/* without random bytes there is no challenge, no enrolment, no token. */
START_TEST(keeper__issues_nothing_without_random_bytes)
{
    struct keeper_options opt = {.cfg = v->cfg,
                                 .seal_key = v->seal_key,
                                 .utc_s = att_clock_utc_s,
                                 .mono_ms = att_clock_mono_ms,
                                 .random = no_random};
    struct att_diag diag = {0};

    keeper_freep(&v->keeper);
    ck_assert_int_eq(keeper_new(&v->keeper, &opt, &diag), ATT_E_CRYPTO);
    ck_assert_int_eq(diag.reason, ATT_R_RNG);
    ck_assert_ptr_null(v->keeper);
}
END_TEST

/* Evidence that answers another nonce than the challenge's. */
static void attest_badly(void)
{
    inproc_attempt_clear(t);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    gateway_measure(gw.g, &t->a);
    t->a.attest.extra[0] ^= 1;
    gateway_sign(gw.g, &t->a);
    gateway_seal(gw.g, &t->a);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(v, &gw, t), 422);
}

/* INV-2: bad evidence over the gateway's own channel changes its status, visibly. */
START_TEST(commit__makes_refused_evidence_a_failed_device)
{
    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    ck_assert(has_current());

    attest_badly();
    ck_assert_uint_eq(t->outcome.status, ATT_TIER_CONTRAINDICATED);
    ck_assert(att_slice_eq(t->outcome.reason[0].code, att_slice_str("E_Q_NONCE")));
    check_label(t->outcome.label, ATT_TIER_CONTRAINDICATED);
    ck_assert(!has_current());
    ck_assert_str_eq(device_member("gw-1", "status"), "failed");
    ck_assert_str_eq(device_member("gw-1", "reason"), "E_Q_NONCE");
    ck_assert_uint_eq(outcome_count("refused"), 1);

    /* The state of the last good evidence stands: the logs go on, and good evidence repairs it. */
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    ck_assert(has_current());
    ck_assert_str_eq(device_member("gw-1", "status"), "affirming");
}
END_TEST

START_TEST(commit__names_the_file_that_differs)
{
    enrol(&gw);
    softlog_own_file(&gw.g->log[ATT_LOG_OWN], gw.g->tpm, GATEWAY_OWN_PCR, gateway_files[1],
                     att_slice_str("interval = 10\nserver = 203.0.113.9\n"));
    ck_assert_int_eq(inproc_attest(v, &gw, t), 422);
    ck_assert(t->outcome.reason_count > 0);
    ck_assert(att_slice_eq(t->outcome.reason[0].code, att_slice_str("E_REF_MISMATCH")));
    ck_assert(att_slice_eq(t->outcome.reason[0].name, att_slice_str(gateway_files[1])));
    ck_assert_uint_eq(t->outcome.reason[0].expected.len, 32);
    ck_assert_uint_eq(t->outcome.reason[0].found.len, 32);
    ck_assert_str_eq(device_member("gw-1", "status"), "failed");
    ck_assert(!has_current());

    /* It is genuine all the same: the next one goes on from here, and a repair is seen. */
    softlog_own_file(&gw.g->log[ATT_LOG_OWN], gw.g->tpm, GATEWAY_OWN_PCR, gateway_files[1],
                     att_slice_str(gateway_contents[1]));
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    ck_assert(has_current());
}
END_TEST

START_TEST(session__belongs_to_one_gateway)
{
    struct inproc_gateway other;
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_SESSION_GET};

    enrol(&gw);
    inproc_gateway_new(&other, v, "gw-2", true);
    enrol(&other);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    remember();
    ck_assert_int_eq(inproc_judge(v, &other, t), ATT_R_ID_CHANNEL);
    ck_assert_int_eq(inproc_commit(v, &other, t), -ATT_R_ID_CHANNEL);
    m.peer = other.peer;
    memcpy(m.session, t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CHANNEL);
    m.kind = MSG_SESSION_DELETE;
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CHANNEL);
    check_unchanged();
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(v, &gw, t), 200);
    inproc_answer_clear(&a);
    inproc_gateway_free(&other);
}
END_TEST

START_TEST(session__can_be_given_back)
{
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_SESSION_GET};

    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    m.peer = gw.peer;
    memcpy(m.session, t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.http, 202);
    m.kind = MSG_SESSION_DELETE;
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.http, 204);
    m.kind = MSG_CONTEXT;
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_Q_NONCE_EXPIRED);
    inproc_answer_clear(&a);
}
END_TEST

START_TEST(peer__is_judged_by_record_and_key)
{
    enrol(&gw);
    remember();
    gw.peer.key_digest[0] ^= 1;
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_ID_CHANNEL);
    gw.peer.key_digest[0] ^= 1;
    gw.peer.known = false;
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_ID_CLIENT);
    gw.peer.known = true;
    (void)snprintf(gw.peer.device_id, sizeof(gw.peer.device_id), "gw-0");
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_ID_UNKNOWN);
    check_unchanged();
}
END_TEST

/* I-16: removed while its evidence is on the way. */
START_TEST(commit__gives_no_label_after_removal)
{
    struct inproc_answer removed = {0};
    struct msg commit;
    struct msg drop = {
        .kind = MSG_ADMIN, .name = att_slice_str("DELETE"), .path = att_slice_str("/devices/gw-1")};

    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    inproc_commit_message(&commit, &gw, t);
    /* Both wait for the same transaction, the removal first. */
    inproc_ask(v, &drop, &removed, false);
    inproc_ask(v, &commit, &t->answer, false);
    keeper_flush(v->keeper);
    ck_assert_int_eq(removed.http, 200);
    ck_assert_int_eq(t->answer.reason, ATT_R_ID_UNKNOWN);
    ck_assert_uint_eq(outcome_count("label"), 0);
    ck_assert_uint_eq(outcome_count("removed"), 1);
    inproc_answer_clear(&removed);

    /* Enrolled again, the old challenge is worth nothing. */
    enrol(&gw);
    ck_assert_int_eq(inproc_commit(v, &gw, t), -ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
}
END_TEST

/* an older challenge that is answered after a newer one is not held against the gateway. */
START_TEST(commit__lets_an_overtaken_challenge_lapse)
{
    struct inproc_attempt *late = calloc(1, sizeof(*late));

    ck_assert_ptr_nonnull(late);
    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, late), ATT_R_NONE);
    inproc_measure(&gw, late);
    ck_assert_int_eq(inproc_judge(v, &gw, late), ATT_R_NONE);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    remember();
    ck_assert_int_eq(inproc_commit(v, &gw, late), -ATT_R_Q_NONCE_EXPIRED);
    ck_assert_int_eq(inproc_judge(v, &gw, late), ATT_R_Q_NONCE_EXPIRED);
    check_unchanged();
    inproc_attempt_clear(late);
    free(late);
}
END_TEST

/* What the appraiser sealed, opened with the key that only tests and the two processes have. */
static void open_judged(struct msg_judged *j, struct att_result *r)
{
    ck_assert_int_eq(msg_judged_open(j, att_buf_slice(t->judged), v->seal_key, NULL), ATT_OK);
    ck_assert_int_eq(att_result_decode(r, j->result, NULL), ATT_OK);
}

static void seal_judged(struct msg_judged *j, const struct att_result *r)
{
    static uint8_t room[262144];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_buf *sealed = NULL;

    ck_assert_int_eq(att_result_encode(&w, r), ATT_OK);
    j->result = att_slice_of(room, w.len);
    ck_assert_int_eq(msg_judged_seal(&sealed, j, v->seal_key), ATT_OK);
    att_buf_free(t->judged);
    t->judged = sealed;
}

/* ADV-14: the appraiser is taken over and seals what it likes. */
START_TEST(commit__verifies_the_quote_itself)
{
    struct att_result *r = att_result_new();
    struct inproc_gateway forger;
    struct softtpm_signature sig;
    struct softtpm_bytes bytes;
    struct msg_judged j;

    ck_assert_ptr_nonnull(r);
    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    open_judged(&j, r);
    inproc_gateway_new(&forger, v, "gw-f", true);
    sig = softtpm_sign(&forger.g->tpm->ak, j.attest);
    bytes = softtpm_signature_encode(&sig);
    j.signature = softtpm_slice(&bytes);
    seal_judged(&j, r);
    ck_assert_int_eq(inproc_commit(v, &gw, t), 422);
    ck_assert(att_slice_eq(t->outcome.reason[0].code, att_slice_str("E_Q_SIG")));
    check_label(t->outcome.label, ATT_TIER_CONTRAINDICATED);
    ck_assert(!has_current());
    inproc_gateway_free(&forger);
    att_result_free(r);
}
END_TEST

START_TEST(commit__does_not_let_the_appraiser_stretch_what_was_judged)
{
    enum { CLOCK, POLICY, REFVALS, TIER, EVIDENCE, CONTEXT, ROWS };
    static const int want[ROWS] = {[CLOCK] = 422,
                                   [POLICY] = -ATT_R_BUSY,
                                   [REFVALS] = -ATT_R_BUSY,
                                   [TIER] = -ATT_R_FMT_FRAME,
                                   [EVIDENCE] = -ATT_R_FMT_FRAME,
                                   [CONTEXT] = -ATT_R_BUSY};
    struct att_result *r = att_result_new();
    struct msg_judged j;

    ck_assert_ptr_nonnull(r);
    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    open_judged(&j, r);
    r->state.clock.clock_ms += _i == CLOCK ? 1 : 0;
    r->policy_digest[0] ^= _i == POLICY ? 1 : 0;
    r->refvals_digest[31] ^= _i == REFVALS ? 1 : 0;
    r->accepted = _i != TIER;
    j.evidence_digest[5] ^= _i == EVIDENCE ? 1 : 0;
    j.context_digest[5] ^= _i == CONTEXT ? 1 : 0;
    seal_judged(&j, r);
    remember();
    ck_assert_int_eq(inproc_commit(v, &gw, t), want[_i]);
    ck_assert(!has_current());
    if (want[_i] < 0)
        check_unchanged();
    att_result_free(r);
}
END_TEST

/* A front is taken over: it cannot make a verdict, nor attach one to other evidence. */
START_TEST(commit__refuses_what_the_appraiser_did_not_seal)
{
    struct msg m;
    uint8_t *copy;

    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    remember();
    inproc_commit_message(&m, &gw, t);
    copy = malloc(m.sealed.len);
    ck_assert_ptr_nonnull(copy);
    for (size_t i = 0; i < m.sealed.len; i += 37) {
        struct msg forged = m;

        memcpy(copy, m.sealed.p, m.sealed.len);
        copy[i] ^= 1;
        forged.sealed = att_slice_of(copy, m.sealed.len);
        inproc_ask(v, &forged, &t->answer, true);
        ck_assert_int_eq(t->answer.reason, ATT_R_FMT_FRAME);
    }
    free(copy);
    check_unchanged();
    ck_assert_int_eq(inproc_commit(v, &gw, t), 200);
}
END_TEST

/* K-06: the deadline counts while the verifier runs, and while it does not. */
START_TEST(stale__comes_with_the_deadline)
{
    int64_t limit = KEEPER_STALE_AFTER * 600;

    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    inproc_utc_s += limit - 1;
    if (_i == 1)
        ck_assert_int_eq(inproc_restart(v, NULL), ATT_OK);
    keeper_tick(v->keeper);
    ck_assert_str_eq(device_member("gw-1", "status"), "affirming");
    ck_assert(has_current());
    inproc_utc_s += 1;
    if (_i == 1)
        ck_assert_int_eq(inproc_restart(v, NULL), ATT_OK);
    else
        keeper_tick(v->keeper);
    ck_assert_str_eq(device_member("gw-1", "status"), "stale");
    ck_assert_str_eq(device_member("gw-1", "reason"), "E_STALE");
    ck_assert(!has_current());
    keeper_tick(v->keeper);
    ck_assert_uint_eq(outcome_count("stale"), 1);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    ck_assert_str_eq(device_member("gw-1", "status"), "affirming");
}
END_TEST

/* A refusal is heard from too: what falls silent after it is stale, not failed for ever. */
START_TEST(stale__comes_to_a_failed_gateway_too)
{
    int64_t limit = KEEPER_STALE_AFTER * 600;

    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    inproc_utc_s += limit - 1;
    attest_badly();
    inproc_utc_s += limit - 1;
    keeper_tick(v->keeper);
    ck_assert_str_eq(device_member("gw-1", "status"), "failed");
    inproc_utc_s += 1;
    keeper_tick(v->keeper);
    ck_assert_str_eq(device_member("gw-1", "status"), "stale");
    ck_assert_uint_eq(outcome_count("stale"), 1);
}
END_TEST

START_TEST(label__stops_being_current_when_it_expires)
{
    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    inproc_utc_s += 4 * 3600 - 1;
    ck_assert(has_current()); /* nothing has ticked: not stale yet */
    inproc_utc_s += 1;
    ck_assert(!has_current());
}
END_TEST

START_TEST(label__is_closed_to_others_unless_public)
{
    struct inproc_gateway other;
    struct inproc_answer a = {0};
    struct msg_peer nobody = {0}, administrator = {.administrator = true};
    struct msg by_cti = {.kind = MSG_LABEL};
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    size_t len = 0;

    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    inproc_gateway_new(&other, v, "gw-2", true);
    enrol(&other);
    ck_assert_int_eq(label_reason("gw-1", &nobody, &a), ATT_R_ID_CLIENT);
    ck_assert_int_eq(label_reason("gw-1", &other.peer, &a), ATT_R_ID_CHANNEL);
    ck_assert_int_eq(label_reason("gw-1", &administrator, &a), ATT_R_NONE);
    ck_assert_int_eq(label_reason("gw 1", &administrator, &a), ATT_R_FMT_ID);

    doc = admin_json("GET", "/devices/gw-1", "", 200);
    ck_assert_int_eq(
        att_hex_decode(by_cti.session, sizeof(by_cti.session), &len,
                       json_string_value(json_object_get(json_object_get(doc, "label"), "cti")),
                       32),
        ATT_OK);
    inproc_ask(v, &by_cti, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CLIENT);
    by_cti.peer = other.peer;
    inproc_ask(v, &by_cti, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CHANNEL);
    by_cti.peer = gw.peer;
    inproc_ask(v, &by_cti, &a, false);
    ck_assert_int_eq(a.http, 200);
    ck_assert(att_slice_eq(inproc_body(&a), t->outcome.label));
    by_cti.session[0] ^= 1;
    inproc_ask(v, &by_cti, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_HTTP_ROUTE);

    v->cfg->public_labels = true;
    ck_assert_int_eq(label_reason("gw-1", &nobody, &a), ATT_R_NONE);
    inproc_answer_clear(&a);
    inproc_gateway_free(&other);
}
END_TEST

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* S-08: the disk is full. 503, nothing decided, the same challenge can be answered later. */
START_TEST(commit__decides_nothing_on_a_full_disk)
{
    char path[96];
    struct stat sb;

    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    remember();
    (void)snprintf(path, sizeof(path), "%s/state/attestd.db-wal", v->dir);
    ck_assert_int_eq(stat(path, &sb), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files_to((rlim_t)sb.st_size);
    ck_assert_int_eq(inproc_commit(v, &gw, t), -ATT_R_ST_FULL);
    ck_assert_int_eq(inproc_commit(v, &gw, t), -ATT_R_ST_FULL);
    limit_files_to(RLIM_INFINITY);
    ck_assert(!keeper_must_stop(v->keeper));
    check_unchanged();
    ck_assert_int_eq(inproc_commit(v, &gw, t), 200);
    ck_assert_uint_eq(outcome_count("label"), 1);
}
END_TEST

/* fdatasync is ours because this program comes first in the order of symbols. */
static bool sync_fault;

int fdatasync(int fd)
{
    if (sync_fault) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

/* Nobody knows what is on the disk: no answer at all, and the process ends. */
START_TEST(keeper__says_nothing_when_the_disk_failed)
{
    struct inproc_answer status = {0};
    struct msg m;

    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    inproc_commit_message(&m, &gw, t);
    sync_fault = true;
    inproc_ask(v, &m, &t->answer, true);
    ck_assert_uint_eq(t->answer.count, 0);
    ck_assert(keeper_must_stop(v->keeper));
    inproc_ask(v, &m, &t->answer, true); /* nor to anything that comes later */
    ck_assert_uint_eq(t->answer.count, 0);
    m = (struct msg){.kind = MSG_STATUS, .number = MSG_ASK_READY};
    inproc_ask(v, &m, &status, false);
    ck_assert_int_eq(status.reason, ATT_R_ST_CORRUPT);
    sync_fault = false;
    ck_assert_int_eq(inproc_restart(v, NULL), ATT_OK);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
}
END_TEST

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

static bool make_token(const char *dir)
{
    char command[1024], path[256];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    (void)fprintf(f, "directories.tokendir = %s\n", dir);
    (void)fclose(f);
    ck_assert_int_eq(setenv("SOFTHSM2_CONF", path, 1), 0);
    (void)snprintf(path, sizeof(path), "%s/pin", dir);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    (void)fprintf(f, "1234\n");
    (void)fclose(f);
    ck_assert_int_eq(chmod(path, 0600), 0);
    (void)snprintf(command, sizeof(command),
                   "softhsm2-util --init-token --free --label labels --so-pin 87654321 --pin 1234"
                   " >%s/log 2>&1 && pkcs11-tool --module " SOFTHSM
                   " --token-label labels --login --pin 1234 --keypairgen"
                   " --key-type EC:prime256v1 --label label-key --id 01 >>%s/log 2>&1",
                   dir, dir);
    return system(command) == 0;
}

/* The label key never leaves its token: init certifies it, the keeper signs with it, labels say so. */
START_TEST(keeper__signs_with_a_key_in_a_token)
{
    char dir[] = "/tmp/attestd-token-XXXXXX";
    char uri[512];

    if (access(SOFTHSM, R_OK) != 0) {
        fprintf(stderr, "skipped: no %s\n", SOFTHSM);
        return;
    }
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert(make_token(dir));
    (void)snprintf(
        uri, sizeof(uri),
        "pkcs11:token=labels;object=label-key?module-path=" SOFTHSM "&pin-source=file:%s/pin", dir);
    inproc_gateway_free(&gw);
    inproc_free(v);
    v = inproc_new_token(uri);
    ck_assert(!v->cfg->insecure_file_key);
    inproc_gateway_new(&gw, v, "gw-1", true);
    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    check_label(t->outcome.label, ATT_TIER_AFFIRMING);
    inproc_stop(v);
    (void)snprintf(uri, sizeof(uri), "rm -r %s", dir);
    ck_assert_int_eq(system(uri), 0);
}
END_TEST

START_TEST(admin__lists_and_shows)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    const json_t *devices;
    struct inproc_gateway other;

    inproc_gateway_new(&other, v, "gw-2", true);
    enrol(&other);
    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    doc = admin_json("GET", "/devices?limit=1", "", 200);
    devices = json_object_get(doc, "devices");
    ck_assert_uint_eq(json_array_size(devices), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(devices, 0), "id")), "gw-1");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(devices, 0), "grade")), "E2");
    ck_assert_str_eq(json_string_value(json_object_get(doc, "next")), "gw-1");
    att_json_freep(&doc);
    doc = admin_json("GET", "/devices?after=gw-1&limit=5", "", 200);
    devices = json_object_get(doc, "devices");
    ck_assert_uint_eq(json_array_size(devices), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(devices, 0), "id")), "gw-2");
    ck_assert(json_is_null(json_object_get(doc, "next")));
    att_json_freep(&doc);
    doc = admin_json("GET", "/devices/gw-1", "", 200);
    ck_assert(json_is_true(json_object_get(json_object_get(doc, "label"), "current")));
    ck_assert_uint_eq(json_array_size(json_object_get(doc, "reasons")), 0);
    ck_assert(json_is_true(json_object_get(doc, "ek_verified")));
    inproc_gateway_free(&other);
}
END_TEST

START_TEST(admin__refuses_what_it_does_not_know)
{
    static const struct {
        const char *method, *path, *body;
        enum att_reason want;
    } rows[] = {
        {"GET", "/nothing", "", ATT_R_HTTP_ROUTE},
        {"GET", "/devicesX", "", ATT_R_HTTP_ROUTE},
        {"POST", "/devices", "", ATT_R_HTTP_METHOD},
        {"GET", "/devices/gw-0", "", ATT_R_HTTP_ROUTE},
        {"DELETE", "/devices/gw-0", "", ATT_R_HTTP_ROUTE},
        {"GET", "/devices/../x", "", ATT_R_FMT_ID},
        {"GET", "/devices/a'b", "", ATT_R_FMT_ID},
        {"POST", "/allow", "{", ATT_R_FMT_JSON},
        {"POST", "/allow", "[]", ATT_R_FMT_JSON},
        {"POST", "/allow", "{\"id\": 7}", ATT_R_FMT_JSON},
        {"POST", "/allow", "{\"id\": \"a b\"}", ATT_R_FMT_ID},
        {"POST", "/allow", "{\"ttl_s\": 0}", ATT_R_FMT_JSON},
        {"POST", "/allow", "{\"ttl_s\": 99999999}", ATT_R_FMT_JSON},
        {"POST", "/allow", "{\"ttl\": 5}", ATT_R_FMT_JSON},
        {"POST", "/allow", "{\"ek_name\": \"zz\"}", ATT_R_FMT_KEY},
        {"POST", "/allow", "{\"ek_name\": \"\"}", ATT_R_FMT_KEY},
        {"POST", "/allow", "{\"ek_public\": \"00\"}", ATT_R_FMT_KEY},
        {"POST", "/allow", "{\"ek_public\": \"00\", \"ek_name\": \"00\"}", ATT_R_FMT_JSON},
        {"DELETE", "/allow/0g", "", ATT_R_FMT_KEY},
    };

    remember();
    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        enum att_reason got = admin_reason(rows[i].method, rows[i].path, rows[i].body);

        ck_assert_msg(got == rows[i].want, "%s %s %s: %s", rows[i].method, rows[i].path,
                      rows[i].body, att_reason_code(got));
    }
    check_unchanged();
}
END_TEST

START_TEST(keeper_forget__drops_the_answers_of_a_lost_front)
{
    struct msg m;

    enrol(&gw);
    ck_assert_int_eq(inproc_session(v, &gw, t), ATT_R_NONE);
    inproc_measure(&gw, t);
    ck_assert_int_eq(inproc_judge(v, &gw, t), ATT_R_NONE);
    inproc_commit_message(&m, &gw, t);
    inproc_ask(v, &m, &t->answer, false);
    keeper_forget(v->keeper, &t->answer);
    keeper_flush(v->keeper);
    ck_assert_uint_eq(t->answer.count, 0);
    /* Decided all the same: the gateway reads it later, or asks again. */
    ck_assert_uint_eq(outcome_count("label"), 1);
    m = (struct msg){.kind = MSG_SESSION_GET, .peer = gw.peer};
    memcpy(m.session, t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(v, &m, &t->answer, false);
    ck_assert_int_eq(t->answer.http, 200);
}
END_TEST

START_TEST(keeper_status__counts)
{
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_STATUS, .number = MSG_ASK_READY};
    char text[2048];

    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.http, 200);
    m.number = MSG_ASK_METRICS;
    inproc_ask(v, &m, &a, false);
    ck_assert_int_eq(a.http, 200);
    (void)snprintf(text, sizeof(text), "%.*s", (int)inproc_body(&a).len,
                   (const char *)inproc_body(&a).p);
    ck_assert_ptr_nonnull(strstr(text, "attestd_verdicts_total{tier=\"affirming\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "attestd_enrolments_total 1\n"));
    inproc_answer_clear(&a);
}
END_TEST

static int quiet(int (*run)(const struct config *cfg))
{
    int keep = dup(STDOUT_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int status;

    (void)fflush(stdout);
    ck_assert_int_ge(dup2(null, STDOUT_FILENO), 0);
    status = run(v->cfg);
    (void)fflush(stdout);
    ck_assert_int_ge(dup2(keep, STDOUT_FILENO), 0);
    (void)close(keep);
    (void)close(null);
    return status;
}

START_TEST(fsck__is_clean_after_everything_and_finds_a_changed_byte)
{
    char path[96];
    uint8_t byte = 0;
    struct stat sb;
    size_t found = 0;
    int fd;

    enrol(&gw);
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    t->a.attest.extra[0] ^= 1;
    ck_assert_int_eq(inproc_attest(v, &gw, t), 200);
    ck_assert_int_eq(quiet(keeper_fsck_main), 3); /* in use */
    inproc_stop(v);
    ck_assert_int_eq(quiet(keeper_fsck_main), 0);
    ck_assert_int_eq(quiet(keeper_dump_main), 0);

    /* Of bytes that are flipped all over the file, those in labels, evidence and records are found. */
    (void)snprintf(path, sizeof(path), "%s/state/attestd.db", v->dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &sb), 0);
    for (off_t at = 100; at < sb.st_size; at += 1531) {
        ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
        found += quiet(keeper_fsck_main) != 0 ? 1 : 0;
        byte ^= 0x10;
        ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    }
    (void)close(fd);
    ck_assert_uint_gt(found, 5);
    ck_assert_int_eq(quiet(keeper_fsck_main), 0);
}
END_TEST

START_TEST(keeper_new__refuses_a_key_file_that_is_not_allowed)
{
    struct att_diag diag = {0};
    char path[96];

    v->cfg->insecure_file_key = false;
    ck_assert_int_eq(inproc_restart(v, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_FILE);
    v->cfg->insecure_file_key = true;
    (void)snprintf(path, sizeof(path), "%s/label.key", v->dir);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(inproc_restart(v, &diag), ATT_E_DENIED);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_PERM);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(inproc_restart(v, &diag), ATT_OK);
}
END_TEST

START_TEST(keeper_new__refuses_a_key_of_another_certificate)
{
    struct att_diag diag = {0};
    char from[96], to[96];

    (void)snprintf(from, sizeof(from), "%s/tls.key", v->dir);
    (void)snprintf(to, sizeof(to), "%s/label.key", v->dir);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(inproc_restart(v, &diag), ATT_E_MISMATCH);
    ck_assert_int_eq(diag.reason, ATT_R_KEY_STORE);
}
END_TEST

/* Certify the label key anew, as the operator of a verifier of this name would; NULL: without a name. */
static void certify_label_key(const char *verifier_id)
{
    struct att_cert_order order = {.kind = ATT_CERT_LABEL_SIGNER,
                                   .common_name = "labels",
                                   .verifier_id = verifier_id,
                                   .not_before = inproc_utc_s - 60,
                                   .not_after = inproc_utc_s + 86400};
    struct att_privkey *root_key = NULL, *key = NULL;
    struct att_pubkey *pub = NULL;
    struct att_cert *root = NULL;
    struct att_buf *root_key_pem = NULL, *key_pem = NULL, *root_pem = NULL, *der = NULL,
                   *pem = NULL;
    struct att_diag diag = {0};
    char path[4][96];
    static const char *const NAMES[] = {"label-root.key", "label-root.pem", "label.key",
                                        "label.pem"};

    for (size_t i = 0; i < ATT_COUNT(NAMES); i++)
        (void)snprintf(path[i], sizeof(path[i]), "%s/%s", v->dir, NAMES[i]);
    ck_assert_int_eq(att_file_read(&root_key_pem, path[0], 4096, &diag), ATT_OK);
    ck_assert_int_eq(att_file_read(&root_pem, path[1], 4096, &diag), ATT_OK);
    ck_assert_int_eq(att_file_read(&key_pem, path[2], 4096, &diag), ATT_OK);
    ck_assert_int_eq(att_privkey_from_pem(&root_key, att_buf_slice(root_key_pem), &diag), ATT_OK);
    ck_assert_int_eq(att_privkey_from_pem(&key, att_buf_slice(key_pem), &diag), ATT_OK);
    ck_assert_int_eq(att_cert_parse(&root, att_buf_slice(root_pem), &diag), ATT_OK);
    ck_assert_int_eq(att_privkey_public(&pub, key), ATT_OK);
    order.subject_key = pub;
    ck_assert_int_eq(att_cert_issue(&der, &order, root, root_key, &diag), ATT_OK);
    ck_assert_int_eq(att_cert_pem(&pem, att_buf_slice(der)), ATT_OK);
    ck_assert_int_eq(att_file_write(path[3], att_buf_slice(pem), 0644, &diag), ATT_OK);
    att_buf_free(root_key_pem);
    att_buf_free(root_pem);
    att_buf_free(key_pem);
    att_buf_free(der);
    att_buf_free(pem);
    att_privkey_free(root_key);
    att_privkey_free(key);
    att_pubkey_free(pub);
    att_cert_free(root);
}

START_TEST(keeper_new__refuses_a_label_key_that_is_not_certified_for_this_verifier)
{
    static const char *const OTHER[] = {NULL, "verifier.elsewhere", "verifier.test2",
                                        "verifier.tes"};
    struct att_diag diag = {0};

    for (size_t i = 0; i < ATT_COUNT(OTHER); i++) {
        certify_label_key(OTHER[i]);
        ck_assert_int_eq(inproc_restart(v, &diag), ATT_E_MISMATCH);
        ck_assert_int_eq(diag.reason, ATT_R_KEY_STORE);
    }
    certify_label_key("verifier.test");
    ck_assert_int_eq(inproc_restart(v, &diag), ATT_OK);
}
END_TEST

START_TEST(keeper_new__refuses_references_that_are_not_those_of_their_header)
{
    struct appraiser a = {0};
    struct att_diag diag = {0};
    int fd = open(v->cfg->refvals, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;

    inproc_stop(v);
    ck_assert_int_eq(pread(fd, &byte, 1, 48), 1); /* of the first digest */
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, 48), 1);
    (void)close(fd);
    ck_assert_int_ne(inproc_restart(v, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_REFVALS);
    ck_assert_int_ne(appraiser_open(&a, v->cfg, v->seal_key, &diag), ATT_OK);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_REFVALS);
}
END_TEST

START_TEST(keeper_new__refuses_records_of_another_verifier)
{
    struct att_diag diag = {0};

    v->cfg->verifier_id = "verifier.elsewhere";
    certify_label_key("verifier.elsewhere");
    ck_assert_int_eq(inproc_restart(v, &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    v->cfg->verifier_id = "verifier.test";
}
END_TEST

START_TEST(init__overwrites_nothing_and_keeps_secrets_private)
{
    static const char *const secret[] = {"ca.key",    "tls.key",        "device-ca.key",
                                         "label.key", "label-root.key", "state/attestd.db"};
    const char *const again[] = {"--insecure-file-key", NULL};
    const char *const no_choice[] = {NULL};
    struct stat sb;
    char path[128];

    for (size_t i = 0; i < ATT_COUNT(secret); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", v->dir, secret[i]);
        ck_assert_int_eq(stat(path, &sb), 0);
        ck_assert_uint_eq(sb.st_mode & 07777, 0600);
    }
    ck_assert_int_ne(inproc_init(v->dir, again), 0);
    ck_assert_int_eq(inproc_init("/tmp/attestd-never", no_choice), 2);
    ck_assert_int_ne(access("/tmp/attestd-never", F_OK), 0);
    ck_assert_int_eq(inproc_restart(v, NULL), ATT_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keeper");
    TCase *tc = tcase_create("keeper");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, enrol__binds_one_device_and_uses_its_token_up);
    tcase_add_test(tc, enrol_begin__needs_a_token_that_is_there_current_and_for_this_id);
    tcase_add_test(tc, enrol_begin__wants_a_known_maker_or_the_allow_list);
    tcase_add_test(tc, enrol_begin__takes_a_key_off_the_list_again);
    tcase_add_test(tc, enrol_begin__names_the_key_itself);
    tcase_add_test(tc, enrol_begin__keeps_one_id_and_one_tpm_together);
    tcase_add_test(tc, enrol_activate__binds_one_of_two_attestation_keys);
    tcase_add_test(tc, enrol_activate__forgets_after_five_wrong_secrets);
    tcase_add_test(tc, enrol_activate__takes_the_right_secret_after_four_wrong_ones);
    tcase_add_test(tc, enrol_activate__ends_with_its_time);
    tcase_add_test(tc, enrol_activate__wants_the_quote_of_this_enrolment);
    tcase_add_test(tc, enrol_activate__answers_the_same_when_asked_again);
    tcase_add_loop_test(tc, enrol_activate__makes_one_record_of_64, 0, 2);
    tcase_add_test(tc, enrol_begin__is_bounded_and_lets_others_in);
    tcase_add_test(tc, attest__gives_a_label_that_a_stranger_verifies);
    tcase_add_test(tc, attest__goes_on_where_the_logs_were_judged);
    tcase_add_test(tc, attest__asks_for_whole_logs_under_another_policy);
    tcase_add_test(tc, commit__answers_once_and_tells_the_same_again);
    tcase_add_test(tc, commit__accepts_one_of_64_copies);
    tcase_add_test(tc, commit__is_too_late_1_ms_after_the_deadline);
    tcase_add_test(tc, keeper__issues_nothing_without_random_bytes);
    tcase_add_test(tc, commit__makes_refused_evidence_a_failed_device);
    tcase_add_test(tc, commit__names_the_file_that_differs);
    tcase_add_test(tc, session__belongs_to_one_gateway);
    tcase_add_test(tc, session__can_be_given_back);
    tcase_add_test(tc, peer__is_judged_by_record_and_key);
    tcase_add_test(tc, commit__gives_no_label_after_removal);
    tcase_add_test(tc, commit__lets_an_overtaken_challenge_lapse);
    tcase_add_test(tc, commit__verifies_the_quote_itself);
    tcase_add_loop_test(tc, commit__does_not_let_the_appraiser_stretch_what_was_judged, 0, 6);
    tcase_add_test(tc, commit__refuses_what_the_appraiser_did_not_seal);
    tcase_add_loop_test(tc, stale__comes_with_the_deadline, 0, 2);
    tcase_add_test(tc, stale__comes_to_a_failed_gateway_too);
    tcase_add_test(tc, label__stops_being_current_when_it_expires);
    tcase_add_test(tc, label__is_closed_to_others_unless_public);
    tcase_add_test(tc, commit__decides_nothing_on_a_full_disk);
    tcase_add_test(tc, keeper__says_nothing_when_the_disk_failed);
    tcase_add_test(tc, keeper__signs_with_a_key_in_a_token);
    tcase_add_test(tc, admin__lists_and_shows);
    tcase_add_test(tc, admin__refuses_what_it_does_not_know);
    tcase_add_test(tc, keeper_forget__drops_the_answers_of_a_lost_front);
    tcase_add_test(tc, keeper_status__counts);
    tcase_add_test(tc, fsck__is_clean_after_everything_and_finds_a_changed_byte);
    tcase_add_test(tc, keeper_new__refuses_a_key_file_that_is_not_allowed);
    tcase_add_test(tc, keeper_new__refuses_a_key_of_another_certificate);
    tcase_add_test(tc, keeper_new__refuses_a_label_key_that_is_not_certified_for_this_verifier);
    tcase_add_test(tc, keeper_new__refuses_records_of_another_verifier);
    tcase_add_test(tc, keeper_new__refuses_references_that_are_not_those_of_their_header);
    tcase_add_test(tc, init__overwrites_nothing_and_keeps_secrets_private);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
