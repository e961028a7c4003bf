/* The keeper between decisions: sessions and peers, labels and deadlines, administrator, records. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "codec/json.h"
#include "common/wire.h"
#include "keepertest.h"
#include "storetest.h"
#include "tlog/entry.h"
#include "transfertest.h"
#include "verifier/process.h"

START_TEST(session__belongs_to_one_gateway)
{
    struct inproc_gateway other;
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_SESSION_GET};

    keepertest_enrol(&kt.gw);
    inproc_gateway_new(&other, kt.v, "gw-2", true);
    keepertest_enrol(&other);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    keepertest_remember();
    ck_assert_int_eq(inproc_judge(kt.v, &other, kt.t), ATT_R_ID_CHANNEL);
    ck_assert_int_eq(inproc_commit(kt.v, &other, kt.t), -ATT_R_ID_CHANNEL);
    m.peer = other.peer;
    memcpy(m.session, kt.t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CHANNEL);
    m.kind = MSG_SESSION_DELETE;
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CHANNEL);
    keepertest_check_unchanged();
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    ck_assert_int_eq(inproc_commit(kt.v, &kt.gw, kt.t), 200);
    inproc_answer_clear(&a);
    inproc_gateway_free(&other);
}
END_TEST

/* One transaction replaces the gateway and would decide on what it was asked before, under one TLS key. */
START_TEST(session__belongs_to_one_enrolment)
{
    struct inproc_answer bound = {0}, decided = {0};
    struct msg activate, commit;
    uint8_t room[4096];
    char token[64] = "";
    json_t *allowed = NULL;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    allowed = keepertest_admin("POST", "/allow", "{\"id\": \"gw-1\", \"replace\": true}", 201);
    (void)snprintf(token, sizeof(token), "%s",
                   json_string_value(json_object_get(allowed, "token")));
    json_decref(allowed);
    ck_assert_int_eq(inproc_enrol_begin(kt.v, &kt.gw, kt.e, token), ATT_R_NONE);
    inproc_activate_message(&activate, room, sizeof(room), kt.e);
    inproc_commit_message(&commit, &kt.gw, kt.t);
    inproc_ask(kt.v, &activate, &bound, false);
    inproc_ask(kt.v, &commit, &decided, true);
    ck_assert_int_eq(bound.http, 200);
    ck_assert_int_eq(decided.reason, ATT_R_ID_UNKNOWN);
    ck_assert_uint_eq(keepertest_outcomes("label"), 0);
    inproc_answer_clear(&bound);
    inproc_answer_clear(&decided);
}
END_TEST

START_TEST(session__can_be_given_back)
{
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_SESSION_GET};

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    m.peer = kt.gw.peer;
    memcpy(m.session, kt.t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.http, 202);
    m.kind = MSG_SESSION_DELETE;
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.http, 204);
    m.kind = MSG_CONTEXT;
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_Q_NONCE_EXPIRED);
    inproc_answer_clear(&a);
}
END_TEST

START_TEST(peer__is_judged_by_record_and_key)
{
    keepertest_enrol(&kt.gw);
    keepertest_remember();
    kt.gw.peer.key_digest[0] ^= 1;
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_ID_CHANNEL);
    kt.gw.peer.key_digest[0] ^= 1;
    kt.gw.peer.known = false;
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_ID_CLIENT);
    kt.gw.peer.known = true;
    (void)snprintf(kt.gw.peer.device_id, sizeof(kt.gw.peer.device_id), "gw-0");
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_ID_UNKNOWN);
    keepertest_check_unchanged();
}
END_TEST

/* K-06: the deadline counts while the verifier runs, and while it does not. */
START_TEST(stale__comes_with_the_deadline)
{
    int64_t limit = WIRE_STALE_AFTER * 600;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    inproc_utc_s += limit - 1;
    if (_i == 1)
        ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    keeper_tick(kt.v->keeper);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "affirming");
    ck_assert(keepertest_has_current());
    inproc_utc_s += 1;
    if (_i == 1)
        ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    else
        keeper_tick(kt.v->keeper);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "stale");
    ck_assert_str_eq(keepertest_device("gw-1", "reason"), "E_STALE");
    ck_assert(!keepertest_has_current());
    keeper_tick(kt.v->keeper);
    ck_assert_uint_eq(keepertest_outcomes("stale"), 1);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "affirming");
}
END_TEST

/* A refusal is heard from too: what falls silent after it is stale, not failed for ever. */
START_TEST(stale__comes_to_a_failed_gateway_too)
{
    int64_t limit = WIRE_STALE_AFTER * 600;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    inproc_utc_s += limit - 1;
    keepertest_attest_badly();
    inproc_utc_s += limit - 1;
    keeper_tick(kt.v->keeper);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "failed");
    inproc_utc_s += 1;
    keeper_tick(kt.v->keeper);
    ck_assert_str_eq(keepertest_device("gw-1", "status"), "stale");
    ck_assert_uint_eq(keepertest_outcomes("stale"), 1);
}
END_TEST

START_TEST(label__stops_being_current_when_it_expires)
{
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    inproc_utc_s += 4 * 3600 - 1;
    ck_assert(keepertest_has_current()); /* nothing has ticked: not stale yet */
    inproc_utc_s += 1;
    ck_assert(!keepertest_has_current());
}
END_TEST

/* The identifier of the gateway's newest label. */
static void read_cti(uint8_t *out, size_t cap)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = keepertest_admin("GET", "/devices/gw-1", "", 200);
    const json_t *cti = json_object_get(json_object_get(doc, "label"), "cti");
    size_t len = 0;

    ck_assert_int_eq(att_hex_decode(out, cap, &len, json_string_value(cti), 32), ATT_OK);
}

/* The receipt is of the tree as it is when the label is handed out. */
static bool same_label(struct att_slice a, struct att_slice b)
{
    uint8_t x[32], y[32];

    ck_assert_int_eq(att_entry_of_label(x, a, NULL), ATT_OK);
    ck_assert_int_eq(att_entry_of_label(y, b, NULL), ATT_OK);
    return memcmp(x, y, sizeof(x)) == 0;
}

START_TEST(label__is_closed_to_others_unless_public)
{
    struct inproc_gateway other;
    struct inproc_answer a = {0};
    struct msg_peer nobody = {0}, administrator = {.administrator = true};
    struct msg by_cti = {.kind = MSG_LABEL};

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    inproc_gateway_new(&other, kt.v, "gw-2", true);
    keepertest_enrol(&other);
    ck_assert_int_eq(keepertest_label("gw-1", &nobody, &a), ATT_R_ID_CLIENT);
    ck_assert_int_eq(keepertest_label("gw-1", &other.peer, &a), ATT_R_ID_CHANNEL);
    ck_assert_int_eq(keepertest_label("gw-1", &administrator, &a), ATT_R_NONE);
    ck_assert_int_eq(keepertest_label("gw 1", &administrator, &a), ATT_R_FMT_ID);

    read_cti(by_cti.session, sizeof(by_cti.session));
    inproc_ask(kt.v, &by_cti, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CLIENT);
    by_cti.peer = other.peer;
    inproc_ask(kt.v, &by_cti, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CHANNEL);
    by_cti.peer = kt.gw.peer;
    inproc_ask(kt.v, &by_cti, &a, false);
    ck_assert_int_eq(a.http, 200);
    ck_assert(same_label(inproc_body(&a), kt.t->outcome.label));
    by_cti.session[0] ^= 1;
    inproc_ask(kt.v, &by_cti, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_LBL_NONE);
    by_cti.peer = nobody; /* a stranger does not learn which labels there are */
    inproc_ask(kt.v, &by_cti, &a, false);
    ck_assert_int_eq(a.reason, ATT_R_ID_CLIENT);

    kt.v->cfg->public_labels = true;
    ck_assert_int_eq(keepertest_label("gw-1", &nobody, &a), ATT_R_NONE);
    inproc_answer_clear(&a);
    inproc_gateway_free(&other);
}
END_TEST

START_TEST(admin__lists_and_shows)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = NULL;
    const json_t *devices;
    struct inproc_gateway other;

    inproc_gateway_new(&other, kt.v, "gw-2", true);
    keepertest_enrol(&other);
    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    doc = keepertest_admin("GET", "/devices?limit=1", "", 200);
    devices = json_object_get(doc, "devices");
    ck_assert_uint_eq(json_array_size(devices), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(devices, 0), "id")), "gw-1");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(devices, 0), "grade")), "E2");
    ck_assert_str_eq(json_string_value(json_object_get(doc, "next")), "gw-1");
    att_json_freep(&doc);
    doc = keepertest_admin("GET", "/devices?after=gw-1&limit=5", "", 200);
    devices = json_object_get(doc, "devices");
    ck_assert_uint_eq(json_array_size(devices), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(devices, 0), "id")), "gw-2");
    ck_assert(json_is_null(json_object_get(doc, "next")));
    att_json_freep(&doc);
    doc = keepertest_admin("GET", "/devices/gw-1", "", 200);
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
        {"GET", "/devices/gw-0", "", ATT_R_ID_NONE},
        {"DELETE", "/devices/gw-0", "", ATT_R_ID_NONE},
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
        {"POST", "/allow", "{\"ek_name\": \"00\"}", ATT_R_FMT_KEY},
        {"POST", "/allow", "{\"ek_name\": \"000b0102\"}", ATT_R_FMT_KEY},
        {"POST", "/allow", "{\"ek_public\": \"00\"}", ATT_R_FMT_KEY},
        {"POST", "/allow", "{\"ek_public\": \"00\", \"ek_name\": \"00\"}", ATT_R_FMT_JSON},
        {"POST", "/allow", "{\"id\": \"gw-1\", \"replace\": 1}", ATT_R_FMT_JSON},
        {"POST", "/allow", "{\"replace\": true}", ATT_R_FMT_JSON},
        {"POST", "/policy", "{}", ATT_R_FMT_JSON},
        {"POST", "/policy", "{\"cose\": \"\", \"more\": 1}", ATT_R_FMT_JSON},
        {"POST", "/policy", "{\"cose\": \"*\"}", ATT_R_FMT_JSON},
        {"POST", "/policy", "{\"cose\": \"\"}", ATT_R_FMT_JSON},
        {"DELETE", "/allow/0g", "", ATT_R_FMT_KEY},
    };

    keepertest_remember();
    for (size_t i = 0; i < ATT_COUNT(rows); i++) {
        enum att_reason got = keepertest_admin_reason(rows[i].method, rows[i].path, rows[i].body);

        ck_assert_msg(got == rows[i].want, "%s %s %s: %s", rows[i].method, rows[i].path,
                      rows[i].body, att_reason_code(got));
    }
    keepertest_check_unchanged();
}
END_TEST

START_TEST(keeper_forget__drops_the_answers_of_a_lost_front)
{
    struct msg m;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_session(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_measure(&kt.gw, kt.t);
    ck_assert_int_eq(inproc_judge(kt.v, &kt.gw, kt.t), ATT_R_NONE);
    inproc_commit_message(&m, &kt.gw, kt.t);
    inproc_ask(kt.v, &m, &kt.t->answer, false);
    keeper_forget(kt.v->keeper, &kt.t->answer);
    keeper_flush(kt.v->keeper);
    ck_assert_uint_eq(kt.t->answer.count, 0);
    /* Decided all the same: the gateway reads it later, or asks again. */
    ck_assert_uint_eq(keepertest_outcomes("label"), 1);
    m = (struct msg){.kind = MSG_SESSION_GET, .peer = kt.gw.peer};
    memcpy(m.session, kt.t->a.challenge.session.p, sizeof(m.session));
    inproc_ask(kt.v, &m, &kt.t->answer, false);
    ck_assert_int_eq(kt.t->answer.http, 200);
}
END_TEST

START_TEST(keeper_status__counts)
{
    struct inproc_answer a = {0};
    struct msg m = {.kind = MSG_STATUS, .number = MSG_ASK_READY};
    char text[2048];

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    kt.v->cfg->evidence.per_gateway = 1;
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert_uint_eq(keepertest_counter("attestd_evidence_dropped_total"), 1);
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.http, 200);
    m.number = MSG_ASK_METRICS;
    inproc_ask(kt.v, &m, &a, false);
    ck_assert_int_eq(a.http, 200);
    (void)snprintf(text, sizeof(text), "%.*s", (int)inproc_body(&a).len,
                   (const char *)inproc_body(&a).p);
    ck_assert_ptr_nonnull(strstr(text, "attestd_verdicts_total{tier=\"affirming\"} 2\n"));
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
    status = run(kt.v->cfg);
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

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    kt.t->a.attest.extra[0] ^= 1;
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    ck_assert_int_eq(quiet(keeper_fsck_main), 3); /* in use */
    inproc_stop(kt.v);
    ck_assert_int_eq(quiet(keeper_fsck_main), 0);
    ck_assert_int_eq(quiet(keeper_dump_main), 0);

    /* Of bytes that are flipped all over the file, those in labels, evidence and records are found. */
    (void)snprintf(path, sizeof(path), "%s/state/attestd.db", kt.v->dir);
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

/* Also of a database that attestd init made and nobody ran: not one byte. */
START_TEST(fsck__leaves_the_database_as_it_is)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *before = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *after = NULL;
    char path[96];

    inproc_stop(kt.v);
    (void)snprintf(ts.folder, sizeof(ts.folder), "%.50s/state", kt.v->dir);
    storetest_sql(
        "DELETE FROM leaf; DELETE FROM tile; DELETE FROM meta; PRAGMA wal_checkpoint(TRUNCATE)");
    (void)snprintf(path, sizeof(path), "%s/log-head", ts.folder);
    ck_assert_int_eq(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/attestd.db", ts.folder);
    ck_assert_int_eq(att_file_read(&before, path, 16U << 20, NULL), ATT_OK);
    ck_assert_int_eq(quiet(keeper_fsck_main), 0);
    ck_assert_int_eq(att_file_read(&after, path, 16U << 20, NULL), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(before), att_buf_slice(after)));
    (void)snprintf(path, sizeof(path), "%s/log-head", ts.folder);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* Rows that are well-formed and say something else than the labels, records and policies behind them. */
START_TEST(fsck__finds_rows_that_contradict_each_other)
{
    static const char *const harm[] = {
        "UPDATE outcome SET reason = 'E_STALE' WHERE kind = 4",
        "UPDATE outcome SET reason = 'E_Q_SIG' WHERE kind = 3",
        "UPDATE outcome SET utc = 1 WHERE kind = 3",
        "UPDATE device_state SET status = 1",
        "UPDATE device_state SET cti = (SELECT cti FROM label ORDER BY outcome LIMIT 1)",
        "UPDATE policy SET bytes = x'00'",
        "UPDATE policy SET digest = zeroblob(32)",
        "UPDATE evidence SET bytes = zeroblob(length(bytes))",
        "UPDATE transfer SET device = 'gw-9'",
        "UPDATE transfer SET expires_utc = expires_utc + 1",
        "UPDATE transfer SET ek_name = zeroblob(34)",
        "UPDATE transfer SET bytes = x'00'",
        "DELETE FROM transfer",
        "UPDATE outcome SET detail = 'another' WHERE kind = 2",
        "UPDATE outcome SET subject = zeroblob(32) WHERE kind = 2",
        "UPDATE leaf SET salt = zeroblob(16) WHERE idx = 1",
        "UPDATE leaf SET bytes = (SELECT bytes FROM leaf WHERE idx = 2) WHERE idx = 1",
        "DELETE FROM leaf WHERE idx = 1",
        "UPDATE tile SET hashes = zeroblob(length(hashes))",
        "DELETE FROM meta WHERE key = 'log_head'",
    };
    struct transfertest x;

    keepertest_enrol(&kt.gw);
    ck_assert_int_eq(inproc_attest(kt.v, &kt.gw, kt.t), 200);
    keepertest_attest_badly();
    transfertest_new(&x, "other.test", "verifier.test", inproc_utc_s);
    transfertest_trust(kt.v, x.receiver, "receiver");
    transfertest_sign(&x);
    ck_assert_int_eq(transfertest_post(kt.v, att_buf_slice(x.statement)), ATT_R_NONE);
    transfertest_clear(&x);
    inproc_stop(kt.v);
    ck_assert_int_eq(quiet(keeper_fsck_main), 0);
    (void)snprintf(ts.folder, sizeof(ts.folder), "%.50s/state", kt.v->dir);
    storetest_sql(harm[_i]);
    ck_assert_int_eq(quiet(keeper_fsck_main), 1);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {session__belongs_to_one_gateway, 0},
        {session__belongs_to_one_enrolment, 0},
        {session__can_be_given_back, 0},
        {peer__is_judged_by_record_and_key, 0},
        {stale__comes_with_the_deadline, 2},
        {stale__comes_to_a_failed_gateway_too, 0},
        {label__stops_being_current_when_it_expires, 0},
        {label__is_closed_to_others_unless_public, 0},
        {admin__lists_and_shows, 0},
        {admin__refuses_what_it_does_not_know, 0},
        {keeper_forget__drops_the_answers_of_a_lost_front, 0},
        {keeper_status__counts, 0},
        {fsck__is_clean_after_everything_and_finds_a_changed_byte, 0},
        {fsck__leaves_the_database_as_it_is, 0},
        {fsck__finds_rows_that_contradict_each_other, 20},
    };

    return SUITE_RUN_ROWS("keeper", ROWS, &keepertest_fixture);
}
