/* Problem details, from a reason and an outcome. */
#include "verifier/front/problem.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "codec/json.h"
#include "common/wire.h"

#define PROBLEM_BOUND 8192

int problem_status(enum att_reason reason)
{
    int http = att_reason_info(reason)->http;

    return http >= 400 && http < 600 ? http : 500;
}

enum att_reason problem_outcome_reason(struct att_slice outcome)
{
    struct wire_outcome o = {0};

    if (wire_outcome_parse(&o, outcome, NULL) != ATT_OK) {
        return ATT_R_INTERNAL;
    }
    for (size_t i = 0; i < o.reason_count; i++) {
        char code[64];
        enum att_reason found = ATT_R_NONE;

        if (o.reason[i].severity != 0 || o.reason[i].code.len >= sizeof(code)) {
            continue;
        }
        (void)snprintf(code, sizeof(code), "%.*s", (int)o.reason[i].code.len,
                       (const char *)o.reason[i].code.p);
        found = att_reason_find(code);
        if (found != ATT_R_NONE) {
            return found;
        }
    }
    return ATT_R_LBL_NOT_AFFIRMING;
}

static json_t *text_of(struct att_slice s)
{
    return json_stringn(s.len == 0 ? "" : (const char *)s.p, s.len);
}

static json_t *digest_of(struct att_slice s)
{
    char hex[2 * 64 + 1];

    return s.len == 0 || s.len > 64 ? json_null()
                                    : json_string(att_hex_encode(hex, sizeof(hex), s));
}

static json_t *reason_of(const struct wire_reason *r)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "code", text_of(r->code), "severity",
                     r->severity == 0 ? "fail" : "warn", "requirement", text_of(r->requirement),
                     "name", text_of(r->name), "expected", digest_of(r->expected), "found",
                     digest_of(r->found), "text", text_of(r->text));
}

static json_t *states_of(const struct wire_outcome *o)
{
    json_t *list = json_array();

    for (size_t i = 0; i < o->state_count && list != NULL; i++) {
        json_t *one = json_pack("{s:o, s:o}", "code", text_of(o->state[i].code), "text",
                                text_of(o->state[i].text));

        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The label is left out: who wants it in JSON asks for it at its own address. */
static json_t *outcome_of(struct att_slice encoded)
{
    struct wire_outcome o = {0};
    json_t *reasons = NULL;

    if (wire_outcome_parse(&o, encoded, NULL) != ATT_OK) {
        return NULL;
    }
    reasons = json_array();
    for (size_t i = 0; i < o.reason_count; i++) {
        if (json_array_append_new(reasons, reason_of(&o.reason[i])) != 0) {
            json_decref(reasons);
            return NULL;
        }
    }
    return json_pack("{s:I, s:o, s:o, s:I, s:I}", "status", (json_int_t)o.status, "reasons",
                     reasons, "states", states_of(&o), "next_seconds", (json_int_t)o.next_s,
                     "unattested_bytes", (json_int_t)o.unattested);
}

enum att_err problem_json(struct att_buf **out, const struct problem *p)
{
    const struct att_reason_info *info = att_reason_info(p->reason);
    ATT_CLEANUP(att_json_freep)
    json_t *j = json_pack("{s:s, s:i, s:s, s:s}", "title", info->en, "status", p->status, "code",
                          att_reason_code(p->reason), "fix", info->fix_en);

    if (j == NULL) {
        return ATT_E_NOMEM;
    }
    if (p->detail != NULL && p->detail[0] != '\0' &&
        json_object_set_new(j, "detail", json_string(p->detail)) != 0) {
        return ATT_E_NOMEM;
    }
    if (p->outcome.len > 0 && json_object_set_new(j, "outcome", outcome_of(p->outcome)) != 0) {
        return ATT_E_FORMAT;
    }
    return att_json_print(out, j);
}

enum att_err problem_cbor(struct att_buf **out, const struct problem *p)
{
    const struct att_reason_info *info = att_reason_info(p->reason);
    const char *detail = p->detail != NULL && p->detail[0] != '\0' ? p->detail : info->en;
    const struct wire_problem m = {.title = att_slice_str(info->en),
                                   .detail = att_slice_str(detail),
                                   .code = att_slice_str(att_reason_code(p->reason)),
                                   .fix = att_slice_str(info->fix_en),
                                   .outcome = p->outcome};
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t bound = PROBLEM_BOUND + p->outcome.len;
    uint8_t *room = NULL;
    struct att_wr w = {0};
    enum att_err err = att_buf_new(&b, bound);

    if (err == ATT_OK) {
        err = att_buf_room(b, bound, &room);
    }
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(room, bound);
    err = wire_problem_encode(&w, &m);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(b, w.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}
