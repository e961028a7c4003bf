/*
 * A gateway with a million entries in its IMA list: first contact in parts, then ten new entries. The
 * installed programs and a real software TPM, which takes half a minute to extend a million times.
 *
 *   make bench BENCH=million ENTRIES=100000   fewer
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentscene.h"
#include "harness.h"
#include "need.h"

#define ENTRIES  1000000
#define NEW      10
#define MIB      1048576.0
#define SAMPLE_S 0.005

static struct agentscene scene;

/* The most that was seen of the agent, MiB: resident of each program, private dirty of both together. */
static const char *const PROGRAM[] = {"attest-agent", "attest-courier"};
static double resident[2], dirty;

/* The service's processes with one front, in the order in which they are started; the worker is the third's. */
static const char *const ROLE[] = {"supervisor", "front", "appraiser", "keeper",
                                   "appraiser's worker"};
#define ROLES (sizeof(ROLE) / sizeof(ROLE[0]))

static uint32_t entries(void)
{
    const char *text = getenv("ENTRIES");

    return text != NULL && text[0] != '\0' ? (uint32_t)strtoul(text, NULL, 10) : ENTRIES;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static void sample(pid_t root)
{
    pid_t pid[BENCH_PROCESSES_MAX];
    size_t count = bench_family(pid, root);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        char name[32];

        bench_process_name(pid[i], name);
        sum += (double)bench_process_memory(pid[i], "Private_Dirty:") / MIB;
        for (size_t k = 0; k < 2; k++) {
            double now = (double)bench_process_memory(pid[i], "Rss:") / MIB;

            resident[k] = strcmp(name, PROGRAM[k]) == 0 ? larger(resident[k], now) : resident[k];
        }
    }
    dirty = larger(dirty, sum);
}

/* Seconds of one attestation that affirms. */
static double attest(void)
{
    double start = bench_wall_s();
    pid_t pid = agentscene_start(&scene);
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        sample(pid);
        bench_nap_s(SAMPLE_S);
    }
    NEED(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return bench_wall_s() - start;
}

/* The high-water mark of a process, MiB. */
static double peak_of(pid_t pid)
{
    char path[64];
    char line[256];
    unsigned long kib = 0;
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    f = fopen(path, "r");
    NEED(f != NULL);
    while (kib == 0 && fgets(line, sizeof(line), f) != NULL) {
        (void)sscanf(line, "VmHWM: %lu kB", &kib);
    }
    (void)fclose(f);
    NEED(kib > 0);
    return (double)kib / 1024;
}

/* None of them grows with the list. */
static void report_service(void)
{
    pid_t pid[BENCH_PROCESSES_MAX];
    char text[64];

    NEED(bench_family(pid, scene.service->pid) == ROLES);
    for (size_t i = 0; i < ROLES; i++) {
        (void)snprintf(text, sizeof(text), "million: peak resident, %s", ROLE[i]);
        bench_report(&(struct bench_row){text, "MiB", BENCH_AT_MOST, 16}, peak_of(pid[i]), 0);
    }
}

static void report_agent(void)
{
    static const struct bench_row both = {"million: peak private dirty, both of the agent", "MiB",
                                          BENCH_AT_MOST, 4};
    char text[64];

    for (size_t k = 0; k < 2; k++) {
        (void)snprintf(text, sizeof(text), "million: peak resident, %s", PROGRAM[k]);
        bench_report(&(struct bench_row){text, "MiB", BENCH_TOLD, 0}, resident[k], 0);
    }
    bench_report(&both, dirty, 0);
}

static double fill(uint32_t first, uint32_t count)
{
    struct longlist *l =
        first == 0 ? longlist_new(scene.ima, scene.tpm) : longlist_again(scene.ima, scene.tpm);

    longlist_fill(l, first, count, scene.known);
    return (double)longlist_close(l) / MIB;
}

int main(void)
{
    uint32_t count = entries();
    double size = 0;
    double first = 0;
    double second = 0;

    NEED(swtpm_available());
    agentscene_open(&scene, NULL, "evidence_max: 1048576\n");
    size = fill(0, count);
    bench_report(&(struct bench_row){"million: size of the list", "MiB", BENCH_TOLD, 0}, size, 0);
    first = attest();
    bench_report(&(struct bench_row){"million: first contact", "s", BENCH_TOLD, 0}, first, 0);
    report_service();
    (void)fill(count, NEW);
    second = attest();
    bench_report(&(struct bench_row){"million: ten new entries", "s", BENCH_TOLD, 0}, second, 0);
    report_agent();
    agentscene_close(&scene);
    return 0;
}
