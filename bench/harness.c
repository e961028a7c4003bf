/* Samples, pairs and rows; and what the system says of processes. */
#include "harness.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "need.h"

#define PAIRS       5
#define PAIRS_CLOSE 11
#define CLOSE       0.10 /* of the goal: measured again */
#define SAMPLE_S    0.1

static double clock_s(clockid_t clock)
{
    struct timespec t;

    NEED(clock_gettime(clock, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_cpu_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_wall_s(void)
{
    return clock_s(CLOCK_MONOTONIC);
}

void bench_nap_s(double s)
{
    struct timespec t = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - floor(s)) * 1e9)};

    nanosleep(&t, NULL);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *v, size_t count)
{
    qsort(v, count, sizeof(*v), by_value);
    return v[count / 2];
}

double bench_percentile(double *v, size_t count, double percent)
{
    size_t at = (size_t)((double)count * percent / 100.0);

    NEED(count > 0);
    qsort(v, count, sizeof(*v), by_value);
    return v[at < count ? at : count - 1];
}

double bench_op_us(bench_op *op, void *ctx)
{
    for (long n = 1;; n *= 2) {
        double start = bench_cpu_s();
        double took;

        for (long i = 0; i < n; i++) {
            op(ctx);
        }
        took = bench_cpu_s() - start;
        if (took >= SAMPLE_S) {
            return took * 1e6 / (double)n;
        }
    }
}

static bool met(const struct bench_row *row, double ratio)
{
    switch (row->bound) {
    case BENCH_AT_MOST:
        return ratio <= row->goal;
    case BENCH_AT_LEAST:
        return ratio >= row->goal;
    default:
        return true;
    }
}

/* Plain digits at any size: four that count. */
static const char *number(char out[32], double v)
{
    int decimals = v >= 1000 ? 0 : v >= 100 ? 1 : v >= 10 ? 2 : 3;

    snprintf(out, 32, "%.*f", decimals, v);
    return out;
}

static void show(const struct bench_row *row, double ours, double limit, double ratio)
{
    char a[32];
    char b[32];
    char c[32];
    char goal[48] = "-";
    char name[96];

    if (row->bound != BENCH_TOLD) {
        snprintf(goal, sizeof(goal), "%s %g", row->bound == BENCH_AT_MOST ? "<=" : ">=", row->goal);
    }
    snprintf(name, sizeof(name), "%s (%s)", row->name, row->unit);
    printf("%-52s %10s %10s %8s %10s  %s\n", name, number(a, ours),
           limit > 0 ? number(b, limit) : "-", limit > 0 ? number(c, ratio) : "-", goal,
           row->bound == BENCH_TOLD ? "-"
           : met(row, ratio)        ? "met"
                                    : "MISSED");
    fflush(stdout);
}

static void keep(const struct bench_row *row, double ours, double limit, double ratio)
{
    const char *path = getenv("BENCH_ROWS");
    FILE *f = path != NULL && path[0] != '\0' ? fopen(path, "a") : NULL;

    if (f == NULL) {
        NEED(path == NULL || path[0] == '\0');
        return;
    }
    fprintf(f, "{\"name\":\"%s\",\"unit\":\"%s\",\"ours\":%.6g,", row->name, row->unit, ours);
    if (limit > 0) {
        fprintf(f, "\"limit\":%.6g,\"ratio\":%.4g,", limit, ratio);
    } else {
        fprintf(f, "\"limit\":null,\"ratio\":null,");
    }
    if (row->bound == BENCH_TOLD) {
        fprintf(f, "\"goal\":null,\"met\":null}\n");
    } else {
        fprintf(f, "\"goal\":\"%s %g\",\"met\":%s}\n",
                row->bound == BENCH_AT_MOST ? "<=" : ">=", row->goal,
                met(row, ratio) ? "true" : "false");
    }
    NEED(fclose(f) == 0);
}

void bench_report(const struct bench_row *row, double ours, double limit)
{
    double ratio = limit > 0 ? ours / limit : ours;

    show(row, ours, limit, ratio);
    keep(row, ours, limit, ratio);
}

struct figures {
    double ours, limit, ratio;
};

/* Who goes first changes from pair to pair, so that a drift helps neither. */
static struct figures take(size_t pairs, bench_sample *ours, bench_sample *limit, void *ctx)
{
    double a[PAIRS_CLOSE];
    double b[PAIRS_CLOSE];
    double ratio[PAIRS_CLOSE];

    for (size_t i = 0; i < pairs; i++) {
        if (i % 2 == 0) {
            b[i] = limit(ctx);
            a[i] = ours(ctx);
        } else {
            a[i] = ours(ctx);
            b[i] = limit(ctx);
        }
        ratio[i] = a[i] / b[i];
    }
    return (struct figures){.ours = bench_median(a, pairs),
                            .limit = bench_median(b, pairs),
                            .ratio = bench_median(ratio, pairs)};
}

double bench_pairs(const struct bench_row *row, bench_sample *ours, bench_sample *limit, void *ctx)
{
    struct figures f = take(PAIRS, ours, limit, ctx);

    if (row->bound != BENCH_TOLD && fabs(f.ratio / row->goal - 1) < CLOSE) {
        f = take(PAIRS_CLOSE, ours, limit, ctx);
    }
    show(row, f.ours, f.limit, f.ratio);
    keep(row, f.ours, f.limit, f.ratio);
    return f.ratio;
}

struct ops {
    bench_op *ours, *limit;
    void *ctx;
    bool rate;
};

static double op_sample(const struct ops *o, bench_op *op)
{
    double us = bench_op_us(op, o->ctx);

    return o->rate ? 1e6 / us : us;
}

static double ours_sample(void *ctx)
{
    const struct ops *o = ctx;

    return op_sample(o, o->ours);
}

static double limit_sample(void *ctx)
{
    const struct ops *o = ctx;

    return op_sample(o, o->limit);
}

double bench_ops(const struct bench_row *row, bench_op *ours, bench_op *limit, void *ctx)
{
    struct ops o = {
        .ours = ours, .limit = limit, .ctx = ctx, .rate = strcmp(row->unit, "1/s") == 0};

    return bench_pairs(row, ours_sample, limit_sample, &o);
}

int bench_pin(enum bench_core core)
{
    static cpu_set_t all; /* as this process was started */
    static bool known;
    cpu_set_t one;
    size_t chosen = CPU_SETSIZE;

    if (!known) {
        NEED(sched_getaffinity(0, sizeof(all), &all) == 0);
        known = true;
    }
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &all) && (chosen == CPU_SETSIZE || core == BENCH_LAST_CORE)) {
            chosen = i;
        }
    }
    CPU_ZERO(&one);
    CPU_SET(chosen, &one);
    NEED(sched_setaffinity(0, sizeof(one), &one) == 0);
    return (int)chosen;
}

static FILE *open_proc(pid_t pid, const char *name)
{
    char path[96];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return fopen(path, "r");
}

/* Time of the children that it has waited for: /proc/PID/stat behind the name in brackets, which may
 * itself hold anything. */
static double waited_for_s(pid_t pid)
{
    char line[1024] = "";
    unsigned long user = 0;
    unsigned long system = 0;
    const char *at = NULL;
    FILE *f = open_proc(pid, "stat");

    if (f != NULL) {
        at = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
        fclose(f);
    }
    if (at == NULL || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu",
                             &user, &system) != 2) {
        return 0;
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static size_t children(pid_t *out, size_t room, pid_t parent)
{
    char name[64];
    FILE *f;
    size_t count = 0;
    int child;

    snprintf(name, sizeof(name), "task/%d/children", (int)parent);
    f = open_proc(parent, name);
    while (f != NULL && count < room && fscanf(f, "%d", &child) == 1) {
        out[count++] = child;
    }
    if (f != NULL) {
        fclose(f);
    }
    return count;
}

size_t bench_family(pid_t *out, pid_t root)
{
    size_t count = 1;

    out[0] = root;
    for (size_t i = 0; i < count; i++) {
        count += children(out + count, BENCH_PROCESSES_MAX - count, out[i]);
    }
    return count;
}

double bench_process_cpu_s(pid_t pid)
{
    clockid_t clock;
    struct timespec t;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) {
        return 0;
    }
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double bench_family_cpu_s(pid_t root)
{
    pid_t pid[BENCH_PROCESSES_MAX];
    size_t count = bench_family(pid, root);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += bench_process_cpu_s(pid[i]) + waited_for_s(pid[i]);
    }
    return sum;
}

size_t bench_process_memory(pid_t pid, const char *field)
{
    char line[256];
    size_t kib = 0;
    FILE *f = open_proc(pid, "smaps_rollup");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0) {
            kib = strtoul(line + strlen(field), NULL, 10);
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    return kib * 1024;
}

const char *bench_process_name(pid_t pid, char out[32])
{
    FILE *f = open_proc(pid, "comm");

    out[0] = '\0';
    if (f != NULL) {
        if (fgets(out, 32, f) != NULL) {
            out[strcspn(out, "\n")] = '\0';
        }
        fclose(f);
    }
    return out;
}
