/* A file that opens is searched without leaving it; one that is checked finds what it lists. */
#include <string.h>

#include "base/rd.h"
#include "fuzz.h"
#include "policy/refval.h"

#define HEADER 48  /* docs/formats/refvals.md */
#define FIRST  256 /* buckets of digests */

static uint32_t bucket_end(const uint8_t *data, size_t i)
{
    struct att_rd r = att_rd_from(data + HEADER + 4 * i, 4);

    return att_rd_u32le(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ATT_CLEANUP(att_refvals_freep) struct att_refvals *r = NULL;
    struct att_refvals_found found;
    struct att_diag diag = {0};
    uint8_t digest[32] = {0};

    if (att_refvals_open(&r, att_slice_of(data, size), &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_REFVALS);
        return 0;
    }
    HOLDS(att_refvals_count(r) <= size / 39);
    HOLDS(att_refvals_look(&found, r, att_slice_str("/etc/a.conf"), digest) == ATT_OK);
    HOLDS(found.count <= att_refvals_count(r) && (found.first != NULL) == (found.count > 0));
    if (att_refvals_count(r) == 0) {
        return 0;
    }
    while (digest[0] < FIRST - 1 && bucket_end(data, digest[0]) == 0) {
        digest[0]++;
    }
    memcpy(digest + 1, data + HEADER + FIRST * 4, sizeof(digest) - 1);
    HOLDS(att_refvals_check(r, NULL) != ATT_OK || att_refvals_has(r, digest));
    return 0;
}
