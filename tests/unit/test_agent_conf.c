/* agent.yaml: what is accepted, and every refusal with its place. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "agent/measurer/conf.h"
#include "agent/measurer/pick.h"
#include "crypto/digest.h"

static struct agent_conf *good(const char *text)
{
    struct agent_conf *c = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(agent_conf_parse(&c, "/etc/attestd/agent.yaml", att_slice_str(text), &diag) ==
                      ATT_OK,
                  "%s", diag.text);
    return c;
}

START_TEST(agent_conf_parse__gives_the_strict_value_for_what_is_absent)
{
    struct agent_conf *c = good("{}\n");

    ck_assert_ptr_null(c->verifier);
    ck_assert_str_eq(c->state_dir, AGENT_STATE_DEFAULT);
    ck_assert_uint_eq(c->own_pcr, 13);
    ck_assert_uint_eq(c->ak_handle, 0x81000a11);
    ck_assert(c->uefi_auto && c->ima_auto);
    ck_assert_uint_eq(c->root_count, 0);
    ck_assert_int_eq(c->hash_threads, 2);
    ck_assert_uint_eq(c->evidence_max, 8388608);
    agent_conf_free(c);
}
END_TEST

/* One of the two names the other's usual place; a number is an index in NV, anything else a file. */
START_TEST(agent_conf_parse__finds_the_factorys_keys)
{
    struct agent_conf *none = good("own_pcr: 12\n");
    struct agent_conf *usual = good("iak_handle: 0x81010100\nidevid_certificates: [0x01c90011]\n");
    struct agent_conf *named = good("iak_certificates: [0x01c90019, ca.der, /srv/root.der]\n");

    ck_assert_uint_eq(none->iak.handle, 0);
    ck_assert_uint_eq(none->idevid.handle, 0);
    ck_assert_uint_eq(usual->iak.handle, 0x81010100);
    ck_assert_uint_eq(usual->iak.count, 1);
    ck_assert_uint_eq(usual->iak.cert[0].index, 0x01c90100);
    ck_assert_uint_eq(usual->idevid.handle, 0x81020000);
    ck_assert_uint_eq(usual->idevid.cert[0].index, 0x01c90011);
    ck_assert_uint_eq(named->iak.handle, 0x81020001);
    ck_assert_uint_eq(named->iak.count, 3);
    ck_assert_uint_eq(named->iak.cert[0].index, 0x01c90019);
    ck_assert_str_eq(named->iak.cert[1].path, "/etc/attestd/ca.der");
    ck_assert_str_eq(named->iak.cert[2].path, "/srv/root.der");
    agent_conf_free(none);
    agent_conf_free(usual);
    agent_conf_free(named);
}
END_TEST

START_TEST(agent_conf_parse__reads_everything)
{
    struct agent_conf *c =
        good("verifier: https://v.example:8443\n"
             "verifier_ca: ca.pem\n"
             "proxy: http://p.example:3128\n"
             "state_dir: /var/lib/x/\n"
             "tcti: \"swtpm:path=/run/t\"\n"
             "own_pcr: 12\n"
             "ak_handle: 0x81000001\n"
             "ek_certificates: [ek.der, /srv/ca.der]\n"
             "logs: {uefi: none, ima: /tmp/ima}\n"
             "interval: 5m\n"
             "rescan: 10s\n"
             "rehash: 2h\n"
             "hash_threads: 4\nevidence_max: 1048576\n"
             "measure:\n"
             "  - {file: /boot/vmlinuz}\n"
             "  - {tree: bin, exclude: ['*.tmp', cache]}\n"
             "  - {block: /dev/sda1}\n"
             "  - config: {file: /etc/gw.conf, format: ini, keys: [net.host]}\n");

    ck_assert_str_eq(c->verifier, "https://v.example:8443");
    ck_assert_str_eq(c->verifier_ca, "/etc/attestd/ca.pem");
    ck_assert_str_eq(c->state_dir, "/var/lib/x");
    ck_assert_uint_eq(c->own_pcr, 12);
    ck_assert_uint_eq(c->ak_handle, 0x81000001);
    ck_assert_uint_eq(c->ek_file_count, 2);
    ck_assert_str_eq(c->ek_file[0], "/etc/attestd/ek.der");
    ck_assert_str_eq(c->ek_file[1], "/srv/ca.der");
    ck_assert_ptr_null(c->uefi_log);
    ck_assert_str_eq(c->ima_log, "/tmp/ima");
    ck_assert(!c->ima_auto && !c->uefi_auto);
    ck_assert_int_eq(c->interval_ms, 300000);
    ck_assert_int_eq(c->rescan_ms, 10000);
    ck_assert_int_eq(c->rehash_ms, 7200000);
    ck_assert_uint_eq(c->root_count, 4);
    ck_assert_int_eq(c->root[1].kind, ROOT_TREE);
    ck_assert_str_eq(c->root[1].path, "/etc/attestd/bin");
    ck_assert_uint_eq(c->root[1].word_count, 2);
    ck_assert_int_eq(c->root[3].kind, ROOT_CONFIG);
    ck_assert_int_eq(c->root[3].format, FORMAT_INI);
    ck_assert_str_eq(c->root[3].word[0], "net.host");
    agent_conf_free(c);
}
END_TEST

static const struct {
    const char *text;
    const char *place; /* "line:column" in the message */
} bad[] = {
    {"verifyer: x\n", ":1:1"},
    {"verifier: http://v.example\n", ":1:11"},
    {"iak_handle: 0x01c90100\n", ":1:13"},
    {"iak_handle: 0x82000000\n", ":1:13"},
    {"iak_certificates: 0x01c90100\n", ":1:19"},
    {"iak_certificates: []\n", ":1:19"},
    {"iak_certificates: [0x81020001]\n", ":1:20"},
    {"iak_certificates: [a, b, c, d, e]\n", ":1:19"},
    {"idevid_handle: 0x81020000\n", ":1:16"},
    {"idevid_certificates: [0x01c90000]\n", ":1:22"},
    {"own_pcr: 16\n", ":1:10"},
    {"own_pcr: 7\n", ":1:10"},
    {"own_pcr: 013\n", ":1:10"},
    {"own_pcr: 13\nown_pcr: 13\n", ":2:1"},
    {"ak_handle: 0x80000001\n", ":1:12"},
    {"ak_handle: 12x\n", ":1:12"},
    {"ek_certificates: ek.der\n", ":1:18"},
    {"ek_certificates: [a, b, c, d, e]\n", ":1:18"},
    {"ek_certificates: ['']\n", ":1:19"},
    {"interval: 5\n", ":1:11"},
    {"interval: 500ms\n", ":1:11"},
    {"hash_threads: 0\n", ":1:15"},
    {"hash_threads: 17\n", ":1:15"},
    {"evidence_max: 262143\n", ":1:15"},
    {"evidence_max: 8388609\n", ":1:15"},
    {"logs: {uefi: none, imma: none}\n", ":1:20"},
    {"measure: {file: /x}\n", ":1:10"},
    {"measure:\n  - /x\n", ":2:5"},
    {"measure:\n  - {fiel: /x}\n", ":2:5"},
    {"measure:\n  - {file: /x, exclude: [a]}\n", ":2:16"},
    {"measure:\n  - {file: ''}\n", ":2:12"},
    {"measure:\n  - {tree: /x, exclude: a}\n", ":2:25"},
    {"measure:\n  - {config: /x}\n", ":2:14"},
    {"measure:\n  - {config: {file: /x, keys: [a]}}\n", ":2:14"},
    {"measure:\n  - {config: {file: /x, format: toml, keys: [a]}}\n", ":2:33"},
    {"measure:\n  - {config: {file: /x, format: ini, keys: []}}\n", ":2:14"},
    {"- a\n", ":1:1"},
    {"state_dir: [a]\n", ":1:12"},
    {"specification: plant.spec\n", ":1:1"},
    {"specification_signers: signers\n", ":1:1"},
    {"specification: ''\nspecification_signers: signers\n", ":1:16"},
};

START_TEST(agent_conf_parse__refuses_with_the_place)
{
    struct agent_conf *c = NULL;
    struct att_diag diag = {0};
    enum att_err err = agent_conf_parse(&c, "/etc/agent.yaml", att_slice_str(bad[_i].text), &diag);

    ck_assert_msg(err == ATT_E_CONFIG || err == ATT_E_FORMAT, "%s gave %s", bad[_i].text,
                  att_err_name(err));
    ck_assert_ptr_null(c);
    ck_assert_msg(strstr(diag.text, bad[_i].place) != NULL, "%s not in: %s", bad[_i].place,
                  diag.text);
    ck_assert(diag.reason == ATT_R_CFG_KEY || diag.reason == ATT_R_FMT_YAML);
}
END_TEST

static void picked(const char *text, enum agent_format format, const char *key, const char *value)
{
    uint8_t want[32];
    uint8_t got[32];
    enum pick_result r = PICK_UNREADABLE;

    ck_assert_int_eq(pick_digest(got, &r, att_slice_str(text), format, key), ATT_OK);
    ck_assert_int_eq(r, PICK_FOUND);
    ck_assert_int_eq(att_sha256(att_slice_str(value), want), ATT_OK);
    ck_assert_mem_eq(got, want, 32);
}

static enum pick_result outcome(const char *text, enum agent_format format, const char *key)
{
    uint8_t got[32];
    enum pick_result r = PICK_FOUND;

    ck_assert_int_eq(pick_digest(got, &r, att_slice_str(text), format, key), ATT_OK);
    return r;
}

START_TEST(pick_digest__finds_values_in_ini)
{
    static const char ini[] =
        "top = 1\n[net]\n ; a comment\nhost = a b \r\nhost2=x\n[other]\nhost=z";

    picked(ini, FORMAT_INI, "top", "1");
    picked(ini, FORMAT_INI, "net.host", "a b");
    picked(ini, FORMAT_INI, "other.host", "z");
    ck_assert_int_eq(outcome(ini, FORMAT_INI, "host"), PICK_ABSENT);
    ck_assert_int_eq(outcome(ini, FORMAT_INI, "net"), PICK_ABSENT);
    ck_assert_int_eq(outcome("#top = 1\n", FORMAT_INI, "top"), PICK_ABSENT);
}
END_TEST

START_TEST(pick_digest__joins_a_key_that_stands_twice)
{
    picked("a = 1\na = 2\n", FORMAT_INI, "a", "1\n2");
    picked("Port 22\nPort 2222\n", FORMAT_WORDS, "Port", "22\n2222");
}
END_TEST

START_TEST(pick_digest__finds_values_in_env_and_words)
{
    picked("export A=\"x y\"\nB='z'\n", FORMAT_ENV, "A", "x y");
    picked("export A=\"x y\"\nB='z'\n", FORMAT_ENV, "B", "z");
    picked("A=\n", FORMAT_ENV, "A", "");
    picked("  PermitRootLogin\tno \n", FORMAT_WORDS, "PermitRootLogin", "no");
    ck_assert_int_eq(outcome("#PermitRootLogin no\n", FORMAT_WORDS, "PermitRootLogin"),
                     PICK_ABSENT);
}
END_TEST

START_TEST(pick_digest__walks_yaml)
{
    static const char yaml[] = "a:\n  b: [x, {c: '1'}]\n";

    picked(yaml, FORMAT_YAML, "a.b.0", "x");
    picked(yaml, FORMAT_YAML, "a.b.1.c", "1");
    ck_assert_int_eq(outcome(yaml, FORMAT_YAML, "a.b.2"), PICK_ABSENT);
    ck_assert_int_eq(outcome(yaml, FORMAT_YAML, "a.b"), PICK_UNREADABLE);
    ck_assert_int_eq(outcome("a: &x 1\n", FORMAT_YAML, "a"), PICK_UNREADABLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_conf");
    TCase *tc = tcase_create("agent_conf");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_test(tc, agent_conf_parse__gives_the_strict_value_for_what_is_absent);
    tcase_add_test(tc, agent_conf_parse__reads_everything);
    tcase_add_test(tc, agent_conf_parse__finds_the_factorys_keys);
    tcase_add_loop_test(tc, agent_conf_parse__refuses_with_the_place, 0, ATT_COUNT(bad));
    tcase_add_test(tc, pick_digest__finds_values_in_ini);
    tcase_add_test(tc, pick_digest__joins_a_key_that_stands_twice);
    tcase_add_test(tc, pick_digest__finds_values_in_env_and_words);
    tcase_add_test(tc, pick_digest__walks_yaml);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
