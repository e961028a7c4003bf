#include "report_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artefacts.h"
#include "base/clock.h"
#include "base/guard.h"
#include "log_tree.h"

void report_making_clear(struct report_making *m)
{
    att_period_maker_free(m->maker);
    for (size_t i = 0; i < m->policies; i++) {
        att_policy_free(m->policy[i]);
    }
    att_statement_free(m->statement);
    log_auditing_clear(&m->log);
}

const struct att_policy *report_policy(const struct report_making *m, const uint8_t digest[32])
{
    for (size_t i = 0; i < m->policies; i++) {
        if (memcmp(m->policy[i]->digest, digest, 32) == 0) {
            return m->policy[i];
        }
    }
    return NULL;
}

/* --- the command line --- */

static enum att_err read_time(int64_t *out, const char *text, const char *name,
                              struct att_diag *diag)
{
    char shown[64];

    if (text == NULL) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, name, "expected %s, found nothing",
                        "the time at which the period begins and ends (--from, --until)");
    }
    if (att_time_parse(out, text) != ATT_OK || *out < 0) {
        return att_fail(diag, ATT_E_CONFIG, ATT_R_FMT_TIME, name,
                        "expected a time such as 2026-11-01T00:00:00Z, found %s",
                        text_safe(shown, sizeof(shown), text));
    }
    return ATT_OK;
}

enum att_err report_making_prepare(struct report_making *m, struct att_diag *diag)
{
    enum att_err err = read_time(&m->from, m->from_text, "--from", diag);

    if (err == ATT_OK) {
        err = read_time(&m->until, m->until_text, "--until", diag);
    }
    if (err == ATT_OK && m->from >= m->until) {
        err = att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--until",
                       "expected a period that ends after it begins");
    }
    for (size_t i = 0; err == ATT_OK && m->policy_path[i] != NULL; i++) {
        if (m->policies == REPORT_POLICIES) {
            return att_fail(diag, ATT_E_CONFIG, ATT_R_USAGE, "--policy",
                            "expected at most %d policies", REPORT_POLICIES);
        }
        err = artefact_policy(&m->policy[m->policies], m->policy_path[i], NULL, diag);
        m->policies += err == ATT_OK ? 1 : 0;
    }
    return err;
}

/* --- the audit --- */

static enum att_err see_entry(void *ctx, uint64_t index, const struct att_entry *e,
                              struct att_diag *diag)
{
    struct report_making *m = ctx;

    if (index >= m->limit) {
        return ATT_OK;
    }
    m->keys = att_audit_report(m->log.audit)->keys;
    return att_period_entry(m->maker, index, e, diag);
}

/* What entries say may contradict itself, and a statement tells so. Whose word they are may not be in doubt. */
static bool may_be_told(enum att_reason reason)
{
    return reason == ATT_R_TL_LABELS || reason == ATT_R_CLK_BACK;
}

static bool is_sound(const struct att_audit_report *p)
{
    for (size_t i = 0; i < p->findings && i < ATT_AUDIT_KEPT; i++) {
        if (!may_be_told(p->finding[i].reason)) {
            return false;
        }
    }
    return p->findings <= ATT_AUDIT_KEPT && p->unvouched == 0;
}

static enum att_err audit_log(struct report_making *m, struct report *r, struct att_diag *diag)
{
    enum att_err err = att_period_new(&m->maker, m->from, m->until);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "the figures cannot be begun");
    }
    m->log.cli = m->cli;
    m->log.watch = (struct att_audit_watch){.entry = see_entry, .ctx = m};
    err = log_auditing_run(&m->log, diag);
    if (err != ATT_OK) {
        return err;
    }
    if (m->log.interrupted) {
        return att_fail(diag, ATT_E_BUSY, ATT_R_RPT_AUDIT, "log", "it was not read to its end");
    }
    if (ATT_GUARD(REPORT_AUDITED, !is_sound(att_audit_report(m->log.audit)))) {
        log_auditing_tell(r, &m->log);
        return att_fail(diag,
                        r->verdict == V_UNDECIDED   ? ATT_E_UNTRUSTED
                        : r->verdict == V_MALFORMED ? ATT_E_FORMAT
                                                    : ATT_E_MISMATCH,
                        ATT_R_RPT_AUDIT, "log", "no statement is made of it");
    }
    return ATT_OK;
}

/* --- the statement --- */

static void take_findings(struct att_statement *s, const struct att_audit_report *p)
{
    for (size_t i = 0; i < p->findings && i < ATT_AUDIT_KEPT; i++) {
        const struct att_audit_finding *f = &p->finding[i];
        struct att_statement_finding *to = &s->finding[s->findings];

        if (f->index < s->period->begin || f->index >= s->period->end) {
            continue;
        }
        to->index = f->index;
        to->reason = f->reason;
        memcpy(to->text, f->text, sizeof(to->text));
        s->findings++;
    }
}

static enum att_err prove_end(struct att_statement_end *out, struct log_nodes *n, uint64_t size,
                              uint64_t audited, struct att_diag *diag)
{
    struct att_merkle_nodes nodes = log_nodes_of(n);
    enum att_err err = att_merkle_root(out->tree.root, &nodes, size);

    out->tree.size = size;
    if (err == ATT_OK && size > 0) {
        err = att_merkle_prove_consistency(&out->path, &nodes, size, audited);
    }
    if (err != ATT_OK) {
        const struct att_diag *why = log_nodes_why(n);

        return att_fail(diag, err, why->reason == ATT_R_NONE ? ATT_R_INTERNAL : why->reason, "tile",
                        "the tree of %llu entries cannot be proven: %s", (unsigned long long)size,
                        why->text);
    }
    return ATT_OK;
}

static enum att_err prove_ends(struct att_statement *s, struct report_making *m,
                               struct att_diag *diag)
{
    ATT_CLEANUP(log_nodes_closep) struct log_nodes *n = NULL;
    enum att_err err = log_nodes_open(&n, m->log.view.source, m->log.view.tree->size);

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, "tile", "the tree cannot be opened");
    }
    err = prove_end(&s->begin, n, s->period->begin, s->audited, diag);
    return err == ATT_OK ? prove_end(&s->end, n, s->period->end, s->audited, diag) : err;
}

static enum att_err copy_note(struct att_statement *s, struct att_slice note)
{
    enum att_err err = att_buf_new(&s->checkpoint, note.len);

    return err == ATT_OK ? att_buf_add_slice(s->checkpoint, note) : err;
}

static enum att_err make(struct report_making *m, const struct att_statement *held,
                         struct att_diag *diag)
{
    ATT_CLEANUP(att_statement_freep) struct att_statement *s = calloc(1, sizeof(*s));
    enum att_err err = ATT_E_NOMEM;

    if (s != NULL) {
        err = att_period_finish(&s->period, m->maker);
    }
    if (err == ATT_OK) {
        err = copy_note(s, att_buf_slice(held != NULL ? held->checkpoint : m->log.view.note));
    }
    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_NOMEM, NULL, "no memory");
    }
    s->audited = held != NULL ? held->audited : m->log.view.tree->size;
    s->keys = m->keys;
    take_findings(s, att_audit_report(m->log.audit));
    err = prove_ends(s, m, diag);
    if (err == ATT_OK) {
        err = att_statement_check_log(s, m->log.view.key, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    m->statement = s;
    s = NULL;
    return ATT_OK;
}

void report_tell(struct report *r, const struct att_statement *s)
{
    struct att_diag open = {0};

    report_check(r, "agree", s->findings == 0 ? C_PASS : C_FAIL, NULL);
    for (size_t i = 0; i < s->findings && i < ATT_AUDIT_KEPT; i++) {
        char path[40];

        (void)snprintf(path, sizeof(path), "entry %llu", (unsigned long long)s->finding[i].index);
        report_reason(r, att_reason_code(s->finding[i].reason), path, s->finding[i].text);
    }
    if (s->period->closed) {
        report_check(r, "closed", C_PASS, NULL);
        return;
    }
    (void)att_fail(&open, ATT_E_NOT_FOUND, ATT_R_RPT_OPEN, "--until",
                   "the last entry of the log, %llu, is of before the end of the period",
                   (unsigned long long)(s->audited > 0 ? s->audited - 1 : 0));
    report_check(r, "closed", C_NOT_RUN, &open);
    report_worsen(r, V_UNDECIDED);
}

enum att_err report_making_run(struct report_making *m, struct report *r,
                               const struct att_statement *held, struct att_diag *diag)
{
    enum att_err err = ATT_OK;

    m->limit = held != NULL ? held->audited : UINT64_MAX;
    err = audit_log(m, r, diag);
    if (err == ATT_OK && held != NULL && held->audited > m->log.view.tree->size) {
        return att_fail(diag, ATT_E_MISMATCH, ATT_R_TL_ROLLBACK, "size",
                        "the statement is about %llu entries, the log has %llu",
                        (unsigned long long)held->audited,
                        (unsigned long long)m->log.view.tree->size);
    }
    if (err == ATT_OK) {
        err = make(m, held, diag);
    }
    if (err == ATT_OK && held == NULL) {
        report_check(r, "log", C_PASS, NULL);
        report_tell(r, m->statement);
    }
    return err;
}
