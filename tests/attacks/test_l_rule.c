/* Kernel lists in parts whose sender says of its kernel how it extends (4.3, L-25): a lie is not what the TPM signed. */
#include <stdlib.h>
#include <string.h>

#include "logattack.h"
#include "need.h"
#include "parttest.h"

#define PARTED 12 /* entries that come ahead */

static void fill(struct softlog *log, struct softtpm *tpm)
{
    gateway_usual_ima(log, tpm);
    for (int i = 0; i < PARTED; i++) {
        softlog_ima(log, tpm, "/usr/bin/again", att_slice_str(gateway_contents[0]));
    }
}

static void new_kernel(struct softlog *log, struct softtpm *tpm)
{
    log->padded = false;
    fill(log, tpm);
}

static void old_kernel(struct softlog *log, struct softtpm *tpm)
{
    log->padded = true;
    fill(log, tpm);
}

static const struct gateway_plan PLANS[] = {{.ima = new_kernel}, {.ima = old_kernel}};

static struct att_slice between(const struct softlog *log, size_t first, size_t last)
{
    size_t from = 0;
    size_t to = 0;
    size_t len = 0;

    log_entry_at(log, first, &from, &len);
    log_entry_at(log, last, &to, &len);
    return att_slice_of(log->p + from, to - from);
}

/* One part of an old or a new kernel's list, which is said to be of one or the other; then the evidence. */
static void attest(struct log_scene *s, const char *row, bool pads, bool says)
{
    log_scene_open(s, row, 2 * pads + says, &PLANS[pads]);
    NEED(gateway_session(s->g, &s->a) == 201);
    NEED(part_send_as(s->g, &s->a, 0, between(&s->g->log[ATT_LOG_IMA], 0, PARTED), says) == 200);
    gateway_measure(s->g, &s->a);
    gateway_sign(s->g, &s->a);
    gateway_seal(s->g, &s->a);
    (void)gateway_send(s->g, &s->a);
}

START_TEST(L_25__list_of_either_kernel_affirms)
{
    struct log_scene s;

    attest(&s, "l-25-kernel", _i == 1, _i == 1);
    ck_assert_int_eq(s.a.answer.status, 200);
    ck_assert_uint_eq(s.a.outcome.status, ATT_TIER_AFFIRMING);
    log_scene_close(&s);
}
END_TEST

/* In both directions; the reason names what was said of the kernel. */
START_TEST(L_25__lie_about_the_kernels_rule_does_not_lead_to_the_quote)
{
    static const char *const SAID[] = {"by the bank's own hash", "by the SHA-1 padded with zeros"};
    struct log_scene s;
    char text[1100] = "";

    attest(&s, "l-25-rule", _i == 0, _i == 1);
    for (size_t i = 0; i < s.a.outcome.reason_count; i++) {
        struct att_slice words = s.a.outcome.reason[i].text;

        if (att_slice_eq(s.a.outcome.reason[i].code, att_slice_str("E_LOG_PCR"))) {
            NEED(words.len < sizeof(text));
            memcpy(text, words.p, words.len);
        }
    }
    ck_assert_msg(strstr(text, SAID[_i]) != NULL, "%s", text);
    attack_fails_at(s.s, s.g, &s.a, "E_LOG_PCR");
    log_scene_close(&s);
}
END_TEST

/* Half a list by one rule and half by the other: no kernel made it so. */
START_TEST(L_25__parts_of_two_rules_are_refused)
{
    struct log_scene s;
    const struct softlog *log = NULL;
    char *before = NULL;

    log_scene_open(&s, "l-25-two-rules", _i, &PLANS[_i]);
    log = &s.g->log[ATT_LOG_IMA];
    ck_assert_int_eq(gateway_session(s.g, &s.a), 201);
    ck_assert_int_eq(part_send_as(s.g, &s.a, 0, between(log, 0, 5), _i == 1), 200);
    before = attack_records();
    (void)part_send_as(s.g, &s.a, s.a.challenge.offset[ATT_LOG_IMA], between(log, 5, PARTED),
                       _i == 0);
    attack_refused(&s.a.answer, 409, "E_PART_ORDER");
    attack_same_records(before);
    log_scene_close(&s);
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"L-25-kernel", L_25__list_of_either_kernel_affirms, 2, 0},
        {"L-25-rule", L_25__lie_about_the_kernels_rule_does_not_lead_to_the_quote, 2, 0},
        {"L-25-two-rules", L_25__parts_of_two_rules_are_refused, 2, 0},
    };

    return attack_main("attacks: kernel list in parts, and how it was extended", rows,
                       ATT_COUNT(rows), NULL);
}
