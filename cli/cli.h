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

/* Exit codes: fixed by docs and scripts, documented in attestctl(1). */
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

struct command;

struct cli {
    const struct command *command;
    bool json, quiet, verbose, color, yes, no_input;
    bool lang_named; /* by --lang or the environment: the configuration file does not count then */
    enum lang lang;
    const char *config; /* --config, or NULL for the user's own file */
    const char *trust;  /* --trust, ATTEST_TRUST_DIR, the configuration or the default folder */
    const char *socket; /* the administrator's: configuration or default; commands take --socket */
    const char *output; /* --output, or NULL */
    int64_t at;         /* --at, or now */
    char trust_room[1024], socket_room[256];
};

#define OPTION_MANY 64 /* places for an option that may be given often; the last stays NULL */

/* One option of a subcommand beside the common ones. */
struct option_spec {
    const char *name; /* long name */
    const char **
        value; /* takes a value; or NULL; with "FILE..." an array of OPTION_MANY, NULL after the last */
    bool *flag;             /* is a switch; or NULL */
    const char *value_name; /* "FILE"; NULL for a switch */
    const char *en, *ja;    /* one line of help */
};

#define EXAMPLES 3
#define ARGS_ANY 1000000

struct command {
    const char *noun, *verb;       /* verb NULL: the noun is the command */
    const char *args;              /* for usage: what is needed */
    int args_min, args_max;        /* positional arguments */
    const char *en, *ja;           /* one line of help */
    const char *more_en, *more_ja; /* a paragraph for --help, or NULL */
    const char *example[EXAMPLES];
    int (*run)(struct cli *cli, int argc, char **argv);
};

/* The commands in the order of help; NULL behind the last. */
const struct command *command_at(size_t i);
extern const struct command log_commands[]; /* those about a log, which have a file of their own */
extern const size_t log_command_count;
extern const struct command trust_commands[]; /* those about a trust folder */
extern const size_t trust_command_count;
extern const struct command key_commands[]; /* those about a verifier's own keys */
extern const size_t key_command_count;
extern const struct command report_commands[]; /* and those about period statements */
extern const size_t report_command_count;

/* The text in the chosen language. */
const char *tr(const struct cli *cli, const char *en, const char *ja);

enum verdict { V_PASS, V_UNDECIDED, V_FAIL, V_MALFORMED };
enum check_state { C_PASS, C_FAIL, C_NOT_RUN, C_NOT_APPLICABLE };

/* The outcome of one command. */
struct report {
    struct cli *cli;
    const char *schema;
    const char *about; /* several files: the one that checks and reasons are about; or NULL */
    json_t *root;      /* members beside the fixed ones; owned */
    json_t *reasons;   /* owned */
    json_t *checks;    /* owned */
    enum verdict verdict;
    int exit_override; /* 0: from the verdict */
};

struct report report_start(struct cli *cli, const char *schema);

/* One check: a line for people, an entry of checks[]; a diagnosis adds a reason. Worsens the verdict. */
void report_check(struct report *r, const char *id, enum check_state state,
                  const struct att_diag *why);

/* A reason with the place it is about, without a check. text is English; people get it translated. */
void report_reason(struct report *r, const char *code, const char *path, const char *text);
void report_worsen(struct report *r, enum verdict v);

/* A line of text for people (standard output); nothing with --json or --quiet. */
void report_line(const struct report *r, const char *fmt, ...) ATT_PRINTF(2, 3);

/* The same with a name before it, in a column whose width does not depend on the script. */
void report_field(const struct report *r, const char *name, const char *fmt, ...) ATT_PRINTF(3, 4);

/* A line under a check, for people. */
void report_note(const struct report *r, const char *text);

/* A failure before anything could be judged: prints it, gives the exit code that fits, finishes. */
int report_failure(struct report *r, enum att_err err, const struct att_diag *diag);

/* The same while others of several files can still be judged: a reason and a complaint. */
void report_trouble(struct report *r, const struct att_diag *diag);

/* A command line that is not understood: says what was expected and found, and where help is; finishes. */
int report_usage(struct report *r, const char *field, const char *fmt, ...) ATT_PRINTF(3, 4);

/* Print JSON where asked, free everything, give the exit code. */
int report_finish(struct report *r);
/* Free without a word: help was printed instead. */
void report_drop(struct report *r);
/* Nothing but this text, to standard output or --output; err: what became of making it. Exit code; drops r. */
int report_as_text(struct report *r, enum att_err err, const struct att_buf *text);

/* The exit code that fits a failure. */
int exit_for(enum att_err err, enum att_reason reason);

/* What cannot be taken back is asked for on a terminal; elsewhere --yes is the answer. id may be printed as it is. */
bool confirmed(const struct cli *cli, const char *id, const char *what);

/* Hex into JSON. */
json_t *json_hex(struct att_slice in);

/* Messages on standard error; nothing with --json, which carries them itself. */
void complain(const struct cli *cli, const struct att_diag *diag);

/*
 * options_parse - take the subcommand's options and the common ones, wherever they stand, out of argv.
 *
 * argv[0] is the program. Gives OPTIONS_OK, and the positional arguments stand at argv[1].. ; else help
 * or a complaint was printed, the report is finished, and the exit code is returned.
 */
#define OPTIONS_OK (-1)
ATT_MUST_USE int options_parse(struct report *r, const struct option_spec *spec, size_t spec_count,
                               int *argc, char **argv);

/*
 * output_needed - a command that writes a file: --output FILE, and "-" only where dash says so. Gives OPTIONS_OK,
 * or the exit code after a complaint.
 */
ATT_MUST_USE int output_needed(struct report *r, bool dash);

/* Help: of one command with all its options, or the list of commands (cli/usage.c). */
void usage_command(const struct cli *cli, const struct option_spec *spec, size_t spec_count);
void usage_all(const struct cli *cli, const char *noun);
/* The options that every command has, for help and for suggestions; name NULL ends the table. */
extern const struct option_spec common_options[];

/* The candidate that was probably meant, or NULL. count may be reduced to what is given so far. */
const char *did_you_mean(const char *typed, const char *const *candidates, size_t count);

/*
 * Texts for people (cli/text.c): columns by wcswidth, and no character from outside may steer a terminal.
 */
char *text_safe(char *out, size_t cap, const char *in);
char *text_pad(char *out, size_t cap, const char *in, int width);
size_t text_width(const char *in);
/* Bytes of the first line of in that fit columns, cut where a line may end; all of the line when it fits. */
size_t text_fit(const char *in, size_t columns);
/* The technical part of a reason in the chosen language; English it has no words for is marked as such. */
const char *text_detail(const struct cli *cli, char *out, size_t cap, const char *english);

/* Ask the courier program to do one HTTP exchange (cli/online.c). */
struct online_request {
    const char *kind; /* "admin" (unix socket), "fetch" or "witness" (https, GET or POST) */
    const char *method, *target; /* path for admin, URL for fetch */
    const char *socket;          /* admin: path of the unix socket */
    const char *ca;              /* of https: PEM file of the anchor */
    struct att_slice body;
};
ATT_MUST_USE enum att_err online_exchange(const struct online_request *req, int *status,
                                          struct att_buf **body, struct att_diag *diag);

/* May the administrator's socket be asked? NETWORK (NET_SOCKET) DENIED (CFG_PERM). */
ATT_MUST_USE enum att_err online_socket(const char *path, struct att_diag *diag);

/* Ask over the administrator's socket; a problem answer becomes a reason. answer is the caller's. */
ATT_MUST_USE enum att_err online_admin(struct online_request *req, json_t **answer,
                                       struct att_diag *diag);

/* The same for an answer that is no JSON. */
ATT_MUST_USE enum att_err online_bytes(const struct online_request *req, struct att_buf **body,
                                       struct att_diag *diag);

/*
 * An answer as it came (cli/online_answer.c): JSON, or nothing for an empty object; *answer is the caller's, also
 * when a problem became a reason. NETWORK (NET_PROTOCOL) when it is no JSON.
 */
ATT_MUST_USE enum att_err online_answer(json_t **answer, int status, struct att_slice body,
                                        struct att_diag *diag);
bool online_is_good(int status); /* 2xx */

/* An id as it may stand in a path. */
bool plain_id(const char *id);

#endif
