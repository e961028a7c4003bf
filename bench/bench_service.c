/*
 * The whole service beside what its cryptography and its transport must cost.
 *
 *   bench_service rate              attestations a second on one processor, and the slowest answers
 *   bench_service agents N SECONDS  N gateways, each attesting once a minute
 *
 * ours   durable attestations a second: kept TLS connections, ECDSA keys, nothing new in the logs, a label
 *        signed and stored for each; all processes of the service on one processor, the load on another
 * limit  1 / (two ES256 verifications + one ES256 signature + two round trips of a bare TLS loop)
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "gateway.h"
#include "need.h"
#include "service.h"

#define CLIENTS      16
#define SECONDS      3.0
#define REQUEST_LEN  1024
#define ANSWER_LEN   2048
#define ROUND_TRIPS  4000
#define SIGN_ROUNDS  4000
#define LABEL_LEN    1200
#define GOAL_RATE    0.5
#define GOAL_P99_MS  20.0
#define GOAL_GROWTH  1.05
#define SOURCE_COUNT 8 /* loopback addresses that many agents connect from */

/* ---- the limit ------------------------------------------------------------------------------ */

static double sign_s(EVP_PKEY *key, const uint8_t *text, uint8_t *sig, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    double start = bench_cpu_s();
    int i;

    NEED(ctx != NULL);
    for (i = 0; i < SIGN_ROUNDS; i++) {
        *len = 80;
        NEED(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
        NEED(EVP_DigestSign(ctx, sig, len, text, LABEL_LEN) == 1);
    }
    EVP_MD_CTX_free(ctx);
    return (bench_cpu_s() - start) / SIGN_ROUNDS;
}

static double verify_s(EVP_PKEY *key, const uint8_t *text, const uint8_t *sig, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    double start = bench_cpu_s();
    int i;

    NEED(ctx != NULL);
    for (i = 0; i < SIGN_ROUNDS; i++) {
        NEED(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
        NEED(EVP_DigestVerify(ctx, sig, len, text, LABEL_LEN) == 1);
    }
    EVP_MD_CTX_free(ctx);
    return (bench_cpu_s() - start) / SIGN_ROUNDS;
}

/* The server side of a bare loop: read a request, write an answer; its processor time goes to out. */
static void bare_server(int fd, int out)
{
    struct softtpm_ca *ca = softtpm_ca_new("loop");
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    static uint8_t buf[ANSWER_LEN];
    SSL *ssl;
    double start;
    double each;
    int i;

    bench_pin(0);
    NEED(ctx != NULL && SSL_CTX_use_certificate(ctx, ca->root) == 1);
    NEED(SSL_CTX_use_PrivateKey(ctx, ca->key) == 1);
    ssl = SSL_new(ctx);
    NEED(ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1);
    start = bench_cpu_s();
    for (i = 0; i < ROUND_TRIPS; i++) {
        NEED(SSL_read(ssl, buf, REQUEST_LEN) == REQUEST_LEN);
        NEED(SSL_write(ssl, buf, ANSWER_LEN) == ANSWER_LEN);
    }
    each = (bench_cpu_s() - start) / ROUND_TRIPS;
    NEED(write(out, &each, sizeof(each)) == (ssize_t)sizeof(each));
    _exit(0);
}

static void loopback_pair(int fd[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int one = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    NEED(listener >= 0 && bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0);
    NEED(listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&a, &len) == 0);
    fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    NEED(fd[0] >= 0 && connect(fd[0], (struct sockaddr *)&a, sizeof(a)) == 0);
    fd[1] = accept(listener, NULL, NULL);
    NEED(fd[1] >= 0);
    NEED(setsockopt(fd[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    NEED(setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    close(listener);
}

static double round_trip_s(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    static uint8_t buf[ANSWER_LEN];
    double each = 0;
    SSL *ssl;
    pid_t pid;
    int fd[2];
    int result[2];
    int i;

    loopback_pair(fd);
    NEED(ctx != NULL && pipe(result) == 0);
    pid = fork();
    NEED(pid >= 0);
    if (pid == 0) {
        close(fd[0]);
        bare_server(fd[1], result[1]);
    }
    close(fd[1]);
    ssl = SSL_new(ctx);
    NEED(ssl != NULL && SSL_set_fd(ssl, fd[0]) == 1 && SSL_connect(ssl) == 1);
    for (i = 0; i < ROUND_TRIPS; i++) {
        int got = 0;

        NEED(SSL_write(ssl, buf, REQUEST_LEN) == REQUEST_LEN);
        while (got < ANSWER_LEN) {
            int n = SSL_read(ssl, buf, ANSWER_LEN - got);

            NEED(n > 0);
            got += n;
        }
    }
    NEED(read(result[0], &each, sizeof(each)) == (ssize_t)sizeof(each));
    NEED(waitpid(pid, NULL, 0) == pid);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd[0]);
    close(result[0]);
    close(result[1]);
    return each;
}

static double limit_rate(void)
{
    static uint8_t text[LABEL_LEN];
    EVP_PKEY *key = softtpm_p256();
    uint8_t sig[80];
    size_t len = 0;
    double sign = sign_s(key, text, sig, &len);
    double verify = verify_s(key, text, sig, len);
    double trip = round_trip_s();

    EVP_PKEY_free(key);
    bench_say("  verify %.1f us, sign %.1f us, round trip %.1f us", verify * 1e6, sign * 1e6,
              trip * 1e6);
    return 1 / (2 * verify + sign + 2 * trip);
}

/* ---- ours ----------------------------------------------------------------------------------- */

struct load {
    struct gateway *g;
    pthread_t thread;
    double until;
    size_t count;
    double *latency; /* seconds of each attestation */
    size_t latency_count, latency_cap;
};

static void note(struct load *l, double s)
{
    if (l->latency_count == l->latency_cap) {
        l->latency_cap = 2 * l->latency_cap + 1024;
        l->latency = realloc(l->latency, l->latency_cap * sizeof(double));
        NEED(l->latency != NULL);
    }
    l->latency[l->latency_count++] = s;
}

/* One attestation; the time of each of its two answers is noted. */
static void attest_once(struct load *l)
{
    struct gateway_attempt a = {0};
    double start = bench_wall_s();
    int status = gateway_session(l->g, &a);

    note(l, bench_wall_s() - start);
    if (status != 201) {
        bench_say("newSession: %d %s", status, a.session_answer.code);
        NEED(!"a challenge");
    }
    gateway_measure(l->g, &a);
    gateway_sign(l->g, &a);
    gateway_seal(l->g, &a);
    start = bench_wall_s();
    status = gateway_send(l->g, &a);
    note(l, bench_wall_s() - start);
    if (status != 200) {
        bench_say("evidence: %d %s", status, a.answer.code);
        NEED(!"accepted evidence");
    }
    gateway_attempt_clear(&a);
}

static void *run_load(void *arg)
{
    struct load *l = arg;

    while (bench_wall_s() < l->until) {
        attest_once(l);
        l->count++;
    }
    return NULL;
}

static double our_rate(struct load *loads, double seconds)
{
    double start = bench_wall_s();
    size_t count = 0;
    size_t i;

    for (i = 0; i < CLIENTS; i++) {
        loads[i].count = 0;
        loads[i].until = start + seconds;
        NEED(pthread_create(&loads[i].thread, NULL, run_load, &loads[i]) == 0);
    }
    for (i = 0; i < CLIENTS; i++) {
        NEED(pthread_join(loads[i].thread, NULL) == 0);
        count += loads[i].count;
    }
    return (double)count / (bench_wall_s() - start);
}

static void enrol(struct service *s, struct load *l, const char *source, size_t i)
{
    char id[32];
    char token[128];

    snprintf(id, sizeof(id), "gateway-%zu", i);
    memset(l, 0, sizeof(*l));
    l->g = gateway_new(s->tls, "127.0.0.1", s->port, id, softtpm_new(s->ek_ca, SOFTTPM_EK_P256));
    client_set_source(l->g->client, source);
    gateway_boot(l->g);
    service_token(s, id, token);
    NEED(gateway_enrol(l->g, token) == 200);
}

static double percentile(struct load *loads, size_t count, double p)
{
    size_t total = 0;
    double *all;
    double value;
    size_t i;

    for (i = 0; i < count; i++) {
        total += loads[i].latency_count;
    }
    all = malloc((total + 1) * sizeof(double));
    NEED(all != NULL && total > 0);
    total = 0;
    for (i = 0; i < count; i++) {
        memcpy(all + total, loads[i].latency, loads[i].latency_count * sizeof(double));
        total += loads[i].latency_count;
    }
    (void)bench_median(all, total); /* sorts */
    value = all[(size_t)((double)(total - 1) * p)];
    free(all);
    return value;
}

static void free_loads(struct load *loads, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        gateway_free(loads[i].g);
        free(loads[i].latency);
    }
    free(loads);
}

static int bench_rate(void)
{
    const struct service_options options = {.only_cpu = 1};
    struct service *s = service_new(&options);
    struct load *loads = calloc(CLIENTS, sizeof(*loads));
    double ours[BENCH_PAIRS];
    double limit[BENCH_PAIRS];
    double ratio[BENCH_PAIRS];
    double p99;
    size_t i;

    NEED(loads != NULL);
    bench_pin(1);
    service_start(s);
    for (i = 0; i < CLIENTS; i++) {
        enrol(s, &loads[i], "127.0.0.1", i);
        attest_once(&loads[i]); /* the first sends its logs whole */
    }
    (void)our_rate(loads, 0.5);
    for (i = 0; i < CLIENTS; i++) {
        loads[i].latency_count = 0;
    }
    for (i = 0; i < BENCH_PAIRS; i++) {
        limit[i] = limit_rate();
        ours[i] = our_rate(loads, SECONDS);
        ratio[i] = ours[i] / limit[i];
        bench_say("  ours %.0f/s, limit %.0f/s", ours[i], limit[i]);
    }
    p99 = percentile(loads, CLIENTS, 0.99) * 1000;
    bench_row("whole service, one processor", "1/s", bench_median(ours, BENCH_PAIRS),
              bench_median(limit, BENCH_PAIRS), bench_median(ratio, BENCH_PAIRS), GOAL_RATE, true);
    bench_row("p99 of an answer, 16 clients", "ms", p99, GOAL_P99_MS, p99 / GOAL_P99_MS, 1, false);
    bench_say("  memory of the service: %.1f MiB", (double)service_memory(s) / 1048576);
    free_loads(loads, CLIENTS);
    service_free(s);
    return 0;
}

/* Each gateway has its turn once a minute; one thread serves all of them. */
static int bench_agents(size_t count, double seconds)
{
    struct service *s = service_new(NULL);
    struct load *loads = calloc(count, sizeof(*loads));
    struct rlimit files = {.rlim_cur = 16384, .rlim_max = 16384};
    size_t early = 0;
    size_t late = 0;
    double start;
    double p99;
    size_t turn;
    size_t turns = (size_t)(seconds / 60 * (double)count);
    size_t i;

    NEED(loads != NULL);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    service_start(s);
    for (i = 0; i < count; i++) {
        char source[32];

        snprintf(source, sizeof(source), "127.0.0.%zu", 2 + i % SOURCE_COUNT);
        enrol(s, &loads[i], source, i);
    }
    bench_say("  %zu gateways enrolled, memory %.1f MiB", count,
              (double)service_memory(s) / 1048576);
    start = bench_wall_s();
    for (turn = 0; turn < turns; turn++) {
        double due = start + (double)turn * 60 / (double)count;
        double wait = due - bench_wall_s();

        if (wait > 0) {
            (void)usleep((useconds_t)(wait * 1e6));
        }
        attest_once(&loads[turn % count]);
        if (turn + 1 == turns / 3) {
            early = service_memory(s);
        }
    }
    late = service_memory(s);
    p99 = percentile(loads, count, 0.99) * 1000;
    bench_row("p99 of an answer, agents once a minute", "ms", p99, GOAL_P99_MS, p99 / GOAL_P99_MS,
              1, false);
    bench_row("memory of the service, last minute to first", "MiB", (double)late / 1048576,
              (double)early / 1048576, (double)late / (double)early, GOAL_GROWTH, false);
    free_loads(loads, count);
    service_free(s);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "agents") == 0) {
        return bench_agents(strtoul(argv[2], NULL, 10), strtod(argv[3], NULL));
    }
    if (argc == 2 && strcmp(argv[1], "rate") == 0) {
        return bench_rate();
    }
    bench_say("usage: bench_service rate | agents N SECONDS");
    return 2;
}
