/* What the benchmark programs share: clocks, medians, and the one line a row that bench/run collects. */
#ifndef ATT_BENCH_H
#define ATT_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_PAIRS 5

double bench_cpu_s(void);                          /* processor time of this thread */
double bench_wall_s(void);                         /* monotonic */
double bench_median(double *values, size_t count); /* sorts them */
void bench_pin(int cpu); /* this thread; a machine with fewer processors is left as it is */

/*
 * One row on standard output: name, unit, ours, limit, ratio, goal, met, separated by tabs.
 *
 * at_least: the ratio must not be below the goal; else not above it.
 */
void bench_row(const char *name, const char *unit, double ours, double limit, double ratio,
               double goal, bool at_least);
/* Words for people, on standard error. */
void bench_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
