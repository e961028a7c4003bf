/*
 * One evidence, judged by the service's library and by `attestctl evidence appraise`: the tier of the one and the exit
 * code of the other say the same, for each word that a policy has for a finding.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "evidence/evidence.h"
#include "need.h"
#include "remove_tree.h"
#include "scene.h"
#include "service.h"
#include "suite.h"

#define HEAD  "policy: same\nversion: 1\nboot_log_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]\nrequirements:\n"
#define TITLE ", title: {en: x, ja: x}"
#define R(id) "  - {id: " id ", severity: fail" TITLE ", "
#define OWN   R("own") "own_items: {under: [/etc]}}\n" /* a raw quote has no items to judge */
#define BOOT  R("boot") "boot_pcrs: [0, 1, 2, 3, 4, 5, 6, 7]}\n"
#define FILES R("ima") "ima_files: {unlisted: fail}}\n"
#define MASK  0xffU

/* What stands in the logs. */
enum shows { CLEAN, VIOLATION, KEXEC, LATE_EVENT, STRANGE, NO_FILE };

static const struct {
    const char *rules; /* beside BOOT */
    enum shows shows;
    enum att_tier tier;
    const char *code; /* of the reason that both give; NULL: none */
} ROWS[] = {
    {FILES, CLEAN, ATT_TIER_AFFIRMING, NULL},
    {FILES, VIOLATION, ATT_TIER_CONTRAINDICATED, "E_LOG_VIOLATION"},
    {FILES R("v") "ima_violations: fail}\n", VIOLATION, ATT_TIER_CONTRAINDICATED,
     "E_LOG_VIOLATION"},
    {FILES R("v") "ima_violations: warn}\n", VIOLATION, ATT_TIER_WARNING, "E_LOG_VIOLATION"},
    {FILES R("v") "ima_violations: ignore}\n", VIOLATION, ATT_TIER_AFFIRMING, NULL},
    /* the strictest of a kind holds, wherever it stands */
    {FILES R("v") "ima_violations: warn}\n" R("w") "ima_violations: fail}\n", VIOLATION,
     ATT_TIER_CONTRAINDICATED, "E_LOG_VIOLATION"},
    {FILES R("v") "ima_violations: warn}\n" R("w") "ima_violations: ignore}\n", VIOLATION,
     ATT_TIER_WARNING, "E_LOG_VIOLATION"},
    {FILES, KEXEC, ATT_TIER_CONTRAINDICATED, "E_LOG_PCR"},
    {FILES R("k") "ima_kexec: fail}\n", KEXEC, ATT_TIER_CONTRAINDICATED, "E_LOG_PCR"},
    {FILES R("k") "ima_kexec: warn}\n", KEXEC, ATT_TIER_WARNING, "E_LOG_PCR"},
    {FILES R("k") "ima_kexec: ignore}\n", KEXEC, ATT_TIER_AFFIRMING, NULL},
    {FILES R("k") "ima_kexec: ignore}\n" R("l") "ima_kexec: warn}\n", KEXEC, ATT_TIER_WARNING,
     "E_LOG_PCR"},
    {FILES, LATE_EVENT, ATT_TIER_CONTRAINDICATED, "E_LOG_ORDER"},
    {FILES R("o") "boot_order: {verdict: fail}}\n", LATE_EVENT, ATT_TIER_CONTRAINDICATED,
     "E_LOG_ORDER"},
    {FILES R("o") "boot_order: {verdict: warn}}\n", LATE_EVENT, ATT_TIER_WARNING, "E_LOG_ORDER"},
    {FILES R("o") "boot_order: {verdict: ignore}}\n", LATE_EVENT, ATT_TIER_AFFIRMING, NULL},
    {FILES, STRANGE, ATT_TIER_CONTRAINDICATED, "E_REF_UNLISTED"},
    {R("ima") "ima_files: {unlisted: warn}}\n", STRANGE, ATT_TIER_WARNING, "E_REF_UNLISTED"},
    {FILES, NO_FILE, ATT_TIER_CONTRAINDICATED, "E_LOG_COVERAGE"},
    {R("ima") "ima_files: {unlisted: warn}}\n", NO_FILE, ATT_TIER_CONTRAINDICATED,
     "E_LOG_COVERAGE"},
    /* the severity of a requirement of its own */
    {FILES R("p") "not: {boot_pcrs: [0]}}\n", CLEAN, ATT_TIER_CONTRAINDICATED, "E_POL_REQUIREMENT"},
    {FILES "  - {id: p, severity: warn" TITLE ", not: {boot_pcrs: [0]}}\n", CLEAN, ATT_TIER_WARNING,
     "E_POL_REQUIREMENT"},
};

static const struct scene_reference REFERENCES[] = {{"/etc/a.conf", "a = 1\n"},
                                                    {"/etc/b.conf", "b = 2\n"},
                                                    {"/usr/bin/tool", "tool"},
                                                    {NULL, NULL}};

static struct scene *s;
static char dir[] = "/tmp/test-raw-same-XXXXXX";
static char said[16384];

static void set_up(void)
{
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    NEED(mkdtemp(dir) != NULL);
}

static void tear_down(void)
{
    scene_free(s);
    remove_tree(dir);
}

static void fill(enum shows shows)
{
    softlog_uefi_boot(&s->uefi, s->tpm, "firmware 1");
    if (shows == LATE_EVENT) {
        softlog_uefi(&s->uefi, s->tpm, 1, 0x80000009U, att_slice_str("behind its separator"));
    }
    softlog_ima_boot_aggregate(&s->ima, s->tpm);
    if (shows != NO_FILE) {
        softlog_ima(&s->ima, s->tpm, "/usr/bin/tool", att_slice_str("tool"));
    }
    if (shows == VIOLATION) {
        softlog_ima_violation(&s->ima, s->tpm, "/var/log/open");
    } else if (shows == KEXEC) {
        softlog_ima_boot_aggregate(&s->ima, s->tpm);
    } else if (shows == STRANGE) {
        softlog_ima(&s->ima, s->tpm, "/usr/bin/strange", att_slice_str("strange"));
    }
}

static const char *path_of(const char *name)
{
    static char room[16][96];
    static size_t at;
    char *out = room[at++ % ATT_COUNT(room)];

    (void)snprintf(out, sizeof(room[0]), "%s/%s", dir, name);
    return out;
}

static const char *put(const char *name, struct att_slice bytes)
{
    const char *path = path_of(name);

    NEED(att_file_write(path, bytes, 0600, NULL) == ATT_OK);
    return path;
}

/* The same artefacts as the evidence holds. */
static int judge_raw(const char *rules)
{
    struct att_evidence ev;
    uint8_t qualifying[32];
    char nonce[65];
    char policy[2048];
    const char *args[32] = {"--json", "evidence", "appraise"};
    size_t n = 3;

    NEED(att_evidence_parse(&ev, att_buf_slice(s->evidence), NULL) == ATT_OK);
    (void)scene_expect(s, qualifying);
    (void)att_hex_encode(nonce, sizeof(nonce), att_slice_of(qualifying, 32));
    (void)snprintf(policy, sizeof(policy), HEAD BOOT "%s", rules);
    args[n++] = "--quote";
    args[n++] = put("quote", ev.attest);
    args[n++] = "--signature";
    args[n++] = put("signature", ev.signature);
    args[n++] = "--ak";
    args[n++] = put("ak", softtpm_public(&s->tpm->ak));
    args[n++] = "--nonce";
    args[n++] = nonce;
    args[n++] = "--uefi";
    args[n++] = put("uefi", ev.log[ATT_LOG_UEFI]);
    args[n++] = "--ima";
    args[n++] = put("ima", ev.log[ATT_LOG_IMA]);
    args[n++] = "--own";
    args[n++] = put("own", ev.log[ATT_LOG_OWN]);
    args[n++] = "--policy";
    args[n++] = put("policy.yaml", att_slice_str(policy));
    args[n++] = "--refvals";
    args[n++] = put("refvals", att_buf_slice(s->refs_bytes));
    args[n] = NULL;
    return service_program(said, sizeof(said), "attestctl", args);
}

static bool gives(const struct att_result *r, const char *code)
{
    for (uint32_t i = 0; i < r->reason_count; i++) {
        if (strcmp(att_reason_code(r->reason[i].reason), code) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(raw__is_judged_as_the_service_judges)
{
    char policy[2048];
    char code[64];

    (void)snprintf(policy, sizeof(policy), HEAD OWN BOOT "%s", ROWS[_i].rules);
    s = scene_new(policy, REFERENCES);
    fill(ROWS[_i].shows);
    scene_refer(s, REFERENCES, MASK);
    scene_measure(s, NULL);
    ck_assert_int_eq(judge_raw(ROWS[_i].rules), ROWS[_i].tier == ATT_TIER_CONTRAINDICATED ? 1 : 0);
    NEED(scene_judge(s) == ATT_OK);
    ck_assert_int_eq(s->result->status, ROWS[_i].tier);
    if (ROWS[_i].code == NULL) {
        ck_assert_uint_eq(s->result->reason_count, 0);
        ck_assert_msg(strstr(said, "\"reasons\":[]") != NULL, "%s", said);
        return;
    }
    (void)snprintf(code, sizeof(code), "\"code\":\"%s\"", ROWS[_i].code);
    ck_assert(gives(s->result, ROWS[_i].code));
    ck_assert_msg(strstr(said, code) != NULL, "%s", said);
}
END_TEST

int main(void)
{
    static const struct suite_fixture fixture = {set_up, tear_down};
    const struct suite_row rows[] = {
        {raw__is_judged_as_the_service_judges, (int)ATT_COUNT(ROWS)},
    };

    return SUITE_RUN_ROWS("raw artefacts beside the service", rows, &fixture);
}
