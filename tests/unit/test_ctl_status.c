/* attestctl label verify with a status list: exit codes, words and JSON, with trust.yaml and without. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "issuer.h"
#include "need.h"
#include "service.h"
#include "suite.h"

#define PATH_ROOM 96
#define ENTRY     13

/* A label whose status is entry ENTRY, one that names no list, and the anchors; a list is written per case. */
struct desk {
    struct issuer is;
    char dir[32];
    char label[PATH_ROOM], unnamed[PATH_ROOM], list[PATH_ROOM], trust[PATH_ROOM], rules[PATH_ROOM];
    char said[65536];
};

static struct desk *d;

static void put(const char *path, struct att_slice bytes)
{
    NEED(att_file_write(path, bytes, 0644, NULL) == ATT_OK);
}

static void put_label(const char *path, struct scene *s, const char *uri)
{
    struct att_label_facts facts = issuer_facts(&d->is);
    struct att_buf *label = NULL;

    facts.status_uri = uri;
    facts.status_index = ENTRY;
    label = issuer_label(&d->is, s, &facts);
    put(path, att_buf_slice(label));
    att_buf_free(label);
}

static void open_desk(void)
{
    struct scene *s = scene_new(NULL, NULL);
    struct att_buf *pem = NULL;
    char anchor[2 * PATH_ROOM];

    d = calloc(1, sizeof(*d));
    NEED(d != NULL);
    issuer_open(&d->is);
    strcpy(d->dir, "/tmp/attest-ctl-XXXXXX");
    NEED(mkdtemp(d->dir) != NULL);
    (void)snprintf(d->label, PATH_ROOM, "%s/gw.label", d->dir);
    (void)snprintf(d->unnamed, PATH_ROOM, "%s/unnamed.label", d->dir);
    (void)snprintf(d->list, PATH_ROOM, "%s/list", d->dir);
    (void)snprintf(d->trust, PATH_ROOM, "%s/trust", d->dir);
    (void)snprintf(d->rules, PATH_ROOM, "%s/trust/trust.yaml", d->dir);
    (void)snprintf(anchor, sizeof(anchor), "%s/root.pem", d->trust);
    NEED(mkdir(d->trust, 0755) == 0);
    NEED(att_cert_pem(&pem, att_cert_der(d->is.root)) == ATT_OK);
    put(anchor, att_buf_slice(pem));
    scene_attest(s);
    put_label(d->label, s, ISSUER_URI);
    put_label(d->unnamed, s, NULL);
    att_buf_free(pem);
    scene_free(s);
}

static void close_desk(void)
{
    char command[PATH_ROOM];

    (void)snprintf(command, sizeof(command), "rm -r %s", d->dir);
    NEED(system(command) == 0);
    issuer_close(&d->is);
    free(d);
}

static void list_says(unsigned int value)
{
    struct att_status_facts facts = issuer_status_facts(&d->is);
    struct att_buf *list = issuer_list(&d->is, &facts, ENTRY, value);

    put(d->list, att_buf_slice(list));
    att_buf_free(list);
}

static void rule(const char *text)
{
    put(d->rules, att_slice_str(text));
}

/* label verify of one label at a time; form and the status are options, or NULL. */
static int verify(const char *label, const char *form, const char *at, bool status)
{
    const char *args[12] = {"--trust", d->trust, "--at", at, "label", "verify", label};
    size_t n = 7;

    if (status) {
        args[n++] = "--status";
        args[n++] = d->list;
    }
    args[n] = form;
    return service_program(d->said, sizeof(d->said), "attestctl", args);
}

static void says(const char *text)
{
    ck_assert_msg(strstr(d->said, text) != NULL, "does not say %s: %s", text, d->said);
}

static void says_not(const char *text)
{
    ck_assert_msg(strstr(d->said, text) == NULL, "says %s: %s", text, d->said);
}

#define SOON "2026-09-21T14:13:30Z" /* ten seconds after label and list were made */

START_TEST(verify__tells_the_status_with_its_time)
{
    list_says(ATT_STATUS_VALID);
    ck_assert_int_eq(verify(d->label, NULL, SOON, true), 0);
    says("Status as of 2026-09-21T14:13:20Z: valid");
    says(ISSUER_URI " #13");
    says_not("revocation before");
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), 0);
    says("{\"id\":\"status-list\",\"status\":\"pass\"}");
    says("\"status_list\":{\"index\":13,\"uri\":\"" ISSUER_URI "\"}");
    says("\"status_list_says\":{\"as_of\":\"2026-09-21T14:13:20Z\","
         "\"next\":\"2026-09-21T15:13:20Z\",\"number\":0,\"value\":\"valid\"}");
    says("\"not_checked\":[\"subject\",\"log\"]");
}
END_TEST

/* Without a list nothing is said about the time after, and that is told. */
START_TEST(verify__without_a_list_lists_it_as_not_checked)
{
    ck_assert_int_eq(verify(d->label, NULL, SOON, false), 0);
    says("Not checked:");
    says("revocation before its expiry (give --status)");
    says_not("Status as of");
    ck_assert_int_eq(verify(d->label, "--json", SOON, false), 0);
    says("{\"id\":\"status-list\",\"status\":\"not-applicable\"}");
    says("\"not_checked\":[\"subject\",\"log\",\"status-list\"]");
}
END_TEST

static const struct {
    unsigned int value;
    int code;
    const char *reason, *word, *word_ja;
} VALUES[] = {
    {ATT_STATUS_INVALID, 1, "E_LBL_REVOKED", ": invalid", "失効"},
    {ATT_STATUS_SUSPENDED, 1, "E_LBL_SUSPENDED", ": suspended", "一時停止"},
    {3, 1, "E_SL_VALUE", ": unknown", "未知の値"},
};

START_TEST(verify__what_is_revoked_or_suspended_is_refused)
{
    list_says(VALUES[_i].value);
    ck_assert_int_eq(verify(d->label, NULL, SOON, true), VALUES[_i].code);
    says(VALUES[_i].reason);
    says("Status as of 2026-09-21T14:13:20Z");
    says(VALUES[_i].word);
    ck_assert_int_eq(verify(d->label, "--lang=ja", SOON, true), VALUES[_i].code);
    says(VALUES[_i].word_ja);
    says_not("詳細 (英語)");
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), VALUES[_i].code);
    says("\"verdict\":\"fail\"");
    says("{\"id\":\"status-list\",\"status\":\"fail\"}");
    says(VALUES[_i].reason);
}
END_TEST

/* trust.yaml: required, and how old it may be; what is missing is "cannot decide". */
START_TEST(verify__trust_yaml_says_what_is_required)
{
    list_says(ATT_STATUS_VALID);
    rule("status-list: required\n");
    ck_assert_int_eq(verify(d->label, "--json", SOON, false), 3);
    says("E_SL_NONE");
    says("\"verdict\":\"undecided\"");
    says("{\"id\":\"status-list\",\"status\":\"not-run\"}");
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), 0);
    ck_assert_int_eq(verify(d->unnamed, "--json", SOON, true), 3);
    says("E_SL_NONE");
    rule("status-list: required\nmax-age: 1m\n");
    ck_assert_int_eq(verify(d->label, "--json", "2026-09-21T14:14:20Z", true), 0);
    ck_assert_int_eq(verify(d->label, "--json", "2026-09-21T14:14:21Z", true), 3);
    says("E_SL_TIME");
    says("\"path\":\"max-age\"");
    rule("status-list: optional\n");
    ck_assert_int_eq(verify(d->label, "--json", SOON, false), 0);
    for (size_t i = 0; i < 4; i++) {
        static const char *const WRONG[] = {"status-list: yes\n", "max-age: soon\n",
                                            "max-age: 0s\n", "status: required\n"};

        rule(WRONG[i]);
        ck_assert_int_eq(verify(d->label, "--json", SOON, true), 2);
        says("trust.yaml:1:");
    }
}
END_TEST

/* 1: another list; 3: a stranger's; 4: no list at all, a label, a cut one; 3: no such file. */
START_TEST(verify__lists_that_are_not_the_labels_have_their_own_codes)
{
    struct issuer stranger;
    struct att_status_facts facts;
    struct att_buf *list = NULL;

    issuer_open(&stranger);
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), 3);
    says("E_FILE");
    facts = issuer_status_facts(&d->is);
    facts.uri = "https://verifier.test/status/v1/2";
    list = issuer_list(&d->is, &facts, ENTRY, 0);
    put(d->list, att_buf_slice(list));
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), 1);
    says("E_SL_URI");
    put(d->list, att_slice_of(att_buf_slice(list).p, att_buf_len(list) - 1));
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), 4);
    says("E_FMT_CBOR");
    att_buf_free(list);
    facts = issuer_status_facts(&stranger);
    list = issuer_list(&stranger, &facts, ENTRY, 0);
    put(d->list, att_buf_slice(list));
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), 3);
    says("E_SL_KEY");
    att_buf_freep(&list);
    NEED(att_file_read(&list, d->label, ATT_LABEL_MAX, NULL) == ATT_OK);
    put(d->list, att_buf_slice(list));
    ck_assert_int_eq(verify(d->label, "--json", SOON, true), 4);
    says("E_FMT_STATUS");
    ck_assert_int_eq(verify(d->unnamed, "--json", SOON, true), 4);
    att_buf_free(list);
    issuer_close(&stranger);
}
END_TEST

/* A newer one should be there: said, while the list is still good. */
START_TEST(verify__says_when_a_newer_list_is_due)
{
    struct att_status_facts facts;
    struct att_buf *list = NULL;

    facts = issuer_status_facts(&d->is);
    facts.ttl_s = 60;
    list = issuer_list(&d->is, &facts, ENTRY, 0);
    put(d->list, att_buf_slice(list));
    ck_assert_int_eq(verify(d->label, NULL, "2026-09-21T14:14:19Z", true), 0);
    says_not("newer list");
    ck_assert_int_eq(verify(d->label, NULL, "2026-09-21T14:14:20Z", true), 0);
    says("There is a newer list since 2026-09-21T14:14:20Z");
    att_buf_free(list);
}
END_TEST

int main(void)
{
    const struct suite_row rows[] = {
        {verify__tells_the_status_with_its_time, 0},
        {verify__without_a_list_lists_it_as_not_checked, 0},
        {verify__what_is_revoked_or_suspended_is_refused, (int)ATT_COUNT(VALUES)},
        {verify__trust_yaml_says_what_is_required, 0},
        {verify__lists_that_are_not_the_labels_have_their_own_codes, 0},
        {verify__says_when_a_newer_list_is_due, 0},
    };
    const struct suite_fixture desk = {open_desk, close_desk};

    return SUITE_RUN_ROWS("ctl_status", rows, &desk);
}
