/* What an audit found, as checks and reasons. */
#include <inttypes.h>
#include <stdio.h>

#include "log_auditing.h"

static const char *const CHECKS[] = {"tree", "entries", "signatures", "time", "labels"};

static size_t check_of(enum att_reason reason)
{
    switch (reason) {
    case ATT_R_TL_TREE:
    case ATT_R_TL_MISSING:
    case ATT_R_FMT_TLOG:
        return 0;
    case ATT_R_TL_SIGNATURE:
    case ATT_R_TL_KEY:
    case ATT_R_LBL_REVOKED:
        return 2;
    case ATT_R_CLK_BACK:
        return 3;
    case ATT_R_TL_LABELS:
        return 4;
    default:
        return 1;
    }
}

static void worsen(struct report *r, enum att_err err, enum att_reason reason)
{
    int code = exit_for(err, reason);

    report_worsen(r, code == EXIT_MALFORMED   ? V_MALFORMED
                     : code == EXIT_UNDECIDED ? V_UNDECIDED
                                              : V_FAIL);
}

/* Each finding is a reason with the entry that it is about; all are counted. */
void log_auditing_tell(struct report *r, const struct log_auditing *a)
{
    const struct att_audit_report *p = att_audit_report(a->audit);
    enum check_state state[ATT_COUNT(CHECKS)] = {C_PASS, C_PASS, C_PASS, C_PASS, C_PASS};

    for (size_t i = 0; i < p->findings && i < ATT_AUDIT_KEPT; i++) {
        size_t k = check_of(p->finding[i].reason);

        if (exit_for(p->finding[i].err, p->finding[i].reason) != EXIT_UNDECIDED) {
            state[k] = C_FAIL;
        } else if (state[k] == C_PASS) {
            state[k] = C_NOT_RUN;
        }
        worsen(r, p->finding[i].err, p->finding[i].reason);
    }
    for (size_t i = 0; i < ATT_COUNT(CHECKS); i++) {
        report_check(r, CHECKS[i], state[i], NULL);
    }
    report_check(r, "keys", p->unvouched == 0 ? C_PASS : C_NOT_RUN, &p->unvouched_why);
    if (p->unvouched > 0) {
        worsen(r, p->unvouched_why.err, p->unvouched_why.reason);
    }
    for (size_t i = 0; i < p->findings && i < ATT_AUDIT_KEPT; i++) {
        char path[40];

        (void)snprintf(path, sizeof(path), "entry %" PRIu64, p->finding[i].index);
        report_reason(r, att_reason_code(p->finding[i].reason), path, p->finding[i].text);
    }
}
