/* The table behind the reason codes. */
#include "base/reason.h"

#include <string.h>

static const struct att_reason_info REASONS[ATT_R__COUNT] = {
    [ATT_R_NONE] = {"OK", 200, "nothing is wrong", "", "問題ありません", ""},
#define ATT_REASON(name, http, en, fix_en, ja, fix_ja)                                             \
    [ATT_R_##name] = {"E_" #name, http, en, fix_en, ja, fix_ja},
#include "base/reason.def"
#undef ATT_REASON
};

const struct att_reason_info *att_reason_info(enum att_reason reason)
{
    unsigned int i = (unsigned int)reason;

    if (i >= ATT_R__COUNT) {
        i = ATT_R_INTERNAL;
    }
    return &REASONS[i];
}

const char *att_reason_code(enum att_reason reason)
{
    return att_reason_info(reason)->code;
}

enum att_reason att_reason_find(const char *code)
{
    for (unsigned int i = 0; i < ATT_R__COUNT; i++) {
        if (strcmp(REASONS[i].code, code) == 0) {
            return (enum att_reason)i;
        }
    }
    return ATT_R_NONE;
}
