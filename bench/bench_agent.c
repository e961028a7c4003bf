/*
 * The agent at rest: a real software TPM, the real service, one attestation, and then what the two
 * processes of the agent keep. And its day: a window in which timers turn sixty times as fast.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "harness.h"
#include "need.h"
#include "service.h"
#include "swtpm.h"

#define FIRST_LABEL_S 60.0
#define REST_S        3.0 /* after the label: what was needed for it alone is given back by then */
#define MIB           1048576.0

static const char policy[] =
    "policy: rest\n"
    "version: 1\n"
    "requirements:\n"
    "  - {id: grade, severity: fail, grade_at_least: E2, title: {en: graded, ja: graded}}\n";

static const char config[] = "state_dir: agent\n"
                             "tcti: \"%s\"\n"
                             "logs: {uefi: none, ima: none}\n"
                             "measure:\n"
                             "  - {tree: /usr/bin}\n"
                             "  - {tree: /usr/sbin}\n"
                             "  - {tree: /etc}\n";

/* A sixtieth of: an attestation each 5 minutes, a look at metadata each minute. */
#define DAY_FILES    5000
#define DAY_FILE_LEN 32768
#define DAY_FASTER   60.0
#define DAY_WINDOW_S 30.0
#define DAY_REHASHES 4 /* complete readings: one each 6 hours */
static const char day_config[] = "state_dir: agent\n"
                                 "tcti: \"%s\"\n"
                                 "logs: {uefi: none, ima: none}\n"
                                 "interval: 5s\n"
                                 "rescan: 1s\n"
                                 "measure:\n"
                                 "  - {tree: files}\n";

struct scene {
    struct swtpm *tpm;
    struct service *service;
    char config[128], token[128], label[128], url[64];
    pid_t agent;
};

static void write_file(const char *path, const char *text)
{
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

/* The service trusts the maker of this TPM. */
static void trust_tpm(const struct scene *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *pem = NULL;
    char path[128];

    snprintf(path, sizeof(path), "%s/ek.d/swtpm.pem", s->service->dir);
    NEED(att_file_read(&pem, swtpm_ca_file(s->tpm), 65536, NULL) == ATT_OK);
    NEED(att_file_write(path, att_buf_slice(pem), 0600, NULL) == ATT_OK);
}

static void open_scene(struct scene *s)
{
    const struct service_options options = {.policy = policy, .without_refvals = true};
    char text[1024];

    s->tpm = swtpm_new();
    s->service = service_new(&options);
    trust_tpm(s);
    service_start(s->service);
    snprintf(s->config, sizeof(s->config), "%s/agent.yaml", s->service->dir);
    snprintf(s->token, sizeof(s->token), "%s/token", s->service->dir);
    snprintf(s->label, sizeof(s->label), "%s/agent.label", s->service->dir);
    snprintf(s->url, sizeof(s->url), "https://127.0.0.1:%u", (unsigned int)s->service->port);
    snprintf(text, sizeof(text), config, swtpm_tcti(s->tpm));
    write_file(s->config, text);
    service_token(s->service, "gateway", text);
    write_file(s->token, text);
}

static void enrol(const struct scene *s)
{
    const char *args[] = {
        "--config",          s->config, "enrol",   "--verifier",   s->url,   "--verifier-ca",
        s->service->ca_path, "--id",    "gateway", "--token-file", s->token, NULL};
    char said[4096];

    if (service_program(said, sizeof(said), "attest-agent", args) != 0) {
        fprintf(stderr, "attest-agent enrol: %s\n", said);
        NEED(false && "the agent enrols");
    }
}

static void start_agent(struct scene *s)
{
    const char *build = getenv("BUILD");
    char path[512];
    char log[128];

    snprintf(log, sizeof(log), "%s/agent.log", s->service->dir);
    snprintf(path, sizeof(path), "%s/attest-agent", build != NULL ? build : "build/release");
    s->agent = fork();
    NEED(s->agent >= 0);
    if (s->agent == 0) {
        NEED(freopen(log, "w", stderr) != NULL);
        execl(path, "attest-agent", "--config", s->config, "run", "--label", s->label, NULL);
        _exit(127);
    }
}

static void await_label(const struct scene *s)
{
    double deadline = bench_wall_s() + FIRST_LABEL_S;
    struct stat st;

    while (stat(s->label, &st) != 0) {
        NEED(bench_wall_s() < deadline && waitpid(s->agent, NULL, WNOHANG) == 0);
        bench_nap_s(0.1);
    }
    bench_nap_s(REST_S);
}

/* What it maps, not only what it was linked with: a library may bring another. */
static bool maps(pid_t pid, const char *library)
{
    char path[64];
    char line[1024];
    bool found = false;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    f = fopen(path, "r");
    NEED(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        found = found || strstr(line, library) != NULL;
    }
    fclose(f);
    return found;
}

static void report(const struct scene *s)
{
    static const struct bench_row dirty = {"agent at rest, private dirty of both processes", "MiB",
                                           BENCH_AT_MOST, 4};
    static const struct bench_row rss[] = {
        {"agent at rest, resident, attest-agent", "MiB", BENCH_AT_MOST, 12},
        {"agent at rest, resident, attest-courier", "MiB", BENCH_AT_MOST, 12}};
    static const struct bench_row curl = {"agent at rest, attest-agent maps libcurl", "count",
                                          BENCH_AT_MOST, 0};
    pid_t pid[BENCH_PROCESSES_MAX];
    size_t count = bench_family(pid, s->agent);
    double sum = 0;

    NEED(count == 2);
    for (size_t i = 0; i < count; i++) {
        sum += (double)bench_process_memory(pid[i], "Private_Dirty:");
    }
    NEED(sum > 0); /* memory of others is shown to root alone */
    bench_report(&dirty, sum / MIB, 0);
    for (size_t i = 0; i < count; i++) {
        bench_report(&rss[i], (double)bench_process_memory(pid[i], "Rss:") / MIB, 0);
    }
    bench_report(&curl, maps(pid[0], "libcurl"), 0);
    NEED(maps(pid[1], "libcurl")); /* else the row above proves nothing */
}

static void write_files(const struct scene *s)
{
    static uint8_t content[DAY_FILE_LEN];
    char path[160];

    snprintf(path, sizeof(path), "%s/files", s->service->dir);
    NEED(mkdir(path, 0700) == 0);
    for (int i = 0; i < DAY_FILES; i++) {
        memcpy(content, &i, sizeof(i));
        snprintf(path, sizeof(path), "%s/files/%04d", s->service->dir, i);
        NEED(att_file_write(path, att_slice_of(content, sizeof(content)), 0600, NULL) == ATT_OK);
    }
}

/* Attestations so far, by the agent's log: without them the figure would be of nothing. */
static int attested(const struct scene *s)
{
    char path[128];
    char line[1024];
    int count = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/agent.log", s->service->dir);
    f = fopen(path, "r");
    NEED(f != NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        count += strstr(line, "attest.done") != NULL ? 1 : 0;
    }
    fclose(f);
    return count;
}

/* Four complete readings with start and first attestation, and a sixtieth of a day of the rest, sixty times. */
static void report_day(struct scene *s)
{
    static const struct bench_row day = {
        "agent, processor time a day: 5,000 files of 32 KiB, attested each 5 min", "s", BENCH_TOLD,
        0};
    char text[512];
    double first = 0;
    double begin = 0;

    write_files(s);
    snprintf(text, sizeof(text), day_config, swtpm_tcti(s->tpm));
    write_file(s->config, text);
    NEED(unlink(s->label) == 0);
    start_agent(s);
    await_label(s);
    first = bench_family_cpu_s(s->agent);
    begin = bench_wall_s();
    bench_nap_s(DAY_WINDOW_S);
    NEED(attested(s) >= 1 + (int)(DAY_WINDOW_S * DAY_FASTER / 300) - 1);
    bench_report(&day,
                 DAY_REHASHES * first + (bench_family_cpu_s(s->agent) - first) * 86400.0 /
                                            DAY_FASTER / (bench_wall_s() - begin),
                 0);
}

static void stop_agent(const struct scene *s)
{
    NEED(kill(s->agent, SIGTERM) == 0 && waitpid(s->agent, NULL, 0) == s->agent);
}

int main(void)
{
    static struct scene s;

    NEED(swtpm_available());
    open_scene(&s);
    enrol(&s);
    start_agent(&s);
    await_label(&s);
    report(&s);
    stop_agent(&s);
    report_day(&s);
    stop_agent(&s);
    service_free(s.service);
    swtpm_free(s.tpm);
    return 0;
}
