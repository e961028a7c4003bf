/* key show, rotate, revoke, export: the keys that a verifier signs labels and its log with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "codec/json.h"
#include "commands.h"

#define DAY_S      86400
#define DAYS_MAX   366
#define KEY_DIGITS 64
#define NAME_MAX_  64

static bool is_kind(const char *word)
{
    return strcmp(word, "label") == 0 || strcmp(word, "log") == 0;
}

bool key_name_ok(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= NAME_MAX_ &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

static enum att_err post(struct online_request *req, const json_t *what, json_t **answer,
                         struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;

    if (what == NULL || att_json_print(&text, what) != ATT_OK) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "key", "no memory");
    }
    req->method = "POST";
    req->body = att_buf_slice(text);
    return online_admin(req, answer, diag);
}

static const char *text_of(const json_t *row, const char *member)
{
    const char *text = json_string_value(json_object_get(row, member));

    return text != NULL ? text : "";
}

/* --- show --- */

static void tell_row(const struct report *r, const json_t *row)
{
    const struct cli *cli = r->cli;
    const json_t *ends = json_object_get(row, "ends");
    const json_t *revoked = json_object_get(row, "revoked");
    char shown[80], name[96];

    report_line(r, "  %s", text_safe(shown, sizeof(shown), text_of(row, "key")));
    if (text_of(row, "name")[0] != '\0') {
        report_field(r, tr(cli, "name", "名前"), "%s",
                     text_safe(name, sizeof(name), text_of(row, "name")));
    }
    if (json_is_true(json_object_get(row, "in_force"))) {
        report_field(r, tr(cli, "in force", "有効"), "%s %lld",
                     tr(cli, "from entry", "項目番号から:"),
                     (long long)json_integer_value(json_object_get(row, "begins")));
    } else {
        report_field(r, tr(cli, "signed", "署名した項目"), "%lld %s %lld",
                     (long long)json_integer_value(json_object_get(row, "begins")),
                     tr(cli, "to before", "から次の前まで:"), (long long)json_integer_value(ends));
    }
    if (json_is_integer(revoked)) {
        report_field(r, tr(cli, "revoked", "失効"), "%s %lld", tr(cli, "entry", "項目"),
                     (long long)json_integer_value(revoked));
    }
    if (text_of(row, "cosigns_until")[0] != '\0') {
        report_field(r, tr(cli, "cosigns until", "併署の期限"), "%s",
                     text_safe(shown, sizeof(shown), text_of(row, "cosigns_until")));
    }
    if (text_of(row, "expires")[0] != '\0') {
        report_field(r, tr(cli, "certificate ends", "証明書の期限"), "%s",
                     text_safe(shown, sizeof(shown), text_of(row, "expires")));
    }
}

static void tell_kind(const struct report *r, const json_t *rows, const char *title)
{
    size_t i = 0;
    const json_t *row = NULL;

    report_line(r, "%s", title);
    json_array_foreach(rows, i, row)
    {
        tell_row(r, row);
    }
}

int cmd_key_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.key-show.v1");
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct online_request req = {
        .kind = "admin", .method = "GET", .target = "/admin/v1/keys", .socket = cli->socket};
    const struct option_spec options[] = {
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    err = online_admin(&req, &answer, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set(r.root, "keys", answer);
    tell_kind(&r, json_object_get(answer, "label"), tr(cli, "label keys", "ラベルの鍵"));
    tell_kind(&r, json_object_get(answer, "log"), tr(cli, "keys of the log", "ログの鍵"));
    return report_finish(&r);
}

/* --- rotate and revoke --- */

static void tell_change(const struct report *r, const json_t *answer)
{
    const struct cli *cli = r->cli;
    bool label = strcmp(text_of(answer, "kind"), "label") == 0;
    bool compromised = strcmp(text_of(answer, "reason"), "compromised") == 0;
    char shown[96];

    report_field(r, tr(cli, "before", "以前の鍵"), "%s",
                 text_safe(shown, sizeof(shown), text_of(answer, "before")));
    report_field(r, tr(cli, "in force", "有効な鍵"), "%s",
                 text_safe(shown, sizeof(shown), text_of(answer, "now")));
    report_field(r, tr(cli, "log entry", "ログの項目"), "%lld",
                 (long long)json_integer_value(json_object_get(answer, "outcome")));
    if (label && compromised) {
        report_field(r, tr(cli, "labels revoked", "失効したラベル"), "%lld",
                     (long long)json_integer_value(json_object_get(answer, "labels")));
        report_line(r, "%s attestctl key export %s --output FILE",
                    tr(cli, "for partners (trust revoke):", "取引先向け (trust revoke):"),
                    text_safe(shown, sizeof(shown), text_of(answer, "before")));
    }
    if (text_of(answer, "cosigns_until")[0] != '\0') {
        report_line(r, "%s %s",
                    tr(cli, "the key before cosigns checkpoints until", "以前の鍵が併署する期限:"),
                    text_safe(shown, sizeof(shown), text_of(answer, "cosigns_until")));
    }
}

static int finish_change(struct report *r, struct online_request *req, const json_t *what)
{
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct att_diag diag = {0};
    enum att_err err = post(req, what, &answer, &diag);

    if (err != ATT_OK) {
        return report_failure(r, err, &diag);
    }
    (void)json_object_set(r->root, "change", answer);
    tell_change(r, answer);
    return report_finish(r);
}

/* Days in decimal digits, 0 to 366. */
static bool read_days(json_int_t *out, const char *text)
{
    long value = 0;

    if (text[0] == '\0' || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text)) {
        return false;
    }
    value = strtol(text, NULL, 10);
    *out = (json_int_t)value * DAY_S;
    return value <= DAYS_MAX;
}

struct rotating {
    const char *days;
    bool compromised;
    json_int_t over_s;
};

static int check_rotation(struct report *r, struct rotating *o, char **argv)
{
    char shown[80];

    if (!is_kind(argv[1])) {
        return report_usage(r, "arguments", "expected %s, found %s", "label or log",
                            text_safe(shown, sizeof(shown), argv[1]));
    }
    if (!key_name_ok(argv[2])) {
        return report_usage(r, "arguments", "expected %s, found %s",
                            "the name that key create was given: a-z 0-9 - _",
                            text_safe(shown, sizeof(shown), argv[2]));
    }
    if (o->days != NULL && (strcmp(argv[1], "log") != 0 || o->compromised)) {
        return report_usage(r, "--hand-over", "expected %s, found %s",
                            "a key of the log that is rotated",
                            o->compromised ? "--compromised" : "a label key");
    }
    if (o->days != NULL && !read_days(&o->over_s, o->days)) {
        return report_usage(r, "--hand-over", "expected %s, found %s", "0 to 366 days",
                            text_safe(shown, sizeof(shown), o->days));
    }
    return OPTIONS_OK;
}

int cmd_key_rotate(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.key-rotate.v1");
    ATT_CLEANUP(att_json_freep) json_t *what = NULL;
    struct online_request req = {
        .kind = "admin", .target = "/admin/v1/keys/rotate", .socket = cli->socket};
    struct rotating o = {0};
    const struct option_spec options[] = {
        {"compromised", NULL, &o.compromised, NULL,
         "the key in force may be in strange hands: it ends, with its labels",
         "現在の鍵が漏洩した可能性がある: 直ちに失効させ、そのラベルも失効させる"},
        {"hand-over", &o.days, NULL, "DAYS", "log: so long the key before cosigns checkpoints (30)",
         "log: 以前の鍵がチェックポイントに併署する日数 (30)"},
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);

    if (code == OPTIONS_OK) {
        code = check_rotation(&r, &o, argv);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    if (!confirmed(cli, argv[2],
                   o.compromised
                       ? tr(cli,
                            "takes over now, and what the key before signed is revoked for good",
                            "が直ちに引き継ぎ、以前の鍵が署名したものは失効します (取り消せません)")
                       : tr(cli, "takes over for good: the key before does not come back",
                            "が引き継ぎます。以前の鍵には戻せません"))) {
        return report_usage(&r, "--yes", "expected %s, found nothing",
                            "--yes: a key does not come back");
    }
    what = json_pack("{s:s, s:s, s:s}", "kind", argv[1], "name", argv[2], "reason",
                     o.compromised ? "compromised" : "rotated");
    if (o.days != NULL && what != NULL) {
        (void)json_object_set_new(what, "hand_over_s", json_integer(o.over_s));
    }
    return finish_change(&r, &req, what);
}

/* 64 hexadecimal digits as they are shown; people put colons and spaces between them. */
static bool take_digits(char out[KEY_DIGITS + 1], const char *text)
{
    size_t n = 0;

    for (const char *c = text; *c != '\0'; c++) {
        if (*c == ':' || *c == ' ') {
            continue;
        }
        if (n == KEY_DIGITS) {
            return false;
        }
        out[n++] = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
    }
    out[n] = '\0';
    return n == KEY_DIGITS && strspn(out, "0123456789abcdef") == KEY_DIGITS;
}

static int bad_digits(struct report *r, const char *text)
{
    char shown[80];

    return report_usage(r, "arguments", "expected %s, found %s",
                        "a SHA-256 of 64 digits, as key show prints it",
                        text_safe(shown, sizeof(shown), text));
}

int cmd_key_revoke(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.key-revoke.v1");
    ATT_CLEANUP(att_json_freep) json_t *what = NULL;
    struct online_request req = {
        .kind = "admin", .target = "/admin/v1/keys/revoke", .socket = cli->socket};
    const struct option_spec options[] = {
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    char digits[KEY_DIGITS + 1];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);

    if (code != OPTIONS_OK) {
        return code;
    }
    if (!take_digits(digits, argv[1])) {
        return bad_digits(&r, argv[1]);
    }
    if (!confirmed(cli, digits,
                   tr(cli, "will be revoked for good, and with it the labels that it signed",
                      "とその鍵が署名したラベルを失効させます (取り消せません)"))) {
        return report_usage(&r, "--yes", "expected %s, found nothing",
                            "--yes: what is revoked stays revoked");
    }
    what = json_pack("{s:s}", "key", digits);
    return finish_change(&r, &req, what);
}

/* --- export --- */

int cmd_key_export(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.key-export.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    char path[128], digits[KEY_DIGITS + 1], shown[512];
    struct online_request req = {
        .kind = "admin", .method = "GET", .target = path, .socket = cli->socket};
    const struct option_spec options[] = {
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code == OPTIONS_OK) {
        code = output_needed(&r, true);
    }
    if (code != OPTIONS_OK) {
        return code;
    }
    if (!take_digits(digits, argv[1])) {
        return bad_digits(&r, argv[1]);
    }
    (void)snprintf(path, sizeof(path), "/admin/v1/keys/%s/revocation", digits);
    err = online_bytes(&req, &body, &diag);
    if (err == ATT_OK) {
        err = att_file_write(cli->output, att_buf_slice(body), 0644, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    if (strcmp(cli->output, "-") == 0) {
        report_drop(&r);
        return EXIT_VERIFIED;
    }
    (void)text_safe(shown, sizeof(shown), cli->output);
    (void)json_object_set_new(r.root, "saved", json_string(shown));
    report_line(&r, "%s: attestctl trust revoke %s",
                tr(cli, "saved. For partners", "保存しました。取引先は次を実行"), shown);
    return report_finish(&r);
}
