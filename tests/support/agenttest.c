#include "agenttest.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "need.h"
#include "policy/refval.h"

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

struct service *agenttest_service;
struct swtpm *agenttest_tpm;
char agenttest_dir[64], agenttest_conf[96], agenttest_out[65536];

void agenttest_write(const char *path, const char *text)
{
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

void agenttest_configure(const char *tcti)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "state_dir: state\ntcti: '%s'\nlogs: {uefi: none, ima: none}\nrescan: 1s\n"
                   "measure:\n  - {tree: files}\n",
                   tcti);
    agenttest_write(agenttest_conf, text);
}

void agenttest_put(const char *name, const char *content)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/files/%s", agenttest_dir, name);
    agenttest_write(path, content);
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

        (void)snprintf(path, sizeof(path), "%s/files/%d", agenttest_dir, i + 1);
        NEED(att_sha256(att_slice_str(content[i]), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(path), digest) == ATT_OK);
    }
    NEED(att_refvals_maker_finish(&b, m) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/refvals.bin", agenttest_service->dir);
    NEED(att_file_write(path, att_buf_slice(b), 0600, NULL) == ATT_OK);
}

static void trust_the_maker(void)
{
    char command[512];

    (void)snprintf(command, sizeof(command), "cp %s %s/ek.d/swtpm.pem",
                   swtpm_ca_file(agenttest_tpm), agenttest_service->dir);
    NEED(system(command) == 0);
}

void agenttest_setup(void)
{
    static const struct service_options options = {.policy = policy};
    char path[96];

    (void)signal(SIGPIPE, SIG_IGN);
    agenttest_tpm = swtpm_new();
    strcpy(agenttest_dir, "/tmp/test-agent-XXXXXX");
    NEED(mkdtemp(agenttest_dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/files", agenttest_dir);
    NEED(mkdir(path, 0755) == 0);
    agenttest_put("1", "one");
    agenttest_put("2", "two");
    (void)snprintf(agenttest_conf, sizeof(agenttest_conf), "%s/agent.yaml", agenttest_dir);
    agenttest_configure(swtpm_tcti(agenttest_tpm));
    agenttest_service = service_new(&options);
    write_references();
    trust_the_maker();
    service_start(agenttest_service);
}

void agenttest_teardown(void)
{
    char command[96];

    service_free(agenttest_service);
    swtpm_free(agenttest_tpm);
    (void)snprintf(command, sizeof(command), "rm -rf %s", agenttest_dir);
    NEED(system(command) == 0);
}

/* The agent with these words behind --config and --json; its exit code, its object in agenttest_out. */
int agenttest_run(const char *command, const char *const *more)
{
    const char *args[24] = {"--config", agenttest_conf, "--json", command};
    size_t n = 4;

    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        args[n++] = more[i];
    }
    return service_program(agenttest_out, sizeof(agenttest_out), "attest-agent", args);
}

bool agenttest_said(const char *text)
{
    return strstr(agenttest_out, text) != NULL;
}

int agenttest_enrol_as(const char *id)
{
    char url[64];
    char token_path[96];
    char token[128];
    const char *more[] = {"--verifier", url, "--verifier-ca", agenttest_service->ca_path,
                          "--id",       id,  "--token-file",  token_path,
                          NULL};

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned int)agenttest_service->port);
    (void)snprintf(token_path, sizeof(token_path), "%s/token", agenttest_dir);
    service_token(agenttest_service, id, token);
    agenttest_write(token_path, token);
    return agenttest_run("enrol", more);
}

void agenttest_enrolled(void)
{
    ck_assert_msg(agenttest_enrol_as("gw-1") == 0, "%s", agenttest_out);
}

void agenttest_affirmed(void)
{
    int code = agenttest_run("once", NULL);

    ck_assert_msg(code == 0, "%d: %s", code, agenttest_out);
    ck_assert(agenttest_said("\"verdict\":\"pass\""));
    ck_assert(agenttest_said("\"status\":\"affirming\""));
    ck_assert(agenttest_said("\"grade\":\"E2\""));
}

void agenttest_refused(int code, const char *reason)
{
    int got = agenttest_run("once", NULL);

    ck_assert_msg(got == code && agenttest_said(reason), "%d: %s", got, agenttest_out);
    ck_assert(!agenttest_said("\"verdict\":\"pass\""));
}
