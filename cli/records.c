/* A what-if is an answer only when its rules saw everything that the evidence rests on. */
#include "records.h"

#include <stdlib.h>
#include <string.h>

struct record_last {
    char device_id[ATT_DEVICE_ID_MAX + 1];
    struct att_result *result; /* owned */
};

static struct record_last *find_last(const struct record_trail *t, const char *device_id)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->last[i].device_id, device_id) == 0) {
            return &t->last[i];
        }
    }
    return NULL;
}

enum att_err record_trail_find(const struct att_result **out, const struct record_trail *t,
                               const struct att_record *record, struct att_diag *diag)
{
    struct att_appraisal_context *context = calloc(1, sizeof(*context));
    const struct record_last *last = NULL;
    enum att_err err = ATT_OK;

    *out = NULL;
    if (context == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "record", "no memory");
    }
    err = att_appraisal_context_decode(context, record->context, diag);
    if (err == ATT_OK) {
        last = find_last(t, context->device_id);
        *out = last != NULL ? last->result : NULL;
    } else if (diag != NULL && diag->reason == ATT_R_FMT_FRAME) {
        diag->reason = ATT_R_FMT_RECORD;
    }
    free(context);
    return err;
}

enum att_err record_trail_take(struct record_trail *t, struct att_reappraisal *a,
                               struct att_diag *diag)
{
    struct record_last *last = find_last(t, a->device_id);
    struct record_last *more = NULL;

    if (a->unseen || !a->after->accepted) {
        return ATT_OK;
    }
    if (last == NULL) {
        more = realloc(t->last, (t->count + 1) * sizeof(*more));
        if (more == NULL) {
            return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "record", "no memory");
        }
        t->last = more;
        last = &more[t->count++];
        memset(last, 0, sizeof(*last));
        memcpy(last->device_id, a->device_id, sizeof(last->device_id));
    }
    att_result_free(last->result);
    last->result = a->after;
    a->after = NULL;
    return ATT_OK;
}

void record_trail_clear(struct record_trail *t)
{
    for (size_t i = 0; i < t->count; i++) {
        att_result_free(t->last[i].result);
    }
    free(t->last);
    *t = (struct record_trail){0};
}

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
                   "other rules did not see all that this evidence goes on from");
    report_check(r, name, C_NOT_RUN, &why);
    report_worsen(r, V_UNDECIDED);
    if (!a->over_parts) {
        report_note(r, tr(r->cli,
                          "give all records of this boot in order, from the first (evidence get)",
                          "この起動の記録を最初から順に、抜けなく渡してください (evidence get)"));
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
