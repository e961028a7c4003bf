/* No bytes are a verified label where nobody is trusted, and what is shown of them stays in its bounds. */
#include <string.h>

#include "appraise/offline.h"
#include "cbor_mutate.h"
#include "fuzz.h"

static struct att_anchors *nobody;

static bool ends(const char *text, size_t cap)
{
    return strnlen(text, cap) < cap;
}

static void shown_within_bounds(const struct att_label *l)
{
    HOLDS(ends(l->issuer, sizeof(l->issuer)) && ends(l->subject, sizeof(l->subject)));
    HOLDS(ends(l->device_id, sizeof(l->device_id)) && ends(l->policy_id, sizeof(l->policy_id)));
    HOLDS(l->grade >= 0 && l->grade <= 3 && l->reason_count <= ATT_RESULT_REASONS_MAX);
    HOLDS(l->key_class <= ATT_KEY_CLASS_TPM);
    for (uint32_t i = 0; i < l->reason_count; i++) {
        HOLDS(ends(l->reason[i].code, sizeof(l->reason[i].code)));
        HOLDS(ends(l->reason[i].name, sizeof(l->reason[i].name)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct att_trust_rules lax = {.accept_warning = true};
    static struct att_offline o; /* large */

    HOLDS(nobody != NULL || att_anchors_new(&nobody) == ATT_OK);
    HOLDS(att_offline_check(&o, att_slice_of(data, size), nobody, &lax, 1790000000) == ATT_OK);
    HOLDS(o.verdict != ATT_VERDICT_PASS && o.check_count <= ATT_OFFLINE_CHECKS_MAX);
    if (o.has_label) {
        shown_within_bounds(&o.label);
    }
    return 0;
}

FUZZ_MUTATES_CBOR(0)
