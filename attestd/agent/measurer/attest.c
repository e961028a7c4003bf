/* One attestation: challenge, claims, quote, logs, evidence, answer. */
#include "agent/measurer/agent.h"
#include "agent/measurer/bootpcrs.h"
#include "agent/measurer/datakey.h"
#include "agent/measurer/kernelrule.h"
#include "agent/measurer/parts.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/rd.h"
#include "common/log.h"
#include "crypto/digest.h"
#include "evidence/context.h"
#include "evidence/evidence.h"
#include "logs/klog.h"
#include "tcg/pcr.h"

#define POLLS        60    /* of a judgement that takes time, one a second */
#define DOCUMENT_MAX 512   /* bytes of a new-session document */
#define BESIDE_LOGS  65536 /* bytes of evidence that are left to quote and claims */
#define TRIES_MAX    4

/* Everything that one attempt gathers; large, so on the heap. */
struct attempt {
    struct relay_answer session; /* lends to challenge */
    struct wire_challenge challenge;
    struct att_pcr_selection selection;
    struct att_claims claims;
    struct att_buf *claims_encoded;
    struct hw_quote quote;
    struct hw_log_part part[ATT_LOG__COUNT];
    struct att_pcr_bank boot; /* PCR 0 to 7 while the quote was made; has 0: not read */
    struct att_buf *evidence;
    uint8_t ueid[33];
    uint8_t document[DOCUMENT_MAX]; /* that asked for the session */
    struct att_slice new_session;
    struct attempt_ways {
        bool from_zero[ATT_LOG__COUNT]; /* the log is shorter than the verifier's offset */
        bool in_parts;                  /* the kernel's list is longer than one message */
    } ways;                             /* what the attempt before found out */
};

static void attempt_free(struct attempt *t)
{
    if (t == NULL) {
        return;
    }
    relay_answer_free(&t->session);
    att_buf_free(t->claims_encoded);
    for (int i = 0; i < ATT_LOG__COUNT; i++) {
        hw_log_part_free(&t->part[i]);
    }
    att_buf_free(t->evidence);
    free(t);
}

static void attempt_freep(struct attempt **t)
{
    attempt_free(*t);
    *t = NULL;
}

void agent_outcome_free(struct agent_outcome *o)
{
    relay_answer_free(&o->answer);
    *o = (struct agent_outcome){0};
}

/*
 * Only what is not there is absent. What cannot be read is found out by who reads it and told with its
 * path: access(2) answers for the real user, without the capability that the service reads with.
 */
static bool absent(const char *path)
{
    struct stat st;

    return stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* The path of a log, or NULL when this gateway has none. */
static const char *log_path(const struct agent *a, const struct agent_work *w, enum att_log log)
{
    const char *path = log == ATT_LOG_UEFI ? a->conf->uefi_log : a->conf->ima_log;
    bool optional = log == ATT_LOG_UEFI ? a->conf->uefi_auto : a->conf->ima_auto;

    if (log == ATT_LOG_OWN) {
        return own_store_path(w->own);
    }
    return path == NULL || (optional && absent(path)) ? NULL : path;
}

static enum att_err ask_session(struct attempt *t, struct agent *a, struct agent_work *w,
                                struct att_diag *diag)
{
    struct att_wr wr = att_wr_into(t->document, sizeof(t->document));
    struct wire_new_session m = {.own_pcr = a->conf->own_pcr, .has_boot = true};
    struct relay_request q = {.kind = RELAY_NEW_SESSION};
    uint32_t reset = 0;
    uint32_t restart = 0;
    enum att_err err = ATT_OK;

    for (int i = 0; i < ATT_LOG__COUNT; i++) {
        t->claims.logs.has[i] = log_path(a, w, (enum att_log)i) != NULL;
        m.log_mask |= t->claims.logs.has[i] ? 1U << i : 0;
    }
    own_store_boot(w->own, &reset, &restart);
    m.reset_count = reset;
    m.restart_count = restart;
    err = wire_new_session_encode(&wr, &m);
    if (err == ATT_OK) {
        err = att_wr_done(&wr, &t->new_session);
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "new session", "it could not be encoded");
    }
    q.body = t->new_session;
    err = agent_ask(&t->session, a, &q, diag);
    if (err != ATT_OK) {
        return err;
    }
    return t->session.status == 201 ? ATT_OK : agent_refusal(&t->session, diag);
}

/* What the verifier asks for must be what this agent enrolled with and can give. */
static enum att_err check_challenge(struct attempt *t, const struct agent *a, struct att_diag *diag)
{
    struct att_rd r;
    enum att_err err = wire_challenge_parse(&t->challenge, t->session.body, diag);

    if (err != ATT_OK) {
        return err;
    }
    r = att_rd_slice(t->challenge.selection);
    att_pcr_selection_read(&r, &t->selection);
    err = att_rd_end_diag(&r, ATT_R_NET_PROTOCOL, "challenge.selection", diag);
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(AGENT_VERIFIER_ID,
                  !att_slice_eq(t->challenge.verifier_id, att_slice_str(a->ident.verifier_id)))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_NET_PROTOCOL, "challenge.verifier",
                        "this is not %s, the verifier that enrolled us", a->ident.verifier_id);
    }
    if (att_pcr_selection_empty(&t->selection)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_NET_PROTOCOL, "challenge.selection",
                        "expected PCRs to quote, found none");
    }
    for (int i = 0; i < ATT_LOG__COUNT; i++) {
        bool sent = t->claims.logs.has[i] && !t->ways.from_zero[i];

        t->claims.logs.off[i] = sent ? t->challenge.offset[i] : 0;
    }
    return ATT_OK;
}

static void copy_text(char *out, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

static enum att_err make_claims(struct attempt *t, const struct agent *a, struct agent_work *w,
                                uint8_t digest[32], struct att_diag *diag)
{
    struct att_claims *c = &t->claims;
    struct hw_tpm_info info;
    struct timespec up = {0};
    uint32_t reset = 0;
    uint32_t restart = 0;
    enum att_err err = hw_tpm_info(&info, w->tpm, diag);

    if (err != ATT_OK) {
        return err;
    }
    t->ueid[0] = 0x01; /* RFC 9711 4.2.1: a random-looking number; here SHA-256 of the EK name */
    err = att_sha256(att_slice_of(a->ident.ek_name, a->ident.ek_name_len), &t->ueid[1]);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "claims", "no digest");
    }
    own_store_boot(w->own, &reset, &restart);
    (void)clock_gettime(CLOCK_BOOTTIME, &up);
    c->ueid = att_slice_of(t->ueid, sizeof(t->ueid));
    copy_text(c->swname, sizeof(c->swname), "attest-agent");
    copy_text(c->swversion, sizeof(c->swversion), ATT_VERSION);
    copy_text(c->build_id, sizeof(c->build_id), a->build_id);
    c->uptime_s = (uint64_t)up.tv_sec;
    c->bootcount = reset;
    c->has_batch_head = batch_head_load(c->batch_head, a->conf->state_dir, NULL) == ATT_OK;
    copy_text(c->tpm_manufacturer, sizeof(c->tpm_manufacturer), info.manufacturer);
    c->tpm_firmware = info.firmware;
    c->lockout_counter = info.lockout_counter;
    for (uint32_t i = 0; i < info.bank_count && i < ATT_CLAIMS_BANKS; i++) {
        c->bank[c->bank_count++] = (struct att_claims_bank){
            .alg = info.bank[i].alg, .extended = !info.bank[i].never_extended};
    }
    err = att_claims_encode(&t->claims_encoded, c);
    if (err == ATT_OK) {
        err = att_sha256(att_buf_slice(t->claims_encoded), digest);
    }
    return err == ATT_OK
               ? ATT_OK
               : att_fail(diag, err, ATT_R_INTERNAL, "claims", "they could not be encoded");
}

static enum att_err quote(struct attempt *t, const struct agent *a, struct agent_work *w,
                          struct att_diag *diag)
{
    uint8_t claims_digest[32];
    uint8_t qualifying[32];
    struct att_quote_context ctx = {
        .verifier_id = a->ident.verifier_id,
        .device_id = a->ident.device_id,
        .nonce = t->challenge.nonce.p,
        .session = t->challenge.session.p,
        .claims_digest = claims_digest,
    };
    enum att_err err = make_claims(t, a, w, claims_digest, diag);

    if (err != ATT_OK) {
        return err;
    }
    ctx.logs = t->claims.logs;
    err = att_quote_qualifying(qualifying, &ctx);
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_INTERNAL, "quote", "no qualifying data");
    }
    return hw_tpm_quote(&t->quote, w->tpm, &a->ident.ak, att_slice_of(qualifying, 32),
                        &t->selection, diag);
}

/* After the quote, so that no log is shorter than what the quote covers (D3, D4). */
static enum att_err read_logs(struct attempt *t, const struct agent *a, struct agent_work *w,
                              struct att_diag *diag)
{
    size_t all = a->conf->evidence_max - BESIDE_LOGS;
    size_t room = all;

    for (int i = 0; i < ATT_LOG__COUNT; i++) {
        const char *path = log_path(a, w, (enum att_log)i);
        uint64_t off = t->claims.logs.off[i];
        enum att_err err = ATT_OK;

        if (!t->claims.logs.has[i]) {
            continue;
        }
        if (path == NULL || room == 0) {
            return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, att_log_name((enum att_log)i),
                            "the log went away, or all logs together are too large");
        }
        err = (i == ATT_LOG_UEFI ? hw_log_read_in_order : hw_log_read)(&t->part[i], path, off, room,
                                                                       diag);
        if (err == ATT_E_MISMATCH && off > 0) {
            t->ways.from_zero[i] = true; /* ask again, and send it whole */
            return ATT_E_STALE;
        }
        if (err == ATT_OK && t->part[i].more && i == ATT_LOG_IMA && !t->ways.in_parts) {
            t->ways.in_parts = true; /* ask again, and send its beginning ahead */
            return ATT_E_STALE;
        }
        if (err != ATT_OK) {
            return err;
        }
        if (t->part[i].more) {
            return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, att_log_name((enum att_log)i),
                            "the logs need more than %zu bytes in one evidence", all);
        }
        room -= att_buf_len(t->part[i].data);
    }
    return ATT_OK;
}

static enum att_err seal(struct attempt *t, struct att_diag *diag)
{
    struct att_evidence ev = {
        .attest = att_slice_of(t->quote.attest, t->quote.attest_len),
        .signature = att_slice_of(t->quote.sig, t->quote.sig_len),
        .claims_encoded = att_buf_slice(t->claims_encoded),
        .claims = t->claims,
    };
    enum att_err err = ATT_OK;

    for (int i = 0; i < ATT_LOG__COUNT; i++) {
        if (t->part[i].data != NULL) {
            ev.log[i] = att_buf_slice(t->part[i].data);
        }
    }
    err = att_evidence_encode(&t->evidence, &ev);
    for (int i = 0; i < ATT_LOG__COUNT; i++) {
        hw_log_part_free(&t->part[i]); /* the evidence holds them now: not twice in memory */
        t->part[i] = (struct hw_log_part){0};
    }
    return err == ATT_OK
               ? ATT_OK
               : att_fail(diag, err, ATT_R_LIM_SIZE, "evidence", "it could not be encoded");
}

static enum att_err understand(struct agent_outcome *o, struct att_diag *diag)
{
    struct wire_problem p;
    enum att_err err = ATT_OK;

    if (o->answer.status == 200) {
        return wire_outcome_parse(&o->wire, o->answer.body, diag);
    }
    if (wire_problem_parse(&p, o->answer.body, NULL) != ATT_OK || p.outcome.len == 0) {
        return agent_refusal(&o->answer, diag);
    }
    err = wire_outcome_parse(&o->wire, p.outcome, diag);
    memcpy(o->code, p.code.p, p.code.len < sizeof(o->code) - 1 ? p.code.len : sizeof(o->code) - 1);
    return err;
}

static enum att_err send_evidence(struct agent_outcome *o, struct attempt *t, struct agent *a,
                                  struct att_diag *diag)
{
    struct relay_request q = {
        .kind = RELAY_EVIDENCE, .a = t->challenge.session, .body = att_buf_slice(t->evidence)};
    enum att_err err = agent_ask(&o->answer, a, &q, diag);

    q = (struct relay_request){.kind = RELAY_SESSION_GET, .a = t->challenge.session};
    for (int i = 0; i < POLLS && err == ATT_OK && o->answer.status == 202; i++) {
        relay_answer_free(&o->answer);
        (void)sleep(1);
        err = agent_ask(&o->answer, a, &q, diag);
    }
    return err != ATT_OK ? err : understand(o, diag);
}

/* The values of the bank that is judged, before the list is read; *bank is one without values when there is none. */
static enum att_err read_bank(struct att_pcr_bank *bank, const struct attempt *t,
                              struct agent_work *w, struct att_diag *diag)
{
    struct att_pcr_values values = {0};
    const struct att_pcr_bank *found = NULL;
    enum att_err err = hw_tpm_pcr_read(&values, w->tpm, &t->selection, diag);

    if (err != ATT_OK) {
        return err;
    }
    found = att_pcr_bank_find(&values, t->selection.sel[0].bank);
    *bank = found != NULL ? *found : (struct att_pcr_bank){.bank = t->selection.sel[0].bank};
    return ATT_OK;
}

/* Unknown goes as the usual rule: the verifier says what is wrong with the list. */
static enum att_err find_rule(struct parts_request *request, const struct att_pcr_bank *bank,
                              struct att_diag *diag)
{
    static const char *const WORD[] = {[KERNEL_RULE_UNKNOWN] = "unknown",
                                       [KERNEL_RULE_OWN] = "own",
                                       [KERNEL_RULE_PADDED] = "padded-sha1"};
    enum kernel_rule rule = KERNEL_RULE_UNKNOWN;
    enum att_err err = kernel_rule_find(&rule, request->path, bank, diag);

    if (err != ATT_OK) {
        return err;
    }
    log_line(rule == KERNEL_RULE_UNKNOWN ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "attest.parts.rule",
             "bank=%s rule=%s", att_hash_name(bank->bank), WORD[rule]);
    request->padded = rule == KERNEL_RULE_PADDED;
    return ATT_OK;
}

/* The TPM and the lock are given back meanwhile: a long list takes its time. */
static enum att_err send_ahead(struct attempt *t, struct agent *a, struct agent_work *w,
                               struct att_diag *diag)
{
    struct parts_request request = {.path = log_path(a, w, ATT_LOG_IMA),
                                    .new_session = t->new_session};
    struct att_pcr_bank bank = {0};
    enum att_err err = check_challenge(t, a, diag);

    if (err == ATT_OK) {
        err = read_bank(&bank, t, w, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    own_store_boot(w->own, &request.reset_count, &request.restart_count);
    agent_work_close(w);
    *w = (struct agent_work){.lock_fd = -1};
    if (request.path == NULL) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "ima", "the log went away");
    }
    err = find_rule(&request, &bank, diag);
    if (err == ATT_OK) {
        err = parts_send(&t->session, a, &request, diag);
    }
    return err != ATT_OK ? err : agent_work_open(w, a, diag);
}

/* Without a data key the gateway attests all the same: what keeps it from having one is told beside. */
static void prepare_data_key(struct agent *a, struct agent_work *w)
{
    struct att_diag why = {0};

    if (data_key_prepare(a, w, &why) == ATT_OK) {
        why = (struct att_diag){.err = ATT_OK};
    }
    a->data_key = why;
}

static enum att_err attempt_once(struct agent_outcome *o, struct attempt *t, struct agent *a,
                                 struct att_diag *diag)
{
    struct agent_work w = {.lock_fd = -1};
    enum att_err err = agent_work_open(&w, a, diag);

    if (err == ATT_OK) {
        prepare_data_key(a, &w);
        err = ask_session(t, a, &w, diag);
    }
    if (err == ATT_OK && t->ways.in_parts) {
        err = send_ahead(t, a, &w, diag);
    }
    if (err == ATT_OK) {
        err = check_challenge(t, a, diag);
    }
    if (err == ATT_OK) {
        err = quote(t, a, &w, diag);
    }
    if (err == ATT_OK) {
        if (boot_pcrs_read(&t->boot, w.tpm, NULL) != ATT_OK) {
            t->boot.has = 0; /* for doctor alone */
        }
        err = read_logs(t, a, &w, diag);
    }
    agent_work_close(&w);
    if (err == ATT_OK) {
        err = seal(t, diag);
    }
    return err != ATT_OK ? err : send_evidence(o, t, a, diag);
}

/* For doctor: what the boot PCRs were when the verifier said yes. A folder that is full fails with the outcome's note. */
static void keep_boot_pcrs(const struct agent *a, const struct attempt *t,
                           const struct agent_outcome *o)
{
    struct att_diag why = {0};

    if (o->answer.status == 200 && o->wire.label.len > 0 && t->boot.has != 0 &&
        boot_pcrs_store(a->conf->state_dir, &t->boot, &why) != ATT_OK) {
        log_line(LOG_LEVEL_WARNING, "attest.boot-pcrs", "%s", why.text);
    }
}

/* The label stands whatever becomes of the authorisation. */
static void take_grant(struct agent *a, const struct wire_outcome *o)
{
    struct att_diag why = {0};

    if (data_key_take(a, o, &why) != ATT_OK) {
        a->data_key = why;
    }
}

enum att_err agent_attest(struct agent_outcome *out, struct agent *a, struct att_diag *diag)
{
    struct attempt_ways ways = {0};
    struct agent_outcome o = {0};
    enum att_err err = ATT_E_STALE;

    for (int i = 0; i < TRIES_MAX && err == ATT_E_STALE; i++) {
        ATT_CLEANUP(attempt_freep) struct attempt *t = calloc(1, sizeof(*t));

        if (t == NULL) {
            return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, NULL, "no memory for an attestation");
        }
        t->ways = ways;
        agent_outcome_free(&o);
        err = attempt_once(&o, t, a, diag);
        ways = t->ways;
        if (err == ATT_OK) {
            keep_boot_pcrs(a, t, &o);
        }
    }
    (void)malloc_trim(0);
    if (err == ATT_OK && o.answer.status == 200) {
        take_grant(a, &o.wire);
    }
    if (err != ATT_OK) {
        agent_outcome_free(&o);
        return err;
    }
    *out = o;
    return ATT_OK;
}
