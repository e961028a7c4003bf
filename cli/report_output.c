/* Where the documents of period reports go. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "report_make.h"

enum att_err report_write(const struct cli *cli, struct att_slice in, struct att_diag *diag)
{
    if (strcmp(cli->output, "-") != 0) {
        return att_file_write(cli->output, in, 0644, diag);
    }
    (void)fflush(stdout);
    if (att_write_all(STDOUT_FILENO, in.p, in.len) != ATT_OK) {
        return att_fail(diag, ATT_E_IO, ATT_R_FILE, "--output",
                        "standard output cannot be written");
    }
    return ATT_OK;
}

int report_output(struct report *r)
{
    int code = output_needed(r, true);

    if (code != OPTIONS_OK || strcmp(r->cli->output, "-") != 0) {
        return code;
    }
    if (r->cli->json) {
        return report_usage(r, "--output", "expected %s, found %s", "a file, with --json", "-");
    }
    r->cli->quiet = true; /* the document is what stands on standard output */
    return OPTIONS_OK;
}
