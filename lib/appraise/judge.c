/* What was asked for is taken from the context, never from the evidence. */
#include "appraise/judge.h"

#include <string.h>

#include "appraise/appraise.h"
#include "base/reason.h"
#include "evidence/verify.h"

#define QUOTE_WINDOW 256 /* log entries that may have been added between quote and reading */

bool att_judge_malformed(const struct att_diag *diag)
{
    int http = att_reason_info(diag->reason)->http;

    return http == 400 || http == 413;
}

/* Evidence that could not be decided, for reasons that are not its own. */
static bool undecided(enum att_err err)
{
    return err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_E_INTERNAL || err == ATT_E_IO;
}

static enum att_err qualifying_of(uint8_t out[32], const struct att_judge_input *in,
                                  struct att_diag *diag)
{
    const struct att_appraisal_context *c = in->context;
    const struct att_quote_context q = {.verifier_id = c->verifier_id,
                                        .device_id = c->device_id,
                                        .nonce = c->nonce,
                                        .session = c->session,
                                        .claims_digest = in->claims_digest,
                                        .logs = in->evidence->claims.logs};
    enum att_err err = att_quote_qualifying(out, &q);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "qualifying data", "cannot be computed");
    }
    return ATT_OK;
}

static enum att_err verify(struct att_verified **out, const struct att_judge_input *in,
                           struct att_diag *diag)
{
    const struct att_appraisal_context *c = in->context;
    uint8_t qualifying[32];
    const struct att_expect expect = {.ak = in->ak->key,
                                      .scheme = in->ak->scheme,
                                      .hash = in->ak->hash,
                                      .qualified_signer =
                                          att_slice_of(in->ak->qualified, in->ak->qualified_len),
                                      .qualifying = att_slice_of(qualifying, sizeof(qualifying)),
                                      .selection = c->selection};
    const struct att_log_rules rules = {.bank = in->policy->bank,
                                        .boot_mask = in->policy->boot_mask,
                                        .ima_pcr = in->policy->ima_pcr,
                                        .own_pcr = c->own_pcr,
                                        .window = QUOTE_WINDOW,
                                        .parts = c->parts.known ? &c->parts : NULL};
    enum att_err err = qualifying_of(qualifying, in, diag);

    if (err != ATT_OK) {
        return err;
    }
    return att_evidence_verify(out, in->evidence, &expect, &rules,
                               c->prior.known ? &c->prior : NULL, diag);
}

static enum att_err appraise(struct att_result *out, const struct att_verified *verified,
                             const struct att_judge_input *in, struct att_diag *diag)
{
    const struct att_appraisal_context *c = in->context;
    const struct att_notice *notices[ATT_NOTICES_MAX];
    const struct att_device_facts facts = {.ek_verified = c->ek_verified,
                                           .carry = c->carry.known ? &c->carry : NULL,
                                           .windows = &c->windows,
                                           .notices = notices,
                                           .parts = c->parts.known ? &c->parts : NULL,
                                           .seen = c->parts.known ? &c->seen : NULL};
    enum att_err err =
        att_windows_notices(notices, &c->windows, in->notices, in->notice_count, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_appraise(out, verified, in->policy, in->refvals, &facts);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_BUSY, "appraisal", "%s", att_err_name(err));
    }
    return ATT_OK;
}

enum att_err att_judge(struct att_result *out, const struct att_judge_input *in,
                       struct att_diag *diag)
{
    ATT_CLEANUP(att_verified_freep) struct att_verified *verified = NULL;
    struct att_diag why = {0};
    enum att_err err = verify(&verified, in, &why);

    if (err == ATT_OK) {
        err = appraise(out, verified, in, &why);
    } else if (!undecided(err) && !att_judge_malformed(&why)) {
        memset(out, 0, sizeof(*out));
        att_result_refuse(out, &why);
        err = ATT_OK;
    }
    if (err != ATT_OK) {
        if (diag != NULL) {
            *diag = why;
        }
        return err;
    }
    /* a verdict either way, with the digests of what was judged and by what */
    memcpy(out->evidence_digest, in->evidence_digest, sizeof(out->evidence_digest));
    memcpy(out->policy_digest, in->policy->digest, sizeof(out->policy_digest));
    if (in->refvals != NULL) {
        memcpy(out->refvals_digest, att_refvals_digest(in->refvals), sizeof(out->refvals_digest));
    }
    return ATT_OK;
}
