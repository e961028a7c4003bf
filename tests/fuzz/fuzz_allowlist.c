/* Every value of an allow-list has a name, and never more digests than the text can hold. */
#include "fuzz.h"
#include "policy/import.h"

static enum att_err take(void *ctx, struct att_slice name, const uint8_t digest[32])
{
    size_t *count = ctx;

    (void)digest;
    HOLDS(name.p != NULL);
    (*count)++;
    return ATT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    struct att_import io = {.take = take, .ctx = &count};
    struct att_diag diag = {0};
    enum att_err err = att_allowlist_read(&io, att_slice_of(data, size), &diag);

    HOLDS(err == ATT_OK || diag.reason == ATT_R_FMT_JSON || diag.reason == ATT_R_FMT_ALLOWLIST);
    HOLDS(count == io.values && count <= size / 64);
    return 0;
}
