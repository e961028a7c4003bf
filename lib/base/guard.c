/* The switch of the knock-out build; nothing in every other. */
#include "base/guard.h"

#include <stddef.h>

#ifdef ATT_KNOCKOUT_BUILD
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char setting[96]; /* as it was at the start: programs clear their environment */
static const char *out = "";

__attribute__((constructor)) static void take_setting(void)
{
    const char *name = getenv("ATT_KNOCKOUT");

    if (name != NULL) {
        (void)snprintf(setting, sizeof(setting), "ATT_KNOCKOUT=%s", name);
        out = strchr(setting, '=') + 1;
    }
}

bool att_guard_stands(const char *name)
{
    return strcmp(out, name) != 0;
}

char *const *att_guard_environment(void)
{
    static char *one[] = {setting, NULL};

    return one;
}
#else
char *const *att_guard_environment(void)
{
    static char *const none[] = {NULL};

    return none;
}
#endif
