/* Group F, what is read before anything is judged: policies that would pass everything, and hostile files. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "attack.h"
#include "base/file.h"
#include "codec/cbor_wr.h"
#include "need.h"
#include "policy/policy.h"
#include "scene.h"

#define HEAD  "policy: p\nversion: 1\n"
#define TITLE "title: {en: a, ja: b}, severity: fail"
#define ONE   HEAD "requirements:\n  - {id: R, " TITLE ", "
#define MORE  "  - {id: S, " TITLE ", "

static void refused(const char *text, const char *place)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_int_ne(att_policy_parse_yaml(&p, "p.yaml", att_slice_str(text), &diag), ATT_OK);
    ck_assert_ptr_null(p);
    ck_assert_msg(strncmp(diag.text, place, strlen(place)) == 0, "%s", diag.text);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_CFG_POLICY");
}

/* The compiled form of p, which may be one that no YAML gives: refused the same way. */
static void refused_compiled(const struct att_policy *p)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *encoded = NULL;
    struct att_policy *again = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_policy_encode(&encoded, p), ATT_OK);
    ck_assert_int_ne(att_policy_decode(&again, att_buf_slice(encoded), &diag), ATT_OK);
    ck_assert_ptr_null(again);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_CFG_POLICY");
}

static struct att_policy *policy_of(const char *text)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    NEED(att_policy_parse_yaml(&p, "p.yaml", att_slice_str(text), &diag) == ATT_OK);
    return p;
}

START_TEST(F_05_empty_policy_is_refused)
{
    struct att_policy *p = policy_of(ONE "logs: [own]}\n");
    size_t count = p->count;

    refused(HEAD "requirements: []\n", "p.yaml:3:15");
    refused(HEAD "requirements:\n", "p.yaml:3:");
    refused(HEAD, "p.yaml:1:1");
    p->count = 0;
    refused_compiled(p);
    p->count = count;
    att_policy_free(p);
}
END_TEST

static const char *const LISTS[] = {
    "own_items: {under: [/etc]}",
    "own_measured: [/etc/x]",
    "sha256_in: {name: /x, values: "
    "[\"0000000000000000000000000000000000000000000000000000000000000000\"]}",
    "event_absent: {logs: [own], sha256: "
    "[\"0000000000000000000000000000000000000000000000000000000000000000\"]}",
    "logs: [own]",
    "boot_pcrs: [0]",
};

START_TEST(F_05_empty_list_is_refused)
{
    char text[512];
    struct att_policy *p = NULL;
    struct att_requirement *r = NULL;
    size_t names = 0;

    (void)snprintf(text, sizeof(text), "%s%s}\n", ONE, LISTS[_i]);
    p = policy_of(text);
    r = &p->requirement[0];
    names = r->name_count;
    r->value_count = 0;
    r->name_count = r->predicate == ATT_PRED_SHA256_IN ? names : 0;
    r->pcr_mask = 0;
    r->log_mask = r->predicate == ATT_PRED_EVENT_ABSENT ? r->log_mask : 0;
    refused_compiled(p);
    r->name_count = names;
    att_policy_free(p);
}
END_TEST

/* Whatever is asked beside it. */
START_TEST(F_05_pattern_that_takes_everything_is_refused)
{
    struct att_policy *p =
        policy_of(ONE "own_items: {under: [/], unlisted: fail}}\n" MORE "logs: [own]}\n");

    refused(ONE "own_items: {under: [/], unlisted: ignore}}\n" MORE "logs: [own]}\n", "p.yaml:4:");
    refused(ONE "own_items: {under: [/], unlisted: ignore, allow_any: false}}\n" MORE
                "logs: [own]}\n",
            "p.yaml:4:");
    refused(ONE "own_items: {under: [/etc, \"//\"], unlisted: ignore}}\n" MORE "logs: [own]}\n",
            "p.yaml:4:");
    p->requirement[0].unlisted = ATT_SEVERITY_IGNORE;
    refused_compiled(p);
    att_policy_free(p);
}
END_TEST

#define IGNORES "own_items: {under: [/etc], unlisted: ignore}}\n" MORE
#define X       "{own_measured: [/etc/x]}"

/* Not "/", but nothing else is asked: what no reference value names passes, and without any all of it. */
START_TEST(F_05_policy_that_only_ignores_is_refused)
{
    static const char *const RULES[] = {
        "own_items: {under: [/etc, /usr, /opt], unlisted: ignore}}\n",
        "own_items: {under: [/etc], unlisted: ignore}}\n" MORE
        "own_items: {under: [/usr], unlisted: ignore}}\n",
        "own_items: {under: [/etc], unlisted: ignore}}\n" MORE "ima_violations: ignore}\n",
        "own_items: {under: [/etc], unlisted: ignore}}\n" MORE "boot_order: {verdict: ignore}}\n",
        /* what holds for everything, and what passes all that its author did not think of */
        IGNORES "any: [" X ", {not: " X "}]}\n",
        IGNORES "any: [{all: [" X "]}, {not: " X "}]}\n",
        IGNORES "all: [{any: [" X ", {not: " X "}]}, {not: {not: " X "}}]}\n",
        IGNORES "not: " X "}\n",
    };
    static const char *const GOOD[] = {
        "own_items: {under: [/etc], unlisted: ignore, allow_any: true}}\n",
        "own_items: {under: [/etc], unlisted: warn}}\n",
        "own_items: {under: [/etc/x], unlisted: ignore}}\n" MORE "own_items: {under: [/etc]}}\n",
        "own_items: {under: [/etc], unlisted: ignore}}\n" MORE "own_measured: [/etc/x]}\n",
        IGNORES "all: [{not: " X "}, {logs: [own]}]}\n",
        IGNORES "any: [" X ", {all: [{not: " X "}, {logs: [ima]}]}]}\n",
    };
    char text[1024];
    struct att_policy *p = NULL;

    for (size_t i = 0; i < ATT_COUNT(RULES); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", ONE, RULES[i]);
        refused(text, "p.yaml");
    }
    for (size_t i = 0; i < ATT_COUNT(GOOD); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", ONE, GOOD[i]);
        att_policy_free(policy_of(text));
    }
    p = policy_of(ONE "own_items: {under: [/etc], unlisted: warn}}\n");
    p->requirement[0].unlisted = ATT_SEVERITY_IGNORE;
    refused_compiled(p);
    att_policy_free(p);
}
END_TEST

/* Said on purpose it is a policy, and its labels are a warning at best. */
START_TEST(F_05_everything_on_purpose_is_a_warning)
{
    struct scene *s =
        scene_new(ONE "own_items: {under: [/], unlisted: ignore, allow_any: true}}\n", NULL);

    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/tmp/x", att_slice_str("anything"));
    scene_attest(s);
    ck_assert_int_eq(s->result->status, ATT_TIER_WARNING);
    scene_expect_reason(s, ATT_R_POL_ANY, "");
    scene_free(s);
}
END_TEST

START_TEST(F_06_lists_that_are_none_are_refused)
{
    static const char *const ROWS[] = {
        "boot_pcrs: [32]",
        "boot_pcrs: [-1]",
        "boot_pcrs: [0-]",
        "boot_pcrs: [\"0-\"]",
        "boot_pcrs: [0, 0]",
        "boot_pcrs: [16]",
        "boot_pcrs: [4294967296]",
        "boot_pcrs: [0x1]",
        "boot_pcrs: 0",
        "boot_pcrs:",
        "boot_pcrs: []",
        "pcr_in: {pcr: 7}",
        "pcr_in: {pcr: 23, values: [\"00\"]}",
        "own_items: {unlisted: fail}",
        "sha256_in: {name: /x}",
        "event_absent: {logs: [own]}",
        "logs: own",
    };

    for (size_t i = 0; i < ATT_COUNT(ROWS); i++) {
        char text[512];
        struct att_policy *p = NULL;
        struct att_diag diag = {0};

        (void)snprintf(text, sizeof(text), "%s%s}\n", ONE, ROWS[i]);
        ck_assert_msg(att_policy_parse_yaml(&p, "p.yaml", att_slice_str(text), &diag) != ATT_OK,
                      "%s", ROWS[i]);
        ck_assert_msg(strncmp(diag.text, "p.yaml:4:", 9) == 0, "%s: %s", ROWS[i], diag.text);
        ck_assert_ptr_null(p);
    }
}
END_TEST

/* One more than a list may hold, in either form; every PCR that no one may name. */
START_TEST(F_06_more_than_the_type_holds_is_refused)
{
    char text[8192];
    size_t at = (size_t)snprintf(text, sizeof(text), "%sown_measured: [/0", ONE);
    struct att_policy *p = policy_of(ONE "boot_pcrs: [0]}\n");

    for (int i = 1; i <= ATT_POLICY_NAMES_MAX; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, ", /%d", i);
    }
    (void)snprintf(text + at, sizeof(text) - at, "]}\n");
    refused(text, "p.yaml:4:");
    for (uint32_t pcr = 16; pcr < 32; pcr++) {
        p->requirement[0].pcr_mask = 1U << pcr;
        refused_compiled(p);
    }
    p->requirement[0].pcr_mask = 1;
    p->requirement[0].predicate = ATT_PRED_LOGS;
    p->requirement[0].log_mask = 8;
    refused_compiled(p);
    att_policy_free(p);
}
END_TEST

#define MIB (1024L * 1024)

static void small_memory(void)
{
    struct rusage use;

    NEED(getrusage(RUSAGE_SELF, &use) == 0);
#if !defined(__SANITIZE_ADDRESS__)
    ck_assert_int_le(use.ru_maxrss, 64 * 1024); /* KiB */
#endif
}

START_TEST(F_07_large_file_is_refused_before_it_is_read)
{
    char path[] = "/tmp/att-f07-XXXXXX";
    int fd = mkstemp(path);
    struct att_buf *file = NULL;
    struct att_diag diag = {0};

    NEED(fd >= 0 && ftruncate(fd, 100 * MIB) == 0);
    (void)close(fd);
    ck_assert_int_eq(att_file_read(&file, path, ATT_POLICY_FILE_MAX, &diag), ATT_E_LIMIT);
    ck_assert_ptr_null(file);
    (void)unlink(path);
    small_memory();
}
END_TEST

/* A thousand maps or arrays in one another. */
START_TEST(F_07_deep_text_is_refused)
{
    char text[16384];
    uint8_t bytes[4096];
    struct att_wr w = att_wr_into(bytes, sizeof(bytes));
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", ONE);
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    for (int i = 0; i < 1000; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "not: {");
        att_cbor_wr_array(&w, 1);
    }
    ck_assert_int_eq(att_policy_parse_yaml(&p, "p.yaml", att_slice_of(text, at), &diag),
                     ATT_E_LIMIT);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_FMT_YAML");
    ck_assert_int_ne(att_policy_decode(&p, att_slice_of(bytes, w.len), &diag), ATT_OK);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_CFG_POLICY");
    ck_assert_ptr_null(p);
    small_memory();
}
END_TEST

/* Within what the encodings may nest, and still more operators than a policy may. */
START_TEST(F_07_deep_rule_is_refused)
{
    struct att_policy *p = policy_of(ONE "not: {not: {not: {not: {logs: [own]}}}}}\n");
    struct att_requirement over = p->requirement[0];

    refused(ONE "not: {not: {not: {not: {not: {logs: [own]}}}}}}\n", "p.yaml:4:");
    p->requirement[0].child = &over;
    refused_compiled(p);
    p->requirement[0] = over;
    att_policy_free(p);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"F-05", F_05_empty_policy_is_refused, 0, 0},
        {"F-05-list", F_05_empty_list_is_refused, (int)ATT_COUNT(LISTS), 0},
        {"F-05-all", F_05_pattern_that_takes_everything_is_refused, 0, 0},
        {"F-05-ignore", F_05_policy_that_only_ignores_is_refused, 0, 0},
        {"F-05-any", F_05_everything_on_purpose_is_a_warning, 0, 0},
        {"F-06", F_06_lists_that_are_none_are_refused, 0, 0},
        {"F-06-long", F_06_more_than_the_type_holds_is_refused, 0, 0},
        {"F-07", F_07_large_file_is_refused_before_it_is_read, 0, 0},
        {"F-07-deep", F_07_deep_text_is_refused, 0, 0},
        {"F-07-rule", F_07_deep_rule_is_refused, 0, 0},
    };

    return attack_rows("attacks: configuration and policy files", rows, ATT_COUNT(rows));
}
