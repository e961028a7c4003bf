/*
 * The documents between gateway and verifier. Each reads and writes like its table in
 * docs/formats/protocol.md: one member a line, in the order of the keys. Enrolment's are in wire_enrol.c.
 */
#include "common/wire_internal.h"

#include "base/guard.h"

enum att_err wire_open_map(struct wire_map *out, struct att_slice in, const char *field,
                           struct att_diag *diag)
{
    struct wire_map m = open_map(in);
    uint64_t version = 0;

    need(&m, 0);
    version = att_cbor_uint(&m.c);
    if (ATT_GUARD(WIRE_VERSION, att_cbor_ok(&m.c) && version != WIRE_VERSION)) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_VERSION, field,
                        "expected protocol version %d, found %llu", WIRE_VERSION,
                        (unsigned long long)version);
    }
    *out = m;
    return ATT_OK;
}

enum att_err wire_new_session_encode(struct att_wr *w, const struct wire_new_session *m)
{
    head(w, m->has_boot ? 4 : 3);
    put_uint(w, 1, m->log_mask);
    put_uint(w, 2, m->own_pcr);
    if (m->has_boot) {
        att_cbor_wr_uint(w, 3);
        att_cbor_wr_array(w, 2);
        att_cbor_wr_uint(w, m->reset_count);
        att_cbor_wr_uint(w, m->restart_count);
    }
    return written(w);
}

enum att_err wire_new_session_parse(struct wire_new_session *out, struct att_slice in,
                                    struct att_diag *diag)
{
    struct wire_new_session v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "new session", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.log_mask = need_uint(&m, 1, (1U << WIRE_LOGS) - 1);
    v.own_pcr = need_uint(&m, 2, 23);
    v.has_boot = has(&m, 3);
    if (v.has_boot) {
        (void)att_cbor_enter_array(&m.c, 2);
        v.reset_count = att_cbor_uint_max(&m.c, UINT32_MAX);
        v.restart_count = att_cbor_uint_max(&m.c, UINT32_MAX);
        att_cbor_leave(&m.c);
    }
    err = close_map(&m, "new session", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err wire_challenge_encode(struct att_wr *w, const struct wire_challenge *m)
{
    head(w, 7);
    put_bytes(w, 1, m->session);
    put_bytes(w, 2, m->nonce);
    put_text(w, 3, m->verifier_id);
    put_bytes(w, 4, m->selection);
    att_cbor_wr_uint(w, 5);
    att_cbor_wr_map(w, WIRE_LOGS);
    for (int i = 0; i < WIRE_LOGS; i++) {
        put_uint(w, i, m->offset[i]);
    }
    put_uint(w, 6, m->expires_ms);
    return written(w);
}

enum att_err wire_challenge_parse(struct wire_challenge *out, struct att_slice in,
                                  struct att_diag *diag)
{
    struct wire_challenge v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "challenge", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.session = need_exact(&m, 1, WIRE_SESSION_LEN);
    v.nonce = need_exact(&m, 2, WIRE_NONCE_LEN);
    v.verifier_id = need_text(&m, 3, VERIFIER_ID_MAX);
    v.selection = need_bytes(&m, 4, SELECTION_MAX);
    need(&m, 5);
    (void)att_cbor_enter_map(&m.c, WIRE_LOGS);
    for (int i = 0; i < WIRE_LOGS; i++) {
        v.offset[i] = need_uint(&m, i, INT64_MAX);
    }
    att_cbor_leave(&m.c);
    v.expires_ms = need_uint(&m, 6, INT64_MAX);
    err = close_map(&m, "challenge", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err wire_part_encode_head(struct att_wr *w, const struct wire_part *m, size_t len)
{
    head(w, 6);
    put_uint(w, 1, m->log);
    att_cbor_wr_uint(w, 2);
    att_cbor_wr_array(w, 2);
    att_cbor_wr_uint(w, m->reset_count);
    att_cbor_wr_uint(w, m->restart_count);
    put_uint(w, 3, m->off);
    put_uint(w, 4, m->padded ? 1 : 0);
    att_cbor_wr_uint(w, 5);
    att_cbor_wr_bytes_head(w, len);
    return w->err;
}

enum att_err wire_part_parse(struct wire_part *out, struct att_slice in, struct att_diag *diag)
{
    struct wire_part v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "part", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.log = need_uint(&m, 1, WIRE_LOGS - 1);
    need(&m, 2);
    (void)att_cbor_enter_array(&m.c, 2);
    v.reset_count = att_cbor_uint_max(&m.c, UINT32_MAX);
    v.restart_count = att_cbor_uint_max(&m.c, UINT32_MAX);
    att_cbor_leave(&m.c);
    v.off = need_uint(&m, 3, INT64_MAX);
    v.padded = need_uint(&m, 4, 1) == 1;
    v.bytes = need_bytes(&m, 5, WIRE_PART_MAX);
    if (v.bytes.len == 0) {
        att_cbor_fail(&m.c, ATT_E_FORMAT);
    }
    err = close_map(&m, "part", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

static void put_digest(struct att_wr *w, struct att_slice v)
{
    if (v.len == 0) {
        att_cbor_wr_null(w);
        return;
    }
    att_cbor_wr_bytes(w, v);
}

static void put_reason(struct att_wr *w, const struct wire_reason *r)
{
    att_cbor_wr_array(w, 7);
    att_cbor_wr_text_slice(w, r->code);
    att_cbor_wr_uint(w, r->severity);
    att_cbor_wr_text_slice(w, r->requirement);
    att_cbor_wr_text_slice(w, r->name);
    put_digest(w, r->expected);
    put_digest(w, r->found);
    att_cbor_wr_text_slice(w, r->text);
}

static void put_states(struct att_wr *w, const struct wire_outcome *m)
{
    if (m->state_count == 0) {
        return;
    }
    att_cbor_wr_uint(w, 6);
    att_cbor_wr_array(w, m->state_count);
    for (size_t i = 0; i < m->state_count; i++) {
        att_cbor_wr_array(w, 2);
        att_cbor_wr_text_slice(w, m->state[i].code);
        att_cbor_wr_text_slice(w, m->state[i].text);
    }
}

enum att_err wire_outcome_encode(struct att_wr *w, const struct wire_outcome *m)
{
    head(w, 6U + (m->state_count > 0 ? 1U : 0U) + (m->grant.len > 0 ? 1U : 0U));
    put_uint(w, 1, m->status);
    put_bytes(w, 2, m->label);
    att_cbor_wr_uint(w, 3);
    att_cbor_wr_array(w, m->reason_count);
    for (size_t i = 0; i < m->reason_count; i++) {
        put_reason(w, &m->reason[i]);
    }
    put_uint(w, 4, m->next_s);
    put_uint(w, 5, m->unattested);
    put_states(w, m);
    if (m->grant.len > 0) {
        put_bytes(w, 7, m->grant);
    }
    return written(w);
}

static struct att_slice get_digest(struct att_cbor *c)
{
    struct att_slice v = {0};

    if (att_cbor_peek(c) == ATT_CBOR_NULL) {
        att_cbor_null(c);
        return v;
    }
    v = att_cbor_bytes(c, DIGEST_LEN);
    if (v.len != DIGEST_LEN) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    return v;
}

static struct wire_reason get_reason(struct att_cbor *c)
{
    struct wire_reason r = {0};

    (void)att_cbor_enter_array(c, 7);
    r.code = att_cbor_text(c, CODE_MAX);
    r.severity = att_cbor_uint_max(c, 1);
    r.requirement = att_cbor_text(c, CODE_MAX);
    r.name = att_cbor_text(c, TEXT_MAX);
    r.expected = get_digest(c);
    r.found = get_digest(c);
    r.text = att_cbor_text(c, TEXT_MAX);
    att_cbor_leave(c);
    return r;
}

static void get_states(struct wire_outcome *v, struct att_cbor *c)
{
    v->state_count = att_cbor_enter_array(c, WIRE_STATES_MAX);
    if (v->state_count == 0) {
        att_cbor_fail(c, ATT_E_FORMAT); /* absent has one spelling */
    }
    for (size_t i = 0; i < v->state_count; i++) {
        (void)att_cbor_enter_array(c, 2);
        v->state[i].code = att_cbor_text(c, CODE_MAX);
        v->state[i].text = att_cbor_text(c, TEXT_MAX);
        att_cbor_leave(c);
    }
    att_cbor_leave(c);
}

enum att_err wire_outcome_parse(struct wire_outcome *out, struct att_slice in,
                                struct att_diag *diag)
{
    struct wire_outcome v = {0};
    struct wire_map m;
    enum att_err err = wire_open_map(&m, in, "outcome", diag);

    if (err != ATT_OK) {
        return err;
    }
    v.status = need_uint(&m, 1, 127);
    v.label = need_bytes(&m, 2, LABEL_MAX);
    need(&m, 3);
    v.reason_count = att_cbor_enter_array(&m.c, WIRE_REASONS_MAX);
    for (size_t i = 0; i < v.reason_count; i++) {
        v.reason[i] = get_reason(&m.c);
    }
    att_cbor_leave(&m.c);
    v.next_s = need_uint(&m, 4, INTERVAL_MAX);
    v.unattested = need_uint(&m, 5, INT64_MAX);
    if (has(&m, 6)) {
        get_states(&v, &m.c);
    }
    if (has(&m, 7)) {
        v.grant = att_cbor_bytes(&m.c, GRANT_MAX);
        if (v.grant.len == 0) {
            att_cbor_fail(&m.c, ATT_E_FORMAT);
        }
    }
    err = close_map(&m, "outcome", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err wire_problem_encode(struct att_wr *w, const struct wire_problem *m)
{
    att_cbor_wr_map(w, m->outcome.len > 0 ? 5 : 4);
    put_text(w, 70, m->code);
    put_text(w, 71, m->fix);
    if (m->outcome.len > 0) {
        put_bytes(w, 72, m->outcome);
    }
    put_text(w, -1, m->title);
    put_text(w, -2, m->detail);
    return written(w);
}

enum att_err wire_problem_parse(struct wire_problem *out, struct att_slice in,
                                struct att_diag *diag)
{
    struct wire_problem v = {0};
    struct wire_map m = open_map(in);
    enum att_err err = ATT_OK;

    v.code = need_text(&m, 70, CODE_MAX);
    v.fix = need_text(&m, 71, TEXT_MAX);
    if (has(&m, 72)) {
        v.outcome = att_cbor_bytes(&m.c, OUTCOME_MAX);
        if (v.outcome.len == 0) {
            att_cbor_fail(&m.c, ATT_E_FORMAT);
        }
    }
    v.title = need_text(&m, -1, TEXT_MAX);
    v.detail = need_text(&m, -2, TEXT_MAX);
    err = close_map(&m, "problem details", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}
