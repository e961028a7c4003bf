/* label show, get: nothing here verifies, and both say so. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "commands.h"
#include "evidence/profile.h"
#include "label_text.h"
#include "sign/cose.h"

static enum att_err read_label(struct att_buf **file, struct att_label *label, const char *path,
                               struct att_diag *diag)
{
    struct att_cose cose;
    enum att_err err = att_file_read(file, path, ATT_LABEL_MAX, diag);

    if (err == ATT_OK) {
        err = att_cose_parse(&cose, att_buf_slice(*file), diag);
    }
    return err == ATT_OK ? att_label_read(label, cose.payload_untrusted, diag) : err;
}

int cmd_label_show(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.label-show.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    struct att_label *label = NULL;
    struct att_diag diag = {0};
    int code = options_parse(&r, NULL, 0, &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    label = calloc(1, sizeof(*label));
    err = label == NULL ? att_fail(&diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory")
                        : read_label(&file, label, argv[1], &diag);
    if (err != ATT_OK) {
        free(label);
        return report_failure(&r, err, &diag);
    }
    report_line(&r, "%s",
                tr(cli,
                   "NOT VERIFIED: these are the label's own words. Next: attestctl label verify",
                   "未検証: 以下はラベル自身の記載です。次: attestctl label verify"));
    (void)json_object_set_new(r.root, "verified", json_false());
    (void)json_object_set_new(r.root, "note", json_string("shown; not verified"));
    (void)json_object_set_new(r.root, "label", label_json(label));
    label_print(&r, label);
    label_reasons(&r, label);
    free(label);
    return report_finish(&r);
}

/* What an id is asked for over the administrator's socket. */
static const char *path_of(char *out, size_t cap, const char *id, bool list)
{
    if (list) {
        (void)snprintf(out, cap, "/admin/v1/status/%s", id);
        return out;
    }
    (void)snprintf(out, cap,
                   label_is_id(id) ? "/admin/v1/labels/%s" : "/admin/v1/labels/device/%s/current",
                   id);
    return out;
}

/* Saved is not verified; but what is no signed message at all is not saved as one. *list: it calls itself a list. */
static enum att_err check_and_save(bool *list, const struct cli *cli, struct att_slice bytes,
                                   struct att_diag *diag)
{
    struct att_cose cose;
    enum att_err err = att_cose_parse(&cose, bytes, diag);

    *list = err == ATT_OK && att_slice_eq(cose.typ, att_slice_str(ATT_TYPE_STATUS_LIST));
    return err == ATT_OK ? att_file_write(cli->output, bytes, 0644, diag) : err;
}

int cmd_label_get(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.label-get.v1");
    ATT_CLEANUP(att_buf_freep) struct att_buf *body = NULL;
    struct online_request req = {.kind = "admin", .method = "GET", .socket = cli->socket};
    bool list = false;
    const struct option_spec options[] = {
        {"ca", &req.ca, NULL, "FILE", "PEM of the verifier's certificate authority",
         "検証サーバーの認証局 (PEM)"},
        {"socket", &req.socket, NULL, "PATH", "the administrator's socket", "管理ソケット"},
        {"list", NULL, &list, NULL, "the number of a status list is given instead of an id",
         "ID の代わりにステータスリストの番号を指定する"}};
    struct att_diag diag = {0};
    char path[192];
    char shown[512];
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = output_needed(&r, true);
    if (code != OPTIONS_OK) {
        return code;
    }
    if (strchr(argv[1], ':') != NULL) {
        req.kind = "fetch";
        req.target = argv[1];
    } else if (plain_id(argv[1])) {
        req.target = path_of(path, sizeof(path), argv[1], list);
    } else {
        return report_usage(&r, "arguments", "expected %s, found %s", "an https URL or an id",
                            text_safe(shown, 64, argv[1]));
    }
    err = online_bytes(&req, &body, &diag);
    if (err == ATT_OK) {
        err = check_and_save(&list, cli, att_buf_slice(body), &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&r, err, &diag);
    }
    (void)text_safe(shown, sizeof(shown), cli->output);
    (void)json_object_set_new(r.root, "verified", json_false());
    (void)json_object_set_new(r.root, "saved", json_string(shown));
    if (strcmp(cli->output, "-") == 0) {
        report_drop(&r);
        return EXIT_VERIFIED;
    }
    report_line(&r, "%s: attestctl label verify %s%s%s",
                tr(cli, "saved, NOT VERIFIED. Next", "保存しました (未検証)。次"),
                list ? "--status " : "", shown, list ? tr(cli, " LABEL", " ラベル") : "");
    return report_finish(&r);
}
