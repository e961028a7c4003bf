/* Only from where we stand ourselves: whoever sets PATH must not choose what gets a key or a socket. */
#include "base/program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum att_err att_program_find(char *out, size_t cap, const char *name, struct att_diag *diag)
{
    static const char *const PLACES[] = {"", "../libexec/attestd/"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = NULL;

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, name,
                        "cannot find our own executable through /proc/self/exe");
    }
    slash[1] = '\0';
    for (size_t i = 0; i < ATT_COUNT(PLACES); i++) {
        int len = snprintf(out, cap, "%s%s%s", self, PLACES[i], name);

        if (len > 0 && (size_t)len < cap && access(out, X_OK) == 0) {
            return ATT_OK;
        }
    }
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, name,
                    "expected it in %s or in %s../libexec/attestd", self, self);
}
