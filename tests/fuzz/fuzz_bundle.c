/* A bundle that is read is written again the same, and believed by nobody without anchors. */
#include <string.h>

#include "appraise/bundle.h"
#include "appraise/offline.h"
#include "cbor_mutate.h"
#include "fuzz.h"

static struct att_anchors *nobody;

/* As many files as were announced, each inside of the bundle. */
static void files(struct att_bundle_files it, uint32_t count, struct att_slice in)
{
    struct att_slice one;

    for (uint32_t i = 0; i < count; i++) {
        HOLDS(att_bundle_next(&it, &one));
        HOLDS(one.len > 0 && one.p > in.p && one.p + one.len <= in.p + in.len);
    }
    HOLDS(!att_bundle_next(&it, &one));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct att_offline o;
    static const struct att_trust_rules rules;
    struct att_slice in = att_slice_of(data, size);
    struct att_diag diag = {0};
    struct att_buf *again = NULL;
    struct att_bundle_file b;

    if (nobody == NULL)
        HOLDS(att_anchors_new(&nobody) == ATT_OK);
    HOLDS(att_offline_check_bundle(&o, in, nobody, &rules, 1790000000) == ATT_OK);
    HOLDS(o.verdict != ATT_VERDICT_PASS && o.check_count > 0);
    if (att_bundle_file_parse(&b, in, &diag) != ATT_OK) {
        HOLDS(diag.reason == ATT_R_FMT_BUNDLE || diag.reason == ATT_R_BND_VERSION ||
              diag.reason == ATT_R_LIM_SIZE);
        return 0;
    }
    HOLDS(att_bundle_file_looks(in) && b.label.len > 0 && b.path.count <= ATT_MERKLE_PATH_MAX);
    files(att_bundle_batches(&b), b.batch_count, in);
    files(att_bundle_earlier(&b), b.earlier_count, in);
    HOLDS(att_bundle_file_encode(&again, &b) == ATT_OK);
    HOLDS(att_slice_eq(att_buf_slice(again), in));
    att_buf_free(again);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
