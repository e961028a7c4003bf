/*
 * Parts are not kept, but the gateway has the list until its next boot: who brings it can ask other rules.
 *
 * It is believed when it leads to what the record says that the parts led to, as the quote later proved it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/parts.h"
#include "appraise/record_internal.h"
#include "base/guard.h"

static bool goes_on(const struct att_evidence *ev)
{
    return ev->claims.logs.off[ATT_LOG_OWN] > 0 || ev->claims.logs.off[ATT_LOG_UEFI] > 0;
}

static bool leads_there(const struct att_ima_parts *p, const struct att_ima_parts *there)
{
    return p->off == there->off && p->count == there->count &&
           memcmp(p->pcr, there->pcr, sizeof(p->pcr)) == 0;
}

/* c is as it was before the first part. */
static enum att_err fold(struct att_folded *out, struct att_result *room,
                         const struct att_appraisal_context *c,
                         const struct att_reappraise_rules *rules,
                         const struct att_ima_parts *there, struct att_diag *diag)
{
    const struct att_log_state *log = &c->prior.log[ATT_LOG_IMA];
    const uint64_t from = log->known ? log->off : 0;
    struct att_part_input in = {.context = c,
                                .policy = rules->policy,
                                .refvals = rules->refvals,
                                .notices = rules->notices,
                                .notice_count = rules->notice_count,
                                .reset_count = there->reset_count,
                                .restart_count = there->restart_count,
                                .padded = there->padded,
                                .off = from,
                                .log_max = there->off};
    enum att_err err = ATT_OK;

    if (from > there->off || there->off > rules->ima_list.len) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "ima",
                        "expected a list of at least %" PRIu64 " bytes, found %zu", there->off,
                        rules->ima_list.len);
    }
    in.part = att_slice_of(rules->ima_list.p + from, (size_t)(there->off - from));
    err = att_part_fold(out, room, &in, diag);
    if (err == ATT_OK && ATT_GUARD(RECORD_LIST, !leads_there(&out->parts, there))) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_LOG_PCR, "ima",
                        "expected the list that came in parts, found one whose first %" PRIu64
                        " bytes lead elsewhere",
                        there->off);
    }
    return err;
}

enum att_err att_record_judge_list(bool *seen, struct att_appraisal_context *c,
                                   struct att_result *room, const struct att_evidence *ev,
                                   const struct att_reappraise_rules *rules, struct att_diag *diag)
{
    struct att_appraisal_context *before = NULL;
    struct att_folded *f = NULL;
    enum att_err err = ATT_E_NOMEM;

    *seen = false;
    if (rules->ima_list.len == 0 || (goes_on(ev) && rules->earlier == NULL)) {
        return ATT_OK;
    }
    before = malloc(sizeof(*before));
    f = calloc(1, sizeof(*f));
    if (before != NULL && f != NULL) {
        *before = *c;
        memset(&before->parts, 0, sizeof(before->parts));
        memset(&before->seen, 0, sizeof(before->seen));
        memset(&before->carry, 0, sizeof(before->carry));
        if (goes_on(ev)) {
            before->carry = rules->earlier->carry;
        } else {
            memset(&before->prior.log[ATT_LOG_IMA], 0, sizeof(before->prior.log[ATT_LOG_IMA]));
        }
        err = fold(f, room, before, rules, &c->parts, diag);
    }
    if (err == ATT_OK) {
        c->carry = f->carry;
        c->windows = f->windows;
        c->seen = f->seen;
        *seen = true;
    }
    free(before);
    free(f);
    return err;
}
