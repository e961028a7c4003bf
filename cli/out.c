/* Outcomes as text for people or as one JSON object, and as an exit code that agrees with the verdict. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "cli.h"
#include "codec/json.h"

#define NAME_COLUMN  18
#define FIELD_COLUMN 14
#define DETAIL_ROOM  1024

static const char *const STATES[] = {"pass", "fail", "not-run", "not-applicable"};

const char *tr(const struct cli *cli, const char *en, const char *ja)
{
    return cli->lang == LANG_JA ? ja : en;
}

struct report report_start(struct cli *cli, const char *schema)
{
    return (struct report){.cli = cli,
                           .schema = schema,
                           .root = json_object(),
                           .reasons = json_array(),
                           .checks = json_array(),
                           .verdict = V_PASS};
}

void report_worsen(struct report *r, enum verdict v)
{
    if (v > r->verdict) {
        r->verdict = v;
    }
}

static bool for_people(const struct report *r)
{
    return !r->cli->json && !r->cli->quiet;
}

void report_line(const struct report *r, const char *fmt, ...)
{
    va_list args;

    if (!for_people(r)) {
        return;
    }
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)printf("\n");
}

void report_field(const struct report *r, const char *name, const char *fmt, ...)
{
    char padded[128];
    va_list args;

    if (!for_people(r)) {
        return;
    }
    (void)printf("  %s ", text_pad(padded, sizeof(padded), name, FIELD_COLUMN));
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)printf("\n");
}

void report_note(const struct report *r, const char *text)
{
    if (for_people(r)) {
        (void)printf("    %s\n", text);
    }
}

/* Ids are for scripts; people who read Japanese get a name. */
static const char *check_name(const struct cli *cli, const char *id)
{
    static const struct {
        const char *id, *ja;
    } NAMES[] = {
        {"format", "形式"},
        {"signature", "署名"},
        {"chain", "証明書チェーン"},
        {"issuer", "発行者"},
        {"time", "有効期間"},
        {"subject", "対象機器"},
        {"status", "状態"},
        {"key-class", "鍵の種類"},
        {"log", "透明性ログ"},
        {"status-list", "失効リスト"},
        {"quote.format", "クォート: 形式"},
        {"quote.magic", "クォート: 印"},
        {"quote.type", "クォート: 種類"},
        {"quote.signature", "クォート: 署名"},
        {"quote.nonce", "クォート: ナンス"},
        {"quote.selection", "クォート: PCR"},
        {"quote.pcr-digest", "クォート: PCR 値"},
        {"log.uefi", "ログ: UEFI"},
        {"log.ima", "ログ: IMA"},
        {"log.own", "ログ: 自己測定"},
        {"policy", "方針"},
        {"witnesses", "監視者の連署"},
        {"inclusion", "ログへの包含"},
        {"agree", "項目間の整合"},
        {"closed", "期間の終了"},
        {"figures", "数値の整合"},
        {"repeated", "ログからの再作成"},
        {"transfer.signature", "移管: 署名"},
        {"transfer.chain", "移管: つながり"},
    };

    for (size_t i = 0; cli->lang == LANG_JA && i < ATT_COUNT(NAMES); i++) {
        if (strcmp(NAMES[i].id, id) == 0) {
            return NAMES[i].ja;
        }
    }
    return id;
}

/* A word stands beside every mark, so colour and sign are never alone. */
static void print_check(const struct report *r, enum check_state state, const char *id)
{
    static const char *const MARKS[] = {"\u2714", "\u2718", "?", "-"};
    static const char *const COLORS[] = {"\033[32m", "\033[31m", "\033[33m", ""};
    static const char *const JA[] = {"適合", "不適合", "未実施", "対象外"};
    bool color = r->cli->color && COLORS[state][0] != '\0';
    char safe[512];
    char padded[640];

    if (!for_people(r) || state == C_NOT_APPLICABLE) {
        return; /* what does not apply is told in a sentence by whoever knows why */
    }
    (void)text_safe(safe, sizeof(safe), check_name(r->cli, id));
    (void)printf("%s%s %s %s%s\n", color ? COLORS[state] : "", MARKS[state],
                 text_pad(padded, sizeof(padded), safe, NAME_COLUMN),
                 tr(r->cli, STATES[state], JA[state]), color ? "\033[0m" : "");
}

/* One reason as it is told: the code, the place, and what was expected and found, in English. */
struct told {
    enum att_reason reason;
    const char *path, *text;
    size_t off; /* byte, or ATT_OFF_NONE */
};

static struct told told_of(const struct att_diag *diag)
{
    return (struct told){.reason = diag->reason,
                         .path = diag->field != NULL ? diag->field : "",
                         .text = diag->text,
                         .off = diag->err != ATT_OK ? diag->off : ATT_OFF_NONE};
}

/* What it means, where, what was expected and found, what to do. */
static void print_reason(FILE *to, const struct cli *cli, const struct told *t)
{
    const struct att_reason_info *info = att_reason_info(t->reason);
    const char *text = t->text;
    char detail[DETAIL_ROOM];
    char safe[512];
    char off[64] = "";

    if (t->off != ATT_OFF_NONE) {
        (void)snprintf(off, sizeof(off), "%s%zu", tr(cli, ", byte ", "、バイト位置 "), t->off);
    }
    (void)fprintf(to, "    %s  %s%s%s%s%s\n", info->code, tr(cli, info->en, info->ja),
                  t->path[0] != '\0' ? " (" : "", text_safe(safe, sizeof(safe), t->path), off,
                  t->path[0] != '\0' ? ")" : "");
    if (text[0] != '\0') {
        (void)fprintf(to, "    %s\n", text_detail(cli, detail, sizeof(detail), text));
    }
    if (info->fix_en[0] != '\0') {
        (void)fprintf(to, "    \u2192 %s\n", tr(cli, info->fix_en, info->fix_ja));
    }
}

static void keep_reason(struct report *r, const struct told *t)
{
    const struct att_reason_info *info = att_reason_info(t->reason);
    char safe[512];
    char detail[DETAIL_ROOM];
    json_t *entry = json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", info->code, "path",
                              text_safe(safe, sizeof(safe), t->path), "en", info->en, "ja",
                              info->ja, "detail", text_safe(detail, sizeof(detail), t->text));

    if (t->off != ATT_OFF_NONE) {
        (void)json_object_set_new(entry, "offset", json_integer((json_int_t)t->off));
    }
    if (r->about != NULL) {
        (void)json_object_set_new(entry, "file", json_string(r->about));
    }
    (void)json_array_append_new(r->reasons, entry);
}

static void tell(struct report *r, const struct told *t)
{
    keep_reason(r, t);
    if (for_people(r)) {
        print_reason(stdout, r->cli, t);
    }
}

void report_reason(struct report *r, const char *code, const char *path, const char *text)
{
    const struct told t = {
        .reason = att_reason_find(code), .path = path, .text = text, .off = ATT_OFF_NONE};

    tell(r, &t);
}

void report_check(struct report *r, const char *id, enum check_state state,
                  const struct att_diag *why)
{
    json_t *entry = json_pack("{s:s, s:s}", "id", id, "status", STATES[state]);

    if (r->about != NULL) {
        (void)json_object_set_new(entry, "file", json_string(r->about));
    }
    (void)json_array_append_new(r->checks, entry);
    print_check(r, state, id);
    if (why != NULL && why->reason != ATT_R_NONE) {
        const struct told t = told_of(why);

        tell(r, &t);
    }
    if (state == C_FAIL) {
        report_worsen(r, V_FAIL);
    }
}

void complain(const struct cli *cli, const struct att_diag *diag)
{
    const struct command *c = cli->command;
    const struct told t = told_of(diag);

    if (cli->json) {
        return;
    }
    (void)fprintf(stderr, "attestctl%s%s%s%s:\n", c != NULL ? " " : "", c != NULL ? c->noun : "",
                  c != NULL && c->verb != NULL ? " " : "",
                  c != NULL && c->verb != NULL ? c->verb : "");
    print_reason(stderr, cli, &t);
}

int exit_for(enum att_err err, enum att_reason reason)
{
    switch (err) {
    case ATT_E_TRUNCATED:
    case ATT_E_TRAILING:
    case ATT_E_FORMAT:
    case ATT_E_LIMIT:
    case ATT_E_UNSUPPORTED:
        return reason == ATT_R_FILE ? EXIT_UNDECIDED : EXIT_MALFORMED;
    case ATT_E_CONFIG:
        return EXIT_USAGE;
    case ATT_E_DENIED:
        return EXIT_PERMISSION;
    case ATT_E_NETWORK:
        return EXIT_NETWORK;
    case ATT_E_TPM:
        return EXIT_TPM;
    case ATT_E_NOT_FOUND:
    case ATT_E_IO:
    case ATT_E_NOMEM:
    case ATT_E_UNTRUSTED:
    case ATT_E_BUSY:
        return EXIT_UNDECIDED;
    case ATT_E_SIGNATURE:
    case ATT_E_STALE:
    case ATT_E_MISMATCH:
    case ATT_E_CONFLICT:
        return EXIT_FALSE;
    default:
        return EXIT_INTERNAL;
    }
}

/* Failures deep in a module come without a diagnosis: memory and limits are named all the same. */
static struct att_diag named(enum att_err err, const struct att_diag *diag)
{
    struct att_diag d = *diag;

    if (d.reason == ATT_R_NONE) {
        (void)att_fail(&d, err,
                       err == ATT_E_NOMEM   ? ATT_R_NOMEM
                       : err == ATT_E_LIMIT ? ATT_R_LIM_SIZE
                                            : ATT_R_INTERNAL,
                       NULL, "%s", att_err_name(err));
    }
    return d;
}

void report_trouble(struct report *r, const struct att_diag *diag)
{
    const struct told t = told_of(diag);

    keep_reason(r, &t);
    complain(r->cli, diag);
}

int report_failure(struct report *r, enum att_err err, const struct att_diag *diag)
{
    const struct att_diag d = named(err, diag);

    r->exit_override = exit_for(err, d.reason);
    report_trouble(r, &d);
    return report_finish(r);
}

static void print_usage(const struct cli *cli)
{
    const struct command *c = cli->command;
    const char *verb = c != NULL && c->verb != NULL ? c->verb : "";
    const char *gap = verb[0] != '\0' ? " " : "";

    if (c == NULL) {
        (void)fprintf(stderr, "    \u2192 attestctl help\n");
        return;
    }
    (void)fprintf(stderr, "    %s attestctl %s%s%s%s%s\n", tr(cli, "usage:", "使い方:"), c->noun,
                  gap, verb, c->args[0] != '\0' ? " " : "", c->args);
    (void)fprintf(stderr, "    \u2192 attestctl %s%s%s --help\n", c->noun, gap, verb);
}

int report_usage(struct report *r, const char *field, const char *fmt, ...)
{
    const struct cli *cli = r->cli;
    struct told t = {.reason = ATT_R_USAGE, .path = field, .off = ATT_OFF_NONE};
    char text[512];
    char detail[DETAIL_ROOM];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    t.text = text;
    keep_reason(r, &t);
    if (!cli->json) {
        (void)fprintf(stderr, "attestctl: %s: %s\n", field,
                      text_detail(cli, detail, sizeof(detail), text));
        print_usage(cli);
    }
    r->exit_override = EXIT_USAGE;
    return report_finish(r);
}

/* The verdict is read from the exit code, so that the two cannot disagree. */
static const char *verdict_of(int code)
{
    if (code == EXIT_VERIFIED) {
        return "pass";
    }
    return code == EXIT_FALSE || code == EXIT_MALFORMED ? "fail" : "undecided";
}

static void print_json(struct report *r, int code)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;

    (void)json_object_set_new(r->root, "schema", json_string(r->schema));
    (void)json_object_set_new(r->root, "verdict", json_string(verdict_of(code)));
    (void)json_object_set(r->root, "reasons", r->reasons);
    (void)json_object_set(r->root, "checks", r->checks);
    if (att_json_print(&text, r->root) != ATT_OK) {
        /* never silent, and never a half object */
        (void)printf("{\"checks\":[],\"reasons\":[],\"schema\":\"%s\",\"verdict\":\"undecided\"}\n",
                     r->schema);
        return;
    }
    (void)fwrite(att_buf_slice(text).p, 1, att_buf_len(text), stdout);
    (void)printf("\n");
}

void report_drop(struct report *r)
{
    json_decref(r->root);
    json_decref(r->reasons);
    json_decref(r->checks);
}

int report_as_text(struct report *r, enum att_err err, const struct att_buf *text)
{
    const char *to = r->cli->output != NULL ? r->cli->output : "-";
    struct att_diag diag = {0};

    if (err == ATT_OK) {
        err = att_file_write(to, att_buf_slice(text), 0644, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    report_drop(r);
    return EXIT_VERIFIED;
}

int report_finish(struct report *r)
{
    static const int CODES[] = {EXIT_VERIFIED, EXIT_UNDECIDED, EXIT_FALSE, EXIT_MALFORMED};
    int code = r->exit_override != 0 ? r->exit_override : CODES[r->verdict];

    if (r->cli->json) {
        print_json(r, code);
    }
    report_drop(r);
    return code;
}

json_t *json_hex(struct att_slice in)
{
    char text[2 * 128 + 1];

    return json_string(att_hex_encode(text, sizeof(text), in));
}

bool confirmed(const struct cli *cli, const char *id, const char *what)
{
    char line[16] = "";

    if (cli->yes) {
        return true;
    }
    if (cli->no_input || isatty(STDIN_FILENO) == 0) {
        return false;
    }
    (void)fprintf(stderr, "%s: %s [y/N] ", id, what);
    return fgets(line, sizeof(line), stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
}
