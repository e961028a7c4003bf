/* The agent's commands against a running verifier: labels won and lost, and what each failure is told as. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/measurer/state.h"
#include "agenttest.h"
#include "base/file.h"
#include "codec/json.h"
#include "need.h"

START_TEST(agent__earns_a_label_loses_it_and_earns_it_again)
{
    ATT_CLEANUP(att_json_freep) json_t *j = NULL;
    struct service_device d;
    char path[128];
    struct stat st;

    agenttest_enrolled();
    agenttest_affirmed();
    (void)snprintf(path, sizeof(path), "%s/state/current.label", agenttest_dir);
    ck_assert_int_eq(stat(path, &st), 0);
    agenttest_put("2", "changed");
    agenttest_refused(1, "E_REF_MISMATCH");
    ck_assert_int_eq(att_json_parse(&j, att_slice_str(agenttest_out), NULL), ATT_OK);
    {
        const json_t *r = json_array_get(json_object_get(j, "reasons"), 0);

        ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(r, "path")), "/files/2"));
        ck_assert_uint_eq(strlen(json_string_value(json_object_get(r, "expected"))), 64);
        ck_assert_uint_eq(strlen(json_string_value(json_object_get(r, "found"))), 64);
        ck_assert_uint_gt(strlen(json_string_value(json_object_get(r, "fix_ja"))), 0);
    }
    agenttest_put("2", "two");
    agenttest_put("3", "three");
    agenttest_refused(1, "E_REF_UNLISTED");
    (void)snprintf(path, sizeof(path), "%s/files/3", agenttest_dir);
    ck_assert_int_eq(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/files/1", agenttest_dir);
    ck_assert_int_eq(unlink(path), 0);
    agenttest_refused(1, "E_REF_ABSENT");
    agenttest_put("1", "one");
    /* file 3 was measured and is gone: that stays to be judged */
    (void)agenttest_run("once", NULL);
    ck_assert(service_device(&d, agenttest_service, "gw-1"));
    ck_assert_int_ge(d.labels, 1);
}
END_TEST

START_TEST(agent__measures_nothing_twice)
{
    agenttest_enrolled();
    agenttest_affirmed();
    ck_assert(agenttest_said("\"changes\":2"));
    agenttest_affirmed();
    ck_assert(agenttest_said("\"changes\":0"));
}
END_TEST

START_TEST(agent__enrols_once)
{
    agenttest_enrolled();
    ck_assert_int_eq(agenttest_enrol_as("gw-2"), 2);
    ck_assert(agenttest_said("E_ID_REENROL"));
    agenttest_affirmed();
}
END_TEST

START_TEST(agent__is_refused_without_permission)
{
    char url[64];
    const char *more[] = {"--verifier", url, "--verifier-ca", agenttest_service->ca_path, "--id",
                          "gw-1",       NULL};

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned int)agenttest_service->port);
    ck_assert_int_eq(agenttest_run("enrol", more), 1);
    ck_assert(agenttest_said("E_ID_TOKEN"));
    ck_assert_int_eq(agenttest_run("once", NULL), 3);
    ck_assert(agenttest_said("E_ID_UNKNOWN"));
}
END_TEST

/* A port that does not speak TLS, such as the one for the operator. */
START_TEST(agent__says_that_a_port_speaks_no_tls)
{
    char url[64];
    const char *more[] = {"--verifier", url, "--verifier-ca", agenttest_service->ca_path, "--id",
                          "gw-1",       NULL};

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u",
                   (unsigned int)agenttest_service->operator_port);
    ck_assert_int_eq(agenttest_run("enrol", more), 5);
    ck_assert_msg(agenttest_said("expected TLS, found something else at this port"), "%s",
                  agenttest_out);
}
END_TEST

/* One mistake of whoever installs it: which exit, and what the answer names. */
START_TEST(agent__names_the_mistake_of_an_installer)
{
    static const struct {
        const char *id, *token,
            *ca; /* file names below the test's folder; ca NULL: the service's */
        int code;
        const char *says;
    } ROWS[] = {
        {"bad name!", "good", NULL, 2, "E_FMT_ID"},
        {"", "good", NULL, 2, "E_FMT_ID"},
        {"gw-1", "none", NULL, 3, "/none"},
        {"gw-1", "", NULL, 3, "is not a regular file"},
        {"gw-1", "empty", NULL, 2, "/empty: expected the line that attestctl device allow printed"},
        {"gw-1", "long", NULL, 3, "/long: at most 256 bytes"},
        {"gw-1", "more", NULL, 2, "/more: expected certificates in PEM behind the token's line"},
        {"gw-1", "good", "empty", 4, "/empty"},
        {"gw-1", "good", "long", 4, "expected certificates in PEM"},
        {"gw-1", "good", "none", 3, "/none"},
    };
    char url[64], token[128], ca[128], text[400] = {0};
    const char *more[] = {
        "--verifier", url, "--verifier-ca", ca, "--id", ROWS[_i].id, "--token-file", token, NULL};

    memset(text, 'x', 300);
    (void)snprintf(ca, sizeof(ca), "%s/long", agenttest_dir);
    agenttest_write(ca, text);
    (void)snprintf(ca, sizeof(ca), "%s/empty", agenttest_dir);
    agenttest_write(ca, "\n");
    (void)snprintf(token, sizeof(token), "%s/more", agenttest_dir);
    agenttest_write(token, "some-token\n\n# a note\n");
    (void)snprintf(token, sizeof(token), "%s/good", agenttest_dir);
    agenttest_write(token, "some-token\n");
    (void)snprintf(token, sizeof(token), "%s/%s", agenttest_dir, ROWS[_i].token);
    (void)snprintf(ca, sizeof(ca), "%s/%s", agenttest_dir, ROWS[_i].ca == NULL ? "" : ROWS[_i].ca);
    if (ROWS[_i].ca == NULL) {
        (void)snprintf(ca, sizeof(ca), "%s", agenttest_service->ca_path);
    }
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned int)agenttest_service->port);
    ck_assert_int_eq(agenttest_run("enrol", more), ROWS[_i].code);
    ck_assert_msg(agenttest_said(ROWS[_i].says), "%s", agenttest_out);
}
END_TEST

static void keep_certificate_outside(void)
{
    char text[1024];

    NEED(swtpm_tool(agenttest_tpm, "tpm2_startup -c") == 0);
    NEED(swtpm_tool(agenttest_tpm, "tpm2_nvread -Q -C o 0x01c00016 -o %s/ek.der", agenttest_dir) ==
         0);
    NEED(swtpm_tool(agenttest_tpm, "tpm2_nvundefine -Q -C p 0x01c00016") == 0);
    NEED(swtpm_tool(agenttest_tpm, "tpm2_nvundefine -Q -C p 0x01c00002") == 0);
    (void)snprintf(text, sizeof(text),
                   "state_dir: state\ntcti: '%s'\nlogs: {uefi: none, ima: none}\nrescan: 1s\n"
                   "ek_certificates: [ek.der]\nmeasure:\n  - {tree: files}\n",
                   swtpm_tcti(agenttest_tpm));
    agenttest_write(agenttest_conf, text);
}

/* Some makers keep the certificate on a web site: the TPM holds none, and the operator has it in a file. */
START_TEST(agent__enrols_with_a_certificate_from_a_file)
{
    struct service_device d;
    char path[128];

    keep_certificate_outside();
    (void)agenttest_run("doctor", NULL);
    ck_assert_msg(agenttest_said("0 in NV, 1 in files"), "%s", agenttest_out);
    agenttest_enrolled();
    ck_assert(service_device(&d, agenttest_service, "gw-1"));
    ck_assert(d.device.ek_verified);
    agenttest_affirmed();
    (void)snprintf(path, sizeof(path), "%s/ek.der", agenttest_dir);
    agenttest_write(path, "-----BEGIN CERTIFICATE-----");
    (void)agenttest_run("doctor", NULL);
    ck_assert_msg(agenttest_said("expected a certificate in DER"), "%s", agenttest_out);
}
END_TEST

START_TEST(agent__attests_after_a_reboot)
{
    agenttest_enrolled();
    agenttest_affirmed();
    swtpm_power_cut(agenttest_tpm);
    agenttest_affirmed();
    ck_assert(agenttest_said("\"changes\":2")); /* a new log, and everything in it */
    swtpm_power_cut(agenttest_tpm);
    agenttest_put("2", "changed");
    agenttest_refused(1, "E_REF_MISMATCH");
}
END_TEST

START_TEST(agent__attests_after_a_resume)
{
    agenttest_enrolled();
    agenttest_affirmed();
    ck_assert_int_eq(swtpm_tool(agenttest_tpm, "tpm2_shutdown"), 0);
    swtpm_stop(agenttest_tpm);
    swtpm_start(agenttest_tpm);
    ck_assert_int_eq(swtpm_tool(agenttest_tpm, "tpm2_startup"), 0);
    agenttest_affirmed();
    ck_assert(agenttest_said("\"changes\":0"));
}
END_TEST

START_TEST(agent__makes_its_key_again_when_it_was_evicted)
{
    agenttest_enrolled();
    ck_assert_int_eq(swtpm_tool(agenttest_tpm, "tpm2_evictcontrol -C o -c 0x81000a11"), 0);
    agenttest_affirmed();
}
END_TEST

START_TEST(agent__does_not_run_on_another_tpm)
{
    struct swtpm *other = NULL;

    agenttest_enrolled();
    agenttest_affirmed();
    other = swtpm_new_sibling(agenttest_tpm);
    agenttest_configure(swtpm_tcti(other));
    agenttest_refused(6, "E_TPM_OTHER");
    swtpm_free(other);
    agenttest_configure(swtpm_tcti(agenttest_tpm));
    agenttest_affirmed();
}
END_TEST

START_TEST(agent__says_when_the_tpm_is_gone)
{
    agenttest_enrolled();
    swtpm_stop(agenttest_tpm);
    agenttest_refused(6, "E_TPM_ABSENT");
    swtpm_start(agenttest_tpm);
    agenttest_affirmed();
}
END_TEST

START_TEST(agent__says_when_the_verifier_is_gone)
{
    agenttest_enrolled();
    service_stop(agenttest_service);
    agenttest_refused(5, "E_NET_REACH");
    service_start(agenttest_service);
    agenttest_affirmed();
}
END_TEST

START_TEST(agent__is_refused_after_it_was_removed)
{
    agenttest_enrolled();
    agenttest_affirmed();
    ck_assert_int_eq(service_remove(agenttest_service, "gw-1"), 200);
    agenttest_refused(1, "E_ID_UNKNOWN");
}
END_TEST

/* Another verifier behind the same address must get no quote over its own name. */
START_TEST(agent__quotes_for_its_own_verifier_only)
{
    struct agent_ident ident;
    char state[96];

    agenttest_enrolled();
    (void)snprintf(state, sizeof(state), "%s/state", agenttest_dir);
    ck_assert_int_eq(state_load(&ident, state, NULL), ATT_OK);
    strcpy(ident.verifier_id, "somebody.else");
    ck_assert_int_eq(state_store(&ident, state, NULL), ATT_OK);
    agenttest_refused(3, "E_NET_PROTOCOL");
    (void)snprintf(state, sizeof(state), "%s/state/data-key.cbor", agenttest_dir);
    ck_assert_int_ne(access(state, F_OK), 0); /* nor does a data key follow its word */
}
END_TEST

START_TEST(agent__refuses_a_strangers_extend)
{
    agenttest_enrolled();
    agenttest_affirmed();
    ck_assert_int_eq(swtpm_tool(agenttest_tpm, "tpm2_pcrextend 13:sha256=%064d", 7), 0);
    agenttest_refused(1, "E_OWN_FOREIGN");
    swtpm_power_cut(agenttest_tpm);
    agenttest_affirmed();
}
END_TEST

/* Two at once wait for each other; both are answered. */
START_TEST(agent__waits_for_another_of_itself)
{
    pid_t child = 0;
    int status = 0;

    agenttest_enrolled();
    child = fork();
    if (child == 0) {
        _exit(agenttest_run("once", NULL));
    }
    agenttest_affirmed();
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

    (void)snprintf(path, sizeof(path), "%s/state/last-outcome.cbor", agenttest_dir);
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
    agenttest_enrolled();
    agenttest_affirmed();
    ck_assert_int_eq(agenttest_run("status", NULL), 0);
    age_note(3 * 86400);
    ck_assert_int_eq(agenttest_run("status", NULL), 3);
    ck_assert(agenttest_said("E_STALE"));
}
END_TEST

START_TEST(agent__doctor_and_status_speak)
{
    ck_assert_int_eq(agenttest_run("doctor", NULL), 0);
    ck_assert(agenttest_said("\"attest-agent(8) DOCTOR tpm.ek-certificate\",\"status\":\"pass\""));
    agenttest_enrolled();
    ck_assert_int_eq(agenttest_run("status", NULL), 3);
    agenttest_affirmed();
    ck_assert_int_eq(agenttest_run("status", NULL), 0);
    ck_assert_int_eq(agenttest_run("doctor", NULL), 0);
    ck_assert(agenttest_said("DOCTOR verifier\",\"status\":\"pass\""));
    ck_assert(agenttest_said("DOCTOR tpm.key\",\"status\":\"pass\""));
    service_stop(agenttest_service);
    ck_assert_int_eq(agenttest_run("doctor", NULL), 5);
    ck_assert(agenttest_said("E_NET_REACH"));
}
END_TEST

START_TEST(agent__refuses_a_command_line_that_it_does_not_know)
{
    static const char *const bad[][4] = {
        {"frob", NULL}, {"once", "twice", NULL}, {"--lang", "fr", "once", NULL}, {NULL}};

    for (size_t i = 0; i < ATT_COUNT(bad); i++) {
        ck_assert_int_eq(
            service_program(agenttest_out, sizeof(agenttest_out), "attest-agent", bad[i]), 2);
    }
}
END_TEST

/* The outcome that the verifier keeps; waits at most ten seconds for it. */
static void wait_for_status(enum store_status want)
{
    struct service_device d = {0};

    for (int i = 0; i < 300; i++) {
        if (service_device(&d, agenttest_service, "gw-1") && d.state.status == want) {
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

    agenttest_enrolled();
    (void)snprintf(path, sizeof(path), "%s/attest-agent", build != NULL ? build : "build/release");
    pid = fork();
    if (pid == 0) {
        (void)execl(path, path, "--config", agenttest_conf, "run", (char *)NULL);
        _exit(127);
    }
    wait_for_status(STORE_AFFIRMING);
    agenttest_put("2", "changed");
    wait_for_status(STORE_FAILED);
    ck_assert_int_eq(kill(child_of(pid), SIGKILL), 0); /* the courier: another one takes over */
    agenttest_put("2", "two");
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
    tcase_add_checked_fixture(tc, agenttest_setup, agenttest_teardown);
    tcase_add_test(tc, agent__earns_a_label_loses_it_and_earns_it_again);
    tcase_add_test(tc, agent__measures_nothing_twice);
    tcase_add_test(tc, agent__enrols_once);
    tcase_add_test(tc, agent__is_refused_without_permission);
    tcase_add_test(tc, agent__says_that_a_port_speaks_no_tls);
    tcase_add_loop_test(tc, agent__names_the_mistake_of_an_installer, 0, 9);
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
