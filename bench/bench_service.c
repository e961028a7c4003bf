/*
 * The whole service beside what its cryptography and its transport must cost.
 *
 * ours   durable attestations: connections kept, ECDSA keys, nothing new in the logs, a label signed and
 *        stored for each; all processes of the service on one core, the load on another
 * limit  two ES256 verifications (the keeper repeats one), two ES256 signatures (the label, and its entry in
 *        the log), two round trips of a bare TLS loop, measured in the same run
 *
 * The rate is that of the clock on the wall, the cost is processor time of all its processes: on a busy
 * machine only the second means anything. Every answer waits for a disk sync, which the limit leaves out:
 * sixteen clients get at most sixteen answers out of each, so the sync is shown beside the rate.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "harness.h"
#include "load.h"
#include "need.h"
#include "service.h"
#include "tlsloop.h"

#define CLIENTS     16
#define SECONDS     2.0
#define LABEL_BYTES 1200
#define SYNCS       9
#define SAMPLES_MAX 32

struct scene {
    struct service *service;
    struct load *loads;
    struct tlsloop *loop;
    EVP_PKEY *key;
    EVP_MD_CTX *md;
    uint8_t sig[80];
    size_t sig_len;
    double sync_ms[SAMPLES_MAX];
    size_t syncs;
    double until;                       /* of the present sample, on the wall */
    bool reconnect;                     /* a new connection for each attestation */
    double rate, us;                    /* of the last sample of ours */
    double load_share;                  /* of the load's core that it took */
    double trip_us, verify_us, sign_us; /* of the last sample of the limit */
};

struct client_thread {
    pthread_t thread;
    struct scene *scene;
    struct load *load;
    size_t done, resumed;
};

static const uint8_t text[LABEL_BYTES];

static void sign(void *ctx)
{
    struct scene *s = ctx;

    s->sig_len = sizeof(s->sig);
    NEED(EVP_DigestSignInit(s->md, NULL, EVP_sha256(), NULL, s->key) == 1);
    NEED(EVP_DigestSign(s->md, s->sig, &s->sig_len, text, sizeof(text)) == 1);
}

static void verify(void *ctx)
{
    struct scene *s = ctx;

    NEED(EVP_DigestVerifyInit(s->md, NULL, EVP_sha256(), NULL, s->key) == 1);
    NEED(EVP_DigestVerify(s->md, s->sig, s->sig_len, text, sizeof(text)) == 1);
}

/* An append of 4 KiB made durable, on the disk that the service writes to. */
static double sync_ms(const struct scene *s)
{
    static const uint8_t page[4096];
    double ms[SYNCS];
    char path[96];
    int fd;

    snprintf(path, sizeof(path), "%s/sync", s->service->dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    NEED(fd >= 0);
    for (size_t i = 0; i < SYNCS; i++) {
        double start = bench_wall_s();

        NEED(write(fd, page, sizeof(page)) == (ssize_t)sizeof(page) && fdatasync(fd) == 0);
        ms[i] = (bench_wall_s() - start) * 1e3;
    }
    (void)close(fd);
    return bench_median(ms, SYNCS);
}

static double limit_us(void *ctx)
{
    struct scene *s = ctx;

    if (s->syncs < SAMPLES_MAX) {
        s->sync_ms[s->syncs++] = sync_ms(s);
    }

    s->trip_us = tlsloop_us(s->loop);
    bench_pin(BENCH_FIRST_CORE); /* where the service works */
    s->sign_us = bench_op_us(sign, s);
    s->verify_us = bench_op_us(verify, s);
    bench_pin(BENCH_LAST_CORE);
    return 2 * s->verify_us + 2 * s->sign_us + 2 * s->trip_us;
}

static double limit_rate(void *ctx)
{
    return 1e6 / limit_us(ctx);
}

static void *run_client(void *arg)
{
    struct client_thread *t = arg;

    while (bench_wall_s() < t->scene->until) {
        if (t->scene->reconnect) {
            client_close(t->load->g->client);
            NEED(client_connect(t->load->g->client));
            t->resumed += client_resumed(t->load->g->client);
        }
        NEED(load_attest(t->load));
        t->done++;
    }
    return NULL;
}

/* All clients at once, for so many seconds. Returns the share of handshakes that were resumed. */
static double run_load(struct scene *s, double seconds)
{
    struct client_thread t[CLIENTS] = {0};
    double start = bench_wall_s();
    double load_start = bench_cpu_s();
    double service_start = bench_family_cpu_s(s->service->pid);
    double done = 0;
    double resumed = 0;
    double took;

    s->until = start + seconds;
    for (size_t i = 0; i < CLIENTS; i++) {
        t[i].scene = s;
        t[i].load = &s->loads[i];
        NEED(pthread_create(&t[i].thread, NULL, run_client, &t[i]) == 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        NEED(pthread_join(t[i].thread, NULL) == 0);
        done += (double)t[i].done;
        resumed += (double)t[i].resumed;
    }
    took = bench_wall_s() - start;
    s->rate = done / took;
    s->us = (bench_family_cpu_s(s->service->pid) - service_start) * 1e6 / done;
    s->load_share = (bench_cpu_s() - load_start) / took;
    return resumed / done;
}

static double our_rate(void *ctx)
{
    struct scene *s = ctx;

    (void)run_load(s, SECONDS);
    return s->rate;
}

static double our_us(void *ctx)
{
    struct scene *s = ctx;

    (void)run_load(s, SECONDS);
    return s->us;
}

static void told(const char *name, const char *unit, double value)
{
    const struct bench_row row = {name, unit, BENCH_TOLD, 0};

    bench_report(&row, value, 0);
}

/* How the processor time of one sample divides among the processes. */
static void tell_shares(struct scene *s)
{
    pid_t pid[BENCH_PROCESSES_MAX];
    size_t count = bench_family(pid, s->service->pid);
    double before[BENCH_PROCESSES_MAX];
    double total;

    for (size_t i = 0; i < count; i++) {
        before[i] = bench_process_cpu_s(pid[i]);
    }
    (void)run_load(s, SECONDS);
    total = s->us * s->rate * SECONDS / 1e6;
    for (size_t i = 0; i < count; i++) {
        double used = bench_process_cpu_s(pid[i]) - before[i];
        char name[32];

        if (used > 0.001 * total) {
            printf("    %s %d: %.0f %%\n", bench_process_name(pid[i], name), (int)pid[i],
                   100 * used / total);
        }
    }
}

static void open_scene(struct scene *s)
{
    struct service_options options = {.only_cpu = bench_pin(BENCH_FIRST_CORE) + 1};

    NEED(bench_pin(BENCH_LAST_CORE) + 1 != options.only_cpu); /* one core measures nothing */
    s->loop = tlsloop_new();
    s->service = service_new(&options);
    service_start(s->service);
    s->loads = load_new(s->service, CLIENTS);
    s->key = softtpm_p256();
    s->md = EVP_MD_CTX_new();
    NEED(s->md != NULL);
    (void)run_load(s, 0.5);
    load_forget(s->loads, CLIENTS);
}

static void close_scene(struct scene *s)
{
    EVP_MD_CTX_free(s->md);
    EVP_PKEY_free(s->key);
    load_free(s->loads, CLIENTS);
    service_free(s->service);
    tlsloop_free(s->loop);
}

int main(void)
{
    static const struct bench_row rate = {"service, durable attestations", "1/s", BENCH_AT_LEAST,
                                          0.5};
    static const struct bench_row cost = {"service, processor time of one", "us", BENCH_AT_MOST,
                                          2.0};
    static const struct bench_row p99 = {"service, p99 of an answer", "ms", BENCH_AT_MOST, 20};
    static const struct bench_row resumed = {"service, TLS sessions resumed", "share",
                                             BENCH_AT_LEAST, 1};
    static struct scene s;

    open_scene(&s);
    bench_pairs(&rate, our_rate, limit_rate, &s);
    printf("    limit: verify %.1f us, sign %.1f us, round trip %.1f us; load took %.0f %%\n",
           s.verify_us, s.sign_us, s.trip_us, 100 * s.load_share);
    told("service, disk sync of 4 KiB in the same run", "ms", bench_median(s.sync_ms, s.syncs));
    told("service, p50 of an answer", "ms", load_percentile_ms(s.loads, CLIENTS, 50));
    bench_report(&p99, load_percentile_ms(s.loads, CLIENTS, 99), 0);
    bench_pairs(&cost, our_us, limit_us, &s);
    tell_shares(&s);
    s.reconnect = true;
    bench_report(&resumed, run_load(&s, SECONDS), 0);
    told("service, attestations on new connections", "1/s", s.rate);
    told("service, memory of all its processes", "MiB",
         (double)service_memory(s.service) / 1048576);
    close_scene(&s);
    return 0;
}
