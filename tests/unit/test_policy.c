/* Policies from YAML and CBOR, and reference values: what is accepted, and where a refusal points. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/digest.h"
#include "need.h"
#include "policy/policy_internal.h"
#include "policy/refval.h"

#define HEAD "policy: p\nversion: 1\n"
#define ONE                                                                                        \
    "requirements:\n  - id: R-1\n    title: {en: a, ja: b}\n    severity: fail\n    own_items: "   \
    "{under: [\"/etc\"]}\n"

#define RULE HEAD "requirements:\n  - id: R-1\n    title: {en: a, ja: b}\n    severity: fail\n"

/* What is true of a rule without looking at evidence: does it ask for something? */
static const struct {
    const char *rule;
    bool asks;
} ASKS[] = {
    {"logs: [own]", true},
    {"own_items: {under: [/etc]}", true},
    {"boot_order: {verdict: ignore}", false},
    {"ima_kexec: warn", false},
    {"ima_violations: ignore", false},
    {"not: {logs: [own]}", false},
    {"not: {not: {logs: [own]}}", false},
    {"all: [{logs: [own]}]", true},
    {"all: [{not: {logs: [own]}}, {logs: [own]}]", true},
    {"all: [{not: {logs: [own]}}]", false},
    {"any: [{logs: [own]}, {logs: [ima]}]", true},
    {"any: [{logs: [own]}, {not: {logs: [own]}}]", false},
    {"any: [{not: {logs: [own]}}, {logs: [own]}]", false},
    {"any: [{logs: [own]}, {all: [{logs: [ima]}, {not: {logs: [own]}}]}]", true},
    {"any: [{logs: [own]}, {any: [{logs: [ima]}, {not: {logs: [own]}}]}]", false},
};

START_TEST(policy__asks_for_something_or_does_not)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};
    char text[512];

    (void)snprintf(text, sizeof(text),
                   HEAD "requirements:\n  - {id: a, title: {en: a, ja: b}, severity: fail, %s}\n",
                   ASKS[_i].rule);
    ck_assert_msg(att_policy_parse_yaml(&p, "p", att_slice_str(text), &diag) == ATT_OK, "%s",
                  diag.text);
    ck_assert_msg(att_policy_judges(p) == ASKS[_i].asks, "%s", ASKS[_i].rule);
    att_policy_free(p);
}
END_TEST

static const struct {
    const char *text;
    const char *place; /* how the message starts */
    const char *says;  /* what it contains */
} REFUSED[] = {
    {HEAD, "p.yaml:1:1", "missing key: requirements"},
    {HEAD "requirements: []\n", "p.yaml:3:15", "not empty"},
    {HEAD "colour: red\n" ONE, "p.yaml:3:1", "colour"},
    {"policy: p\nversion: 0\n" ONE, "p.yaml:2:10", ""},
    {"policy: p\nversion: 010\n" ONE, "p.yaml:2:10", ""},
    {HEAD "bank: sha1\n" ONE, "p.yaml:3:7", "sha256"},
    {HEAD "bank: sha384\n" ONE
          "  - {id: b, title: {en: a, ja: b}, severity: fail, boot_pcrs: [0]}\n",
     "p.yaml:3:7", "use bank: sha256, or pcr_in"},
    {HEAD "bank: sha512\n" ONE "  - {id: b, title: {en: a, ja: b}, severity: fail, any: [{not: "
          "{boot_pcrs: [0]}}]}\n",
     "p.yaml:3:7", "found sha512"},
    {HEAD "own_pcrs: [16]\n" ONE, "p.yaml:3:12", "reset at runtime"},
    {HEAD "own_pcrs: [23]\n" ONE, "p.yaml:3:12", "reset at runtime"},
    {HEAD "boot_log_pcrs: [0, 0]\n" ONE, "p.yaml:3:20", "twice"},
    {HEAD "boot_log_pcrs: []\n" ONE, "p.yaml:3:16", "not empty"},
    {HEAD "label_ttl: 4\n" ONE, "p.yaml:3:12", ""},
    {HEAD "requirements:\n  - id: R-1\n    title: {en: a}\n    severity: fail\n    logs: [own]\n",
     "p.yaml:5:12", "missing key: ja"},
    {HEAD "requirements:\n  - id: R-1\n    title: {en: a, ja: b}\n    severity: fatal\n    logs: "
          "[own]\n",
     "p.yaml:6:15", "fail, warn"},
    {HEAD "requirements:\n  - id: R-1\n    title: {en: a, ja: b}\n    severity: fail\n",
     "p.yaml:4:5", "exactly one predicate"},
    {HEAD
     "requirements:\n  - id: R-1\n    title: {en: a, ja: b}\n    severity: fail\n    logs: [own]\n"
     "    tpm_firmware: unchanged\n",
     "p.yaml:4:5", "exactly one predicate"},
    {HEAD "requirements:\n  - id: R-1\n    title: {en: a, ja: b}\n    severity: fail\n"
          "    pcr_in: {pcr: 7, values: [\"00ff\"]}\n",
     "p.yaml:7:31", "64 hexadecimal digits"},
    {HEAD "requirements:\n  - id: R-1\n    title: {en: a, ja: b}\n    severity: fail\n"
          "    grade_at_least: E4\n",
     "p.yaml:7:21", "E1, E2, E3"},
    {RULE "    all: []\n", "p.yaml:7:10", "not empty"},
    {RULE "    all: {logs: [own]}\n", "p.yaml:7:10", "not empty"},
    {RULE "    all: [own]\n", "p.yaml:7:11", "expected a predicate"},
    {RULE "    not: [{logs: [own]}]\n", "p.yaml:7:10", "expected a predicate"},
    {RULE "    not: {}\n", "p.yaml:7:10", "exactly one predicate, found 0"},
    {RULE "    all: [{logs: [own], grade_at_least: E1}]\n", "p.yaml:7:11", "found 2"},
    {RULE "    all: [{colour: red}]\n", "p.yaml:7:11", "exactly one predicate"},
    {RULE "    not: {not: {not: {not: {not: {logs: [own]}}}}}\n", "p.yaml:7:34", "at most 4 deep"},
    {RULE "    all: [{own_items: {under: [/etc]}}]\n", "p.yaml:7:23", "stand alone"},
    {RULE "    not: {ima_violations: fail}\n", "p.yaml:7:27", "stand alone"},
    {RULE "    own_items: {under: [/], unlisted: ignore}\n", "p.yaml:7:16", "allow_any: true"},
    {RULE "    own_items: {under: [/etc, //], unlisted: ignore}\n", "p.yaml:7:16", "allow_any"},
    {RULE "    own_items: {under: [/], unlisted: ignore, allow_any: yes}\n", "p.yaml:7:58", ""},
    {RULE "    own_items: {under: []}\n", "p.yaml:7:24", "not empty"},
    {RULE "    own_items: {under: [\"\"]}\n", "p.yaml:7:25", "not empty"},
    {RULE "    sha256_in: {name: /x, values: []}\n", "p.yaml:7:35", "not empty"},
    {RULE "    sha256_in: {name: /x, values: [\"00\"]}\n", "p.yaml:7:36", "64 hexadecimal"},
    {RULE "    sha256_in: {name: \"\", values: [\"00\"]}\n", "p.yaml:7:23", "not empty"},
    {RULE "    sha256_in: {name: /x}\n", "p.yaml:7:16", "missing key: values"},
    {RULE "    event_absent: {logs: [tpm], sha256: [\"00\"]}\n", "p.yaml:7:27", "uefi, ima, own"},
    {RULE "    event_absent: {logs: [], sha256: [\"00\"]}\n", "p.yaml:7:26", "not empty"},
    {RULE "    min_version: {name: /x, at_least: 9, at_most: 8}\n", "p.yaml:7:18", "at_least"},
    {RULE "    min_version: {name: /x, at_least: 0, at_most: 256}\n", "p.yaml:7:18", "255 more"},
    {RULE "    min_version: {name: /x, at_least: -1, at_most: 8}\n", "p.yaml:7:39", ""},
    {RULE "    min_version: {name: /x, at_least: 1}\n", "p.yaml:7:18", "missing key: at_most"},
    {RULE "    boot_order: {}\n", "p.yaml:7:17", "expected verdict or late"},
    {RULE "    max_age_seconds: 0\n", "p.yaml:7:22", ""},
    {RULE "    max_age_seconds: 1h\n", "p.yaml:7:22", ""},
    {RULE "    pcr_equals: {pcr: 16, value: \"00\"}\n", "p.yaml:7:23", "0 to 15"},
    {RULE "    pcr_equals: {pcr: 7, value: \"00\"}\n", "p.yaml:7:33", "64 hexadecimal"},
    {RULE "    pcr_equals: {pcr: 7, values: [\"00\"]}\n", "p.yaml:7:26", "values"},
};

START_TEST(policy__a_refusal_points_at_the_place)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};
    enum att_err err = att_policy_parse_yaml(&p, "p.yaml", att_slice_str(REFUSED[_i].text), &diag);

    ck_assert_int_ne(err, ATT_OK);
    ck_assert_ptr_null(p);
    ck_assert_msg(strncmp(diag.text, REFUSED[_i].place, strlen(REFUSED[_i].place)) == 0,
                  "row %d: expected %s, found \"%s\"", _i, REFUSED[_i].place, diag.text);
    ck_assert_msg(strstr(diag.text, REFUSED[_i].says) != NULL, "row %d: \"%s\"", _i, diag.text);
}
END_TEST

START_TEST(policy__two_requirements_with_one_id_are_refused)
{
    static const char TEXT[] =
        HEAD ONE "  - id: R-1\n    title: {en: a, ja: b}\n    severity: warn\n    logs: [own]\n";
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_policy_parse_yaml(&p, "p", att_slice_str(TEXT), &diag), ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICY);
}
END_TEST

/* What nobody quotes can never hold: the boot log explains what the requirements ask of it, at any depth. */
START_TEST(policy__the_boot_log_explains_what_is_asked_of_it)
{
    static const struct {
        const char *head, *predicate;
        uint32_t mask;
    } asked[] = {
        {"", "boot_pcrs: [0, 9]", 0x2ff},
        {"", "any: [{boot_pcrs: [8]}, {all: [{boot_pcrs: [14]}]}]", 0x41ff},
        {"boot_log_pcrs: [0]\n", "boot_pcrs: [0, 9]", 0x1},
    };

    for (size_t i = 0; i < ATT_COUNT(asked); i++) {
        ATT_CLEANUP(att_policy_freep) struct att_policy *p = NULL;
        char text[512];

        (void)snprintf(
            text, sizeof(text),
            "%s%srequirements:\n  - {id: b, title: {en: a, ja: b}, severity: fail, %s}\n", HEAD,
            asked[i].head, asked[i].predicate);
        ck_assert_int_eq(att_policy_parse_yaml(&p, "p.yaml", att_slice_str(text), NULL), ATT_OK);
        ck_assert_uint_eq(p->boot_mask, asked[i].mask);
    }
}
END_TEST

START_TEST(policy__an_own_log_shares_its_pcr_with_nobody)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(
        att_policy_parse_yaml(&p, "p", att_slice_str(HEAD "own_pcrs: [10]\n" ONE), &diag),
        ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICY);
}
END_TEST

START_TEST(policy__the_compiled_form_is_the_same_policy)
{
    struct att_policy *p = NULL;
    struct att_policy *again = NULL;
    struct att_buf *encoded = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_policy_parse_yaml(&p, "p", att_slice_str(HEAD ONE), &diag), ATT_OK);
    ck_assert_int_eq(p->own_pcr_mask, 1 << 13);
    ck_assert_int_eq(p->interval_s, 600);
    ck_assert_int_eq(att_policy_encode(&encoded, p), ATT_OK);
    ck_assert_int_eq(att_policy_decode(&again, att_buf_slice(encoded), &diag), ATT_OK);
    ck_assert_mem_eq(p->digest, again->digest, 32);
    ck_assert_str_eq(again->requirement[0].name[0], "/etc");
    for (size_t cut = 0; cut < att_buf_len(encoded); cut++) {
        struct att_policy *none = NULL;

        ck_assert_int_ne(
            att_policy_decode(&none, att_slice_of(att_buf_slice(encoded).p, cut), NULL), ATT_OK);
    }
    att_buf_free(encoded);
    att_policy_free(again);
    att_policy_free(p);
}
END_TEST

/* One change each that no text can say: the compiled form is judged by itself. */
static void no_version(struct att_policy *p)
{
    p->version = 0;
}
static void large_version(struct att_policy *p)
{
    p->version = (uint64_t)INT32_MAX + 1;
}
static void no_label_time(struct att_policy *p)
{
    p->label_ttl_s = 0;
}
static void long_label_time(struct att_policy *p)
{
    p->label_ttl_s = ATT_POLICY_SECONDS_MAX + 1;
}
static void no_interval(struct att_policy *p)
{
    p->interval_s = 0;
}
static void no_boot_pcrs(struct att_policy *p)
{
    p->boot_mask = 0;
}
static void one_id(struct att_policy *p)
{
    (void)snprintf(p->requirement[1].id, sizeof(p->requirement[1].id), "%s", p->requirement[0].id);
}
static void no_grade(struct att_policy *p)
{
    p->requirement[0].grade = 0;
}
static void ignored_files(struct att_policy *p)
{
    p->requirement[1].unlisted = ATT_SEVERITY_IGNORE;
}
static void no_age(struct att_policy *p)
{
    p->requirement[2].at_most = 0;
}
static void line_in_a_name(struct att_policy *p)
{
    p->name[0] = '\n';
}
static const struct {
    void (*change)(struct att_policy *p);
    const char *field;
} COMPILED[] = {
    {no_version, "version"},        {large_version, "version"}, {no_label_time, "label_ttl"},
    {long_label_time, "label_ttl"}, {no_interval, "interval"},  {no_boot_pcrs, "boot_log_pcrs"},
    {one_id, "requirements.id"},    {no_grade, "requirements"}, {ignored_files, "requirements"},
    {no_age, "requirements"},       {line_in_a_name, "policy"},
};

START_TEST(policy__the_compiled_form_is_judged_like_its_text)
{
    static const char TEXT[] =
        HEAD "requirements:\n"
             "  - {id: a, title: {en: a, ja: b}, severity: fail, grade_at_least: E1}\n"
             "  - {id: b, title: {en: a, ja: b}, severity: fail, ima_files: {unlisted: fail}}\n"
             "  - {id: c, title: {en: a, ja: b}, severity: fail, max_age_seconds: 5}\n";
    struct att_policy *p = NULL;
    struct att_policy *again = NULL;
    struct att_buf *encoded = NULL;
    struct att_diag diag = {0};

    NEED(att_policy_parse_yaml(&p, "p", att_slice_str(TEXT), &diag) == ATT_OK);
    COMPILED[_i].change(p);
    ck_assert_int_eq(att_policy_encode(&encoded, p), ATT_OK);
    ck_assert_int_ne(att_policy_decode(&again, att_buf_slice(encoded), &diag), ATT_OK);
    ck_assert_ptr_null(again);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICY);
    ck_assert_str_eq(diag.field, COMPILED[_i].field);
    att_buf_free(encoded);
    att_policy_free(p);
}
END_TEST

/* The fenced block of a kind on the page, as it stands there. */
static size_t read_block(const char *fence, char *out, size_t cap)
{
    FILE *f = fopen("docs/formats/policy.md", "r");
    char line[512];
    size_t len = 0;
    bool inside = false;

    ck_assert_msg(f != NULL, "run from the top of the tree");
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            inside = !inside && strcmp(line + 3, fence) == 0;
        } else if (inside) {
            len += (size_t)snprintf(out + len, cap - len, "%s", line);
            ck_assert_uint_lt(len, cap);
        }
    }
    fclose(f);
    return len;
}

START_TEST(policy__the_documented_example_is_what_it_says)
{
    char text[8192];
    char hex[8192];
    uint8_t want[4096];
    size_t len = read_block("yaml\n", text, sizeof(text));
    size_t digits = 0;
    size_t want_len = 0;
    struct att_policy *p = NULL;
    struct att_policy *again = NULL;
    struct att_buf *encoded = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_policy_parse_yaml(&p, "p", att_slice_of(text, len), &diag), ATT_OK);
    len = read_block("hex\n", text, sizeof(text));
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '#') {
            i += strcspn(&text[i], "\n");
        } else if (!isspace((unsigned char)text[i])) {
            hex[digits++] = text[i];
        }
    }
    ck_assert_int_eq(att_hex_decode(want, sizeof(want), &want_len, hex, digits), ATT_OK);
    ck_assert_int_eq(att_policy_encode(&encoded, p), ATT_OK);
    ck_assert(att_slice_eq(att_buf_slice(encoded), att_slice_of(want, want_len)));
    ck_assert_int_eq(att_policy_decode(&again, att_slice_of(want, want_len), &diag), ATT_OK);
    ck_assert_mem_eq(again->digest, p->digest, 32);
    ck_assert_uint_eq(again->leaf_count, 3);
    ck_assert_str_eq(att_hex_encode(hex, sizeof(hex), att_slice_of(p->digest, 32)),
                     "45d502825ae5155b14b07653376de9b0089866c7e37f2a7ed920505656d96e1f");
    att_buf_free(encoded);
    att_policy_free(again);
    att_policy_free(p);
}
END_TEST

/* Whatever byte changes: another policy, or none; never the same digest, and never memory that is not ours. */
START_TEST(policy__a_changed_byte_is_another_policy_or_none)
{
    char text[8192];
    size_t len = read_block("yaml\n", text, sizeof(text));
    uint8_t bytes[4096];
    struct att_policy *p = NULL;
    struct att_buf *encoded = NULL;

    ck_assert_int_eq(att_policy_parse_yaml(&p, "p", att_slice_of(text, len), NULL), ATT_OK);
    ck_assert_int_eq(att_policy_encode(&encoded, p), ATT_OK);
    len = att_buf_len(encoded);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        struct att_policy *other = NULL;
        struct att_diag diag = {0};

        memcpy(bytes, att_buf_slice(encoded).p, len);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (att_policy_decode(&other, att_slice_of(bytes, len), &diag) == ATT_OK) {
            ck_assert_mem_ne(other->digest, p->digest, 32);
        } else {
            ck_assert_int_eq(diag.reason, ATT_R_CFG_POLICY);
            ck_assert_ptr_null(other);
        }
        att_policy_free(other);
    }
    att_buf_free(encoded);
    att_policy_free(p);
}
END_TEST

static void digest_of(uint8_t out[32], size_t i)
{
    NEED(att_sha256(att_slice_of(&i, sizeof(i)), out) == ATT_OK);
}

static bool has_named(const struct att_refvals *r, struct att_slice name, const uint8_t *digest)
{
    struct att_refvals_found found;

    ck_assert_int_eq(att_refvals_look(&found, r, name, digest), ATT_OK);
    return found.same;
}

START_TEST(refvals__find_what_was_added_and_nothing_else)
{
    size_t count = 0;
    struct att_refvals_maker *m = NULL;
    struct att_buf *bytes = NULL;
    struct att_refvals *r = NULL;
    uint8_t found[4][32];
    uint8_t digest[32];
    char name[32];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (size_t i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof(name), "/usr/bin/tool-%zu", i / 2); /* two versions of each */
        digest_of(digest, i);
        ck_assert_int_eq(att_refvals_maker_add(m, att_slice_str(name), digest), ATT_OK);
        ck_assert_int_eq(att_refvals_maker_add(m, att_slice_str(name), digest), ATT_OK);
    }
    ck_assert_int_eq(att_refvals_maker_finish(&bytes, m), ATT_OK);
    ck_assert_int_eq(att_refvals_open(&r, att_buf_slice(bytes), NULL), ATT_OK);
    ck_assert_int_eq(att_refvals_check(r, NULL), ATT_OK);
    ck_assert_uint_eq(att_refvals_count(r), 2000);
    for (size_t i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof(name), "/usr/bin/tool-%zu", i / 2);
        digest_of(digest, i);
        ck_assert(att_refvals_has(r, digest));
        ck_assert(has_named(r, att_slice_str(name), digest));
        ck_assert(!has_named(r, att_slice_str("/usr/bin/other"), digest));
        ck_assert_int_eq(att_refvals_expected(&count, r, att_slice_str(name), found, 4), ATT_OK);
        ck_assert_uint_eq(count, 2);
        digest_of(digest, i + 2000);
        ck_assert(!att_refvals_has(r, digest));
        ck_assert(!has_named(r, att_slice_str(name), digest));
    }
    att_refvals_free(r);
    att_buf_free(bytes);
    att_refvals_maker_free(m);
}
END_TEST

START_TEST(refvals__damage_is_found)
{
    struct att_refvals_maker *m = NULL;
    struct att_buf *bytes = NULL;
    uint8_t copy[4096];
    uint8_t digest[32];
    size_t len = 0;
    struct att_diag diag = {0};

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (size_t i = 0; i < 8; i++) {
        digest_of(digest, i);
        NEED(att_refvals_maker_add(m, att_slice_of(&i, sizeof(i)), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&bytes, m) == ATT_OK);
    len = att_buf_len(bytes);
    NEED(len <= sizeof(copy));
    for (size_t cut = 0; cut < len; cut++) {
        struct att_refvals *r = NULL;

        ck_assert_int_ne(att_refvals_open(&r, att_slice_of(att_buf_slice(bytes).p, cut), &diag),
                         ATT_OK);
        ck_assert_int_eq(diag.reason, ATT_R_FMT_REFVALS);
    }
    for (size_t at = 0; at < len; at++) {
        struct att_refvals *r = NULL;
        enum att_err err = ATT_OK;

        memcpy(copy, att_buf_slice(bytes).p, len);
        copy[at] ^= 0x40;
        err = att_refvals_open(&r, att_slice_of(copy, len), NULL);
        if (err == ATT_OK) {
            err = att_refvals_check(r, NULL);
        }
        ck_assert_msg(err != ATT_OK, "a change of byte %zu is not seen", at);
        if (r != NULL) {
            (void)has_named(r, att_slice_str("x"), copy); /* stays inside the file */
        }
        att_refvals_free(r);
    }
    att_buf_free(bytes);
    att_refvals_maker_free(m);
}
END_TEST

/* Damage with a digest that fits it: order and bounds are looked at as well. */
START_TEST(refvals__a_file_that_is_wrong_in_itself_is_found)
{
    static const char *const FIELDS[] = {"entries", "index", "buckets"};
    enum { DIGEST = 16, BODY = 48, DIGESTS = 1072, ONE_DIGEST = 31 };
    struct att_refvals_maker *m = NULL;
    struct att_buf *bytes = NULL;
    struct att_refvals *r = NULL;
    uint8_t copy[4096];
    uint8_t one[ONE_DIGEST];
    uint8_t digest[32] = {7}; /* all begin with one byte, so that they have an order */
    size_t len = 0;
    struct att_diag diag = {0};

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (uint8_t i = 0; i < 8; i++) {
        digest[1] = i;
        NEED(att_refvals_maker_add(m, att_slice_of(&i, sizeof(i)), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&bytes, m) == ATT_OK);
    len = att_buf_len(bytes);
    NEED(len <= sizeof(copy));
    memcpy(copy, att_buf_slice(bytes).p, len);
    switch (_i) {
    case 0: /* two digests change places */
        memcpy(one, copy + DIGESTS, sizeof(one));
        memcpy(copy + DIGESTS, copy + DIGESTS + ONE_DIGEST, sizeof(one));
        memcpy(copy + DIGESTS + ONE_DIGEST, one, sizeof(one));
        break;
    case 1: /* the last place of the index points behind the end */
        memset(copy + len - 8, 0xff, 8);
        break;
    case 2: /* a bucket ends before the one before it */
        copy[BODY + 4L * 100] = 1;
        break;
    default: /* nothing: the frame of this test is right */
        break;
    }
    NEED(att_sha256(att_slice_of(copy + BODY, len - BODY), copy + DIGEST) == ATT_OK);
    ck_assert_int_eq(att_refvals_open(&r, att_slice_of(copy, len), &diag), ATT_OK);
    ck_assert_int_eq(att_refvals_check(r, &diag), _i < 3 ? ATT_E_FORMAT : ATT_OK);
    if (_i < 3) {
        ck_assert_str_eq(diag.field, FIELDS[_i]);
    }
    att_refvals_free(r);
    att_buf_free(bytes);
    att_refvals_maker_free(m);
}
END_TEST

START_TEST(refvals__an_empty_file_lists_nothing)
{
    size_t count = 1;
    struct att_refvals_maker *m = NULL;
    struct att_buf *bytes = NULL;
    struct att_refvals *r = NULL;
    uint8_t digest[32] = {0};

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    ck_assert_int_eq(att_refvals_maker_finish(&bytes, m), ATT_OK);
    ck_assert_int_eq(att_refvals_open(&r, att_buf_slice(bytes), NULL), ATT_OK);
    ck_assert(!att_refvals_has(r, digest));
    ck_assert_int_eq(att_refvals_expected(&count, r, att_slice_str("/"), NULL, 0), ATT_OK);
    ck_assert_uint_eq(count, 0);
    att_refvals_free(r);
    att_buf_free(bytes);
    att_refvals_maker_free(m);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("policy");
    Suite *suite = suite_create("policy");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_loop_test(tc, policy__asks_for_something_or_does_not, 0, (int)ATT_COUNT(ASKS));
    tcase_add_loop_test(tc, policy__a_refusal_points_at_the_place, 0,
                        (int)(sizeof(REFUSED) / sizeof(REFUSED[0])));
    tcase_add_test(tc, policy__two_requirements_with_one_id_are_refused);
    tcase_add_test(tc, policy__the_boot_log_explains_what_is_asked_of_it);
    tcase_add_test(tc, policy__an_own_log_shares_its_pcr_with_nobody);
    tcase_add_test(tc, policy__the_compiled_form_is_the_same_policy);
    tcase_add_loop_test(tc, policy__the_compiled_form_is_judged_like_its_text, 0,
                        (int)(sizeof(COMPILED) / sizeof(COMPILED[0])));
    tcase_add_test(tc, policy__the_documented_example_is_what_it_says);
    tcase_add_test(tc, policy__a_changed_byte_is_another_policy_or_none);
    tcase_add_test(tc, refvals__find_what_was_added_and_nothing_else);
    tcase_add_test(tc, refvals__damage_is_found);
    tcase_add_loop_test(tc, refvals__a_file_that_is_wrong_in_itself_is_found, 0, 4);
    tcase_add_test(tc, refvals__an_empty_file_lists_nothing);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
