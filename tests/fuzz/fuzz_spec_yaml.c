/* A text is a specification that survives its compiled form, or it is refused at a place. */
#include "spec_holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct att_spec *s = NULL;
    struct att_diag diag = {0};

    if (att_spec_parse_yaml(&s, "fuzz", att_slice_of(data, size), &diag) == ATT_OK) {
        spec_holds(s);
        att_spec_free(s);
        return 0;
    }
    HOLDS(s == NULL);
    HOLDS(diag.reason == ATT_R_CFG_SPEC || diag.reason == ATT_R_FMT_YAML);
    HOLDS(strncmp(diag.text, "fuzz:", 5) == 0);
    return 0;
}
