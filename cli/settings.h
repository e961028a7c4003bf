/* What holds before the command line is read in full: environment, configuration file, defaults. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "cli.h"

/*
 * settings_load - language, JSON or text, trust folder and socket: option, then environment, then the
 * configuration file, then the built-in value.
 *
 * --json, --lang and --config are looked for first, so that every later complaint is in the form that was
 * asked for. Gives OPTIONS_OK, or the exit code after a complaint.
 */
ATT_MUST_USE int settings_load(struct cli *cli, int argc, char **argv);

/* A configuration file into what no option or variable has named yet. CONFIG (CFG_KEY, FMT_YAML) with the place; errors of files. */
ATT_MUST_USE enum att_err settings_file_read(struct cli *cli, const char *path,
                                             struct att_diag *diag);
/* "ja..." is Japanese, all else English. */
void settings_language(struct cli *cli, const char *value);

#endif
