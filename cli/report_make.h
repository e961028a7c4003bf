/* Making a period statement of a published log: it is audited whole, and the same reading gives the figures. */
#ifndef CLI_REPORT_MAKE_H
#define CLI_REPORT_MAKE_H

#include "log_auditing.h"
#include "policy/policy.h"
#include "report/statement.h"

#define REPORT_POLICIES 16

struct report_making {
    struct cli *cli;
    const char *from_text, *until_text;   /* from the command line, as all up to policies */
    const char *policy_path[OPTION_MANY]; /* that explain digests in the log; may be none */
    int64_t from, until;                  /* UTC seconds */
    uint64_t limit; /* entries that count: all, or those of an earlier statement */
    struct log_auditing log;
    struct att_period_maker *maker;
    struct att_policy *policy[REPORT_POLICIES];
    size_t policies;
    uint64_t keys;
    struct att_statement *statement; /* what came of it */
};

/* The options of every command that makes one; m is where they go. */
#define REPORT_OPTIONS(m)                                                                          \
    {"from", &(m).from_text, NULL, "TIME", "beginning of the period", "期間の始まり"},             \
        {"until",                                                                                  \
         &(m).until_text,                                                                          \
         NULL,                                                                                     \
         "TIME",                                                                                   \
         "its end, which is not in it",                                                            \
         "期間の終わり (この時刻は含まない)"},                                                     \
        {"policy",                                                                                 \
         (m).policy_path,                                                                          \
         NULL,                                                                                     \
         "FILE...",                                                                                \
         "policies whose digests the log has: names and requirements are told",                    \
         "ログにダイジェストがある方針 (名前と要件を示す)"},                                       \
        LOG_OPTIONS((m).log.options)

void report_making_clear(struct report_making *m);
/* Times and policies of the command line. CONFIG (USAGE) and those of reading policies. */
ATT_MUST_USE enum att_err report_making_prepare(struct report_making *m, struct att_diag *diag);
/*
 * report_making_run - audit the log and make m->statement; its checks and reasons go into r, unless it is made again.
 *
 * held    an earlier statement: made again from the entries that it was about, with its checkpoint; or NULL
 * Errors  those of log_auditing_run; MISMATCH or UNTRUSTED (RPT_AUDIT): its findings are in r, no statement is made
 */
ATT_MUST_USE enum att_err report_making_run(struct report_making *m, struct report *r,
                                            const struct att_statement *held,
                                            struct att_diag *diag);
/* The checks "agree" and "closed": contradictions in the period, and whether the log went on behind it. */
void report_tell(struct report *r, const struct att_statement *s);
/* The policy with this digest, or NULL. */
const struct att_policy *report_policy(const struct report_making *m, const uint8_t digest[32]);

/* What came of the figures, for people (cli/report_text.c); and as JSON, the caller's (cli/report_json.c). */
void report_text(struct report *r, const struct report_making *m, const struct att_statement *s);
json_t *report_json(const struct report_making *m, const struct att_statement *s);
/* What a log cannot show, a paragraph each; NULL behind the last. */
const char *report_limit(const struct cli *cli, size_t i);
/* A kind of entry in the chosen language; the word itself when there is none. */
const char *report_kind(const struct cli *cli, const char *kind);
/* Labels that say of themselves this status, in all of the period. */
uint64_t report_labels(const struct att_statement *s, int status);

/* A document goes to --output, where "-" is standard output with nothing else on it. OPTIONS_OK, or the exit code. */
ATT_MUST_USE int report_output(struct report *r);
ATT_MUST_USE enum att_err report_write(const struct cli *cli, struct att_slice in,
                                       struct att_diag *diag);

#endif
