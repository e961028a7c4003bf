/* The switch of the knock-out build; an empty file in every other. */
#include "base/guard.h"

#ifdef ATT_KNOCKOUT_BUILD
#include <stdlib.h>
#include <string.h>

bool att_guard_stands(const char *name)
{
    const char *out = getenv("ATT_KNOCKOUT");

    return out == NULL || strcmp(out, name) != 0;
}
#else
typedef int att_guard_is_empty; /* ISO C wants one declaration a file */
#endif
