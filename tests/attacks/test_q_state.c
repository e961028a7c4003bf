/* Attack matrix 4.1, rows about a sequence: nonces, counters, resets, logs that grow, firmware. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack_scene.h"
#include "need.h"
#include "verifier/keeper/session.h"

#define COPIES 64

START_TEST(Q_11__accepted_evidence_counts_once)
{
    struct attack_scene s;
    char *before;

    attack_scene_open(&s, "q-11");
    gateway_sign(s.g, &s.a);
    gateway_seal(s.g, &s.a);
    ck_assert_int_eq(gateway_send(s.g, &s.a), 200);
    before = attack_records();
    gateway_send(s.g, &s.a);
    attack_refused(&s.a.answer, 410, "E_Q_NONCE_USED");
    attack_same_records(before);
    attack_scene_close(&s);
}
END_TEST

struct copy {
    const struct attack_scene *s;
    pthread_barrier_t *start;
    int status;
    char code[48];
};

/* One connection of its own with the same identity sends the same bytes. */
static void *send_copy(void *arg)
{
    struct copy *c = arg;
    const struct gateway *g = c->s->g;
    struct client_identity id = {.key = g->tls_key, .cert = g->cert};
    struct client *client = client_new(attack_service->tls, "127.0.0.1", attack_service->port, &id);
    struct client_answer answer = {0};
    bool up = client_connect(client);

    pthread_barrier_wait(c->start);
    if (up) {
        client_request(client, &answer, "POST", c->s->a.path, "application/cmw+cbor",
                       att_buf_slice(c->s->a.evidence));
    }
    c->status = answer.status;
    snprintf(c->code, sizeof(c->code), "%s", answer.code);
    client_answer_clear(&answer);
    client_free(client);
    return NULL;
}

START_TEST(Q_12__parallel_copies_count_once)
{
    struct attack_scene s;
    struct copy copy[COPIES];
    pthread_t thread[COPIES];
    pthread_barrier_t start;
    struct service_device before;
    struct service_device after;
    int good = 0;
    int i;

    attack_scene_open(&s, "q-12");
    gateway_sign(s.g, &s.a);
    gateway_seal(s.g, &s.a);
    ck_assert(service_device(&before, attack_service, "q-12"));
    NEED(pthread_barrier_init(&start, NULL, COPIES) == 0);
    for (i = 0; i < COPIES; i++) {
        copy[i] = (struct copy){.s = &s, .start = &start};
        NEED(pthread_create(&thread[i], NULL, send_copy, &copy[i]) == 0);
    }
    for (i = 0; i < COPIES; i++) {
        NEED(pthread_join(thread[i], NULL) == 0);
        if (copy[i].status == 200) {
            good++;
            continue;
        }
        ck_assert_int_eq(copy[i].status, 410);
        ck_assert_str_eq(copy[i].code, "E_Q_NONCE_USED");
    }
    ck_assert_int_eq(good, 1);
    ck_assert(service_device(&after, attack_service, "q-12"));
    ck_assert_int_eq(after.outcomes, before.outcomes + 1);
    ck_assert_int_eq(after.labels, before.labels + 1);
    pthread_barrier_destroy(&start);
    attack_scene_close(&s);
}
END_TEST

static bool source_is_dead;

/* A random source that works until it is broken. */
static enum att_err failing_source(void *out, size_t len)
{
    memset(out, 1, len);
    return source_is_dead ? ATT_E_CRYPTO : ATT_OK;
}

static enum att_err counting_source(void *out, size_t len)
{
    static uint8_t next;

    memset(out, ++next, len);
    return ATT_OK;
}

/* The table itself under an injected clock: good to the millisecond of the deadline, and not after. */
START_TEST(Q_13__nonce_is_good_until_its_deadline_and_not_a_millisecond_longer)
{
    const struct session_limits limits = {
        .total = 4, .per_device = 2, .ttl_ms = 1000, .random = counting_source};
    ATT_CLEANUP(sessions_freep) struct sessions *t = NULL;
    struct session *opened = NULL;
    struct session *found = NULL;
    struct att_diag diag = {0};
    uint8_t id[ATT_SESSION_LEN];

    ck_assert_int_eq(sessions_new(&t, &limits), ATT_OK);
    ck_assert_int_eq(session_open(&opened, t, "q-13", 5000, &diag), ATT_OK);
    memcpy(id, opened->id, sizeof(id));
    ck_assert_int_eq(session_claim(&found, t, att_slice_of(id, sizeof(id)), "q-13", 6000, &diag),
                     ATT_OK);
    ck_assert_int_eq(session_claim(&found, t, att_slice_of(id, sizeof(id)), "q-13", 6001, &diag),
                     ATT_E_STALE);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_Q_NONCE_EXPIRED");
    ck_assert_int_eq(att_reason_info(diag.reason)->http, 410);
}
END_TEST

START_TEST(Q_13__late_evidence_changes_nothing)
{
    const struct service_options options = {.nonce_ttl = "300ms"};
    struct service *service = service_new(&options);
    struct gateway_attempt a = {0};
    struct gateway *g;
    char *before;
    char *after;

    service_start(service);
    g = attack_gateway_at(service, "q-13");
    ck_assert_int_eq(gateway_prepare(g, &a), 201);
    before = service_dump(service);
    attack_nap_ms(320);
    gateway_send(g, &a);
    attack_refused(&a.answer, 410, "E_Q_NONCE_EXPIRED");
    after = service_dump(service);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    gateway_attempt_clear(&a);
    gateway_free(g);
    service_free(service);
}
END_TEST

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, ATT_NONCE_LEN);
}

/* 210 challenges over two restarts; in tests/soak a million over twenty, by eight fronts. */
START_TEST(Q_14__no_nonce_comes_twice)
{
    enum { DEVICES = 16 };
    const struct service_options options = {.nonce_ttl = attack_long() ? "1s" : "2m",
                                            .limits =
                                                "{sessions: 65536, sessions_per_device: 1024}",
                                            .fronts = attack_long() ? 8 : 2};
    const size_t rounds = attack_long() ? 20 : 3;
    const size_t each = attack_long() ? 50000 : 70;
    uint8_t(*nonce)[ATT_NONCE_LEN] = calloc(rounds * each, ATT_NONCE_LEN);
    struct service *service = service_new(&options);
    struct gateway *g[DEVICES];
    size_t i;

    NEED(nonce != NULL);
    service_start(service);
    for (i = 0; i < DEVICES; i++) {
        char id[32];

        snprintf(id, sizeof(id), "q-14-%zu", i);
        g[i] = attack_enrolled_at(service, id);
    }
    for (i = 0; i < rounds * each; i++) {
        struct gateway_attempt a = {0};

        if (i > 0 && i % each == 0) {
            service_stop(service);
            service_start(service);
        }
        ck_assert_int_eq(gateway_session(g[i % DEVICES], &a), 201);
        ck_assert_uint_ge(a.challenge.nonce.len, 32);
        memcpy(nonce[i], a.challenge.nonce.p, ATT_NONCE_LEN);
        gateway_attempt_clear(&a);
    }
    qsort(nonce, rounds * each, ATT_NONCE_LEN, compare_nonces);
    for (i = 1; i < rounds * each; i++) {
        ck_assert_int_ne(memcmp(nonce[i - 1], nonce[i], ATT_NONCE_LEN), 0);
    }
    free(nonce);
    for (i = 0; i < DEVICES; i++) {
        gateway_free(g[i]);
    }
    service_free(service);
}
END_TEST

START_TEST(Q_14__no_challenge_without_a_random_source)
{
    const struct session_limits limits = {
        .total = 4, .per_device = 2, .ttl_ms = 1000, .random = failing_source};
    ATT_CLEANUP(sessions_freep) struct sessions *t = NULL;
    struct session *opened = NULL;
    struct att_diag diag = {0};

    ck_assert_int_eq(sessions_new(&t, &limits), ATT_OK);
    source_is_dead = true;
    ck_assert_int_eq(session_open(&opened, t, "q-14", 0, &diag), ATT_E_CRYPTO);
    ck_assert_ptr_null(opened);
    ck_assert_uint_eq(sessions_count(t), 0);
    ck_assert_str_eq(att_reason_code(diag.reason), "E_RNG");
    ck_assert_int_eq(att_reason_info(diag.reason)->http, 503);
}
END_TEST

START_TEST(Q_20__reset_count_that_went_back_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-20-reset");
    s.a.attest.clock.reset_count--;
    attack_scene_fails(&s, "E_Q_CLOCK");
}
END_TEST

START_TEST(Q_20__restart_count_that_went_back_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-20-restart");
    gateway_attempt_clear(&s.a);
    gateway_restart(s.g);
    ck_assert_int_eq(gateway_attest(s.g, &s.a), 200);
    gateway_attempt_clear(&s.a);
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    gateway_measure(s.g, &s.a);
    s.a.attest.clock.restart_count--;
    attack_scene_fails(&s, "E_Q_CLOCK");
}
END_TEST

START_TEST(Q_21__clock_that_stands_still_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-21");
    s.a.attest.clock.clock_ms -= 10; /* what gateway_measure added */
    attack_scene_fails(&s, "E_Q_CLOCK");
}
END_TEST

START_TEST(Q_21__unsafe_clock_alone_is_explained_and_not_punished)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-21-safe");
    s.a.attest.clock.safe = false;
    gateway_sign(s.g, &s.a);
    gateway_seal(s.g, &s.a);
    ck_assert_int_eq(gateway_send(s.g, &s.a), 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    attack_scene_close(&s);
}
END_TEST

/* The TPM alone was reset and everything extended again: its logs still tell of the boot before. */
START_TEST(Q_22__reset_without_a_new_boot_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-22");
    gateway_attempt_clear(&s.a);
    s.g->tpm->clock.reset_count++;
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    gateway_measure(s.g, &s.a);
    attack_scene_fails(&s, "E_Q_RESET");
}
END_TEST

START_TEST(Q_25__entries_behind_the_quote_are_reported_and_required_next_time)
{
    struct attack_scene s;
    size_t quoted;

    attack_scene_open(&s, "q-25-longer");
    gateway_sign(s.g, &s.a);
    quoted = s.g->log[ATT_LOG_IMA].len;
    softlog_ima(&s.g->log[ATT_LOG_IMA], s.g->tpm, gateway_files[0],
                att_slice_str(gateway_contents[0]));
    s.a.log[ATT_LOG_IMA] = softlog_from(&s.g->log[ATT_LOG_IMA], s.a.claims.logs.off[ATT_LOG_IMA]);
    gateway_seal(s.g, &s.a);
    ck_assert_int_eq(gateway_send(s.g, &s.a), 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    ck_assert_uint_eq(s.a.outcome.unattested, s.g->log[ATT_LOG_IMA].len - quoted);
    gateway_attempt_clear(&s.a);
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    ck_assert_uint_eq(s.a.challenge.offset[ATT_LOG_IMA], quoted);
    gateway_measure(s.g, &s.a);
    s.a.log[ATT_LOG_IMA].len = 0; /* leave out what was reported: the quote covers it now */
    attack_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

START_TEST(Q_25__log_cut_short_is_refused)
{
    struct attack_scene s;
    size_t before;

    attack_scene_open(&s, "q-25-shorter");
    gateway_attempt_clear(&s.a);
    before = s.g->log[ATT_LOG_IMA].len;
    softlog_ima(&s.g->log[ATT_LOG_IMA], s.g->tpm, gateway_files[1],
                att_slice_str(gateway_contents[1]));
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    gateway_measure(s.g, &s.a);
    s.a.log[ATT_LOG_IMA].len = before - s.a.claims.logs.off[ATT_LOG_IMA];
    attack_scene_fails(&s, "E_LOG_PCR");
}
END_TEST

/* attack_fails asks each interface after every row; here once more, and that a repair is seen. */
START_TEST(Q_26__no_interface_calls_a_failed_device_good)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-26");
    s.a.attest.magic = 0;
    gateway_sign(s.g, &s.a);
    gateway_seal(s.g, &s.a);
    gateway_send(s.g, &s.a);
    attack_fails(s.g, &s.a, "E_Q_MAGIC");
    gateway_attempt_clear(&s.a);
    ck_assert_int_eq(gateway_attest(s.g, &s.a), 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    attack_scene_close(&s);
}
END_TEST

START_TEST(Q_27__changed_tpm_firmware_is_refused)
{
    struct attack_scene s;

    attack_scene_open(&s, "q-27");
    s.a.attest.firmware_version++;
    attack_scene_fails(&s, "E_Q_FW");
}
END_TEST

START_TEST(Q_27__changed_tpm_firmware_warns_when_the_policy_says_so)
{
    char *policy = strdup(service_policy);
    const struct service_options options = {.policy = policy};
    struct service *service;
    struct gateway_attempt a = {0};
    struct gateway *g;
    char *rule;

    NEED(policy != NULL);
    rule = strstr(policy, "{id: tpm, severity: fail");
    NEED(rule != NULL);
    memcpy(rule, "{id: tpm, severity: warn", 24);
    service = service_new(&options);
    service_start(service);
    g = attack_gateway_at(service, "q-27-warn");
    ck_assert_int_eq(gateway_session(g, &a), 201);
    gateway_measure(g, &a);
    a.attest.firmware_version++;
    gateway_sign(g, &a);
    gateway_seal(g, &a);
    ck_assert_int_eq(gateway_send(g, &a), 200);
    ck_assert_uint_eq(a.outcome.status, ATT_TIER_WARNING);
    ck_assert_uint_ge(a.outcome.reason_count, 1);
    ck_assert(att_slice_eq(a.outcome.reason[0].code, att_slice_str("E_Q_FW")));
    gateway_attempt_clear(&a);
    gateway_free(g);
    service_free(service);
    free(policy);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"Q-11", Q_11__accepted_evidence_counts_once, 0, 0},
        {"Q-12", Q_12__parallel_copies_count_once, 0, 60},
        {"Q-13", Q_13__late_evidence_changes_nothing, 0, 0},
        {"Q-13-clock", Q_13__nonce_is_good_until_its_deadline_and_not_a_millisecond_longer, 0, 0},
        {"Q-14", Q_14__no_nonce_comes_twice, 0, 60},
        {"Q-14-rng", Q_14__no_challenge_without_a_random_source, 0, 0},
        {"Q-20-reset", Q_20__reset_count_that_went_back_is_refused, 0, 0},
        {"Q-20-restart", Q_20__restart_count_that_went_back_is_refused, 0, 0},
        {"Q-21", Q_21__clock_that_stands_still_is_refused, 0, 0},
        {"Q-21-safe", Q_21__unsafe_clock_alone_is_explained_and_not_punished, 0, 0},
        {"Q-22", Q_22__reset_without_a_new_boot_is_refused, 0, 0},
        {"Q-25-longer", Q_25__entries_behind_the_quote_are_reported_and_required_next_time, 0, 0},
        {"Q-25-shorter", Q_25__log_cut_short_is_refused, 0, 0},
        {"Q-26", Q_26__no_interface_calls_a_failed_device_good, 0, 0},
        {"Q-27", Q_27__changed_tpm_firmware_is_refused, 0, 0},
        {"Q-27-warn", Q_27__changed_tpm_firmware_warns_when_the_policy_says_so, 0, 0},
    };

    return attack_main("attacks: sequences of quotes", rows, ATT_COUNT(rows), NULL);
}
