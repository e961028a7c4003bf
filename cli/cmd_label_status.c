/* label revoke, suspend, restore: the verifier's administrator takes labels back, or not any more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec/json.h"
#include "commands.h"
#include "label_text.h"

/* What is asked of the verifier, and how it is told. */
struct taking {
    const char *schema, *target;
    bool for_good;
    const char *en, *ja;
};

static enum att_err ask(json_t **answer, struct online_request *req, const char *id,
                        const char *why, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *text = NULL;
    ATT_CLEANUP(att_json_freep)
    json_t *what = json_pack("{s:s, s:s}", label_is_id(id) ? "cti" : "id", id, "reason", why);
    enum att_err err = what != NULL ? att_json_print(&text, what) : ATT_E_FORMAT;

    if (err != ATT_OK) {
        return att_fail(diag, err, ATT_R_USAGE, "--reason", "expected UTF-8 text");
    }
    req->body = att_buf_slice(text);
    return online_admin(req, answer, diag);
}

static long long number(const json_t *answer, const char *key)
{
    return (long long)json_integer_value(json_object_get(answer, key));
}

static void tell(const struct report *r, const struct taking *t, const char *id,
                 const json_t *answer)
{
    const struct cli *cli = r->cli;

    if (!json_is_true(json_object_get(answer, "changed"))) {
        report_line(r, "%s: %s", id,
                    tr(cli, "nothing to change; it is so already", "変更なし (既にその状態です)"));
        return;
    }
    report_line(r, "%s: %s %lld, %s %lld", id, tr(cli, t->en, t->ja), number(answer, "labels"),
                tr(cli, "log entry", "ログの項目"), number(answer, "outcome"));
    if (json_is_true(json_object_get(answer, "unlisted"))) {
        report_line(r, "  %s",
                    tr(cli, "older labels are in no status list and count until they expire",
                       "古いラベルはリストの対象外で、期限まで有効です"));
    }
    if (!label_is_id(id) && t->for_good) {
        report_line(r, "  %s",
                    tr(cli, "it gets no label until it enrols again (device allow --replace)",
                       "再登録 (device allow --replace) までラベルは発行されません"));
    }
}

static int run(struct cli *cli, int argc, char **argv, const struct taking *t)
{
    struct report r = report_start(cli, t->schema);
    ATT_CLEANUP(att_json_freep) json_t *answer = NULL;
    struct online_request req = {
        .kind = "admin", .method = "POST", .target = t->target, .socket = cli->socket};
    const char *why = NULL;
    const struct option_spec options[] = {
        {"reason", &why, NULL, "TEXT", "why: kept in the records, not in the public log",
         "理由: 記録に残る (公開ログには出ない)"},
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"}};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;
    char shown[64];

    if (code != OPTIONS_OK) {
        return code;
    }
    if (!plain_id(argv[1])) {
        return report_usage(&r, "arguments", "expected %s, found %s",
                            "the id of a gateway or a label",
                            text_safe(shown, sizeof(shown), argv[1]));
    }
    if (why == NULL || why[0] == '\0') {
        return report_usage(&r, "--reason", "expected %s, found nothing", "--reason TEXT");
    }
    if (t->for_good && !confirmed(cli, argv[1],
                                  tr(cli, "labels will be revoked for good",
                                     "ラベルを失効させます (取り消せません)"))) {
        return report_usage(&r, "--yes", "expected %s, found nothing",
                            "--yes: what is revoked stays revoked");
    }
    err = ask(&answer, &req, argv[1], why, &diag);
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)json_object_set(r.root, "labels", answer);
    tell(&r, t, argv[1], answer);
    return report_finish(&r);
}

int cmd_label_revoke(struct cli *cli, int argc, char **argv)
{
    static const struct taking t = {"attestctl.label-revoke.v1", "/admin/v1/labels/revoke", true,
                                    "labels revoked:", "失効したラベル:"};

    return run(cli, argc, argv, &t);
}

int cmd_label_suspend(struct cli *cli, int argc, char **argv)
{
    static const struct taking t = {"attestctl.label-suspend.v1", "/admin/v1/labels/suspend", false,
                                    "labels suspended:", "一時停止したラベル:"};

    return run(cli, argc, argv, &t);
}

int cmd_label_restore(struct cli *cli, int argc, char **argv)
{
    static const struct taking t = {"attestctl.label-restore.v1", "/admin/v1/labels/restore", false,
                                    "labels restored:", "復帰したラベル:"};

    return run(cli, argc, argv, &t);
}
