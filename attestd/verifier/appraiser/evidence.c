/* One evidence, or one part: what was asked for is taken from the keeper's context, never from the message. */
#include <string.h>

#include "appraise/judge.h"
#include "appraise/parts.h"
#include "base/guard.h"
#include "common/wire.h"
#include "verifier/appraiser/appraiser.h"

/* What the keeper asked for by its digests: the present policy and reference values, or ones before them. */
static enum att_err find_rules(struct att_judge_input *in, const struct appraiser *a,
                               const struct att_appraisal_context *c, struct att_diag *diag)
{
    const struct att_policy *p = rules_find(a->policy, &a->earlier, c->policy_digest);
    const struct att_refvals *refs = a->refvals;
    bool known = rules_find_refvals(&refs, a->refvals, &a->earlier, c->refvals_digest);

    if (ATT_GUARD(JUDGE_RULES, p == NULL || !known)) {
        return att_fail(diag, ATT_E_BUSY, ATT_R_BUSY, "policy",
                        "policy or reference values are being changed");
    }
    in->policy = p != NULL ? p : a->policy;
    in->refvals = refs;
    return ATT_OK;
}

/* The change notices that the keeper asked for; room holds those of a device. */
static enum att_err find_notices(struct att_judge_input *in, const struct att_notice **room,
                                 const struct appraiser *a, const struct att_appraisal_context *c,
                                 struct att_diag *diag)
{
    for (uint32_t i = 0; i < c->windows.count; i++) {
        room[i] = rules_find_notice(&a->notices, &a->earlier, c->windows.window[i].notice);
        if (room[i] == NULL) {
            return att_fail(diag, ATT_E_BUSY, ATT_R_BUSY, "change notices",
                            "they are being changed");
        }
    }
    in->notices = room;
    in->notice_count = c->windows.count;
    return ATT_OK;
}

static enum att_err seal(struct att_buf **sealed, struct msg_judged *j,
                         const struct att_result *result, const uint8_t *key)
{
    static uint8_t room[ATT_RESULT_BOUND]; /* one worker, one evidence at a time */
    struct att_wr w = att_wr_into(room, sizeof(room));
    enum att_err err = att_result_encode(&w, result);

    if (err != ATT_OK) {
        return err;
    }
    j->result = att_slice_of(room, w.len);
    return msg_judged_seal(sealed, j, key);
}

static enum att_err hash_parts(struct msg_judged *j, const struct msg *question,
                               const struct att_evidence *ev, struct att_diag *diag)
{
    enum att_err err = att_sha256(question->sealed, j->context_digest);

    if (err == ATT_OK) {
        err = att_sha256(question->body, j->evidence_digest);
    }
    if (err == ATT_OK) {
        err = att_sha256(ev->claims_encoded, j->claims_digest);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "evidence", "cannot be hashed");
    }
    j->offsets = ev->claims.logs;
    if (ev->claims.has_batch_head && ev->claims_encoded.len <= MSG_CLAIMS_MAX) {
        j->claims = ev->claims_encoded;
    }
    j->attest = ev->attest;
    j->signature = ev->signature;
    return ATT_OK;
}

/* in holds evidence and rules; context and key are added. */
static enum att_err judge(struct judge_scratch *s, struct key_cache *keys,
                          struct att_judge_input in, struct att_diag *diag)
{
    const struct att_appraisal_context *c = &s->context;
    enum att_err err =
        key_cache_get(&in.ak, keys, att_slice_of(c->ak_public, c->ak_public_len), diag);

    if (err != ATT_OK) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "attestation key",
                        "the enrolled key cannot be used");
    }
    in.context = c;
    return att_judge(&s->result, &in, diag);
}

enum att_err judge_evidence(struct att_buf **sealed, const struct appraiser *a,
                            struct key_cache *keys, struct judge_scratch *scratch,
                            const struct msg *question, struct att_diag *diag)
{
    struct att_evidence ev = {0};
    struct msg_judged j = {0};
    struct att_judge_input in = {.evidence = &ev};
    const struct att_notice *notices[ATT_NOTICES_MAX];
    enum att_err err = msg_context_open(&scratch->context, question->sealed, a->seal_key, diag);

    if (err == ATT_OK) {
        err = find_rules(&in, a, &scratch->context, diag);
    }
    if (err == ATT_OK) {
        err = find_notices(&in, notices, a, &scratch->context, diag);
    }
    if (err == ATT_OK) {
        err = att_evidence_parse(&ev, question->body, diag);
    }
    if (err == ATT_OK) {
        err = hash_parts(&j, question, &ev, diag);
    }
    if (err == ATT_OK) {
        in.evidence_digest = j.evidence_digest;
        in.claims_digest = j.claims_digest;
        err = judge(scratch, keys, in, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = seal(sealed, &j, &scratch->result, a->seal_key);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "judgement", "%s", att_err_name(err));
    }
    return ATT_OK;
}

/* Only the kernel's list grows with what a gateway runs; the other logs fit into one evidence. */
static enum att_err read_part(struct wire_part *out, struct att_slice body, struct att_diag *diag)
{
    enum att_err err = wire_part_parse(out, body, diag);

    if (err == ATT_OK && out->log != ATT_LOG_IMA) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_CBOR, "part",
                        "expected log %d, the kernel list, found %llu", (int)ATT_LOG_IMA,
                        (unsigned long long)out->log);
    }
    return err;
}

static enum att_err fold(struct judge_scratch *s, const struct appraiser *a,
                         const struct msg *question, struct att_diag *diag)
{
    struct wire_part part;
    struct att_judge_input rules = {0};
    const struct att_notice *notices[ATT_NOTICES_MAX];
    enum att_err err = find_rules(&rules, a, &s->context, diag);

    if (err == ATT_OK) {
        err = find_notices(&rules, notices, a, &s->context, diag);
    }
    if (err == ATT_OK) {
        err = read_part(&part, question->body, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    return att_part_fold(&s->folded.folded, &s->result,
                         &(struct att_part_input){.context = &s->context,
                                                  .policy = rules.policy,
                                                  .refvals = rules.refvals,
                                                  .notices = rules.notices,
                                                  .notice_count = rules.notice_count,
                                                  .reset_count = (uint32_t)part.reset_count,
                                                  .restart_count = (uint32_t)part.restart_count,
                                                  .padded = part.padded,
                                                  .off = part.off,
                                                  .part = part.bytes,
                                                  .log_max = a->cfg->limits.log_bytes},
                         diag);
}

enum att_err judge_part(struct att_buf **sealed, const struct appraiser *a,
                        struct judge_scratch *scratch, const struct msg *question,
                        struct att_diag *diag)
{
    enum att_err err = msg_context_open(&scratch->context, question->sealed, a->seal_key, diag);

    if (err == ATT_OK) {
        err = fold(scratch, a, question, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_sha256(question->sealed, scratch->folded.context_digest);
    if (err == ATT_OK) {
        err = msg_folded_seal(sealed, &scratch->folded, a->seal_key);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "part", "%s", att_err_name(err));
    }
    return ATT_OK;
}
