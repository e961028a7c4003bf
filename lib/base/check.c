/* The words of the four outcomes. */
#include "base/check.h"

const char *att_check_word(enum att_check_status status)
{
    static const char *const WORD[ATT_CHECK__COUNT] = {"not-run", "pass", "fail", "not-applicable"};

    return (unsigned int)status < ATT_CHECK__COUNT ? WORD[status] : WORD[ATT_CHECK_NOT_RUN];
}
