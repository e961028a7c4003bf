/*
 * attestctl's frame: common options, the command table, and how an outcome becomes text or JSON and an
 * exit code. One subcommand a file; each fills a struct report and returns report_finish.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* Exit codes: fixed by design/interfaces, documented in attestctl(1). */
enum exit_code {
    EXIT_VERIFIED = 0,
    EXIT_FALSE = 1,
    EXIT_USAGE = 2,
    EXIT_UNDECIDED = 3,
    EXIT_MALFORMED = 4,
    EXIT_NETWORK = 5,
    EXIT_TPM = 6,
    EXIT_PERMISSION = 7,
    EXIT_INTERNAL = 70,
};

enum lang { LANG_EN, LANG_JA };

struct cli {
    bool json, quiet, verbose, color, yes, no_input;
    enum lang lang;
    const char *trust;  /* --trust or ATTEST_TRUST_DIR or the default folder */
    const char *output; /* --output, or NULL */
    int64_t at;         /* --at, or now */
    char trust_default[512];
};

/* One option of a subcommand beside the common ones. */
struct option_spec {
    const char *name;        /* long name */
    const char **value;      /* takes a value; or NULL */
    bool *flag;              /* is a switch; or NULL */
    const char *placeholder; /* "FILE"; NULL for a switch */
};

struct command {
    const char *noun, *verb; /* verb NULL: the noun is the command */
    const char *args;        /* for usage */
    const char *en, *ja;     /* one line of help */
    int (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct command commands[];
extern const size_t command_count;

/*
 * options_parse - take the subcommand's options (and the common ones, wherever they stand) out of argv.
 * argv[0] is the verb. On success *count positional arguments stand at argv[1].. ; else usage was printed
 * and the exit code is returned.
 */
int options_parse(struct cli *cli, const struct option_spec *spec, size_t spec_count, int *argc,
                  char **argv);

/* The text in the chosen language. */
const char *tr(const struct cli *cli, const char *en, const char *ja);

enum verdict { V_PASS, V_UNDECIDED, V_FAIL, V_MALFORMED };
enum check_state { C_PASS, C_FAIL, C_NOT_RUN, C_NOT_APPLICABLE };

/* The outcome of one command. */
struct report {
    struct cli *cli;
    const char *schema;
    json_t *root;    /* members beside the fixed ones; owned */
    json_t *reasons; /* owned */
    json_t *checks;  /* owned */
    enum verdict verdict;
    int exit_override; /* 0: from the verdict */
};

struct report report_start(struct cli *cli, const char *schema);

/* One check: a line for people, an entry of checks[]; a diagnosis adds a reason. Worsens the verdict. */
void report_check(struct report *r, const char *id, enum check_state state,
                  const struct att_diag *why);

/* A reason with the place it is about, without a check; severity decides whether the verdict worsens. */
void report_reason(struct report *r, const char *code, const char *path, const char *text);
void report_worsen(struct report *r, enum verdict v);

/* A line of text for people (standard output); nothing with --json or --quiet. */
void report_line(const struct report *r, const char *fmt, ...) ATT_PRINTF(2, 3);

/* A failure before anything could be judged: prints it, gives the exit code that fits. */
int report_failure(struct report *r, enum att_err err, const struct att_diag *diag);

/* Print JSON where asked, free everything, give the exit code. */
int report_finish(struct report *r);

/* Hex into JSON. */
json_t *json_hex(struct att_slice in);

/* Messages on standard error. */
void complain(const struct cli *cli, const struct att_diag *diag);

/* Ask the courier program to do one HTTP exchange (cli/online.c). */
struct online_request {
    const char *kind;            /* "admin" (unix socket) or "fetch" (https) */
    const char *method, *target; /* path for admin, URL for fetch */
    const char *socket;          /* admin: path of the unix socket */
    const char *ca;              /* fetch: PEM file of the anchor */
    struct att_slice body;
};
ATT_MUST_USE enum att_err online_exchange(const struct online_request *req, int *status,
                                          struct att_buf **body, struct att_diag *diag);

#endif
