/* Decompression under a cap: what comes out is counted, whatever the stream promises. */
#include <stdint.h>

#define ZLIB_CONST /* next_in is not written through */
#include <zlib.h>

#include "base/guard.h"
#include "codec/zlib_stream.h"

#define STEP 16384

/* One step of at most STEP bytes, and not past cap. */
static enum att_err step(struct att_buf *b, size_t cap, z_stream *z, int *rc)
{
    size_t room = cap - att_buf_len(b) < STEP ? cap - att_buf_len(b) : STEP;
    uint8_t *at = NULL;
    enum att_err err = att_buf_room(b, room, &at);

    if (err == ATT_OK) {
        z->next_out = at;
        z->avail_out = (uInt)room;
        *rc = inflate(z, Z_NO_FLUSH);
        att_buf_commit(b, room - z->avail_out);
    }
    return err;
}

/* Until the stream ends or cap is full; Z_OK at the end means that the cap stopped it. */
static enum att_err pull(struct att_buf *b, size_t cap, z_stream *z, int *rc)
{
    enum att_err err = ATT_OK;

    for (*rc = Z_OK; err == ATT_OK && *rc == Z_OK && att_buf_len(b) < cap;) {
        err = step(b, cap, z, rc);
    }
    return err;
}

static enum att_err judge(const struct att_buf *b, size_t max, const z_stream *z, int rc)
{
    if (ATT_GUARD(INFLATE_MAX, att_buf_len(b) > max)) {
        return ATT_E_LIMIT;
    }
    switch (rc) {
    case Z_STREAM_END:
        return ATT_GUARD(INFLATE_TRAILING, z->avail_in > 0) ? ATT_E_TRAILING : ATT_OK;
    case Z_BUF_ERROR: /* no progress with room left: the input is at its end */
        return ATT_E_TRUNCATED;
    default: /* a preset dictionary too: nobody told us one */
        return rc == Z_MEM_ERROR ? ATT_E_NOMEM : ATT_E_FORMAT;
    }
}

enum att_err att_zlib_inflate(struct att_buf **out, struct att_slice in, size_t max)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    size_t cap = max < SIZE_MAX ? max + 1 : max; /* one more byte tells full from too much */
    z_stream z = {0};
    int rc = Z_OK;
    enum att_err err = ATT_OK;

    if (in.len > UINT32_MAX) {
        return ATT_E_LIMIT;
    }
    z.next_in = in.p;
    z.avail_in = (uInt)in.len;
    err = att_buf_new(&b, cap);
    if (err == ATT_OK && inflateInit(&z) != Z_OK) {
        err = ATT_E_NOMEM;
    }
    if (err != ATT_OK) {
        return err;
    }
    err = pull(b, cap, &z, &rc);
    (void)inflateEnd(&z);
    if (err == ATT_OK) {
        err = judge(b, max, &z, rc);
    }
    if (err != ATT_OK) {
        return err;
    }
    *out = b;
    b = NULL;
    return ATT_OK;
}
