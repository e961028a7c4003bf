/*
 * A thousand gateways, each attesting once a minute: no error, no slow answer, and a service that does
 * not grow.
 *
 * FLEET_SECONDS is how long it takes. Each gateway attests four times at least, so less than four minutes is a faster
 * fleet. The service keeps each answer until its challenge is over, two minutes or two rounds: a faster fleet has
 * challenges that are over as much sooner. So answers of two rounds are kept from the end of the second on, and what
 * grows after it is growth.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "harness.h"
#include "load.h"
#include "need.h"
#include "service.h"

#define GATEWAYS        1000
#define ROUNDS          4
#define WARM_ROUNDS     2
#define PERIOD_S        60.0
#define WORKERS         8 /* an answer that is late must not make the next one late */
#define DEFAULT_SECONDS 30.0
#define LOOK_TURNS      100 /* at the end of a round, memory is looked at every */
#define LOOK_EACH       10
#define MEMORY_BASE     (32U << 20)
#define MEMORY_EACH     (36U << 10) /* a gateway and its open connection */

struct fleet {
    struct service *service;
    struct load *loads;
    double start, period_s;
    size_t turns;                          /* in all; turn k is gateway k % GATEWAYS */
    size_t early_turn;                     /* the second round is over */
    atomic_size_t early_bytes, late_bytes; /* the most that was seen at the end of a round */
    atomic_size_t next, errors;
};

/* A worker of the appraiser that was just replaced is small: one look may meet it, ten do not. */
static void look(const struct fleet *f, atomic_size_t *most, size_t turn, size_t end)
{
    size_t now = 0;
    size_t before = atomic_load(most);

    if (turn + LOOK_TURNS < end || turn >= end || turn % LOOK_EACH != 0) {
        return;
    }
    now = service_memory(f->service);
    while (now > before && !atomic_compare_exchange_weak(most, &before, now)) {
    }
}

static void *work(void *arg)
{
    struct fleet *f = arg;

    for (;;) {
        size_t turn = atomic_fetch_add(&f->next, 1);
        double wait = f->start + (double)turn * f->period_s / (double)GATEWAYS - bench_wall_s();

        if (turn >= f->turns) {
            return NULL;
        }
        if (wait > 0) {
            bench_nap_s(wait);
        }
        if (!load_attest(&f->loads[turn % GATEWAYS])) {
            atomic_fetch_add(&f->errors, 1);
        }
        look(f, &f->early_bytes, turn, f->early_turn);
        look(f, &f->late_bytes, turn, f->turns);
    }
}

static void run(struct fleet *f)
{
    pthread_t thread[WORKERS];

    f->start = bench_wall_s();
    for (size_t i = 0; i < WORKERS; i++) {
        NEED(pthread_create(&thread[i], NULL, work, f) == 0);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        NEED(pthread_join(thread[i], NULL) == 0);
    }
}

static double seconds_asked(void)
{
    const char *text = getenv("FLEET_SECONDS");
    double seconds = text != NULL && text[0] != '\0' ? strtod(text, NULL) : DEFAULT_SECONDS;

    NEED(seconds >= 1);
    return seconds;
}

/* Shared pages counted once. */
static double own_mib(const struct service *s)
{
    pid_t pid[BENCH_PROCESSES_MAX];
    size_t count = bench_family(pid, s->pid);
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += (double)bench_process_memory(pid[i], "Pss:");
    }
    return sum / 1048576;
}

static void report(const struct fleet *f)
{
    static const struct bench_row errors = {"fleet of 1,000, errors", "count", BENCH_AT_MOST, 0};
    static const struct bench_row p50 = {"fleet of 1,000, p50 of an answer", "ms", BENCH_TOLD, 0};
    static const struct bench_row p99 = {"fleet of 1,000, p99 of an answer", "ms", BENCH_TOLD, 0};
    static const struct bench_row flat = {"fleet of 1,000, memory at the end beside round two",
                                          "MiB", BENCH_AT_MOST, 1.05};
    static const struct bench_row size = {"fleet of 1,000, memory beside what it may have", "MiB",
                                          BENCH_AT_MOST, 1};
    double late = (double)atomic_load(&f->late_bytes) / 1048576;
    double early = (double)atomic_load(&f->early_bytes) / 1048576;

    NEED(early > 0 && late > 0); /* memory of others is shown to root alone */
    bench_report(&errors, (double)atomic_load(&f->errors), 0);
    bench_report(&p50, load_percentile_ms(f->loads, GATEWAYS, 50), 0);
    bench_report(&p99, load_percentile_ms(f->loads, GATEWAYS, 99), 0);
    bench_report(&flat, late, early);
    bench_report(&size, own_mib(f->service),
                 (MEMORY_BASE + (double)GATEWAYS * MEMORY_EACH) / 1048576);
}

int main(void)
{
    static struct fleet f;
    static char ttl[32];
    struct service_options options = {.nonce_ttl = ttl};
    double seconds = seconds_asked();
    double start = bench_wall_s();

    f.period_s = seconds / ROUNDS < PERIOD_S ? seconds / ROUNDS : PERIOD_S;
    f.turns = (size_t)(seconds / f.period_s * GATEWAYS + 0.5);
    f.early_turn = WARM_ROUNDS * GATEWAYS;
    (void)snprintf(ttl, sizeof(ttl), "%.0fms", WARM_ROUNDS * f.period_s * 1000);
    f.service = service_new(&options);
    service_start(f.service);
    f.loads = load_new(f.service, GATEWAYS);
    printf("    %d gateways enrolled in %.1f s; each attests every %.0f s, for %.0f s\n", GATEWAYS,
           bench_wall_s() - start, f.period_s, seconds);
    fflush(stdout);
    run(&f);
    report(&f);
    load_free(f.loads, GATEWAYS);
    service_free(f.service);
    return 0;
}
