/* Attack matrix row I-12, the other side: enrolling again is the administrator's word, and forgets no history. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "need.h"

static void replace_token(const char *id, char token[128])
{
    char body[160], said[512];
    json_t *answer = NULL;

    snprintf(body, sizeof(body), "{\"id\":\"%s\",\"replace\":true}", id);
    NEED(service_admin(attack_service, "POST", "/allow", body, said, sizeof(said)) == 201);
    answer = json_loads(said, 0, NULL);
    NEED(answer != NULL);
    snprintf(token, 128, "%s", json_string_value(json_object_get(answer, "token")));
    json_decref(answer);
}

static void begin(struct gateway *g, const char *token, int status, const char *code)
{
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    char *before = attack_records();

    NEED(e != NULL);
    gateway_enrol_prepare(g, e, token);
    (void)gateway_enrol_begin(g, e);
    attack_refused(&e->begin_answer, status, code);
    attack_same_records(before);
    gateway_enrol_clear(e);
    free(e);
}

/* A gateway of this id with this TPM that has no certificate yet, as after a new installation. */
static struct gateway *installed_anew(const char *id, struct softtpm *tpm)
{
    return gateway_new(attack_service->tls, "127.0.0.1", attack_service->port, id, tpm);
}

START_TEST(I_12__administrator_lets_it_enrol_again_and_history_stays)
{
    const char *id = _i == 0 ? "i-12-same" : "i-12-board";
    struct gateway *first = attack_gateway(id);
    struct gateway *again = NULL;
    struct gateway_attempt a = {0};
    struct client_answer label = {0};
    struct service_device before, after;
    char token[128];

    ck_assert(service_device(&before, attack_service, id));
    ck_assert_int_eq(before.state.status, STORE_AFFIRMING);
    replace_token(id, token);
    again = _i == 0 ? installed_anew(id, first->tpm) : attack_stranger(id);
    ck_assert_int_eq(gateway_enrol(again, token), 200);
    ck_assert(service_device(&after, attack_service, id));
    ck_assert_int_gt(after.device.enrolment, before.device.enrolment);
    ck_assert_int_eq(after.state.status, STORE_ENROLLED);
    ck_assert_int_ge(after.labels, before.labels);
    ck_assert_int_eq(after.outcomes, before.outcomes + 3); /* token, removal, enrolment */
    /* the label of before is not current any more, and the certificate of before opens nothing */
    ck_assert_int_ne(gateway_label(again, &label), 200);
    ck_assert_int_eq(gateway_session(first, &a), 403);
    gateway_attempt_clear(&a);
    /* the word was good once */
    begin(again, token, 403, "E_ID_REENROL");
    gateway_boot(again);
    ck_assert_int_eq(gateway_attest(again, &a), 200);
    gateway_attempt_clear(&a);
    client_answer_clear(&label);
    if (_i == 0) {
        again->tpm = NULL;
    }
    gateway_free(again);
    gateway_free(first);
}
END_TEST

/* The word is for one id, and gives no TPM a second one. */
START_TEST(I_12__word_for_one_id_is_for_no_other)
{
    struct gateway *one = attack_gateway("i-12-one");
    struct gateway *two = attack_gateway("i-12-two");
    struct gateway *stranger = attack_stranger("i-12-two");
    struct gateway *moved = installed_anew("i-12-one", two->tpm);
    char token[128], said[512];

    replace_token("i-12-one", token);
    begin(two, token, 403, "E_ID_REENROL");
    begin(stranger, token, 401, "E_ID_TOKEN");
    begin(moved, token, 409, "E_ID_EKDUP");
    ck_assert_int_eq(
        service_admin(attack_service, "POST", "/allow", "{\"replace\":true}", said, sizeof(said)),
        400);
    moved->tpm = NULL;
    gateway_free(moved);
    gateway_free(stranger);
    gateway_free(two);
    gateway_free(one);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-12-again", I_12__administrator_lets_it_enrol_again_and_history_stays, 2, 0},
        {"I-12-other", I_12__word_for_one_id_is_for_no_other, 0, 0},
    };

    return attack_main("attacks: enrolling again", rows, ATT_COUNT(rows), NULL);
}
