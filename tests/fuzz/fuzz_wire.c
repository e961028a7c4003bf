/* Any document of the wire, or message of the courier, that parses is written again as the same bytes.
 * The first byte chooses the document. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cbor_mutate.h"
#include "common/relay.h"
#include "common/wire.h"
#include "fuzz.h"

#define ROOM (1U << 19)

static uint8_t room[ROOM];

static void same(enum att_err err, const struct att_wr *w, struct att_slice in)
{
    struct att_slice again = {0};

    HOLDS(err == ATT_OK && att_wr_done(w, &again) == ATT_OK);
    HOLDS(att_slice_eq(again, in));
}

static enum att_err wire_part_encode(struct att_wr *w, const struct wire_part *m)
{
    enum att_err err = wire_part_encode_head(w, m, m->bytes.len);

    HOLDS(w->len <= WIRE_PART_HEAD);
    att_wr_slice(w, m->bytes);
    return err;
}

/* What was sent into one end, from the other. Messages are small: neither end waits. */
static struct att_buf *received(int fd[2])
{
    struct att_buf *out = NULL;

    HOLDS(frame_receive(&out, fd[1], FRAME_MAX) == ATT_OK);
    HOLDS(close(fd[0]) == 0 && close(fd[1]) == 0);
    return out;
}

static void request_again(const struct relay_request *q, struct att_slice in)
{
    struct att_buf *out = NULL;
    int fd[2];

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    HOLDS(relay_send_request(fd[0], q) == ATT_OK);
    out = received(fd);
    HOLDS(att_slice_eq(att_buf_slice(out), in));
    att_buf_free(out);
}

static void answer_again(const struct relay_answer *a)
{
    struct att_buf *out = NULL;
    struct relay_answer again = {0};
    char type[256] = {0};
    int fd[2];

    HOLDS(a->content_type.len < sizeof(type));
    if (a->content_type.len > 0) {
        memcpy(type, a->content_type.p, a->content_type.len);
    }
    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    HOLDS(relay_send_answer(fd[0], a->status, type, a->body) == ATT_OK);
    out = received(fd);
    HOLDS(relay_answer_parse(&again, att_buf_slice(out), NULL) == ATT_OK);
    HOLDS(again.status == a->status && att_slice_eq(again.body, a->body));
    HOLDS(att_slice_eq(again.content_type, att_slice_str(type)));
    att_buf_free(out);
}

/* A failure that one of our reasons explains is told on with the same words. */
static void failure_again(const struct att_diag *told)
{
    struct att_buf *out = NULL;
    struct relay_answer again = {0};
    struct att_diag diag = {0};
    int fd[2];

    HOLDS(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
    HOLDS(relay_send_failure(fd[0], told) == ATT_OK);
    out = received(fd);
    HOLDS(relay_answer_parse(&again, att_buf_slice(out), &diag) == told->err);
    HOLDS(diag.reason == told->reason);
    att_buf_free(out);
}

/* Parse; what parses must be written again alike, what does not must have its reason. */
#define DOCUMENT(number, name)                                                                     \
    if (which == (number)) {                                                                       \
        struct wire_##name m;                                                                      \
        if (wire_##name##_parse(&m, in, &diag) == ATT_OK) {                                        \
            same(wire_##name##_encode(&w, &m), &w, in);                                            \
            return 0;                                                                              \
        }                                                                                          \
        HOLDS(diag.reason == ATT_R_FMT_CBOR || diag.reason == ATT_R_FMT_VERSION);                  \
    }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_slice in = att_slice_of(data + (size > 0), size > 0 ? size - 1 : 0);
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_diag diag = {0};
    struct relay_request q;
    struct relay_answer a = {0};
    int which = size > 0 ? data[0] % 15 : 0;

    DOCUMENT(0, enrol_begin)
    DOCUMENT(1, enrol_challenge)
    DOCUMENT(2, enrol_activate)
    DOCUMENT(3, enrol_done)
    DOCUMENT(4, new_session)
    DOCUMENT(5, challenge)
    DOCUMENT(6, outcome)
    DOCUMENT(7, problem)
    DOCUMENT(10, part)
    DOCUMENT(11, certify_challenge)
    DOCUMENT(12, certify)
    DOCUMENT(13, certify_done)
    if (which == 14) {
        if (wire_certify_begin_parse(in, &diag) == ATT_OK) {
            same(wire_certify_begin_encode(&w), &w, in);
            return 0;
        }
        HOLDS(diag.reason == ATT_R_FMT_CBOR || diag.reason == ATT_R_FMT_VERSION);
    }
    if (which == 8) {
        if (relay_request_parse(&q, in, &diag) == ATT_OK) {
            request_again(&q, in);
            return 0;
        }
        HOLDS(diag.reason == ATT_R_FMT_FRAME);
    }
    if (which == 9) {
        if (relay_answer_parse(&a, in, &diag) == ATT_OK) {
            answer_again(&a);
            return 0;
        }
        HOLDS(diag.reason != ATT_R_NONE);
        failure_again(&diag);
    }
    return 0;
}

FUZZ_MUTATES_CBOR(1)
