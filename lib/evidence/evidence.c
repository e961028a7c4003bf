/* The evidence collection: a map of labels to CMW records. */
#include "evidence/evidence.h"

#include <string.h>

#include "base/guard.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "evidence/evidence.h"
#include "evidence/profile.h"
#include "tcg/quote.h"

#define CMW_IND_EVIDENCE 4 /* RFC 9999: bit 2 of the indicator */
#define MEMBER_TYPE_MAX  64

/* Members in the order of their encoded labels: by length, then bytewise. */
enum member { M_IMA, M_OWN, M_UEFI, M_QUOTE, M_CLAIMS, M_PROFILE, M__COUNT };

static const struct {
    const char *label;
    const char *type; /* NULL: the value is plain text, not a record */
} MEMBERS[M__COUNT] = {
    [M_IMA] = {"ima", ATT_TYPE_IMA_LOG},      [M_OWN] = {"own", ATT_TYPE_OWN_LOG},
    [M_UEFI] = {"uefi", ATT_TYPE_UEFI_LOG},   [M_QUOTE] = {"quote", ATT_TYPE_TPM_QUOTE},
    [M_CLAIMS] = {"claims", ATT_TYPE_CLAIMS}, [M_PROFILE] = {"__cmwc_t", NULL},
};

static const enum member LOG_MEMBER[ATT_LOG__COUNT] = {
    [ATT_LOG_UEFI] = M_UEFI, [ATT_LOG_IMA] = M_IMA, [ATT_LOG_OWN] = M_OWN};

static enum member find_member(struct att_cbor_key key)
{
    if (key.is_int) {
        return M__COUNT;
    }
    for (int i = 0; i < M__COUNT; i++) {
        if (att_slice_eq(key.text, att_slice_str(MEMBERS[i].label))) {
            return (enum member)i;
        }
    }
    return M__COUNT;
}

/* [type, value, indicator]; the value. */
static struct att_slice read_record(struct att_cbor *c, enum member m)
{
    struct att_slice type;
    struct att_slice value;

    (void)att_cbor_enter_array(c, 3);
    type = att_cbor_text(c, MEMBER_TYPE_MAX);
    value = att_cbor_bytes(c, ATT_EVIDENCE_MAX);
    if (att_cbor_uint(c) != CMW_IND_EVIDENCE ||
        !att_slice_eq(type, att_slice_str(MEMBERS[m].type))) {
        att_cbor_fail(c, ATT_E_FORMAT);
    }
    att_cbor_leave(c);
    return value;
}

static enum att_err read_members(struct att_slice value[M__COUNT], struct att_slice in,
                                 struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);

    (void)att_cbor_enter_map(&c, M__COUNT);
    while (att_cbor_more(&c)) {
        enum member m = find_member(att_cbor_key(&c));

        if (m == M__COUNT) {
            att_cbor_fail(&c, ATT_E_FORMAT);
        } else if (m == M_PROFILE) {
            value[m] = att_cbor_text(&c, MEMBER_TYPE_MAX);
        } else {
            value[m] = read_record(&c, m);
        }
    }
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_EVIDENCE, "evidence", diag);
}

static enum att_err read_quote(struct att_evidence *ev, struct att_slice value,
                               struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(value);

    (void)att_cbor_enter_array(&c, 2);
    ev->attest = att_cbor_bytes(&c, ATT_QUOTE_MAX);
    ev->signature = att_cbor_bytes(&c, ATT_TPM_SIG_MAX);
    att_cbor_leave(&c);
    return att_cbor_end_diag(&c, ATT_R_FMT_EVIDENCE, "quote", diag);
}

enum att_err att_evidence_parse(struct att_evidence *out, struct att_slice in,
                                struct att_diag *diag)
{
    struct att_slice value[M__COUNT] = {{0}};
    struct att_evidence ev = {.encoded = in};
    enum att_err err = ATT_OK;

    if (in.len > ATT_EVIDENCE_MAX) {
        return att_fail(diag, ATT_E_LIMIT, ATT_R_LIM_SIZE, "evidence",
                        "at most %d bytes, found %zu", ATT_EVIDENCE_MAX, in.len);
    }
    err = read_members(value, in, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (ATT_GUARD(EVIDENCE_PROFILE,
                  !att_slice_eq(value[M_PROFILE], att_slice_str(ATT_PROFILE_EVIDENCE)))) {
        return att_fail(diag, ATT_E_UNSUPPORTED, ATT_R_FMT_VERSION, "__cmwc_t", "expected \"%s\"",
                        ATT_PROFILE_EVIDENCE);
    }
    err = read_quote(&ev, value[M_QUOTE], diag);
    if (err != ATT_OK) {
        return err;
    }
    ev.claims_encoded = value[M_CLAIMS];
    err = att_claims_parse(&ev.claims, ev.claims_encoded, diag);
    if (err != ATT_OK) {
        return err;
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        ev.log[i] = value[LOG_MEMBER[i]];
        if (ev.claims.logs.has[i] != (ev.log[i].p != NULL)) {
            return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_EVIDENCE, att_log_name((enum att_log)i),
                            "a log and its offset come together or not at all");
        }
    }
    *out = ev;
    return ATT_OK;
}

static void write_record(struct att_wr *w, enum member m, struct att_slice value)
{
    att_cbor_wr_text(w, MEMBERS[m].label);
    att_cbor_wr_array(w, 3);
    att_cbor_wr_text(w, MEMBERS[m].type);
    att_cbor_wr_bytes(w, value);
    att_cbor_wr_uint(w, CMW_IND_EVIDENCE);
}

static void write_collection(struct att_wr *w, const struct att_evidence *ev)
{
    uint8_t quote[2 * ATT_QUOTE_MAX + 16];
    struct att_wr q = att_wr_into(quote, sizeof(quote));
    size_t logs = 0;

    att_cbor_wr_array(&q, 2);
    att_cbor_wr_bytes(&q, ev->attest);
    att_cbor_wr_bytes(&q, ev->signature);
    if (!att_wr_ok(&q)) {
        att_wr_fail(w, ATT_E_LIMIT);
        return;
    }
    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        logs += ev->claims.logs.has[i] ? 1 : 0;
    }
    att_cbor_wr_map(w, 3 + logs);
    if (ev->claims.logs.has[ATT_LOG_IMA]) {
        write_record(w, M_IMA, ev->log[ATT_LOG_IMA]);
    }
    if (ev->claims.logs.has[ATT_LOG_OWN]) {
        write_record(w, M_OWN, ev->log[ATT_LOG_OWN]);
    }
    if (ev->claims.logs.has[ATT_LOG_UEFI]) {
        write_record(w, M_UEFI, ev->log[ATT_LOG_UEFI]);
    }
    write_record(w, M_QUOTE, att_slice_of(quote, q.len));
    write_record(w, M_CLAIMS, ev->claims_encoded);
    att_cbor_wr_text(w, MEMBERS[M_PROFILE].label);
    att_cbor_wr_text(w, ATT_PROFILE_EVIDENCE);
}

enum att_err att_evidence_encode(struct att_buf **out, const struct att_evidence *ev)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t room = 1024 + ev->attest.len + ev->signature.len + ev->claims_encoded.len;
    uint8_t *at = NULL;
    struct att_wr w;
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < ATT_LOG__COUNT; i++) {
        if (ev->log[i].len > ATT_EVIDENCE_MAX) {
            return ATT_E_LIMIT;
        }
        room += ev->log[i].len;
    }
    err = att_buf_new(&b, room);
    if (err != ATT_OK) {
        return err;
    }
    err = att_buf_room(b, room, &at);
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(at, room);
    write_collection(&w, ev);
    if (!att_wr_ok(&w)) {
        return w.err;
    }
    att_buf_commit(b, w.len);
    *out = b;
    b = NULL;
    return ATT_OK;
}
