/*
 * Labels taken back: what the list of the service says of them, what the log says, and what nobody can take back
 * again. A verifier in one process, judged as a partner does it: with label, list and anchors alone.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appraise/offline.h"
#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "codec/json.h"
#include "keepertest.h"
#include "need.h"
#include "storetest.h"

#define WHY ", \"reason\": \"stolen from site 4\"}"

/* gw-1 is enrolled; lists have this many entries. */
static void begin(size_t entries)
{
    keepertest_fixture.set_up();
    kt.v->cfg->status.entries = entries;
    keepertest_enrol(&kt.gw);
}

static void end(void)
{
    ATT_CLEANUP(store_closep) struct store *st = NULL;
    size_t findings = 0;
    char folder[96];

    inproc_stop(kt.v);
    (void)snprintf(folder, sizeof(folder), "%s/state", kt.v->dir);
    NEED(store_open(&st, folder, false, NULL) == ATT_OK);
    ck_assert_int_eq(store_check(st, storetest_show, NULL, &findings), ATT_OK);
    ck_assert_uint_eq(findings, 0);
    store_close(st);
    st = NULL;
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    keepertest_fixture.tear_down();
}

/* One more label of gw-1, as the gateway got it; the caller's. */
static struct att_buf *attest(void)
{
    struct att_buf *label = NULL;

    inproc_attempt_clear(kt.t);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    NEED(att_buf_new(&label, kt.t->outcome.label.len) == ATT_OK);
    NEED(att_buf_add_slice(label, kt.t->outcome.label) == ATT_OK);
    return label;
}

static enum att_reason fetch(struct inproc_answer *a, uint64_t number)
{
    struct msg m = {.kind = MSG_STATUS_LIST, .number = number};

    inproc_answer_clear(a);
    inproc_ask(kt.v, &m, a, false);
    ck_assert_uint_eq(a->count, 1);
    ck_assert(a->reason != ATT_R_NONE || a->type == MSG_TYPE_STATUS_LIST);
    return a->reason;
}

/* What a partner finds: the code of the check "status-list", with the list that the label names as it is now. */
static const char *told(const struct att_buf *label, struct att_label *out)
{
    static char code[48];
    ATT_CLEANUP(att_anchors_freep) struct att_anchors *anchors = NULL;
    struct att_trust_rules rules = {0};
    struct att_offline_list list = {0};
    struct att_offline *o = calloc(1, sizeof(*o));
    struct inproc_answer a = {0};
    char path[96];

    NEED(o != NULL && att_anchors_new(&anchors) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/trust", kt.v->dir);
    NEED(att_anchors_load(anchors, path, NULL) == ATT_OK);
    NEED(att_offline_check(o, att_buf_slice(label), anchors, &rules, inproc_utc_s) == ATT_OK);
    ck_assert(o->label.has_status_list);
    ck_assert_int_eq(fetch(&a, strtoull(strrchr(o->label.status_uri, '/') + 1, NULL, 10)),
                     ATT_R_NONE);
    ck_assert_int_eq(att_offline_list_open(&list, inproc_body(&a), anchors), ATT_OK);
    ck_assert_int_eq(list.verdict, ATT_VERDICT_PASS);
    rules.status_list = &list;
    NEED(att_offline_check(o, att_buf_slice(label), anchors, &rules, inproc_utc_s) == ATT_OK);
    ck_assert_str_eq(o->check[o->check_count - 1].id, "status-list");
    (void)snprintf(code, sizeof(code), "%s",
                   att_reason_code(o->check[o->check_count - 1].why.reason));
    ck_assert(strcmp(code, "OK") != 0 || o->status.as_of == inproc_utc_s || o->status.known);
    if (out != NULL) {
        *out = o->label;
    }
    att_offline_list_close(&list);
    inproc_answer_clear(&a);
    free(o);
    return code;
}

/* Does the administrator get a current label of gw-1? */
static bool has_current(void)
{
    const struct msg_peer administrator = {.administrator = true};
    struct inproc_answer a = {0};
    enum att_reason reason = keepertest_label("gw-1", &administrator, &a);

    ck_assert(reason == ATT_R_NONE || reason == ATT_R_LBL_NONE);
    inproc_answer_clear(&a);
    return reason == ATT_R_NONE;
}

/* POST /labels/VERB of gw-1; what it answers for "labels". */
static long long of_gateway(const char *verb)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    char path[64];

    (void)snprintf(path, sizeof(path), "/labels/%s", verb);
    doc = keepertest_admin("POST", path, "{\"id\": \"gw-1\"" WHY, 200);
    return json_integer_value(json_object_get(doc, "labels"));
}

static const char *by_name(char out[96], const struct att_label *l)
{
    char hex[2 * ATT_CTI_LEN + 1];

    (void)snprintf(out, 96, "{\"cti\": \"%s\"" WHY,
                   att_hex_encode(hex, sizeof(hex), att_slice_of(l->cti, ATT_CTI_LEN)));
    return out;
}

/* Every label in force, in the list and in the log at once; and nothing more for the gateway until it enrols again. */
START_TEST(C_revoked_gateway_has_no_label_that_counts)
{
    struct att_buf *first;
    struct att_buf *second;
    char token[64];

    begin(1024);
    first = attest();
    inproc_utc_s += 10;
    second = attest();
    ck_assert_str_eq(told(first, NULL), "OK");
    ck_assert_str_eq(told(second, NULL), "OK");
    ck_assert(has_current());
    ck_assert_int_eq(of_gateway("revoke"), 2);
    ck_assert_str_eq(told(first, NULL), "E_LBL_REVOKED");
    ck_assert_str_eq(told(second, NULL), "E_LBL_REVOKED");
    ck_assert(!has_current());
    ck_assert_uint_eq(keepertest_outcomes("revoked"), 1);
    inproc_attempt_clear(kt.t);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_LBL_REVOKED);
    /* again: the same answer, and nothing in the records */
    keepertest_remember();
    ck_assert_int_eq(of_gateway("revoke"), 0);
    keepertest_check_unchanged();
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    ck_assert_str_eq(told(first, NULL), "E_LBL_REVOKED");
    /* a new enrolment gets labels again; those from before stay revoked */
    keepertest_replace_token("gw-1", token);
    ck_assert_int_eq(inproc_enrol(kt.v, &kt.gw, token), ATT_R_NONE);
    att_buf_free(second);
    second = attest();
    ck_assert_str_eq(told(second, NULL), "OK");
    ck_assert_str_eq(told(first, NULL), "E_LBL_REVOKED");
    att_buf_free(first);
    att_buf_free(second);
    end();
}
END_TEST

/* 0: the gateway; 1: one label. Nobody restores or suspends what is revoked. */
START_TEST(C_revoked_stays_revoked)
{
    static const char *const VERBS[] = {"/labels/restore", "/labels/suspend"};
    struct att_label l;
    struct att_buf *label;
    char body[96];

    begin(1024);
    label = attest();
    ck_assert_str_eq(told(label, &l), "OK");
    (void)by_name(body, &l);
    if (_i == 0) {
        (void)snprintf(body, sizeof(body), "%s", "{\"id\": \"gw-1\"" WHY);
    }
    ck_assert_int_eq(keepertest_admin_reason("POST", "/labels/revoke", body), ATT_R_NONE);
    keepertest_remember();
    for (size_t i = 0; i < ATT_COUNT(VERBS); i++) {
        ck_assert_int_eq(keepertest_admin_reason("POST", VERBS[i], body), ATT_R_SL_FOR_GOOD);
    }
    keepertest_check_unchanged();
    ck_assert_str_eq(told(label, NULL), "E_LBL_REVOKED");
    att_buf_free(label);
    end();
}
END_TEST

/* Suspended: for now, and only an administrator ends it; what was suspended by itself is not restored with the rest. */
START_TEST(C_suspended_gateway_comes_back_by_the_administrator_alone)
{
    struct att_label l;
    struct att_buf *alone;
    struct att_buf *label;
    struct att_buf *revoked;
    char body[96];

    begin(1024);
    revoked = attest();
    ck_assert_str_eq(told(revoked, &l), "OK");
    ck_assert_int_eq(keepertest_admin_reason("POST", "/labels/revoke", by_name(body, &l)),
                     ATT_R_NONE);
    inproc_utc_s++;
    alone = attest();
    inproc_utc_s++;
    label = attest();
    ck_assert_str_eq(told(alone, &l), "OK");
    ck_assert(has_current());
    ck_assert_int_eq(keepertest_admin_reason("POST", "/labels/suspend", by_name(body, &l)),
                     ATT_R_NONE);
    ck_assert_str_eq(told(alone, NULL), "E_LBL_SUSPENDED");
    ck_assert_str_eq(told(label, NULL), "OK");
    ck_assert_int_eq(of_gateway("suspend"), 1);
    ck_assert_str_eq(told(label, NULL), "E_LBL_SUSPENDED");
    ck_assert_str_eq(told(revoked, NULL), "E_LBL_REVOKED");
    inproc_attempt_clear(kt.t);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_LBL_SUSPENDED);
    /* endorsement keys are judged again meanwhile, and nothing is found against this one */
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    keeper_tick(kt.v->keeper);
    keeper_tick(kt.v->keeper);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_LBL_SUSPENDED);
    ck_assert_str_eq(told(label, NULL), "E_LBL_SUSPENDED");
    ck_assert_int_eq(of_gateway("restore"), 1);
    ck_assert_str_eq(told(label, NULL), "OK");
    ck_assert_str_eq(told(alone, NULL), "E_LBL_SUSPENDED");
    ck_assert_str_eq(told(revoked, NULL), "E_LBL_REVOKED");
    ck_assert_int_eq(keepertest_admin_reason("POST", "/labels/restore", by_name(body, &l)),
                     ATT_R_NONE);
    ck_assert_str_eq(told(alone, NULL), "OK");
    ck_assert_uint_eq(keepertest_outcomes("suspended"), 2);
    ck_assert_uint_eq(keepertest_outcomes("restored"), 2);
    att_buf_free(label);
    label = attest();
    ck_assert_str_eq(told(label, NULL), "OK");
    att_buf_free(label);
    att_buf_free(alone);
    att_buf_free(revoked);
    end();
}
END_TEST

/* 0: removed; 1: enrolled anew; 2: its record was damaged; 3: its TPM was revoked. */
START_TEST(C_labels_end_with_the_enrolment)
{
    char token[64];
    struct att_buf *label;

    begin(1024);
    label = attest();
    ck_assert_str_eq(told(label, NULL), "OK");
    if (_i == 0) {
        json_decref(keepertest_admin("DELETE", "/devices/gw-1", "", 200));
    } else if (_i == 1) {
        keepertest_replace_token("gw-1", token);
        ck_assert_int_eq(inproc_enrol(kt.v, &kt.gw, token), ATT_R_NONE);
    } else {
        inproc_stop(kt.v);
        (void)snprintf(ts.folder, sizeof(ts.folder), "%.50s/state", kt.v->dir);
        storetest_sql(_i == 2 ? "UPDATE device SET ak_name = x'000b'"
                              : "UPDATE ek_chain SET certs = x'80'");
        ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
        keeper_tick(kt.v->keeper);
    }
    ck_assert_str_eq(told(label, NULL), _i == 3 ? "E_LBL_SUSPENDED" : "E_LBL_REVOKED");
    att_buf_free(label);
    end();
}
END_TEST

/* A list is given away to its end, then a new one begins; no place twice. */
START_TEST(C_full_list_is_followed_by_the_next)
{
    struct att_buf *label[9];
    bool taken[3][4] = {{false}};

    begin(4);
    for (size_t i = 0; i < ATT_COUNT(label); i++) {
        struct att_label l;
        unsigned long list;

        label[i] = attest();
        ck_assert_str_eq(told(label[i], &l), "OK");
        list = strtoul(strrchr(l.status_uri, '/') + 1, NULL, 10);
        ck_assert_uint_eq(list, i / 4 + 1);
        ck_assert_uint_lt(l.status_index, 4);
        ck_assert(!taken[list - 1][l.status_index]);
        taken[list - 1][l.status_index] = true;
        inproc_utc_s++;
    }
    ck_assert_int_eq(of_gateway("revoke"), 9);
    for (size_t i = 0; i < ATT_COUNT(label); i++) {
        ck_assert_str_eq(told(label[i], NULL), "E_LBL_REVOKED");
        att_buf_free(label[i]);
    }
    end();
}
END_TEST

static const struct {
    const char *path, *body;
    enum att_reason reason;
} WRONG[] = {
    {"/labels/revoke", "{\"id\": \"gw-1\"}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"id\": \"gw-1\", \"reason\": \"\"}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"id\": \"gw-1\", \"reason\": \"a\\nb\"}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"id\": \"gw-1\", \"reason\": \"a\\u007fb\"}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"id\": \"gw-1\", \"reason\": 4}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"reason\": \"a\"}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"id\": \"gw-1\", \"reason\": \"a\", \"more\": 1}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"id\": \"gw-1\", \"cti\": \"00\", \"reason\": \"a\"}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"cti\": \"00\", \"reason\": \"a\"}", ATT_R_FMT_JSON},
    {"/labels/revoke", "{\"cti\": \"00112233445566778899aabbccddeeff\", \"reason\": \"a\"}",
     ATT_R_LBL_NONE},
    {"/labels/suspend", "{\"id\": \"gw-2\", \"reason\": \"a\"}", ATT_R_ID_NONE},
    {"/labels/restore", "{\"id\": \"gw 1\", \"reason\": \"a\"}", ATT_R_FMT_ID},
    {"/labels/forgive", "{\"id\": \"gw-1\", \"reason\": \"a\"}", ATT_R_HTTP_ROUTE},
};

START_TEST(C_revocation_that_is_not_understood_changes_nothing)
{
    struct att_buf *label;

    begin(1024);
    label = attest();
    keepertest_remember();
    ck_assert_msg(keepertest_admin_reason("POST", WRONG[_i].path, WRONG[_i].body) ==
                      WRONG[_i].reason,
                  "%s", WRONG[_i].body);
    keepertest_check_unchanged();
    ck_assert_str_eq(told(label, NULL), "OK");
    att_buf_free(label);
    end();
}
END_TEST

/* The list is made anew when it is half as old as it says; it is there as long as one of its labels is in force. */
START_TEST(C_list_is_fresh_and_ends_with_its_labels)
{
    struct inproc_answer a = {0}, b = {0};
    struct att_label l;
    struct att_buf *label;
    int64_t half_s;

    begin(1024);
    half_s = kt.v->cfg->status.ttl_ms / 2000;
    ck_assert_int_eq(fetch(&a, 1), ATT_R_SL_GONE);
    label = attest();
    ck_assert_str_eq(told(label, &l), "OK");
    ck_assert_int_eq(fetch(&a, 1), ATT_R_NONE);
    inproc_utc_s += half_s - 1;
    ck_assert_int_eq(fetch(&b, 1), ATT_R_NONE);
    ck_assert(att_slice_eq(inproc_body(&a), inproc_body(&b)));
    inproc_utc_s += 1;
    ck_assert_int_eq(fetch(&b, 1), ATT_R_NONE);
    ck_assert(!att_slice_eq(inproc_body(&a), inproc_body(&b)));
    ck_assert_int_eq(fetch(&b, 0), ATT_R_SL_GONE);
    ck_assert_int_eq(fetch(&b, 2), ATT_R_SL_GONE);
    ck_assert_int_eq(fetch(&b, UINT64_MAX), ATT_R_SL_GONE);
    inproc_utc_s = l.exp - 1;
    ck_assert_int_eq(fetch(&b, 1), ATT_R_NONE);
    inproc_utc_s = l.exp + half_s;
    ck_assert_int_eq(fetch(&b, 1), ATT_R_SL_GONE);
    inproc_answer_clear(&a);
    inproc_answer_clear(&b);
    att_buf_free(label);
    end();
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"C-revoke", C_revoked_gateway_has_no_label_that_counts, 0, 60},
        {"C-revoke-again", C_revoked_stays_revoked, 2, 60},
        {"C-suspend", C_suspended_gateway_comes_back_by_the_administrator_alone, 0, 60},
        {"C-ended", C_labels_end_with_the_enrolment, 4, 60},
        {"C-list-full", C_full_list_is_followed_by_the_next, 0, 60},
        {"C-revoke-form", C_revocation_that_is_not_understood_changes_nothing,
         (int)ATT_COUNT(WRONG), 60},
        {"C-list-time", C_list_is_fresh_and_ends_with_its_labels, 0, 60},
    };

    return attack_rows("attacks: labels taken back", rows, ATT_COUNT(rows));
}
