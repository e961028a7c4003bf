/* report csv: one table of a period statement, for spreadsheets and scripts. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "report_csv.h"
#include "report_make.h"

#define CSV_MAX (256U * 1024 * 1024)

struct heading {
    const char *en, *ja;
};

static void write_headings(struct csv *c, const struct cli *cli, const struct heading *h, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        csv_text(c, tr(cli, h[i].en, h[i].ja));
    }
    csv_end(c);
}

static void write_gateways(struct csv *c, const struct report_making *m)
{
    static const struct heading HEADINGS[] = {
        {"ueid", "機器 UEID"},          {"standing", "登録状態"},
        {"silent", "期間末に応答なし"}, {"affirming", "肯定ラベル"},
        {"warning", "警告ラベル"},      {"refused", "拒否"},
        {"stale", "応答期限超過"},      {"taken_back", "失効・停止"},
        {"enrolled_s", "登録秒数"},     {"covered_s", "ラベル有効秒数"},
        {"gaps", "空白期間"},           {"longest_gap_s", "最長空白秒数"},
    };
    static const char *const STANDING[] = {"unknown", "enrolled", "removed"};
    const struct att_period *p = m->statement->period;

    write_headings(c, m->cli, HEADINGS, ATT_COUNT(HEADINGS));
    for (size_t i = 0; i < p->gateways; i++) {
        const struct att_period_gateway *g = &p->gateway[i];
        const uint64_t number[] = {g->affirming, g->warning, g->contraindicated,
                                   g->stale,     g->taken,   g->enrolled_s,
                                   g->covered_s, g->gaps,    g->longest_gap_s};

        csv_hex(c, true, g->ueid, sizeof(g->ueid));
        csv_text(c, STANDING[g->standing]);
        csv_text(c, g->silent ? "yes" : "no");
        for (size_t n = 0; n < ATT_COUNT(number); n++) {
            csv_number(c, number[n]);
        }
        csv_end(c);
    }
}

static void write_outcomes(struct csv *c, const struct report_making *m)
{
    static const struct heading HEADINGS[] = {
        {"kind", "種別"}, {"reason", "理由"}, {"status", "状態"}, {"count", "件数"}};
    const struct att_period *p = m->statement->period;

    write_headings(c, m->cli, HEADINGS, ATT_COUNT(HEADINGS));
    for (size_t i = 0; i < p->tallies; i++) {
        csv_text(c, p->tally[i].kind);
        csv_text(c, p->tally[i].reason);
        if (p->tally[i].status == ATT_PERIOD_NO_STATUS) {
            csv_text(c, "");
        } else {
            csv_number(c, (uint64_t)p->tally[i].status);
        }
        csv_number(c, p->tally[i].count);
        csv_end(c);
    }
}

/* Each requirement of a policy that is known; else the policy alone. */
static void write_rules(struct csv *c, const struct report_making *m)
{
    static const struct heading HEADINGS[] = {{"policy", "方針ダイジェスト"},
                                              {"refvals", "参照値ダイジェスト"},
                                              {"name", "方針"},
                                              {"requirement", "要件"},
                                              {"title", "要件名"},
                                              {"source", "出典"},
                                              {"affirming", "肯定"},
                                              {"warning", "警告"},
                                              {"refused", "拒否"},
                                              {"first", "最初の時刻"}};
    const struct att_period *p = m->statement->period;

    write_headings(c, m->cli, HEADINGS, ATT_COUNT(HEADINGS));
    for (size_t i = 0; i < p->rule_sets; i++) {
        const struct att_period_rules *r = &p->rules[i];
        const struct att_policy *policy = report_policy(m, r->policy);
        size_t rows = policy != NULL ? policy->count : 1;

        for (size_t n = 0; n < rows; n++) {
            const struct att_requirement *q = policy != NULL ? &policy->requirement[n] : NULL;

            csv_hex(c, true, r->policy, 32);
            csv_hex(c, true, r->refvals, 32);
            csv_text(c, policy != NULL ? policy->name : "");
            csv_text(c, q != NULL ? q->id : "");
            csv_text(c, q == NULL                ? ""
                        : q->title_ja[0] == '\0' ? q->title_en
                                                 : tr(m->cli, q->title_en, q->title_ja));
            csv_text(c, q != NULL ? q->source : "");
            csv_number(c, r->affirming);
            csv_number(c, r->warning);
            csv_number(c, r->contraindicated);
            csv_time(c, r->first_utc);
            csv_end(c);
        }
    }
}

static void write_gaps(struct csv *c, const struct report_making *m)
{
    static const struct heading HEADINGS[] = {
        {"ueid", "機器 UEID"}, {"from", "始まり"}, {"until", "終わり"}, {"entry", "項目番号"}};
    const struct att_period *p = m->statement->period;

    write_headings(c, m->cli, HEADINGS, ATT_COUNT(HEADINGS));
    for (size_t i = 0; i < p->gaps_kept; i++) {
        csv_hex(c, true, p->gap[i].ueid, 32);
        csv_time(c, p->gap[i].from);
        csv_time(c, p->gap[i].until);
        csv_number(c, p->gap[i].index);
        csv_end(c);
    }
}

static void write_events(struct csv *c, const struct report_making *m)
{
    static const struct heading HEADINGS[] = {{"entry", "項目番号"},
                                              {"time", "時刻"},
                                              {"kind", "種別"},
                                              {"reason", "理由"},
                                              {"ueid", "機器 UEID"},
                                              {"label", "ラベル ID"},
                                              {"policy", "方針ダイジェスト"},
                                              {"refvals", "参照値ダイジェスト"},
                                              {"about", "対象ダイジェスト"}};
    const struct att_period *p = m->statement->period;

    write_headings(c, m->cli, HEADINGS, ATT_COUNT(HEADINGS));
    for (size_t i = 0; i < p->events_kept; i++) {
        const struct att_period_event *v = &p->event[i];

        csv_number(c, v->index);
        csv_time(c, v->utc);
        csv_text(c, v->kind);
        csv_text(c, v->reason);
        csv_hex(c, v->has_ueid, v->ueid, 32);
        csv_hex(c, v->has_cti, v->cti, sizeof(v->cti));
        csv_hex(c, v->has_policy, v->policy, 32);
        csv_hex(c, v->has_refvals, v->refvals, 32);
        csv_hex(c, v->has_about, v->about, 32);
        csv_end(c);
    }
}

static const struct table {
    const char *name;
    void (*write)(struct csv *c, const struct report_making *m);
} TABLES[] = {{"gateways", write_gateways},
              {"outcomes", write_outcomes},
              {"rules", write_rules},
              {"gaps", write_gaps},
              {"events", write_events}};

static const struct table *find_table(const char *name)
{
    for (size_t i = 0; i < ATT_COUNT(TABLES); i++) {
        if (strcmp(TABLES[i].name, name) == 0) {
            return &TABLES[i];
        }
    }
    return NULL;
}

static enum att_err write_csv(struct report_making *m, struct report *r, const struct table *t,
                              struct att_diag *diag)
{
    struct csv c = {0};
    enum att_err err = report_making_prepare(m, diag);

    if (err == ATT_OK) {
        err = report_making_run(m, r, NULL, diag);
    }
    if (err != ATT_OK) {
        return err;
    }
    err = att_buf_new(&c.out, CSV_MAX);
    if (err == ATT_OK && m->cli->lang == LANG_JA) {
        err = att_buf_add(c.out, "\xef\xbb\xbf",
                          3); /* else spreadsheets there read another encoding */
    }
    c.err = err;
    if (err == ATT_OK) {
        t->write(&c, m);
        err = c.err;
    }
    err = err == ATT_OK ? report_write(m->cli, att_buf_slice(c.out), diag)
                        : att_fail(diag, err, ATT_R_LIM_SIZE, "csv", "the table is too long");
    att_buf_free(c.out);
    return err;
}

int cmd_report_csv(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.report-csv.v1");
    struct report_making m = {.cli = cli};
    const char *name = "gateways";
    const struct option_spec spec[] = {
        REPORT_OPTIONS(m),
        {"table", &name, NULL, "NAME", "gateways (default), outcomes, rules, gaps or events",
         "gateways (既定)、outcomes、rules、gaps、events"},
    };
    struct att_diag diag = {0};
    int code = options_parse(&r, spec, ATT_COUNT(spec), &argc, argv);
    char shown[64];
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    if (find_table(name) == NULL) {
        return report_usage(&r, "--table", "expected %s, found %s",
                            "gateways, outcomes, rules, gaps or events",
                            text_safe(shown, sizeof(shown), name));
    }
    code = report_output(&r);
    if (code != OPTIONS_OK) {
        return code;
    }
    m.log.options.place.where = argv[1];
    err = write_csv(&m, &r, find_table(name), &diag);
    code = err == ATT_OK ? report_finish(&r) : report_failure(&r, err, &diag);
    report_making_clear(&m);
    return code;
}
