/* Failures as exit statuses, told once and with the remedy. */
#include "verifier/exit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

int exit_for_error(enum att_err err)
{
    switch (err) {
    case ATT_OK:
        return EXIT_SUCCESS;
    case ATT_E_DENIED:
        return EXIT_PERMISSION;
    case ATT_E_NOT_FOUND:
    case ATT_E_IO:
    case ATT_E_BUSY:
    case ATT_E_NOMEM:
    case ATT_E_NETWORK:
    case ATT_E_TPM:
        return EXIT_CANNOT;
    case ATT_E_INTERNAL:
    case ATT_E_CRYPTO:
    case ATT_E__COUNT:
        return EXIT_INTERNAL;
    default: /* whatever was read is not what it must be */
        return EXIT_USAGE;
    }
}

int exit_told(const char *what, enum att_err err, const struct att_diag *diag)
{
    const char *fix = att_reason_info(diag->reason)->fix_en;
    char line[ATT_DIAG_TEXT + 128];

    (void)fprintf(stderr, "%s: %s\n", what, att_diag_print(line, sizeof(line), diag));
    if (fix[0] != '\0') {
        (void)fprintf(stderr, "%s: to do: %s\n", what, fix);
    }
    return exit_for_error(err);
}

int exit_logged(const char *event, enum att_err err, const struct att_diag *diag)
{
    log_diag(LOG_LEVEL_ERROR, event, diag);
    log_line(LOG_LEVEL_ERROR, event, "fix=\"%s\"", att_reason_info(diag->reason)->fix_en);
    return exit_for_error(err);
}
