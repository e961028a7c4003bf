/*
 * The whole agent against a running verifier and a real software TPM: the programs as they are
 * installed, from the folder that BUILD names.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/measurer/agent.h"
#include "base/file.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "need.h"
#include "policy/refval.h"
#include "service.h"
#include "swtpm.h"

static const char policy[] =
    "policy: agent\n"
    "version: 1\n"
    "own_pcrs: [13]\n"
    "label_ttl: 4h\n"
    "interval: 10m\n"
    "requirements:\n"
    "  - {id: grade, severity: fail, grade_at_least: E2, title: {en: graded, ja: E2}}\n"
    "  - {id: logs, severity: fail, logs: [own], title: {en: own log, ja: own}}\n"
    "  - {id: files, severity: fail, own_items: {under: [/], unlisted: fail},\n"
    "     title: {en: known files, ja: files}}\n";

static struct service *service;
static struct swtpm *tpm;
static char dir[64], conf_path[96], out[65536];

static void write_text(const char *path, const char *text)
{
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

static void write_conf(const char *tcti)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "state_dir: state\ntcti: '%s'\nlogs: {uefi: none, ima: none}\nrescan: 1s\n"
                   "measure:\n  - {tree: files}\n",
                   tcti);
    write_text(conf_path, text);
}

static void put(const char *name, const char *content)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/files/%s", dir, name);
    write_text(path, content);
}

/* References for two files, as an operator would write them. */
static void write_references(void)
{
    static const char *const content[] = {"one", "two"};
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char path[192];

    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (int i = 0; i < 2; i++) {
        uint8_t digest[32];

        (void)snprintf(path, sizeof(path), "%s/files/%d", dir, i + 1);
        NEED(att_sha256(att_slice_str(content[i]), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(path), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&b, m) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/refvals.bin", service->dir);
    NEED(att_file_write(path, att_buf_slice(b), 0600, NULL) == ATT_OK);
}

static void trust_the_maker(void)
{
    char command[512];

    (void)snprintf(command, sizeof(command), "cp %s %s/ek.d/swtpm.pem", swtpm_ca_file(tpm),
                   service->dir);
    NEED(system(command) == 0);
}

static void setup(void)
{
    static const struct service_options options = {.policy = policy};
    char path[96];

    (void)signal(SIGPIPE, SIG_IGN);
    tpm = swtpm_new();
    strcpy(dir, "/tmp/test-agent-XXXXXX");
    NEED(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/files", dir);
    NEED(mkdir(path, 0755) == 0);
    put("1", "one");
    put("2", "two");
    (void)snprintf(conf_path, sizeof(conf_path), "%s/agent.yaml", dir);
    write_conf(swtpm_tcti(tpm));
    service = service_new(&options);
    write_references();
    trust_the_maker();
    service_start(service);
}

static void teardown(void)
{
    char command[96];

    service_free(service);
    swtpm_free(tpm);
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    NEED(system(command) == 0);
}

/* The agent with these words behind --config and --json; its exit code, its object in out. */
static int agent(const char *command, const char *const *more)
{
    const char *args[24] = {"--config", conf_path, "--json", command};
    size_t n = 4;

    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        args[n++] = more[i];
    }
    return service_program(out, sizeof(out), "attest-agent", args);
}

static bool said(const char *text)
{
    return strstr(out, text) != NULL;
}

static int enrol_as(const char *id)
{
    char url[64];
    char token_path[96];
    char token[128];
    const char *more[] = {"--verifier",     url,        "--verifier-ca",
                          service->ca_path, "--id",     id,
                          "--token-file",   token_path, NULL};

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned int)service->port);
    (void)snprintf(token_path, sizeof(token_path), "%s/token", dir);
    service_token(service, id, token);
    write_text(token_path, token);
    return agent("enrol", more);
}

static void enrolled(void)
{
    ck_assert_msg(enrol_as("gw-1") == 0, "%s", out);
}

static void affirmed(void)
{
    int code = agent("once", NULL);

    ck_assert_msg(code == 0, "%d: %s", code, out);
    ck_assert(said("\"verdict\":\"pass\""));
    ck_assert(said("\"status\":\"affirming\""));
    ck_assert(said("\"grade\":\"E2\""));
}

static void refused(int code, const char *reason)
{
    int got = agent("once", NULL);

    ck_assert_msg(got == code && said(reason), "%d: %s", got, out);
    ck_assert(!said("\"verdict\":\"pass\""));
}

START_TEST(agent__earns_a_label_loses_it_and_earns_it_again)
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    struct service_device d;
    char path[128];
    struct stat st;

    enrolled();
    affirmed();
    (void)snprintf(path, sizeof(path), "%s/state/current.label", dir);
    ck_assert_int_eq(stat(path, &st), 0);
    put("2", "changed");
    refused(1, "E_REF_MISMATCH");
    ck_assert_int_eq(att_json_parse(&j, att_slice_str(out), NULL), ATT_OK);
    {
        const json_t *r = json_array_get(json_object_get(j, "reasons"), 0);

        ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(r, "path")), "/files/2"));
        ck_assert_uint_eq(strlen(json_string_value(json_object_get(r, "expected"))), 64);
        ck_assert_uint_eq(strlen(json_string_value(json_object_get(r, "found"))), 64);
        ck_assert_uint_gt(strlen(json_string_value(json_object_get(r, "fix_ja"))), 0);
    }
    put("2", "two");
    put("3", "three");
    refused(1, "E_REF_UNLISTED");
    (void)snprintf(path, sizeof(path), "%s/files/3", dir);
    ck_assert_int_eq(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/files/1", dir);
    ck_assert_int_eq(unlink(path), 0);
    refused(1, "E_REF_ABSENT");
    put("1", "one");
    (void)agent("once", NULL); /* file 3 was measured and is gone: that stays to be judged */
    ck_assert(service_device(&d, service, "gw-1"));
    ck_assert_int_ge(d.labels, 1);
}
END_TEST

START_TEST(agent__measures_nothing_twice)
{
    enrolled();
    affirmed();
    ck_assert(said("\"changes\":2"));
    affirmed();
    ck_assert(said("\"changes\":0"));
}
END_TEST

START_TEST(agent__enrols_once)
{
    enrolled();
    ck_assert_int_eq(enrol_as("gw-2"), 2);
    ck_assert(said("E_ID_REENROL"));
    affirmed();
}
END_TEST

START_TEST(agent__is_refused_without_permission)
{
    char url[64];
    const char *more[] = {"--verifier", url, "--verifier-ca", service->ca_path, "--id",
                          "gw-1",       NULL};

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned int)service->port);
    ck_assert_int_eq(agent("enrol", more), 1);
    ck_assert(said("E_ID_TOKEN"));
    ck_assert_int_eq(agent("once", NULL), 3);
    ck_assert(said("E_ID_UNKNOWN"));
}
END_TEST

static void keep_certificate_outside(void)
{
    char text[1024];

    NEED(swtpm_tool(tpm, "tpm2_startup -c") == 0);
    NEED(swtpm_tool(tpm, "tpm2_nvread -Q -C o 0x01c00016 -o %s/ek.der", dir) == 0);
    NEED(swtpm_tool(tpm, "tpm2_nvundefine -Q -C p 0x01c00016") == 0);
    NEED(swtpm_tool(tpm, "tpm2_nvundefine -Q -C p 0x01c00002") == 0);
    (void)snprintf(text, sizeof(text),
                   "state_dir: state\ntcti: '%s'\nlogs: {uefi: none, ima: none}\nrescan: 1s\n"
                   "ek_certificates: [ek.der]\nmeasure:\n  - {tree: files}\n",
                   swtpm_tcti(tpm));
    write_text(conf_path, text);
}

/* Some makers keep the certificate on a web site: the TPM holds none, and the operator has it in a file. */
START_TEST(agent__enrols_with_a_certificate_from_a_file)
{
    struct service_device d;
    char path[128];

    keep_certificate_outside();
    (void)agent("doctor", NULL);
    ck_assert_msg(said("0 in NV, 1 in files"), "%s", out);
    enrolled();
    ck_assert(service_device(&d, service, "gw-1"));
    ck_assert(d.device.ek_verified);
    affirmed();
    (void)snprintf(path, sizeof(path), "%s/ek.der", dir);
    write_text(path, "-----BEGIN CERTIFICATE-----");
    (void)agent("doctor", NULL);
    ck_assert_msg(said("expected a certificate in DER"), "%s", out);
}
END_TEST

START_TEST(agent__attests_after_a_reboot)
{
    enrolled();
    affirmed();
    swtpm_power_cut(tpm);
    affirmed();
    ck_assert(said("\"changes\":2")); /* a new log, and everything in it */
    swtpm_power_cut(tpm);
    put("2", "changed");
    refused(1, "E_REF_MISMATCH");
}
END_TEST

START_TEST(agent__attests_after_a_resume)
{
    enrolled();
    affirmed();
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_shutdown"), 0);
    swtpm_stop(tpm);
    swtpm_start(tpm);
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_startup"), 0);
    affirmed();
    ck_assert(said("\"changes\":0"));
}
END_TEST

START_TEST(agent__makes_its_key_again_when_it_was_evicted)
{
    enrolled();
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_evictcontrol -C o -c 0x81000a11"), 0);
    affirmed();
}
END_TEST

START_TEST(agent__does_not_run_on_another_tpm)
{
    struct swtpm *other = NULL;

    enrolled();
    affirmed();
    other = swtpm_new_sibling(tpm);
    write_conf(swtpm_tcti(other));
    refused(6, "E_TPM_OTHER");
    swtpm_free(other);
    write_conf(swtpm_tcti(tpm));
    affirmed();
}
END_TEST

START_TEST(agent__says_when_the_tpm_is_gone)
{
    enrolled();
    swtpm_stop(tpm);
    refused(6, "E_TPM_ABSENT");
    swtpm_start(tpm);
    affirmed();
}
END_TEST

START_TEST(agent__says_when_the_verifier_is_gone)
{
    enrolled();
    service_stop(service);
    refused(5, "E_NET_REACH");
    service_start(service);
    affirmed();
}
END_TEST

START_TEST(agent__is_refused_after_it_was_removed)
{
    enrolled();
    affirmed();
    ck_assert_int_eq(service_remove(service, "gw-1"), 200);
    refused(1, "E_ID_UNKNOWN");
}
END_TEST

/* Another verifier behind the same address must get no quote over its own name. */
START_TEST(agent__quotes_for_its_own_verifier_only)
{
    struct agent_ident ident;
    char state[96];

    enrolled();
    (void)snprintf(state, sizeof(state), "%s/state", dir);
    ck_assert_int_eq(state_load(&ident, state, NULL), ATT_OK);
    strcpy(ident.verifier_id, "somebody.else");
    ck_assert_int_eq(state_store(&ident, state, NULL), ATT_OK);
    refused(3, "E_NET_PROTOCOL");
}
END_TEST

START_TEST(agent__refuses_a_strangers_extend)
{
    enrolled();
    affirmed();
    ck_assert_int_eq(swtpm_tool(tpm, "tpm2_pcrextend 13:sha256=%064d", 7), 0);
    refused(1, "E_OWN_FOREIGN");
    swtpm_power_cut(tpm);
    affirmed();
}
END_TEST

/* Two at once wait for each other; both are answered. */
START_TEST(agent__waits_for_another_of_itself)
{
    pid_t child = 0;
    int status = 0;

    enrolled();
    child = fork();
    if (child == 0) {
        _exit(agent("once", NULL));
    }
    affirmed();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* The note of the last answer, as if it had come so many seconds earlier. */
static void age_note(uint32_t seconds)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *note = NULL;
    char path[96];
    uint8_t copy[8192];
    struct att_slice all;
    uint32_t utc = 0;

    (void)snprintf(path, sizeof(path), "%s/state/last-outcome.cbor", dir);
    NEED(att_file_read(&note, path, sizeof(copy), NULL) == ATT_OK);
    all = att_buf_slice(note);
    NEED(all.len > 9 && memcmp(all.p, "\xa3\x00\x01\x01\x1a", 5) == 0);
    memcpy(copy, all.p, all.len);
    for (size_t i = 5; i < 9; i++) {
        utc = utc << 8 | copy[i];
    }
    utc -= seconds;
    for (size_t i = 0; i < 4; i++) {
        copy[5 + i] = (uint8_t)(utc >> (24 - 8 * i));
    }
    NEED(att_file_write(path, att_slice_of(copy, all.len), 0600, NULL) == ATT_OK);
}

/* What was affirming once and was answered no more is not told as affirming now. */
START_TEST(agent__status_does_not_outlive_the_interval)
{
    enrolled();
    affirmed();
    ck_assert_int_eq(agent("status", NULL), 0);
    age_note(3 * 86400);
    ck_assert_int_eq(agent("status", NULL), 3);
    ck_assert(said("E_STALE"));
}
END_TEST

START_TEST(agent__doctor_and_status_speak)
{
    ck_assert_int_eq(agent("doctor", NULL), 0);
    ck_assert(said("\"attest-agent(8) DOCTOR tpm.ek-certificate\",\"status\":\"pass\""));
    enrolled();
    ck_assert_int_eq(agent("status", NULL), 3);
    affirmed();
    ck_assert_int_eq(agent("status", NULL), 0);
    ck_assert_int_eq(agent("doctor", NULL), 0);
    ck_assert(said("DOCTOR verifier\",\"status\":\"pass\""));
    ck_assert(said("DOCTOR tpm.key\",\"status\":\"pass\""));
    service_stop(service);
    ck_assert_int_eq(agent("doctor", NULL), 5);
    ck_assert(said("E_NET_REACH"));
}
END_TEST

START_TEST(agent__refuses_a_command_line_that_it_does_not_know)
{
    static const char *const bad[][4] = {
        {"frob", NULL}, {"once", "twice", NULL}, {"--lang", "fr", "once", NULL}, {NULL}};

    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        ck_assert_int_eq(service_program(out, sizeof(out), "attest-agent", bad[i]), 2);
    }
}
END_TEST

/* The outcome that the verifier keeps; waits at most ten seconds for it. */
static void wait_for_status(enum store_status want)
{
    struct service_device d = {0};

    for (int i = 0; i < 300; i++) {
        if (service_device(&d, service, "gw-1") && d.state.status == want) {
            return;
        }
        (void)usleep(100000);
    }
    ck_abort_msg("the status stayed %d", (int)d.state.status);
}

/* The one child of a process. */
static pid_t child_of(pid_t pid)
{
    char path[64];
    char text[64] = {0};
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
    (void)fclose(f);
    return (pid_t)strtol(text, NULL, 10);
}

START_TEST(agent__run_notices_a_change_by_itself)
{
    char path[512];
    const char *build = getenv("BUILD");
    pid_t pid = 0;
    int status = 0;

    enrolled();
    (void)snprintf(path, sizeof(path), "%s/attest-agent", build != NULL ? build : "build/release");
    pid = fork();
    if (pid == 0) {
        (void)execl(path, path, "--config", conf_path, "run", (char *)NULL);
        _exit(127);
    }
    wait_for_status(STORE_AFFIRMING);
    put("2", "changed");
    wait_for_status(STORE_FAILED);
    ck_assert_int_eq(kill(child_of(pid), SIGKILL), 0); /* the courier: another one takes over */
    put("2", "two");
    wait_for_status(STORE_AFFIRMING);
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent");
    TCase *tc = tcase_create("agent");
    SRunner *runner = NULL;
    int failed = 0;

    if (!swtpm_available()) {
        return 77;
    }
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, agent__earns_a_label_loses_it_and_earns_it_again);
    tcase_add_test(tc, agent__measures_nothing_twice);
    tcase_add_test(tc, agent__enrols_once);
    tcase_add_test(tc, agent__is_refused_without_permission);
    tcase_add_test(tc, agent__enrols_with_a_certificate_from_a_file);
    tcase_add_test(tc, agent__attests_after_a_reboot);
    tcase_add_test(tc, agent__attests_after_a_resume);
    tcase_add_test(tc, agent__makes_its_key_again_when_it_was_evicted);
    tcase_add_test(tc, agent__does_not_run_on_another_tpm);
    tcase_add_test(tc, agent__says_when_the_tpm_is_gone);
    tcase_add_test(tc, agent__says_when_the_verifier_is_gone);
    tcase_add_test(tc, agent__is_refused_after_it_was_removed);
    tcase_add_test(tc, agent__quotes_for_its_own_verifier_only);
    tcase_add_test(tc, agent__refuses_a_strangers_extend);
    tcase_add_test(tc, agent__waits_for_another_of_itself);
    tcase_add_test(tc, agent__doctor_and_status_speak);
    tcase_add_test(tc, agent__status_does_not_outlive_the_interval);
    tcase_add_test(tc, agent__refuses_a_command_line_that_it_does_not_know);
    tcase_add_test(tc, agent__run_notices_a_change_by_itself);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
