/* Compression: the half of zlib that attestd may link. */
#include <stdint.h>

#include <zlib.h>

#include "codec/zlib_stream.h"

enum att_err att_zlib_deflate(struct att_buf **out, struct att_slice in)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *b = NULL;
    uint8_t *at = NULL;
    uLongf len = 0;
    enum att_err err = ATT_OK;

    if (in.len > UINT32_MAX) {
        return ATT_E_LIMIT;
    }
    len = compressBound((uLong)in.len);
    err = att_buf_new(&b, len);
    if (err == ATT_OK) {
        err = att_buf_room(b, len, &at);
    }
    if (err != ATT_OK) {
        return err;
    }
    switch (compress2(at, &len, in.p, (uLong)in.len, Z_BEST_COMPRESSION)) {
    case Z_OK:
        break;
    case Z_MEM_ERROR:
        return ATT_E_NOMEM;
    default:
        return ATT_E_INTERNAL; /* the room is what zlib itself asked for */
    }
    att_buf_commit(b, len);
    *out = b;
    b = NULL;
    return ATT_OK;
}
