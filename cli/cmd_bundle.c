/* bundle create and verify: files and words. What a bundle is worth lib/appraise decides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise/bundle.h"
#include "appraise/offline.h"
#include "base/clock.h"
#include "base/file.h"
#include "bundle_data.h"
#include "commands.h"
#include "label_text.h"
#include "label_verdict.h"
#include "tlog/checkpoint.h"
#include "tlog/proof_text.h"
#include "trust.h"

#define PROOF_HEAD "c2sp.org/tlog-proof@"

/* --- create --- */

/* The files that a bundle is made of; it borrows them. */
struct making {
    struct att_buf *label, *checkpoint, *status; /* owned */
    struct bundle_data data;
    struct att_proof_text proof;
    struct att_bundle_file bundle;
};

static void making_clear(struct making *m)
{
    att_buf_free(m->label);
    att_buf_free(m->checkpoint);
    att_buf_free(m->status);
    bundle_data_clear(&m->data);
}

/* What is no label at all is not packed as one. */
static enum att_err take_label(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_label *label = calloc(1, sizeof(*label));
    struct att_cose cose;
    enum att_err err = att_file_read(&m->label, path, ATT_LABEL_MAX, diag);

    if (label == NULL) {
        return att_fail(diag, ATT_E_NOMEM, ATT_R_NOMEM, "label", "no memory");
    }
    if (err == ATT_OK) {
        m->bundle.label = att_buf_slice(m->label);
        err = att_cose_parse(&cose, m->bundle.label, diag);
    }
    if (err == ATT_OK) {
        err = att_label_read(label, cose.payload_untrusted, diag);
    }
    free(label);
    return err;
}

/* A checkpoint, or a proof of C2SP, which has one and the way to it. */
static enum att_err take_checkpoint(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_tree_head head;
    struct att_note note;
    struct att_slice in;
    enum att_err err = att_file_read(&m->checkpoint, path, ATT_NOTE_MAX, diag);

    if (err != ATT_OK) {
        return err;
    }
    in = att_buf_slice(m->checkpoint);
    if (in.len > strlen(PROOF_HEAD) && memcmp(in.p, PROOF_HEAD, strlen(PROOF_HEAD)) == 0) {
        err = att_proof_text_parse(&m->proof, in, diag);
        m->bundle.path = m->proof.path;
        m->bundle.has_path = true;
        in = m->proof.checkpoint;
    }
    if (err == ATT_OK) {
        err = att_note_parse(&note, in, diag);
    }
    if (err == ATT_OK) {
        err = att_tree_head_parse(&head, note.text, diag);
    }
    m->bundle.checkpoint = in;
    return err;
}

static enum att_err take_status(struct making *m, const char *path, struct att_diag *diag)
{
    struct att_status_token *t = NULL;
    enum att_err err = att_file_read(&m->status, path, ATT_STATUS_FILE_MAX, diag);

    if (err == ATT_OK) {
        m->bundle.status = att_buf_slice(m->status);
        err = att_status_token_parse(&t, m->bundle.status, diag);
    }
    att_status_token_free(t);
    return err;
}

static enum att_err make(struct making *m, const char *output, struct att_diag *diag)
{
    ATT_CLEANUP(att_buf_freep) struct att_buf *made = NULL;
    enum att_err err = att_bundle_file_encode(&made, &m->bundle);

    if (err != ATT_OK) {
        return att_fail(diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "bundle",
                        "it could not be made");
    }
    return att_file_write(output, att_buf_slice(made), 0644, diag);
}

/* Which batches; 0 for to: the last one. */
struct batch_range {
    uint64_t from, to;
};

static bool take_number(uint64_t *out, const char *text)
{
    char *end = NULL;

    if (text == NULL) {
        return true;
    }
    *out = strtoull(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && strlen(text) < 19;
}

static int take_numbers(struct report *r, struct batch_range *range, const char *data,
                        const char *from, const char *to)
{
    if (data == NULL && (from != NULL || to != NULL)) {
        return report_usage(r, from != NULL ? "--from" : "--to", "expected --data DIR with it");
    }
    if (!take_number(&range->from, from)) {
        return report_usage(r, "--from", "expected the number of a batch");
    }
    if (!take_number(&range->to, to)) {
        return report_usage(r, "--to", "expected the number of a batch");
    }
    return OPTIONS_OK;
}

static int tell_packed(struct report *r)
{
    char shown[512];

    (void)text_safe(shown, sizeof(shown), r->cli->output);
    (void)json_object_set_new(r->root, "verified", json_false());
    (void)json_object_set_new(r->root, "saved", json_string(shown));
    if (strcmp(r->cli->output, "-") == 0) {
        report_drop(r);
        return EXIT_VERIFIED;
    }
    report_line(r, "%s: attestctl bundle verify %s",
                tr(r->cli, "packed, NOT VERIFIED. Next", "まとめました (未検証)。次"), shown);
    return report_finish(r);
}

int cmd_bundle_create(struct cli *cli, int argc, char **argv)
{
    struct report r = report_start(cli, "attestctl.bundle-create.v1");
    ATT_CLEANUP(making_clear) struct making m = {0};
    const char *checkpoint = NULL;
    const char *status = NULL;
    const char *data = NULL;
    const char *from = NULL;
    const char *to = NULL;
    const struct option_spec options[] = {
        {"data", &data, NULL, "DIR", "batches, specifications and labels that the agent keeps",
         "エージェントが保存するバッチ、仕様、ラベルのフォルダー"},
        {"from", &from, NULL, "NUMBER", "of the data, batches from this number on",
         "データのうち、この番号以降のバッチ"},
        {"to", &to, NULL, "NUMBER", "up to this number", "この番号までのバッチ"},
        {"checkpoint", &checkpoint, NULL, "FILE",
         "a checkpoint of the log, or a proof (tlog-proof) of the label's entry",
         "ログのチェックポイント、またはラベルの項目の証明 (tlog-proof)"},
        {"status", &status, NULL, "FILE", "the status list that the label names",
         "ラベルが示すステータスリスト"}};
    struct batch_range range = {0, 0};
    struct att_diag diag = {0};
    int code = options_parse(&r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;

    if (code != OPTIONS_OK) {
        return code;
    }
    code = output_needed(&r, true);
    if (code != OPTIONS_OK) {
        return code;
    }
    code = take_numbers(&r, &range, data, from, to);
    if (code != OPTIONS_OK) {
        return code;
    }
    err = take_label(&m, argv[1], &diag);
    if (err == ATT_OK && data != NULL) {
        err = bundle_data_take(&m.data, &m.bundle, data, range.from, range.to, &diag);
    }
    if (err == ATT_OK && checkpoint != NULL) {
        err = take_checkpoint(&m, checkpoint, &diag);
    }
    if (err == ATT_OK && status != NULL) {
        err = take_status(&m, status, &diag);
    }
    if (err == ATT_OK) {
        err = make(&m, cli->output, &diag);
    }
    return err == ATT_OK ? tell_packed(&r) : report_failure(&r, err, &diag);
}

/* --- verify --- */

struct verifying {
    struct report r;
    struct trust trust;
    struct att_buf *file, *newer, *list_file; /* owned */
    struct att_offline_list list;
};

static void verifying_clear(struct verifying *v)
{
    att_offline_list_close(&v->list);
    att_buf_freep(&v->file);
    att_buf_freep(&v->newer);
    att_buf_freep(&v->list_file);
    trust_clear(&v->trust);
}

/* A newer list than the one inside. */
static enum att_err open_list(struct verifying *v, const char *path, struct att_diag *diag)
{
    enum att_err err = att_file_read(&v->list_file, path, ATT_STATUS_FILE_MAX + 1, diag);

    if (err == ATT_OK) {
        err = att_offline_list_open(&v->list, att_buf_slice(v->list_file), v->trust.anchors);
        v->trust.rules.status_list = &v->list;
    }
    return err;
}

static enum att_err open_newer(struct verifying *v, const char *path, struct att_diag *diag)
{
    enum att_err err = att_file_read(&v->newer, path, ATT_BUNDLE_MAX, diag);

    if (err == ATT_OK && att_buf_len(v->newer) == 0) {
        err = att_fail(diag, ATT_E_FORMAT, ATT_R_FMT_BUNDLE, "--newer", "the file is empty");
    }
    if (err == ATT_OK) {
        v->trust.rules.newer = att_buf_slice(v->newer);
    }
    return err;
}

/* The label inside, for its name; empty when the bundle is none. */
static struct att_slice label_of(struct att_slice bundle)
{
    struct att_bundle_file b = {0};

    return att_bundle_file_parse(&b, bundle, NULL) == ATT_OK ? b.label : (struct att_slice){0};
}

static int judge(struct verifying *v)
{
    struct att_offline *o = calloc(1, sizeof(*o));
    struct att_diag diag = {0};
    json_t *unchecked = json_array();
    json_t *label = NULL;
    enum att_err err = o == NULL
                           ? ATT_E_NOMEM
                           : att_offline_check_bundle(o, att_buf_slice(v->file), v->trust.anchors,
                                                      &v->trust.rules, v->r.cli->at);

    if (err != ATT_OK) {
        free(o);
        json_decref(unchecked);
        (void)att_fail(&diag, err, err == ATT_E_NOMEM ? ATT_R_NOMEM : ATT_R_INTERNAL, "bundle",
                       "it could not be judged");
        return report_failure(&v->r, err, &diag);
    }
    label = label_verdict_tell(&v->r, o, label_of(att_buf_slice(v->file)), unchecked);
    bundle_data_tell(&v->r, o);
    (void)json_object_set_new(v->r.root, "not_checked", unchecked);
    if (label != NULL) {
        (void)json_object_set_new(v->r.root, "label", label);
    }
    report_worsen(&v->r, label_verdict(o));
    label_verdict_print(&v->r, label_verdict(o),
                        o->has_label && o->label.status == ATT_TIER_WARNING);
    free(o);
    return report_finish(&v->r);
}

int cmd_bundle_verify(struct cli *cli, int argc, char **argv)
{
    ATT_CLEANUP(verifying_clear)
    struct verifying v = {.r = report_start(cli, "attestctl.bundle-verify.v1")};
    const char *accept[OPTION_MANY] = {NULL};
    bool warning = false;
    bool failed = false;
    const char *device = NULL;
    const char *status = NULL;
    const char *newer = NULL;
    const struct option_spec options[] = {
        {"accept", accept, NULL, "WHAT...", "also take, and show: warning, failed-checks",
         "受け入れて表示するもの: warning (警告の状態)、failed-checks (機器が不合格とした記録)"},
        {"device", &device, NULL, "ID", "the label must be for this device",
         "この機器のラベルであること"},
        {"status", &status, NULL, "FILE", "a newer status list than the one inside",
         "バンドル内より新しいステータスリスト"},
        {"newer", &newer, NULL, "FILE",
         "a bundle, label or checkpoint of later: is this label superseded?",
         "より新しいバンドル、ラベル、チェックポイント (置き換えの確認)"}};
    struct att_diag diag = {0};
    int code = options_parse(&v.r, options, ATT_COUNT(options), &argc, argv);
    enum att_err err = ATT_OK;
    char shown[64];

    if (code != OPTIONS_OK) {
        return code;
    }
    for (size_t i = 0; accept[i] != NULL; i++) {
        if (strcmp(accept[i], "warning") == 0) {
            warning = true;
        } else if (strcmp(accept[i], "failed-checks") == 0) {
            failed = true;
        } else {
            return report_usage(&v.r, "--accept", "expected warning or failed-checks, found %s",
                                text_safe(shown, sizeof(shown), accept[i]));
        }
    }
    err = trust_load(&v.trust, cli->trust, &diag);
    if (err == ATT_OK && status != NULL) {
        err = open_list(&v, status, &diag);
    }
    if (err == ATT_OK && newer != NULL) {
        err = open_newer(&v, newer, &diag);
    }
    if (err == ATT_OK) {
        err = att_file_read(&v.file, argv[1], ATT_BUNDLE_MAX + 1, &diag);
    }
    if (err != ATT_OK) {
        return report_failure(&v.r, err, &diag);
    }
    v.trust.rules.accept_warning = warning;
    v.trust.rules.accept_failed_checks = failed;
    v.trust.rules.device_id = device;
    (void)json_object_set_new(v.r.root, "evaluated_at", label_json_time(cli->at));
    return judge(&v);
}
