/*
 * Ten thousand gateways under one policy and one set of a million reference values: what of the running service's
 * memory grows with them, and where.
 *
 * The worker of the appraiser keeps keys of the gateways that it judged for as long as it lives, a thousand evidences; at
 * each look it is about as young as at the others, so what is compared is what stays. (A worker that is not replaced,
 * limits: {appraiser_evidences: 100000}, misses the goal of that row by far.)
 *
 * Each gateway enrols over TLS, attests once, is affirmed and goes; the first stays and attests before each look,
 * so that the appraiser's worker has work behind it each time. BENCH_DEVICES is how many, 10,000 without it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "load.h"
#include "need.h"
#include "service.h"

#define DEVICES    10000
#define REFERENCES 1000000
#define SETTLE     20 /* attestations before a look */
#define STEPS_MAX  5
#define REFS_FILE  "/refvals.bin"

/* Memory of processes that no file stands for, by what they are; and the reference file in all of them. */
struct look {
    size_t devices;
    double appraiser, keeper, front, all;
    size_t maps;                   /* of the reference file */
    double refs_pss, refs_private; /* its bytes: shared ones counted once; changed ones */
};

struct scene {
    struct service *service;
    struct load first;
    struct look look[STEPS_MAX];
    size_t steps;
};

/* "Pss:   12 kB" in bytes; 0 of another line. */
static double field(const char *line, const char *name)
{
    size_t len = strlen(name);

    return strncmp(line, name, len) == 0 ? strtod(line + len, NULL) * 1024 : 0;
}

static bool is_header(const char *line)
{
    return strchr("0123456789abcdef", line[0]) != NULL;
}

static void look_at_maps(struct look *l, pid_t pid)
{
    char path[64], line[1024];
    bool ours = false;
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
    f = fopen(path, "re");
    NEED(f != NULL || errno == ENOENT); /* of others: shown to root alone */
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (is_header(line)) {
            ours = strstr(line, REFS_FILE) != NULL;
            l->maps += ours ? 1 : 0;
        } else if (ours) {
            l->refs_pss += field(line, "Pss:");
            l->refs_private += field(line, "Anonymous:");
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
}

static void look_at_process(struct look *l, pid_t pid)
{
    char name[32];
    double bytes = (double)bench_process_memory(pid, "Pss_Anon:");

    (void)bench_process_name(pid, name);
    l->all += bytes;
    l->appraiser += strcmp(name, "appraiser") == 0 ? bytes : 0;
    l->keeper += strcmp(name, "keeper") == 0 ? bytes : 0;
    l->front += strcmp(name, "front") == 0 ? bytes : 0;
    look_at_maps(l, pid);
}

static void look(struct scene *s, size_t devices)
{
    struct look l = {.devices = devices};
    pid_t pid[BENCH_PROCESSES_MAX];
    size_t count = 0;

    for (int i = 0; i < SETTLE; i++) {
        NEED(load_attest(&s->first));
    }
    count = bench_family(pid, s->service->pid);
    for (size_t i = 0; i < count; i++) {
        look_at_process(&l, pid[i]);
    }
    NEED(l.appraiser > 0 && l.keeper > 0 && l.front > 0 && l.maps > 0);
    printf(
        "    %6zu devices, KiB: appraiser %.0f, keeper %.0f, front %.0f, all %.0f; references: %zu "
        "maps, %.0f shared, %.0f changed\n",
        devices, l.appraiser / 1024, l.keeper / 1024, l.front / 1024, l.all / 1024, l.maps,
        l.refs_pss / 1024, l.refs_private / 1024);
    fflush(stdout);
    s->look[s->steps++] = l;
}

static void add_devices(struct scene *s, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct load one = {0};

        load_enrol(&one, s->service, i);
        gateway_free(one.g);
        free(one.answer_ms);
    }
}

static double each(double late, double early, size_t devices)
{
    return late > early ? (late - early) / (double)devices : 0;
}

/*
 * Policy and references are the appraiser's: from a hundred devices on, less than the id of one takes, or something is
 * kept of each. The keeper holds two caches of fixed size, of 512 gateways and of 8 MiB of the database; at a thousand
 * devices the first is full and the second nearly so. What is left of both until the end is all that may grow.
 */
static void report(const struct scene *s)
{
    static const struct bench_row maps = {
        "10,000 devices, maps of the references beside one device", "count", BENCH_AT_MOST, 1};
    static const struct bench_row own = {"10,000 devices, changed bytes of the references", "B",
                                         BENCH_AT_MOST, 0};
    static const struct bench_row policy = {"10,000 devices, memory of the appraiser for each", "B",
                                            BENCH_AT_MOST, 64};
    static const struct bench_row keeper = {"10,000 devices, memory of the keeper for each", "B",
                                            BENCH_TOLD, 0};
    static const struct bench_row front = {"10,000 devices, memory of the front for each", "B",
                                           BENCH_TOLD, 0};
    static const struct bench_row all = {"10,000 devices, memory of all processes for each", "B",
                                         BENCH_AT_MOST, 512};
    const struct look *early = &s->look[1];
    const struct look *warm = &s->look[s->steps - 2];
    const struct look *late = &s->look[s->steps - 1];
    size_t more = late->devices - warm->devices;

    bench_report(&maps, (double)late->maps, (double)s->look[0].maps);
    bench_report(&own, late->refs_private, 0);
    bench_report(&policy, each(late->appraiser, early->appraiser, late->devices - early->devices),
                 0);
    bench_report(&keeper, each(late->keeper, warm->keeper, more), 0);
    bench_report(&front, each(late->front, warm->front, more), 0);
    bench_report(&all, each(late->all, warm->all, more), 0);
}

static size_t devices_asked(void)
{
    const char *text = getenv("BENCH_DEVICES");
    size_t count = text != NULL && text[0] != '\0' ? strtoul(text, NULL, 10) : DEVICES;

    NEED(count > 1000 && count <= DEVICES);
    return count;
}

int main(void)
{
    /* answers are kept until their challenge is over: so many as come in that time, whoever asks */
    static const struct service_options options = {.more_refvals = REFERENCES, .nonce_ttl = "5s"};
    static struct scene s;
    size_t devices = devices_asked();
    size_t done = 1;

    s.service = service_new(&options);
    service_start(s.service);
    load_enrol(&s.first, s.service, 0);
    look(&s, done);
    for (size_t next = 100; done < devices; next *= 10) {
        size_t end = next < devices ? next : devices;

        add_devices(&s, done, end);
        done = end;
        look(&s, done);
    }
    report(&s);
    gateway_free(s.first.g);
    free(s.first.answer_ms);
    service_free(s.service);
    return 0;
}
