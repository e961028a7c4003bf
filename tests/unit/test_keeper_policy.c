/* How another policy comes into force over the administrator's socket, and what an auditor sees of it. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/b64.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "keepertest.h"
#include "need.h"
#include "policy/policy_file.h"
#include "storetest.h"

/* inproc_policy with another version, signed by the key that attestd init made, or by a stranger's. */
static struct att_buf *signed_policy(unsigned int version, bool listed)
{
    ATT_CLEANUP(att_signer_freep) struct att_signer *signer = NULL;
    ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    const char *at = strstr(inproc_policy, "version: ");
    struct att_privkey *key = NULL;
    struct att_buf *message = NULL;
    char text[4096];
    char path[96];

    (void)snprintf(text, sizeof(text), "%.*sversion: %u%s", (int)(at - inproc_policy),
                   inproc_policy, version, at + strcspn(at, "\n"));
    NEED(att_policy_parse_yaml(&p, "p", att_slice_str(text), NULL) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/policy-signer.key", kt.v->dir);
    NEED(att_file_read(&pem, path, 65536, NULL) == ATT_OK);
    NEED((listed ? att_privkey_from_pem(&key, att_buf_slice(pem), NULL)
                 : att_privkey_generate(&key, ATT_KEY_EC_P256)) == ATT_OK);
    NEED(att_signer_software(&signer, key) == ATT_OK);
    NEED(att_policy_sign(&message, p, signer) == ATT_OK);
    return message;
}

static void body_of(char *out, size_t cap, const struct att_buf *message)
{
    char text[8192];

    (void)att_b64_encode(text, sizeof(text), ATT_B64_URL, att_buf_slice(message));
    NEED(text[0] != '\0' && snprintf(out, cap, "{\"cose\": \"%s\"}", text) < (int)cap);
}

static enum att_reason post(unsigned int version, bool listed)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = signed_policy(version, listed);
    char body[8192];

    body_of(body, sizeof(body), message);
    return keepertest_admin_reason("POST", "/policy", body);
}

static bool file_is(const struct att_buf *message)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;

    NEED(att_file_read(&file, kt.v->cfg->policy, 65536, NULL) == ATT_OK);
    return att_slice_eq(att_buf_slice(file), att_buf_slice(message));
}

/* The last outcome is about a policy, with this code, and its detail has this word. */
static void check_last(const char *code, const char *word)
{
    ATT_CLEANUP(att_json_freep) json_t *doc = keepertest_admin("GET", "/outcomes", "", 200);
    const json_t *list = json_object_get(doc, "outcomes");
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    const char *detail = json_string_value(json_object_get(last, "detail"));

    ck_assert_str_eq(json_string_value(json_object_get(last, "kind")), "policy");
    ck_assert_str_eq(json_string_value(json_object_get(last, "reason")), code);
    ck_assert_msg(detail != NULL && strstr(detail, word) != NULL, "no \"%s\" in \"%s\"", word,
                  detail == NULL ? "" : detail);
}

static void load(unsigned int version)
{
    bool changed = false;

    ck_assert_int_eq(post(version, true), ATT_R_NONE);
    ck_assert(keeper_reload_wanted(kt.v->keeper));
    ck_assert_int_eq(keeper_prepare_rules(kt.v->keeper, &changed, NULL), ATT_OK);
    ck_assert(changed);
    ck_assert_int_eq(keeper_switch_rules(kt.v->keeper, NULL), ATT_OK);
}

START_TEST(load_policy__takes_the_files_place_when_it_is_durable)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = signed_policy(2, true);
    struct inproc_answer a = {0};
    char body[8192];
    struct msg m = {.kind = MSG_ADMIN,
                    .peer = {.administrator = true},
                    .name = att_slice_str("POST"),
                    .path = att_slice_str("/policy")};

    body_of(body, sizeof(body), message);
    m.body = att_slice_str(body);
    inproc_ask(kt.v, &m, &a, false);
    ck_assert(!file_is(message));
    keeper_flush(kt.v->keeper);
    ck_assert_int_eq(a.http, 202);
    ck_assert(file_is(message));
    inproc_answer_clear(&a);
}
END_TEST

static void limit_files_to(rlim_t bytes)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* In one transaction with something that has no room: all of it is undone, so the file stays too. */
START_TEST(load_policy__leaves_the_file_when_its_transaction_fails)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *message = signed_policy(2, true);
    struct inproc_answer a = {0}, b = {0};
    char body[8192], path[96];
    struct stat sb;
    struct msg m = {.kind = MSG_ADMIN,
                    .peer = {.administrator = true},
                    .name = att_slice_str("POST"),
                    .path = att_slice_str("/allow")};

    (void)snprintf(path, sizeof(path), "%s/state/attestd.db-wal", kt.v->dir);
    ck_assert_int_eq(stat(path, &sb), 0);
    body_of(body, sizeof(body), message);
    inproc_ask(kt.v, &m, &a, false);
    m.path = att_slice_str("/policy");
    m.body = att_slice_str(body);
    inproc_ask(kt.v, &m, &b, false);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files_to((rlim_t)sb.st_size);
    keeper_flush(kt.v->keeper);
    limit_files_to(RLIM_INFINITY);
    ck_assert_int_eq(a.reason, ATT_R_ST_FULL);
    ck_assert_int_eq(b.reason, ATT_R_ST_FULL);
    ck_assert(!file_is(message));
    ck_assert(!keeper_reload_wanted(kt.v->keeper));
    inproc_answer_clear(&a);
    inproc_answer_clear(&b);
}
END_TEST

START_TEST(load_policy__tells_a_policy_that_is_too_large)
{
    enum { LONG = 200 * 1024 / 3 * 4 };
    char *body = malloc(LONG + 32);
    size_t len = 0;

    NEED(body != NULL);
    len = (size_t)snprintf(body, 32, "{\"cose\": \"");
    memset(&body[len], 'A', LONG);
    memcpy(&body[len + LONG], "\"}", 3);
    keepertest_remember();
    ck_assert_int_eq(keepertest_admin_reason("POST", "/policy", body), ATT_R_LIM_SIZE);
    keepertest_check_unchanged();
    free(body);
}
END_TEST

START_TEST(load_policy__that_is_refused_is_recorded)
{
    load(2);
    ck_assert_int_eq(post(3, false), ATT_R_CFG_POLICYSIG);
    check_last("E_CFG_POLICYSIG", "not loaded: expected a signer of policy_signers, found ");
    ck_assert_int_eq(post(1, true), ATT_R_CFG_ROLLBACK);
    check_last("E_CFG_ROLLBACK", "expected a version above 2, found inproc@1, signed by ");
    ck_assert(!keeper_reload_wanted(kt.v->keeper));
}
END_TEST

START_TEST(start__with_a_policy_that_nobody_signed_is_recorded)
{
    struct att_diag diag = {0};

    kt.v->cfg->insecure_unsigned_policy = false;
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_SIGNATURE);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICYSIG);
    kt.v->cfg->insecure_unsigned_policy = true;
    ck_assert_int_eq(inproc_restart(kt.v, NULL), ATT_OK);
    check_last("E_CFG_POLICYSIG", "not loaded: expected a signed policy, found none");
}
END_TEST

/* An error is not "none": else the log would say that other rules came into force, which is not so. */
START_TEST(start__does_not_take_what_cannot_be_read_for_other_rules)
{
    struct att_diag diag = {0};

    inproc_stop(kt.v);
    (void)snprintf(ts.folder, sizeof(ts.folder), "%.50s/state", kt.v->dir);
    storetest_sql("UPDATE meta SET value = zeroblob(65) WHERE key = 'policy'");
    ck_assert_int_eq(inproc_restart(kt.v, &diag), ATT_E_LIMIT);
    ck_assert_int_eq(diag.reason, ATT_R_ST_CORRUPT);
}
END_TEST

int main(void)
{
    const struct suite_row ROWS[] = {
        {load_policy__takes_the_files_place_when_it_is_durable, 0},
        {load_policy__leaves_the_file_when_its_transaction_fails, 0},
        {load_policy__tells_a_policy_that_is_too_large, 0},
        {load_policy__that_is_refused_is_recorded, 0},
        {start__with_a_policy_that_nobody_signed_is_recorded, 0},
        {start__does_not_take_what_cannot_be_read_for_other_rules, 0},
    };

    return SUITE_RUN_ROWS("keeper_policy", ROWS, &keepertest_fixture);
}
