/* A what-if is an answer only when its rules saw everything that the evidence rests on. */
#include "records.h"

enum att_err record_notices(struct att_notices *out, const struct att_record *record,
                            struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    for (size_t i = 0; err == ATT_OK && i < record->notice_count; i++) {
        struct att_notice *n = NULL;

        err = att_notice_decode(&n, record->notice[i], diag);
        if (err == ATT_OK) {
            err = att_notices_add(out, n, diag);
        }
    }
    return err;
}

void record_unseen(struct report *r, const char *name, const struct att_reappraisal *a,
                   bool takes_list)
{
    struct att_diag why = {0};

    (void)att_fail(&why, ATT_E_NOT_FOUND, ATT_R_LOG_COVERAGE, a->device_id,
                   "other rules did not see the beginning of the log");
    report_check(r, name, C_NOT_RUN, &why);
    report_worsen(r, V_UNDECIDED);
    if (!a->over_parts) {
        report_note(r, tr(r->cli,
                          "give the records of this boot in order, from the first (evidence get)",
                          "この起動の記録を最初から順に渡してください (evidence get)"));
        return;
    }
    report_note(
        r, takes_list ? tr(r->cli,
                           "the kernel's list came in parts, which are not kept; give the "
                           "gateway's list, read before its next boot: --ima FILE",
                           "カーネルのリストは分割で届き、保存されていません。機器の再起動前に"
                           "読み取ったリストを --ima FILE で渡してください")
                      : tr(r->cli,
                           "the kernel's list came in parts, which are not kept; with the "
                           "gateway's list: attestctl evidence reappraise --ima FILE --policy NEW",
                           "カーネルのリストは分割で届き、保存されていません。機器のリストがあれば "
                           "attestctl evidence reappraise --ima FILE --policy NEW"));
}
