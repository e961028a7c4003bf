/*
 * Ours beside the machine's own limit, in one run.
 *
 * Times drift from run to run, so only ratios count: ours and the limit are measured alternately, the
 * medians are shown, and a ratio close to its bound is measured again with more pairs. A row that misses
 * its bound says so and fails nothing; a measurement that cannot be made stops the program (need.h).
 *
 * Rows go to standard output and, one JSON object a line, to the file that BENCH_ROWS names.
 */
#ifndef ATT_BENCH_HARNESS_H
#define ATT_BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum bench_bound { BENCH_TOLD, BENCH_AT_MOST, BENCH_AT_LEAST };

/* What a row promises about ours / limit; the bound TOLD promises nothing. */
struct bench_row {
    const char *name;
    const char *unit;
    enum bench_bound bound;
    double goal;
};

/* One sample, in the row's unit. */
typedef double bench_sample(void *ctx);
/* One operation that is measured by doing it often. */
typedef void bench_op(void *ctx);

/* 5 pairs of samples, 11 when the ratio is within 10 % of the goal. Returns the median of ratios. */
double bench_pairs(const struct bench_row *row, bench_sample *ours, bench_sample *limit, void *ctx);

/* The same for operations, in processor time. Units: "us" (time of one), "1/s" (their rate). */
double bench_ops(const struct bench_row *row, bench_op *ours, bench_op *limit, void *ctx);

/* A row from figures that were taken elsewhere. limit 0: there is none, and goal is a bound of ours. */
void bench_report(const struct bench_row *row, double ours, double limit);

/* Processor time of one operation in microseconds, over at least 100 ms of it. */
double bench_op_us(bench_op *op, void *ctx);

double bench_cpu_s(void);  /* of this process */
double bench_wall_s(void); /* monotonic */
void bench_nap_s(double s);
double bench_median(double *v, size_t count);                     /* sorts v */
double bench_percentile(double *v, size_t count, double percent); /* sorts v */

/* Run this process, and what it starts from now on, on one core: the first or the last that it may use.
 * Returns the core's number. */
enum bench_core { BENCH_FIRST_CORE, BENCH_LAST_CORE };
int bench_pin(enum bench_core core);

/* A process and all below it. */
#define BENCH_PROCESSES_MAX 32
size_t bench_family(pid_t *out, pid_t root);
double bench_process_cpu_s(pid_t pid); /* user and system time so far; 0 when it is gone */
double bench_family_cpu_s(pid_t root); /* of all of them, those that ended included */
/* A field of smaps_rollup in bytes, such as "Rss:"; 0 when the process is gone. */
size_t bench_process_memory(pid_t pid, const char *field);
const char *bench_process_name(pid_t pid, char out[32]);

#endif
