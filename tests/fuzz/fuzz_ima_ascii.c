/* A converted ASCII list has one entry a line, as far as its entries are well-formed. */
#include "fuzz.h"
#include "tcg/ima.h"

static uint32_t count_lines(const uint8_t *data, size_t size)
{
    uint32_t lines = 0;

    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n' || i + 1 == size;
    }
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_buf *b = NULL;
    struct att_ima it;
    struct att_ima_entry e;
    struct att_diag diag = {0};
    bool more = true;
    enum att_err err = ATT_OK;

    if (att_ima_ascii_to_binary(&b, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_IMA && diag.off <= size);
        return 0;
    }
    it = att_ima_from(att_buf_slice(b));
    while (err == ATT_OK && more) {
        err = att_ima_next(&it, &e, &more, NULL);
    }
    HOLDS(err != ATT_OK || it.count == count_lines(data, size));
    HOLDS(it.count <= count_lines(data, size));
    att_buf_free(b);
    return 0;
}
