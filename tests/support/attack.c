/* The outcome words of the attack matrix, as assertions against the real service. */
#include "attack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appraise/label.h"
#include "appraise/result.h"
#include "need.h"
#include "sign/cose.h"

struct service *attack_service;

int64_t attack_now_ms(void)
{
    struct timespec t;

    NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

void attack_memory_at_most(const struct service *s, size_t bytes)
{
    if (!SANITIZED) {
        ck_assert_uint_le(service_memory(s), bytes);
    }
}

bool attack_long(void)
{
    return getenv("ATT_SOAK") != NULL;
}

void attack_nap_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

int attack_rows(const char *suite, const struct attack_row *rows, size_t count)
{
    Suite *s = suite_create(suite);
    SRunner *r = NULL;
    int failed = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        TCase *t = tcase_create(rows[i].id);

        tcase_set_timeout(t, attack_long() ? 3600 : rows[i].timeout_s > 0 ? rows[i].timeout_s : 20);
        if (rows[i].times > 0) {
            tcase_add_loop_test(t, rows[i].test, 0, rows[i].times);
        } else {
            tcase_add_test(t, rows[i].test);
        }
        suite_add_tcase(s, t);
    }
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int attack_main(const char *suite, const struct attack_row *rows, size_t count,
                const struct service_options *options)
{
    int status = EXIT_FAILURE;

    attack_service = service_new(options);
    service_start(attack_service);
    status = attack_rows(suite, rows, count);
    service_free(attack_service);
    return status;
}

struct gateway *attack_stranger_at(struct service *s, const char *id)
{
    struct gateway *g =
        gateway_new(s->tls, "127.0.0.1", s->port, id, softtpm_new(s->ek_ca, SOFTTPM_EK_P256));

    gateway_boot(g);
    return g;
}

struct gateway *attack_stranger(const char *id)
{
    return attack_stranger_at(attack_service, id);
}

struct gateway *attack_enrolled_at(struct service *s, const char *id)
{
    struct gateway *g = attack_stranger_at(s, id);
    char token[128];

    service_token(s, id, token);
    ck_assert_int_eq(gateway_enrol(g, token), 200);
    return g;
}

struct gateway *attack_gateway_at(struct service *s, const char *id)
{
    struct gateway *g = attack_enrolled_at(s, id);
    struct gateway_attempt a = {0};

    ck_assert_int_eq(gateway_attest(g, &a), 200);
    ck_assert_uint_eq(a.outcome.status, ATT_TIER_AFFIRMING);
    gateway_attempt_clear(&a);
    return g;
}

struct gateway *attack_gateway(const char *id)
{
    return attack_gateway_at(attack_service, id);
}

char *attack_records(void)
{
    return service_dump(attack_service);
}

void attack_same_records(char *before)
{
    char *after = service_dump(attack_service);

    if (strcmp(before, after) != 0) {
        size_t at = 0;

        while (before[at] == after[at]) {
            at++;
        }
        at = at > 60 ? at - 60 : 0;
        ck_abort_msg("records changed near \"%.160s\" to \"%.160s\"", before + at, after + at);
    }
    free(before);
    free(after);
}

void attack_refused(const struct client_answer *answer, int status, const char *code)
{
    if (answer->status != status || strcmp(answer->code, code) != 0) {
        ck_abort_msg("expected %d %s, found %d %s (%.*s)", status, code, answer->status,
                     answer->code, (int)(answer->body_len < 300 ? answer->body_len : 300),
                     (const char *)answer->body);
    }
}

static void read_label(struct att_label *out, struct att_slice bytes)
{
    struct att_diag diag = {0};
    struct att_cose m;
    char text[512];

    if (att_cose_parse(&m, bytes, &diag) != ATT_OK ||
        att_label_read(out, m.payload_untrusted, &diag) != ATT_OK) {
        ck_abort_msg("the label cannot be read: %s", att_diag_print(text, sizeof(text), &diag));
    }
}

/* The label that came with the answer says no, names the reason, and is the one on record. */
static void check_bad_label(const struct gateway_attempt *a, const struct service_device *d,
                            const char *code)
{
    struct att_label *label = calloc(1, sizeof(*label));
    bool named = false;
    uint32_t i;

    NEED(label != NULL);
    ck_assert(a->has_outcome);
    ck_assert_uint_eq(a->outcome.status, ATT_TIER_CONTRAINDICATED);
    ck_assert_uint_gt(a->outcome.label.len, 0);
    read_label(label, a->outcome.label);
    ck_assert_int_eq(label->status, ATT_TIER_CONTRAINDICATED);
    for (i = 0; i < label->reason_count; i++) {
        named = named || strcmp(label->reason[i].code, code) == 0;
    }
    ck_assert_msg(named, "the label does not name %s", code);
    ck_assert(d->state.has_cti);
    ck_assert_mem_eq(d->state.cti, label->cti, ATT_CTI_LEN);
    free(label);
}

/* The present answer of the label route is no affirming label. */
static void check_current(struct gateway *g)
{
    struct client_answer now = {0};

    if (gateway_label(g, &now) == 200) {
        struct att_label *label = calloc(1, sizeof(*label));

        NEED(label != NULL);
        read_label(label, client_body(&now));
        ck_assert_int_ne(label->status, ATT_TIER_AFFIRMING);
        free(label);
    } else {
        ck_assert_int_eq(now.status, 404);
    }
    client_answer_clear(&now);
}

/* the session's result and the operator's view agree with the record. */
static void check_interfaces(const struct service *s, struct gateway *g, struct gateway_attempt *a,
                             const char *code)
{
    struct client_answer again = {0};
    char said[16384];
    const char *show[] = {"--json", "device", "show", g->id, "--socket", s->admin_path, NULL};

    client_request(g->client, &again, "GET", a->path, NULL, att_slice_of(NULL, 0));
    attack_refused(&again, 422, code);
    client_answer_clear(&again);
    ck_assert_int_eq(service_program(said, sizeof(said), "attestctl", show), 0);
    ck_assert_msg(strstr(said, "\"affirming\"") == NULL && strstr(said, "\"failed\"") != NULL,
                  "device show says: %s", said);
    ck_assert_msg(strstr(said, code) != NULL, "device show does not say %s: %s", code, said);
}

void attack_fails_at(struct service *s, struct gateway *g, struct gateway_attempt *a,
                     const char *code)
{
    struct service_device d;

    attack_refused(&a->answer, 422, code);
    ck_assert(service_device(&d, s, g->id));
    ck_assert_str_eq(store_status_name(d.state.status), store_status_name(STORE_FAILED));
    ck_assert_str_eq(d.state.reason, code);
    ck_assert_str_eq(store_kind_name(d.last.kind), store_kind_name(STORE_KIND_REFUSED));
    ck_assert_str_eq(d.last.reason, code);
    ck_assert(d.last.has_cti);
    check_bad_label(a, &d, code);
    check_current(g);
    check_interfaces(s, g, a, code);
}

void attack_fails(struct gateway *g, struct gateway_attempt *a, const char *code)
{
    attack_fails_at(attack_service, g, a, code);
}

void attack_send_fails(struct gateway *g, struct gateway_attempt *a, const char *code)
{
    gateway_sign(g, a);
    gateway_seal(g, a);
    gateway_send(g, a);
    attack_fails(g, a, code);
}

void attack_live_open(struct attack_live *l, struct service *s, const char *id)
{
    l->g = attack_gateway_at(s, id);
    client_set_timeout(l->g->client, 1000);
}

void attack_live_check(struct attack_live *l)
{
    struct gateway_attempt a = {0};
    int64_t start = attack_now_ms();

    ck_assert_int_eq(gateway_session(l->g, &a), 201);
    gateway_measure(l->g, &a);
    gateway_sign(l->g, &a);
    gateway_seal(l->g, &a);
    ck_assert_int_eq(gateway_send(l->g, &a), 200);
    ck_assert_int_le(attack_now_ms() - start, 1000);
    gateway_attempt_clear(&a);
}

void attack_live_close(struct attack_live *l)
{
    gateway_free(l->g);
    l->g = NULL;
}
