/* A gateway in one process. */
#include "scene.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "need.h"

static const char POLICY[] = "policy: scene\n"
                             "version: 3\n"
                             "requirements:\n"
                             "  - id: R-1\n"
                             "    title: {en: \"all items listed\", ja: \"すべて一覧にある\"}\n"
                             "    severity: fail\n"
                             "    own_items: {under: [\"/etc\"], unlisted: fail}\n"
                             "  - id: R-2\n"
                             "    title: {en: \"must be measured\", ja: \"測定必須\"}\n"
                             "    severity: fail\n"
                             "    own_measured: [\"/etc/b.conf\"]\n"
                             "  - id: R-3\n"
                             "    title: {en: \"grade\", ja: \"等級\"}\n"
                             "    severity: fail\n"
                             "    grade_at_least: E2\n";

static const struct scene_reference REFERENCES[] = {
    {"/etc/a.conf", "a = 1\n"}, {"/etc/b.conf", "b = 2\n"}, {NULL, NULL}};

static void refer_pcrs(struct scene *s, struct att_refvals_maker *m, uint32_t mask)
{
    for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
        char name[32];

        if ((mask >> pcr & 1) != 0) {
            (void)snprintf(name, sizeof(name), "pcr/sha256/%u", (unsigned int)pcr);
            NEED(att_refvals_maker_add(m, att_slice_str(name),
                                       softtpm_pcr(s->tpm, ATT_HASH_SHA256, pcr)) == ATT_OK);
        }
    }
}

void scene_refer(struct scene *s, const struct scene_reference *references, uint32_t pcr_mask)
{
    struct att_refvals_maker *m = NULL;

    att_refvals_freep(&s->refs);
    att_buf_freep(&s->refs_bytes);
    NEED(att_refvals_maker_new(&m) == ATT_OK);
    for (; references->name != NULL; references++) {
        uint8_t digest[32];

        NEED(att_sha256(att_slice_str(references->content), digest) == ATT_OK);
        NEED(att_refvals_maker_add(m, att_slice_str(references->name), digest) == ATT_OK);
    }
    refer_pcrs(s, m, pcr_mask);
    NEED(att_refvals_maker_finish(&s->refs_bytes, m) == ATT_OK);
    att_refvals_maker_free(m);
    NEED(att_refvals_open(&s->refs, att_buf_slice(s->refs_bytes), NULL) == ATT_OK);
}

static const uint8_t *digest_of(uint8_t out[32], const char *content)
{
    if (content == NULL) {
        return NULL;
    }
    NEED(att_sha256(att_slice_str(content), out) == ATT_OK);
    return out;
}

void scene_notify(struct scene *s, const char *id, int64_t from_s, int64_t until_s,
                  const struct scene_change *changes)
{
    static uint8_t room[16][2][32];
    struct att_change change[16] = {0};
    struct att_notice *draft = calloc(1, sizeof(*draft));
    struct att_notice *n = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;

    NEED(draft != NULL);
    *draft = (struct att_notice){
        .role = "maintenance", .title_en = "test", .from_s = from_s, .until_s = until_s};
    draft->change = change;
    (void)snprintf(draft->id, sizeof(draft->id), "%s", id);
    for (; changes->name != NULL; changes++) {
        size_t i = draft->change_count++;

        NEED(i < ATT_COUNT(change));
        change[i].name = att_slice_str(changes->name);
        change[i].after = digest_of(room[i][0], changes->after);
        change[i].before[0] = digest_of(room[i][1], changes->before);
        change[i].before_count = changes->before != NULL ? 1 : 0;
    }
    ck_assert_msg(att_notice_encode(&bytes, draft, &s->diag) == ATT_OK, "%s", s->diag.text);
    free(draft);
    NEED(att_notice_decode(&n, att_buf_slice(bytes), NULL) == ATT_OK);
    NEED(att_notices_add(&s->notices, n, NULL) == ATT_OK);
}

struct scene *scene_new(const char *policy, const struct scene_reference *references)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct att_pubarea area;

    NEED(s != NULL);
    s->ca = softtpm_ca_new("Test TPM Maker");
    s->tpm = softtpm_new(s->ca, SOFTTPM_EK_P256);
    s->ek_verified = true;
    NEED(att_policy_parse_yaml(&s->policy, "scene.yaml",
                               att_slice_str(policy != NULL ? policy : POLICY),
                               &s->diag) == ATT_OK);
    scene_refer(s, references != NULL ? references : REFERENCES, 0);
    NEED(att_pubarea_parse(&area, softtpm_public(&s->tpm->ak), NULL) == ATT_OK);
    NEED(att_pubarea_key(&s->ak, &area, NULL) == ATT_OK);
    s->from.has[ATT_LOG_OWN] = true;
    softlog_own_boot(&s->own, s->tpm, SCENE_OWN_PCR);
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/a.conf", att_slice_str("a = 1\n"));
    softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, "/etc/b.conf", att_slice_str("b = 2\n"));
    s->result = att_result_new();
    NEED(s->result != NULL);
    return s;
}

void scene_free(struct scene *s)
{
    att_notices_clear(&s->notices);
    att_buf_free(s->evidence);
    att_result_free(s->result);
    att_pubkey_free(s->ak);
    att_refvals_free(s->refs);
    att_buf_free(s->refs_bytes);
    att_policy_free(s->policy);
    softlog_free(&s->own);
    softlog_free(&s->ima);
    softlog_free(&s->uefi);
    softtpm_free(s->tpm);
    softtpm_ca_free(s->ca);
    free(s);
}

static struct att_pcr_selection selection(const struct scene *s)
{
    uint32_t mask = 1U << SCENE_OWN_PCR;

    mask |= s->from.has[ATT_LOG_IMA] ? 1U << s->policy->ima_pcr : 0;
    mask |= s->from.has[ATT_LOG_UEFI] ? s->policy->boot_mask : 0;
    return softtpm_selection(s->policy->bank, mask & ~s->not_asked);
}

static void qualify(const struct scene *s, struct att_slice claims,
                    const struct att_log_offsets *logs, uint8_t out[32])
{
    uint8_t digest[32];
    struct att_quote_context ctx = {.verifier_id = "verifier.test",
                                    .device_id = "gw-1",
                                    .nonce = s->nonce,
                                    .session = s->session,
                                    .claims_digest = digest,
                                    .logs = *logs};

    NEED(att_sha256(claims, digest) == ATT_OK);
    NEED(att_quote_qualifying(out, &ctx) == ATT_OK);
}

static const struct softlog *log_of(const struct scene *s, enum att_log log)
{
    if (log == ATT_LOG_OWN) {
        return &s->own;
    }
    return log == ATT_LOG_IMA ? &s->ima : &s->uefi;
}

void scene_measure(struct scene *s, const char *late)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *claims = NULL;
    struct att_evidence ev = {.claims = {.swname = "test",
                                         .swversion = "1",
                                         .build_id = "x",
                                         .bank = {{ATT_HASH_SHA256, true}, {ATT_HASH_SHA1, false}},
                                         .bank_count = 2}};
    struct att_pcr_selection sel;
    struct softtpm_bytes attest;
    struct softtpm_bytes signature;
    uint8_t qualifying[32];

    softtpm_tick(s->tpm, 1000);
    s->from.has[ATT_LOG_IMA] = s->ima.len > 0;
    s->from.has[ATT_LOG_UEFI] = s->uefi.len > 0;
    sel = selection(s);
    ev.claims.logs = s->from;
    ev.claims.logs.off[ATT_LOG_OWN] += s->lie;
    NEED(att_claims_encode(&claims, &ev.claims) == ATT_OK);
    qualify(s, att_buf_slice(claims), &ev.claims.logs, qualifying);
    softtpm_quote(&attest, &signature, s->tpm, att_slice_of(qualifying, 32), &sel);
    if (late != NULL) {
        softlog_own_file(&s->own, s->tpm, SCENE_OWN_PCR, late, att_slice_str("late"));
    }
    ev.attest = softtpm_slice(&attest);
    ev.signature = softtpm_slice(&signature);
    ev.claims_encoded = att_buf_slice(claims);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if (s->from.has[i]) {
            ev.log[i] = softlog_from(log_of(s, (enum att_log)i), s->from.off[i]);
        }
    }
    att_buf_free(s->evidence);
    s->evidence = NULL;
    NEED(att_evidence_encode(&s->evidence, &ev) == ATT_OK);
}

struct att_expect scene_expect(const struct scene *s, uint8_t qualifying[32])
{
    struct att_evidence ev;

    NEED(att_evidence_parse(&ev, att_buf_slice(s->evidence), NULL) == ATT_OK);
    qualify(s, ev.claims_encoded, &ev.claims.logs, qualifying);
    return (struct att_expect){.ak = s->ak,
                               .scheme = ATT_SCHEME_ECDSA,
                               .hash = ATT_HASH_SHA256,
                               .qualified_signer =
                                   att_slice_of(s->tpm->ak.qualified, s->tpm->ak.qualified_len),
                               .qualifying = att_slice_of(qualifying, 32),
                               .selection = selection(s)};
}

enum att_err scene_judge(struct scene *s)
{
    ATT_CLEANUP(att_verified_freep) struct att_verified *v = NULL;
    struct att_evidence ev;
    const struct att_notice *notices[ATT_NOTICES_MAX];
    struct att_windows windows;
    const struct att_ima_parts *parts = s->parts.known ? &s->parts : NULL;
    struct att_device_facts facts = {.ek_verified = s->ek_verified,
                                     .carry = &s->carry,
                                     .windows = &windows,
                                     .notices = notices,
                                     .parts = parts,
                                     .seen = parts != NULL ? &s->seen : NULL};
    struct att_log_rules rules = {.bank = s->policy->bank,
                                  .boot_mask = s->policy->boot_mask,
                                  .ima_pcr = s->policy->ima_pcr,
                                  .own_pcr = SCENE_OWN_PCR,
                                  .window = 64,
                                  .parts = parts};
    struct att_expect expect;
    uint8_t qualifying[32];
    enum att_err err = att_evidence_parse(&ev, att_buf_slice(s->evidence), &s->diag);

    if (err != ATT_OK) {
        return err;
    }
    expect = scene_expect(s, qualifying);
    err = att_evidence_verify(&v, &ev, &expect, &rules, &s->prior, &s->diag);
    if (err != ATT_OK) {
        return err;
    }
    att_windows_pick(&windows, &s->notices, &s->windows, "gw-1", s->now_s);
    for (uint32_t i = 0; i < windows.count; i++) {
        notices[i] = att_notices_find((const struct att_notice *const *)s->notices.notice,
                                      s->notices.count, windows.window[i].notice);
    }
    err = att_appraise(s->result, v, s->policy, s->refs, &facts);
    if (err == ATT_OK && s->result->accepted) {
        s->prior = s->result->state;
        s->carry = s->result->carry;
        s->windows = s->result->windows;
        for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
            s->from.off[i] = s->prior.log[i].off;
        }
    }
    return err;
}

void scene_attest(struct scene *s)
{
    scene_measure(s, NULL);
    ck_assert_msg(scene_judge(s) == ATT_OK, "%s: %s", att_reason_code(s->diag.reason),
                  s->diag.text);
}

bool scene_has_reason(const struct scene *s, enum att_reason reason, const char *name)
{
    for (uint32_t i = 0; i < s->result->reason_count; i++) {
        if (s->result->reason[i].reason == reason && strcmp(s->result->reason[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void scene_expect_reason(const struct scene *s, enum att_reason reason, const char *name)
{
    ck_assert_msg(scene_has_reason(s, reason, name), "no reason %s about \"%s\"",
                  att_reason_code(reason), name);
}
