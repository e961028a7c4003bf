/*
 * Results, boot states and carries as deterministic CBOR: between appraiser and keeper, and in the store.
 *
 * Reasons travel as their code's text, so that a stored carry outlives a change of the enumeration.
 */
#include <string.h>

#include "appraise/result.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define REASON_FIELDS    7
#define RESULT_FIELDS    14
#define CARRY_FIELDS     13 /* and one more where there is a specification */
#define DEVIATION_FIELDS 7
#define CODE_MAX         40

static void write_digest(struct att_wr *w, bool has, const uint8_t digest[32])
{
    if (has) {
        att_cbor_wr_bytes(w, att_slice_of(digest, 32));
    } else {
        att_cbor_wr_null(w);
    }
}

static bool read_digest(struct att_cbor *c, uint8_t digest[32])
{
    if (att_cbor_peek(c) == ATT_CBOR_NULL) {
        att_cbor_null(c);
        return false;
    }
    att_cbor_bytes_exact(c, digest, 32);
    return true;
}

static enum att_reason read_reason(struct att_cbor *c)
{
    char code[CODE_MAX];
    enum att_reason reason = ATT_R_NONE;

    att_cbor_text_copy(c, code, sizeof(code));
    reason = att_reason_find(code);
    if (att_cbor_ok(c) && reason == ATT_R_NONE) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    return reason;
}

static void write_values(struct att_wr *w, const struct att_pcr_values *values)
{
    att_cbor_wr_array(w, values->count);
    for (uint32_t i = 0; i < values->count; i++) {
        const struct att_pcr_bank *b = &values->bank[i];

        att_cbor_wr_array(w, 3);
        att_cbor_wr_uint(w, (uint64_t)b->bank);
        att_cbor_wr_uint(w, b->has);
        att_cbor_wr_bytes_head(w, (size_t)__builtin_popcount(b->has) * att_hash_size(b->bank));
        for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
            if ((b->has & (1U << pcr)) != 0) {
                att_wr_bytes(w, b->value[pcr], att_hash_size(b->bank));
            }
        }
    }
}

static void read_bank(struct att_cbor *c, struct att_pcr_values *values)
{
    struct att_pcr_bank *b = NULL;
    enum att_hash alg = ATT_HASH_NONE;
    uint32_t has = 0;
    struct att_rd rd;

    (void)att_cbor_enter_array(c, 3);
    alg = (enum att_hash)att_cbor_uint_max(c, UINT16_MAX);
    has = (uint32_t)att_cbor_uint_max(c, (1U << ATT_PCR_COUNT) - 1);
    rd = att_rd_slice(att_cbor_bytes(c, (size_t)ATT_PCR_COUNT * ATT_HASH_MAX));
    att_cbor_leave(c);
    /* one bank twice would be two spellings of the same values */
    b = att_cbor_ok(c) && att_pcr_bank_find(values, alg) == NULL ? att_pcr_bank_add(values, alg)
                                                                 : NULL;
    if (b == NULL) {
        att_cbor_fail(c, ATT_E_FORMAT);
        return;
    }
    b->has = has;
    for (uint32_t pcr = 0; pcr < ATT_PCR_COUNT; pcr++) {
        if ((has & (1U << pcr)) != 0) {
            att_rd_copy(&rd, b->value[pcr], att_hash_size(alg));
        }
    }
    if (att_rd_end(&rd) != ATT_OK) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
}

static void write_state(struct att_wr *w, const struct att_boot_state *s)
{
    att_cbor_wr_array(w, 8);
    att_cbor_wr_bool(w, s->known);
    att_cbor_wr_uint(w, s->clock.clock_ms);
    att_cbor_wr_uint(w, s->clock.reset_count);
    att_cbor_wr_uint(w, s->clock.restart_count);
    att_cbor_wr_bool(w, s->clock.safe);
    att_cbor_wr_uint(w, s->firmware_version);
    att_cbor_wr_uint(w, s->first_clock_ms);
    att_cbor_wr_array(w, ATT_LOG__COUNT);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        const struct att_log_state *log = &s->log[i];

        if (!log->known) {
            att_cbor_wr_null(w);
            continue;
        }
        att_cbor_wr_array(w, 4);
        att_cbor_wr_uint(w, log->off);
        att_cbor_wr_uint(w, log->count);
        att_cbor_wr_bytes(w, att_slice_of(log->pcr, sizeof(log->pcr)));
        write_values(w, &log->values);
    }
}

static void read_log_state(struct att_cbor *c, struct att_log_state *log)
{
    if (att_cbor_peek(c) == ATT_CBOR_NULL) {
        att_cbor_null(c);
        return;
    }
    log->known = true;
    (void)att_cbor_enter_array(c, 4);
    log->off = att_cbor_uint(c);
    log->count = att_cbor_uint(c);
    att_cbor_bytes_exact(c, log->pcr, sizeof(log->pcr));
    (void)att_cbor_enter_array(c, ATT_PCR_BANKS);
    while (att_cbor_more(c)) {
        read_bank(c, &log->values);
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

static void read_state(struct att_cbor *c, struct att_boot_state *s)
{
    memset(s, 0, sizeof(*s));
    (void)att_cbor_enter_array(c, 8);
    s->known = att_cbor_bool(c);
    s->clock.clock_ms = att_cbor_uint(c);
    s->clock.reset_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    s->clock.restart_count = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    s->clock.safe = att_cbor_bool(c);
    s->firmware_version = att_cbor_uint(c);
    s->first_clock_ms = att_cbor_uint(c);
    if (att_cbor_enter_array(c, ATT_LOG__COUNT) != ATT_LOG__COUNT) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        read_log_state(c, &s->log[i]);
    }
    att_cbor_leave(c);
    att_cbor_leave(c);
}

static void write_specs(struct att_wr *w, const struct att_carry *c)
{
    att_cbor_wr_array(w, c->spec_count);
    for (uint32_t i = 0; i < c->spec_count; i++) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_text(w, c->spec[i].name);
        att_cbor_wr_bytes(w, att_slice_of(c->spec[i].digest, 32));
    }
}

static void write_carry(struct att_wr *w, const struct att_carry *c)
{
    att_cbor_wr_array(w, CARRY_FIELDS + (c->spec_count > 0 ? 1U : 0U));
    att_cbor_wr_bool(w, c->known);
    att_cbor_wr_bytes(w, att_slice_of(c->policy_digest, 32));
    att_cbor_wr_bytes(w, att_slice_of(c->refvals_digest, 32));
    att_cbor_wr_bytes(w, att_slice_of(c->windows_digest, 32));
    att_cbor_wr_uint(w, c->windows_used);
    att_cbor_wr_uint(w, c->items_judged);
    att_cbor_wr_uint(w, c->ima_judged);
    att_cbor_wr_uint(w, c->ima_violations);
    att_cbor_wr_uint(w, c->measured_mask[0]);
    att_cbor_wr_uint(w, c->measured_mask[1]);
    att_cbor_wr_bool(w, c->overflow);
    att_cbor_wr_bool(w, c->whole);
    att_cbor_wr_array(w, c->deviation_count);
    for (uint32_t i = 0; i < c->deviation_count; i++) {
        const struct att_deviation *d = &c->deviation[i];

        att_cbor_wr_array(w, DEVIATION_FIELDS);
        att_cbor_wr_uint(w, d->name_hash);
        att_cbor_wr_uint(w, d->requirement);
        att_cbor_wr_uint(w, (uint64_t)d->severity);
        att_cbor_wr_text(w, att_reason_code(d->reason));
        att_cbor_wr_text(w, d->name);
        write_digest(w, d->has_expected, d->expected);
        write_digest(w, d->has_found, d->found);
    }
    if (c->spec_count > 0) {
        write_specs(w, c);
    }
}

/* In order of name, each once: what the label says is as it was judged. */
static void read_specs(struct att_cbor *c, struct att_carry *out)
{
    if (att_cbor_enter_array(c, ATT_SPEC_ITEMS_MAX) == 0) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    while (att_cbor_more(c)) {
        struct att_spec_item *s = &out->spec[out->spec_count];

        if (att_cbor_enter_array(c, 2) != 2) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
        att_cbor_word_copy(c, s->name, sizeof(s->name));
        att_cbor_bytes_exact(c, s->digest, 32);
        att_cbor_leave(c);
        if (out->spec_count > 0 && strcmp(s[-1].name, s->name) >= 0) {
            att_cbor_fail(c, ATT_E_FORMAT);
        }
        out->spec_count++;
    }
    att_cbor_leave(c);
}

static void read_deviation(struct att_cbor *c, struct att_deviation *d)
{
    (void)att_cbor_enter_array(c, DEVIATION_FIELDS);
    d->name_hash = att_cbor_uint(c);
    d->requirement = (uint32_t)att_cbor_uint_max(c, UINT32_MAX);
    d->severity = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_IGNORE);
    d->reason = read_reason(c);
    att_cbor_text_copy(c, d->name, sizeof(d->name));
    d->has_expected = read_digest(c, d->expected);
    d->has_found = read_digest(c, d->found);
    att_cbor_leave(c);
}

static void read_carry(struct att_cbor *c, struct att_carry *out)
{
    uint32_t fields = 0;

    memset(out, 0, sizeof(*out));
    fields = att_cbor_enter_array(c, CARRY_FIELDS + 1);
    out->known = att_cbor_bool(c);
    att_cbor_bytes_exact(c, out->policy_digest, 32);
    att_cbor_bytes_exact(c, out->refvals_digest, 32);
    att_cbor_bytes_exact(c, out->windows_digest, 32);
    out->windows_used = (uint32_t)att_cbor_uint_max(c, (1U << ATT_NOTICES_MAX) - 1);
    out->items_judged = att_cbor_uint(c);
    out->ima_judged = att_cbor_uint(c);
    out->ima_violations = att_cbor_uint(c);
    out->measured_mask[0] = att_cbor_uint(c);
    out->measured_mask[1] = att_cbor_uint(c);
    out->overflow = att_cbor_bool(c);
    out->whole = att_cbor_bool(c);
    (void)att_cbor_enter_array(c, ATT_DEVIATIONS_MAX);
    while (att_cbor_more(c)) {
        read_deviation(c, &out->deviation[out->deviation_count]);
        out->deviation_count++;
    }
    att_cbor_leave(c);
    if (fields > CARRY_FIELDS) {
        read_specs(c, out);
    }
    att_cbor_leave(c);
}

static void write_reasons(struct att_wr *w, const struct att_result *r)
{
    att_cbor_wr_array(w, r->reason_count);
    for (uint32_t i = 0; i < r->reason_count; i++) {
        const struct att_result_reason *x = &r->reason[i];

        att_cbor_wr_array(w, REASON_FIELDS);
        att_cbor_wr_text(w, att_reason_code(x->reason));
        att_cbor_wr_uint(w, (uint64_t)x->severity);
        att_cbor_wr_text(w, x->requirement);
        att_cbor_wr_text(w, x->name);
        write_digest(w, x->has_expected, x->expected);
        write_digest(w, x->has_found, x->found);
        att_cbor_wr_text(w, x->text);
    }
}

static void read_reasons(struct att_cbor *c, struct att_result *r)
{
    (void)att_cbor_enter_array(c, ATT_RESULT_REASONS_MAX);
    while (att_cbor_more(c)) {
        struct att_result_reason *x = &r->reason[r->reason_count];

        (void)att_cbor_enter_array(c, REASON_FIELDS);
        x->reason = read_reason(c);
        x->severity = (enum att_severity)att_cbor_uint_max(c, ATT_SEVERITY_IGNORE);
        att_cbor_text_copy(c, x->requirement, sizeof(x->requirement));
        att_cbor_text_copy(c, x->name, sizeof(x->name));
        x->has_expected = read_digest(c, x->expected);
        x->has_found = read_digest(c, x->found);
        att_cbor_text_copy(c, x->text, sizeof(x->text));
        att_cbor_leave(c);
        r->reason_count++;
    }
    att_cbor_leave(c);
}

enum att_err att_result_encode(struct att_wr *w, const struct att_result *r)
{
    att_cbor_wr_array(w, RESULT_FIELDS);
    att_cbor_wr_uint(w, (uint64_t)r->status);
    att_cbor_wr_array(w, ATT_TRUST__COUNT);
    for (size_t i = 0; i < ATT_TRUST__COUNT; i++) {
        att_cbor_wr_int(w, r->vector[i]);
    }
    att_cbor_wr_uint(w, (uint64_t)r->grade);
    write_reasons(w, r);
    att_cbor_wr_uint(w, r->reasons_left_out);
    att_cbor_wr_bytes(w, att_slice_of(r->evidence_digest, 32));
    att_cbor_wr_bytes(w, att_slice_of(r->policy_digest, 32));
    att_cbor_wr_bytes(w, att_slice_of(r->refvals_digest, 32));
    att_cbor_wr_array(w, ATT_LOG__COUNT);
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        att_cbor_wr_uint(w, r->unattested[i]);
    }
    att_cbor_wr_bool(w, r->accepted);
    att_cbor_wr_bool(w, r->kexec);
    write_state(w, &r->state);
    write_carry(w, &r->carry);
    att_windows_write(w, &r->windows);
    return w->err;
}

static void read_vector(struct att_cbor *c, int8_t vector[ATT_TRUST__COUNT])
{
    if (att_cbor_enter_array(c, ATT_TRUST__COUNT) != ATT_TRUST__COUNT) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    for (size_t i = 0; i < ATT_TRUST__COUNT; i++) {
        int64_t v = att_cbor_int(c);

        if (v < INT8_MIN || v > INT8_MAX) {
            att_cbor_fail(c, ATT_E_FORMAT);
            v = 0;
        }
        vector[i] = (int8_t)v;
    }
    att_cbor_leave(c);
}

enum att_err att_result_decode(struct att_result *r, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_slice windows = {0};
    enum att_err err = ATT_OK;

    memset(r, 0, sizeof(*r));
    (void)att_cbor_enter_array(&c, RESULT_FIELDS);
    r->status = (enum att_tier)att_cbor_uint_max(&c, ATT_TIER_CONTRAINDICATED);
    read_vector(&c, r->vector);
    r->grade = (int)att_cbor_uint_max(&c, 3);
    read_reasons(&c, r);
    r->reasons_left_out = (uint32_t)att_cbor_uint_max(&c, UINT32_MAX);
    att_cbor_bytes_exact(&c, r->evidence_digest, 32);
    att_cbor_bytes_exact(&c, r->policy_digest, 32);
    att_cbor_bytes_exact(&c, r->refvals_digest, 32);
    if (att_cbor_enter_array(&c, ATT_LOG__COUNT) != ATT_LOG__COUNT) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        r->unattested[i] = att_cbor_uint(&c);
    }
    att_cbor_leave(&c);
    r->accepted = att_cbor_bool(&c);
    r->kexec = att_cbor_bool(&c);
    read_state(&c, &r->state);
    read_carry(&c, &r->carry);
    windows = att_cbor_item(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "result", diag);
    return err == ATT_OK ? att_windows_decode(&r->windows, windows, diag) : err;
}

enum att_err att_boot_state_encode(struct att_wr *w, const struct att_boot_state *s)
{
    write_state(w, s);
    return w->err;
}

enum att_err att_boot_state_decode(struct att_boot_state *s, struct att_slice in,
                                   struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    read_state(&c, s);
    return att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "boot state", diag);
}

enum att_err att_carry_encode(struct att_wr *w, const struct att_carry *c)
{
    write_carry(w, c);
    return w->err;
}

enum att_err att_carry_decode(struct att_carry *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    read_carry(&c, out);
    return att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "carry", diag);
}
