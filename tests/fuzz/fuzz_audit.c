/*
 * The state of an audit that is read is written again, and read from there it says the same; an audit goes on from it
 * whatever entry comes, and no entry that nobody signed goes without a finding.
 */
#include <string.h>

#include "appraise/audit.h"
#include "cbor_mutate.h"
#include "fuzz.h"

#define ORIGIN "log.test/gateways"

static struct att_anchors *anchors;

static void again(const struct att_audit *a, const uint8_t root[ATT_MERKLE_LEN])
{
    const struct att_audit_report *r = att_audit_report(a);
    struct att_audit *second = NULL;
    struct att_buf *out = NULL;
    uint8_t kept[ATT_MERKLE_LEN];

    HOLDS(att_audit_save(&out, a, ORIGIN, root) == ATT_OK);
    HOLDS(att_audit_resume(&second, kept, att_buf_slice(out), ORIGIN, anchors, NULL) == ATT_OK);
    HOLDS(memcmp(root, kept, sizeof(kept)) == 0);
    HOLDS(att_audit_report(second)->size == r->size);
    HOLDS(att_audit_report(second)->findings == r->findings);
    HOLDS(att_audit_report(second)->gaps == r->gaps);
    HOLDS(att_audit_report(second)->devices == r->devices);
    HOLDS(att_audit_report(second)->keys == r->keys);
    HOLDS(att_audit_report(second)->unvouched == r->unvouched);
    HOLDS(att_audit_silent(NULL, 0, second, r->last_utc) ==
          att_audit_silent(NULL, 0, a, r->last_utc));
    att_audit_free(second);
    att_buf_free(out);
}

static void go_on(struct att_audit *a, const uint8_t *data, size_t size)
{
    uint64_t findings = att_audit_report(a)->findings;
    uint64_t entries = att_audit_report(a)->size;

    HOLDS(att_audit_entry(a, att_slice_of(data, size), NULL) == ATT_OK);
    HOLDS(att_audit_report(a)->findings > findings);
    HOLDS(att_audit_report(a)->size == entries + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_audit *a = NULL;
    uint8_t root[ATT_MERKLE_LEN];

    if (anchors == NULL)
        HOLDS(att_anchors_new(&anchors) == ATT_OK);
    if (att_audit_resume(&a, root, att_slice_of(data, size), ORIGIN, anchors, NULL) != ATT_OK)
        return 0;
    again(a, root);
    go_on(a, data, size);
    att_audit_free(a);
    return 0;
}

FUZZ_MUTATES_CBOR(0)
