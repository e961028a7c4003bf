/* Only from where we stand ourselves: whoever sets PATH must not choose what gets a key or a socket. */
#include "base/program.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum att_err att_program_find(char *out, size_t cap, const char *name, struct att_diag *diag)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    /* beside us; our own package's; the folder that one installation of everything shares */
    const char *folder[] = {NULL, NULL, "attestd"};
    char *slash = NULL;
    int at = 0;

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL) {
        return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, name,
                        "cannot find our own executable through /proc/self/exe");
    }
    at = (int)(slash + 1 - self);
    folder[1] = slash + 1;
    for (size_t i = 0; i < ATT_COUNT(folder); i++) {
        int len = i == 0 ? snprintf(out, cap, "%.*s%s", at, self, name)
                         : snprintf(out, cap, "%.*s../libexec/%s/%s", at, self, folder[i], name);

        if (len > 0 && (size_t)len < cap && access(out, X_OK) == 0) {
            return ATT_OK;
        }
    }
    return att_fail(diag, ATT_E_NOT_FOUND, ATT_R_FILE, name,
                    "expected it in %.*s, %.*s../libexec/%s or %.*s../libexec/attestd", at, self,
                    at, self, slash + 1, at, self);
}
