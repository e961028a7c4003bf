/* The scene of tests and benchmarks with a long IMA list. */
#include "agentscene.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/digest.h"
#include "need.h"
#include "policy/refval.h"

#define CONTENT "one"

static const char policy[] =
    "policy: list\n"
    "version: 1\n"
    "own_pcrs: [13]\n"
    "label_ttl: 4h\n"
    "interval: 10m\n"
    "requirements:\n"
    "  - {id: grade, severity: fail, grade_at_least: E2, title: {en: graded, ja: E2}}\n"
    "  - {id: logs, severity: fail, logs: [ima, own], title: {en: both logs, ja: logs}}\n"
    "  - {id: files, severity: fail, own_items: {under: [/], unlisted: fail},\n"
    "     title: {en: known files, ja: files}}\n"
    "  - {id: ima, severity: fail, ima_files: {unlisted: fail}, title: {en: known code, ja: ima}}\n"
    "  - {id: clean, severity: fail, ima_violations: fail, title: {en: no violation, ja: ima}}\n";

static void write_text(const char *path, const char *text)
{
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

static void write_references(const struct agentscene *s)
{
    ATT_CLEANUP(att_refvals_maker_freep) struct att_refvals_maker *m = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    char path[192];

    (void)snprintf(path, sizeof(path), "%s/files/1", s->dir);
    NEED(att_refvals_maker_new(&m) == ATT_OK);
    NEED(att_refvals_maker_add(m, att_slice_str(path), s->known) == ATT_OK);
    NEED(att_refvals_maker_finish(&b, m) == ATT_OK);
    (void)snprintf(path, sizeof(path), "%s/refvals.bin", s->service->dir);
    NEED(att_file_write(path, att_buf_slice(b), 0600, NULL) == ATT_OK);
}

static void write_agent(struct agentscene *s, const char *conf)
{
    char text[2048];
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/files", s->dir);
    NEED(mkdir(path, 0755) == 0);
    (void)snprintf(path, sizeof(path), "%s/files/1", s->dir);
    write_text(path, CONTENT);
    write_text(s->ima, "");
    (void)snprintf(text, sizeof(text),
                   "state_dir: state\ntcti: '%s'\nlogs: {uefi: none, ima: ima.bin}\nrescan: 1s\n"
                   "measure:\n  - {tree: files}\n%s",
                   swtpm_tcti(s->tpm), conf != NULL ? conf : "");
    write_text(s->conf, text);
}

static void trust_the_maker(const struct agentscene *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    char path[192];

    (void)snprintf(path, sizeof(path), "%s/ek.d/swtpm.pem", s->service->dir);
    NEED(att_file_read(&pem, swtpm_ca_file(s->tpm), 65536, NULL) == ATT_OK);
    NEED(att_file_write(path, att_buf_slice(pem), 0600, NULL) == ATT_OK);
}

static void enrol(struct agentscene *s)
{
    char url[64];
    char token[128];
    char path[96];
    const char *args[] = {
        "--config",          s->conf, "enrol", "--verifier",   url,  "--verifier-ca",
        s->service->ca_path, "--id",  "gw-1",  "--token-file", path, NULL};

    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u", (unsigned int)s->service->port);
    (void)snprintf(path, sizeof(path), "%s/token", s->dir);
    service_token(s->service, "gw-1", token);
    write_text(path, token);
    if (service_program(s->out, sizeof(s->out), "attest-agent", args) != 0) {
        fprintf(stderr, "attest-agent enrol: %s\n", s->out);
        NEED(false && "the agent enrols");
    }
}

void agentscene_open(struct agentscene *s, const char *limits, const char *conf)
{
    const struct service_options options = {.policy = policy, .limits = limits};

    memset(s, 0, sizeof(*s));
    (void)signal(SIGPIPE, SIG_IGN);
    NEED(att_sha256(att_slice_str(CONTENT), s->known) == ATT_OK);
    NEED(att_sha256(att_slice_str("other"), s->unknown) == ATT_OK);
    s->tpm = swtpm_new();
    strcpy(s->dir, "/tmp/test-list-XXXXXX");
    NEED(mkdtemp(s->dir) != NULL);
    (void)snprintf(s->conf, sizeof(s->conf), "%s/agent.yaml", s->dir);
    (void)snprintf(s->ima, sizeof(s->ima), "%s/ima.bin", s->dir);
    s->service = service_new(&options);
    write_agent(s, conf);
    write_references(s);
    trust_the_maker(s);
    service_start(s->service);
    enrol(s);
}

void agentscene_close(struct agentscene *s)
{
    char command[96];

    service_free(s->service);
    swtpm_free(s->tpm);
    (void)snprintf(command, sizeof(command), "rm -rf %s", s->dir);
    NEED(system(command) == 0);
}

int agentscene_once(struct agentscene *s)
{
    const char *args[] = {"--config", s->conf, "--json", "once", NULL};

    return service_program(s->out, sizeof(s->out), "attest-agent", args);
}

bool agentscene_said(const struct agentscene *s, const char *text)
{
    return strstr(s->out, text) != NULL;
}

pid_t agentscene_start(const struct agentscene *s)
{
    const char *build = getenv("BUILD");
    char path[512];
    char log[128];
    pid_t pid = 0;

    (void)snprintf(log, sizeof(log), "%s/once.log", s->dir);
    (void)snprintf(path, sizeof(path), "%s/attest-agent", build != NULL ? build : "build/release");
    pid = fork();
    NEED(pid >= 0);
    if (pid == 0) {
        NEED(freopen(log, "w", stdout) != NULL && dup2(1, 2) == 2);
        execl(path, "attest-agent", "--config", s->conf, "--json", "once", NULL);
        _exit(127);
    }
    return pid;
}
