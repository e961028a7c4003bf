/* A period statement for people. */
#include <stdio.h>
#include <string.h>

#include "appraise/result.h"
#include "base/clock.h"
#include "base/hex.h"
#include "report_make.h"

#define SHOWN 20 /* rows of a table, without -v */

#define LLU(n) ((unsigned long long)(n))
/* tr for formats: the compiler checks both. */
#define FORMAT(cli, en, ja) ((cli)->lang == LANG_JA ? (ja) : (en))

static const char *short_hex(char out[20], const uint8_t digest[32])
{
    char hex[17];

    (void)snprintf(out, 20, "%s...", att_hex_encode(hex, sizeof(hex), att_slice_of(digest, 8)));
    return out;
}

static size_t shown(const struct report *r, size_t rows)
{
    return r->cli->verbose || rows < SHOWN ? rows : SHOWN;
}

static void tell_rest(const struct report *r, size_t rows)
{
    if (rows > shown(r, rows)) {
        report_line(r, FORMAT(r->cli, "    and %zu more (-v)", "    ほか %zu 件 (-v)"),
                    rows - shown(r, rows));
    }
}

static void tell_tree(const struct report *r, const char *name, const struct att_statement_end *e)
{
    char root[2 * ATT_MERKLE_LEN + 1];

    (void)att_hex_encode(root, sizeof(root), att_slice_of(e->tree.root, ATT_MERKLE_LEN));
    report_field(r, name, "%llu, %s", LLU(e->tree.size), root);
}

static void tell_head(const struct report *r, const struct att_statement *s)
{
    const struct cli *cli = r->cli;
    char from[ATT_TIME_TEXT], until[ATT_TIME_TEXT], safe[256], name[ATT_NOTE_NAME_MAX + 1];
    struct att_slice origin = att_slice_of(NULL, 0);

    if (att_statement_origin(&origin, s, NULL) != ATT_OK) {
        origin = att_slice_str("?");
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)origin.len, (const char *)origin.p);
    report_field(r, tr(cli, "period", "期間"), FORMAT(cli, "%s up to %s", "%s 以上 %s 未満"),
                 att_time_print(from, sizeof(from), s->period->from),
                 att_time_print(until, sizeof(until), s->period->until));
    report_field(r, tr(cli, "log", "ログ"), "%s", text_safe(safe, sizeof(safe), name));
    report_field(r, tr(cli, "verifier", "検証サーバー"), "%s", s->period->issuer);
    report_field(r, tr(cli, "audited", "監査した項目数"), "%llu", LLU(s->audited));
    tell_tree(r, tr(cli, "tree before", "期間前の木"), &s->begin);
    tell_tree(r, tr(cli, "tree at the end", "期間末の木"), &s->end);
    report_field(r, tr(cli, "entries", "期間内の項目数"), "%llu",
                 LLU(s->period->end - s->period->begin));
    report_field(r, tr(cli, "label keys", "ラベル鍵"), "%llu", LLU(s->keys));
}

static void tell_labels(const struct report *r, const struct att_statement *s)
{
    const struct cli *cli = r->cli;
    const struct att_period *p = s->period;

    report_field(r, tr(cli, "labels", "ラベル"), "%s %llu, %s %llu, %s %llu",
                 tr(cli, "affirming", "肯定"), LLU(report_labels(s, ATT_TIER_AFFIRMING)),
                 tr(cli, "warning", "警告"), LLU(report_labels(s, ATT_TIER_WARNING)),
                 tr(cli, "refused", "拒否"), LLU(report_labels(s, ATT_TIER_CONTRAINDICATED)));
    for (size_t i = 0; i < p->tallies; i++) {
        const struct att_period_tally *t = &p->tally[i];

        report_field(r, report_kind(cli, t->kind), "%llu%s%s", LLU(t->count),
                     t->reason[0] != '\0' ? "  " : "", t->reason);
    }
}

static void tell_requirements(const struct report *r, const struct att_policy *policy,
                              const struct att_period_rules *rules)
{
    const struct cli *cli = r->cli;

    for (size_t i = 0; i < policy->count; i++) {
        const struct att_requirement *q = &policy->requirement[i];

        report_line(r, "      %s  %s%s%s  [%s]", q->id,
                    tr(cli, q->title_en, q->title_ja[0] != '\0' ? q->title_ja : q->title_en),
                    q->source[0] != '\0' ? ": " : "", q->source,
                    tr(cli, q->severity == ATT_SEVERITY_FAIL ? "must hold" : "warns",
                       q->severity == ATT_SEVERITY_FAIL ? "必須" : "警告"));
    }
    report_line(
        r,
        FORMAT(
            cli,
            "      held in %llu attestations (evidence for it); which failed in %llu others is not "
            "in the log",
            "      %llu 回の検証ですべて成立 (その証拠)。他の %llu 回でどれが不成立かはログにない"),
        LLU(rules->affirming), LLU(rules->warning + rules->contraindicated));
}

static void tell_rules(const struct report *r, const struct report_making *m,
                       const struct att_period *p)
{
    const struct cli *cli = r->cli;

    for (size_t i = 0; i < shown(r, p->rule_sets); i++) {
        const struct att_period_rules *u = &p->rules[i];
        const struct att_policy *policy = report_policy(m, u->policy);
        char a[20], b[20], name[128] = "";

        if (policy != NULL) {
            (void)snprintf(name, sizeof(name), "%s@%llu ", policy->name, LLU(policy->version));
        }
        report_field(r, tr(cli, "policy", "方針"), "%s%s %s %s: %llu / %llu / %llu", name,
                     short_hex(a, u->policy), tr(cli, "references", "参照値"),
                     short_hex(b, u->refvals), LLU(u->affirming), LLU(u->warning),
                     LLU(u->contraindicated));
        if (policy != NULL) {
            tell_requirements(r, policy, u);
        }
    }
    tell_rest(r, p->rule_sets);
}

static void tell_gateway(const struct report *r, const struct att_period_gateway *g)
{
    const struct cli *cli = r->cli;
    const char *const standing[] = {tr(cli, "enrolment not in the log", "登録記録なし"),
                                    tr(cli, "enrolled", "登録中"), tr(cli, "removed", "撤去済み")};
    char ueid[20];

    report_field(r, short_hex(ueid, g->ueid),
                 FORMAT(cli, "%s%s, labels %llu / %llu / %llu, in force %llu of %llu s, gaps %llu",
                        "%s%s、ラベル %llu / %llu / %llu、有効 %llu 秒 / 登録 %llu 秒、空白 %llu"),
                 standing[g->standing], g->silent ? tr(cli, ", silent", "、応答なし") : "",
                 LLU(g->affirming), LLU(g->warning), LLU(g->contraindicated), LLU(g->covered_s),
                 LLU(g->enrolled_s), LLU(g->gaps));
}

static void tell_gateways(const struct report *r, const struct att_period *p)
{
    uint64_t silent = 0, longest = 0;

    for (size_t i = 0; i < p->gateways; i++) {
        silent += p->gateway[i].silent ? 1 : 0;
        longest = p->gateway[i].longest_gap_s > longest ? p->gateway[i].longest_gap_s : longest;
    }
    report_field(r, tr(r->cli, "gateways", "機器"),
                 FORMAT(r->cli, "%zu, silent at the end %llu", "%zu、期間末に応答なし %llu"),
                 p->gateways, LLU(silent));
    report_field(r, tr(r->cli, "gaps", "空白期間"),
                 FORMAT(r->cli, "%llu, longest %llu s", "%llu、最長 %llu 秒"), LLU(p->gaps),
                 LLU(longest));
    for (size_t i = 0; i < shown(r, p->gateways); i++) {
        tell_gateway(r, &p->gateway[i]);
    }
    tell_rest(r, p->gateways);
}

static void tell_events(const struct report *r, const struct att_period *p)
{
    for (size_t i = 0; i < shown(r, p->events_kept); i++) {
        const struct att_period_event *v = &p->event[i];
        char when[ATT_TIME_TEXT], whose[20] = "", which[20] = "";

        if (v->has_ueid) {
            (void)short_hex(whose, v->ueid);
        }
        if (v->has_policy || v->has_about) {
            (void)short_hex(which, v->has_policy ? v->policy : v->about);
        }
        report_field(r, att_time_print(when, sizeof(when), v->utc), "%s %llu  %s %s %s %s",
                     tr(r->cli, "entry", "項目"), LLU(v->index), report_kind(r->cli, v->kind),
                     v->reason, whose, which);
    }
    tell_rest(r, p->events_kept);
}

void report_text(struct report *r, const struct report_making *m, const struct att_statement *s)
{
    const struct cli *cli = r->cli;
    const char *limit = NULL;

    report_line(r, "%s",
                tr(cli, "What the log shows of the period (evidence; no statement of conformity)",
                   "この期間についてログが示すこと (証拠であり、適合の宣言ではない)"));
    tell_head(r, s);
    tell_labels(r, s);
    tell_rules(r, m, s->period);
    tell_gateways(r, s->period);
    tell_events(r, s->period);
    report_line(r, "%s", tr(cli, "What the log cannot show", "ログが示せないこと"));
    for (size_t i = 0; (limit = report_limit(cli, i)) != NULL; i++) {
        report_line(r, "  - %s", limit);
    }
}
