/* attestd.yaml: strict, with the place of each refusal. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/config.h"

#define MINIMAL                                                                                    \
    "verifier_id: v.example\n"                                                                     \
    "state_dir: state\n"                                                                           \
    "tls: {cert: tls.pem, key: /k/tls.key}\n"                                                      \
    "device_ca: {cert: ca.pem, key: \"file:ca.key\"}\n"                                            \
    "label: {chain: label.pem, key: \"pkcs11:object=label\"}\n"                                    \
    "log: {key: \"file:log.key\"}\n"                                                               \
    "policy: policy.yaml\n"

static enum att_err parse(struct config **out, const char *text, struct att_diag *diag)
{
    return config_parse(out, "/etc/a/attestd.yaml", att_slice_str(text), diag);
}

START_TEST(config_parse__takes_strict_defaults)
{
    ATT_CLEANUP(config_freep) struct config *cfg = NULL;

    ck_assert_int_eq(parse(&cfg, MINIMAL, NULL), ATT_OK);
    ck_assert_str_eq(cfg->listen_host, "0.0.0.0");
    ck_assert_uint_eq(cfg->listen_port, 8443);
    ck_assert(!cfg->public_labels && !cfg->insecure_file_key);
    ck_assert(cfg->operator_host == NULL && cfg->admin_socket == NULL);
    ck_assert(cfg->refvals == NULL && cfg->ek_anchors == NULL);
    ck_assert(cfg->iak == CONFIG_IAK_OFF && cfg->iak_anchors == NULL);
    ck_assert_int_eq(cfg->iak_revocation, ATT_CRL_REQUIRED);
    ck_assert_uint_eq(cfg->fronts, 1);
    ck_assert_int_eq(cfg->nonce_ttl_ms, 120000);
    ck_assert_int_eq(cfg->limits.request_deadline_ms, 10000);
    ck_assert_uint_eq(cfg->limits.body, 8388608);
    ck_assert_uint_eq(cfg->limits.log_bytes, 160U << 20);
    ck_assert_uint_eq(cfg->limits.uploads, 256);
    ck_assert_str_eq(cfg->status.uri, "https://v.example");
    ck_assert_int_eq(cfg->status.ttl_ms, 900000);
    ck_assert_int_eq(cfg->status.life_ms, 86400000);
    ck_assert_uint_eq(cfg->status.entries, 1048576);
    ck_assert_str_eq(cfg->evidence.key, "/etc/a/state/evidence.key");
    ck_assert_int_eq(cfg->evidence.keep_ms, 90LL * 86400 * 1000);
    ck_assert_uint_eq(cfg->evidence.per_gateway, 64U << 20);
    ck_assert_uint_eq(cfg->evidence.database, 16ULL << 30);
}
END_TEST

START_TEST(config_parse__anchors_paths_at_its_own_folder)
{
    ATT_CLEANUP(config_freep) struct config *cfg = NULL;
    ATT_CLEANUP(config_freep) struct config *bare = NULL;

    ck_assert_int_eq(parse(&cfg, MINIMAL, NULL), ATT_OK);
    ck_assert_str_eq(cfg->state_dir, "/etc/a/state");
    ck_assert_str_eq(cfg->tls.cert, "/etc/a/tls.pem");
    ck_assert_str_eq(cfg->tls.key, "/k/tls.key");
    ck_assert_str_eq(cfg->device_ca.key, "file:/etc/a/ca.key");
    ck_assert_str_eq(cfg->label_key, "pkcs11:object=label");
    ck_assert_int_eq(config_parse(&bare, "attestd.yaml", att_slice_str(MINIMAL), NULL), ATT_OK);
    ck_assert_str_eq(bare->state_dir, "state");
}
END_TEST

START_TEST(config_parse__reads_everything_it_documents)
{
    static const char text[] = MINIMAL
        "listen: \"[::1]:1\"\noperator: \"127.0.0.1:9464\"\nadmin_socket: admin.sock\n"
        "product: {manufacturer: M, model: N, contact: \"mailto:x@example\"}\n"
        "refvals: refvals.bin\nek_anchors: /t\ninsecure_file_key: true\npublic: true\n"
        "ek_crls: crl.d\nek_deny: deny.txt\nek_revocation: if-present\nek_workarounds: [padding, "
        "ber]\n"
        "tpm_deny: [{manufacturer: IFX, firmware_from: \"4.0\", firmware_below: \"4.34\"},\n"
        "  {firmware_below: \"1.2\", action: warn}]\n"
        "iak: require\niak_anchors: iak.d\niak_crls: /icrl\niak_revocation: if-present\n"
        "fronts: 2\nnonce_ttl: 30s\n"
        "evidence: {key: seal.key, keep: 7d, per_gateway: 1048576, database: 33554432}\n"
        "limits: {request_deadline: 5s, idle: 1m, body: 65536, enrol_body: 32768,\n"
        "  inflight: 1048576, connections: 10, connections_per_peer: 5, sessions: 100,\n"
        "  sessions_per_device: 2, enrolments: 7, appraiser_memory: 268435456,\n"
        "  appraiser_evidences: 3, log_bytes: 1048576, uploads: 4}\n";
    ATT_CLEANUP(config_freep) struct config *cfg = NULL;
    struct att_diag diag = {0};

    ck_assert_msg(parse(&cfg, text, &diag) == ATT_OK, "%s", diag.text);
    ck_assert_str_eq(cfg->listen_host, "::1");
    ck_assert_uint_eq(cfg->listen_port, 1);
    ck_assert_str_eq(cfg->operator_host, "127.0.0.1");
    ck_assert_str_eq(cfg->admin_socket, "/etc/a/admin.sock");
    ck_assert_str_eq(cfg->product.model, "N");
    ck_assert_ptr_null(cfg->product.support_end);
    ck_assert_str_eq(cfg->ek_anchors, "/t");
    ck_assert_str_eq(cfg->ek_crls, "/etc/a/crl.d");
    ck_assert_str_eq(cfg->ek_deny, "/etc/a/deny.txt");
    ck_assert_int_eq(cfg->ek_revocation, ATT_CRL_IF_PRESENT);
    ck_assert_uint_eq(cfg->ek_workarounds, ATT_EK_FIX_PADDING | ATT_EK_FIX_BER);
    ck_assert_int_eq(cfg->iak, CONFIG_IAK_REQUIRE);
    ck_assert_str_eq(cfg->iak_anchors, "/etc/a/iak.d");
    ck_assert_str_eq(cfg->iak_crls, "/icrl");
    ck_assert_int_eq(cfg->iak_revocation, ATT_CRL_IF_PRESENT);
    ck_assert_uint_eq(cfg->tpm_deny_count, 2);
    ck_assert_str_eq(cfg->tpm_deny[0].manufacturer, "IFX");
    ck_assert_uint_eq(cfg->tpm_deny[0].from, 0x40000);
    ck_assert_uint_eq(cfg->tpm_deny[0].below, 0x40022);
    ck_assert(!cfg->tpm_deny[0].warn && cfg->tpm_deny[1].warn);
    ck_assert(cfg->insecure_file_key && cfg->public_labels);
    ck_assert_uint_eq(cfg->fronts, 2);
    ck_assert_int_eq(cfg->nonce_ttl_ms, 30000);
    ck_assert_str_eq(cfg->evidence.key, "/etc/a/seal.key");
    ck_assert_int_eq(cfg->evidence.keep_ms, 7LL * 86400 * 1000);
    ck_assert_uint_eq(cfg->evidence.per_gateway, 1U << 20);
    ck_assert_uint_eq(cfg->evidence.database, 32U << 20);
    ck_assert_int_eq(cfg->limits.idle_ms, 60000);
    ck_assert_uint_eq(cfg->limits.enrolments, 7);
    ck_assert_uint_eq(cfg->limits.appraiser_evidences, 3);
    ck_assert_uint_eq(cfg->limits.log_bytes, 1U << 20);
    ck_assert_uint_eq(cfg->limits.uploads, 4);
}
END_TEST

static const struct {
    const char *text;
    const char *place; /* how the message starts */
} wrong[] = {
    {MINIMAL "surprise: 1\n", "attestd.yaml:8:"},
    {MINIMAL "ek_revocation: required\n", "attestd.yaml:8:"},
    {MINIMAL "ek_crls: c\nek_revocation: perhaps\n", "attestd.yaml:9:"},
    {MINIMAL "ek_workarounds: [anything]\n", "attestd.yaml:8:"},
    {MINIMAL "ek_workarounds: padding\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{}]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [IFX]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{manufacturer: \"\"}]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{manufacturer: \"IF \"}]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{manufacturer: INFINEON}]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{firmware_from: \"4\"}]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{firmware_from: \"04.1\"}]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{firmware_from: \"4.1\", firmware_below: \"4.1\"}]\n", "attestd.yaml:8:"},
    {MINIMAL "tpm_deny: [{manufacturer: IFX, action: ignore}]\n", "attestd.yaml:8:"},
    {MINIMAL "iak: perhaps\niak_anchors: i\n", "attestd.yaml:8:"},
    {MINIMAL "iak: require\n", "attestd.yaml:8:"},   /* by nobody */
    {MINIMAL "iak_anchors: i\n", "attestd.yaml:8:"}, /* for nothing */
    {MINIMAL "iak: off\niak_crls: i\n", "attestd.yaml:9:"},
    {MINIMAL "iak: accept\niak_anchors: i\niak_revocation: required\n", "attestd.yaml:10:"},
    {MINIMAL "iak: accept\niak_anchors: i\niak_crls: c\niak_revocation: never\n",
     "attestd.yaml:11:"},
    {MINIMAL "limits: {bodies: 1}\n", "attestd.yaml:8:"},
    {MINIMAL "tls: {cert: a, key: b}\n", "attestd.yaml:8:"}, /* twice */
    {MINIMAL "listen: 8443\n", "attestd.yaml:8:"},
    {MINIMAL "listen: \"a:b\"\n", "attestd.yaml:8:"},
    {MINIMAL "listen: \"::1:8443\"\n", "attestd.yaml:8:"},
    {MINIMAL "listen: \"127.0.0.1:70000\"\n", "attestd.yaml:8:"},
    {MINIMAL "public: maybe\n", "attestd.yaml:8:"},
    {MINIMAL "public: yes\n", "attestd.yaml:8:"},
    {MINIMAL "fronts: 0\n", "attestd.yaml:8:"},
    {MINIMAL "fronts: 1e1\n", "attestd.yaml:8:"},
    {MINIMAL "nonce_ttl: 30\n", "attestd.yaml:8:"},
    {MINIMAL "limits: {body: 99999999999}\n", "attestd.yaml:8:"},
    {MINIMAL "limits: {log_bytes: 1000}\n", "attestd.yaml:8:"},
    {MINIMAL "limits: {uploads: 0}\n", "attestd.yaml:8:"},
    {MINIMAL "refvals: \"\"\n", "attestd.yaml:8:"},
    {MINIMAL "status: {url: x}\n", "attestd.yaml:8:"},
    {MINIMAL "status: text\n", "attestd.yaml:8:"},
    {MINIMAL "status: {uri: \"https://a b\"}\n", "attestd.yaml:8:"},
    {MINIMAL "status: {ttl: 1s}\n", "attestd.yaml:8:"},
    {MINIMAL "status: {life: 91d}\n", "attestd.yaml:8:"},
    {MINIMAL "status: {ttl: 2h, life: 1h}\n", "attestd.yaml:8:"},
    {MINIMAL "status: {entries: 3}\n", "attestd.yaml:8:"},
    {MINIMAL "status: {entries: 4194305}\n", "attestd.yaml:8:"},
    {MINIMAL "evidence: {keep: 1m}\n", "attestd.yaml:8:"},
    {MINIMAL "evidence: {per_gateway: 0}\n", "attestd.yaml:8:"},
    {MINIMAL "evidence: {forever: true}\n", "attestd.yaml:8:"},
    {MINIMAL "product: text\n", "attestd.yaml:8:"},
    {"verifier_id: v\n", "attestd.yaml:1:"}, /* and nothing else */
    {"- a list\n", "attestd.yaml:1:"},
    {"", "attestd.yaml:"},
};

START_TEST(config_parse__refuses_with_the_place)
{
    ATT_CLEANUP(config_freep) struct config *cfg = NULL;
    struct att_diag diag = {0};
    enum att_err err = parse(&cfg, wrong[_i].text, &diag);

    ck_assert_msg(err == ATT_E_CONFIG || err == ATT_E_FORMAT, "%s: %s", wrong[_i].text,
                  att_err_name(err));
    ck_assert(diag.reason == ATT_R_CFG_KEY || diag.reason == ATT_R_FMT_YAML);
    ck_assert_msg(strncmp(diag.text, wrong[_i].place, strlen(wrong[_i].place)) == 0, "%s",
                  diag.text);
    ck_assert_ptr_null(cfg);
}
END_TEST

START_TEST(config_parse__refuses_a_key_of_no_kind)
{
    ATT_CLEANUP(config_freep) struct config *cfg = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(parse(&cfg,
                           "verifier_id: v\nstate_dir: s\ntls: {cert: a, key: b}\n"
                           "device_ca: {cert: c, key: ca.key}\nlabel: {chain: l, key: \"file:k\"}\n"
                           "policy: p\n",
                           &diag),
                     ATT_E_CONFIG);
    ck_assert_int_eq(diag.reason, ATT_R_CFG_KEY);
    ck_assert_ptr_nonnull(strstr(diag.text, "file:PATH"));
}
END_TEST

START_TEST(config_load__says_that_a_file_is_not_there)
{
    ATT_CLEANUP(config_freep) struct config *cfg = NULL;

    ck_assert_int_eq(config_load(&cfg, "/nonexistent/attestd.yaml", NULL), ATT_E_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tc = tcase_create("config");
    SRunner *runner = NULL;
    int failed = 0;

    tcase_add_test(tc, config_parse__takes_strict_defaults);
    tcase_add_test(tc, config_parse__anchors_paths_at_its_own_folder);
    tcase_add_test(tc, config_parse__reads_everything_it_documents);
    tcase_add_loop_test(tc, config_parse__refuses_with_the_place, 0, (int)ATT_COUNT(wrong));
    tcase_add_test(tc, config_parse__refuses_a_key_of_no_kind);
    tcase_add_test(tc, config_load__says_that_a_file_is_not_there);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
