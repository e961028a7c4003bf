/*
 * log audit: every entry of a published log against its tree, its signer and the entries before it.
 *
 * Memory does not grow with the log. With --state what was found so far is kept at the boundaries of bundles, so that an
 * audit that was interrupted goes on, and the next one begins where this one ended.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hex.h"
#include "commands.h"
#include "log_auditing.h"

#define EXIT_INTERRUPTED 130

struct auditing {
    struct report r;
    struct log_auditing log;
};

static json_t *gap_json(const struct att_audit_gap *g)
{
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT];
    json_t *o = json_object();

    (void)json_object_set_new(o, "ueid", json_hex(att_slice_of(g->ueid, sizeof(g->ueid))));
    (void)json_object_set_new(
        o, "from",
        g->from == 0 ? json_null() : json_string(att_time_print(from, sizeof(from), g->from)));
    (void)json_object_set_new(o, "until",
                              json_string(att_time_print(until, sizeof(until), g->until)));
    (void)json_object_set_new(o, "index", json_integer((json_int_t)g->index));
    return o;
}

static void tell_gap(struct auditing *a, const char *name, const struct att_audit_gap *g)
{
    char from[ATT_TIME_TEXT] = "-", until[ATT_TIME_TEXT], ueid[17];

    (void)att_hex_encode(ueid, sizeof(ueid), att_slice_of(g->ueid, 8));
    if (g->from != 0) {
        (void)att_time_print(from, sizeof(from), g->from);
    }
    report_field(&a->r, name, "%s..., %s - %s, %s %llu", ueid, from,
                 att_time_print(until, sizeof(until), g->until), tr(a->r.cli, "entry", "項目"),
                 (unsigned long long)g->index);
}

/* Gateways without a label in force: between two labels, and now. Listed, and wrong only to whoever owns them. */
static void tell_gaps(struct auditing *a)
{
    const struct att_audit_report *p = att_audit_report(a->log.audit);
    struct att_audit_gap silent[ATT_AUDIT_KEPT];
    uint64_t count = att_audit_silent(silent, ATT_AUDIT_KEPT, a->log.audit, a->r.cli->at);
    json_t *gaps = json_array(), *silents = json_array();

    for (size_t i = 0; i < p->gaps && i < ATT_AUDIT_KEPT; i++) {
        tell_gap(a, tr(a->r.cli, "no label", "ラベルなし"), &p->gap[i]);
        (void)json_array_append_new(gaps, gap_json(&p->gap[i]));
    }
    for (size_t i = 0; i < count && i < ATT_AUDIT_KEPT; i++) {
        tell_gap(a, tr(a->r.cli, "silent", "応答なし"), &silent[i]);
        (void)json_array_append_new(silents, gap_json(&silent[i]));
    }
    (void)json_object_set_new(a->r.root, "gaps", gaps);
    (void)json_object_set_new(a->r.root, "silent", silents);
    (void)json_object_set_new(a->r.root, "gaps_count", json_integer((json_int_t)p->gaps));
    (void)json_object_set_new(a->r.root, "silent_count", json_integer((json_int_t)count));
    (void)json_object_set_new(a->r.root, "longest_gap_s", json_integer(p->longest_gap_s));
    report_field(&a->r, tr(a->r.cli, "gaps", "空白期間"), "%llu, %s %lld s",
                 (unsigned long long)p->gaps, tr(a->r.cli, "longest", "最長"),
                 (long long)p->longest_gap_s);
    report_field(&a->r, tr(a->r.cli, "silent now", "現在応答なし"), "%llu",
                 (unsigned long long)count);
}

static void tell_counts(struct auditing *a)
{
    const struct att_audit_report *p = att_audit_report(a->log.audit);
    char first[ATT_TIME_TEXT] = "", last[ATT_TIME_TEXT] = "";

    log_view_tell(&a->r, &a->log.view);
    (void)att_time_print(first, sizeof(first), p->first_utc);
    (void)att_time_print(last, sizeof(last), p->last_utc);
    report_field(&a->r, tr(a->r.cli, "times", "時刻"), "%s - %s", first, last);
    report_field(&a->r, tr(a->r.cli, "gateways", "機器"), "%llu", (unsigned long long)p->devices);
    report_field(&a->r, tr(a->r.cli, "labels", "ラベル"), "%llu, %s %llu, %s %llu",
                 (unsigned long long)p->labels, tr(a->r.cli, "refused", "拒否"),
                 (unsigned long long)p->refused, tr(a->r.cli, "revoked", "失効"),
                 (unsigned long long)p->revoked);
    if (a->log.resumed > 0) {
        report_field(&a->r, tr(a->r.cli, "earlier audit", "前回の監査"), "%s %llu, %s",
                     tr(a->r.cli, "entries 0 to", "項目 0 から"),
                     (unsigned long long)(a->log.resumed - 1),
                     tr(a->r.cli, "as the state file has it", "状態ファイルの記載による"));
    }
    (void)json_object_set_new(
        a->r.root, "counts",
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "entries",
                  (json_int_t)p->size, "labels", (json_int_t)p->labels, "refused",
                  (json_int_t)p->refused, "stale", (json_int_t)p->stale, "enrolled",
                  (json_int_t)p->enrolled, "removed", (json_int_t)p->removed, "revoked",
                  (json_int_t)p->revoked, "other", (json_int_t)p->other, "gateways",
                  (json_int_t)p->devices, "strays", (json_int_t)p->strays, "findings",
                  (json_int_t)p->findings));
    (void)json_object_set_new(a->r.root, "resumed_at", json_integer((json_int_t)a->log.resumed));
}

/* --- the command --- */

static int finish(struct auditing *a)
{
    report_check(&a->r, "checkpoint", C_PASS, NULL);
    if (a->log.interrupted) {
        report_line(&a->r, "%s",
                    tr(a->r.cli, "Interrupted: with --state the same command goes on from here.",
                       "中断しました。--state を指定した同じコマンドで続きから再開できます。"));
        a->r.verdict = V_UNDECIDED;
        a->r.exit_override = EXIT_INTERRUPTED;
        return report_finish(&a->r);
    }
    tell_counts(a);
    log_auditing_tell(&a->r, &a->log);
    tell_gaps(a);
    return report_finish(&a->r);
}

int cmd_log_audit(struct cli *cli, int argc, char **argv)
{
    struct auditing *a = calloc(1, sizeof(*a));
    struct report r = report_start(cli, "attestctl.log-audit.v1");
    struct att_diag diag = {0};
    enum att_err err = ATT_E_NOMEM;
    int code = OPTIONS_OK;

    if (a == NULL) {
        return report_failure(&r, err, &diag);
    }
    a->r = r;
    a->log.cli = cli;
    {
        const struct option_spec options[] = {LOG_OPTIONS(a->log.options),
                                              {"state", &a->log.state_path, NULL, "FILE",
                                               "go on from there, and keep there how far it came",
                                               "このファイルから再開し、進み具合を保存する"}};

        code = options_parse(&a->r, options, ATT_COUNT(options), &argc, argv);
    }
    if (code != OPTIONS_OK) {
        free(a);
        return code;
    }
    a->log.options.place.where = argv[1];
    err = log_auditing_run(&a->log, &diag);
    code = err == ATT_OK ? finish(a) : report_failure(&a->r, err, &diag);
    log_auditing_clear(&a->log);
    free(a);
    return code;
}
