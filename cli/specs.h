/* Transcription specifications, where a command about policies is given one. */
#ifndef CLI_SPECS_H
#define CLI_SPECS_H

#include "cli.h"
#include "prov/spec.h"

/* A table of channels, and the relations in words; with --verbose everything of each channel. Gives the exit code. */
int spec_show(struct report *r, const struct att_spec *s, const struct att_spec_origin *from);
/* To standard output or --output, nothing else there. Gives the exit code. */
int spec_show_yaml(struct report *r, const struct att_spec *s);
/* What changes from one to the other; exit code 1 when something does. Finishes. */
int spec_diff(struct report *r, const struct att_spec *a, const struct att_spec *b);

#endif
