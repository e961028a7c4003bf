/* The same decision again, from the record of the first. */
#include <stdlib.h>
#include <string.h>

#include "appraise/judge.h"
#include "appraise/record_internal.h"
#include "base/guard.h"
#include "crypto/digest.h"

void att_reappraisal_clear(struct att_reappraisal *r)
{
    att_result_free(r->before);
    att_result_free(r->after);
    memset(r, 0, sizeof(*r));
}

/* One repetition under way: large parts live on the heap. */
struct again {
    struct att_appraisal_context *context;
    struct att_result *before, *after;
    uint8_t *room;
    struct att_ak ak;
    struct att_evidence evidence;
    uint8_t evidence_digest[32], claims_digest[32];
};

static void again_clear(struct again *g)
{
    free(g->context);
    free(g->room);
    att_result_free(g->before);
    att_result_free(g->after);
    att_ak_clear(&g->ak);
}

/* The parts that the verifier wrote itself. */
static enum att_err decode_parts(struct again *g, const struct att_record *r, struct att_diag *diag)
{
    enum att_err err = att_appraisal_context_decode(g->context, r->context, diag);

    if (err == ATT_OK) {
        err = att_result_decode(g->before, r->result, diag);
    }
    if (err != ATT_OK && diag != NULL && diag->reason == ATT_R_FMT_FRAME) {
        diag->reason = ATT_R_FMT_RECORD;
    }
    return err;
}

/* Who changes one of two places that name the rules shall not turn a repetition into a what-if. */
static enum att_err check_rules(const struct again *g, const struct att_record *r,
                                struct att_diag *diag)
{
    const struct att_appraisal_context *c = g->context;
    uint8_t digest[32];
    enum att_err err = ATT_OK;

    if (ATT_GUARD(RECORD_RULES,
                  !att_digest_eq(c->policy_digest, g->before->policy_digest, 32) ||
                      !att_digest_eq(c->refvals_digest, g->before->refvals_digest, 32))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_RECORD, "result",
                        "context and result name other rules");
    }
    if (r->policy.len == 0) {
        return ATT_OK;
    }
    err = att_sha256(r->policy, digest); /* a policy's digest is that of its encoded form */
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "policy", "hashing failed");
    }
    if (ATT_GUARD(RECORD_POLICY, !att_digest_eq(digest, c->policy_digest, 32))) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_RECORD, "policy",
                        "the policy in the record is not the one that it names");
    }
    return ATT_OK;
}

static enum att_err again_start(struct again *g, const struct att_record *r, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    g->context = calloc(1, sizeof(*g->context));
    g->room = malloc(2 * ATT_RESULT_BOUND);
    g->before = att_result_new();
    g->after = att_result_new();
    if (g->context == NULL || g->room == NULL || g->before == NULL || g->after == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "record", "no memory");
    }
    err = decode_parts(g, r, diag);
    if (err == ATT_OK) {
        err = check_rules(g, r, diag);
    }
    if (err == ATT_OK) {
        err = att_evidence_parse(&g->evidence, r->evidence, diag);
    }
    if (err == ATT_OK) {
        err = att_ak_parse(&g->ak, att_slice_of(g->context->ak_public, g->context->ak_public_len),
                           diag);
    }
    if (err == ATT_OK) {
        err = att_sha256(r->evidence, g->evidence_digest);
    }
    return err == ATT_OK ? att_sha256(g->evidence.claims_encoded, g->claims_digest) : err;
}

/* Two encodings, one in the record: equal bytes are the promise, not equal members. */
static enum att_err compare(bool *same, struct again *g, const struct att_record *r)
{
    struct att_wr w = att_wr_into(g->room, ATT_RESULT_BOUND);
    struct att_slice bytes = {0};
    enum att_err err = att_result_encode(&w, g->after);

    if (err == ATT_OK) {
        err = att_wr_done(&w, &bytes);
    }
    if (err == ATT_OK) {
        *same = att_slice_eq(bytes, r->result);
    }
    return err;
}

/* Only windows whose notices are given; how many are not. */
static uint32_t leave_out_windows(struct att_windows *w, const struct att_reappraise_rules *rules)
{
    uint32_t kept = 0;
    uint32_t missing = 0;

    for (uint32_t i = 0; i < w->count; i++) {
        if (att_notices_find(rules->notices, rules->notice_count, w->window[i].notice) == NULL) {
            missing++;
            continue;
        }
        w->window[kept++] = w->window[i];
    }
    w->count = kept;
    return missing;
}

static bool other_rules(const struct again *g, const struct att_reappraise_rules *rules)
{
    static const uint8_t none[32];
    const uint8_t *refs = rules->refvals != NULL ? att_refvals_digest(rules->refvals) : none;

    return !att_digest_eq(g->context->policy_digest, rules->policy->digest, 32) ||
           !att_digest_eq(g->context->refvals_digest, refs, 32);
}

static enum att_err encode_state(struct att_slice *out, uint8_t *room,
                                 const struct att_boot_state *state)
{
    struct att_wr w = att_wr_into(room, ATT_RESULT_BOUND);
    enum att_err err = att_boot_state_encode(&w, state);

    return err == ATT_OK ? att_wr_done(&w, out) : err;
}

/*
 * *out: earlier, when it is of the record that this evidence goes on from: then it left behind the very state that
 * the verifier held before it (clock, counts and PCRs are in it). A record left out between, or one of another
 * gateway, gives NULL.
 */
static enum att_err find_earlier(const struct att_result **out, struct again *g,
                                 const struct att_result *earlier)
{
    struct att_slice left = {0};
    struct att_slice held = {0};
    enum att_err err = ATT_OK;

    *out = NULL;
    if (earlier == NULL || !earlier->accepted) {
        return ATT_OK;
    }
    err = encode_state(&left, g->room, &earlier->state);
    if (err == ATT_OK) {
        err = encode_state(&held, g->room + ATT_RESULT_BOUND, &g->context->prior);
    }
    if (err == ATT_OK && !ATT_GUARD(RECORD_GAP, !att_slice_eq(left, held))) {
        *out = earlier;
    }
    return err;
}

static bool goes_on(const struct att_evidence *ev)
{
    const uint64_t *off = ev->claims.logs.off;

    return off[ATT_LOG_UEFI] > 0 || off[ATT_LOG_IMA] > 0 || off[ATT_LOG_OWN] > 0;
}

/* Other rules did not judge what came before: the carry is what the same rules made of that, or nothing. */
static enum att_err start_what_if(struct att_reappraisal *done, struct again *g,
                                  const struct att_reappraise_rules *rules, struct att_diag *diag)
{
    bool seen = false;
    enum att_err err = ATT_OK;

    done->over_parts = g->context->parts.known;
    if (!done->over_parts) {
        done->unseen = goes_on(&g->evidence) && rules->earlier == NULL;
        if (rules->earlier != NULL) {
            g->context->carry = rules->earlier->carry;
        }
        return ATT_OK;
    }
    err = att_record_judge_list(&seen, g->context, g->after, &g->evidence, rules, diag);
    if (ATT_GUARD(RECORD_PARTS, err == ATT_OK && !seen)) {
        memset(&g->context->carry, 0, sizeof(g->context->carry));
        done->unseen = true;
    }
    return err;
}

enum att_err att_reappraise(struct att_reappraisal *out, const struct att_record *r,
                            const struct att_reappraise_rules *rules, struct att_diag *diag)
{
    ATT_CLEANUP(again_clear) struct again g = {0};
    struct att_judge_input in = {.evidence = &g.evidence,
                                 .evidence_digest = g.evidence_digest,
                                 .claims_digest = g.claims_digest,
                                 .ak = &g.ak,
                                 .policy = rules->policy,
                                 .refvals = rules->refvals,
                                 .notices = rules->notices,
                                 .notice_count = rules->notice_count};
    struct att_reappraise_rules known = *rules;
    struct att_reappraisal done = {0};
    enum att_err err = again_start(&g, r, diag);

    if (err != ATT_OK) {
        return err;
    }
    done.notices_missing = leave_out_windows(&g.context->windows, rules);
    done.other_rules = done.notices_missing > 0 || other_rules(&g, rules);
    if (done.other_rules) {
        err = find_earlier(&known.earlier, &g, rules->earlier);
    }
    if (err == ATT_OK && done.other_rules) {
        err = start_what_if(&done, &g, &known, diag);
    }
    in.context = g.context;
    if (err == ATT_OK) {
        err = att_judge(g.after, &in, diag);
    }
    if (err == ATT_OK) {
        err = compare(&done.same, &g, r);
    }
    if (err != ATT_OK) {
        return err;
    }
    memcpy(done.device_id, g.context->device_id, sizeof(done.device_id));
    done.before = g.before;
    done.after = g.after;
    g.before = NULL;
    g.after = NULL;
    *out = done;
    return ATT_OK;
}
