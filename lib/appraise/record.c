/* [text, context, evidence, result, policy, notices]: the record of one appraisal, written and read. */
#include "appraise/record.h"

#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"

#define KIND       "attestd appraisal 1"
#define FIELDS     6
#define HEAD_BOUND (sizeof(KIND) + 64)

enum att_err att_record_encode(struct att_buf *out, const struct att_record *r)
{
    size_t bound = HEAD_BOUND + r->context.len + r->evidence.len + r->result.len + r->policy.len;
    uint8_t *room = NULL;
    struct att_slice done = {0};
    struct att_wr w = {0};
    enum att_err err = ATT_OK;

    for (size_t i = 0; i < r->notice_count; i++) {
        bound += r->notice[i].len + 16;
    }
    err = att_buf_room(out, bound, &room);
    if (err != ATT_OK) {
        return err;
    }
    w = att_wr_into(room, bound);
    att_cbor_wr_array(&w, FIELDS);
    att_cbor_wr_text(&w, KIND);
    att_cbor_wr_bytes(&w, r->context);
    att_cbor_wr_bytes(&w, r->evidence);
    att_cbor_wr_bytes(&w, r->result);
    att_cbor_wr_bytes(&w, r->policy);
    att_cbor_wr_array(&w, r->notice_count);
    for (size_t i = 0; i < r->notice_count; i++) {
        att_cbor_wr_bytes(&w, r->notice[i]);
    }
    err = att_cbor_wr_done(&w, &done);
    if (err != ATT_OK) {
        return err;
    }
    att_buf_commit(out, done.len);
    return ATT_OK;
}

enum att_err att_record_decode(struct att_record *out, struct att_slice in, struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct att_record r = {0};
    enum att_err err = ATT_OK;

    if (att_cbor_enter_array(&c, FIELDS) != FIELDS) {
        att_cbor_fail(&c, ATT_E_FORMAT);
    }
    if (!att_slice_eq(att_cbor_text(&c, sizeof(KIND)), att_slice_str(KIND))) {
        att_cbor_fail(&c, ATT_E_UNSUPPORTED);
    }
    r.context = att_cbor_bytes(&c, ATT_RECORD_MAX);
    r.evidence = att_cbor_bytes(&c, ATT_EVIDENCE_MAX);
    r.result = att_cbor_bytes(&c, ATT_RESULT_BOUND);
    r.policy = att_cbor_bytes(&c, ATT_POLICY_FILE_MAX);
    (void)att_cbor_enter_array(&c, ATT_NOTICES_MAX);
    while (att_cbor_more(&c)) {
        r.notice[r.notice_count] = att_cbor_bytes(&c, ATT_NOTICE_FILE_MAX);
        r.notice_count++;
    }
    att_cbor_leave(&c);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_RECORD, "record", diag);
    if (err != ATT_OK) {
        return err;
    }
    *out = r;
    return ATT_OK;
}
