/*
 * Attack matrix 4.2, after enrolment: a TPM that is revoked or denied while its gateway is at work. Each row has a
 * service of its own, whose lists change under it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attack.h"
#include "base/file.h"
#include "base/hex.h"
#include "need.h"

#define RULES "ek_crls: crl.d\nek_revocation: if-present\nek_deny: ek-deny.txt\n"

static void write_deny(const struct service *s, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/ek-deny.txt", s->dir);
    NEED(att_file_write(path, att_slice_str(text), 0600, NULL) == ATT_OK);
}

static struct service *service_with_lists(void)
{
    static const struct service_options options = {.extra = RULES};
    struct service *s = service_new(&options);
    char path[128];

    snprintf(path, sizeof(path), "%s/crl.d", s->dir);
    NEED(mkdir(path, 0700) == 0);
    write_deny(s, "# nobody\n");
    service_start(s);
    return s;
}

static void deny(const struct service *s, const struct gateway *g)
{
    char hex[2 * ATT_NAME_MAX + 1];

    write_deny(s, att_hex_encode(hex, sizeof(hex), softtpm_name(&g->tpm->ek)));
}

static void revoke(const struct service *s, const struct gateway *g)
{
    const struct softtpm_crl_order order = {.revoked = {softtpm_ek_cert(g->tpm)},
                                            .revoked_count = 1};
    char path[128];

    snprintf(path, sizeof(path), "%s/crl.d/maker.crl", s->dir);
    softtpm_ca_write_crl(s->ek_ca, path, &order);
}

/* SIGHUP, and until the round that it begins has said so. */
static void judge_again(struct service *s, const char *word)
{
    int64_t deadline_ms = attack_now_ms() + 10000;
    size_t before = service_logged(s, word);

    service_reload(s);
    while (service_logged(s, word) == before) {
        ck_assert_msg(attack_now_ms() < deadline_ms, "%s is not in the log", word);
        attack_nap_ms(10);
    }
}

static void told_as(const struct service *s, const char *id, const char *code)
{
    static const struct {
        const char *lang, *word;
    } TOLD[] = {{"en", "in quarantine since "}, {"ja", "隔離開始:"}};
    char text[8192];

    for (size_t i = 0; i < ATT_COUNT(TOLD); i++) {
        const char *show[] = {"--lang", TOLD[i].lang, "device",      "show",
                              id,       "--socket",   s->admin_path, NULL};

        ck_assert_int_eq(service_program(text, sizeof(text), "attestctl", show), 0);
        ck_assert_ptr_nonnull(strstr(text, code));
        ck_assert_ptr_nonnull(strstr(text, TOLD[i].word));
    }
    {
        const char *list[] = {"device", "list", "--socket", s->admin_path, NULL};

        ck_assert_int_eq(service_program(text, sizeof(text), "attestctl", list), 0);
        ck_assert_ptr_nonnull(strstr(text, "quarantined"));
    }
}

/* The challenge that it holds is worth nothing, nor is the label that it had; another gateway goes on. */
static void gets_nothing(struct service *s, struct gateway *g, struct gateway_attempt *held,
                         const char *code)
{
    int status = strcmp(code, "E_ID_REVOKED") == 0 ? 422 : 403;
    struct gateway_attempt a = {0};
    struct client_answer label = {0};
    struct service_device before, after;
    struct gateway *good = attack_enrolled_at(s, "i-22-good");

    ck_assert(service_device(&before, s, g->id));
    (void)gateway_send(g, held);
    attack_refused(&held->answer, status, code);
    ck_assert_int_eq(gateway_session(g, &a), status);
    ck_assert_int_ne(gateway_label(g, &label), 200);
    ck_assert(service_device(&after, s, g->id));
    ck_assert_int_eq(after.labels, before.labels);
    ck_assert_int_eq(after.last.kind, STORE_KIND_HELD);
    ck_assert_str_eq(after.last.reason, code);
    client_answer_clear(&label);
    gateway_attempt_clear(&a);
    ck_assert_int_eq(gateway_attest(good, &a), 200);
    gateway_attempt_clear(&a);
    gateway_free(good);
}

START_TEST(I_22__revoked_after_it_enrolled_gets_no_label)
{
    struct service *s = service_with_lists();
    struct gateway *g = attack_gateway_at(s, "i-22-revoked");
    struct gateway_attempt held = {0};

    ck_assert_int_eq(gateway_prepare(g, &held), 201);
    revoke(s, g);
    judge_again(s, " device.quarantined");
    gets_nothing(s, g, &held, "E_ID_REVOKED");
    told_as(s, g->id, "E_ID_REVOKED");
    service_stop(s);
    service_start(s); /* it is kept with the records */
    ck_assert_int_eq(gateway_session(g, &held), 422);
    gateway_attempt_clear(&held);
    gateway_free(g);
    service_free(s);
}
END_TEST

START_TEST(I_22__denied_after_it_enrolled_gets_no_label_until_it_is_not)
{
    struct service *s = service_with_lists();
    struct gateway *g = attack_gateway_at(s, "i-22-denied");
    struct gateway_attempt a = {0};

    ck_assert_int_eq(gateway_prepare(g, &a), 201);
    deny(s, g);
    judge_again(s, " device.quarantined");
    gets_nothing(s, g, &a, "E_ID_EKDENY");
    told_as(s, g->id, "E_ID_EKDENY");
    write_deny(s, "");
    judge_again(s, " device.released");
    gateway_attempt_clear(&a);
    ck_assert_int_eq(gateway_attest(g, &a), 200);
    gateway_attempt_clear(&a);
    gateway_free(g);
    service_free(s);
}
END_TEST

START_TEST(I_22__denied_key_does_not_enrol)
{
    struct service *s = service_with_lists();
    struct gateway *g = attack_stranger_at(s, "i-22-stranger");
    struct gateway_enrolment *e = calloc(1, sizeof(*e));
    char token[128];

    NEED(e != NULL);
    deny(s, g);
    service_reload(s);
    service_token(s, g->id, token);
    gateway_enrol_prepare(g, e, token);
    (void)gateway_enrol_begin(g, e);
    attack_refused(&e->begin_answer, 403, "E_ID_EKDENY");
    gateway_enrol_clear(e);
    free(e);
    gateway_free(g);
    service_free(s);
}
END_TEST

/* A mistake in the list: nothing of it is taken, running or starting, and it says where. */
START_TEST(I_22__list_with_a_mistake_is_not_taken)
{
    struct service *s = service_with_lists();
    struct gateway *g = attack_gateway_at(s, "i-22-mistake");
    struct gateway_attempt a = {0};

    write_deny(s, "# thieves\n000b00\n");
    service_reload(s);
    ck_assert_uint_eq(service_logged(s, "ek-deny.txt:2: expected"), 1);
    ck_assert_int_eq(gateway_attest(g, &a), 200);
    gateway_attempt_clear(&a);
    service_stop(s);
    ck_assert_int_eq(service_try(s, NULL), 2);
    ck_assert(service_said(s, "ek-deny.txt:2: expected"));
    ck_assert_int_eq(service_check(s, NULL), 2);
    gateway_free(g);
    service_free(s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"I-22", I_22__revoked_after_it_enrolled_gets_no_label, 0, 60},
        {"I-22-denied", I_22__denied_after_it_enrolled_gets_no_label_until_it_is_not, 0, 60},
        {"I-22-enrol", I_22__denied_key_does_not_enrol, 0, 60},
        {"I-22-mistake", I_22__list_with_a_mistake_is_not_taken, 0, 60},
    };

    return attack_rows("attacks: endorsement keys after enrolment", rows, ATT_COUNT(rows));
}
