/* Attack matrix 4.3, rows about what a policy asks of single boot events. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "logattack.h"
#include "need.h"

#define EV_SEPARATOR 4U
#define EV_CRTM      8U
#define EV_VARIABLE  0x80000001U
#define EV_IMAGE     0x80000003U

#define RULE(predicate)                                                                            \
    "  - {id: extra, severity: fail, " predicate ", title: {en: extra, ja: extra}}\n"              \
    "  - {id: grade, "

/* A service of the base fixture's policy with one rule more, and one gateway that boots by a plan. */
static void open_at(struct log_scene *s, const struct service_options *options,
                    const struct gateway_plan *plan)
{
    struct service *service = service_new(options);

    service_start(service);
    log_scene_open_at(s, service, "l-gateway", plan);
}

static void fails(struct log_scene *s, const char *code)
{
    struct service *service = s->s;

    log_scene_fails(s, code);
    service_free(service);
}

static void affirms(struct log_scene *s)
{
    struct service *service = s->s;

    log_scene_affirms(s);
    service_free(service);
}

/* The log says Secure Boot is on; the quote says nothing of PCR 7 (CVE-2022-0317). */
START_TEST(L_12__claim_of_a_pcr_that_is_not_quoted_is_absent)
{
    struct service_options options = {0};
    struct log_scene s;
    char policy[8192];
    char *at = NULL;

    NEED(snprintf(policy, sizeof(policy), "%s",
                  policy_with("  - {id: grade, ", RULE("secure_boot: enabled"))) > 0);
    at = strstr(policy, "boot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]");
    NEED(at != NULL);
    memcpy(at, "boot_log_pcrs: [0, 1, 2, 3, 4, 5, 6]   ", 39);
    options.policy = policy;
    open_at(&s, &options, NULL);
    fails(&s, "E_LOG_CLAIM");
}
END_TEST

START_TEST(L_12__claim_that_is_quoted_is_met)
{
    const struct service_options options = {
        .policy = policy_with("  - {id: grade, ", RULE("secure_boot: enabled"))};
    struct log_scene s;

    open_at(&s, &options, NULL);
    affirms(&s);
}
END_TEST

static const uint8_t SECURE_BOOT[] = {
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03,
    0x2b, 0x8c, 10,   0,    0,    0,    0,    0,    0,    0,    1,    0,    0,    0,
    0,    0,    0,    0,    'S',  0,    'e',  0,    'c',  0,    'u',  0,    'r',  0,
    'e',  0,    'B',  0,    'o',  0,    'o',  0,    't',  0,    1};

static int forgery;

/* 0: off; 1: off, told as on under a type whose data no digest covers; 2: on, but behind the separator */
static void forged_boot(struct softlog *log, struct softtpm *tpm)
{
    static const uint8_t zero[4];
    uint8_t off[sizeof(SECURE_BOOT)];
    uint32_t pcr;

    memcpy(off, SECURE_BOOT, sizeof(off));
    off[sizeof(off) - 1] = 0;
    softlog_uefi(log, tpm, 0, EV_CRTM, att_slice_str("firmware 1.0"));
    if (forgery < 2) {
        softlog_uefi_as(log, tpm, 7, forgery == 0 ? EV_VARIABLE : EV_IMAGE,
                        att_slice_of(off, sizeof(off)),
                        att_slice_of(forgery == 0 ? off : SECURE_BOOT, sizeof(off)));
    }
    for (pcr = 0; pcr < 8; pcr++) {
        softlog_uefi(log, tpm, pcr, EV_SEPARATOR, att_slice_of(zero, 4));
    }
    if (forgery == 2) {
        softlog_uefi(log, tpm, 7, EV_VARIABLE, att_slice_of(SECURE_BOOT, sizeof(SECURE_BOOT)));
    }
}

START_TEST(L_12__claim_that_was_not_measured_is_absent)
{
    static const struct gateway_plan FORGED = {.uefi = forged_boot};
    const struct service_options options = {
        .policy = policy_with("  - {id: grade, ", RULE("secure_boot: enabled"))};
    struct log_scene s;

    forgery = _i;
    open_at(&s, &options, &FORGED);
    fails(&s, "E_LOG_CLAIM");
}
END_TEST

START_TEST(L_12__claim_without_a_boot_log_is_absent)
{
    const struct service_options options = {
        .policy = policy_with(
            "  - {id: grade, severity: fail, grade_at_least: E3, title: {en: graded E3, ja: E3}}\n",
            "  - {id: extra, severity: fail, secure_boot: enabled, title: {en: x, ja: x}}\n")};
    struct service *service = service_new(&options);
    struct log_scene s = {.s = service};

    service_start(service);
    s.g = attack_enrolled_at(service, "l-gateway");
    s.g->has[ATT_LOG_UEFI] = false;
    gateway_boot(s.g);
    fails(&s, "E_LOG_CLAIM");
}
END_TEST

/* A correctly signed boot loader that is known to be vulnerable: its PCRs are even reference values. */
START_TEST(L_13__denied_boot_loader_is_refused)
{
    static const char image[] = "image of a boot loader";
    uint8_t digest[32];
    char hex[65];
    char rule[512];
    struct service_options options = {0};
    struct log_scene s;

    NEED(att_sha256(att_slice_str(image), digest) == ATT_OK);
    snprintf(rule, sizeof(rule), RULE("event_absent: {logs: [uefi], sha256: [%s]}"),
             att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 32)));
    options.policy = policy_with("  - {id: grade, ", rule);
    open_at(&s, &options, NULL);
    fails(&s, "E_POL_DENY");
}
END_TEST

int main(void)
{
    const struct attack_row rows[] = {
        {"L-12", L_12__claim_of_a_pcr_that_is_not_quoted_is_absent, 0, 0},
        {"L-12-met", L_12__claim_that_is_quoted_is_met, 0, 0},
        {"L-12-forged", L_12__claim_that_was_not_measured_is_absent, 3, 0},
        {"L-12-silent", L_12__claim_without_a_boot_log_is_absent, 0, 0},
        {"L-13", L_13__denied_boot_loader_is_refused, 0, 0},
    };

    return attack_main("attacks: boot claims", rows, ATT_COUNT(rows), NULL);
}
