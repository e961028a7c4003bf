/* One evidence: what was asked for is taken from the keeper's context, never from the message. */
#include <string.h>

#include "appraise/appraise.h"
#include "base/guard.h"
#include "base/reason.h"
#include "crypto/digest.h"
#include "evidence/verify.h"
#include "verifier/appraiser/appraiser.h"

#define QUOTE_WINDOW 256 /* log entries that may have been added between quote and reading */
#define RESULT_BOUND                                                                               \
    ((size_t)ATT_RESULT_REASONS_MAX * 800 + (size_t)ATT_DEVIATIONS_MAX * 500 +                     \
     (size_t)ATT_LOG__COUNT * ATT_PCR_BANKS * ATT_PCR_COUNT * (ATT_HASH_MAX + 4) + 4096)

bool judge_malformed(const struct att_diag *diag)
{
    int http = att_reason_info(diag->reason)->http;

    return http == 400 || http == 413;
}

/* Evidence that could not be decided, for reasons that are not its own. */
static bool undecided(enum att_err err)
{
    return err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_E_INTERNAL || err == ATT_E_IO;
}

static enum att_err check_rules(const struct appraiser *a, const struct msg_context *c,
                                struct att_diag *diag)
{
    static const uint8_t none[32];
    const uint8_t *refs = a->refvals == NULL ? none : att_refvals_digest(a->refvals);

    if (ATT_GUARD(JUDGE_RULES, !att_digest_eq(c->policy_digest, a->policy->digest, 32) ||
                                   !att_digest_eq(c->refvals_digest, refs, 32))) {
        return att_fail(diag, ATT_E_BUSY, ATT_R_BUSY, "policy",
                        "policy or reference values are being changed");
    }
    return ATT_OK;
}

static enum att_err qualifying_of(uint8_t out[32], struct msg_judged *j,
                                  const struct msg_context *c, const struct att_evidence *ev)
{
    const struct att_quote_context q = {.verifier_id = c->verifier_id,
                                        .device_id = c->device_id,
                                        .nonce = c->nonce,
                                        .session = c->session,
                                        .claims_digest = j->claims_digest,
                                        .logs = ev->claims.logs};
    enum att_err err = att_sha256(ev->claims_encoded, j->claims_digest);

    j->offsets = ev->claims.logs;
    return err != ATT_OK ? err : att_quote_qualifying(out, &q);
}

/* ATT_OK: result holds the verdict of appraisal. Else the evidence does not verify: see diag. */
static enum att_err verify_and_appraise(struct att_result *result, const struct appraiser *a,
                                        const struct att_evidence *ev, const struct msg_context *c,
                                        const struct att_expect *expect, struct att_diag *diag)
{
    ATT_CLEANUP(att_verified_freep) struct att_verified *verified = NULL;
    const struct att_device_facts facts = {.ek_verified = c->ek_verified,
                                           .carry = c->carry.known ? &c->carry : NULL};
    const struct att_log_rules rules = {.bank = a->policy->bank,
                                        .boot_mask = a->policy->boot_mask,
                                        .ima_pcr = a->policy->ima_pcr,
                                        .own_pcr = c->own_pcr,
                                        .window = QUOTE_WINDOW};
    enum att_err err =
        att_evidence_verify(&verified, ev, expect, &rules, c->prior.known ? &c->prior : NULL, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_appraise(result, verified, a->policy, a->refvals, &facts);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "appraisal", "%s", att_err_name(err));
    }
    return ATT_OK;
}

static enum att_err seal(struct att_buf **sealed, struct msg_judged *j,
                         const struct att_result *result, const uint8_t *key)
{
    static uint8_t room[RESULT_BOUND]; /* one worker, one evidence at a time */
    struct att_wr w = att_wr_into(room, sizeof(room));
    enum att_err err = att_result_encode(&w, result);

    if (err != ATT_OK) {
        return err;
    }
    j->result = att_slice_of(room, w.len);
    return msg_judged_seal(sealed, j, key);
}

/* Refused: a verdict all the same, with the digests of what it was judged by. */
static void refuse(struct att_result *result, const struct appraiser *a, const struct msg_judged *j,
                   const struct att_diag *diag)
{
    memset(result, 0, sizeof(*result));
    att_result_refuse(result, diag);
    memcpy(result->evidence_digest, j->evidence_digest, 32);
    memcpy(result->policy_digest, a->policy->digest, 32);
    if (a->refvals != NULL) {
        memcpy(result->refvals_digest, att_refvals_digest(a->refvals), 32);
    }
}

static enum att_err judge(struct msg_judged *j, struct judge_scratch *s, const struct appraiser *a,
                          struct key_cache *keys, const struct att_evidence *ev,
                          struct att_diag *diag)
{
    const struct msg_context *c = &s->context;
    const struct cached_key *ak = NULL;
    uint8_t qualifying[32];
    struct att_expect expect = {0};
    enum att_err err = key_cache_get(&ak, keys, att_slice_of(c->ak_public, c->ak_public_len), diag);

    if (err != ATT_OK) {
        return att_fail(diag, ATT_E_INTERNAL, ATT_R_INTERNAL, "attestation key",
                        "the enrolled key cannot be used");
    }
    err = qualifying_of(qualifying, j, c, ev);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "qualifying data", "cannot be computed");
    }
    expect = (struct att_expect){.ak = ak->key,
                                 .scheme = ak->scheme,
                                 .hash = ak->hash,
                                 .qualified_signer = att_slice_of(ak->qualified, ak->qualified_len),
                                 .qualifying = att_slice_of(qualifying, sizeof(qualifying)),
                                 .selection = c->selection};
    return verify_and_appraise(&s->result, a, ev, c, &expect, diag);
}

enum att_err judge_evidence(struct att_buf **sealed, const struct appraiser *a,
                            struct key_cache *keys, struct judge_scratch *scratch,
                            const struct msg *question, struct att_diag *diag)
{
    struct att_evidence ev = {0};
    struct msg_judged j = {0};
    enum att_err err = msg_context_open(&scratch->context, question->sealed, a->seal_key, diag);

    if (err == ATT_OK) {
        err = check_rules(a, &scratch->context, diag);
    }
    if (err == ATT_OK) {
        err = att_evidence_parse(&ev, question->body, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_sha256(question->sealed, j.context_digest);
    if (err == ATT_OK) {
        err = att_sha256(question->body, j.evidence_digest);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "evidence", "cannot be hashed");
    }
    j.attest = ev.attest;
    j.signature = ev.signature;
    err = judge(&j, scratch, a, keys, &ev, diag);
    if (err != ATT_OK && (undecided(err) || judge_malformed(diag))) {
        return err;
    }
    if (err != ATT_OK) {
        refuse(&scratch->result, a, &j, diag);
    }
    err = seal(sealed, &j, &scratch->result, a->seal_key);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "judgement", "%s", att_err_name(err));
    }
    return ATT_OK;
}
