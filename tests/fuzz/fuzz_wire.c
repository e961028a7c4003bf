/* Any document of the wire, or message of the courier, that parses is written again as the same bytes.
 * The first byte chooses the document. */
#include <stdlib.h>

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
    int which = size > 0 ? data[0] % 11 : 0;

    DOCUMENT(0, enrol_begin)
    DOCUMENT(1, enrol_challenge)
    DOCUMENT(2, enrol_activate)
    DOCUMENT(3, enrol_done)
    DOCUMENT(4, new_session)
    DOCUMENT(5, challenge)
    DOCUMENT(6, outcome)
    DOCUMENT(7, problem)
    DOCUMENT(10, part)
    if (which == 8) {
        HOLDS(relay_request_parse(&q, in, &diag) == ATT_OK || diag.reason == ATT_R_FMT_FRAME);
    }
    if (which == 9) {
        HOLDS(relay_answer_parse(&a, in, &diag) == ATT_OK || diag.reason != ATT_R_NONE);
    }
    return 0;
}
