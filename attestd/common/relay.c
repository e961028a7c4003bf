/* Requests to attest-courier and its answers, on either side of the socket pair. */
#include "common/relay.h"

#include "base/rd.h"
#include "base/wr.h"
#include "codec/cbor_rd.h"
#include "codec/cbor_wr.h"
#include "common/frame.h"

#define HEAD_MAX    (2 * RELAY_ARG_MAX + 64) /* everything before the body */
#define TYPE_MAX    128
#define CODE_MAX    64
#define MESSAGE_MAX 512

/* The body goes out from where it lies: only its head is written here. */
enum att_err relay_send_request(int fd, const struct relay_request *request)
{
    uint8_t head[HEAD_MAX];
    struct att_wr w = att_wr_into(head, sizeof(head));
    struct att_slice part[2] = {{0}, request->body};
    enum att_err err = ATT_OK;

    att_cbor_wr_array(&w, 4);
    att_cbor_wr_uint(&w, (uint64_t)request->kind);
    att_cbor_wr_bytes(&w, request->a);
    att_cbor_wr_bytes(&w, request->b);
    att_cbor_wr_bytes_head(&w, request->body.len);
    err = att_wr_done(&w, &part[0]);
    if (err != ATT_OK) {
        return err;
    }
    return frame_send_parts(fd, part, ATT_COUNT(part));
}

enum att_err relay_request_parse(struct relay_request *out, struct att_slice in,
                                 struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct relay_request v = {0};
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(&c, 4);
    v.kind = (enum relay_kind)att_cbor_uint_max(&c, RELAY__LAST);
    v.a = att_cbor_bytes(&c, RELAY_ARG_MAX);
    v.b = att_cbor_bytes(&c, RELAY_ARG_MAX);
    v.body = att_cbor_bytes(&c, FRAME_MAX);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "courier request", diag);
    if (err == ATT_OK) {
        *out = v;
    }
    return err;
}

enum att_err relay_send_answer(int fd, unsigned int status, const char *content_type,
                               struct att_slice body)
{
    uint8_t head[TYPE_MAX + 64];
    struct att_wr w = att_wr_into(head, sizeof(head));
    struct att_slice type = att_slice_str(content_type);
    struct att_slice part[2] = {{0}, body};
    enum att_err err = ATT_OK;

    att_cbor_wr_array(&w, 4);
    att_cbor_wr_uint(&w, 0);
    att_cbor_wr_uint(&w, status);
    /* bytes, not text: a header is whatever the other end wrote */
    att_cbor_wr_bytes(&w, att_slice_of(type.p, type.len > TYPE_MAX ? TYPE_MAX : type.len));
    att_cbor_wr_bytes_head(&w, body.len);
    err = att_wr_done(&w, &part[0]);
    if (err != ATT_OK) {
        return err;
    }
    return frame_send_parts(fd, part, ATT_COUNT(part));
}

enum att_err relay_send_failure(int fd, const struct att_diag *diag)
{
    uint8_t out[CODE_MAX + MESSAGE_MAX + 16];
    struct att_wr w = att_wr_into(out, sizeof(out));
    struct att_slice all;
    enum att_err err = ATT_OK;

    att_cbor_wr_array(&w, 4);
    att_cbor_wr_uint(&w, 1);
    att_cbor_wr_uint(&w, (uint64_t)diag->err);
    att_cbor_wr_bytes(&w, att_slice_str(att_reason_code(diag->reason)));
    att_cbor_wr_bytes(&w, att_slice_str(diag->text));
    err = att_wr_done(&w, &all);
    if (err != ATT_OK) {
        return err;
    }
    return frame_send(fd, all);
}

/* A failure in the courier's words: its code is one of ours, or the message is not understood. */
static enum att_err told(const struct relay_answer *a, uint64_t err, struct att_diag *diag)
{
    char code[CODE_MAX + 1] = {0};
    char text[ATT_DIAG_TEXT];
    enum att_reason reason = ATT_R_NONE;

    if (a->content_type.len <= CODE_MAX && a->content_type.len > 0) {
        memcpy(code, a->content_type.p, a->content_type.len);
    }
    reason = att_reason_find(code);
    if (reason == ATT_R_NONE || err == ATT_OK || err >= ATT_E__COUNT) {
        return att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_FRAME, "courier answer",
                        "expected a failure with one of our reasons");
    }
    att_escape(text, sizeof(text), a->body.p, a->body.len);
    return att_fail(diag, (enum att_err)err, reason, NULL, "%s", text);
}

enum att_err relay_answer_parse(struct relay_answer *out, struct att_slice in,
                                struct att_diag *diag)
{
    struct att_cbor c = att_cbor_from(in);
    struct relay_answer v = {0};
    uint64_t failed = 0;
    uint64_t number = 0;
    enum att_err err = ATT_OK;

    (void)att_cbor_enter_array(&c, 4);
    failed = att_cbor_uint_max(&c, 1);
    number = att_cbor_uint_max(&c, 999);
    v.content_type = att_cbor_bytes(&c, TYPE_MAX);
    v.body = att_cbor_bytes(&c, RELAY_BULK_MAX);
    att_cbor_leave(&c);
    err = att_cbor_end_diag(&c, ATT_R_FMT_FRAME, "courier answer", diag);
    if (err != ATT_OK) {
        return err;
    }
    if (failed != 0) {
        return told(&v, number, diag);
    }
    v.status = (unsigned int)number;
    v.frame = out->frame;
    *out = v;
    return ATT_OK;
}
