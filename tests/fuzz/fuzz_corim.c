/* What is read from a CoRIM is named, and what we write of it is read as the same. */
#include <string.h>

#include "cbor_mutate.h"
#include "fuzz.h"
#include "policy/import.h"

#define KEPT_MAX 64

struct seen {
    char name[KEPT_MAX][64];
    uint8_t digest[KEPT_MAX][32];
    size_t count;
};

static enum att_err take(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    struct seen *s = ctx;

    HOLDS(name.len > 0);
    if (s->count < KEPT_MAX && name.len < sizeof(s->name[0]) &&
        memchr(name.p, 0, name.len) == NULL) {
        memcpy(s->name[s->count], name.p, name.len);
        memcpy(s->digest[s->count], digest, 32);
        s->count++;
    }
    return ATT_OK;
}

static void round_trip(const struct seen *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *written = NULL;
    ATT_CLEANUP(att_buf_freep) struct att_buf *pcrs = NULL;
    size_t left = 0;
    struct att_export v[KEPT_MAX];
    struct att_import io = {.take = take, .ctx = &(struct seen){.count = 0}};

    for (size_t i = 0; i < s->count; i++) {
        v[i] = (struct att_export){s->name[i], s->digest[i]};
    }
    if (s->count > 0 && att_corim_write(&written, "x", v, s->count) == ATT_OK) {
        HOLDS(att_corim_read(&io, att_buf_slice(written), NULL) == ATT_OK);
        HOLDS(io.values == s->count);
    }
    if (att_corim_write_pcrs(&pcrs, "x", v, s->count, &left) == ATT_OK) {
        io.values = 0;
        HOLDS(att_corim_read(&io, att_buf_slice(pcrs), NULL) == ATT_OK);
        HOLDS(io.values == s->count - left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen s = {.count = 0};
    struct att_import io = {.take = take, .ctx = &s};
    struct att_diag diag = {0};
    enum att_err err = att_corim_read(&io, att_slice_of(data, size), &diag);

    HOLDS(err == ATT_OK || diag.reason == ATT_R_FMT_CORIM);
    HOLDS(s.count <= io.values && io.values <= size);
    if (err == ATT_OK) {
        round_trip(&s);
    }
    return 0;
}

FUZZ_MUTATES_CBOR(0)
