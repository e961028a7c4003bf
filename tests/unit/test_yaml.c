/* The strict YAML subset: what it reads, and each refusal with its place. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/yaml.h"
#include "need.h"

static const char AGENT[] = "---\n"
                            "# a comment\n"
                            "verifier: https://verifier.example:8443\n"
                            "interval: 10m\n"
                            "pcr: 13\n"
                            "negative: -5\n"
                            "strict: true\n"
                            "quoted: \"true\"\n"
                            "empty: ''\n"
                            "nothing:\n"
                            "title: {en: Boot log, ja: \"起動ログ\"}\n"
                            "text: |\n"
                            "  first\n"
                            "  \tsecond\n"
                            "measure:\n"
                            "  - path: /etc\n"
                            "    kind: tree\n"
                            "  - path: /usr/bin/gatewayd\n"
                            "list: [1, 2, 3]\n"
                            "none: []\n"
                            "...\n";

static struct att_yaml *parse(const char *text)
{
    struct att_yaml *y = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(att_yaml_parse(&y, "t.yaml", att_slice_str(text), &diag) == ATT_OK, "%s",
                  diag.text);
    return y;
}

static const struct att_yaml_node *at(const struct att_yaml *y, const char *key)
{
    const struct att_yaml_node *n = att_yaml_get(att_yaml_root(y), key);

    NEED(n != NULL);
    return n;
}

START_TEST(att_yaml_parse__reads_blocks_flows_and_scalars)
{
    struct att_yaml *y = parse(AGENT);
    const struct att_yaml_node *root = att_yaml_root(y);
    const struct att_yaml_node *measure = at(y, "measure");
    const char *text = NULL;
    int64_t v = 0;
    bool flag = false;

    ck_assert_int_eq(att_yaml_type(root), ATT_YAML_MAP);
    ck_assert_uint_eq(att_yaml_count(root), 13);
    ck_assert_str_eq(att_yaml_key(root, 0), "verifier");
    ck_assert_str_eq(att_yaml_key(root, 12), "none");
    ck_assert_ptr_null(att_yaml_key(root, 13));
    ck_assert_ptr_null(att_yaml_value(root, 13));
    ck_assert_ptr_eq(att_yaml_value(root, 10), measure);
    ck_assert_ptr_null(att_yaml_get(root, "verifie"));
    ck_assert_int_eq(att_yaml_text(at(y, "verifier"), &text, 64, NULL), ATT_OK);
    ck_assert_str_eq(text, "https://verifier.example:8443");
    ck_assert_int_eq(att_yaml_duration_ms(at(y, "interval"), 0, 3600000, &v, NULL), ATT_OK);
    ck_assert_int_eq(v, 600000);
    ck_assert_int_eq(att_yaml_int(at(y, "pcr"), 0, 15, &v, NULL), ATT_OK);
    ck_assert_int_eq(v, 13);
    ck_assert_int_eq(att_yaml_int(at(y, "negative"), -5, 0, &v, NULL), ATT_OK);
    ck_assert_int_eq(v, -5);
    ck_assert_int_eq(att_yaml_bool(at(y, "strict"), &flag, NULL), ATT_OK);
    ck_assert(flag);
    ck_assert_int_eq(att_yaml_text(at(y, "empty"), &text, 0, NULL), ATT_OK);
    ck_assert_str_eq(text, "");
    ck_assert_int_eq(att_yaml_text(att_yaml_get(at(y, "title"), "ja"), &text, 64, NULL), ATT_OK);
    ck_assert_str_eq(text, "起動ログ");
    ck_assert_int_eq(att_yaml_text(at(y, "text"), &text, 64, NULL), ATT_OK);
    ck_assert_str_eq(text, "first\n\tsecond\n");
    ck_assert_int_eq(att_yaml_type(measure), ATT_YAML_LIST);
    ck_assert_uint_eq(att_yaml_count(measure), 2);
    ck_assert_int_eq(
        att_yaml_text(att_yaml_get(att_yaml_item(measure, 1), "path"), &text, 64, NULL), ATT_OK);
    ck_assert_str_eq(text, "/usr/bin/gatewayd");
    ck_assert_ptr_null(att_yaml_item(measure, 2));
    ck_assert_ptr_null(att_yaml_get(measure, "path"));
    ck_assert_ptr_null(att_yaml_item(root, 0));
    ck_assert_ptr_null(att_yaml_key(measure, 0));
    ck_assert_uint_eq(att_yaml_count(at(y, "none")), 0);
    ck_assert_uint_eq(att_yaml_count(at(y, "pcr")), 0);
    ck_assert_int_eq(att_yaml_int(att_yaml_item(at(y, "list"), 2), 0, 9, &v, NULL), ATT_OK);
    ck_assert_int_eq(v, 3);
    att_yaml_freep(&y);
    ck_assert_ptr_null(y);
}
END_TEST

/* Each refusal of the loader, word for word. */
static const struct {
    const char *in;
    enum att_err err;
    const char *text;
} REFUSED[] = {
    {"", ATT_E_FORMAT, "t.yaml:1:1: the document is empty"},
    {"# only a comment\n", ATT_E_FORMAT, "t.yaml:1:1: the document is empty"},
    {"a: &x 1\n", ATT_E_FORMAT, "t.yaml:1:4: anchors are not allowed"},
    {"a: &x [1]\n", ATT_E_FORMAT, "t.yaml:1:4: anchors are not allowed"},
    {"a: &x {b: 1}\n", ATT_E_FORMAT, "t.yaml:1:4: anchors are not allowed"},
    {"&x a: 1\n", ATT_E_FORMAT, "t.yaml:1:1: anchors are not allowed"},
    {"a: *x\n", ATT_E_FORMAT, "t.yaml:1:4: aliases are not allowed"},
    {"a: 1\n<<: *x\n", ATT_E_FORMAT, "t.yaml:2:5: aliases are not allowed"},
    {"a: !!int 1\n", ATT_E_FORMAT, "t.yaml:1:4: tags are not allowed"},
    {"a: ! 1\n", ATT_E_FORMAT, "t.yaml:1:4: tags are not allowed"},
    {"a: !local [1]\n", ATT_E_FORMAT, "t.yaml:1:4: tags are not allowed"},
    {"!!map {a: 1}\n", ATT_E_FORMAT, "t.yaml:1:1: tags are not allowed"},
    {"%YAML 1.1\n---\na: 1\n", ATT_E_FORMAT, "t.yaml:1:1: directives are not allowed"},
    {"%TAG ! tag:x,2026:\n---\na: 1\n", ATT_E_FORMAT, "t.yaml:1:1: directives are not allowed"},
    {"a: 1\n---\nb: 2\n", ATT_E_FORMAT, "t.yaml:2:1: a second document"},
    {"a: 1\n...\nb: 2\n", ATT_E_FORMAT, "t.yaml:3:1: did not find expected <document start>"},
    {"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", ATT_E_FORMAT,
     "t.yaml:5:3: duplicate key: c (first in line 3)"},
    {"a: 1\n\"a\": 2\n", ATT_E_FORMAT, "t.yaml:2:1: duplicate key: a (first in line 1)"},
    {"{a: 1, b: 2, a: 3}\n", ATT_E_FORMAT, "t.yaml:1:14: duplicate key: a (first in line 1)"},
    {"[a, b]: 1\n", ATT_E_FORMAT, "t.yaml:1:1: a key is plain or quoted text"},
    {"? {a: 1}\n: 2\n", ATT_E_FORMAT, "t.yaml:1:3: a key is plain or quoted text"},
    {"? |\n  block\n: 1\n", ATT_E_FORMAT, "t.yaml:1:3: a key is plain or quoted text"},
    {"? >\n  block\n: 1\n", ATT_E_FORMAT, "t.yaml:1:3: a key is plain or quoted text"},
    {": 1\n", ATT_E_FORMAT, "t.yaml:1:1: did not find expected key"},
    {"?\n: 1\n", ATT_E_FORMAT, "t.yaml:1:2: a key is empty"},
    {"'': 1\n", ATT_E_FORMAT, "t.yaml:1:1: a key is empty"},
    {"a: \"\\x1b[31m\"\n", ATT_E_FORMAT, "t.yaml:1:4: control characters are not allowed"},
    {"a: \"\\0\"\n", ATT_E_FORMAT, "t.yaml:1:4: control characters are not allowed"},
    {"a: \"\\x7f\"\n", ATT_E_FORMAT, "t.yaml:1:4: control characters are not allowed"},
    {"a: \"\\u0085\"\n", ATT_E_FORMAT, "t.yaml:1:4: control characters are not allowed"},
    {"\"a\\tb\": 1\n", ATT_E_FORMAT, "t.yaml:1:1: control characters are not allowed"},
    {"\"a\\nb\": 1\n", ATT_E_FORMAT, "t.yaml:1:1: control characters are not allowed"},
    {"a: 1\nb: \x07\n", ATT_E_FORMAT, "t.yaml:2:4: control characters are not allowed"},
    {"水: 1\nb: 水\xff\n", ATT_E_FORMAT, "t.yaml:2:5: invalid leading UTF-8 octet"},
    {"a: \xed\xa0\x80\n", ATT_E_FORMAT, "t.yaml:1:4: invalid Unicode character"},
    {"\xef\xbb\xbf"
     "a: 1\n",
     ATT_E_FORMAT, "t.yaml:1:1: a byte order mark is not allowed"},
    {"\xff\xfe"
     "a",
     ATT_E_FORMAT, "t.yaml:1:1: invalid leading UTF-8 octet"},
    {"a: [1, 2\n", ATT_E_FORMAT, "t.yaml:2:1: did not find expected ',' or ']'"},
    {"a: \"open\n", ATT_E_FORMAT, "t.yaml:2:1: found unexpected end of stream"},
    {"a: 1\n\tb: 2\n", ATT_E_FORMAT, "t.yaml:2:1: found a tab character that violates indentation"},
    {"a: 1\n b: 2\n", ATT_E_FORMAT, "t.yaml:2:3: mapping values are not allowed in this context"},
    {"a: @x\n", ATT_E_FORMAT, "t.yaml:1:4: found character that cannot start any token"},
    {"[[[[[[[[[[[[[1]]]]]]]]]]]]]\n", ATT_E_LIMIT, "t.yaml:1:13: more than 12 levels"},
};

START_TEST(att_yaml_parse__refuses_with_the_place)
{
    struct att_yaml *y = NULL;
    struct att_diag diag = {0};
    enum att_err err = att_yaml_parse(&y, "t.yaml", att_slice_str(REFUSED[_i].in), &diag);

    ck_assert_msg(err == REFUSED[_i].err, "%s: %s", REFUSED[_i].in, att_err_name(err));
    ck_assert_ptr_null(y);
    ck_assert_str_eq(diag.text, REFUSED[_i].text);
    ck_assert_int_eq(diag.err, err);
    ck_assert_int_eq(diag.reason, ATT_R_FMT_YAML);
}
END_TEST

/* A name from outside cannot write on the terminal, and a long one leaves the place readable. */
START_TEST(att_yaml_parse__escapes_and_cuts_names)
{
    struct att_yaml *y = NULL;
    struct att_diag diag = {0};
    char name[300];

    ck_assert_int_eq(att_yaml_parse(&y, "a\x1b[2J.yaml", att_slice_str("a: *x"), &diag),
                     ATT_E_FORMAT);
    ck_assert_str_eq(diag.text, "a\\x1b[2J.yaml:1:4: aliases are not allowed");
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(att_yaml_parse(&y, name, att_slice_str("a: *x"), &diag), ATT_E_FORMAT);
    ck_assert_ptr_nonnull(strstr(diag.text, "...:1:4: aliases are not allowed"));
}
END_TEST

static char *repeat(const char *piece, size_t count, const char *tail)
{
    size_t len = strlen(piece);
    char *text = malloc(len * count + strlen(tail) + 1);

    NEED(text != NULL);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * len, piece, len);
    }
    memcpy(text + len * count, tail, strlen(tail) + 1);
    return text;
}

static void expect_limit(const char *text, const char *want)
{
    struct att_yaml *y = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(att_yaml_parse(&y, "t.yaml", att_slice_str(text), &diag), ATT_E_LIMIT);
    ck_assert_str_eq(diag.text, want);
    ck_assert_ptr_null(y);
}

/* F-07: size, depth and number are bounded before memory is. */
START_TEST(att_yaml_parse__limits_size_depth_and_nodes)
{
    char *big = repeat("#", ATT_YAML_CAP, "");
    char *deep = repeat("- ", 1000, "x");
    char *flow = repeat("{a: ", 1000, "");
    char *many = repeat("- x\n", 20000, "");
    char *most = repeat("- x\n", 19999, "");
    char *twelve = repeat("[", 12, "1]]]]]]]]]]]]");

    expect_limit(many, "t.yaml:20000:3: more than 20000 nodes");
    att_yaml_free(parse(most));
    expect_limit(deep, "t.yaml:1:25: more than 12 levels");
    expect_limit(flow, "t.yaml:1:49: more than 12 levels");
    att_yaml_free(parse(twelve));
    big[0] = 'a';
    big[1] = ':';
    big[2] = ' ';
    att_yaml_free(parse(big));
    free(big);
    big = repeat("#", ATT_YAML_CAP + 1, "");
    expect_limit(big, "t.yaml:1:1: more than 262144 bytes");
    free(big);
    free(deep);
    free(flow);
    free(many);
    free(most);
    free(twelve);
}
END_TEST

enum getter { TEXT, BOOL, INT, DURATION };

static enum att_err get(enum getter g, const struct att_yaml_node *n, struct att_diag *diag)
{
    const char *text = "untouched";
    bool flag = false;
    int64_t v = 0;

    switch (g) {
    case TEXT:
        return att_yaml_text(n, &text, 8, diag);
    case BOOL:
        return att_yaml_bool(n, &flag, diag);
    case INT:
        return att_yaml_int(n, -10, 100, &v, diag);
    default:
        return att_yaml_duration_ms(n, 1000, 86400000, &v, diag);
    }
}

#define NUMBER "expected a decimal whole number, found "
#define SPAN   "expected a number and one of ms, s, m, h, d, found "

/* The traps of looser readers: each scalar that is nearly of the type that is asked for. */
static const struct {
    enum getter g;
    const char *value;
    const char *text; /* NULL: accepted */
} TYPED[] = {
    {TEXT, "plain", NULL},
    {TEXT, "true", NULL},
    {TEXT, "8 bytes!", NULL},
    {TEXT, "\"\"", NULL},
    {TEXT, "", "expected text, found nothing"},
    {TEXT, "[]", "expected text, found a list"},
    {TEXT, "{}", "expected text, found a map"},
    {TEXT, "nine byte", "expected at most 8 bytes of text, found 9"},
    {BOOL, "true", NULL},
    {BOOL, "false", NULL},
    {BOOL, "True", "expected true or false, found True"},
    {BOOL, "yes", "expected true or false, found yes"},
    {BOOL, "on", "expected true or false, found on"},
    {BOOL, "1", "expected true or false, found 1"},
    {BOOL, "maybe", "expected true or false, found maybe"},
    {BOOL, "\"true\"", "expected true or false, found \"true\""},
    {BOOL, "", "expected true or false, found nothing"},
    {BOOL, "[true]", "expected true or false, found a list"},
    {INT, "0", NULL},
    {INT, "100", NULL},
    {INT, "-10", NULL},
    {INT, "101", "expected a number from -10 to 100, found 101"},
    {INT, "-11", "expected a number from -10 to 100, found -11"},
    {INT, "9223372036854775807", "expected a number from -10 to 100, found 9223372036854775807"},
    {INT, "9223372036854775808", NUMBER "9223372036854775808"},
    {INT, "18446744073709551617", NUMBER "18446744073709551617"},
    {INT, "010", NUMBER "010"},
    {INT, "00", NUMBER "00"},
    {INT, "-0", NUMBER "-0"},
    {INT, "-01", NUMBER "-01"},
    {INT, "+1", NUMBER "+1"},
    {INT, "0x1", NUMBER "0x1"},
    {INT, "0o7", NUMBER "0o7"},
    {INT, "1e1", NUMBER "1e1"},
    {INT, "1.0", NUMBER "1.0"},
    {INT, "1_0", NUMBER "1_0"},
    {INT, "1 0", NUMBER "1 0"},
    {INT, "'1'", NUMBER "\"1\""},
    {INT, "{a: 1}", "expected a decimal whole number, found a map"},
    {DURATION, "1s", NULL},
    {DURATION, "1000ms", NULL},
    {DURATION, "24h", NULL},
    {DURATION, "1d", NULL},
    {DURATION, "999ms", "expected 1000ms to 86400000ms, found 999ms"},
    {DURATION, "2d", "expected 1000ms to 86400000ms, found 2d"},
    {DURATION, "9223372036854775807d", SPAN "9223372036854775807d"},
    {DURATION, "10", SPAN "10"},
    {DURATION, "010s", SPAN "010s"},
    {DURATION, "1.5h", SPAN "1.5h"},
    {DURATION, "1h30m", SPAN "1h30m"},
    {DURATION, "-1s", SPAN "-1s"},
    {DURATION, "1 s", SPAN "1 s"},
    {DURATION, "1S", SPAN "1S"},
    {DURATION, "1w", SPAN "1w"},
    {DURATION, "s", SPAN "s"},
    {DURATION, "\"1s\"", SPAN "\"1s\""},
    {DURATION, "", SPAN "nothing"},
};

START_TEST(att_yaml_typed__accepts_one_spelling)
{
    struct att_yaml *y = NULL;
    struct att_diag diag = {0};
    char in[128];
    char want[256];
    enum att_err err = ATT_OK;

    (void)snprintf(in, sizeof(in), "a: 1\nkey: %s\n", TYPED[_i].value);
    y = parse(in);
    err = get(TYPED[_i].g, at(y, "key"), &diag);
    if (TYPED[_i].text == NULL) {
        ck_assert_msg(err == ATT_OK, "%s: %s", TYPED[_i].value, diag.text);
    } else {
        /* an empty value stands right behind its colon */
        (void)snprintf(want, sizeof(want), "t.yaml:2:%d: %s", TYPED[_i].value[0] == '\0' ? 5 : 6,
                       TYPED[_i].text);
        ck_assert_int_eq(err, ATT_E_CONFIG);
        ck_assert_str_eq(diag.text, want);
        ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    }
    att_yaml_free(y);
}
END_TEST

START_TEST(att_yaml_int__reaches_the_ends_of_int64)
{
    struct att_yaml *y = parse("max: 9223372036854775807\nmin: -9223372036854775807\n");
    int64_t v = 0;

    ck_assert_int_eq(att_yaml_int(at(y, "max"), INT64_MIN, INT64_MAX, &v, NULL), ATT_OK);
    ck_assert_int_eq(v, INT64_MAX);
    ck_assert_int_eq(att_yaml_int(at(y, "min"), INT64_MIN, INT64_MAX, &v, NULL), ATT_OK);
    ck_assert_int_eq(v, -INT64_MAX);
    att_yaml_free(y);
}
END_TEST

/* F-02 */
START_TEST(att_yaml_only__names_the_first_unknown_key)
{
    static const char *const KEYS[] = {"pcr", "interval", NULL};
    struct att_yaml *y = parse("m:\n  pcr: 13\n  pcrs: [1]\n  \"x\\u202e\": 1\nl: [1]\n");
    struct att_yaml *good = parse("interval: 1s\n");
    struct att_diag diag = {0};

    ck_assert_int_eq(att_yaml_only(att_yaml_root(good), KEYS, &diag), ATT_OK);
    ck_assert_int_eq(att_yaml_only(at(y, "m"), KEYS, &diag), ATT_E_CONFIG);
    ck_assert_str_eq(diag.text, "t.yaml:3:3: unknown key: pcrs");
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    ck_assert_int_eq(att_yaml_only(at(y, "l"), KEYS, &diag), ATT_E_CONFIG);
    ck_assert_str_eq(diag.text, "t.yaml:5:4: expected a map, found a list");
    att_yaml_free(y);
    att_yaml_free(good);
}
END_TEST

START_TEST(att_yaml_fail__gives_the_place_of_the_node)
{
    struct att_yaml *y = parse("a:\n    - 水: 1\n      b: 2\n");
    const struct att_yaml_node *map = att_yaml_item(at(y, "a"), 0);
    struct att_diag diag = {0};

    ck_assert_int_eq(att_yaml_fail(att_yaml_get(map, "水"), ATT_R_USAGE, &diag, "no %d", 7),
                     ATT_E_CONFIG);
    ck_assert_str_eq(diag.text, "t.yaml:2:10: no 7");
    ck_assert_int_eq(diag.reason, ATT_R_USAGE);
    ck_assert_int_eq(att_yaml_fail(map, ATT_R_USAGE, NULL, "no"), ATT_E_CONFIG);
    att_yaml_free(y);
    att_yaml_free(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("yaml");
    TCase *t = tcase_create("yaml");

    tcase_add_test(t, att_yaml_parse__reads_blocks_flows_and_scalars);
    tcase_add_loop_test(t, att_yaml_parse__refuses_with_the_place, 0, (int)ATT_COUNT(REFUSED));
    tcase_add_test(t, att_yaml_parse__escapes_and_cuts_names);
    tcase_add_test(t, att_yaml_parse__limits_size_depth_and_nodes);
    tcase_add_loop_test(t, att_yaml_typed__accepts_one_spelling, 0, (int)ATT_COUNT(TYPED));
    tcase_add_test(t, att_yaml_int__reaches_the_ends_of_int64);
    tcase_add_test(t, att_yaml_only__names_the_first_unknown_key);
    tcase_add_test(t, att_yaml_fail__gives_the_place_of_the_node);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed = 0;

    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
