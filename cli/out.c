/* Outcomes as text for people or as one JSON object, and as an exit code that agrees with the verdict. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "cli.h"
#include "codec/json.h"

static const char *const STATES[] = {"pass", "fail", "not-run", "not-applicable"};

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

void report_line(const struct report *r, const char *fmt, ...)
{
    va_list args;

    if (r->cli->json || r->cli->quiet) {
        return;
    }
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)printf("\n");
}

/* A word stands beside every mark, so colour and sign are never alone. */
static void print_mark(const struct report *r, enum check_state state, const char *id)
{
    static const char *const MARKS[] = {"\u2714", "\u2718", "?", "-"};
    static const char *const COLORS[] = {"\033[32m", "\033[31m", "\033[33m", ""};
    static const char *const JA[] = {"適合", "不適合", "未実施", "対象外"};
    bool color = r->cli->color && COLORS[state][0] != '\0';

    if (r->cli->json || r->cli->quiet) {
        return;
    }
    (void)printf("%s%s %-16s %s%s", color ? COLORS[state] : "", MARKS[state], id,
                 r->cli->lang == LANG_JA ? JA[state] : STATES[state], color ? "\033[0m" : "");
}

static void print_reason(const struct report *r, enum att_reason reason, const char *path,
                         const char *text)
{
    const struct att_reason_info *info = att_reason_info(reason);

    if (r->cli->json || r->cli->quiet) {
        return;
    }
    (void)printf("  %s  %s%s%s\n", info->code, tr(r->cli, info->en, info->ja),
                 path[0] != '\0' ? ": " : "", path);
    if (text[0] != '\0') {
        (void)printf("      %s\n", text);
    }
    if (info->fix_en[0] != '\0') {
        (void)printf("      \u2192 %s\n", tr(r->cli, info->fix_en, info->fix_ja));
    }
}

void report_reason(struct report *r, const char *code, const char *path, const char *text)
{
    enum att_reason reason = att_reason_find(code);
    const struct att_reason_info *info = att_reason_info(reason);

    (void)json_array_append_new(r->reasons,
                                json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", code, "path", path,
                                          "en", info->en, "ja", info->ja, "detail", text));
    print_reason(r, reason, path, text);
}

void report_check(struct report *r, const char *id, enum check_state state,
                  const struct att_diag *why)
{
    bool has_why = why != NULL && why->reason != ATT_R_NONE;

    (void)json_array_append_new(r->checks,
                                json_pack("{s:s, s:s}", "id", id, "status", STATES[state]));
    print_mark(r, state, id);
    if (!r->cli->json && !r->cli->quiet && !has_why) {
        (void)printf("\n");
    }
    if (has_why) {
        report_reason(r, att_reason_code(why->reason), why->field != NULL ? why->field : "",
                      why->text);
    }
    if (state == C_FAIL) {
        report_worsen(r, V_FAIL);
    }
}

void complain(const struct cli *cli, const struct att_diag *diag)
{
    const struct att_reason_info *info = att_reason_info(diag->reason);
    char line[400];

    (void)fprintf(stderr, "attestctl: %s\n", att_diag_print(line, sizeof(line), diag));
    (void)fprintf(stderr, "  %s\n", tr(cli, info->en, info->ja));
    if (info->fix_en[0] != '\0') {
        (void)fprintf(stderr, "  \u2192 %s\n", tr(cli, info->fix_en, info->fix_ja));
    }
}

static int exit_for(enum att_err err, enum att_reason reason)
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

int report_failure(struct report *r, enum att_err err, const struct att_diag *diag)
{
    int code = exit_for(err, diag->reason);

    r->exit_override = code;
    r->verdict = code == EXIT_FALSE ? V_FAIL : code == EXIT_MALFORMED ? V_MALFORMED : V_UNDECIDED;
    if (r->cli->json) {
        report_reason(r, att_reason_code(diag->reason), diag->field != NULL ? diag->field : "",
                      diag->text);
    }
    complain(r->cli, diag);
    return report_finish(r);
}

static void print_json(struct report *r)
{
    static const char *const VERDICTS[] = {"pass", "undecided", "fail", "fail"};
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;

    (void)json_object_set_new(r->root, "schema", json_string(r->schema));
    (void)json_object_set_new(r->root, "verdict", json_string(VERDICTS[r->verdict]));
    (void)json_object_set(r->root, "reasons", r->reasons);
    (void)json_object_set(r->root, "checks", r->checks);
    if (att_json_print(&text, r->root) == ATT_OK) {
        (void)fwrite(att_buf_slice(text).p, 1, att_buf_len(text), stdout);
        (void)printf("\n");
    }
}

int report_finish(struct report *r)
{
    static const int CODES[] = {EXIT_VERIFIED, EXIT_UNDECIDED, EXIT_FALSE, EXIT_MALFORMED};
    int code = r->exit_override != 0 ? r->exit_override : CODES[r->verdict];

    if (r->cli->json) {
        print_json(r);
    }
    json_decref(r->root);
    json_decref(r->reasons);
    json_decref(r->checks);
    /* an answer that could not be written is no answer */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return EXIT_UNDECIDED;
    }
    return code;
}

json_t *json_hex(struct att_slice in)
{
    char text[2 * 128 + 1];

    return json_string(att_hex_encode(text, sizeof(text), in));
}
