/*
 * What a zlib stream unpacks to is the same under every cap that it fits in, is refused under a smaller one, and is
 * packed and unpacked again without a difference. The first two bytes are the cap.
 */
#include "codec/zlib_stream.h"
#include "fuzz.h"

static void packed_again(struct att_slice plain)
{
    struct att_buf *packed = NULL;
    struct att_buf *back = NULL;

    HOLDS(att_zlib_deflate(&packed, plain) == ATT_OK);
    HOLDS(att_zlib_inflate(&back, att_buf_slice(packed), plain.len) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(back), plain));
    att_buf_free(packed);
    att_buf_free(back);
}

static void caps(struct att_slice in, struct att_slice plain)
{
    struct att_buf *other = NULL;

    HOLDS(att_zlib_inflate(&other, in, plain.len) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(other), plain));
    att_buf_freep(&other);
    HOLDS(plain.len == 0 || att_zlib_inflate(&other, in, plain.len - 1) == ATT_E_LIMIT);
    HOLDS(att_zlib_inflate(&other, att_slice_of(in.p, in.len - 1), plain.len) == ATT_E_TRUNCATED);
    HOLDS(other == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cap = size >= 2 ? (size_t)data[0] << 8 | data[1] : 0;
    struct att_slice in = att_slice_of(data + (size < 2 ? size : 2), size < 2 ? 0 : size - 2);
    struct att_buf *plain = NULL;
    enum att_err err = att_zlib_inflate(&plain, in, cap);

    HOLDS((err == ATT_OK) == (plain != NULL));
    HOLDS(att_zlib_inflate(&plain, att_slice_of(in.p, (size_t)UINT32_MAX + 1), cap) == ATT_E_LIMIT);
    if (err != ATT_OK) {
        HOLDS(err == ATT_E_LIMIT || err == ATT_E_TRAILING || err == ATT_E_TRUNCATED ||
              err == ATT_E_FORMAT);
        return 0;
    }
    HOLDS(att_buf_len(plain) <= cap);
    caps(in, att_buf_slice(plain));
    packed_again(att_buf_slice(plain));
    att_buf_free(plain);
    return 0;
}
