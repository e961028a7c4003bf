/* A text is a policy that survives its compiled form, or it is refused at a place. */
#include "policy_holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_policy *p = NULL;
    struct att_diag diag = {0};

    if (att_policy_parse_yaml(&p, "fuzz", att_slice_of(data, size), &diag) == ATT_OK) {
        policy_holds(p);
        HOLDS(policy_text_holds(p)); /* it came from a text */
        att_policy_free(p);
        return 0;
    }
    HOLDS(p == NULL);
    HOLDS(diag.reason == ATT_R_CFG_POLICY || diag.reason == ATT_R_FMT_YAML ||
          diag.reason == ATT_R_CFG_KEY);
    HOLDS(strncmp(diag.text, "fuzz:", 5) == 0);
    return 0;
}
