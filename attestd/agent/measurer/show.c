/* Reports as text or JSON. */
#include "agent/measurer/show.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/label.h"
#include "appraise/result.h"
#include "base/clock.h"
#include "base/hex.h"
#include "sign/cose.h"

#define SHOWN_MAX 512

void show_start(struct show *s, const char *schema)
{
    s->schema = schema;
    s->exit = AGENT_EXIT_OK;
    if (s->json) {
        s->root = json_object();
        s->reasons = json_array();
        s->checks = json_array();
    }
}

static const char *verdict_of(int exit)
{
    if (exit == AGENT_EXIT_OK) {
        return "pass";
    }
    return exit == AGENT_EXIT_FALSE ? "fail" : "undecided";
}

int show_end(struct show *s)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *out = NULL;
    struct att_slice text;

    if (!s->json) {
        return s->exit;
    }
    (void)json_object_set_new(s->root, "schema", json_string(s->schema));
    (void)json_object_set_new(s->root, "verdict", json_string(verdict_of(s->exit)));
    (void)json_object_set_new(s->root, "reasons", s->reasons);
    (void)json_object_set_new(s->root, "checks", s->checks);
    if (att_json_print(&out, s->root) == ATT_OK) {
        text = att_buf_slice(out);
        (void)fwrite(text.p, 1, text.len, stdout);
        (void)putchar('\n');
    }
    json_decref(s->root);
    s->root = NULL;
    return s->exit;
}

const char *show_tr(const struct show *s, const char *en, const char *ja)
{
    return s->japanese && ja[0] != '\0' ? ja : en;
}

void show_line(const struct show *s, const char *fmt, ...)
{
    va_list args;

    if (s->json || s->quiet) {
        return;
    }
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)putchar('\n');
}

void show_text(struct show *s, const char *key, const char *value)
{
    if (s->json) {
        (void)json_object_set_new(s->root, key, json_string(value));
    }
}

void show_number(struct show *s, const char *key, uint64_t value)
{
    if (s->json) {
        (void)json_object_set_new(s->root, key, json_integer((json_int_t)value));
    }
}

/* "No" is an answer and outweighs everything that kept us from one. */
void show_worsen(struct show *s, enum agent_exit code)
{
    if (s->exit == AGENT_EXIT_FALSE || code == AGENT_EXIT_OK) {
        return;
    }
    if (code == AGENT_EXIT_FALSE || (int)code > s->exit) {
        s->exit = (int)code;
    }
}

/* Reasons that are an answer about this machine, not an inability to decide. */
static bool is_false(enum att_reason r)
{
    return r == ATT_R_OWN_LOG || r == ATT_R_OWN_FOREIGN;
}

enum agent_exit show_exit_for(const struct att_diag *diag)
{
    if (is_false(diag->reason)) {
        return AGENT_EXIT_FALSE;
    }
    if (diag->reason == ATT_R_CFG_KEY || diag->reason == ATT_R_USAGE ||
        diag->reason == ATT_R_FMT_YAML || diag->reason == ATT_R_FMT_ID ||
        diag->reason == ATT_R_ID_REENROL) {
        return AGENT_EXIT_USAGE;
    }
    if (diag->reason >= ATT_R_TPM_ABSENT && diag->reason <= ATT_R_TPM_OTHER) {
        return AGENT_EXIT_TPM;
    }
    if (diag->reason == ATT_R_FILE && diag->err != ATT_E_DENIED) {
        return AGENT_EXIT_UNDECIDED; /* also of a folder where a file should be */
    }
    switch (diag->err) {
    case ATT_E_NETWORK:
        return AGENT_EXIT_NETWORK;
    case ATT_E_TPM:
        return AGENT_EXIT_TPM;
    case ATT_E_DENIED: /* of the file system, or of the verifier */
        return diag->reason == ATT_R_FILE || diag->reason == ATT_R_CFG_PERM ? AGENT_EXIT_PERMISSION
                                                                            : AGENT_EXIT_FALSE;
    case ATT_E_STALE:
    case ATT_E_CONFLICT:
    case ATT_E_SIGNATURE:
    case ATT_E_UNTRUSTED:
        return AGENT_EXIT_FALSE;
    case ATT_E_CONFIG:
        return AGENT_EXIT_USAGE;
    case ATT_E_FORMAT:
    case ATT_E_TRUNCATED:
    case ATT_E_TRAILING:
    case ATT_E_UNSUPPORTED:
        return AGENT_EXIT_MALFORMED;
    case ATT_E_INTERNAL:
        return AGENT_EXIT_INTERNAL;
    default:
        return AGENT_EXIT_UNDECIDED;
    }
}

static void add_reason(struct show *s, const char *code, const char *path, const char *detail)
{
    const struct att_reason_info *info = att_reason_info(att_reason_find(code));

    if (!s->json) {
        return;
    }
    (void)json_array_append_new(s->reasons,
                                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "code", code,
                                          "path", path, "en", info->en, "ja", info->ja, "fix_en",
                                          info->fix_en, "fix_ja", info->fix_ja, "detail", detail));
}

void show_failure(struct show *s, const struct att_diag *diag)
{
    const struct att_reason_info *info = att_reason_info(diag->reason);
    char line[SHOWN_MAX];

    show_worsen(s, show_exit_for(diag));
    add_reason(s, info->code, diag->field != NULL ? diag->field : "", diag->text);
    if (s->json) {
        return;
    }
    (void)fprintf(stderr, "attest-agent: %s\n", att_diag_print(line, sizeof(line), diag));
    (void)fprintf(stderr, "  %s\n", show_tr(s, info->en, info->ja));
    (void)fprintf(stderr, "  \u2192 %s\n", show_tr(s, info->fix_en, info->fix_ja));
}

static void add_check(struct show *s, const char *id, const char *state, const char *detail)
{
    json_t *check = NULL;

    if (!s->json) {
        return;
    }
    check = json_pack("{s:s, s:s, s:s}", "id", id, "status", state, "detail", detail);
    if (s->manual != NULL) {
        (void)json_object_set_new(check, "manual", json_sprintf("%s %s", s->manual, id));
    }
    (void)json_array_append_new(s->checks, check);
}

void show_check(struct show *s, const char *id, enum show_state state, const struct att_diag *diag,
                const char *detail)
{
    static const char *const mark[] = {"\u2714", "!", "\u2718", "-"};
    static const char *const en[] = {"pass", "warn", "fail", "not-run"};
    static const char *const ja[] = {"適合", "注意", "不適合", "未実施"};
    const struct att_reason_info *info = NULL;

    add_check(s, id, en[state], detail);
    show_line(s, "%s %-7s %-18s %s", mark[state], show_tr(s, en[state], ja[state]), id, detail);
    if (diag == NULL || diag->reason == ATT_R_NONE) {
        return;
    }
    info = att_reason_info(diag->reason);
    add_reason(s, info->code, id, diag->text);
    show_line(s, "    %s  %s", info->code, show_tr(s, info->en, info->ja));
    if (diag->text[0] != '\0') {
        show_line(s, "    %s", diag->text);
    }
    show_line(s, "    \u2192 %s", show_tr(s, info->fix_en, info->fix_ja));
    if (s->manual != NULL) {
        show_line(s, "    %s: %s %s", show_tr(s, "more", "詳細"), s->manual, id);
    }
    if (state == SHOW_FAIL) {
        show_worsen(s,
                    show_exit_for(diag) == AGENT_EXIT_OK ? AGENT_EXIT_FALSE : show_exit_for(diag));
    }
}

static const char *tier_text(const struct show *s, uint64_t status)
{
    switch (status) {
    case ATT_TIER_AFFIRMING:
        return show_tr(s, "affirming", "肯定 (affirming)");
    case ATT_TIER_WARNING:
        return show_tr(s, "warning", "注意 (warning)");
    case ATT_TIER_CONTRAINDICATED:
        return show_tr(s, "contraindicated", "否定 (contraindicated)");
    default:
        return show_tr(s, "none", "判定なし (none)");
    }
}

/* What a grade stands for, and what it does not: said each time, in words. */
static void show_grade(struct show *s, int grade)
{
    static const char *const en[] = {
        "no grade",
        "E1: the TPM is pinned by the operator; drift and mistakes show, not a deliberate change "
        "by "
        "whoever administers the unit",
        "E2: the TPM's maker is verified and this agent's measurements are judged; below E3 the "
        "unit's own agent is the only witness, so a deliberate change by whoever controls its "
        "operating system can be hidden",
        "E3: the TPM's maker is verified; boot log, executed files and measurements are judged"};
    static const char *const ja[] = {
        "等級なし",
        "E1: 運用者が許可した TPM "
        "です。変化や誤りは分かりますが、管理者による意図的な変更は分かりません",
        "E2: TPM の製造者を確認し、エージェントの測定を判定しました。E3 "
        "未満では機器自身のエージェントだけが証人であり、"
        "OS を支配する者は意図的な変更を隠せます",
        "E3: TPM の製造者を確認し、起動ログ、実行ファイル、測定を判定しました"};

    if (grade < 0 || grade > 3) {
        grade = 0;
    }
    show_text(s, "grade", grade == 0 ? "none" : grade == 1 ? "E1" : grade == 2 ? "E2" : "E3");
    show_line(s, "  %s", show_tr(s, en[grade], ja[grade]));
}

/* Our own label, read for showing: its signature is for others to check (attestctl label verify). */
static void show_label(struct show *s, struct att_slice label)
{
    struct att_label *l = calloc(1, sizeof(*l));
    struct att_cose cose;

    if (l != NULL && att_cose_parse(&cose, label, NULL) == ATT_OK &&
        att_label_read(l, cose.payload_untrusted, NULL) == ATT_OK) {
        char until[ATT_TIME_TEXT];

        show_grade(s, l->grade);
        (void)att_time_print(until, sizeof(until), l->exp);
        show_text(s, "expires", until);
        show_line(s, "  %s %s", show_tr(s, "the label is valid until", "ラベルの有効期限:"), until);
    }
    free(l);
}

static const char *text_of(char *out, size_t cap, struct att_slice in)
{
    return att_printable(out, cap, in.p, in.len); /* the verifier escaped what needs it */
}

static const char *hex_of(char out[65], struct att_slice digest)
{
    out[0] = '\0';
    return digest.len == 32 ? att_hex_encode(out, 65, digest) : out;
}

static void show_reason(struct show *s, const struct wire_reason *r)
{
    char code[64];
    char name[SHOWN_MAX];
    char words[SHOWN_MAX];
    char requirement[64];
    char expected[65];
    char found[65];
    const struct att_reason_info *info = NULL;

    (void)text_of(code, sizeof(code), r->code);
    (void)text_of(name, sizeof(name), r->name);
    (void)text_of(words, sizeof(words), r->text);
    (void)text_of(requirement, sizeof(requirement), r->requirement);
    (void)hex_of(expected, r->expected);
    (void)hex_of(found, r->found);
    info = att_reason_info(att_reason_find(code));
    if (s->json) {
        (void)json_array_append_new(
            s->reasons,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "code", code,
                      "path", name, "en", info->en, "ja", info->ja, "fix_en", info->fix_en,
                      "fix_ja", info->fix_ja, "detail", words, "requirement", requirement,
                      "severity", r->severity == 0 ? "fail" : "warn", "expected", expected, "found",
                      found));
        return;
    }
    show_line(s, "%s %s  %s%s%s", r->severity == 0 ? "\u2718" : "!", code,
              show_tr(s, info->en, info->ja), name[0] != '\0' ? ": " : "", name);
    if (expected[0] != '\0') {
        show_line(s, "    %s %s", show_tr(s, "expected", "期待値"), expected);
    }
    if (found[0] != '\0') {
        show_line(s, "    %s %s", show_tr(s, "found   ", "検出値"), found);
    }
    if (words[0] != '\0') {
        show_line(s, "    %s", words);
    }
    if (requirement[0] != '\0') {
        show_line(s, "    %s %s", show_tr(s, "requirement", "要件"), requirement);
    }
    show_line(s, "    \u2192 %s", show_tr(s, info->fix_en, info->fix_ja));
}

/* What happened to the gateway's time: no fault, and told each time with what to do. */
static void show_states(struct show *s, const struct wire_outcome *w)
{
    json_t *list = s->json ? json_array() : NULL;

    for (size_t i = 0; i < w->state_count; i++) {
        char code[64];
        char words[SHOWN_MAX];
        const struct att_reason_info *info = NULL;

        (void)text_of(code, sizeof(code), w->state[i].code);
        (void)text_of(words, sizeof(words), w->state[i].text);
        info = att_reason_info(att_reason_find(code));
        if (s->json) {
            (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "code",
                                                        code, "en", info->en, "ja", info->ja,
                                                        "fix_en", info->fix_en, "fix_ja",
                                                        info->fix_ja, "detail", words));
            continue;
        }
        show_line(s, "i %s  %s", code, show_tr(s, info->en, info->ja));
        show_line(s, "    %s", words);
        show_line(s, "    \u2192 %s", show_tr(s, info->fix_en, info->fix_ja));
    }
    if (s->json) {
        (void)json_object_set_new(s->root, "states", list);
    }
}

void show_outcome(struct show *s, const struct agent *a, const struct agent_outcome *o)
{
    const struct wire_outcome *w = &o->wire;
    bool good = w->status == ATT_TIER_AFFIRMING;

    show_text(s, "status", att_tier_name((enum att_tier)w->status));
    show_text(s, "device", a->ident.device_id);
    show_number(s, "next_s", w->next_s);
    show_number(s, "unattested", w->unattested);
    show_line(s, "%s %s  %s @ %s", good ? "\u2714" : "\u2718", tier_text(s, w->status),
              a->ident.device_id, a->ident.verifier_id);
    if (w->label.len > 0) {
        show_label(s, w->label);
    }
    for (size_t i = 0; i < w->reason_count; i++) {
        show_reason(s, &w->reason[i]);
    }
    show_states(s, w);
    if (!good) {
        show_worsen(s, AGENT_EXIT_FALSE);
    }
}
