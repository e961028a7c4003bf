/* label verify: offline, with the code that the verifier itself uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/offline.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "commands.h"
#include "label_text.h"
#include "label_verdict.h"
#include "trust.h"

struct verifying {
    struct report r;
    struct trust trust;
    struct att_buf *list_file; /* --status, or NULL; the list borrows it */
    struct att_offline_list list;
    json_t *files;
    bool several, denied;
    size_t count[V_MALFORMED + 1];
};

/* One entry of files[]: what a script needs of each, in the order given. */
static void keep_file(struct verifying *w, const char *path, enum verdict v, json_t *label,
                      json_t *unchecked)
{
    static const char *const NAMES[] = {"pass", "undecided", "fail", "fail"};
    static const int CODES[] = {EXIT_VERIFIED, EXIT_UNDECIDED, EXIT_FALSE, EXIT_MALFORMED};
    json_t *codes = json_array();
    json_t *entry = json_pack("{s:s, s:s, s:i, s:o, s:o}", "file", path, "verdict", NAMES[v],
                              "exit", CODES[v], "reasons", codes, "not_checked", unchecked);
    size_t i = 0;
    json_t *reason = NULL;

    json_array_foreach(w->r.reasons, i, reason)
    {
        const char *file = json_string_value(json_object_get(reason, "file"));

        if (!w->several || (file != NULL && strcmp(file, path) == 0)) {
            (void)json_array_append(codes, json_object_get(reason, "code"));
        }
    }
    if (label != NULL) {
        (void)json_object_set(entry, "label", label);
    }
    (void)json_array_append_new(w->files, entry);
    if (!w->several) {
        (void)json_object_set(w->r.root, "not_checked", unchecked);
        if (label != NULL) {
            (void)json_object_set(w->r.root, "label", label);
        }
    }
    json_decref(label);
    w->count[v]++;
    report_worsen(&w->r, v);
}

/* A file that cannot be read leaves the others to be judged. Too large to be a label is malformed. */
static void unreadable(struct verifying *w, const char *path, enum att_err err,
                       const struct att_diag *diag)
{
    int code = exit_for(err, diag->reason);
    enum verdict v = code == EXIT_MALFORMED ? V_MALFORMED : V_UNDECIDED;

    report_trouble(&w->r, diag);
    label_verdict_print(&w->r, v, false);
    w->denied = w->denied || code == EXIT_PERMISSION;
    keep_file(w, path, v, NULL, json_array());
}

static void verify_one(struct verifying *w, const char *name, struct att_offline *o)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *file = NULL;
    json_t *unchecked = NULL;
    json_t *label = NULL;
    struct att_diag diag = {0};
    char path[512];
    enum att_err err = att_file_read(&file, name, ATT_LABEL_MAX + 1, &diag);

    (void)text_safe(path, sizeof(path), name);
    w->r.about = w->several ? path : NULL;
    report_line(&w->r, "%s", path);
    if (err == ATT_OK) {
        err = att_offline_check(o, att_buf_slice(file), w->trust.anchors, &w->trust.rules,
                                w->r.cli->at);
        if (err != ATT_OK) {
            (void)att_fail(&diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "label",
                           "it could not be judged");
        }
    }
    if (err != ATT_OK) {
        unreadable(w, path, err, &diag);
        return;
    }
    unchecked = json_array();
    label = label_verdict_tell(&w->r, o, att_buf_slice(file), unchecked);
    label_verdict_print(&w->r, label_verdict(o),
                        o->has_label && o->label.status == ATT_TIER_WARNING);
    keep_file(w, path, label_verdict(o), label, unchecked);
}

static void print_counts(const struct verifying *w)
{
    const struct cli *cli = w->r.cli;

    report_line(&w->r, "%s %zu, %s %zu, %s %zu, %s %zu", tr(cli, "verified", "検証済み"),
                w->count[V_PASS], tr(cli, "not verified", "不合格"), w->count[V_FAIL],
                tr(cli, "undecided", "判定不能"), w->count[V_UNDECIDED],
                tr(cli, "malformed", "形式不正"), w->count[V_MALFORMED]);
}

static int verify_all(struct verifying *w, int argc, char **argv)
{
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_diag diag = {0};

    if (o == NULL) {
        (void)att_fail(&diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory");
        return report_failure(&w->r, ATT_E_NOMEM, &diag);
    }
    w->several = argc > 2;
    for (int i = 1; i < argc; i++) {
        verify_one(w, argv[i], o);
    }
    free(o);
    w->r.about = NULL;
    if (w->several) {
        print_counts(w);
    }
    if (w->r.verdict == V_UNDECIDED && w->denied) {
        w->r.exit_override = EXIT_PERMISSION;
    }
    return report_finish(&w->r);
}

/* What the list is worth is said at each label; here only that it can be read. */
static enum att_err open_status_list(struct verifying *w, const char *path, struct att_diag *diag)
{
    enum att_err err = att_file_read(&w->list_file, path, ATT_STATUS_FILE_MAX + 1, diag);

    if (err != ATT_OK) {
        return err;
    }
    err = att_offline_list_open(&w->list, att_buf_slice(w->list_file), w->trust.anchors);
    if (err != ATT_OK) {
        *diag = w->list.why;
        return err;
    }
    w->trust.rules.status_list = &w->list;
    return ATT_OK;
}

static void close_all(struct verifying *w)
{
    att_offline_list_close(&w->list);
    att_buf_freep(&w->list_file);
    trust_clear(&w->trust);
}

int cmd_label_verify(struct cli *cli, int argc, char **argv)
{
    struct verifying w = {.r = report_start(cli, "attestctl.label-verify.v1")};
    const char *accept = NULL;
    const char *device = NULL;
    const char *status = NULL;
    bool insist = false;
    const struct option_spec options[] = {
        {"accept", &accept, NULL, "warning", "also take a status that is a warning, and show it",
         "状態が警告でも受け入れ、そう表示する"},
        {"device", &device, NULL, "ID", "the label must be for this device",
         "この機器のラベルであること"},
        {"status", &status, NULL, "FILE", "the issuer's status list: was the label revoked?",
         "発行者のステータスリスト (失効の確認)"},
        {"require-log", NULL, &insist, NULL,
         "a label without a receipt of a trusted log is refused",
         "信頼するログの受領証がないラベルは拒否する"}};
    struct att_diag diag = {0};
    int code = options_parse(&w.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;
    char shown[64];

    if (code != OPTIONS_OK) {
        return code;
    }
    if (accept != NULL && strcmp(accept, "warning") != 0) {
        return report_usage(&w.r, "--accept", "expected warning, found %s",
                            text_safe(shown, sizeof(shown), accept));
    }
    err = trust_load(&w.trust, cli->trust, &diag);
    if (err == ATT_OK && status != NULL) {
        err = open_status_list(&w, status, &diag);
    }
    if (err != ATT_OK) {
        close_all(&w);
        return report_failure(&w.r, err, &diag);
    }
    w.trust.rules.accept_warning = accept != NULL;
    w.trust.rules.device_id = device;
    w.trust.rules.log_insisted = insist;
    w.trust.rules.log_required = w.trust.rules.log_required || insist;
    w.files = json_array();
    (void)json_object_set_new(w.r.root, "files", w.files);
    (void)json_object_set_new(w.r.root, "evaluated_at", label_json_time(cli->at));
    code = verify_all(&w, argc, argv);
    close_all(&w);
    return code;
}
