/*
 * Evidence judged as a whole: the quote, the order of time, and logs that lead to what was quoted. The
 * only maker of att_verified.
 */
#include "evidence/verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/guard.h"
#include "evidence/logs_internal.h"
#include "tcg/evlog.h"
#include "tcg/ima.h"

#define OWN_WINDOW 16 /* records that may follow between quote and reading: the agent writes few */

struct att_verified {
    struct att_quoted *quoted;
    struct att_evidence ev;
    struct att_pcr_values values;
    size_t covered[ATT_LOG__COUNT]; /* bytes of the sent part that the quote covers */
    bool continued[ATT_LOG__COUNT];
    uint64_t first[ATT_LOG__COUNT];
    bool firmware_changed;
    bool kexec;
    struct att_evlog *boot; /* the firmware log, when this evidence brought it */
    struct att_pcr_values boot_values;
    struct att_boot_state state;
};

void att_verified_free(struct att_verified *v)
{
    if (v == NULL) {
        return;
    }
    att_quoted_free(v->quoted);
    att_evlog_free(v->boot);
    free(v);
}

void att_verified_freep(struct att_verified **v)
{
    att_verified_free(*v);
    *v = NULL;
}

const struct att_quote *att_verified_quote(const struct att_verified *v)
{
    return att_quoted_quote(v->quoted);
}

const struct att_quoted *att_verified_quoted(const struct att_verified *v)
{
    return v->quoted;
}

const struct att_evidence *att_verified_evidence(const struct att_verified *v)
{
    return &v->ev;
}

const struct att_pcr_values *att_verified_pcrs(const struct att_verified *v)
{
    return &v->values;
}

struct att_slice att_verified_log(const struct att_verified *v, enum att_log log)
{
    return att_slice_of(v->ev.log[log].p, v->covered[log]);
}

uint64_t att_verified_unattested(const struct att_verified *v, enum att_log log)
{
    return v->ev.log[log].len - v->covered[log];
}

const struct att_evlog *att_verified_boot_log(const struct att_verified *v)
{
    return v->boot;
}

const struct att_pcr_values *att_verified_boot_values(const struct att_verified *v)
{
    return v->ev.claims.logs.has[ATT_LOG_UEFI] ? &v->boot_values : NULL;
}

const struct att_boot_state *att_verified_state(const struct att_verified *v)
{
    return &v->state;
}

bool att_verified_log_continued(const struct att_verified *v, enum att_log log)
{
    return v->continued[log];
}

uint64_t att_verified_log_first(const struct att_verified *v, enum att_log log)
{
    return v->first[log];
}

bool att_verified_kexec(const struct att_verified *v)
{
    return v->kexec;
}

bool att_verified_firmware_changed(const struct att_verified *v)
{
    return v->firmware_changed;
}

/* D6: time is (resetCount, restartCount, clock), compared in this order. */
enum att_err att_clock_check(const struct att_clock_info *now, const struct att_clock_info *prior,
                             struct att_diag *diag)
{
    bool reset_back = now->reset_count < prior->reset_count;
    bool same_reset = now->reset_count == prior->reset_count;
    bool restart_back = same_reset && now->restart_count < prior->restart_count;
    bool same_boot = same_reset && now->restart_count == prior->restart_count;

    if (ATT_GUARD(Q_RESET_COUNT, reset_back)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_CLOCK, "resetCount",
                        "expected at least %u, found %u", (unsigned int)prior->reset_count,
                        (unsigned int)now->reset_count);
    }
    if (ATT_GUARD(Q_RESTART_COUNT, restart_back)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_CLOCK, "restartCount",
                        "expected at least %u, found %u", (unsigned int)prior->restart_count,
                        (unsigned int)now->restart_count);
    }
    if (ATT_GUARD(Q_CLOCK, same_boot && now->clock_ms <= prior->clock_ms)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_CLOCK, "clock",
                        "expected more than %llu ms, found %llu ms",
                        (unsigned long long)prior->clock_ms, (unsigned long long)now->clock_ms);
    }
    return ATT_OK;
}

static bool same_boot(const struct att_clock_info *a, const struct att_clock_info *b)
{
    return a->reset_count == b->reset_count && a->restart_count == b->restart_count;
}

/*
 * A log proves something only by the PCRs that it leads to: a list that is sent beside a quote of other PCRs
 * is the sender's word. The gateway names its logs before it is challenged, so it could leave one out there.
 */
static enum att_err check_quoted(const struct att_verified *v, const struct att_log_rules *rules,
                                 struct att_diag *diag)
{
    const uint32_t needed[ATT_LOG__COUNT] = {[ATT_LOG_UEFI] = rules->boot_mask,
                                             [ATT_LOG_IMA] = 1U << rules->ima_pcr,
                                             [ATT_LOG_OWN] = 1U << rules->own_pcr};
    const struct att_pcr_selection *sel = &att_quoted_quote(v->quoted)->selection;
    uint32_t quoted = 0;

    for (uint32_t i = 0; i < sel->count; i++) {
        quoted |= sel->sel[i].bank == rules->bank ? sel->sel[i].mask : 0;
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if (ATT_GUARD(LOG_QUOTED, v->ev.claims.logs.has[i] && (needed[i] & ~quoted) != 0)) {
            return att_fail(diag, ATT_E_MISMATCH, ATT_R_Q_PCRSEL, att_log_name((enum att_log)i),
                            "the log was sent, but the quote does not cover its PCRs");
        }
    }
    return ATT_OK;
}

/* After parts the kernel list goes on where they ended, in the boot that they were sent for, or not at all. */
static enum att_err check_parts(struct att_verified *v, const struct att_ima_parts *parts,
                                struct att_diag *diag)
{
    const struct att_clock_info *now = &att_quoted_quote(v->quoted)->clock;
    const struct att_log_offsets *logs = &v->ev.claims.logs;

    if (ATT_GUARD(PARTS_BOOT, now->reset_count != parts->reset_count ||
                                  now->restart_count != parts->restart_count)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PART_BOOT, "ima",
                        "the parts are of boot (%u, %u), the quote is of (%u, %u)",
                        (unsigned int)parts->reset_count, (unsigned int)parts->restart_count,
                        (unsigned int)now->reset_count, (unsigned int)now->restart_count);
    }
    if (ATT_GUARD(PARTS_END, !logs->has[ATT_LOG_IMA] || logs->off[ATT_LOG_IMA] != parts->off)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_PART_ORDER, "ima",
                        "expected the list from byte %llu on, where its parts ended",
                        (unsigned long long)parts->off);
    }
    v->first[ATT_LOG_IMA] = parts->count;
    return ATT_OK;
}

/* A log may go on only where the last accepted evidence of the same boot ended, or its parts did. */
static enum att_err check_offsets(struct att_verified *v, const struct att_log_rules *rules,
                                  const struct att_boot_state *prior, struct att_diag *diag)
{
    const struct att_quote *q = att_quoted_quote(v->quoted);
    enum att_err err = rules->parts != NULL ? check_parts(v, rules->parts, diag) : ATT_OK;

    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        uint64_t off = v->ev.claims.logs.off[i];
        bool goes_on = prior != NULL && prior->known && prior->log[i].known &&
                       q->clock.reset_count == prior->clock.reset_count && prior->log[i].off == off;

        if (off == 0 || (i == ATT_LOG_IMA && rules->parts != NULL)) {
            continue;
        }
        if (ATT_GUARD(LOG_OFFSET, !goes_on)) {
            return att_fail(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, att_log_name((enum att_log)i),
                            "offset %llu is not where the judged part of this boot ends",
                            (unsigned long long)off);
        }
        v->first[i] = goes_on ? prior->log[i].count : 0;
    }
    return ATT_OK;
}

/*
 * CVE-2018-6622: a TPM that was reset alone must not look like the boot before. The boot record must stand
 * in the part of the log that the quote covers: what is written behind it proves nothing yet.
 */
static enum att_err check_boot_record(const struct att_verified *v,
                                      const struct att_boot_state *prior,
                                      const struct att_log_end *own, struct att_diag *diag)
{
    const struct att_clock_info *now = &att_quoted_quote(v->quoted)->clock;
    bool moved = prior != NULL && prior->known && !same_boot(now, &prior->clock);
    bool from_start = v->ev.claims.logs.has[ATT_LOG_OWN] && v->ev.claims.logs.off[ATT_LOG_OWN] == 0;
    bool named = own != NULL && own->boot_known && own->reset_count == now->reset_count &&
                 own->restart_count == now->restart_count;

    if (!moved && !from_start) {
        return ATT_OK;
    }
    if (ATT_GUARD(Q_RESET, !named)) {
        return att_fail(
            diag, ATT_E_MISMATCH, ATT_R_Q_RESET, "own.boot",
            "no boot record that the quote covers names resetCount %u and restartCount %u",
            (unsigned int)now->reset_count, (unsigned int)now->restart_count);
    }
    return ATT_OK;
}

/* Only the policy's bank is kept: 24 values of one bank, not of four. */
static void keep_bank(struct att_pcr_values *out, const struct att_pcr_values *all,
                      enum att_hash bank)
{
    const struct att_pcr_bank *found = att_pcr_bank_find(all, bank);

    memset(out, 0, sizeof(*out));
    if (found != NULL) {
        out->count = 1;
        out->bank[0] = *found;
    }
}

static enum att_err replay_boot(struct att_verified *v, const struct att_log_rules *rules,
                                const struct att_boot_state *prior, struct att_diag *diag)
{
    struct att_log_state *state = &v->state.log[ATT_LOG_UEFI];
    struct att_slice in = v->ev.log[ATT_LOG_UEFI];
    enum att_err err = ATT_OK;

    if (!v->ev.claims.logs.has[ATT_LOG_UEFI]) {
        return ATT_OK;
    }
    if (v->ev.claims.logs.off[ATT_LOG_UEFI] > 0) {
        if (in.len > 0) {
            return att_fail(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "uefi",
                            "a boot log that grew is sent whole, from offset 0");
        }
        *state = prior->log[ATT_LOG_UEFI];
        v->continued[ATT_LOG_UEFI] = true;
        v->boot_values = state->values;
        att_values_take(&v->values, &state->values);
        return ATT_OK;
    }
    err = att_evlog_parse(&v->boot, in, diag);
    if (err != ATT_OK) {
        return err;
    }
    err = att_evlog_replay(&v->boot_values, v->boot, diag);
    if (err != ATT_OK) {
        return err;
    }
    keep_bank(&state->values, &v->boot_values, rules->bank);
    if (ATT_GUARD(LOG_BANK, state->values.count == 0)) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_LOG_BANK, "uefi",
                        "the log has no digests for %s", att_hash_name(rules->bank));
    }
    state->known = true;
    state->off = in.len;
    state->count = att_evlog_count(v->boot);
    v->covered[ATT_LOG_UEFI] = in.len;
    att_values_take(&v->values, &v->boot_values);
    return ATT_OK;
}

static enum att_err matches(const struct att_verified *v, const struct att_expect *expect,
                            bool *same)
{
    const struct att_quote *q = att_quoted_quote(v->quoted);
    uint8_t digest[ATT_HASH_MAX];
    enum att_err err = att_pcr_composite(digest, expect->hash, &q->selection, &v->values, NULL);

    if (err != ATT_OK) {
        return err;
    }
    *same = att_digest_eq(digest, q->pcr_digest.p, q->pcr_digest.len);
    return ATT_OK;
}

/* What one judgement is made with. */
struct judging {
    const struct att_log_rules *rules;
    const struct att_boot_state *prior;
    bool padded; /* how the kernel extended: see tcg/ima.h */
    struct att_diag *diag;
};

struct ends_pair {
    struct att_log_ends ima;
    struct att_log_ends own;
};

static void put_end(struct att_verified *v, const struct att_log_rules *rules, uint32_t pcr,
                    const struct att_log_end *end)
{
    struct att_pcr_bank *bank = att_pcr_bank_get(&v->values, rules->bank);

    if (bank != NULL) {
        memcpy(bank->value[pcr], end->pcr, ATT_HASH_MAX);
    }
}

static void keep_end(struct att_verified *v, enum att_log log, const struct att_log_end *end)
{
    struct att_log_state *state = &v->state.log[log];

    state->known = true;
    state->off = v->ev.claims.logs.off[log] + end->len;
    state->count = end->count;
    memcpy(state->pcr, end->pcr, sizeof(state->pcr));
    v->covered[log] = end->len;
    v->continued[log] = v->ev.claims.logs.off[log] > 0 && end->len == 0;
}

/*
 * Newest ends first: the logs as sent nearly always match, at the cost of one composite.
 * *found is false when no pair of ends leads to the quoted digest.
 */
static enum att_err find_ends(struct att_verified *v, const struct att_expect *expect,
                              const struct att_log_rules *rules, const struct ends_pair *ends,
                              bool *found)
{
    bool has_ima = v->ev.claims.logs.has[ATT_LOG_IMA];
    bool has_own = v->ev.claims.logs.has[ATT_LOG_OWN];
    size_t ima_tries = has_ima ? ends->ima.used : 1;
    size_t own_tries = has_own ? ends->own.used : 1;
    enum att_err err = ATT_OK;

    *found = false;
    for (size_t o = 0; err == ATT_OK && !*found && o < own_tries; o++) {
        if (has_own) {
            put_end(v, rules, rules->own_pcr, att_log_ends_at(&ends->own, o));
            keep_end(v, ATT_LOG_OWN, att_log_ends_at(&ends->own, o));
        }
        for (size_t i = 0; err == ATT_OK && !*found && i < ima_tries; i++) {
            if (has_ima) {
                put_end(v, rules, rules->ima_pcr, att_log_ends_at(&ends->ima, i));
                keep_end(v, ATT_LOG_IMA, att_log_ends_at(&ends->ima, i));
            }
            err = matches(v, expect, found);
        }
    }
    return err;
}

/* The end of the own log that keep_end chose; NULL when the log was not sent. */
static const struct att_log_end *own_end(const struct att_verified *v, const struct ends_pair *ends)
{
    for (size_t o = 0; v->ev.claims.logs.has[ATT_LOG_OWN] && o < ends->own.used; o++) {
        const struct att_log_end *end = att_log_ends_at(&ends->own, o);

        if (end->len == v->covered[ATT_LOG_OWN]) {
            return end;
        }
    }
    return NULL;
}

/* One rule of how the kernel extends; *found as in find_ends. */
static enum att_err try_rule(struct att_verified *v, const struct att_expect *expect,
                             const struct judging *with, struct ends_pair *ends, bool *found)
{
    static const struct att_log_state NONE;
    const struct att_log_state *ima = with->prior != NULL ? &with->prior->log[ATT_LOG_IMA] : &NONE;
    enum att_err err = ATT_OK;

    if (v->ev.claims.logs.has[ATT_LOG_IMA]) {
        att_log_ends_forget(&ends->ima);
        err = att_ima_ends(&ends->ima, &v->ev, with->rules, ima, with->padded, with->diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = find_ends(v, expect, with->rules, ends, found);
    if (err != ATT_OK) {
        return att_fail(with->diag, err, ATT_R_BUSY, "pcrDigest", "it could not be computed");
    }
    return ATT_OK;
}

/* After parts the rule is the one that their sender named: whoever named the wrong one is told so. */
static enum att_err refuse_ends(const struct judging *with)
{
    if (with->rules->parts == NULL) {
        return att_fail(with->diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "pcrDigest",
                        "no end of the logs leads to what the TPM signed");
    }
    return att_fail(with->diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "pcrDigest",
                    "no end of the logs leads to what the TPM signed; the kernel list's parts were "
                    "extended, as their sender said, by %s",
                    att_ima_rule_words(with->rules->parts->padded));
}

static enum att_err replay_and_match(struct att_verified *v, const struct att_expect *expect,
                                     struct judging *with, struct ends_pair *ends)
{
    static const struct att_log_state NONE;
    const struct att_log_state *own = with->prior != NULL ? &with->prior->log[ATT_LOG_OWN] : &NONE;
    const struct att_log_end *end = NULL;
    bool has_ima = v->ev.claims.logs.has[ATT_LOG_IMA];
    bool found = false;
    enum att_err err = att_values_initial(&v->values, &att_quoted_quote(v->quoted)->selection);

    if (err != ATT_OK) {
        return att_fail(with->diag, err, ATT_R_Q_BANK, "pcrSelect", "too many banks");
    }
    err = replay_boot(v, with->rules, with->prior, with->diag);
    if (v->ev.claims.logs.off[ATT_LOG_OWN] > 0 && with->prior != NULL) {
        ends->own.boot = &with->prior->clock;
    }
    if (err == ATT_OK && v->ev.claims.logs.has[ATT_LOG_OWN]) {
        err = att_own_ends(&ends->own, &v->ev, with->rules, own, with->diag);
    }
    if (err == ATT_OK) {
        err = try_rule(v, expect, with, ends, &found);
    }
    if (err == ATT_OK && !found && has_ima && with->rules->parts == NULL) {
        /* kernels whose SHA-384 is a module extend that bank with the padded SHA-1 digest */
        with->padded = true;
        err = try_rule(v, expect, with, ends, &found);
    }
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(LOG_PCR, !found)) {
        return refuse_ends(with);
    }
    end = own_end(v, ends);
    v->kexec = end != NULL && end->kexec;
    return check_boot_record(v, with->prior, end, with->diag);
}

static enum att_err judge(struct att_verified *v, const struct att_expect *expect,
                          const struct att_log_rules *rules, const struct att_boot_state *prior,
                          struct att_diag *diag)
{
    struct ends_pair ends = {0};
    struct judging with = {.rules = rules,
                           .prior = prior,
                           .padded = rules->parts != NULL && rules->parts->padded,
                           .diag = diag};
    const struct att_quote *q = NULL;
    enum att_err err = att_quote_verify(&v->quoted, v->ev.attest, v->ev.signature, expect, diag);

    if (err != ATT_OK) {
        return err;
    }
    q = att_quoted_quote(v->quoted);
    if (prior != NULL && prior->known) {
        err = att_clock_check(&q->clock, &prior->clock, diag);
        v->firmware_changed = q->firmware_version != prior->firmware_version;
    }
    if (err == ATT_OK) {
        err = check_quoted(v, rules, diag);
    }
    if (err == ATT_OK) {
        err = check_offsets(v, rules, prior, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    v->state.known = true;
    v->state.clock = q->clock;
    v->state.firmware_version = q->firmware_version;
    v->state.first_clock_ms = q->clock.clock_ms;
    if (prior != NULL && prior->known && prior->clock.reset_count == q->clock.reset_count) {
        v->state.first_clock_ms = prior->first_clock_ms;
    }
    err = att_log_ends_init(&ends.ima, (size_t)rules->window + 1);
    if (err == ATT_OK) {
        err = att_log_ends_init(&ends.own, OWN_WINDOW + 1);
    }
    if (err == ATT_OK) {
        err = replay_and_match(v, expect, &with, &ends);
    } else {
        err = att_fail(diag, err, ATT_R_NOMEM, "evidence", "no memory");
    }
    att_log_ends_clear(&ends.ima);
    att_log_ends_clear(&ends.own);
    return err;
}

enum att_err att_evidence_verify(struct att_verified **out, const struct att_evidence *ev,
                                 const struct att_expect *expect, const struct att_log_rules *rules,
                                 const struct att_boot_state *prior, struct att_diag *diag)
{
    struct att_verified *v = calloc(1, sizeof(*v));
    enum att_err err = ATT_OK;

    if (v == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "evidence", "no memory");
    }
    v->ev = *ev;
    err = judge(v, expect, rules, prior, diag);
    if (err != ATT_OK) {
        att_verified_free(v);
        return err;
    }
    *out = v;
    return ATT_OK;
}
