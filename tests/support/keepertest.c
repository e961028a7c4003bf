/* A verifier in one process and its first gateway, for the tests of the keeper. */
#include "keepertest.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/offline.h"
#include "codec/json.h"
#include "crypto/cert.h"

struct keepertest kt;

static void set_up(void)
{
    kt.v = inproc_new();
    inproc_gateway_new(&kt.gw, kt.v, "gw-1", true);
    kt.t = calloc(1, sizeof(*kt.t));
    kt.e = calloc(1, sizeof(*kt.e));
    ck_assert(kt.t != NULL && kt.e != NULL);
}

static void tear_down(void)
{
    inproc_attempt_clear(kt.t);
    free(kt.t);
    gateway_enrol_clear(kt.e);
    free(kt.e);
    inproc_gateway_free(&kt.gw);
    inproc_free(kt.v);
}

const struct suite_fixture keepertest_fixture = {set_up, tear_down};

void keepertest_enrol(struct inproc_gateway *g)
{
    char token[64];

    inproc_token(kt.v, g->g->id, token);
    ck_assert_str_eq(att_reason_code(inproc_enrol(kt.v, g, token)), "OK");
}

static char *state_before;

const char *keepertest_remember(void)
{
    free(state_before);
    state_before = inproc_dump(kt.v);
    return state_before;
}

void keepertest_check_unchanged(void)
{
    char *now = inproc_dump(kt.v);

    ck_assert_str_eq(state_before, now);
    free(now);
    free(state_before);
    state_before = NULL;
}

json_t *keepertest_admin(const char *method, const char *path, const char *body, int http)
{
    struct inproc_answer a = {0};
    json_t *doc = NULL;

    inproc_admin(kt.v, method, path, body, &a);
    ck_assert_msg(a.http == http, "%s %s: %d %s %s", method, path, a.http,
                  att_reason_code(a.reason), a.text);
    ck_assert_int_eq(att_json_parse(&doc, inproc_body(&a), NULL), ATT_OK);
    inproc_answer_clear(&a);
    return doc;
}

enum att_reason keepertest_admin_reason(const char *method, const char *path, const char *body)
{
    struct inproc_answer a = {0};
    enum att_reason reason;

    inproc_admin(kt.v, method, path, body, &a);
    ck_assert_uint_eq(a.count, 1);
    reason = a.reason;
    inproc_answer_clear(&a);
    return reason;
}

const char *keepertest_device(const char *id, const char *key)
{
    static char text[128];
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    char path[96];
    const json_t *value;

    (void)snprintf(path, sizeof(path), "/devices/%s", id);
    doc = keepertest_admin("GET", path, "", 200);
    value = json_object_get(doc, key);
    ck_assert_msg(value != NULL, "no %s", key);
    (void)snprintf(text, sizeof(text), "%s",
                   json_is_string(value) ? json_string_value(value) : "null");
    return text;
}

size_t keepertest_outcomes(const char *kind)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = keepertest_admin("GET", "/outcomes", "", 200);
    const json_t *list = json_object_get(doc, "outcomes");
    size_t n = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (strcmp(json_string_value(json_object_get(one, "kind")), kind) == 0)
            n++;
    }
    return n;
}

void keepertest_replace_token(const char *id, char out[64])
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    char body[128];

    (void)snprintf(body, sizeof(body), "{\"id\": \"%s\", \"replace\": true}", id);
    doc = keepertest_admin("POST", "/allow", body, 201);
    (void)snprintf(out, 64, "%s", json_string_value(json_object_get(doc, "token")));
}

uint64_t keepertest_counter(const char *name)
{
    struct msg m = {.kind = MSG_STATUS, .number = MSG_ASK_METRICS};
    struct inproc_answer a = {0};
    char text[4096];
    char line[96];
    const char *at = NULL;
    uint64_t value = 0;

    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.http, 200);
    (void)snprintf(text, sizeof(text), "\n%.*s", (int)inproc_body(&a).len,
                   (const char *)inproc_body(&a).p);
    inproc_answer_clear(&a);
    (void)snprintf(line, sizeof(line), "\n%s ", name);
    at = strstr(text, line);
    ck_assert_msg(at != NULL, "no %s", name);
    value = strtoull(&at[strlen(line)], NULL, 10);
    return value;
}

enum att_reason keepertest_label(const char *device, const struct msg_peer *peer,
                                 struct inproc_answer *a)
{
    struct msg m = {.kind = MSG_LABEL, .peer = *peer, .name = att_slice_str(device)};

    inproc_answer_clear(a);
    inproc_ask(kt.v, &m, a, false);
    return a->reason;
}

bool keepertest_has_current(void)
{
    struct inproc_answer a = {0};
    enum att_reason reason = keepertest_label(kt.gw.g->id, &kt.gw.peer, &a);

    ck_assert(reason == ATT_R_NONE || reason == ATT_R_LBL_NONE);
    inproc_answer_clear(&a);
    return reason == ATT_R_NONE;
}

void keepertest_check_label(struct att_slice label, enum att_tier status)
{
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *anchors = NULL;
    struct att_trust_rules rules = {0};
    struct att_offline *o = calloc(1, sizeof(*o));
    char path[96];

    ck_assert_ptr_nonnull(o);
    (void)snprintf(path, sizeof(path), "%s/trust", kt.v->dir);
    ck_assert_int_eq(att_anchors_new(&anchors), ATT_OK);
    ck_assert_int_eq(att_anchors_load(anchors, path, NULL), ATT_OK);
    ck_assert_int_eq(att_offline_check(o, label, anchors, &rules, inproc_utc_s + 1), ATT_OK);
    ck_assert(o->has_label);
    ck_assert_int_eq(o->label.status, status);
    ck_assert_str_eq(o->label.device_id, kt.gw.g->id);
    ck_assert_int_eq(o->verdict,
                     status == ATT_TIER_AFFIRMING ? ATT_VERDICT_PASS : ATT_VERDICT_FAIL);
    free(o);
}

void keepertest_attest_badly(void)
{
    inproc_attempt_clear(kt.t);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    gateway_measure(kt.gw.g, &kt.t->a);
    kt.t->a.attest.extra[0] ^= 1;
    gateway_sign(kt.gw.g, &kt.t->a);
    gateway_seal(kt.gw.g, &kt.t->a);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 422);
}
