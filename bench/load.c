/* The load: what an agent does, as fast as it is asked to. */
#include "load.h"

#include <stdio.h>
#include <string.h>

#include "appraise/result.h"
#include "harness.h"
#include "need.h"

#define PER_SOURCE 128 /* connections from one loopback address: the service bounds them */

static void note(struct load *l, double ms)
{
    if (l->answers == l->room) {
        l->room = 2 * l->room + 256;
        l->answer_ms = realloc(l->answer_ms, l->room * sizeof(*l->answer_ms));
        NEED(l->answer_ms != NULL);
    }
    l->answer_ms[l->answers++] = ms;
}

static bool ask(struct load *l, struct gateway_attempt *a)
{
    double start = bench_wall_s();
    int status = gateway_session(l->g, a);

    note(l, (bench_wall_s() - start) * 1e3);
    if (status != 201) {
        fprintf(stderr, "%s: newSession: %d %s\n", l->g->id, status, a->session_answer.code);
    }
    return status == 201;
}

static bool send(struct load *l, struct gateway_attempt *a)
{
    double start = bench_wall_s();
    int status = gateway_send(l->g, a);

    note(l, (bench_wall_s() - start) * 1e3);
    if (status != 200 || a->outcome.status != ATT_TIER_AFFIRMING || a->outcome.label.len == 0) {
        fprintf(stderr, "%s: evidence: %d %s\n", l->g->id, status, a->answer.code);
        return false;
    }
    return true;
}

bool load_attest(struct load *l)
{
    struct gateway_attempt a = {0};
    bool good = ask(l, &a);

    if (good) {
        gateway_measure(l->g, &a);
        gateway_sign(l->g, &a);
        gateway_seal(l->g, &a);
        good = send(l, &a);
    }
    gateway_attempt_clear(&a);
    l->done += good;
    return good;
}

void load_enrol(struct load *l, struct service *s, size_t number)
{
    char id[32];
    char source[32];
    char token[128];

    snprintf(id, sizeof(id), "gateway-%zu", number);
    snprintf(source, sizeof(source), "127.0.0.%zu", 2 + number / PER_SOURCE);
    l->g = gateway_new(s->tls, "127.0.0.1", s->port, id, softtpm_new(s->ek_ca, SOFTTPM_EK_P256));
    client_set_source(l->g->client, source);
    gateway_boot(l->g);
    service_token(s, id, token);
    NEED(gateway_enrol(l->g, token) == 200);
    NEED(load_attest(l)); /* the first contact brings the logs */
}

struct load *load_new(struct service *s, size_t count)
{
    struct load *loads = calloc(count, sizeof(*loads));

    NEED(loads != NULL);
    for (size_t i = 0; i < count; i++) {
        load_enrol(&loads[i], s, i);
    }
    load_forget(loads, count);
    return loads;
}

void load_free(struct load *loads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gateway_free(loads[i].g);
        free(loads[i].answer_ms);
    }
    free(loads);
}

void load_forget(struct load *loads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        loads[i].answers = 0;
        loads[i].done = 0;
    }
}

double load_percentile_ms(const struct load *loads, size_t count, double percent)
{
    size_t total = 0;
    double *all;
    double value;

    for (size_t i = 0; i < count; i++) {
        total += loads[i].answers;
    }
    NEED(total > 0);
    all = calloc(total, sizeof(*all));
    NEED(all != NULL);
    total = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(all + total, loads[i].answer_ms, loads[i].answers * sizeof(*all));
        total += loads[i].answers;
    }
    value = bench_percentile(all, total, percent);
    free(all);
    return value;
}
