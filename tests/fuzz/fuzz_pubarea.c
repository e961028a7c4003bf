/* A public area means the same with and without its size field; its name is as long as its hash. */
#include "base/wr.h"
#include "fuzz.h"
#include "tcg/pubarea.h"

static void check_wrapped(const struct att_pubarea *p)
{
    uint8_t room[2 + ATT_PUBAREA_MAX];
    struct att_wr w = att_wr_into(room, sizeof(room));
    struct att_pubarea again;

    if (p->encoded.len + 2 > ATT_PUBAREA_MAX) {
        return;
    }
    att_wr_u16be(&w, (uint16_t)p->encoded.len);
    att_wr_slice(&w, p->encoded);
    HOLDS(att_pubarea_parse(&again, att_slice_of(room, w.len), NULL) == ATT_OK);
    HOLDS(att_slice_eq(again.encoded, p->encoded));
    HOLDS(again.attributes == p->attributes && again.scheme == p->scheme);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_pubarea p;
    struct att_diag diag = {0};
    uint8_t name[ATT_NAME_MAX];
    size_t len = 0;
    enum att_err ak = ATT_OK;

    if (att_pubarea_parse(&p, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_KEY);
        return 0;
    }
    HOLDS(p.encoded.p + p.encoded.len == data + size); /* nothing is left over */
    HOLDS(p.encoded.len == size || p.encoded.len + 2 == size);
    HOLDS(att_pubarea_name(name, &len, &p) == ATT_OK);
    HOLDS(len == 2 + att_hash_size(p.name_alg));
    ak = att_pubarea_check_ak(&p, NULL);
    HOLDS(ak != ATT_OK || att_pubarea_check_ek(&p, NULL) != ATT_OK); /* no key is both */
    check_wrapped(&p);
    return 0;
}
