/*
 * Why a boot PCR is not the expected one: the kernel parameters, where the boot log has a text that the
 * extended digest covers. The PCR alone decides; this only finds words for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/rules_internal.h"
#include "policy/refval_log.h"
#include "tcg/cmdline.h"
#include "tcg/evlog.h"

/* Room that is too large for a stack. */
struct explaining {
    struct judging *j;
    const struct att_requirement *top;
    uint8_t room[ATT_CMDLINE_MAX];
    struct att_cmdline_finding finding[ATT_CMDLINE_FINDINGS_MAX];
};

static void tell(struct explaining *x, const struct att_cmdline_finding *f)
{
    struct att_result_reason *r =
        att_judging_reason(x->j, f->verdict.reason, x->top->severity, x->top);
    char text[ATT_DIAG_TEXT];

    (void)snprintf(text, sizeof(text), "kernel parameter, found: %s", f->value);
    att_reason_say(r, f->name, text);
    if (r == NULL) {
        return;
    }
    r->has_found = true;
    memcpy(r->found, f->found, 32);
    r->has_expected = f->verdict.has_expected;
    memcpy(r->expected, f->verdict.expected, 32);
}

static enum att_err explain_event(struct explaining *x, const struct att_event *e)
{
    struct att_slice text;
    size_t count = 0;
    enum att_err err = att_cmdline_of_event(&text, e, x->j->policy->bank, x->room);

    if (err == ATT_OK && text.len > 0) {
        err = att_refvals_judge_cmdline(x->finding, &count, x->j->refvals, text);
    }
    for (size_t i = 0; err == ATT_OK && i < count; i++) {
        tell(x, &x->finding[i]);
    }
    return err;
}

enum att_err att_judge_cmdline(struct judging *j, const struct att_requirement *top, uint32_t pcr)
{
    const struct att_evlog *log = att_verified_boot_log(j->v);
    struct explaining *x = log == NULL ? NULL : calloc(1, sizeof(*x));
    enum att_err err = log != NULL && x == NULL ? ATT_E_NOMEM : ATT_OK;

    for (size_t i = 0; x != NULL && err == ATT_OK && i < att_evlog_count(log); i++) {
        const struct att_event *e = att_evlog_at(log, i);

        x->j = j;
        x->top = top;
        err = e->pcr == pcr ? explain_event(x, e) : ATT_OK;
    }
    free(x);
    return err;
}
