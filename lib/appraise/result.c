/* The result object, its tiers, and a refusal as a result. */
#include "appraise/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct att_result *att_result_new(void)
{
    return calloc(1, sizeof(struct att_result));
}

void att_result_free(struct att_result *r)
{
    free(r);
}

void att_result_freep(struct att_result **r)
{
    att_result_free(*r);
    *r = NULL;
}

const char *att_tier_name(enum att_tier tier)
{
    switch (tier) {
    case ATT_TIER_AFFIRMING:
        return "affirming";
    case ATT_TIER_WARNING:
        return "warning";
    case ATT_TIER_CONTRAINDICATED:
        return "contraindicated";
    case ATT_TIER_NONE:
        break;
    }
    return "none";
}

/* draft-ietf-rats-ar4si: ranges of the standardised and the private half. */
enum att_tier att_tier_of(int8_t value)
{
    if (value >= -1 && value <= 1) {
        return ATT_TIER_NONE;
    }
    if ((value >= 2 && value <= 31) || (value >= -32 && value <= -2)) {
        return ATT_TIER_AFFIRMING;
    }
    if ((value >= 32 && value <= 95) || (value >= -96 && value <= -33)) {
        return ATT_TIER_WARNING;
    }
    return ATT_TIER_CONTRAINDICATED;
}

void att_result_refuse(struct att_result *r, const struct att_diag *diag)
{
    struct att_result_reason *reason = &r->reason[0];

    r->status = ATT_TIER_CONTRAINDICATED;
    memset(r->vector, 0, sizeof(r->vector));
    r->vector[ATT_TRUST_IDENTITY] = 99; /* AR4SI: cryptographic validation of the evidence failed */
    r->grade = 0;
    r->accepted = false;
    r->reason_count = 1;
    memset(reason, 0, sizeof(*reason));
    reason->reason = diag->reason == ATT_R_NONE ? ATT_R_INTERNAL : diag->reason;
    reason->severity = ATT_SEVERITY_FAIL;
    (void)snprintf(reason->name, sizeof(reason->name), "%s",
                   diag->field != NULL ? diag->field : "");
    (void)snprintf(reason->text, sizeof(reason->text), "%s", diag->text);
}
