/* Clocks, medians and rows of the benchmark programs. */
#include "bench.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "need.h"

static double seconds(clockid_t id)
{
    struct timespec t;

    NEED(clock_gettime(id, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double bench_cpu_s(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

double bench_wall_s(void)
{
    return seconds(CLOCK_MONOTONIC);
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return *x < *y ? -1 : *x > *y ? 1 : 0;
}

double bench_median(double *values, size_t count)
{
    NEED(count > 0);
    qsort(values, count, sizeof(values[0]), compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void bench_pin(int cpu)
{
    cpu_set_t set;

    if (cpu >= sysconf(_SC_NPROCESSORS_ONLN)) {
        return;
    }
    CPU_ZERO(&set);
    CPU_SET((unsigned int)cpu, &set);
    NEED(sched_setaffinity(0, sizeof(set), &set) == 0);
}

void bench_row(const char *name, const char *unit, double ours, double limit, double ratio,
               double goal, bool at_least)
{
    bool met = at_least ? ratio >= goal : ratio <= goal;

    printf("%s\t%s\t%.4g\t%.4g\t%.4g\t%.4g\t%s\n", name, unit, ours, limit, ratio, goal,
           met ? "true" : "false");
    fflush(stdout);
}

void bench_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}
