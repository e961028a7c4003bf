/*
 * The decision: everything that a label rests on is checked again here, from the keeper's own records.
 *
 * The appraiser is believed in one thing only: what the logs say. That the quote is genuine, fresh, from
 * the enrolled key, over the PCRs that were asked for and under the policy in force is verified in this
 * process before anything is signed.
 */
#include <stdio.h>
#include <string.h>

#include "appraise/label.h"
#include "appraise/record.h"
#include "base/guard.h"
#include "common/wire.h"
#include "crypto/digest.h"
#include "data_key.h"
#include "evidence/states.h"
#include "evidence/verify.h"
#include "keeper_internal.h"

#define CTI_RANDOM  10
#define CLOCKS_ROOM 144 /* three pairs of numbers with their names */

/* One decision under way. */
struct decision {
    struct keeper *k;
    struct job *job;
    const struct unit *unit;
    struct session *session;
    struct known known;
    struct msg_judged judged;
    struct att_quoted *quoted; /* only when this process verified it and the evidence is accepted */
    struct att_result *result;
    const struct att_policy *policy; /* of the challenge, not necessarily the present one */
    struct att_states states;        /* of time; only of a quote that this process verified */
    char clocks[CLOCKS_ROOM];
    int64_t now_utc;
    uint8_t cti[ATT_CTI_LEN];
    uint8_t ek_digest[32]; /* SHA-256 of the EK name: the gateway's UEID */
    int64_t outcome;       /* index, once it is recorded */
    struct att_buf *label;
    struct status_place told;    /* where its status is told */
    struct data_key_grant grant; /* of the unit's data key */
    bool has_batch_head;         /* the gateway told it in its claims: */
    uint8_t batch_head[ATT_BATCH_HEAD_LEN];
};

static void decision_clear(struct decision *d)
{
    att_quoted_free(d->quoted);
    att_buf_free(d->label);
}

/* The sealed result is about this session's context and this very evidence. */
static enum att_err open_judgement(struct decision *d, struct att_diag *diag)
{
    uint8_t digest[32];
    const struct msg *m = &d->job->m;
    enum att_err err = msg_judged_open(&d->judged, m->sealed, d->k->seal_key, diag);

    if (err != ATT_OK)
        return err;
    if (ATT_GUARD(JUDGED_CONTEXT,
                  !d->session->has_context ||
                      memcmp(d->judged.context_digest, d->session->context_digest, 32) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_BUSY, "judged",
                        "the result answers another context");
    err = att_sha256(m->body, digest);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "evidence", "hashing failed");
    if (ATT_GUARD(JUDGED_EVIDENCE, memcmp(d->judged.evidence_digest, digest, 32) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_FMT_FRAME, "judged",
                        "the result is about other evidence");
    return ATT_OK;
}

static enum att_err open_result(struct decision *d, struct att_diag *diag)
{
    const struct keeper *k = d->k;
    struct att_result *r = k->result;
    enum att_err err = att_result_decode(r, d->judged.result, diag);

    if (err != ATT_OK)
        return err;
    d->policy = rules_find(k->policy, &k->earlier, d->session->policy_digest);
    if (d->policy == NULL)
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                        "the policy of its challenge was replaced several times since");
    if (ATT_GUARD(JUDGED_POLICY,
                  memcmp(r->policy_digest, d->policy->digest, 32) != 0 ||
                      memcmp(r->refvals_digest, d->session->refvals_digest, 32) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_BUSY, "judged",
                        "it was judged by another policy or other reference values");
    memcpy(r->evidence_digest, d->judged.evidence_digest, sizeof(r->evidence_digest));
    d->result = r;
    return ATT_OK;
}

/* The record will name the change notices that this was judged beside: they must be those of the context. */
static enum att_err check_windows(const struct decision *d, struct att_diag *diag)
{
    uint8_t digest[32];
    enum att_err err = att_windows_digest(digest, &d->k->windows);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "windows", "hashing failed");
    if (memcmp(digest, d->session->windows_digest, sizeof(digest)) != 0)
        return att_fail(diag, ATT_E_STALE, ATT_R_Q_NONCE_EXPIRED, "session",
                        "the change notices are others since its challenge");
    return ATT_OK;
}

/* The quote, against what this session asked for and the enrolled key: nothing of it is the sender's. */
static enum att_err verify_quote(struct decision *d, struct att_diag *diag)
{
    const struct unit *u = d->unit;
    uint8_t qualifying[32];
    struct att_quote_context ctx = {
        .verifier_id = d->k->cfg->verifier_id,
        .device_id = u->device.id,
        .nonce = d->session->nonce,
        .session = d->session->id,
        .claims_digest = d->judged.claims_digest,
        .logs = d->judged.offsets,
    };
    struct att_expect expect = {
        .ak = u->ak.key,
        .scheme = u->ak.scheme,
        .hash = u->ak.hash,
        .qualified_signer = att_slice_of(u->ak.qualified, u->ak.qualified_len),
        .qualifying = att_slice_of(qualifying, sizeof(qualifying)),
        .selection = d->session->selection,
    };
    enum att_err err = att_quote_qualifying(qualifying, &ctx);

    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "quote", "the qualifying data does not fit");
    return att_quote_verify(&d->quoted, d->judged.attest, d->judged.signature, &expect, diag);
}

/* What the quote's qualifying data hashes, so what the gateway itself said. */
static enum att_err open_claims(struct decision *d, struct att_diag *diag)
{
    struct att_claims claims;
    uint8_t digest[32];
    enum att_err err;

    if (d->judged.claims.len == 0)
        return ATT_OK;
    err = att_sha256(d->judged.claims, digest);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "claims", "hashing failed");
    if (ATT_GUARD(JUDGED_CLAIMS, memcmp(digest, d->judged.claims_digest, sizeof(digest)) != 0))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_FMT_FRAME, "judged.claims",
                        "they are not those that the TPM signed");
    err = att_claims_parse(&claims, d->judged.claims, diag);
    if (err != ATT_OK)
        return err;
    d->has_batch_head = claims.has_batch_head;
    memcpy(d->batch_head, claims.batch_head, sizeof(d->batch_head));
    return ATT_OK;
}

/* What will be remembered must be what the TPM signed. */
static enum att_err check_state(const struct decision *d, struct att_diag *diag)
{
    const struct att_quote *q = att_quoted_quote(d->quoted);
    const struct att_boot_state *s = &d->result->state;
    enum att_err err;

    if (d->k->boot.known) {
        err = att_clock_check(&q->clock, &d->k->boot.clock, diag);
        if (err != ATT_OK)
            return err;
    }
    if (ATT_GUARD(STATE_CLOCK, !s->known || s->clock.clock_ms != q->clock.clock_ms ||
                                   s->clock.reset_count != q->clock.reset_count ||
                                   s->clock.restart_count != q->clock.restart_count ||
                                   s->firmware_version != q->firmware_version))
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_INTERNAL, "judged.state",
                        "the state to keep is not the one that the TPM signed");
    return ATT_OK;
}

/* Errors that say "could not tell" leave the nonce and the device as they were. */
static bool undecided(enum att_err err)
{
    return err == ATT_E_NOMEM || err == ATT_E_CRYPTO || err == ATT_E_IO || err == ATT_E_INTERNAL;
}

static enum att_err judge(struct decision *d, struct att_diag *diag)
{
    struct att_diag why = {0};
    enum att_err err = ATT_OK;

    if (!d->result->accepted) {
        /* A refusal needs no proof, but nothing better than a refusal may come of it. */
        if (ATT_GUARD(REFUSED_TIER, d->result->status != ATT_TIER_CONTRAINDICATED))
            return att_fail(diag, ATT_E_MISMATCH, ATT_R_FMT_FRAME, "judged",
                            "refused evidence with a status of %s",
                            att_tier_name(d->result->status));
        return ATT_OK;
    }
    err = verify_quote(d, &why);
    if (err == ATT_OK)
        err = check_state(d, &why);
    if (err == ATT_OK)
        err = open_claims(d, &why);
    if (err == ATT_OK)
        return ATT_OK;
    if (undecided(err)) {
        *diag = why;
        return err;
    }
    att_quoted_freep(&d->quoted);
    att_result_refuse(d->result, &why);
    return ATT_OK;
}

/* A power cut or a resume is no fault, and still nothing that an operator should have to guess. */
static void explain(struct decision *d)
{
    const struct att_clock_info *prior = d->k->boot.known ? &d->k->boot.clock : NULL;
    const struct att_clock_info *now = NULL;

    if (d->quoted == NULL)
        return;
    now = &att_quoted_quote(d->quoted)->clock;
    d->states = att_states_of(now, prior, d->result->kexec);
    (void)att_clock_print(d->clocks, sizeof(d->clocks), now, prior);
}

/* Times first, so that labels made together stand together in the store's index: seconds, then the milliseconds
 * of a clock that only rises. Ten random bytes tell them apart. */
static enum att_err new_cti(struct decision *d, struct att_diag *diag)
{
    struct att_wr w = att_wr_into(d->cti, sizeof(d->cti));
    uint8_t *random;

    att_wr_u32be(&w, (uint32_t)d->now_utc);
    att_wr_u16be(&w, (uint16_t)d->k->opt.mono_ms());
    random = att_wr_room(&w, CTI_RANDOM);
    if (random == NULL || d->k->opt.random(random, CTI_RANDOM) != ATT_OK)
        return att_fail(diag, ATT_E_CRYPTO, ATT_R_RNG, "cti", "no random bytes");
    return ATT_OK;
}

static enum store_status status_of(const struct att_result *r)
{
    if (r->status == ATT_TIER_AFFIRMING)
        return STORE_AFFIRMING;
    if (r->status == ATT_TIER_WARNING)
        return STORE_WARNING;
    return STORE_FAILED;
}

/* A unit whose state is approved may sign data as long as the label lasts; what is a warning is the policy's to say. */
static enum att_err make_grant(struct decision *d, struct att_diag *diag)
{
    const struct data_key_state s = {.quoted = d->quoted,
                                     .boot = &d->result->state,
                                     .session = d->session,
                                     .ima_pcr = d->policy->ima_pcr,
                                     .seconds = d->policy->label_ttl_s,
                                     .exp = d->now_utc + d->policy->label_ttl_s};

    if (d->quoted == NULL || ATT_GUARD(DK_FAILED, status_of(d->result) == STORE_FAILED))
        return ATT_OK;
    return data_key_grant(&d->grant, d->k, d->unit, &s, diag);
}

static enum att_err make_label(struct decision *d, struct att_diag *diag)
{
    const struct config *cfg = d->k->cfg;
    const struct att_policy *p = d->policy;
    struct att_label_facts f = {
        .issuer = cfg->verifier_id,
        .device_id = d->unit->device.id,
        .ek_digest = d->ek_digest,
        .cti = d->cti,
        .iat = d->now_utc,
        .uncertainty_ms = (uint64_t)(d->k->opt.mono_ms() - d->session->opened_ms),
        .exp = d->now_utc + p->label_ttl_s,
        .policy_name = p->name,
        .policy_version = p->version,
        .manufacturer = cfg->product.manufacturer,
        .model = cfg->product.model,
        .hardware_version = cfg->product.hardware_version,
        .support_end = cfg->product.support_end,
        .contact = cfg->product.contact,
        .x5chain = d->k->issuer->label.x5chain,
        .x5chain_count = d->k->issuer->label.count,
    };
    enum att_err err = issuer_check_time(d->k->issuer, d->now_utc, diag);

    if (err == ATT_OK)
        err = new_cti(d, diag);

    if (err != ATT_OK)
        return err;
    if (d->grant.given)
        f.data_key = d->grant.point;
    if (d->has_batch_head)
        f.batch_head = d->batch_head;
    err = status_take(&d->told, d->k, f.exp, diag);
    if (err != ATT_OK)
        return err;
    f.status_uri = d->told.uri;
    f.status_index = (uint64_t)d->told.place;
    err = att_sha256(att_slice_of(d->unit->device.ek_name, d->unit->device.ek_name_len),
                     d->ek_digest);
    if (err == ATT_OK)
        err = att_label_make(&d->label, &f, d->quoted, d->result, d->k->issuer->label.signer);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_KEY_STORE, "label", "the label cannot be signed: %s",
                        att_err_name(err));
    return ATT_OK;
}

/* The reason that a status is told with: the first that fails, else the first. */
static const char *main_reason(const struct att_result *r)
{
    for (uint32_t i = 0; i < r->reason_count; i++) {
        if (r->reason[i].severity == ATT_SEVERITY_FAIL)
            return att_reason_code(r->reason[i].reason);
    }
    return r->reason_count > 0 ? att_reason_code(r->reason[0].reason) : "";
}

static enum att_err write_state(struct decision *d, struct att_diag *diag)
{
    struct keeper *k = d->k;
    const struct att_result *r = d->result;
    struct att_wr boot = att_wr_into(k->blob_room[0], sizeof(k->blob_room[0]));
    struct att_wr carry = att_wr_into(k->blob_room[1], sizeof(k->blob_room[1]));
    struct att_wr windows = att_wr_into(k->blob_room[2], sizeof(k->blob_room[2]));
    int64_t enrolment = d->unit->device.enrolment;
    struct store_state s = {.status = status_of(r), .has_cti = true, .last_utc = d->now_utc};
    struct store_mark mark = {.status = STORE_FAILED, .reason = main_reason(r), .cti = d->cti};
    enum att_err err;

    s.deadline_utc = d->now_utc + WIRE_STALE_AFTER * d->policy->interval_s;
    mark.deadline_utc = s.deadline_utc; /* a bad answer is no silence */
    if (!r->accepted)
        return store_state_mark(k->st, enrolment, &mark, diag);
    (void)snprintf(s.reason, sizeof(s.reason), "%s", main_reason(r));
    memcpy(s.cti, d->cti, sizeof(s.cti));
    err = att_boot_state_encode(&boot, &r->state);
    if (err == ATT_OK)
        err = att_wr_done(&boot, &s.boot);
    if (err == ATT_OK)
        err = att_carry_encode(&carry, &r->carry);
    if (err == ATT_OK)
        err = att_wr_done(&carry, &s.carry);
    att_windows_write(&windows, &r->windows);
    if (err == ATT_OK)
        err = att_wr_done(&windows, &s.windows);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "state", "the state does not fit");
    return store_state_put(k->st, enrolment, &s, diag);
}

/* All that the decision rested on, so that anybody can make it again. */
static enum att_err write_record(struct decision *d, int64_t outcome, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *bytes = NULL;
    struct keeper *k = d->k;
    struct att_wr context = att_wr_into(k->blob_room[0], sizeof(k->blob_room[0]));
    struct att_wr result = att_wr_into(k->room, sizeof(k->room));
    struct att_record record = {.evidence = d->job->m.body};
    const struct store_evidence e = {
        .outcome = outcome, .enrolment = d->unit->device.enrolment, .utc = d->now_utc};
    enum att_err err;

    err = attest_fill_context(k, d->session, d->unit, diag);
    if (err != ATT_OK)
        return err;
    err = att_appraisal_context_encode(&context, &k->context);
    if (err == ATT_OK)
        err = att_wr_done(&context, &record.context);
    if (err == ATT_OK)
        err = att_result_encode(&result, d->result);
    if (err == ATT_OK)
        err = att_wr_done(&result, &record.result);
    if (err == ATT_OK)
        err = att_buf_new(&bytes, STORE_BYTES_MAX);
    if (err == ATT_OK)
        err = att_record_encode(bytes, &record);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "record", "the record does not fit");
    err = archive_put(&k->archive, k->st, &e, d->unit->device.id, att_buf_slice(bytes), diag);
    return err == ATT_OK
               ? archive_make_room(&d->job->dropped, &k->archive, k->st, e.enrolment, diag)
               : err;
}

/* "affirming; E_TIME_UNCLEAN (resetCount 5 to 6, ...)": what an auditor reads years later. */
static void print_detail(char *out, size_t cap, const struct decision *d)
{
    int len = snprintf(out, cap, "%s", att_tier_name(d->result->status));

    for (size_t i = 0; i < d->states.count && len > 0 && (size_t)len < cap; i++)
        len += snprintf(out + len, cap - (size_t)len, "%s%s", i == 0 ? "; " : " ",
                        att_reason_code(d->states.reason[i]));
    if (d->states.count > 0 && len > 0 && (size_t)len < cap)
        (void)snprintf(out + len, cap - (size_t)len, " (%.*s)", CLOCKS_ROOM, d->clocks);
}

static enum att_err write_records(struct decision *d, struct att_diag *diag)
{
    struct store *st = d->k->st;
    const struct att_result *r = d->result;
    bool good = status_of(r) != STORE_FAILED;
    struct store_outcome o = {
        .utc = d->now_utc,
        .kind = good ? STORE_KIND_LABEL : STORE_KIND_REFUSED,
        .has_cti = true,
        .has_evidence = true,
        .has_rules = true,
        .has_subject = true,
    };
    struct store_label l = {.iat = d->now_utc,
                            .exp = d->now_utc + d->policy->label_ttl_s,
                            .tier = (int)r->status,
                            .list = d->told.list,
                            .place = d->told.place};
    enum att_err err;

    (void)snprintf(o.device, sizeof(o.device), "%s", d->unit->device.id);
    (void)snprintf(o.reason, sizeof(o.reason), "%s", main_reason(r));
    print_detail(o.detail, sizeof(o.detail), d);
    memcpy(o.cti, d->cti, sizeof(o.cti));
    memcpy(o.subject, d->ek_digest, sizeof(o.subject));
    memcpy(o.evidence, r->evidence_digest, sizeof(o.evidence));
    memcpy(o.policy, r->policy_digest, sizeof(o.policy));
    memcpy(o.refvals, r->refvals_digest, sizeof(o.refvals));
    memcpy(l.cti, d->cti, sizeof(l.cti));
    (void)snprintf(l.device, sizeof(l.device), "%s", d->unit->device.id);
    err = store_outcome_append(&l.outcome, st, &o, diag);
    if (err == ATT_OK)
        err = store_label_put(st, &l, d->known.row.has_cti ? d->known.row.cti : NULL,
                              att_buf_slice(d->label), diag);
    if (err == ATT_OK)
        err = write_record(d, l.outcome, diag);
    d->outcome = l.outcome;
    if (err == ATT_OK)
        err = write_state(d, diag);
    return err;
}

static struct wire_reason reason_of(const struct att_result_reason *r)
{
    struct wire_reason w = {
        .code = att_slice_str(att_reason_code(r->reason)),
        .requirement = att_slice_str(r->requirement),
        .name = att_slice_str(r->name),
        .text = att_slice_str(r->text),
        .severity = r->severity == ATT_SEVERITY_FAIL ? 0 : 1,
    };

    if (r->has_expected)
        w.expected = att_slice_of(r->expected, sizeof(r->expected));
    if (r->has_found)
        w.found = att_slice_of(r->found, sizeof(r->found));
    return w;
}

static enum att_err write_answer(struct decision *d, struct att_diag *diag)
{
    const struct att_result *r = d->result;
    struct wire_outcome o = {
        .status = (uint64_t)r->status,
        .reason_count = r->reason_count,
        .next_s = (uint64_t)d->policy->interval_s,
    };
    struct att_wr w = att_wr_into(d->k->room, sizeof(d->k->room));
    struct att_slice body;
    enum att_err err;

    for (uint32_t i = 0; i < r->reason_count; i++)
        o.reason[i] = reason_of(&r->reason[i]);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++)
        o.unattested += r->unattested[i];
    for (size_t i = 0; i < d->states.count; i++)
        o.state[o.state_count++] = (struct wire_state){
            att_slice_str(att_reason_code(d->states.reason[i])), att_slice_str(d->clocks)};
    if (d->grant.given)
        o.grant = att_slice_of(d->grant.bytes, d->grant.len);
    err = wire_outcome_encode(&w, &o);
    if (err == ATT_OK)
        err = att_wr_done(&w, &body);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "outcome", "the outcome does not fit");
    return answer_with(&d->job->answer, status_of(r) == STORE_FAILED ? 422 : 200, MSG_TYPE_OUTCOME,
                       body, diag);
}

static uint64_t *counter_of(struct keeper_counters *c, const struct att_result *r)
{
    if (!r->accepted)
        return &c->refused;
    if (r->status == ATT_TIER_AFFIRMING)
        return &c->affirming;
    return r->status == ATT_TIER_WARNING ? &c->warning : &c->contraindicated;
}

static enum att_err decide(struct decision *d, struct att_diag *diag)
{
    enum att_err err = open_judgement(d, diag);

    if (err == ATT_OK)
        err = open_result(d, diag);
    if (err == ATT_OK)
        err = known_load(&d->known, d->k, d->unit, diag);
    if (err == ATT_OK)
        err = keeper_same_state(d->session, &d->known, diag);
    if (err == ATT_OK)
        err = known_decode(d->k, &d->known, d->session, diag);
    if (err == ATT_OK)
        err = check_windows(d, diag);
    if (err == ATT_OK)
        err = judge(d, diag);
    if (err != ATT_OK)
        return err;
    explain(d);
    err = make_grant(d, diag);
    if (err == ATT_OK)
        err = make_label(d, diag);
    if (err == ATT_OK)
        err = write_records(d, diag);
    if (err == ATT_OK)
        err = write_answer(d, diag);
    return err;
}

enum att_err commit_run(struct keeper *k, struct job *job, struct att_diag *diag)
{
    ATT_CLEANUP(decision_clear) struct decision d = {.k = k, .job = job, .now_utc = k->opt.utc_s()};
    enum att_err err = keeper_peer(&d.unit, k, &job->m.peer, diag);

    if (err == ATT_OK)
        err = keeper_session(&d.session, k, &job->m, d.unit, diag);
    if (err != ATT_OK)
        return err;
    err = decide(&d, diag);
    if (err != ATT_OK)
        return err;
    job->label = d.label;
    job->outcome = d.outcome;
    d.label = NULL;
    /* From here on the nonce is gone, unless the transaction fails. */
    session_use(d.session);
    job->session = d.session;
    job->counter = counter_of(&k->count, d.result);
    job->refused = status_of(d.result) == STORE_FAILED ? main_reason(d.result) : NULL;
    return ATT_OK;
}

enum att_err commit_dress(struct keeper *k, struct job *job, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *label = NULL;
    struct answer *a = &job->answer;
    struct att_wr w = att_wr_into(k->room, sizeof(k->room));
    struct wire_outcome o;
    struct att_slice body;
    enum att_err err = wire_outcome_parse(&o, att_buf_slice(a->body), diag);

    if (err == ATT_OK)
        err = sequencer_dress(&label, k->sequencer, job->outcome, att_buf_slice(job->label), diag);
    if (err != ATT_OK)
        return err;
    o.label = att_buf_slice(label);
    err = wire_outcome_encode(&w, &o);
    if (err == ATT_OK)
        err = att_wr_done(&w, &body);
    if (err != ATT_OK)
        return att_fail(diag, err, ATT_R_INTERNAL, "outcome", "the outcome does not fit");
    return answer_with(a, a->http, a->type, body, diag);
}
