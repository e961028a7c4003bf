/*
 * Reading a published log from its first entry to its last as an auditor does: `log audit` tells what came of it, and a
 * period report is made of nothing else.
 */
#ifndef CLI_LOG_AUDITING_H
#define CLI_LOG_AUDITING_H

#include "appraise/audit.h"
#include "log_view.h"
#include "progress.h"
#include "tlog/tiler.h"
#include "trust.h"

struct log_auditing {
    struct cli *cli;
    struct log_options options; /* filled from the command line */
    const char *state_path; /* go on from there and keep there how far it came; NULL: no state */
    struct att_audit_watch watch; /* sees every entry that could be read; or zeros */
    /* what there is afterwards */
    struct log_view view;
    struct trust trust;
    struct att_audit *audit;
    struct att_hasher *hasher;
    struct att_tiler tiler; /* the entries so far, the one that the watcher sees not among them */
    uint64_t resumed;       /* entries that an earlier audit judged */
    bool interrupted;       /* by SIGINT or SIGTERM: the rest was not read */
    int64_t saved_ms;
    struct progress progress;
};

/*
 * log_auditing_run - checkpoint, entries and tree. What is wrong with them are findings of a->audit; clear it also when it fails.
 * Errors  what keeps it from going on: those of log_view_open, of the source, of the state and of att_audit_entry
 */
ATT_MUST_USE enum att_err log_auditing_run(struct log_auditing *a, struct att_diag *diag);
void log_auditing_clear(struct log_auditing *a);

/* The checks of an audit into a report, each finding with its entry. */
void log_auditing_tell(struct report *r, const struct log_auditing *a);

#endif
